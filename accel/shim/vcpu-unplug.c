/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs leave the machine when the guest ejects them.
 *
 * QEMU then joins the vCPU's thread, from the thread of the vCPU that told the
 * ACPI controller.  Under icount and thread=single all vCPUs share one thread
 * (and its condition variable, which the vCPU would take along), and a vCPU may
 * eject itself: QEMU would abort.  So a vCPU gets a thread of its own to be
 * joined by, or is left to the main loop.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "accel/shim/vcpu-internal.h"

/* Host time between looks whether the thread has let go of a vCPU. */
#define RETRY_MS 1

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

typedef struct Unplug {
    CPUState *cs; /* referenced */
    QEMUTimer timer;
} Unplug;

/* The shared thread tells with "created" that it has let go of a vCPU. */
static void unplug_later(void *opaque)
{
    Unplug *u = opaque;

    if (threads_shared(u->cs) && u->cs->created) {
        timer_mod(&u->timer, qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + RETRY_MS);
        return;
    }
    timer_del(&u->timer);
    unplug_now(u->cs);
    object_unref(OBJECT(u->cs));
    g_free(u);
}

/* The device is gone for everyone else when this returns. */
static void shim_unrealize(DeviceState *dev)
{
    CPUState *cs = CPU(dev);
    Unplug *u;

    if (!current_cpu || (current_cpu != cs && threads_shared(cs))) {
        unplug_now(cs);
        return;
    }
    u = g_new0(Unplug, 1);
    u->cs = CPU(object_ref(OBJECT(dev)));
    timer_init_ms(&u->timer, QEMU_CLOCK_REALTIME, unplug_later, u);
    cs->stop = true;
    cs->unplug = true;
    qemu_cpu_kick(cs);
    timer_mod(&u->timer, qemu_clock_get_ms(QEMU_CLOCK_REALTIME));
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
