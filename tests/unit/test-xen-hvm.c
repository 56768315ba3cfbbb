/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvm_op: parameters, upcall vectors, and every kind of callback. */
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define VIA(type, rest) ((uint64_t)(type) << 56 | (rest))
#define VIA_VECTOR(v)   VIA(HVM_PARAM_CALLBACK_TYPE_VECTOR, v)
#define VIA_GSI(g)      VIA(HVM_PARAM_CALLBACK_TYPE_GSI, g)
/* The fake gives slot 3, INTB the GSI 16 + (3 + 1) % 4. */
#define VIA_INTX     VIA(HVM_PARAM_CALLBACK_TYPE_PCI_INTX, 3u << 11 | 1)
#define VIA_INTX_GSI 16u

static void test_params_grant_what_xen_grants(void)
{
    static const struct {
        unsigned first, last;
        int64_t get, set;
    } cases[] = {
        {0, 0, 0, 0},
        {1, 1, 0, -XEN_EPERM},
        {2, 2, 0, 0},
        {3, 3, -XEN_EPERM, -XEN_EPERM},
        {4, 4, -XEN_EINVAL, -XEN_EINVAL},
        {5, 12, -XEN_EPERM, -XEN_EPERM},
        {13, 13, -XEN_EINVAL, -XEN_EINVAL},
        {14, 14, -XEN_EPERM, -XEN_EPERM},
        {15, 15, 0, 0},
        {16, 16, -XEN_EPERM, -XEN_EPERM},
        {17, 17, 0, -XEN_EPERM},
        {18, 18, 0, 0},
        {19, 19, 0, -XEN_ENODEV},
        {20, 26, -XEN_EINVAL, -XEN_EINVAL},
        {27, 29, -XEN_EPERM, -XEN_EPERM},
        {30, 30, -XEN_EINVAL, -XEN_EINVAL},
        {31, 33, -XEN_EPERM, -XEN_EPERM},
        {34, 34, 0, 0},
        {35, 35, 0, -XEN_EPERM},
        {36, 37, 0, 0},
        {38, 38, -XEN_EPERM, -XEN_EPERM},
        {39, 99, -XEN_EINVAL, -XEN_EINVAL},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t value;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned p = cases[i].first; p <= cases[i].last; p++) {
            g_test_message("parameter %u", p);
            g_assert_cmpint(xen_guest_get_param(g, p, &value), ==,
                            cases[i].get);
            g_assert_cmpint(xen_guest_set_param(g, p, 8), ==, cases[i].set);
            if (cases[i].get == 0 && cases[i].set == 0) {
                g_assert_cmpint(xen_guest_get_param(g, p, &value), ==, 0);
                g_assert_cmpuint(value, ==, 8);
            }
        }
    }
    g_assert_cmpint(xen_guest_get_param(g, UINT32_MAX, &value), ==,
                    -XEN_EINVAL);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_X87_FIP_WIDTH, 5), ==,
                    -XEN_EINVAL);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_VM86_TSS, 1ull << 32), ==,
                    -XEN_EINVAL);
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
CONFORMS(HVM_PARAM_STORE_PFN)
CONFORMS(HVM_PARAM_STORE_EVTCHN)
CONFORMS(HVM_PARAM_CONSOLE_PFN)
CONFORMS(HVM_PARAM_CONSOLE_EVTCHN)
static void test_params_start_as_the_toolstack_sets_them(void)
{
    static const struct {
        uint32_t index;
        uint64_t want;
    } cases[] = {
        {HVM_PARAM_CALLBACK_IRQ, 0},   {HVM_PARAM_STORE_PFN, 0xfeffc},
        {HVM_PARAM_STORE_EVTCHN, 1},   {HVM_PARAM_CONSOLE_PFN, 0xfefff},
        {HVM_PARAM_CONSOLE_EVTCHN, 2},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t value;

        g_assert_cmpint(xen_guest_get_param(g, cases[i].index, &value), ==, 0);
        g_assert_cmphex(value, ==, cases[i].want);
    }
}

CONFORMS(HVMOP_get_param)
static void test_params_of_other_domains_are_refused(void)
{
    static const struct {
        uint16_t domid;
        int64_t want;
    } cases[] = {
        {XEN_GUEST_DOMID, 0},
        {0, -XEN_EPERM},
        {0x1234, -XEN_ESRCH},
        {0x7ff1, -XEN_ESRCH},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct xen_hvm_param op = {cases[i].domid, 0, HVM_PARAM_STORE_PFN, 0};

        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_get_param,
                                     &op, sizeof(op)),
                        ==, cases[i].want);
    }
}

CONFORMS(HVMOP_get_time)
static void test_other_operations_answer_as_xen(void)
{
    struct xen_hvm_pagetable_dying dying = {.domid = DOMID_SELF};
    struct xen_hvm_get_time now = {0};
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    fake_host_advance(g->fake, 12345);
    g_assert_cmpint(
        xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_get_time, &now, sizeof(now)),
        ==, 0);
    g_assert_cmpuint(now.now, ==, XEN_GUEST_UPTIME_NS + 12345);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_pagetable_dying,
                                 &dying, sizeof(dying)),
                    ==, -XEN_EINVAL);
    dying.domid = 0x1234;
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_pagetable_dying,
                                 &dying, sizeof(dying)),
                    ==, -XEN_ESRCH);
    g_assert_cmpint(
        xen_guest_call(g, __HYPERVISOR_hvm_op, 99, XEN_GUEST_ARG, 0), ==,
        -XEN_ENOSYS);
}

