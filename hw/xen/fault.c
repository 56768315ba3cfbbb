/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this hypervisor does wrong when it is told to: events that are lost or
 * late, clock records that are late or torn, a wall clock that is late, steal
 * time that jumps.
 *
 * A fault of records and wall clock waits for the next one that is written and
 * differs; a second fault of the same kind takes its place.
 */
#include <string.h>

#include "hw/fault/record-fault.h"
#include "hw/xen/evtchn-port-internal.h"
#include "hw/xen/fault-internal.h"

/* Event faults in force, and events held back by them. */
#define EVENT_FAULTS_MAX 64u
#define LATE_EVENTS_MAX  4096u

enum {
    TAG_NR_EVENTS = 0x0a00,
    TAG_NR_LATE,
    TAG_LATE_PORT,
    TAG_LATE_DUE,
    TAG_WALLCLOCK_DELAY,
    TAG_WALLCLOCK_DUE,
    TAG_REFUSALS,
};

typedef struct LateEvent {
    uint32_t port;
    int64_t due_ns;
} LateEvent;

struct XenFaults {
    HostTimer *timer; /* for the earliest of all that is due */
    GArray *events;   /* of FaultSpec; count: events still to come */
    GArray *late;     /* of LateEvent, as they came */

    uint64_t refusals; /* of timers, still to come */
    RecordFault record;
    uint64_t wallclock_delay_ns; /* 0: none waits for a wall clock */
    int64_t wallclock_due_ns;    /* FAULT_NEVER: none is held back */
};

static void arm(XenDomain *d)
{
    const XenFaults *f = d->faults;
    int64_t due = MIN(f->record.due_ns, f->wallclock_due_ns);

    for (guint i = 0; i < f->late->len; i++) {
        due = MIN(due, g_array_index(f->late, LateEvent, i).due_ns);
    }
    if (due == FAULT_NEVER) {
        d->host->ops->timer_del(d->host, f->timer);
    } else {
        d->host->ops->timer_mod(d->host, f->timer, due);
    }
}

static void raise_late(XenDomain *d, int64_t now)
{
    GArray *late = d->faults->late;

    for (guint i = 0; i < late->len;) {
        LateEvent event = g_array_index(late, LateEvent, i);

        if (event.due_ns > now) {
            i++;
            continue;
        }
        g_array_remove_index(late, i);
        xen_port_raise(d, event.port);
    }
}

static void fire(void *opaque)
{
    XenDomain *d = opaque;
    XenFaults *f = d->faults;
    int64_t now = xen_now(d);

    raise_late(d, now);
    if (f->record.due_ns <= now) {
        f->record.due_ns = FAULT_NEVER;
        xen_time_update(&d->vcpus[f->record.vcpu], true);
    }
    if (f->wallclock_due_ns <= now) {
        f->wallclock_due_ns = FAULT_NEVER;
        xen_wallclock_update(d);
    }
    arm(d);
}

bool xen_faults_new(XenDomain *d)
{
    XenFaults *f = g_new0(XenFaults, 1);

    d->faults = f;
    f->events = g_array_new(FALSE, FALSE, sizeof(FaultSpec));
    f->late = g_array_new(FALSE, FALSE, sizeof(LateEvent));
    record_fault_reset(&f->record);
    f->wallclock_due_ns = FAULT_NEVER;
    f->timer = d->host->ops->timer_new(d->host, fire, d);
    return f->timer != NULL;
}

void xen_faults_free(XenDomain *d)
{
    XenFaults *f = d->faults;

    if (!f) {
        return;
    }
    if (f->timer) {
        d->host->ops->timer_free(d->host, f->timer);
    }
    g_array_unref(f->events);
    g_array_unref(f->late);
    g_free(f);
}

void xen_faults_reset(XenDomain *d)
{
    XenFaults *f = d->faults;

    g_array_set_size(f->events, 0);
    g_array_set_size(f->late, 0);
    f->refusals = 0;
    record_fault_reset(&f->record);
    f->wallclock_delay_ns = 0;
    f->wallclock_due_ns = FAULT_NEVER;
    arm(d);
}

/* Where things go wrong */

