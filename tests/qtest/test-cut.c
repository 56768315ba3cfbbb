/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cut in place: every clock of the guest jumps at one virtual time, and
 * what was waiting for a time is looked at again.
 */
#include "tests/qtest/xen-guest.h"

#include <string.h>

#define XEN "guest=xen-hvm,"

#define MS           G_GINT64_CONSTANT(1000000)
#define NSEC_PER_SEC G_GINT64_CONSTANT(1000000000)

#define LEAF_TSC      0x40000003
#define LEAF_POWER    0x80000007
#define FEAT_INVTSC   (1u << 8)
#define TSC_EMULATED  1u
#define TSC_HOST_SAFE 2u
#define TSC_RDTSCP    4u

static void cut_now_moves_every_clock(void)
{
    Qtest *q = qtest_start("-smp 2", XEN "uptime=1000,wallclock=1600000000");
    struct vcpu_time_info before[2], after[2];
    uint64_t via = 2ull << 56 | 0xf3;

    xg_map_shared_info(q);
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &via), ==, 0);
    qtest_clock_step(q, 500 * MS);
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        xg_read_time(q, cpu, &before[cpu]);
    }
    qtest_cut(q, "uptime=77 tsc=123456789 invtsc=on wallclock=1700000000");
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        xg_read_time(q, cpu, &after[cpu]);
        g_assert_cmpuint(after[cpu].version, >, before[cpu].version);
        g_assert_cmpuint(qtest_rdtsc(q, cpu), ==, 123456789);
        g_assert_cmpuint(xg_system_time(q, cpu), ==, 77 * NSEC_PER_SEC);
    }
    g_assert_cmpuint(xg_wallclock_base(q), ==,
                     (1700000000 - 77) * NSEC_PER_SEC);
    g_assert_cmphex(qtest_cpuid(q, 0, LEAF_POWER, 0).edx & FEAT_INVTSC, ==,
                    FEAT_INVTSC);
    g_assert_cmpuint(qtest_cpuid(q, 0, LEAF_TSC, 0).edx, ==, 2);

    qtest_clock_step(q, 1);
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 123456790);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 77 * NSEC_PER_SEC + 1);
    qtest_quit(q);
}

/* What is left out goes on as it was. */
static void cut_leaves_the_rest_alone(void)
{
    Qtest *q = qtest_start(
        NULL, XEN "uptime=1000,tsc=5000,invtsc=on,wallclock=1600000000");
    uint64_t via = 2ull << 56 | 0xf3;

    xg_map_shared_info(q);
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &via), ==, 0);
    qtest_clock_step(q, NSEC_PER_SEC);
    qtest_cut(q, "uptime=5");
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, NSEC_PER_SEC + 5000);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 5 * NSEC_PER_SEC);
    /* it is 1600000001 now, five seconds after the host's start */
    g_assert_cmpuint(xg_wallclock_base(q), ==, 1599999996 * NSEC_PER_SEC);
    g_assert_cmphex(qtest_cpuid(q, 0, LEAF_POWER, 0).edx & FEAT_INVTSC, ==,
                    FEAT_INVTSC);
    qtest_cut(q, "tsc=9");
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 9);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 5 * NSEC_PER_SEC);
    g_assert_cmpuint(qtest_cpuid(q, 0, LEAF_TSC, 0).edx, ==, 3);
    qtest_quit(q);
}

/* Host time passes, guest time does not. */
static void cut_downtime_moves_system_time_only(void)
{
    Qtest *q = qtest_start(NULL, XEN "uptime=1000,wallclock=1600000000");
    uint64_t via = 2ull << 56 | 0xf3;

    xg_map_shared_info(q);
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &via), ==, 0);
    qtest_clock_step(q, 3 * NSEC_PER_SEC);
    qtest_cut(q, "downtime=2500ms");
    g_assert_cmpuint(xg_system_time(q, 0), ==, 1005500 * MS);
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 3 * NSEC_PER_SEC);
    g_assert_cmpuint(xg_wallclock_base(q), ==, 1599999000 * NSEC_PER_SEC);
    qtest_quit(q);
}

static void check_before_and_after(Qtest *q)
{
    xg_map_shared_info(q);
    qtest_clock_set(q, 2 * NSEC_PER_SEC - 1);
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 2 * NSEC_PER_SEC - 1);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 12 * NSEC_PER_SEC - 1);
    g_assert_cmpuint(qtest_cpuid(q, 0, LEAF_TSC, 0).edx, ==, 1);
    qtest_clock_step(q, 1);
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 7);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 3 * NSEC_PER_SEC);
    g_assert_cmpuint(qtest_cpuid(q, 0, LEAF_TSC, 0).edx, ==, 2);
    qtest_clock_step(q, 1);
    g_assert_cmpuint(qtest_rdtsc(q, 0), ==, 8);
    qtest_quit(q);
}

/* The three ways to ask for one agree to the nanosecond. */
static void cut_at_option(void)
{
    check_before_and_after(
        qtest_start(NULL, XEN "uptime=10,cut=2s:uptime=3,,tsc=7"));
}

static void cut_at_qtest_command(void)
{
    Qtest *q = qtest_start(NULL, XEN "uptime=10");

    qtest_cut(q, "at=2000000000 uptime=3 tsc=7");
    check_before_and_after(q);
}

static void cut_at_qmp(void)
{
    Qtest *q = qtest_start(NULL, XEN "uptime=10");

    json_node_unref(
        qtest_qmp(q, "jumpcut-cut",
                  "{\"at-ns\": 2000000000, \"uptime\": \"3\", \"tsc\": 7}"));
    check_before_and_after(q);
}

