/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM as a guest finds it: its leaves, MSRs, hypercalls and life cycle.
 *
 * DEVIATION: PV unhalt, PV IPIs, PV TLB flush and yields, which KVM offers too,
 * are not offered; an MSR or a hypercall that belongs to a feature that is not
 * offered is refused, as KVM does only if it is told to
 * (kvm-pv-enforce-cpuid).
 *
 * DEVIATION: PV EOI is taken, but the bit that spares a guest the end of an
 * interrupt is never set, as KVM never sets it on a host that virtualises local
 * APICs in hardware: QEMU's APIC would not learn of an end that causes no exit,
 * and hold back interrupts of lower priority.
 */
#include <string.h>

#include "hw/kvm/kvm-internal.h"

#define NR_LEAVES 0x100u

#define MSR_KVM_FIRST 0x4b564d00u
#define MSR_KVM_LAST  0x4b564dffu

static const uint32_t features =
    1u << KVM_FEATURE_CLOCKSOURCE | 1u << KVM_FEATURE_NOP_IO_DELAY |
    1u << KVM_FEATURE_CLOCKSOURCE2 | 1u << KVM_FEATURE_STEAL_TIME |
    1u << KVM_FEATURE_PV_EOI | 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT;

KvmGuest *kvm_guest_new(Host *host, Clock *clock, unsigned nr_vcpus,
                        uint32_t cpuid_base)
{
    KvmGuest *k = g_new0(KvmGuest, 1);

    k->host = host;
    k->clock = clock;
    k->cpuid_base = cpuid_base;
    k->nr_vcpus = nr_vcpus;
    k->vcpus = g_new0(KvmVcpu, nr_vcpus);
    k->sync_timer = host->ops->timer_new(host, kvm_clock_sync_fire, k);
    k->fault_timer = host->ops->timer_new(host, kvm_fault_fire, k);
    if (!k->sync_timer || !k->fault_timer) {
        kvm_guest_free(k);
        return NULL;
    }
    kvm_guest_reset(k);
    return k;
}

static void areas_drop(KvmGuest *k)
{
    for (unsigned i = 0; i < k->nr_vcpus; i++) {
        kvm_area_drop(k, &k->vcpus[i].time_area);
        kvm_area_drop(k, &k->vcpus[i].steal_area);
    }
}

void kvm_guest_free(KvmGuest *k)
{
    if (!k) {
        return;
    }
    areas_drop(k);
    if (k->sync_timer) {
        k->host->ops->timer_free(k->host, k->sync_timer);
    }
    if (k->fault_timer) {
        k->host->ops->timer_free(k->host, k->fault_timer);
    }
    g_free(k->vcpus);
    g_free(k);
}

void kvm_guest_reset(KvmGuest *k)
{
    areas_drop(k);
    k->host->ops->timer_del(k->host, k->sync_timer);
    k->sync_armed = false;
    k->sync_ns = 0;
    k->wall_clock_msr = 0;
    k->old_msr = false;
    kvm_faults_reset(k);
    for (unsigned i = 0; i < k->nr_vcpus; i++) {
        k->vcpus[i] = (KvmVcpu){
            .state = i ? KVM_VCPU_BLOCKED : KVM_VCPU_RUNNING,
            .since_ns = k->host->ops->now_ns(k->host),
        };
    }
}

bool kvm_guest_cpuid(const KvmGuest *k, uint32_t leaf, GuestCpuid *out)
{
    if (leaf < k->cpuid_base || leaf - k->cpuid_base >= NR_LEAVES) {
        return false;
    }
    *out = (GuestCpuid){0};
    switch (leaf - k->cpuid_base) {
    case KVM_CPUID_SIGNATURE - KVM_CPUID_SIGNATURE:
        out->eax = k->cpuid_base + KVM_CPUID_FEATURES - KVM_CPUID_SIGNATURE;
        memcpy(&out->ebx, &KVM_SIGNATURE[0], sizeof(out->ebx));
        memcpy(&out->ecx, &KVM_SIGNATURE[4], sizeof(out->ecx));
        memcpy(&out->edx, &KVM_SIGNATURE[8], sizeof(out->edx));
        break;
    case KVM_CPUID_FEATURES - KVM_CPUID_SIGNATURE:
        out->eax = features;
        break;
    }
    return true;
}

GuestMsrResult kvm_guest_rdmsr(const KvmGuest *k, unsigned vcpu, uint32_t index,
                               uint64_t *value)
{
    const KvmVcpu *v = &k->vcpus[vcpu];

    switch (index) {
    case MSR_KVM_WALL_CLOCK:
    case MSR_KVM_WALL_CLOCK_NEW:
        *value = k->wall_clock_msr;
        return GUEST_MSR_OK;
    case MSR_KVM_SYSTEM_TIME:
    case MSR_KVM_SYSTEM_TIME_NEW:
        *value = v->system_time_msr;
        return GUEST_MSR_OK;
    case MSR_KVM_STEAL_TIME:
        *value = v->steal_msr;
        return GUEST_MSR_OK;
    case MSR_KVM_PV_EOI_EN:
        *value = v->pv_eoi_msr;
        return GUEST_MSR_OK;
    }
    return index >= MSR_KVM_FIRST && index <= MSR_KVM_LAST ? GUEST_MSR_GP
                                                           : GUEST_MSR_NOT_OURS;
}

