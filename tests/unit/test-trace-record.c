/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Payloads of trace records: round trips, and every way to damage them. */
#include <string.h>

#include "replay/record-digest.h"

/* One sample a type: its payload, and what has to come of it. */
typedef struct Codec {
    const char *name;
    TraceType type;
    GByteArray *(*put)(void);
    /* Reads and, if that is possible, checks and writes again. */
    GByteArray *(*again)(GBytes *payload, GError **error);
} Codec;

static GByteArray *put_bytes(void)
{
    return trace_put_input_bytes("console", "ls\n", 4);
}

static GByteArray *again_bytes(GBytes *payload, GError **error)
{
    TraceInputBytes in = {0};
    GByteArray *out = NULL;

    if (trace_get_input_bytes(payload, &in, error)) {
        gsize len;
        const void *bytes = g_bytes_get_data(in.bytes, &len);

        out = trace_put_input_bytes(in.name, bytes, len);
    }
    trace_input_bytes_clear(&in);
    return out;
}

static GByteArray *put_qmp(void)
{
    TraceInputQmp in = {
        .command = (char *)"jumpcut-cut",
        .arguments = (char *)"{\"uptime\": 5}",
        .failed = true,
        .reply = (char *)"h\303\251, no",
    };

    return trace_put_input_qmp(&in);
}

static GByteArray *again_qmp(GBytes *payload, GError **error)
{
    TraceInputQmp in = {0};
    GByteArray *out = NULL;

    if (trace_get_input_qmp(payload, &in, error)) {
        out = trace_put_input_qmp(&in);
    }
    trace_input_qmp_clear(&in);
    return out;
}

static GByteArray *put_cut(void)
{
    TraceCut cut = {
        .system_time_before = 1,
        .system_time_after = UINT64_MAX,
        .tsc_before = 2,
        .tsc_after = UINT64_MAX - 1,
        .khz_before = 3,
        .khz_after = UINT32_MAX,
        .invtsc_before = true,
        .console_bytes = 77,
    };

    return trace_put_cut(&cut);
}

static GByteArray *again_cut(GBytes *payload, GError **error)
{
    TraceCut cut = {0};

    return trace_get_cut(payload, &cut, error) ? trace_put_cut(&cut) : NULL;
}

static GByteArray *put_event(void)
{
    return trace_put_event("reset", 4, 5);
}

static GByteArray *again_event(GBytes *payload, GError **error)
{
    TraceEventRecord event = {0};
    GByteArray *out = NULL;

    if (trace_get_event(payload, &event, error)) {
        out = trace_put_event(event.name, event.a, event.b);
    }
    trace_event_clear(&event);
    return out;
}

static GByteArray *put_handover(void)
{
    return trace_put_handover(3);
}

static GByteArray *again_handover(GBytes *payload, GError **error)
{
    uint32_t number;

    return trace_get_handover(payload, &number, error)
               ? trace_put_handover(number)
               : NULL;
}

static GByteArray *put_end(void)
{
    TraceEnd end = {.why = (char *)"powered-off", .console_bytes = 9};

    end.console_sha256[31] = 0xaa;
    return trace_put_end(&end);
}

static GByteArray *again_end(GBytes *payload, GError **error)
{
    TraceEnd end = {0};
    GByteArray *out = NULL;

    if (trace_get_end(payload, &end, error)) {
        out = trace_put_end(&end);
    }
    trace_end_clear(&end);
    return out;
}

static GByteArray *put_digest(void)
{
    static const TracePage pages[] = {
        {0, 1}, {1, 2}, {300, 3}, {UINT64_MAX, UINT32_MAX}};
    TraceRegisters vcpu = {{0}};
    TraceDigest d;
    GByteArray *out;

    trace_digest_init(&d);
    d.number = 6;
    d.reason = g_strdup("cut");
    d.sha256[0] = 0x5a;
    d.console_bytes = 1u << 20;
    d.console_crc = 0xfeedf00d;
    trace_digest_add_part(&d, "vcpu0", 0x1122334455667788);
    trace_digest_add_part(&d, "", 0);
    for (unsigned v = 0; v < 2; v++) {
        vcpu.value[16] = 0xffffffff81000000 + v;
        g_array_append_val(d.vcpus, vcpu);
    }
    d.page_shift = 3;
    g_array_append_vals(d.pages, pages, G_N_ELEMENTS(pages));
    out = trace_put_digest(&d);
    trace_digest_clear(&d);
    return out;
}

