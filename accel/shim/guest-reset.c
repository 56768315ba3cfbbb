/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine resets of a guest, and the one kind that is none for a hypervisor:
 * the wake-up from suspend to RAM.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/resettable.h"
#include "qom/object.h"
#include "system/reset.h"
#include "system/runstate.h"
#include "accel/shim/guest-internal.h"
#include "accel/shim/guest-memory.h"

/* SeaBIOS: BUILD_AP_BOOT_ADDR */
#define AP_START_GPA 0x10000

#define TYPE_GUEST_RESET "jumpcut-guest-reset"
OBJECT_DECLARE_SIMPLE_TYPE(GuestReset, GUEST_RESET)

/* A function of qemu_register_reset() is not told the kind of reset. */
struct GuestReset {
    Object parent;
    ResettableState state;
    Guest *guest;
};

static void guest_reset(Guest *g)
{
    g->ap_stop = false;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    g->shutdown_reason = -1;
    gate_event(g->gate, "reset", 0, 0);
    for (unsigned i = 0; i < g->nr_vcpus; i++) {
        clock_reset_vcpu(g->clock, i, now);
    }
    for (unsigned i = 0; i < g->nr_parts; i++) {
        g->parts[i].ops->reset(g->parts[i].part);
    }
}

/*
 * SeaBIOS starts the other vCPUs in code of its own at AP_START_GPA when it
 * wakes, and takes the code away without waiting for them.  Where vCPUs take
 * turns they come too late, and would run what lies beneath: a loop of HLT,
 * until the guest's kernel is there and starts them itself.
 */
static void plant_ap_stop(Guest *g)
{
    static const uint8_t stop[] = {0xfa, 0xf4, 0xeb, 0xfd}; /* cli; hlt; jmp */

    QEMU_BUILD_BUG_ON(sizeof(stop) != sizeof(g->beneath_ap_stop));
    g->ap_stop = g->nr_vcpus > 1 &&
                 guest_phys_read(AP_START_GPA, g->beneath_ap_stop,
                                 sizeof(g->beneath_ap_stop)) &&
                 guest_phys_write(AP_START_GPA, stop, sizeof(stop));
}

void guest_remove_ap_stop(Guest *g)
{
    g->ap_stop = false;
    guest_phys_write(AP_START_GPA, g->beneath_ap_stop,
                     sizeof(g->beneath_ap_stop));
}

static void guest_wakeup(Guest *g)
{
    gate_event(g->gate, "wakeup", 0, 0);
    plant_ap_stop(g);
    for (unsigned i = 0; i < g->nr_parts; i++) {
        const GuestPart *p = &g->parts[i];

        (p->ops->wakeup ? p->ops->wakeup : p->ops->reset)(p->part);
    }
}

void guest_run_reset(Guest *g, bool wakeup)
{
    shim_reset();
    if (wakeup) {
        guest_wakeup(g);
    } else {
        guest_reset(g);
    }
    shim_tsc_changed();
    guest_hold_vcpus(g);
}

static void guest_reset_hold(Object *obj, ResetType type)
{
    Guest *g = GUEST_RESET(obj)->guest;
    bool wakeup = type == RESET_TYPE_WAKEUP;
    TapEntry entry = {.kind = wakeup ? TAP_WAKEUP : TAP_RESET};

    host_tap_begin(g->tap, &entry);
    guest_run_reset(g, wakeup);
    host_tap_end(g->tap, NULL, 0);
    /* A machine that replays had its first reset, too. */
    if (!runstate_check(RUN_STATE_INMIGRATE)) {
        host_tap_start(g->tap);
    }
}

static ResettableState *guest_reset_state(Object *obj)
{
    return &GUEST_RESET(obj)->state;
}

static void guest_reset_class_init(ObjectClass *oc, void *data)
{
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    rc->get_state = guest_reset_state;
    rc->phases.hold = guest_reset_hold;
}

static const TypeInfo guest_reset_info = {
    .name = TYPE_GUEST_RESET,
    .parent = TYPE_OBJECT,
    .instance_size = sizeof(GuestReset),
    .class_init = guest_reset_class_init,
    .interfaces =
        (InterfaceInfo[]){
            {TYPE_RESETTABLE_INTERFACE},
            {},
        },
};

void guest_register_reset(Guest *g)
{
    Object *obj;

    type_register_static(&guest_reset_info);
    obj = object_new(TYPE_GUEST_RESET);
    GUEST_RESET(obj)->guest = g;
    qemu_register_resettable(obj);
}
