/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls through real guest memory: version, memory, time, timers, event
 * channels, parameters.  Results are those of facts measured on Xen 4.17.
 */
#include "tests/qtest/xen-guest.h"

#define XEN "guest=xen-hvm,xen-version=4.17"

#define MS           G_GINT64_CONSTANT(1000000)
#define NSEC_PER_SEC G_GINT64_CONSTANT(1000000000)

#define CALLBACK_VIA_VECTOR(v) (2ull << 56 | (v))

static void version_queries(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    struct xen_feature_info features = {.submap_idx = 0};
    char text[1024] = "";

    g_assert_cmphex(
        qtest_hypercall(q, 0, __HYPERVISOR_xen_version, XENVER_version, 0), ==,
        0x40011);
    g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_xen_version, XENVER_capabilities,
                            text, sizeof(text)),
                    ==, 0);
    /* builds differ in xen-3.0-x86_32p; the trailing blank is Xen's */
    g_assert_true(g_str_has_prefix(text, "xen-3.0-x86_64 "));
    g_assert_true(g_str_has_suffix(
        text, " hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 "));
    g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_xen_version, XENVER_get_features,
                            &features, sizeof(features)),
                    ==, 0);
    g_assert_cmphex(features.submap & 1u << 8, ==, 1u << 8);
    g_assert_cmphex(features.submap & 1u << 9, ==, 1u << 9);
    features.submap_idx = 1;
    g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_xen_version, XENVER_get_features,
                            &features, sizeof(features)),
                    ==, -XEN_EINVAL);
    g_assert_cmpint(
        qtest_hypercall(q, 0, __HYPERVISOR_xen_version, XENVER_pagesize, 0), ==,
        4096);
    qtest_quit(q);
}

/* RAM under the overlay keeps what it held, and shows it again after. */
static void shared_info_is_an_overlay(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = XG_SHARED_GFN + 1,
    };

    qtest_writeq(q, XG_SHARED_GPA + 0x800, 0x1234567890abcdef);
    xg_map_shared_info(q);
    g_assert_cmphex(qtest_readq(q, XG_SHARED_GPA + 0x800), ==, 0);
    qtest_writeq(q, XG_SHARED_GPA + 0x808, 77);

    g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                            &add, sizeof(add)),
                    ==, 0);
    g_assert_cmphex(qtest_readq(q, XG_SHARED_GPA + 0x800), ==,
                    0x1234567890abcdef);
    g_assert_cmphex(qtest_readq(q, XG_SHARED_GPA + 0x1808), ==, 77);
    qtest_quit(q);
}

static void time_record_gives_system_time(void)
{
    static const char *const options[] = {
        "uptime=0",
        "uptime=508119.80759",
        "uptime=1d,tsc-khz=2596122,tsc=123456789012345",
        "uptime=3650d,tsc-khz=3000000,invtsc=on",
        "uptime=1,tsc-khz=1000",
    };
    static const uint64_t uptime_ns[] = {0, 508119807590000, 86400000000000,
                                         315360000000000000, 1000000000};

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autofree char *plugin = g_strjoin(",", XEN, options[i], NULL);
        Qtest *q = qtest_start(NULL, plugin);

        xg_map_shared_info(q);
        for (unsigned n = 0; n < 50; n++) {
            int64_t now = qtest_clock_step(q, 123 * MS + n);
            uint64_t got = xg_system_time(q, 0), want = uptime_ns[i] + now;

            /* the scale has 32 bits, a tick may be 1000 ns long */
            g_assert_cmpuint(got, <=, want);
            g_assert_cmpuint(got + 1100, >=, want);
        }
        qtest_quit(q);
    }
}

static void wallclock_is_time_at_zero(void)
{
    Qtest *q = qtest_start(NULL, XEN ",uptime=100,wallclock=1600000000.5");
    uint64_t via = CALLBACK_VIA_VECTOR(0xf3);

    xg_map_shared_info(q);
    qtest_clock_step(q, 5 * NSEC_PER_SEC);
    /* setting the callback has Xen write the wall clock */
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &via), ==, 0);
    g_assert_cmpuint(xg_wallclock_base(q), ==,
                     1600000000500000000 - 100 * NSEC_PER_SEC);
    qtest_clock_step(q, 5 * NSEC_PER_SEC);
    g_assert_cmpuint(xg_wallclock_base(q), ==,
                     1600000000500000000 - 100 * NSEC_PER_SEC);
    qtest_quit(q);
}

