/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels: every sub-operation, and the bits a guest sees. */
#include "tests/conformance.h"
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define EVTCHN __HYPERVISOR_event_channel_op

static int64_t alloc_unbound(XenGuest *g, uint16_t dom, uint16_t remote)
{
    struct evtchn_alloc_unbound op = {dom, remote, 0};
    int64_t ret =
        xen_guest_op(g, EVTCHN, EVTCHNOP_alloc_unbound, &op, sizeof(op));

    return ret ? ret : op.port;
}

static int64_t bind_interdomain(XenGuest *g, uint16_t dom, uint32_t rport)
{
    struct evtchn_bind_interdomain op = {dom, rport, 0};
    int64_t ret =
        xen_guest_op(g, EVTCHN, EVTCHNOP_bind_interdomain, &op, sizeof(op));

    return ret ? ret : op.local_port;
}

/* An operation whose argument starts with a port. */
static int64_t port_op(XenGuest *g, uint32_t cmd, uint32_t port, uint32_t vcpu)
{
    uint32_t arg[2] = {port, vcpu};

    return xen_guest_op(g, EVTCHN, cmd, arg, sizeof(arg));
}

static struct evtchn_status status(XenGuest *g, uint32_t port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

    g_assert_cmpint(xen_guest_op(g, EVTCHN, EVTCHNOP_status, &op, sizeof(op)),
                    ==, 0);
    return op;
}

CONFORMS(EVTCHNOP_status)
static void test_new_domain_has_store_and_console(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (uint32_t port = 1; port <= 2; port++) {
        struct evtchn_status s = status(g, port);

        g_assert_cmpuint(s.status, ==, EVTCHNSTAT_interdomain);
        g_assert_cmpuint(s.u.interdomain.dom, ==, 0);
        g_assert_cmpuint(s.vcpu, ==, 0);
    }
    g_assert_cmpuint(status(g, 0).status, ==, EVTCHNSTAT_closed);
    g_assert_cmpuint(status(g, 63).status, ==, EVTCHNSTAT_closed);
    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, 3);
    g_assert_cmpint(port_op(g, EVTCHNOP_close, 2, 0), ==, 0);
    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, 2); /* the lowest */
}

