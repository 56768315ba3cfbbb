/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of a trace file that writer and reader share: docs/trace-file.rst.
 */
#ifndef JUMPCUT_REPLAY_TRACE_FORMAT_H
#define JUMPCUT_REPLAY_TRACE_FORMAT_H

#include <glib.h>
#include <stdint.h>

#include "replay/trace.h"

/* Preamble and trailer are skippable frames of zstd. */
#define TRACE_PREAMBLE_FRAME 0x184d2a50u
#define TRACE_TRAILER_FRAME  0x184d2a51u
#define TRACE_ZSTD_FRAME     0xfd2fb528u
#define TRACE_PREAMBLE_MAGIC "Jumpcut\n"
#define TRACE_TRAILER_MAGIC  "jct end\n"
#define TRACE_MAGIC_SIZE     8
#define TRACE_PREAMBLE_SIZE  28
#define TRACE_TRAILER_SIZE   36
#define TRACE_FEATURES       0u /* bits; none is defined yet */

#define TRACE_RECORD_SIZE    32 /* bytes of a record before its payload */
#define TRACE_CRC_OFFSET     12
#define TRACE_INDEX_ROW_SIZE 24

static inline void trace_put_le(uint8_t *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        to[i] = value >> (8 * i);
    }
}

static inline uint64_t trace_get_le(const uint8_t *from, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

/* CRC-32 (that of zlib) of a record with zeros in place of the checksum. */
uint32_t trace_record_crc(const uint8_t head[TRACE_RECORD_SIZE],
                          const void *payload, size_t len);
/* CRC-32 of @len bytes. */
uint32_t trace_crc(const void *buf, size_t len);

/* Fills @preamble; trace_preamble_check() refuses what is none of ours. */
void trace_preamble_fill(uint8_t preamble[TRACE_PREAMBLE_SIZE]);
bool trace_preamble_check(const uint8_t *buf, size_t len, const char *name,
                          GError **error);
void trace_trailer_fill(uint8_t trailer[TRACE_TRAILER_SIZE],
                        uint64_t index_offset, uint64_t records);
/* Is it a trailer? */
bool trace_trailer_parse(const uint8_t trailer[TRACE_TRAILER_SIZE],
                         uint64_t *index_offset, uint64_t *records);

/* The header record's payload, and back. */
GByteArray *trace_header_encode(const TraceHeader *h);
TraceHeader *trace_header_decode(GBytes *payload, GError **error);

/* A frame of the index. */
typedef struct TraceFrame {
    uint64_t offset; /* in the file */
    uint64_t seq;    /* of its first record */
    int64_t at_ns;   /* of its first record */
} TraceFrame;
GByteArray *trace_index_encode(const GArray *frames);
/* NULL if the payload is no index. */
GArray *trace_index_decode(GBytes *payload);

/*
 * Behind the scenes of trace_finish(): a writer that goes on behind @offset
 * with record @seq, and the bytes around its frames.
 */
TraceWriter *trace_writer_at(const char *path, uint64_t offset, uint64_t seq,
                             GError **error);
bool trace_writer_raw(TraceWriter *w, const void *buf, size_t len,
                      GError **error);
/* Ends the frame; the file's size then. */
bool trace_writer_offset(TraceWriter *w, uint64_t *offset, GError **error);
bool trace_writer_sync(TraceWriter *w, GError **error);

/*
 * For a truncated file: up to which byte it consists of whole frames of
 * records.  What is behind is of a frame without an end, or no record.
 */
uint64_t trace_reader_torn(const TraceReader *r);
/* trace_next() that delivers record types it does not know, too. */
int trace_next_any(TraceReader *r, TraceRecord *out, GError **error);
/* Records read so far, the header included and the index not. */
uint64_t trace_reader_seq(const TraceReader *r);

#endif
