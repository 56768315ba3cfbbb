/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paravirtual timers: set_timer_op, the single-shot and the periodic timer.
 *
 * Behaviour: a deadline in system time raises VIRQ_TIMER on the vCPU, at once
 * if it has passed; set_timer_op and the single-shot timer are one timer; the
 * periodic timer stands still while its vCPU is blocked.
 * Check: when the event comes, by the clock, with the vCPU halted and running;
 * that it does not come after it was stopped; every error.
 * Cannot tell apart: a late timer from a slow machine: lateness is bounded
 * under icount only.
 * Real Xen: measured (xen: common/schedule.c, do_set_timer_op;
 * common/domain.c, common_vcpu_op; common/sched/core.c stops the periodic
 * timer of a vCPU that is descheduled).
 *
 * RUN: default
 * RUN: khz plugin=tsc-khz=2596122
 * RUN: uptime plugin=uptime=315360000
 * RUN: tcg accel=tcg append=loose
 * RUN: mttcg smp=2 accel=mttcg append=loose
 * RUN: pvh guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define NS_PER_US     1000ull
#define NS_PER_MS     1000000ull
#define NS_PER_S      1000000000ull
#define TIMER_VECTOR  0x70
#define LATE_NS       (20 * NS_PER_US)
#define LATE_LOOSE_NS (60 * NS_PER_S)
/* xen: common/schedule.c; a deadline this far off is taken for an error. */
#define HUGE_FIRES_NS (100 * NS_PER_MS)

static int port;
static volatile unsigned ticks;

static void on_timer(TrapFrame *frame)
{
    (void)frame;
    evtchn_ack_upcall(0);
    ticks = ticks + evtchn_clear((unsigned)port);
}

static uint64_t late_ns(void)
{
    return cmdline_has("loose") ? LATE_LOOSE_NS : LATE_NS;
}

/*
 * Between arming a timer and what must come before it: far more than the few
 * instructions take, without icount also when the machine is busy.
 */
static uint64_t unit_ns(void)
{
    return cmdline_has("loose") ? 60 * NS_PER_MS : NS_PER_MS;
}

static long singleshot(unsigned vcpu, uint64_t at_ns, uint32_t flags)
{
    struct vcpu_set_singleshot_timer set = {.timeout_abs_ns = at_ns,
                                            .flags = flags};

    return xen_vcpu_op(VCPUOP_set_singleshot_timer, vcpu, &set);
}

static long periodic(uint64_t period_ns)
{
    struct vcpu_set_periodic_timer set = {.period_ns = period_ns};

    return xen_vcpu_op(VCPUOP_set_periodic_timer, 0, &set);
}

/* Block with interrupts closed until @at_ns, whatever happens. */
static void sleep_until(uint64_t at_ns)
{
    struct sched_poll poll = {.timeout = at_ns};

    xen_sched_op(SCHEDOP_poll, &poll);
}

/* Halts until a tick; the time then. */
static uint64_t wait_tick(void)
{
    unsigned before = ticks;

    while (ticks == before) {
        cpu_wait();
    }
    return clock_now();
}

static void timer_port_is_bound(void)
{
    if (!xen_shared_info()) {
        return;
    }
    cpu_set_handler(TIMER_VECTOR, on_timer);
    evtchn_ack_upcall(0);
    CHECK_RC(0, evtchn_callback_vector(TIMER_VECTOR));
    port = evtchn_bind_virq(VIRQ_TIMER, 0);
    CHECK(port > 0);
    CHECK_RC(-XEN_EEXIST, evtchn_bind_virq(VIRQ_TIMER, 0));
}

CONFORMS(__HYPERVISOR_set_timer_op)
static void set_timer_fires_on_time(void)
{
    static const uint64_t delays[] = {50 * NS_PER_US, NS_PER_MS, 20 * NS_PER_MS,
                                      NS_PER_S};

    for (unsigned i = 0; i < ARRAY_SIZE(delays); i++) {
        uint64_t at = clock_now() + delays[i];

        input("delay %llu ns", (unsigned long long)delays[i]);
        CHECK_RC(0, xen_set_timer(at));
        CHECK_RANGE(at, at + late_ns(), wait_tick());
    }
}

CONFORMS(VCPUOP_set_singleshot_timer)
static void singleshot_fires_on_time(void)
{
    uint64_t at = clock_now() + 3 * NS_PER_MS;

    CHECK_RC(0, singleshot(0, at, 0));
    CHECK_RANGE(at, at + late_ns(), wait_tick());
    at = clock_now() + 3 * NS_PER_MS;
    CHECK_RC(0, singleshot(0, at, VCPU_SSHOTTMR_future));
    CHECK_RANGE(at, at + late_ns(), wait_tick());
}

CONFORMS(__HYPERVISOR_set_timer_op)
static void past_deadline_fires_at_once(void)
{
    uint64_t now = clock_now();

    CHECK_RC(0, xen_set_timer(1));
    CHECK_RANGE(now, now + 10 * late_ns(), wait_tick());
    now = clock_now();
    CHECK_RC(0, singleshot(0, 1, 0));
    CHECK_RANGE(now, now + 10 * late_ns(), wait_tick());
    now = clock_now();
    CHECK_RC(0,
             singleshot(0, now > 1000 ? now - 1000 : 1, VCPU_SSHOTTMR_future));
    CHECK_RANGE(now, now + 10 * late_ns(), wait_tick());
}

