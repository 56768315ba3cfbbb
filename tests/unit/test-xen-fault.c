/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hypervisor that does wrong when it is told to, as its guest sees it.
 */
#include <string.h>

#include "tests/unit/xen-guest.h"

#define S XEN_GUEST_NS_PER_S

static void fault(XenGuest *g, const char *text)
{
    g_autoptr(GError) error = NULL;
    FaultSpec spec;

    g_assert_true(fault_spec_parse(&spec, text, &error));
    g_assert_true(xen_domain_fault(g->d, &spec, &error));
    g_assert_no_error(error);
}

static void refused(XenGuest *g, const char *text, const char *why)
{
    g_autoptr(GError) error = NULL;
    FaultSpec spec;

    g_assert_true(fault_spec_parse(&spec, text, &error));
    g_assert_false(xen_domain_fault(g->d, &spec, &error));
    g_assert_error(error, FAULT_ERROR, FAULT_ERROR_STATE);
    g_assert_nonnull(strstr(error->message, why));
}

/* Through its own state, into a domain that is as new. */
static void migrate(XenGuest *g)
{
    g_autoptr(GByteArray) state = xen_guest_save(g);
    StateReader *r = state_reader_new(state->data, state->len);
    g_autoptr(GError) error = NULL;

    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, &error));
}

static bool sent(XenGuest *g, uint32_t port)
{
    bool pending;

    xen_guest_ack(g, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    pending = xen_guest_pending(g, port);
    xen_guest_ack(g, 0);
    return pending;
}

static void events_that_are_meant_are_lost(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t a = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t b = (uint32_t)xen_guest_bind_ipi(g, 1);
    g_autofree char *text = g_strdup_printf("0:event-lost,port=%u,count=2", a);

    fault(g, text);
    g_assert_false(sent(g, a));
    g_assert_true(sent(g, b));
    g_assert_false(sent(g, a));
    g_assert_true(sent(g, a));
    fault(g, "0:event-lost,vcpu=1");
    g_assert_true(sent(g, a));
    g_assert_false(sent(g, b));
    g_assert_true(sent(g, b));
    fault(g, "0:event-lost,virq=timer");
    g_assert_true(sent(g, a));
}

static void a_lost_timer_stays_lost(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_virq(g, VIRQ_TIMER, 0);
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns =
                                               XEN_GUEST_UPTIME_NS + S};

    fault(g, "0:event-lost,virq=timer");
    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_set_singleshot_timer, 0, &op, sizeof(op)),
        ==, 0);
    fake_host_run_until(g->fake, 2 * S);
    g_assert_false(xen_guest_pending(g, port));
}

/* The later of two comes first; one that is closed meanwhile is forgotten. */
static void late_events_change_order(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t a = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t b = (uint32_t)xen_guest_bind_ipi(g, 0);
    struct evtchn_close op = {.port = b};
    g_autofree char *text =
        g_strdup_printf("0:event-late,port=%u,delay=10us", a);

    fault(g, text);
    g_assert_false(sent(g, a));
    g_assert_true(sent(g, b));
    migrate(g);
    fake_host_advance(g->fake, 9999);
    g_assert_false(xen_guest_pending(g, a));
    fake_host_advance(g->fake, 1);
    g_assert_true(xen_guest_pending(g, a));
    xen_guest_ack(g, 0);
    fault(g, "0:event-late,delay=10us");
    g_assert_false(sent(g, b));
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_event_channel_op,
                                 EVTCHNOP_close, &op, sizeof(op)),
                    ==, 0);
    fake_host_advance(g->fake, 20000);
    g_assert_false(xen_guest_pending(g, b));
}

/* The clock of vCPU 0 jumps by a day. */
static void cut(XenGuest *g)
{
    g_autoptr(GError) error = NULL;
    HostProfile p = {.set = 0};
    ClockCut report;

    g_assert_true(host_profile_parse(&p, "uptime=1d,tsc=77", &error));
    g_assert_true(
        clock_cut(g->clock, fake_host_now(g->fake), &p, &report, &error));
    xen_domain_clock_changed(g->d);
}

#define DAY (86400 * S)

static void a_record_is_late(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint64_t gpa0 =
        xen_guest_vcpu_info(g, 0) + offsetof(struct vcpu_info, time);
    struct vcpu_time_info before = xen_guest_time(g, gpa0), after;

    fault(g, "0:pvclock-late,delay=1ms");
    cut(g);
    refused(g, "0:pvclock-torn,delay=1ms", "held back already");
    after = xen_guest_time(g, gpa0);
    g_assert_cmpmem(&before, sizeof(before), &after, sizeof(after));
    migrate(g);
    fake_host_advance(g->fake, 999999);
    after = xen_guest_time(g, gpa0);
    g_assert_cmpmem(&before, sizeof(before), &after, sizeof(after));
    fake_host_advance(g->fake, 1);
    after = xen_guest_time(g, gpa0);
    g_assert_cmpuint(after.system_time, ==, DAY);
    g_assert_cmpuint(after.tsc_timestamp, ==, 77);
}

