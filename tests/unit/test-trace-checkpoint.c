/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload of a checkpoint: round trips, every length too short or too
 * long, every bit flipped, and runs of pages that no writer writes.
 */
#include "replay/record-checkpoint.h"

#include <string.h>

#define SEQ 9 /* the record's number */

static GByteArray *put_sample(void)
{
    TraceCheckpoint c;
    TraceMemory *m;
    GByteArray *out;

    trace_checkpoint_init(&c);
    c.number = 3;
    c.sha256[31] = 0xa5;
    m = trace_checkpoint_add_memory(&c, "pc.ram", 1u << 17);
    trace_memory_add_page(m, 0, TRACE_CONTENT(4, 1022));
    trace_memory_add_page(m, 1, TRACE_CONTENT(4, 1023));
    trace_memory_add_page(m, 2, TRACE_CONTENT(5, 0));
    trace_memory_add_page(m, 9, TRACE_CONTENT(5, 1));
    trace_memory_add_page(m, 10, TRACE_CONTENT(5, 1));
    trace_memory_add_page(m, (1u << 17) - 1, TRACE_CONTENT(8, 7));
    trace_checkpoint_add_memory(&c, "", 0);
    c.devices = g_bytes_new_static("devices", 7);
    out = trace_put_checkpoint(&c);
    trace_checkpoint_clear(&c);
    return out;
}

static bool get(const GByteArray *bytes, TraceCheckpoint *c, GError **error)
{
    g_autoptr(GBytes) payload = g_bytes_new(bytes->data, bytes->len);

    return trace_get_checkpoint(payload, SEQ, c, error);
}

static void checkpoint_round_trips(void)
{
    static const TracePages want[] = {
        {0, 2, TRACE_CONTENT(4, 1022)},
        {2, 1, TRACE_CONTENT(5, 0)},
        {9, 1, TRACE_CONTENT(5, 1)},
        {10, 1, TRACE_CONTENT(5, 1)},
        {(1u << 17) - 1, 1, TRACE_CONTENT(8, 7)},
    };
    g_autoptr(GByteArray) bytes = put_sample(), again = NULL;
    const TraceMemory *m;
    GError *error = NULL;
    TraceCheckpoint c;
    gsize len;

    g_assert_true(get(bytes, &c, &error));
    again = trace_put_checkpoint(&c);
    g_assert_cmpmem(again->data, again->len, bytes->data, bytes->len);
    m = &g_array_index(c.memory, TraceMemory, 0);
    g_assert_cmpstr(m->name, ==, "pc.ram");
    g_assert_cmpuint(m->pages->len, ==, G_N_ELEMENTS(want));
    for (guint i = 0; i < m->pages->len; i++) {
        const TracePages *run = &g_array_index(m->pages, TracePages, i);

        g_assert_cmpuint(run->first, ==, want[i].first);
        g_assert_cmpuint(run->count, ==, want[i].count);
        g_assert_cmpuint(run->content, ==, want[i].content);
    }
    g_assert_cmpint(memcmp(g_bytes_get_data(c.devices, &len), "devices", 7), ==,
                    0);
    g_assert_cmpuint(len, ==, 7);
    trace_checkpoint_clear(&c);
}

