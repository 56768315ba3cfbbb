/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace files: written, read back, torn at every byte, completed, damaged. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/trace-format.h"

/* Files are completed at each so many bytes: that waits for the disk. */
#define FINISH_EVERY 13

typedef struct Fixture {
    char *folder, *partial, *final;
} Fixture;

static void fixture_set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->folder = g_dir_make_tmp("jumpcut-trace-XXXXXX", NULL);
    g_assert_nonnull(f->folder);
    f->partial = g_build_filename(f->folder, "a.jct.partial", NULL);
    f->final = g_build_filename(f->folder, "a.jct", NULL);
}

static void fixture_tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    g_unlink(f->partial);
    g_unlink(f->final);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->folder);
    g_free(f->partial);
    g_free(f->final);
}

static TraceWriter *create(const char *path)
{
    g_autoptr(TraceHeader) h = trace_header_new();
    GError *error = NULL;
    TraceWriter *w;

    trace_header_add(h, "format", "1");
    trace_header_add(h, "arg", "-accel");
    trace_header_add(h, "arg", "tcg");
    w = trace_create(path, h, &error);
    g_assert_no_error(error);
    return w;
}

/* The payload of the sample's record @seq; they differ in size. */
static GByteArray *sample_payload(unsigned seq)
{
    GByteArray *payload = g_byte_array_new();

    for (unsigned i = 0; i < seq * 37 % 101; i++) {
        uint8_t byte = i * seq;

        g_byte_array_append(payload, &byte, 1);
    }
    return payload;
}

static void put_sample(TraceWriter *w, unsigned seq)
{
    g_autoptr(GByteArray) payload = sample_payload(seq);
    GError *error = NULL;

    g_assert_cmpuint(trace_writer_seq(w), ==, seq);
    trace_write_vcpu(w, seq % 2 ? TRACE_DIGEST : TRACE_INPUT_BYTES,
                     seq % 3 ? 0 : TRACE_AT_STOP, seq % 4, seq * 1000,
                     payload->data, payload->len, &error);
    g_assert_no_error(error);
}

static void assert_sample(const TraceRecord *record, unsigned seq)
{
    g_autoptr(GByteArray) want = sample_payload(seq);
    gsize len;
    const void *got = g_bytes_get_data(record->payload, &len);

    g_assert_cmpuint(record->seq, ==, seq);
    g_assert_cmpuint(record->type, ==,
                     seq % 2 ? TRACE_DIGEST : TRACE_INPUT_BYTES);
    g_assert_cmpuint(record->flags, ==, seq % 3 ? 0 : TRACE_AT_STOP);
    g_assert_cmpuint(record->vcpu, ==, seq % 4);
    g_assert_cmpint(record->at_ns, ==, seq * 1000);
    g_assert_cmpmem(got, len, want->data, want->len);
}

/* Records 1 to @end - 1, a flush behind each and three frames. */
static void write_samples(const char *path, unsigned end)
{
    TraceWriter *w = create(path);
    GError *error = NULL;

    for (unsigned seq = 1; seq < end; seq++) {
        put_sample(w, seq);
        trace_flush(w, &error);
        if (seq == end / 3 || seq == end / 2) {
            trace_new_frame(w, &error);
        }
        g_assert_no_error(error);
    }
    trace_close(w, &error);
    g_assert_no_error(error);
}

static TraceReader *open_trace(const char *path)
{
    GError *error = NULL;
    TraceReader *r = trace_open(path, &error);

    g_assert_no_error(error);
    return r;
}

/* Reads to the end from record 1 on; how many records there are in all. */
static unsigned read_samples(TraceReader *r)
{
    TraceRecord record = {0};
    GError *error = NULL;
    unsigned seq = 1;

    while (trace_next(r, &record, &error) > 0) {
        assert_sample(&record, seq++);
    }
    g_assert_no_error(error);
    trace_record_clear(&record);
    return seq;
}

static void finish(Fixture *f)
{
    GError *error = NULL;

    trace_finish(f->partial, f->final, &error);
    g_assert_no_error(error);
    g_assert_false(g_file_test(f->partial, G_FILE_TEST_EXISTS));
}

