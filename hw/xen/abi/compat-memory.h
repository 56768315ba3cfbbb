/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op's arguments: 32-bit layouts, and those Xen's headers keep for its
 * own tools though a guest may pass them.
 */
#ifndef JUMPCUT_HW_XEN_ABI_COMPAT_MEMORY_H
#define JUMPCUT_HW_XEN_ABI_COMPAT_MEMORY_H

#include "hw/xen/abi/xen-abi.h"

/* Kept from guests by the headers. */
#define XENMEM_get_sharing_freed_pages    18
#define XENMEM_get_sharing_shared_pages   19
#define XENMEM_paging_op                  20
#define XENMEM_access_op                  21
#define XENMEM_sharing_op                 22
#define XENMEM_claim_pages                24
#define XENMEM_reserved_device_memory_map 27
#define XENMEM_RDM_ALL                    1u

typedef struct XenCompatMemoryReservation {
    uint32_t extent_start;
    uint32_t nr_extents;
    uint32_t extent_order;
    uint32_t mem_flags;
    uint16_t domid;
} XEN_COMPAT_LAYOUT XenCompatMemoryReservation;

typedef struct XenCompatMemoryExchange {
    XenCompatMemoryReservation in, out;
    uint32_t nr_exchanged;
} XEN_COMPAT_LAYOUT XenCompatMemoryExchange;

typedef struct XenCompatAddToPhysmapBatch {
    uint16_t domid;
    uint16_t space;
    uint16_t size;
    uint16_t extra;
    uint32_t idxs;
    uint32_t gpfns;
    uint32_t errs;
} XEN_COMPAT_LAYOUT XenCompatAddToPhysmapBatch;

typedef struct XenCompatRemoveFromPhysmap {
    uint16_t domid;
    uint16_t pad;
    uint32_t gpfn;
} XEN_COMPAT_LAYOUT XenCompatRemoveFromPhysmap;

typedef struct XenCompatMemoryMap {
    uint32_t nr_entries;
    uint32_t buffer;
} XEN_COMPAT_LAYOUT XenCompatMemoryMap;

typedef struct XenCompatForeignMemoryMap {
    uint16_t domid;
    uint16_t pad;
    XenCompatMemoryMap map;
} XEN_COMPAT_LAYOUT XenCompatForeignMemoryMap;

typedef struct XenCompatMachphysMfnList {
    uint32_t max_extents;
    uint32_t extent_start;
    uint32_t nr_extents;
} XEN_COMPAT_LAYOUT XenCompatMachphysMfnList;

typedef struct XenCompatPodTarget {
    uint64_t pages[4];
    uint16_t domid;
} XEN_COMPAT_LAYOUT XenCompatPodTarget;

typedef struct XenMemAccessOp {
    uint8_t op;
    uint8_t access;
    uint16_t domid;
    uint32_t nr;
    uint64_t pfn;
    uint64_t lists[2];
} XenMemAccessOp;

typedef struct XenReservedDeviceMap {
    uint32_t flags;
    uint32_t nr_entries;
    uint64_t buffer;
    uint32_t pci;
} XenReservedDeviceMap;

typedef struct XenCompatReservedDeviceMap {
    uint32_t flags;
    uint32_t nr_entries;
    uint32_t buffer;
    uint32_t pci;
} XEN_COMPAT_LAYOUT XenCompatReservedDeviceMap;

/* One range of a memory map, in either layout. */
typedef struct XenE820Entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
} __attribute__((packed)) XenE820Entry;

XEN_ABI_SIZE(struct xen_memory_reservation, 32);
XEN_ABI_SIZE(XenCompatMemoryReservation, 20);
XEN_ABI_SIZE(struct xen_memory_exchange, 72);
XEN_ABI_AT(struct xen_memory_exchange, nr_exchanged, 64);
XEN_ABI_SIZE(XenCompatMemoryExchange, 44);
XEN_ABI_SIZE(struct xen_add_to_physmap_batch, 32);
XEN_ABI_SIZE(XenCompatAddToPhysmapBatch, 20);
XEN_ABI_SIZE(struct xen_remove_from_physmap, 16);
XEN_ABI_SIZE(XenCompatRemoveFromPhysmap, 8);
XEN_ABI_SIZE(struct xen_memory_map, 16);
XEN_ABI_SIZE(XenCompatMemoryMap, 8);
XEN_ABI_SIZE(struct xen_foreign_memory_map, 24);
XEN_ABI_SIZE(XenCompatForeignMemoryMap, 12);
XEN_ABI_SIZE(struct xen_machphys_mfn_list, 24);
XEN_ABI_SIZE(XenCompatMachphysMfnList, 12);
XEN_ABI_SIZE(struct xen_pod_target, 40);
XEN_ABI_SIZE(XenCompatPodTarget, 36);
XEN_ABI_SIZE(struct xen_vnuma_topology_info, 40);
XEN_ABI_SIZE(XenMemAccessOp, 32);
XEN_ABI_SIZE(XenReservedDeviceMap, 24);
XEN_ABI_SIZE(XenCompatReservedDeviceMap, 16);
XEN_ABI_SIZE(XenE820Entry, 20);

#endif
