/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver's view of a virtio device on PCI, modern or legacy registers, for
 * qtest suites.
 *
 * Every function is one step of a driver and does nothing beside it, so that
 * a test can leave steps out or take them in a wrong order.  None checks what
 * the device says, but where the text says so.
 */
#ifndef JUMPCUT_TESTS_VIRTIO_PCI_H
#define JUMPCUT_TESTS_VIRTIO_PCI_H

#include "tests/qtest/pci-function.h"

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

/* Guest memory that virtio_pci_alloc() hands out. */
#define VIRTIO_PCI_RAM_GPA 0x1000000u
#define VIRTIO_PCI_RAM_END 0x4000000u

/* The vendor, and what is added to a device's id for its modern one. */
#define VIRTIO_PCI_VENDOR       0x1af4
#define VIRTIO_PCI_MODERN_FIRST 0x1040

/* The ids of a device type, as pci_find() wants them. */
typedef struct VirtioPciId {
    uint16_t type;         /* VIRTIO_ID_* */
    uint16_t transitional; /* PCI device id of a transitional one */
} VirtioPciId;

typedef struct VirtioRegion {
    uint8_t bar;
    uint32_t offset, length;
} VirtioRegion;

typedef struct VirtioPci {
    PciFunction f;
    bool legacy; /* the registers in use */
    VirtioRegion common, notify, isr, config;
    uint32_t notify_multiplier;
    uint8_t cfg_access; /* offset of the PCI configuration access capability */
    bool msix;
    uint64_t ram; /* the first byte not handed out */
} VirtioPci;

/*
 * Find the @nth device of a type, map it and read its capabilities.
 * @legacy: use the registers that a transitional device has for old drivers
 * @return: false: there is none; a device without what is needed of modern or
 * legacy registers fails the test
 */
bool virtio_pci_find(VirtioPci *v, Qtest *q, const VirtioPciId *id,
                     unsigned nth, bool legacy);
/* Guest memory, zeroed; @align: a power of two */
uint64_t virtio_pci_alloc(VirtioPci *v, size_t size, size_t align);

/* Message-signalled interrupts, from now on and for legacy registers' layout;
 * without, INTx. */
void virtio_pci_use_msix(VirtioPci *v);

uint8_t virtio_status(const VirtioPci *v);
void virtio_set_status(const VirtioPci *v, uint8_t status);
/* Read, set one more bit, write. */
void virtio_add_status(const VirtioPci *v, uint8_t bit);
/* Write 0; status must read 0 then. */
void virtio_reset(const VirtioPci *v);

/* 32 bits with legacy registers. */
uint64_t virtio_device_features(const VirtioPci *v);
void virtio_set_driver_features(const VirtioPci *v, uint64_t features);
uint64_t virtio_driver_features(const VirtioPci *v);

/* Reading acknowledges. */
uint8_t virtio_isr(const VirtioPci *v);

/* Modern registers only: how many queues there are; changes of the
 * configuration so far. */
uint16_t virtio_nr_queues(const VirtioPci *v);
uint8_t virtio_config_generation(const VirtioPci *v);

/* The device's own configuration. */
uint8_t virtio_config_readb(const VirtioPci *v, uint32_t offset);
uint16_t virtio_config_readw(const VirtioPci *v, uint32_t offset);
uint32_t virtio_config_readl(const VirtioPci *v, uint32_t offset);
void virtio_config_writeb(const VirtioPci *v, uint32_t offset, uint8_t value);
void virtio_config_writew(const VirtioPci *v, uint32_t offset, uint16_t value);
void virtio_config_writel(const VirtioPci *v, uint32_t offset, uint32_t value);

/* @return: what the device reads back; VIRTIO_MSI_NO_VECTOR: it refused */
uint16_t virtio_set_config_vector(const VirtioPci *v, uint16_t vector);
uint16_t virtio_set_queue_vector(const VirtioPci *v, uint16_t queue,
                                 uint16_t vector);

/* A queue's registers; those after the first two exist in modern ones. */
uint16_t virtio_queue_size(const VirtioPci *v, uint16_t queue);
void virtio_queue_notify(const VirtioPci *v, uint16_t queue);
void virtio_queue_set_size(const VirtioPci *v, uint16_t queue, uint16_t size);
void virtio_queue_set_addresses(const VirtioPci *v, uint16_t queue,
                                uint64_t desc, uint64_t avail, uint64_t used);
void virtio_queue_enable(const VirtioPci *v, uint16_t queue, uint16_t value);
bool virtio_queue_enabled(const VirtioPci *v, uint16_t queue);
/* VIRTIO_F_RING_RESET; it must read 0 afterwards. */
void virtio_queue_reset(const VirtioPci *v, uint16_t queue);
/* Legacy: the page frame of all three parts; 0 takes the queue away. */
void virtio_queue_set_pfn(const VirtioPci *v, uint16_t queue, uint32_t pfn);

/* The same without reading what came of it; the queue stays selected. */
void virtio_write_config_vector(const VirtioPci *v, uint16_t vector);
void virtio_write_queue_vector(const VirtioPci *v, uint16_t queue,
                               uint16_t vector);
void virtio_write_queue_reset(const VirtioPci *v, uint16_t queue);

/* Any bytes of the common configuration, as @size (1, 2, 4) of them */
uint32_t virtio_common_read(const VirtioPci *v, uint32_t offset, unsigned size);
void virtio_common_write(const VirtioPci *v, uint32_t offset, unsigned size,
                         uint32_t value);
/* @value to the address of @queue; modern registers only */
void virtio_queue_notify_as(const VirtioPci *v, uint16_t queue, unsigned size,
                            uint32_t value);

/* The window in configuration space: @len bytes (1, 2, 4) in BAR @bar. */
uint32_t virtio_cfg_access_read(const VirtioPci *v, uint8_t bar,
                                uint32_t offset, uint8_t len);
void virtio_cfg_access_write(const VirtioPci *v, uint8_t bar, uint32_t offset,
                             uint8_t len, uint32_t value);

#endif
