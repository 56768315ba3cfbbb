/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched_op, halting, and how a domain ends. */
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define S XEN_GUEST_NS_PER_S

static int64_t sched_op(XenGuest *g, uint64_t cmd, void *arg, size_t len)
{
    return xen_guest_op(g, __HYPERVISOR_sched_op, cmd, arg, len);
}

/* The ports are at XEN_GUEST_BUF, or @nr at an unmapped address. */
static int64_t poll_ports(XenGuest *g, uint64_t at, uint32_t nr,
                          uint64_t timeout)
{
    struct sched_poll op = {.nr_ports = nr, .timeout = timeout};
    XenCompatSchedPoll op32 = {(uint32_t)at, nr, timeout};

    set_xen_guest_handle(op.ports, (void *)at);
    return g->compat ? sched_op(g, SCHEDOP_poll, &op32, sizeof(op32))
                     : sched_op(g, SCHEDOP_poll, &op, sizeof(op));
}

static int64_t poll_one(XenGuest *g, uint32_t port, uint64_t timeout)
{
    fake_host_poke32(g->fake, XEN_GUEST_BUF, port);
    return poll_ports(g, XEN_GUEST_BUF, 1, timeout);
}

static unsigned runstate(XenGuest *g, unsigned vcpu)
{
    XenVcpuInfo info;

    xen_domain_query_vcpu(g->d, vcpu, &info);
    return info.runstate;
}

CONFORMS(SCHEDOP_yield)
NOT_OFFERED(SCHEDOP_pin_override, -XEN_EPERM)
static void test_yield_and_unknown_operations(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    g_assert_cmpint(sched_op(g, SCHEDOP_yield, NULL, 0), ==, 0);
    g_assert_cmpint(sched_op(g, 8, NULL, 0), ==, -XEN_ENOSYS);
    g_assert_cmpint(sched_op(g, UINT32_MAX, NULL, 0), ==, -XEN_ENOSYS);
    g_assert_cmpint(sched_op(g, SCHEDOP_pin_override, NULL, 0), ==, -XEN_EPERM);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_running);
}

NOT_OFFERED(SCHEDOP_remote_shutdown, -XEN_EPERM)
static void test_remote_shutdown_is_refused(void)
{
    static const struct {
        uint16_t domid;
        int64_t want;
    } cases[] = {
        {0, -XEN_EPERM},
        {XEN_GUEST_DOMID, -XEN_EPERM},
        {DOMID_SELF, -XEN_ESRCH},
        {0x1234, -XEN_ESRCH},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sched_remote_shutdown op = {cases[i].domid, SHUTDOWN_poweroff};

        g_assert_cmpint(sched_op(g, SCHEDOP_remote_shutdown, &op, sizeof(op)),
                        ==, cases[i].want);
    }
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 0);
}

CONFORMS(SCHEDOP_block)
static void test_block_ends_with_an_upcall(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(sched_op(g, SCHEDOP_block, NULL, 0), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_BLOCKED);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_blocked);
    g->vcpu = 1;
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
    xen_domain_vcpu_running(g->d, 0);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_running);
    /* A vCPU in HLT is woken by the interrupt, not by us. */
    xen_guest_ack(g, 0);
    xen_domain_vcpu_halted(g->d, 0, true);
    fake_host_clear_events(g->fake);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_VCPU_WAKE), ==, 0);
}

CONFORMS(SCHEDOP_poll)
static void test_poll_errors_are_those_of_xen(void)
{
    static const struct {
        uint32_t port, nr;
        uint64_t at;
        int64_t want;
    } cases[] = {
        {5000, 1, XEN_GUEST_BUF, -XEN_EINVAL},
        {60, 1, XEN_GUEST_BUF, -XEN_EINVAL},
        {0, 1, XEN_GUEST_BUF, -XEN_EINVAL},
        {3, 129, XEN_GUEST_BUF, -XEN_EINVAL},
        {3, UINT32_MAX, XEN_GUEST_BUF, -XEN_EINVAL},
        {3, 2, XEN_GUEST_BUF, -XEN_EINVAL}, /* the second is 0 */
        {3, 1, XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, -XEN_EFAULT},
        {3, 128, (XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT) - 8, -XEN_EFAULT},
        {3, 0, XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, 0},
        {3, 1, XEN_GUEST_BUF, 0},
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        int64_t want = cases[i / 2].want;

        g_test_message("case %u compat %u", i / 2, i % 2);
        g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, 3);
        g->compat = i % 2;
        fake_host_poke32(g->fake, XEN_GUEST_BUF, cases[i / 2].port);
        for (unsigned at = 4; at <= 8; at += 4) {
            fake_host_poke32(g->fake,
                             (XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT) - at, 3);
        }
        g_assert_cmpint(poll_ports(g, cases[i / 2].at, cases[i / 2].nr, 0), ==,
                        want);
        g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==,
                        want ? FAKE_VCPU_RUNNING : FAKE_VCPU_BLOCKED);
        g->compat = false;
    }
}

