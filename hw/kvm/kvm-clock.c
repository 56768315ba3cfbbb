/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvmclock: a pvclock record a vCPU and the wall clock (linux:
 * arch/x86/kvm/x86.c, kvm_guest_time_update, kvm_write_wall_clock).
 */
#include <string.h>

#include "hw/kvm/kvm-internal.h"

#define NS_PER_S 1000000000
/* linux: KVMCLOCK_SYNC_PERIOD */
#define SYNC_NS (300ll * NS_PER_S)

static int64_t now_ns(const KvmGuest *k)
{
    return k->host->ops->now_ns(k->host);
}

void kvm_area_drop(KvmGuest *k, KvmArea *area)
{
    if (area->page) {
        k->host->ops->mem.page_unpin(k->host, area->page);
        *area = (KvmArea){0};
    }
}

bool kvm_area_take(KvmGuest *k, KvmArea *area, uint64_t gpa, size_t len)
{
    size_t off = gpa & (HOST_PAGE_SIZE - 1);
    HostPage *page;

    kvm_area_drop(k, area);
    if (off + len > HOST_PAGE_SIZE) {
        return false;
    }
    page = k->host->ops->mem.page_pin(k->host, gpa >> HOST_PAGE_SHIFT);
    if (!page) {
        return false;
    }
    *area = (KvmArea){
        .page = page,
        .ptr = (uint8_t *)k->host->ops->mem.page_ptr(k->host, page) + off,
        .off = off,
    };
    return true;
}

static uint32_t area_load32(const KvmArea *area)
{
    uint32_t value;

    /* The guest may have given an address that is not aligned. */
    memcpy(&value, area->ptr, sizeof(value));
    return value;
}

