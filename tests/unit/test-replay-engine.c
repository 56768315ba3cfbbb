/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a trace wants of a run that repeats it, played to it by hand. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/engine.h"
#include "replay/record-digest.h"

#define TICK 10000000 /* ns */

static const uint8_t no_sha256[TRACE_SHA256_SIZE];

typedef struct Fixture {
    char *path;
    TraceWriter *writer; /* until the trace is read */
    ReplayEngine *engine;
} Fixture;

static void setup(Fixture *f, gconstpointer level)
{
    g_autoptr(TraceHeader) h = trace_header_new();
    g_autoptr(GError) error = NULL;
    int fd = g_file_open_tmp("jumpcut-engine-XXXXXX", &f->path, &error);

    g_assert_no_error(error);
    close(fd);
    trace_header_add(h, "level", level ? level : "digests");
    f->writer = trace_create(f->path, h, &error);
    g_assert_no_error(error);
}

static void teardown(Fixture *f, gconstpointer level)
{
    (void)level; /* the same for all */
    g_clear_pointer(&f->engine, replay_engine_free);
    g_unlink(f->path);
    g_free(f->path);
}

/* Takes @payload. */
static void put(Fixture *f, TraceType type, unsigned flags, int64_t at_ns,
                GByteArray *payload)
{
    g_autoptr(GError) error = NULL;

    trace_write(f->writer, type, flags, at_ns, payload->data, payload->len,
                &error);
    g_assert_no_error(error);
    g_byte_array_unref(payload);
}

static void put_end(Fixture *f, int64_t at_ns, uint64_t bytes)
{
    TraceEnd end = {.why = (char *)"powered-off", .console_bytes = bytes};

    put(f, TRACE_END, 0, at_ns, trace_put_end(&end));
}

static void open_engine(Fixture *f, bool check)
{
    g_autoptr(GError) error = NULL;

    trace_close(f->writer, &error);
    g_assert_no_error(error);
    f->engine = replay_engine_open(f->path, check, &error);
    g_assert_no_error(error);
}

static bool input(Fixture *f, int64_t now_ns, bool stopped)
{
    TraceRecord record = {.payload = NULL};
    bool is = replay_engine_input(f->engine, now_ns, stopped, &record);

    trace_record_clear(&record);
    return is;
}

/* Takes @payload. */
static void observe(Fixture *f, TraceType type, int64_t now_ns,
                    GByteArray *payload)
{
    replay_engine_observe(f->engine, type, now_ns, payload->data, payload->len);
    g_byte_array_unref(payload);
}

static void assert_running(Fixture *f)
{
    g_assert_cmpint(replay_engine_state(f->engine), ==, REPLAY_RUNNING);
    g_assert_null(replay_engine_divergence(f->engine));
}

static void assert_diverged(Fixture *f, const char *kind)
{
    g_assert_cmpint(replay_engine_state(f->engine), ==, REPLAY_DIVERGED);
    g_assert_cmpstr(replay_engine_divergence(f->engine)->kind, ==, kind);
}

static GByteArray *digest(uint32_t number, uint8_t sha256, uint64_t pfn)
{
    TracePage page = {.pfn = pfn, .hash = 1};
    GByteArray *payload;
    TraceDigest d;

    trace_digest_init(&d);
    d.number = number;
    d.reason = g_strdup("interval");
    d.sha256[0] = sha256;
    g_array_append_val(d.pages, page);
    payload = trace_put_digest(&d);
    trace_digest_clear(&d);
    return payload;
}

static GByteArray *typed(const char *text)
{
    return trace_put_input_bytes("console", text, strlen(text));
}

/* Inputs */

static void input_comes_at_its_tick(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, 0, 2 * TICK, typed("a"));
    put(f, TRACE_INPUT_BYTES, 0, 2 * TICK, typed("b"));
    put(f, TRACE_INPUT_BYTES, 0, 3 * TICK, typed("c"));
    open_engine(f, true);
    g_assert_false(input(f, TICK, false));
    g_assert_true(input(f, 2 * TICK, false));
    g_assert_true(input(f, 2 * TICK, false));
    g_assert_false(input(f, 2 * TICK, false));
    g_assert_true(input(f, 3 * TICK, false));
    g_assert_cmpuint(replay_engine_counts(f->engine).inputs, ==, 3);
    assert_running(f);
}

