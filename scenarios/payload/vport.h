/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the payloads that tell bugs of Linux's virtio_console have in common:
 * its steps by the names that they have there, over the pieces of a driver in
 * tests/payload/lib/virtio-serial.h.
 *
 * Command line, of all: ports=N: ports 1 to N are waited for.
 */
#ifndef JUMPCUT_SCENARIOS_PAYLOAD_VPORT_H
#define JUMPCUT_SCENARIOS_PAYLOAD_VPORT_H

#include "scenarios/payload/printk.h"
#include "tests/payload/lib/virtio-serial.h"

extern SerialDriver vport;

/*
 * What control_work_handler() does about a message; NULL: what the pieces of
 * the driver note of it is all.
 */
typedef struct VportWork {
    void (*add)(unsigned port); /* PORT_ADD */
    void (*remove)(unsigned port);
    void (*open)(unsigned port, bool open); /* of the host's end */
} VportWork;

/* A line of the log, at the present. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "kernel BUG at WHERE!", and the domain crashes. */
void bug(const char *where) __attribute__((noreturn));

/* ports=N of the command line. */
unsigned vport_count(void);
/*
 * The log, the device found, features taken, all queues made: what comes first
 * in any driver.  False, and a line: there is no device that answers.
 */
bool vport_init(const VportWork *work);
/* Sets DRIVER_OK; it is a BUG if it is set. */
void virtio_device_ready(void);
/* Fills the control queue and sends DEVICE_READY; false: it is not taken. */
bool vport_say_ready(void);
/* Waits for PORT_ADD of each port; the work of each is done. */
bool vport_wait_added(void);
/* All of that, in the order that is right. */
bool vport_probe(const VportWork *work);
/* Input for the port, and PORT_READY; as a VportWork has it. */
void vport_make_ready(unsigned port);
/* And PORT_OPEN. */
void vport_make_open(unsigned port);
/* A line to write: one that a device can read. */
VirtBuffer vport_line(void);
/* Writes to each port, as a user would, and says so. */
void vport_use(void);

#endif
