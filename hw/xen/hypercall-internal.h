/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls inside: a call in flight, guest copies, and the table that
 * describes each sub-operation's argument.
 */
#ifndef JUMPCUT_HW_XEN_HYPERCALL_INTERNAL_H
#define JUMPCUT_HW_XEN_HYPERCALL_INTERNAL_H

#include "hw/xen/domain-internal.h"

typedef struct XenCall {
    XenDomain *d;
    XenVcpu *v;
    bool compat; /* 32-bit layouts */
    uint64_t args[6];
    /* Set, with args[] changed, by a handler that is to be called again. */
    bool again;
    unsigned target;   /* vCPU a VCPUOP is about */
    bool in_multicall; /* the call is part of one */
} XenCall;

typedef int64_t XenHypercallFn(XenCall *c);
/* @arg: the argument's copy, in the caller's layout. */
typedef int64_t XenSubopFn(XenCall *c, void *arg);

typedef enum XenArgFlags {
    XEN_ARG_IN = 1 << 0,  /* copied in; -XEN_EFAULT if it cannot be */
    XEN_ARG_OUT = 1 << 1, /* copied back if the operation did not fail */
} XenArgFlags;

/* Largest argument of any sub-operation: the strings of xen_version. */
#define XEN_ARG_MAX 1024u

typedef struct XenSubop {
    uint32_t cmd;
    uint16_t size;        /* of the argument, 64-bit layout */
    uint16_t compat_size; /* the same, 32-bit layout */
    unsigned flags;
    XenSubopFn *fn;
} XenSubop;

/* A row whose argument looks the same in both layouts. */
#define XEN_SUBOP(cmd, type, flags, fn)            \
    {                                              \
        cmd, sizeof(type), sizeof(type), flags, fn \
    }
#define XEN_SUBOP_COMPAT(cmd, type, compat, flags, fn) \
    {                                                  \
        cmd, sizeof(type), sizeof(compat), flags, fn   \
    }
/* A row without an argument, or whose handler copies it itself. */
#define XEN_SUBOP_PLAIN(cmd, fn) \
    {                            \
        cmd, 0, 0, 0, fn         \
    }

bool xen_copy_in(XenCall *c, uint64_t gva, void *buf, size_t len);
bool xen_copy_out(XenCall *c, uint64_t gva, const void *buf, size_t len);
int64_t xen_subop_call(XenCall *c, const XenSubop *table, size_t n,
                       uint32_t cmd, uint64_t gva);
/*
 * 0 if @domid names the caller; -XEN_EPERM for domain 0, which exists but is
 * not the guest's to touch, -XEN_ESRCH for all others.
 */
int xen_domid_check(const XenCall *c, uint16_t domid);
/*
 * The same for what is only for other domains: -XEN_EPERM if @domid is the
 * caller's own, 0 for domain 0, -XEN_ESRCH for all others, DOMID_SELF too (xen:
 * common/domain.c, rcu_lock_remote_domain_by_id).
 */
int xen_domid_remote(const XenCall *c, uint16_t domid);
int64_t xen_hypercall_dispatch(XenCall *c, uint64_t nr);

XenHypercallFn xen_do_memory_op, xen_do_set_timer_op, xen_do_xen_version,
    xen_do_grant_table_op, xen_do_vcpu_op, xen_do_sched_op,
    xen_do_event_channel_op, xen_do_physdev_op, xen_do_hvm_op;

/* multicall.c, privileged.c */
XenHypercallFn xen_do_multicall, xen_do_console_io, xen_do_platform_op,
    xen_do_sysctl, xen_do_domctl, xen_do_paging_domctl_cont, xen_do_mmuext_op,
    xen_do_xenpmu_op, xen_do_dm_op, xen_do_hypfs_op;

#endif
