/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "jumpcut record" does besides booting.
 */
#ifndef JUMPCUT_TOOLS_RECORD_H
#define JUMPCUT_TOOLS_RECORD_H

#include "tools/session.h"

/* Creates options->record with its header; the plugin goes on from there. */
gboolean record_begin(const BootOptions *options, GError **error);
/*
 * After the run, of which options->record now holds all: completes it and
 * gives it its name.  @started: the guest began.
 * @return: the status of the run, or STATUS_OUTPUT, which is told
 */
ExitStatus record_finish(const BootOptions *options, Ending ending,
                         gboolean started);

#endif
