/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What leaves the domain by other doors: vectors in a local APIC, INTx of a
 * PCI function, trace events; and the 32-bit ABI's layouts.
 */
#include "tests/qtest/xen-guest.h"

#include <string.h>

#define XEN "guest=xen-hvm,xen-version=4.17"

#define UPCALL_VECTOR 0xf3

#define LPC_DEVFN                (31 << 3) /* q35's LPC bridge */
#define LPC_ROUTE_D20            0x60      /* PIRQ A */
#define PCI_ADDRESS              0xcf8
#define PCI_DATA                 0xcfc
#define CALLBACK_INTX(slot, pin) (1ull << 56 | (slot) << 11 | (pin))

/* Is @vector in the IRR that HMP shows of the vCPU's local APIC? */
static bool lapic_has(Qtest *q, unsigned cpu, unsigned vector)
{
    g_autofree char *args =
        g_strdup_printf("{\"command-line\": \"info lapic %u\"}", cpu);
    g_autoptr(JsonNode) node = qtest_qmp(q, "human-monitor-command", args);
    g_auto(GStrv) lines = g_strsplit(json_node_get_string(node), "\n", -1);
    g_autofree char *number = g_strdup_printf("%u", vector);
    bool found = false;

    for (size_t i = 0; lines[i]; i++) {
        char *irr = strstr(lines[i], "IRR");

        if (irr) {
            g_auto(GStrv) words = g_strsplit_set(irr, " \t\r(", -1);

            found |= g_strv_contains((const char *const *)words, number);
        }
    }
    return found;
}

static void upcall_vector_is_in_the_lapic(void)
{
    Qtest *q = qtest_start("-smp 2", XEN);
    struct xen_hvm_evtchn_upcall_vector set = {.vcpu = 1,
                                               .vector = UPCALL_VECTOR};

    xg_map_shared_info(q);
    g_assert_false(lapic_has(q, 1, UPCALL_VECTOR));
    g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_hvm_op,
                            HVMOP_set_evtchn_upcall_vector, &set, sizeof(set)),
                    ==, 0);
    g_assert_cmpint(xg_send(q, xg_bind_ipi(q, 1)), ==, 0);
    g_assert_true(lapic_has(q, 1, UPCALL_VECTOR));
    g_assert_false(lapic_has(q, 0, UPCALL_VECTOR));
    /* it is not a direct vector as well */
    g_assert_false(qtest_upcall(q, 1));
    qtest_quit(q);
}

static void upcall_vector_bad_one_is_refused(void)
{
    static const struct {
        uint32_t vcpu;
        uint8_t vector;
        int want;
    } cases[] = {
        {0, 0, -XEN_EINVAL},
        {0, 0xf, -XEN_EINVAL},
        {2, UPCALL_VECTOR, -XEN_ENOENT},
        {UINT32_MAX, UPCALL_VECTOR, -XEN_ENOENT},
        {1, 0x10, 0},
    };
    Qtest *q = qtest_start("-smp 2", XEN);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct xen_hvm_evtchn_upcall_vector set = {.vcpu = cases[i].vcpu,
                                                   .vector = cases[i].vector};

        g_assert_cmpint(xg_call(q, 0, __HYPERVISOR_hvm_op,
                                HVMOP_set_evtchn_upcall_vector, &set,
                                sizeof(set)),
                        ==, cases[i].want);
    }
    qtest_quit(q);
}

static unsigned lines_up(Qtest *q)
{
    unsigned nr = 0;

    for (unsigned irq = 0; irq < 24; irq++) {
        nr += qtest_irq_level(q, irq);
    }
    return nr;
}

/* The line is the one that the function's own pin would raise. */
static void callback_intx_raises_the_functions_line(void)
{
    Qtest *q = qtest_start("-device pci-testdev,addr=4", XEN);
    uint64_t via = CALLBACK_INTX(4, 0), none = CALLBACK_INTX(9, 0);
    uint32_t port;

    /* PIRQs to the I/O APIC only: not routed to the PIC */
    qtest_outl(q, PCI_ADDRESS, 1u << 31 | LPC_DEVFN << 8 | LPC_ROUTE_D20);
    qtest_outl(q, PCI_DATA, 0x80808080);
    qtest_irq_intercept_in(q, "ioapic");
    xg_map_shared_info(q);
    port = xg_bind_ipi(q, 0);
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &via), ==, 0);
    g_assert_cmpuint(lines_up(q), ==, 0);
    g_assert_cmpint(xg_send(q, port), ==, 0);
    g_assert_cmpuint(lines_up(q), ==, 1);
    xg_clear(q, 0, port);
    g_assert_false(qtest_upcall(q, 0));
    g_assert_cmpuint(lines_up(q), ==, 0);

    /* no such function: no line */
    g_assert_cmpint(
        xg_hvm_param(q, HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &none), ==, 0);
    g_assert_cmpint(xg_send(q, port), ==, 0);
    g_assert_cmpuint(lines_up(q), ==, 0);
    qtest_quit(q);
}

