/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut qtest: the device-level part of a trace, made again without a guest,
 * or written as a test.
 */
#include <stdio.h>
#include <string.h>

#include "hw/clock/host-profile.h"
#include "tools/command.h"
#include "tools/plugin-path.h"
#include "tools/qtest-replay-emit.h"
#include "tools/qtest-replay-run.h"

#define US_PER_S 1e6
#define NS_PER_S 1000000000u
/* Of a request or an answer in a message. */
#define SHOWN_MAX 2000

typedef struct QtestOptions {
    char *emit, *output, *qemu, *plugin, *modules, *until;
    char *file;
    guint64 until_ns; /* with @until */
} QtestOptions;

static void options_clear(QtestOptions *o)
{
    g_free(o->emit);
    g_free(o->output);
    g_free(o->qemu);
    g_free(o->plugin);
    g_free(o->modules);
    g_free(o->until);
    g_free(o->file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QtestOptions, options_clear)

static gboolean check(QtestOptions *o, int argc, char **argv, GError **error)
{
    if (argc != 2) {
        g_set_error(error, QTEST_STEPS_ERROR, 0,
                    "one FILE is wanted, %d are given", argc - 1);
        return FALSE;
    }
    o->file = g_strdup(argv[1]);
    if (o->emit && strcmp(o->emit, "C") && strcmp(o->emit, "qtest")) {
        g_set_error(error, QTEST_STEPS_ERROR, 0,
                    "--emit %s: there is C and qtest", o->emit);
        return FALSE;
    }
    if (o->output && !o->emit) {
        g_set_error(error, QTEST_STEPS_ERROR, 0, "--output needs --emit");
        return FALSE;
    }
    if (o->until && !host_time_parse(o->until, "--until", G_MAXINT64,
                                     &o->until_ns, error)) {
        return FALSE;
    }
    return TRUE;
}

static gboolean parse(QtestOptions *o, int argc, char **argv, GError **error)
{
    const GOptionEntry qtest_entries[] = {
        {"emit", 0, 0, G_OPTION_ARG_STRING, &o->emit,
         "write the steps as a test instead", "C|qtest"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output,
         "to FILE (standard output)", "FILE"},
        {"until", 0, 0, G_OPTION_ARG_STRING, &o->until,
         "steps up to virtual time TIME", "TIME"},
        {"qemu", 0, 0, G_OPTION_ARG_FILENAME, &o->qemu,
         "QEMU (" JUMPCUT_QEMU ")", "PATH"},
        {"plugin", 0, 0, G_OPTION_ARG_FILENAME, &o->plugin, "jumpcut.so",
         "PATH"},
        {"modules", 0, 0, G_OPTION_ARG_FILENAME, &o->modules,
         "folder of accel-qtest-x86_64.so", "PATH"},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("FILE");

    g_option_context_set_summary(
        context,
        "Makes the calls of a recorded guest into its hypervisor again under\n"
        "QEMU's qtest, without the guest, and compares each answer.  FILE is\n"
        "a trace of jumpcut record --level devices, or what --emit qtest "
        "wrote.");
    g_option_context_set_description(
        context, "Exit status: 0 all answers are as recorded, 9 one is not, "
                 "2 bad usage\nor file, 3 QEMU failed, 7 result not "
                 "written.\n");
    g_option_context_add_main_entries(context, qtest_entries, NULL);
    return g_option_context_parse(context, &argc, &argv, error) &&
           check(o, argc, argv, error);
}

static ExitStatus emit(const QtestOptions *o, const QtestSteps *steps)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    if (!strcmp(o->emit, "C")) {
        qtest_emit_c(steps, out);
    } else {
        qtest_emit_lines(steps, out);
    }
    if (o->output) {
        if (!g_file_set_contents(o->output, out->str, (gssize)out->len,
                                 &error)) {
            complain("%s", error->message);
            return STATUS_OUTPUT;
        }
        return STATUS_OK;
    }
    if (fwrite(out->str, 1, out->len, stdout) != out->len || fflush(stdout)) {
        complain("standard output: not written");
        return STATUS_OUTPUT;
    }
    return STATUS_OK;
}

static void show(const char *what, const char *text)
{
    fprintf(stderr, "  %s: %.*s%s\n", what, SHOWN_MAX, text,
            strlen(text) > SHOWN_MAX ? "..." : "");
}

static void show_difference(const QtestOptions *o, const QtestSteps *steps,
                            const QtestRun *run)
{
    guint64 at = qtest_steps_time(steps, run->step);

    complain("%s: step %u of %u, at %" G_GUINT64_FORMAT ".%09" G_GUINT64_FORMAT
             " s, is not as recorded",
             o->file, run->step + 1, steps->requests->len, at / NS_PER_S,
             at % NS_PER_S);
    show("request ", g_ptr_array_index(steps->requests, run->step));
    show("expected", g_ptr_array_index(steps->answers, run->step));
    show("found   ", run->found);
}

static ExitStatus run_steps(const QtestOptions *o, const QtestSteps *steps)
{
    QtestRun run = {.qemu = o->qemu ? o->qemu : JUMPCUT_QEMU};
    g_autofree char *plugin =
        o->plugin ? g_strdup(o->plugin) : plugin_path_default();
    g_autofree char *modules =
        o->modules ? g_strdup(o->modules) : plugin_path_modules(plugin);
    g_autoptr(GError) error = NULL;

    run.plugin = plugin;
    run.modules = modules;
    switch (qtest_run(steps, &run, &error)) {
    case QTEST_RUN_SAME:
        printf("%s: %u steps, all answers are as recorded%s\n"
               "QEMU was up after %.3f s, the steps took %.3f s\n",
               o->file, steps->requests->len,
               steps->complete ? "" : "; the file has no end",
               (double)run.start_us / US_PER_S,
               (double)run.steps_us / US_PER_S);
        return STATUS_OK;
    case QTEST_RUN_DIFFERS:
        show_difference(o, steps, &run);
        g_free(run.found);
        return STATUS_DIVERGED;
    case QTEST_RUN_FAILED:
        break;
    }
    complain("%s: %s", run.qemu, error->message);
    return STATUS_QEMU;
}

ExitStatus qtest_command(int argc, char **argv)
{
    g_auto(QtestOptions) o = {0};
    g_autoptr(QtestSteps) steps = NULL;
    g_autoptr(GError) error = NULL;

    if (!parse(&o, argc, argv, &error)) {
        complain("qtest: %s", error->message);
        return STATUS_USAGE;
    }
    steps = qtest_steps_load(o.file, &error);
    if (!steps) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (o.until) {
        qtest_steps_cut_off(steps, o.until_ns);
    }
    if (!steps->requests->len) {
        complain("%s: there are no steps%s", o.file,
                 o.until ? " up to then" : " in it");
        return STATUS_USAGE;
    }
    return o.emit ? emit(&o, steps) : run_steps(&o, steps);
}
