/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The build id of the QEMU whose headers the plugin is compiled with. */
#include "accel/shim/guard-internal.h"
#include "jumpcut-config.h"

const char guard_build_id[] = JUMPCUT_QEMU_BUILD_ID;