static int64_t set_upcall_vector(XenGuest *g, uint32_t vcpu, uint8_t vector)
{
    struct xen_hvm_evtchn_upcall_vector op = {vcpu, vector};

    return xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector,
                        &op, sizeof(op));
}

CONFORMS(HVMOP_set_evtchn_upcall_vector)
static void test_upcall_vector_is_injected_on_its_vcpu(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    const FakeEvent *e;
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 1);
    XenVcpuInfo info;

    g_assert_cmpint(set_upcall_vector(g, 0, 0x0f), ==, -XEN_EINVAL);
    g_assert_cmpint(set_upcall_vector(g, 2, 0x0f), ==, -XEN_EINVAL);
    g_assert_cmpint(set_upcall_vector(g, 2, 0x10), ==, -XEN_ENOENT);
    g_assert_cmpint(set_upcall_vector(g, 1, 0x10), ==, 0);
    /* One is made up when the vector is set. */
    e = fake_host_last_event(g->fake, FAKE_LAPIC_INJECT);
    g_assert_nonnull(e);
    g_assert_cmpuint(e->a, ==, 1);
    g_assert_cmpuint(e->b, ==, 0x10);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_LAPIC_INJECT), ==, 2);
    xen_domain_query_vcpu(g->d, 1, &info);
    g_assert_cmpuint(info.upcall_vector, ==, 0x10);
    g_assert_cmpuint(info.upcalls, ==, 2);
    /* It comes before the domain's callback. */
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_GSI(1)),
                    ==, 0);
    g_assert_false(fake_host_gsi_held(g->fake, 1));
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void test_vector_callback_is_held_while_pending(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 1);

    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpint(
        xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR(0xf3)), ==,
        0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 1), ==, 0);
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 1));
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 1), ==, 0xf3);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 0), ==, 0);
    g_assert_true(xen_domain_vcpu_upcall_due(g->d, 1));
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 0));
    xen_guest_ack(g, 1);
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 1));
    /* Gone with the callback. */
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, 0), ==, 0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 1), ==, 0);
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 1));
}

static void check_line(XenGuest *g, unsigned gsi)
{
    uint32_t own = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t other = (uint32_t)xen_guest_bind_ipi(g, 1);

    /* Only vCPU 0 has the line. */
    g_assert_cmpint(xen_guest_send(g, other), ==, 0);
    g_assert_false(fake_host_gsi_held(g->fake, gsi));
    g_assert_cmpint(xen_guest_send(g, own), ==, 0);
    g_assert_true(fake_host_gsi_held(g->fake, gsi));
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 1));
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 0));
    g_assert_true(fake_host_gsi_held(g->fake, gsi));
    xen_guest_ack(g, 0);
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 0));
    g_assert_false(fake_host_gsi_held(g->fake, gsi));
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void test_gsi_callback_follows_vcpu_0(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_GSI(9)),
                    ==, 0);
    check_line(g, 9);
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void test_intx_callback_follows_vcpu_0(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_INTX),
                    ==, 0);
    check_line(g, VIA_INTX_GSI);
}

static void test_callback_moves_an_asserted_line(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_GSI(9)),
                    ==, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_INTX),
                    ==, 0);
    g_assert_false(fake_host_gsi_held(g->fake, 9));
    g_assert_true(fake_host_gsi_held(g->fake, VIA_INTX_GSI));
    xen_domain_reset(g->d);
    g_assert_false(fake_host_gsi_held(g->fake, VIA_INTX_GSI));
}

static void test_callbacks_that_mean_none_are_kept(void)
{
    static const uint64_t vias[] = {
        0, VIA(255, 0x1234), VIA(3, 9), VIA_GSI(0x900), /* GSI 0 */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(vias); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);
        uint64_t value;

        g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, vias[i]),
                        ==, 0);
        g_assert_cmpint(xen_guest_get_param(g, HVM_PARAM_CALLBACK_IRQ, &value),
                        ==, 0);
        g_assert_cmphex(value, ==, vias[i]);
        g_assert_cmpint(xen_guest_send(g, port), ==, 0);
        g_assert_false(xen_domain_vcpu_upcall_due(g->d, 0));
        g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_GSI_LEVEL), ==, 0);
        g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_LAPIC_INJECT), ==,
                         0);
    }
}

static void test_callback_reaches_what_is_pending_already(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(
        xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR(0xf3)), ==,
        0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 0), ==, 0xf3);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_GSI(5)),
                    ==, 0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 0), ==, 0);
    g_assert_true(fake_host_gsi_held(g->fake, 5));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/hvm/" #name, test_##name)
    ADD(params_grant_what_xen_grants);
    ADD(params_start_as_the_toolstack_sets_them);
    ADD(params_of_other_domains_are_refused);
    ADD(other_operations_answer_as_xen);
    ADD(upcall_vector_is_injected_on_its_vcpu);
    ADD(vector_callback_is_held_while_pending);
    ADD(gsi_callback_follows_vcpu_0);
    ADD(intx_callback_follows_vcpu_0);
    ADD(callback_moves_an_asserted_line);
    ADD(callbacks_that_mean_none_are_kept);
    ADD(callback_reaches_what_is_pending_already);
    return g_test_run();
}
