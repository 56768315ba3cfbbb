/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's own Xen back ends (xen-disk, xen-net-device, xen-console) for a
 * guest of ours: its operation tables for event channels, grants and the
 * xenstore, and its Xen bus.
 *
 * All of it runs with the big lock held.  QEMU's tables have no argument that
 * says whose they are, so there is one XenBackends a process.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XEN_BACKEND_H
#define JUMPCUT_ACCEL_SHIM_XEN_BACKEND_H

#include "hw/xen/domain.h"

typedef struct XenBackends XenBackends;

/*
 * Makes the Xen bus of domain @domid over its store @tree (of
 * xenstore_qemu_new()), which outlives it.  After xen_platform_enable(), before
 * the first -device.
 * @deterministic: the machine has to be a function of its configuration: then
 * devices that complete when the host does are refused.
 */
XenBackends *xen_backends_new(uint16_t domid, void *tree, bool deterministic);
void *xen_backends_tree(const XenBackends *b);
/* The domain is there: rings can be connected. */
void xen_backends_attach(XenBackends *b, XenDomain *domain);

/*
 * Around a reset of the machine.  stop(), before anything is reset, ends what
 * is under way and gives back all ports and grants; restart() writes the
 * devices' nodes into the new store, as a toolstack does for a new domain.
 */
void xen_backends_stop(XenBackends *b);
/* The type of a device there is, or NULL. */
const char *xen_backends_device(const XenBackends *b);
/* The domain's id from now on; there is no device. */
void xen_backends_set_domid(XenBackends *b, uint16_t domid);
void xen_backends_restart(XenBackends *b);

#endif
