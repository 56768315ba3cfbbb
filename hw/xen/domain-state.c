/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's migration state.  The content of its pages migrates as memory
 * does, before this is loaded: loading writes to none of them.
 */
#include <inttypes.h>
#include <string.h>

#include "hw/xen/fault-internal.h"

typedef enum DomainTag {
    TAG_NR_VCPUS = 0x0500,
    TAG_VERSION,
    TAG_DOMID,
    TAG_STORE,
    TAG_SHINFO_32,
    TAG_VM_ASSIST,
    TAG_PARAM,
    TAG_CALLBACK_ASSERTED,
    TAG_EPOCH_BASE,
    TAG_EPOCH_ARMED,
    TAG_SHUTDOWN_CODE_SET,
    TAG_SHUTDOWN_CODE,
    TAG_SHUTTING_DOWN,
    TAG_MAPPED,
    TAG_GFN,
    TAG_TIMER_ARMED,
    TAG_TIMER_DEADLINE,
    TAG_WATCHDOG_IN_USE,
    TAG_AREA_REGISTERED,
    TAG_AREA_GVA,
    TAG_VCPU_INITIALISED,
    TAG_VCPU_DOWN,
    TAG_VCPU_WAITING,
    TAG_VCPU_POLLING,
    TAG_VCPU_POLL_PORT,
    TAG_INFO_REGISTERED,
    TAG_PAGE,
    TAG_INFO_OFF,
    TAG_INFO_DUMMY,
    TAG_TIME,
    TAG_RUNSTATE,
    TAG_RUNSTATE_SINCE,
    TAG_RUNSTATE_ENTRY,
    TAG_RUNSTATE_TIME,
    TAG_PERIOD,
    TAG_PERIODIC_LAST,
    TAG_UPCALL_VECTOR,
    TAG_UPCALLS,
    TAG_HYPERCALLS,
    TAG_PHYS_MAPPED,
    TAG_PHYS_OFF,
    TAG_RUNSTATE_PHYS_32,
    TAG_VCPU_NMI_PENDING,
    TAG_UPCALL_LOST,
} DomainTag;

/* Longer than any name of memory. */
#define PAGE_NAME_MAX 512u

/*
 * A pinned page by the name of its memory: the guest may have moved it since,
 * or given its frame back.
 */
void xen_page_save(XenDomain *d, HostPage *page, StateWriter *w)
{
    g_autofree char *name = d->host->ops->mem.page_name(d->host, page);

    state_put_bytes(w, TAG_PAGE, name, strlen(name));
}

/* The page saved, pinned; NULL after an error. */
HostPage *xen_page_load(XenDomain *d, const char *what, StateReader *r)
{
    g_autoptr(GByteArray) blob =
        state_get_blob(r, TAG_PAGE, what, PAGE_NAME_MAX);
    HostPage *page;

    if (!blob) {
        return NULL;
    }
    g_byte_array_append(blob, (const guint8 *)"", 1);
    page = strlen((const char *)blob->data) + 1 == blob->len
               ? d->host->ops->mem.page_pin_named(d->host,
                                                  (const char *)blob->data)
               : NULL;
    if (!page) {
        state_reader_fail(r, "%s: no memory called so", what);
    }
    return page;
}

void xen_overlay_save(const XenOverlay *o, StateWriter *w)
{
    state_put_u64(w, TAG_MAPPED, o->mapped);
    state_put_u64(w, TAG_GFN, o->gfn);
}

void xen_overlay_load(XenDomain *d, XenOverlay *o, const char *name,
                      StateReader *r)
{
    bool mapped = state_get_u64(r, TAG_MAPPED, name, 1);
    uint64_t gfn = state_get_u64(r, TAG_GFN, name, UINT64_MAX);

    if (mapped && !state_reader_failed(r) && !xen_overlay_map(d, o, gfn)) {
        state_reader_fail(r, "%s: cannot be at guest frame 0x%" PRIx64, name,
                          gfn);
    }
}