CONFORMS(EVTCHNOP_close)
CONFORMS(EVTCHNOP_send)
CONFORMS(EVTCHNOP_unmask)
CONFORMS(EVTCHNOP_bind_vcpu)
CONFORMS(EVTCHNOP_bind_ipi)
CONFORMS(EVTCHNOP_bind_virq)
CONFORMS(EVTCHNOP_status)
CONFORMS(EVTCHNOP_reset)
CONFORMS(EVTCHNOP_close)
CONFORMS(EVTCHNOP_send)
CONFORMS(EVTCHNOP_unmask)
CONFORMS(EVTCHNOP_bind_vcpu)
CONFORMS(EVTCHNOP_bind_ipi)
CONFORMS(EVTCHNOP_bind_virq)
CONFORMS(EVTCHNOP_status)
CONFORMS(EVTCHNOP_reset)
static void test_errors_are_those_of_xen(void)
{
    static const struct {
        uint32_t cmd;
        uint32_t arg[2];
        int64_t want;
    } cases[] = {
        {EVTCHNOP_close, {0, 0}, -XEN_EINVAL},
        {EVTCHNOP_close, {3, 0}, -XEN_EINVAL},
        {EVTCHNOP_close, {5000, 0}, -XEN_EINVAL},
        {EVTCHNOP_close, {UINT32_MAX, 0}, -XEN_EINVAL},
        {EVTCHNOP_send, {0, 0}, -XEN_EINVAL},
        {EVTCHNOP_send, {3, 0}, -XEN_EINVAL},
        {EVTCHNOP_send, {5000, 0}, -XEN_EINVAL},
        {EVTCHNOP_unmask, {3, 0}, 0},
        {EVTCHNOP_unmask, {63, 0}, 0},
        {EVTCHNOP_unmask, {64, 0}, -XEN_EINVAL},
        {EVTCHNOP_unmask, {5000, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_vcpu, {1, 1}, 0},
        {EVTCHNOP_bind_vcpu, {1, 2}, -XEN_ENOENT},
        {EVTCHNOP_bind_vcpu, {3, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_vcpu, {5000, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_vcpu, {5000, 9}, -XEN_ENOENT},
        {EVTCHNOP_bind_ipi, {2, 0}, -XEN_ENOENT},
        {EVTCHNOP_bind_ipi, {UINT32_MAX, 0}, -XEN_ENOENT},
        {EVTCHNOP_bind_virq, {24, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_virq, {UINT32_MAX, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_virq, {VIRQ_CONSOLE, 1}, -XEN_EINVAL},
        {EVTCHNOP_bind_virq, {VIRQ_ARCH_0, 1}, -XEN_EINVAL},
        {EVTCHNOP_bind_virq, {VIRQ_TIMER, 2}, -XEN_ENOENT},
        {EVTCHNOP_status, {DOMID_SELF, 64}, -XEN_EINVAL},
        {EVTCHNOP_status, {DOMID_SELF, 4095}, -XEN_EINVAL},
        {EVTCHNOP_status, {0x1234, 1}, -XEN_ESRCH},
        {EVTCHNOP_status, {0, 1}, -XEN_EPERM},
        {EVTCHNOP_reset, {0x1234, 0}, -XEN_ESRCH},
        {EVTCHNOP_reset, {0, 0}, -XEN_EPERM},
        {XEN_EVTCHNOP_RESET_CONT, {DOMID_SELF, 0}, -XEN_EBUSY},
        {XEN_EVTCHNOP_RESET_CONT, {0x1234, 0}, -XEN_ESRCH},
        {EVTCHNOP_expand_array, {0, 0}, -XEN_EOPNOTSUPP},
        {EVTCHNOP_set_priority, {1, 0}, -XEN_ENOSYS},
        {15, {0, 0}, -XEN_ENOSYS},
        {UINT32_MAX, {0, 0}, -XEN_ENOSYS},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(2, 17);

        g_test_message("op %u (%#x, %u)", cases[i].cmd, cases[i].arg[0],
                       cases[i].arg[1]);
        g_assert_cmpint(
            port_op(g, cases[i].cmd, cases[i].arg[0], cases[i].arg[1]), ==,
            cases[i].want);
    }
}

CONFORMS(EVTCHNOP_bind_virq)
CONFORMS(EVTCHNOP_bind_virq)
static void test_virqs_bind_once_a_vcpu(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    for (uint32_t virq = 0; virq < XEN_NR_VIRQS; virq++) {
        int64_t port = xen_guest_bind_virq(g, virq, 0);

        g_assert_cmpint(port, ==, 3 + virq);
        g_assert_cmpint(xen_guest_bind_virq(g, virq, 0), ==, -XEN_EEXIST);
        g_assert_cmpuint(status(g, (uint32_t)port).status, ==, EVTCHNSTAT_virq);
        g_assert_cmpuint(status(g, (uint32_t)port).u.virq, ==, virq);
    }
    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 1), ==, 27);
    g_assert_cmpint(port_op(g, EVTCHNOP_close, 3, 0), ==, 0);
    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 0), ==, 3);
    /* Per-vCPU ones stay where they are; global ones move. */
    g_assert_cmpint(port_op(g, EVTCHNOP_bind_vcpu, 3, 1), ==, -XEN_EINVAL);
    g_assert_cmpint(port_op(g, EVTCHNOP_bind_vcpu, 3 + VIRQ_CONSOLE, 1), ==, 0);
    g_assert_cmpuint(status(g, 3 + VIRQ_CONSOLE).vcpu, ==, 1);
    g_assert_cmpint(port_op(g, EVTCHNOP_close, 3 + VIRQ_CONSOLE, 0), ==, 0);
    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_CONSOLE, 0), ==,
                    3 + VIRQ_CONSOLE);
    g_assert_cmpint(xen_guest_send(g, 3), ==, -XEN_EINVAL);
}

CONFORMS(EVTCHNOP_bind_ipi)
/* Since 4.20 a VIRQ of the whole host is bound by the domain it is sent to. */
CONFORMS(EVTCHNOP_bind_virq)
static void test_global_virqs_are_domain_0s_since_4_20(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 20);

    for (uint32_t virq = 0; virq < XEN_NR_VIRQS; virq++) {
        bool own = virq == VIRQ_TIMER || virq == VIRQ_DEBUG ||
                   virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU ||
                   virq == VIRQ_ARGO;
        int64_t port = xen_guest_bind_virq(g, virq, 0);

        g_test_message("virq %u", virq);
        if (own) {
            g_assert_cmpint(port, >, 0);
        } else {
            g_assert_cmpint(port, ==, -XEN_EBUSY);
            g_assert_cmpint(xen_guest_bind_virq(g, virq, 1), ==, -XEN_EINVAL);
        }
    }
    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_ARGO, 1), ==, -XEN_EINVAL);
    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 2), ==, -XEN_ENOENT);
}

