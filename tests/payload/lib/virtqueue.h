/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues (virtio 1.3, 2.7) of a device behind PCI, in the layout
 * that both interfaces take.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_VIRTQUEUE_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_VIRTQUEUE_H

#include <linux/virtio_ring.h>

#include "tests/payload/lib/virtio-pci.h"

typedef struct VirtBuffer {
    const void *at;
    uint32_t len;
} VirtBuffer;

typedef struct VirtQueue {
    const VirtioDevice *dev;
    unsigned index;
    struct vring ring;
    uint16_t free;  /* first free descriptor, linked by "next" */
    uint16_t nfree; /* how many there are */
    uint16_t seen;  /* used index up to which chains were taken back */
    volatile uint8_t *notify;
    void **tokens; /* of each chain, by its head */
} VirtQueue;

/* Memory for rings and buffers, which are never given back one by one. */
void virtio_give_memory(void *memory, size_t size);
/* Zeroed and aligned to a power of two; an error() and NULL if there is none.
 */
void *virtio_alloc(size_t size, size_t align);

/*
 * Makes the rings of queue @index, of @max descriptors at the most (legacy:
 * as many as the device says), tells the device where they are and which
 * MSI-X vector is its, VIRTIO_MSI_NO_VECTOR without MSI-X.  False: the device
 * has no such queue, or refuses the vector.
 */
bool virtqueue_init(VirtQueue *q, const VirtioDevice *dev, unsigned index,
                    unsigned max, uint16_t entry);
/* The device may use it from now on; legacy: it is told where it is. */
void virtqueue_enable(const VirtQueue *q);

/*
 * Makes a chain of @out buffers that the device reads and @in that it writes
 * available; false if there are too few free descriptors.  The device is not
 * told; @token is not NULL.
 */
bool virtqueue_add(VirtQueue *q, const VirtBuffer *buffers, unsigned out,
                   unsigned in, void *token);
/* Tells the device, unless it does not want to be told. */
void virtqueue_kick(const VirtQueue *q);
/* Tells it in any case. */
void virtqueue_notify(const VirtQueue *q);
/* Takes back a chain that the device is done with; NULL: there is none. */
void *virtqueue_get(VirtQueue *q, uint32_t *len);
bool virtqueue_has_used(const VirtQueue *q);
/* Does the device want no (or again) interrupts for used buffers? */
void virtqueue_want_interrupts(VirtQueue *q, bool want);

#endif
