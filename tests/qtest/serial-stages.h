/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver of virtio's console device up to a stage of its life, for qtest
 * suites.  Each takes all steps from the first one on.
 */
#ifndef JUMPCUT_TESTS_SERIAL_STAGES_H
#define JUMPCUT_TESTS_SERIAL_STAGES_H

#include "tests/qtest/serial-driver.h"

/* The port that it brings up; it has no other. */
#define SERIAL_STAGE_PORT 1

void serial_until_driver(SerialDriver *d);
void serial_until_features(SerialDriver *d);
/* Features without VIRTIO_CONSOLE_F_MULTIPORT */
void serial_until_single(SerialDriver *d);
void serial_until_queues(SerialDriver *d);
void serial_until_running(SerialDriver *d);
/* DEVICE_READY is sent, and the port announced. */
void serial_until_added(SerialDriver *d);
void serial_until_ready(SerialDriver *d);
void serial_until_open(SerialDriver *d);
/* ... and unplugged, and announced again; @console is the other port it has. */
void serial_until_replugged(SerialDriver *d, unsigned console);
/*
 * ... or until @console, a port the device has besides, has been read to be
 * one, as the device can tell: a port announced later has been answered for.
 */
void serial_until_console(SerialDriver *d, unsigned console);

/* Send a control message that the device need not take. */
void serial_say(SerialDriver *d, uint32_t port, uint16_t event, uint16_t value);

#endif
