/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls with arguments that are wrong: wild pointers, huge counts, vCPUs
 * and sub-operations that do not exist get Xen's error, and QEMU lives on.
 */
#include "tests/qtest/xen-guest.h"

#include <inttypes.h>
#include <string.h>

#define XEN          "guest=xen-hvm,xen-version=4.17"
#define CONSOLE_PORT 2

typedef struct EvtchnCase {
    unsigned op;
    uint32_t words[4];
    int want;
} EvtchnCase;

/* bind_virq: virq, vcpu; bind_ipi: vcpu; status: dom, port; others: port */
static void evtchn_bad_argument_gets_xens_error(void)
{
    static const EvtchnCase cases[] = {
        {EVTCHNOP_bind_virq, {VIRQ_TIMER, 9}, -XEN_ENOENT},
        {EVTCHNOP_bind_virq, {VIRQ_TIMER, UINT32_MAX}, -XEN_ENOENT},
        {EVTCHNOP_bind_virq, {24, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_virq, {UINT32_MAX, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_ipi, {9}, -XEN_ENOENT},
        {EVTCHNOP_bind_ipi, {UINT32_MAX}, -XEN_ENOENT},
        {EVTCHNOP_send, {0}, -XEN_EINVAL},
        {EVTCHNOP_send, {60}, -XEN_EINVAL},
        {EVTCHNOP_send, {5000}, -XEN_EINVAL},
        {EVTCHNOP_send, {UINT32_MAX}, -XEN_EINVAL},
        {EVTCHNOP_close, {0}, -XEN_EINVAL},
        {EVTCHNOP_close, {5000}, -XEN_EINVAL},
        {EVTCHNOP_unmask, {5000}, -XEN_EINVAL},
        {EVTCHNOP_status, {DOMID_SELF, UINT32_MAX}, -XEN_EINVAL},
        {EVTCHNOP_alloc_unbound, {0x1234}, -XEN_ESRCH},
        {EVTCHNOP_bind_vcpu, {60, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_vcpu, {1, 9}, -XEN_ENOENT},
        {EVTCHNOP_set_priority, {1, 0}, -XEN_ENOSYS},
        {99, {0}, -XEN_ENOSYS},
        {UINT32_MAX, {0}, -XEN_ENOSYS},
    };
    Qtest *q = qtest_start(NULL, XEN);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint32_t words[4];
        int64_t got;

        memcpy(words, cases[i].words, sizeof(words));
        got = xg_evtchn(q, cases[i].op, words, sizeof(words));
        if (got != cases[i].want) {
            g_test_message("op %u (%u, %u): wanted %d, got %" PRId64,
                           cases[i].op, words[0], words[1], cases[i].want, got);
            g_test_fail();
        }
    }
    qtest_quit(q);
}

typedef struct CallCase {
    const char *what;
    uint64_t nr, args[4];
    int64_t want;
} CallCase;

#define WILD 0xdead000000000000

static void call_bad_argument_gets_xens_error(void)
{
    static const CallCase cases[] = {
        {"hole 11", 11, {0}, -XEN_ENOSYS},
        {"hole 55", 55, {0}, -XEN_ENOSYS},
        {"nr 100", 100, {0}, -XEN_ENOSYS},
        {"nr of 32 bits", UINT32_MAX, {0}, -XEN_ENOSYS},
        {"set_trap_table", 0, {0}, -XEN_ENOSYS},
        {"mmu_update", 1, {0}, -XEN_ENOSYS},
        {"version 99", 17, {99}, -XEN_ENOSYS},
        {"extraversion, no RAM", 17, {1, XG_NO_RAM_GPA}, -XEN_EFAULT},
        {"extraversion, wild", 17, {1, WILD}, -XEN_EFAULT},
        {"features, end of RAM", 17, {6, XG_NO_RAM_GPA - 4}, -XEN_EFAULT},
        {"features, NULL of the other end", 17, {6, UINT64_MAX}, -XEN_EFAULT},
        {"add_to_physmap, wild", 12, {7, WILD}, -XEN_EFAULT},
        {"memory_op 63", 12, {63, XG_ARG_GPA}, -XEN_ENOSYS},
        {"evtchn send, wild", 32, {4, WILD}, -XEN_EFAULT},
        {"evtchn send, end of RAM", 32, {4, XG_NO_RAM_GPA - 2}, -XEN_EFAULT},
        {"hvm get_param, wild", 34, {1, WILD}, -XEN_EFAULT},
        {"hvm_op 99", 34, {99, XG_ARG_GPA}, -XEN_ENOSYS},
        {"vcpu_op, bad vcpu", 24, {VCPUOP_is_up, 99, 0}, -XEN_ENOENT},
        {"vcpu_op, huge vcpu", 24, {VCPUOP_is_up, UINT32_MAX, 0}, -XEN_ENOENT},
        {"vcpu_op 99", 24, {99, 0, 0}, -XEN_ENOSYS},
        {"vcpu is_up", 24, {VCPUOP_is_up, 0, 0}, 1},
        {"vcpu is_up of one that is down", 24, {VCPUOP_is_up, 1, 0}, 0},
        {"register_vcpu_info, wild",
         24,
         {VCPUOP_register_vcpu_info, 0, WILD},
         -XEN_EFAULT},
        {"sched_op 99", 29, {99, XG_ARG_GPA}, -XEN_ENOSYS},
        {"sched poll, wild", 29, {SCHEDOP_poll, WILD}, -XEN_EFAULT},
        {"sched_op yield", 29, {SCHEDOP_yield, 0}, 0},
        {"grant_table_op, wild",
         20,
         {GNTTABOP_query_size, WILD, 1},
         -XEN_EFAULT},
        {"grant_table_op 99", 20, {99, XG_ARG_GPA, 1}, -XEN_ENOSYS},
    };
    Qtest *q = qtest_start("-smp 2", XEN);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const CallCase *c = &cases[i];
        int64_t got = qtest_hypercall(q, 0, c->nr, c->args[0], c->args[1],
                                      c->args[2], c->args[3]);

        if (got != c->want) {
            g_test_message("%s: wanted %" PRId64 ", got %" PRId64, c->what,
                           c->want, got);
            g_test_fail();
        }
    }
    qtest_quit(q);
}

static void physmap_bad_request_gets_xens_error(void)
{
    static const struct {
        struct xen_add_to_physmap add;
        int want;
    } cases[] = {
        {{.domid = DOMID_SELF,
          .space = XENMAPSPACE_shared_info,
          .idx = 1,
          .gpfn = XG_SHARED_GFN},
         -XEN_EINVAL},
        {{.domid = DOMID_SELF, .space = 99, .gpfn = XG_SHARED_GFN},
         -XEN_EINVAL},
        {{.domid = 0x1234,
          .space = XENMAPSPACE_shared_info,
          .gpfn = XG_SHARED_GFN},
         -XEN_ESRCH},
        {{.domid = DOMID_SELF,
          .space = XENMAPSPACE_grant_table,
          .idx = 0xffffff,
          .gpfn = XG_SHARED_GFN},
         -XEN_EINVAL},
    };
    Qtest *q = qtest_start(NULL, XEN);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct xen_add_to_physmap add = cases[i].add;

        g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_memory_op,
                                XENMEM_add_to_physmap, &add, sizeof(add)),
                        ==, cases[i].want);
    }
    qtest_quit(q);
}