/* MC146818 */
#define RTC_INDEX   0x70
#define RTC_DATA    0x71
#define RTC_SECONDS 0
#define RTC_HOURS   4
#define RTC_CENTURY 0x32
#define RTC_A       10
#define RTC_B       11
#define RTC_A_RUN   0x26
#define RTC_A_STOP  0x66
#define RTC_B_24H   0x02
#define RTC_B_SET   0x80
#define HOUR_NS     (3600 * NSEC_PER_SEC)

static void rtc_write(Qtest *q, uint8_t reg, uint8_t value)
{
    qtest_outb(q, RTC_INDEX, reg);
    qtest_outb(q, RTC_DATA, value);
}

static uint8_t rtc_read(Qtest *q, uint8_t reg)
{
    qtest_outb(q, RTC_INDEX, reg);
    return qtest_inb(q, RTC_DATA);
}

/* 2020-01-01 00:00:00; the RTC tells one time, Xen's wall clock another. */
#define RTC_ARGS "-rtc base=2020-01-01T00:00:00,clock=vm"
#define RTC_XEN  ",uptime=100,wallclock=1600000000.5"
#define RTC_BASE G_GINT64_CONSTANT(1599999900500000000)

static void check_wallclock(Qtest *q, uint64_t base, uint32_t version)
{
    g_assert_cmpuint(xg_wallclock_base(q), ==, base);
    g_assert_cmpuint(qtest_readl(q, XG_SHARED_GPA + offsetof(struct shared_info,
                                                             wc_version)),
                     ==, version);
}

/* Xen: rtc_set_time, as each register is written, or as the RTC goes on. */
static void wallclock_follows_the_rtc(void)
{
    Qtest *q = qtest_start(RTC_ARGS, XEN RTC_XEN);

    xg_map_shared_info(q);
    rtc_write(q, RTC_HOURS, 0x03);
    check_wallclock(q, RTC_BASE + 3 * HOUR_NS, 2);
    g_assert_cmphex(rtc_read(q, RTC_HOURS), ==, 0x03);
    rtc_write(q, RTC_HOURS, 0x03);
    check_wallclock(q, RTC_BASE + 3 * HOUR_NS, 4);
    /* Stopped, it is set once, and the time it stood still is not lost. */
    rtc_write(q, RTC_B, RTC_B_SET | RTC_B_24H);
    rtc_write(q, RTC_HOURS, 0x01);
    rtc_write(q, RTC_SECONDS, 0x30);
    qtest_clock_step(q, 10 * NSEC_PER_SEC);
    check_wallclock(q, RTC_BASE + 3 * HOUR_NS, 4);
    rtc_write(q, RTC_B, RTC_B_24H);
    check_wallclock(q, RTC_BASE + HOUR_NS + 30 * NSEC_PER_SEC, 6);
    g_assert_cmphex(rtc_read(q, RTC_HOURS), ==, 0x01);
    g_assert_cmphex(rtc_read(q, RTC_SECONDS), ==, 0x30);
    /* What is none of the time moves nothing. */
    rtc_write(q, RTC_A, RTC_A_STOP);
    rtc_write(q, RTC_A, RTC_A_RUN);
    rtc_write(q, RTC_B, RTC_B_24H);
    rtc_write(q, 1, 0x12);
    rtc_write(q, 0x40, 0x12);
    check_wallclock(q, RTC_BASE + HOUR_NS + 30 * NSEC_PER_SEC, 6);
    qtest_quit(q);
}

/* What no calendar has, and years that are too far: nothing is left of it. */
static void wallclock_forgets_absurd_times(void)
{
    static const uint8_t values[] = {0x00, 0x19, 0x22, 0x99, 0xbf, 0xff};
    /* Register by register: 2020-01-01 00:00:00 */
    static const uint8_t date[][2] = {
        {RTC_CENTURY, 0x20}, {9, 0x20}, {8, 1},          {7, 1},
        {RTC_HOURS, 0},      {2, 0},    {RTC_SECONDS, 0}};
    Qtest *q = qtest_start(RTC_ARGS, XEN RTC_XEN);

    xg_map_shared_info(q);
    for (size_t reg = 0; reg < G_N_ELEMENTS(date); reg++) {
        for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
            rtc_write(q, date[reg][0], values[i]);
            xg_wallclock_base(q);
        }
    }
    rtc_write(q, RTC_B, RTC_B_SET | RTC_B_24H);
    for (size_t reg = 0; reg < G_N_ELEMENTS(date); reg++) {
        rtc_write(q, date[reg][0], date[reg][1]);
    }
    rtc_write(q, RTC_B, RTC_B_24H);
    g_assert_cmpuint(xg_wallclock_base(q), ==, RTC_BASE);
    qtest_quit(q);
}