static void input_missed_diverges(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, 0, 2 * TICK, typed("a"));
    open_engine(f, true);
    g_assert_false(input(f, 2 * TICK + 8, false));
    assert_diverged(f, "input");
}

static void input_at_a_stop_waits_for_it(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, TRACE_AT_STOP, TICK, typed("a"));
    open_engine(f, true);
    g_assert_false(input(f, TICK, false));
    assert_running(f);
    g_assert_true(input(f, TICK, true));
    assert_running(f);
}

static void input_at_a_tick_is_none_of_a_stop(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, 0, TICK, typed("a"));
    open_engine(f, true);
    g_assert_false(input(f, TICK, true));
    assert_running(f);
}

static void stop_elsewhere_diverges(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, TRACE_AT_STOP, TICK, typed("a"));
    open_engine(f, true);
    g_assert_false(input(f, 2 * TICK, true));
    assert_diverged(f, "stop");
}

static void stop_missed_diverges(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, TRACE_AT_STOP, TICK, typed("a"));
    open_engine(f, true);
    g_assert_false(input(f, 2 * TICK, false));
    assert_diverged(f, "stop");
}

static void answer_that_differs_diverges(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, 0, TICK, typed("a"));
    open_engine(f, true);
    replay_engine_answer(f->engine, 1, TICK, "stop", "{}", "{}");
    assert_running(f);
    replay_engine_answer(f->engine, 1, TICK, "stop", "{}", "error: no");
    assert_diverged(f, "input");
    g_assert_cmpstr(replay_engine_divergence(f->engine)->found, ==,
                    "error: no");
}

/* Observations */

static void event_as_recorded_goes_on(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_EVENT, 0, 5, trace_put_event("reset", 0, 0));
    put(f, TRACE_EVENT, 0, 7, trace_put_event("suspend", 2, 0));
    open_engine(f, true);
    observe(f, TRACE_EVENT, 5, trace_put_event("reset", 0, 0));
    assert_running(f);
    observe(f, TRACE_EVENT, 7, trace_put_event("suspend", 3, 0));
    assert_diverged(f, "event");
    g_assert_nonnull(
        strstr(replay_engine_divergence(f->engine)->last_event, "reset"));
    g_assert_nonnull(
        strstr(replay_engine_divergence(f->engine)->expected, "suspend 2"));
}

static void event_at_another_time_diverges(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_EVENT, 0, 5, trace_put_event("reset", 0, 0));
    open_engine(f, true);
    observe(f, TRACE_EVENT, 6, trace_put_event("reset", 0, 0));
    assert_diverged(f, "event");
}

static void event_missing_diverges_at_the_tick(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_EVENT, 0, TICK, trace_put_event("reset", 0, 0));
    open_engine(f, true);
    g_assert_false(input(f, TICK, false));
    assert_running(f);
    g_assert_false(input(f, 2 * TICK, false));
    assert_diverged(f, "event");
}

static void event_before_an_input_diverges(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, 0, TICK, typed("a"));
    open_engine(f, true);
    observe(f, TRACE_EVENT, 5, trace_put_event("reset", 0, 0));
    assert_diverged(f, "event");
}

static void digest_is_compared_by_state(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_DIGEST, 0, 5, digest(0, 1, 10));
    put(f, TRACE_DIGEST, 0, 6, digest(1, 1, 10));
    open_engine(f, true);
    /* Other pages changed since the last one, to the same state. */
    observe(f, TRACE_DIGEST, 5, digest(0, 1, 11));
    assert_running(f);
    g_assert_cmpuint(replay_engine_counts(f->engine).digests, ==, 1);
    observe(f, TRACE_DIGEST, 6, digest(1, 2, 10));
    assert_diverged(f, "digest");
    g_assert_nonnull(replay_engine_divergence(f->engine)->want);
    g_assert_nonnull(replay_engine_divergence(f->engine)->have);
}

static void digest_of_a_trace_without_is_no_matter(Fixture *f,
                                                   gconstpointer level)
{
    (void)level;
    put(f, TRACE_EVENT, 0, 5, trace_put_event("reset", 0, 0));
    open_engine(f, true);
    observe(f, TRACE_DIGEST, 4, digest(0, 1, 10));
    assert_running(f);
}

