/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace files: what a recorded run was given and what it came to.
 *
 * A file is a sequence of records in zstd frames; docs/trace-file.rst gives
 * every byte.  Times are virtual nanoseconds.  Nothing here is thread-safe:
 * one thread at a time may use a writer or a reader.
 */
#ifndef JUMPCUT_REPLAY_TRACE_H
#define JUMPCUT_REPLAY_TRACE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TRACE_VERSION     1
#define TRACE_PAYLOAD_MAX (16u << 20) /* bytes of a record's payload */
#define TRACE_WINDOW_LOG  23          /* zstd's window is 8 MiB at most */

/* Payloads: replay/record.h; u16 in the file. */
typedef enum TraceType {
    TRACE_HEADER = 1, /* the first record, and the only one of its kind */
    TRACE_INPUT_BYTES = 2,
    TRACE_INPUT_QMP = 3,
    TRACE_CUT = 4,
    TRACE_DIGEST = 5,
    TRACE_EVENT = 6,
    TRACE_HANDOVER = 7,
    TRACE_OUTPUT = 8,
    TRACE_CHECKPOINT_PAGES = 9,
    TRACE_CHECKPOINT = 10,
    TRACE_DEVICE = 11,
    TRACE_END = 12,
    TRACE_INDEX = 13, /* trace_finish() writes it, readers never deliver it */
} TraceType;

/* Flags of a record. */
#define TRACE_OPTIONAL 0x1 /* a reader that does not know the type skips it */
#define TRACE_AT_STOP  0x2 /* happened while the machine was stopped */
#define TRACE_FLAGS    (TRACE_OPTIONAL | TRACE_AT_STOP)

#define TRACE_ERROR (trace_error_quark())
GQuark trace_error_quark(void);
typedef enum TraceError {
    TRACE_ERROR_IO,      /* the file system's answer */
    TRACE_ERROR_BUSY,    /* somebody else writes the file */
    TRACE_ERROR_FORMAT,  /* no trace file */
    TRACE_ERROR_VERSION, /* a version, feature or record type not known */
    TRACE_ERROR_DAMAGED, /* bytes that no writer writes */
    TRACE_ERROR_TORN,    /* the end is missing */
    TRACE_ERROR_RANGE,   /* no such record; a payload too long */
} TraceError;

/* Keys and values in order; a key may repeat. */
typedef struct TraceHeader TraceHeader;
TraceHeader *trace_header_new(void);
void trace_header_free(TraceHeader *h);
void trace_header_add(TraceHeader *h, const char *key, const char *value);
/* The first value of @key, or NULL. */
const char *trace_header_get(const TraceHeader *h, const char *key);
unsigned trace_header_size(const TraceHeader *h);
/* The @i-th pair, 0 <= @i < size. */
void trace_header_pair(const TraceHeader *h, unsigned i, const char **key,
                       const char **value);
/* Values of @key in order; the array is NULL-terminated, free it only. */
const char **trace_header_values(const TraceHeader *h, const char *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TraceHeader, trace_header_free)

typedef struct TraceRecord {
    uint16_t type;   /* TraceType */
    uint16_t flags;  /* TRACE_OPTIONAL, TRACE_AT_STOP */
    uint32_t vcpu;   /* whose doing it was, or 0 */
    int64_t at_ns;   /* virtual time */
    uint64_t seq;    /* counted from 0, the header */
    uint64_t offset; /* of its frame in the file, for messages */
    GBytes *payload;
} TraceRecord;
/* Releases the payload; a record of zeros is clear. */
void trace_record_clear(TraceRecord *record);

/*
 * Writing.  A failure is final: every later call of that writer fails with
 * the first one's message.  All but trace_write() leave everything written so
 * far readable after the process was killed.
 */
typedef struct TraceWriter TraceWriter;
/* A new file at exactly @path, which is emptied; @header is its record 0. */
TraceWriter *trace_create(const char *path, const TraceHeader *header,
                          GError **error);
/* Go on behind the last record; refused if the tail is torn or finished. */
TraceWriter *trace_append(const char *path, GError **error);
bool trace_write(TraceWriter *w, uint16_t type, uint16_t flags, int64_t at_ns,
                 const void *payload, size_t len, GError **error);
/* The same with the vCPU whose doing it was. */
bool trace_write_vcpu(TraceWriter *w, uint16_t type, uint16_t flags,
                      uint32_t vcpu, int64_t at_ns, const void *payload,
                      size_t len, GError **error);
bool trace_flush(TraceWriter *w, GError **error);
/* The next record starts a frame: a place trace_seek() can go to. */
bool trace_new_frame(TraceWriter *w, GError **error);
/* The number the next record gets. */
uint64_t trace_writer_seq(const TraceWriter *w);
/* Frees the writer, even if it fails. */
bool trace_close(TraceWriter *w, GError **error);
/*
 * Completes a file whose writer is gone: index, trailer, rename.  What a
 * killed writer left behind the last whole record is dropped.
 */
bool trace_finish(const char *partial, const char *final, GError **error);

/*
 * Reading, of a finished file or of one that is being written or was torn.
 * Memory is bounded, whatever the file holds.
 */
typedef struct TraceReader TraceReader;
TraceReader *trace_open(const char *path, GError **error);
/* The same with a file that can be sought, closed with the reader. */
TraceReader *trace_open_fd(int fd, const char *name, GError **error);
void trace_reader_free(TraceReader *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TraceReader, trace_reader_free)
/* Record 0's, valid as long as the reader is. */
const TraceHeader *trace_reader_header(const TraceReader *r);
/*
 * The next record from record 1 on: 1, 0 at the end or -1 with an error that
 * names the offset and what was expected.  @out is cleared first.  After an
 * error everything fails in the same way.
 */
int trace_next(TraceReader *r, TraceRecord *out, GError **error);
/*
 * Go to record @seq, which trace_next() delivers; right behind the last one is
 * the end.
 */
bool trace_seek(TraceReader *r, uint64_t seq, GError **error);
/* After trace_next() gave 0: did the file end before its trailer? */
bool trace_reader_truncated(const TraceReader *r);
/* Then what is missing where, for people; NULL for a finished file. */
const char *trace_reader_tail(const TraceReader *r);
/* Bytes of the file up to which trace_next() has read. */
uint64_t trace_reader_position(const TraceReader *r);

#endif
