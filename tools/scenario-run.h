/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running one variant of a scenario.
 */
#ifndef JUMPCUT_TOOLS_SCENARIO_RUN_H
#define JUMPCUT_TOOLS_SCENARIO_RUN_H

#include "tools/command.h"
#include "tools/run-load.h"
#include "tools/scenario.h"

/* Where things are; all set. */
typedef struct ScenarioPlaces {
    char *kernels;  /* folder of vmlinuz-6.1, vmlinuz-6.12 */
    char *payloads; /* folder of NAME.64 */
    char *initrd;   /* of "initrd=agent" */
    char *output;   /* folder for records and consoles */
    char **options; /* of jumpcut boot, for every run */
} ScenarioPlaces;

/*
 * @return: the options of "jumpcut boot" that run the variant and write the
 * record @report, NULL-terminated, "boot" first; g_strfreev() it.
 */
char **scenario_command(const Scenario *scenario, const Variant *variant,
                        const ScenarioPlaces *places, const char *report);
/* @return: a file of that variant's that is not there, or NULL; g_free() it. */
char *scenario_missing(const Scenario *scenario, const Variant *variant,
                       const ScenarioPlaces *places);
/*
 * Runs the guest of @command to its end.  @return: the run by its record
 * @report, even if not all of the variant's steps were made: then *@why tells.
 * NULL if there is none, then *@status is the exit status and *@why the reason.
 */
Run *scenario_run(const Variant *variant, char **command, const char *report,
                  ExitStatus *status, char **why);

#endif
