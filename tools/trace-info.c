/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut info: what a trace is, in a few lines or as JSON.
 */
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tools/trace-args.h"

typedef struct TraceInfo {
    guint64 size; /* of the file, bytes */
    guint64 records, counts[TRACE_INDEX];
    guint64 bytes[TRACE_INDEX]; /* of payloads */
    gint64 last_ns;
    TraceEnd end; /* why is NULL: none was recorded */
    char *tail;   /* what is missing; NULL: finished */
} TraceInfo;

static gboolean info_read(TraceInfo *info, TraceReader *r, GError **error)
{
    TraceRecord record = {0};
    int got;

    if (!trace_seek(r, 0, error)) {
        return FALSE;
    }
    while ((got = trace_next(r, &record, error)) > 0) {
        info->records++;
        info->counts[record.type]++;
        info->bytes[record.type] += g_bytes_get_size(record.payload);
        info->last_ns = record.at_ns;
        if (record.type == TRACE_END && !info->end.why &&
            !trace_get_end(record.payload, &info->end, error)) {
            got = -1;
            break;
        }
    }
    trace_record_clear(&record);
    info->tail = g_strdup(trace_reader_tail(r));
    return got == 0;
}

static void info_print_header(const TraceHeader *header)
{
    g_autofree const char **args = trace_header_values(header, "arg");

    for (unsigned i = 0; i < trace_header_size(header); i++) {
        const char *key, *value;

        trace_header_pair(header, i, &key, &value);
        if (g_strcmp0(key, "arg")) {
            g_autofree char *shown = g_strescape(value, NULL);

            printf("  %-16s %s\n", key, shown);
        }
    }
    printf("  %-16s %u words\n", "arg",
           g_strv_length((char **)args)); /* dump --full shows them */
}

static void info_print(const TraceInfo *info, const char *path,
                       const TraceHeader *header)
{
    g_autofree char *last = trace_seconds(info->last_ns);

    printf("%s: %s trace, %" PRIu64 " bytes, %" PRIu64
           " records, %s s of virtual time\n",
           path, info->tail ? "an unfinished" : "a finished", info->size,
           info->records, last);
    if (info->tail) {
        printf("  not finished: %s\n", info->tail);
    }
    info_print_header(header);
    printf("records\n");
    for (unsigned type = TRACE_HEADER; type < TRACE_INDEX; type++) {
        if (info->counts[type]) {
            printf("  %-16s %8" PRIu64 ", %" PRIu64 " bytes\n",
                   trace_type_name(type), info->counts[type],
                   info->bytes[type]);
        }
    }
    if (info->end.why) {
        g_autofree char *sha256 = trace_hex(info->end.console_sha256);

        printf("end\n  %s after %" PRIu64 " bytes of console, SHA-256 %s\n",
               info->end.why, info->end.console_bytes, sha256);
    }
}

static void info_add_header(JsonBuilder *b, const TraceHeader *header)
{
    json_builder_set_member_name(b, "header");
    json_builder_begin_array(b);
    for (unsigned i = 0; i < trace_header_size(header); i++) {
        const char *key, *value;

        trace_header_pair(header, i, &key, &value);
        json_builder_begin_array(b);
        json_builder_add_string_value(b, key);
        json_builder_add_string_value(b, value);
        json_builder_end_array(b);
    }
    json_builder_end_array(b);
}

static void info_add_number(JsonBuilder *b, const char *name, gint64 value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_int_value(b, value);
}

static void info_add_end(JsonBuilder *b, const TraceEnd *end)
{
    g_autofree char *sha256 = trace_hex(end->console_sha256);

    json_builder_set_member_name(b, "end");
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "why");
    json_builder_add_string_value(b, end->why);
    info_add_number(b, "console-bytes", end->console_bytes);
    json_builder_set_member_name(b, "console-sha256");
    json_builder_add_string_value(b, sha256);
    json_builder_end_object(b);
}

static void info_print_json(const TraceInfo *info, const TraceHeader *header)
{
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *text = NULL;

    json_builder_begin_object(b);
    info_add_number(b, "bytes", info->size);
    info_add_number(b, "virtual-ns", info->last_ns);
    info_add_number(b, "records", info->records);
    json_builder_set_member_name(b, "finished");
    json_builder_add_boolean_value(b, !info->tail);
    info_add_header(b, header);
    json_builder_set_member_name(b, "counts");
    json_builder_begin_object(b);
    for (unsigned type = TRACE_HEADER; type < TRACE_INDEX; type++) {
        if (info->counts[type]) {
            info_add_number(b, trace_type_name(type), info->counts[type]);
        }
    }
    json_builder_end_object(b);
    if (info->end.why) {
        info_add_end(b, &info->end);
    }
    json_builder_end_object(b);
    root = json_builder_get_root(b);
    text = json_to_string(root, TRUE);
    puts(text);
}

ExitStatus info_command(int argc, char **argv)
{
    gboolean json = FALSE, good;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON", NULL},
        G_OPTION_ENTRY_NULL,
    };
    ExitStatus status;
    g_auto(GStrv) files = trace_args(
        argc, argv, entries,
        "info [OPTION...] FILE.jct\n\nSays what a trace is.",
        "Exit status: 0, 2 bad usage or a damaged trace.", 1, 1, &status);
    g_autoptr(GError) error = NULL;
    g_autoptr(TraceReader) r = NULL;
    TraceInfo info = {0};
    struct stat st;

    if (!files) {
        return status;
    }
    r = trace_open(files[0], &error);
    good = r && info_read(&info, r, &error);
    if (good) {
        info.size = stat(files[0], &st) == 0 ? st.st_size : 0;
        if (json) {
            info_print_json(&info, trace_reader_header(r));
        } else {
            info_print(&info, files[0], trace_reader_header(r));
        }
    } else {
        complain("%s", error->message);
    }
    g_free(info.tail);
    trace_end_clear(&info.end);
    return good ? STATUS_OK : STATUS_USAGE;
}
