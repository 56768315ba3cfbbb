/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces: refused with a reason that names the file and the byte, or read to
 * an end; every payload is refused or has one form.
 *
 * Mutations of a whole file rarely come past its checksums.  So an input whose
 * first byte is even is the file itself; else it is the decompressed records,
 * which are given right checksums and numbers and are packed into a frame.
 */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/record-checkpoint.h"
#include "replay/record-digest.h"
#include "replay/trace-format.h"

/* @return: a file of these bytes that is nowhere. */
static int make_file(const void *data, size_t size)
{
    int fd = memfd_create("trace", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, size), ==, size);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    return fd;
}

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

/* Lengths as they come, checksums and numbers as they should be. */
static void mend_records(uint8_t *data, size_t size)
{
    uint64_t seq = 0;

    while (size >= TRACE_RECORD_SIZE) {
        size_t len = trace_get_le(data, 4);

        if (len > size - TRACE_RECORD_SIZE) {
            return;
        }
        trace_put_le(data + 24, seq++, 8);
        trace_put_le(data + TRACE_CRC_OFFSET,
                     trace_record_crc(data, data + TRACE_RECORD_SIZE, len), 4);
        data += TRACE_RECORD_SIZE + len;
        size -= TRACE_RECORD_SIZE + len;
    }
}

/* One frame of blocks that are not compressed, with a window of 1 MiB. */
static GByteArray *pack_records(const uint8_t *data, size_t size)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3};
    uint8_t preamble[TRACE_PREAMBLE_SIZE];
    GByteArray *file = g_byte_array_new();

    trace_preamble_fill(preamble);
    g_byte_array_append(file, preamble, sizeof(preamble));
    g_byte_array_append(file, frame, sizeof(frame));
    do {
        size_t part = MIN(size, 65536);
        uint8_t head[3];

        trace_put_le(head, part << 3 | (part == size), 3);
        g_byte_array_append(file, head, sizeof(head));
        g_byte_array_append(file, data, part);
        data += part;
        size -= part;
    } while (size);
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) file = NULL;
    g_autofree uint8_t *copy = NULL;

    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    if (size == 0) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        read_all(make_file(data + 1, size - 1));
        return 0;
    }
    copy = g_memdup2(data + 1, size - 1);
    mend_records(copy, size - 1);
    file = pack_records(copy, size - 1);
    read_all(make_file(file->data, file->len));
    return 0;
}
