/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain as a whole: making it, resetting it, what can be asked of it. */
#include <string.h>

#include "hw/xen/fault-internal.h"

G_DEFINE_QUARK(xen - domain - error - quark, xen_domain_error)

int64_t xen_now(const XenDomain *d)
{
    return d->host->ops->now_ns(d->host);
}

uint64_t xen_system_time(const XenDomain *d)
{
    return clock_system_time(d->clock, xen_now(d));
}

void xen_trace(const XenDomain *d, HostTraceEvent event, uint64_t a, uint64_t b,
               uint64_t c, uint64_t v)
{
    d->host->ops->trace(d->host, event, a, b, c, v);
}

static void store_notify(void *opaque)
{
    xen_evtchn_notify_guest(opaque, XEN_STORE_PORT);
}

static void console_notify(void *opaque)
{
    xen_evtchn_notify_guest(opaque, XEN_CONSOLE_PORT);
}

static void store_kick(void *opaque)
{
    xenstore_ring_kick(((XenDomain *)opaque)->store_ring);
}

static void console_kick(void *opaque)
{
    xen_console_ring_kick(((XenDomain *)opaque)->console_ring);
}

/* A page at the place the toolstack gives it, where it stays. */
static bool special_page_new(XenDomain *d, XenOverlay *o, const char *name,
                             uint64_t gfn)
{
    return xen_overlay_new(d, o, name) && xen_overlay_map(d, o, gfn);
}

static bool pages_new(XenDomain *d, bool store)
{
    if (!xen_overlay_new(d, &d->shared_info, "xen.shared-info") ||
        !special_page_new(d, &d->console, "xen.console", XEN_CONSOLE_GFN) ||
        (store &&
         !special_page_new(d, &d->store, "xen.xenstore", XEN_STORE_GFN))) {
        return false;
    }
    return xen_grant_new(d);
}

static bool timers_new(XenDomain *d)
{
    const HostOps *ops = d->host->ops;

    d->epoch_timer = ops->timer_new(d->host, xen_epoch_fire, d);
    for (unsigned i = 0; i < XEN_NR_WATCHDOGS; i++) {
        d->watchdog[i].d = d;
        d->watchdog[i].timer.timer =
            ops->timer_new(d->host, xen_watchdog_fire, &d->watchdog[i]);
        if (!d->watchdog[i].timer.timer) {
            return false;
        }
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        if (!xen_vcpu_timers_new(&d->vcpus[i])) {
            return false;
        }
    }
    return d->epoch_timer != NULL;
}

static bool config_check(const XenDomainConfig *cfg, GError **error)
{
    if (cfg->nr_vcpus < 1 || cfg->nr_vcpus > XEN_DOMAIN_MAX_VCPUS) {
        g_set_error(error, xen_domain_error_quark(), 0,
                    "xen domain: %u vCPUs, must be 1 to %u", cfg->nr_vcpus,
                    XEN_DOMAIN_MAX_VCPUS);
        return false;
    }
    if (cfg->version_major != 4 ||
        (cfg->version_minor != 17 && cfg->version_minor != 20)) {
        g_set_error(error, xen_domain_error_quark(), 0,
                    "xen domain: version %u.%u, must be 4.17 or 4.20",
                    cfg->version_major, cfg->version_minor);
        return false;
    }
    if (cfg->max_port >= XEN_PORT_LIMIT) {
        g_set_error(error, xen_domain_error_quark(), 0,
                    "xen domain: event channel %u, must be below %u",
                    cfg->max_port, XEN_PORT_LIMIT);
        return false;
    }
    if (cfg->domid == 0 || cfg->domid >= DOMID_FIRST_RESERVED) {
        g_set_error(error, xen_domain_error_quark(), 0,
                    "xen domain: id %u, must be 1 to %u", cfg->domid,
                    DOMID_FIRST_RESERVED - 1);
        return false;
    }
    return true;
}

XenDomain *xen_domain_new(Host *host, Clock *clock, const XenDomainConfig *cfg,
                          const XenstoreTreeOps *tree_ops, void *tree,
                          GError **error)
{
    XenDomain *d;

    if (!config_check(cfg, error)) {
        return NULL;
    }
    d = g_new0(XenDomain, 1);
    d->host = host;
    d->clock = clock;
    d->cfg = *cfg;
    d->cfg.map = g_memdup2(cfg->map, cfg->nr_map * sizeof(*cfg->map));
    xen_memory_new(d);
    d->callback_gsi = -1;
    d->evtchn = xen_evtchn_new();
    d->pirqs = xen_pirqs_new();
    d->vcpus = g_new0(XenVcpu, cfg->nr_vcpus);
    for (unsigned i = 0; i < cfg->nr_vcpus; i++) {
        d->vcpus[i].d = d;
        d->vcpus[i].id = i;
    }
    if (!pages_new(d, tree != NULL) || !timers_new(d) || !xen_faults_new(d)) {
        g_set_error(error, xen_domain_error_quark(), 0,
                    "xen domain: no pages or timers to be had");
        xen_domain_free(d);
        return NULL;
    }
    if (tree) {
        d->store_ring = xenstore_ring_new(host, d->store.page, cfg->domid,
                                          tree_ops, tree, store_notify, d);
    }
    d->console_ring =
        xen_console_ring_new(host, d->console.page, console_notify, d);
    xen_domain_reset(d);
    return d;
}

