/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario lets in from outside: reading [input NAME].
 */
#include <json-glib/json-glib.h>
#include <string.h>

#include "tools/scenario-internal.h"

/* As jumpcut-type has it. */
#define TYPE_MAX 1024u

static KeyCheck check_type, check_arguments;

static const KeyRow input_rows[] = {
    {"at", scenario_check_time, NULL, FALSE},
    {"when", scenario_check_when, NULL, FALSE},
    {"type", check_type, NULL, FALSE},
    {"xenstore", scenario_check_present, NULL, FALSE},
    {"value", NULL, NULL, FALSE},
    {"qmp", scenario_check_present, NULL, FALSE},
    {"arguments", check_arguments, NULL, FALSE},
    {"variant", NULL, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

/* @return: GKeyFile's escapes resolved, or NULL; g_free() it. */
static char *unescape(const char *text)
{
    gsize last = 0;

    while (last < strlen(text) && text[strlen(text) - 1 - last] == '\\') {
        last++;
    }
    return last % 2 ? NULL : g_strcompress(text);
}

static gboolean check_type(const KeyPlace *place, GError **error)
{
    g_autofree char *text = unescape(place->entry->value);

    return (text && *text && strlen(text) <= TYPE_MAX &&
            g_utf8_validate(text, -1, NULL)) ||
           scenario_bad_value(place, error,
                              "want UTF-8 of 1 to %u bytes with escapes as "
                              "\\n",
                              TYPE_MAX);
}

static gboolean check_arguments(const KeyPlace *place, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(JsonNode) node = NULL;

    /* json-glib recurses. */
    if (strlen(place->entry->value) > 4096) {
        return scenario_bad_value(place, error, "longer than 4096 bytes");
    }
    node = json_from_string(place->entry->value, &reason);
    return (node && JSON_NODE_HOLDS_OBJECT(node)) ||
           scenario_bad_value(place, error, "want a JSON object%s%s",
                              reason ? ": " : "",
                              reason ? reason->message : "");
}

Step *scenario_step_new(const ScenarioFile *file, const ScenarioGroup *group,
                        Variant *variant, GError **error)
{
    const char *at = scenario_value(group, "at");
    const char *when = scenario_value(group, "when");
    guint64 ns;
    Step *step;

    if (!at == !when) {
        scenario_fail(error, file, group->line,
                      "[%s] wants one of the keys 'at' and 'when'",
                      group->name);
        return NULL;
    }
    step = g_new0(Step, 1);
    g_ptr_array_add(variant->steps, step);
    step->name = g_strdup(group->name);
    step->line = group->line;
    step->at_ns = -1;
    if (when) {
        step->when = scenario_regex(when + strlen(SCENARIO_WHEN_CONSOLE), NULL);
    } else if (host_time_parse(at, "at", HOST_UPTIME_NS_MAX, &ns, NULL)) {
        step->at_ns = ns;
    }
    return step;
}

static char *object_text(const char *first, const char *first_value,
                         const char *second, const char *second_value)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    JsonObject *object = json_object_new();

    json_node_take_object(node, object);
    json_object_set_string_member(object, first, first_value);
    if (second) {
        json_object_set_string_member(object, second, second_value);
    }
    return json_to_string(node, FALSE);
}

gboolean scenario_read_input(const ScenarioFile *file,
                             const ScenarioGroup *group, Variant *variant,
                             GError **error)
{
    const char *type = scenario_value(group, "type");
    const char *path = scenario_value(group, "xenstore");
    const char *value = scenario_value(group, "value");
    const char *qmp = scenario_value(group, "qmp");
    const char *arguments = scenario_value(group, "arguments");
    Step *step;

    if (!scenario_check_group(file, group, input_rows, error)) {
        return FALSE;
    }
    if (!!type + !!path + !!qmp != 1 || (value && !path) ||
        (arguments && !qmp)) {
        return scenario_fail(error, file, group->line,
                             "[%s] wants one of type, xenstore (with value) "
                             "and qmp (with arguments)",
                             group->name);
    }
    step = scenario_step_new(file, group, variant, error);
    if (!step) {
        return FALSE;
    }
    if (type) {
        g_autofree char *text = unescape(type);

        step->command = g_strdup("jumpcut-type");
        step->arguments = object_text("text", text, NULL, NULL);
    } else if (path) {
        step->command = g_strdup(value ? "jumpcut-xenstore-write"
                                       : "jumpcut-xenstore-remove");
        step->arguments =
            object_text("path", path, value ? "value" : NULL, value);
    } else {
        step->command = g_strdup(qmp);
        step->arguments = g_strdup(arguments ?: "{}");
    }
    return TRUE;
}
