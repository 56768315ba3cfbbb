/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a trace wants of a run that repeats it. */
#include "replay/engine.h"
#include "replay/record-digest.h"

#include <inttypes.h>
#include <string.h>

struct ReplayEngine {
    TraceReader *reader;
    bool check;
    bool digests; /* the trace has them */
    TraceRecord next;
    bool has_next, ended; /* @ended: the reader has no more */
    ReplayState state;
    ReplayDivergence divergence;
    ReplayCounts counts;
    char *last_event;
    char *why;
    char *ending; /* the recorded end's reason */
};

/* Records that say nothing a run is compared with. */
static bool is_passed_over(const ReplayEngine *e, const TraceRecord *r)
{
    switch (r->type) {
    case TRACE_INPUT_BYTES:
    case TRACE_INPUT_QMP:
    case TRACE_HANDOVER:
        return false;
    case TRACE_CUT:
    case TRACE_DIGEST:
    case TRACE_EVENT:
    case TRACE_END:
        return !e->check;
    default:
        return true;
    }
}

/* The next record that counts; NULL: there is none. */
static const TraceRecord *peek(ReplayEngine *e)
{
    g_autoptr(GError) error = NULL;

    while (!e->has_next && !e->ended) {
        int got = trace_next(e->reader, &e->next, &error);

        if (got <= 0) {
            e->ended = true;
            /* What was found before stays found. */
            if (got < 0 && e->state == REPLAY_RUNNING) {
                e->state = REPLAY_FAILED;
                e->why = g_strdup(error->message);
            }
        } else if (is_passed_over(e, &e->next)) {
            e->counts.records++;
        } else {
            e->has_next = true;
        }
    }
    return e->has_next ? &e->next : NULL;
}

static void consume(ReplayEngine *e)
{
    trace_record_clear(&e->next);
    e->has_next = false;
    e->counts.records++;
}

static char *describe(uint16_t type, int64_t at_ns, GBytes *payload)
{
    g_autofree char *what = trace_record_describe(type, payload);
    const char *name = trace_type_name(type);

    return g_strdup_printf("%s at %" PRId64 " ns: %s", name ? name : "record",
                           at_ns, what);
}

static char *describe_next(ReplayEngine *e)
{
    const TraceRecord *next = peek(e);

    return next ? describe(next->type, next->at_ns, next->payload)
                : g_strdup("nothing: the trace ends before");
}

/* Takes @expected and @found. */
static void diverge(ReplayEngine *e, const char *kind, int64_t now_ns,
                    char *expected, char *found)
{
    if (e->state != REPLAY_RUNNING) {
        g_free(expected);
        g_free(found);
        return;
    }
    e->state = REPLAY_DIVERGED;
    e->divergence = (ReplayDivergence){
        .at_ns = now_ns,
        .seq = e->has_next ? e->next.seq : e->counts.records + 1,
        .kind = kind,
        .expected = expected,
        .found = found,
        .last_event = g_strdup(e->last_event),
    };
}

static bool open_checked(ReplayEngine *e, GError **error)
{
    const TraceHeader *h = trace_reader_header(e->reader);
    const char *level = trace_header_get(h, "level");

    e->digests = !level || strcmp(level, "inputs");
    peek(e);
    if (e->state == REPLAY_FAILED) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_DAMAGED, "%s", e->why);
        return false;
    }
    return true;
}

ReplayEngine *replay_engine_open(const char *path, bool check, GError **error)
{
    TraceReader *reader = trace_open(path, error);
    ReplayEngine *e;

    if (!reader) {
        return NULL;
    }
    e = g_new0(ReplayEngine, 1);
    e->reader = reader;
    e->check = check;
    if (!open_checked(e, error)) {
        replay_engine_free(e);
        return NULL;
    }
    return e;
}

static void divergence_clear(ReplayDivergence *d)
{
    g_free(d->expected);
    g_free(d->found);
    g_free(d->last_event);
    g_clear_pointer(&d->want, g_bytes_unref);
    g_clear_pointer(&d->have, g_bytes_unref);
}

