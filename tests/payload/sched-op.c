/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_op: giving the processor away, waiting, watchdogs, and how not to end.
 *
 * Behaviour: polls end with a port, a timeout or at once; watchdogs are two;
 * other domains' ends and pinning are not the guest's; the first reason of a
 * shutdown counts.
 * Check: answers of every operation, ports and timeouts of polls on each vCPU;
 * the runner asks QEMU how the machine ended.
 * Cannot tell apart: a yield from a call that does nothing.
 * Real Xen: measured for polls and watchdogs on 4.17 and 4.23; else by its
 * source (xen: common/sched/core.c, do_sched_op; common/domain.c,
 * domain_shutdown).
 *
 * RUN: default
 * RUN: four smp=4
 * RUN: pvh smp=4 guest=pvh
 * RUN: code append=end=code end=reboot bits=64
 * RUN: watchdog append=end=watchdog end=poweroff bits=32
 * RUN: watchdog-later append=end=later end=poweroff bits=64
 * RUN: unknown append=end=unknown end=poweroff bits=64
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define PORTS_MAX      128
#define SCHED_OP_OLD   6 /* __HYPERVISOR_sched_op_compat */
#define NS_PER_MS      1000000ull
#define WATCHDOGS      2
#define UNKNOWN_REASON 77

static evtchn_port_t ports[PORTS_MAX + 1];

static long poll(unsigned nr, uint64_t timeout)
{
    struct sched_poll op = {.nr_ports = nr, .timeout = timeout};

    set_xen_guest_handle(op.ports, ports);
    return xen_sched_op(SCHEDOP_poll, &op);
}

CONFORMS(SCHEDOP_yield)
NOT_OFFERED(SCHEDOP_pin_override, -XEN_EPERM)
static void operations_answer(void)
{
    struct sched_pin_override pin = {.pcpu = -1};

    CHECK_RC(0, xen_sched_op(SCHEDOP_yield, NULL));
    CHECK_RC(-XEN_EPERM, xen_sched_op(SCHEDOP_pin_override, &pin));
    CHECK_RC(-XEN_EPERM, xen_sched_op(SCHEDOP_pin_override, NULL));
    for (unsigned op = 8; op < 12; op++) {
        input("operation %u", op);
        CHECK_RC(-XEN_ENOSYS, xen_sched_op(op, ports));
    }
    input("the old number");
    CHECK_RC(-XEN_ENOSYS, xen_hypercall(SCHED_OP_OLD, 0, 0, 0, 0));
}

NOT_OFFERED(SCHEDOP_remote_shutdown, -XEN_EPERM)
static void nobody_is_shut_down_from_afar(void)
{
    struct sched_remote_shutdown op = {.domain_id = 0};

    CHECK_RC(-XEN_EPERM, xen_sched_op(SCHEDOP_remote_shutdown, &op));
    op.domain_id = DOMID_SELF;
    CHECK_RC(-XEN_ESRCH, xen_sched_op(SCHEDOP_remote_shutdown, &op));
    op.domain_id = 0x1234;
    CHECK_RC(-XEN_ESRCH, xen_sched_op(SCHEDOP_remote_shutdown, &op));
}

CONFORMS(SCHEDOP_poll)
CONFORMS(SCHEDOP_watchdog)
CONFORMS(SCHEDOP_shutdown)
CONFORMS(SCHEDOP_shutdown_code)
static void bad_pointers_are_faults(void)
{
    static const unsigned ops[] = {SCHEDOP_shutdown, SCHEDOP_poll,
                                   SCHEDOP_remote_shutdown,
                                   SCHEDOP_shutdown_code, SCHEDOP_watchdog};

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        input("operation %u", ops[i]);
        CHECK_RC(-XEN_EFAULT, xen_sched_op(ops[i], cpu_map_window(1, 0, 0)));
    }
}

CONFORMS(SCHEDOP_poll)
static void poll_refuses_bad_ports(void)
{
    static const unsigned bad[] = {0, 60, 5000, 0xffffffff};
    struct sched_poll op = {.nr_ports = 1};
    int port = evtchn_bind_ipi(0);

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        input("port %x", bad[i]);
        ports[0] = bad[i];
        CHECK_RC(-XEN_EINVAL, poll(1, 0));
        /* A bad port is found behind a good one, too. */
        ports[0] = (unsigned)port;
        ports[1] = bad[i];
        CHECK_RC(-XEN_EINVAL, poll(2, 0));
    }
    input("too many");
    CHECK_RC(-XEN_EINVAL, poll(PORTS_MAX + 1, 1));
    CHECK_RC(-XEN_EINVAL, poll(0xffffffff, 1));
    set_xen_guest_handle(op.ports, cpu_map_window(1, 0, 0));
    CHECK_RC(-XEN_EFAULT, xen_sched_op(SCHEDOP_poll, &op));
    CHECK_RC(0, evtchn_close((unsigned)port));
}

CONFORMS(SCHEDOP_poll)
static void poll_returns_at_once_when_pending(void)
{
    int port = evtchn_bind_ipi(0);

    evtchn_mask((unsigned)port);
    CHECK_RC(0, evtchn_send((unsigned)port));
    ports[0] = (unsigned)port;
    CHECK_RC(0, poll(1, 0));
    /* What comes behind it is not looked at. */
    ports[1] = 5000;
    CHECK_RC(0, poll(2, 0));
    CHECK(evtchn_clear((unsigned)port));
    CHECK_RC(0, evtchn_close((unsigned)port));
}

