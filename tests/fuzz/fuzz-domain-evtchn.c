/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels of the state-machine fuzz: the model knows every port, and
 * what each operation on it answers.
 */
#include <string.h>

#include "tests/fuzz/fuzz-domain.h"

#include "hw/xen/backend.h"

#define EVTCHN     __HYPERVISOR_event_channel_op
#define BUCKET     64u
#define STORE_RING ((uint64_t)XEN_STORE_GFN << HOST_PAGE_SHIFT)

static ModelPort *port_get(World *w, uint32_t port)
{
    return port < w->nr_valid ? &w->ports[port] : NULL;
}

/* As in Xen the table grows although the operation may fail afterwards. */
static int64_t free_port(World *w)
{
    for (uint32_t i = 0; i < w->nr_valid; i++) {
        if (w->ports[i].kind == PORT_FREE) {
            return i;
        }
    }
    if (w->nr_valid == FUZZ_NR_PORTS) {
        return -XEN_ENOSPC;
    }
    w->nr_valid += BUCKET;
    return w->nr_valid - BUCKET;
}

/*
 * The port an operation that answered @ret gave, @want being the model's.  In
 * the FIFO ABI the guest's words say which free ports cannot be used yet.
 * @return: negative if there is none
 */
static int64_t port_given(World *w, int64_t ret, uint32_t got, int64_t want)
{
    if (!w->fifo || w->faulty) {
        EXPECT(w, ret ? ret : got, want);
        return want;
    }
    if (ret) {
        EXPECT(w, ret, want < 0 ? want : -XEN_ENOSPC);
        world_resync(w);
        return ret;
    }
    while (got >= w->nr_valid) {
        w->nr_valid += BUCKET;
    }
    g_assert_cmpint(w->ports[got].kind, ==, PORT_FREE);
    return got;
}

static int64_t domid_check(uint16_t domid)
{
    if (domid == DOMID_SELF || domid == XEN_GUEST_DOMID) {
        return 0;
    }
    return domid == 0 ? -XEN_EPERM : -XEN_ESRCH;
}

static bool virq_is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
           virq != VIRQ_XENPMU;
}

void evtchn_forget(World *w)
{
    memset(w->ports, 0, sizeof(w->ports));
    w->nr_valid = BUCKET;
    w->fifo = false;
    w->fifo_pins = w->fifo_pages = 0;
    memset(w->fifo_control, 0, sizeof(w->fifo_control));
    w->ports[0].kind = PORT_RESERVED;
    for (uint32_t i = 1; i <= 2; i++) {
        w->ports[i] = (ModelPort){.kind = PORT_INTERDOMAIN, .peer = i};
    }
}

static int64_t status_of(World *w, uint32_t port, struct evtchn_status *op)
{
    *op = (struct evtchn_status){.dom = DOMID_SELF, .port = port};
    return xen_guest_op(w->g, EVTCHN, EVTCHNOP_status, op, sizeof(*op));
}

static ModelPort port_asked(World *w, uint32_t port, int64_t *ret)
{
    ModelPort p = {0};
    struct evtchn_status op;

    *ret = status_of(w, port, &op);
    if (*ret) {
        return p;
    }
    switch (op.status) {
    case EVTCHNSTAT_closed:
        p.kind = port == 0 ? PORT_RESERVED : PORT_FREE;
        return p;
    case EVTCHNSTAT_unbound:
        p.kind = PORT_UNBOUND;
        p.dom = op.u.unbound.dom;
        break;
    case EVTCHNSTAT_interdomain:
        p.kind = PORT_INTERDOMAIN;
        p.dom = op.u.interdomain.dom;
        p.peer = p.dom ? op.u.interdomain.port : port;
        break;
    case EVTCHNSTAT_virq:
        p.kind = PORT_VIRQ;
        p.virq = op.u.virq;
        break;
    case EVTCHNSTAT_ipi:
        p.kind = PORT_IPI;
        break;
    default:
        p.kind = PORT_OTHER;
    }
    p.vcpu = op.vcpu;
    return p;
}

