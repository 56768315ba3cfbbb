/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions of bus 0: configuration space, base addresses, interrupts.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_PCI_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_PCI_H

#include <linux/pci_regs.h>

#include "tests/payload/lib/payload.h"

/* A function of bus 0: device << 3 | function. */
typedef struct PciFunction {
    unsigned devfn;
} PciFunction;

uint8_t pci_read8(PciFunction f, unsigned reg);
uint16_t pci_read16(PciFunction f, unsigned reg);
uint32_t pci_read32(PciFunction f, unsigned reg);
void pci_write16(PciFunction f, unsigned reg, uint16_t value);
void pci_write32(PciFunction f, unsigned reg, uint32_t value);

/*
 * The @nth function (from 0, in order of devfn) of @vendor whose device id is
 * @device or @other.  False: there is none, or no PCI.
 */
bool pci_find(uint16_t vendor, uint16_t device, uint16_t other, unsigned nth,
              PciFunction *f);
/* Gives base registers that have none an address; all decoding and DMA on. */
void pci_enable(PciFunction f);
/* Where base register @bar leads: an address, or an I/O port; 0: nowhere. */
uintptr_t pci_bar(PciFunction f, unsigned bar);
/* Offset of the first capability @id behind @after, 0 for all; 0: none. */
unsigned pci_capability(PciFunction f, uint8_t id, unsigned after);

/* Turns MSI-X on, all vectors masked; @return: how many there are. */
unsigned pci_msix_enable(PciFunction f);
void pci_msix_disable(PciFunction f);
/* Vector @entry comes as @vector of CPU 0. */
void pci_msix_route(PciFunction f, unsigned entry, uint8_t vector);
/* GSI of the function's interrupt pin, which is set to be an ISA one. */
unsigned pci_intx_gsi(PciFunction f);

#endif
