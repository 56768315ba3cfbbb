/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channel operations: what each answers, in the 2-level ABI.
 *
 * Behaviour: every sub-operation's success and errors, with wrong ports,
 * vCPUs, domains and arguments that are not there.
 * Check: the answers, and what EVTCHNOP_status and shared_info say after them.
 * Cannot tell apart: an error that changed something no status shows.
 * Real Xen: the same (xen: common/event_channel.c, common/event_2l.c), where
 * the domain is not given more than xl's 1023 ports.
 *
 * RUN: default smp=1
 * RUN: 4-20 smp=1 plugin=xen-version=4.20
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=4 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/xen.h"

#define FIRST_FREE              3u
#define LAST_PORT               1023u
#define NO_DOMAIN               0x1234u
#define DOM0                    0u
#define NO_ADDRESS              ((void *)(uintptr_t)0xdeadf000u)
#define XEN_EVTCHNOP_RESET_CONT 14u /* in no header for guests */
/* Since this version VIRQs of the host belong to the domain they go to. */
#define GLOBAL_VIRQS_OWNED 20u

typedef struct Case {
    unsigned op;
    uint32_t words[4];
    int want;
} Case;

static void check_cases(const Case *cases, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t words[6];

        memset(words, 0, sizeof(words));
        memcpy(words, cases[i].words, sizeof(cases[i].words));
        input("op %u (0x%x, %u)", cases[i].op, words[0], words[1]);
        check_signed("answer", cases[i].want,
                     xen_evtchn_op(cases[i].op, words));
    }
}

static struct evtchn_status status(unsigned port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

    CHECK_RC(0, xen_evtchn_op(EVTCHNOP_status, &op));
    return op;
}

static int alloc_unbound(unsigned remote)
{
    struct evtchn_alloc_unbound op = {DOMID_SELF, (domid_t)remote, 0};
    long ret = xen_evtchn_op(EVTCHNOP_alloc_unbound, &op);

    return ret ? (int)ret : (int)op.port;
}

static int bind_self(unsigned rport)
{
    struct evtchn_bind_interdomain op = {DOMID_SELF, rport, 0};
    long ret = xen_evtchn_op(EVTCHNOP_bind_interdomain, &op);

    return ret ? (int)ret : (int)op.local_port;
}

