/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PV timers: one-shot and periodic, each of them VIRQ_TIMER (xen:
 * common/sched/core.c).
 *
 * The one-shot timer and the timeout of SCHEDOP_poll are set in absolute
 * system time and keep it over a cut; periods are counted in virtual time and
 * go on.
 */
#include "hw/xen/domain-internal.h"

typedef enum TimerKind {
    TIMER_SINGLESHOT,
    TIMER_PERIODIC,
} TimerKind;

void xen_timer_arm_system(XenDomain *d, XenTimer *t, uint64_t system_ns)
{
    t->armed = true;
    t->deadline_ns = system_ns;
    d->host->ops->timer_mod(d->host, t->timer,
                            clock_virtual_time(d->clock, system_ns));
}

void xen_timer_arm_virtual(XenDomain *d, XenTimer *t, int64_t at_ns)
{
    t->armed = true;
    t->deadline_ns = (uint64_t)at_ns;
    d->host->ops->timer_mod(d->host, t->timer, at_ns);
}

void xen_timer_stop(XenDomain *d, XenTimer *t)
{
    t->armed = false;
    t->deadline_ns = 0;
    d->host->ops->timer_del(d->host, t->timer);
}

void xen_timer_free(XenDomain *d, XenTimer *t)
{
    if (t->timer) {
        d->host->ops->timer_free(d->host, t->timer);
        t->timer = NULL;
    }
}

static void timer_trace(XenVcpu *v, HostTraceEvent event, TimerKind kind,
                        uint64_t deadline)
{
    xen_trace(v->d, event, v->id, kind, deadline, (uint64_t)xen_now(v->d));
}

static void singleshot_fire(void *opaque)
{
    XenVcpu *v = opaque;

    v->singleshot.armed = false;
    timer_trace(v, HOST_TRACE_timer_fire, TIMER_SINGLESHOT,
                v->singleshot.deadline_ns);
    xen_evtchn_send_virq(v->d, v->id, VIRQ_TIMER);
}

/* A deadline that has passed fires at once. */
void xen_singleshot_set(XenVcpu *v, uint64_t system_ns)
{
    xen_timer_arm_system(v->d, &v->singleshot, system_ns);
    timer_trace(v, HOST_TRACE_timer_set, TIMER_SINGLESHOT, system_ns);
}

/* xen: vcpu_periodic_timer_work; ticks that were missed are not made up. */
static void periodic_work(XenVcpu *v)
{
    int64_t now = xen_now(v->d);
    int64_t next = v->periodic_last_ns + (int64_t)v->period_ns;

    if (now >= next) {
        v->periodic_last_ns = now;
        next = now + (int64_t)v->period_ns;
        timer_trace(v, HOST_TRACE_timer_fire, TIMER_PERIODIC, (uint64_t)now);
        xen_evtchn_send_virq(v->d, v->id, VIRQ_TIMER);
    }
    xen_timer_arm_virtual(v->d, &v->periodic, next);
}

static void periodic_fire(void *opaque)
{
    XenVcpu *v = opaque;

    v->periodic.armed = false;
    periodic_work(v);
}

/* @period_ns: 0 stops it. */
void xen_periodic_set(XenVcpu *v, uint64_t period_ns)
{
    xen_timer_stop(v->d, &v->periodic);
    v->period_ns = period_ns;
    if (period_ns) {
        v->periodic_last_ns = xen_now(v->d);
        timer_trace(v, HOST_TRACE_timer_set, TIMER_PERIODIC, period_ns);
        if (v->runstate == RUNSTATE_running) {
            periodic_work(v);
        }
    }
}

/* @v runs: a tick it missed while it did not is sent now. */
void xen_periodic_resume(XenVcpu *v)
{
    if (v->period_ns && !v->periodic.armed) {
        periodic_work(v);
    }
}

/* @v stops running, and its periodic timer with it. */
void xen_periodic_suspend(XenVcpu *v)
{
    if (v->periodic.armed) {
        xen_timer_stop(v->d, &v->periodic);
    }
}

bool xen_vcpu_timers_new(XenVcpu *v)
{
    Host *host = v->d->host;

    v->singleshot.timer = host->ops->timer_new(host, singleshot_fire, v);
    v->periodic.timer = host->ops->timer_new(host, periodic_fire, v);
    v->poll.timer = host->ops->timer_new(host, xen_poll_fire, v);
    return v->singleshot.timer && v->periodic.timer && v->poll.timer;
}

void xen_vcpu_timers_free(XenVcpu *v)
{
    xen_timer_free(v->d, &v->singleshot);
    xen_timer_free(v->d, &v->periodic);
    xen_timer_free(v->d, &v->poll);
}

void xen_vcpu_timers_stop(XenVcpu *v)
{
    xen_timer_stop(v->d, &v->singleshot);
    xen_timer_stop(v->d, &v->periodic);
    xen_timer_stop(v->d, &v->poll);
    v->period_ns = 0;
    v->periodic_last_ns = 0;
}

/* The clock was cut: what waits for a system time waits for it still. */
void xen_timers_rearm(XenDomain *d)
{
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        XenTimer *timers[] = {&d->vcpus[i].singleshot, &d->vcpus[i].poll};

        for (size_t j = 0; j < G_N_ELEMENTS(timers); j++) {
            if (timers[j]->armed) {
                xen_timer_arm_system(d, timers[j], timers[j]->deadline_ns);
            }
        }
    }
}
