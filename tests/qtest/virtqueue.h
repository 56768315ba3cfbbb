/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's end of a split virtqueue in guest memory, for qtest suites.
 *
 * virtqueue_add() and virtqueue_offer() make what a driver makes;
 * virtqueue_set_desc() and virtqueue_set_avail() make anything.  Nothing is
 * checked on the way to the device.  What comes back is: a chain that was not
 * offered, or a second time, fails the test.
 */
#ifndef JUMPCUT_TESTS_VIRTQUEUE_H
#define JUMPCUT_TESTS_VIRTQUEUE_H

#include "tests/qtest/virtio-pci.h"

#include <linux/virtio_ring.h>

#define VIRTQUEUE_SIZE_MAX 1024

/* One descriptor's worth of a chain. */
typedef struct VirtqueueBuffer {
    uint64_t gpa;
    uint32_t len;
    bool device_writes;
} VirtqueueBuffer;

/* A chain that the device gave back. */
typedef struct VirtqueueUsed {
    uint16_t head;
    uint32_t written; /* as the device says */
    uint64_t gpa;     /* of its first buffer */
} VirtqueueUsed;

typedef struct Virtqueue {
    VirtioPci *v;
    uint16_t index, size;
    uint64_t desc, avail, used; /* addresses of its parts */
    uint16_t avail_idx;         /* chains offered so far */
    uint16_t used_idx;          /* chains seen to be back */
    uint16_t nr_free, free_head;
    uint16_t next[VIRTQUEUE_SIZE_MAX]; /* links of chains and of the free */
    struct {
        uint64_t gpa;
        uint16_t nr; /* descriptors */
        bool offered;
    } chain[VIRTQUEUE_SIZE_MAX]; /* by head */
} Virtqueue;

/*
 * Lay an empty queue out in new memory, as legacy devices want it.  The
 * device is told nothing.
 * @size: entries; 0: as many as the device says
 */
void virtqueue_init(Virtqueue *vq, VirtioPci *v, uint16_t index, uint16_t size);
/* Tell the device where it is; the size too if registers are modern. */
void virtqueue_place(const Virtqueue *vq);
/*
 * All of it: lay out, choose vector index + 1 with MSI-X (the last one if
 * there are fewer), place, enable.
 */
void virtqueue_start(Virtqueue *vq, VirtioPci *v, uint16_t index);

/* Write one descriptor, of the table at @table (0: the queue's own). */
void virtqueue_set_desc(const Virtqueue *vq, uint64_t table, uint16_t nr,
                        const struct vring_desc *desc);
/* Write an entry of the available ring, and its index. */
void virtqueue_set_avail(const Virtqueue *vq, uint16_t slot, uint16_t head);
void virtqueue_set_avail_idx(const Virtqueue *vq, uint16_t idx);

/* Chain @nr buffers in free descriptors; its head. */
uint16_t virtqueue_add(Virtqueue *vq, const VirtqueueBuffer *buffers,
                       unsigned nr);
/* The same in an indirect table of new memory. */
uint16_t virtqueue_add_indirect(Virtqueue *vq, const VirtqueueBuffer *buffers,
                                unsigned nr);
/* Make a chain available; no notification. */
void virtqueue_offer(Virtqueue *vq, uint16_t head);
/* Notify, whatever the device wants. */
void virtqueue_kick(const Virtqueue *vq);
/* Chain, offer and kick one buffer. */
uint16_t virtqueue_submit(Virtqueue *vq, uint64_t gpa, uint32_t len,
                          bool device_writes);

/* The next chain that is back, if there is one; its descriptors are free. */
bool virtqueue_take(Virtqueue *vq, VirtqueueUsed *used);
/*
 * The same, letting QEMU's main loop turn until there is one; virtual time
 * stands.  None for long fails the test.
 */
VirtqueueUsed virtqueue_wait(Virtqueue *vq);
/* The same for about @ns (16 at least) of virtual time, which passes. */
bool virtqueue_wait_ns(Virtqueue *vq, int64_t ns, VirtqueueUsed *used);

/* Ask for no interrupts: a hint of the driver's. */
void virtqueue_set_no_interrupt(const Virtqueue *vq, bool on);
/* VIRTIO_RING_F_EVENT_IDX: interrupt once @idx + 1 chains are back; the
 * device's wish for notifications. */
void virtqueue_set_used_event(const Virtqueue *vq, uint16_t idx);
uint16_t virtqueue_avail_event(const Virtqueue *vq);

/* Let QEMU's main loop do what it has to: handlers, then bottom halves. */
void qtest_settle(Qtest *q);

#endif
