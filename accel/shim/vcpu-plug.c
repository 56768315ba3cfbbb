/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs plugged into a multi-threaded TCG.
 *
 * QEMU has room for the threads of as many vCPUs as the board can have at a
 * time, and gives no place back when one goes: the next would end QEMU
 * (tcg/tcg.c, tcg_register_thread).  It is refused instead.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/hotplug.h"
#include "hw/qdev-core.h"
#include "accel/shim/vcpu-internal.h"

static struct {
    void (*stock)(HotplugHandler *handler, DeviceState *dev, Error **errp);
    unsigned nr_threads; /* that there have been */
} plug;

static void shim_pre_plug(HotplugHandler *handler, DeviceState *dev,
                          Error **errp)
{
    ERRP_GUARD();

    plug.stock(handler, dev, errp);
    if (*errp || !object_dynamic_cast(OBJECT(dev), TYPE_X86_CPU)) {
        return;
    }
    if (plug.nr_threads == shim->nr_vcpus) {
        error_setg(errp,
                   "multi-threaded TCG runs %u vCPUs in its life, and has run "
                   "as many: take -accel tcg,thread=single or -icount",
                   shim->nr_vcpus);
        return;
    }
    plug.nr_threads++;
}

void vcpu_plug_install(void)
{
    HotplugHandlerClass *hc = HOTPLUG_HANDLER_GET_CLASS(current_machine);
    CPUState *cs;

    if (!qemu_tcg_mttcg_enabled()) {
        return;
    }
    CPU_FOREACH(cs)
    {
        plug.nr_threads++;
    }
    plug.stock = hc->pre_plug;
    hc->pre_plug = shim_pre_plug;
}
