/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of a trace: the run that it is of, so that it can be repeated.
 */
#ifndef JUMPCUT_TOOLS_RUN_HEADER_H
#define JUMPCUT_TOOLS_RUN_HEADER_H

#include "replay/trace.h"
#include "tools/boot-options.h"

/* The header of a run of @options that is to be recorded. */
TraceHeader *run_header_new(const BootOptions *options, GError **error);

/* What a replay takes from elsewhere; NULL: as recorded. */
typedef struct RunOverrides {
    const char *kernel, *initrd, *qemu, *plugin;
    gboolean force_build; /* another QEMU, plugin or firmware will do */
    gboolean trust;       /* QEMU's words in the header may be any */
} RunOverrides;

/*
 * The options of the run that @header is of.  Refused if a file or program is
 * not the one recorded; the message names it and both hashes.  Of the words in
 * the header, which may come from anybody, only those are taken that a
 * recording writes.
 */
BootOptions *run_header_options(const TraceHeader *header,
                                const RunOverrides *overrides, GError **error);

#endif