void replay_engine_free(ReplayEngine *e)
{
    trace_reader_free(e->reader);
    trace_record_clear(&e->next);
    divergence_clear(&e->divergence);
    g_free(e->last_event);
    g_free(e->why);
    g_free(e->ending);
    g_free(e);
}

const TraceHeader *replay_engine_header(const ReplayEngine *e)
{
    return trace_reader_header(e->reader);
}

uint64_t replay_engine_seq(const ReplayEngine *e)
{
    /* The header is record 0. */
    return e->has_next ? e->next.seq : e->counts.records + 1;
}

bool replay_engine_seek(ReplayEngine *e, uint64_t seq, GError **error)
{
    if (seq == 0) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_RANGE,
                    "record 0 is the header: no replay goes on from there");
        return false;
    }
    trace_record_clear(&e->next);
    e->has_next = e->ended = false;
    e->counts.records = seq - 1;
    return trace_seek(e->reader, seq, error);
}

static bool is_input(const TraceRecord *r)
{
    return r->type == TRACE_INPUT_BYTES || r->type == TRACE_INPUT_QMP;
}

/* An input, and the machine runs: is it due? */
static bool due_running(ReplayEngine *e, int64_t now_ns)
{
    bool at_stop = e->next.flags & TRACE_AT_STOP;

    if (!e->check) {
        return !at_stop && e->next.at_ns <= now_ns;
    }
    if (at_stop && e->next.at_ns < now_ns) {
        diverge(e, "stop", now_ns,
                g_strdup_printf("the machine stops at %" PRId64 " ns",
                                e->next.at_ns),
                g_strdup("it has gone on"));
        return false;
    }
    if (at_stop || e->next.at_ns > now_ns) {
        return false;
    }
    if (e->next.at_ns < now_ns) {
        diverge(e, "input", now_ns, describe_next(e),
                g_strdup_printf("no tick of the gate but at %" PRId64 " ns",
                                now_ns));
        return false;
    }
    return true;
}

static bool due_stopped(ReplayEngine *e, int64_t now_ns)
{
    if (!(e->next.flags & TRACE_AT_STOP)) {
        return !e->check && e->next.at_ns <= now_ns;
    }
    if (e->check && e->next.at_ns != now_ns) {
        diverge(e, "stop", now_ns,
                g_strdup_printf("the machine stops at %" PRId64 " ns",
                                e->next.at_ns),
                g_strdup_printf("it stops at %" PRId64 " ns", now_ns));
        return false;
    }
    return true;
}

bool replay_engine_input(ReplayEngine *e, int64_t now_ns, bool stopped,
                         TraceRecord *out)
{
    const TraceRecord *next = peek(e);

    if (e->state != REPLAY_RUNNING || !next) {
        return false;
    }
    if (!is_input(next)) {
        /* What the run was to do before, it has not done. */
        if (next->type != TRACE_END && next->type != TRACE_HANDOVER &&
            next->at_ns < now_ns) {
            diverge(e, trace_type_name(next->type), now_ns, describe_next(e),
                    g_strdup("nothing of the kind"));
        }
        return false;
    }
    if (!(stopped ? due_stopped(e, now_ns) : due_running(e, now_ns))) {
        return false;
    }
    *out = *next;
    out->payload = g_bytes_ref(next->payload);
    e->counts.inputs++;
    consume(e);
    return true;
}

bool replay_engine_next_is(ReplayEngine *e, TraceType type)
{
    const TraceRecord *next = peek(e);

    return next && next->type == type;
}

void replay_engine_skip(ReplayEngine *e)
{
    if (peek(e)) {
        consume(e);
    }
}

/*
 * Of digests the state they are of.  Which pages have changed since the one
 * before is history, and another one after a migration.
 */
static bool digests_equal(GBytes *want, GBytes *seen)
{
    TraceDigest w = {.number = 0}, s = {.number = 0};
    bool equal =
        trace_get_digest(want, &w, NULL) && trace_get_digest(seen, &s, NULL) &&
        w.number == s.number && !strcmp(w.reason, s.reason) &&
        w.console_bytes == s.console_bytes && w.console_crc == s.console_crc &&
        !memcmp(w.sha256, s.sha256, sizeof(w.sha256));

    trace_digest_clear(&w);
    trace_digest_clear(&s);
    return equal;
}

