/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inputs and options of a trace, and traces of some of them. */
#include <inttypes.h>
#include <string.h>

#include "replay/record.h"
#include "tools/minimize-parts.h"
#include "tools/trace-args.h"

typedef struct PartRecord {
    TraceRecord record; /* its payload is ours */
    guint part;
} PartRecord;

struct MinimizeParts {
    TraceHeader *header;
    GArray *records;  /* of PartRecord */
    GArray *words;    /* guint: the part a header's word is, or G_MAXUINT */
    GPtrArray *names; /* one a part */
    gint64 end_ns;
};

static void record_clear(gpointer data)
{
    PartRecord *part = data;

    trace_record_clear(&part->record);
}

/* Cuts and faults of the command line: each is a part. */
static void take_header(MinimizeParts *p, const TraceHeader *header)
{
    gboolean ours = TRUE;

    for (unsigned i = 0; i < trace_header_size(header); i++) {
        const char *key, *value;
        guint part = G_MAXUINT;

        trace_header_pair(header, i, &key, &value);
        trace_header_add(p->header, key, value);
        if (!strcmp(key, "option")) {
            /* Behind "--" are QEMU's own. */
            ours = ours && strcmp(value, "--");
            if (ours && (g_str_has_prefix(value, "--cut=") ||
                         g_str_has_prefix(value, "--fault="))) {
                part = p->names->len;
                g_ptr_array_add(p->names, g_strdup(value));
            }
        }
        g_array_append_val(p->words, part);
    }
}

static void take_record(MinimizeParts *p, const TraceRecord *record)
{
    gboolean input =
        record->type == TRACE_INPUT_BYTES || record->type == TRACE_INPUT_QMP;
    gboolean follows =
        record->flags & TRACE_AT_STOP || record->type == TRACE_HANDOVER;
    PartRecord made = {.record = *record};

    p->end_ns = MAX(p->end_ns, record->at_ns);
    if (!input && record->type != TRACE_HANDOVER) {
        return;
    }
    if (!follows || p->records->len == 0) {
        g_autofree char *at = trace_seconds(record->at_ns);
        g_autofree char *line =
            trace_record_describe(record->type, record->payload);

        g_ptr_array_add(p->names,
                        g_strdup_printf("%s %s %s", at,
                                        trace_type_name(record->type), line));
        made.part = p->names->len - 1;
    } else {
        made.part =
            g_array_index(p->records, PartRecord, p->records->len - 1).part;
    }
    made.record.payload = g_bytes_ref(record->payload);
    g_array_append_val(p->records, made);
}

MinimizeParts *minimize_parts_load(const char *path, GError **error)
{
    g_autoptr(MinimizeParts) p = g_new0(MinimizeParts, 1);
    g_autoptr(TraceReader) r = trace_open(path, error);
    TraceRecord record = {0};
    int got;

    p->header = trace_header_new();
    p->records = g_array_new(FALSE, FALSE, sizeof(PartRecord));
    g_array_set_clear_func(p->records, record_clear);
    p->words = g_array_new(FALSE, FALSE, sizeof(guint));
    p->names = g_ptr_array_new_with_free_func(g_free);
    if (!r) {
        return NULL;
    }
    take_header(p, trace_reader_header(r));
    while ((got = trace_next(r, &record, error)) > 0) {
        take_record(p, &record);
    }
    trace_record_clear(&record);
    return got == 0 ? g_steal_pointer(&p) : NULL;
}

void minimize_parts_free(MinimizeParts *p)
{
    trace_header_free(p->header);
    g_array_unref(p->records);
    g_array_unref(p->words);
    g_ptr_array_unref(p->names);
    g_free(p);
}

guint minimize_parts_count(const MinimizeParts *p)
{
    return p->names->len;
}

const char *minimize_parts_name(const MinimizeParts *p, guint i)
{
    return g_ptr_array_index(p->names, i);
}

gint64 minimize_parts_end_ns(const MinimizeParts *p)
{
    return p->end_ns;
}

gboolean minimize_parts_write(const MinimizeParts *p, const gboolean *keep,
                              const char *path, GError **error)
{
    g_autoptr(TraceHeader) header = trace_header_new();
    TraceWriter *w;
    gboolean good = TRUE;

    for (guint i = 0; i < p->words->len; i++) {
        guint part = g_array_index(p->words, guint, i);
        const char *key, *value;

        trace_header_pair(p->header, i, &key, &value);
        if (part == G_MAXUINT || keep[part]) {
            trace_header_add(header, key, value);
        }
    }
    w = trace_create(path, header, error);
    if (!w) {
        return FALSE;
    }
    for (guint i = 0; good && i < p->records->len; i++) {
        const PartRecord *part = &g_array_index(p->records, PartRecord, i);
        const TraceRecord *record = &part->record;
        gsize len;
        const void *payload = g_bytes_get_data(record->payload, &len);

        if (keep[part->part]) {
            good =
                trace_write_vcpu(w, record->type, record->flags, record->vcpu,
                                 record->at_ns, payload, len, error);
        }
    }
    return trace_close(w, good ? error : NULL) && good;
}
