/* SPDX-License-Identifier: GPL-2.0-or-later */
/* physdev_op's arguments, and the one that differs for 32-bit guests. */
#ifndef JUMPCUT_HW_XEN_ABI_COMPAT_PHYSDEV_H
#define JUMPCUT_HW_XEN_ABI_COMPAT_PHYSDEV_H

#include <stddef.h>
#include <stdint.h>

#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#endif
#include <xen/xen.h>
#include <xen/physdev.h>

/* In headers newer than Xen 4.17's only. */
#define XEN_PHYSDEVOP_PCI_DEVICE_RESET 32

/* A 32-bit guest aligns 64-bit members to four bytes. */
typedef struct XenCompatMapPirq {
    uint16_t domid, pad;
    int32_t type, index, pirq;
    int32_t bus, devfn, entry_nr;
    uint64_t table_base;
} __attribute__((packed, aligned(4))) XenCompatMapPirq;

_Static_assert(sizeof(struct physdev_map_pirq) == 40, "map_pirq");
_Static_assert(offsetof(struct physdev_map_pirq, pirq) == 12, "map_pirq.pirq");
_Static_assert(sizeof(XenCompatMapPirq) == 36, "compat map_pirq");
_Static_assert(offsetof(XenCompatMapPirq, pirq) == 12, "compat map_pirq.pirq");
_Static_assert(sizeof(struct physdev_unmap_pirq) == 8, "unmap_pirq");
_Static_assert(sizeof(struct physdev_irq_status_query) == 8, "status_query");
_Static_assert(sizeof(struct physdev_get_free_pirq) == 8, "get_free_pirq");
_Static_assert(sizeof(struct physdev_eoi) == 4, "eoi");

#endif
