/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proof that the running QEMU is the one this plugin was built for.
 *
 * The plugin reaches into QEMU's private structures.  In another build of
 * QEMU, even of the same version, they may be laid out differently, and
 * every access would silently go wrong.
 */
#ifndef ACCEL_SHIM_GUARD_H
#define ACCEL_SHIM_GUARD_H

#include "qapi/error.h"

/*
 * Compares the running program's GNU build id with the one the plugin was
 * built for, then our structure offsets with those in the program's own
 * migration and property tables.  Must come before anything else touches QEMU.
 *
 * Returns false and sets *errp, in one line, at the first difference.
 */
bool abi_guard_check(Error **errp);

/*
 * The same for what has no such table: the classes and objects of the board
 * and its first vCPU, once they stand and before any of them is changed.
 *
 * Returns false and sets *errp if one is not where our headers have it, or if
 * the board is not an x86 one.
 */
bool abi_guard_check_machine(Error **errp);

/* The build id the plugin was built for, hexadecimal. */
const char *abi_guard_build_id(void);

#endif
