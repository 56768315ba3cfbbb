/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen's public ABI: the distribution's headers, the 32-bit ("compat") layouts
 * they do not give to a 64-bit build, and proof of the sizes and offsets of
 * all that is shared with a guest, in both layouts.
 */
#ifndef JUMPCUT_HW_XEN_ABI_H
#define JUMPCUT_HW_XEN_ABI_H

#include <stddef.h>
#include <stdint.h>

/* The newest interface of the oldest headers supported, Xen 4.17's. */
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#endif
#include <xen/errno.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/* In headers newer than Xen 4.17's only. */
#define XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA 14
#define XEN_VCPUOP_REGISTER_TIME_PHYS_AREA     15
#define XEN_XENFEAT_RUNSTATE_PHYS_AREA         18
#define XEN_XENFEAT_VCPU_TIME_PHYS_AREA        19
#define XEN_EVTCHNOP_RESET_CONT                14 /* Xen's continuation */
#define XEN_NR_VIRQS                           24
#define XEN_VCPU_INFO_SIZE                     64u

/* A 32-bit guest aligns 64-bit members to four bytes. */
#define XEN_COMPAT_LAYOUT __attribute__((packed, aligned(4)))

typedef struct XenCompatVcpuInfo {
    uint8_t evtchn_upcall_pending;
    uint8_t evtchn_upcall_mask;
    uint16_t pad;
    uint32_t evtchn_pending_sel;
    uint32_t arch[6];
    struct vcpu_time_info time;
} XEN_COMPAT_LAYOUT XenCompatVcpuInfo;

typedef struct XenCompatSharedInfo {
    XenCompatVcpuInfo vcpu_info[XEN_LEGACY_MAX_VCPUS];
    uint32_t evtchn_pending[32];
    uint32_t evtchn_mask[32];
    uint32_t wc_version;
    uint32_t wc_sec;
    uint32_t wc_nsec;
    struct {
        uint32_t max_pfn;
        uint32_t pfn_to_mfn_frame_list_list;
        uint32_t nmi_reason;
        uint32_t p2m_cr3;
        uint32_t p2m_vaddr;
        uint32_t p2m_generation;
        uint32_t wc_sec_hi;
    } arch;
} XEN_COMPAT_LAYOUT XenCompatSharedInfo;

typedef struct XenCompatRunstateInfo {
    int32_t state;
    uint64_t state_entry_time;
    uint64_t time[4];
} XEN_COMPAT_LAYOUT XenCompatRunstateInfo;

typedef struct XenCompatSingleshotTimer {
    uint64_t timeout_abs_ns;
    uint32_t flags;
} XEN_COMPAT_LAYOUT XenCompatSingleshotTimer;

typedef struct XenCompatSchedPoll {
    uint32_t ports;
    uint32_t nr_ports;
    uint64_t timeout;
} XEN_COMPAT_LAYOUT XenCompatSchedPoll;

typedef struct XenCompatAddToPhysmap {
    uint16_t domid;
    uint16_t size;
    uint32_t space;
    uint32_t idx;
    uint32_t gpfn;
} XEN_COMPAT_LAYOUT XenCompatAddToPhysmap;

typedef struct XenCompatSetupTable {
    uint16_t dom;
    uint16_t pad0;
    uint32_t nr_frames;
    int16_t status;
    uint16_t pad1;
    uint32_t frame_list;
} XEN_COMPAT_LAYOUT XenCompatSetupTable;

#define XEN_ABI_SIZE(type, size) \
    _Static_assert(sizeof(type) == (size), "size of " #type)
#define XEN_ABI_AT(type, member, off) \
    _Static_assert(offsetof(type, member) == (off), #type "." #member)

XEN_ABI_SIZE(struct vcpu_time_info, 32);
XEN_ABI_AT(struct vcpu_time_info, tsc_timestamp, 8);
XEN_ABI_AT(struct vcpu_time_info, system_time, 16);
XEN_ABI_AT(struct vcpu_time_info, tsc_to_system_mul, 24);
XEN_ABI_AT(struct vcpu_time_info, flags, 29);
XEN_ABI_SIZE(struct vcpu_info, XEN_VCPU_INFO_SIZE);
XEN_ABI_SIZE(XenCompatVcpuInfo, XEN_VCPU_INFO_SIZE);
XEN_ABI_AT(struct vcpu_info, evtchn_upcall_pending, 0);
XEN_ABI_AT(XenCompatVcpuInfo, evtchn_upcall_pending, 0);
XEN_ABI_AT(struct vcpu_info, evtchn_upcall_mask, 1);
XEN_ABI_AT(XenCompatVcpuInfo, evtchn_upcall_mask, 1);
XEN_ABI_AT(struct vcpu_info, evtchn_pending_sel, 8);
XEN_ABI_AT(XenCompatVcpuInfo, evtchn_pending_sel, 4);
XEN_ABI_AT(struct vcpu_info, time, 32);
XEN_ABI_AT(XenCompatVcpuInfo, time, 32);
XEN_ABI_AT(struct shared_info, evtchn_pending, 0x800);
XEN_ABI_AT(XenCompatSharedInfo, evtchn_pending, 0x800);
XEN_ABI_AT(struct shared_info, evtchn_mask, 0xa00);
XEN_ABI_AT(XenCompatSharedInfo, evtchn_mask, 0x880);
XEN_ABI_AT(struct shared_info, wc_version, 0xc00);
XEN_ABI_AT(XenCompatSharedInfo, wc_version, 0x900);
XEN_ABI_AT(struct shared_info, wc_sec_hi, 0xc0c);
XEN_ABI_AT(XenCompatSharedInfo, arch.wc_sec_hi, 0x924);
XEN_ABI_SIZE(struct vcpu_runstate_info, 48);
XEN_ABI_AT(struct vcpu_runstate_info, state_entry_time, 8);
XEN_ABI_SIZE(XenCompatRunstateInfo, 44);
XEN_ABI_AT(XenCompatRunstateInfo, state_entry_time, 4);
XEN_ABI_SIZE(struct vcpu_set_singleshot_timer, 16);
XEN_ABI_SIZE(XenCompatSingleshotTimer, 12);
XEN_ABI_SIZE(struct vcpu_register_vcpu_info, 16);
XEN_ABI_SIZE(struct sched_poll, 24);
XEN_ABI_SIZE(XenCompatSchedPoll, 16);
XEN_ABI_SIZE(struct xen_add_to_physmap, 24);
XEN_ABI_SIZE(XenCompatAddToPhysmap, 16);
XEN_ABI_SIZE(struct gnttab_setup_table, 24);
XEN_ABI_AT(struct gnttab_setup_table, status, 8);
XEN_ABI_SIZE(XenCompatSetupTable, 16);
XEN_ABI_AT(XenCompatSetupTable, status, 8);
XEN_ABI_SIZE(struct xen_hvm_param, 16);
XEN_ABI_SIZE(struct xen_hvm_evtchn_upcall_vector, 8);
XEN_ABI_SIZE(struct evtchn_status, 24);
XEN_ABI_SIZE(struct grant_entry_v1, 8);

#endif
