/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steal time: how long a vCPU would have run but did not (linux:
 * arch/x86/kvm/x86.c, record_steal_time, kvm_steal_time_set_preempted).
 */
#include <string.h>

#include "hw/kvm/kvm-internal.h"

static int64_t now_ns(const KvmGuest *k)
{
    return k->host->ops->now_ns(k->host);
}

static struct kvm_steal_time *record(const KvmVcpu *v)
{
    return (struct kvm_steal_time *)v->steal_area.ptr;
}

static void record_dirty(KvmGuest *k, const KvmVcpu *v)
{
    k->host->ops->mem.page_dirty(k->host, v->steal_area.page, v->steal_area.off,
                                 sizeof(struct kvm_steal_time));
}

/* The vCPU runs: count what it lost since the last time. */
static void record_update(KvmGuest *k, KvmVcpu *v)
{
    struct kvm_steal_time *st = record(v);
    uint32_t version;

    __atomic_store_n(&st->preempted, 0, __ATOMIC_SEQ_CST);
    /* An odd version is what lay there before. */
    version = __atomic_load_n(&st->version, __ATOMIC_SEQ_CST);
    version += 1 + (version & 1);
    __atomic_store_n(&st->version, version, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&st->steal, v->stolen_ns - v->counted_ns,
                       __ATOMIC_SEQ_CST);
    __atomic_store_n(&st->version, version + 1, __ATOMIC_SEQ_CST);
    v->counted_ns = v->stolen_ns;
    record_dirty(k, v);
}

bool kvm_steal_add(KvmGuest *k, unsigned vcpu, int64_t ns)
{
    KvmVcpu *v = &k->vcpus[vcpu];
    uint32_t version;

    if (!v->steal_area.page) {
        return false;
    }
    version = __atomic_load_n(&record(v)->version, __ATOMIC_SEQ_CST);
    version += 1 + (version & 1);
    __atomic_store_n(&record(v)->version, version, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&record(v)->steal, (uint64_t)ns, __ATOMIC_SEQ_CST);
    __atomic_store_n(&record(v)->version, version + 1, __ATOMIC_SEQ_CST);
    record_dirty(k, v);
    return true;
}

static void record_preempted(KvmGuest *k, KvmVcpu *v)
{
    __atomic_store_n(&record(v)->preempted, KVM_VCPU_PREEMPTED,
                     __ATOMIC_SEQ_CST);
    record_dirty(k, v);
}

/*
 * MSR_KVM_STEAL_TIME: reserved bits are the caller's to refuse.  Time before
 * the first record counts, as the host thread's does.
 */
void kvm_steal_enable(KvmGuest *k, unsigned vcpu, uint64_t value)
{
    KvmVcpu *v = &k->vcpus[vcpu];

    v->steal_msr = value;
    kvm_area_drop(k, &v->steal_area);
    if ((value & KVM_MSR_ENABLED) &&
        kvm_area_take(k, &v->steal_area, value & KVM_STEAL_VALID_BITS,
                      sizeof(struct kvm_steal_time))) {
        record_update(k, v);
    }
}

/* A sender's times may be any: neither before 0 nor past what loads again. */
uint64_t kvm_steal_total(const KvmGuest *k, unsigned vcpu)
{
    const KvmVcpu *v = &k->vcpus[vcpu];
    int64_t live_ns = now_ns(k) - v->since_ns;
    uint64_t total = v->stolen_ns;

    if (v->state == KVM_VCPU_RUNNABLE && live_ns > 0) {
        total += (uint64_t)live_ns;
    }
    return MIN(total, (uint64_t)INT64_MAX);
}

void kvm_guest_vcpu_state(KvmGuest *k, unsigned vcpu, KvmVcpuState state)
{
    KvmVcpu *v = &k->vcpus[vcpu];

    if (v->state == state) {
        return;
    }
    v->stolen_ns = kvm_steal_total(k, vcpu);
    k->host->ops->trace(k->host, HOST_TRACE_runstate, vcpu, v->state, state,
                        (uint64_t)now_ns(k));
    v->state = state;
    v->since_ns = now_ns(k);
    if (!v->steal_area.page) {
        return;
    }
    if (state == KVM_VCPU_RUNNING) {
        record_update(k, v);
    } else {
        record_preempted(k, v);
    }
}
