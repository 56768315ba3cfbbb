/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands of qapi/jumpcut.json.
 */
#ifndef JUMPCUT_ACCEL_SHIM_QMP_H
#define JUMPCUT_ACCEL_SHIM_QMP_H

#include "accel/shim/guest.h"

/* Make the commands known; they answer for a guest that is none of ours. */
void shim_qmp_register(const char *version, const char *build_id);
/* From now on they answer for @g. */
void shim_qmp_set_guest(Guest *g);
/*
 * May a command change the guest?  Not while a migration completes: the change
 * would be neither in what was sent nor here.
 */
bool shim_qmp_may_change(Error **errp);

#endif
