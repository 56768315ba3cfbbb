/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: the table of ports and the operations on them (xen:
 * common/event_channel.c).
 */
#include <string.h>

#include "hw/xen/evtchn-port-internal.h"
#include "hw/xen/fault-internal.h"

/* Ports a reset closes before it lets the guest take interrupts. */
#define RESET_BATCH 1024u

/* Since this minor version global VIRQs are for the domain that handles them */
#define MINOR_GLOBAL_VIRQS_OWNED 20u

XenEvtchn *xen_evtchn_new(void)
{
    XenEvtchn *e = g_new0(XenEvtchn, 1);

    e->ops = &xen_evtchn_2l_ops;
    return e;
}

static void ports_free(XenDomain *d)
{
    XenEvtchn *e = d->evtchn;

    xen_fifo_destroy(d);
    for (uint32_t i = 0; i < e->nr_valid / XEN_PORTS_PER_BUCKET; i++) {
        g_free(e->buckets[i]);
    }
    e->nr_valid = 0;
    e->reset_next = 0;
}

void xen_evtchn_free(XenDomain *d)
{
    ports_free(d);
    g_free(d->evtchn);
}

/* At least @nr ports are valid from now on; those that were not are free. */
void xen_ports_grow(XenDomain *d, uint32_t nr)
{
    XenEvtchn *e = d->evtchn;

    while (e->nr_valid < nr) {
        e->buckets[e->nr_valid / XEN_PORTS_PER_BUCKET] =
            g_new0(XenPort, XEN_PORTS_PER_BUCKET);
        e->nr_valid += XEN_PORTS_PER_BUCKET;
    }
}

void xen_evtchn_reset(XenDomain *d)
{
    ports_free(d);
    xen_ports_grow(d, XEN_PORTS_PER_BUCKET);
    xen_port_get(d, 0)->state = XEN_PORT_RESERVED;
    for (unsigned i = 0; i < d->cfg.nr_vcpus; i++) {
        memset(d->vcpus[i].virq_port, 0, sizeof(d->vcpus[i].virq_port));
    }
}

uint32_t xen_evtchn_max_port(const XenDomain *d)
{
    return d->cfg.max_port ? d->cfg.max_port : XEN_MAX_PORT_DEFAULT;
}

/* NULL if @port is beyond what is valid now. */
XenPort *xen_port_get(const XenDomain *d, uint32_t port)
{
    const XenEvtchn *e = d->evtchn;

    return port < e->nr_valid ? &e->buckets[port / XEN_PORTS_PER_BUCKET]
                                           [port % XEN_PORTS_PER_BUCKET]
                              : NULL;
}

/* xen: include/xen/event.h, evtchn_usable */
bool xen_port_usable(const XenPort *p)
{
    return p && p->state > XEN_PORT_RESERVED;
}

