/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut run: runs scenarios and says in TAP whether they went as stated.
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/qemu-command.h"
#include "tools/scenario-judge.h"
#include "tools/scenario-run.h"

#define REPEAT_MAX      1000u
#define DEFAULT_TIMEOUT "600"

typedef struct RunOptions {
    char *variant, *repeat, *kernels, *payloads, *initrd, *output, *qemu,
        *plugin, *timeout;
    gboolean list, dry_run, help;
    char **files;
} RunOptions;

/* One "jumpcut run". */
typedef struct Runner {
    const RunOptions *options;
    ScenarioPlaces places;
    guint repeat;
    guint test; /* the last one reported */
    ExitStatus status;
    gboolean keep;        /* the output is wanted */
    GPtrArray *scenarios; /* Scenario */
    GHashTable *runs;     /* variant's name -> Run, of the current scenario */
} Runner;

static void options_clear(RunOptions *o)
{
    char *strings[] = {o->variant,  o->repeat, o->kernels,
                       o->payloads, o->initrd, o->output,
                       o->qemu,     o->plugin, o->timeout};

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        g_free(strings[i]);
    }
    g_strfreev(o->files);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunOptions, options_clear)

static void runner_clear(Runner *r)
{
    g_free(r->places.kernels);
    g_free(r->places.payloads);
    g_free(r->places.initrd);
    g_free(r->places.output);
    g_strfreev(r->places.options);
    g_clear_pointer(&r->scenarios, g_ptr_array_unref);
    g_clear_pointer(&r->runs, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Runner, runner_clear)

#define OPTION(name, kind, field, text, argument)                  \
    {                                                              \
        name, 0, 0, G_OPTION_ARG_##kind, &o->field, text, argument \
    }

static GOptionContext *context_new(RunOptions *o)
{
    const GOptionEntry entries[] = {
        OPTION("variant", STRING, variant, "run that variant only", "NAME"),
        OPTION("repeat", STRING, repeat,
               "run each N times, which must be the same (1)", "N"),
        OPTION("kernels", FILENAME, kernels, "folder of debian-*'s kernels",
               "DIR"),
        OPTION("payloads", FILENAME, payloads, "folder of payloads", "DIR"),
        OPTION("initrd", FILENAME, initrd, "initial RAM disk of initrd=agent",
               "FILE"),
        OPTION("output", FILENAME, output,
               "keep records, consoles and events in DIR", "DIR"),
        OPTION("qemu", FILENAME, qemu, "as of jumpcut boot", "PATH"),
        OPTION("plugin", FILENAME, plugin, "as of jumpcut boot", "PATH"),
        OPTION("timeout", STRING, timeout,
               "of each run, wall-clock time (" DEFAULT_TIMEOUT ")", "SECONDS"),
        OPTION("list", NONE, list, "say what the scenarios are and exit", NULL),
        OPTION("dry-run", NONE, dry_run,
               "print the commands that would be run and exit", NULL),
        OPTION("help", NONE, help, "show this", NULL),
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->files, NULL,
         NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = g_option_context_new("SCENARIO...");

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(
        context, "Runs scenario files, each variant of each, and tells in TAP "
                 "whether the\nguests did what the files expect.");
    g_option_context_set_description(
        context,
        "Exit status: 0 all as expected, 1 something else came, 2 bad usage or"
        "\nscenario (nothing was started), 3 QEMU failed, 7 no result "
        "written.\n");
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

/* Beside this program in the build directory. */
static char *in_build(const char *path)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *dir = g_path_get_dirname(self ?: ".");

    return g_canonicalize_filename(path, dir);
}

static gboolean find_places(Runner *r, GError **error)
{
    const RunOptions *o = r->options;
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autofree char *timeout =
        g_strconcat("--timeout=", o->timeout ?: DEFAULT_TIMEOUT, NULL);

    r->places.kernels =
        o->kernels ? g_strdup(o->kernels) : in_build("../kernels");
    r->places.payloads =
        o->payloads ? g_strdup(o->payloads) : in_build("../scenarios");
    r->places.initrd =
        o->initrd ? g_strdup(o->initrd) : in_build("guest/initramfs.cpio");
    g_strv_builder_add(words, timeout);
    if (o->qemu) {
        g_strv_builder_add_many(words, "--qemu", o->qemu, NULL);
    }
    if (o->plugin) {
        g_strv_builder_add_many(words, "--plugin", o->plugin, NULL);
    }
    r->places.options = g_strv_builder_end(words);
    if (o->list || o->dry_run) {
        r->places.output = g_strdup(o->output ?: ".");
        return TRUE;
    }
    if (o->output) {
        r->places.output = g_canonicalize_filename(o->output, NULL);
        r->keep = TRUE;
        if (g_mkdir_with_parents(o->output, 0777) == 0) {
            return TRUE;
        }
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--output %s: %s", o->output, g_strerror(errno));
        return FALSE;
    }
    r->places.output = g_dir_make_tmp("jumpcut-run-XXXXXX", error);
    return r->places.output != NULL;
}

/* Every file is read, so that all that is wrong is told at once. */
static gboolean load_scenarios(Runner *r)
{
    gboolean good = TRUE;

    r->scenarios =
        g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free);
    for (size_t i = 0; r->options->files[i]; i++) {
        g_autoptr(GError) error = NULL;
        Scenario *scenario = scenario_load(r->options->files[i], &error);

        if (!scenario) {
            complain("%s", error->message);
            good = FALSE;
            continue;
        }
        g_ptr_array_add(r->scenarios, scenario);
        if (r->options->variant &&
            !scenario_variant(scenario, r->options->variant)) {
            complain("--variant %s: %s has none of that name",
                     r->options->variant, scenario->path);
            good = FALSE;
        }
    }
    return good;
}

static gboolean wanted(const Runner *r, const Variant *variant)
{
    return !r->options->variant || !strcmp(r->options->variant, variant->name);
}

/* "xen-lower-uptime/bad" */
static char *full_name(const Scenario *scenario, const Variant *variant)
{
    g_autofree char *name = g_path_get_basename(scenario->path);

    if (g_str_has_suffix(name, ".scenario")) {
        name[strlen(name) - strlen(".scenario")] = '\0';
    }
    return *variant->name ? g_strdup_printf("%s/%s", name, variant->name)
                          : g_steal_pointer(&name);
}

/* What a variant is told by: that it ran, what is expected, repetitions. */
static guint count_tests(const Runner *r, const Variant *variant)
{
    return 1 + variant->expects->len + (r->repeat - 1);
}

static void print_plan(const Runner *r)
{
    guint tests = 0;

    for (guint i = 0; i < r->scenarios->len; i++) {
        const Scenario *scenario = r->scenarios->pdata[i];

        for (guint j = 0; j < scenario->variants->len; j++) {
            const Variant *variant = scenario->variants->pdata[j];

            tests += wanted(r, variant) ? count_tests(r, variant) : 0;
        }
    }
    printf("1..%u\n", tests);
}

/* @why: NULL: it is as it should be. */
static void report(Runner *r, const char *name, const char *what,
                   const char *why)
{
    g_auto(GStrv) parts = g_strsplit(what, "#", -1);
    g_autofree char *escaped = g_strjoinv("\\#", parts);

    printf("%s %u - %s: %s\n", why ? "not ok" : "ok", ++r->test, name, escaped);
    if (why) {
        g_auto(GStrv) lines = g_strsplit(why, "\n", -1);

        for (size_t i = 0; lines[i]; i++) {
            printf("# %s\n", lines[i]);
        }
        r->status = r->status == STATUS_OK ? STATUS_CRASHED : r->status;
        r->keep = TRUE;
    }
    fflush(stdout);
}

static const Run *run_of(const char *variant, gpointer opaque)
{
    Runner *r = opaque;

    return g_hash_table_lookup(r->runs, variant);
}

/* @nr: of the repetition, from 1.  @return: the run, or NULL and *@why. */
static Run *run_once(Runner *r, const Scenario *scenario,
                     const Variant *variant, const char *name, guint nr,
                     char **why)
{
    g_autofree char *flat = g_strdelimit(g_strdup(name), "/", '-');
    g_autofree char *file = g_strdup_printf("%s-%u.json", flat, nr);
    g_autofree char *path = g_build_filename(r->places.output, file, NULL);
    g_auto(GStrv) command =
        scenario_command(scenario, variant, &r->places, path);
    ExitStatus status = STATUS_OK;
    g_autofree char *events = g_strconcat(path, ".events", NULL);
    g_autoptr(Run) run = scenario_run(variant, command, path, &status, why);
    g_autoptr(GError) error = NULL;

    if (!run) {
        *why = *why ?: g_strdup("interrupted");
        r->status = status;
        return NULL;
    }
    if (!run_write_events(run, events, &error)) {
        g_free(*why);
        *why = g_strdup(error->message);
        r->status = STATUS_OUTPUT;
        return NULL;
    }
    return g_steal_pointer(&run);
}

static void skip_variant(Runner *r, const Variant *variant, const char *name,
                         const char *missing)
{
    for (guint i = 0; i < count_tests(r, variant); i++) {
        printf("ok %u - %s # SKIP %s is missing\n", ++r->test, name, missing);
    }
}

static void judge_variant(Runner *r, const Scenario *scenario,
                          const Variant *variant, const char *name,
                          const Run *run)
{
    for (guint i = 0; i < variant->expects->len; i++) {
        const Expect *expect = variant->expects->pdata[i];
        g_autofree char *subject = scenario_describe(expect);
        g_autofree char *what =
            g_strdup_printf("[%s] %s", expect->name, subject);
        g_autofree char *why =
            run ? scenario_judge(variant, expect, run, run_of, r)
                : g_strdup("did not run");
        g_autofree char *where =
            why ? g_strdup_printf("%s\n%s:%u", why, scenario->path,
                                  expect->line)
                : NULL;

        report(r, name, what, where);
    }
}

static void run_variant(Runner *r, const Scenario *scenario,
                        const Variant *variant)
{
    g_autofree char *name = full_name(scenario, variant);
    g_autofree char *missing = scenario_missing(scenario, variant, &r->places);
    g_autofree char *why = NULL;
    Run *run;

    if (missing) {
        skip_variant(r, variant, name, missing);
        return;
    }
    run = run_once(r, scenario, variant, name, 1, &why);
    report(r, name, "runs", why);
    if (run) {
        g_hash_table_insert(r->runs, variant->name, run);
    }
    judge_variant(r, scenario, variant, name, run);
    for (guint nr = 2; nr <= r->repeat && r->status != STATUS_QUIT; nr++) {
        g_autofree char *difference = NULL;
        g_autoptr(Run) again = NULL;

        again = run_once(r, scenario, variant, name, nr, &difference);
        if (run && again && !difference) {
            difference = scenario_compare(again, run, TRUE, TRUE)
                             ?: scenario_compare_events(again, run);
        } else if (!difference) {
            difference = g_strdup("did not run");
        }
        report(r, name, "again, console and digests the same", difference);
    }
}

static void print_list(const Runner *r)
{
    for (guint i = 0; i < r->scenarios->len; i++) {
        const Scenario *scenario = r->scenarios->pdata[i];

        printf("%s: %s\n", scenario->path, scenario->title);
        if (scenario->report) {
            printf("  report: %s\n", scenario->report);
        }
        for (guint j = 0; j < scenario->variants->len; j++) {
            const Variant *variant = scenario->variants->pdata[j];

            if (*variant->name) {
                printf("  %s: %s\n", variant->name, variant->about ?: "");
            }
        }
    }
}

static void print_commands(const Runner *r)
{
    for (guint i = 0; i < r->scenarios->len; i++) {
        const Scenario *scenario = r->scenarios->pdata[i];

        for (guint j = 0; j < scenario->variants->len; j++) {
            const Variant *variant = scenario->variants->pdata[j];
            g_autofree char *name = full_name(scenario, variant);
            g_autofree char *flat = g_strdelimit(g_strdup(name), "/", '-');
            g_autofree char *file = g_strconcat(flat, "-1.json", NULL);
            g_autofree char *path =
                g_build_filename(r->places.output, file, NULL);
            g_auto(GStrv) command =
                scenario_command(scenario, variant, &r->places, path);
            g_autofree char *line = qemu_command_quote(command);

            if (wanted(r, variant)) {
                printf("jumpcut %s\n", line);
            }
        }
    }
}

static void run_scenarios(Runner *r)
{
    print_plan(r);
    for (guint i = 0; i < r->scenarios->len; i++) {
        const Scenario *scenario = r->scenarios->pdata[i];

        r->runs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                        (GDestroyNotify)run_free);
        for (guint j = 0; j < scenario->variants->len; j++) {
            const Variant *variant = scenario->variants->pdata[j];

            if (wanted(r, variant) && r->status != STATUS_QUIT) {
                run_variant(r, scenario, variant);
            }
        }
        g_clear_pointer(&r->runs, g_hash_table_unref);
    }
}

