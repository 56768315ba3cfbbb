/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain as a whole: interrupt lines, the grant table, runstates, reset
 * and vCPUs that come later.
 */
#include "tests/qtest/xen-guest.h"

#include <string.h>

#define XEN "guest=xen-hvm,xen-version=4.17"

#define MS           G_GINT64_CONSTANT(1000000)
#define NSEC_PER_SEC G_GINT64_CONSTANT(1000000000)

#define CALLBACK_GSI    10
#define CALLBACK_VECTOR (2ull << 56 | 0xf3)

#define LEAF_TSC       0x40000003
#define LEAF_VCPU      0x40000004
#define MSR_TSC_ADJUST 0x3b

static void set_callback(Qtest *q, uint64_t via)
{
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &via), ==, 0);
}

/* The line is up for as long as vCPU 0 has something pending. */
static void callback_gsi_follows_pending(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    uint32_t port;

    qtest_irq_intercept_in(q, "ioapic");
    xg_map_shared_info(q);
    port = xg_bind_ipi(q, 0);
    set_callback(q, CALLBACK_GSI);
    g_assert_false(qtest_irq_level(q, CALLBACK_GSI));
    g_assert_cmpint(xg_send(q, port), ==, 0);
    g_assert_true(qtest_irq_level(q, CALLBACK_GSI));
    g_assert_cmpuint(qtest_irq_raised(q, CALLBACK_GSI), ==, 1);
    xg_clear(q, 0, port);
    g_assert_false(qtest_upcall(q, 0));
    g_assert_false(qtest_irq_level(q, CALLBACK_GSI));

    /* another line takes over what is pending */
    g_assert_cmpint(xg_send(q, port), ==, 0);
    set_callback(q, CALLBACK_GSI + 1);
    g_assert_false(qtest_irq_level(q, CALLBACK_GSI));
    g_assert_true(qtest_irq_level(q, CALLBACK_GSI + 1));
    qtest_quit(q);
}

static void callback_none_is_silent(void)
{
    static const uint64_t none[] = {0, 5ull << 56, 255ull << 56 | 7};
    Qtest *q = qtest_start(NULL, XEN);
    uint32_t port;

    qtest_irq_intercept_in(q, "ioapic");
    xg_map_shared_info(q);
    port = xg_bind_ipi(q, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
        set_callback(q, none[i]);
        g_assert_cmpint(xg_send(q, port), ==, 0);
        g_assert_true(xg_upcall_pending(q, 0));
        g_assert_false(qtest_upcall(q, 0));
        for (unsigned irq = 0; irq < 24; irq++) {
            g_assert_false(qtest_irq_level(q, irq));
        }
        xg_clear(q, 0, port);
    }
    qtest_quit(q);
}

/* Each vCPU is told of its own ports only. */
static void callback_vector_is_per_vcpu(void)
{
    Qtest *q = qtest_start("-smp 2", XEN);
    struct evtchn_bind_vcpu bind = {.vcpu = 1};
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF,
                                         .remote_dom = DOMID_SELF};
    uint32_t port;

    xg_map_shared_info(q);
    set_callback(q, CALLBACK_VECTOR);
    port = xg_bind_ipi(q, 1);
    g_assert_cmpint(xg_send(q, port), ==, 0);
    g_assert_false(qtest_upcall(q, 0));
    g_assert_true(qtest_upcall(q, 1));
    g_assert_true(xg_upcall_pending(q, 1));

    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_alloc_unbound, &alloc, sizeof(alloc)),
                    ==, 0);
    bind.port = alloc.port;
    g_assert_cmpint(xg_evtchn(q, EVTCHNOP_bind_vcpu, &bind, sizeof(bind)), ==,
                    0);
    qtest_quit(q);
}