static void area_store32(const KvmArea *area, uint32_t value)
{
    memcpy(area->ptr, &value, sizeof(value));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Odd version, content, even version, with barriers between them. */
static void record_write(KvmGuest *k, KvmVcpu *v)
{
    const size_t skip = sizeof(v->time.version);
    KvmArea *area = &v->time_area;

    v->time.version = (area_load32(area) + 1) | 1;
    area_store32(area, v->time.version);
    memcpy(area->ptr + skip, (uint8_t *)&v->time + skip,
           sizeof(v->time) - skip);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    area_store32(area, ++v->time.version);
    k->host->ops->mem.page_dirty(k->host, area->page, area->off,
                                 sizeof(v->time));
}

/*
 * The stable bit says that all vCPUs' records agree to the tick, so that the
 * guest need not compare them: here they always do, yet KVM says so only on a
 * host whose own clock is a reliable TSC (linux: kvm_guest_time_update,
 * use_master_clock).
 */
static bool tsc_is_stable(const KvmGuest *k)
{
    return clock_invtsc(k->clock) && !k->old_msr;
}

/* @stopped: tell the guest that it did not run for a while. */
void kvm_clock_update(KvmGuest *k, unsigned vcpu, bool stopped)
{
    KvmVcpu *v = &k->vcpus[vcpu];
    struct pvclock_vcpu_time_info *t = &v->time, next = {0};
    ClockPvclock pv;

    if (!v->time_area.page) {
        return;
    }
    clock_pvclock(k->clock, vcpu, now_ns(k), &pv);
    next.tsc_timestamp = pv.tsc_timestamp;
    next.system_time = pv.system_time;
    next.tsc_to_system_mul = pv.tsc_to_system_mul;
    next.tsc_shift = pv.tsc_shift;
    if (kvm_fault_record(k, vcpu, &next)) {
        return;
    }
    *t = next;
    /* That the guest was stopped is for the guest to take back. */
    t->flags =
        v->time_area.ptr[offsetof(struct pvclock_vcpu_time_info, flags)] &
        PVCLOCK_GUEST_STOPPED;
    t->flags |= tsc_is_stable(k) ? PVCLOCK_TSC_STABLE_BIT : 0;
    t->flags |= stopped ? PVCLOCK_GUEST_STOPPED : 0;
    record_write(k, v);
    k->host->ops->trace(k->host, HOST_TRACE_pvclock_update, vcpu, t->version,
                        t->system_time, t->tsc_timestamp);
}

void kvm_clock_update_all(KvmGuest *k, bool stopped)
{
    for (unsigned i = 0; i < k->nr_vcpus; i++) {
        kvm_clock_update(k, i, stopped);
    }
}

void kvm_clock_sync_arm(KvmGuest *k, int64_t at_ns)
{
    k->sync_armed = true;
    k->sync_ns = at_ns;
    k->host->ops->timer_mod(k->host, k->sync_timer, at_ns);
}

/* linux: kvmclock_sync_fn; the rounding of a record's scale adds up */
void kvm_clock_sync_fire(void *opaque)
{
    KvmGuest *k = opaque;

    kvm_clock_update_all(k, false);
    kvm_clock_sync_arm(k, k->sync_ns + SYNC_NS);
}

/*
 * MSR_KVM_SYSTEM_TIME: any value is taken; one whose record cannot be written
 * switches the clock off (linux: kvm_write_system_time).
 */
void kvm_clock_enable(KvmGuest *k, unsigned vcpu, uint64_t value, bool old_msr)
{
    KvmVcpu *v = &k->vcpus[vcpu];

    if (vcpu == 0) {
        k->old_msr = old_msr;
    }
    v->system_time_msr = value;
    kvm_area_drop(k, &v->time_area);
    memset(&v->time, 0, sizeof(v->time));
    if (!(value & KVM_MSR_ENABLED) ||
        !kvm_area_take(k, &v->time_area, value & ~(uint64_t)KVM_MSR_ENABLED,
                       sizeof(v->time))) {
        return;
    }
    kvm_clock_update_all(k, false);
    if (!k->sync_armed) {
        kvm_clock_sync_arm(k, now_ns(k) + SYNC_NS);
    }
}

/*
 * Wall clock at system time 0, written at once and never again; a version
 * that is odd is what lay there before (linux: kvm_write_wall_clock).
 */
void kvm_wall_clock_write(KvmGuest *k, uint64_t gpa)
{
    const HostOps *ops = k->host->ops;
    int64_t base = clock_wallclock_base(k->clock);
    struct pvclock_wall_clock wc;
    uint32_t version;

    k->wall_clock_msr = gpa;
    if (!gpa || !ops->mem.phys_read(k->host, (GuestPhys){gpa}, &version,
                                    sizeof(version))) {
        return;
    }
    version += 1 + (version & 1);
    wc = (struct pvclock_wall_clock){
        .version = version,
        .sec = (uint32_t)((base - (base % NS_PER_S + NS_PER_S) % NS_PER_S) /
                          NS_PER_S),
        .nsec = (uint32_t)((base % NS_PER_S + NS_PER_S) % NS_PER_S),
    };
    if (!ops->mem.phys_write(k->host, (GuestPhys){gpa}, &version,
                             sizeof(version)) ||
        !ops->mem.phys_write(k->host, (GuestPhys){gpa}, &wc, sizeof(wc))) {
        return;
    }
    version++;
    if (ops->mem.phys_write(k->host, (GuestPhys){gpa}, &version,
                            sizeof(version))) {
        ops->trace(k->host, HOST_TRACE_wallclock_update, version, wc.sec,
                   wc.nsec, (uint64_t)now_ns(k));
    }
}

/*
 * KVM_HC_CLOCK_PAIRING: a wall clock time and the TSC of the same moment, on a
 * host whose clock is the TSC (linux: kvm_pv_clock_pairing).
 */
int64_t kvm_clock_pairing(KvmGuest *k, unsigned vcpu, uint64_t gpa,
                          uint64_t type)
{
    int64_t now = now_ns(k);
    int64_t wall = clock_wallclock_base(k->clock) +
                   (int64_t)clock_system_time(k->clock, now);
    struct kvm_clock_pairing pairing = {
        .sec = wall / NS_PER_S,
        .nsec = wall % NS_PER_S,
        .tsc = clock_guest_tsc(k->clock, vcpu, now),
    };

    if (type != KVM_CLOCK_PAIRING_WALLCLOCK || !clock_invtsc(k->clock)) {
        return -KVM_EOPNOTSUPP;
    }
    return k->host->ops->mem.phys_write(k->host, (GuestPhys){gpa}, &pairing,
                                        sizeof(pairing))
               ? 0
               : -KVM_EFAULT;
}
