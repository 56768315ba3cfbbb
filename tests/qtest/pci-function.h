/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function on bus 0 of the machines q35 and pc: configuration space
 * through ports 0xcf8 and 0xcfc, BARs, INTx and MSI-X.
 *
 * A vector's message is a write to a word of guest memory, which shows that
 * it was sent.
 */
#ifndef JUMPCUT_TESTS_PCI_FUNCTION_H
#define JUMPCUT_TESTS_PCI_FUNCTION_H

#include "tests/qtest/qtest-client.h"

#include <linux/pci.h>

#define PCI_NR_BARS 6

typedef struct PciFunction {
    Qtest *q;
    uint8_t devfn;
    struct PciBar {
        uint64_t addr; /* where pci_map_bars() put it */
        uint64_t size; /* 0: there is none */
        bool io;
    } bar[PCI_NR_BARS];
    uint8_t msix_cap;      /* offset of the capability; 0: none */
    unsigned msix_vectors; /* size of the table */
    uint64_t msix_table, msix_pba, msix_words; /* addresses */
} PciFunction;

/* Find the function with that @vendor and @device, the @nth such one. */
bool pci_find(PciFunction *f, Qtest *q, uint16_t vendor, uint16_t device,
              unsigned nth);

uint8_t pci_config_readb(const PciFunction *f, uint8_t offset);
uint16_t pci_config_readw(const PciFunction *f, uint8_t offset);
uint32_t pci_config_readl(const PciFunction *f, uint8_t offset);
void pci_config_writeb(const PciFunction *f, uint8_t offset, uint8_t value);
void pci_config_writew(const PciFunction *f, uint8_t offset, uint16_t value);
void pci_config_writel(const PciFunction *f, uint8_t offset, uint32_t value);

/* The next capability @id after the one at @after (0: the first); 0: none. */
uint8_t pci_capability(const PciFunction *f, uint8_t id, uint8_t after);

/*
 * Size the BARs, place them where nothing else is (each device has 16 MiB of
 * memory and 256 ports), and enable memory, ports and bus mastering.
 */
void pci_map_bars(PciFunction *f);

/*
 * A register in BAR @bar. The offset is not checked: beyond the BAR is
 * another place of the guest's.
 */
uint8_t pci_bar_readb(const PciFunction *f, unsigned bar, uint64_t offset);
uint16_t pci_bar_readw(const PciFunction *f, unsigned bar, uint64_t offset);
uint32_t pci_bar_readl(const PciFunction *f, unsigned bar, uint64_t offset);
void pci_bar_writeb(const PciFunction *f, unsigned bar, uint64_t offset,
                    uint8_t value);
void pci_bar_writew(const PciFunction *f, unsigned bar, uint64_t offset,
                    uint16_t value);
void pci_bar_writel(const PciFunction *f, unsigned bar, uint64_t offset,
                    uint32_t value);

/* Does the function assert its interrupt pin? */
bool pci_intx(const PciFunction *f);

/*
 * Enable MSI-X after pci_map_bars(), all vectors unmasked.
 * @words_gpa: memory for the messages, 4 bytes a vector
 */
void pci_msix_enable(PciFunction *f, uint64_t words_gpa);
void pci_msix_disable(PciFunction *f);
/* Mask all of them, or one. */
void pci_msix_mask_all(const PciFunction *f, bool masked);
void pci_msix_mask(const PciFunction *f, unsigned vector, bool masked);
/* Is a message of a masked vector waiting? */
bool pci_msix_pending(const PciFunction *f, unsigned vector);
/* Was a message sent since the last call? */
bool pci_msix_taken(const PciFunction *f, unsigned vector);

#endif
