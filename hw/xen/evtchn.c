/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels in the 2-level ABI (xen: common/event_channel.c,
 * common/event_2l.c).
 *
 * DEVIATION: the FIFO operations (init_control, expand_array, set_priority)
 * and bind_pirq answer -ENOSYS; guests then stay with two levels, and
 * XENFEAT_hvm_pirqs is not offered.
 */
#include <inttypes.h>
#include <string.h>

#include "hw/xen/hypercall-internal.h"

/* xen: EVTCHNS_PER_BUCKET; ports become valid a bucket at a time. */
#define PORTS_PER_BUCKET 64u
#define NR_PORTS         (XEN_MAX_PORT + 1)

typedef enum PortState {
    PORT_FREE,
    PORT_RESERVED, /* port 0 */
    PORT_UNBOUND,
    PORT_INTERDOMAIN,
    PORT_VIRQ,
    PORT_IPI,
    PORT__MAX = PORT_IPI,
} PortState;

typedef struct Port {
    PortState state;
    unsigned vcpu;        /* that is told of events */
    uint16_t remote_dom;  /* unbound, interdomain */
    uint32_t remote_port; /* interdomain */
    uint32_t virq;        /* virq */
    XenBackendFn *fn;     /* interdomain, to a backend of ours */
    void *opaque;
} Port;

struct XenEvtchn {
    uint32_t nr_valid;
    Port ports[NR_PORTS];
};

XenEvtchn *xen_evtchn_new(void)
{
    return g_new0(XenEvtchn, 1);
}

void xen_evtchn_free(XenEvtchn *e)
{
    g_free(e);
}

void xen_evtchn_reset(XenDomain *d)
{
    memset(d->evtchn, 0, sizeof(*d->evtchn));
    d->evtchn->nr_valid = PORTS_PER_BUCKET;
    d->evtchn->ports[0].state = PORT_RESERVED;
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        memset(d->vcpus[i].virq_port, 0, sizeof(d->vcpus[i].virq_port));
    }
}

/* NULL if @port is beyond what is valid now. */
static Port *port_get(XenDomain *d, uint32_t port)
{
    return port < d->evtchn->nr_valid ? &d->evtchn->ports[port] : NULL;
}

void xen_evtchn_bind_backend(XenDomain *d, uint32_t port, XenBackendFn *fn,
                             void *opaque)
{
    Port *p = &d->evtchn->ports[port];

    p->state = PORT_INTERDOMAIN;
    p->remote_dom = 0;
    p->remote_port = port;
    p->fn = fn;
    p->opaque = opaque;
}

/*
 * The order matters: a guest that clears and masks bits meanwhile must find
 * either the bit or the upcall (xen: evtchn_2l_set_pending).
 */
static void port_set_pending(XenDomain *d, uint32_t port)
{
    XenVcpu *v = &d->vcpus[d->evtchn->ports[port].vcpu];
    size_t pending = xen_pending_offset(d);
    size_t sel = xen_pending_sel_offset(d);
    unsigned word = port / xen_word_bits(d);
    bool masked = xen_bit_test(d->shared_info.ptr + xen_mask_offset(d), port);

    if (!xen_bit_test_and_set(d->shared_info.ptr + pending, port)) {
        xen_shared_info_dirty(d, pending + port / 8, 1);
        masked = xen_bit_test(d->shared_info.ptr + xen_mask_offset(d), port);
        if (!masked && !xen_bit_test_and_set(v->info + sel, word)) {
            xen_vcpu_info_dirty(v, sel + word / 8, 1);
            xen_upcall_mark(v);
        }
    }
    xen_trace(d, HOST_TRACE_evtchn_send, port, v->id, masked, 0);
    xen_check_pollers(d, port);
}

void xen_evtchn_notify_guest(XenDomain *d, uint32_t port)
{
    const Port *p = port_get(d, port);

    if (p && p->state == PORT_INTERDOMAIN && p->fn) {
        port_set_pending(d, port);
    }
}

void xen_evtchn_send_virq(XenDomain *d, unsigned vcpu, unsigned virq)
{
    uint32_t port = d->vcpus[vcpu].virq_port[virq];

    if (port) {
        port_set_pending(d, port);
    }
}

