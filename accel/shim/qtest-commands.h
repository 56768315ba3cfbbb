/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest commands for what a vCPU would do, and for the cut.
 */
#ifndef JUMPCUT_ACCEL_SHIM_QTEST_COMMANDS_H
#define JUMPCUT_ACCEL_SHIM_QTEST_COMMANDS_H

#include "accel/shim/guest.h"

/*
 * Make the commands known to QEMU's qtest server; once, and only with
 * "-accel qtest": a vCPU that executes has a state of its own.  @g outlives
 * the process' last command.
 */
void shim_qtest_commands_register(Guest *g);

#endif
