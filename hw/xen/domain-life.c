/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain lives through and goes on after: suspend and cancelled
 * suspend, soft reset, sleep of the machine.
 */
#include <string.h>

#include "hw/xen/memory-internal.h"

/*
 * Every vCPU is paused; those that ran are off now (xen: common/sched/core.c,
 * vcpu_runstate_change in context_saved).
 */
void xen_domain_pause(XenDomain *d)
{
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        if (d->vcpus[i].runstate == RUNSTATE_running) {
            xen_vcpu_sleep(&d->vcpus[i], RUNSTATE_offline);
        }
    }
}

int xen_domain_shutdown_reason(const XenDomain *d)
{
    return d->shutting_down ? d->shutdown_code : -1;
}

void xen_domain_resume(XenDomain *d)
{
    d->shutdown_code_set = false;
    d->shutdown_code = 0;
    d->shutting_down = false;
}

bool xen_domain_wants_suspend_code(const XenDomain *d)
{
    return d->params[HVM_PARAM_CALLBACK_IRQ] != 0;
}

/* The bits of ports that are closed now. */
static void clear_pending(XenDomain *d)
{
    size_t off = xen_pending_offset(d);
    size_t len = d->shinfo_32
                     ? sizeof(((XenCompatSharedInfo *)NULL)->evtchn_pending)
                     : sizeof(((struct shared_info *)NULL)->evtchn_pending);

    memset(d->shared_info.ptr + off, 0, len);
    xen_shared_info_dirty(d, off, len);
}

/*
 * The page stays the hypervisor's, with what is in it; the guest's frame shows
 * its own memory again, or a new page where a restore left none (xen:
 * arch/x86/domain.c, arch_domain_soft_reset).
 */
static void take_shared_info(XenDomain *d)
{
    uint64_t gfn = d->shared_info.gfn;

    if (!d->shared_info.mapped) {
        return;
    }
    xen_overlay_unmap(d, &d->shared_info);
    if (xen_physmap_get(d->memory->physmap, gfn) == HOST_NO_FRAME) {
        xen_physmap_populate(d->memory->physmap, gfn);
        xen_physmap_sync(d->memory->physmap);
    }
}

static void forget_areas(XenVcpu *v)
{
    v->runstate_area = (XenArea){0};
    xen_area_unmap(v, &v->runstate_phys);
    v->runstate_phys_32 = false;
    v->time_area = (XenArea){0};
    xen_area_unmap(v, &v->time_phys);
    xen_vcpu_info_reset(v);
}

void xen_domain_soft_reset(XenDomain *d)
{
    xen_console_ring_kick(d->console_ring);
    xen_evtchn_reset(d);
    xen_pirqs_soft_reset(d);
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        forget_areas(&d->vcpus[i]);
    }
    clear_pending(d);
    take_shared_info(d);
    xen_rings_reset(d);
    xen_domain_resume(d);
}

void xen_domain_set_domid(XenDomain *d, uint16_t domid)
{
    d->cfg.domid = domid;
    if (d->store_ring) {
        xenstore_ring_set_domid(d->store_ring, domid);
    }
}

/*
 * Memory beneath pages of Xen's is not saved: there is none in the new domain
 * (xen: xenmem_add_to_physmap_one gives it back when it lays a page there).
 */
static void drop_hidden_memory(XenDomain *d)
{
    const GPtrArray *overlays = d->memory->overlays;

    for (unsigned i = 0; i < overlays->len; i++) {
        const XenOverlay *o = overlays->pdata[i];

        if (o != &d->console && o != &d->store) {
            xen_physmap_remove(d->memory->physmap, o->gfn, true);
        }
    }
    xen_physmap_sync(d->memory->physmap);
}

/* A vCPU's context is its registers: where it waited is not in it. */
static void restore_vcpu(XenVcpu *v)
{
    forget_areas(v);
    xen_vcpu_timers_stop(v);
    xen_vcpu_unblock(v);
    v->initialised = !v->down; /* no context is saved of one that is down */
    v->nmi_pending = false;
    v->upcall_vector = 0;
    v->upcall_lost = false;
    xen_runstate_reset(v, v->down ? RUNSTATE_offline : RUNSTATE_runnable);
}

void xen_domain_restore(XenDomain *d, uint16_t domid)
{
    xen_console_ring_kick(d->console_ring);
    xen_callback_reset(d);
    xen_evtchn_reset(d);
    xen_pirqs_restore(d);
    drop_hidden_memory(d);
    xen_special_pages_reset(d);
    xen_overlay_reset(d, &d->shared_info);
    d->shinfo_32 = false;
    d->vm_assist = 0;
    for (unsigned i = 0; i < XEN_NR_WATCHDOGS; i++) {
        xen_timer_stop(d, &d->watchdog[i].timer);
        d->watchdog[i].in_use = false;
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        restore_vcpu(&d->vcpus[i]);
    }
    xen_time_reset(d);
    xen_grant_reset(d);
    d->params[HVM_PARAM_CALLBACK_IRQ] = 0;
    d->params[HVM_PARAM_ALTP2M] = 0;
    xen_domain_set_domid(d, domid);
    xen_rings_reset(d);
    xen_domain_resume(d);
}

void xen_domain_wakeup(XenDomain *d)
{
    XenVcpu *v = &d->vcpus[0];

    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        xen_domain_reset_vcpu(d, i);
        clock_write_tsc(d->clock, i, xen_now(d), 0);
    }
    /* Lines were reset: what is due is driven again. */
    xen_callback_load(d, d->callback_asserted);
    xen_domain_vcpu_running(d, 0);
    /* Local APICs are, too, at the latest after this. */
    v->upcall_lost = v->upcall_vector && xen_upcall_pending(v);
}