static void timer_save(const XenTimer *t, StateWriter *w)
{
    state_put_u64(w, TAG_TIMER_ARMED, t->armed);
    state_put_u64(w, TAG_TIMER_DEADLINE, t->deadline_ns);
}

static void timer_load(XenDomain *d, XenTimer *t, const char *name, bool system,
                       StateReader *r)
{
    bool armed = state_get_u64(r, TAG_TIMER_ARMED, name, 1);
    uint64_t deadline = state_get_u64(r, TAG_TIMER_DEADLINE, name,
                                      system ? UINT64_MAX : INT64_MAX);

    if (state_reader_failed(r)) {
        return;
    }
    if (armed && system) {
        xen_timer_arm_system(d, t, deadline);
    } else if (armed) {
        xen_timer_arm_virtual(d, t, (int64_t)deadline);
    }
    t->deadline_ns = deadline;
}

static void area_save(const XenArea *area, StateWriter *w)
{
    state_put_u64(w, TAG_AREA_REGISTERED, area->registered);
    state_put_u64(w, TAG_AREA_GVA, area->gva.v);
}

static void area_load(XenArea *area, const char *name, StateReader *r)
{
    area->registered = state_get_u64(r, TAG_AREA_REGISTERED, name, 1);
    area->gva.v = state_get_u64(r, TAG_AREA_GVA, name, UINT64_MAX);
}

static void phys_area_save(XenDomain *d, const XenPhysArea *area,
                           StateWriter *w)
{
    state_put_u64(w, TAG_PHYS_MAPPED, area->page != NULL);
    if (area->page) {
        xen_page_save(d, area->page, w);
        state_put_u64(w, TAG_PHYS_OFF, area->off);
    }
}

static void phys_area_load(XenVcpu *v, XenPhysArea *area, const char *name,
                           size_t len, StateReader *r)
{
    HostPage *page;
    uint64_t off;

    if (!state_get_u64(r, TAG_PHYS_MAPPED, name, 1)) {
        return;
    }
    page = xen_page_load(v->d, name, r);
    off = state_get_u64(r, TAG_PHYS_OFF, name, HOST_PAGE_SIZE - len);
    if (off % sizeof(uint32_t)) {
        state_reader_fail(r, "%s: 0x%" PRIx64 " is misaligned", name, off);
    }
    if (page) {
        xen_area_attach(v, area, page, (size_t)off);
    }
}

static void vcpu_info_save(const XenVcpu *v, StateWriter *w)
{
    state_put_u64(w, TAG_INFO_REGISTERED, v->info_registered);
    if (v->info_registered) {
        xen_page_save(v->d, v->info_page, w);
        state_put_u64(w, TAG_INFO_OFF, v->info_off);
    }
    state_put_bytes(w, TAG_INFO_DUMMY, v->dummy_info, sizeof(v->dummy_info));
}