CONFORMS(__HYPERVISOR_set_timer_op)
static void huge_deadline_fires_after_100_ms(void)
{
    static const uint64_t deadlines[] = {1ull << 62, ~0ull, 1ull << 63};

    for (unsigned i = 0; i < ARRAY_SIZE(deadlines); i++) {
        uint64_t now = clock_now();

        input("deadline %llx", (unsigned long long)deadlines[i]);
        CHECK_RC(0, xen_set_timer(deadlines[i]));
        CHECK_RANGE(now + HUGE_FIRES_NS, now + HUGE_FIRES_NS + 10 * late_ns(),
                    wait_tick());
    }
}

CONFORMS(VCPUOP_stop_singleshot_timer)
static void stopped_timer_stays_silent(void)
{
    unsigned before = ticks;

    CHECK_RC(0, xen_set_timer(clock_now() + unit_ns()));
    CHECK_RC(0, xen_set_timer(0));
    sleep_until(clock_now() + 3 * unit_ns());
    cpu_open_interrupts();
    CHECK_EQ(before, ticks);

    CHECK_RC(0, singleshot(0, clock_now() + unit_ns(), 0));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL));
    sleep_until(clock_now() + 3 * unit_ns());
    cpu_open_interrupts();
    CHECK_EQ(before, ticks);
}

static void set_timer_and_singleshot_are_one(void)
{
    unsigned before = ticks;
    uint64_t at = clock_now() + 2 * unit_ns();

    CHECK_RC(0, singleshot(0, at + 8 * unit_ns(), 0));
    CHECK_RC(0, xen_set_timer(at));
    CHECK_RANGE(at, at + late_ns(), wait_tick());
    sleep_until(at + 20 * unit_ns());
    cpu_open_interrupts();
    CHECK_EQ(before + 1, ticks);
}

CONFORMS(VCPUOP_set_singleshot_timer)
CONFORMS(VCPUOP_set_periodic_timer)
static void bad_timers_are_refused(void)
{
    CHECK_RC(-XEN_EINVAL, periodic(999999));
    CHECK_RC(-XEN_EINVAL, periodic(500000));
    CHECK_RC(-XEN_EINVAL, periodic(0));
    CHECK_RC(-XEN_EINVAL, periodic(1ull << 62));
    CHECK_RC(-XEN_EINVAL, periodic(~0ull));
    if (cpu_count() > 1) {
        CHECK_RC(-XEN_EINVAL, singleshot(1, 1, 0));
        CHECK_RC(-XEN_EINVAL,
                 xen_vcpu_op(VCPUOP_stop_singleshot_timer, 1, NULL));
    }
    CHECK_RC(-XEN_ENOENT, singleshot(99, 1, 0));
}

CONFORMS(VCPUOP_set_periodic_timer)
CONFORMS(VCPUOP_stop_periodic_timer)
static void periodic_timer_ticks_while_running(void)
{
    unsigned before = ticks, got;
    uint64_t until = clock_now() + 10 * NS_PER_MS;
    /* Where time is real, a busy host may keep the timer's thread waiting. */
    uint64_t patience =
        cmdline_has("loose") ? until + 10000 * NS_PER_MS : until;

    CHECK_RC(0, periodic(NS_PER_MS));
    while (clock_now() < until || (ticks == before && clock_now() < patience)) {
        cpu_open_interrupts();
    }
    CHECK_RC(0, xen_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
    cpu_open_interrupts();
    got = ticks - before;
    CHECK_RANGE(cmdline_has("loose") ? 1 : 9, cmdline_has("loose") ? ~0u : 11,
                got);
    before = ticks;
    until = clock_now() + 3 * NS_PER_MS;
    while (clock_now() < until) {
        cpu_open_interrupts();
    }
    CHECK_EQ(before, ticks);
}

static void periodic_timer_does_not_wake_a_poll(void)
{
    evtchn_port_t ports[1] = {(evtchn_port_t)port};
    struct sched_poll poll = {.nr_ports = 1};
    uint64_t until = clock_now() + 35 * unit_ns();

    evtchn_mask((unsigned)port);
    evtchn_clear((unsigned)port);
    set_xen_guest_handle(poll.ports, ports);
    poll.timeout = until;
    CHECK_RC(0, periodic(10 * unit_ns()));
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    CHECK_RANGE(until, until + late_ns() + NS_PER_MS, clock_now());
    CHECK_RC(0, xen_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
    evtchn_clear((unsigned)port);
    CHECK_RC(0, evtchn_unmask((unsigned)port));
}

static void poll_returns_when_the_timer_fires(void)
{
    evtchn_port_t ports[1] = {(evtchn_port_t)port};
    struct sched_poll poll = {.nr_ports = 1};
    uint64_t at = clock_now() + 2 * NS_PER_MS;

    evtchn_mask((unsigned)port);
    evtchn_clear((unsigned)port);
    set_xen_guest_handle(poll.ports, ports);
    poll.timeout = at + 60 * NS_PER_S;
    CHECK_RC(0, xen_set_timer(at));
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    CHECK_RANGE(at, at + late_ns(), clock_now());
    CHECK(evtchn_pending((unsigned)port));
    /* Already pending: at once. */
    at = clock_now();
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    CHECK_RANGE(at, at + late_ns(), clock_now());
    evtchn_clear((unsigned)port);
    CHECK_RC(0, evtchn_unmask((unsigned)port));
}

PAYLOAD(NEEDS_XEN, TEST(timer_port_is_bound), TEST(set_timer_fires_on_time),
        TEST(singleshot_fires_on_time), TEST(past_deadline_fires_at_once),
        TEST(huge_deadline_fires_after_100_ms),
        TEST(stopped_timer_stays_silent),
        TEST(set_timer_and_singleshot_are_one), TEST(bad_timers_are_refused),
        TEST(periodic_timer_ticks_while_running),
        TEST(periodic_timer_does_not_wake_a_poll),
        TEST(poll_returns_when_the_timer_fires));