static void test_trace_round_trip(Fixture *f, gconstpointer data)
{
    g_autoptr(TraceReader) r = NULL;
    g_autofree const char **args = NULL;

    (void)data;
    write_samples(f->partial, 60);
    finish(f);
    r = open_trace(f->final);
    g_assert_cmpuint(read_samples(r), ==, 60);
    g_assert_false(trace_reader_truncated(r));
    g_assert_null(trace_reader_tail(r));
    g_assert_cmpstr(trace_header_get(trace_reader_header(r), "format"), ==,
                    "1");
    g_assert_null(trace_header_get(trace_reader_header(r), "none"));
    args = trace_header_values(trace_reader_header(r), "arg");
    g_assert_cmpstr(args[0], ==, "-accel");
    g_assert_cmpstr(args[1], ==, "tcg");
    g_assert_null(args[2]);
}

static void test_trace_being_written_is_read(Fixture *f, gconstpointer data)
{
    TraceWriter *w = create(f->partial);
    GError *error = NULL;

    (void)data;
    for (unsigned seq = 1; seq < 20; seq++) {
        g_autoptr(TraceReader) r = NULL;

        put_sample(w, seq);
        g_assert_true(trace_flush(w, &error));
        r = open_trace(f->partial);
        g_assert_cmpuint(read_samples(r), ==, seq + 1);
        g_assert_true(trace_reader_truncated(r));
    }
    g_assert_true(trace_close(w, &error));
}

