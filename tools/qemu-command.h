/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QEMU command line of a run.
 */
#ifndef JUMPCUT_TOOLS_QEMU_COMMAND_H
#define JUMPCUT_TOOLS_QEMU_COMMAND_H

#include "tools/boot-options.h"

/* Where QEMU finds the guest's console and its own monitor. */
typedef struct QemuChannels {
    int console_fd;
    int qmp_fd;
    gboolean incoming; /* it waits for a guest that comes by migration */
} QemuChannels;

/*
 * @channels: connected sockets the new process inherits; NULL for a command
 * a person can run: the console on standard input and output, no monitor.
 * @return: NULL-terminated, argv[0] is the program; g_strfreev() it.
 */
char **qemu_command_new(const BootOptions *options,
                        const QemuChannels *channels);

/* @return: @argv as one line for a shell; g_free() it. */
char *qemu_command_quote(char **argv);

#endif