/* Two cuts, given out of order, and one that comes due within one step. */
static void cut_several_in_order(void)
{
    Qtest *q = qtest_start(
        NULL, XEN "cut=3ms:uptime=300,cut=1ms:uptime=100,cut=2ms:uptime=200");

    xg_map_shared_info(q);
    qtest_clock_set(q, 1 * MS);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 100 * NSEC_PER_SEC);
    qtest_clock_set(q, 3 * MS);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 300 * NSEC_PER_SEC);
    g_assert_cmpuint(qtest_cpuid(q, 0, LEAF_TSC, 0).edx, ==, 4);
    qtest_quit(q);
}

static void cut_in_the_past_is_refused(void)
{
    Qtest *q = qtest_start(NULL, XEN "uptime=10");
    g_autofree char *reason = NULL;

    qtest_clock_set(q, 1000);
    reason = qtest_command_fails(q, "jumpcut_cut at=999 uptime=3");
    g_assert_nonnull(strstr(reason, "past"));
    g_assert_cmpuint(qtest_cpuid(q, 0, LEAF_TSC, 0).edx, ==, 1);
    qtest_quit(q);
}

/* A deadline is a system time: a cut makes it due, or puts it off. */
static void cut_timers_are_looked_at_again(void)
{
    static const struct {
        const char *cut;
        int64_t left_ns; /* of 90 s that were left */
    } cases[] = {
        {"uptime=2000", 0},
        {"uptime=1100", 0},
        {"uptime=1099.999999999", 1},
        {"downtime=30", 60 * NSEC_PER_SEC},
        {"uptime=10", 1090 * NSEC_PER_SEC},
        {"tsc-khz=3000000 tsc=1", 90 * NSEC_PER_SEC},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Qtest *q = qtest_start(NULL, XEN "uptime=1000");
        uint32_t port;

        g_test_message("%s", cases[i].cut);
        xg_map_shared_info(q);
        port = xg_bind_virq(q, 0, VIRQ_TIMER);
        g_assert_cmpint(xg_set_timer(q, 0, 1100 * NSEC_PER_SEC), ==, 0);
        qtest_clock_step(q, 10 * NSEC_PER_SEC);
        qtest_cut(q, cases[i].cut);
        if (cases[i].left_ns) {
            if (cases[i].left_ns > 1) {
                qtest_clock_step(q, cases[i].left_ns - 1);
            }
            g_assert_false(xg_pending(q, port));
            qtest_clock_step(q, 1);
        }
        g_assert_true(xg_pending(q, port));
        qtest_quit(q);
    }
}

typedef struct ModeCase {
    const char *options, *cut;
    uint32_t eax, khz; /* leaf 3 after the cut */
    uint32_t host_khz;
    uint64_t ticks; /* of RDTSC in 1 ms after it */
} ModeCase;

/* xen: arch/x86/time.c, tsc_set_info: who keeps the guest's frequency */
static void cut_frequency_by_tsc_mode(void)
{
    static const ModeCase cases[] = {
        {"invtsc=on", "tsc-khz=2000000", TSC_EMULATED | TSC_HOST_SAFE, 1000000,
         2000000, 1000000},
        {"invtsc=on,tsc-scaling=on", "tsc-khz=2000000", TSC_HOST_SAFE, 1000000,
         2000000, 1000000},
        {"invtsc=on", "invtsc=off", TSC_EMULATED, 1000000, 1000000, 1000000},
        {"invtsc=on,tsc-mode=native", "tsc-khz=2000000", TSC_HOST_SAFE, 2000000,
         2000000, 2000000},
        {"tsc-mode=always-emulate", "tsc-khz=2000000", TSC_EMULATED, 1000000,
         2000000, 1000000},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *plugin = g_strconcat(XEN, cases[i].options, NULL);
        Qtest *q = qtest_start(NULL, plugin);
        uint64_t before, system;
        QtestCpuid c;

        xg_map_shared_info(q);
        qtest_clock_step(q, 12345678);
        before = qtest_rdtsc(q, 0);
        qtest_cut(q, cases[i].cut);
        g_assert_cmpuint(qtest_rdtsc(q, 0), ==, before);
        c = qtest_cpuid(q, 0, LEAF_TSC, 0);
        g_assert_cmphex(c.eax, ==, cases[i].eax | TSC_RDTSCP);
        g_assert_cmpuint(c.ecx, ==, cases[i].khz);
        g_assert_cmpuint(qtest_cpuid(q, 0, LEAF_TSC, 2).eax, ==,
                         cases[i].host_khz);
        system = xg_system_time(q, 0);
        qtest_clock_step(q, MS);
        g_assert_cmpuint(qtest_rdtsc(q, 0) - before, ==, cases[i].ticks);
        g_assert_cmpuint(xg_system_time(q, 0) - system, ==, MS);
        qtest_quit(q);
    }
}

static const QtestCase tests[] = {
    {"/cut/now/moves-every-clock", cut_now_moves_every_clock},
    {"/cut/now/leaves-the-rest-alone", cut_leaves_the_rest_alone},
    {"/cut/now/downtime-moves-system-time-only",
     cut_downtime_moves_system_time_only},
    {"/cut/at/option", cut_at_option},
    {"/cut/at/qtest-command", cut_at_qtest_command},
    {"/cut/at/qmp", cut_at_qmp},
    {"/cut/at/several-in-order", cut_several_in_order},
    {"/cut/at/in-the-past-is-refused", cut_in_the_past_is_refused},
    {"/cut/timers-are-looked-at-again", cut_timers_are_looked_at_again},
    {"/cut/frequency-by-tsc-mode", cut_frequency_by_tsc_mode},
};

int main(int argc, char **argv)
{
    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
