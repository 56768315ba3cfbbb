/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequences of what an ordering judge sees, as text.
 *
 * Sequences are words; numbers are hexadecimal, Q is a queue and P a port:
 *     wN status written, r read, R reset of the machine, W its next one is a
 *     wakeup's, lN legacy interface from now on or not, fN features accepted,
 *     hN half N of the features read, iN those of a console that there are,
 *     gN,M configuration read, cN,M written, M bytes (no M: the field's),
 *     oN,M of the common one, jN,M written,
 *     zQ,N size of a queue, dQ,N aQ,N uQ,N its addresses, vQ,N vector, of 8,
 *     VQ read, pQ,N page of a legacy queue, eQ,N enabled, xQ reset alone,
 *     yQ,N queue_reset read, kQ kicked, KQ,N,M by N of M bytes,
 *     bQ,N,M chain of N readable and M writable bytes, mP,E,V,L message of L
 *     bytes from the driver, tP,E to the driver (tP,E,10001: one that may
 *     overtake others)
 */
#ifndef JUMPCUT_TESTS_UNIT_ORDERING_WORDS_H
#define JUMPCUT_TESTS_UNIT_ORDERING_WORDS_H

#include "hw/virtio/ordering.h"

#define ORDERING_WORDS_PORTS 2

typedef struct Seen {
    OrderingJudge *judge;
    uint8_t status;
    bool legacy;
    uint64_t offers; /* features of a console, if not any */
    unsigned found;
    OrderingViolation last;
} Seen;

Seen *seen_new(void);
void seen_free(Seen *seen);
/* The judge sees @text; a word's number is its time. */
void seen_show(Seen *seen, const char *text);
/* What a judge reports to, @opaque is a Seen. */
void seen_found(void *opaque, const OrderingViolation *violation);

#endif
