/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvclock records, wall clock and timers, also over a cut. */
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define S XEN_GUEST_NS_PER_S

static uint64_t record_of(const XenGuest *g, unsigned vcpu)
{
    return xen_guest_vcpu_info(g, vcpu) + offsetof(struct vcpu_info, time);
}

static void test_record_is_written_once_an_epoch(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_time_info t = xen_guest_time(g, record_of(g, 0));

    g_assert_cmpuint(t.version, ==, 2);
    g_assert_cmpuint(t.system_time, ==, XEN_GUEST_UPTIME_NS);
    g_assert_cmpuint(t.flags, ==, 0);
    fake_host_advance(g->fake, S - 1);
    xen_domain_vcpu_running(g->d, 0);
    g_assert_cmpuint(xen_guest_time(g, record_of(g, 0)).version, ==, 2);
    fake_host_advance(g->fake, 1);
    t = xen_guest_time(g, record_of(g, 0));
    g_assert_cmpuint(t.version, ==, 4);
    g_assert_cmpuint(t.system_time, ==, XEN_GUEST_UPTIME_NS + S);
    g_assert_cmpuint(t.tsc_timestamp, ==, clock_guest_tsc(g->clock, 0, S));
    fake_host_advance(g->fake, 3 * S);
    g_assert_cmpuint(xen_guest_time(g, record_of(g, 0)).version, ==, 10);
}

static void test_record_of_a_blocked_vcpu_waits_for_its_wake_up(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    xen_domain_vcpu_running(g->d, 1);
    xen_domain_vcpu_halted(g->d, 1, true);
    g_assert_cmpuint(xen_guest_time(g, record_of(g, 1)).version, ==, 2);
    fake_host_advance(g->fake, 5 * S + 77);
    g_assert_cmpuint(xen_guest_time(g, record_of(g, 1)).version, ==, 2);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(xen_guest_time(g, record_of(g, 1)).version, ==, 4);
    g_assert_cmpuint(xen_guest_time(g, record_of(g, 1)).system_time, ==,
                     XEN_GUEST_UPTIME_NS + 5 * S);
}

static void test_epoch_timer_stops_when_all_vcpus_are_halted(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    xen_domain_vcpu_halted(g->d, 0, true);
    fake_host_advance(g->fake, 2 * S);
    g_assert_cmpint(fake_host_next_deadline(g->fake), ==, INT64_MAX);
    xen_domain_vcpu_running(g->d, 0);
    g_assert_cmpint(fake_host_next_deadline(g->fake), ==, 3 * S);
}

static void test_record_gives_the_system_time(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_time_info t;
    uint64_t delta, now;

    fake_host_advance(g->fake, 12345678901);
    t = xen_guest_time(g, record_of(g, 0));
    delta = clock_guest_tsc(g->clock, 0, 12345678901) - t.tsc_timestamp;
    delta = t.tsc_shift < 0 ? delta >> -t.tsc_shift : delta << t.tsc_shift;
    now = t.system_time +
          (uint64_t)((unsigned __int128)delta * t.tsc_to_system_mul >> 32);
    g_assert_cmpuint(now, <=, XEN_GUEST_UPTIME_NS + 12345678901);
    g_assert_cmpuint(now, >=, XEN_GUEST_UPTIME_NS + 12345678901 - 2);
}

CONFORMS(VCPUOP_register_vcpu_time_memory_area)
static void test_secondary_record_follows_the_first(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_register_time_memory_area op = {.addr.p = XEN_GUEST_BUF};
    struct vcpu_time_info first, second;

    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_register_vcpu_time_memory_area,
                                      0, &op, sizeof(op)),
                    ==, 0);
    first = xen_guest_time(g, record_of(g, 0));
    second = xen_guest_time(g, XEN_GUEST_BUF);
    g_assert_cmpuint(first.version, ==, 4);
    g_assert_cmpmem(&first, sizeof(first), &second, sizeof(second));
    fake_host_advance(g->fake, S);
    first = xen_guest_time(g, record_of(g, 0));
    second = xen_guest_time(g, XEN_GUEST_BUF);
    g_assert_cmpuint(first.version, ==, 6);
    g_assert_cmpmem(&first, sizeof(first), &second, sizeof(second));
    /* A bad address is dropped in silence. */
    op.addr.p = XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_register_vcpu_time_memory_area,
                                      0, &op, sizeof(op)),
                    ==, 0);
    g_assert_cmpuint(xen_guest_time(g, record_of(g, 0)).version, ==, 8);
}

