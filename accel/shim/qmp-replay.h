/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands of qapi/replay.json.
 */
#ifndef JUMPCUT_ACCEL_SHIM_QMP_REPLAY_H
#define JUMPCUT_ACCEL_SHIM_QMP_REPLAY_H

#include "accel/shim/gate.h"

/* Before the machine is built. */
void shim_replay_register(void);
/* Once it stands; NULL: there is no gate. */
void shim_replay_set(Gate *of_guest);

#endif