void xen_domain_free(XenDomain *d)
{
    if (!d) {
        return;
    }
    xen_faults_free(d);
    xen_evtchn_free(d);
    xen_pirqs_free(d->pirqs);
    if (d->store_ring) {
        xenstore_ring_free(d->store_ring);
    }
    if (d->console_ring) {
        xen_console_ring_free(d->console_ring);
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        xen_vcpu_info_reset(&d->vcpus[i]);
        xen_area_unmap(&d->vcpus[i], &d->vcpus[i].time_phys);
        xen_area_unmap(&d->vcpus[i], &d->vcpus[i].runstate_phys);
        xen_vcpu_timers_free(&d->vcpus[i]);
    }
    for (unsigned i = 0; i < XEN_NR_WATCHDOGS; i++) {
        xen_timer_free(d, &d->watchdog[i].timer);
    }
    if (d->epoch_timer) {
        d->host->ops->timer_free(d->host, d->epoch_timer);
    }
    xen_grant_free(d);
    xen_overlay_free(d, &d->store);
    xen_overlay_free(d, &d->console);
    xen_overlay_free(d, &d->shared_info);
    xen_memory_free(d);
    g_free((void *)d->cfg.map);
    g_free(d->vcpus);
    g_free(d);
}

static void vcpu_reset(XenVcpu *v)
{
    bool boot = v->id == 0;

    xen_vcpu_info_reset(v);
    xen_vcpu_timers_stop(v);
    xen_runstate_reset(v, boot ? RUNSTATE_running : RUNSTATE_offline);
    v->initialised = boot;
    v->down = !boot;
    v->nmi_pending = false;
    v->waiting = false;
    v->polling = false;
    v->poll_port = 0;
    v->upcall_vector = 0;
    v->upcall_lost = false;
    v->upcalls = 0;
    v->hypercalls = 0;
}

/* As the toolstack sets up the rings of store and console. */
void xen_rings_reset(XenDomain *d)
{
    if (d->store_ring) {
        d->params[HVM_PARAM_STORE_EVTCHN] = XEN_STORE_PORT;
        xen_evtchn_bind_backend(d, XEN_STORE_PORT, store_kick, d);
        xenstore_ring_reset(d->store_ring);
    }
    d->params[HVM_PARAM_CONSOLE_EVTCHN] = XEN_CONSOLE_PORT;
    xen_evtchn_bind_backend(d, XEN_CONSOLE_PORT, console_kick, d);
    xen_console_ring_reset(d->console_ring);
}

void xen_domain_reset(XenDomain *d)
{
    xen_faults_reset(d);
    xen_callback_reset(d);
    xen_memory_reset(d);
    xen_overlay_reset(d, &d->shared_info);
    d->shinfo_32 = false;
    d->vm_assist = 0;
    d->shutdown_code_set = false;
    d->shutdown_code = 0;
    d->shutting_down = false;
    for (unsigned i = 0; i < XEN_NR_WATCHDOGS; i++) {
        xen_timer_stop(d, &d->watchdog[i].timer);
        d->watchdog[i].in_use = false;
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        clock_reset_vcpu(d->clock, i, xen_now(d));
        vcpu_reset(&d->vcpus[i]);
    }
    xen_time_reset(d);
    xen_evtchn_reset(d);
    xen_pirqs_reset(d);
    xen_grant_reset(d);
    xen_params_reset(d);
    xen_rings_reset(d);
    xen_time_running(&d->vcpus[0]);
}

/*
 * What the guest set up for the vCPU stays, upcall vector, vcpu_info and
 * timers included: kernels prepare them before they start a vCPU (xen:
 * common/domain.c, vcpu_reset).
 */
void xen_domain_reset_vcpu(XenDomain *d, unsigned vcpu)
{
    XenVcpu *v = &d->vcpus[vcpu];

    if (v->initialised) {
        /* Xen ignores INIT of one that is not (xen: arch_vcpu_reset). */
        v->nmi_pending = false;
    }
    v->initialised = false;
    v->down = true;
    v->waiting = false;
    v->polling = false;
    v->poll_port = 0;
    xen_timer_stop(d, &v->poll);
    xen_vcpu_sleep(v, RUNSTATE_offline);
}

/*
 * Unless one waits already it starts a vCPU that ran once; that takes it when
 * it runs.  Source: xen: arch/x86/hvm/vlapic.c, vlapic_accept_irq.
 */
void xen_domain_vcpu_nmi(XenDomain *d, unsigned vcpu)
{
    XenVcpu *v = &d->vcpus[vcpu];

    if (!v->nmi_pending && v->initialised && v->down) {
        xen_vcpu_set_up(v);
    }
    v->nmi_pending = true;
}

size_t xen_domain_console_receive(XenDomain *d, const uint8_t *buf, size_t len)
{
    return xen_console_ring_receive(d->console_ring, buf, len);
}

void xen_domain_query_vcpu(XenDomain *d, unsigned vcpu, XenVcpuInfo *out)
{
    const XenVcpu *v = &d->vcpus[vcpu];
    struct vcpu_runstate_info runstate;

    xen_runstate_get(v, &runstate);
    memset(out, 0, sizeof(*out));
    out->runstate = (unsigned)v->runstate;
    memcpy(out->runstate_time_ns, runstate.time, sizeof(runstate.time));
    out->pvclock_version = v->time.version;
    out->pvclock = (ClockPvclock){
        .system_time = v->time.system_time,
        .tsc_timestamp = v->time.tsc_timestamp,
        .tsc_to_system_mul = v->time.tsc_to_system_mul,
        .tsc_shift = v->time.tsc_shift,
        .flags = v->time.flags,
    };
    out->upcall_vector = v->upcall_vector;
    out->vcpu_info_registered = v->info_registered;
    out->upcalls = v->upcalls;
    out->hypercalls = v->hypercalls;
}
