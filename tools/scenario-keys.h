/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of a scenario's keys: reading each kind, with the line in messages.
 */
#ifndef JUMPCUT_TOOLS_SCENARIO_KEYS_H
#define JUMPCUT_TOOLS_SCENARIO_KEYS_H

#include "tools/scenario.h"

/* Where a value stands. */
typedef struct KeyPlace {
    const ScenarioFile *file;
    const ScenarioGroup *group;
    const ScenarioEntry *entry;
} KeyPlace;

typedef gboolean KeyCheck(const KeyPlace *place, GError **error);

/* One row a key; a table ends with a NULL key. */
typedef struct KeyRow {
    const char *key;
    KeyCheck *check;          /* NULL: @words decide, or any text */
    const char *const *words; /* NULL-terminated; NULL: any */
    gboolean required;
} KeyRow;

/* Checks each key of @group by @rows; unknown and missing ones are errors. */
gboolean scenario_check_group(const ScenarioFile *file,
                              const ScenarioGroup *group, const KeyRow *rows,
                              GError **error);
/* Sets *@error to "PATH:LINE: [GROUP] KEY=VALUE: ..."; always FALSE. */
gboolean scenario_bad_value(const KeyPlace *place, GError **error,
                            const char *format, ...) G_GNUC_PRINTF(3, 4);

KeyCheck scenario_check_present; /* any text, not empty */
KeyCheck scenario_check_time;
KeyCheck scenario_check_regex;
KeyCheck scenario_check_when; /* "console:REGEX" */
KeyCheck scenario_check_range;
KeyCheck scenario_check_profile; /* by its key, of a host profile */

#define SCENARIO_WHEN_CONSOLE "console:"

/* @text: checked before. */
GRegex *scenario_regex(const char *text, GError **error);
gboolean scenario_range_parse(const char *text, Range *range);

/* The value of @key, or NULL. */
const char *scenario_value(const ScenarioGroup *group, const char *key);

#endif