static void vcpu_save(const XenVcpu *v, StateWriter *w)
{
    state_put_u64(w, TAG_VCPU_INITIALISED, v->initialised);
    state_put_u64(w, TAG_VCPU_DOWN, v->down);
    state_put_u64(w, TAG_VCPU_NMI_PENDING, v->nmi_pending);
    state_put_u64(w, TAG_VCPU_WAITING, v->waiting);
    state_put_u64(w, TAG_VCPU_POLLING, v->polling);
    state_put_u64(w, TAG_VCPU_POLL_PORT, v->poll_port);
    vcpu_info_save(v, w);
    state_put_bytes(w, TAG_TIME, &v->time, sizeof(v->time));
    area_save(&v->time_area, w);
    phys_area_save(v->d, &v->time_phys, w);
    state_put_u64(w, TAG_RUNSTATE, (uint64_t)v->runstate);
    state_put_u64(w, TAG_RUNSTATE_SINCE, (uint64_t)v->runstate_since_ns);
    state_put_u64(w, TAG_RUNSTATE_ENTRY, v->runstate_entry_ns);
    for (unsigned i = 0; i < XEN_NR_RUNSTATES; i++) {
        state_put_u64(w, TAG_RUNSTATE_TIME, v->runstate_time_ns[i]);
    }
    area_save(&v->runstate_area, w);
    state_put_u64(w, TAG_RUNSTATE_PHYS_32, v->runstate_phys_32);
    phys_area_save(v->d, &v->runstate_phys, w);
    timer_save(&v->singleshot, w);
    timer_save(&v->poll, w);
    timer_save(&v->periodic, w);
    state_put_u64(w, TAG_PERIOD, v->period_ns);
    state_put_u64(w, TAG_PERIODIC_LAST, (uint64_t)v->periodic_last_ns);
    state_put_u64(w, TAG_UPCALL_VECTOR, v->upcall_vector);
    state_put_u64(w, TAG_UPCALL_LOST, v->upcall_lost);
    state_put_u64(w, TAG_UPCALLS, v->upcalls);
    state_put_u64(w, TAG_HYPERCALLS, v->hypercalls);
}

static void vcpu_info_load(XenVcpu *v, StateReader *r)
{
    if (state_get_u64(r, TAG_INFO_REGISTERED, "vcpu_info registered", 1)) {
        HostPage *page = xen_page_load(v->d, "vcpu_info page", r);
        uint64_t off = state_get_u64(r, TAG_INFO_OFF, "vcpu_info offset",
                                     HOST_PAGE_SIZE - XEN_VCPU_INFO_SIZE);

        if (off % sizeof(uint32_t)) {
            state_reader_fail(
                r, "vcpu_info offset: 0x%" PRIx64 " is misaligned", off);
        }
        if (page) {
            xen_vcpu_info_attach(v, page, (uint32_t)off);
        }
    }
    state_get_bytes(r, TAG_INFO_DUMMY, "vcpu_info", v->dummy_info,
                    sizeof(v->dummy_info));
}

static void vcpu_runstate_load(XenVcpu *v, StateReader *r)
{
    uint64_t now = (uint64_t)xen_now(v->d);

    v->runstate =
        (int)state_get_u64(r, TAG_RUNSTATE, "runstate", XEN_NR_RUNSTATES - 1);
    v->runstate_since_ns =
        (int64_t)state_get_u64(r, TAG_RUNSTATE_SINCE, "runstate since", now);
    v->runstate_entry_ns =
        state_get_u64(r, TAG_RUNSTATE_ENTRY, "runstate entry", UINT64_MAX);
    for (unsigned i = 0; i < XEN_NR_RUNSTATES; i++) {
        v->runstate_time_ns[i] =
            state_get_u64(r, TAG_RUNSTATE_TIME, "runstate time", UINT64_MAX);
    }
    area_load(&v->runstate_area, "runstate area", r);
    v->runstate_phys_32 =
        state_get_u64(r, TAG_RUNSTATE_PHYS_32, "physical runstate layout", 1);
    phys_area_load(v, &v->runstate_phys, "physical runstate area",
                   v->runstate_phys_32 ? sizeof(XenCompatRunstateInfo)
                                       : sizeof(struct vcpu_runstate_info),
                   r);
}

static void vcpu_timers_load(XenVcpu *v, StateReader *r)
{
    XenDomain *d = v->d;

    timer_load(d, &v->singleshot, "one-shot timer", true, r);
    timer_load(d, &v->poll, "poll timer", true, r);
    timer_load(d, &v->periodic, "periodic timer", false, r);
    v->period_ns = state_get_u64(r, TAG_PERIOD, "period", XEN_PERIOD_MAX_NS);
    v->periodic_last_ns = (int64_t)state_get_u64(
        r, TAG_PERIODIC_LAST, "last period", (uint64_t)xen_now(d));
    if (v->period_ns && v->period_ns < XEN_PERIOD_MIN_NS) {
        state_reader_fail(r, "period: %" PRIu64 " ns is too short",
                          v->period_ns);
    }
}

