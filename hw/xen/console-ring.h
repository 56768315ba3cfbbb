/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The back end of a domain's first PV console (hvc0), which xenconsoled is on
 * Xen (xen: tools/console/daemon/io.c; public/io/console.h).
 */
#ifndef JUMPCUT_HW_XEN_CONSOLE_RING_H
#define JUMPCUT_HW_XEN_CONSOLE_RING_H

#include "hw/host.h"
#include "hw/state.h"

typedef struct XenConsoleRing XenConsoleRing;

/*
 * @page holds struct xencons_interface and is cleared; it is borrowed and
 * outlives the ring.  @notify(@opaque) raises the guest's console port; it may
 * be called from xen_console_ring_kick() and _receive() only.
 */
XenConsoleRing *xen_console_ring_new(Host *host, HostPage *page,
                                     void (*notify)(void *opaque),
                                     void *opaque);
void xen_console_ring_free(XenConsoleRing *ring);
/* As just made; the page is cleared again. */
void xen_console_ring_reset(XenConsoleRing *ring);

/*
 * The guest sent on its console port: everything in the output ring goes to
 * console_write(), and console_accept() is called if the guest made room after
 * a short xen_console_ring_receive().  Indexes that cannot be are traced and
 * nothing is read.
 */
void xen_console_ring_kick(XenConsoleRing *ring);

/*
 * Input for the guest.
 * @return: bytes taken, in order; when fewer than @len, console_accept() is
 * called once there is room.
 */
size_t xen_console_ring_receive(XenConsoleRing *ring, const uint8_t *buf,
                                size_t len);

/* The page itself is guest memory and migrates as such. */
void xen_console_ring_save(const XenConsoleRing *ring, StateWriter *w);
void xen_console_ring_load(XenConsoleRing *ring, StateReader *r);

#endif
