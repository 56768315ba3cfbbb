/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace files with every kind of damage: named, and never more than that. */
#include <string.h>

#include "replay/trace-format.h"
#include "tests/unit/trace-fixture.h"

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

static void test_trace_every_flipped_bit_is_found(TraceFixture *f,
                                                  gconstpointer data)
{
    g_autofree char *bytes = NULL;
    unsigned missed = 0;
    gsize len;

    (void)data;
    trace_fixture_write(f->partial, 8);
    trace_fixture_finish(f);
    len = trace_fixture_get_file(f->final, &bytes);
    for (gsize bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= 1 << bit % 8;
        trace_fixture_put_file(f->final, bytes, len);
        if (read_anything(f->final)) {
            /* Only bits of zstd's frames that mean nothing may go unseen. */
            g_autoptr(TraceReader) r = trace_fixture_open(f->final);

            missed++;
            g_assert_cmpuint(trace_fixture_read(r), ==, 8);
        }
        bytes[bit / 8] ^= 1 << bit % 8;
    }
    g_assert_cmpuint(missed, <, len / 4);
}

/* A record whose fields need not be right. */
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

/* A file of a good header and that record. */
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
    trace_fixture_put_file(path, file, size);
}

static void test_trace_bad_record_is_named(TraceFixture *f, gconstpointer data)
{
    const BadCase *c = data;
    TraceRecord record = {0};
    GError *error = NULL, *again = NULL;
    TraceReader *r;

    put_raw(f->partial, &c->record);
    r = trace_fixture_open(f->partial);
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

static void test_trace_bad_preamble_is_named(TraceFixture *f,
                                             gconstpointer data)
{
    const PreambleCase *c = data;
    g_autofree char *bytes = NULL;
    GError *error = NULL;
    gsize len;

    trace_fixture_write(f->partial, 3);
    len = trace_fixture_get_file(f->partial, &bytes);
    bytes[c->byte] = c->value;
    if (c->right_crc) {
        trace_put_le((uint8_t *)bytes + 24, trace_crc(bytes, 24), 4);
    }
    trace_fixture_put_file(f->partial, bytes, len);
    g_assert_null(trace_open(f->partial, &error));
    g_assert_error(error, TRACE_ERROR, (int)c->code);
    g_assert_nonnull(strstr(error->message, c->message));
    g_error_free(error);
}

static void test_trace_bytes_behind_trailer_are_refused(TraceFixture *f,
                                                        gconstpointer data)
{
    g_autofree char *bytes = NULL;
    gsize len;

    (void)data;
    trace_fixture_write(f->partial, 3);
    trace_fixture_finish(f);
    g_assert_true(read_anything(f->final));
    len = trace_fixture_get_file(f->final, &bytes);
    bytes = g_realloc(bytes, len + 1);
    bytes[len] = 0;
    trace_fixture_put_file(f->final, bytes, len + 1);
    g_assert_false(read_anything(f->final));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TRACE_TEST("/trace-damage/flips", NULL,
               test_trace_every_flipped_bit_is_found);
    TRACE_TEST("/trace-damage/behind", NULL,
               test_trace_bytes_behind_trailer_are_refused);
    for (size_t i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/trace-damage/bad/%s", bad_cases[i].name);

        TRACE_TEST(path, &bad_cases[i], test_trace_bad_record_is_named);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(preamble_cases); i++) {
        g_autofree char *path = g_strdup_printf("/trace-damage/preamble/%s",
                                                preamble_cases[i].name);

        TRACE_TEST(path, &preamble_cases[i], test_trace_bad_preamble_is_named);
    }
    return g_test_run();
}
