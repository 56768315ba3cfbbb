/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration state of event channels. */
#include <inttypes.h>

#include "hw/xen/evtchn-port-internal.h"

typedef enum EvtchnTag {
    TAG_NR_VALID = 0x0580,
    TAG_STATE,
    TAG_VCPU,
    TAG_REMOTE_DOM,
    TAG_REMOTE_PORT,
    TAG_IRQ,
    TAG_BACKEND,
    TAG_PRIORITY,
    TAG_LAST_VCPU,
    TAG_LAST_PRIORITY,
    TAG_MISSED,
    TAG_RESET_NEXT,
} EvtchnTag;

void xen_evtchn_save(XenDomain *d, StateWriter *w)
{
    state_put_u64(w, TAG_NR_VALID, d->evtchn->nr_valid);
    state_put_u64(w, TAG_RESET_NEXT, d->evtchn->reset_next);
    for (uint32_t i = 0; i < d->evtchn->nr_valid; i++) {
        const XenPort *p = xen_port_get(d, i);
        bool interdomain = p->state == XEN_PORT_INTERDOMAIN;

        state_put_u64(w, TAG_STATE, p->state);
        state_put_u64(w, TAG_MISSED, p->missed);
        state_put_u64(w, TAG_LAST_VCPU, p->last_vcpu);
        state_put_u64(w, TAG_LAST_PRIORITY, p->last_priority);
        if (!xen_port_usable(p)) {
            continue;
        }
        state_put_u64(w, TAG_VCPU, p->vcpu);
        state_put_u64(w, TAG_PRIORITY, p->priority);
        if (interdomain || p->state == XEN_PORT_UNBOUND) {
            state_put_u64(w, TAG_REMOTE_DOM, p->remote_dom);
        } else if (p->state != XEN_PORT_IPI) {
            state_put_u64(w, TAG_IRQ, p->irq);
        }
        if (interdomain) {
            state_put_u64(w, TAG_REMOTE_PORT, p->remote_port);
            state_put_u64(w, TAG_BACKEND, p->backend);
        }
    }
    xen_fifo_save(d, w);
}

/*
 * The store's and the console's are where they are after reset, and nowhere
 * else; one of another process binds itself again.
 */
static void backend_load(uint32_t port, XenPort *p, const XenPort *built,
                         StateReader *r)
{
    p->backend = (XenPortBackend)state_get_u64(r, TAG_BACKEND, "port's backend",
                                               XEN_BACKEND__MAX);
    if (p->remote_dom && p->backend) {
        state_reader_fail(r, "port %u: a backend in domain %u", port,
                          p->remote_dom);
    } else if (p->backend != XEN_BACKEND_BUILTIN) {
        p->backend = XEN_BACKEND_NONE;
    } else if (built->backend != XEN_BACKEND_BUILTIN) {
        state_reader_fail(r, "port %u: there is no backend of ours", port);
    } else {
        p->fn = built->fn;
        p->opaque = built->opaque;
    }
}

static void binding_load(XenDomain *d, uint32_t port, XenPort *p,
                         const XenPort *built, StateReader *r)
{
    p->vcpu =
        (unsigned)state_get_u64(r, TAG_VCPU, "port vCPU", d->cfg.nr_vcpus - 1);
    p->priority = (unsigned)state_get_u64(r, TAG_PRIORITY, "port's priority",
                                          EVTCHN_FIFO_PRIORITY_MIN);
    switch (p->state) {
    case XEN_PORT_UNBOUND:
    case XEN_PORT_INTERDOMAIN:
        p->remote_dom = (uint16_t)state_get_u64(
            r, TAG_REMOTE_DOM, "port's remote domain", UINT16_MAX);
        break;
    case XEN_PORT_VIRQ:
        p->irq = (uint32_t)state_get_u64(r, TAG_IRQ, "port's virtual interrupt",
                                         XEN_NR_VIRQS - 1);
        break;
    case XEN_PORT_PIRQ:
        p->irq = (uint32_t)state_get_u64(
            r, TAG_IRQ, "port's physical interrupt", UINT32_MAX);
        break;
    default:
        break;
    }
    if (p->state == XEN_PORT_INTERDOMAIN) {
        p->remote_port = (uint32_t)state_get_u64(
            r, TAG_REMOTE_PORT, "port's remote port", XEN_PORT_LIMIT - 1);
        backend_load(port, p, built, r);
    }
}

static void port_load(XenDomain *d, uint32_t port, StateReader *r)
{
    XenPort *p = xen_port_get(d, port);
    XenPort loaded = {0};

    loaded.state =
        (XenPortState)state_get_u64(r, TAG_STATE, "port state", XEN_PORT__MAX);
    if ((port == 0) != (loaded.state == XEN_PORT_RESERVED)) {
        state_reader_fail(r, "port %u: cannot be of state %u", port,
                          loaded.state);
    }
    loaded.missed = state_get_u64(r, TAG_MISSED, "event missed", 1);
    loaded.last_vcpu = (unsigned)state_get_u64(
        r, TAG_LAST_VCPU, "port's last vCPU", d->cfg.nr_vcpus - 1);
    loaded.last_priority = (unsigned)state_get_u64(
        r, TAG_LAST_PRIORITY, "port's last priority", EVTCHN_FIFO_PRIORITY_MIN);
    if (xen_port_usable(&loaded)) {
        binding_load(d, port, &loaded, p, r);
    }
    *p = loaded;
}

/* What ports say of each other, and of virtual interrupts. */
static void port_link(XenDomain *d, uint32_t port, StateReader *r)
{
    const XenPort *p = xen_port_get(d, port);
    const XenPort *remote = xen_port_get(d, p->remote_port);

    if (p->state == XEN_PORT_INTERDOMAIN && p->remote_dom &&
        (p->remote_dom != d->cfg.domid || !remote ||
         remote->state != XEN_PORT_INTERDOMAIN ||
         remote->remote_dom != d->cfg.domid || remote->remote_port != port)) {
        state_reader_fail(r, "port %u: its remote port %u is not bound to it",
                          port, p->remote_port);
    } else if (p->state == XEN_PORT_VIRQ && *xen_virq_slot(d, p)) {
        state_reader_fail(r, "port %u: virtual interrupt %u is bound twice",
                          port, p->irq);
    } else if (p->state == XEN_PORT_VIRQ) {
        *xen_virq_slot(d, p) = port;
    }
}

void xen_evtchn_load(XenDomain *d, StateReader *r)
{
    uint64_t max = (xen_evtchn_max_port(d) / XEN_PORTS_PER_BUCKET + 1) *
                   XEN_PORTS_PER_BUCKET;
    uint64_t nr = state_get_u64(r, TAG_NR_VALID, "ports", max);

    if (nr == 0 || nr % XEN_PORTS_PER_BUCKET) {
        state_reader_fail(r, "ports: %" PRIu64 " is no whole bucket", nr);
    }
    d->evtchn->reset_next =
        (uint32_t)state_get_u64(r, TAG_RESET_NEXT, "reset's next port", nr);
    if (!state_reader_failed(r)) {
        xen_ports_grow(d, (uint32_t)nr);
    }
    for (uint32_t i = 0; i < nr && !state_reader_failed(r); i++) {
        port_load(d, i, r);
    }
    xen_fifo_load(d, r);
    for (uint32_t i = 0; i < nr && !state_reader_failed(r); i++) {
        port_link(d, i, r);
    }
}
