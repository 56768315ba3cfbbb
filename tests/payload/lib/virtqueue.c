/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues.
 */
#include "tests/payload/lib/insn.h"
#include "tests/payload/lib/virtqueue.h"

#define RING_ALIGN VIRTIO_PCI_VRING_ALIGN

static uint8_t *memory_next, *memory_end;

void virtio_give_memory(void *memory, size_t size)
{
    memory_next = memory;
    memory_end = memory_next + size;
}

void *virtio_alloc(size_t size, size_t align)
{
    uintptr_t at = ((uintptr_t)memory_next + align - 1) & ~(align - 1);

    if (at + size > (uintptr_t)memory_end) {
        error("no memory for %u bytes", (unsigned)size);
        return NULL;
    }
    memory_next = (uint8_t *)(at + size);
    return memset((void *)at, 0, size);
}

static void common_write16(const VirtioDevice *d, unsigned reg, uint16_t value)
{
    mmio_write16(d->common + reg, value);
}

static uint16_t common_read16(const VirtioDevice *d, unsigned reg)
{
    return mmio_read16(d->common + reg);
}

static void common_write64(const VirtioDevice *d, unsigned reg, uintptr_t value)
{
    mmio_write32(d->common + reg, (uint32_t)value);
    mmio_write32(d->common + reg + 4, (uint32_t)((uint64_t)value >> 32));
}

static unsigned select_queue(const VirtioDevice *d, unsigned index)
{
    if (d->legacy) {
        port_out16(d->io + VIRTIO_PCI_QUEUE_SEL, (uint16_t)index);
        return port_in16(d->io + VIRTIO_PCI_QUEUE_NUM);
    }
    common_write16(d, VIRTIO_PCI_COMMON_Q_SELECT, (uint16_t)index);
    return common_read16(d, VIRTIO_PCI_COMMON_Q_SIZE);
}

static bool make_ring(VirtQueue *q, unsigned size)
{
    void *ring = virtio_alloc(vring_size(size, RING_ALIGN), RING_ALIGN);

    q->tokens = virtio_alloc(size * sizeof(*q->tokens), sizeof(*q->tokens));
    if (!ring || !q->tokens) {
        return false;
    }
    vring_init(&q->ring, size, ring, RING_ALIGN);
    for (unsigned i = 0; i < size; i++) {
        q->ring.desc[i].next = (uint16_t)(i + 1);
    }
    q->nfree = (uint16_t)size;
    return true;
}

static bool tell_modern(VirtQueue *q, uint16_t entry)
{
    const VirtioDevice *d = q->dev;

    common_write16(d, VIRTIO_PCI_COMMON_Q_SIZE, (uint16_t)q->ring.num);
    common_write16(d, VIRTIO_PCI_COMMON_Q_MSIX, entry);
    common_write64(d, VIRTIO_PCI_COMMON_Q_DESCLO, (uintptr_t)q->ring.desc);
    common_write64(d, VIRTIO_PCI_COMMON_Q_AVAILLO, (uintptr_t)q->ring.avail);
    common_write64(d, VIRTIO_PCI_COMMON_Q_USEDLO, (uintptr_t)q->ring.used);
    q->notify = d->notify + d->notify_multiplier *
                                common_read16(d, VIRTIO_PCI_COMMON_Q_NOFF);
    return common_read16(d, VIRTIO_PCI_COMMON_Q_MSIX) == entry;
}

bool virtqueue_init(VirtQueue *q, const VirtioDevice *dev, unsigned index,
                    unsigned max, uint16_t entry)
{
    unsigned size = select_queue(dev, index);

    *q = (VirtQueue){.dev = dev, .index = index};
    if (!size) {
        return false;
    }
    if (!make_ring(q, !dev->legacy && size > max ? max : size)) {
        return false;
    }
    if (!dev->legacy) {
        return tell_modern(q, entry);
    }
    if (!dev->msix) {
        return true;
    }
    port_out16(dev->io + VIRTIO_MSI_QUEUE_VECTOR, entry);
    return port_in16(dev->io + VIRTIO_MSI_QUEUE_VECTOR) == entry;
}

void virtqueue_enable(const VirtQueue *q)
{
    const VirtioDevice *d = q->dev;

    select_queue(d, q->index);
    if (d->legacy) {
        port_out32(
            d->io + VIRTIO_PCI_QUEUE_PFN,
            (uint32_t)((uintptr_t)q->ring.desc >> VIRTIO_PCI_QUEUE_ADDR_SHIFT));
    } else {
        common_write16(d, VIRTIO_PCI_COMMON_Q_ENABLE, 1);
    }
}

bool virtqueue_add(VirtQueue *q, const VirtBuffer *buffers, unsigned out,
                   unsigned in, void *token)
{
    unsigned n = out + in;
    uint16_t head = q->free, idx = q->ring.avail->idx;
    vring_desc_t *desc = NULL;

    if (n > q->nfree) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        desc = &q->ring.desc[q->free];
        desc->addr = (uintptr_t)buffers[i].at;
        desc->len = buffers[i].len;
        desc->flags = (uint16_t)((i + 1 < n ? VRING_DESC_F_NEXT : 0) |
                                 (i >= out ? VRING_DESC_F_WRITE : 0));
        q->free = desc->next;
    }
    q->nfree -= (uint16_t)n;
    q->tokens[head] = token;
    q->ring.avail->ring[idx % q->ring.num] = head;
    __atomic_store_n(&q->ring.avail->idx, (uint16_t)(idx + 1),
                     __ATOMIC_RELEASE);
    return true;
}

void virtqueue_notify(const VirtQueue *q)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (q->dev->legacy) {
        port_out16(q->dev->io + VIRTIO_PCI_QUEUE_NOTIFY, (uint16_t)q->index);
    } else {
        mmio_write16(q->notify, (uint16_t)q->index);
    }
}

void virtqueue_kick(const VirtQueue *q)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!(__atomic_load_n(&q->ring.used->flags, __ATOMIC_RELAXED) &
          VRING_USED_F_NO_NOTIFY)) {
        virtqueue_notify(q);
    }
}

bool virtqueue_has_used(const VirtQueue *q)
{
    return __atomic_load_n(&q->ring.used->idx, __ATOMIC_ACQUIRE) != q->seen;
}

void *virtqueue_get(VirtQueue *q, uint32_t *len)
{
    const vring_used_elem_t *used;
    uint16_t head, last;

    if (!virtqueue_has_used(q)) {
        return NULL;
    }
    used = &q->ring.used->ring[q->seen++ % q->ring.num];
    head = (uint16_t)used->id;
    if (len) {
        *len = used->len;
    }
    if (used->id >= q->ring.num || !q->tokens[head]) {
        error("queue %u: the device used descriptor %u, which is no chain",
              q->index, used->id);
        return NULL;
    }
    for (last = head, q->nfree++; q->ring.desc[last].flags & VRING_DESC_F_NEXT;
         q->nfree++) {
        last = q->ring.desc[last].next;
    }
    q->ring.desc[last].next = q->free;
    q->free = head;
    return __atomic_exchange_n(&q->tokens[head], NULL, __ATOMIC_RELAXED);
}

void virtqueue_want_interrupts(VirtQueue *q, bool want)
{
    __atomic_store_n(&q->ring.avail->flags,
                     want ? 0 : VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_SEQ_CST);
}
