/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a trace wants of a run that repeats it: the inputs that are due, and
 * whether what the run is seen to do is what was recorded.
 *
 * The records are taken strictly in their order.  Times are virtual ns.
 */
#ifndef JUMPCUT_REPLAY_ENGINE_H
#define JUMPCUT_REPLAY_ENGINE_H

#include "replay/trace.h"

typedef struct ReplayEngine ReplayEngine;

typedef enum ReplayState {
    REPLAY_RUNNING,
    REPLAY_COMPLETE,   /* up to the recorded end */
    REPLAY_INCOMPLETE, /* up to the last record of a trace without an end */
    REPLAY_DIVERGED,
    REPLAY_FAILED, /* the trace cannot be read any further */
} ReplayState;

/* The first difference between the trace and the run. */
typedef struct ReplayDivergence {
    int64_t at_ns;       /* of the run */
    uint64_t seq;        /* of the record that was next */
    const char *kind;    /* "digest", "cut", "event", "input", "stop", "end" */
    char *expected;      /* for people */
    char *found;         /* for people */
    char *last_event;    /* the last that both have in common; NULL: none */
    GBytes *want, *have; /* payloads of two digests, else NULL */
} ReplayDivergence;

/*
 * @check: compare; else the inputs alone count, at the first chance at or after
 * their times, and the run does what it likes.
 */
ReplayEngine *replay_engine_open(const char *path, bool check, GError **error);
void replay_engine_free(ReplayEngine *e);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReplayEngine, replay_engine_free)
const TraceHeader *replay_engine_header(const ReplayEngine *e);
/* The next record to be delivered; and go on from there. */
uint64_t replay_engine_seq(const ReplayEngine *e);
bool replay_engine_seek(ReplayEngine *e, uint64_t seq, GError **error);

/*
 * Take the next input that is due at @now_ns, while the machine runs or, with
 * @stopped, stands.  @return: false: none is
 */
bool replay_engine_input(ReplayEngine *e, int64_t now_ns, bool stopped,
                         TraceRecord *out);
/* Is the next record of @type? */
bool replay_engine_next_is(ReplayEngine *e, TraceType type);
/* It is, and is done with. */
void replay_engine_skip(ReplayEngine *e);
/* The run did what is recorded as a record of @type; compares. */
void replay_engine_observe(ReplayEngine *e, TraceType type, int64_t now_ns,
                           const void *payload, size_t len);
/* What the run answered to input @seq, that said @want before. */
void replay_engine_answer(ReplayEngine *e, uint64_t seq, int64_t now_ns,
                          const char *name, const char *want, const char *have);
/*
 * The run has come to @now_ns and done all it does there, with that much on its
 * console: is this the recorded end?  Changes the state.
 */
void replay_engine_reached(ReplayEngine *e, int64_t now_ns,
                           uint64_t console_bytes, const uint8_t sha256[32]);

ReplayState replay_engine_state(const ReplayEngine *e);
/* With REPLAY_DIVERGED; else NULL */
const ReplayDivergence *replay_engine_divergence(const ReplayEngine *e);
/* With REPLAY_FAILED and REPLAY_INCOMPLETE: why, for people */
const char *replay_engine_why(const ReplayEngine *e);
/* With REPLAY_COMPLETE: how the recorded run ended */
const char *replay_engine_ending(const ReplayEngine *e);
/* Inputs taken, digests compared and equal, records passed */
typedef struct ReplayCounts {
    uint64_t inputs, digests, records;
} ReplayCounts;
ReplayCounts replay_engine_counts(const ReplayEngine *e);

#endif