/* @offset within a page of RAM; what Xen 4.17 says to a second one. */
static void vcpu_info_placement(void)
{
    static const struct {
        uint64_t mfn;
        uint32_t offset;
        int want;
    } cases[] = {
        {XG_FREE_GPA >> 12, 0xfe0, -XEN_ENXIO},
        {XG_FREE_GPA >> 12, 0x1000, -XEN_ENXIO},
        {XG_FREE_GPA >> 12, UINT32_MAX, -XEN_ENXIO},
        {XG_FREE_GPA >> 12, 1, -XEN_ENXIO},
        {XG_FREE_GPA >> 12, 4, -XEN_ENXIO},
        {XG_NO_RAM_GPA >> 12, 0, -XEN_EINVAL},
        {UINT64_MAX, 0, -XEN_EINVAL},
        /* Beyond the physical addresses: pages of the shim's own are there. */
        {1ull << 40, 0, -XEN_EINVAL},
        {1ull << 44, 0, -XEN_EINVAL},
        {(1ull << 44) + 2, 0, -XEN_EINVAL},
        {XG_FREE_GPA >> 12, 0x40, 0},
        {XG_FREE_GPA >> 12, 0x80, -XEN_EINVAL},
    };
    Qtest *q = qtest_start(NULL, XEN);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct vcpu_register_vcpu_info info = {.mfn = cases[i].mfn,
                                               .offset = cases[i].offset};
        int64_t got;

        qtest_memwrite(q, XG_ARG_GPA, &info, sizeof(info));
        got = qtest_hypercall(q, 0, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_vcpu_info, 0, XG_ARG_GPA);
        if (got != cases[i].want) {
            g_test_message("mfn 0x%" PRIx64 " offset 0x%x: wanted %d, got "
                           "%" PRId64,
                           cases[i].mfn, info.offset, cases[i].want, got);
            g_test_fail();
        }
    }
    /* upcall pending, selectors all set, and a time record with it */
    g_assert_cmpuint(qtest_readb(q, XG_FREE_GPA + 0x40), ==, 1);
    g_assert_cmphex(qtest_readq(q, XG_FREE_GPA + 0x48), ==, UINT64_MAX);
    g_assert_cmpuint(qtest_readl(q, XG_FREE_GPA + 0x60), >, 0);
    qtest_quit(q);
}