static bool event_is_meant(const FaultSpec *spec, uint32_t port,
                           const XenPort *p)
{
    if (spec->set & FAULT_HAS_VCPU && spec->vcpu != p->vcpu) {
        return false;
    }
    if (spec->set & FAULT_HAS_PORT && spec->port != port) {
        return false;
    }
    return !(spec->set & FAULT_HAS_VIRQ) ||
           (p->state == XEN_PORT_VIRQ && p->irq == spec->virq);
}

/* @return: the event on @port, which is in use, is not to be seen now */
bool xen_fault_event(XenDomain *d, uint32_t port)
{
    XenFaults *f = d->faults;
    const XenPort *p = xen_port_get(d, port);

    for (guint i = 0; i < f->events->len; i++) {
        FaultSpec *spec = &g_array_index(f->events, FaultSpec, i);
        LateEvent late = {port, xen_now(d) + (int64_t)spec->delay_ns};
        bool lost = spec->kind == FAULT_EVENT_LOST;

        if (!event_is_meant(spec, port, p) ||
            (!lost && f->late->len == LATE_EVENTS_MAX)) {
            continue;
        }
        xen_trace(d, HOST_TRACE_fault, spec->kind, port, p->vcpu,
                  (uint64_t)xen_now(d));
        if (!--spec->count) {
            g_array_remove_index(f->events, i);
        }
        if (!lost) {
            g_array_append_val(f->late, late);
            arm(d);
        }
        return true;
    }
    return false;
}

/*
 * The record of @v, which differs from the last, is about to become *@next.
 * @return: it is not to be written now
 */
bool xen_fault_record(XenVcpu *v, struct vcpu_time_info *next)
{
    RecordFault *f = &v->d->faults->record;
    int64_t was_due = f->due_ns;
    RecordVerdict verdict = record_fault_meets(f, v->id, xen_now(v->d));

    if (f->due_ns != was_due) {
        xen_trace(v->d, HOST_TRACE_fault,
                  f->torn ? FAULT_PVCLOCK_TORN : FAULT_PVCLOCK_LATE, v->id,
                  (uint64_t)f->due_ns, (uint64_t)xen_now(v->d));
        arm(v->d);
    }
    if (verdict == RECORD_HALF) {
        next->system_time = v->time.system_time;
    }
    return verdict == RECORD_HELD;
}

/* @return: the wall clock, which changed, is not to be written now */
bool xen_fault_wallclock(XenDomain *d)
{
    XenFaults *f = d->faults;

    if (f->wallclock_due_ns != FAULT_NEVER) {
        return true;
    }
    if (!f->wallclock_delay_ns) {
        return false;
    }
    xen_trace(d, HOST_TRACE_fault, FAULT_WALLCLOCK_LATE, 0,
              f->wallclock_delay_ns, (uint64_t)xen_now(d));
    f->wallclock_due_ns = xen_now(d) + (int64_t)f->wallclock_delay_ns;
    f->wallclock_delay_ns = 0;
    arm(d);
    return true;
}

/*
 * @return: a one-shot timer of @v whose deadline has passed, and which the
 * guest wanted to lie in the future, is refused (xen 4.16: common/sched/core.c,
 * do_vcpu_op)
 */
bool xen_fault_timer(XenVcpu *v)
{
    XenFaults *f = v->d->faults;

    if (!f->refusals) {
        return false;
    }
    f->refusals--;
    xen_trace(v->d, HOST_TRACE_fault, FAULT_TIMER_REFUSED, v->id, f->refusals,
              (uint64_t)xen_now(v->d));
    return true;
}

/* The time a vCPU was runnable jumps, as 64-bit numbers do. */
static void steal_add(XenVcpu *v, int64_t ns)
{
    v->runstate_time_ns[RUNSTATE_runnable] += (uint64_t)ns;
    xen_trace(v->d, HOST_TRACE_fault, FAULT_STEAL_ADD, v->id, (uint64_t)ns,
              (uint64_t)xen_now(v->d));
    if (v->runstate_area.registered) {
        xen_runstate_write(v, v->id);
    }
    if (v->runstate_phys.page) {
        xen_runstate_phys_write(v);
    }
}

static gboolean take_event_fault(XenFaults *f, const FaultSpec *spec,
                                 GError **error)
{
    if (f->events->len == EVENT_FAULTS_MAX) {
        g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE,
                    "%u faults of events are in force already, which is the "
                    "most",
                    EVENT_FAULTS_MAX);
        return FALSE;
    }
    g_array_append_val(f->events, *spec);
    return TRUE;
}

