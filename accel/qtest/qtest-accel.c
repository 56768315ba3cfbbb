/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest accelerator as a module for a QEMU that was packaged without it:
 * vCPUs that never execute, and a virtual clock that only the test moves.
 *
 * QEMU finds the types by their names ("-accel qtest" asks for "qtest-accel",
 * then for "qtest-accel-ops"), and takes the file for a module of its own
 * build by the name of one exported function (qemu: util/module.c).
 */
#include "qemu/osdep.h"
#include "migration/vmstate.h"
#include "qemu/accel.h"
#include "qemu/module.h"
#include "system/accel-ops.h"
#include "system/cpus.h"
#include "system/qtest.h"

#ifndef JUMPCUT_QEMU_STAMP
#error "the build defines JUMPCUT_QEMU_STAMP (see find-stamp.py)"
#endif

#define TYPE_JUMPCUT_QTEST_ACCEL     ACCEL_CLASS_NAME("qtest")
#define TYPE_JUMPCUT_QTEST_ACCEL_OPS ACCEL_OPS_NAME("qtest")

/*
 * Global because the operations that read and set it get no context; a
 * process has one accelerator.  Set with the big lock held, read from any
 * thread.
 */
typedef struct QtestClock {
    int64_t virtual_ns;
} QtestClock;

static QtestClock qtest_clock;

static int64_t qtest_clock_get(void)
{
    return qatomic_read(&qtest_clock.virtual_ns);
}

static void qtest_clock_set(int64_t ns)
{
    qatomic_set(&qtest_clock.virtual_ns, ns);
}

/*
 * Timers migrate as absolute virtual times, so the time they count from goes
 * with them; registered before any device, it is also loaded before any.
 */
static const VMStateDescription vmstate_qtest_clock = {
    .name = "jumpcut-qtest-clock",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields =
        (const VMStateField[]){
            VMSTATE_INT64(virtual_ns, QtestClock),
            VMSTATE_END_OF_LIST(),
        },
};

static int qtest_accel_init_machine(G_GNUC_UNUSED MachineState *ms)
{
    return vmstate_register(NULL, 0, &vmstate_qtest_clock, &qtest_clock);
}

static void qtest_accel_class_init(ObjectClass *klass, G_GNUC_UNUSED void *data)
{
    AccelClass *accel = ACCEL_CLASS(klass);

    accel->name = "QTest";
    accel->init_machine = qtest_accel_init_machine;
    /* Makes qtest_enabled() true, which devices and qtest commands ask. */
    accel->allowed = &qtest_allowed;
}

static void qtest_accel_ops_class_init(ObjectClass *klass,
                                       G_GNUC_UNUSED void *data)
{
    AccelOpsClass *ops = ACCEL_OPS_CLASS(klass);

    ops->create_vcpu_thread = dummy_start_vcpu_thread;
    ops->get_virtual_clock = qtest_clock_get;
    ops->set_virtual_clock = qtest_clock_set;
}

static const TypeInfo qtest_accel_types[] = {
    {
        .name = TYPE_JUMPCUT_QTEST_ACCEL,
        .parent = TYPE_ACCEL,
        .class_init = qtest_accel_class_init,
    },
    {
        .name = TYPE_JUMPCUT_QTEST_ACCEL_OPS,
        .parent = TYPE_ACCEL_OPS,
        .class_init = qtest_accel_ops_class_init,
        .abstract = true,
    },
};

static void qtest_accel_register_types(void)
{
    type_register_static_array(qtest_accel_types,
                               ARRAY_SIZE(qtest_accel_types));
}

type_init(qtest_accel_register_types);

/* QEMU looks it up to learn whose module this is, and never calls it. */
void JUMPCUT_QEMU_STAMP(void);
__attribute__((visibility("default"))) void JUMPCUT_QEMU_STAMP(void)
{
}

/* In every module: QEMU then says "other build" rather than "no module". */
void qemu_module_dummy(void);
__attribute__((visibility("default"))) void qemu_module_dummy(void)
{
}
