/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QEMU brings along and runs in a guest: its firmware and option ROMs.
 */
#ifndef JUMPCUT_TOOLS_FIRMWARE_H
#define JUMPCUT_TOOLS_FIRMWARE_H

#include "tools/boot-options.h"

/* @return: one line, such as "QEMU emulator version 10.0.2"; or NULL */
char *qemu_version_line(const BootOptions *options, GError **error);
/*
 * @return: SHA-256, hexadecimal, over names and contents of the firmware files
 * that QEMU's own search path leads to; or NULL
 */
char *qemu_firmware_sha256(const BootOptions *options, GError **error);

#endif
