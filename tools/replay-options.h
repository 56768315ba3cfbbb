/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of "jumpcut replay".
 */
#ifndef JUMPCUT_TOOLS_REPLAY_OPTIONS_H
#define JUMPCUT_TOOLS_REPLAY_OPTIONS_H

#include "tools/run-header.h"

typedef struct ReplayOptions {
    char *trace;
    /* Where to stop: one of these, or none. */
    gboolean until;
    gint64 until_ns;     /* -1: not at a time */
    gint64 until_digest; /* -1: not at a digest */
    char *until_event;   /* NULL: not at an event */
    char *gdb;           /* "tcp::PORT", "unix:SOCKET,..."; NULL: none */
    char *log;           /* --trace: where QEMU's log goes; NULL: none */
    BootOptions *run;    /* the recorded run */
    gboolean in_place;
    gboolean dry_run;
} ReplayOptions;

/* As boot_options_parse(). */
ReplayOptions *replay_options_parse(int argc, char **argv, gboolean *help,
                                    GError **error);
void replay_options_free(ReplayOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReplayOptions, replay_options_free)

#endif
