/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a run did what a scenario expects.
 */
#ifndef JUMPCUT_TOOLS_SCENARIO_JUDGE_H
#define JUMPCUT_TOOLS_SCENARIO_JUDGE_H

#include "tools/run-load.h"
#include "tools/scenario.h"

/* Of the variant that an "equal" names; @run may be NULL: it did not run. */
typedef const Run *ScenarioOther(const char *variant, gpointer opaque);

/*
 * @return: NULL if @expect, one of @variant's, holds for @run; else what was
 * wanted and what came, one line; g_free() it.
 */
char *scenario_judge(const Variant *variant, const Expect *expect,
                     const Run *run, ScenarioOther *other, gpointer opaque);
/* @return: what is expected, in a few words; g_free() it. */
char *scenario_describe(const Expect *expect);
/* @return: NULL if the runs are equal in what was asked, else the difference.
 */
char *scenario_compare(const Run *run, const Run *other, gboolean console,
                       gboolean digests);
/* The same for those of their events that tell their virtual time. */
char *scenario_compare_events(const Run *run, const Run *other);

#endif
