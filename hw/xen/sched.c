/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling: sched_op, set_timer_op, and what the vCPU loop tells us (xen:
 * common/sched/core.c, common/domain.c).
 */
#include "hw/xen/hypercall-internal.h"

#define POLL_PORTS_MAX   128u
#define HUGE_TIMEOUT_NS  100000000u /* xen: do_set_timer_op's workaround */
#define HUGE_OFFSET_BITS 50
#define NS_PER_S         1000000000

/* @v executes no more until it is unblocked or interrupted. */
void xen_vcpu_sleep(XenVcpu *v, int runstate)
{
    xen_periodic_suspend(v);
    xen_runstate_change(v, runstate);
}

static void stop_waiting(XenVcpu *v)
{
    v->waiting = false;
    v->polling = false;
    v->poll_port = 0;
    if (v->poll.armed) {
        xen_timer_stop(v->d, &v->poll);
    }
}

/* Wake @v if it waits in SCHEDOP_block or SCHEDOP_poll. */
void xen_vcpu_unblock(XenVcpu *v)
{
    if (v->waiting) {
        stop_waiting(v);
        v->d->host->ops->vcpu_wake(v->d->host, v->id);
    }
}

void xen_poll_fire(void *opaque)
{
    XenVcpu *v = opaque;

    v->poll.armed = false;
    xen_vcpu_unblock(v);
}

/* xen: common/event_channel.c, evtchn_check_pollers */
void xen_check_pollers(XenDomain *d, uint32_t port)
{
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        XenVcpu *v = &d->vcpus[i];

        if (v->polling && (v->poll_port == 0 || v->poll_port == port)) {
            xen_vcpu_unblock(v);
        }
    }
}

/*
 * The domain ends with @reason, or with the one SCHEDOP_shutdown_code set
 * before (xen: domain_shutdown).  Only the first call counts.
 */
void xen_shutdown(XenDomain *d, unsigned vcpu, uint8_t reason)
{
    if (!d->shutdown_code_set) {
        d->shutdown_code_set = true;
        d->shutdown_code = reason;
    }
    if (d->shutting_down) {
        return;
    }
    d->shutting_down = true;
    xen_trace(d, HOST_TRACE_shutdown, vcpu, d->shutdown_code, 0,
              (uint64_t)xen_now(d));
    d->host->ops->shutdown(d->host, vcpu, d->shutdown_code);
}

/* The last vCPU to go down takes the domain along (xen: hvm_vcpu_down). */
void xen_vcpu_set_down(XenVcpu *v)
{
    XenDomain *d = v->d;

    v->down = true;
    stop_waiting(v);
    xen_vcpu_sleep(v, RUNSTATE_offline);
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        if (!d->vcpus[i].down) {
            return;
        }
    }
    xen_shutdown(d, v->id, SHUTDOWN_poweroff);
}

/* @v, which was started once, is down. */
void xen_vcpu_set_up(XenVcpu *v)
{
    v->down = false;
    v->d->host->ops->vcpu_wake(v->d->host, v->id);
}

void xen_domain_vcpu_halted(XenDomain *d, unsigned vcpu, bool interrupts)
{
    XenVcpu *v = &d->vcpus[vcpu];

    if (interrupts) {
        xen_vcpu_sleep(v, RUNSTATE_blocked);
    } else {
        xen_vcpu_set_down(v);
    }
}

void xen_domain_vcpu_running(XenDomain *d, unsigned vcpu)
{
    XenVcpu *v = &d->vcpus[vcpu];
    bool was_down = v->down;

    v->down = false;
    v->initialised = true;
    stop_waiting(v);
    xen_runstate_change(v, RUNSTATE_running);
    if (was_down && vcpu != 0) {
        /*
         * In step with the first vCPU (xen: arch/x86/hvm/hvm.c,
         * hvm_vcpu_reset_state).
         * DEVIATION: TSC_ADJUST then reads as the first one's, in Xen as 0.
         */
        clock_write_tsc_adjust(d->clock, vcpu, clock_tsc_adjust(d->clock, 0));
    }
    xen_time_running(v);
    xen_periodic_resume(v);
    /*
     * Xen ignores INIT of a vCPU that has never run, so an upcall that was
     * injected before stays in its local APIC (xen: arch/x86/hvm/vlapic.c,
     * vlapic_init_sipi_one).  The machine's INIT cleared it: inject it again.
     */
    if (was_down && xen_upcall_pending(v)) {
        xen_upcall_assert(v);
    }
    if (v->nmi_pending) {
        v->nmi_pending = false;
        d->host->ops->nmi_inject(d->host, vcpu);
    }
}

