/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels for QEMU's Xen back ends.  What the guest sends arrives at a
 * descriptor the back end polls in its own context; one port a handle.
 */
#include "accel/shim/xen-backend-internal.h"
#include "qemu/event_notifier.h"
#include "hw/xen/backend.h"
#include "accel/shim/apart.h"

struct xenevtchn_handle {
    EventNotifier notifier;
    uint32_t port; /* the guest's, which names ours, too; 0: none */
    bool orphan;   /* the guest closed the port and has used it again */
};

static void guest_sent(void *opaque)
{
    xenevtchn_handle *xc = opaque;

    event_notifier_set(&xc->notifier);
}

static xenevtchn_handle *evtchn_open(void)
{
    xenevtchn_handle *xc = g_new0(xenevtchn_handle, 1);
    int ret = event_notifier_init(&xc->notifier, 0);

    if (ret < 0) {
        g_free(xc);
        errno = -ret;
        return NULL;
    }
    return xc;
}

static int evtchn_bind(xenevtchn_handle *xc, uint32_t domid, evtchn_port_t port)
{
    XenBackends *b = xen_backends();
    int ret;

    if (domid != b->domid) {
        errno = ESRCH;
        return -1;
    }
    if (!b->domain || xc->port) {
        errno = EINVAL;
        return -1;
    }
    ret = xen_backend_bind(b->domain, port, guest_sent, xc);
    if (ret) {
        errno = -ret;
        return -1;
    }
    /* The guest may have got a vCPU since the last. */
    shim_make_atomic();
    /* It could be bound, so whoever had it before has lost it. */
    for (guint i = 0; i < b->channels->len; i++) {
        xenevtchn_handle *other = g_ptr_array_index(b->channels, i);

        other->orphan |= other->port == port;
    }
    xc->port = port;
    xc->orphan = false;
    g_ptr_array_add(b->channels, xc);
    xen_backend_rings_bound(b, xc);
    return port;
}

static int evtchn_unbind(xenevtchn_handle *xc, evtchn_port_t port)
{
    XenBackends *b = xen_backends();

    if (!xc->port || port != xc->port) {
        errno = EINVAL;
        return -1;
    }
    if (!xc->orphan) {
        xen_backend_unbind(b->domain, xc->port);
    }
    g_ptr_array_remove(b->channels, xc);
    xc->port = 0;
    return 0;
}

static int evtchn_close(xenevtchn_handle *xc)
{
    if (xc->port) {
        evtchn_unbind(xc, xc->port);
    }
    event_notifier_cleanup(&xc->notifier);
    g_free(xc);
    return 0;
}

static int evtchn_get_fd(xenevtchn_handle *xc)
{
    return event_notifier_get_fd(&xc->notifier);
}

/* A port whose other end the guest closed takes events and drops them. */
static int evtchn_notify(xenevtchn_handle *xc, evtchn_port_t port)
{
    if (!xc->port || port != xc->port) {
        errno = EINVAL;
        return -1;
    }
    if (xen_backend_rings_put(xen_backends(), xc) && !xc->orphan) {
        xen_backend_notify(xen_backends()->domain, xc->port);
    }
    return 0;
}

/* The event was taken by evtchn_pending(). */
static int evtchn_unmask(xenevtchn_handle *xc, evtchn_port_t port)
{
    return 0;
}

static int evtchn_pending(xenevtchn_handle *xc)
{
    if (!event_notifier_test_and_clear(&xc->notifier)) {
        return 0;
    }
    xen_backend_rings_take(xen_backends(), xc);
    return xc->port;
}

struct evtchn_backend_ops xen_backend_evtchn_ops = {
    .open = evtchn_open,
    .bind_interdomain = evtchn_bind,
    .unbind = evtchn_unbind,
    .close = evtchn_close,
    .get_fd = evtchn_get_fd,
    .notify = evtchn_notify,
    .unmask = evtchn_unmask,
    .pending = evtchn_pending,
};