static void a_record_is_torn(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t gpa = xen_guest_vcpu_info(g, 0) + offsetof(struct vcpu_info, time);
    struct vcpu_time_info before = xen_guest_time(g, gpa), torn, after;

    fault(g, "0:pvclock-torn,delay=1ms");
    cut(g);
    /* xen_guest_time() wants an even version. */
    torn = xen_guest_time(g, gpa);
    g_assert_cmpuint(torn.system_time, ==, before.system_time);
    g_assert_cmpuint(torn.tsc_timestamp, ==, 77);
    fake_host_advance(g->fake, 1000000);
    after = xen_guest_time(g, gpa);
    g_assert_cmpuint(after.system_time, ==, DAY);
    g_assert_cmpuint(after.version, >, torn.version);
}

static uint32_t wall_seconds(XenGuest *g)
{
    uint32_t sec;

    fake_host_peek(g->fake,
                   (XEN_GUEST_SHINFO << 12) +
                       offsetof(struct shared_info, wc_sec),
                   &sec, sizeof(sec));
    return sec;
}

static void the_wall_clock_is_late(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t before = wall_seconds(g);

    fault(g, "0:wallclock-late,delay=1ms");
    cut(g);
    g_assert_cmpuint(wall_seconds(g), ==, before);
    migrate(g);
    fake_host_advance(g->fake, 1000000);
    /* At system time 0, which is now a day less 5 s earlier. */
    g_assert_cmpuint(wall_seconds(g), !=, before);
    before = wall_seconds(g);
    cut(g);
    g_assert_cmpuint(wall_seconds(g), ==, before);
}

static void steal_time_jumps_either_way(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_register_runstate_memory_area op = {.addr.p = XEN_GUEST_BUF};
    struct vcpu_runstate_info info;

    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_register_runstate_memory_area,
                                      0, &op, sizeof(op)),
                    ==, 0);
    fault(g, "0:steal-add,time=7s");
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpuint(info.time[RUNSTATE_runnable], ==, 7 * S);
    fault(g, "0:steal-add,time=-8s");
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpuint(info.time[RUNSTATE_runnable], ==, UINT64_MAX - S + 1);
}

static void timers_of_the_past_are_refused(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_set_singleshot_timer past = {XEN_GUEST_UPTIME_NS - 1,
                                             VCPU_SSHOTTMR_future};
    struct vcpu_set_singleshot_timer future = {XEN_GUEST_UPTIME_NS + 1,
                                               VCPU_SSHOTTMR_future};
    struct vcpu_set_singleshot_timer plain = {XEN_GUEST_UPTIME_NS - 1, 0};
    const struct {
        struct vcpu_set_singleshot_timer *op;
        int64_t want;
    } calls[] = {
        {&future, 0},        {&plain, 0}, {&past, -XEN_ETIME},
        {&past, -XEN_ETIME}, {&past, 0},
    };

    fault(g, "0:timer-refused,count=2");
    migrate(g);
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_set_singleshot_timer, 0,
                                          calls[i].op, sizeof(*calls[i].op)),
                        ==, calls[i].want);
    }
}

static void what_cannot_be_is_refused(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    refused(g, "0:steal-add,vcpu=1,time=1s", "no vCPU 1");
    refused(g, "0:event-lost,vcpu=1", "no vCPU 1");
    for (unsigned i = 0; i < 64; i++) {
        fault(g, "0:event-lost");
    }
    refused(g, "0:event-lost", "64 faults of events");
}

static void a_reset_ends_them(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port;

    fault(g, "0:event-lost,count=100");
    fault(g, "0:pvclock-late,delay=1ms");
    fault(g, "0:wallclock-late,delay=1ms");
    xen_domain_reset(g->d);
    /* The reset took away shared_info. */
    fault(g, "0:pvclock-late,delay=1ms");
    port = (uint32_t)xen_guest_bind_ipi(g, 0);
    fake_host_clear_events(g->fake);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_trace_count(g->fake, HOST_TRACE_evtchn_send), ==,
                     1);
    g_assert_cmpuint(fake_host_trace_count(g->fake, HOST_TRACE_fault), ==, 0);
    cut(g);
    g_assert_cmpuint(fake_host_trace_count(g->fake, HOST_TRACE_fault), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xen-fault/events_that_are_meant_are_lost",
                    events_that_are_meant_are_lost);
    g_test_add_func("/xen-fault/a_lost_timer_stays_lost",
                    a_lost_timer_stays_lost);
    g_test_add_func("/xen-fault/late_events_change_order",
                    late_events_change_order);
    g_test_add_func("/xen-fault/a_record_is_late", a_record_is_late);
    g_test_add_func("/xen-fault/a_record_is_torn", a_record_is_torn);
    g_test_add_func("/xen-fault/the_wall_clock_is_late",
                    the_wall_clock_is_late);
    g_test_add_func("/xen-fault/steal_time_jumps_either_way",
                    steal_time_jumps_either_way);
    g_test_add_func("/xen-fault/timers_of_the_past_are_refused",
                    timers_of_the_past_are_refused);
    g_test_add_func("/xen-fault/what_cannot_be_is_refused",
                    what_cannot_be_is_refused);
    g_test_add_func("/xen-fault/a_reset_ends_them", a_reset_ends_them);
    return g_test_run();
}