static void vcpu_load(XenVcpu *v, StateReader *r)
{
    v->initialised =
        state_get_u64(r, TAG_VCPU_INITIALISED, "vCPU initialised", 1);
    v->down = state_get_u64(r, TAG_VCPU_DOWN, "vCPU down", 1);
    v->nmi_pending =
        state_get_u64(r, TAG_VCPU_NMI_PENDING, "vCPU NMI pending", 1);
    v->waiting = state_get_u64(r, TAG_VCPU_WAITING, "vCPU waiting", 1);
    v->polling = state_get_u64(r, TAG_VCPU_POLLING, "vCPU polling", 1);
    v->poll_port = (uint32_t)state_get_u64(r, TAG_VCPU_POLL_PORT, "poll port",
                                           XEN_PORT_LIMIT - 1);
    vcpu_info_load(v, r);
    state_get_bytes(r, TAG_TIME, "time record", &v->time, sizeof(v->time));
    area_load(&v->time_area, "time area", r);
    phys_area_load(v, &v->time_phys, "physical time area",
                   sizeof(struct vcpu_time_info), r);
    vcpu_runstate_load(v, r);
    vcpu_timers_load(v, r);
    v->upcall_vector = (uint8_t)state_get_u64(r, TAG_UPCALL_VECTOR,
                                              "upcall vector", UINT8_MAX);
    if (v->upcall_vector && v->upcall_vector < XEN_UPCALL_VECTOR_MIN) {
        state_reader_fail(r, "upcall vector: 0x%x is an exception's",
                          v->upcall_vector);
    }
    v->upcall_lost = state_get_u64(r, TAG_UPCALL_LOST, "upcall lost", 1);
    v->upcalls = state_get_u64(r, TAG_UPCALLS, "upcalls", UINT64_MAX);
    v->hypercalls = state_get_u64(r, TAG_HYPERCALLS, "hypercalls", UINT64_MAX);
}

void xen_domain_save(XenDomain *d, StateWriter *w)
{
    state_put_u64(w, TAG_NR_VCPUS, d->cfg.nr_vcpus);
    state_put_u64(w, TAG_VERSION, d->cfg.version_minor);
    state_put_u64(w, TAG_DOMID, d->cfg.domid);
    state_put_u64(w, TAG_STORE, d->store_ring != NULL);
    state_put_u64(w, TAG_SHINFO_32, d->shinfo_32);
    state_put_u64(w, TAG_VM_ASSIST, d->vm_assist);
    xen_memory_save(d, w);
    xen_overlay_save(&d->shared_info, w);
    xen_grant_save(d, w);
    for (unsigned i = 0; i < HVM_NR_PARAMS; i++) {
        state_put_u64(w, TAG_PARAM, d->params[i]);
    }
    state_put_u64(w, TAG_EPOCH_BASE, (uint64_t)d->epoch_base_ns);
    state_put_u64(w, TAG_EPOCH_ARMED, d->epoch_armed);
    state_put_u64(w, TAG_SHUTDOWN_CODE_SET, d->shutdown_code_set);
    state_put_u64(w, TAG_SHUTDOWN_CODE, d->shutdown_code);
    state_put_u64(w, TAG_SHUTTING_DOWN, d->shutting_down);
    for (unsigned i = 0; i < XEN_NR_WATCHDOGS; i++) {
        state_put_u64(w, TAG_WATCHDOG_IN_USE, d->watchdog[i].in_use);
        timer_save(&d->watchdog[i].timer, w);
    }
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        vcpu_save(&d->vcpus[i], w);
    }
    xen_evtchn_save(d, w);
    xen_pirqs_save(d, w);
    state_put_u64(w, TAG_CALLBACK_ASSERTED, d->callback_asserted);
    if (d->store_ring) {
        xenstore_ring_save(d->store_ring, w);
    }
    xen_console_ring_save(d->console_ring, w);
    xen_faults_save(d, w);
}

