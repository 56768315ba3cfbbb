/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout of XenHvm, for xen-hvm*.c alone.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XEN_HVM_INTERNAL_H
#define JUMPCUT_ACCEL_SHIM_XEN_HVM_INTERNAL_H

#include "accel/shim/console.h"
#include "accel/shim/xen-hvm.h"

struct XenHvm {
    XenHvmOptions options;
    unsigned nr_vcpus;
    Host *host;
    Clock *clock;
    XenDomain *domain;
    void *tree;
    ShimConsole *console;
    QEMUTimer *cut_timer, *digest_timer;
    int64_t next_digest_ns;
    GArray *pending; /* of CutSpec, by time */
    GArray *cuts;    /* of XenHvmCut */
    GArray *digests; /* of XenHvmDigest */
    int shutdown_reason;

    /* Only while migrating */
    uint32_t state_len;
    uint8_t *state;
};

/* All state of ours that migrates and counts for a digest. */
GByteArray *xen_hvm_state(XenHvm *x);
void xen_hvm_register_vmstate(XenHvm *x);
void xen_hvm_arm_cut_timer(XenHvm *x);
void xen_hvm_arm_digest_timer(XenHvm *x);

#endif
