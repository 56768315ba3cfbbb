/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Xen domain under QEMU's machine: life cycle, cuts, migration state.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XEN_HVM_H
#define JUMPCUT_ACCEL_SHIM_XEN_HVM_H

#include "hw/xen/domain.h"

typedef struct XenHvm XenHvm;

typedef struct XenHvmOptions {
    unsigned version_major, version_minor;
    uint16_t domid;
    ClockTscMode tsc_mode;
    HostProfile profile;
    GArray *cuts;        /* of CutSpec; borrowed */
    const char *console; /* chardev id or NULL */
    int64_t digest_ns;   /* 0: no digests at intervals */
} XenHvmOptions;

/* From a machine-init-done notifier; lives as long as the process. */
XenHvm *xen_hvm_new(const XenHvmOptions *options, Error **errp);

/*
 * Cut now (@at_ns negative) or at virtual time @at_ns, which must not be in
 * the past.
 */
bool xen_hvm_cut(XenHvm *x, const HostProfile *profile, int64_t at_ns,
                 Error **errp);

/* Read-only views for QMP. */
typedef struct XenHvmCut {
    ClockCut cut;
    uint64_t console_bytes;
} XenHvmCut;
typedef struct XenHvmDigest {
    int64_t at_ns;
    const char *reason;
    char *sha256;
} XenHvmDigest;
const XenHvmOptions *xen_hvm_options(const XenHvm *x);
Clock *xen_hvm_clock(const XenHvm *x);
XenDomain *xen_hvm_domain(const XenHvm *x);
/* Its xenstore (see xenstore-qemu.h) */
void *xen_hvm_tree(const XenHvm *x);
unsigned xen_hvm_nr_vcpus(const XenHvm *x);
const GArray *xen_hvm_cuts(const XenHvm *x);         /* of XenHvmCut */
const GArray *xen_hvm_pending_cuts(const XenHvm *x); /* of CutSpec */
const GArray *xen_hvm_digests(const XenHvm *x);      /* of XenHvmDigest */
uint64_t xen_hvm_console_bytes(const XenHvm *x);
/* SHUTDOWN_* once the guest ended, else -1 */
int xen_hvm_shutdown_reason(const XenHvm *x);

#endif