static void wallclock_in_layout(bool compat)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t base = XEN_GUEST_SHINFO << HOST_PAGE_SHIFT;
    uint64_t wc = base + (compat ? offsetof(XenCompatSharedInfo, wc_version)
                                 : offsetof(struct shared_info, wc_version));
    uint64_t hi = base + (compat ? offsetof(XenCompatSharedInfo, arch.wc_sec_hi)
                                 : offsetof(struct shared_info, wc_sec_hi));

    fake_host_set_long_mode(g->fake, 0, !compat);
    g_assert_cmpuint(fake_host_peek32(g->fake, wc), ==, 0);
    g_assert_cmpint(xen_domain_wrmsr(g->d, 0, 0x40000000, 0x5000), ==,
                    GUEST_MSR_OK);
    g_assert_cmpuint(fake_host_peek32(g->fake, wc), ==, 2);
    /* 1700000000.123456789 s when the host was up for 5 s */
    g_assert_cmpuint(fake_host_peek32(g->fake, wc + 4), ==, 1699999995);
    g_assert_cmpuint(fake_host_peek32(g->fake, wc + 8), ==, 123456789);
    g_assert_cmpuint(fake_host_peek32(g->fake, hi), ==, 0);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, 0), ==, 0);
    g_assert_cmpuint(fake_host_peek32(g->fake, wc), ==, 4);
    fake_host_advance(g->fake, 10 * S);
    g_assert_cmpuint(fake_host_peek32(g->fake, wc), ==, 4);
}

static void test_wall_clock_is_written_in_64_bit_layout(void)
{
    wallclock_in_layout(false);
}

static void test_wall_clock_is_written_in_32_bit_layout(void)
{
    wallclock_in_layout(true);
}

/* The guest set its RTC (xen: arch/x86/hvm/rtc.c, rtc_set_time). */
static void test_wall_clock_follows_the_rtc(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t wc = (XEN_GUEST_SHINFO << HOST_PAGE_SHIFT) +
                  offsetof(struct shared_info, wc_version);

    for (uint32_t i = 1; i <= 3; i++) {
        g_assert_true(clock_move_wallclock(g->clock, 0, 1000));
        xen_domain_wallclock_changed(g->d);
        g_assert_cmpuint(fake_host_peek32(g->fake, wc), ==, 2 * i);
        g_assert_cmpuint(fake_host_peek32(g->fake, wc + 4), ==,
                         1699999995 + 1000 * i);
        g_assert_cmpuint(fake_host_peek32(g->fake, wc + 8), ==, 123456789);
    }
    /* A new domain's RTC goes on, here, and so does its wall clock. */
    xen_domain_reset(g->d);
    g_assert_cmpint(clock_wallclock_base(g->clock), ==,
                    1700002995ll * S + 123456789);
}

/* A host that has been up since before 1970. */
static void test_wall_clock_before_1970_is_floored(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t wc = (XEN_GUEST_SHINFO << HOST_PAGE_SHIFT) +
                  offsetof(struct shared_info, wc_version);
    HostProfile profile = {.set = HOST_PROFILE_WALLCLOCK,
                           .wallclock_ns = 3 * S + 1};
    ClockCut report;
    GError *error = NULL;

    clock_cut(g->clock, 0, &profile, &report, &error);
    g_assert_no_error(error);
    xen_domain_clock_changed(g->d);
    /* 3.000000001 s when it was up for 5 s: -2 s and 1 ns */
    g_assert_cmphex(fake_host_peek32(g->fake, wc + 4), ==, 0xfffffffe);
    g_assert_cmpuint(fake_host_peek32(g->fake, wc + 8), ==, 1);
    g_assert_cmphex(fake_host_peek32(g->fake, wc + 12), ==, 0xffffffff);
}

static uint32_t bind_timer(XenGuest *g, unsigned vcpu)
{
    int64_t port = xen_guest_bind_virq(g, VIRQ_TIMER, vcpu);

    g_assert_cmpint(port, >, 0);
    return (uint32_t)port;
}

/* Runs until just before @at_ns, then to it, where @port must be raised. */
static void check_fires_at(XenGuest *g, uint32_t port, int64_t at_ns)
{
    if (at_ns > fake_host_now(g->fake)) {
        fake_host_run_until(g->fake, at_ns - 1);
        g_assert_false(xen_guest_pending(g, port));
    }
    fake_host_run_until(g->fake, at_ns);
    g_assert_true(xen_guest_pending(g, port));
    xen_guest_ack(g, 0);
}

