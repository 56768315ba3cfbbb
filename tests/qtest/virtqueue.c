/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues for qtest suites: virtio 1.3, 2.7.
 */
#include "tests/qtest/virtqueue.h"

#include <stddef.h>

#define PAGE_SIZE  4096u
#define PAGE_SHIFT 12

/* How often the main loop may turn before the device has done its part. */
#define TURNS_MAX 20000
/* What schedules a bottom half, the half itself, and what that schedules. */
#define SETTLE_TURNS 8
/* Steps of virtual time in a wait. */
#define WAIT_SLICES 16

#define AVAIL(field)  offsetof(struct vring_avail, field)
#define USED(field)   offsetof(struct vring_used, field)
#define AVAIL_SLOT(n) (AVAIL(ring) + (n) * sizeof(uint16_t))
#define USED_SLOT(n)  (USED(ring) + (n) * sizeof(struct vring_used_elem))

void virtqueue_init(Virtqueue *vq, VirtioPci *v, uint16_t index, uint16_t size)
{
    *vq = (Virtqueue){.v = v, .index = index};
    vq->size = size ? size : virtio_queue_size(v, index);
    g_assert_cmpuint(vq->size, >, 0);
    g_assert_cmpuint(vq->size, <=, VIRTQUEUE_SIZE_MAX);
    vq->desc = virtio_pci_alloc(v, vring_size(vq->size, PAGE_SIZE), PAGE_SIZE);
    vq->avail = vq->desc + vq->size * sizeof(struct vring_desc);
    vq->used = (vq->avail + AVAIL_SLOT(vq->size + 1) + PAGE_SIZE - 1) &
               ~(uint64_t)(PAGE_SIZE - 1);
    vq->nr_free = vq->size;
    for (unsigned i = 0; i < vq->size; i++) {
        vq->next[i] = (i + 1) % vq->size;
    }
}

void virtqueue_place(const Virtqueue *vq)
{
    if (vq->v->legacy) {
        virtio_queue_set_pfn(vq->v, vq->index, vq->desc >> PAGE_SHIFT);
        return;
    }
    virtio_queue_set_size(vq->v, vq->index, vq->size);
    virtio_queue_set_addresses(vq->v, vq->index, vq->desc, vq->avail, vq->used);
}

void virtqueue_start(Virtqueue *vq, VirtioPci *v, uint16_t index)
{
    virtqueue_init(vq, v, index, 0);
    if (v->msix) {
        uint16_t vector = MIN(index + 1u, v->f.msix_vectors - 1);

        g_assert_cmphex(virtio_set_queue_vector(v, index, vector), ==, vector);
    }
    virtqueue_place(vq);
    if (!v->legacy) {
        virtio_queue_enable(v, index, 1);
    }
}

void virtqueue_set_desc(const Virtqueue *vq, uint64_t table, uint16_t nr,
                        const struct vring_desc *desc)
{
    qtest_memwrite(vq->v->f.q, (table ? table : vq->desc) + nr * sizeof(*desc),
                   desc, sizeof(*desc));
}

void virtqueue_set_avail(const Virtqueue *vq, uint16_t slot, uint16_t head)
{
    qtest_writew(vq->v->f.q, vq->avail + AVAIL_SLOT(slot % vq->size), head);
}

void virtqueue_set_avail_idx(const Virtqueue *vq, uint16_t idx)
{
    qtest_writew(vq->v->f.q, vq->avail + AVAIL(idx), idx);
}

/* Take @nr descriptors off the free ones; the first. */
static uint16_t take_free(Virtqueue *vq, unsigned nr)
{
    uint16_t head = vq->free_head;

    g_assert_cmpuint(nr, >, 0);
    g_assert_cmpuint(nr, <=, vq->nr_free);
    vq->nr_free -= nr;
    for (unsigned i = 0; i < nr; i++) {
        vq->free_head = vq->next[vq->free_head];
    }
    vq->chain[head].nr = nr;
    return head;
}

static void give_back(Virtqueue *vq, uint16_t head)
{
    uint16_t last = head;

    for (unsigned i = 1; i < vq->chain[head].nr; i++) {
        last = vq->next[last];
    }
    vq->next[last] = vq->free_head;
    vq->free_head = head;
    vq->nr_free += vq->chain[head].nr;
}

static struct vring_desc make_desc(const VirtqueueBuffer *b, bool more,
                                   uint16_t next)
{
    return (struct vring_desc){
        .addr = b->gpa,
        .len = b->len,
        .flags = (b->device_writes ? VRING_DESC_F_WRITE : 0) |
                 (more ? VRING_DESC_F_NEXT : 0),
        .next = more ? next : 0,
    };
}

