/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of a xenstore ring, for tests: a domain with a tree, a fake
 * host and the ring page at frame 3.
 *
 * Domain 7 owns /local/domain/7 with "name" = "guest" in it; /local/domain/0
 * is domain 0's, with a readable "open" = "yes" and a closed "shut".
 */
#ifndef JUMPCUT_TESTS_UNIT_XENSTORE_GUEST_H
#define JUMPCUT_TESTS_UNIT_XENSTORE_GUEST_H

#include <errno.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#include "hw/xen/xenstore-ring.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/fake-tree.h"

#define GUEST_DOMID 7u
#define GUEST_PAGE  0x3000ull

#define GUEST_FIELD(f) \
    (GUEST_PAGE + offsetof(struct xenstore_domain_interface, f))

typedef struct XenstoreGuest {
    FakeHost *fake;
    HostPage *page;
    FakeTree *tree;
    XenstoreRing *ring;
    unsigned notified;
    GByteArray *stream; /* what the ring gave, not yet taken by guest_next() */
    GQueue events;      /* of GByteArray: payloads, as guest_call() met them */
} XenstoreGuest;

typedef struct GuestMsg {
    struct xsd_sockmsg hdr;
    GByteArray *payload;
} GuestMsg;

XenstoreGuest *guest_new(void);
/* Fails the test if a byte of the page was changed and not told of. */
void guest_free(XenstoreGuest *g);

/* Makes the ring start at @index on both sides, as if so much went through. */
void guest_set_indexes(XenstoreGuest *g, uint32_t index);

/* Writes bytes to the request ring as room allows, kicking when it is full. */
void guest_send_bytes(XenstoreGuest *g, const void *bytes, size_t len);
void guest_send(XenstoreGuest *g, uint32_t type, uint32_t req_id, uint32_t tx,
                const void *payload, size_t len);
/* Takes all there is out of the reply ring; false if there was nothing. */
bool guest_drain(XenstoreGuest *g);
/* The next message, kicking and draining as needed; NULL: there is none. */
GuestMsg *guest_next(XenstoreGuest *g);
void guest_msg_free(GuestMsg *msg);

/* One request and its reply; events that come go to g->events. */
GuestMsg *guest_call(XenstoreGuest *g, uint32_t type, uint32_t tx,
                     const void *payload, size_t len);
/* The same; fails the test unless the answer is @type with @want. */
void guest_expect(XenstoreGuest *g, const char *what, uint32_t type,
                  uint32_t tx, const void *payload, size_t len,
                  uint32_t want_type, const void *want, size_t want_len);
void guest_expect_error(XenstoreGuest *g, const char *what, uint32_t type,
                        uint32_t tx, const void *payload, size_t len,
                        const char *error);
/* The oldest of g->events is @path and @token. */
void guest_expect_event(XenstoreGuest *g, const char *path, const char *token);
void guest_expect_no_event(XenstoreGuest *g);
uint32_t guest_start_transaction(XenstoreGuest *g);

/* The ring's migration state; @return of the load: the stream was taken. */
GByteArray *guest_save(XenstoreGuest *g);
bool guest_load(XenstoreGuest *g, const GByteArray *state, GError **error);

/* A string literal with its last NUL, or without, as two arguments. */
#define ZSTR(s) (s), sizeof(s)
#define STR(s)  (s), sizeof(s) - 1

#endif
