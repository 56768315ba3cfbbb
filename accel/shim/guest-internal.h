/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout of Guest and of the hypervisors in it, for guest*.c alone.
 */
#ifndef JUMPCUT_ACCEL_SHIM_GUEST_INTERNAL_H
#define JUMPCUT_ACCEL_SHIM_GUEST_INTERNAL_H

#include "accel/shim/console.h"
#include "accel/shim/digest.h"
#include "accel/shim/guest.h"
#include "accel/shim/guest-part.h"
#include "accel/shim/guest-tap.h"
#include "accel/shim/run-timer.h"
#include "accel/shim/vcpu.h"
#include "hw/clock/tsc-deadline.h"

#define GUEST_PARTS_MAX 3u
/* Cuts that wait; their times are part of the migration state. */
#define GUEST_CUTS_MAX 4096u

struct Guest {
    GuestOptions options;
    unsigned nr_vcpus;
    Host *host;
    Clock *clock;
    GuestPart parts[GUEST_PARTS_MAX];
    unsigned nr_parts;
    XenDomain *domain; /* NULL: no Xen */
    void *tree;        /* its xenstore */
    KvmGuest *kvm;     /* NULL: no KVM */
    TscDeadline *tsc_deadline;
    int shutdown_reason;
    bool ap_stop; /* see guest-reset.c; from a wake-up to a hypercall */
    uint8_t beneath_ap_stop[4];
    Contention *contention; /* NULL: vCPUs are never held */
    ShimConsole *console;
    Gate *gate; /* NULL: what comes in does so at once */
    RunTimer cut_timer, digest_timer;
    Faults *faults;
    int64_t next_digest_ns;
    GArray *pending; /* of CutSpec, by time */
    GArray *cuts;    /* of GuestCut */
    GArray *digests; /* of GuestDigest */
    ShimDigester *digester;
    StateDigest *last_digest; /* NULL: none was taken */
    HostTap *tap;             /* NULL: none */
    GuestTapSink *tap_sink;
    void *tap_opaque;
    bool *tap_upcall; /* a vCPU: what was answered last */

    /* Only while migrating */
    uint32_t state_len;
    uint8_t *state;
};

/*
 * A cut at this moment; @restored: the guest is made into a new domain.
 */
bool guest_cut_now(Guest *g, const HostProfile *profile, bool restored,
                   GError **error);
void guest_register_vmstate(Guest *g);
void guest_arm_cut_timer(Guest *g);
void guest_arm_digest_timer(Guest *g);
/* After a reset or a load: hold the vCPUs that are to be held. */
void guest_hold_vcpus(Guest *g);
void guest_add_part(Guest *g, const GuestPartOps *ops, void *part);

/* What a vCPU of the shim asks its hypervisor; the opaque is the Guest. */
extern const ShimHypervisorOps guest_hypervisor_ops;

/* Hypervisors; each adds its part. */
bool guest_xen_new(Guest *g, Error **errp);
bool guest_kvm_new(Guest *g, Error **errp);

/* guest-apic.c: the part of the local APIC that QEMU's has not */
bool guest_apic_new(Guest *g, Error **errp);
bool guest_apic_present(unsigned vcpu);

/* guest-xen-life.c */
/* HostOps::shutdown */
void guest_xen_shutdown(void *opaque, unsigned vcpu, unsigned reason);
/* The toolstack makes the domain's xenstore anew. */
void guest_xen_rebuild(Guest *g);
/* GuestPartOps::restored */
void guest_xen_restored(void *part);
/* The domain has another id than it was made with; what it has is as new. */
void guest_xen_set_domid(Guest *g, uint16_t domid);

bool guest_xen_rtc_moved(Guest *g, int64_t seconds);
/* A suspend was: all but the vCPUs goes on. */
void guest_xen_cancelled(Guest *g);
/* All but the vCPUs of a soft reset. */
void guest_xen_soft_reset(Guest *g);

/* guest-tap.c: a tap between hypervisors and host, if one is wanted */
bool guest_tap_new(Guest *g, Error **errp);
/* guest-tap-log.c: records go to GuestOptions.device_log, too */
bool guest_tap_log_new(Guest *g, Error **errp);
extern const ShimHypervisorOps guest_tap_ops;
/* Into a hypervisor's console. @return: bytes taken */
size_t guest_console_input(Guest *g, const uint8_t *buf, size_t len);
/* All but the machine's part of a reset, or of a wake-up. */
void guest_run_reset(Guest *g, bool wakeup);

/* guest-reset.c: machine resets and wake-ups */
void guest_register_reset(Guest *g);
/* The guest's kernel is awake. */
void guest_remove_ap_stop(Guest *g);

#endif
