/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run has to show, and whether it does. */
#include <gio/gio.h>
#include <string.h>

#include "replay/record-digest.h"
#include "tools/minimize-outcome.h"

typedef enum OutcomeKind {
    OUTCOME_CONSOLE,
    OUTCOME_ENDING,
    OUTCOME_EVENT,
    OUTCOME_DIGEST,
} OutcomeKind;

struct Outcome {
    OutcomeKind kind;
    GRegex *regex;  /* OUTCOME_CONSOLE */
    guint64 number; /* OUTCOME_DIGEST */
    char *text;     /* of the others */
};

static gboolean parse_digest(Outcome *o, const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    g_autofree char *number = colon ? g_strndup(text, colon - text) : NULL;

    if (!number || !g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT32,
                                               &o->number, NULL)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--outcome digest@%s: wanted digest@N:HEX, N from 0", text);
        return FALSE;
    }
    o->kind = OUTCOME_DIGEST;
    o->text = g_ascii_strdown(colon + 1, -1);
    if (!*o->text || strlen(o->text) > 2 * TRACE_SHA256_SIZE ||
        o->text[strspn(o->text, "0123456789abcdef")]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--outcome digest@%s: wanted 1 to 64 hexadecimal digits",
                    text);
        return FALSE;
    }
    return TRUE;
}

Outcome *outcome_parse(const char *text, GError **error)
{
    g_autoptr(Outcome) o = g_new0(Outcome, 1);
    const char *colon = strchr(text, ':');

    if (g_str_has_prefix(text, "digest@")) {
        return parse_digest(o, text + strlen("digest@"), error)
                   ? g_steal_pointer(&o)
                   : NULL;
    }
    if (!colon || !colon[1]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--outcome %s: wanted console:REGEX, ending:NAME, "
                    "event:NAME or digest@N:HEX",
                    text);
        return NULL;
    }
    o->text = g_strdup(colon + 1);
    if (g_str_has_prefix(text, "console:")) {
        o->kind = OUTCOME_CONSOLE;
        /* A console's bytes need not be UTF-8. */
        o->regex =
            g_regex_new(o->text, G_REGEX_RAW | G_REGEX_MULTILINE, 0, error);
        if (!o->regex) {
            g_prefix_error(error, "--outcome %s: ", text);
            return NULL;
        }
    } else if (g_str_has_prefix(text, "ending:")) {
        o->kind = OUTCOME_ENDING;
    } else if (g_str_has_prefix(text, "event:")) {
        o->kind = OUTCOME_EVENT;
    } else {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--outcome %s: no such kind; there are console, ending, "
                    "event, digest@N",
                    text);
        return NULL;
    }
    return g_steal_pointer(&o);
}

void outcome_free(Outcome *o)
{
    if (o) {
        g_clear_pointer(&o->regex, g_regex_unref);
        g_free(o->text);
        g_free(o);
    }
}

static gboolean is_event(const Outcome *o, const TraceRecord *record)
{
    TraceEventRecord event = {0};
    gboolean same = record->type == TRACE_EVENT &&
                    trace_get_event(record->payload, &event, NULL) &&
                    !strcmp(event.name, o->text);

    trace_event_clear(&event);
    return same;
}

static gboolean is_digest(const Outcome *o, const TraceRecord *record)
{
    TraceDigest digest = {0};
    gboolean same = FALSE;

    if (record->type == TRACE_DIGEST &&
        trace_get_digest(record->payload, &digest, NULL)) {
        g_autoptr(GString) hex = g_string_new(NULL);

        for (unsigned i = 0; i < TRACE_SHA256_SIZE; i++) {
            g_string_append_printf(hex, "%02x", digest.sha256[i]);
        }
        same =
            digest.number == o->number && g_str_has_prefix(hex->str, o->text);
        trace_digest_clear(&digest);
    }
    return same;
}

/* Does a record show it? */
static gboolean trace_shows(const Outcome *o, const char *path, GError **error)
{
    g_autoptr(TraceReader) r = trace_open(path, error);
    TraceRecord record = {0};
    gboolean shown = FALSE;

    while (r && !shown && trace_next(r, &record, error) > 0) {
        shown = o->kind == OUTCOME_EVENT ? is_event(o, &record)
                                         : is_digest(o, &record);
    }
    trace_record_clear(&record);
    return shown;
}

gboolean outcome_shows(const Outcome *o, const char *trace,
                       const GString *console, const char *ending,
                       GError **error)
{
    switch (o->kind) {
    case OUTCOME_CONSOLE:
        return g_regex_match_full(o->regex, console->str, console->len, 0, 0,
                                  NULL, NULL);
    case OUTCOME_ENDING:
        return !strcmp(ending, o->text);
    default:
        return trace_shows(o, trace, error);
    }
}
