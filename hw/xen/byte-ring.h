/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of a byte stream shared with the guest: a power-of-two buffer
 * and two free-running indexes in a page, as in the xenstore and the console
 * ring (xen: public/io/xs_wire.h, public/io/console.h).
 *
 * The guest may write anything into the page at any time.  Each call reads
 * both indexes once, with acquire order, checks the copies and uses the
 * copies; data moves before the new index is stored with release order.
 */
#ifndef JUMPCUT_HW_XEN_BYTE_RING_H
#define JUMPCUT_HW_XEN_BYTE_RING_H

#include "hw/host.h"

/* Value "which" of the trace event ring_error. */
typedef enum ByteRingId {
    BYTE_RING_XENSTORE_REQUEST,
    BYTE_RING_XENSTORE_REPLY,
    BYTE_RING_CONSOLE_OUT,
    BYTE_RING_CONSOLE_IN,
    /* a request announcing too long a payload; prod is its length */
    BYTE_RING_XENSTORE_LENGTH,
} ByteRingId;

typedef struct ByteRing {
    Host *host;
    HostPage *page;
    ByteRingId id;
    uint32_t size;           /* bytes, a power of two */
    size_t data, cons, prod; /* offsets in the page, bytes */
} ByteRing;

/*
 * Bytes to be read.
 * @return: false, with a trace event, if the indexes are further apart than
 * the ring is long.
 */
bool byte_ring_used(const ByteRing *ring, size_t *used);
bool byte_ring_room(const ByteRing *ring, size_t *room);
/* As many bytes as there are, up to @max; false as above. */
bool byte_ring_read(const ByteRing *ring, void *buf, size_t max, size_t *len);
/* As many bytes as fit, up to @max; false as above. */
bool byte_ring_write(const ByteRing *ring, const void *buf, size_t max,
                     size_t *len);

#endif
