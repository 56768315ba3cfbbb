/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing checkpoints. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "accel/shim/checkpoint.h"
#include "replay/record-checkpoint.h"

struct CheckpointWriter {
    GHashTable *contents; /* MemoryHash to uint64_t: TRACE_CONTENT() */
};

/* One checkpoint being written */
typedef struct Job {
    CheckpointWriter *w;
    CheckpointWriteFn *write;
    void *opaque;
    TraceCheckpoint record;
    GByteArray *batch; /* contents that are not written yet */
    GArray *waiting;   /* of MemoryHash, theirs */
} Job;

static guint hash_hash(gconstpointer key)
{
    return ((const MemoryHash *)key)->low;
}

static gboolean hash_equal(gconstpointer a, gconstpointer b)
{
    return !memcmp(a, b, sizeof(MemoryHash));
}

CheckpointWriter *checkpoint_writer_new(void)
{
    CheckpointWriter *w = g_new0(CheckpointWriter, 1);

    w->contents = g_hash_table_new_full(hash_hash, hash_equal, g_free, g_free);
    return w;
}

static void write_batch(Job *job)
{
    uint64_t seq;

    if (!job->waiting->len) {
        return;
    }
    seq = job->write(job->opaque, TRACE_CHECKPOINT_PAGES, job->batch->data,
                     job->batch->len);
    for (guint i = 0; i < job->waiting->len; i++) {
        uint64_t content = TRACE_CONTENT(seq, i);

        g_hash_table_insert(
            job->w->contents,
            g_memdup2(&g_array_index(job->waiting, MemoryHash, i),
                      sizeof(MemoryHash)),
            g_memdup2(&content, sizeof(content)));
    }
    g_byte_array_set_size(job->batch, 0);
    g_array_set_size(job->waiting, 0);
}

/* Contents that the trace has not yet. */
static void write_contents(const MemoryBlock *b, void *opaque)
{
    Job *job = opaque;

    for (uint64_t i = 0; i < b->nr_pages; i++) {
        MemoryHash h = b->hashes[i];

        if (memory_hash_is_zero(h) ||
            g_hash_table_contains(job->w->contents, &h)) {
            continue;
        }
        /* Known from here on; where it is, is told when it is written. */
        g_hash_table_insert(job->w->contents, g_memdup2(&h, sizeof(h)), NULL);
        g_byte_array_append(job->batch, b->host + i * TRACE_PAGE_SIZE,
                            TRACE_PAGE_SIZE);
        g_array_append_val(job->waiting, h);
        if (job->waiting->len == TRACE_CONTENTS_MAX) {
            write_batch(job);
        }
    }
}

static void refer(const MemoryBlock *b, void *opaque)
{
    Job *job = opaque;
    TraceMemory *m =
        trace_checkpoint_add_memory(&job->record, b->name, b->nr_pages);

    for (uint64_t i = 0; i < b->nr_pages; i++) {
        if (!memory_hash_is_zero(b->hashes[i])) {
            const uint64_t *content =
                g_hash_table_lookup(job->w->contents, &b->hashes[i]);

            trace_memory_add_page(m, i, *content);
        }
    }
}

static bool write_checkpoint(Job *job, Error **errp)
{
    g_autoptr(GByteArray) payload = trace_put_checkpoint(&job->record);

    if (payload->len > TRACE_PAYLOAD_MAX) {
        error_setg(errp, "checkpoint %u: %u bytes, a record has at most %u",
                   job->record.number, payload->len, TRACE_PAYLOAD_MAX);
        return false;
    }
    job->write(job->opaque, TRACE_CHECKPOINT, payload->data, payload->len);
    return true;
}

bool checkpoint_write(CheckpointWriter *w, uint32_t number,
                      const StateDigest *digest, const MemoryDigest *memory,
                      CheckpointWriteFn *write, void *opaque, Error **errp)
{
    GByteArray *stream = digest_device_stream(errp);
    Job job = {.w = w, .write = write, .opaque = opaque};
    bool ok;

    if (!stream) {
        return false;
    }
    trace_checkpoint_init(&job.record);
    job.record.number = number;
    state_digest_sha256(digest, job.record.sha256);
    job.record.devices = g_byte_array_free_to_bytes(stream);
    job.batch = g_byte_array_new();
    job.waiting = g_array_new(false, false, sizeof(MemoryHash));
    memory_digest_foreach(memory, write_contents, &job);
    write_batch(&job);
    memory_digest_foreach(memory, refer, &job);
    ok = write_checkpoint(&job, errp);
    trace_checkpoint_clear(&job.record);
    g_byte_array_unref(job.batch);
    g_array_unref(job.waiting);
    return ok;
}
