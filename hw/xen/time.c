/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks a guest reads from shared memory: one pvclock record a vCPU, and
 * the wall clock (xen: arch/x86/time.c, common/time.c).
 *
 * As in Xen a record is stamped with the last epoch, not with the moment it is
 * written; epochs last one second of virtual time and start anew at a cut.
 */
#include <string.h>

#include "hw/xen/fault-internal.h"

#define NS_PER_S 1000000000

static int64_t epoch_of(const XenDomain *d, int64_t now_ns)
{
    int64_t since = now_ns - d->epoch_base_ns;

    return d->epoch_base_ns + since / XEN_EPOCH_NS * XEN_EPOCH_NS;
}

/* The timer for the next epoch, if it does not wait for it already. */
void xen_epoch_arm(XenDomain *d)
{
    if (!d->epoch_armed) {
        d->epoch_armed = true;
        d->host->ops->timer_mod(d->host, d->epoch_timer,
                                epoch_of(d, xen_now(d)) + XEN_EPOCH_NS);
    }
}

/*
 * Odd version, content, even version: with barriers between them, since the
 * guest may be reading on another thread.
 */
static void record_write(uint8_t *record, const struct vcpu_time_info *from)
{
    uint32_t odd = from->version - 1;

    __atomic_store_n((uint32_t *)record, odd, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memcpy(record + sizeof(odd), (const uint8_t *)from + sizeof(odd),
           sizeof(*from) - sizeof(odd));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n((uint32_t *)record, from->version, __ATOMIC_SEQ_CST);
}

/* The version goes on from where the guest's record is. */
static void primary_write(XenVcpu *v)
{
    size_t off = offsetof(struct vcpu_info, time);
    uint32_t version;

    memcpy(&version, v->info + off, sizeof(version));
    v->time.version = ((version + 1) | 1) + 1;
    record_write(v->info + off, &v->time);
    xen_vcpu_info_dirty(v, off, sizeof(v->time));
}

static void phys_write(XenVcpu *v, const struct vcpu_time_info *from)
{
    if (v->time_phys.page) {
        record_write(v->time_phys.ptr, from);
        xen_area_dirty(v, &v->time_phys, sizeof(*from));
    }
}

/* The area was just registered: version 0 (xen: time_area_populate). */
void xen_time_phys_populate(XenVcpu *v)
{
    struct vcpu_time_info first = v->time;

    first.version = 0;
    phys_write(v, &first);
}

/*
 * The copy VCPUOP_register_vcpu_time_memory_area asked for, in the guest's
 * linear address space: dropped if it cannot be written (xen:
 * update_secondary_system_time).
 */
static void secondary_write(XenVcpu *v)
{
    Host *host = v->d->host;
    struct vcpu_time_info odd = v->time;
    GuestVirt gva = v->time_area.gva;

    if (!v->time_area.registered) {
        return;
    }
    odd.version = v->time.version - 1;
    if (host->ops->mem.virt_write(host, v->id, gva, &odd, sizeof(odd))) {
        host->ops->mem.virt_write(host, v->id, gva, &v->time.version,
                                  sizeof(v->time.version));
    }
}

/*
 * Bring @v's record up to date; it stays untouched, version included, if
 * nothing in it changed and @force is false.
 */
void xen_time_update(XenVcpu *v, bool force)
{
    XenDomain *d = v->d;
    struct vcpu_time_info new = {0};
    ClockPvclock pv;

    clock_pvclock(d->clock, v->id, epoch_of(d, xen_now(d)), &pv);
    new.version = v->time.version;
    new.tsc_timestamp = pv.tsc_timestamp;
    new.system_time = pv.system_time;
    new.tsc_to_system_mul = pv.tsc_to_system_mul;
    new.tsc_shift = pv.tsc_shift;
    new.flags = pv.flags;
    if (!force && !memcmp(&new, &v->time, sizeof(new))) {
        return;
    }
    if (!force && xen_fault_record(v, &new)) {
        return;
    }
    v->time = new;
    primary_write(v);
    secondary_write(v);
    phys_write(v, &v->time);
    xen_trace(d, HOST_TRACE_pvclock_update, v->id, v->time.version,
              new.system_time, new.tsc_timestamp);
}

/* @v starts to run: its record may be of an older epoch. */
void xen_time_running(XenVcpu *v)
{
    xen_time_update(v, false);
    xen_epoch_arm(v->d);
}

/* Blocked vCPUs are left alone; the timer stops when none runs. */
void xen_epoch_fire(void *opaque)
{
    XenDomain *d = opaque;

    d->epoch_armed = false;
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        if (d->vcpus[i].runstate == RUNSTATE_running) {
            xen_time_running(&d->vcpus[i]);
        }
    }
}

