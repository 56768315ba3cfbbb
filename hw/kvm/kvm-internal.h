/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of KvmGuest and of what it writes, for this folder alone. */
#ifndef JUMPCUT_HW_KVM_KVM_INTERNAL_H
#define JUMPCUT_HW_KVM_KVM_INTERNAL_H

#include <assert.h>
#include <errno.h>
#include <linux/kvm_para.h>

#include "hw/fault/record-fault.h"
#include "hw/kvm/kvm-guest.h"

/* linux: arch/x86/include/asm/pvclock-abi.h; no header for programs has it */
#define PVCLOCK_TSC_STABLE_BIT (1u << 0)
#define PVCLOCK_GUEST_STOPPED  (1u << 1)

/* Bits of an address in MSR_KVM_PV_EOI_EN */
#define KVM_PV_EOI_RESERVED_MASK 3u

struct pvclock_vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags;
    uint8_t pad[2];
};
static_assert(sizeof(struct pvclock_vcpu_time_info) == 32, "pvclock record");

struct pvclock_wall_clock {
    uint32_t version;
    uint32_t sec;
    uint32_t nsec;
};
static_assert(sizeof(struct pvclock_wall_clock) == 12, "wall clock");
static_assert(sizeof(struct kvm_steal_time) == 64, "steal time");

/* A record in a page of the guest's choice, pinned while it is there. */
typedef struct KvmArea {
    HostPage *page; /* NULL: none */
    uint8_t *ptr;
    size_t off; /* of the record in the page */
} KvmArea;

typedef struct KvmVcpu {
    uint64_t system_time_msr;
    KvmArea time_area;
    struct pvclock_vcpu_time_info time; /* as last written */

    uint64_t steal_msr;
    KvmArea steal_area;
    KvmVcpuState state;
    int64_t since_ns;    /* virtual time of the last change of state */
    uint64_t stolen_ns;  /* runnable so far, since the machine's reset */
    uint64_t counted_ns; /* of that, in the guest's record */

    uint64_t pv_eoi_msr;
    uint64_t hypercalls;
} KvmVcpu;

struct KvmGuest {
    Host *host;
    Clock *clock;
    uint32_t cpuid_base;
    unsigned nr_vcpus;
    KvmVcpu *vcpus;
    uint64_t wall_clock_msr;
    /* vCPU 0 uses MSR 0x12: no stable bit then (linux:
     * pvclock_update_vm_gtod_copy, boot_vcpu_runs_old_kvmclock). */
    bool old_msr;
    HostTimer *sync_timer;
    bool sync_armed;
    int64_t sync_ns; /* virtual time it fires at */
    RecordFault record_fault;
    HostTimer *fault_timer;
};

/* kvm-clock.c */
void kvm_area_drop(KvmGuest *k, KvmArea *area);
/* @return: false if [@gpa, @gpa + @len) is not in one page of RAM */
bool kvm_area_take(KvmGuest *k, KvmArea *area, uint64_t gpa, size_t len);
void kvm_clock_enable(KvmGuest *k, unsigned vcpu, uint64_t value, bool old_msr);
void kvm_clock_update(KvmGuest *k, unsigned vcpu, bool stopped);
void kvm_clock_update_all(KvmGuest *k, bool stopped);
void kvm_clock_sync_arm(KvmGuest *k, int64_t at_ns);
void kvm_wall_clock_write(KvmGuest *k, uint64_t gpa);
int64_t kvm_clock_pairing(KvmGuest *k, unsigned vcpu, uint64_t gpa,
                          uint64_t type);
HostTimerFn kvm_clock_sync_fire;

/* kvm-fault.c */
/* @return: the record of @vcpu, to become *@next, is not to be written now */
bool kvm_fault_record(KvmGuest *k, unsigned vcpu,
                      struct pvclock_vcpu_time_info *next);
void kvm_faults_reset(KvmGuest *k);
void kvm_faults_load(KvmGuest *k, StateReader *r);
HostTimerFn kvm_fault_fire;

/* kvm-steal.c */
/* @return: false if there is no record */
bool kvm_steal_add(KvmGuest *k, unsigned vcpu, int64_t ns);
void kvm_steal_enable(KvmGuest *k, unsigned vcpu, uint64_t value);
uint64_t kvm_steal_total(const KvmGuest *k, unsigned vcpu);

#endif