static void first_difference_stays(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_EVENT, 0, 5, trace_put_event("reset", 0, 0));
    open_engine(f, true);
    observe(f, TRACE_EVENT, 6, trace_put_event("reset", 0, 0));
    observe(f, TRACE_EVENT, 7, trace_put_event("reset", 0, 0));
    g_assert_cmpint(replay_engine_divergence(f->engine)->at_ns, ==, 6);
    g_assert_false(input(f, TICK, false));
}

/* Ends */

static void end_with_the_same_console_is_complete(Fixture *f,
                                                  gconstpointer level)
{
    (void)level;
    put_end(f, 2 * TICK, 17);
    open_engine(f, true);
    replay_engine_reached(f->engine, TICK, 3, no_sha256);
    assert_running(f);
    replay_engine_reached(f->engine, 2 * TICK, 17, no_sha256);
    g_assert_cmpint(replay_engine_state(f->engine), ==, REPLAY_COMPLETE);
    g_assert_cmpstr(replay_engine_ending(f->engine), ==, "powered-off");
}

static void end_with_another_console_diverges(Fixture *f, gconstpointer level)
{
    uint8_t sha256[TRACE_SHA256_SIZE] = {1};

    (void)level;
    put_end(f, 2 * TICK, 17);
    open_engine(f, true);
    replay_engine_reached(f->engine, 2 * TICK, 17, sha256);
    assert_diverged(f, "end");
}

static void trace_without_end_is_incomplete(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_INPUT_BYTES, 0, TICK, typed("a"));
    open_engine(f, true);
    replay_engine_reached(f->engine, 0, 0, no_sha256);
    assert_running(f);
    g_assert_true(input(f, TICK, false));
    replay_engine_reached(f->engine, TICK, 0, no_sha256);
    g_assert_cmpint(replay_engine_state(f->engine), ==, REPLAY_INCOMPLETE);
    g_assert_nonnull(replay_engine_why(f->engine));
}

static void trace_that_is_damaged_fails(Fixture *f, gconstpointer level)
{
    g_autofree char *bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize len;

    (void)level;
    for (int i = 1; i < 100; i++) {
        put(f, TRACE_INPUT_BYTES, 0, i * TICK, typed("a"));
    }
    trace_flush(f->writer, &error);
    g_assert_no_error(error);
    for (int i = 100; i < 200; i++) {
        put(f, TRACE_INPUT_BYTES, 0, i * TICK, typed("a"));
    }
    trace_close(f->writer, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(f->path, &bytes, &len, NULL));
    bytes[len / 2] ^= 0x55;
    bytes[len / 2 + 1] ^= 0x55;
    g_assert_true(g_file_set_contents(f->path, bytes, len, NULL));
    f->engine = replay_engine_open(f->path, true, &error);
    for (int i = 1; f->engine && i < 200; i++) {
        input(f, i * TICK, false);
        replay_engine_reached(f->engine, i * TICK, 0, no_sha256);
    }
    /* It ends before its last record, and says why. */
    g_assert_true(error || replay_engine_why(f->engine));
    if (f->engine) {
        g_assert_cmpuint(replay_engine_counts(f->engine).inputs, <, 199);
    }
}

/* Recording anew */

static void unchecked_takes_inputs_alone(Fixture *f, gconstpointer level)
{
    (void)level;
    put(f, TRACE_EVENT, 0, 5, trace_put_event("reset", 0, 0));
    put(f, TRACE_INPUT_BYTES, 0, TICK, typed("a"));
    put(f, TRACE_INPUT_BYTES, TRACE_AT_STOP, 2 * TICK, typed("b"));
    put_end(f, 3 * TICK, 17);
    open_engine(f, false);
    observe(f, TRACE_EVENT, 6, trace_put_event("wakeup", 0, 0));
    g_assert_false(input(f, TICK - 1, false));
    g_assert_true(input(f, TICK + 5, false));
    g_assert_false(input(f, 4 * TICK, false));
    g_assert_true(input(f, 4 * TICK, true));
    replay_engine_answer(f->engine, 1, TICK, "stop", "{}", "error: no");
    assert_running(f);
    replay_engine_reached(f->engine, 4 * TICK, 0, no_sha256);
    g_assert_cmpint(replay_engine_state(f->engine), ==, REPLAY_COMPLETE);
}

