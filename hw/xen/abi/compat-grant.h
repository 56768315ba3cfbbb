/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts of grant_table_op that 32-bit code sees otherwise. */
#ifndef JUMPCUT_HW_XEN_ABI_COMPAT_GRANT_H
#define JUMPCUT_HW_XEN_ABI_COMPAT_GRANT_H

#include "hw/xen/abi/xen-abi.h"

typedef struct XenCompatGrantCopyPtr {
    uint32_t ref; /* or frame */
    uint16_t domid;
    uint16_t offset;
} XEN_COMPAT_LAYOUT XenCompatGrantCopyPtr;

typedef struct XenCompatGrantCopy {
    XenCompatGrantCopyPtr source, dest;
    uint16_t len;
    uint16_t flags;
    int16_t status;
    uint16_t pad;
} XEN_COMPAT_LAYOUT XenCompatGrantCopy;

XEN_ABI_SIZE(struct gnttab_map_grant_ref, 32);
XEN_ABI_AT(struct gnttab_map_grant_ref, status, 18);
XEN_ABI_SIZE(struct gnttab_unmap_grant_ref, 24);
XEN_ABI_AT(struct gnttab_unmap_grant_ref, status, 20);
XEN_ABI_SIZE(struct gnttab_swap_grant_ref, 12);
XEN_ABI_AT(struct gnttab_swap_grant_ref, status, 8);
XEN_ABI_SIZE(struct gnttab_query_size, 16);
XEN_ABI_SIZE(struct gnttab_copy, 40);
XEN_ABI_AT(struct gnttab_copy, len, 32);
XEN_ABI_AT(struct gnttab_copy, status, 36);
XEN_ABI_SIZE(XenCompatGrantCopy, 24);
XEN_ABI_AT(XenCompatGrantCopy, len, 16);
XEN_ABI_AT(XenCompatGrantCopy, status, 20);
XEN_ABI_SIZE(union grant_entry_v2, 16);

#endif
