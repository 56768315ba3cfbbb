/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of its xenstore ring, for qtest suites.
 */
#ifndef JUMPCUT_TESTS_XEN_STORE_H
#define JUMPCUT_TESTS_XEN_STORE_H

#include "tests/qtest/xen-guest.h"

#include <xen/io/xs_wire.h>

/* A ring page the toolstack made, and its event channel. */
typedef struct XgRing {
    Qtest *q;
    uint64_t gpa;
    uint32_t port;
} XgRing;

#define XG_STORE(field) offsetof(struct xenstore_domain_interface, field)

/* HVM parameter @index; fails the test if Xen refuses. */
uint64_t xg_get_param(Qtest *q, uint32_t index);
/* Send on the ring's port. */
void xg_ring_kick(const XgRing *r);

XgRing xg_store_ring(Qtest *q);
/* Put @len bytes where the next request goes, without a kick. */
void xg_store_put(const XgRing *r, const void *buf, size_t len);
/*
 * One request, XS_* @type with @len bytes of payload.
 * @return: the answer's text; an error's name is one, too.
 */
char *xg_store_request(const XgRing *r, uint32_t type, const void *payload,
                       size_t len);

#endif