static void test_ports_run_out_at_the_toolstack_limit(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (int64_t want = 3; want <= 1023; want++) {
        g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, want);
    }
    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, -XEN_ENOSPC);
    g_assert_cmpint(xen_guest_bind_virq(g, 0, 0), ==, -XEN_ENOSPC);
    g_assert_cmpint(alloc_unbound(g, DOMID_SELF, 0), ==, -XEN_ENOSPC);
    g_assert_cmpint(bind_interdomain(g, DOMID_SELF, 1), ==, -XEN_ENOSPC);
    g_assert_cmpint(xen_guest_send(g, 1023), ==, 0);
    g_assert_true(xen_guest_pending(g, 1023));
    g_assert_cmpint(xen_guest_send(g, 1024), ==, -XEN_EINVAL);
}

CONFORMS(EVTCHNOP_alloc_unbound)
CONFORMS(EVTCHNOP_bind_interdomain)
CONFORMS(EVTCHNOP_alloc_unbound)
CONFORMS(EVTCHNOP_bind_interdomain)
static void test_unbound_port_waits_for_its_domain(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    int64_t own, other;

    g_assert_cmpint(alloc_unbound(g, 0x1234, 0), ==, -XEN_ESRCH);
    g_assert_cmpint(alloc_unbound(g, 0, DOMID_SELF), ==, -XEN_EPERM);
    other = alloc_unbound(g, DOMID_SELF, 0x1234);
    own = alloc_unbound(g, XEN_GUEST_DOMID, DOMID_SELF);
    g_assert_cmpint(other, ==, 3);
    g_assert_cmpint(own, ==, 4);
    g_assert_cmpuint(status(g, 3).u.unbound.dom, ==, 0x1234);
    g_assert_cmpuint(status(g, 4).u.unbound.dom, ==, XEN_GUEST_DOMID);
    g_assert_cmpint(xen_guest_send(g, 3), ==, 0);
    g_assert_false(xen_guest_pending(g, 3));

    g_assert_cmpint(bind_interdomain(g, 0x1234, 3), ==, -XEN_ESRCH);
    g_assert_cmpint(bind_interdomain(g, 0, 3), ==, -XEN_EINVAL);
    g_assert_cmpint(bind_interdomain(g, DOMID_SELF, 3), ==, -XEN_EINVAL);
    g_assert_cmpint(bind_interdomain(g, DOMID_SELF, 5000), ==, -XEN_EINVAL);
    g_assert_cmpint(bind_interdomain(g, DOMID_SELF, 4), ==, 5);
    g_assert_cmpint(bind_interdomain(g, DOMID_SELF, 4), ==, -XEN_EINVAL);
    /* One event is made up for those that were lost. */
    g_assert_true(xen_guest_pending(g, 5));
    xen_guest_ack(g, 0);
    g_assert_cmpint(xen_guest_send(g, 5), ==, 0);
    g_assert_true(xen_guest_pending(g, 4));
    g_assert_false(xen_guest_pending(g, 5));

    g_assert_cmpint(port_op(g, EVTCHNOP_close, 5, 0), ==, 0);
    g_assert_cmpint(port_op(g, EVTCHNOP_close, 5, 0), ==, -XEN_EINVAL);
    g_assert_cmpuint(status(g, 4).status, ==, EVTCHNSTAT_unbound);
    g_assert_cmpuint(status(g, 4).u.unbound.dom, ==, XEN_GUEST_DOMID);
}

/* In the layout of @g the selector has a bit a word of 64 or of 32 ports. */
static void check_send(XenGuest *g, uint32_t port)
{
    uint64_t info = xen_guest_vcpu_info(g, 1);
    uint64_t sel = g->compat ? fake_host_peek32(g->fake, info + 4)
                             : fake_host_peek64(g->fake, info + 8);

    g_assert_true(xen_guest_pending(g, port));
    g_assert_true(xen_guest_upcall_pending(g, 1));
    g_assert_cmphex(sel, ==, 1ull << (port / (g->compat ? 32 : 64)));
}