uint16_t virtqueue_add(Virtqueue *vq, const VirtqueueBuffer *buffers,
                       unsigned nr)
{
    uint16_t head = take_free(vq, nr), at = head;

    for (unsigned i = 0; i < nr; i++) {
        struct vring_desc d = make_desc(&buffers[i], i + 1 < nr, vq->next[at]);

        virtqueue_set_desc(vq, 0, at, &d);
        at = vq->next[at];
    }
    vq->chain[head].gpa = buffers[0].gpa;
    return head;
}

uint16_t virtqueue_add_indirect(Virtqueue *vq, const VirtqueueBuffer *buffers,
                                unsigned nr)
{
    uint16_t head = take_free(vq, 1);
    uint32_t len = nr * sizeof(struct vring_desc);
    uint64_t table = virtio_pci_alloc(vq->v, len, sizeof(struct vring_desc));

    for (unsigned i = 0; i < nr; i++) {
        struct vring_desc d = make_desc(&buffers[i], i + 1 < nr, i + 1);

        virtqueue_set_desc(vq, table, i, &d);
    }
    virtqueue_set_desc(vq, 0, head,
                       &(struct vring_desc){.addr = table,
                                            .len = len,
                                            .flags = VRING_DESC_F_INDIRECT});
    vq->chain[head].gpa = buffers[0].gpa;
    return head;
}

void virtqueue_offer(Virtqueue *vq, uint16_t head)
{
    g_assert_cmpuint(head, <, vq->size);
    vq->chain[head].offered = true;
    virtqueue_set_avail(vq, vq->avail_idx, head);
    virtqueue_set_avail_idx(vq, ++vq->avail_idx);
}

void virtqueue_kick(const Virtqueue *vq)
{
    virtio_queue_notify(vq->v, vq->index);
}

uint16_t virtqueue_submit(Virtqueue *vq, uint64_t gpa, uint32_t len,
                          bool device_writes)
{
    VirtqueueBuffer b = {gpa, len, device_writes};
    uint16_t head = virtqueue_add(vq, &b, 1);

    virtqueue_offer(vq, head);
    virtqueue_kick(vq);
    return head;
}

bool virtqueue_take(Virtqueue *vq, VirtqueueUsed *used)
{
    Qtest *q = vq->v->f.q;
    struct vring_used_elem e;

    if (qtest_readw(q, vq->used + USED(idx)) == vq->used_idx) {
        return false;
    }
    qtest_memread(q, vq->used + USED_SLOT(vq->used_idx % vq->size), &e,
                  sizeof(e));
    vq->used_idx++;
    g_assert_cmpuint(e.id, <, vq->size);
    g_assert_true(vq->chain[e.id].offered);
    vq->chain[e.id].offered = false;
    *used = (VirtqueueUsed){
        .head = e.id, .written = e.len, .gpa = vq->chain[e.id].gpa};
    give_back(vq, e.id);
    return true;
}

VirtqueueUsed virtqueue_wait(Virtqueue *vq)
{
    VirtqueueUsed used;

    /* Every read is a request, which QEMU's main loop takes up. */
    for (unsigned turn = 0; !virtqueue_take(vq, &used); turn++) {
        if (turn == TURNS_MAX) {
            g_error("queue %u: no chain came back", vq->index);
        }
    }
    return used;
}

bool virtqueue_wait_ns(Virtqueue *vq, int64_t ns, VirtqueueUsed *used)
{
    g_assert_cmpint(ns, >=, WAIT_SLICES);
    for (unsigned i = 0; i < WAIT_SLICES; i++) {
        qtest_clock_step(vq->v->f.q, ns / WAIT_SLICES);
        qtest_settle(vq->v->f.q);
        if (virtqueue_take(vq, used)) {
            return true;
        }
    }
    return false;
}

void virtqueue_set_no_interrupt(const Virtqueue *vq, bool on)
{
    qtest_writew(vq->v->f.q, vq->avail + AVAIL(flags),
                 on ? VRING_AVAIL_F_NO_INTERRUPT : 0);
}

void virtqueue_set_used_event(const Virtqueue *vq, uint16_t idx)
{
    qtest_writew(vq->v->f.q, vq->avail + AVAIL_SLOT(vq->size), idx);
}

uint16_t virtqueue_avail_event(const Virtqueue *vq)
{
    return qtest_readw(vq->v->f.q, vq->used + USED_SLOT(vq->size));
}

void qtest_settle(Qtest *q)
{
    for (unsigned i = 0; i < SETTLE_TURNS; i++) {
        qtest_readb(q, 0);
    }
}
