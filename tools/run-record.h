/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Record of one run, a JSON file: what was run, how it ended, what was seen.
 */
#ifndef JUMPCUT_TOOLS_RUN_RECORD_H
#define JUMPCUT_TOOLS_RUN_RECORD_H

#include <json-glib/json-glib.h>

#include "tools/boot-options.h"

/* Value of the member "format"; changes when a reader must know. */
#define RUN_RECORD_FORMAT "jumpcut-run-1"

/* What a finished run adds to its options. */
typedef struct RunResult {
    int exit_code;
    const char *ending; /* one word: "powered-off", "crashed"... */
    char **command;     /* QEMU's */
    guint64 console_bytes;
    const char *console_sha256;
    JsonNode *info; /* query-jumpcut's answer; NULL: none */
} RunResult;

/*
 * Writes the record to options->report, all of it or nothing.  The console
 * log's path in it is relative to the record's folder where it can be.
 */
gboolean run_record_write(const BootOptions *options, const RunResult *result,
                          GError **error);

#endif