static int64_t op_yield(G_GNUC_UNUSED XenCall *c, G_GNUC_UNUSED void *arg)
{
    /* Round robin gives the others their turn anyway. */
    return 0;
}

/* xen: vcpu_block_enable_events; events that are due end it at once */
static int64_t op_block(XenCall *c, G_GNUC_UNUSED void *arg)
{
    XenVcpu *v = c->v;
    size_t mask = offsetof(struct vcpu_info, evtchn_upcall_mask);

    __atomic_store_n(v->info + mask, 0, __ATOMIC_SEQ_CST);
    xen_vcpu_info_dirty(v, mask, 1);
    v->waiting = true;
    xen_vcpu_sleep(v, RUNSTATE_blocked);
    c->d->host->ops->vcpu_block(c->d->host, v->id);
    return 0;
}

static int64_t op_shutdown(XenCall *c, void *arg)
{
    const struct sched_shutdown *op = arg;

    xen_shutdown(c->d, c->v->id, (uint8_t)op->reason);
    return 0;
}

static int64_t op_shutdown_code(XenCall *c, void *arg)
{
    const struct sched_shutdown *op = arg;

    if (!c->d->shutdown_code_set) {
        c->d->shutdown_code_set = true;
        c->d->shutdown_code = (uint8_t)op->reason;
    }
    return 0;
}

/* @return: 1 if one of the ports is pending, 0 if none is, or an error */
static int64_t poll_ports(XenCall *c, uint64_t gva, unsigned nr, uint32_t *last)
{
    int pending = 0;

    /* One by one: what comes after a pending port is not looked at. */
    for (unsigned i = 0; i < nr && !pending; i++) {
        if (!xen_copy_in(c, gva + i * sizeof(*last), last, sizeof(*last))) {
            return -XEN_EFAULT;
        }
        pending = xen_evtchn_poll(c->d, *last);
    }
    return pending;
}

/* xen: do_poll; 0 when a port is pending, at the timeout, or at an interrupt */
static int64_t op_poll(XenCall *c, void *arg)
{
    const struct sched_poll *native = arg;
    const XenCompatSchedPoll *compat = arg;
    uint64_t ports =
        c->compat ? compat->ports : (uint64_t)(uintptr_t)native->ports.p;
    unsigned nr = c->compat ? compat->nr_ports : native->nr_ports;
    uint64_t timeout = c->compat ? compat->timeout : native->timeout;
    XenVcpu *v = c->v;
    uint32_t port = 0;
    int64_t ret;

    if (nr > POLL_PORTS_MAX) {
        return -XEN_EINVAL;
    }
    ret = poll_ports(c, ports, nr, &port);
    if (ret) {
        return ret < 0 ? ret : 0;
    }
    v->waiting = true;
    v->polling = true;
    v->poll_port = nr == 1 ? port : 0;
    if (timeout) {
        xen_timer_arm_system(c->d, &v->poll, timeout);
    }
    xen_vcpu_sleep(v, RUNSTATE_blocked);
    c->d->host->ops->vcpu_block(c->d->host, v->id);
    return 0;
}

/* A guest may shut down itself this way, and no other domain. */
static int64_t op_remote_shutdown(XenCall *c, void *arg)
{
    const struct sched_remote_shutdown *op = arg;

    /* DOMID_SELF names nobody here (xen: rcu_lock_domain_by_id). */
    if (op->domain_id != 0 && op->domain_id != c->d->cfg.domid) {
        return -XEN_ESRCH;
    }
    return -XEN_EPERM;
}

