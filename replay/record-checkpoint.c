/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload of a checkpoint: a machine to go on with. */
#include "replay/record-checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "replay/payload.h"

#define MEMORY_BYTES_LEAST 13 /* a name's length, pages, runs */
#define RUN_BYTES          20

static void memory_clear(gpointer data)
{
    TraceMemory *m = data;

    g_free(m->name);
    g_array_unref(m->pages);
}

void trace_checkpoint_init(TraceCheckpoint *c)
{
    *c = (TraceCheckpoint){
        .memory = g_array_new(FALSE, FALSE, sizeof(TraceMemory)),
    };
    g_array_set_clear_func(c->memory, memory_clear);
}

void trace_checkpoint_clear(TraceCheckpoint *c)
{
    g_clear_pointer(&c->memory, g_array_unref);
    g_clear_pointer(&c->devices, g_bytes_unref);
}

TraceMemory *trace_checkpoint_add_memory(TraceCheckpoint *c, const char *name,
                                         uint64_t nr_pages)
{
    TraceMemory m = {
        .name = g_strdup(name),
        .nr_pages = nr_pages,
        .pages = g_array_new(FALSE, FALSE, sizeof(TracePages)),
    };

    g_array_append_val(c->memory, m);
    return &g_array_index(c->memory, TraceMemory, c->memory->len - 1);
}

void trace_memory_add_page(TraceMemory *m, uint64_t page, uint64_t content)
{
    TracePages run = {page, 1, content}, *last;

    if (m->pages->len) {
        last = &g_array_index(m->pages, TracePages, m->pages->len - 1);
        g_assert(page >= last->first + last->count);
        if (page == last->first + last->count &&
            content == last->content + last->count &&
            TRACE_CONTENT_SEQ(content) == TRACE_CONTENT_SEQ(last->content)) {
            last->count++;
            return;
        }
    }
    g_array_append_val(m->pages, run);
}

static void put_memory(GByteArray *out, const TraceMemory *m)
{
    size_t len = strlen(m->name);

    g_assert(len <= G_MAXUINT8);
    payload_put_bytes(out, 1, m->name, len);
    payload_put(out, m->nr_pages, 8);
    payload_put(out, m->pages->len, 4);
    for (guint i = 0; i < m->pages->len; i++) {
        const TracePages *run = &g_array_index(m->pages, TracePages, i);

        payload_put(out, run->first, 8);
        payload_put(out, run->count, 4);
        payload_put(out, run->content, 8);
    }
}

GByteArray *trace_put_checkpoint(const TraceCheckpoint *c)
{
    GByteArray *out = g_byte_array_new();
    gsize len;
    const void *devices = g_bytes_get_data(c->devices, &len);

    payload_put(out, c->number, 4);
    g_byte_array_append(out, c->sha256, TRACE_SHA256_SIZE);
    g_assert(c->memory->len <= G_MAXUINT16);
    payload_put(out, c->memory->len, 2);
    for (guint i = 0; i < c->memory->len; i++) {
        put_memory(out, &g_array_index(c->memory, TraceMemory, i));
    }
    payload_put_bytes(out, 4, devices, len);
    return out;
}

/* @from: the first page that is not yet told of */
static void get_run(PayloadReader *r, const TraceMemory *m, uint64_t seq,
                    uint64_t *from)
{
    TracePages run = {.first = payload_get(r, 8, "a run's first page")};
    uint64_t of;

    run.count = payload_get(r, 4, "a run's length");
    run.content = payload_get(r, 8, "a run's content");
    of = TRACE_CONTENT_SEQ(run.content);
    if (r->wrong) {
        return;
    }
    if (run.first < *from || run.first >= m->nr_pages || !run.count ||
        run.count > m->nr_pages - run.first) {
        r->wrong = g_strdup_printf("%s has %" PRIu64 " pages, a run is %u from "
                                   "%" PRIu64 " on",
                                   m->name, m->nr_pages, run.count, run.first);
    } else if (of == 0 || of >= seq ||
               run.count >
                   TRACE_CONTENTS_MAX - TRACE_CONTENT_INDEX(run.content)) {
        r->wrong =
            g_strdup_printf("a run's content is %u pages of record "
                            "%" PRIu64 " from %u on",
                            run.count, of, TRACE_CONTENT_INDEX(run.content));
    }
    *from = run.first + run.count;
    g_array_append_val(m->pages, run);
}

static void get_memory(PayloadReader *r, uint64_t seq, TraceCheckpoint *out)
{
    g_autofree char *name = payload_get_text(r, 1, "a block's name");
    uint64_t nr_pages = payload_get(r, 8, "a block's pages"), from = 0;
    uint32_t n = payload_get_count(r, 4, RUN_BYTES, "number of runs");
    TraceMemory *m = trace_checkpoint_add_memory(out, name, nr_pages);

    for (uint32_t i = 0; i < n && !r->wrong; i++) {
        get_run(r, m, seq, &from);
    }
}

bool trace_get_checkpoint(GBytes *payload, uint64_t seq, TraceCheckpoint *out,
                          GError **error)
{
    const uint8_t *sha256, *devices;
    PayloadReader r;
    uint32_t n;
    size_t len = 0;

    trace_checkpoint_init(out);
    payload_reader_init(&r, "checkpoint", payload);
    out->number = payload_get(&r, 4, "number");
    sha256 = payload_get_raw(&r, TRACE_SHA256_SIZE, "SHA-256");
    if (sha256) {
        memcpy(out->sha256, sha256, TRACE_SHA256_SIZE);
    }
    n = payload_get_count(&r, 2, MEMORY_BYTES_LEAST, "number of blocks");
    for (uint32_t i = 0; i < n && !r.wrong; i++) {
        get_memory(&r, seq, out);
    }
    devices = payload_get_bytes(&r, 4, &len, "devices");
    if (!payload_reader_end(&r, error)) {
        trace_checkpoint_clear(out);
        return false;
    }
    out->devices = g_bytes_new_from_bytes(payload, devices - r.data, len);
    return true;
}
