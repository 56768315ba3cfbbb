/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running one variant of a scenario: a process of this very program, so that
 * one that dies takes nothing along.
 */
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "tools/scenario-run.h"

#define SELF "/proc/self/exe"

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
    g_autofree char *self = g_file_read_link(SELF, NULL);
    g_autofree char *record = g_strconcat("--report=", report, NULL);
    g_autofree char *kernel = kernel_path(scenario, variant, places);
    g_autofree char *initrd = initrd_path(scenario, variant, places);

    g_strv_builder_add_many(command, self ?: SELF, "boot", record, NULL);
    g_strv_builder_addv(command, (const char **)variant->options);
    if (initrd) {
        g_autofree char *option = g_strconcat("--initrd=", initrd, NULL);

        g_strv_builder_add(command, option);
    }
    g_strv_builder_addv(command, (const char **)places->options);
    g_strv_builder_add(command, kernel);
    return g_strv_builder_end(command);
}

static void child_setup(gpointer opaque)
{
    (void)opaque;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

Run *scenario_run(char **command, const char *report, ExitStatus *status,
                  char **why)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_autoptr(GSubprocess) process = NULL;
    g_autoptr(GBytes) complaints = NULL;
    g_autoptr(GError) error = NULL;
    const char *text;
    gsize size;
    Run *run = NULL;

    g_subprocess_launcher_set_child_setup(launcher, child_setup, NULL, NULL);
    process = g_subprocess_launcher_spawnv(
        launcher, (const char *const *)command, &error);
    if (!process || !g_subprocess_communicate(process, NULL, NULL, NULL,
                                              &complaints, &error)) {
        *status = STATUS_QEMU;
        *why = g_strdup(error->message);
        return NULL;
    }
    *status = g_subprocess_get_if_exited(process)
                  ? (ExitStatus)g_subprocess_get_exit_status(process)
                  : STATUS_QEMU;
    if (*status == STATUS_OK || *status == STATUS_CRASHED ||
        *status == STATUS_TIMEOUT || *status == STATUS_REBOOT) {
        run = run_load(report, &error);
    }
    if (!run) {
        text = g_bytes_get_data(complaints, &size);
        *why = error ? g_strdup(error->message)
                     : g_strstrip(g_strndup(size ? text : "", size));
        *status = *status == STATUS_OK ? STATUS_OUTPUT : *status;
    }
    return run;
}