static bool payloads_equal(TraceType type, GBytes *want, GBytes *seen)
{
    return g_bytes_equal(want, seen) ||
           (type == TRACE_DIGEST && digests_equal(want, seen));
}

/* The next record is one like what is seen at @now_ns. */
static void compare(ReplayEngine *e, TraceType type, int64_t now_ns,
                    GBytes *seen)
{
    const TraceRecord *next = &e->next;

    if (next->type == type && next->at_ns == now_ns &&
        payloads_equal(type, next->payload, seen)) {
        g_free(e->last_event);
        e->last_event = describe(type, now_ns, seen);
        e->counts.digests += type == TRACE_DIGEST;
        consume(e);
        return;
    }
    diverge(e, trace_type_name(type), now_ns, describe_next(e),
            describe(type, now_ns, seen));
    if (next->type == TRACE_DIGEST && type == TRACE_DIGEST) {
        e->divergence.want = g_bytes_ref(next->payload);
        e->divergence.have = g_bytes_ref(seen);
    }
}

void replay_engine_observe(ReplayEngine *e, TraceType type, int64_t now_ns,
                           const void *payload, size_t len)
{
    g_autoptr(GBytes) seen = NULL;
    const TraceRecord *next;

    if (!e->check || (type == TRACE_DIGEST && !e->digests)) {
        return;
    }
    next = peek(e);
    /* Nothing more: whether that was to be is seen at the next tick. */
    if (e->state != REPLAY_RUNNING || !next ||
        (next->type == TRACE_END && next->at_ns < now_ns)) {
        return;
    }
    seen = g_bytes_new(payload, len);
    compare(e, type, now_ns, seen);
}

void replay_engine_answer(ReplayEngine *e, uint64_t seq, int64_t now_ns,
                          const char *name, const char *want, const char *have)
{
    if (e->check && strcmp(want, have)) {
        diverge(e, "input", now_ns,
                g_strdup_printf("%s of record %" PRIu64 " answers %s", name,
                                seq, want),
                g_strdup(have));
    }
}

static void compare_end(ReplayEngine *e, int64_t now_ns, uint64_t console_bytes,
                        const uint8_t sha256[32])
{
    g_autoptr(GError) error = NULL;
    TraceEnd end;

    if (!trace_get_end(e->next.payload, &end, &error)) {
        e->state = REPLAY_FAILED;
        e->why = g_strdup(error->message);
        return;
    }
    if (end.console_bytes != console_bytes ||
        memcmp(end.console_sha256, sha256, sizeof(end.console_sha256))) {
        diverge(e, "end", now_ns, describe_next(e),
                g_strdup_printf("%" PRIu64 " bytes of console%s", console_bytes,
                                end.console_bytes == console_bytes
                                    ? ", and other ones"
                                    : ""));
    } else {
        consume(e);
        e->state = REPLAY_COMPLETE;
        e->ending = g_strdup(end.why);
    }
    trace_end_clear(&end);
}

void replay_engine_reached(ReplayEngine *e, int64_t now_ns,
                           uint64_t console_bytes, const uint8_t sha256[32])
{
    const TraceRecord *next = peek(e);

    if (e->state != REPLAY_RUNNING) {
        return;
    }
    if (!next) {
        const char *tail = trace_reader_tail(e->reader);

        e->state = e->check ? REPLAY_INCOMPLETE : REPLAY_COMPLETE;
        e->why = g_strdup(tail ? tail : "the trace has no end");
    } else if (next->type == TRACE_END && next->at_ns <= now_ns) {
        compare_end(e, now_ns, console_bytes, sha256);
    }
}

ReplayState replay_engine_state(const ReplayEngine *e)
{
    return e->state;
}

const ReplayDivergence *replay_engine_divergence(const ReplayEngine *e)
{
    return e->state == REPLAY_DIVERGED ? &e->divergence : NULL;
}

const char *replay_engine_why(const ReplayEngine *e)
{
    return e->why;
}

const char *replay_engine_ending(const ReplayEngine *e)
{
    return e->ending;
}

ReplayCounts replay_engine_counts(const ReplayEngine *e)
{
    return e->counts;
}