static void test_trace_second_writer_is_refused(Fixture *f, gconstpointer data)
{
    TraceWriter *w = create(f->partial);
    GError *error = NULL;

    (void)data;
    g_assert_true(trace_new_frame(w, &error));
    g_assert_null(trace_append(f->partial, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_BUSY);
    g_clear_error(&error);
    g_assert_false(trace_finish(f->partial, f->final, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_BUSY);
    g_clear_error(&error);
    put_sample(w, 1);
    g_assert_true(trace_flush(w, &error));
    g_assert_false(trace_finish(f->partial, f->final, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_BUSY);
    g_clear_error(&error);
    g_assert_true(trace_close(w, &error));
}

static void test_trace_appended_goes_on(Fixture *f, gconstpointer data)
{
    g_autoptr(TraceReader) r = NULL;
    GError *error = NULL;
    TraceWriter *w;

    (void)data;
    write_samples(f->partial, 10);
    for (unsigned seq = 10; seq < 14; seq++) {
        w = trace_append(f->partial, &error);
        g_assert_no_error(error);
        put_sample(w, seq);
        g_assert_true(trace_close(w, &error));
    }
    finish(f);
    r = open_trace(f->final);
    g_assert_cmpuint(read_samples(r), ==, 14);
    g_assert_null(trace_append(f->final, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_RANGE);
    g_clear_error(&error);
}

static void test_trace_seek_reaches_every_record(Fixture *f, gconstpointer data)
{
    const char *path = data ? f->final : f->partial;
    g_autoptr(TraceReader) r = NULL;
    TraceRecord record = {0};
    GError *error = NULL;

    write_samples(f->partial, 60);
    if (data) {
        finish(f);
    }
    r = open_trace(path);
    for (unsigned i = 0; i < 200; i++) {
        unsigned seq = 1 + i * 23 % 59;

        g_assert_true(trace_seek(r, seq, &error));
        g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
        assert_sample(&record, seq);
    }
    g_assert_false(trace_seek(r, 61, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_RANGE);
    g_clear_error(&error);
    g_assert_true(trace_seek(r, 0, &error));
    g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
    g_assert_cmpint(record.type, ==, TRACE_HEADER);
    g_assert_cmpuint(read_samples(r), ==, 60);
    trace_record_clear(&record);
}

/* A file of @len bytes. */
static void put_file(const char *path, const void *bytes, gsize len)
{
    int fd;

    /* A file that is emptied waits for the disk when it is closed. */
    g_unlink(path);
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, bytes, len), ==, len);
    close(fd);
}

static gsize get_file(const char *path, char **bytes)
{
    GError *error = NULL;
    gsize len;

    g_file_get_contents(path, bytes, &len, &error);
    g_assert_no_error(error);
    return len;
}

/*
 * A file with its size behind each record: what is whole of the first bytes
 * of it.  The file's frame is ended, as by trace_close().
 */
static GArray *write_measured(const char *path, unsigned end)
{
    GArray *sizes = g_array_new(FALSE, FALSE, sizeof(guint64));
    TraceWriter *w = create(path);
    GError *error = NULL;

    for (unsigned seq = 0; seq < end; seq++) {
        struct stat st;
        guint64 size;

        if (seq) {
            put_sample(w, seq);
        }
        g_assert_true(trace_flush(w, &error));
        g_assert_cmpint(stat(path, &st), ==, 0);
        size = st.st_size;
        g_array_append_val(sizes, size);
        if (seq == end / 2) {
            g_assert_true(trace_new_frame(w, &error));
        }
    }
    g_assert_true(trace_close(w, &error));
    return sizes;
}

/* Whole records of the first @len bytes. */
static unsigned whole_records(const GArray *sizes, gsize len)
{
    unsigned n = 0;

    while (n < sizes->len && g_array_index(sizes, guint64, n) <= len) {
        n++;
    }
    return n;
}

static void test_trace_cut_at_every_byte(Fixture *f, gconstpointer data)
{
    g_autoptr(GArray) sizes = write_measured(f->partial, 24);
    g_autofree char *bytes = NULL;
    gsize len = get_file(f->partial, &bytes);

    (void)data;
    for (gsize cut = 0; cut <= len; cut++) {
        unsigned whole = whole_records(sizes, cut);
        GError *error = NULL;
        TraceReader *r;

        put_file(f->partial, bytes, cut);
        r = trace_open(f->partial, &error);
        if (whole == 0) {
            g_assert_null(r);
            g_assert_error(error, TRACE_ERROR, TRACE_ERROR_TORN);
            g_clear_error(&error);
            g_assert_false(trace_finish(f->partial, f->final, &error));
            g_clear_error(&error);
            continue;
        }
        g_assert_no_error(error);
        g_assert_cmpuint(read_samples(r), ==, whole);
        g_assert_true(trace_reader_truncated(r));
        g_assert_nonnull(strstr(trace_reader_tail(r), "byte"));
        trace_reader_free(r);
        if (cut % FINISH_EVERY) {
            continue;
        }
        finish(f);
        r = open_trace(f->final);
        g_assert_cmpuint(read_samples(r), ==, whole);
        g_assert_false(trace_reader_truncated(r));
        g_assert_true(trace_seek(r, whole - 1, &error));
        trace_reader_free(r);
    }
}

static void test_trace_finished_cut_at_every_byte(Fixture *f,
                                                  gconstpointer data)
{
    g_autofree char *bytes = NULL;
    gsize len, body;

    (void)data;
    write_samples(f->partial, 12);
    {
        g_autofree char *before = NULL;

        body = get_file(f->partial, &before);
    }
    finish(f);
    len = get_file(f->final, &bytes);
    g_assert_cmpuint(len, >, body);
    for (gsize cut = body; cut < len; cut++) {
        TraceReader *r;

        put_file(f->partial, bytes, cut);
        r = open_trace(f->partial);
        g_assert_cmpuint(read_samples(r), ==, 12);
        g_assert_true(trace_reader_truncated(r));
        trace_reader_free(r);
        if (cut % FINISH_EVERY) {
            continue;
        }
        finish(f);
        {
            g_autofree char *again = NULL;
            gsize size = get_file(f->final, &again);

            g_assert_cmpmem(again, size, bytes, len);
        }
    }
}

static void test_trace_append_to_torn_is_refused(Fixture *f, gconstpointer data)
{
    g_autofree char *bytes = NULL;
    GError *error = NULL;
    gsize len;

    (void)data;
    write_samples(f->partial, 8);
    len = get_file(f->partial, &bytes);
    put_file(f->partial, bytes, len - 1);
    g_assert_null(trace_append(f->partial, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_TORN);
    g_assert_nonnull(strstr(error->message, "has no end"));
    g_clear_error(&error);
}

/* Reads a file whatever it is; true if nothing was wrong with it. */
static bool read_anything(const char *path)
{
    TraceRecord record = {0};
    GError *error = NULL;
    TraceReader *r = trace_open(path, &error);
    bool whole;
    int got;

    if (!r) {
        g_assert_nonnull(error);
        g_error_free(error);
        return false;
    }
    while ((got = trace_next(r, &record, &error)) > 0) {
        g_assert_cmpuint(g_bytes_get_size(record.payload), <=,
                         TRACE_PAYLOAD_MAX);
    }
    g_assert_true((got < 0) == (error != NULL));
    if (error) {
        g_assert_nonnull(strstr(error->message, "byte "));
        g_error_free(error);
    }
    trace_record_clear(&record);
    whole = got == 0 && !trace_reader_truncated(r);
    trace_reader_free(r);
    return whole;
}

static void test_trace_every_flipped_bit_is_found(Fixture *f,
                                                  gconstpointer data)
{
    g_autofree char *bytes = NULL;
    unsigned missed = 0;
    gsize len;

    (void)data;
    write_samples(f->partial, 8);
    finish(f);
    len = get_file(f->final, &bytes);
    for (gsize bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= 1 << bit % 8;
        put_file(f->final, bytes, len);
        if (read_anything(f->final)) {
            /* Only bits of zstd's frames that mean nothing may go unseen. */
            g_autoptr(TraceReader) r = open_trace(f->final);

            missed++;
            g_assert_cmpuint(read_samples(r), ==, 8);
        }
        bytes[bit / 8] ^= 1 << bit % 8;
    }
    g_assert_cmpuint(missed, <, len / 4);
}

/* Writes @n frames of raw records after a good start of the file. */
typedef struct RawRecord {
    uint32_t len;
    uint16_t type, flags;
    uint64_t seq;
    bool bad_crc;
} RawRecord;

typedef struct BadCase {
    const char *name;
    RawRecord record; /* behind record 0 */
    TraceError code;
    const char *message;
} BadCase;

static const BadCase bad_cases[] = {
    {"too-long",
     {0xffffffff, TRACE_EVENT, 0, 1, false},
     TRACE_ERROR_DAMAGED,
     "record 1: a payload's length is 0xffffffff, want 0x1000000"},
    {"checksum",
     {0, TRACE_EVENT, 0, 1, true},
     TRACE_ERROR_DAMAGED,
     "record 1: the checksum is"},
    {"reordered",
     {0, TRACE_EVENT, 0, 2, false},
     TRACE_ERROR_DAMAGED,
     "record 1: out of order: its number is 0x2, want 0x1"},
    {"flags",
     {0, TRACE_EVENT, 0x40, 1, false},
     TRACE_ERROR_VERSION,
     "record 1: unknown flags: it has 0x40, want 0x0"},
    {"unknown-type",
     {0, 99, 0, 1, false},
     TRACE_ERROR_VERSION,
     "not known to this program: type 0x63, want 0xc"},
    {"type-zero",
     {0, 0, 0, 1, false},
     TRACE_ERROR_VERSION,
     "not known to this program: type 0x0"},
    {"second-header",
     {0, TRACE_HEADER, 0, 1, false},
     TRACE_ERROR_DAMAGED,
     "only record 0 is a header"},
    {"torn-record",
     {5, TRACE_EVENT, 0, 1, false},
     TRACE_ERROR_DAMAGED,
     "frame at byte 28 ends within record 1"},
};

/* Compresses through the writer's own back door: a record as it is. */
static void put_raw(const char *path, const RawRecord *raw)
{
    g_autoptr(TraceHeader) h = trace_header_new();
    g_autoptr(GByteArray) words = NULL;
    g_autofree uint8_t *file = NULL;
    uint8_t head[2 * TRACE_RECORD_SIZE + 64] = {0};
    size_t at, size;

    trace_header_add(h, "format", "1");
    words = trace_header_encode(h);
    trace_put_le(head, words->len, 4);
    trace_put_le(head + 4, TRACE_HEADER, 2);
    trace_put_le(head + TRACE_CRC_OFFSET,
                 trace_record_crc(head, words->data, words->len), 4);
    memcpy(head + TRACE_RECORD_SIZE, words->data, words->len);
    at = TRACE_RECORD_SIZE + words->len;
    trace_put_le(head + at, raw->len, 4);
    trace_put_le(head + at + 4, raw->type, 2);
    trace_put_le(head + at + 6, raw->flags, 2);
    trace_put_le(head + at + 24, raw->seq, 8);
    trace_put_le(head + at + TRACE_CRC_OFFSET,
                 trace_record_crc(head + at, NULL, 0) ^ raw->bad_crc, 4);
    at += TRACE_RECORD_SIZE;
    /* One raw block, the last, of a frame with a window of 1 KiB. */
    size = TRACE_PREAMBLE_SIZE + 6 + 3 + at;
    file = g_malloc0(size);
    trace_preamble_fill(file);
    trace_put_le(file + TRACE_PREAMBLE_SIZE, TRACE_ZSTD_FRAME, 4);
    trace_put_le(file + TRACE_PREAMBLE_SIZE + 6, at << 3 | 1, 3);
    memcpy(file + TRACE_PREAMBLE_SIZE + 9, head, at);
    put_file(path, file, size);
}

static void test_trace_bad_record_is_named(Fixture *f, gconstpointer data)
{
    const BadCase *c = data;
    TraceRecord record = {0};
    GError *error = NULL, *again = NULL;
    TraceReader *r;

    put_raw(f->partial, &c->record);
    r = open_trace(f->partial);
    g_assert_cmpint(trace_next(r, &record, &error), ==, -1);
    g_assert_error(error, TRACE_ERROR, (int)c->code);
    if (!strstr(error->message, c->message) ||
        !g_str_has_prefix(error->message, f->partial)) {
        g_error("%s: want \"%s\", got \"%s\"", c->name, c->message,
                error->message);
    }
    /* It stays so. */
    g_assert_cmpint(trace_next(r, &record, &again), ==, -1);
    g_assert_cmpstr(again->message, ==, error->message);
    g_assert_null(record.payload);
    trace_reader_free(r);
    g_error_free(error);
    g_error_free(again);
}

static void test_trace_unknown_optional_is_skipped(Fixture *f,
                                                   gconstpointer data)
{
    TraceWriter *w = create(f->partial);
    TraceRecord record = {0};
    GError *error = NULL;

    (void)data;
    trace_write(w, 77, TRACE_OPTIONAL, 5, "x", 1, &error);
    put_sample(w, 2);
    /* Killed here: the recovery keeps what it does not know. */
    g_assert_true(trace_flush(w, &error));
    {
        g_autofree char *bytes = NULL;
        gsize len = get_file(f->partial, &bytes);

        g_assert_true(trace_close(w, &error));
        put_file(f->partial, bytes, len);
    }
    finish(f);
    {
        g_autoptr(TraceReader) r = open_trace(f->final);

        g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
        assert_sample(&record, 2);
        g_assert_cmpint(trace_next(r, &record, &error), ==, 0);
        g_assert_false(trace_reader_truncated(r));
        g_assert_true(trace_seek(r, 1, &error));
        g_assert_cmpint(trace_next_any(r, &record, &error), ==, 1);
        g_assert_cmpuint(record.type, ==, 77);
    }
    trace_record_clear(&record);
}

typedef struct PreambleCase {
    const char *name;
    unsigned byte;
    uint8_t value;
    bool right_crc;
    TraceError code;
    const char *message;
} PreambleCase;

static const PreambleCase preamble_cases[] = {
    {"magic", 8, 'X', true, TRACE_ERROR_FORMAT, "no trace file"},
    {"version", 16, 2, true, TRACE_ERROR_VERSION,
     "byte 16: format version 2, this program reads 1"},
    {"feature", 20, 8, true, TRACE_ERROR_VERSION,
     "byte 20: features 0x8 are not known"},
    {"checksum", 16, 2, false, TRACE_ERROR_DAMAGED,
     "byte 24: the preamble's checksum"},
};

static void test_trace_bad_preamble_is_named(Fixture *f, gconstpointer data)
{
    const PreambleCase *c = data;
    g_autofree char *bytes = NULL;
    GError *error = NULL;
    gsize len;

    write_samples(f->partial, 3);
    len = get_file(f->partial, &bytes);
    bytes[c->byte] = c->value;
    if (c->right_crc) {
        trace_put_le((uint8_t *)bytes + 24, trace_crc(bytes, 24), 4);
    }
    put_file(f->partial, bytes, len);
    g_assert_null(trace_open(f->partial, &error));
    g_assert_error(error, TRACE_ERROR, (int)c->code);
    g_assert_nonnull(strstr(error->message, c->message));
    g_error_free(error);
}

static void test_trace_bytes_behind_trailer_are_refused(Fixture *f,
                                                        gconstpointer data)
{
    g_autofree char *bytes = NULL;
    gsize len;

    (void)data;
    write_samples(f->partial, 3);
    finish(f);
    g_assert_true(read_anything(f->final));
    len = get_file(f->final, &bytes);
    bytes = g_realloc(bytes, len + 1);
    bytes[len] = 0;
    put_file(f->final, bytes, len + 1);
    g_assert_false(read_anything(f->final));
}

static void test_trace_big_payload_round_trips(Fixture *f, gconstpointer data)
{
    g_autofree uint8_t *big = g_malloc(TRACE_PAYLOAD_MAX + 1);
    g_autoptr(TraceReader) r = NULL;
    TraceWriter *w = create(f->partial);
    TraceRecord record = {0};
    GError *error = NULL;
    gsize len;
    uint32_t state = 1;

    (void)data;
    for (unsigned i = 0; i <= TRACE_PAYLOAD_MAX; i++) {
        state = state * 1664525 + 1013904223;
        big[i] = state >> 24;
    }
    g_assert_true(trace_write(w, TRACE_OUTPUT, TRACE_OPTIONAL, 1, big,
                              TRACE_PAYLOAD_MAX, &error));
    g_assert_true(trace_flush(w, &error));
    g_assert_false(
        trace_write(w, TRACE_OUTPUT, 0, 1, big, TRACE_PAYLOAD_MAX + 1, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_RANGE);
    g_clear_error(&error);
    g_assert_false(trace_close(w, &error));
    g_clear_error(&error);
    finish(f);
    r = open_trace(f->final);
    g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
    g_assert_nonnull(g_bytes_get_data(record.payload, &len));
    g_assert_cmpmem(g_bytes_get_data(record.payload, NULL), len, big,
                    TRACE_PAYLOAD_MAX);
    g_assert_cmpint(trace_next(r, &record, &error), ==, 0);
}

static void test_trace_full_disk_is_reported(Fixture *f, gconstpointer data)
{
    g_autoptr(TraceHeader) h = trace_header_new();
    GError *error = NULL;

    (void)f;
    (void)data;
    g_assert_null(trace_create("/dev/full", h, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "/dev/full: cannot"));
    g_clear_error(&error);
}

#define ADD(path, data, func) \
    g_test_add(path, Fixture, data, fixture_set_up, func, fixture_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/trace/round-trip", NULL, test_trace_round_trip);
    ADD("/trace/being-written", NULL, test_trace_being_written_is_read);
    ADD("/trace/second-writer", NULL, test_trace_second_writer_is_refused);
    ADD("/trace/append", NULL, test_trace_appended_goes_on);
    ADD("/trace/append/torn", NULL, test_trace_append_to_torn_is_refused);
    ADD("/trace/seek/partial", NULL, test_trace_seek_reaches_every_record);
    ADD("/trace/seek/finished", "", test_trace_seek_reaches_every_record);
    ADD("/trace/cut", NULL, test_trace_cut_at_every_byte);
    ADD("/trace/cut/finished", NULL, test_trace_finished_cut_at_every_byte);
    ADD("/trace/flips", NULL, test_trace_every_flipped_bit_is_found);
    ADD("/trace/optional", NULL, test_trace_unknown_optional_is_skipped);
    ADD("/trace/behind", NULL, test_trace_bytes_behind_trailer_are_refused);
    ADD("/trace/big", NULL, test_trace_big_payload_round_trips);
    ADD("/trace/full", NULL, test_trace_full_disk_is_reported);
    for (size_t i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/trace/bad/%s", bad_cases[i].name);

        ADD(path, &bad_cases[i], test_trace_bad_record_is_named);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(preamble_cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/trace/preamble/%s", preamble_cases[i].name);

        ADD(path, &preamble_cases[i], test_trace_bad_preamble_is_named);
    }
    return g_test_run();
}