void xen_watchdog_fire(void *opaque)
{
    XenWatchdog *w = opaque;

    w->timer.armed = false;
    xen_shutdown(w->d, 0, SHUTDOWN_watchdog);
}

static void watchdog_arm(XenDomain *d, XenWatchdog *w, uint32_t timeout_s)
{
    xen_timer_arm_virtual(d, &w->timer,
                          xen_now(d) + (int64_t)timeout_s * NS_PER_S);
}

/* xen: domain_watchdog.  (0, 0) allocates one that fires at once. */
static int64_t op_watchdog(XenCall *c, void *arg)
{
    const struct sched_watchdog *op = arg;
    XenDomain *d = c->d;
    XenWatchdog *w;

    if (op->id > XEN_NR_WATCHDOGS) {
        return -XEN_EINVAL;
    }
    if (op->id == 0) {
        for (unsigned i = 0; i < XEN_NR_WATCHDOGS; i++) {
            if (!d->watchdog[i].in_use) {
                d->watchdog[i].in_use = true;
                watchdog_arm(d, &d->watchdog[i], op->timeout);
                return i + 1;
            }
        }
        return -XEN_ENOSPC;
    }
    w = &d->watchdog[op->id - 1];
    if (!w->in_use) {
        return -XEN_EINVAL;
    }
    if (op->timeout == 0) {
        xen_timer_stop(d, &w->timer);
        w->in_use = false;
    } else {
        watchdog_arm(d, w, op->timeout);
    }
    return 0;
}

static int64_t op_pin_override(G_GNUC_UNUSED XenCall *c,
                               G_GNUC_UNUSED void *arg)
{
    return -XEN_EPERM; /* the hardware domain's */
}

static const XenSubop sched_ops[] = {
    XEN_SUBOP_PLAIN(SCHEDOP_yield, op_yield),
    XEN_SUBOP_PLAIN(SCHEDOP_block, op_block),
    XEN_SUBOP(SCHEDOP_shutdown, struct sched_shutdown, XEN_ARG_IN, op_shutdown),
    XEN_SUBOP_COMPAT(SCHEDOP_poll, struct sched_poll, XenCompatSchedPoll,
                     XEN_ARG_IN, op_poll),
    XEN_SUBOP(SCHEDOP_remote_shutdown, struct sched_remote_shutdown, XEN_ARG_IN,
              op_remote_shutdown),
    XEN_SUBOP(SCHEDOP_shutdown_code, struct sched_shutdown, XEN_ARG_IN,
              op_shutdown_code),
    XEN_SUBOP(SCHEDOP_watchdog, struct sched_watchdog, XEN_ARG_IN, op_watchdog),
    XEN_SUBOP_PLAIN(SCHEDOP_pin_override, op_pin_override),
};

int64_t xen_do_sched_op(XenCall *c)
{
    int64_t ret = xen_subop_call(c, sched_ops, G_N_ELEMENTS(sched_ops),
                                 (uint32_t)c->args[0], c->args[1]);

    xen_trace(c->d, HOST_TRACE_sched, c->v->id, c->args[0], c->args[1],
              (uint64_t)ret);
    return ret;
}

/*
 * set_timer_op(absolute system time): 0 stops the one-shot timer.  A negative
 * value, or one more than 2^50 ns ahead, is Linux's way to say "never", and
 * becomes 100 ms (xen: do_set_timer_op).
 */
int64_t xen_do_set_timer_op(XenCall *c)
{
    uint64_t timeout = c->args[0];
    uint64_t now = xen_system_time(c->d);

    if (c->compat) {
        timeout = (uint32_t)c->args[0] | (c->args[1] << 32);
    }
    if (timeout == 0) {
        xen_timer_stop(c->d, &c->v->singleshot);
    } else if ((int64_t)timeout < 0 ||
               (timeout > now && (timeout - now) >> HUGE_OFFSET_BITS)) {
        xen_singleshot_set(c->v, now + HUGE_TIMEOUT_NS);
    } else {
        xen_singleshot_set(c->v, timeout);
    }
    return 0;
}
