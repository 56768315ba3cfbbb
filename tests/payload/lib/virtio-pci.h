/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device behind PCI, by its modern or its legacy interface, in the
 * steps that a driver takes; which, and in what order, is the driver's.
 * Functions, registers and offsets: virtio 1.3, 4.1.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_VIRTIO_PCI_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_VIRTIO_PCI_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>

#include "tests/payload/lib/pci.h"

typedef struct VirtioDevice {
    PciFunction pci;
    bool legacy;
    bool msix; /* turned on: it moves the legacy configuration */
    uint16_t io;
    volatile uint8_t *common, *isr, *config, *notify;
    uint32_t notify_multiplier;
} VirtioDevice;

/*
 * Finds the @nth device of that type, VIRTIO_ID_..., enables its decoding and
 * looks for the interface.  False: there is no such device, or it has not got
 * the interface.
 */
bool virtio_find(VirtioDevice *d, unsigned type, unsigned nth, bool legacy);

uint8_t virtio_status(const VirtioDevice *d);
void virtio_set_status(const VirtioDevice *d, uint8_t status);
/* Adds to what the status register has. */
void virtio_add_status(const VirtioDevice *d, uint8_t bits);
/* Writes 0 and waits until 0 is read. */
void virtio_reset(const VirtioDevice *d);

/* Legacy: the lower 32 alone. */
uint64_t virtio_features(const VirtioDevice *d);
void virtio_set_features(const VirtioDevice *d, uint64_t features);

/* @size: 1, 2 or 4 bytes of the device's configuration. */
uint32_t virtio_config_read(const VirtioDevice *d, unsigned offset,
                            unsigned size);
void virtio_config_write32(const VirtioDevice *d, unsigned offset,
                           uint32_t value);
/* Changes when the configuration does; legacy: always 0. */
uint8_t virtio_generation(const VirtioDevice *d);
/* Reading it takes the interrupt back. */
uint8_t virtio_isr(const VirtioDevice *d);

/*
 * Turns MSI-X on; false if there is none.  Before anything of the legacy
 * interface's configuration is read.
 */
bool virtio_use_msix(VirtioDevice *d);
/* MSI-X vector for changes of the configuration; false: it is refused. */
bool virtio_config_vector(const VirtioDevice *d, uint16_t entry);

#endif
