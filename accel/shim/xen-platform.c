/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moments of a machine's life that QEMU tells nobody of: methods of the
 * machine's class are wrapped.
 */
#include "qemu/osdep.h"
#include "hw/boards.h"
#include "hw/xen/xen.h"
#include "system/reset.h"
#include "accel/shim/xen-platform.h"

/* The methods have no argument for these. */
static struct {
    void (*init)(MachineState *machine);
    void (*reset)(MachineState *machine, ResetType type);
    const XenPlatformHooks *hooks;
    void *opaque;
} wrapped;

static void wrap_init(MachineState *machine)
{
    wrapped.init(machine);
    wrapped.hooks->board_built(wrapped.opaque);
}

static void wrap_reset(MachineState *machine, ResetType type)
{
    /* A machine that wakes up goes on with all it has. */
    if (type != RESET_TYPE_WAKEUP) {
        wrapped.hooks->before_reset(wrapped.opaque);
    }
    if (wrapped.reset) {
        wrapped.reset(machine, type);
    } else {
        qemu_devices_reset(type);
    }
}

void xen_platform_hook(const XenPlatformHooks *hooks, void *opaque)
{
    MachineClass *mc = MACHINE_GET_CLASS(current_machine);

    assert(!wrapped.hooks);
    wrapped.init = mc->init;
    wrapped.reset = mc->reset;
    wrapped.hooks = hooks;
    wrapped.opaque = opaque;
    mc->init = wrap_init;
    mc->reset = wrap_reset;
}

void xen_platform_enable(unsigned domid)
{
    xen_mode = XEN_EMULATE;
    xen_domid = domid;
}