/* Epochs start now; all records are forgotten, none is written. */
void xen_time_reset(XenDomain *d)
{
    d->host->ops->timer_del(d->host, d->epoch_timer);
    d->epoch_armed = false;
    d->epoch_base_ns = xen_now(d);
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        memset(&d->vcpus[i].time, 0, sizeof(d->vcpus[i].time));
        d->vcpus[i].time_area = (XenArea){0};
        xen_area_unmap(&d->vcpus[i], &d->vcpus[i].time_phys);
    }
}

static void shared_store32(XenDomain *d, size_t off, uint32_t value)
{
    __atomic_store_n((uint32_t *)(d->shared_info.ptr + off), value,
                     __ATOMIC_SEQ_CST);
    xen_shared_info_dirty(d, off, sizeof(value));
}

/* xen: update_domain_wallclock_time */
void xen_wallclock_update(XenDomain *d)
{
    bool c = d->shinfo_32;
    size_t ver_off = c ? offsetof(XenCompatSharedInfo, wc_version)
                       : offsetof(struct shared_info, wc_version);
    size_t hi_off = c ? offsetof(XenCompatSharedInfo, arch.wc_sec_hi)
                      : offsetof(struct shared_info, wc_sec_hi);
    int64_t base = clock_wallclock_base(d->clock);
    int64_t sec = base / NS_PER_S, nsec = base % NS_PER_S;
    uint32_t version;

    if (nsec < 0) {
        nsec += NS_PER_S;
        sec--;
    }
    version = __atomic_load_n((uint32_t *)(d->shared_info.ptr + ver_off),
                              __ATOMIC_SEQ_CST);
    version = (version + 1) | 1;
    shared_store32(d, ver_off, version);
    shared_store32(d, ver_off + 4, (uint32_t)sec);
    shared_store32(d, ver_off + 8, (uint32_t)nsec);
    shared_store32(d, hi_off, (uint32_t)((uint64_t)sec >> 32));
    shared_store32(d, ver_off, version + 1);
    xen_trace(d, HOST_TRACE_wallclock_update, version + 1, (uint64_t)sec,
              (uint64_t)nsec, (uint64_t)xen_now(d));
}

/*
 * Take the layout of shared memory from the mode @vcpu runs in now (xen:
 * arch/x86/hvm/hvm.c, hvm_latch_shinfo_size).
 */
void xen_latch_shared_info(XenDomain *d, unsigned vcpu)
{
    d->shinfo_32 = !d->host->ops->vcpu_long_mode(d->host, vcpu);
    xen_wallclock_update(d);
}

void xen_domain_wallclock_changed(XenDomain *d)
{
    if (!xen_fault_wallclock(d)) {
        xen_wallclock_update(d);
    }
}

void xen_domain_clock_changed(XenDomain *d)
{
    d->epoch_base_ns = xen_now(d);
    d->host->ops->timer_del(d->host, d->epoch_timer);
    d->epoch_armed = false;
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        xen_time_update(&d->vcpus[i], false);
    }
    xen_epoch_arm(d);
    xen_domain_wallclock_changed(d);
    xen_timers_rearm(d);
}
