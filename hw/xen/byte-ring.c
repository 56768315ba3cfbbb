/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte streams in a page shared with the guest. */
#include "hw/xen/byte-ring.h"

#include <glib.h>
#include <string.h>

static uint8_t *byte_ring_page(const ByteRing *ring)
{
    return ring->host->ops->mem.page_ptr(ring->host, ring->page);
}

static uint32_t byte_ring_load(const ByteRing *ring, size_t off)
{
    uint32_t *index = (uint32_t *)(byte_ring_page(ring) + off);

    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void byte_ring_store(const ByteRing *ring, size_t off, uint32_t value)
{
    uint32_t *index = (uint32_t *)(byte_ring_page(ring) + off);

    __atomic_store_n(index, value, __ATOMIC_RELEASE);
    ring->host->ops->mem.page_dirty(ring->host, ring->page, off,
                                    sizeof(*index));
}

/* One look at the indexes; the caller uses these copies only. */
static bool byte_ring_indexes(const ByteRing *ring, uint32_t *cons,
                              uint32_t *prod)
{
    Host *host = ring->host;

    *cons = byte_ring_load(ring, ring->cons);
    *prod = byte_ring_load(ring, ring->prod);
    if (*prod - *cons <= ring->size) {
        return true;
    }
    host->ops->trace(host, HOST_TRACE_ring_error, ring->id, *prod, *cons,
                     host->ops->now_ns(host));
    return false;
}

bool byte_ring_used(const ByteRing *ring, size_t *used)
{
    uint32_t cons, prod;

    *used = 0;
    if (!byte_ring_indexes(ring, &cons, &prod)) {
        return false;
    }
    *used = prod - cons;
    return true;
}

bool byte_ring_room(const ByteRing *ring, size_t *room)
{
    size_t used;

    *room = 0;
    if (!byte_ring_used(ring, &used)) {
        return false;
    }
    *room = ring->size - used;
    return true;
}

bool byte_ring_read(const ByteRing *ring, void *buf, size_t max, size_t *len)
{
    const uint8_t *data = byte_ring_page(ring) + ring->data;
    uint32_t cons, prod, start;
    size_t first;

    *len = 0;
    if (!byte_ring_indexes(ring, &cons, &prod)) {
        return false;
    }
    *len = MIN(max, prod - cons);
    if (*len == 0) {
        return true;
    }
    start = cons & (ring->size - 1);
    first = MIN(*len, ring->size - start);
    memcpy(buf, data + start, first);
    memcpy((uint8_t *)buf + first, data, *len - first);
    byte_ring_store(ring, ring->cons, cons + *len);
    return true;
}

bool byte_ring_write(const ByteRing *ring, const void *buf, size_t max,
                     size_t *len)
{
    const HostOps *ops = ring->host->ops;
    uint8_t *data = byte_ring_page(ring) + ring->data;
    uint32_t cons, prod, start;
    size_t first;

    *len = 0;
    if (!byte_ring_indexes(ring, &cons, &prod)) {
        return false;
    }
    *len = MIN(max, ring->size - (prod - cons));
    if (*len == 0) {
        return true;
    }
    start = prod & (ring->size - 1);
    first = MIN(*len, ring->size - start);
    memcpy(data + start, buf, first);
    memcpy(data, (const uint8_t *)buf + first, *len - first);
    ops->mem.page_dirty(ring->host, ring->page, ring->data + start, first);
    if (first < *len) {
        ops->mem.page_dirty(ring->host, ring->page, ring->data, *len - first);
    }
    byte_ring_store(ring, ring->prod, prod + *len);
    return true;
}
