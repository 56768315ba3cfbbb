/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding a checkpoint in a trace, and loading it. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/rcu.h"
#include "cpu.h"
#include "exec/ramblock.h"
#include "exec/ram_addr.h"
#include "io/channel-buffer.h"
#include "migration/qemu-file.h"
#include "migration/savevm.h"
#include "accel/shim/checkpoint.h"
#include "replay/record-checkpoint.h"

/* QEMU_VM_FILE_MAGIC and QEMU_VM_FILE_VERSION, which begin the stream */
#define STREAM_HEADER 8u

struct Checkpoint {
    char *path;
    uint64_t seq; /* of its record */
    TraceCheckpoint record;
};

/* A page that is to have a content */
typedef struct Want {
    uint64_t content;
    uint8_t *page;
} Want;

static void set_error(Error **errp, const char *path, const GError *error)
{
    error_setg(errp, "replay=%s: %s", path, error->message);
}

/* @return: 1, 0: there are only *@have of them, -1 with *@error */
static int search(Checkpoint *c, uint32_t number, uint32_t *have,
                  GError **error)
{
    g_autoptr(TraceReader) reader = trace_open(c->path, error);
    TraceRecord record = {.payload = NULL};
    int got = -1;

    *have = 0;
    while (reader && (got = trace_next(reader, &record, error)) > 0) {
        if (record.type == TRACE_CHECKPOINT && (*have)++ == number) {
            c->seq = record.seq;
            got = trace_get_checkpoint(record.payload, record.seq, &c->record,
                                       error)
                      ? 1
                      : -1;
            break;
        }
    }
    trace_record_clear(&record);
    return got;
}

Checkpoint *checkpoint_find(const char *path, uint32_t number, Error **errp)
{
    Checkpoint *c = g_new0(Checkpoint, 1);
    g_autoptr(GError) error = NULL;
    uint32_t have;
    int got;

    c->path = g_strdup(path);
    got = search(c, number, &have, &error);
    if (got > 0) {
        return c;
    }
    if (got < 0) {
        set_error(errp, path, error);
    } else {
        error_setg(errp, "from=%u: %s has %u checkpoint%s, counted from 0",
                   number, path, have, have == 1 ? "" : "s");
    }
    checkpoint_free(c);
    return NULL;
}

void checkpoint_free(Checkpoint *c)
{
    trace_checkpoint_clear(&c->record);
    g_free(c->path);
    g_free(c);
}

uint64_t checkpoint_seq(const Checkpoint *c)
{
    return c->seq + 1;
}

/* Memory */

static void clear_pages(uint8_t *host, uint64_t from, uint64_t to)
{
    for (; from < to; from++) {
        uint8_t *page = host + from * TRACE_PAGE_SIZE;

        if (!buffer_is_zero(page, TRACE_PAGE_SIZE)) {
            memset(page, 0, TRACE_PAGE_SIZE);
        }
    }
}

/* Has the block that size, or can it be given it? */
static bool fit_block(RAMBlock *rb, const TraceMemory *m, Error **errp)
{
    uint64_t size = m->nr_pages * TRACE_PAGE_SIZE;

    if (m->nr_pages <= UINT64_MAX / TRACE_PAGE_SIZE &&
        qemu_ram_get_used_length(rb) == size) {
        return true;
    }
    if (m->nr_pages > qemu_ram_get_max_length(rb) / TRACE_PAGE_SIZE) {
        error_setg(errp, "memory %s has %" PRIu64 " pages, %" PRIu64 " fit",
                   m->name, m->nr_pages,
                   (uint64_t)qemu_ram_get_max_length(rb) / TRACE_PAGE_SIZE);
        return false;
    }
    return qemu_ram_resize(rb, size, errp) == 0;
}

static bool want_block(const TraceMemory *m, GArray *wants, Error **errp)
{
    RAMBlock *rb = qemu_ram_block_by_name(m->name);
    uint64_t from = 0;
    uint8_t *host;

    if (!rb || !qemu_ram_is_migratable(rb)) {
        error_setg(errp, "this machine has no memory %s", m->name);
        return false;
    }
    if (!fit_block(rb, m, errp)) {
        return false;
    }
    host = qemu_ram_get_host_addr(rb);
    for (guint i = 0; i < m->pages->len; i++) {
        const TracePages *run = &g_array_index(m->pages, TracePages, i);

        clear_pages(host, from, run->first);
        from = run->first + run->count;
        for (uint32_t n = 0; n < run->count; n++) {
            Want want = {run->content + n,
                         host + (run->first + n) * TRACE_PAGE_SIZE};

            g_array_append_val(wants, want);
        }
    }
    clear_pages(host, from, m->nr_pages);
    return true;
}

