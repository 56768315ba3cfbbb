/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xen_version and features: what headers newer than Xen 4.17's have. */
#ifndef JUMPCUT_HW_XEN_ABI_COMPAT_VERSION_H
#define JUMPCUT_HW_XEN_ABI_COMPAT_VERSION_H

#include "hw/xen/abi/xen-abi.h"

/* Strings of any length, since Xen 4.18. */
#define XEN_XENVER_EXTRAVERSION2 11
#define XEN_XENVER_CAPABILITIES2 12
#define XEN_XENVER_CHANGESET2    13
#define XEN_XENVER_COMMANDLINE2  14

/* Since Xen 4.19. */
#define XEN_XENFEAT_DM_MSIX_ALL_WRITES 20

/* Before such a string; alike in 32-bit code. */
typedef struct XenVarbuf {
    uint32_t len; /* of what follows */
} XenVarbuf;

XEN_ABI_SIZE(XenVarbuf, 4);

#endif
