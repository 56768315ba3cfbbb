/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A payload's grant table: its first frame (and status frame) laid over pages
 * of the payload's own.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_GRANT_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_GRANT_H

#include "tests/payload/lib/xen.h"

#include <xen/grant_table.h>

long grant_op(unsigned op, void *arg, unsigned count);
/* Our domain's id, as CPUID tells. */
uint16_t grant_domid(void);
/* The table becomes one of @version; an error is reported, then false. */
bool grant_setup(unsigned version);
/* Lay frame @idx of the table over the page at @page; Xen's answer. */
long grant_lay(unsigned long idx, void *page);

/* Entries of the version set up; references below 256. */
void grant_entry(uint32_t ref, uint16_t flags, uint16_t domid,
                 const void *page);
void grant_entry_frame(uint32_t ref, uint16_t flags, uint16_t domid,
                       uint64_t frame);
union grant_entry_v2 *grant_entry_v2(uint32_t ref);
/* Flags of the entry, reading and writing included. */
uint16_t grant_flags(uint32_t ref);

/* Map or unmap one entry; the status, or the hypercall's error. */
long grant_map(uint32_t ref, void *at, uint32_t flags, uint32_t *handle);
long grant_unmap(uint32_t handle, const void *at);

static inline unsigned long grant_gfn(const void *page)
{
    return (uintptr_t)page / PAGE_SIZE;
}

#endif