int xen_evtchn_poll(XenDomain *d, uint32_t port)
{
    const Port *p = port_get(d, port);

    if (!p || p->state == PORT_FREE || p->state == PORT_RESERVED) {
        return -XEN_EINVAL;
    }
    return xen_bit_test(d->shared_info.ptr + xen_pending_offset(d), port);
}

/* Lowest free port, or -XEN_ENOSPC (xen: get_free_port). */
static int port_find_free(XenDomain *d)
{
    XenEvtchn *e = d->evtchn;

    for (uint32_t i = 0; i < e->nr_valid; i++) {
        if (e->ports[i].state == PORT_FREE) {
            return (int)i;
        }
    }
    if (e->nr_valid == NR_PORTS) {
        return -XEN_ENOSPC;
    }
    e->nr_valid += PORTS_PER_BUCKET;
    return (int)(e->nr_valid - PORTS_PER_BUCKET);
}

static int64_t bind_trace(XenDomain *d, unsigned vcpu, int port,
                          PortState state)
{
    xen_trace(d, HOST_TRACE_evtchn_bind, vcpu, (uint64_t)port, state, 0);
    return 0;
}

static int64_t op_alloc_unbound(XenCall *c, void *arg)
{
    struct evtchn_alloc_unbound *op = arg;
    int ret = xen_domid_check(c, op->dom);
    int port;
    Port *p;

    if (ret) {
        return ret;
    }
    port = port_find_free(c->d);
    if (port < 0) {
        return port;
    }
    p = &c->d->evtchn->ports[port];
    p->state = PORT_UNBOUND;
    p->remote_dom =
        op->remote_dom == DOMID_SELF ? c->d->cfg.domid : op->remote_dom;
    op->port = (uint32_t)port;
    return bind_trace(c->d, p->vcpu, port, PORT_UNBOUND);
}

/* Only a port of the guest's own can be found unbound. */
static int64_t op_bind_interdomain(XenCall *c, void *arg)
{
    struct evtchn_bind_interdomain *op = arg;
    XenDomain *d = c->d;
    uint16_t rdom =
        op->remote_dom == DOMID_SELF ? d->cfg.domid : op->remote_dom;
    Port *remote, *local;
    int port;

    if (rdom != 0 && rdom != d->cfg.domid) {
        return -XEN_ESRCH;
    }
    port = port_find_free(d);
    if (port < 0) {
        return port;
    }
    remote = rdom == d->cfg.domid ? port_get(d, op->remote_port) : NULL;
    if (!remote || remote->state != PORT_UNBOUND ||
        remote->remote_dom != d->cfg.domid) {
        return -XEN_EINVAL;
    }
    local = &d->evtchn->ports[port];
    local->state = remote->state = PORT_INTERDOMAIN;
    local->remote_dom = remote->remote_dom = d->cfg.domid;
    local->remote_port = op->remote_port;
    remote->remote_port = (uint32_t)port;
    op->local_port = (uint32_t)port;
    bind_trace(d, local->vcpu, port, PORT_INTERDOMAIN);
    /* Sends to the unbound port were lost: one is made up for them. */
    port_set_pending(d, (uint32_t)port);
    return 0;
}

static bool virq_is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
           virq != VIRQ_XENPMU;
}

/*
 * Where the port of @p's virtual interrupt is noted.  A global one is vCPU 0's
 * even after it was bound to another vCPU.
 */
static uint16_t *virq_slot(XenDomain *d, const Port *p)
{
    unsigned vcpu = virq_is_global(p->virq) ? 0 : p->vcpu;

    return &d->vcpus[vcpu].virq_port[p->virq];
}

/*
 * DEVIATION: a domU may bind a global VIRQ under 4.20 too; Xen says -EBUSY when
 * another domain handles it, and here there is no other.
 */