gboolean xen_domain_fault(XenDomain *d, const FaultSpec *spec, GError **error)
{
    XenFaults *f = d->faults;

    if (spec->vcpu >= d->cfg.nr_vcpus) {
        g_set_error(error, FAULT_ERROR, FAULT_ERROR_STATE,
                    "%s: there is no vCPU %u", fault_kind_name(spec->kind),
                    spec->vcpu);
        return FALSE;
    }
    switch (spec->kind) {
    case FAULT_EVENT_LOST:
    case FAULT_EVENT_LATE:
        return take_event_fault(f, spec, error);
    case FAULT_PVCLOCK_LATE:
    case FAULT_PVCLOCK_TORN:
        return record_fault_take(&f->record, spec, error);
    case FAULT_WALLCLOCK_LATE:
        f->wallclock_delay_ns = spec->delay_ns;
        break;
    case FAULT_TIMER_REFUSED:
        f->refusals += spec->count;
        break;
    default:
        steal_add(&d->vcpus[spec->vcpu], spec->ns);
        break;
    }
    return TRUE;
}

/* Migration */

void xen_faults_save(const XenDomain *d, StateWriter *w)
{
    const XenFaults *f = d->faults;

    state_put_u64(w, TAG_NR_EVENTS, f->events->len);
    for (guint i = 0; i < f->events->len; i++) {
        fault_spec_save(&g_array_index(f->events, FaultSpec, i), w);
    }
    state_put_u64(w, TAG_NR_LATE, f->late->len);
    for (guint i = 0; i < f->late->len; i++) {
        const LateEvent *late = &g_array_index(f->late, LateEvent, i);

        state_put_u64(w, TAG_LATE_PORT, late->port);
        state_put_u64(w, TAG_LATE_DUE, (uint64_t)late->due_ns);
    }
    record_fault_save(&f->record, w);
    state_put_u64(w, TAG_WALLCLOCK_DELAY, f->wallclock_delay_ns);
    state_put_u64(w, TAG_WALLCLOCK_DUE, (uint64_t)f->wallclock_due_ns);
    state_put_u64(w, TAG_REFUSALS, f->refusals);
}

static void load_events(XenFaults *f, StateReader *r)
{
    uint64_t nr =
        state_get_u64(r, TAG_NR_EVENTS, "event faults", EVENT_FAULTS_MAX);

    for (uint64_t i = 0; i < nr && !state_reader_failed(r); i++) {
        FaultSpec spec;

        fault_spec_load(&spec, r);
        if (spec.kind > FAULT_EVENT_LATE) {
            state_reader_fail(r, "state field 'event faults': %s is none",
                              fault_kind_name(spec.kind));
        }
        g_array_append_val(f->events, spec);
    }
    nr = state_get_u64(r, TAG_NR_LATE, "late events", LATE_EVENTS_MAX);
    for (uint64_t i = 0; i < nr && !state_reader_failed(r); i++) {
        LateEvent late;

        late.port = (uint32_t)state_get_u64(r, TAG_LATE_PORT, "late port",
                                            XEN_PORT_LIMIT - 1);
        late.due_ns = (int64_t)state_get_u64(r, TAG_LATE_DUE, "late event",
                                             INT64_MAX - 1);
        g_array_append_val(f->late, late);
    }
}

/* Into faults just reset. */
void xen_faults_load(XenDomain *d, StateReader *r)
{
    XenFaults *f = d->faults;

    load_events(f, r);
    record_fault_load(&f->record, d->cfg.nr_vcpus, r);
    f->wallclock_delay_ns = state_get_u64(
        r, TAG_WALLCLOCK_DELAY, "wall clock delay", FAULT_DELAY_NS_MAX);
    f->wallclock_due_ns = (int64_t)state_get_u64(r, TAG_WALLCLOCK_DUE,
                                                 "wall clock due", INT64_MAX);
    f->refusals = state_get_u64(r, TAG_REFUSALS, "timer refusals", UINT64_MAX);
    if (state_reader_failed(r)) {
        xen_faults_reset(d);
        return;
    }
    arm(d);
}
