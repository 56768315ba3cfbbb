/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to the guest of a scenario at its time, or when the console has
 * something.
 */
#ifndef JUMPCUT_TOOLS_SCENARIO_STEPS_H
#define JUMPCUT_TOOLS_SCENARIO_STEPS_H

#include "tools/scenario.h"
#include "tools/session.h"

typedef struct ScenarioSteps ScenarioSteps;

/* @variant outlives it. */
ScenarioSteps *scenario_steps_new(const Variant *variant);
void scenario_steps_free(ScenarioSteps *steps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScenarioSteps, scenario_steps_free)

/* For a session whose opaque is the ScenarioSteps. */
extern const SessionHandlers scenario_steps_handlers;

/* QMP's events as run->events has them, in order; g_ptr_array_unref() it. */
GPtrArray *scenario_steps_events(const ScenarioSteps *steps);
/* After the run: @return: what did not happen, one line, or NULL. */
const char *scenario_steps_failure(ScenarioSteps *steps);

#endif