void evtchn_resync(World *w)
{
    int64_t ret = 0;

    w->nr_valid = FUZZ_NR_PORTS;
    for (uint32_t i = 0; i < w->nr_valid; i++) {
        ModelPort p = port_asked(w, i, &ret);

        if (ret) {
            w->nr_valid = i;
            break;
        }
        p.own_backend = p.kind == PORT_INTERDOMAIN && p.dom == 0 &&
                        xen_backend_notify(w->g->d, i) == 0;
        w->ports[i] = p;
    }
    memset(&w->ports[w->nr_valid], 0,
           (FUZZ_NR_PORTS - w->nr_valid) * sizeof(w->ports[0]));
}

/* What ports say of each other, whatever the model thinks. */
static void check_links(World *w, uint32_t port)
{
    const ModelPort *p = &w->ports[port];
    const ModelPort *peer = port_get(w, p->peer);

    g_assert_cmpuint(p->vcpu, <, w->nr_vcpus);
    if (p->kind == PORT_INTERDOMAIN && p->dom == XEN_GUEST_DOMID) {
        g_assert_nonnull(peer);
        g_assert_cmpint(peer->kind, ==, PORT_INTERDOMAIN);
        g_assert_cmpuint(peer->peer, ==, port);
        g_assert_cmpuint(peer->dom, ==, XEN_GUEST_DOMID);
    }
    if (p->kind == PORT_VIRQ) {
        for (uint32_t i = 0; i < port; i++) {
            const ModelPort *o = &w->ports[i];

            g_assert_false(o->kind == PORT_VIRQ && o->virq == p->virq &&
                           (virq_is_global(p->virq) || o->vcpu == p->vcpu));
        }
    }
}

static void check_port(World *w, uint32_t port)
{
    const ModelPort *want = port_get(w, port);
    int64_t ret;
    ModelPort got = port_asked(w, port, &ret);

    EXPECT(w, ret, want ? 0 : -XEN_EINVAL);
    if (ret || want->kind == PORT_FREE || want->kind == PORT_RESERVED) {
        g_assert_cmpint(got.kind, ==, want ? want->kind : PORT_FREE);
        return;
    }
    g_assert_cmpint(got.kind, ==, want->kind);
    g_assert_cmpuint(got.vcpu, ==, want->vcpu);
    g_assert_cmpuint(got.dom, ==, want->dom);
    if (want->kind == PORT_INTERDOMAIN) {
        g_assert_cmpuint(got.peer, ==, want->peer);
    }
    if (want->kind == PORT_VIRQ) {
        g_assert_cmpuint(got.virq, ==, want->virq);
    }
    check_links(w, port);
}

/* All of them once in a while, the lowest always. */
void evtchn_check(World *w)
{
    uint32_t all = w->step % 64 == 0 ? w->nr_valid : 12;

    w->g->vcpu = 0;
    w->g->compat = false;
    for (uint32_t i = 0; i < all; i++) {
        check_port(w, i);
    }
    check_port(w, w->nr_valid - 1);
    if (w->nr_valid < FUZZ_NR_PORTS) {
        check_port(w, w->nr_valid);
    }
}

static void act_alloc_unbound(World *w)
{
    struct evtchn_alloc_unbound op = {draw_domid(w), 0, 0};
    int64_t want = domid_check(op.dom), ret;

    op.remote_dom = one_in(w, 2) ? DOMID_SELF : one_in(w, 4) ? 0x1234 : 0;
    ret = world_op(w, EVTCHN, EVTCHNOP_alloc_unbound, &op, sizeof(op));
    want = want ? want : free_port(w);
    want = want < 0 ? want : port_given(w, ret, op.port, want);
    if (want >= 0) {
        w->ports[want] = (ModelPort){
            .kind = PORT_UNBOUND,
            .dom =
                op.remote_dom == DOMID_SELF ? XEN_GUEST_DOMID : op.remote_dom,
        };
        want = 0;
    }
    EXPECT(w, ret, want);
}

