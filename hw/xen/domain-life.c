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
 * its own memory again (xen: arch/x86/domain.c, arch_domain_soft_reset).
 */
static void take_shared_info(XenDomain *d)
{
    xen_overlay_unmap(d, &d->shared_info);
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

void xen_domain_wakeup(XenDomain *d)
{
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        xen_domain_reset_vcpu(d, i);
        clock_write_tsc(d->clock, i, xen_now(d), 0);
    }
    /* Lines and local APICs were reset: what is due is driven again. */
    xen_callback_load(d, d->callback_asserted);
    xen_domain_vcpu_running(d, 0);
}
