/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's grant table in native tests: frame i of it lies over guest frame
 * GRANT_GUEST_TABLE + i, status frame i over GRANT_GUEST_STATUS + i.
 */
#ifndef JUMPCUT_TESTS_UNIT_GRANT_GUEST_H
#define JUMPCUT_TESTS_UNIT_GRANT_GUEST_H

#include "tests/unit/xen-guest.h"

#define GRANT_GUEST_TABLE  0x60ull /* guest frame */
#define GRANT_GUEST_STATUS 0x70ull /* guest frame */
#define GRANT_GUEST_PAGE   0x80ull /* guest frame to grant */
#define GRANT_GUEST_OTHER  0x81ull /* another */

/* Lay table frame @idx (or status frame, marked in it) over @gfn. */
int64_t grant_guest_lay(XenGuest *g, uint64_t idx, uint64_t gfn);
/* Make the table of @version, and lay its first frame (and status frame). */
void grant_guest_setup(XenGuest *g, unsigned version);
/* A guest with that, and entry @ref to grant GRANT_GUEST_PAGE to itself. */
XenGuest *grant_guest_new(unsigned version, bool compat, uint32_t ref);
/* Fill in entry @ref of the version that was set up. */
void grant_guest_entry(XenGuest *g, uint32_t ref, uint16_t flags,
                       uint16_t domid, uint64_t frame);
/* The same for a part of the page; version 2. */
void grant_guest_sub_page(XenGuest *g, uint32_t ref, uint16_t flags,
                          uint16_t domid, uint64_t frame, uint16_t off,
                          uint16_t len);
/* Flags of the entry as the guest sees them, status included. */
uint16_t grant_guest_flags(XenGuest *g, uint32_t ref);

#endif
