/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back end of a domain's first PV console. */
#include "hw/xen/console-ring.h"

#include <string.h>

#include <xen/io/console.h>

#include "hw/xen/byte-ring.h"

#define CONSOLE_TAG_WAITING 0x0701

#define CONSOLE_OUT_SIZE sizeof(((struct xencons_interface *)NULL)->out)
#define CONSOLE_IN_SIZE  sizeof(((struct xencons_interface *)NULL)->in)

struct XenConsoleRing {
    Host *host;
    HostPage *page;
    ByteRing out; /* from the guest */
    ByteRing in;  /* to the guest */
    bool waiting; /* a receive was short: console_accept() is owed */
    void (*notify)(void *opaque);
    void *opaque;
};

static int64_t console_now(const XenConsoleRing *ring)
{
    return ring->host->ops->now_ns(ring->host);
}

static void console_trace(const XenConsoleRing *ring, size_t out, size_t in,
                          size_t pending)
{
    ring->host->ops->trace(ring->host, HOST_TRACE_console, out, in, pending,
                           console_now(ring));
}

XenConsoleRing *xen_console_ring_new(Host *host, HostPage *page,
                                     void (*notify)(void *opaque), void *opaque)
{
    XenConsoleRing *ring = g_new0(XenConsoleRing, 1);

    ring->host = host;
    ring->page = page;
    ring->notify = notify;
    ring->opaque = opaque;
    ring->out = (ByteRing){
        .host = host,
        .page = page,
        .id = BYTE_RING_CONSOLE_OUT,
        .size = CONSOLE_OUT_SIZE,
        .data = offsetof(struct xencons_interface, out),
        .cons = offsetof(struct xencons_interface, out_cons),
        .prod = offsetof(struct xencons_interface, out_prod),
    };
    ring->in = (ByteRing){
        .host = host,
        .page = page,
        .id = BYTE_RING_CONSOLE_IN,
        .size = CONSOLE_IN_SIZE,
        .data = offsetof(struct xencons_interface, in),
        .cons = offsetof(struct xencons_interface, in_cons),
        .prod = offsetof(struct xencons_interface, in_prod),
    };
    xen_console_ring_reset(ring);
    return ring;
}

void xen_console_ring_free(XenConsoleRing *ring)
{
    g_free(ring);
}

void xen_console_ring_reset(XenConsoleRing *ring)
{
    const HostOps *ops = ring->host->ops;

    ring->waiting = false;
    memset(ops->mem.page_ptr(ring->host, ring->page), 0,
           sizeof(struct xencons_interface));
    ops->mem.page_dirty(ring->host, ring->page, 0,
                        sizeof(struct xencons_interface));
}

void xen_console_ring_kick(XenConsoleRing *ring)
{
    uint8_t buf[CONSOLE_OUT_SIZE];
    size_t len, room;

    /*
     * One pass takes all there was; what the guest adds meanwhile comes with
     * a kick of its own.
     */
    if (byte_ring_read(&ring->out, buf, sizeof(buf), &len) && len) {
        ring->host->ops->console_write(ring->host, buf, len);
        console_trace(ring, len, 0, 0);
        ring->notify(ring->opaque);
    }
    if (ring->waiting && byte_ring_room(&ring->in, &room) && room) {
        ring->waiting = false;
        ring->host->ops->console_accept(ring->host);
    }
}

size_t xen_console_ring_receive(XenConsoleRing *ring, const uint8_t *buf,
                                size_t len)
{
    size_t taken;

    byte_ring_write(&ring->in, buf, len, &taken);
    if (taken < len) {
        ring->waiting = true;
    }
    console_trace(ring, 0, taken, len - taken);
    if (taken) {
        ring->notify(ring->opaque);
    }
    return taken;
}

void xen_console_ring_save(const XenConsoleRing *ring, StateWriter *w)
{
    state_put_u64(w, CONSOLE_TAG_WAITING, ring->waiting);
}

void xen_console_ring_load(XenConsoleRing *ring, StateReader *r)
{
    ring->waiting =
        state_get_u64(r, CONSOLE_TAG_WAITING, "console ring: waiting", 1);
}