static int64_t op_bind_virq(XenCall *c, void *arg)
{
    struct evtchn_bind_virq *op = arg;
    XenDomain *d = c->d;
    Port *p;
    int port;

    if (op->virq >= XEN_NR_VIRQS || (virq_is_global(op->virq) && op->vcpu)) {
        return -XEN_EINVAL;
    }
    if (op->vcpu >= d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    if (d->vcpus[op->vcpu].virq_port[op->virq]) {
        return -XEN_EEXIST;
    }
    port = port_find_free(d);
    if (port < 0) {
        return port;
    }
    p = &d->evtchn->ports[port];
    p->state = PORT_VIRQ;
    p->vcpu = op->vcpu;
    p->virq = op->virq;
    d->vcpus[op->vcpu].virq_port[op->virq] = (uint16_t)port;
    op->port = (uint32_t)port;
    return bind_trace(d, op->vcpu, port, PORT_VIRQ);
}

static int64_t op_bind_ipi(XenCall *c, void *arg)
{
    struct evtchn_bind_ipi *op = arg;
    Port *p;
    int port;

    if (op->vcpu >= c->d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    port = port_find_free(c->d);
    if (port < 0) {
        return port;
    }
    p = &c->d->evtchn->ports[port];
    p->state = PORT_IPI;
    p->vcpu = op->vcpu;
    op->port = (uint32_t)port;
    return bind_trace(c->d, op->vcpu, port, PORT_IPI);
}

static int64_t port_close(XenDomain *d, uint32_t port)
{
    Port *p = port_get(d, port);
    size_t pending = xen_pending_offset(d);
    PortState state = p ? p->state : PORT_FREE;

    switch (state) {
    case PORT_FREE:
    case PORT_RESERVED:
        return -XEN_EINVAL;
    case PORT_VIRQ:
        *virq_slot(d, p) = 0;
        break;
    case PORT_INTERDOMAIN:
        if (!p->fn && p->remote_dom == d->cfg.domid) {
            d->evtchn->ports[p->remote_port].state = PORT_UNBOUND;
        }
        break;
    case PORT_UNBOUND:
    case PORT_IPI:
        break;
    }
    if (xen_bit_test_and_clear(d->shared_info.ptr + pending, port)) {
        xen_shared_info_dirty(d, pending + port / 8, 1);
    }
    memset(p, 0, sizeof(*p));
    xen_trace(d, HOST_TRACE_evtchn_close, port, state, 0, 0);
    return 0;
}

static int64_t op_close(XenCall *c, void *arg)
{
    const struct evtchn_close *op = arg;

    return port_close(c->d, op->port);
}

static int64_t op_send(XenCall *c, void *arg)
{
    const struct evtchn_send *op = arg;
    Port *p = port_get(c->d, op->port);

    if (!p) {
        return -XEN_EINVAL;
    }
    switch (p->state) {
    case PORT_INTERDOMAIN:
        if (p->fn) {
            p->fn(p->opaque);
        } else {
            port_set_pending(c->d, p->remote_port);
        }
        return 0;
    case PORT_IPI:
        port_set_pending(c->d, op->port);
        return 0;
    case PORT_UNBOUND:
        return 0; /* dropped */
    default:
        return -XEN_EINVAL;
    }
}

static int64_t op_status(XenCall *c, void *arg)
{
    static const uint32_t status_of[PORT__MAX + 1] = {
        [PORT_FREE] = EVTCHNSTAT_closed,
        [PORT_RESERVED] = EVTCHNSTAT_closed,
        [PORT_UNBOUND] = EVTCHNSTAT_unbound,
        [PORT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [PORT_VIRQ] = EVTCHNSTAT_virq,
        [PORT_IPI] = EVTCHNSTAT_ipi,
    };
    struct evtchn_status *op = arg;
    int ret = xen_domid_check(c, op->dom);
    const Port *p = port_get(c->d, op->port);

    if (ret) {
        return ret;
    }
    if (!p) {
        return -XEN_EINVAL;
    }
    op->status = status_of[p->state];
    op->vcpu = p->vcpu;
    if (p->state == PORT_UNBOUND) {
        op->u.unbound.dom = p->remote_dom;
    } else if (p->state == PORT_INTERDOMAIN) {
        op->u.interdomain.dom = p->remote_dom;
        op->u.interdomain.port = p->remote_port;
    } else if (p->state == PORT_VIRQ) {
        op->u.virq = p->virq;
    }
    return 0;
}

static int64_t op_bind_vcpu(XenCall *c, void *arg)
{
    const struct evtchn_bind_vcpu *op = arg;
    Port *p = port_get(c->d, op->port);

    if (op->vcpu >= c->d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    if (!p || (p->state != PORT_UNBOUND && p->state != PORT_INTERDOMAIN &&
               !(p->state == PORT_VIRQ && virq_is_global(p->virq)))) {
        return -XEN_EINVAL;
    }
    p->vcpu = op->vcpu;
    return bind_trace(c->d, op->vcpu, (int)op->port, p->state);
}

/* The order matters, as in port_set_pending() (xen: evtchn_2l_unmask). */
static int64_t op_unmask(XenCall *c, void *arg)
{
    const struct evtchn_unmask *op = arg;
    XenDomain *d = c->d;
    size_t mask = xen_mask_offset(d), sel = xen_pending_sel_offset(d);
    unsigned word = op->port / xen_word_bits(d);
    const Port *p = port_get(d, op->port);
    XenVcpu *v;

    if (!p) {
        return -XEN_EINVAL;
    }
    v = &d->vcpus[p->vcpu];
    if (!xen_bit_test_and_clear(d->shared_info.ptr + mask, op->port)) {
        return 0;
    }
    xen_shared_info_dirty(d, mask + op->port / 8, 1);
    if (xen_bit_test(d->shared_info.ptr + xen_pending_offset(d), op->port) &&
        !xen_bit_test_and_set(v->info + sel, word)) {
        xen_vcpu_info_dirty(v, sel + word / 8, 1);
        xen_upcall_mark(v);
    }
    return 0;
}

/* Closes the store's and the console's port as well. */
static int64_t op_reset(XenCall *c, void *arg)
{
    const struct evtchn_reset *op = arg;
    int ret = xen_domid_check(c, op->dom);

    for (uint32_t i = 0; !ret && i < c->d->evtchn->nr_valid; i++) {
        port_close(c->d, i);
    }
    return ret;
}

/* Continues a reset that was preempted; ours never are. */
static int64_t op_reset_cont(XenCall *c, void *arg)
{
    const struct evtchn_reset *op = arg;
    int ret = xen_domid_check(c, op->dom);

    return ret ? ret : -XEN_EBUSY;
}

#define IN  XEN_ARG_IN
#define OUT XEN_ARG_OUT

static const XenSubop evtchn_ops[] = {
    XEN_SUBOP(EVTCHNOP_bind_interdomain, struct evtchn_bind_interdomain,
              IN | OUT, op_bind_interdomain),
    XEN_SUBOP(EVTCHNOP_bind_virq, struct evtchn_bind_virq, IN | OUT,
              op_bind_virq),
    XEN_SUBOP(EVTCHNOP_close, struct evtchn_close, IN, op_close),
    XEN_SUBOP(EVTCHNOP_send, struct evtchn_send, IN, op_send),
    XEN_SUBOP(EVTCHNOP_status, struct evtchn_status, IN | OUT, op_status),
    XEN_SUBOP(EVTCHNOP_alloc_unbound, struct evtchn_alloc_unbound, IN | OUT,
              op_alloc_unbound),
    XEN_SUBOP(EVTCHNOP_bind_ipi, struct evtchn_bind_ipi, IN | OUT, op_bind_ipi),
    XEN_SUBOP(EVTCHNOP_bind_vcpu, struct evtchn_bind_vcpu, IN, op_bind_vcpu),
    XEN_SUBOP(EVTCHNOP_unmask, struct evtchn_unmask, IN, op_unmask),
    XEN_SUBOP(EVTCHNOP_reset, struct evtchn_reset, IN, op_reset),
    XEN_SUBOP(XEN_EVTCHNOP_RESET_CONT, struct evtchn_reset, IN, op_reset_cont),
};

int64_t xen_do_event_channel_op(XenCall *c)
{
    return xen_subop_call(c, evtchn_ops, G_N_ELEMENTS(evtchn_ops),
                          (uint32_t)c->args[0], c->args[1]);
}

typedef enum EvtchnTag {
    TAG_NR_VALID = 0x0580,
    TAG_STATE,
    TAG_VCPU,
    TAG_REMOTE_DOM,
    TAG_REMOTE_PORT,
    TAG_VIRQ,
    TAG_BACKEND,
} EvtchnTag;

void xen_evtchn_save(XenDomain *d, StateWriter *w)
{
    state_put_u64(w, TAG_NR_VALID, d->evtchn->nr_valid);
    for (uint32_t i = 0; i < d->evtchn->nr_valid; i++) {
        const Port *p = &d->evtchn->ports[i];

        state_put_u64(w, TAG_STATE, p->state);
        if (p->state == PORT_FREE) {
            continue;
        }
        state_put_u64(w, TAG_VCPU, p->vcpu);
        state_put_u64(w, TAG_REMOTE_DOM, p->remote_dom);
        state_put_u64(w, TAG_REMOTE_PORT, p->remote_port);
        state_put_u64(w, TAG_VIRQ, p->virq);
        state_put_u64(w, TAG_BACKEND, p->fn != NULL);
    }
}

/* A backend of ours can be where one is after reset, and nowhere else. */
static void port_load(XenDomain *d, uint32_t port, StateReader *r)
{
    Port *p = &d->evtchn->ports[port];
    Port loaded = {0};

    loaded.state =
        (PortState)state_get_u64(r, TAG_STATE, "port state", PORT__MAX);
    if ((port == 0) != (loaded.state == PORT_RESERVED)) {
        state_reader_fail(r, "port %u: cannot be of state %u", port,
                          loaded.state);
    }
    if (loaded.state != PORT_FREE) {
        loaded.vcpu = (unsigned)state_get_u64(r, TAG_VCPU, "port vCPU",
                                              d->cfg.nr_vcpus - 1);
        loaded.remote_dom = (uint16_t)state_get_u64(
            r, TAG_REMOTE_DOM, "port's remote domain", UINT16_MAX);
        loaded.remote_port = (uint32_t)state_get_u64(
            r, TAG_REMOTE_PORT, "port's remote port", XEN_MAX_PORT);
        loaded.virq = (uint32_t)state_get_u64(
            r, TAG_VIRQ, "port's virtual interrupt", XEN_NR_VIRQS - 1);
        if (state_get_u64(r, TAG_BACKEND, "port's backend", p->fn != NULL)) {
            loaded.fn = p->fn;
            loaded.opaque = p->opaque;
        }
    }
    if (loaded.fn && loaded.state != PORT_INTERDOMAIN) {
        state_reader_fail(r, "port %u: a backend on a port of state %u", port,
                          loaded.state);
    }
    *p = loaded;
}

/* What ports say of each other, and of virtual interrupts. */
static void port_link(XenDomain *d, uint32_t port, StateReader *r)
{
    const Port *p = &d->evtchn->ports[port];
    const Port *remote = port_get(d, p->remote_port);

    if (p->state == PORT_INTERDOMAIN && !p->fn &&
        (p->remote_dom != d->cfg.domid || !remote ||
         remote->state != PORT_INTERDOMAIN || remote->fn ||
         remote->remote_port != port)) {
        state_reader_fail(r, "port %u: its remote port %u is not bound to it",
                          port, p->remote_port);
    } else if (p->state == PORT_VIRQ && *virq_slot(d, p)) {
        state_reader_fail(r, "port %u: virtual interrupt %u is bound twice",
                          port, p->virq);
    } else if (p->state == PORT_VIRQ) {
        *virq_slot(d, p) = (uint16_t)port;
    }
}

void xen_evtchn_load(XenDomain *d, StateReader *r)
{
    uint64_t nr = state_get_u64(r, TAG_NR_VALID, "ports", NR_PORTS);

    if (nr == 0 || nr % PORTS_PER_BUCKET) {
        state_reader_fail(r, "ports: %" PRIu64 " is no whole bucket", nr);
    }
    for (uint32_t i = 0; i < nr && !state_reader_failed(r); i++) {
        port_load(d, i, r);
    }
    if (state_reader_failed(r)) {
        return;
    }
    d->evtchn->nr_valid = (uint32_t)nr;
    for (uint32_t i = 0; i < nr; i++) {
        port_link(d, i, r);
    }
}