/* It is what the machine's RTC does, and a cut's wall clock is the host's. */
static void wallclock_set_survives_reset_and_cut(void)
{
    Qtest *q = qtest_start(RTC_ARGS, XEN RTC_XEN);

    xg_map_shared_info(q);
    rtc_write(q, RTC_HOURS, 0x03);
    json_node_unref(qtest_qmp(q, "system_reset", NULL));
    json_node_unref(qtest_qmp_event(q, "RESET"));
    xg_map_shared_info(q);
    qtest_cut(q, "uptime=100");
    check_wallclock(q, RTC_BASE + 3 * HOUR_NS, 2);
    g_assert_cmphex(rtc_read(q, RTC_HOURS), ==, 0x03);
    qtest_cut(q, "uptime=100 wallclock=1600000000.5");
    check_wallclock(q, RTC_BASE, 4);
    rtc_write(q, RTC_HOURS, 0x04);
    check_wallclock(q, RTC_BASE + HOUR_NS, 6);
    qtest_quit(q);
}

static void timer_fires_at_its_virtual_time(void)
{
    static const char *const options[] = {
        "uptime=0", "uptime=1000000.123456789,tsc-khz=2596122"};
    static const int64_t uptime_ns[] = {0, 1000000123456789};

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autofree char *plugin = g_strjoin(",", XEN, options[i], NULL);
        Qtest *q = qtest_start(NULL, plugin);
        uint32_t port;

        xg_map_shared_info(q);
        port = xg_bind_virq(q, 0, VIRQ_TIMER);
        g_assert_cmpint(xg_set_timer(q, 0, uptime_ns[i] + 7654321), ==, 0);
        qtest_clock_set(q, 7654320);
        g_assert_false(xg_pending(q, port));
        qtest_clock_step(q, 1);
        g_assert_true(xg_pending(q, port));
        g_assert_true(xg_upcall_pending(q, 0));
        xg_clear(q, 0, port);

        /* once only, and not at all when stopped */
        qtest_clock_step(q, NSEC_PER_SEC);
        g_assert_false(xg_pending(q, port));
        g_assert_cmpint(xg_set_timer(q, 0, uptime_ns[i] + 3 * NSEC_PER_SEC), ==,
                        0);
        g_assert_cmpint(xg_set_timer(q, 0, 0), ==, 0);
        qtest_clock_step(q, 5 * NSEC_PER_SEC);
        g_assert_false(xg_pending(q, port));

        /* one in the past is due at once */
        g_assert_cmpint(xg_set_timer(q, 0, uptime_ns[i] + 1), ==, 0);
        qtest_readb(q, 0);
        g_assert_true(xg_pending(q, port));
        qtest_quit(q);
    }
}

/* Xen takes a deadline before 0 or far away for a bug and fires in 100 ms. */
static void timer_absurd_deadline_fires_soon(void)
{
    static const uint64_t deadlines[] = {1ull << 62, 1ull << 63, UINT64_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(deadlines); i++) {
        Qtest *q = qtest_start(NULL, XEN);
        uint32_t port;

        xg_map_shared_info(q);
        port = xg_bind_virq(q, 0, VIRQ_TIMER);
        g_assert_cmpint(xg_set_timer(q, 0, deadlines[i]), ==, 0);
        qtest_clock_set(q, 100 * MS - 1);
        g_assert_false(xg_pending(q, port));
        qtest_clock_step(q, 1);
        g_assert_true(xg_pending(q, port));
        qtest_quit(q);
    }
}

static void vcpu_singleshot_timer(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    struct vcpu_set_singleshot_timer one = {.timeout_abs_ns = 5 * MS};
    uint32_t port;

    xg_map_shared_info(q);
    port = xg_bind_virq(q, 0, VIRQ_TIMER);
    g_assert_cmpint(qtest_hypercall(q, 0, __HYPERVISOR_vcpu_op,
                                    VCPUOP_stop_periodic_timer, 0, 0),
                    ==, 0);
    qtest_memwrite(q, XG_ARG_GPA, &one, sizeof(one));
    g_assert_cmpint(qtest_hypercall(q, 0, __HYPERVISOR_vcpu_op,
                                    VCPUOP_set_singleshot_timer, 0, XG_ARG_GPA),
                    ==, 0);
    qtest_clock_set(q, 5 * MS - 1);
    g_assert_false(xg_pending(q, port));
    qtest_clock_step(q, 1);
    g_assert_true(xg_pending(q, port));
    qtest_quit(q);
}

