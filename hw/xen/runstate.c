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

static bool area_write(XenVcpu *v, unsigned writer, size_t off, const void *buf,
                       size_t len)
{
    Host *host = v->d->host;
    GuestVirt gva = {v->runstate_area.gva.v + off};

    return host->ops->virt_write(host, writer, gva, buf, len);
}

/*
 * Write @v's record, as of its last change of state, to the guest's area,
 * through the page tables of vCPU @writer.
 * @return: false if the area cannot be written; Xen ignores that.
 */
bool xen_runstate_write(XenVcpu *v, unsigned writer)
{
    bool compat = v->d->shinfo_32;
    bool flag = v->d->vm_assist & (1u << VMASST_TYPE_runstate_update_flag);
    size_t entry_off =
        compat ? offsetof(XenCompatRunstateInfo, state_entry_time)
               : offsetof(struct vcpu_runstate_info, state_entry_time);
    uint64_t entry = v->runstate_entry_ns;
    uint8_t top;
    bool ok = true;

    if (flag) {
        entry |= XEN_RUNSTATE_UPDATE;
        top = entry >> 56;
        ok = area_write(v, writer, entry_off + UPDATE_BYTE, &top, 1);
    }
    if (compat) {
        XenCompatRunstateInfo info = {v->runstate, entry, {0}};

        memcpy(info.time, v->runstate_time_ns, sizeof(info.time));
        ok = ok && area_write(v, writer, 0, &info, sizeof(info));
    } else {
        struct vcpu_runstate_info info = {0};

        info.state = v->runstate;
        info.state_entry_time = entry;
        memcpy(info.time, v->runstate_time_ns, sizeof(info.time));
        ok = ok && area_write(v, writer, 0, &info, sizeof(info));
    }
    if (flag && ok) {
        top = v->runstate_entry_ns >> 56;
        ok = area_write(v, writer, entry_off + UPDATE_BYTE, &top, 1);
    }
    return ok;
}

/* Nothing if @v is in @state already. */
void xen_runstate_change(XenVcpu *v, int state)
{
    int64_t now = xen_now(v->d);

    if (v->runstate == state) {
        return;
    }
    v->runstate_time_ns[v->runstate] += (uint64_t)(now - v->runstate_since_ns);
    xen_trace(v->d, HOST_TRACE_runstate, v->id, (uint64_t)v->runstate,
              (uint64_t)state, (uint64_t)now);
    v->runstate = state;
    v->runstate_since_ns = now;
    v->runstate_entry_ns = xen_system_time(v->d);
    if (v->runstate_area.registered) {
        xen_runstate_write(v, v->id);
    }
}

void xen_runstate_reset(XenVcpu *v, int state)
{
    memset(v->runstate_time_ns, 0, sizeof(v->runstate_time_ns));
    v->runstate = state;
    v->runstate_since_ns = xen_now(v->d);
    v->runstate_entry_ns = xen_system_time(v->d);
    v->runstate_area = (XenArea){0};
}
