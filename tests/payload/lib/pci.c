/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI by configuration mechanism 1, on a board as QEMU's pc.
 */
#include "tests/payload/lib/cpu.h"
#include "tests/payload/lib/pci.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u
#define NO_VENDOR      0xffff
#define DEVFNS         256u
#define BARS           6u

/* Addresses for those that the firmware left without one. */
#define MEMORY_FIRST 0xd0000000u
#define IO_FIRST     0xc000u

/* PIRQ routing of the south bridge. */
#define SOUTH_BRIDGE ((PciFunction){1u << 3})
#define PIRQ_ROUTES  0x60
#define PIRQ_GSI     11u

#define MSI_ADDRESS 0xfee00000u

static uint32_t next_memory = MEMORY_FIRST, next_io = IO_FIRST;

static void address(PciFunction f, unsigned reg)
{
    port_out32(CONFIG_ADDRESS, CONFIG_ENABLE | f.devfn << 8 | (reg & 0xfc));
}

uint32_t pci_read32(PciFunction f, unsigned reg)
{
    address(f, reg);
    return port_in32(CONFIG_DATA);
}

uint16_t pci_read16(PciFunction f, unsigned reg)
{
    return (uint16_t)(pci_read32(f, reg) >> 8 * (reg & 2));
}

uint8_t pci_read8(PciFunction f, unsigned reg)
{
    return (uint8_t)(pci_read32(f, reg) >> 8 * (reg & 3));
}

void pci_write32(PciFunction f, unsigned reg, uint32_t value)
{
    address(f, reg);
    port_out32(CONFIG_DATA, value);
}

void pci_write16(PciFunction f, unsigned reg, uint16_t value)
{
    address(f, reg);
    port_out16((uint16_t)(CONFIG_DATA + (reg & 2)), value);
}

static void pci_write8(PciFunction f, unsigned reg, uint8_t value)
{
    address(f, reg);
    port_out((uint16_t)(CONFIG_DATA + (reg & 3)), value);
}

bool pci_find(uint16_t vendor, uint16_t device, uint16_t other, unsigned nth,
              PciFunction *f)
{
    for (unsigned i = 0; i < DEVFNS; i++) {
        PciFunction at = {i};
        uint16_t id;

        if (pci_read16(at, PCI_VENDOR_ID) != vendor) {
            continue;
        }
        id = pci_read16(at, PCI_DEVICE_ID);
        if ((id == device || id == other) && nth-- == 0) {
            *f = at;
            return true;
        }
    }
    return false;
}

static unsigned bar_reg(unsigned bar)
{
    return PCI_BASE_ADDRESS_0 + 4 * bar;
}

static bool is_64_bit(uint32_t value)
{
    return !(value & PCI_BASE_ADDRESS_SPACE_IO) &&
           (value & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
               PCI_BASE_ADDRESS_MEM_TYPE_64;
}

/* Addresses are multiples of the size, which is a power of two. */
static uint32_t take(uint32_t *next, uint32_t size)
{
    uint32_t at = (*next + size - 1) & ~(size - 1);

    *next = at + size;
    return at;
}

static void place_bar(PciFunction f, unsigned bar)
{
    unsigned reg = bar_reg(bar);
    uint32_t mask;

    pci_write32(f, reg, ~0u);
    mask = pci_read32(f, reg);
    if (mask & PCI_BASE_ADDRESS_SPACE_IO) {
        mask &= (uint32_t)PCI_BASE_ADDRESS_IO_MASK;
        pci_write32(f, reg, take(&next_io, -(mask | 0xffff0000)));
    } else if (mask) {
        pci_write32(
            f, reg,
            take(&next_memory, -(mask & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK)));
    }
}

void pci_enable(PciFunction f)
{
    for (unsigned bar = 0; bar < BARS; bar++) {
        bool wide = is_64_bit(pci_read32(f, bar_reg(bar)));

        if (!pci_bar(f, bar)) {
            place_bar(f, bar);
            if (wide) {
                pci_write32(f, bar_reg(bar + 1), 0);
            }
        }
        bar += wide;
    }
    pci_write16(f, PCI_COMMAND,
                PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

uintptr_t pci_bar(PciFunction f, unsigned bar)
{
    uint32_t value = pci_read32(f, bar_reg(bar));

    return value & PCI_BASE_ADDRESS_SPACE_IO
               ? value & (uint32_t)PCI_BASE_ADDRESS_IO_MASK
               : value & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK;
}

unsigned pci_capability(PciFunction f, uint8_t id, unsigned after)
{
    unsigned at = after ? pci_read8(f, after + PCI_CAP_LIST_NEXT)
                        : pci_read8(f, PCI_CAPABILITY_LIST);

    if (!(pci_read16(f, PCI_STATUS) & PCI_STATUS_CAP_LIST)) {
        return 0;
    }
    while (at && pci_read8(f, at + PCI_CAP_LIST_ID) != id) {
        at = pci_read8(f, at + PCI_CAP_LIST_NEXT);
    }
    return at;
}

static volatile uint32_t *msix_table(PciFunction f, unsigned capability)
{
    uint32_t table = pci_read32(f, capability + PCI_MSIX_TABLE);

    return (volatile uint32_t *)(pci_bar(f, table & PCI_MSIX_TABLE_BIR) +
                                 (table & PCI_MSIX_TABLE_OFFSET));
}

unsigned pci_msix_enable(PciFunction f)
{
    unsigned capability = pci_capability(f, PCI_CAP_ID_MSIX, 0);
    uint16_t flags;

    if (!capability) {
        return 0;
    }
    flags = pci_read16(f, capability + PCI_MSIX_FLAGS);
    pci_write16(f, capability + PCI_MSIX_FLAGS, flags | PCI_MSIX_FLAGS_ENABLE);
    return (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
}

void pci_msix_disable(PciFunction f)
{
    unsigned capability = pci_capability(f, PCI_CAP_ID_MSIX, 0);

    if (capability) {
        pci_write16(f, capability + PCI_MSIX_FLAGS, 0);
    }
}

void pci_msix_route(PciFunction f, unsigned entry, uint8_t vector)
{
    volatile uint32_t *at =
        msix_table(f, pci_capability(f, PCI_CAP_ID_MSIX, 0)) +
        entry * PCI_MSIX_ENTRY_SIZE / sizeof(*at);

    mmio_write32(at + PCI_MSIX_ENTRY_LOWER_ADDR / 4,
                 MSI_ADDRESS | cpu_apic_id(0) << 12);
    mmio_write32(at + PCI_MSIX_ENTRY_UPPER_ADDR / 4, 0);
    mmio_write32(at + PCI_MSIX_ENTRY_DATA / 4, vector);
    mmio_write32(at + PCI_MSIX_ENTRY_VECTOR_CTRL / 4, 0);
}

unsigned pci_intx_gsi(PciFunction f)
{
    for (unsigned i = 0; i < 4; i++) {
        pci_write8(SOUTH_BRIDGE, PIRQ_ROUTES + i, PIRQ_GSI);
    }
    pci_write8(f, PCI_INTERRUPT_LINE, PIRQ_GSI);
    return PIRQ_GSI;
}