static GByteArray *again_digest(GBytes *payload, GError **error)
{
    TraceDigest d = {0};
    GByteArray *out = NULL;

    if (trace_get_digest(payload, &d, error)) {
        out = trace_put_digest(&d);
    } else {
        g_assert_null(d.parts);
    }
    trace_digest_clear(&d);
    return out;
}

static const Codec codecs[] = {
    {"input-bytes", TRACE_INPUT_BYTES, put_bytes, again_bytes},
    {"input-qmp", TRACE_INPUT_QMP, put_qmp, again_qmp},
    {"cut", TRACE_CUT, put_cut, again_cut},
    {"digest", TRACE_DIGEST, put_digest, again_digest},
    {"event", TRACE_EVENT, put_event, again_event},
    {"handover", TRACE_HANDOVER, put_handover, again_handover},
    {"end", TRACE_END, put_end, again_end},
};

static void test_record_describes_no_bytes(void)
{
    g_autoptr(GByteArray) put = trace_put_input_bytes("console", NULL, 0);
    g_autoptr(GBytes) payload = g_bytes_new(put->data, put->len);
    g_autofree char *line = trace_record_describe(TRACE_INPUT_BYTES, payload);

    g_assert_cmpstr(line, ==, "console: ");
}

static void test_record_round_trips(gconstpointer data)
{
    const Codec *c = data;
    g_autoptr(GByteArray) want = c->put();
    g_autoptr(GBytes) payload = g_bytes_new(want->data, want->len);
    g_autoptr(GByteArray) got = NULL;
    GError *error = NULL;

    g_assert_cmpstr(trace_type_name(c->type), ==, c->name);
    got = c->again(payload, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(got->data, got->len, want->data, want->len);
}

static void assert_refused(const Codec *c, const void *bytes, size_t len)
{
    /* A copy of the very size, so that a sanitizer sees an overread. */
    g_autoptr(GBytes) payload = g_bytes_new(bytes, len);
    g_autofree char *line = trace_record_describe(c->type, payload);
    g_autofree char *start = g_strdup_printf("payload of %s: ", c->name);
    GError *error = NULL;

    g_assert_null(c->again(payload, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_DAMAGED);
    if (!g_str_has_prefix(error->message, start)) {
        g_error("%s of %zu bytes: got \"%s\"", c->name, len, error->message);
    }
    g_assert_cmpstr(line, ==, error->message);
    g_error_free(error);
}

static void test_record_cut_short_or_long_is_refused(gconstpointer data)
{
    const Codec *c = data;
    g_autoptr(GByteArray) want = c->put();
    /* What follows the name is bytes, as many as there are. */
    guint least = c->type == TRACE_INPUT_BYTES ? 9 : want->len;

    for (guint len = 0; len < least; len++) {
        assert_refused(c, want->data, len);
    }
    if (c->type != TRACE_INPUT_BYTES) {
        g_byte_array_append(want, (const guint8 *)"", 1);
        assert_refused(c, want->data, want->len);
    }
}

/* A flipped bit is refused, or makes another payload that round-trips. */
static void test_record_flipped_bits_stay_exact(gconstpointer data)
{
    const Codec *c = data;
    g_autoptr(GByteArray) want = c->put();

    for (guint bit = 0; bit < want->len * 8; bit++) {
        g_autoptr(GBytes) payload = NULL;
        g_autoptr(GByteArray) got = NULL;
        g_autofree char *line = NULL;
        GError *error = NULL;

        want->data[bit / 8] ^= 1 << bit % 8;
        payload = g_bytes_new(want->data, want->len);
        line = trace_record_describe(c->type, payload);
        g_assert_nonnull(line);
        got = c->again(payload, &error);
        if (got) {
            g_assert_cmpmem(got->data, got->len, want->data, want->len);
        }
        g_assert_true(!got == !!error);
        g_clear_error(&error);
        want->data[bit / 8] ^= 1 << bit % 8;
    }
}

typedef struct VarintCase {
    uint8_t bytes[10];
    unsigned len;
    const char *refusal; /* NULL: good */
    uint64_t value;
} VarintCase;

/* The distance of a digest's only page. */
static void test_record_varint_has_one_form(void)
{
    static const char not_shortest[] = "a page's distance is no shortest";
    static const VarintCase cases[] = {
        {{0}, 1, NULL, 0},
        {{0x7f}, 1, NULL, 127},
        {{0x80, 1}, 2, NULL, 128},
        {{0x80, 0}, 2, not_shortest, 0},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
         10,
         NULL,
         UINT64_MAX},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2},
         10,
         not_shortest,
         0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        /* Up to the pages: number, reason, SHA-256, console, no part, no
         * vCPU, no shift; and one page. */
        static const uint8_t start[4 + 1 + 32 + 12 + 2 + 2 + 1 + 4] = {
            [sizeof(start) - 4] = 1};
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GBytes) payload = NULL;
        GError *error = NULL;
        TraceDigest d;

        g_byte_array_append(bytes, start, sizeof(start));
        g_byte_array_append(bytes, cases[i].bytes, cases[i].len);
        g_byte_array_append(bytes, (const guint8 *)"hash", 4);
        payload = g_bytes_new(bytes->data, bytes->len);
        if (cases[i].refusal) {
            g_assert_false(trace_get_digest(payload, &d, &error));
            g_assert_nonnull(strstr(error->message, cases[i].refusal));
            g_clear_error(&error);
            continue;
        }
        g_assert_true(trace_get_digest(payload, &d, &error));
        g_assert_cmpuint(g_array_index(d.pages, TracePage, 0).pfn, ==,
                         cases[i].value);
        trace_digest_clear(&d);
    }
}