static void grant_table_is_an_overlay(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_grant_table,
        .gpfn = XG_FREE_GPA >> 12,
    };

    qtest_memwrite(q, XG_ARG_GPA, &size, sizeof(size));
    g_assert_cmpint(qtest_hypercall(q, 0, __HYPERVISOR_grant_table_op,
                                    GNTTABOP_query_size, XG_ARG_GPA, 1),
                    ==, 0);
    qtest_memread(q, XG_ARG_GPA, &size, sizeof(size));
    g_assert_cmpint(size.status, ==, GNTST_okay);
    g_assert_cmpuint(size.nr_frames, ==, 1);
    g_assert_cmpuint(size.max_nr_frames, ==, 64);

    qtest_writeq(q, XG_FREE_GPA + 0x100, 0xdead);
    g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                            &add, sizeof(add)),
                    ==, 0);
    g_assert_cmphex(qtest_readq(q, XG_FREE_GPA + 0x100), ==, 0);
    qtest_quit(q);
}

static int64_t get_runstate(Qtest *q, unsigned vcpu,
                            struct vcpu_runstate_info *info)
{
    int64_t ret = qtest_hypercall(q, 0, __HYPERVISOR_vcpu_op,
                                  VCPUOP_get_runstate_info, vcpu, XG_ARG_GPA);

    qtest_memread(q, XG_ARG_GPA, info, sizeof(*info));
    return ret;
}

static void runstate_times_add_up(void)
{
    Qtest *q = qtest_start("-smp 2", XEN ",uptime=50");
    struct vcpu_runstate_info info;

    qtest_clock_step(q, 7 * MS);
    g_assert_cmpint(get_runstate(q, 0, &info), ==, 0);
    g_assert_cmpint(info.state, ==, RUNSTATE_running);
    g_assert_cmpuint(
        info.time[RUNSTATE_running] + info.time[RUNSTATE_runnable] +
            info.time[RUNSTATE_blocked] + info.time[RUNSTATE_offline],
        ==, 7 * MS);
    g_assert_cmpint(get_runstate(q, 1, &info), ==, 0);
    g_assert_cmpint(info.state, ==, RUNSTATE_offline);
    g_assert_cmpuint(info.time[RUNSTATE_offline], ==, 7 * MS);
    g_assert_cmpint(get_runstate(q, 7, &info), ==, -XEN_ENOENT);
    qtest_quit(q);
}

/* A wake-up before the vCPU has stopped: it runs on, and its timers too. */
static void wake_before_the_stop_is_running(void)
{
    Qtest *q = qtest_start(NULL, XEN);
    struct vcpu_set_periodic_timer periodic = {.period_ns = MS};
    struct vcpu_runstate_info info;
    uint32_t port, timer;

    xg_map_shared_info(q);
    port = xg_bind_ipi(q, 0);
    timer = xg_bind_virq(q, 0, VIRQ_TIMER);
    qtest_memwrite(q, XG_ARG_GPA, &periodic, sizeof(periodic));
    g_assert_cmpint(qtest_hypercall(q, 0, __HYPERVISOR_vcpu_op,
                                    VCPUOP_set_periodic_timer, 0, XG_ARG_GPA),
                    ==, 0);
    xg_clear(q, 0, timer);
    g_assert_cmpint(qtest_hypercall(q, 0, __HYPERVISOR_sched_op, SCHEDOP_block),
                    ==, 0);
    g_assert_cmpint(get_runstate(q, 0, &info), ==, 0);
    g_assert_cmpint(info.state, ==, RUNSTATE_blocked);
    g_assert_cmpint(xg_send(q, port), ==, 0);
    g_assert_cmpint(get_runstate(q, 0, &info), ==, 0);
    g_assert_cmpint(info.state, ==, RUNSTATE_running);
    qtest_clock_step(q, 2 * MS);
    g_assert_true(xg_pending(q, timer));
    qtest_quit(q);
}

static void hvm_get_time_is_system_time(void)
{
    Qtest *q = qtest_start(NULL, XEN ",uptime=1234.5");
    struct xen_hvm_get_time time = {0};

    qtest_clock_step(q, 77);
    g_assert_cmpint(
        xg_call(q, 0, __HYPERVISOR_hvm_op, HVMOP_get_time, &time, sizeof(time)),
        ==, 0);
    g_assert_cmpuint(time.now, ==, 1234500000077);
    qtest_quit(q);
}

static void system_reset(Qtest *q)
{
    json_node_unref(qtest_qmp(q, "system_reset", NULL));
    json_node_unref(qtest_qmp_event(q, "RESET"));
}