static void poll_counts_and_ports_are_checked(void)
{
    static const struct {
        uint32_t nr_ports, port;
        uint64_t ports;
        int want;
    } cases[] = {
        {129, 1, XG_FREE_GPA, -XEN_EINVAL},
        {UINT32_MAX, 1, XG_FREE_GPA, -XEN_EINVAL},
        {1, 5000, XG_FREE_GPA, -XEN_EINVAL},
        {1, 60, XG_FREE_GPA, -XEN_EINVAL},
        {1, 1, WILD, -XEN_EFAULT},
        {128, 1, XG_NO_RAM_GPA - 8, -XEN_EFAULT},
    };
    Qtest *q = qtest_start(NULL, XEN);

    /* Ports are looked at one by one: two good ones before the hole. */
    qtest_writel(q, XG_NO_RAM_GPA - 8, CONSOLE_PORT);
    qtest_writel(q, XG_NO_RAM_GPA - 4, CONSOLE_PORT);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sched_poll poll = {.nr_ports = cases[i].nr_ports};
        int64_t got;

        set_xen_guest_handle(poll.ports,
                             (evtchn_port_t *)(uintptr_t)cases[i].ports);
        qtest_writel(q, XG_FREE_GPA, cases[i].port);
        got = xg_call(q, 0, __HYPERVISOR_sched_op, SCHEDOP_poll, &poll,
                      sizeof(poll));
        if (got != cases[i].want) {
            g_test_message("poll %u ports: wanted %d, got %" PRId64,
                           cases[i].nr_ports, cases[i].want, got);
            g_test_fail();
        }
    }
    qtest_quit(q);
}

static void hvm_params_of_a_guest(void)
{
    static const struct {
        uint32_t index;
        int want;
        uint64_t value;
    } cases[] = {
        {HVM_PARAM_CALLBACK_IRQ, 0, 0},
        {HVM_PARAM_STORE_PFN, 0, 0xfeffc},
        {HVM_PARAM_STORE_EVTCHN, 0, 1},
        {HVM_PARAM_CONSOLE_PFN, 0, 0xfefff},
        {HVM_PARAM_CONSOLE_EVTCHN, 0, 2},
        {4, -XEN_EINVAL, 0},
        {HVM_PARAM_IOREQ_PFN, -XEN_EPERM, 0},
        {39, -XEN_EINVAL, 0},
        {99, -XEN_EINVAL, 0},
        {UINT32_MAX, -XEN_EINVAL, 0},
    };
    Qtest *q = qtest_start(NULL, XEN);
    uint64_t value = 1;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t got = 0;
        int64_t ret = xg_hvm_param(q, HVMOP_get_param, cases[i].index, &got);

        if (ret != cases[i].want || got != cases[i].value) {
            g_test_message("get_param %u: wanted %d, 0x%" PRIx64
                           ", got %" PRId64 ", 0x%" PRIx64,
                           cases[i].index, cases[i].want, cases[i].value, ret,
                           got);
            g_test_fail();
        }
    }
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_STORE_PFN, &value), ==,
        -XEN_EPERM);
    g_assert_cmpint(xg_hvm_param(q, HVMOP_set_param, 99, &value), ==,
                    -XEN_EINVAL);
    qtest_quit(q);
}

/*
 * Every call, with arguments that are all wrong: the domain may end its life,
 * but not QEMU's.
 */
static void call_any_number_leaves_qemu_alive(void)
{
    static const uint64_t wild[] = {0, 1, XG_NO_RAM_GPA - 1, WILD, UINT64_MAX};
    Qtest *q = qtest_start("-no-shutdown -no-reboot", XEN);

    for (uint64_t nr = 0; nr < 70; nr++) {
        for (unsigned op = 0; op < 40; op++) {
            for (size_t i = 0; i < G_N_ELEMENTS(wild); i++) {
                uint64_t args[6] = {op, wild[i], wild[i], 7, wild[i], 0};

                qtest_hypercall_args(q, 0, true, nr, args);
                for (unsigned j = 0; j < 6; j++) {
                    args[j] &= UINT32_MAX;
                }
                qtest_hypercall_args(q, 0, false, nr, args);
            }
        }
    }
    g_assert_cmphex(
        qtest_hypercall(q, 0, __HYPERVISOR_xen_version, XENVER_version, 0), ==,
        0x40011);
    qtest_quit(q);
}

static const QtestCase tests[] = {
    {"/xen-errors/memory/physmap-bad-request-gets-xens-error",
     physmap_bad_request_gets_xens_error},
    {"/xen-errors/evtchn/bad-argument-gets-xens-error",
     evtchn_bad_argument_gets_xens_error},
    {"/xen-errors/vcpu/info-placement", vcpu_info_placement},
    {"/xen-errors/sched/poll-counts-and-ports-are-checked",
     poll_counts_and_ports_are_checked},
    {"/xen-errors/hvm/params-of-a-guest", hvm_params_of_a_guest},
    {"/xen-errors/call/bad-argument-gets-xens-error",
     call_bad_argument_gets_xens_error},
    {"/xen-errors/call/any-number-leaves-qemu-alive",
     call_any_number_leaves_qemu_alive},
};

int main(int argc, char **argv)
{
    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
