/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State streams: round trip, and every way in which a stream can be damaged. */
#include <string.h>

#include "hw/state.h"

#define TAG_NUMBER 0x0102
#define TAG_BYTES  0x0304
#define TAG_BLOB   0xfffe

#define HEADER_SIZE 6
#define NUMBER_MAX  1000000u

typedef struct Sample {
    guint64 number;
    guint8 bytes[5];
    GByteArray *blob;
} Sample;

static const guint8 sample_blob[] = {9, 8, 7};

static GByteArray *write_sample(void)
{
    StateWriter *w = state_writer_new();

    state_put_u64(w, TAG_NUMBER, 0x0a0b0);
    state_put_bytes(w, TAG_BYTES, "abcde", 5);
    state_put_bytes(w, TAG_BLOB, sample_blob, sizeof(sample_blob));
    return state_writer_finish(w);
}

static gboolean read_sample(const void *buf, size_t len, Sample *out,
                            GError **error)
{
    StateReader *r = state_reader_new(buf, len);

    out->number = state_get_u64(r, TAG_NUMBER, "number", NUMBER_MAX);
    state_get_bytes(r, TAG_BYTES, "bytes", out->bytes, sizeof(out->bytes));
    out->blob = state_get_blob(r, TAG_BLOB, "blob", 4);
    return state_reader_finish(r, error);
}

static void sample_clear(Sample *s)
{
    if (s->blob) {
        g_byte_array_unref(s->blob);
    }
}

static void test_stream_bytes_are_little_endian(void)
{
    static const guint8 want[] = {
        0x02, 0x01, 8,    0, 0, 0, 0xb0, 0xa0, 0,   0,   0,   0,
        0,    0,    0x04, 3, 5, 0, 0,    0,    'a', 'b', 'c', 'd',
        'e',  0xfe, 0xff, 3, 0, 0, 0,    9,    8,   7,
    };
    GByteArray *got = write_sample();

    g_assert_cmpmem(got->data, got->len, want, sizeof(want));
    g_byte_array_unref(got);
}

