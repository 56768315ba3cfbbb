/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runstate accounting: how long each vCPU ran, waited and slept, and the copy
 * a guest may ask for (xen: common/sched/core.c, vcpu_runstate_change;
 * common/domain.c, update_runstate_area).
 *
 * Times are counted in virtual time, so that a cut, which moves the system
 * time at one instant, adds to none of them.
 */
#include <string.h>

#include "hw/xen/domain-internal.h"

/* The byte of state_entry_time that holds XEN_RUNSTATE_UPDATE. */
#define UPDATE_BYTE 7u

/* The record as of now: the current state's time includes its live part. */
void xen_runstate_get(const XenVcpu *v, struct vcpu_runstate_info *info)
{
    int64_t delta = xen_now(v->d) - v->runstate_since_ns;

    memset(info, 0, sizeof(*info));
    info->state = v->runstate;
    info->state_entry_time = v->runstate_entry_ns;
    memcpy(info->time, v->runstate_time_ns, sizeof(info->time));
    info->time[v->runstate] += (uint64_t)delta;
}

/* The record in one layout, to be copied to a guest. */
typedef union RunstateImage {
    struct vcpu_runstate_info native;
    XenCompatRunstateInfo compat;
} RunstateImage;

/* @return: its size; where state_entry_time is in it goes to *@entry_off */
static size_t image_make(RunstateImage *image, bool compat,
                         const struct vcpu_runstate_info *info,
                         size_t *entry_off)
{
    memset(image, 0, sizeof(*image));
    if (!compat) {
        *entry_off = offsetof(struct vcpu_runstate_info, state_entry_time);
        image->native = *info;
        return sizeof(image->native);
    }
    *entry_off = offsetof(XenCompatRunstateInfo, state_entry_time);
    image->compat.state = info->state;
    image->compat.state_entry_time = info->state_entry_time;
    memcpy(image->compat.time, info->time, sizeof(info->time));
    return sizeof(image->compat);
}

/* The record as of the last change of state. */
static void runstate_last(const XenVcpu *v, struct vcpu_runstate_info *info)
{
    memset(info, 0, sizeof(*info));
    info->state = v->runstate;
    info->state_entry_time = v->runstate_entry_ns;
    memcpy(info->time, v->runstate_time_ns, sizeof(info->time));
}

static bool update_flag(const XenVcpu *v)
{
    return v->d->vm_assist & (1u << VMASST_TYPE_runstate_update_flag);
}

static bool area_write(XenVcpu *v, unsigned writer, size_t off, const void *buf,
                       size_t len)
{
    Host *host = v->d->host;
    GuestVirt gva = {v->runstate_area.gva.v + off};

    return host->ops->mem.virt_write(host, writer, gva, buf, len);
}

/*
 * Write @v's record, as of its last change of state, to the guest's area,
 * through the page tables of vCPU @writer; another vCPU than @v sees the
 * present time, as it does not wait for a change.
 * @return: false if the area cannot be written; Xen ignores that.
 */
bool xen_runstate_write(XenVcpu *v, unsigned writer)
{
    struct vcpu_runstate_info info;
    RunstateImage image;
    size_t entry_off, len;
    uint8_t top;
    bool ok = true;

    if (writer == v->id) {
        runstate_last(v, &info);
    } else {
        xen_runstate_get(v, &info);
    }
    top = info.state_entry_time >> 56;
    if (update_flag(v)) {
        info.state_entry_time |= XEN_RUNSTATE_UPDATE;
    }
    len = image_make(&image, v->d->shinfo_32, &info, &entry_off);
    if (update_flag(v)) {
        ok = area_write(v, writer, entry_off + UPDATE_BYTE,
                        (uint8_t *)&image + entry_off + UPDATE_BYTE, 1);
    }
    ok = ok && area_write(v, writer, 0, &image, len);
    if (update_flag(v) && ok) {
        ok = area_write(v, writer, entry_off + UPDATE_BYTE, &top, 1);
    }
    return ok;
}

/* The same for the area registered by physical address. */
void xen_runstate_phys_write(XenVcpu *v)
{
    uint8_t *area = v->runstate_phys.ptr;
    struct vcpu_runstate_info info;
    RunstateImage image;
    size_t entry_off, len;

    runstate_last(v, &info);
    len = image_make(&image, v->runstate_phys_32, &info, &entry_off);
    if (update_flag(v)) {
        uint8_t *flag = (uint8_t *)&image + entry_off + UPDATE_BYTE;
        uint8_t top = *flag;

        *flag |= XEN_RUNSTATE_UPDATE >> 56;
        __atomic_store_n(area + entry_off + UPDATE_BYTE, *flag,
                         __ATOMIC_SEQ_CST);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        memcpy(area, &image, len);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        __atomic_store_n(area + entry_off + UPDATE_BYTE, top, __ATOMIC_SEQ_CST);
    } else {
        memcpy(area, &image, len);
    }
    xen_area_dirty(v, &v->runstate_phys, len);
}

/* The guest's copies are left to the next change that writes them. */
static void runstate_set(XenVcpu *v, int state)
{
    int64_t now = xen_now(v->d);

    v->runstate_time_ns[v->runstate] += (uint64_t)(now - v->runstate_since_ns);
    xen_trace(v->d, HOST_TRACE_runstate, v->id, (uint64_t)v->runstate,
              (uint64_t)state, (uint64_t)now);
    v->runstate = state;
    v->runstate_since_ns = now;
    v->runstate_entry_ns = xen_system_time(v->d);
}

/* Nothing if @v is in @state already. */
void xen_runstate_change(XenVcpu *v, int state)
{
    if (v->runstate == state) {
        return;
    }
    runstate_set(v, state);
    if (v->runstate_area.registered) {
        xen_runstate_write(v, v->id);
    }
    if (v->runstate_phys.page) {
        xen_runstate_phys_write(v);
    }
}

/*
 * A vCPU that wakes up while others run changes its state and nothing else
 * (xen: common/sched/core.c, vcpu_wake): its record is written when it is
 * switched in.
 */
void xen_domain_vcpu_runnable(XenDomain *d, unsigned vcpu)
{
    XenVcpu *v = &d->vcpus[vcpu];

    if (v->runstate == RUNSTATE_running) {
        xen_vcpu_sleep(v, RUNSTATE_runnable);
    } else if (v->runstate == RUNSTATE_blocked) {
        runstate_set(v, RUNSTATE_runnable);
    }
}

void xen_runstate_reset(XenVcpu *v, int state)
{
    memset(v->runstate_time_ns, 0, sizeof(v->runstate_time_ns));
    v->runstate = state;
    v->runstate_since_ns = xen_now(v->d);
    v->runstate_entry_ns = xen_system_time(v->d);
    v->runstate_area = (XenArea){0};
    xen_area_unmap(v, &v->runstate_phys);
    v->runstate_phys_32 = false;
}
