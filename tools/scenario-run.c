/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running one variant of a scenario.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tools/run-record.h"
#include "tools/scenario-run.h"
#include "tools/scenario-steps.h"
#include "tools/session.h"

/* Interval of the gate's ticks, at which steps come. */
#define GATE "10ms"

/* A file named in a scenario is relative to the scenario's folder. */
static char *beside(const Scenario *scenario, const char *name)
{
    g_autofree char *dir = g_path_get_dirname(scenario->path);

    return g_canonicalize_filename(name, dir);
}

static char *kernel_path(const Scenario *scenario, const Variant *variant,
                         const ScenarioPlaces *places)
{
    const char *name = variant->kernel;

    if (g_str_has_prefix(name, "payload:")) {
        g_autofree char *file =
            g_strconcat(name + strlen("payload:"), ".64", NULL);

        return g_build_filename(places->payloads, file, NULL);
    }
    if (g_str_has_prefix(name, "debian-")) {
        g_autofree char *file =
            g_strconcat("vmlinuz-", name + strlen("debian-"), NULL);

        return g_build_filename(places->kernels, file, NULL);
    }
    return beside(scenario, name);
}

static char *initrd_path(const Scenario *scenario, const Variant *variant,
                         const ScenarioPlaces *places)
{
    if (!variant->initrd) {
        return NULL;
    }
    return strcmp(variant->initrd, "agent") ? beside(scenario, variant->initrd)
                                            : g_strdup(places->initrd);
}

char *scenario_missing(const Scenario *scenario, const Variant *variant,
                       const ScenarioPlaces *places)
{
    g_autofree char *kernel = kernel_path(scenario, variant, places);
    g_autofree char *initrd = initrd_path(scenario, variant, places);

    if (!g_file_test(kernel, G_FILE_TEST_EXISTS)) {
        return g_steal_pointer(&kernel);
    }
    return initrd && !g_file_test(initrd, G_FILE_TEST_EXISTS)
               ? g_steal_pointer(&initrd)
               : NULL;
}

char **scenario_command(const Scenario *scenario, const Variant *variant,
                        const ScenarioPlaces *places, const char *report)
{
    g_autoptr(GStrvBuilder) command = g_strv_builder_new();
    g_autofree char *record = g_strconcat("--report=", report, NULL);
    g_autofree char *kernel = kernel_path(scenario, variant, places);
    g_autofree char *initrd = initrd_path(scenario, variant, places);

    g_strv_builder_add_many(command, "boot", record, NULL);
    g_strv_builder_addv(command, (const char **)variant->options);
    if (initrd) {
        g_autofree char *option = g_strconcat("--initrd=", initrd, NULL);

        g_strv_builder_add(command, option);
    }
    g_strv_builder_addv(command, (const char **)places->options);
    g_strv_builder_add(command, kernel);
    if (variant->qemu) {
        g_strv_builder_add(command, "--");
        g_strv_builder_addv(command, (const char **)variant->qemu);
    }
    return g_strv_builder_end(command);
}

/* @return: STATUS_OK if there is a record of the run now. */
static ExitStatus run_guest(const BootOptions *o, ScenarioSteps *steps,
                            char **why)
{
    SessionConfig config = {
        .options = o,
        .handlers = &scenario_steps_handlers,
        .opaque = steps,
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(Session) session = NULL;
    RunResult result = {0};

    config.log_fd =
        open(o->console_log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (config.log_fd < 0) {
        *why = g_strdup_printf("%s: %s", o->console_log, g_strerror(errno));
        return STATUS_OUTPUT;
    }
    session = session_new(&config, &error);
    if (!session) {
        *why = g_strdup(error->message);
        return STATUS_QEMU;
    }
    result.ending = ending_name(session_run(session));
    *why = g_strdup(scenario_steps_failure(steps) ?: session_failure(session));
    result.info = session_info(session);
    if (!result.info) {
        return *why ? STATUS_QEMU : STATUS_QUIT;
    }
    result.command = session_command(session);
    result.console_bytes = session_console_bytes(session);
    result.console_sha256 = session_console_sha256(session);
    if (session_output_error(session)) {
        *why = g_strdup_printf("%s: %s", o->console_log,
                               g_strerror(session_output_error(session)));
        return STATUS_OUTPUT;
    }
    if (!strcmp(result.ending, ending_name(ENDING_QUIT))) {
        return STATUS_QUIT;
    }
    return run_record_write(o, &result, &error)
               ? STATUS_OK
               : (*why = g_strdup(error->message), STATUS_OUTPUT);
}

Run *scenario_run(const Variant *variant, char **command, const char *report,
                  ExitStatus *status, char **why)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ScenarioSteps) steps = scenario_steps_new(variant);
    gboolean help = FALSE;
    g_autoptr(BootOptions) o =
        boot_options_parse((int)g_strv_length(command), command, &help, &error);
    Run *run;

    if (!o) {
        *status = STATUS_USAGE;
        *why = g_strdup(error->message);
        return NULL;
    }
    if (variant->steps->len && !o->gate) {
        o->gate = g_strdup(GATE);
    }
    *status = run_guest(o, steps, why);
    if (*status != STATUS_OK) {
        return NULL;
    }
    run = run_load(report, &error);
    if (run) {
        run->events = scenario_steps_events(steps);
    } else {
        *status = STATUS_OUTPUT;
        *why = g_strdup(error->message);
    }
    return run;
}
