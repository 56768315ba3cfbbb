/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs leave the machine when the guest ejects them.
 *
 * QEMU then joins the vCPU's thread, from the thread of the vCPU that told the
 * ACPI controller.  Under icount and thread=single all vCPUs share one thread
 * (and its condition variable, which the vCPU would take along), and a vCPU may
 * eject itself: QEMU would abort.  So a vCPU gets a thread of its own to be
 * joined by, or leaves when no vCPU executes.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "accel/shim/vcpu-internal.h"

static void (*stock_unrealize)(DeviceState *dev);

static bool threads_shared(const CPUState *cs)
{
    return cs != first_cpu && cs->thread == first_cpu->thread;
}

static void *thread_fn(void *opaque)
{
    return NULL;
}

/* What is shared stays with the others; these are freed with the vCPU. */
static void own_thread(CPUState *cs)
{
    cs->thread = g_new0(QemuThread, 1);
    cs->halt_cond = g_new0(QemuCond, 1);
    qemu_cond_init(cs->halt_cond);
    qemu_thread_create(cs->thread, "unplugged", thread_fn, NULL,
                       QEMU_THREAD_JOINABLE);
}

static void unplug_now(CPUState *cs)
{
    shim_vcpu_gone(cs);
    if (threads_shared(cs)) {
        own_thread(cs);
    }
    stock_unrealize(DEVICE(cs));
}

/* On the main loop's thread. */
static void unplug_later(void *opaque)
{
    CPUState *cs = opaque;

    unplug_now(cs);
    object_unref(OBJECT(cs));
}

/*
 * On the thread that all vCPUs share, between their turns.  For it @cs, which
 * was the last to execute, still is the current one and one of its own, so the
 * reference is kept for good.
 */
static void unplug_between(CPUState *first, run_on_cpu_data data)
{
    CPUState *cs = data.host_ptr;
    QemuThread *thread = cs->thread;
    QemuCond *halt_cond = cs->halt_cond;

    unplug_now(cs);
    qemu_cond_destroy(cs->halt_cond);
    g_free(cs->halt_cond);
    g_free(cs->thread);
    cs->thread = thread;
    cs->halt_cond = halt_cond;
}

/* The device is gone for everyone else when this returns. */
static void shim_unrealize(DeviceState *dev)
{
    CPUState *cs = CPU(dev);

    if (!current_cpu || (current_cpu != cs && threads_shared(cs))) {
        unplug_now(cs);
        return;
    }
    object_ref(OBJECT(cs));
    cs->stop = true;
    cs->unplug = true;
    qemu_cpu_kick(cs);
    if (threads_shared(cs)) {
        async_run_on_cpu(first_cpu, unplug_between, RUN_ON_CPU_HOST_PTR(cs));
    } else {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), unplug_later, cs);
    }
}

static void unplug_wrap_class(ObjectClass *oc, void *opaque)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    if (dc->unrealize == stock_unrealize) {
        dc->unrealize = shim_unrealize;
    }
}

void vcpu_unplug_install(void)
{
    stock_unrealize = DEVICE_GET_CLASS(first_cpu)->unrealize;
    object_class_foreach(unplug_wrap_class, TYPE_X86_CPU, false, NULL);
}
