/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU process: its start, what it says on standard error, its end.
 */
#ifndef JUMPCUT_TOOLS_QEMU_PROCESS_H
#define JUMPCUT_TOOLS_QEMU_PROCESS_H

#include "tools/boot-options.h"

typedef struct QemuProcess QemuProcess;

typedef struct QemuStart {
    char **command; /* borrowed while the process lives */
    int console_fd; /* our ends of the channels; the caller's */
    int qmp_fd;
} QemuStart;

/*
 * Starts QEMU for @options; with @incoming it waits for "migrate-incoming" to
 * tell it where its guest comes from.  @ended runs once the process is reaped
 * and all of its standard error is read.  It is killed when this program dies.
 */
QemuProcess *qemu_process_new(const BootOptions *options, gboolean incoming,
                              QemuStart *start, void (*ended)(gpointer opaque),
                              gpointer opaque, GError **error);
/* From now on standard error is passed on; up to here it is kept back. */
void qemu_process_pass_stderr(QemuProcess *process);
void qemu_process_kill(QemuProcess *process);
/* After the end: is this the exit of a QEMU that was told to quit? */
gboolean qemu_process_succeeded(const QemuProcess *process);
/* After the end, one line: "status 1: what it complained about". */
char *qemu_process_describe_end(const QemuProcess *process);
/* Kills the process if it lives; @ended does not run any more. */
void qemu_process_free(QemuProcess *process);

#endif