static int64_t set_timer(XenGuest *g, uint64_t system_ns)
{
    return g->compat
               ? xen_guest_call(g, __HYPERVISOR_set_timer_op,
                                (uint32_t)system_ns, system_ns >> 32, 0)
               : xen_guest_call(g, __HYPERVISOR_set_timer_op, system_ns, 0, 0);
}

CONFORMS(__HYPERVISOR_set_timer_op)
static void test_set_timer_fires_as_xen(void)
{
    static const struct {
        uint64_t system_ns;
        int64_t want_ns; /* after it is set; negative: never */
    } cases[] = {
        {XEN_GUEST_UPTIME_NS + S + 100, 100},
        {XEN_GUEST_UPTIME_NS + S, 0},
        {1, 0}, /* past */
        {0, -1},
        {1ull << 62, 100000000},
        {UINT64_MAX, 100000000},
        {1ull << 63, 100000000},
        {XEN_GUEST_UPTIME_NS + S + (1ull << 50), 100000000},
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        uint32_t port = bind_timer(g, 0);
        int64_t want = cases[i / 2].want_ns;

        g->compat = i % 2;
        fake_host_advance(g->fake, S);
        g_test_message("set_timer_op(%" G_GINT64_MODIFIER "u)",
                       cases[i / 2].system_ns);
        g_assert_cmpint(set_timer(g, cases[i / 2].system_ns), ==, 0);
        g->compat = false;
        if (want < 0) {
            fake_host_advance(g->fake, 10 * S);
            g_assert_false(xen_guest_pending(g, port));
        } else {
            check_fires_at(g, port, S + want);
        }
    }
}

static int64_t set_singleshot(XenGuest *g, uint64_t system_ns)
{
    struct vcpu_set_singleshot_timer op = {system_ns, VCPU_SSHOTTMR_future};

    return xen_guest_vcpu_op(g, VCPUOP_set_singleshot_timer, 0, &op,
                             sizeof(op));
}

CONFORMS(__HYPERVISOR_set_timer_op)
CONFORMS(VCPUOP_set_singleshot_timer)
CONFORMS(VCPUOP_stop_singleshot_timer)
static void test_singleshot_and_set_timer_share_one_timer(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = bind_timer(g, 0);

    g_assert_cmpint(set_singleshot(g, XEN_GUEST_UPTIME_NS + 1000), ==, 0);
    g_assert_cmpint(set_timer(g, XEN_GUEST_UPTIME_NS + 5000), ==, 0);
    check_fires_at(g, port, 5000);
    g_assert_cmpint(set_singleshot(g, XEN_GUEST_UPTIME_NS + 9000), ==, 0);
    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_stop_singleshot_timer, 0, NULL, 0), ==, 0);
    fake_host_advance(g->fake, S);
    g_assert_false(xen_guest_pending(g, port));
    g_assert_cmpint(set_singleshot(g, 1), ==, 0); /* past */
    check_fires_at(g, port, fake_host_now(g->fake));
}

static int64_t set_periodic(XenGuest *g, uint64_t period_ns)
{
    struct vcpu_set_periodic_timer op = {period_ns};

    return xen_guest_vcpu_op(g, VCPUOP_set_periodic_timer, 0, &op, sizeof(op));
}

CONFORMS(VCPUOP_set_periodic_timer)
CONFORMS(VCPUOP_stop_periodic_timer)
static void test_periodic_timer_ticks_while_running_only(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = bind_timer(g, 0);

    g_assert_cmpint(set_periodic(g, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(set_periodic(g, 999999), ==, -XEN_EINVAL);
    g_assert_cmpint(set_periodic(g, UINT64_MAX), ==, -XEN_EINVAL);
    g_assert_cmpint(set_periodic(g, 1ull << 56), ==, -XEN_EINVAL);
    g_assert_cmpint(set_periodic(g, 1000000), ==, 0);
    check_fires_at(g, port, 1000000);
    check_fires_at(g, port, 2000000);
    /* Blocked: no tick, however long; the one due comes at the wake-up. */
    xen_domain_vcpu_halted(g->d, 0, true);
    fake_host_advance(g->fake, 10000000);
    g_assert_false(xen_guest_pending(g, port));
    xen_domain_vcpu_running(g->d, 0);
    g_assert_true(xen_guest_pending(g, port));
    xen_guest_ack(g, 0);
    check_fires_at(g, port, 13000000);
    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_stop_periodic_timer, 0, NULL, 0), ==, 0);
    fake_host_advance(g->fake, S);
    g_assert_false(xen_guest_pending(g, port));
}

