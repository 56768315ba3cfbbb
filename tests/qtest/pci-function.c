/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function's configuration space, BARs and interrupts for qtest suites.
 */
#include "tests/qtest/pci-function.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_NR_FN   256 /* functions of a bus */

/* Below the I/O APIC, above the RAM of any machine of the suites. */
#define MEM_BASE     0xc0000000u
#define MEM_PER_SLOT 0x1000000u
#define MEM_PER_FN   0x200000u
#define IO_BASE      0xc000u
#define IO_PER_SLOT  0x100u
#define IO_PER_FN    0x20u

#define MSIX_ENTRY 16

static void config_select(const PciFunction *f, uint8_t offset)
{
    qtest_outl(f->q, PCI_ADDRESS,
               1u << 31 | (uint32_t)f->devfn << 8 | (offset & ~3u));
}

#define CONFIG_ACCESS(suffix, port_suffix, type)                        \
    type pci_config_read##suffix(const PciFunction *f, uint8_t offset)  \
    {                                                                   \
        config_select(f, offset);                                       \
        return qtest_in##port_suffix(f->q, PCI_DATA + (offset & 3));    \
    }                                                                   \
                                                                        \
    void pci_config_write##suffix(const PciFunction *f, uint8_t offset, \
                                  type value)                           \
    {                                                                   \
        config_select(f, offset);                                       \
        qtest_out##port_suffix(f->q, PCI_DATA + (offset & 3), value);   \
    }

CONFIG_ACCESS(b, b, uint8_t)
CONFIG_ACCESS(w, w, uint16_t)
CONFIG_ACCESS(l, l, uint32_t)

#define BAR_ACCESS(suffix, type)                                   \
    type pci_bar_read##suffix(const PciFunction *f, unsigned bar,  \
                              uint64_t offset)                     \
    {                                                              \
        const struct PciBar *b = &f->bar[bar];                     \
                                                                   \
        g_assert_cmpuint(bar, <, PCI_NR_BARS);                     \
        g_assert_cmpuint(b->size, !=, 0);                          \
        return b->io ? qtest_in##suffix(f->q, b->addr + offset)    \
                     : qtest_read##suffix(f->q, b->addr + offset); \
    }                                                              \
                                                                   \
    void pci_bar_write##suffix(const PciFunction *f, unsigned bar, \
                               uint64_t offset, type value)        \
    {                                                              \
        const struct PciBar *b = &f->bar[bar];                     \
                                                                   \
        g_assert_cmpuint(bar, <, PCI_NR_BARS);                     \
        g_assert_cmpuint(b->size, !=, 0);                          \
        if (b->io) {                                               \
            qtest_out##suffix(f->q, b->addr + offset, value);      \
        } else {                                                   \
            qtest_write##suffix(f->q, b->addr + offset, value);    \
        }                                                          \
    }

BAR_ACCESS(b, uint8_t)
BAR_ACCESS(w, uint16_t)
BAR_ACCESS(l, uint32_t)

bool pci_find(PciFunction *f, Qtest *q, uint16_t vendor, uint16_t device,
              unsigned nth)
{
    *f = (PciFunction){.q = q};
    for (unsigned devfn = 0; devfn < PCI_NR_FN; devfn++) {
        f->devfn = devfn;
        if (pci_config_readl(f, PCI_VENDOR_ID) ==
                (vendor | (uint32_t)device << 16) &&
            nth-- == 0) {
            return true;
        }
    }
    return false;
}

uint8_t pci_capability(const PciFunction *f, uint8_t id, uint8_t after)
{
    uint8_t at = after ? pci_config_readb(f, after + PCI_CAP_LIST_NEXT)
                       : pci_config_readb(f, PCI_CAPABILITY_LIST);

    /* A list has no more members than fit the space. */
    for (unsigned i = 0; at && i < 256 / PCI_CAP_SIZEOF; i++) {
        if (pci_config_readb(f, at + PCI_CAP_LIST_ID) == id) {
            return at;
        }
        at = pci_config_readb(f, at + PCI_CAP_LIST_NEXT);
    }
    return 0;
}

/*
 * @return: number of registers that the BAR takes; its size is then known,
 * and whether it is of ports.
 */
static unsigned size_bar(PciFunction *f, unsigned nr)
{
    struct PciBar *b = &f->bar[nr];
    uint8_t at = PCI_BASE_ADDRESS_0 + 4 * nr;
    uint64_t mask;
    uint32_t low;

    pci_config_writel(f, at, UINT32_MAX);
    low = pci_config_readl(f, at);
    if (!low) {
        return 1;
    }
    b->io = low & PCI_BASE_ADDRESS_SPACE_IO;
    if (b->io) {
        b->size = ~(low & (uint32_t)PCI_BASE_ADDRESS_IO_MASK) + 1u;
        return 1;
    }
    mask = low & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK;
    if ((low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) !=
        PCI_BASE_ADDRESS_MEM_TYPE_64) {
        b->size = ~(uint32_t)mask + 1u;
        return 1;
    }
    pci_config_writel(f, at + 4, UINT32_MAX);
    mask |= (uint64_t)pci_config_readl(f, at + 4) << 32;
    b->size = ~mask + 1;
    return 2;
}

