/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels between the guest and back ends in domain 0. */
#include "hw/xen/backend.h"
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define EVTCHN __HYPERVISOR_event_channel_op

typedef struct Backend {
    unsigned kicks;
} Backend;

static void kick(void *opaque)
{
    ((Backend *)opaque)->kicks++;
}

static uint32_t alloc_unbound(XenGuest *g, uint16_t remote)
{
    struct evtchn_alloc_unbound op = {DOMID_SELF, remote, 0};

    g_assert_cmpint(
        xen_guest_op(g, EVTCHN, EVTCHNOP_alloc_unbound, &op, sizeof(op)), ==,
        0);
    return op.port;
}

static int64_t close_port(XenGuest *g, uint32_t port)
{
    struct evtchn_close op = {port};

    return xen_guest_op(g, EVTCHN, EVTCHNOP_close, &op, sizeof(op));
}

static struct evtchn_status status(XenGuest *g, uint32_t port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

    g_assert_cmpint(xen_guest_op(g, EVTCHN, EVTCHNOP_status, &op, sizeof(op)),
                    ==, 0);
    return op;
}

CONFORMS(EVTCHNOP_send)
CONFORMS(EVTCHNOP_status)
static void test_bound_port_carries_events_both_ways(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    struct evtchn_bind_vcpu move;
    Backend backend = {0};
    uint32_t port = alloc_unbound(g, 0);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0); /* dropped */
    g_assert_cmpint(xen_backend_notify(g->d, port), ==, -XEN_EINVAL);
    g_assert_cmpint(xen_backend_bind(g->d, port, kick, &backend), ==, 0);
    /* Domain 0's end was marked pending, ours was not. */
    g_assert_cmpuint(backend.kicks, ==, 1);
    g_assert_false(xen_guest_pending(g, port));
    g_assert_cmpuint(status(g, port).status, ==, EVTCHNSTAT_interdomain);
    g_assert_cmpuint(status(g, port).u.interdomain.dom, ==, 0);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(backend.kicks, ==, 2);
    g_assert_cmpint(xen_backend_notify(g->d, port), ==, 0);
    g_assert_true(xen_guest_pending(g, port));
    g_assert_true(xen_guest_upcall_pending(g, 0));
    xen_guest_ack(g, 0);
    move = (struct evtchn_bind_vcpu){port, 1};
    g_assert_cmpint(
        xen_guest_op(g, EVTCHN, EVTCHNOP_bind_vcpu, &move, sizeof(move)), ==,
        0);
    g_assert_cmpint(xen_backend_notify(g->d, port), ==, 0);
    g_assert_true(xen_guest_upcall_pending(g, 1));
    g_assert_false(xen_guest_upcall_pending(g, 0));
}

static void test_only_a_port_for_domain_0_can_be_bound(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    Backend backend = {0};
    uint32_t other = alloc_unbound(g, 5), own = alloc_unbound(g, DOMID_SELF);
    uint32_t ipi = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t bound = alloc_unbound(g, 0);
    const uint32_t ports[] = {
        0,          XEN_STORE_PORT, XEN_CONSOLE_PORT, own, other, ipi, 60, 64,
        UINT32_MAX, bound};

    g_assert_cmpint(xen_backend_bind(g->d, bound, kick, &backend), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(ports); i++) {
        g_test_message("port %u", ports[i]);
        g_assert_cmpint(xen_backend_bind(g->d, ports[i], kick, &backend), ==,
                        -XEN_EINVAL);
        if (ports[i] != bound) {
            g_assert_cmpint(xen_backend_notify(g->d, ports[i]), ==,
                            -XEN_EINVAL);
            xen_backend_unbind(g->d, ports[i]);
        }
    }
    g_assert_cmpuint(backend.kicks, ==, 1);
    g_assert_cmpuint(status(g, XEN_STORE_PORT).status, ==,
                     EVTCHNSTAT_interdomain);
    g_assert_cmpuint(status(g, own).status, ==, EVTCHNSTAT_unbound);
}

CONFORMS(EVTCHNOP_close)
static void test_either_side_closes(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    Backend backend = {0};
    uint32_t port = alloc_unbound(g, 0);

    g_assert_cmpint(xen_backend_bind(g->d, port, kick, &backend), ==, 0);
    xen_backend_unbind(g->d, port);
    g_assert_cmpuint(status(g, port).status, ==, EVTCHNSTAT_unbound);
    g_assert_cmpuint(status(g, port).u.unbound.dom, ==, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0); /* dropped */
    g_assert_cmpint(xen_backend_notify(g->d, port), ==, -XEN_EINVAL);
    g_assert_cmpuint(backend.kicks, ==, 1);

    g_assert_cmpint(xen_backend_bind(g->d, port, kick, &backend), ==, 0);
    g_assert_cmpint(close_port(g, port), ==, 0);
    g_assert_cmpint(xen_backend_notify(g->d, port), ==, -XEN_EINVAL);
    g_assert_cmpint(xen_guest_send(g, port), ==, -XEN_EINVAL);
    g_assert_cmpint(xen_backend_bind(g->d, port, kick, &backend), ==,
                    -XEN_EINVAL);
    xen_backend_unbind(g->d, port);
    g_assert_cmpuint(status(g, port).status, ==, EVTCHNSTAT_closed);
    g_assert_cmpuint(backend.kicks, ==, 2);

    /* The port is another's now: the old back end has no part in it. */
    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, port);
    g_assert_cmpint(xen_backend_notify(g->d, port), ==, -XEN_EINVAL);
    g_assert_false(xen_guest_pending(g, port));
}

static void test_reset_forgets_the_backend(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    Backend backend = {0};
    uint32_t port = alloc_unbound(g, 0);

    g_assert_cmpint(xen_backend_bind(g->d, port, kick, &backend), ==, 0);
    xen_domain_reset(g->d);
    g_assert_cmpint(xen_backend_notify(g->d, port), ==, -XEN_EINVAL);
    g_assert_cmpint(xen_guest_send(g, port), ==, -XEN_EINVAL);
    g_assert_cmpuint(alloc_unbound(g, 0), ==, port);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(backend.kicks, ==, 1);
}

/* The guest's port stays bound; who serves it binds anew and is kicked. */
static void test_backend_binds_again_after_migration(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    Backend backend = {0};
    uint32_t port = alloc_unbound(g, 0);
    g_autoptr(GByteArray) state = NULL;
    StateReader *r;

    g_assert_cmpint(xen_backend_bind(g->d, port, kick, &backend), ==, 0);
    state = xen_guest_save(g);
    xen_domain_reset(g->d);
    r = state_reader_new(state->data, state->len);
    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, NULL));

    g_assert_cmpuint(status(g, port).status, ==, EVTCHNSTAT_interdomain);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(xen_backend_notify(g->d, port), ==, -XEN_EINVAL);
    g_assert_cmpuint(backend.kicks, ==, 1);
    g_assert_cmpint(xen_backend_bind(g->d, port, kick, &backend), ==, 0);
    g_assert_cmpuint(backend.kicks, ==, 2);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(backend.kicks, ==, 3);
    /* The store is where it was. */
    g_assert_cmpint(xen_guest_send(g, XEN_STORE_PORT), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/backend/" #name, test_##name)
    ADD(bound_port_carries_events_both_ways);
    ADD(only_a_port_for_domain_0_can_be_bound);
    ADD(either_side_closes);
    ADD(reset_forgets_the_backend);
    ADD(backend_binds_again_after_migration);
    return g_test_run();
}
