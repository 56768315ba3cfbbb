/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payloads of a trace's records: docs/trace-file.rst gives every byte.
 *
 * The trace_put_*() return newly allocated bytes.  The trace_get_*() check all
 * lengths; on failure they return false with an error, and @out is clear.
 */
#ifndef JUMPCUT_REPLAY_RECORD_H
#define JUMPCUT_REPLAY_RECORD_H

#include "replay/trace.h"

/* Bytes for a console or character device. */
typedef struct TraceInputBytes {
    char *name;    /* "console" or a character device's id */
    GBytes *bytes; /* not empty */
} TraceInputBytes;
GByteArray *trace_put_input_bytes(const char *name, const void *bytes,
                                  size_t len);
bool trace_get_input_bytes(GBytes *payload, TraceInputBytes *out,
                           GError **error);
void trace_input_bytes_clear(TraceInputBytes *i);

/* A QMP command and its answer. */
typedef struct TraceInputQmp {
    char *command;
    char *arguments; /* JSON, an object */
    bool failed;
    char *reply; /* JSON, or with @failed the error's description */
} TraceInputQmp;
GByteArray *trace_put_input_qmp(const TraceInputQmp *i);
bool trace_get_input_qmp(GBytes *payload, TraceInputQmp *out, GError **error);
void trace_input_qmp_clear(TraceInputQmp *i);

/* A cut that has happened. */
typedef struct TraceCut {
    uint64_t system_time_before, system_time_after; /* ns */
    uint64_t tsc_before, tsc_after;                 /* vCPU 0's */
    uint32_t khz_before, khz_after;                 /* the guest's TSC */
    bool invtsc_before, invtsc_after;
    uint64_t console_bytes; /* written by then */
} TraceCut;
GByteArray *trace_put_cut(const TraceCut *cut);
bool trace_get_cut(GBytes *payload, TraceCut *out, GError **error);

/* Something that happened to the guest: "shutdown", "reset", "suspend"... */
typedef struct TraceEventRecord {
    char *name;
    uint64_t a, b; /* what they are depends on the name */
} TraceEventRecord;
GByteArray *trace_put_event(const char *name, uint64_t a, uint64_t b);
bool trace_get_event(GBytes *payload, TraceEventRecord *out, GError **error);
void trace_event_clear(TraceEventRecord *event);

GByteArray *trace_put_handover(uint32_t number);
bool trace_get_handover(GBytes *payload, uint32_t *number, GError **error);

#define TRACE_SHA256_SIZE 32

/* How the run ended. */
typedef struct TraceEnd {
    char *why;              /* "powered-off", "quit"... */
    uint64_t console_bytes; /* at the record's time */
    uint8_t console_sha256[TRACE_SHA256_SIZE];
} TraceEnd;
GByteArray *trace_put_end(const TraceEnd *end);
bool trace_get_end(GBytes *payload, TraceEnd *out, GError **error);
void trace_end_clear(TraceEnd *end);

/*
 * One line about a record, for people: what the payload says, without time and
 * number.  A payload that is none is told as such.
 */
char *trace_record_describe(uint16_t type, GBytes *payload);
/* "input-bytes", "digest"...; NULL: no such type */
const char *trace_type_name(uint16_t type);

#endif
