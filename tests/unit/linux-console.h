/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of what Linux's driver of console devices (6.1 and 6.12:
 * drivers/char/virtio_console.c, drivers/virtio) shows to a device, in the
 * orders that its threads allow, drawn from a seed.
 *
 * Users, the control work, hot-plug, sleep, unloading of the module, resets of
 * the machine and a device that provokes take turns.  A bug makes the driver
 * differ from Linux's in one thing.
 */
#ifndef JUMPCUT_TESTS_UNIT_LINUX_CONSOLE_H
#define JUMPCUT_TESTS_UNIT_LINUX_CONSOLE_H

#include <glib.h>
#include <stdbool.h>

#include "hw/virtio/ordering.h"

#define LINUX_CONSOLE_PORTS 5u

typedef enum LinuxBug {
    LINUX_NO_BUG,
    LINUX_READY_IN_ADD_PORT, /* DRIVER_OK when a port is added: 3.18-rc1 */
    LINUX_FILLS_EARLY,       /* control buffers are kicked before DRIVER_OK */
    LINUX_RESTORE_EARLY,     /* the same, back from sleep only */
    LINUX_NO_FEATURES_OK,
    LINUX_NO_READ_BACK,
    LINUX_QUEUES_EARLY,
    LINUX_ENABLES_LATE,
    LINUX_CLEARS_STATUS,
    LINUX_NO_WAIT,
    LINUX_NO_RESET,
    LINUX_FEATURE_NOT_OFFERED,
    LINUX_PORTS_FIRST,   /* port messages before DEVICE_READY */
    LINUX_RESTORE_READY, /* back from sleep it says DEVICE_READY, last */
    LINUX_DEVICE_READY_TWICE,
    LINUX_PORT_READY_TWICE,
    LINUX_OPENS_UNREADY,
    LINUX_OPENS_NEXT_UNREADY, /* the same, but where a port was unplugged */
    LINUX_OPENS_AGAIN_READY,  /* before PORT_READY and after it, both */
    LINUX_OPENS_TWICE,
    LINUX_WRITES_UNKNOWN_PORT,
    LINUX_READABLE_IN_RECEIVE,
    LINUX_FEATURES_UNREAD,
    LINUX_EMERGENCY_UNOFFERED,
    LINUX_WRITES_NUM_QUEUES,
    LINUX_WIDE_REGISTERS,
    LINUX_SIZE_TOO_LARGE,
    LINUX_UNALIGNED,
    LINUX_ENABLES_TWICE,
    LINUX_QUEUE_RESET_UNREAD,
    LINUX_VECTOR_UNREAD,
    LINUX_VECTOR_BEYOND,
    LINUX_KICKS_WIDE,
    LINUX_KICKS_ANOTHER,
    LINUX_BUG__MAX
} LinuxBug;

/* Of the bits below 24, what its device offers */
uint64_t linux_console_offers(void);

typedef void LinuxConsoleShow(void *opaque, const OrderingEvent *event);

/* One run; @show gets all that a device would see. */
void linux_console_run(uint32_t seed, LinuxBug bug, LinuxConsoleShow *show,
                       void *opaque);
#endif