/*
 * The byte must be in memory that can be written, and aligned to four (linux:
 * arch/x86/kvm/lapic.c, kvm_lapic_set_pv_eoi).
 */
static GuestMsrResult pv_eoi_enable(KvmGuest *k, unsigned vcpu, uint64_t value)
{
    uint64_t gpa = value & ~(uint64_t)KVM_MSR_ENABLED;

    if (gpa & KVM_PV_EOI_RESERVED_MASK) {
        return GUEST_MSR_GP;
    }
    if (value & KVM_MSR_ENABLED) {
        KvmArea area = {0};

        if (!kvm_area_take(k, &area, gpa, sizeof(uint8_t))) {
            return GUEST_MSR_GP;
        }
        kvm_area_drop(k, &area);
    }
    k->vcpus[vcpu].pv_eoi_msr = value;
    return GUEST_MSR_OK;
}

GuestMsrResult kvm_guest_wrmsr(KvmGuest *k, unsigned vcpu, uint32_t index,
                               uint64_t value)
{
    switch (index) {
    case MSR_KVM_WALL_CLOCK:
    case MSR_KVM_WALL_CLOCK_NEW:
        kvm_wall_clock_write(k, value);
        return GUEST_MSR_OK;
    case MSR_KVM_SYSTEM_TIME:
    case MSR_KVM_SYSTEM_TIME_NEW:
        kvm_clock_enable(k, vcpu, value, index == MSR_KVM_SYSTEM_TIME);
        return GUEST_MSR_OK;
    case MSR_KVM_STEAL_TIME:
        if (value & KVM_STEAL_RESERVED_MASK) {
            return GUEST_MSR_GP;
        }
        kvm_steal_enable(k, vcpu, value);
        return GUEST_MSR_OK;
    case MSR_KVM_PV_EOI_EN:
        return pv_eoi_enable(k, vcpu, value);
    }
    return index >= MSR_KVM_FIRST && index <= MSR_KVM_LAST ? GUEST_MSR_GP
                                                           : GUEST_MSR_NOT_OURS;
}

/* linux: arch/x86/kvm/x86.c, kvm_emulate_hypercall */
int64_t kvm_guest_hypercall(KvmGuest *k, unsigned vcpu,
                            const KvmHypercall *call)
{
    uint64_t mask = call->long_mode ? UINT64_MAX : UINT32_MAX;
    uint64_t nr = call->nr & mask;
    int64_t ret;

    k->vcpus[vcpu].hypercalls++;
    if (!call->privileged) {
        ret = -KVM_EPERM;
    } else {
        switch (nr) {
        case KVM_HC_VAPIC_POLL_IRQ:
            ret = 0;
            break;
        case KVM_HC_CLOCK_PAIRING:
            ret = kvm_clock_pairing(k, vcpu, call->args[0] & mask,
                                    call->args[1] & mask);
            break;
        default:
            ret = -KVM_ENOSYS;
            break;
        }
    }
    k->host->ops->trace(k->host, HOST_TRACE_hypercall, vcpu, nr,
                        call->args[0] & mask, (uint64_t)ret);
    return ret;
}

void kvm_guest_vcpu_init(KvmGuest *k, unsigned vcpu)
{
    k->vcpus[vcpu].pv_eoi_msr = 0;
    kvm_guest_vcpu_state(k, vcpu, KVM_VCPU_BLOCKED);
}

void kvm_guest_tsc_written(KvmGuest *k, unsigned vcpu)
{
    kvm_clock_update(k, vcpu, false);
}

void kvm_guest_stopped(KvmGuest *k)
{
    kvm_clock_update_all(k, true);
}

void kvm_guest_query_vcpu(const KvmGuest *k, unsigned vcpu, KvmVcpuInfo *out)
{
    const KvmVcpu *v = &k->vcpus[vcpu];

    *out = (KvmVcpuInfo){
        .pvclock_version = v->time.version,
        .pvclock =
            {
                .system_time = v->time.system_time,
                .tsc_timestamp = v->time.tsc_timestamp,
                .tsc_to_system_mul = v->time.tsc_to_system_mul,
                .tsc_shift = v->time.tsc_shift,
                .flags = v->time.flags,
            },
        .state = v->state,
        .steal_ns = kvm_steal_total(k, vcpu),
        .hypercalls = v->hypercalls,
    };
}