static void test_stream_round_trip_keeps_values(void)
{
    GByteArray *buf = write_sample();
    GError *error = NULL;
    Sample s;

    g_assert_true(read_sample(buf->data, buf->len, &s, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(s.number, ==, 0x0a0b0);
    g_assert_cmpmem(s.bytes, 5, "abcde", 5);
    g_assert_cmpmem(s.blob->data, s.blob->len, sample_blob,
                    sizeof(sample_blob));
    sample_clear(&s);
    g_byte_array_unref(buf);
}

static void test_stream_empty_fields_round_trip(void)
{
    StateWriter *w = state_writer_new();
    GByteArray *buf, *blob;
    GError *error = NULL;
    StateReader *r;

    state_put_bytes(w, TAG_BYTES, NULL, 0);
    state_put_bytes(w, TAG_BLOB, NULL, 0);
    buf = state_writer_finish(w);
    r = state_reader_new(buf->data, buf->len);
    state_get_bytes(r, TAG_BYTES, "bytes", NULL, 0);
    blob = state_get_blob(r, TAG_BLOB, "blob", 0);
    g_assert_nonnull(blob);
    g_assert_cmpuint(blob->len, ==, 0);
    g_assert_true(state_reader_finish(r, &error));
    g_assert_no_error(error);
    g_byte_array_unref(blob);
    g_byte_array_unref(buf);
}

static void test_stream_every_truncation_is_refused(void)
{
    GByteArray *buf = write_sample();

    for (guint len = 0; len < buf->len; len++) {
        /* A copy of the very size, so that a sanitizer sees an overread. */
        guint8 *cut = g_memdup2(buf->data, len);
        GError *error = NULL;
        Sample s;

        g_assert_false(read_sample(cut, len, &s, &error));
        g_assert_error(error, STATE_ERROR, STATE_ERROR_TRUNCATED);
        g_assert_null(s.blob);
        g_error_free(error);
        g_free(cut);
    }
    g_byte_array_unref(buf);
}

static void test_stream_trailing_byte_is_refused(void)
{
    GByteArray *buf = write_sample();
    GError *error = NULL;
    Sample s;

    g_byte_array_append(buf, (const guint8 *)"", 1);
    g_assert_false(read_sample(buf->data, buf->len, &s, &error));
    g_assert_error(error, STATE_ERROR, STATE_ERROR_MISMATCH);
    g_assert_cmpstr(error->message, ==,
                    "state: 1 bytes are left over at byte "
                    "34");
    g_error_free(error);
    sample_clear(&s);
    g_byte_array_unref(buf);
}

/* Flips of header bits are all refused; those of values change the value. */
static void test_stream_flipped_header_bits_are_refused(void)
{
    GByteArray *good = write_sample();
    const guint starts[] = {0, HEADER_SIZE + 8, 2 * HEADER_SIZE + 8 + 5};

    for (guint f = 0; f < G_N_ELEMENTS(starts); f++) {
        for (guint bit = 0; bit < HEADER_SIZE * 8; bit++) {
            guint8 *bad = g_memdup2(good->data, good->len);
            GError *error = NULL;
            Sample s;

            bad[starts[f] + bit / 8] ^= 1 << (bit % 8);
            if (read_sample(bad, good->len, &s, &error)) {
                g_error("field %u, header bit %u: want refusal, got success", f,
                        bit);
            }
            g_assert_true(error->domain == STATE_ERROR);
            g_error_free(error);
            sample_clear(&s);
            g_free(bad);
        }
    }
    g_byte_array_unref(good);
}

typedef struct DamageCase {
    const char *name;
    guint offset;
    guint8 value;
    StateError code;
    const char *message;
} DamageCase;

static const DamageCase damage_cases[] = {
    {"first-tag", 0, 0x03, STATE_ERROR_MISMATCH,
     "state field 'number' at byte 0: wanted tag 0x0102, got 0x0103"},
    {"number-length", 2, 7, STATE_ERROR_MISMATCH,
     "state field 'number' at byte 0: wanted 8 bytes, got 7"},
    {"number-above-its-maximum", 9, 1, STATE_ERROR_RANGE,
     "state field 'number' at byte 0: value 16818352 is above 1000000"},
    {"bytes-length", 16, 4, STATE_ERROR_MISMATCH,
     "state field 'bytes' at byte 14: wanted 5 bytes, got 4"},
    {"blob-length-above-its-maximum", 27, 5, STATE_ERROR_MISMATCH,
     "state field 'blob' at byte 25: wanted at most 4 bytes, got 5"},
    {"blob-length-beyond-the-end", 27, 4, STATE_ERROR_TRUNCATED,
     "state field 'blob' at byte 25: its length is 4, but only 3 bytes are "
     "left"},
    {"blob-length-huge", 30, 0xff, STATE_ERROR_MISMATCH,
     "state field 'blob' at byte 25: wanted at most 4 bytes, got 4278190083"},
    {"blob-length-short", 27, 2, STATE_ERROR_MISMATCH,
     "state: 1 bytes are left over at byte 33"},
};

static void test_stream_damage_names_the_field(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(damage_cases); i++) {
        const DamageCase *c = &damage_cases[i];
        GByteArray *buf = write_sample();
        GError *error = NULL;
        Sample s;

        g_test_message("%s", c->name);
        buf->data[c->offset] = c->value;
        g_assert_false(read_sample(buf->data, buf->len, &s, &error));
        g_assert_error(error, STATE_ERROR, (int)c->code);
        g_assert_cmpstr(error->message, ==, c->message);
        g_error_free(error);
        sample_clear(&s);
        g_byte_array_unref(buf);
    }
}

static void test_reader_after_an_error_gives_zeroes(void)
{
    static const guint8 zeroes[5];
    GByteArray *buf = write_sample();
    GError *error = NULL;
    guint8 bytes[5];
    StateReader *r;

    memset(bytes, 0xaa, sizeof(bytes));
    r = state_reader_new(buf->data, buf->len);
    g_assert_false(state_reader_failed(r));
    /* Out of range, but well formed: the next field would be found. */
    g_assert_cmpuint(state_get_u64(r, TAG_NUMBER, "number", 0x0a0af), ==, 0);
    g_assert_true(state_reader_failed(r));
    state_get_bytes(r, TAG_BYTES, "bytes", bytes, sizeof(bytes));
    g_assert_cmpmem(bytes, sizeof(bytes), zeroes, sizeof(zeroes));
    g_assert_null(state_get_blob(r, TAG_BLOB, "blob", 4));
    state_reader_fail(r, "a later reason");
    g_assert_false(state_reader_finish(r, &error));
    g_assert_nonnull(strstr(error->message, "'number'"));
    g_error_free(error);
    g_byte_array_unref(buf);
}

static void test_reader_takes_the_largest_value(void)
{
    GByteArray *buf = write_sample();
    StateReader *r = state_reader_new(buf->data, buf->len);

    g_assert_cmpuint(state_get_u64(r, TAG_NUMBER, "number", 0x0a0b0), ==,
                     0x0a0b0);
    g_assert_false(state_reader_failed(r));
    g_assert_false(state_reader_finish(r, NULL));
    g_byte_array_unref(buf);
}

static void test_reader_fail_refuses_a_good_stream(void)
{
    GError *error = NULL;
    StateReader *r = state_reader_new(NULL, 0);

    state_reader_fail(r, "port %u has no owner", 7u);
    g_assert_false(state_reader_finish(r, &error));
    g_assert_error(error, STATE_ERROR, STATE_ERROR_RANGE);
    g_assert_cmpstr(error->message, ==, "port 7 has no owner");
    g_error_free(error);
}

static void test_reader_finish_takes_no_error_pointer(void)
{
    StateReader *r = state_reader_new("x", 1);

    g_assert_false(state_reader_finish(r, NULL));
    g_assert_true(state_reader_finish(state_reader_new(NULL, 0), NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/stream_bytes_are_little_endian",
                    test_stream_bytes_are_little_endian);
    g_test_add_func("/state/stream_round_trip_keeps_values",
                    test_stream_round_trip_keeps_values);
    g_test_add_func("/state/stream_empty_fields_round_trip",
                    test_stream_empty_fields_round_trip);
    g_test_add_func("/state/stream_every_truncation_is_refused",
                    test_stream_every_truncation_is_refused);
    g_test_add_func("/state/stream_trailing_byte_is_refused",
                    test_stream_trailing_byte_is_refused);
    g_test_add_func("/state/stream_flipped_header_bits_are_refused",
                    test_stream_flipped_header_bits_are_refused);
    g_test_add_func("/state/stream_damage_names_the_field",
                    test_stream_damage_names_the_field);
    g_test_add_func("/state/reader_after_an_error_gives_zeroes",
                    test_reader_after_an_error_gives_zeroes);
    g_test_add_func("/state/reader_takes_the_largest_value",
                    test_reader_takes_the_largest_value);
    g_test_add_func("/state/reader_fail_refuses_a_good_stream",
                    test_reader_fail_refuses_a_good_stream);
    g_test_add_func("/state/reader_finish_takes_no_error_pointer",
                    test_reader_finish_takes_no_error_pointer);
    return g_test_run();
}