/* EVTCHNSTAT_* */
uint32_t xen_port_status(const XenPort *p)
{
    static const uint32_t status_of[XEN_PORT__MAX + 1] = {
        [XEN_PORT_FREE] = EVTCHNSTAT_closed,
        [XEN_PORT_RESERVED] = EVTCHNSTAT_closed,
        [XEN_PORT_UNBOUND] = EVTCHNSTAT_unbound,
        [XEN_PORT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [XEN_PORT_VIRQ] = EVTCHNSTAT_virq,
        [XEN_PORT_IPI] = EVTCHNSTAT_ipi,
        [XEN_PORT_PIRQ] = EVTCHNSTAT_pirq,
    };

    return status_of[p->state];
}

/* Nothing if @port is not in use. */
void xen_port_raise(XenDomain *d, uint32_t port)
{
    XenPort *p = xen_port_get(d, port);
    bool masked;

    if (!xen_port_usable(p)) {
        return;
    }
    masked = d->evtchn->ops->is_masked(d, port);
    d->evtchn->ops->set_pending(d, port, p);
    xen_trace(d, HOST_TRACE_evtchn_send, port, p->vcpu, masked, 0);
}

/* The same, unless a fault keeps the event back. */
void xen_port_set_pending(XenDomain *d, uint32_t port)
{
    if (!xen_port_usable(xen_port_get(d, port)) || !xen_fault_event(d, port)) {
        xen_port_raise(d, port);
    }
}

void xen_evtchn_send_virq(XenDomain *d, unsigned vcpu, unsigned virq)
{
    uint32_t port = d->vcpus[vcpu].virq_port[virq];

    if (port) {
        xen_port_set_pending(d, port);
    }
}

/* xen: common/event_channel.h, evtchn_port_poll */
int xen_evtchn_poll(XenDomain *d, uint32_t port)
{
    if (!xen_port_usable(xen_port_get(d, port))) {
        return -XEN_EINVAL;
    }
    return d->evtchn->ops->is_pending(d, port);
}

/*
 * The lowest port that is free, in *@port (xen: get_free_port,
 * evtchn_allocate_port).
 * @return: NULL and -XEN_ENOSPC in *@ret beyond the domain's or ABI's limit
 */
XenPort *xen_port_alloc(XenDomain *d, uint32_t *port, int64_t *ret)
{
    XenEvtchn *e = d->evtchn;
    uint32_t nr = MIN(xen_evtchn_max_port(d) + 1, e->ops->nr_ports(d));

    for (uint32_t i = 0; i < nr; i++) {
        XenPort *p = xen_port_get(d, i);

        if (!p) {
            xen_ports_grow(d, i + 1);
            p = xen_port_get(d, i);
        }
        if (p->state == XEN_PORT_FREE && !e->ops->is_busy(d, i)) {
            *port = i;
            return p;
        }
    }
    *ret = -XEN_ENOSPC;
    return NULL;
}

/* What follows when @port was given its state and vCPU. */
int64_t xen_port_bound(XenDomain *d, uint32_t port)
{
    XenPort *p = xen_port_get(d, port);

    d->evtchn->ops->init(d, port, p);
    xen_trace(d, HOST_TRACE_evtchn_bind, p->vcpu, port, xen_port_status(p), 0);
    return 0;
}

static int64_t op_alloc_unbound(XenCall *c, void *arg)
{
    struct evtchn_alloc_unbound *op = arg;
    int64_t ret = xen_domid_check(c, op->dom);
    XenPort *p;

    if (ret) {
        return ret;
    }
    p = xen_port_alloc(c->d, &op->port, &ret);
    if (!p) {
        return ret;
    }
    p->state = XEN_PORT_UNBOUND;
    p->remote_dom =
        op->remote_dom == DOMID_SELF ? c->d->cfg.domid : op->remote_dom;
    return xen_port_bound(c->d, op->port);
}

/* Only a port of the guest's own can be found unbound. */
static int64_t op_bind_interdomain(XenCall *c, void *arg)
{
    struct evtchn_bind_interdomain *op = arg;
    XenDomain *d = c->d;
    uint16_t rdom =
        op->remote_dom == DOMID_SELF ? d->cfg.domid : op->remote_dom;
    XenPort *remote, *local;
    int64_t ret = 0;

    if (rdom != 0 && rdom != d->cfg.domid) {
        return -XEN_ESRCH;
    }
    local = xen_port_alloc(d, &op->local_port, &ret);
    if (!local) {
        return ret;
    }
    remote = rdom ? xen_port_get(d, op->remote_port) : NULL;
    if (!remote || remote->state != XEN_PORT_UNBOUND ||
        remote->remote_dom != d->cfg.domid) {
        return -XEN_EINVAL;
    }
    local->state = remote->state = XEN_PORT_INTERDOMAIN;
    local->remote_dom = remote->remote_dom = d->cfg.domid;
    local->remote_port = op->remote_port;
    remote->remote_port = op->local_port;
    xen_port_bound(d, op->local_port);
    /* Sends to the unbound port were lost: one is made up for them. */
    xen_port_set_pending(d, op->local_port);
    return 0;
}

bool xen_virq_is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
           virq != VIRQ_XENPMU;
}

/* Is @virq one that domain 0 handles, for the whole host? */
static bool virq_is_domain_0s(const XenDomain *d, uint32_t virq)
{
    return d->cfg.version_minor >= MINOR_GLOBAL_VIRQS_OWNED &&
           xen_virq_is_global(virq) && virq != VIRQ_ARGO;
}

/*
 * Where the port of @p's virtual interrupt is noted.  A global one is vCPU 0's
 * even after it was bound to another vCPU.
 */
uint32_t *xen_virq_slot(XenDomain *d, const XenPort *p)
{
    unsigned vcpu = xen_virq_is_global(p->irq) ? 0 : p->vcpu;

    return &d->vcpus[vcpu].virq_port[p->irq];
}

