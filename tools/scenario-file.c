/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the text of a scenario file.  GKeyFile itself does not tell lines.
 */
#include <string.h>

#include "tools/scenario-file.h"

G_DEFINE_QUARK(jumpcut - scenario - error - quark, scenario_error)

/* Of what a message quotes. */
#define QUOTE_MAX 40

gboolean scenario_fail(GError **error, const ScenarioFile *file, unsigned line,
                       const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list ap;

    va_start(ap, format);
    message = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, SCENARIO_ERROR, 0, "%s:%u: %s", file->path, line,
                message);
    return FALSE;
}

static void entry_free(gpointer data)
{
    ScenarioEntry *entry = data;

    g_free(entry->key);
    g_free(entry->value);
    g_free(entry);
}

static void group_free(gpointer data)
{
    ScenarioGroup *group = data;

    g_free(group->name);
    g_ptr_array_unref(group->entries);
    g_free(group);
}

void scenario_file_free(ScenarioFile *file)
{
    g_free(file->path);
    g_ptr_array_unref(file->groups);
    g_free(file);
}

static ScenarioFile *file_new(const char *path)
{
    ScenarioFile *file = g_new0(ScenarioFile, 1);

    file->path = g_strdup(path);
    file->groups = g_ptr_array_new_with_free_func(group_free);
    return file;
}

ScenarioGroup *scenario_file_add(ScenarioFile *file, const char *name,
                                 unsigned line)
{
    ScenarioGroup *group = g_new0(ScenarioGroup, 1);

    group->name = g_strdup(name);
    group->line = line;
    group->entries = g_ptr_array_new_with_free_func(entry_free);
    g_ptr_array_add(file->groups, group);
    return group;
}

ScenarioGroup *scenario_file_group(const ScenarioFile *file, const char *name)
{
    for (guint i = 0; i < file->groups->len; i++) {
        ScenarioGroup *group = file->groups->pdata[i];

        if (!strcmp(group->name, name)) {
            return group;
        }
    }
    return NULL;
}

const ScenarioEntry *scenario_group_entry(const ScenarioGroup *group,
                                          const char *key)
{
    for (guint i = 0; i < group->entries->len; i++) {
        const ScenarioEntry *entry = group->entries->pdata[i];

        if (!strcmp(entry->key, key)) {
            return entry;
        }
    }
    return NULL;
}

void scenario_group_set(ScenarioGroup *group, const char *key,
                        const char *value, unsigned line)
{
    ScenarioEntry *entry = g_new0(ScenarioEntry, 1);

    entry->key = g_strdup(key);
    entry->value = g_strdup(value);
    entry->line = line;
    for (guint i = 0; i < group->entries->len; i++) {
        ScenarioEntry *old = group->entries->pdata[i];

        if (!strcmp(old->key, key)) {
            entry_free(old);
            group->entries->pdata[i] = entry;
            return;
        }
    }
    g_ptr_array_add(group->entries, entry);
}

ScenarioFile *scenario_file_copy(const ScenarioFile *file)
{
    ScenarioFile *copy = file_new(file->path);

    for (guint i = 0; i < file->groups->len; i++) {
        const ScenarioGroup *group = file->groups->pdata[i];
        ScenarioGroup *to = scenario_file_add(copy, group->name, group->line);

        for (guint j = 0; j < group->entries->len; j++) {
            const ScenarioEntry *entry = group->entries->pdata[j];

            scenario_group_set(to, entry->key, entry->value, entry->line);
        }
    }
    return copy;
}

/* "[name]", trimmed. */
static gboolean parse_group(ScenarioFile *file, char *text, unsigned line,
                            GError **error)
{
    gsize len = strlen(text);
    const ScenarioGroup *before;

    if (len < 3 || text[len - 1] != ']' || strcspn(text + 1, "[]") != len - 2 ||
        text[1] == ' ' || text[len - 2] == ' ') {
        return scenario_fail(error, file, line, "want [GROUP], got '%.*s'",
                             QUOTE_MAX, text);
    }
    text[len - 1] = '\0';
    before = scenario_file_group(file, text + 1);
    if (before) {
        return scenario_fail(error, file, line,
                             "[%s] is there already, in line %u", text + 1,
                             before->line);
    }
    if (file->groups->len == SCENARIO_GROUPS_MAX) {
        return scenario_fail(error, file, line, "more than %u groups",
                             SCENARIO_GROUPS_MAX);
    }
    scenario_file_add(file, text + 1, line);
    return TRUE;
}

/* "key=value", trimmed. */
static gboolean parse_entry(ScenarioFile *file, char *text, unsigned line,
                            GError **error)
{
    char *equals = strchr(text, '=');
    const ScenarioEntry *before;
    ScenarioGroup *group;

    if (!equals || equals == text) {
        return scenario_fail(error, file, line,
                             "want [GROUP], KEY=VALUE or # comment, got '%.*s'",
                             QUOTE_MAX, text);
    }
    if (!file->groups->len) {
        return scenario_fail(error, file, line,
                             "want [GROUP] before the first key");
    }
    group = file->groups->pdata[file->groups->len - 1];
    *equals = '\0';
    g_strchomp(text);
    before = scenario_group_entry(group, text);
    if (before) {
        return scenario_fail(error, file, line,
                             "key '%.*s' is there already, in line %u",
                             QUOTE_MAX, text, before->line);
    }
    if (group->entries->len == SCENARIO_KEYS_MAX) {
        return scenario_fail(error, file, line, "more than %u keys in [%s]",
                             SCENARIO_KEYS_MAX, group->name);
    }
    scenario_group_set(group, text, g_strchug(equals + 1), line);
    return TRUE;
}

static gboolean parse_line(ScenarioFile *file, char *text, unsigned line,
                           GError **error)
{
    for (const char *c = text; *c; c++) {
        if (g_ascii_iscntrl(*c) && *c != '\t') {
            return scenario_fail(error, file, line,
                                 "want text, got character 0x%02x", *c);
        }
    }
    g_strstrip(text);
    if (!*text || *text == '#') {
        return TRUE;
    }
    return *text == '[' ? parse_group(file, text, line, error)
                        : parse_entry(file, text, line, error);
}

ScenarioFile *scenario_file_parse(const char *path, const char *text,
                                  gsize size, GError **error)
{
    g_autoptr(ScenarioFile) file = file_new(path);
    const char *end;
    unsigned line = 1;

    if (size > SCENARIO_SIZE_MAX) {
        scenario_fail(error, file, 1, "longer than %u bytes",
                      SCENARIO_SIZE_MAX);
        return NULL;
    }
    for (gsize at = 0; at < size; line++) {
        const char *newline = memchr(text + at, '\n', size - at);
        gsize len = newline ? (gsize)(newline - text) - at : size - at;
        g_autofree char *copy = g_strndup(text + at, len);

        if (!g_utf8_validate_len(text + at, len, &end)) {
            scenario_fail(error, file, line, "want UTF-8, got byte 0x%02x",
                          (guint8)*end);
            return NULL;
        }
        if (!parse_line(file, copy, line, error)) {
            return NULL;
        }
        at += len + 1;
    }
    return g_steal_pointer(&file);
}
