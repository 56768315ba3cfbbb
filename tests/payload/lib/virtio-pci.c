/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of a virtio device behind PCI.
 */
#include "tests/payload/lib/insn.h"
#include "tests/payload/lib/virtio-pci.h"

#define VIRTIO_VENDOR       0x1af4
#define MODERN_DEVICE(type) (0x1040 + (type))
/* Transitional devices have ids of their own; the console's: */
#define TRANSITIONAL_CONSOLE 0x1003

static void find_structure(VirtioDevice *d, unsigned capability)
{
    unsigned bar = pci_read8(d->pci, capability + VIRTIO_PCI_CAP_BAR);
    volatile uint8_t *at =
        (volatile uint8_t *)(pci_bar(d->pci, bar) +
                             pci_read32(d->pci,
                                        capability + VIRTIO_PCI_CAP_OFFSET));

    switch (pci_read8(d->pci, capability + VIRTIO_PCI_CAP_CFG_TYPE)) {
    case VIRTIO_PCI_CAP_COMMON_CFG:
        d->common = d->common ?: at;
        break;
    case VIRTIO_PCI_CAP_NOTIFY_CFG:
        if (!d->notify) {
            d->notify = at;
            d->notify_multiplier =
                pci_read32(d->pci, capability + VIRTIO_PCI_NOTIFY_CAP_MULT);
        }
        break;
    case VIRTIO_PCI_CAP_ISR_CFG:
        d->isr = d->isr ?: at;
        break;
    case VIRTIO_PCI_CAP_DEVICE_CFG:
        d->config = d->config ?: at;
        break;
    default:
        break;
    }
}

bool virtio_find(VirtioDevice *d, unsigned type, unsigned nth, bool legacy)
{
    unsigned at = 0;

    memset(d, 0, sizeof(*d));
    if (!pci_find(VIRTIO_VENDOR, MODERN_DEVICE(type),
                  type == VIRTIO_ID_CONSOLE ? TRANSITIONAL_CONSOLE : 0, nth,
                  &d->pci)) {
        return false;
    }
    pci_enable(d->pci);
    d->legacy = legacy;
    if (legacy) {
        d->io = (uint16_t)pci_bar(d->pci, 0);
        return pci_read32(d->pci, PCI_BASE_ADDRESS_0) &
               PCI_BASE_ADDRESS_SPACE_IO;
    }
    while ((at = pci_capability(d->pci, PCI_CAP_ID_VNDR, at))) {
        find_structure(d, at);
    }
    return d->common && d->notify && d->isr && d->config;
}

uint8_t virtio_status(const VirtioDevice *d)
{
    return d->legacy ? port_in(d->io + VIRTIO_PCI_STATUS)
                     : mmio_read8(d->common + VIRTIO_PCI_COMMON_STATUS);
}

void virtio_set_status(const VirtioDevice *d, uint8_t status)
{
    barrier();
    if (d->legacy) {
        port_out(d->io + VIRTIO_PCI_STATUS, status);
    } else {
        mmio_write8(d->common + VIRTIO_PCI_COMMON_STATUS, status);
    }
}

void virtio_add_status(const VirtioDevice *d, uint8_t bits)
{
    virtio_set_status(d, virtio_status(d) | bits);
}

void virtio_reset(const VirtioDevice *d)
{
    virtio_set_status(d, 0);
    while (virtio_status(d)) {
        cpu_relax();
    }
}

uint64_t virtio_features(const VirtioDevice *d)
{
    uint64_t low;

    if (d->legacy) {
        return port_in32(d->io + VIRTIO_PCI_HOST_FEATURES);
    }
    mmio_write32(d->common + VIRTIO_PCI_COMMON_DFSELECT, 0);
    low = mmio_read32(d->common + VIRTIO_PCI_COMMON_DF);
    mmio_write32(d->common + VIRTIO_PCI_COMMON_DFSELECT, 1);
    return (uint64_t)mmio_read32(d->common + VIRTIO_PCI_COMMON_DF) << 32 | low;
}

void virtio_set_features(const VirtioDevice *d, uint64_t features)
{
    if (d->legacy) {
        port_out32(d->io + VIRTIO_PCI_GUEST_FEATURES, (uint32_t)features);
        return;
    }
    mmio_write32(d->common + VIRTIO_PCI_COMMON_GFSELECT, 0);
    mmio_write32(d->common + VIRTIO_PCI_COMMON_GF, (uint32_t)features);
    mmio_write32(d->common + VIRTIO_PCI_COMMON_GFSELECT, 1);
    mmio_write32(d->common + VIRTIO_PCI_COMMON_GF, (uint32_t)(features >> 32));
}

uint32_t virtio_config_read(const VirtioDevice *d, unsigned offset,
                            unsigned size)
{
    if (d->legacy) {
        uint16_t at =
            (uint16_t)(d->io + VIRTIO_PCI_CONFIG_OFF(d->msix) + offset);

        return size == 1   ? port_in(at)
               : size == 2 ? port_in16(at)
                           : port_in32(at);
    }
    return size == 1   ? mmio_read8(d->config + offset)
           : size == 2 ? mmio_read16(d->config + offset)
                       : mmio_read32(d->config + offset);
}

void virtio_config_write32(const VirtioDevice *d, unsigned offset,
                           uint32_t value)
{
    if (d->legacy) {
        port_out32((uint16_t)(d->io + VIRTIO_PCI_CONFIG_OFF(d->msix) + offset),
                   value);
    } else {
        mmio_write32(d->config + offset, value);
    }
}

uint8_t virtio_generation(const VirtioDevice *d)
{
    return d->legacy ? 0
                     : mmio_read8(d->common + VIRTIO_PCI_COMMON_CFGGENERATION);
}

uint8_t virtio_isr(const VirtioDevice *d)
{
    return d->legacy ? port_in(d->io + VIRTIO_PCI_ISR) : mmio_read8(d->isr);
}

bool virtio_use_msix(VirtioDevice *d)
{
    d->msix = pci_msix_enable(d->pci) != 0;
    return d->msix;
}

bool virtio_config_vector(const VirtioDevice *d, uint16_t entry)
{
    if (d->legacy) {
        port_out16(d->io + VIRTIO_MSI_CONFIG_VECTOR, entry);
        return port_in16(d->io + VIRTIO_MSI_CONFIG_VECTOR) == entry;
    }
    mmio_write16(d->common + VIRTIO_PCI_COMMON_MSIX, entry);
    return mmio_read16(d->common + VIRTIO_PCI_COMMON_MSIX) == entry;
}
