/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a Xen domain is made with, as its toolstack says.
 */
#ifndef JUMPCUT_HW_XEN_DOMAIN_CONFIG_H
#define JUMPCUT_HW_XEN_DOMAIN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define XEN_DOMAIN_MAX_VCPUS 128u

/* Where the toolstack puts the two rings and binds their ports. */
#define XEN_STORE_GFN    0xfeffcu
#define XEN_CONSOLE_GFN  0xfefffu
#define XEN_STORE_PORT   1u
#define XEN_CONSOLE_PORT 2u

/* One range of the guest's memory map; types as in the BIOS's E820. */
typedef struct XenMemoryRange {
    uint64_t addr, size; /* bytes */
    uint32_t type;       /* 1: RAM, 2: reserved, 3: ACPI, 4: NVS */
} XenMemoryRange;

typedef struct XenDomainConfig {
    bool pvh;               /* a PVH guest; else HVM */
    unsigned nr_vcpus;      /* 1 to XEN_DOMAIN_MAX_VCPUS */
    unsigned version_major; /* Xen's version as the guest sees it: 4 */
    unsigned version_minor; /* 17 or 20 */
    uint16_t domid;
    uint32_t max_port; /* highest event channel, up to 131071; 0: xl's 1023 */
    uint8_t uuid[16];
    uint64_t nr_pages;         /* memory of the guest, in 4 KiB pages */
    const XenMemoryRange *map; /* copied; what XENMEM_memory_map tells, in
                                  that order; RAM are the guest's frames */
    unsigned nr_map;
} XenDomainConfig;

#endif
