/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The expectations abi_guard_check() compares the running QEMU with; tests
 * link wrong ones in their place.
 */
#ifndef ACCEL_SHIM_GUARD_INTERNAL_H
#define ACCEL_SHIM_GUARD_INTERNAL_H

#include <stddef.h>

typedef enum GuardTable {
    GUARD_X86_CPU,    /* vmstate_x86_cpu and its subsections: X86CPU */
    GUARD_CPU_COMMON, /* vmstate_cpu_common and its subsections: CPUState */
    GUARD_APIC,       /* properties of "apic-common": APICCommonState */
    GUARD_RTC,        /* vmstate of "mc146818rtc": MC146818RtcState */
    /* Properties of "virtio-serial-pci-base": VirtIOPCIProxy */
    GUARD_VIRTIO_PCI,
    /* Properties of "virtio-device": VirtIODevice */
    GUARD_VIRTIO,
    /* Properties of "virtio-serial-device": VirtIOSerial, beyond the latter */
    GUARD_VIRTIO_SERIAL,
} GuardTable;

typedef struct GuardField {
    GuardTable table;
    const char *name; /* the field's or property's name in the table */
    size_t offset;    /* where our headers have it */
} GuardField;

extern const GuardField guard_fields[];
extern const size_t guard_n_fields;
extern const char guard_build_id[];

#endif