static void send_in_layout(bool compat)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t port = 0;

    if (compat) {
        xen_guest_set_compat(g);
    }
    while (port < 70) {
        port = (uint32_t)xen_guest_bind_ipi(g, 1);
    }
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    check_send(g, port);
    xen_guest_ack(g, 1);

    /* Masked: pending is all that changes. */
    xen_guest_mask(g, port, true);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_true(xen_guest_pending(g, port));
    g_assert_false(xen_guest_upcall_pending(g, 1));
    /* Unmasking makes up for it, once. */
    g_assert_cmpint(port_op(g, EVTCHNOP_unmask, port, 0), ==, 0);
    check_send(g, port);
    fake_host_poke8(g->fake, xen_guest_vcpu_info(g, 1), 0);
    g_assert_cmpint(port_op(g, EVTCHNOP_unmask, port, 0), ==, 0);
    g_assert_false(xen_guest_upcall_pending(g, 1));
    /* Closing forgets the event. */
    g_assert_cmpint(port_op(g, EVTCHNOP_close, port, 0), ==, 0);
    g_assert_false(xen_guest_pending(g, port));
}

CONFORMS(EVTCHNOP_send)
CONFORMS(EVTCHNOP_unmask)
CONFORMS(EVTCHNOP_send)
CONFORMS(EVTCHNOP_unmask)
static void test_send_sets_bits_in_64_bit_layout(void)
{
    send_in_layout(false);
}

CONFORMS(EVTCHNOP_send)
CONFORMS(EVTCHNOP_unmask)
static void test_send_sets_bits_in_32_bit_layout(void)
{
    send_in_layout(true);
}

static void test_second_send_raises_no_second_upcall(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct xen_hvm_evtchn_upcall_vector vector = {0, 0xf3};
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op,
                                 HVMOP_set_evtchn_upcall_vector, &vector,
                                 sizeof(vector)),
                    ==, 0);
    fake_host_clear_events(g->fake);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_LAPIC_INJECT), ==, 1);
    xen_guest_ack(g, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_LAPIC_INJECT), ==, 2);
}

CONFORMS(EVTCHNOP_reset)
static void test_reset_closes_everything(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    struct evtchn_reset op = {DOMID_SELF};

    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 1), ==, 3);
    g_assert_cmpint(xen_guest_bind_ipi(g, 1), ==, 4);
    g_assert_cmpint(xen_guest_op(g, EVTCHN, EVTCHNOP_reset, &op, sizeof(op)),
                    ==, 0);
    for (uint32_t port = 0; port < 64; port++) {
        g_assert_cmpuint(status(g, port).status, ==, EVTCHNSTAT_closed);
    }
    /* The console is gone: input waits, sends are refused. */
    g_assert_cmpint(xen_guest_send(g, 2), ==, -XEN_EINVAL);
    g_assert_cmpuint(xen_domain_console_receive(g->d, (const uint8_t *)"x", 1),
                     ==, 1);
    g_assert_false(xen_guest_pending(g, 2));
    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 1), ==, 1);
}

static void test_send_reaches_the_console_and_back(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    const uint64_t ring = 0xfefffull << HOST_PAGE_SHIFT;

    fake_host_poke(g->fake, ring + 1024, "hello", 5);
    fake_host_poke32(g->fake, ring + 3072 + 12, 5); /* out_prod */
    g_assert_cmpint(xen_guest_send(g, 2), ==, 0);
    g_assert_cmpstr(fake_host_console(g->fake), ==, "hello");
    xen_guest_ack(g, 0);
    g_assert_cmpuint(xen_domain_console_receive(g->d, (const uint8_t *)"in", 2),
                     ==, 2);
    g_assert_true(xen_guest_pending(g, 2));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/evtchn/" #name, test_##name)
    ADD(new_domain_has_store_and_console);
    ADD(errors_are_those_of_xen);
    ADD(virqs_bind_once_a_vcpu);
    ADD(global_virqs_are_domain_0s_since_4_20);
    ADD(ports_run_out_at_the_toolstack_limit);
    ADD(unbound_port_waits_for_its_domain);
    ADD(send_sets_bits_in_64_bit_layout);
    ADD(send_sets_bits_in_32_bit_layout);
    ADD(second_send_raises_no_second_upcall);
    ADD(reset_closes_everything);
    ADD(send_reaches_the_console_and_back);
    return g_test_run();
}