static void test_record_digest_page_shift_is_bounded(void)
{
    for (uint8_t shift = 32; shift <= 33; shift++) {
        uint8_t bytes[4 + 1 + 32 + 12 + 2 + 2 + 1 + 4] = {
            [4 + 1 + 32 + 12 + 2 + 2] = shift};
        g_autoptr(GBytes) payload = g_bytes_new(bytes, sizeof(bytes));
        GError *error = NULL;
        TraceDigest d;

        if (shift <= TRACE_PAGE_SHIFT_MAX) {
            g_assert_true(trace_get_digest(payload, &d, &error));
            trace_digest_clear(&d);
        } else {
            g_assert_false(trace_get_digest(payload, &d, &error));
            g_assert_nonnull(strstr(error->message, "page shift is 33"));
            g_error_free(error);
        }
    }
}

/* Counts that no payload can hold are refused before memory is taken. */
static void test_record_digest_counts_are_bounded(void)
{
    static const unsigned offsets[] = {4 + 1 + 32 + 12, 4 + 1 + 32 + 14,
                                       4 + 1 + 32 + 17};

    for (size_t i = 0; i < G_N_ELEMENTS(offsets); i++) {
        uint8_t bytes[4 + 1 + 32 + 12 + 2 + 2 + 1 + 4] = {0};
        g_autoptr(GBytes) payload = NULL;
        GError *error = NULL;
        TraceDigest d;

        bytes[offsets[i]] = bytes[offsets[i] + 1] = 0xff;
        payload = g_bytes_new(bytes, sizeof(bytes));
        g_assert_false(trace_get_digest(payload, &d, &error));
        g_assert_nonnull(strstr(error->message, " is 65535, "));
        g_error_free(error);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
        static const struct {
            const char *name;
            GTestDataFunc run;
        } tests[] = {
            {"round-trip", test_record_round_trips},
            {"length", test_record_cut_short_or_long_is_refused},
            {"flips", test_record_flipped_bits_stay_exact},
        };

        for (size_t t = 0; t < G_N_ELEMENTS(tests); t++) {
            g_autofree char *path = g_strdup_printf(
                "/trace-record/%s/%s", codecs[i].name, tests[t].name);

            g_test_add_data_func(path, &codecs[i], tests[t].run);
        }
    }
    g_test_add_func("/trace-record/varint", test_record_varint_has_one_form);
    g_test_add_func("/trace-record/page-shift",
                    test_record_digest_page_shift_is_bounded);
    g_test_add_func("/trace-record/no-bytes", test_record_describes_no_bytes);
    g_test_add_func("/trace-record/counts",
                    test_record_digest_counts_are_bounded);
    return g_test_run();
}
