/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op inside: for memory*.c alone. */
#ifndef JUMPCUT_HW_XEN_MEMORY_INTERNAL_H
#define JUMPCUT_HW_XEN_MEMORY_INTERNAL_H

#include "hw/xen/abi/compat-memory.h"
#include "hw/xen/hypercall-internal.h"
#include "hw/xen/physmap.h"

/* The upper bits of the command are where to continue (MEMOP_EXTENT_SHIFT). */
#define XEN_MEMOP_EXTENT_SHIFT 6
#define XEN_MEMOP_CMD_MASK     ((1u << XEN_MEMOP_EXTENT_SHIFT) - 1)
#define XEN_MEMOP_EXTENT_MAX   (UINT32_MAX >> XEN_MEMOP_EXTENT_SHIFT)
/* Pages one call changes before it lets the guest take an interrupt. */
#define XEN_MEMOP_BATCH 512u
/* xen: CONFIG_DOMU_MAX_ORDER */
#define XEN_DOMU_MAX_ORDER 9u
/* xen: E820MAX */
#define XEN_E820_MAX 1024u

struct XenMemory {
    XenPhysmap *physmap;
    GPtrArray *overlays; /* XenOverlay, those mapped */
    XenE820Entry *map;   /* what XENMEM_memory_map tells */
    unsigned nr_map;     /* 0: -XEN_ENOSYS */
};

/* memory.c */
XenOverlay *xen_overlay_at(const XenDomain *d, uint64_t gfn);
void xen_overlay_unmap(XenDomain *d, XenOverlay *o);
void xen_special_pages_reset(XenDomain *d);
/* Have the call made again from extent @done on. */
void xen_memop_continue(XenCall *c, uint64_t done);
uint64_t xen_memop_extent(const XenCall *c);

/* memory-reservation.c */
int64_t xen_memop_reservation(XenCall *c, uint32_t cmd);
XenSubopFn xen_memop_exchange, xen_memop_claim_pages;

/* memory-physmap.c */
XenSubopFn xen_memop_add_to_physmap, xen_memop_add_to_physmap_batch,
    xen_memop_remove_from_physmap;

/* memory-map.c */
void xen_memory_map_reset(XenDomain *d);
XenSubopFn xen_memop_memory_map, xen_memop_set_memory_map,
    xen_memop_machine_memory_map, xen_memop_machphys_mfn_list,
    xen_memop_pod_target, xen_memop_access_op, xen_memop_vnumainfo,
    xen_memop_reserved_device_map, xen_memop_acquire_resource;

#endif