static void evtchn_ports_start_above_xenstore_and_console(void)
{
    Qtest *q = qtest_start("-smp 2", XEN);
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF,
                                         .remote_dom = DOMID_SELF};
    struct evtchn_bind_ipi ipi = {.vcpu = 1};
    struct evtchn_status status = {.dom = DOMID_SELF, .port = 1};
    struct evtchn_close close = {.port = 3};

    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_status, &status, sizeof(status)), ==,
                    0);
    g_assert_cmpuint(status.status, ==, EVTCHNSTAT_interdomain);
    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_alloc_unbound, &alloc, sizeof(alloc)),
                    ==, 0);
    g_assert_cmpuint(alloc.port, ==, 3);
    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi)), ==, 0);
    g_assert_cmpuint(ipi.port, ==, 4);
    /* the lowest free port is used again */
    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_close, &close, sizeof(close)), ==, 0);
    ipi.vcpu = 0;
    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi)), ==, 0);
    g_assert_cmpuint(ipi.port, ==, 3);
    qtest_quit(q);
}

static void evtchn_send_raises_the_upcall(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    uint64_t via = CALLBACK_VIA_VECTOR(0xf3);

    xg_map_shared_info(q);
    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi)), ==, 0);
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &via), ==, 0);
    g_assert_false(qtest_upcall(q, 0));
    g_assert_cmpint(xg_send(q, ipi.port), ==, 0);
    g_assert_true(xg_pending(q, ipi.port));
    g_assert_true(xg_upcall_pending(q, 0));
    g_assert_true(qtest_upcall(q, 0));
    xg_clear(q, 0, ipi.port);
    g_assert_false(qtest_upcall(q, 0));
    qtest_quit(q);
}

/* A masked port is noted, and the vCPU told when it is unmasked. */
static void evtchn_masked_waits_for_unmask(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    struct evtchn_unmask unmask;
    uint64_t mask = XG_SHARED_GPA + offsetof(struct shared_info, evtchn_mask);

    xg_map_shared_info(q);
    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi)), ==, 0);
    qtest_writeq(q, mask, 1ull << ipi.port);
    g_assert_cmpint(xg_send(q, ipi.port), ==, 0);
    g_assert_true(xg_pending(q, ipi.port));
    g_assert_false(xg_upcall_pending(q, 0));
    unmask.port = ipi.port;
    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_unmask, &unmask, sizeof(unmask)), ==,
                    0);
    g_assert_cmphex(qtest_readq(q, mask), ==, 0);
    g_assert_true(xg_upcall_pending(q, 0));
    qtest_quit(q);
}

static const QtestCase tests[] = {
    {"/xen/version/queries", version_queries},
    {"/xen/memory/shared-info-is-an-overlay", shared_info_is_an_overlay},
    {"/xen/time/record-gives-system-time", time_record_gives_system_time},
    {"/xen/time/wallclock-is-time-at-zero", wallclock_is_time_at_zero},
    {"/xen/time/wallclock-follows-the-rtc", wallclock_follows_the_rtc},
    {"/xen/time/wallclock-forgets-absurd-times",
     wallclock_forgets_absurd_times},
    {"/xen/time/wallclock-set-survives-reset-and-cut",
     wallclock_set_survives_reset_and_cut},
    {"/xen/timer/fires-at-its-virtual-time", timer_fires_at_its_virtual_time},
    {"/xen/timer/absurd-deadline-fires-soon", timer_absurd_deadline_fires_soon},
    {"/xen/timer/vcpu-singleshot", vcpu_singleshot_timer},
    {"/xen/evtchn/ports-start-above-xenstore-and-console",
     evtchn_ports_start_above_xenstore_and_console},
    {"/xen/evtchn/send-raises-the-upcall", evtchn_send_raises_the_upcall},
    {"/xen/evtchn/masked-waits-for-unmask", evtchn_masked_waits_for_unmask},
};

int main(int argc, char **argv)
{
    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
