/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "jumpcut replay" tells people.
 */
#include <stdio.h>
#include <string.h>

#include "tools/replay-report.h"

/* Of each kind of difference */
#define WORDS_SHOWN 32u

static gint64 number(JsonObject *object, const char *name)
{
    return json_object_get_int_member_with_default(object, name, 0);
}

static const char *text(JsonObject *object, const char *name)
{
    return json_object_get_string_member_with_default(object, name, "");
}

static gboolean flag(JsonObject *object, const char *name)
{
    return json_object_get_boolean_member_with_default(object, name, FALSE);
}

static double seconds(JsonObject *object, const char *name)
{
    return (double)number(object, name) / 1e9;
}

/* @return: "12 digests, 3 inputs, 1 move", newly allocated */
static char *counts(JsonObject *info, const ReplayCounts *earlier)
{
    return g_strdup_printf("%" G_GINT64_FORMAT " digests, %" G_GINT64_FORMAT
                           " inputs, %" G_GINT64_FORMAT " moves",
                           earlier->digests + number(info, "digests"),
                           earlier->inputs + number(info, "inputs"),
                           number(info, "handovers"));
}

void replay_report_progress(JsonNode *node, const ReplayCounts *earlier)
{
    JsonObject *info = json_node_get_object(node);
    g_autofree char *line = counts(info, earlier);

    complain("at %.3f s: %s agree", seconds(info, "virtual-ns"), line);
}

/* @return: array member @name of @object, or NULL */
static JsonArray *list(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node)
                                               : NULL;
}

static void report_words(JsonObject *divergence, const char *name)
{
    JsonArray *words = list(divergence, name);
    guint count = words ? json_array_get_length(words) : 0;

    for (guint i = 0; i < MIN(count, WORDS_SHOWN); i++) {
        fprintf(stderr, "  %s: %s\n", name,
                json_array_get_string_element(words, i));
    }
    if (count > WORDS_SHOWN) {
        fprintf(stderr, "  and more %s\n", name);
    }
}

static ExitStatus report_divergence(const char *trace, JsonObject *divergence)
{
    complain("%s: the run differs at %.9f s, record %" G_GINT64_FORMAT ": %s",
             trace, seconds(divergence, "at-ns"), number(divergence, "record"),
             text(divergence, "kind"));
    fprintf(stderr, "  expected: %s\n  found: %s\n",
            text(divergence, "expected"), text(divergence, "found"));
    if (*text(divergence, "last-event")) {
        fprintf(stderr, "  last in common: %s\n",
                text(divergence, "last-event"));
    }
    report_words(divergence, "parts");
    report_words(divergence, "registers");
    report_words(divergence, "pages");
    return STATUS_DIVERGED;
}

ExitStatus replay_report_end(const char *trace, JsonNode *node,
                             const ReplayCounts *earlier, int reached)
{
    JsonObject *info = json_node_get_object(node);
    JsonNode *divergence = json_object_get_member(info, "divergence");
    g_autofree char *line = counts(info, earlier);

    if (divergence && JSON_NODE_HOLDS_OBJECT(divergence)) {
        return report_divergence(trace, json_node_get_object(divergence));
    }
    complain("%s: repeated to %.9f s: %s agree", trace,
             seconds(info, "virtual-ns"), line);
    if (reached || flag(info, "complete")) {
        return STATUS_OK;
    }
    complain("%s: ends before the run did%s%s", trace,
             *text(info, "why") ? ": " : "", text(info, "why"));
    return STATUS_INCOMPLETE;
}
