/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest finds of KVM: CPUID leaves, kvmclock, steal time, hypercalls
 * (linux: Documentation/virt/kvm/x86/, arch/x86/kvm/x86.c).
 *
 * Nothing here fails but by the answer KVM gives, and nothing can abort.  All
 * functions run with the host's lock held (see hw/host.h).
 */
#ifndef JUMPCUT_HW_KVM_KVM_GUEST_H
#define JUMPCUT_HW_KVM_KVM_GUEST_H

#include "hw/clock/clock.h"
#include "hw/fault/faults.h"
#include "hw/guest-cpu.h"
#include "hw/host.h"
#include "hw/state.h"

/* Where the leaves are: alone, or above those of another hypervisor. */
#define KVM_CPUID_BASE_ALONE  0x40000000u
#define KVM_CPUID_BASE_BESIDE 0x40000100u

typedef struct KvmGuest KvmGuest;

/* @clock is borrowed and outlives the guest.  @return: NULL: no timer */
KvmGuest *kvm_guest_new(Host *host, Clock *clock, unsigned nr_vcpus,
                        uint32_t cpuid_base);
void kvm_guest_free(KvmGuest *k);
/* Machine reset */
void kvm_guest_reset(KvmGuest *k);

/* CPUID */
/* @return: true and *@out filled for the 256 leaves from the base on */
bool kvm_guest_cpuid(const KvmGuest *k, uint32_t leaf, GuestCpuid *out);

/* MSRs */
GuestMsrResult kvm_guest_rdmsr(const KvmGuest *k, unsigned vcpu, uint32_t index,
                               uint64_t *value);
GuestMsrResult kvm_guest_wrmsr(KvmGuest *k, unsigned vcpu, uint32_t index,
                               uint64_t value);

/* Hypercalls */
typedef struct KvmHypercall {
    bool long_mode;   /* 64-bit code: else only 32 bits count */
    bool privileged;  /* CPL 0; else -KVM_EPERM */
    uint64_t nr;      /* RAX */
    uint64_t args[4]; /* RBX RCX RDX RSI */
} KvmHypercall;
/* @return: what goes to RAX (EAX): 0 or a negative KVM_E* */
int64_t kvm_guest_hypercall(KvmGuest *k, unsigned vcpu,
                            const KvmHypercall *call);

/* Scheduling, told by the vCPU loop */
typedef enum KvmVcpuState {
    KVM_VCPU_RUNNING,
    KVM_VCPU_RUNNABLE, /* would run, but the host runs something else */
    KVM_VCPU_BLOCKED,  /* halted, or not started */
} KvmVcpuState;
void kvm_guest_vcpu_state(KvmGuest *k, unsigned vcpu, KvmVcpuState state);
/* INIT: blocked, and PV EOI is off (linux: arch/x86/kvm/lapic.c,
 * kvm_lapic_reset); nothing else changes. */
void kvm_guest_vcpu_init(KvmGuest *k, unsigned vcpu);

/* @vcpu's TSC or TSC_ADJUST was written. */
void kvm_guest_tsc_written(KvmGuest *k, unsigned vcpu);
/*
 * After clock_cut(), and when a machine that was stopped goes on: records are
 * brought up to date, with PVCLOCK_GUEST_STOPPED (linux: kvm_set_guest_paused,
 * which QEMU asks for in both cases).
 */
void kvm_guest_stopped(KvmGuest *k);

/*
 * The host does wrong from now on.  Refused: a kind that needs Xen, a vCPU that
 * is not there or has no record, and what is in force already.
 */
gboolean kvm_guest_fault(KvmGuest *k, const FaultSpec *spec, GError **error);

/* Figures for QMP. */
typedef struct KvmVcpuInfo {
    uint32_t pvclock_version; /* 0: no record */
    ClockPvclock pvclock;
    KvmVcpuState state;
    uint64_t steal_ns;
    uint64_t hypercalls;
} KvmVcpuInfo;
void kvm_guest_query_vcpu(const KvmGuest *k, unsigned vcpu, KvmVcpuInfo *out);

void kvm_guest_save(const KvmGuest *k, StateWriter *w);
/*
 * Into a guest made with the same configuration; on error it is reset and the
 * reader holds the reason.
 */
void kvm_guest_load(KvmGuest *k, StateReader *r);

#endif