static void poll_times_out_here(void *arg)
{
    uint64_t deadline = clock_hypercall_now() + 2 * NS_PER_MS;

    (void)arg;
    CHECK_RC(0, poll(0, deadline));
    CHECK_RANGE(deadline, deadline + 50 * NS_PER_MS, clock_hypercall_now());
    /* A deadline that is over is none to wait for. */
    CHECK_RC(0, poll(0, 1));
}

CONFORMS(SCHEDOP_poll)
static void poll_ends_at_its_timeout(void)
{
    input("cpu 0");
    poll_times_out_here(NULL);
    for (unsigned i = 1; i < cpu_count(); i++) {
        input("cpu %u", i);
        CHECK(cpu_start_other(i, poll_times_out_here, NULL));
        while (!cpu_other_done(i)) {
            CHECK_RC(0, poll(0, clock_hypercall_now() + NS_PER_MS));
        }
    }
}

/* An event that is due already ends a block at once. */
CONFORMS(SCHEDOP_block)
static void block_ends_with_an_event(void)
{
    int port = evtchn_bind_virq(VIRQ_TIMER, 0);
    uint64_t deadline = clock_hypercall_now() + 2 * NS_PER_MS;

    CHECK(port > 0);
    CHECK_RC(0, evtchn_callback_none());
    evtchn_clear((unsigned)port);
    evtchn_ack_upcall(0);
    CHECK_RC(0, evtchn_unmask((unsigned)port));
    CHECK_RC(0, xen_set_timer(deadline));
    while (!evtchn_pending((unsigned)port)) {
        struct sched_poll op = {.nr_ports = 1};

        ports[0] = (unsigned)port;
        set_xen_guest_handle(op.ports, ports);
        CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &op));
    }
    CHECK_RANGE(deadline, deadline + 50 * NS_PER_MS, clock_hypercall_now());
    evtchn_clear((unsigned)port);
    evtchn_ack_upcall(0);
    CHECK_RC(0, evtchn_close((unsigned)port));
}

static long watchdog(uint32_t id, uint32_t timeout_s)
{
    struct sched_watchdog op = {.id = id, .timeout = timeout_s};

    return xen_sched_op(SCHEDOP_watchdog, &op);
}

CONFORMS(SCHEDOP_watchdog)
static void watchdogs_are_two(void)
{
    CHECK_RC(-XEN_EINVAL, watchdog(1, 10));
    CHECK_RC(-XEN_EINVAL, watchdog(2, 0));
    CHECK_RC(-XEN_EINVAL, watchdog(WATCHDOGS + 1, 10));
    CHECK_RC(-XEN_EINVAL, watchdog(0xffffffff, 10));
    CHECK_RC(1, watchdog(0, 1000));
    CHECK_RC(2, watchdog(0, 0xffffffff));
    CHECK_RC(-XEN_ENOSPC, watchdog(0, 1000));
    CHECK_RC(-XEN_ENOSPC, watchdog(0, 0));
    CHECK_RC(0, watchdog(2, 500));
    CHECK_RC(0, watchdog(1, 0));
    CHECK_RC(-XEN_EINVAL, watchdog(1, 0));
    CHECK_RC(1, watchdog(0, 1000));
    CHECK_RC(0, watchdog(1, 0));
    CHECK_RC(0, watchdog(2, 0));
}

static void shut_down(unsigned op, unsigned reason)
{
    struct sched_shutdown shutdown = {.reason = reason};

    CHECK_RC(0, xen_sched_op(op, &shutdown));
}

/* The reason was told before: the one of the call does not count. */
static void end_code(void)
{
    shut_down(SCHEDOP_shutdown_code, SHUTDOWN_reboot);
    shut_down(SCHEDOP_shutdown_code, SHUTDOWN_crash);
    shut_down(SCHEDOP_shutdown, SHUTDOWN_poweroff);
}

static void wait_for_the_end(void)
{
    for (;;) {
        poll(0, clock_hypercall_now() + 10 * NS_PER_MS);
    }
}

static void end_watchdog(void)
{
    watchdog(0, 0);
    wait_for_the_end();
}

static void end_later(void)
{
    watchdog(0, 2);
    wait_for_the_end();
}

static void end_unknown(void)
{
    shut_down(SCHEDOP_shutdown, UNKNOWN_REASON);
}

CONFORMS(SCHEDOP_shutdown_code)
CONFORMS(SCHEDOP_watchdog)
static void end_is_chosen(void)
{
    static const struct {
        const char *word;
        void (*end)(void);
    } ends[] = {
        {"end=code", end_code},
        {"end=watchdog", end_watchdog},
        {"end=later", end_later},
        {"end=unknown", end_unknown},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
        if (cmdline_has(ends[i].word)) {
            payload_end = ends[i].end;
        }
    }
    CHECK_EQ(cmdline_has("end"), payload_end != NULL);
}

PAYLOAD(NEEDS_XEN, TEST(operations_answer), TEST(nobody_is_shut_down_from_afar),
        TEST(bad_pointers_are_faults), TEST(poll_refuses_bad_ports),
        TEST(poll_returns_at_once_when_pending), TEST(poll_ends_at_its_timeout),
        TEST(block_ends_with_an_event), TEST(watchdogs_are_two),
        TEST(end_is_chosen));