static void act_bind_interdomain(World *w)
{
    struct evtchn_bind_interdomain op = {draw_domid(w), draw_port(w), 0};
    uint16_t rdom =
        op.remote_dom == DOMID_SELF ? XEN_GUEST_DOMID : op.remote_dom;
    int64_t ret =
        world_op(w, EVTCHN, EVTCHNOP_bind_interdomain, &op, sizeof(op));
    int64_t port;
    ModelPort *remote;

    if (rdom != 0 && rdom != XEN_GUEST_DOMID) {
        EXPECT(w, ret, -XEN_ESRCH);
        return;
    }
    port = free_port(w);
    remote = rdom ? port_get(w, op.remote_port) : NULL;
    if (port < 0) {
        EXPECT(w, ret, port);
    } else if (!remote || remote->kind != PORT_UNBOUND ||
               remote->dom != XEN_GUEST_DOMID) {
        EXPECT(w, ret, -XEN_EINVAL);
        if (w->fifo) {
            world_resync(w); /* it may have had to grow the table */
        }
    } else {
        port = port_given(w, ret, op.local_port, port);
        if (port < 0) {
            return;
        }
        w->ports[port] = (ModelPort){.kind = PORT_INTERDOMAIN,
                                     .dom = XEN_GUEST_DOMID,
                                     .peer = op.remote_port};
        remote->kind = PORT_INTERDOMAIN;
        remote->peer = (uint32_t)port;
    }
}

static bool virq_bound(World *w, uint32_t virq, uint32_t vcpu)
{
    for (uint32_t i = 0; i < w->nr_valid; i++) {
        const ModelPort *p = &w->ports[i];

        if (p->kind == PORT_VIRQ && p->virq == virq &&
            (virq_is_global(virq) || p->vcpu == vcpu)) {
            return true;
        }
    }
    return false;
}

static void act_bind_virq(World *w)
{
    struct evtchn_bind_virq op = {.vcpu = draw_vcpu(w)};
    int64_t want, ret;

    op.virq = one_in(w, 3) ? VIRQ_TIMER : (uint32_t)draw(w, 25);
    if (virq_is_global(op.virq) && one_in(w, 2)) {
        op.vcpu = 0;
    }
    ret = world_op(w, EVTCHN, EVTCHNOP_bind_virq, &op, sizeof(op));
    if (op.virq >= XEN_NR_VIRQS || (virq_is_global(op.virq) && op.vcpu)) {
        want = -XEN_EINVAL;
    } else if (op.vcpu >= w->nr_vcpus) {
        want = -XEN_ENOENT;
    } else if (virq_bound(w, op.virq, op.vcpu)) {
        want = -XEN_EEXIST;
    } else if (ret == -XEN_EBUSY && w->minor >= 20 && virq_is_global(op.virq)) {
        return; /* another domain has it */
    } else {
        want = free_port(w);
    }
    want = want < 0 ? want : port_given(w, ret, op.port, want);
    if (want >= 0) {
        w->ports[want] =
            (ModelPort){.kind = PORT_VIRQ, .vcpu = op.vcpu, .virq = op.virq};
        want = 0;
    }
    EXPECT(w, ret, want);
}

static void act_bind_ipi(World *w)
{
    struct evtchn_bind_ipi op = {draw_vcpu(w), 0};
    int64_t ret = world_op(w, EVTCHN, EVTCHNOP_bind_ipi, &op, sizeof(op));
    int64_t want = op.vcpu >= w->nr_vcpus ? -XEN_ENOENT : free_port(w);

    want = want < 0 ? want : port_given(w, ret, op.port, want);
    if (want >= 0) {
        w->ports[want] = (ModelPort){.kind = PORT_IPI, .vcpu = op.vcpu};
        want = 0;
    }
    EXPECT(w, ret, want);
}

static void model_close(World *w, uint32_t port)
{
    ModelPort *p = &w->ports[port];

    if (p->kind == PORT_INTERDOMAIN && p->dom == XEN_GUEST_DOMID) {
        w->ports[p->peer].kind = PORT_UNBOUND;
        w->ports[p->peer].peer = 0;
    }
    *p = (ModelPort){.kind = PORT_FREE};
}

