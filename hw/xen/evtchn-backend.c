/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports whose other end is domain 0's: the store, the console, back ends. */
#include "hw/xen/evtchn-port-internal.h"

void xen_evtchn_bind_backend(XenDomain *d, uint32_t port, XenBackendFn *fn,
                             void *opaque)
{
    XenPort *p = xen_port_get(d, port);

    p->state = XEN_PORT_INTERDOMAIN;
    p->remote_dom = 0;
    p->remote_port = port;
    p->backend = XEN_BACKEND_BUILTIN;
    p->fn = fn;
    p->opaque = opaque;
}

/* The domain may have been reset since it was to be done. */
static void set_pending(void *opaque, uint32_t port)
{
    XenDomain *d = opaque;
    const XenPort *p = xen_port_get(d, port);

    if (p && p->backend != XEN_BACKEND_NONE) {
        xen_port_set_pending(d, port);
    }
}

void xen_evtchn_notify_guest(XenDomain *d, uint32_t port)
{
    const XenPort *p = xen_port_get(d, port);

    if (p && p->backend == XEN_BACKEND_BUILTIN) {
        d->host->ops->apart(d->host, set_pending, d, port);
    }
}

/* After migration a port stays bound to domain 0, where nobody listens yet. */
static bool port_waits(const XenPort *p)
{
    return p && p->remote_dom == 0 &&
           (p->state == XEN_PORT_UNBOUND || (p->state == XEN_PORT_INTERDOMAIN &&
                                             p->backend == XEN_BACKEND_NONE));
}

int xen_backend_bind(XenDomain *d, uint32_t guest_port, XenBackendFn *fn,
                     void *opaque)
{
    XenPort *p = xen_port_get(d, guest_port);

    if (!port_waits(p)) {
        return -XEN_EINVAL;
    }
    p->state = XEN_PORT_INTERDOMAIN;
    p->remote_port = guest_port; /* domain 0's end has the same number */
    p->backend = XEN_BACKEND_EXTERNAL;
    p->fn = fn;
    p->opaque = opaque;
    xen_trace(d, HOST_TRACE_evtchn_bind, p->vcpu, guest_port,
              xen_port_status(p), 0);
    fn(opaque);
    return 0;
}

static XenPort *backend_port(XenDomain *d, uint32_t guest_port)
{
    XenPort *p = xen_port_get(d, guest_port);

    return p && p->backend == XEN_BACKEND_EXTERNAL ? p : NULL;
}

void xen_backend_unbind(XenDomain *d, uint32_t guest_port)
{
    XenPort *p = backend_port(d, guest_port);

    if (p) {
        p->state = XEN_PORT_UNBOUND;
        p->backend = XEN_BACKEND_NONE;
        p->fn = NULL;
    }
}

int xen_backend_notify(XenDomain *d, uint32_t guest_port)
{
    if (!backend_port(d, guest_port)) {
        return -XEN_EINVAL;
    }
    d->host->ops->apart(d->host, set_pending, d, guest_port);
    return 0;
}
