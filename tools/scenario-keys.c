/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the values of a scenario's keys.
 */
#include <math.h>
#include <string.h>

#include "tools/scenario-keys.h"

#define REGEX_LEN_MAX 1000u
#define QUOTE_MAX     60

gboolean scenario_bad_value(const KeyPlace *place, GError **error,
                            const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list ap;

    va_start(ap, format);
    message = g_strdup_vprintf(format, ap);
    va_end(ap);
    return scenario_fail(error, place->file, place->entry->line,
                         "[%s] %s=%.*s: %s", place->group->name,
                         place->entry->key, QUOTE_MAX, place->entry->value,
                         message);
}

const char *scenario_value(const ScenarioGroup *group, const char *key)
{
    const ScenarioEntry *entry = scenario_group_entry(group, key);

    return entry ? entry->value : NULL;
}

static gboolean unknown_key(const KeyPlace *place, const KeyRow *rows,
                            GError **error)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (size_t i = 0; rows[i].key; i++) {
        g_string_append_printf(list, "%s%s", i ? ", " : "", rows[i].key);
    }
    return scenario_fail(error, place->file, place->entry->line,
                         "[%s] has no key '%.*s', but %s", place->group->name,
                         QUOTE_MAX, place->entry->key, list->str);
}

static gboolean check_words(const KeyPlace *place, const char *const *words,
                            GError **error)
{
    g_autofree char *list = NULL;

    if (g_strv_contains(words, place->entry->value)) {
        return TRUE;
    }
    list = g_strjoinv(", ", (char **)words);
    return scenario_bad_value(place, error, "want one of %s", list);
}

static gboolean check_entry(const KeyPlace *place, const KeyRow *rows,
                            GError **error)
{
    for (size_t i = 0; rows[i].key; i++) {
        if (strcmp(rows[i].key, place->entry->key)) {
            continue;
        }
        if (rows[i].words) {
            return check_words(place, rows[i].words, error);
        }
        return !rows[i].check || rows[i].check(place, error);
    }
    return unknown_key(place, rows, error);
}

gboolean scenario_check_group(const ScenarioFile *file,
                              const ScenarioGroup *group, const KeyRow *rows,
                              GError **error)
{
    for (guint i = 0; i < group->entries->len; i++) {
        KeyPlace place = {file, group, group->entries->pdata[i]};

        if (!check_entry(&place, rows, error)) {
            return FALSE;
        }
    }
    for (size_t i = 0; rows[i].key; i++) {
        if (rows[i].required && !scenario_group_entry(group, rows[i].key)) {
            return scenario_fail(error, file, group->line,
                                 "[%s] wants a key '%s'", group->name,
                                 rows[i].key);
        }
    }
    return TRUE;
}

gboolean scenario_check_present(const KeyPlace *place, GError **error)
{
    return *place->entry->value ||
           scenario_bad_value(place, error, "want a value");
}

gboolean scenario_check_time(const KeyPlace *place, GError **error)
{
    g_autoptr(GError) reason = NULL;
    guint64 ns;

    if (!host_time_parse(place->entry->value, place->entry->key,
                         HOST_UPTIME_NS_MAX, &ns, &reason)) {
        return scenario_bad_value(place, error, "%s", reason->message);
    }
    return TRUE;
}

gboolean scenario_check_profile(const KeyPlace *place, GError **error)
{
    g_autoptr(GError) reason = NULL;
    HostProfile profile = {0};

    if (!host_profile_set(&profile, place->entry->key, place->entry->value,
                          &reason)) {
        return scenario_bad_value(place, error, "%s", reason->message);
    }
    return TRUE;
}

/* Bytes, not characters: a console is not always valid UTF-8. */
GRegex *scenario_regex(const char *text, GError **error)
{
    return g_regex_new(
        text, G_REGEX_MULTILINE | G_REGEX_RAW | G_REGEX_NEWLINE_ANYCRLF, 0,
        error);
}

static gboolean check_pattern(const KeyPlace *place, const char *pattern,
                              GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(GRegex) regex = NULL;

    if (!*pattern || strlen(pattern) > REGEX_LEN_MAX) {
        return scenario_bad_value(place, error,
                                  "want a regular expression of 1 to %u bytes",
                                  REGEX_LEN_MAX);
    }
    regex = scenario_regex(pattern, &reason);
    if (!regex) {
        return scenario_bad_value(place, error, "want a regular expression: %s",
                                  reason->message);
    }
    return TRUE;
}

gboolean scenario_check_regex(const KeyPlace *place, GError **error)
{
    return check_pattern(place, place->entry->value, error);
}

gboolean scenario_check_when(const KeyPlace *place, GError **error)
{
    const char *value = place->entry->value;

    if (!g_str_has_prefix(value, SCENARIO_WHEN_CONSOLE)) {
        return scenario_bad_value(place, error,
                                  "want " SCENARIO_WHEN_CONSOLE "REGEX");
    }
    return check_pattern(place, value + strlen(SCENARIO_WHEN_CONSOLE), error);
}

/* Decimal digits only: strtod would take "inf", "nan" and "0x1p3", too. */
static gboolean number_parse(const char *text, double *value)
{
    gsize len = strspn(text, "+-.0123456789");
    char *end = NULL;

    *value = g_ascii_strtod(text, &end);
    return len && !text[len] && !*end && isfinite(*value);
}

/* "NUMBER", "LOW..HIGH", "LOW.." or "..HIGH" */
gboolean scenario_range_parse(const char *text, Range *range)
{
    const char *dots = strstr(text, "..");
    g_autofree char *low = dots ? g_strndup(text, dots - text) : g_strdup(text);
    const char *high = dots ? dots + 2 : text;

    *range = (Range){.set = TRUE, .low = -HUGE_VAL, .high = HUGE_VAL};
    if (dots && !*low && !*high) {
        return FALSE;
    }
    return (!*low || number_parse(low, &range->low)) &&
           (!*high || number_parse(high, &range->high)) && *text &&
           range->low <= range->high;
}

gboolean scenario_check_range(const KeyPlace *place, GError **error)
{
    Range range;

    return scenario_range_parse(place->entry->value, &range) ||
           scenario_bad_value(place, error,
                              "want NUMBER, LOW..HIGH, LOW.. or ..HIGH");
}