static void cut(XenGuest *g, uint64_t uptime_ns)
{
    HostProfile profile = {.set = HOST_PROFILE_UPTIME | HOST_PROFILE_TSC_KHZ,
                           .uptime_ns = uptime_ns,
                           .tsc_khz = 2000000};
    ClockCut report;
    GError *error = NULL;

    clock_cut(g->clock, fake_host_now(g->fake), &profile, &report, &error);
    g_assert_no_error(error);
    xen_domain_clock_changed(g->d);
}

static void test_cut_rewrites_records_and_wall_clock(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint64_t wc = (XEN_GUEST_SHINFO << HOST_PAGE_SHIFT) +
                  offsetof(struct shared_info, wc_version);
    struct vcpu_time_info t[2];
    uint32_t version = fake_host_peek32(g->fake, wc);

    xen_domain_vcpu_running(g->d, 1);
    xen_domain_vcpu_halted(g->d, 1, true);
    fake_host_advance(g->fake, S + S / 2);
    cut(g, 1000 * S);
    for (unsigned i = 0; i < 2; i++) {
        t[i] = xen_guest_time(g, record_of(g, i));
        g_assert_cmpuint(t[i].system_time, ==, 1000 * S);
        g_assert_cmpuint(t[i].tsc_timestamp, ==,
                         clock_guest_tsc(g->clock, i, S + S / 2));
    }
    g_assert_cmpuint(fake_host_peek32(g->fake, wc), ==, version + 2);
    /* Epochs count from the cut. */
    fake_host_advance(g->fake, S);
    g_assert_cmpuint(xen_guest_time(g, record_of(g, 0)).system_time, ==,
                     1001 * S);
}

static void test_cut_keeps_timers_at_their_system_time(void)
{
    static const struct {
        uint64_t uptime_ns;
        int64_t fires_at_ns; /* one-shot timer set for uptime 9 s, cut at 1 s */
    } cases[] = {
        {8 * S, 2 * S}, {2 * S, 8 * S}, {500 * S, S}, /* passed: at once */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        uint32_t port = bind_timer(g, 0);

        g_assert_cmpint(set_singleshot(g, 9 * S), ==, 0);
        fake_host_advance(g->fake, S);
        cut(g, cases[i].uptime_ns);
        check_fires_at(g, port, cases[i].fires_at_ns);
    }
}

static void test_cut_does_not_count_as_runstate(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct vcpu_runstate_info info;

    fake_host_advance(g->fake, 100);
    cut(g, 1000 * S);
    fake_host_advance(g->fake, 20);
    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_get_runstate_info, 0, &info, sizeof(info)),
        ==, 0);
    g_assert_cmpuint(info.time[RUNSTATE_running], ==, 120);
}

static void test_cut_keeps_the_period(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = bind_timer(g, 0);

    g_assert_cmpint(set_periodic(g, 1000000), ==, 0);
    fake_host_advance(g->fake, 500000);
    cut(g, 1);
    check_fires_at(g, port, 1000000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/time/" #name, test_##name)
    ADD(record_is_written_once_an_epoch);
    ADD(record_of_a_blocked_vcpu_waits_for_its_wake_up);
    ADD(epoch_timer_stops_when_all_vcpus_are_halted);
    ADD(record_gives_the_system_time);
    ADD(secondary_record_follows_the_first);
    ADD(wall_clock_is_written_in_64_bit_layout);
    ADD(wall_clock_is_written_in_32_bit_layout);
    ADD(wall_clock_follows_the_rtc);
    ADD(wall_clock_before_1970_is_floored);
    ADD(set_timer_fires_as_xen);
    ADD(singleshot_and_set_timer_share_one_timer);
    ADD(periodic_timer_ticks_while_running_only);
    ADD(cut_rewrites_records_and_wall_clock);
    ADD(cut_keeps_timers_at_their_system_time);
    ADD(cut_does_not_count_as_runstate);
    ADD(cut_keeps_the_period);
    return g_test_run();
}
