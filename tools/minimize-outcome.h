/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An outcome: what a run has to show.
 */
#ifndef JUMPCUT_TOOLS_MINIMIZE_OUTCOME_H
#define JUMPCUT_TOOLS_MINIMIZE_OUTCOME_H

#include <glib.h>

typedef struct Outcome Outcome;

/*
 * "console:REGEX", "ending:NAME", "event:NAME", "digest@N:HEX", HEX being the
 * beginning of a SHA-256; @error: one line.
 */
Outcome *outcome_parse(const char *text, GError **error);
void outcome_free(Outcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outcome, outcome_free)

/*
 * Does the run show it whose trace is @trace, a file that may lack its end?
 * @console: what its guest wrote; @ending: a word, as of a record of a run.
 * @error: the trace cannot be read
 */
gboolean outcome_shows(const Outcome *outcome, const char *trace,
                       const GString *console, const char *ending,
                       GError **error);

#endif
