/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU that would run but does not: runstate "runnable", which a guest calls
 * stolen time (xen: common/sched/core.c, vcpu_runstate_change, vcpu_wake).
 */
#include "tests/unit/xen-guest.h"

#define S XEN_GUEST_NS_PER_S

static struct vcpu_runstate_info area_of(XenGuest *g)
{
    struct vcpu_runstate_info info;

    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    return info;
}

static void register_area(XenGuest *g)
{
    struct vcpu_register_runstate_memory_area op = {.addr.p = XEN_GUEST_BUF};

    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_register_runstate_memory_area,
                                      0, &op, sizeof(op)),
                    ==, 0);
}

static struct vcpu_runstate_info runstate(XenGuest *g, unsigned vcpu)
{
    struct vcpu_runstate_info info;

    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_get_runstate_info, vcpu, &info,
                                      sizeof(info)),
                    ==, 0);
    return info;
}

static void test_descheduled_vcpu_is_runnable(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_runstate_info info;

    register_area(g);
    fake_host_advance(g->fake, 100);
    xen_domain_vcpu_runnable(g->d, 0);
    info = area_of(g);
    g_assert_cmpint(info.state, ==, RUNSTATE_runnable);
    g_assert_cmpuint(info.state_entry_time, ==, XEN_GUEST_UPTIME_NS + 100);
    g_assert_cmpuint(info.time[RUNSTATE_running], ==, 100);
    fake_host_advance(g->fake, 30);
    /* Only who asks sees the live part. */
    g_assert_cmpuint(area_of(g).time[RUNSTATE_runnable], ==, 0);
    g_assert_cmpuint(runstate(g, 0).time[RUNSTATE_runnable], ==, 30);
    xen_domain_vcpu_running(g->d, 0);
    info = area_of(g);
    g_assert_cmpint(info.state, ==, RUNSTATE_running);
    g_assert_cmpuint(info.time[RUNSTATE_runnable], ==, 30);
    g_assert_cmpuint(info.time[RUNSTATE_blocked], ==, 0);
}

static void test_woken_vcpu_is_runnable_and_writes_nothing(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_runstate_info before, after;

    register_area(g);
    xen_domain_vcpu_halted(g->d, 0, true);
    fake_host_advance(g->fake, 50);
    before = area_of(g);
    g_assert_cmpint(before.state, ==, RUNSTATE_blocked);
    xen_domain_vcpu_runnable(g->d, 0);
    after = area_of(g);
    /* By member: what is between them was never written. */
    g_assert_cmpint(after.state, ==, before.state);
    g_assert_cmpuint(after.state_entry_time, ==, before.state_entry_time);
    g_assert_cmpmem(before.time, sizeof(before.time), after.time,
                    sizeof(after.time));
    g_assert_cmpint(runstate(g, 0).state, ==, RUNSTATE_runnable);
    fake_host_advance(g->fake, 7);
    xen_domain_vcpu_running(g->d, 0);
    after = area_of(g);
    g_assert_cmpuint(after.time[RUNSTATE_blocked], ==, 50);
    g_assert_cmpuint(after.time[RUNSTATE_runnable], ==, 7);
}

static void test_vcpu_that_is_down_is_not_runnable(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    xen_domain_vcpu_runnable(g->d, 1);
    g_assert_cmpint(runstate(g, 1).state, ==, RUNSTATE_offline);
}

static void test_periodic_timer_stops_while_runnable(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_set_periodic_timer op = {.period_ns = 10000000};
    int64_t port = xen_guest_bind_virq(g, VIRQ_TIMER, 0);

    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_set_periodic_timer, 0, &op, sizeof(op)), ==,
        0);
    xen_domain_vcpu_runnable(g->d, 0);
    fake_host_advance(g->fake, 35000000);
    g_assert_false(xen_guest_pending(g, port));
    /* One tick for all that were missed, once it runs. */
    xen_domain_vcpu_running(g->d, 0);
    g_assert_true(xen_guest_pending(g, port));
}

static void test_record_of_a_runnable_vcpu_waits(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t record =
        xen_guest_vcpu_info(g, 0) + offsetof(struct vcpu_info, time);

    xen_domain_vcpu_runnable(g->d, 0);
    fake_host_advance(g->fake, 3 * S);
    g_assert_cmpuint(xen_guest_time(g, record).version, ==, 2);
    xen_domain_vcpu_running(g->d, 0);
    g_assert_cmpuint(xen_guest_time(g, record).version, ==, 4);
}

static void test_runnable_state_goes_over(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    g_autoptr(GByteArray) bytes = NULL;
    StateReader *r;

    fake_host_advance(g->fake, 100);
    xen_domain_vcpu_runnable(g->d, 0);
    fake_host_advance(g->fake, 30);
    bytes = xen_guest_save(g);
    xen_domain_reset(g->d);
    r = state_reader_new(bytes->data, bytes->len);
    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, NULL));
    fake_host_advance(g->fake, 5);
    g_assert_cmpint(runstate(g, 0).state, ==, RUNSTATE_runnable);
    g_assert_cmpuint(runstate(g, 0).time[RUNSTATE_runnable], ==, 35);
    g_assert_cmpuint(runstate(g, 0).time[RUNSTATE_running], ==, 100);
}

#define ADD(name) g_test_add_func("/xen/steal/" #name, test_##name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(descheduled_vcpu_is_runnable);
    ADD(woken_vcpu_is_runnable_and_writes_nothing);
    ADD(vcpu_that_is_down_is_not_runnable);
    ADD(periodic_timer_stops_while_runnable);
    ADD(record_of_a_runnable_vcpu_waits);
    ADD(runnable_state_goes_over);
    return g_test_run();
}
