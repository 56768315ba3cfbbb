/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suspend to RAM at an exact instruction: after the write to the ACPI
 * controller that asks for it nothing executes, and no virtual time passes.
 *
 * QEMU marks the vCPU as one that stops, which makes the machine an idle one:
 * until QEMU's main thread sees the request, and again from the wake-up until
 * the vCPUs go on, the main loop would move its time on to the next timer.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "cpu.h"
#include "exec/memory.h"
#include "hw/core/cpu.h"
#include "system/runstate.h"
#include "accel/shim/vcpu-internal.h"

/* QEMU's, of hw/acpi/core.c */
#define REGION_NAME "acpi-cnt"

/* ACPI 4.8.3.2.1: PM1 control; the type of sleep that is S3 on QEMU's PCs */
#define PM1_SLEEP_ENABLE 0x2000u
#define PM1_SLEEP_TYPE   0x1c00u
#define PM1_TYPE_S3      0x0400u

/* The callbacks of MemoryRegionOps get QEMU's pointer, not ours. */
static struct {
    const MemoryRegionOps *stock;
    MemoryRegionOps wrapped;
    bool asked; /* for a suspend that the main thread has not begun */
} vcpu_sleep;

static void pm1_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    uint64_t written = addr ? value << 8 : value;
    /* The main thread may wait for this vCPU to stop already. */
    bool stop = current_cpu && current_cpu->stop;

    vcpu_sleep.stock->write(opaque, addr, value, size);
    if (current_cpu && written & PM1_SLEEP_ENABLE &&
        (written & PM1_SLEEP_TYPE) == PM1_TYPE_S3) {
        vcpu_sleep.asked = true;
        current_cpu->stop = stop;
        cpu_exit(current_cpu);
    }
}

static int wrap(Object *obj, void *opaque)
{
    MemoryRegion *mr =
        (MemoryRegion *)object_dynamic_cast(obj, TYPE_MEMORY_REGION);

    if (!mr || g_strcmp0(memory_region_name(mr), REGION_NAME)) {
        return 0;
    }
    vcpu_sleep.stock = mr->ops;
    vcpu_sleep.wrapped = *mr->ops;
    vcpu_sleep.wrapped.write = pm1_write;
    mr->ops = &vcpu_sleep.wrapped;
    return 1; /* a machine has one */
}

void vcpu_sleep_install(void)
{
    object_child_foreach_recursive(object_get_root(), wrap, NULL);
}

/* Has a vCPU asked for it? */
bool vcpu_sleep_asked(void)
{
    return vcpu_sleep.asked;
}

static bool vcpus_stop(void *opaque)
{
    return !runstate_is_running() || current_cpu->stop;
}

/* Until the main thread stops the vCPUs. */
void vcpu_sleep_wait(void)
{
    shim_wait_until(vcpus_stop, NULL, 1);
    vcpu_sleep.asked = false;
}

void shim_before_wakeup(void)
{
    if (runstate_check(RUN_STATE_SUSPENDED)) {
        qemu_clock_enable(QEMU_CLOCK_VIRTUAL, false);
    }
}
