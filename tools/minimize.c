/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut minimize: the fewest recorded inputs, cuts and faults that still show
 * an outcome, as a trace of their own.
 *
 * With inputs left out a guest goes another way, so nothing of the old trace
 * is checked: each try gives the inputs at their times to a run that is
 * recorded anew, and that recording is the result.
 */
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/ddmin.h"
#include "tools/minimize-outcome.h"
#include "tools/minimize-parts.h"
#include "tools/record.h"
#include "tools/run-header.h"
#include "tools/trace-args.h"

typedef struct Minimize {
    const char *trace, *output;
    RunOverrides overrides;
    guint timeout_s; /* of one try; 0: none */
    MinimizeParts *parts;
    Outcome *outcome;
    gint64 limit_ns; /* how long a guest is watched, in virtual time */
    char *folder;    /* for tries */
    char *inputs, *partial, *recorded;
    guint tries;
    GError *failure;
    /* Of the try that goes on. */
    Session *session;
    GString *console;
    gboolean limit_reached;
} Minimize;

static void take_output(const guint8 *buf, size_t len, gpointer opaque)
{
    Minimize *m = opaque;

    g_string_append_len(m->console, (const char *)buf, len);
}

static void stop_replied(JsonNode *reply, const GError *error, gpointer opaque)
{
    Minimize *m = opaque;

    if (!reply) {
        session_end(m->session, ENDING_CUT, error->message);
    }
}

/* A guest that waits for an input that was left out would wait for ever. */
static gboolean watch_limit(Session *session, gpointer opaque)
{
    JsonObject *arguments = json_object_new();
    Minimize *m = opaque;

    m->session = session;
    json_object_set_int_member(arguments, "at-ns", m->limit_ns);
    session_execute(session, "jumpcut-stop-at", arguments, stop_replied, m);
    return TRUE;
}

static void take_event(Session *session, const char *name, JsonObject *data,
                       gpointer opaque)
{
    Minimize *m = opaque;
    const char *reason =
        data ? json_object_get_string_member_with_default(data, "reason", "")
             : "";

    if (!strcmp(name, "JUMPCUT_STOPPED") && !strcmp(reason, "stop-at")) {
        m->limit_reached = TRUE;
        session_end(session, ENDING_QUIT, NULL);
    }
}

static const SessionHandlers handlers = {
    .ready = watch_limit,
    .event = take_event,
    .output = take_output,
};

/* The run that the inputs' file is for; it is recorded into ->partial. */
static BootOptions *try_options(Minimize *m)
{
    g_autoptr(TraceReader) r = trace_open(m->inputs, &m->failure);
    g_autoptr(BootOptions) o =
        r ? run_header_options(trace_reader_header(r), &m->overrides,
                               &m->failure)
          : NULL;

    if (!o) {
        return NULL;
    }
    o->replay = g_strdup(m->inputs);
    o->handover = g_strdup("in-place");
    o->output = g_strdup(m->recorded);
    o->record = g_strdup(m->partial);
    o->timeout_s = m->timeout_s;
    g_unlink(m->partial);
    return record_begin(o, &m->failure) ? g_steal_pointer(&o) : NULL;
}

/* One run.  @return: how it ended; ENDING_NONE: it could not be started */
static Ending try_run(Minimize *m, const BootOptions *o)
{
    const SessionConfig config = {
        .options = o,
        .log_fd = -1,
        .handlers = &handlers,
        .opaque = m,
    };
    g_autoptr(Session) session = session_new(&config, &m->failure);

    m->limit_reached = FALSE;
    g_string_truncate(m->console, 0);
    if (!session) {
        return ENDING_NONE;
    }
    m->session = session;
    return session_run(session);
}