static gint compare_wants(gconstpointer a, gconstpointer b)
{
    uint64_t x = ((const Want *)a)->content, y = ((const Want *)b)->content;

    return (x > y) - (x < y);
}

/* The record's contents for the wants from @i on. @return: the next want */
static guint take_contents(const TraceRecord *record, const GArray *wants,
                           guint i, Error **errp)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(record->payload, &len);

    for (; i < wants->len; i++) {
        const Want *want = &g_array_index(wants, Want, i);
        size_t at = TRACE_CONTENT_INDEX(want->content) * TRACE_PAGE_SIZE;

        if (TRACE_CONTENT_SEQ(want->content) != record->seq) {
            break;
        }
        if (record->type != TRACE_CHECKPOINT_PAGES ||
            len < at + TRACE_PAGE_SIZE) {
            error_setg(errp, "record %" PRIu64 " has no content %u of a page",
                       record->seq, TRACE_CONTENT_INDEX(want->content));
            break;
        }
        memcpy(want->page, data + at, TRACE_PAGE_SIZE);
    }
    return i;
}

static bool fill(const Checkpoint *c, const GArray *wants, Error **errp)
{
    ERRP_GUARD();
    g_autoptr(GError) error = NULL;
    g_autoptr(TraceReader) reader = trace_open(c->path, &error);
    TraceRecord record = {.payload = NULL};
    uint64_t next = 1;

    for (guint i = 0; reader && !error && !*errp && i < wants->len;) {
        uint64_t seq = TRACE_CONTENT_SEQ(g_array_index(wants, Want, i).content);

        if (seq != next && !trace_seek(reader, seq, &error)) {
            break;
        }
        if (trace_next(reader, &record, &error) > 0) {
            next = record.seq + 1;
            if (record.seq != seq) {
                error_setg(errp, "record %" PRIu64 " has no contents of pages",
                           seq);
                break;
            }
            i = take_contents(&record, wants, i, errp);
        } else if (!error) {
            error_setg(errp, "the trace ends before record %" PRIu64, seq);
        }
    }
    trace_record_clear(&record);
    if (error) {
        set_error(errp, c->path, error);
    }
    return !error && !*errp;
}

static bool load_memory(const Checkpoint *c, Error **errp)
{
    g_autoptr(GArray) wants = g_array_new(false, false, sizeof(Want));

    RCU_READ_LOCK_GUARD();
    for (guint i = 0; i < c->record.memory->len; i++) {
        if (!want_block(&g_array_index(c->record.memory, TraceMemory, i), wants,
                        errp)) {
            return false;
        }
    }
    g_array_sort(wants, compare_wants);
    return fill(c, wants, errp);
}

/* Devices */

static bool load_devices(const Checkpoint *c, Error **errp)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(c->record.devices, &len);
    QIOChannelBuffer *channel = qio_channel_buffer_new(len);
    QEMUFile *f;
    bool ok;

    memcpy(channel->data, data, len);
    channel->usage = len;
    channel->offset = MIN(len, STREAM_HEADER);
    f = qemu_file_new_input(QIO_CHANNEL(channel));
    ok = qemu_load_device_state(f) >= 0;
    qemu_fclose(f);
    object_unref(OBJECT(channel));
    if (!ok) {
        error_setg(errp, "the devices' state of checkpoint %u cannot be loaded",
                   c->record.number);
    }
    return ok;
}

bool checkpoint_load(const Checkpoint *c, ShimDigester *digester, Error **errp)
{
    StateDigest *now;
    uint8_t sha256[TRACE_SHA256_SIZE];

    if (!load_memory(c, errp) || !load_devices(c, errp)) {
        return false;
    }
    shim_digester_forget(digester);
    now = shim_digest(digester, errp);
    if (!now) {
        return false;
    }
    state_digest_sha256(now, sha256);
    state_digest_free(now);
    if (memcmp(sha256, c->record.sha256, sizeof(sha256))) {
        warn_report("jumpcut: checkpoint %u: the machine's digest is another "
                    "one than where it was taken",
                    c->record.number);
    }
    return true;
}
