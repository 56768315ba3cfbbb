/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A back end's copy of a ring that it shares with the guest. */
#include "hw/xen/backend-ring.h"

#include <assert.h>
#include <glib.h>
#include <string.h>

#include "hw/host.h"

/* The indexes before the slots, which run freely. */
typedef struct RingHead {
    uint32_t req_prod, req_event;
    uint32_t rsp_prod, rsp_event;
    uint8_t pad[48];
} RingHead;

G_STATIC_ASSERT(sizeof(RingHead) == 64);

struct XenBackendRing {
    uint8_t **pages; /* the guest's */
    uint8_t *copy;
    size_t request, response;
    uint32_t entries;  /* a power of two */
    uint32_t taken;    /* requests */
    uint32_t answered; /* of them */
    bool broken;
};

XenBackendRing *xen_backend_ring_new(uint8_t *const *pages, unsigned n_pages,
                                     size_t request, size_t response)
{
    XenBackendRing *r = g_new0(XenBackendRing, 1);
    size_t size = (size_t)n_pages * HOST_PAGE_SIZE;
    RingHead *head;

    assert(n_pages && response <= request);
    r->pages = g_memdup2(pages, n_pages * sizeof(*pages));
    r->copy = g_malloc0(size);
    r->request = request;
    r->response = response;
    r->entries = 1;
    while (2 * r->entries * request <= size - sizeof(RingHead)) {
        r->entries *= 2;
    }
    head = (RingHead *)r->copy;
    head->req_event = 1;
    head->rsp_event = 1;
    return r;
}

void xen_backend_ring_free(XenBackendRing *r)
{
    g_free(r->pages);
    g_free(r->copy);
    g_free(r);
}

void *xen_backend_ring_copy(const XenBackendRing *r)
{
    return r->copy;
}

/* The first @size bytes of a slot, which may lie in two pages. */
static void copy_slot(XenBackendRing *r, uint32_t index, size_t size,
                      bool to_guest)
{
    size_t at = sizeof(RingHead) + (index & (r->entries - 1)) * r->request;

    while (size) {
        size_t off = at % HOST_PAGE_SIZE;
        size_t part = MIN(size, HOST_PAGE_SIZE - off);
        uint8_t *guest = r->pages[at / HOST_PAGE_SIZE] + off;

        if (to_guest) {
            memcpy(guest, r->copy + at, part);
        } else {
            memcpy(r->copy + at, guest, part);
        }
        at += part;
        size -= part;
    }
}

/* Ends: there are never more than the ring's entries to be taken. */
bool xen_backend_ring_take(XenBackendRing *r)
{
    RingHead *guest = (RingHead *)r->pages[0];
    RingHead *own = (RingHead *)r->copy;
    uint32_t prod = __atomic_load_n(&guest->req_prod, __ATOMIC_ACQUIRE);

    do {
        if (r->broken || prod - r->answered > r->entries ||
            prod - r->answered < r->taken - r->answered) {
            r->broken = true;
            return false;
        }
        for (; r->taken != prod; r->taken++) {
            copy_slot(r, r->taken, r->request, false);
        }
        __atomic_store_n(&guest->req_event, prod + 1, __ATOMIC_RELAXED);
        /* It looks at the event's index after it has stored the other. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        prod = __atomic_load_n(&guest->req_prod, __ATOMIC_ACQUIRE);
    } while (prod != r->taken);
    own->req_prod = prod;
    return true;
}

XenRingAnswer xen_backend_ring_put(XenBackendRing *r)
{
    RingHead *guest = (RingHead *)r->pages[0];
    RingHead *own = (RingHead *)r->copy;
    uint32_t old = r->answered, prod = own->rsp_prod, event;

    /* The back end answers what it was asked. */
    assert(prod - old <= r->taken - old);
    if (prod == old) {
        return XEN_RING_NOTHING;
    }
    for (uint32_t i = old; i != prod; i++) {
        copy_slot(r, i, r->response, true);
    }
    r->answered = prod;
    /* It is to tell of each, whatever the guest wants. */
    own->rsp_event = prod + 1;
    __atomic_store_n(&guest->rsp_prod, prod, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    event = __atomic_load_n(&guest->rsp_event, __ATOMIC_ACQUIRE);
    return prod - event < prod - old ? XEN_RING_NOTIFY : XEN_RING_QUIET;
}