/* What comes after a pending port is not even read. */
CONFORMS(SCHEDOP_poll)
static void test_poll_looks_no_further_than_a_pending_port(void)
{
    const uint64_t end = XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    fake_host_poke32(g->fake, end - 4, port);
    g_assert_cmpint(poll_ports(g, end - 4, 128, 0), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
}

/* Xen lets events of the caller in, mask byte and all. */
CONFORMS(SCHEDOP_block)
static void test_block_clears_the_upcall_mask(void)
{
    const uint64_t at = XEN_GUEST_SHINFO << HOST_PAGE_SHIFT |
                        offsetof(struct vcpu_info, evtchn_upcall_mask);
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    fake_host_poke8(g->fake, at, 1);
    g_assert_cmpint(sched_op(g, SCHEDOP_block, NULL, 0), ==, 0);
    g_assert_cmpuint(fake_host_peek8(g->fake, at), ==, 0);
}

CONFORMS(SCHEDOP_poll)
static void test_poll_ends_when_its_port_is_pending(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t other = (uint32_t)xen_guest_bind_ipi(g, 1);

    xen_guest_mask(g, port, true);
    g_assert_cmpint(poll_one(g, port, 0), ==, 0);
    g->vcpu = 1;
    g_assert_cmpint(xen_guest_send(g, other), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_BLOCKED);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
    /* Pending already: no wait at all. */
    g->vcpu = 0;
    xen_domain_vcpu_running(g->d, 0);
    g_assert_cmpint(poll_one(g, port, 0), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
    /* Two ports: any event looks like one of them, as in Xen. */
    xen_guest_ack(g, 0);
    fake_host_poke32(g->fake, XEN_GUEST_BUF + 4, 1);
    g_assert_cmpint(poll_ports(g, XEN_GUEST_BUF, 2, 0), ==, 0);
    g->vcpu = 1;
    g_assert_cmpint(xen_guest_send(g, other), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
}

CONFORMS(SCHEDOP_poll)
static void test_poll_ends_at_its_timeout(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    g_assert_cmpint(poll_ports(g, XEN_GUEST_BUF, 0, XEN_GUEST_UPTIME_NS + 500),
                    ==, 0);
    fake_host_advance(g->fake, 499);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_BLOCKED);
    fake_host_advance(g->fake, 1);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
    /* An interrupt ends it too, and the timeout with it. */
    xen_domain_vcpu_running(g->d, 0);
    g_assert_cmpint(poll_ports(g, XEN_GUEST_BUF, 0, XEN_GUEST_UPTIME_NS + S),
                    ==, 0);
    xen_domain_vcpu_running(g->d, 0);
    fake_host_clear_events(g->fake);
    fake_host_advance(g->fake, 2 * S);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_VCPU_WAKE), ==, 0);
}

static void test_poll_is_not_ended_by_the_periodic_timer(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_set_periodic_timer op = {10000000};
    uint32_t port = (uint32_t)xen_guest_bind_virq(g, VIRQ_TIMER, 0);

    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_set_periodic_timer, 0, &op, sizeof(op)), ==,
        0);
    g_assert_cmpint(poll_one(g, port, XEN_GUEST_UPTIME_NS + 3 * S), ==, 0);
    fake_host_advance(g->fake, 3 * S - 1);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_BLOCKED);
    fake_host_advance(g->fake, 1);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
}

static void check_shutdown(XenGuest *g, unsigned reason)
{
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 1);
    g_assert_cmpuint(fake_host_last_event(g->fake, FAKE_SHUTDOWN)->b, ==,
                     reason);
}

