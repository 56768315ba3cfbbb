/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration state of what a guest finds of KVM. */
#include <string.h>

#include "hw/kvm/kvm-internal.h"

enum {
    TAG_BASE = 0x0700,
    TAG_NR_VCPUS,
    TAG_WALL_CLOCK,
    TAG_OLD_MSR,
    TAG_SYNC_ARMED,
    TAG_SYNC,
    TAG_SYSTEM_TIME,
    TAG_TIME,
    TAG_STEAL,
    TAG_STATE,
    TAG_SINCE,
    TAG_STOLEN,
    TAG_COUNTED,
    TAG_HYPERCALLS,
    TAG_PV_EOI,
};

void kvm_guest_save(const KvmGuest *k, StateWriter *w)
{
    state_put_u64(w, TAG_BASE, k->cpuid_base);
    state_put_u64(w, TAG_NR_VCPUS, k->nr_vcpus);
    state_put_u64(w, TAG_WALL_CLOCK, k->wall_clock_msr);
    state_put_u64(w, TAG_OLD_MSR, k->old_msr);
    state_put_u64(w, TAG_SYNC_ARMED, k->sync_armed);
    state_put_u64(w, TAG_SYNC, k->sync_ns);
    for (unsigned i = 0; i < k->nr_vcpus; i++) {
        const KvmVcpu *v = &k->vcpus[i];

        state_put_u64(w, TAG_SYSTEM_TIME, v->system_time_msr);
        state_put_bytes(w, TAG_TIME, &v->time, sizeof(v->time));
        state_put_u64(w, TAG_STEAL, v->steal_msr);
        state_put_u64(w, TAG_STATE, v->state);
        state_put_u64(w, TAG_SINCE, v->since_ns);
        state_put_u64(w, TAG_STOLEN, v->stolen_ns);
        state_put_u64(w, TAG_COUNTED, v->counted_ns);
        state_put_u64(w, TAG_HYPERCALLS, v->hypercalls);
        state_put_u64(w, TAG_PV_EOI, v->pv_eoi_msr);
    }
    record_fault_save(&k->record_fault, w);
}

/*
 * The record's place follows from the MSR; what is in it came with the
 * guest's memory.
 */
static void load_vcpu(KvmGuest *k, KvmVcpu *v, StateReader *r)
{
    v->system_time_msr =
        state_get_u64(r, TAG_SYSTEM_TIME, "kvmclock MSR", UINT64_MAX);
    state_get_bytes(r, TAG_TIME, "kvmclock record", &v->time, sizeof(v->time));
    v->steal_msr = state_get_u64(r, TAG_STEAL, "steal time MSR", UINT64_MAX);
    v->state = state_get_u64(r, TAG_STATE, "vCPU state", KVM_VCPU_BLOCKED);
    v->since_ns = state_get_u64(r, TAG_SINCE, "state since", INT64_MAX);
    v->stolen_ns = state_get_u64(r, TAG_STOLEN, "stolen time", INT64_MAX);
    v->counted_ns =
        state_get_u64(r, TAG_COUNTED, "stolen time told", INT64_MAX);
    v->hypercalls = state_get_u64(r, TAG_HYPERCALLS, "hypercalls", UINT64_MAX);
    v->pv_eoi_msr = state_get_u64(r, TAG_PV_EOI, "PV EOI MSR", UINT64_MAX);
    if (v->pv_eoi_msr & KVM_PV_EOI_RESERVED_MASK & ~KVM_MSR_ENABLED) {
        state_reader_fail(r, "state field 'PV EOI MSR': reserved bits");
    }
    if (v->steal_msr & KVM_STEAL_RESERVED_MASK) {
        state_reader_fail(r, "state field 'steal time MSR': reserved bits");
    }
    if (v->time.version & 1) {
        state_reader_fail(r, "state field 'kvmclock record': it is being "
                             "written");
    }
    if (v->counted_ns > v->stolen_ns) {
        state_reader_fail(r, "state field 'stolen time told': more than "
                             "the stolen time");
    }
    if (state_reader_failed(r)) {
        return;
    }
    if (v->system_time_msr & KVM_MSR_ENABLED) {
        kvm_area_take(k, &v->time_area,
                      v->system_time_msr & ~(uint64_t)KVM_MSR_ENABLED,
                      sizeof(v->time));
    }
    if (v->steal_msr & KVM_MSR_ENABLED) {
        kvm_area_take(k, &v->steal_area, v->steal_msr & KVM_STEAL_VALID_BITS,
                      sizeof(struct kvm_steal_time));
    }
}

void kvm_guest_load(KvmGuest *k, StateReader *r)
{
    uint64_t base, nr_vcpus;
    bool armed;

    kvm_guest_reset(k);
    base = state_get_u64(r, TAG_BASE, "KVM's leaves", UINT32_MAX);
    nr_vcpus = state_get_u64(r, TAG_NR_VCPUS, "vCPUs", UINT32_MAX);
    if (!state_reader_failed(r) &&
        (base != k->cpuid_base || nr_vcpus != k->nr_vcpus)) {
        state_reader_fail(r,
                          "KVM's state is of leaf 0x%x and %u vCPUs, wanted "
                          "0x%x and %u",
                          (unsigned)base, (unsigned)nr_vcpus, k->cpuid_base,
                          k->nr_vcpus);
    }
    k->wall_clock_msr =
        state_get_u64(r, TAG_WALL_CLOCK, "wall clock MSR", UINT64_MAX);
    k->old_msr = state_get_u64(r, TAG_OLD_MSR, "old MSR", 1);
    armed = state_get_u64(r, TAG_SYNC_ARMED, "clock sync", 1);
    k->sync_ns =
        state_get_u64(r, TAG_SYNC, "time of clock sync", INT64_MAX / 2);
    for (unsigned i = 0; i < k->nr_vcpus; i++) {
        load_vcpu(k, &k->vcpus[i], r);
    }
    kvm_faults_load(k, r);
    if (state_reader_failed(r)) {
        kvm_guest_reset(k);
    } else if (armed) {
        kvm_clock_sync_arm(k, k->sync_ns);
    }
}
