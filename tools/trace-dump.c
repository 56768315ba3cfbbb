/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut dump: a trace's records, a line each.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/trace-args.h"

typedef struct DumpFilter {
    char **types; /* names; NULL: all */
    gint64 from_ns, to_ns;
    gboolean full;
} DumpFilter;

static void dump_header(const TraceHeader *header)
{
    for (unsigned i = 0; i < trace_header_size(header); i++) {
        const char *key, *value;
        g_autofree char *shown = NULL;

        trace_header_pair(header, i, &key, &value);
        shown = g_strescape(value, NULL);
        printf("    %s = %s\n", key, shown);
    }
}

static void dump_digest(const TraceDigest *digest)
{
    for (guint i = 0; i < digest->parts->len; i++) {
        const TracePart *part = &g_array_index(digest->parts, TracePart, i);

        printf("    part %s %016" PRIx64 "\n", part->name, part->hash);
    }
    for (guint v = 0; v < digest->vcpus->len; v++) {
        const TraceRegisters *vcpu =
            &g_array_index(digest->vcpus, TraceRegisters, v);

        printf("    vcpu%u", v);
        for (unsigned r = 0; r < TRACE_REGISTERS; r++) {
            printf(" %s=%" PRIx64, trace_register_names[r], vcpu->value[r]);
        }
        printf("\n");
    }
    for (guint i = 0; i < digest->pages->len; i++) {
        const TracePage *page = &g_array_index(digest->pages, TracePage, i);

        g_autofree char *pages = trace_pages(page->pfn, digest->page_shift);

        printf("    %s %08x\n", pages, page->hash);
    }
}

static void dump_record(const TraceRecord *record, gboolean full)
{
    g_autofree char *at = trace_seconds(record->at_ns);
    g_autofree char *line =
        trace_record_describe(record->type, record->payload);
    TraceDigest digest;

    printf("%6" PRIu64 " %16s %-16s", record->seq, at,
           trace_type_name(record->type));
    if (record->vcpu) {
        printf(" vcpu%u", record->vcpu);
    }
    printf("%s %s\n", record->flags & TRACE_AT_STOP ? " (stopped)" : "", line);
    if (full && record->type == TRACE_DIGEST &&
        trace_get_digest(record->payload, &digest, NULL)) {
        dump_digest(&digest);
        trace_digest_clear(&digest);
    }
}

static gboolean dump_wanted(const DumpFilter *filter, const TraceRecord *record)
{
    return record->at_ns >= filter->from_ns && record->at_ns <= filter->to_ns &&
           (!filter->types ||
            g_strv_contains((const char *const *)filter->types,
                            trace_type_name(record->type)));
}

static ExitStatus dump_file(const char *path, const DumpFilter *filter)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TraceReader) r = trace_open(path, &error);
    TraceRecord record = {0};
    int got = -1;

    if (r && trace_seek(r, 0, &error)) {
        while ((got = trace_next(r, &record, &error)) > 0) {
            if (dump_wanted(filter, &record)) {
                dump_record(&record, filter->full);
                if (filter->full && record.type == TRACE_HEADER) {
                    dump_header(trace_reader_header(r));
                }
            }
        }
    }
    trace_record_clear(&record);
    fflush(stdout);
    if (got < 0) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (trace_reader_truncated(r)) {
        complain("%s: not finished: %s", path, trace_reader_tail(r));
    }
    return STATUS_OK;
}

/* A misspelt type would show nothing. */
static gboolean known_types(char **types)
{
    for (char **name = types; name && *name; name++) {
        gboolean known = FALSE;

        for (unsigned type = TRACE_HEADER; type < TRACE_INDEX; type++) {
            known |= !g_strcmp0(trace_type_name(type), *name);
        }
        if (!known) {
            complain("dump: --type %s: no such type of record", *name);
            return FALSE;
        }
    }
    return TRUE;
}

ExitStatus dump_command(int argc, char **argv)
{
    DumpFilter filter = {.from_ns = G_MININT64, .to_ns = G_MAXINT64};
    g_autofree char *from = NULL, *to = NULL;
    g_auto(GStrv) types = NULL;
    const GOptionEntry entries[] = {
        {"type", 0, 0, G_OPTION_ARG_STRING_ARRAY, &types,
         "records of this type only; may repeat", "TYPE"},
        {"from", 0, 0, G_OPTION_ARG_STRING, &from,
         "from this virtual time on (5, 12.5, 300ms)", "T"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &to, "up to this virtual time", "T"},
        {"full", 0, 0, G_OPTION_ARG_NONE, &filter.full,
         "also what digests and the header consist of", NULL},
        G_OPTION_ENTRY_NULL,
    };
    ExitStatus status;
    g_auto(GStrv) files = trace_args(
        argc, argv, entries,
        "dump [OPTION...] FILE.jct\n\n"
        "Prints the records of a trace: number, virtual seconds, type, what.",
        "Exit status: 0, 2 bad usage or a damaged trace.", 1, 1, &status);

    if (!files) {
        return status;
    }
    filter.types = types;
    if (!trace_time("dump", "--from", from, &filter.from_ns) ||
        !trace_time("dump", "--to", to, &filter.to_ns) || !known_types(types)) {
        return STATUS_USAGE;
    }
    return dump_file(files[0], &filter);
}