static DdminAnswer judge(Minimize *m, Ending ending)
{
    gboolean shows;

    if (ending == ENDING_NONE) {
        return DDMIN_GIVE_UP;
    }
    if (ending == ENDING_QUIT && !m->limit_reached) {
        g_set_error(&m->failure, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "ended by a signal");
        return DDMIN_GIVE_UP;
    }
    shows = outcome_shows(m->outcome, m->partial, m->console,
                          ending_name(ending), &m->failure);
    if (m->failure) {
        return DDMIN_GIVE_UP;
    }
    if (!shows) {
        return DDMIN_HIDES;
    }
    /* The last that shows it is the smallest. */
    return trace_finish(m->partial, m->recorded, &m->failure) ? DDMIN_SHOWS
                                                              : DDMIN_GIVE_UP;
}

static DdminAnswer try_parts(const gboolean *keep, guint n, gpointer opaque)
{
    Minimize *m = opaque;
    g_autoptr(BootOptions) o = NULL;
    DdminAnswer answer = DDMIN_GIVE_UP;
    Ending ending = ENDING_NONE;
    guint kept = 0;

    for (guint i = 0; i < n; i++) {
        kept += keep[i];
    }
    g_unlink(m->inputs);
    if (minimize_parts_write(m->parts, keep, m->inputs, &m->failure)) {
        o = try_options(m);
    }
    if (o) {
        ending = try_run(m, o);
        answer = judge(m, ending);
    }
    m->tries++;
    if (answer != DDMIN_GIVE_UP) {
        fprintf(stderr, "try %u: %u of %u parts, %s: %s\n", m->tries, kept, n,
                ending_name(ending),
                answer == DDMIN_SHOWS ? "shows it" : "does not show it");
    }
    return answer;
}

/* @return: a file of the folder for tries */
static char *try_path(const Minimize *m, const char *name)
{
    return g_build_filename(m->folder, name, NULL);
}

/* Can the recorded run be repeated with what is here? */
static gboolean check_run(const Minimize *m, GError **error)
{
    g_autoptr(TraceReader) r = trace_open(m->trace, error);
    g_autoptr(BootOptions) o = NULL;

    if (!r) {
        return FALSE;
    }
    o = run_header_options(trace_reader_header(r), &m->overrides, error);
    if (!o) {
        g_prefix_error(error, "%s: ", m->trace);
    }
    return o != NULL;
}

static gboolean set_up(Minimize *m, GError **error)
{
    g_autofree char *dir = g_path_get_dirname(m->output);

    m->parts = minimize_parts_load(m->trace, error);
    if (!m->parts || !check_run(m, error)) {
        return FALSE;
    }
    m->limit_ns = minimize_parts_end_ns(m->parts) + G_USEC_PER_SEC * 1000;
    /* Beside the result, so that it is renamed and not copied. */
    m->folder = g_build_filename(dir, ".jumpcut-minimize-XXXXXX", NULL);
    if (!g_mkdtemp(m->folder)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "--output %s: its folder cannot be written to", m->output);
        g_clear_pointer(&m->folder, g_free);
        return FALSE;
    }
    m->inputs = try_path(m, "inputs.jct");
    m->partial = try_path(m, "try.jct.partial");
    m->recorded = try_path(m, "try.jct");
    m->console = g_string_new(NULL);
    return TRUE;
}

static void tear_down(Minimize *m)
{
    if (m->folder) {
        g_unlink(m->inputs);
        g_unlink(m->partial);
        g_unlink(m->recorded);
        g_rmdir(m->folder);
        g_string_free(m->console, TRUE);
    }
    g_clear_pointer(&m->parts, minimize_parts_free);
    g_clear_pointer(&m->outcome, outcome_free);
    g_clear_error(&m->failure);
    g_free(m->folder);
    g_free(m->inputs);
    g_free(m->partial);
    g_free(m->recorded);
}

/* What is left, and its trace; also of a search that was given up. */
static ExitStatus report(Minimize *m, const gboolean *keep, gboolean done)
{
    guint n = minimize_parts_count(m->parts), kept = 0;

    for (guint i = 0; i < n; i++) {
        kept += keep[i];
    }
    printf("%u of %u parts in %u tries%s\n", kept, n, m->tries,
           done ? "" : ", given up");
    for (guint i = 0; i < n; i++) {
        if (keep[i]) {
            printf("  %s\n", minimize_parts_name(m->parts, i));
        }
    }
    fflush(stdout);
    if (g_rename(m->recorded, m->output) < 0) {
        complain("minimize: --output %s: cannot be written", m->output);
        return STATUS_OUTPUT;
    }
    if (!done) {
        complain("minimize: %s", m->failure->message);
        return STATUS_QEMU;
    }
    return STATUS_OK;
}