static void act_close(World *w)
{
    struct evtchn_close op = {draw_port(w)};
    ModelPort *p = port_get(w, op.port);
    int64_t ret;

    if (p && op.port <= 2 && !one_in(w, 10)) {
        return; /* the rings' are worth more */
    }
    ret = world_op(w, EVTCHN, EVTCHNOP_close, &op, sizeof(op));
    if (!p || p->kind == PORT_FREE || p->kind == PORT_RESERVED) {
        EXPECT(w, ret, -XEN_EINVAL);
    } else if (p->kind == PORT_OTHER) {
        world_resync(w);
    } else {
        EXPECT(w, ret, 0);
        model_close(w, op.port);
    }
}

static void act_bind_vcpu(World *w)
{
    struct evtchn_bind_vcpu op = {draw_port(w), draw_vcpu(w)};
    ModelPort *p = port_get(w, op.port);
    int64_t ret = world_op(w, EVTCHN, EVTCHNOP_bind_vcpu, &op, sizeof(op));

    if (op.vcpu >= w->nr_vcpus) {
        EXPECT(w, ret, -XEN_ENOENT);
    } else if (!p) {
        EXPECT(w, ret, -XEN_EINVAL);
    } else if (p->kind == PORT_OTHER) {
        world_resync(w);
    } else if (p->kind == PORT_UNBOUND || p->kind == PORT_INTERDOMAIN ||
               (p->kind == PORT_VIRQ && virq_is_global(p->virq))) {
        EXPECT(w, ret, 0);
        p->vcpu = op.vcpu;
    } else {
        EXPECT(w, ret, -XEN_EINVAL);
    }
}

/* Where the bit of @port is, in the layout shared memory has. */
static uint64_t bit_at(World *w, uint32_t port, bool mask)
{
    size_t off;

    if (w->shinfo_32) {
        off = mask ? offsetof(XenCompatSharedInfo, evtchn_mask)
                   : offsetof(XenCompatSharedInfo, evtchn_pending);
    } else {
        off = mask ? offsetof(struct shared_info, evtchn_mask)
                   : offsetof(struct shared_info, evtchn_pending);
    }
    return (w->shinfo_gfn << HOST_PAGE_SHIFT) + off + port / 8;
}

static bool bit_is_set(World *w, uint32_t port, bool mask)
{
    return fake_host_peek8(w->g->fake, bit_at(w, port, mask)) &
           (1u << (port % 8));
}

typedef struct Delivery {
    bool looked_at; /* all was clear before */
    uint32_t port;
    unsigned vcpu;
} Delivery;

/* Can the model see the event that a send to @port's peer makes? */
static Delivery delivery_before(World *w, uint32_t port)
{
    const ModelPort *p = port_get(w, port);
    Delivery d = {.port = port};

    if (p && p->kind == PORT_INTERDOMAIN && p->dom == XEN_GUEST_DOMID) {
        d.port = p->peer;
    } else if (!p || p->kind != PORT_IPI) {
        return d;
    }
    d.vcpu = w->ports[d.port].vcpu;
    d.looked_at = world_sees_shinfo(w) && !w->fifo &&
                  !bit_is_set(w, d.port, false) && !bit_is_set(w, d.port, true);
    return d;
}

static void delivery_after(World *w, const Delivery *d)
{
    XenVcpuInfo info;

    if (!d->looked_at || w->faulty) {
        return;
    }
    g_assert_true(bit_is_set(w, d->port, false));
    xen_domain_query_vcpu(w->g->d, d->vcpu, &info);
    if (!info.vcpu_info_registered) {
        uint64_t slot =
            (w->shinfo_gfn << HOST_PAGE_SHIFT) + d->vcpu * XEN_VCPU_INFO_SIZE;
        unsigned word = d->port / (w->shinfo_32 ? 32 : 64);
        uint8_t sel = fake_host_peek8(w->g->fake,
                                      slot + (w->shinfo_32 ? 4 : 8) + word / 8);

        g_assert_true(sel & (1u << (word % 8)));
    }
}

static void act_send(World *w)
{
    struct evtchn_send op = {draw_port(w)};
    const ModelPort *p = port_get(w, op.port);
    Delivery d = delivery_before(w, op.port);
    unsigned calls = w->backend_calls;
    int64_t ret = world_op(w, EVTCHN, EVTCHNOP_send, &op, sizeof(op));
    bool ours = p && p->own_backend;

    if (p && p->kind == PORT_OTHER) {
        return;
    }
    if (p && (p->kind == PORT_INTERDOMAIN || p->kind == PORT_IPI ||
              p->kind == PORT_UNBOUND)) {
        EXPECT(w, ret, 0);
        delivery_after(w, &d);
    } else {
        EXPECT(w, ret, -XEN_EINVAL);
    }
    EXPECT(w, w->backend_calls - calls, ours);
}

