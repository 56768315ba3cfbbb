/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run, of which the input is half, against a trace, which is the other: the
 * engine says how they differ, and says the same from then on.
 *
 * A run's steps are two bytes each: what it does, and how much time passes
 * before; the time may be that of the next record of the trace, and what it
 * does what is recorded there, so that an input comes past the first record.
 */
#include "tests/fuzz/fuzz-trace.h"

#include <string.h>
#include <unistd.h>

#include "replay/engine.h"
#include "replay/record.h"
#include "tests/fuzz/fuzz.h"

/* Steps: what is done in the low bits */
enum {
    STEP_INPUT,
    STEP_INPUT_STOPPED,
    STEP_OBSERVE,
    STEP_OBSERVE_OTHER,
    STEP_SKIP_HANDOVER,
    STEP_ANSWER,
    STEP_REACHED,
    STEP_SEEK,
    NR_STEPS,
};
#define STEP_AT_RECORD 0x80 /* at the time of the next record */

typedef struct Run {
    ReplayEngine *engine;
    TraceReader *reader; /* of the same trace: what is recorded next */
    TraceRecord next;
    int64_t now_ns;
    ReplayState state;
    char *expected; /* of the divergence */
} Run;

static void check_state(Run *r)
{
    ReplayState state = replay_engine_state(r->engine);
    const ReplayDivergence *d = replay_engine_divergence(r->engine);

    if (r->state != REPLAY_RUNNING) {
        g_assert_cmpint(state, ==, r->state);
    }
    r->state = state;
    g_assert_true((d != NULL) == (state == REPLAY_DIVERGED));
    if (d) {
        g_assert_nonnull(d->kind);
        g_assert_nonnull(d->found);
        g_assert_true((d->want != NULL) == (d->have != NULL));
        /* The first difference stays. */
        g_assert_true(!r->expected || !strcmp(r->expected, d->expected));
        g_free(r->expected);
        r->expected = g_strdup(d->expected);
    }
    if (state == REPLAY_FAILED || state == REPLAY_INCOMPLETE) {
        g_assert_nonnull(replay_engine_why(r->engine));
    }
    g_assert_true(!replay_engine_ending(r->engine) || state == REPLAY_COMPLETE);
}

/* The second reader goes where the engine is. */
static bool look_ahead(Run *r)
{
    g_autoptr(GError) error = NULL;
    bool found = trace_seek(r->reader, replay_engine_seq(r->engine), &error) &&
                 trace_next(r->reader, &r->next, &error) > 0;

    if (!found) {
        trace_record_clear(&r->next);
    }
    return found;
}

static void take_input(Run *r, bool stopped)
{
    TraceRecord record = {.payload = NULL};
    ReplayState before = r->state;

    if (replay_engine_input(r->engine, r->now_ns, stopped, &record)) {
        g_assert_cmpint(before, ==, REPLAY_RUNNING);
        g_assert_true(record.type == TRACE_INPUT_BYTES ||
                      record.type == TRACE_INPUT_QMP);
        g_assert_nonnull(record.payload);
        trace_record_clear(&record);
    }
}

static void observe(Run *r, bool ahead, bool other)
{
    gsize len = 0;
    const void *payload =
        ahead ? g_bytes_get_data(r->next.payload, &len) : NULL;

    if (ahead && !other) {
        replay_engine_observe(r->engine, r->next.type, r->now_ns, payload, len);
    } else {
        replay_engine_observe(r->engine, TRACE_EVENT, r->now_ns, "x", 1);
    }
}

static void reached(Run *r, bool ahead)
{
    uint8_t sha256[TRACE_SHA256_SIZE] = {0};
    TraceEnd end = {.console_bytes = 0};

    if (ahead && r->next.type == TRACE_END &&
        trace_get_end(r->next.payload, &end, NULL)) {
        replay_engine_reached(r->engine, r->now_ns, end.console_bytes,
                              end.console_sha256);
        trace_end_clear(&end);
    } else {
        replay_engine_reached(r->engine, r->now_ns, 1, sha256);
    }
}

static void seek(Run *r, uint64_t seq)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(replay_engine_seek(r->engine, seq, &error) || error);
}

static void step(Run *r, uint8_t what, uint8_t time)
{
    bool ahead = look_ahead(r);

    if (!(what & STEP_AT_RECORD)) {
        r->now_ns += (int64_t)time * time;
    } else if (ahead) {
        r->now_ns = r->next.at_ns;
    }
    switch ((what & ~STEP_AT_RECORD) % NR_STEPS) {
    case STEP_INPUT:
        take_input(r, false);
        break;
    case STEP_INPUT_STOPPED:
        take_input(r, true);
        break;
    case STEP_OBSERVE:
        observe(r, ahead, false);
        break;
    case STEP_OBSERVE_OTHER:
        observe(r, ahead, true);
        break;
    case STEP_SKIP_HANDOVER:
        if (replay_engine_next_is(r->engine, TRACE_HANDOVER)) {
            replay_engine_skip(r->engine);
        }
        break;
    case STEP_ANSWER:
        replay_engine_answer(r->engine, 1, r->now_ns, "stop", "{}",
                             time % 2 ? "{}" : "error");
        break;
    case STEP_REACHED:
        reached(r, ahead);
        break;
    case STEP_SEEK:
        seek(r, time);
        break;
    }
    check_state(r);
}

static void run(const char *path, bool check, const uint8_t *steps, size_t n)
{
    g_autoptr(GError) error = NULL;
    Run r = {.engine = replay_engine_open(path, check, &error)};

    if (!r.engine) {
        g_assert_nonnull(error);
        return;
    }
    r.reader = trace_open(path, &error);
    g_assert_no_error(error);
    for (size_t i = 0; i + 1 < n; i += 2) {
        step(&r, steps[i], steps[i + 1]);
    }
    trace_record_clear(&r.next);
    trace_reader_free(r.reader);
    replay_engine_free(r.engine);
    g_free(r.expected);
}

/* A byte: compare?  A byte: pairs of steps.  The steps, and the records. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) file = NULL;
    g_autofree char *path = NULL;
    size_t steps;
    int fd;

    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    if (size < 2) {
        return 0;
    }
    steps = MIN(2 * (size_t)data[1], size - 2);
    file = fuzz_trace_pack(data + 2 + steps, size - 2 - steps);
    fd = fuzz_trace_file(file->data, file->len);
    path = g_strdup_printf("/proc/self/fd/%d", fd);
    run(path, data[0] % 2, data + 2, steps);
    close(fd);
    return 0;
}