static int64_t op_bind_virq(XenCall *c, void *arg)
{
    struct evtchn_bind_virq *op = arg;
    XenDomain *d = c->d;
    int64_t ret = 0;
    XenPort *p;

    if (op->virq >= XEN_NR_VIRQS ||
        (xen_virq_is_global(op->virq) && op->vcpu)) {
        return -XEN_EINVAL;
    }
    if (op->vcpu >= d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    if (virq_is_domain_0s(d, op->virq)) {
        return -XEN_EBUSY;
    }
    if (d->vcpus[op->vcpu].virq_port[op->virq]) {
        return -XEN_EEXIST;
    }
    p = xen_port_alloc(d, &op->port, &ret);
    if (!p) {
        return ret;
    }
    p->state = XEN_PORT_VIRQ;
    p->vcpu = op->vcpu;
    p->irq = op->virq;
    d->vcpus[op->vcpu].virq_port[op->virq] = op->port;
    return xen_port_bound(d, op->port);
}

static int64_t op_bind_ipi(XenCall *c, void *arg)
{
    struct evtchn_bind_ipi *op = arg;
    int64_t ret = 0;
    XenPort *p;

    if (op->vcpu >= c->d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    p = xen_port_alloc(c->d, &op->port, &ret);
    if (!p) {
        return ret;
    }
    p->state = XEN_PORT_IPI;
    p->vcpu = op->vcpu;
    return xen_port_bound(c->d, op->port);
}

/* PVH guests may, to no end (xen: evtchn_bind_pirq). */
static int64_t op_bind_pirq(XenCall *c, void *arg)
{
    struct evtchn_bind_pirq *op = arg;
    int64_t ret = xen_pirq_check(c->d, op->pirq);
    XenPort *p;

    if (ret) {
        return ret;
    }
    p = xen_port_alloc(c->d, &op->port, &ret);
    if (!p) {
        return ret;
    }
    p->state = XEN_PORT_PIRQ;
    p->irq = op->pirq;
    xen_port_bound(c->d, op->port);
    xen_pirq_set_port(c->d, op->pirq, op->port);
    return 0;
}

/* xen: evtchn_close, evtchn_free */
static int64_t port_close(XenDomain *d, uint32_t port)
{
    XenPort *p = xen_port_get(d, port);
    XenPortState state;
    uint32_t status;

    if (!xen_port_usable(p)) {
        return -XEN_EINVAL;
    }
    state = p->state;
    status = xen_port_status(p);
    if (state == XEN_PORT_VIRQ) {
        *xen_virq_slot(d, p) = 0;
    } else if (state == XEN_PORT_PIRQ) {
        xen_pirq_set_port(d, p->irq, 0);
    } else if (state == XEN_PORT_INTERDOMAIN && p->remote_dom) {
        xen_port_get(d, p->remote_port)->state = XEN_PORT_UNBOUND;
    }
    d->evtchn->ops->clear_pending(d, port, p);
    p->state = XEN_PORT_FREE;
    p->vcpu = 0;
    p->backend = XEN_BACKEND_NONE;
    p->fn = NULL;
    xen_trace(d, HOST_TRACE_evtchn_close, port, status, 0, 0);
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
    XenPort *p = xen_port_get(c->d, op->port);

    if (!p) {
        return -XEN_EINVAL;
    }
    switch (p->state) {
    case XEN_PORT_INTERDOMAIN:
        if (p->remote_dom) {
            xen_port_set_pending(c->d, p->remote_port);
        } else if (p->fn) {
            p->fn(p->opaque);
        }
        return 0;
    case XEN_PORT_IPI:
        xen_port_set_pending(c->d, op->port);
        return 0;
    case XEN_PORT_UNBOUND:
        return 0; /* dropped */
    default:
        return -XEN_EINVAL;
    }
}

static int64_t op_status(XenCall *c, void *arg)
{
    struct evtchn_status *op = arg;
    int ret = xen_domid_check(c, op->dom);
    const XenPort *p = xen_port_get(c->d, op->port);

    if (ret) {
        return ret;
    }
    if (!p) {
        return -XEN_EINVAL;
    }
    op->status = xen_port_status(p);
    op->vcpu = p->vcpu;
    switch (p->state) {
    case XEN_PORT_UNBOUND:
        op->u.unbound.dom = p->remote_dom;
        break;
    case XEN_PORT_INTERDOMAIN:
        op->u.interdomain.dom = p->remote_dom;
        op->u.interdomain.port = p->remote_port;
        break;
    case XEN_PORT_VIRQ:
        op->u.virq = p->irq;
        break;
    case XEN_PORT_PIRQ:
        op->u.pirq = p->irq;
        break;
    default:
        break;
    }
    return 0;
}

static bool port_moves(const XenPort *p)
{
    return p->state == XEN_PORT_UNBOUND || p->state == XEN_PORT_INTERDOMAIN ||
           p->state == XEN_PORT_PIRQ ||
           (p->state == XEN_PORT_VIRQ && xen_virq_is_global(p->irq));
}

static int64_t op_bind_vcpu(XenCall *c, void *arg)
{
    const struct evtchn_bind_vcpu *op = arg;
    XenPort *p = xen_port_get(c->d, op->port);

    if (op->vcpu >= c->d->cfg.nr_vcpus) {
        return -XEN_ENOENT;
    }
    if (!p || !port_moves(p)) {
        return -XEN_EINVAL;
    }
    p->vcpu = op->vcpu;
    xen_trace(c->d, HOST_TRACE_evtchn_bind, p->vcpu, op->port,
              xen_port_status(p), 0);
    return 0;
}

static int64_t op_unmask(XenCall *c, void *arg)
{
    const struct evtchn_unmask *op = arg;
    XenPort *p = xen_port_get(c->d, op->port);

    if (!p) {
        return -XEN_EINVAL;
    }
    if (xen_port_usable(p)) {
        c->d->evtchn->ops->unmask(c->d, op->port, p);
    }
    return 0;
}

/* xen: evtchn_port_set_priority */
static int64_t op_set_priority(XenCall *c, void *arg)
{
    const struct evtchn_set_priority *op = arg;
    XenPort *p = xen_port_get(c->d, op->port);

    if (!p) {
        return -XEN_EINVAL;
    }
    if (!c->d->evtchn->ops->set_priority) {
        return -XEN_ENOSYS;
    }
    if (!xen_port_usable(p)) {
        return -XEN_EACCES;
    }
    return c->d->evtchn->ops->set_priority(p, op->priority);
}

/* @return: -XEN_EAGAIN if a port was bound again behind the reset's back */
static int64_t reset_end(XenDomain *d)
{
    d->evtchn->reset_next = 0;
    for (uint32_t i = 0; i < d->evtchn->nr_valid; i++) {
        if (xen_port_usable(xen_port_get(d, i))) {
            return -XEN_EAGAIN;
        }
    }
    xen_fifo_destroy(d);
    return 0;
}

/*
 * Closes the store's and the console's port as well.  Only the one who starts
 * a reset can continue it (xen: evtchn_reset).
 */
static int64_t reset_run(XenCall *c, const struct evtchn_reset *op,
                         bool resuming)
{
    XenEvtchn *e = c->d->evtchn;
    int ret = xen_domid_check(c, op->dom);
    uint32_t end;

    if (ret) {
        return ret;
    }
    if (resuming == (e->reset_next == 0)) {
        return -XEN_EBUSY;
    }
    if (!resuming) {
        e->reset_next = 1;
    }
    end = MIN(e->nr_valid, e->reset_next + RESET_BATCH);
    while (e->reset_next < end) {
        port_close(c->d, e->reset_next++);
    }
    if (e->reset_next < e->nr_valid) {
        c->args[0] = XEN_EVTCHNOP_RESET_CONT;
        c->again = true;
        return 0;
    }
    return reset_end(c->d);
}

static int64_t op_reset(XenCall *c, void *arg)
{
    return reset_run(c, arg, false);
}

static int64_t op_reset_cont(XenCall *c, void *arg)
{
    return reset_run(c, arg, true);
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
    XEN_SUBOP(EVTCHNOP_bind_pirq, struct evtchn_bind_pirq, IN | OUT,
              op_bind_pirq),
    XEN_SUBOP(EVTCHNOP_bind_ipi, struct evtchn_bind_ipi, IN | OUT, op_bind_ipi),
    XEN_SUBOP(EVTCHNOP_bind_vcpu, struct evtchn_bind_vcpu, IN, op_bind_vcpu),
    XEN_SUBOP(EVTCHNOP_unmask, struct evtchn_unmask, IN, op_unmask),
    XEN_SUBOP(EVTCHNOP_reset, struct evtchn_reset, IN, op_reset),
    XEN_SUBOP(XEN_EVTCHNOP_RESET_CONT, struct evtchn_reset, IN, op_reset_cont),
    XEN_SUBOP(EVTCHNOP_init_control, struct evtchn_init_control, IN | OUT,
              xen_fifo_init_control),
    XEN_SUBOP(EVTCHNOP_expand_array, struct evtchn_expand_array, IN,
              xen_fifo_expand_array),
    XEN_SUBOP(EVTCHNOP_set_priority, struct evtchn_set_priority, IN,
              op_set_priority),
};

int64_t xen_do_event_channel_op(XenCall *c)
{
    return xen_subop_call(c, evtchn_ops, G_N_ELEMENTS(evtchn_ops),
                          (uint32_t)c->args[0], c->args[1]);
}
