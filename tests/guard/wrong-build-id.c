/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build id no QEMU has: what a plugin built for another QEMU carries. */
#include "accel/shim/guard-internal.h"

const char guard_build_id[] = "0000000000000000000000000000000000000000";
