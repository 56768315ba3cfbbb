/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest under QEMU's machine, whatever its hypervisor: life cycle, clock,
 * cuts, digests, console, migration state.
 */
#ifndef JUMPCUT_ACCEL_SHIM_GUEST_H
#define JUMPCUT_ACCEL_SHIM_GUEST_H

#include "accel/shim/digest.h"
#include "accel/shim/gate.h"
#include "accel/shim/xen-backend.h"
#include "hw/clock/contention.h"
#include "hw/kvm/kvm-guest.h"
#include "hw/xen/domain.h"

typedef struct Guest Guest;

/* Which hypervisors a guest finds. */
#define GUEST_XEN 0x01u
#define GUEST_KVM 0x02u
/* It stands on the board of pvh-board.h. */
#define GUEST_PVH 0x10u

/* A row of the table behind the option guest=NAME. */
typedef struct GuestKind {
    const char *name;
    const char *help; /* what the guest finds */
    unsigned flags;   /* GUEST_* */
} GuestKind;

/* @return: NULL if there is no kind of that name */
const GuestKind *guest_kind_by_name(const char *name);
/* The @i-th kind; NULL: there are no more */
const GuestKind *guest_kind_at(unsigned i);

/* Its device-level conversation (guest-tap.h). */
typedef enum GuestDevices {
    GUEST_DEVICES_NONE,
    GUEST_DEVICES_RECORD,
    GUEST_DEVICES_REPLAY, /* under qtest: there is no guest */
} GuestDevices;

typedef struct GuestOptions {
    const GuestKind *kind;
    unsigned version_major, version_minor; /* of Xen */
    uint16_t domid;
    uint32_t max_event_channels; /* 0: xl's default */
    XenBackends *backends;       /* of that domain, with GUEST_XEN */
    ClockTscMode tsc_mode;
    HostProfile profile;
    ContentionSpec contention;
    GArray *cuts;        /* of CutSpec; borrowed */
    GArray *faults;      /* of FaultSpec; borrowed */
    const char *console; /* chardev id or NULL */
    bool madt_all;       /* the MADT of a PVH guest enables every vCPU */
    const char *xen_log; /* chardev id or NULL: see xen-log.h */
    int64_t digest_ns;   /* 0: no digests at intervals */
    bool digest_verify;  /* hash all memory for each, too, and compare */
    GateOptions gate;
    GuestDevices devices;
    const char *device_log; /* chardev id or NULL: the records, as text */
} GuestOptions;

/* From a machine-init-done notifier; lives as long as the process. */
Guest *guest_new(const GuestOptions *options, Error **errp);

/*
 * Cut now (@at_ns negative) or at virtual time @at_ns, which must not be in
 * the past.
 */
bool guest_cut(Guest *g, const HostProfile *profile, int64_t at_ns,
               Error **errp);

/* The host does wrong at @spec's time, which must not be in the past. */
bool guest_fault(Guest *g, const FaultSpec *spec, Error **errp);

/*
 * A guest that suspended itself (SHUTDOWN_suspend) goes on where it is, and is
 * told that the suspend was cancelled; the machine runs again.
 */
bool guest_resume(Guest *g, Error **errp);
/*
 * The same, but it goes on as a new domain on a host that @profile describes,
 * as after a save and a restore; fields left out go on as they were.
 */
bool guest_restore(Guest *g, const HostProfile *profile, Error **errp);

/* Read-only views for QMP. */
typedef struct GuestCut {
    ClockCut cut;
    uint64_t console_bytes;
} GuestCut;
typedef struct GuestDigest {
    int64_t at_ns;
    const char *reason;
    char *sha256;
    uint64_t kinds[DIGEST__MAX];
} GuestDigest;
const GuestOptions *guest_options(const Guest *g);
Clock *guest_clock(const Guest *g);
/* NULL unless the guest finds Xen */
XenDomain *guest_domain(const Guest *g);
/* NULL unless the guest finds KVM */
KvmGuest *guest_kvm(const Guest *g);
/*
 * @reason: a literal
 * @return: until the next is taken; NULL: none was, as of a machine that ends
 */
const StateDigest *guest_take_digest(Guest *g, const char *reason);
ShimDigester *guest_digester(const Guest *g);
/* NULL unless the guest is behind a gate */
Gate *guest_gate(const Guest *g);
/* Its xenstore, for xenstore_qemu_ops; NULL: none */
void *guest_xenstore(const Guest *g);
unsigned guest_nr_vcpus(const Guest *g);
const GArray *guest_cuts(const Guest *g);         /* of GuestCut */
const GArray *guest_pending_cuts(const Guest *g); /* of CutSpec */
const GArray *guest_digests(const Guest *g);      /* of GuestDigest */
uint64_t guest_console_bytes(const Guest *g);
/* Types on a hypervisor's console; now, past the gate. */
bool guest_type(Guest *g, const uint8_t *buf, size_t len, Error **errp);
/* The console's reader has left too much to take. */
bool guest_console_full(const Guest *g);
/* Xen's SHUTDOWN_* once the guest ended by a hypercall, else -1 */
int guest_shutdown_reason(const Guest *g);

#endif