static ExitStatus minimize(Minimize *m)
{
    g_autoptr(GError) error = NULL;
    g_autofree gboolean *keep = NULL;
    guint n;

    if (!set_up(m, &error)) {
        complain("minimize: %s", error->message);
        return STATUS_USAGE;
    }
    n = minimize_parts_count(m->parts);
    keep = g_new(gboolean, n + 1);
    for (guint i = 0; i < n; i++) {
        keep[i] = TRUE;
    }
    switch (try_parts(keep, n, m)) {
    case DDMIN_SHOWS:
        return report(m, keep, ddmin(keep, n, try_parts, m));
    case DDMIN_HIDES:
        complain("minimize: the outcome does not show with all of its %u "
                 "parts",
                 n);
        return STATUS_CRASHED;
    default:
        complain("minimize: %s", m->failure->message);
        return STATUS_QEMU;
    }
}

ExitStatus minimize_command(int argc, char **argv)
{
    g_autofree char *outcome = NULL, *output = NULL, *kernel = NULL;
    g_autofree char *initrd = NULL, *qemu = NULL, *plugin = NULL;
    gboolean force_build = FALSE, trust = FALSE;
    int timeout = 0;
    const GOptionEntry entries[] = {
        {"outcome", 0, 0, G_OPTION_ARG_STRING, &outcome,
         "what is to show, such as console:REGEX", "OUTCOME"},
        {"output", 0, 0, G_OPTION_ARG_FILENAME, &output, "the smaller trace",
         "PATH"},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &timeout,
         "end a try after so much wall-clock time", "SECONDS"},
        {"kernel", 0, 0, G_OPTION_ARG_FILENAME, &kernel,
         "the same kernel elsewhere", "FILE"},
        {"initrd", 0, 0, G_OPTION_ARG_FILENAME, &initrd,
         "the same initial RAM disk", "FILE"},
        {"qemu", 0, 0, G_OPTION_ARG_FILENAME, &qemu, "the same QEMU", "PATH"},
        {"plugin", 0, 0, G_OPTION_ARG_FILENAME, &plugin, "the same jumpcut.so",
         "PATH"},
        {"force-build", 0, 0, G_OPTION_ARG_NONE, &force_build,
         "take another QEMU, plugin or firmware", NULL},
        {"trust", 0, 0, G_OPTION_ARG_NONE, &trust,
         "give QEMU any words of the trace's", NULL},
        G_OPTION_ENTRY_NULL,
    };
    ExitStatus status;
    g_auto(GStrv) files = trace_args(
        argc, argv, entries,
        "minimize --outcome OUTCOME --output PATH [OPTION...] FILE.jct\n\n"
        "Finds the fewest recorded inputs, cuts and faults that still show "
        "it.\nOUTCOME: console:REGEX, ending:NAME, event:NAME, digest@N:HEX.",
        "Exit status: 0, 1 not even all of them show it, 2 bad usage, 3 QEMU "
        "failed,\n7 the trace cannot be written.",
        1, 1, &status);
    g_autoptr(GError) error = NULL;
    Minimize m = {.overrides = {kernel, initrd, qemu, plugin, force_build,
                                trust},
                  .timeout_s = timeout};

    if (!files) {
        return status;
    }
    if (!outcome || !output || timeout < 0) {
        complain("minimize: %s; --help exists",
                 timeout < 0 ? "--timeout is negative"
                             : "--outcome and --output are wanted");
        return STATUS_USAGE;
    }
    m.trace = files[0];
    m.output = output;
    m.outcome = outcome_parse(outcome, &error);
    if (!m.outcome) {
        complain("minimize: %s", error->message);
        return STATUS_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    status = minimize(&m);
    tear_down(&m);
    return status;
}