static void assert_refused(const GByteArray *bytes, const char *why)
{
    GError *error = NULL;
    TraceCheckpoint c;

    g_assert_false(get(bytes, &c, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_DAMAGED);
    if (!strstr(error->message, why)) {
        g_error("wanted \"%s\", got \"%s\"", why, error->message);
    }
    g_assert_null(c.memory);
    g_error_free(error);
}

static void checkpoint_of_another_length_is_refused(void)
{
    g_autoptr(GByteArray) bytes = put_sample();
    guint whole = bytes->len;

    g_byte_array_append(bytes, (const guint8 *)"", 1);
    assert_refused(bytes, "payload of checkpoint: ");
    for (guint len = 0; len < whole; len++) {
        g_byte_array_set_size(bytes, len);
        assert_refused(bytes, "payload of checkpoint: ");
    }
}

/* Refused, or another payload of one form. */
static void checkpoint_with_a_bit_flipped_stays_exact(void)
{
    g_autoptr(GByteArray) bytes = put_sample();

    for (guint bit = 0; bit < bytes->len * 8; bit++) {
        g_autoptr(GByteArray) again = NULL;
        GError *error = NULL;
        TraceCheckpoint c;

        bytes->data[bit / 8] ^= 1 << bit % 8;
        if (get(bytes, &c, &error)) {
            again = trace_put_checkpoint(&c);
            g_assert_cmpmem(again->data, again->len, bytes->data, bytes->len);
            trace_checkpoint_clear(&c);
        }
        g_clear_error(&error);
        bytes->data[bit / 8] ^= 1 << bit % 8;
    }
}

static void checkpoint_with_impossible_runs_is_refused(void)
{
    static const struct {
        TracePages run;
        const char *why; /* NULL: it is possible */
    } rows[] = {
        {{0, 4, TRACE_CONTENT(8, 0)}, NULL},
        {{0, 5, TRACE_CONTENT(8, 0)}, "ram has 4 pages, a run is 5"},
        {{0, 0, TRACE_CONTENT(8, 0)}, "a run is 0"},
        {{4, 1, TRACE_CONTENT(8, 0)}, "from 4 on"},
        {{UINT64_MAX, 1, TRACE_CONTENT(8, 0)}, "ram has 4 pages"},
        {{0, 1, TRACE_CONTENT(SEQ, 0)}, "pages of record 9"},
        {{0, 1, TRACE_CONTENT(0, 5)}, "pages of record 0"},
        {{0, 1, UINT64_MAX}, "a run's content is"},
        {{0, 1, TRACE_CONTENT(8, 1023)}, NULL},
        {{0, 2, TRACE_CONTENT(8, 1023)}, "2 pages of record 8 from 1023"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = NULL;
        TraceCheckpoint c;
        TraceMemory *m;

        trace_checkpoint_init(&c);
        m = trace_checkpoint_add_memory(&c, "ram", 4);
        g_array_append_val(m->pages, rows[i].run);
        c.devices = g_bytes_new_static("", 0);
        bytes = trace_put_checkpoint(&c);
        trace_checkpoint_clear(&c);
        if (rows[i].why) {
            assert_refused(bytes, rows[i].why);
        } else {
            g_assert_true(get(bytes, &c, NULL));
            trace_checkpoint_clear(&c);
        }
    }
}

static void checkpoint_with_overlapping_runs_is_refused(void)
{
    static const TracePages runs[] = {{0, 2, TRACE_CONTENT(8, 0)},
                                      {1, 1, TRACE_CONTENT(8, 5)}};
    g_autoptr(GByteArray) bytes = NULL;
    TraceCheckpoint c;
    TraceMemory *m;

    trace_checkpoint_init(&c);
    m = trace_checkpoint_add_memory(&c, "ram", 4);
    g_array_append_vals(m->pages, runs, G_N_ELEMENTS(runs));
    c.devices = g_bytes_new_static("", 0);
    bytes = trace_put_checkpoint(&c);
    trace_checkpoint_clear(&c);
    assert_refused(bytes, "a run is 1 from 1 on");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trace-checkpoint/round-trip", checkpoint_round_trips);
    g_test_add_func("/trace-checkpoint/length",
                    checkpoint_of_another_length_is_refused);
    g_test_add_func("/trace-checkpoint/flips",
                    checkpoint_with_a_bit_flipped_stays_exact);
    g_test_add_func("/trace-checkpoint/runs",
                    checkpoint_with_impossible_runs_is_refused);
    g_test_add_func("/trace-checkpoint/overlap",
                    checkpoint_with_overlapping_runs_is_refused);
    return g_test_run();
}
