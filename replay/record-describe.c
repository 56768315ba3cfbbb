/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record in a line of text. */
#include "replay/record-digest.h"

#include <inttypes.h>

static char *describe_bytes(GBytes *payload, GError **error)
{
    TraceInputBytes i;
    g_autofree char *text = NULL;
    gsize size;
    char *line;

    if (!trace_get_input_bytes(payload, &i, error)) {
        return NULL;
    }
    size = g_bytes_get_size(i.bytes);
    text = size ? g_uri_escape_bytes(g_bytes_get_data(i.bytes, NULL), size,
                                     " !#$&'()*+,/:;=?@[]")
                : g_strdup("");
    line = g_strdup_printf("%s: %s", i.name, text);
    trace_input_bytes_clear(&i);
    return line;
}

static char *describe_qmp(GBytes *payload, GError **error)
{
    TraceInputQmp i;
    char *line;

    if (!trace_get_input_qmp(payload, &i, error)) {
        return NULL;
    }
    line = g_strdup_printf("%s %s: %s%s", i.command, i.arguments,
                           i.failed ? "failed: " : "", i.reply);
    trace_input_qmp_clear(&i);
    return line;
}

static char *describe_cut(GBytes *payload, GError **error)
{
    TraceCut c;

    if (!trace_get_cut(payload, &c, error)) {
        return NULL;
    }
    return g_strdup_printf(
        "system time %" PRIu64 " to %" PRIu64 ", TSC %" PRIu64 " to %" PRIu64
        ", %u to %u kHz, invtsc %s to %s, %" PRIu64 " bytes of console",
        c.system_time_before, c.system_time_after, c.tsc_before, c.tsc_after,
        c.khz_before, c.khz_after, c.invtsc_before ? "on" : "off",
        c.invtsc_after ? "on" : "off", c.console_bytes);
}

static char *describe_event(GBytes *payload, GError **error)
{
    TraceEventRecord e;
    char *line;

    if (!trace_get_event(payload, &e, error)) {
        return NULL;
    }
    line = g_strdup_printf("%s %" PRIu64 " %" PRIu64, e.name, e.a, e.b);
    trace_event_clear(&e);
    return line;
}

static char *describe_handover(GBytes *payload, GError **error)
{
    uint32_t number;

    return trace_get_handover(payload, &number, error)
               ? g_strdup_printf("number %u", number)
               : NULL;
}

static char *describe_end(GBytes *payload, GError **error)
{
    GString *line;
    TraceEnd e;

    if (!trace_get_end(payload, &e, error)) {
        return NULL;
    }
    line = g_string_new(NULL);
    g_string_printf(line, "%s, %" PRIu64 " bytes of console, SHA-256 ", e.why,
                    e.console_bytes);
    for (unsigned i = 0; i < TRACE_SHA256_SIZE; i++) {
        g_string_append_printf(line, "%02x", e.console_sha256[i]);
    }
    trace_end_clear(&e);
    return g_string_free(line, false);
}

static char *describe_digest(GBytes *payload, GError **error)
{
    TraceDigest d;
    char *line;

    if (!trace_get_digest(payload, &d, error)) {
        return NULL;
    }
    line = g_strdup_printf("%u (%s), SHA-256 %02x%02x%02x%02x..., %" PRIu64
                           " bytes of console, %u parts, %u pages",
                           d.number, d.reason, d.sha256[0], d.sha256[1],
                           d.sha256[2], d.sha256[3], d.console_bytes,
                           d.parts->len, d.pages->len);
    trace_digest_clear(&d);
    return line;
}

static char *describe_size(GBytes *payload, GError **error)
{
    (void)error; /* any bytes will do */
    return g_strdup_printf("%zu bytes", g_bytes_get_size(payload));
}

static const struct {
    const char *name;
    char *(*describe)(GBytes *payload, GError **error);
} types[] = {
    [TRACE_HEADER] = {"header", describe_size},
    [TRACE_INPUT_BYTES] = {"input-bytes", describe_bytes},
    [TRACE_INPUT_QMP] = {"input-qmp", describe_qmp},
    [TRACE_CUT] = {"cut", describe_cut},
    [TRACE_DIGEST] = {"digest", describe_digest},
    [TRACE_EVENT] = {"event", describe_event},
    [TRACE_HANDOVER] = {"handover", describe_handover},
    [TRACE_OUTPUT] = {"output", describe_size},
    [TRACE_CHECKPOINT_PAGES] = {"checkpoint-pages", describe_size},
    [TRACE_CHECKPOINT] = {"checkpoint", describe_size},
    [TRACE_DEVICE] = {"device", describe_size},
    [TRACE_END] = {"end", describe_end},
    [TRACE_INDEX] = {"index", describe_size},
};

const char *trace_type_name(uint16_t type)
{
    return type < G_N_ELEMENTS(types) ? types[type].name : NULL;
}

char *trace_record_describe(uint16_t type, GBytes *payload)
{
    g_autoptr(GError) error = NULL;
    char *line;

    if (!trace_type_name(type)) {
        return g_strdup_printf("type %u", type);
    }
    line = types[type].describe(payload, &error);
    return line ? line : g_strdup(error->message);
}
