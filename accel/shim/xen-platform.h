/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moments of a machine's life that QEMU tells nobody of: when its board is
 * built, but no -device yet, and when it is about to be reset, but nothing of
 * it is.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XEN_PLATFORM_H
#define JUMPCUT_ACCEL_SHIM_XEN_PLATFORM_H

typedef struct XenPlatformHooks {
    /* Once, before the first -device. */
    void (*board_built)(void *opaque);
    /* vCPUs are stopped. */
    void (*before_reset)(void *opaque);
} XenPlatformHooks;

/* For the current machine, before its board is built; once a process. */
void xen_platform_hook(const XenPlatformHooks *hooks, void *opaque);

/*
 * Tell QEMU's devices that they are in a Xen guest with id @domid, so that
 * "xen-platform" and the devices of the Xen bus can be made.  Not before the
 * board is built: a pc would make the devices of KVM's Xen support.
 */
void xen_platform_enable(unsigned domid);

#endif