CONFORMS(SCHEDOP_shutdown)
CONFORMS(SCHEDOP_shutdown_code)
static void test_shutdown_happens_once_with_its_reason(void)
{
    static const struct {
        uint32_t code; /* of shutdown_code; UINT32_MAX: none */
        uint32_t reason;
        unsigned want;
    } cases[] = {
        {UINT32_MAX, SHUTDOWN_poweroff, 0},
        {UINT32_MAX, SHUTDOWN_reboot, 1},
        {UINT32_MAX, SHUTDOWN_suspend, 2},
        {UINT32_MAX, SHUTDOWN_crash, 3},
        {UINT32_MAX, 200, 200},
        {UINT32_MAX, 0x105, 5}, /* a byte counts */
        {SHUTDOWN_crash, SHUTDOWN_reboot, 3},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        struct sched_shutdown op = {cases[i].code};

        if (cases[i].code != UINT32_MAX) {
            g_assert_cmpint(sched_op(g, SCHEDOP_shutdown_code, &op, sizeof(op)),
                            ==, 0);
            g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==,
                             0);
        }
        op.reason = cases[i].reason;
        g_assert_cmpint(sched_op(g, SCHEDOP_shutdown, &op, sizeof(op)), ==, 0);
        check_shutdown(g, cases[i].want);
        op.reason = SHUTDOWN_reboot;
        g_assert_cmpint(sched_op(g, SCHEDOP_shutdown, &op, sizeof(op)), ==, 0);
        check_shutdown(g, cases[i].want);
        /* A new domain may end anew. */
        xen_domain_reset(g->d);
        fake_host_clear_events(g->fake);
        g_assert_cmpint(sched_op(g, SCHEDOP_shutdown, &op, sizeof(op)), ==, 0);
        check_shutdown(g, SHUTDOWN_reboot);
    }
}

CONFORMS(SHUTDOWN_poweroff)
static void test_halting_all_without_interrupts_is_power_off(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(3, 17);

    xen_domain_vcpu_running(g->d, 1);
    xen_domain_vcpu_halted(g->d, 0, false);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_offline);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 0);
    xen_domain_vcpu_halted(g->d, 1, true);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 0);
    xen_domain_vcpu_running(g->d, 1);
    xen_domain_vcpu_halted(g->d, 1, false);
    check_shutdown(g, SHUTDOWN_poweroff);
}

static int64_t watchdog(XenGuest *g, uint32_t id, uint32_t timeout)
{
    struct sched_watchdog op = {id, timeout};

    return sched_op(g, SCHEDOP_watchdog, &op, sizeof(op));
}

CONFORMS(SCHEDOP_watchdog)
static void test_watchdog_answers_as_xen(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    g_assert_cmpint(watchdog(g, 3, 1), ==, -XEN_EINVAL);
    g_assert_cmpint(watchdog(g, UINT32_MAX, 1), ==, -XEN_EINVAL);
    g_assert_cmpint(watchdog(g, 1, 1), ==, -XEN_EINVAL);
    g_assert_cmpint(watchdog(g, 0, 5), ==, 1);
    g_assert_cmpint(watchdog(g, 0, UINT32_MAX), ==, 2);
    g_assert_cmpint(watchdog(g, 0, 5), ==, -XEN_ENOSPC);
    g_assert_cmpint(watchdog(g, 2, 0), ==, 0);
    g_assert_cmpint(watchdog(g, 2, 0), ==, -XEN_EINVAL);
    /* Fed in time, then not. */
    fake_host_advance(g->fake, 4 * S);
    g_assert_cmpint(watchdog(g, 1, 5), ==, 0);
    fake_host_advance(g->fake, 5 * S - 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 0);
    fake_host_advance(g->fake, 1);
    check_shutdown(g, SHUTDOWN_watchdog);
}

CONFORMS(SCHEDOP_watchdog)
CONFORMS(SHUTDOWN_watchdog)
static void test_watchdog_0_0_fires_at_once(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    g_assert_cmpint(watchdog(g, 0, 0), ==, 1);
    fake_host_advance(g->fake, 0);
    check_shutdown(g, SHUTDOWN_watchdog);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/sched/" #name, test_##name)
    ADD(yield_and_unknown_operations);
    ADD(remote_shutdown_is_refused);
    ADD(block_ends_with_an_upcall);
    ADD(poll_errors_are_those_of_xen);
    ADD(poll_looks_no_further_than_a_pending_port);
    ADD(block_clears_the_upcall_mask);
    ADD(poll_ends_when_its_port_is_pending);
    ADD(poll_ends_at_its_timeout);
    ADD(poll_is_not_ended_by_the_periodic_timer);
    ADD(shutdown_happens_once_with_its_reason);
    ADD(halting_all_without_interrupts_is_power_off);
    ADD(watchdog_answers_as_xen);
    ADD(watchdog_0_0_fires_at_once);
    return g_test_run();
}