static void seek_goes_on_behind_a_handover(Fixture *f, gconstpointer level)
{
    g_autoptr(GError) error = NULL;
    uint64_t seq;

    (void)level;
    put(f, TRACE_INPUT_BYTES, 0, TICK, typed("a"));
    put(f, TRACE_HANDOVER, 0, 2 * TICK, trace_put_handover(0));
    put(f, TRACE_INPUT_BYTES, TRACE_AT_STOP, 2 * TICK, typed("b"));
    open_engine(f, true);
    g_assert_true(input(f, TICK, false));
    g_assert_true(replay_engine_next_is(f->engine, TRACE_HANDOVER));
    g_assert_false(input(f, 2 * TICK, true));
    seq = replay_engine_seq(f->engine);
    replay_engine_free(f->engine);
    f->engine = replay_engine_open(f->path, true, &error);
    g_assert_no_error(error);
    g_assert_false(replay_engine_seek(f->engine, 0, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_RANGE);
    g_clear_error(&error);
    g_assert_true(replay_engine_seek(f->engine, seq, &error));
    g_assert_true(replay_engine_next_is(f->engine, TRACE_HANDOVER));
    replay_engine_skip(f->engine);
    g_assert_true(input(f, 2 * TICK, true));
    assert_running(f);
}

/* What comes behind the recorded end cannot be read. */
static void end_stays_before_damage(Fixture *f, gconstpointer level)
{
    g_autofree char *bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize len;

    (void)level;
    put_end(f, TICK, 0);
    trace_flush(f->writer, &error);
    g_assert_no_error(error);
    g_assert_true(trace_new_frame(f->writer, &error));
    put(f, TRACE_INPUT_BYTES, 0, 2 * TICK, typed("a"));
    trace_close(f->writer, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(f->path, &bytes, &len, NULL));
    bytes[len - 8] ^= 0x55;
    g_assert_true(g_file_set_contents(f->path, bytes, len, NULL));
    f->engine = replay_engine_open(f->path, true, &error);
    g_assert_no_error(error);
    replay_engine_reached(f->engine, TICK, 0, no_sha256);
    g_assert_cmpint(replay_engine_state(f->engine), ==, REPLAY_COMPLETE);
    g_assert_false(input(f, 2 * TICK, false));
    g_assert_cmpint(replay_engine_state(f->engine), ==, REPLAY_COMPLETE);
}

static const struct {
    const char *name;
    void (*fn)(Fixture *f, gconstpointer level);
    const char *level;
} tests[] = {
    {"input/comes-at-its-tick", input_comes_at_its_tick, NULL},
    {"input/missed-diverges", input_missed_diverges, NULL},
    {"input/at-a-stop-waits-for-it", input_at_a_stop_waits_for_it, NULL},
    {"input/at-a-tick-is-none-of-a-stop", input_at_a_tick_is_none_of_a_stop,
     NULL},
    {"input/stop-elsewhere-diverges", stop_elsewhere_diverges, NULL},
    {"input/stop-missed-diverges", stop_missed_diverges, NULL},
    {"input/answer-that-differs-diverges", answer_that_differs_diverges, NULL},
    {"event/as-recorded-goes-on", event_as_recorded_goes_on, NULL},
    {"event/at-another-time-diverges", event_at_another_time_diverges, NULL},
    {"event/missing-diverges", event_missing_diverges_at_the_tick, NULL},
    {"event/before-an-input-diverges", event_before_an_input_diverges, NULL},
    {"digest/is-compared-by-state", digest_is_compared_by_state, NULL},
    {"digest/of-a-trace-without", digest_of_a_trace_without_is_no_matter,
     "inputs"},
    {"first-difference-stays", first_difference_stays, NULL},
    {"end-stays-before-damage", end_stays_before_damage, NULL},
    {"end/same-console-is-complete", end_with_the_same_console_is_complete,
     NULL},
    {"end/another-console-diverges", end_with_another_console_diverges, NULL},
    {"end/none-is-incomplete", trace_without_end_is_incomplete, NULL},
    {"damaged-fails", trace_that_is_damaged_fails, NULL},
    {"unchecked/takes-inputs-alone", unchecked_takes_inputs_alone, NULL},
    {"seek/goes-on-behind-a-handover", seek_goes_on_behind_a_handover, NULL},
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path =
            g_strdup_printf("/replay-engine/%s", tests[i].name);

        g_test_add(path, Fixture, tests[i].level, setup, tests[i].fn, teardown);
    }
    return g_test_run();
}
