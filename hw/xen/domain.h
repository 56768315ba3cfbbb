/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Xen domain: everything a HVM or PVH guest can ask of its hypervisor.
 *
 * Guest-caused errors are negative XEN_E* values; nothing here can abort.
 * All functions run with the host's lock held (see hw/host.h).
 */
#ifndef JUMPCUT_HW_XEN_DOMAIN_H
#define JUMPCUT_HW_XEN_DOMAIN_H

#include "hw/clock/clock.h"
#include "hw/fault/faults.h"
#include "hw/guest-cpu.h"
#include "hw/host.h"
#include "hw/state.h"
#include "hw/xen/domain-config.h"
#include "hw/xen/domain-life.h"
#include "hw/xen/xenstore-tree.h"

/*
 * @clock and @tree are borrowed and outlive the domain.  @tree may be NULL:
 * then there is no xenstore (HVM_PARAM_STORE_* read 0).
 */
XenDomain *xen_domain_new(Host *host, Clock *clock, const XenDomainConfig *cfg,
                          const XenstoreTreeOps *tree_ops, void *tree,
                          GError **error);
void xen_domain_free(XenDomain *d);
/* Machine reset: as a domain just built. */
void xen_domain_reset(XenDomain *d);
/*
 * INIT of one vCPU: it is down and waits for SIPI.  What the guest set up for
 * it stays, as on Xen: vcpu_info, timers, upcall vector.
 */
void xen_domain_reset_vcpu(XenDomain *d, unsigned vcpu);
/* A NMI came to the local APIC of @vcpu, which is down. */
void xen_domain_vcpu_nmi(XenDomain *d, unsigned vcpu);

/* CPUID */
/* @return: true and *out filled for leaves 0x40000000 to 0x4fffffff. */
bool xen_domain_cpuid(XenDomain *d, unsigned vcpu, uint32_t leaf,
                      uint32_t subleaf, GuestCpuid *out);

/* MSRs */
GuestMsrResult xen_domain_rdmsr(XenDomain *d, unsigned vcpu, uint32_t index,
                                uint64_t *value);
GuestMsrResult xen_domain_wrmsr(XenDomain *d, unsigned vcpu, uint32_t index,
                                uint64_t value);

/* Hypercalls */
typedef struct XenHypercall {
    /*
     * Out: the call is not finished; args[] (and nr) are what its continuation
     * takes.  The caller puts them into the registers and has the guest make
     * the call again, interrupts permitting, instead of storing a result.
     */
    bool again;
    bool long_mode;   /* 64-bit code: native layouts; else 32-bit compat */
    bool privileged;  /* CPL 0 or real mode, not virtual-8086; else -EPERM
                         (xen: hvm/hypercall.c, hvm_hypercall) */
    uint64_t nr;      /* RAX, or EAX unless in 64-bit code */
    uint64_t args[6]; /* RDI RSI RDX R10 R8 R9, or EBX ECX EDX ESI EDI EBP */
} XenHypercall;
/* @return: what goes to RAX (EAX). */
int64_t xen_domain_hypercall(XenDomain *d, unsigned vcpu, XenHypercall *call);

/* Scheduling, told by the vCPU loop */
/* @vcpu executed HLT: it is blocked, or down if @interrupts is false. */
void xen_domain_vcpu_halted(XenDomain *d, unsigned vcpu, bool interrupts);
/*
 * @vcpu would execute, but the host runs something else: it was stopped while
 * it executed, or what it waited for came.
 */
void xen_domain_vcpu_runnable(XenDomain *d, unsigned vcpu);
/* @vcpu executes again after a block, a halt or INIT/SIPI. */
void xen_domain_vcpu_running(XenDomain *d, unsigned vcpu);
/*
 * Is a directly injected callback vector (HVM_PARAM_CALLBACK_IRQ type 2) due
 * on @vcpu now?  Read from the guest's vcpu_info, so that the level falls when
 * the guest clears evtchn_upcall_pending; GSI callbacks are deasserted here
 * too.  Cheap: called whenever @vcpu looks for interrupts.
 */
bool xen_domain_vcpu_upcall_due(XenDomain *d, unsigned vcpu);

/* After clock_cut(): pvclock records, wall clock and timers follow. */
void xen_domain_clock_changed(XenDomain *d);
/* After clock_move_wallclock(): the guest set its RTC. */
void xen_domain_wallclock_changed(XenDomain *d);

/*
 * The host does wrong from now on; an event fault needs no event to come.
 * Refused: a vCPU that is not there, and what is in force already.
 */
gboolean xen_domain_fault(XenDomain *d, const FaultSpec *spec, GError **error);

/*
 * Console input: takes up to @len bytes into the guest's ring, in order.
 * @return: how many; when fewer, console_accept() is called once there is room.
 */
size_t xen_domain_console_receive(XenDomain *d, const uint8_t *buf, size_t len);

/* Figures for QMP. */
typedef struct XenVcpuInfo {
    unsigned runstate; /* RUNSTATE_* */
    uint64_t runstate_time_ns[4];
    uint32_t pvclock_version;
    ClockPvclock pvclock;
    uint8_t upcall_vector; /* 0: none */
    bool vcpu_info_registered;
    uint64_t upcalls, hypercalls;
} XenVcpuInfo;
void xen_domain_query_vcpu(XenDomain *d, unsigned vcpu, XenVcpuInfo *out);

void xen_domain_save(XenDomain *d, StateWriter *w);
/*
 * Into a domain made with the same configuration and just reset; on error it
 * is reset again and the reader holds the reason.
 */
void xen_domain_load(XenDomain *d, StateReader *r);

#endif
