/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of "jumpcut replay": reading and validating them.
 */
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "hw/clock/host-profile.h"
#include "tools/replay-options.h"

typedef struct RawOptions {
    char *until, *gdb, *log, *from, *kernel, *initrd, *qemu, *plugin;
    char *console_log, *timeout;
    gboolean in_place, force_build, trust, dry_run, help;
    char **rest;
} RawOptions;

static void raw_options_clear(RawOptions *raw)
{
    char *strings[] = {raw->until,       raw->gdb,    raw->log,  raw->from,
                       raw->kernel,      raw->initrd, raw->qemu, raw->plugin,
                       raw->console_log, raw->timeout};

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        g_free(strings[i]);
    }
    g_strfreev(raw->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RawOptions, raw_options_clear)

#define OPTION(name, kind, field, text, argument)                    \
    {                                                                \
        name, 0, 0, G_OPTION_ARG_##kind, &raw->field, text, argument \
    }

static GOptionContext *option_context_new(RawOptions *raw)
{
    const GOptionEntry replay_entries[] = {
        OPTION("until", STRING, until, "stop there (the end)", "WHERE"),
        OPTION("gdb", STRING, gdb, "let gdb debug the guest from there",
               "PORT|SOCKET"),
        OPTION("trace", FILENAME, log, "log what the guest does from there",
               "FILE"),
        OPTION("from", STRING, from, "begin at checkpoint N, counted from 0",
               "N"),
        OPTION("in-place", NONE, in_place,
               "where the guest migrated it stays in its QEMU", NULL),
        OPTION("kernel", FILENAME, kernel, "the same kernel elsewhere", "FILE"),
        OPTION("initrd", FILENAME, initrd, "the same initial RAM disk", "FILE"),
        OPTION("qemu", FILENAME, qemu, "the same QEMU (" JUMPCUT_QEMU ")",
               "PATH"),
        OPTION("plugin", FILENAME, plugin, "the same jumpcut.so", "PATH"),
        OPTION("force-build", NONE, force_build,
               "take another QEMU, plugin or firmware", NULL),
        OPTION("trust", NONE, trust, "give QEMU any words of the trace's",
               NULL),
        OPTION("console-log", FILENAME, console_log,
               "write the guest's console here too", "FILE"),
        OPTION("timeout", STRING, timeout,
               "end the replay after SECONDS of wall-clock time", "SECONDS"),
        OPTION("dry-run", NONE, dry_run, "print the QEMU command line and exit",
               NULL),
        OPTION("help", NONE, help, "show this", NULL),
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw->rest,
         NULL, NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = g_option_context_new("TRACE");

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, replay_entries, NULL);
    g_option_context_set_summary(
        context, "Repeats the run of a trace that jumpcut record wrote, with"
                 "\nall that came from outside, and checks that all is as it"
                 "\nwas.  A trace that was not completed will do.");
    g_option_context_set_description(
        context,
        "WHERE is a virtual time, event:NAME or digest:N, N from 0.\n\n"
        "Exit status: 0 repeated, 2 bad usage or not the recorded files, 3"
        "\nQEMU failed, 4 timeout, 6 quit, 7 result not written, 9 not the"
        "\nrecorded run, 10 repeated as far as the trace goes.\n");
    return context;
}

static gboolean fail(GError **error, const char *option, const char *value,
                     const char *want)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s %s: want %s", option, value, want);
    return FALSE;
}

static gboolean take_until(const char *text, ReplayOptions *o, GError **error)
{
    guint64 number;

    o->until_ns = o->until_digest = -1;
    o->until = text != NULL;
    if (!text) {
        return TRUE;
    }
    if (g_str_has_prefix(text, "event:") && text[strlen("event:")]) {
        o->until_event = g_strdup(text + strlen("event:"));
        return TRUE;
    }
    if (g_str_has_prefix(text, "digest:")) {
        if (!g_ascii_string_to_unsigned(text + strlen("digest:"), 10, 0,
                                        G_MAXUINT32, &number, NULL)) {
            return fail(error, "--until", text, "digest:N, N from 0");
        }
        o->until_digest = (gint64)number;
        return TRUE;
    }
    if (!host_time_parse(text, "TIME", G_MAXINT64, &number, NULL)) {
        return fail(error, "--until", text, "TIME, event:NAME or digest:N");
    }
    o->until_ns = (gint64)number;
    return TRUE;
}