CONFORMS(EVTCHNOP_close)
CONFORMS(EVTCHNOP_send)
CONFORMS(EVTCHNOP_unmask)
CONFORMS(EVTCHNOP_bind_vcpu)
CONFORMS(EVTCHNOP_bind_ipi)
CONFORMS(EVTCHNOP_status)
CONFORMS(EVTCHNOP_expand_array)
CONFORMS(EVTCHNOP_set_priority)
static void errors_of_ports_and_vcpus(void)
{
    static const Case cases[] = {
        {EVTCHNOP_close, {0}, -XEN_EINVAL},
        {EVTCHNOP_close, {FIRST_FREE}, -XEN_EINVAL},
        {EVTCHNOP_close, {5000}, -XEN_EINVAL},
        {EVTCHNOP_close, {~0u}, -XEN_EINVAL},
        {EVTCHNOP_send, {0}, -XEN_EINVAL},
        {EVTCHNOP_send, {FIRST_FREE}, -XEN_EINVAL},
        {EVTCHNOP_send, {5000}, -XEN_EINVAL},
        {EVTCHNOP_unmask, {FIRST_FREE}, 0},
        {EVTCHNOP_unmask, {5000}, -XEN_EINVAL},
        {EVTCHNOP_bind_vcpu, {1, 0}, 0},
        {EVTCHNOP_bind_vcpu, {1, MAX_CPUS + 500}, -XEN_ENOENT},
        {EVTCHNOP_bind_vcpu, {FIRST_FREE, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_vcpu, {5000, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_ipi, {MAX_CPUS + 500}, -XEN_ENOENT},
        {EVTCHNOP_bind_ipi, {~0u}, -XEN_ENOENT},
        {EVTCHNOP_status, {DOMID_SELF, 4095}, -XEN_EINVAL},
        {EVTCHNOP_status, {NO_DOMAIN, 1}, -XEN_ESRCH},
        {EVTCHNOP_status, {DOM0, 1}, -XEN_EPERM},
        {EVTCHNOP_set_priority, {1, 0}, -XEN_ENOSYS},
        {EVTCHNOP_set_priority, {5000, 0}, -XEN_EINVAL},
        {EVTCHNOP_expand_array, {1, 0}, -XEN_EOPNOTSUPP},
        {15, {0}, -XEN_ENOSYS},
        {99, {0}, -XEN_ENOSYS},
        {~0u, {0}, -XEN_ENOSYS},
    };

    check_cases(cases, ARRAY_SIZE(cases));
}

CONFORMS(EVTCHNOP_alloc_unbound)
CONFORMS(EVTCHNOP_bind_interdomain)
static void unbound_and_interdomain_ports(void)
{
    static const Case cases[] = {
        {EVTCHNOP_alloc_unbound, {NO_DOMAIN}, -XEN_ESRCH},
        {EVTCHNOP_alloc_unbound, {DOM0}, -XEN_EPERM},
        {EVTCHNOP_bind_interdomain, {NO_DOMAIN, 1}, -XEN_ESRCH},
        {EVTCHNOP_bind_interdomain, {DOMID_SELF, 1}, -XEN_EINVAL},
        {EVTCHNOP_bind_interdomain, {DOMID_SELF, 5000}, -XEN_EINVAL},
    };
    int other, own, local;

    check_cases(cases, ARRAY_SIZE(cases));
    input("unbound");
    other = alloc_unbound(NO_DOMAIN);
    own = alloc_unbound(DOMID_SELF);
    CHECK(other > 0 && own > 0);
    CHECK_EQ(EVTCHNSTAT_unbound, status((unsigned)other).status);
    CHECK_EQ(NO_DOMAIN, status((unsigned)other).u.unbound.dom);
    CHECK_RC(0, evtchn_send((unsigned)own)); /* dropped */
    CHECK(!evtchn_pending((unsigned)own));
    CHECK_RC(-XEN_EINVAL, bind_self((unsigned)other));

    input("bound");
    local = bind_self((unsigned)own);
    CHECK(local > 0);
    CHECK_RC(-XEN_EINVAL, bind_self((unsigned)own));
    CHECK(evtchn_clear((unsigned)local)); /* made up */
    CHECK_EQ((unsigned)own, status((unsigned)local).u.interdomain.port);
    CHECK_EQ((unsigned)local, status((unsigned)own).u.interdomain.port);
    CHECK_RC(0, evtchn_send((unsigned)local));
    CHECK(evtchn_clear((unsigned)own) && !evtchn_pending((unsigned)local));

    input("closed");
    CHECK_RC(0, evtchn_close((unsigned)local));
    CHECK_EQ(EVTCHNSTAT_unbound, status((unsigned)own).status);
    CHECK_RC(local, bind_self((unsigned)own));
    CHECK_RC(0, evtchn_close((unsigned)own));
    CHECK_EQ(EVTCHNSTAT_unbound, status((unsigned)local).status);
    CHECK_RC(0, evtchn_close((unsigned)local));
    CHECK_RC(0, evtchn_close((unsigned)other));
    evtchn_ack_upcall(0);
}

/* VIRQs of the host: all but a vCPU's own and, since 4.20, Argo's. */
static bool is_global(unsigned virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
           virq != VIRQ_XENPMU;
}

CONFORMS(EVTCHNOP_bind_virq)
static void virtual_interrupts(void)
{
    static const Case cases[] = {
        {EVTCHNOP_bind_virq, {24, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_virq, {~0u, 0}, -XEN_EINVAL},
        {EVTCHNOP_bind_virq, {VIRQ_DOM_EXC, 1}, -XEN_EINVAL},
        {EVTCHNOP_bind_virq, {VIRQ_TIMER, MAX_CPUS + 500}, -XEN_ENOENT},
    };
    bool owned = (xen_version() & 0xffff) >= GLOBAL_VIRQS_OWNED;

    check_cases(cases, ARRAY_SIZE(cases));
    for (unsigned virq = 0; virq < 24; virq++) {
        int port = evtchn_bind_virq(virq, 0);

        input("virq %u", virq);
        if (owned && is_global(virq) && virq != VIRQ_ARGO) {
            CHECK_RC(-XEN_EBUSY, port);
            continue;
        }
        CHECK_RC((int)FIRST_FREE, port);
        CHECK_RC(-XEN_EEXIST, evtchn_bind_virq(virq, 0));
        CHECK_EQ(EVTCHNSTAT_virq, status((unsigned)port).status);
        CHECK_EQ(virq, status((unsigned)port).u.virq);
        CHECK_RC(-XEN_EINVAL, evtchn_send((unsigned)port));
        CHECK_RC(0, evtchn_close((unsigned)port));
    }
}

CONFORMS(EVTCHNOP_bind_vcpu)
static void only_some_ports_move(void)
{
    struct evtchn_bind_vcpu move = {.vcpu = cpu_count() - 1};
    int ipi = evtchn_bind_ipi(0), virq = evtchn_bind_virq(VIRQ_DEBUG, 0);
    int unbound = alloc_unbound(DOMID_SELF);

    move.port = (unsigned)ipi;
    CHECK_RC(-XEN_EINVAL, xen_evtchn_op(EVTCHNOP_bind_vcpu, &move));
    move.port = (unsigned)virq;
    CHECK_RC(-XEN_EINVAL, xen_evtchn_op(EVTCHNOP_bind_vcpu, &move));
    move.port = (unsigned)unbound;
    CHECK_RC(0, xen_evtchn_op(EVTCHNOP_bind_vcpu, &move));
    CHECK_EQ(move.vcpu, status((unsigned)unbound).vcpu);
    CHECK_RC(0, evtchn_close((unsigned)unbound));
    CHECK_EQ(0, status((unsigned)unbound).vcpu);
    CHECK_RC(0, evtchn_close((unsigned)ipi));
    CHECK_RC(0, evtchn_close((unsigned)virq));
}

CONFORMS(EVTCHNOP_send)
CONFORMS(EVTCHNOP_unmask)
static void masked_event_is_only_pending(void)
{
    int port = evtchn_bind_ipi(0);

    evtchn_ack_upcall(0);
    evtchn_mask((unsigned)port);
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK(evtchn_pending((unsigned)port));
    CHECK_EQ(0, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_RC(0, evtchn_unmask((unsigned)port));
    CHECK_EQ(1, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK(evtchn_ack_upcall(0));
    CHECK_RC(0, evtchn_unmask((unsigned)port)); /* it was not masked */
    CHECK_EQ(0, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_RC(0, evtchn_close((unsigned)port));
    CHECK(!evtchn_pending((unsigned)port));
}

CONFORMS(EVTCHNOP_bind_ipi)
CONFORMS(EVTCHNOP_close)
static void ports_run_out(void)
{
    unsigned n = FIRST_FREE;

    while (n <= LAST_PORT && evtchn_bind_ipi(0) == (int)n) {
        n++;
    }
    CHECK_EQ(LAST_PORT + 1, n);
    CHECK_RC(-XEN_ENOSPC, evtchn_bind_ipi(0));
    CHECK_RC(-XEN_ENOSPC, evtchn_bind_virq(VIRQ_TIMER, 0));
    CHECK_RC(-XEN_ENOSPC, alloc_unbound(DOMID_SELF));
    CHECK_RC(-XEN_ENOSPC, bind_self(1));
    CHECK_RC(0, evtchn_send(LAST_PORT));
    CHECK(evtchn_clear(LAST_PORT));
    CHECK_RC(-XEN_EINVAL, evtchn_send(LAST_PORT + 1));
    while (n-- > FIRST_FREE) {
        evtchn_close(n);
    }
    CHECK_RC((int)FIRST_FREE, evtchn_bind_ipi(0));
    CHECK_RC(0, evtchn_close(FIRST_FREE));
    evtchn_ack_upcall(0);
}

static void arguments_that_are_not_there(void)
{
    for (unsigned op = 0; op <= XEN_EVTCHNOP_RESET_CONT; op++) {
        input("op %u", op);
        CHECK_RC(-XEN_EFAULT, xen_evtchn_op(op, NO_ADDRESS));
    }
}

/* The last: it takes the console's and the store's ports along. */
CONFORMS(EVTCHNOP_reset)
CONFORMS(XEN_EVTCHNOP_RESET_CONT)
static void reset_closes_everything(void)
{
    static const Case cases[] = {
        {EVTCHNOP_reset, {NO_DOMAIN}, -XEN_ESRCH},
        {EVTCHNOP_reset, {DOM0}, -XEN_EPERM},
        {XEN_EVTCHNOP_RESET_CONT, {NO_DOMAIN}, -XEN_ESRCH},
        {XEN_EVTCHNOP_RESET_CONT, {DOM0}, -XEN_EPERM},
        {XEN_EVTCHNOP_RESET_CONT, {DOMID_SELF}, -XEN_EBUSY},
        {EVTCHNOP_reset, {DOMID_SELF}, 0},
        {EVTCHNOP_send, {1}, -XEN_EINVAL},
        {EVTCHNOP_send, {2}, -XEN_EINVAL},
    };

    evtchn_bind_ipi(0);
    evtchn_bind_virq(VIRQ_TIMER, 0);
    check_cases(cases, ARRAY_SIZE(cases));
    for (unsigned port = 0; port < 8; port++) {
        input("port %u", port);
        CHECK_EQ(EVTCHNSTAT_closed, status(port).status);
    }
    CHECK_RC(1, evtchn_bind_virq(VIRQ_TIMER, 0));
}

static void fresh_ports(void)
{
    if (xen_shared_info()) {
        CHECK_EQ(EVTCHNSTAT_interdomain, status(1).status);
        CHECK_EQ(EVTCHNSTAT_interdomain, status(2).status);
        CHECK_EQ(EVTCHNSTAT_closed, status(FIRST_FREE).status);
    }
}

PAYLOAD(NEEDS_XEN, TEST(fresh_ports), TEST(errors_of_ports_and_vcpus),
        TEST(unbound_and_interdomain_ports), TEST(virtual_interrupts),
        TEST(only_some_ports_move), TEST(masked_event_is_only_pending),
        TEST(ports_run_out), TEST(arguments_that_are_not_there),
        TEST(reset_closes_everything));