/* A field that must be what it is here. */
static void match_load(StateReader *r, DomainTag tag, const char *name,
                       uint64_t want)
{
    uint64_t got = state_get_u64(r, tag, name, UINT64_MAX);

    if (got != want && !state_reader_failed(r)) {
        state_reader_fail(r, "%s: %" PRIu64 " here, %" PRIu64 " in the stream",
                          name, want, got);
    }
}

static void pages_load(XenDomain *d, StateReader *r)
{
    d->shinfo_32 = state_get_u64(r, TAG_SHINFO_32, "shared_info layout", 1);
    d->vm_assist =
        (uint32_t)state_get_u64(r, TAG_VM_ASSIST, "vm_assist", UINT32_MAX);
    if (d->vm_assist & ~XEN_VM_ASSIST_VALID) {
        state_reader_fail(r, "vm_assist: unknown bits in 0x%x", d->vm_assist);
    }
    xen_memory_load(d, r);
    xen_overlay_load(d, &d->shared_info, "shared_info", r);
    xen_grant_load(d, r);
    for (unsigned i = 0; i < HVM_NR_PARAMS; i++) {
        d->params[i] = state_get_u64(r, TAG_PARAM, "HVM parameter", UINT64_MAX);
    }
}

static void epoch_load(XenDomain *d, StateReader *r)
{
    bool armed;

    d->epoch_base_ns = (int64_t)state_get_u64(r, TAG_EPOCH_BASE, "epoch base",
                                              (uint64_t)xen_now(d));
    armed = state_get_u64(r, TAG_EPOCH_ARMED, "epoch armed", 1);
    d->host->ops->timer_del(d->host, d->epoch_timer);
    d->epoch_armed = false;
    if (armed && !state_reader_failed(r)) {
        xen_epoch_arm(d);
    }
}

static void shutdown_load(XenDomain *d, StateReader *r)
{
    d->shutdown_code_set =
        state_get_u64(r, TAG_SHUTDOWN_CODE_SET, "shutdown code set", 1);
    d->shutdown_code = (uint8_t)state_get_u64(r, TAG_SHUTDOWN_CODE,
                                              "shutdown code", UINT8_MAX);
    d->shutting_down = state_get_u64(r, TAG_SHUTTING_DOWN, "shutting down", 1);
    for (unsigned i = 0; i < XEN_NR_WATCHDOGS; i++) {
        d->watchdog[i].in_use =
            state_get_u64(r, TAG_WATCHDOG_IN_USE, "watchdog in use", 1);
        timer_load(d, &d->watchdog[i].timer, "watchdog timer", false, r);
    }
}

void xen_domain_load(XenDomain *d, StateReader *r)
{
    bool asserted;

    match_load(r, TAG_NR_VCPUS, "vCPUs", d->cfg.nr_vcpus);
    match_load(r, TAG_VERSION, "Xen minor version", d->cfg.version_minor);
    match_load(r, TAG_DOMID, "domain id", d->cfg.domid);
    match_load(r, TAG_STORE, "xenstore", d->store_ring != NULL);
    pages_load(d, r);
    epoch_load(d, r);
    shutdown_load(d, r);
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        vcpu_load(&d->vcpus[i], r);
    }
    xen_evtchn_load(d, r);
    xen_pirqs_load(d, r);
    asserted = state_get_u64(r, TAG_CALLBACK_ASSERTED, "callback asserted", 1);
    if (d->store_ring) {
        xenstore_ring_load(d->store_ring, r);
    }
    xen_console_ring_load(d->console_ring, r);
    xen_faults_load(d, r);
    if (state_reader_failed(r)) {
        xen_domain_reset(d);
    } else {
        xen_callback_load(d, asserted);
    }
}