void pci_map_bars(PciFunction *f)
{
    unsigned slot = PCI_SLOT(f->devfn), fn = PCI_FUNC(f->devfn);
    uint64_t mem = MEM_BASE + slot * MEM_PER_SLOT + fn * MEM_PER_FN;
    uint64_t io = IO_BASE + slot * IO_PER_SLOT + fn * IO_PER_FN;
    unsigned regs;

    for (unsigned i = 0; i < PCI_NR_BARS; i += regs) {
        struct PciBar *b = &f->bar[i];
        uint64_t *next;
        uint8_t at = PCI_BASE_ADDRESS_0 + 4 * i;

        regs = size_bar(f, i);
        if (!b->size) {
            continue;
        }
        next = b->io ? &io : &mem;
        /* sizes are powers of two */
        b->addr = (*next + b->size - 1) & ~(b->size - 1);
        *next = b->addr + b->size;
        pci_config_writel(f, at, b->addr);
        if (regs == 2) {
            pci_config_writel(f, at + 4, b->addr >> 32);
        }
    }
    g_assert_cmpuint(mem, <=, MEM_BASE + (slot + 1) * MEM_PER_SLOT);
    g_assert_cmpuint(io, <=, IO_BASE + (slot + 1) * IO_PER_SLOT);
    pci_config_writew(f, PCI_COMMAND,
                      PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

bool pci_intx(const PciFunction *f)
{
    return pci_config_readw(f, PCI_STATUS) & PCI_STATUS_INTERRUPT;
}

/* Address of what a BIR and an offset in the capability describe. */
static uint64_t msix_region(const PciFunction *f, uint8_t at)
{
    uint32_t where = pci_config_readl(f, f->msix_cap + at);
    const struct PciBar *b = &f->bar[where & PCI_MSIX_TABLE_BIR];

    g_assert_cmpuint(b->size, !=, 0);
    return b->addr + (where & PCI_MSIX_TABLE_OFFSET);
}

static void msix_set_flags(const PciFunction *f, uint16_t clear, uint16_t set)
{
    uint16_t flags = pci_config_readw(f, f->msix_cap + PCI_MSIX_FLAGS);

    pci_config_writew(f, f->msix_cap + PCI_MSIX_FLAGS, (flags & ~clear) | set);
}

void pci_msix_enable(PciFunction *f, uint64_t words_gpa)
{
    uint16_t flags;

    f->msix_cap = pci_capability(f, PCI_CAP_ID_MSIX, 0);
    g_assert_cmphex(f->msix_cap, !=, 0);
    flags = pci_config_readw(f, f->msix_cap + PCI_MSIX_FLAGS);
    f->msix_vectors = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
    f->msix_table = msix_region(f, PCI_MSIX_TABLE);
    f->msix_pba = msix_region(f, PCI_MSIX_PBA);
    f->msix_words = words_gpa;
    qtest_memset(f->q, words_gpa, 0, f->msix_vectors * sizeof(uint32_t));
    for (unsigned i = 0; i < f->msix_vectors; i++) {
        uint64_t entry = f->msix_table + i * MSIX_ENTRY;
        uint64_t word = words_gpa + i * sizeof(uint32_t);

        qtest_writel(f->q, entry + PCI_MSIX_ENTRY_LOWER_ADDR, word);
        qtest_writel(f->q, entry + PCI_MSIX_ENTRY_UPPER_ADDR, word >> 32);
        qtest_writel(f->q, entry + PCI_MSIX_ENTRY_DATA, i + 1);
        qtest_writel(f->q, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
    }
    msix_set_flags(f, PCI_MSIX_FLAGS_MASKALL, PCI_MSIX_FLAGS_ENABLE);
}

void pci_msix_disable(PciFunction *f)
{
    msix_set_flags(f, PCI_MSIX_FLAGS_ENABLE, 0);
}

void pci_msix_mask_all(const PciFunction *f, bool masked)
{
    msix_set_flags(f, PCI_MSIX_FLAGS_MASKALL,
                   masked ? PCI_MSIX_FLAGS_MASKALL : 0);
}

void pci_msix_mask(const PciFunction *f, unsigned vector, bool masked)
{
    g_assert_cmpuint(vector, <, f->msix_vectors);
    qtest_writel(
        f->q, f->msix_table + vector * MSIX_ENTRY + PCI_MSIX_ENTRY_VECTOR_CTRL,
        masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

bool pci_msix_pending(const PciFunction *f, unsigned vector)
{
    g_assert_cmpuint(vector, <, f->msix_vectors);
    return qtest_readl(f->q, f->msix_pba + vector / 32 * 4) >> vector % 32 & 1;
}

bool pci_msix_taken(const PciFunction *f, unsigned vector)
{
    uint64_t word = f->msix_words + vector * sizeof(uint32_t);
    uint32_t data;

    g_assert_cmpuint(vector, <, f->msix_vectors);
    data = qtest_readl(f->q, word);
    if (!data) {
        return false;
    }
    g_assert_cmpuint(data, ==, vector + 1);
    qtest_writel(f->q, word, 0);
    return true;
}
