/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of its xenstore ring: requests and their replies, one at a
 * time, and the watch events that come between.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_STORE_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_STORE_H

/* xs_wire.h takes the fixed-width types from whoever includes it. */
#include <stdint.h>

#include <xen/io/xs_wire.h>

#include "tests/payload/lib/xen.h"

typedef struct StoreMsg {
    struct xsd_sockmsg hdr;
    char data[XENSTORE_PAYLOAD_MAX + 1]; /* with a NUL behind it */
} StoreMsg;

/* Finds page and port by the HVM parameters. */
void store_init(void);
struct xenstore_domain_interface *store_page(void);
void store_kick(void);

/*
 * Puts @len bytes into the ring, as it has room; false if nobody takes any
 * for long.
 */
bool store_put(const void *bytes, size_t len);
/* Sends a request with a number of its own. */
bool store_send(uint32_t type, uint32_t tx, const void *payload, size_t len);
/* The next message of any kind; NULL if none comes for long. */
const StoreMsg *store_receive(void);
/*
 * Sends a request and waits for its reply; NULL if there is none.  Watch
 * events that come first are kept.
 */
const StoreMsg *store_call(uint32_t type, uint32_t tx, const void *payload,
                           size_t len);
/* The next watch event, kept or new: "path" NUL "token" NUL. */
const StoreMsg *store_event(void);
/* Is there any, kept or in the ring?  Asks the store first for anything. */
bool store_has_event(void);

#endif
