/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings of QEMU's disks and network cards.
 *
 * QEMU's back ends believe the indexes in a ring: one that claims thousands of
 * millions of bad requests would have the main loop busy for hours.  So they
 * get a copy (hw/xen/backend-ring.h), which follows the guest's ring when an
 * event arrives and leads it when one is sent.
 */
#include "accel/shim/xen-backend-internal.h"
#include "qemu/error-report.h"
#include "hw/block/xen_blkif.h"
#include "hw/xen/interface/io/netif.h"
#include "hw/xen/interface/io/protocols.h"
#include "hw/xen/xen-block.h"
#include "accel/shim/guest-memory.h"
#include "hw/xen/backend-ring.h"
#include "hw/xen/backend.h"

typedef struct BackendRing {
    xengnttab_handle *owner;
    const xenevtchn_handle *channel; /* NULL: not yet bound */
    XenBackendRing *ring;
    bool halted;
    bool followed; /* by the mapping of a network card's second ring */
    unsigned n;
    uint32_t refs[XEN_BACKEND_RING_PAGES_MAX];
    HostPage *pages[XEN_BACKEND_RING_PAGES_MAX];
} BackendRing;

static XenDevice *device_of(XenBackends *b, const xengnttab_handle *xgt)
{
    BusChild *kid;

    QTAILQ_FOREACH(kid, &b->bus->children, sibling)
    {
        if (XEN_DEVICE(kid->child)->xgth == xgt) {
            return XEN_DEVICE(kid->child);
        }
    }
    return NULL;
}

/*
 * A network card maps the ring it sends by, the one it receives by, and binds
 * its channel.  It looks at the second once a packet, without waiting for an
 * event: that one is no copy.
 */
static bool is_second(XenBackends *b, const xengnttab_handle *xgt)
{
    for (guint i = 0; i < b->rings->len; i++) {
        BackendRing *r = g_ptr_array_index(b->rings, i);

        if (r->owner == xgt && !r->channel && !r->followed) {
            r->followed = true;
            return true;
        }
    }
    return false;
}

bool xen_backend_ring_wanted(XenBackends *b, const xengnttab_handle *xgt,
                             int prot, XenBackendShape *shape)
{
    XenDevice *dev = device_of(b, xgt);
    g_autofree char *protocol = NULL;

    if (!dev || prot != (PROT_READ | PROT_WRITE)) {
        return false;
    }
    if (object_dynamic_cast(OBJECT(dev), "xen-net-device")) {
        shape->request = sizeof(netif_tx_request_t);
        shape->response = sizeof(netif_tx_response_t);
        return !is_second(b, xgt);
    }
    if (!object_dynamic_cast(OBJECT(dev), TYPE_XEN_BLOCK_DEVICE)) {
        return false;
    }
    if (xen_device_frontend_scanf(dev, "protocol", "%ms", &protocol) == 1 &&
        !strcmp(protocol, XEN_IO_PROTO_ABI_X86_32)) {
        shape->request = sizeof(union blkif_x86_32_sring_entry);
        shape->response = sizeof(blkif_x86_32_response_t);
    } else {
        shape->request = sizeof(union blkif_x86_64_sring_entry);
        shape->response = sizeof(blkif_x86_64_response_t);
    }
    return true;
}

static void unmap_pages(XenBackends *b, BackendRing *r)
{
    while (r->n) {
        r->n--;
        xen_backend_grant_unmap(b->domain, r->refs[r->n], r->pages[r->n], true);
    }
}

void *xen_backend_ring_map(XenBackends *b, xengnttab_handle *xgt,
                           const XenBackendShape *shape, const uint32_t *refs,
                           uint32_t count)
{
    g_autofree BackendRing *r = g_new0(BackendRing, 1);
    uint8_t *ptrs[XEN_BACKEND_RING_PAGES_MAX];
    int16_t status;

    for (; r->n < count; r->n++) {
        r->refs[r->n] = refs[r->n];
        r->pages[r->n] =
            xen_backend_grant_map(b->domain, refs[r->n], true, &status);
        if (!r->pages[r->n]) {
            unmap_pages(b, r);
            errno = EINVAL;
            return NULL;
        }
        ptrs[r->n] = guest_page_ptr(r->pages[r->n]);
    }
    r->owner = xgt;
    r->ring =
        xen_backend_ring_new(ptrs, count, shape->request, shape->response);
    g_ptr_array_add(b->rings, r);
    return xen_backend_ring_copy(g_steal_pointer(&r)->ring);
}

static void end_ring(XenBackends *b, BackendRing *r)
{
    xen_backend_ring_put(r->ring);
    xen_backend_ring_free(r->ring);
    unmap_pages(b, r);
    g_ptr_array_remove(b->rings, r);
    g_free(r);
}

bool xen_backend_ring_unmap(XenBackends *b, const void *copy)
{
    for (guint i = 0; i < b->rings->len; i++) {
        BackendRing *r = g_ptr_array_index(b->rings, i);

        if (xen_backend_ring_copy(r->ring) == copy) {
            end_ring(b, r);
            return true;
        }
    }
    return false;
}

void xen_backend_rings_close(XenBackends *b, const xengnttab_handle *xgt)
{
    for (guint i = b->rings->len; i > 0; i--) {
        BackendRing *r = g_ptr_array_index(b->rings, i - 1);

        if (r->owner == xgt) {
            end_ring(b, r);
        }
    }
}

void xen_backend_rings_bound(XenBackends *b, const xenevtchn_handle *xc)
{
    for (guint i = 0; i < b->rings->len; i++) {
        BackendRing *r = g_ptr_array_index(b->rings, i);

        r->channel = r->channel ? r->channel : xc;
    }
}

void xen_backend_rings_take(XenBackends *b, const xenevtchn_handle *xc)
{
    for (guint i = 0; i < b->rings->len; i++) {
        BackendRing *r = g_ptr_array_index(b->rings, i);

        if (r->channel == xc && !r->halted && !xen_backend_ring_take(r->ring)) {
            warn_report("the ring of grant %u claims more requests than it "
                        "has room for: it is halted until its front end "
                        "connects again",
                        r->refs[0]);
            r->halted = true;
        }
    }
}

bool xen_backend_rings_put(XenBackends *b, const xenevtchn_handle *xc)
{
    bool answered = false, wanted = false;

    for (guint i = 0; i < b->rings->len; i++) {
        BackendRing *r = g_ptr_array_index(b->rings, i);

        if (r->channel == xc) {
            XenRingAnswer answer = xen_backend_ring_put(r->ring);

            answered |= answer != XEN_RING_NOTHING;
            wanted |= answer == XEN_RING_NOTIFY;
        }
    }
    /* It is told for another reason if nothing is answered. */
    return wanted || !answered;
}