static void trace_events_are_qemus(void)
{
    Qtest *q = qtest_start("-trace jumpcut_hypercall -trace jumpcut_cut",
                           XEN ",uptime=7");
    g_autofree char *text = NULL;

    qtest_hypercall(q, 0, 55, 0x1234);
    qtest_cut(q, "uptime=9 tsc=5");
    text = qtest_stderr(q);
    g_assert_nonnull(
        strstr(text, "jumpcut_hypercall vcpu 0 nr 55 arg0 0x1234 ret -38"));
    g_assert_nonnull(strstr(
        text, "jumpcut_cut at_ns 0 uptime_ns 9000000000 tsc 0x5 tsc_khz"));
    g_assert_null(strstr(text, "jumpcut_overlay"));
    qtest_quit(q);
}

/* A 32-bit guest's shared_info, once Xen knows that it is one. */
static void compat_layout_of_shared_info(void)
{
    Qtest *q = qtest_start(NULL, XEN ",wallclock=1600000000");
    XenCompatAddToPhysmap add = {.domid = DOMID_SELF,
                                 .space = XENMAPSPACE_shared_info,
                                 .gpfn = XG_SHARED_GFN};
    struct xen_hvm_param param = {.domid = DOMID_SELF,
                                  .index = HVM_PARAM_CALLBACK_IRQ,
                                  .value = 2ull << 56 | 0x30};
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    XenCompatSharedInfo s;

    qtest_memwrite(q, XG_ARG_GPA, &add, sizeof(add));
    g_assert_cmpint(qtest_hypercall32(q, 0, __HYPERVISOR_memory_op,
                                      XENMEM_add_to_physmap, XG_ARG_GPA),
                    ==, 0);
    qtest_memwrite(q, XG_ARG_GPA, &param, sizeof(param));
    g_assert_cmpint(qtest_hypercall32(q, 0, __HYPERVISOR_hvm_op,
                                      HVMOP_set_param, XG_ARG_GPA),
                    ==, 0);
    qtest_memwrite(q, XG_ARG_GPA, &ipi, sizeof(ipi));
    g_assert_cmpint(qtest_hypercall32(q, 0, __HYPERVISOR_event_channel_op,
                                      EVTCHNOP_bind_ipi, XG_ARG_GPA),
                    ==, 0);
    qtest_memread(q, XG_ARG_GPA, &ipi, sizeof(ipi));
    /* struct evtchn_send is the port alone */
    qtest_writel(q, XG_ARG_GPA, ipi.port);
    g_assert_cmpint(qtest_hypercall32(q, 0, __HYPERVISOR_event_channel_op,
                                      EVTCHNOP_send, XG_ARG_GPA),
                    ==, 0);

    qtest_memread(q, XG_SHARED_GPA, &s, sizeof(s));
    g_assert_cmphex(s.evtchn_pending[0], ==, 1u << ipi.port);
    g_assert_cmphex(s.vcpu_info[0].evtchn_pending_sel, ==, 1);
    g_assert_cmphex(s.vcpu_info[0].evtchn_upcall_pending, ==, 1);
    g_assert_cmpuint(s.wc_sec, ==, 1600000000);
    g_assert_cmpuint(s.arch.wc_sec_hi, ==, 0);
    g_assert_cmpuint(s.vcpu_info[0].time.version, >, 0);
    g_assert_true(qtest_upcall(q, 0));
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/events/upcall-vector/is-in-the-lapic",
                    upcall_vector_is_in_the_lapic);
    g_test_add_func("/events/upcall-vector/bad-one-is-refused",
                    upcall_vector_bad_one_is_refused);
    g_test_add_func("/events/callback-intx-raises-the-functions-line",
                    callback_intx_raises_the_functions_line);
    g_test_add_func("/events/trace-events-are-qemus", trace_events_are_qemus);
    g_test_add_func("/events/compat-layout-of-shared-info",
                    compat_layout_of_shared_info);
    return g_test_run();
}
