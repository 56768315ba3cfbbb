/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's physmap: which page of its memory lies at which guest frame, and
 * which pages it gave back.  Pages are named by their home (hw/host-memory.h).
 *
 * Changes are seen by running vCPUs after xen_physmap_sync().
 */
#ifndef JUMPCUT_HW_XEN_PHYSMAP_H
#define JUMPCUT_HW_XEN_PHYSMAP_H

#include "hw/host.h"
#include "hw/state.h"
#include "hw/xen/domain.h"

typedef struct XenPhysmap XenPhysmap;

/* @cfg is borrowed: its map's RAM, or [0, nr_pages) without one, is home. */
XenPhysmap *xen_physmap_new(Host *host, const XenDomainConfig *cfg);
void xen_physmap_free(XenPhysmap *p);
/* Every page at home. */
void xen_physmap_reset(XenPhysmap *p);

/* Home of the page at @gfn, or HOST_NO_FRAME. */
uint64_t xen_physmap_get(const XenPhysmap *p, uint64_t gfn);
/* Pages the domain has: XENMEM_current_reservation. */
uint64_t xen_physmap_nr_pages(const XenPhysmap *p);
/* Highest frame that ever held something: XENMEM_maximum_gpfn. */
uint64_t xen_physmap_max_gfn(const XenPhysmap *p);

/*
 * Take the page at @gfn away, and if @release give it back to Xen: a page
 * that is pinned stays the domain's, as one with references does on Xen.
 * @return: 0; -XEN_EINVAL: there is none.
 */
int xen_physmap_remove(XenPhysmap *p, uint64_t gfn, bool release);
/*
 * A zeroed page at @gfn.  The one that lay there before stays the domain's,
 * out of its sight (xen: guest_physmap_add_entry).
 * @return: 0; -XEN_ENOMEM: the domain has all its pages, or as many frames far
 * from its memory as it may; -XEN_EINVAL: @gfn can hold none.
 */
int xen_physmap_populate(XenPhysmap *p, uint64_t gfn);
/*
 * The page at @from moves to @to; the one that lay there is given back.
 * @return: 0; -XEN_EINVAL: nothing at @from, or @to can hold none; -XEN_ENOMEM:
 * the domain has as many frames far from its memory as it may.
 */
int xen_physmap_move(XenPhysmap *p, uint64_t from, uint64_t to);
/* A page the domain has but sees nowhere. @return: 0 or -XEN_ENOMEM */
int xen_physmap_allocate(XenPhysmap *p);
void xen_physmap_sync(XenPhysmap *p);

void xen_physmap_save(const XenPhysmap *p, StateWriter *w);
void xen_physmap_load(XenPhysmap *p, StateReader *r);

#endif
