/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the record of a run (tools/run-record.h) and its console.
 */
#ifndef JUMPCUT_TOOLS_RUN_LOAD_H
#define JUMPCUT_TOOLS_RUN_LOAD_H

#include <glib.h>
#include <json-glib/json-glib.h>

typedef struct RunCut {
    gint64 at_ns;
    guint64 console_bytes; /* bytes the guest had written by then */
    gboolean invtsc_before, invtsc_after;
    gint64 tsc_khz_before, tsc_khz_after;
} RunCut;

/* What a digest is of, each with a hash of its own */
#define RUN_DIGEST_KINDS 4u
extern const char *const run_digest_kinds[RUN_DIGEST_KINDS];

typedef struct RunDigest {
    gint64 at_ns;
    char *reason;
    char *sha256;
    char *kinds[RUN_DIGEST_KINDS]; /* NULL: an older plugin's */
} RunDigest;

typedef struct Run {
    char *path;          /* of the record, as given */
    char *configuration; /* canonical text: equal for equal runs */
    char *kernel_version;
    gint64 smp;
    char *ending;
    gint64 virtual_ns;    /* at the end */
    char *console_path;   /* relative to the record's folder, or absolute */
    char *console_sha256; /* as recorded */
    char *console;        /* what the guest wrote, and one NUL */
    gsize console_size;
    GArray *samples; /* AgentSample; NULL without the console */
    GArray *cuts;    /* RunCut */
    GArray *digests; /* RunDigest */
    /*
     * QMP's events, by one who saw the run; else NULL.  Each is as of
     * run_event().
     */
    GPtrArray *events;
} Run;

/*
 * Fails if the file is no record, is damaged, is of a run without a result,
 * or if the console log is not the one of that run; the message is one line
 * and names the file and the member.
 */
Run *run_load(const char *path, GError **error);
/* The record alone, from @text; @path is what messages name. */
Run *run_parse(const char *path, const char *text, gsize size, GError **error);
/*
 * An event of QMP's: its name, and MEMBER=VALUE for each text, number or
 * boolean of its data, which may be NULL; g_strfreev() it.
 */
char **run_event(const char *name, JsonObject *data);
/* Writes the events that @run has, a line each, its parts separated by tabs. */
gboolean run_write_events(const Run *run, const char *path, GError **error);
void run_free(Run *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Run, run_free)

#endif