static void act_unmask(World *w)
{
    struct evtchn_unmask op = {draw_port(w)};
    const ModelPort *p = port_get(w, op.port);
    int64_t ret = world_op(w, EVTCHN, EVTCHNOP_unmask, &op, sizeof(op));

    if (w->fifo) {
        return;
    }
    EXPECT(w, ret, p ? 0 : -XEN_EINVAL);
    if (p && p->kind > PORT_RESERVED && world_sees_shinfo(w)) {
        EXPECT(w, bit_is_set(w, op.port, true), false);
    }
}

static void act_reset_all(World *w)
{
    struct evtchn_reset op = {draw_domid(w)};
    int64_t want = domid_check(op.dom), ret;

    if (!one_in(w, 6)) {
        return;
    }
    ret = world_op(w, EVTCHN, EVTCHNOP_reset, &op, sizeof(op));
    EXPECT(w, ret, want);
    for (uint32_t i = 1; !ret && i < w->nr_valid; i++) {
        w->ports[i] = (ModelPort){.kind = PORT_FREE};
    }
    if (!ret) {
        w->fifo = false;
        w->fifo_pins = w->fifo_pages = 0;
        memset(w->fifo_control, 0, sizeof(w->fifo_control));
    }
}

/* The guest marks and unmarks events itself, as running guests do. */
static void act_scribble(World *w)
{
    uint32_t port = (uint32_t)draw(w, 64);
    uint64_t gpa;
    uint8_t old;

    if (!world_sees_shinfo(w)) {
        return;
    }
    gpa = bit_at(w, port, one_in(w, 2));
    old = fake_host_peek8(w->g->fake, gpa);
    fake_host_poke8(w->g->fake, gpa, old ^ (1u << (port % 8)));
    if (one_in(w, 3)) {
        uint8_t zero[16] = {0};
        uint64_t slot = (w->shinfo_gfn << HOST_PAGE_SHIFT) +
                        draw(w, w->nr_vcpus) * XEN_VCPU_INFO_SIZE;

        fake_host_poke(w->g->fake, slot, zero, sizeof(zero));
    }
}

static void act_console_input(World *w)
{
    uint8_t text[32] = "input";
    size_t len = draw(w, sizeof(text));

    g_assert_cmpuint(xen_domain_console_receive(w->g->d, text, len), <=, len);
}

/* The guest's ends of the rings, indexes that make no sense among them. */
static void act_rings(World *w)
{
    struct evtchn_send op = {1 + (uint32_t)draw(w, 2)};
    uint64_t console = (uint64_t)XEN_CONSOLE_GFN << HOST_PAGE_SHIFT;
    uint64_t at = op.port == 1 ? STORE_RING + 2048 + 4 * draw(w, 5)
                               : console + 3072 + 4 * draw(w, 4);
    uint32_t value =
        one_in(w, 4) ? (uint32_t)draw_edge(w)
                     : fake_host_peek32(w->g->fake, at) + (uint32_t)draw(w, 40);

    fake_host_poke32(w->g->fake, at, value);
    world_op(w, EVTCHN, EVTCHNOP_send, &op, sizeof(op));
}

static const Action actions[] = {
    {"alloc_unbound", 6, act_alloc_unbound},
    {"bind_interdomain", 8, act_bind_interdomain},
    {"bind_virq", 8, act_bind_virq},
    {"bind_ipi", 6, act_bind_ipi},
    {"close", 14, act_close},
    {"bind_vcpu", 6, act_bind_vcpu},
    {"send", 14, act_send},
    {"unmask", 6, act_unmask},
    {"reset_all", 2, act_reset_all},
    {"scribble", 6, act_scribble},
    {"console_input", 2, act_console_input},
    {"rings", 3, act_rings},
};

const ActionTable evtchn_actions = {actions, G_N_ELEMENTS(actions)};
