/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain 0's side of a guest's xenstore: the QMP commands of
 * qapi/xenstore.json.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XENSTORE_HOST_H
#define JUMPCUT_ACCEL_SHIM_XENSTORE_HOST_H

#include "hw/tap/tap.h"

/* Make the commands known; they fail as long as there is no store. */
void shim_xenstore_register(void);
/* From now on they are about @tree (see xenstore-qemu.h). */
void shim_xenstore_set(void *tree);
/* What changes the store goes by @tap, which may be NULL. */
void shim_xenstore_tap(HostTap *tap);
/* Change it as one of TAP_STORE_* says.  @return: 0 or an errno */
int shim_xenstore_run(const TapEntry *entry);
/* All of the store may have changed: every watch of QMP's fires. */
void shim_xenstore_replaced(void);

#endif
