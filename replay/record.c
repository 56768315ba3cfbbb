/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Payloads of a trace's records, all but digests'. */
#include "replay/payload.h"
#include "replay/record.h"

#include <string.h>

GByteArray *trace_put_input_bytes(const char *name, const void *bytes,
                                  size_t len)
{
    GByteArray *out = g_byte_array_new();

    payload_put_bytes(out, 2, name, strlen(name));
    g_byte_array_append(out, bytes, len);
    return out;
}

bool trace_get_input_bytes(GBytes *payload, TraceInputBytes *out,
                           GError **error)
{
    PayloadReader r;
    size_t left;

    payload_reader_init(&r, "input-bytes", payload);
    *out = (TraceInputBytes){.name = payload_get_text(&r, 2, "name")};
    left = r.len - r.at;
    out->bytes =
        g_bytes_new(payload_get_raw(&r, left, "bytes"), r.wrong ? 0 : left);
    if (!payload_reader_end(&r, error)) {
        trace_input_bytes_clear(out);
        return false;
    }
    return true;
}

void trace_input_bytes_clear(TraceInputBytes *i)
{
    g_clear_pointer(&i->name, g_free);
    g_clear_pointer(&i->bytes, g_bytes_unref);
}

GByteArray *trace_put_input_qmp(const TraceInputQmp *i)
{
    GByteArray *out = g_byte_array_new();

    payload_put_bytes(out, 4, i->command, strlen(i->command));
    payload_put_bytes(out, 4, i->arguments, strlen(i->arguments));
    payload_put(out, i->failed, 1);
    payload_put_bytes(out, 4, i->reply, strlen(i->reply));
    return out;
}

bool trace_get_input_qmp(GBytes *payload, TraceInputQmp *out, GError **error)
{
    PayloadReader r;

    payload_reader_init(&r, "input-qmp", payload);
    out->command = payload_get_text(&r, 4, "command");
    out->arguments = payload_get_text(&r, 4, "arguments");
    out->failed = payload_get_flag(&r, "failed");
    out->reply = payload_get_text(&r, 4, "reply");
    if (!payload_reader_end(&r, error)) {
        trace_input_qmp_clear(out);
        return false;
    }
    return true;
}

void trace_input_qmp_clear(TraceInputQmp *i)
{
    g_clear_pointer(&i->command, g_free);
    g_clear_pointer(&i->arguments, g_free);
    g_clear_pointer(&i->reply, g_free);
    i->failed = false;
}

GByteArray *trace_put_cut(const TraceCut *cut)
{
    GByteArray *out = g_byte_array_new();

    payload_put(out, cut->system_time_before, 8);
    payload_put(out, cut->system_time_after, 8);
    payload_put(out, cut->tsc_before, 8);
    payload_put(out, cut->tsc_after, 8);
    payload_put(out, cut->khz_before, 4);
    payload_put(out, cut->khz_after, 4);
    payload_put(out, cut->invtsc_before, 1);
    payload_put(out, cut->invtsc_after, 1);
    payload_put(out, cut->console_bytes, 8);
    return out;
}

bool trace_get_cut(GBytes *payload, TraceCut *out, GError **error)
{
    PayloadReader r;

    payload_reader_init(&r, "cut", payload);
    out->system_time_before = payload_get(&r, 8, "system time before");
    out->system_time_after = payload_get(&r, 8, "system time after");
    out->tsc_before = payload_get(&r, 8, "TSC before");
    out->tsc_after = payload_get(&r, 8, "TSC after");
    out->khz_before = payload_get(&r, 4, "TSC frequency before");
    out->khz_after = payload_get(&r, 4, "TSC frequency after");
    out->invtsc_before = payload_get_flag(&r, "invtsc before");
    out->invtsc_after = payload_get_flag(&r, "invtsc after");
    out->console_bytes = payload_get(&r, 8, "console bytes");
    if (!payload_reader_end(&r, error)) {
        *out = (TraceCut){.tsc_before = 0};
        return false;
    }
    return true;
}

GByteArray *trace_put_event(const char *name, uint64_t a, uint64_t b)
{
    GByteArray *out = g_byte_array_new();

    payload_put_bytes(out, 2, name, strlen(name));
    payload_put(out, a, 8);
    payload_put(out, b, 8);
    return out;
}

bool trace_get_event(GBytes *payload, TraceEventRecord *out, GError **error)
{
    PayloadReader r;

    payload_reader_init(&r, "event", payload);
    out->name = payload_get_text(&r, 2, "name");
    out->a = payload_get(&r, 8, "a");
    out->b = payload_get(&r, 8, "b");
    if (!payload_reader_end(&r, error)) {
        trace_event_clear(out);
        return false;
    }
    return true;
}

void trace_event_clear(TraceEventRecord *event)
{
    g_clear_pointer(&event->name, g_free);
    event->a = event->b = 0;
}

GByteArray *trace_put_handover(uint32_t number)
{
    GByteArray *out = g_byte_array_new();

    payload_put(out, number, 4);
    return out;
}

bool trace_get_handover(GBytes *payload, uint32_t *number, GError **error)
{
    PayloadReader r;

    payload_reader_init(&r, "handover", payload);
    *number = payload_get(&r, 4, "number");
    return payload_reader_end(&r, error);
}

GByteArray *trace_put_end(const TraceEnd *end)
{
    GByteArray *out = g_byte_array_new();

    payload_put_bytes(out, 2, end->why, strlen(end->why));
    payload_put(out, end->console_bytes, 8);
    g_byte_array_append(out, end->console_sha256, TRACE_SHA256_SIZE);
    return out;
}

bool trace_get_end(GBytes *payload, TraceEnd *out, GError **error)
{
    PayloadReader r;
    const uint8_t *sha256;

    payload_reader_init(&r, "end", payload);
    *out = (TraceEnd){.why = payload_get_text(&r, 2, "why")};
    out->console_bytes = payload_get(&r, 8, "console bytes");
    sha256 = payload_get_raw(&r, TRACE_SHA256_SIZE, "console's SHA-256");
    if (sha256) {
        memcpy(out->console_sha256, sha256, TRACE_SHA256_SIZE);
    }
    if (!payload_reader_end(&r, error)) {
        trace_end_clear(out);
        return false;
    }
    return true;
}

void trace_end_clear(TraceEnd *end)
{
    g_clear_pointer(&end->why, g_free);
    *end = (TraceEnd){.why = NULL};
}