/* What nobody asked for and nobody needs goes. */
static void remove_output(const Runner *r)
{
    g_autoptr(GDir) dir = g_dir_open(r->places.output, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(r->places.output, name, NULL);

        g_unlink(path);
    }
    g_rmdir(r->places.output);
}

/* @return: FALSE and *@status if there is nothing to run. */
static gboolean parse_options(int argc, char **argv, RunOptions *o, Runner *r,
                              ExitStatus *status)
{
    g_autoptr(GOptionContext) context = context_new(o);
    g_autoptr(GError) error = NULL;
    guint64 repeat = 1;

    *status = STATUS_USAGE;
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        complain("run: %s; --help exists", error->message);
        return FALSE;
    }
    if (o->help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);

        fputs(help, stdout);
        *status = STATUS_OK;
        return FALSE;
    }
    if (!o->files) {
        complain("run: no SCENARIO given");
        return FALSE;
    }
    if (o->repeat && !g_ascii_string_to_unsigned(o->repeat, 10, 1, REPEAT_MAX,
                                                 &repeat, NULL)) {
        complain("--repeat %s: want a number from 1 to %u", o->repeat,
                 REPEAT_MAX);
        return FALSE;
    }
    r->repeat = repeat;
    return TRUE;
}

ExitStatus run_command(int argc, char **argv)
{
    g_auto(RunOptions) options = {0};
    g_auto(Runner) r = {.options = &options};
    g_autoptr(GError) error = NULL;
    ExitStatus status;

    if (!parse_options(argc, argv, &options, &r, &status)) {
        return status;
    }
    if (!load_scenarios(&r)) {
        return STATUS_USAGE;
    }
    if (!find_places(&r, &error)) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (options.list) {
        print_list(&r);
        return STATUS_OK;
    }
    if (options.dry_run) {
        print_commands(&r);
        return STATUS_OK;
    }
    run_scenarios(&r);
    if (r.keep) {
        printf("# records and consoles: %s\n", r.places.output);
    } else {
        remove_output(&r);
    }
    return r.status;
}