static gboolean take_gdb(const char *text, ReplayOptions *o, GError **error)
{
    guint64 port;

    if (!text) {
        return TRUE;
    }
    if (g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL)) {
        o->gdb = g_strdup_printf("tcp:localhost:%s", text);
    } else if (strchr(text, '/') && !strpbrk(text, ", \"\\")) {
        o->gdb = g_strdup_printf("unix:%s,server=on,wait=off", text);
    } else {
        return fail(error, "--gdb", text,
                    "a port, 1 to 65535, or the path of a socket with a / in "
                    "it");
    }
    return TRUE;
}

/* The recorded run, with what this replay says of it. */
static gboolean take_run(RawOptions *raw, ReplayOptions *o, GError **error)
{
    const RunOverrides overrides = {
        .kernel = raw->kernel,
        .initrd = raw->initrd,
        .qemu = raw->qemu,
        .plugin = raw->plugin,
        .force_build = raw->force_build,
        .trust = raw->trust,
    };
    g_autoptr(TraceReader) reader = trace_open(o->trace, error);
    guint64 number;

    if (!reader) {
        return FALSE;
    }
    o->run = run_header_options(trace_reader_header(reader), &overrides, error);
    if (!o->run) {
        g_prefix_error(error, "%s: ", o->trace);
        return FALSE;
    }
    if (raw->timeout) {
        if (!g_ascii_string_to_unsigned(raw->timeout, 10, 1, 30u * 86400,
                                        &number, NULL)) {
            return fail(error, "--timeout", raw->timeout,
                        "a number from 1 to 2592000");
        }
        o->run->timeout_s = number;
    }
    o->run->replay = g_strdup(o->trace);
    o->run->handover = g_strdup(o->in_place ? "in-place" : "wait");
    o->run->from = g_steal_pointer(&raw->from);
    o->run->console_log = g_steal_pointer(&raw->console_log);
    return TRUE;
}

static gboolean take_trace(RawOptions *raw, ReplayOptions *o, GError **error)
{
    guint count = raw->rest ? g_strv_length(raw->rest) : 0;

    if (count != 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "replay: %s", count ? "one TRACE only" : "no TRACE given");
        return FALSE;
    }
    o->trace = g_strdup(raw->rest[0]);
    return TRUE;
}

static gboolean check_from(const char *text, GError **error)
{
    guint64 number;

    if (text &&
        !g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &number, NULL)) {
        return fail(error, "--from", text,
                    "the number of a checkpoint, from 0");
    }
    return TRUE;
}

ReplayOptions *replay_options_parse(int argc, char **argv, gboolean *help,
                                    GError **error)
{
    g_auto(RawOptions) raw = {0};
    g_autoptr(GOptionContext) context = option_context_new(&raw);
    g_autoptr(ReplayOptions) o = g_new0(ReplayOptions, 1);

    if (!g_option_context_parse(context, &argc, &argv, error)) {
        return NULL;
    }
    *help = raw.help;
    if (raw.help) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);

        fputs(text, stdout);
        return NULL;
    }
    o->in_place = raw.in_place;
    o->dry_run = raw.dry_run;
    o->log = g_steal_pointer(&raw.log);
    if (o->log && strpbrk(o->log, " \"\\")) {
        fail(error, "--trace", o->log, "a name without blanks and quotes");
        return NULL;
    }
    if (!take_trace(&raw, o, error) || !take_until(raw.until, o, error) ||
        !take_gdb(raw.gdb, o, error) || !check_from(raw.from, error) ||
        !take_run(&raw, o, error)) {
        return NULL;
    }
    return g_steal_pointer(&o);
}

void replay_options_free(ReplayOptions *o)
{
    g_free(o->trace);
    g_free(o->until_event);
    g_free(o->gdb);
    g_free(o->log);
    g_clear_pointer(&o->run, boot_options_free);
    g_free(o);
}