/* Nothing is left of the guest before; the host's time goes on. */
static void reset_is_a_new_domain(void)
{
    Qtest *q = qtest_start("-smp 2", XEN ",uptime=10,cut=3s:uptime=500");
    uint64_t via = 1, adjust = 1;
    uint32_t port;

    qtest_writeq(q, XG_SHARED_GPA, 0x1234);
    xg_map_shared_info(q);
    set_callback(q, CALLBACK_VECTOR);
    port = xg_bind_virq(q, 0, VIRQ_TIMER);
    g_assert_cmpint(xg_set_timer(q, 0, 12 * NSEC_PER_SEC), ==, 0);
    g_assert_true(qtest_wrmsr(q, 0, MSR_TSC_ADJUST, 999));
    g_assert_cmpint(xg_send(q, xg_bind_ipi(q, 0)), ==, 0);
    g_assert_true(qtest_upcall(q, 0));
    qtest_clock_step(q, NSEC_PER_SEC);
    system_reset(q);

    /* the overlay is gone, and so are ports, callback and timer */
    g_assert_cmphex(qtest_readq(q, XG_SHARED_GPA + 0x800), ==, 0);
    g_assert_false(qtest_upcall(q, 0));
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_get_param, HVM_PARAM_CALLBACK_IRQ, &via), ==, 0);
    g_assert_cmphex(via, ==, 0);
    g_assert_cmpint(xg_send(q, port), ==, -XEN_EINVAL);
    g_assert_true(qtest_rdmsr(q, 0, MSR_TSC_ADJUST, &adjust));
    g_assert_cmpuint(adjust, ==, 0);

    xg_map_shared_info(q);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 11 * NSEC_PER_SEC);
    g_assert_cmpuint(xg_bind_virq(q, 0, VIRQ_TIMER), ==, port);
    qtest_clock_set(q, 3 * NSEC_PER_SEC - 1);
    g_assert_false(xg_pending(q, port));
    /* a cut is the host's: it comes all the same */
    qtest_clock_step(q, 1);
    g_assert_cmpuint(xg_system_time(q, 0), ==, 500 * NSEC_PER_SEC);
    qtest_quit(q);
}

static void vcpu_hot_plugged_is_one_more(void)
{
    Qtest *q = qtest_start("-smp 1,sockets=2,maxcpus=2 -cpu qemu64", XEN);
    g_autofree char *reason = qtest_command_fails(q, "rdtsc 1");

    g_assert_nonnull(strstr(reason, "no vCPU 1"));
    qtest_clock_step(q, MS);
    json_node_unref(qtest_qmp(q, "device_add",
                              "{\"driver\": \"qemu64-x86_64-cpu\", "
                              "\"id\": \"cpu1\", \"socket-id\": 1, "
                              "\"core-id\": 0, \"thread-id\": 0}"));
    g_assert_cmpuint(qtest_cpuid(q, 1, LEAF_VCPU, 0).ebx, ==, 1);
    g_assert_cmpuint(qtest_rdtsc(q, 1), ==, MS);
    g_assert_cmpint(
        qtest_hypercall(q, 0, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0), ==, 0);
    xg_map_shared_info(q);
    set_callback(q, CALLBACK_VECTOR);
    g_assert_cmpint(xg_send(q, xg_bind_ipi(q, 1)), ==, 0);
    g_assert_true(qtest_upcall(q, 1));
    qtest_quit(q);
}

static const QtestCase tests[] = {
    {"/domain/callback/gsi-follows-pending", callback_gsi_follows_pending},
    {"/domain/callback/none-is-silent", callback_none_is_silent},
    {"/domain/callback/vector-is-per-vcpu", callback_vector_is_per_vcpu},
    {"/domain/grant-table-is-an-overlay", grant_table_is_an_overlay},
    {"/domain/runstate-times-add-up", runstate_times_add_up},
    {"/domain/wake-before-the-stop-is-running",
     wake_before_the_stop_is_running},
    {"/domain/hvm-get-time-is-system-time", hvm_get_time_is_system_time},
    {"/domain/reset-is-a-new-domain", reset_is_a_new_domain},
    {"/domain/vcpu-hot-plugged-is-one-more", vcpu_hot_plugged_is_one_more},
};

int main(int argc, char **argv)
{
    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
