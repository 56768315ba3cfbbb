/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A back end's own copy of a ring of requests and responses (xen:
 * public/io/ring.h), for back ends that trust what is in theirs.
 *
 * The ring in the guest's pages may change at any time and claim anything; its
 * pages need not be neighbours.  The copy is one range, only we and the back
 * end write to it, and it never holds more requests than the ring is long.
 */
#ifndef JUMPCUT_HW_XEN_BACKEND_RING_H
#define JUMPCUT_HW_XEN_BACKEND_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct XenBackendRing XenBackendRing;

typedef enum XenRingAnswer {
    XEN_RING_NOTHING, /* there was no new response */
    XEN_RING_QUIET,   /* the guest wants no event for those there were */
    XEN_RING_NOTIFY,
} XenRingAnswer;

/*
 * @pages: the guest's, as long as the ring is there
 * @request, @response: sizes of a slot's two uses, bytes; a response is not
 * larger than a request
 */
XenBackendRing *xen_backend_ring_new(uint8_t *const *pages, unsigned n_pages,
                                     size_t request, size_t response);
void xen_backend_ring_free(XenBackendRing *r);

/* What the back end uses. */
void *xen_backend_ring_copy(const XenBackendRing *r);

/*
 * Take the guest's new requests, and have it send an event for the next.
 * @return: false, from now on, if it claims more requests than the ring has
 * slots that are not in use (Linux's back ends halt such a ring, too).
 */
bool xen_backend_ring_take(XenBackendRing *r);
/* Give the guest the back end's new responses. */
XenRingAnswer xen_backend_ring_put(XenBackendRing *r);

#endif
