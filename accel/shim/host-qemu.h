/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HostOps over QEMU: timers of QEMU_CLOCK_VIRTUAL, interrupts through the
 * machine's own controllers, memory through guest-memory.h.
 */
#ifndef JUMPCUT_ACCEL_SHIM_HOST_QEMU_H
#define JUMPCUT_ACCEL_SHIM_HOST_QEMU_H

#include "hw/host.h"

/* What the owner of the host answers for. */
typedef struct HostQemuHooks {
    void (*shutdown)(void *opaque, unsigned vcpu, unsigned reason);
    void (*console_write)(void *opaque, const uint8_t *buf, size_t len);
    void (*console_accept)(void *opaque);
} HostQemuHooks;

Host *host_qemu_new(const HostQemuHooks *hooks, void *opaque);

#endif
