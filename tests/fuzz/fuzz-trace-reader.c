/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces: refused with a reason that names the file and the byte, or read to
 * an end; every payload is refused or has one form.
 *
 * Mutations of a whole file rarely come past its checksums.  So an input whose
 * first byte is even is the file itself; else it is the decompressed records,
 * which are given right checksums and numbers and are packed into a frame.
 */
#include "tests/fuzz/fuzz-trace.h"

#include <string.h>

#include "replay/record-checkpoint.h"
#include "replay/record-digest.h"
#include "replay/trace-format.h"
#include "tests/fuzz/fuzz.h"

/* A payload that is accepted has one form. */
static void check_digest(GBytes *payload)
{
    g_autoptr(GByteArray) again = NULL;
    g_autoptr(GError) error = NULL;
    TraceDigest digest;
    gsize len;
    const void *bytes = g_bytes_get_data(payload, &len);

    if (!trace_get_digest(payload, &digest, &error)) {
        g_assert_nonnull(error);
        return;
    }
    again = trace_put_digest(&digest);
    g_assert_cmpmem(again->data, again->len, bytes, len);
    trace_digest_clear(&digest);
}

static void check_checkpoint(const TraceRecord *record)
{
    g_autoptr(GByteArray) again = NULL;
    g_autoptr(GError) error = NULL;
    TraceCheckpoint c;
    gsize len;
    const void *bytes = g_bytes_get_data(record->payload, &len);

    if (!trace_get_checkpoint(record->payload, record->seq, &c, &error)) {
        g_assert_nonnull(error);
        return;
    }
    again = trace_put_checkpoint(&c);
    g_assert_cmpmem(again->data, again->len, bytes, len);
    trace_checkpoint_clear(&c);
}

static void check_record(const TraceRecord *record)
{
    g_autofree char *line =
        trace_record_describe(record->type, record->payload);

    g_assert_nonnull(line);
    g_assert_cmpuint(g_bytes_get_size(record->payload), <=, TRACE_PAYLOAD_MAX);
    g_assert_cmpint(record->type, <, TRACE_INDEX);
    if (record->type == TRACE_DIGEST) {
        check_digest(record->payload);
    }
    if (record->type == TRACE_CHECKPOINT) {
        check_checkpoint(record);
    }
}

static void read_all(int fd)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TraceReader) r = trace_open_fd(fd, "a.jct", &error);
    TraceRecord record = {0};
    guint64 last = 0;
    int got;

    if (!r) {
        g_assert_true(g_str_has_prefix(error->message, "a.jct: "));
        return;
    }
    while ((got = trace_next(r, &record, &error)) > 0) {
        g_assert_cmpuint(record.seq, >, last);
        last = record.seq;
        check_record(&record);
    }
    if (got < 0) {
        g_assert_true(g_str_has_prefix(error->message, "a.jct: "));
        g_assert_nonnull(strstr(error->message, "byte "));
    } else {
        g_assert_true(trace_reader_truncated(r) == !!trace_reader_tail(r));
        g_assert_true(trace_seek(r, last, &error));
        g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
        g_assert_cmpuint(record.seq, ==, last);
    }
    trace_record_clear(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) file = NULL;

    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    if (size == 0) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        read_all(fuzz_trace_file(data + 1, size - 1));
        return 0;
    }
    file = fuzz_trace_pack(data + 1, size - 1);
    read_all(fuzz_trace_file(file->data, file->len));
    return 0;
}
