/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenario files as text: groups of keys as GKeyFile has them, with the line
 * that each came from.
 */
#ifndef JUMPCUT_TOOLS_SCENARIO_FILE_H
#define JUMPCUT_TOOLS_SCENARIO_FILE_H

#include <glib.h>

#define SCENARIO_SIZE_MAX   (1u << 20) /* bytes of a file */
#define SCENARIO_GROUPS_MAX 200u
#define SCENARIO_KEYS_MAX   100u /* of a group */

#define SCENARIO_ERROR (scenario_error_quark())
GQuark scenario_error_quark(void);

typedef struct ScenarioEntry {
    char *key, *value; /* as written; value without blanks around it */
    unsigned line;
} ScenarioEntry;

typedef struct ScenarioGroup {
    char *name;
    unsigned line;
    GPtrArray *entries; /* ScenarioEntry, in order */
} ScenarioGroup;

typedef struct ScenarioFile {
    char *path;        /* what messages name */
    GPtrArray *groups; /* ScenarioGroup, in order */
} ScenarioFile;

/*
 * @path is only what messages name.  Fails on what is no text, a line that is
 * neither group, key, comment nor empty, and on a group or key given twice;
 * the message is one line, "PATH:LINE: what is wanted".
 */
ScenarioFile *scenario_file_parse(const char *path, const char *text,
                                  gsize size, GError **error);
ScenarioFile *scenario_file_copy(const ScenarioFile *file);
void scenario_file_free(ScenarioFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScenarioFile, scenario_file_free)

/* @return: the group or entry, or NULL. */
ScenarioGroup *scenario_file_group(const ScenarioFile *file, const char *name);
const ScenarioEntry *scenario_group_entry(const ScenarioGroup *group,
                                          const char *key);
/* Sets or replaces a key, as if it stood at @line. */
void scenario_group_set(ScenarioGroup *group, const char *key,
                        const char *value, unsigned line);
/* Adds an empty group. */
ScenarioGroup *scenario_file_add(ScenarioFile *file, const char *name,
                                 unsigned line);

/* Sets *@error to "PATH:LINE: ..."; always FALSE. */
gboolean scenario_fail(GError **error, const ScenarioFile *file, unsigned line,
                       const char *format, ...) G_GNUC_PRINTF(4, 5);

#endif
