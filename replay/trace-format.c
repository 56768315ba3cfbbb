/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a trace file that are no records: preamble, trailer, index. */
#include "replay/trace-format.h"

#include <string.h>
#include <zlib.h>

G_DEFINE_QUARK(jumpcut - trace - error - quark, trace_error)

uint32_t trace_crc(const void *buf, size_t len)
{
    return crc32_z(crc32_z(0, NULL, 0), buf, len);
}

uint32_t trace_record_crc(const uint8_t head[TRACE_RECORD_SIZE],
                          const void *payload, size_t len)
{
    uint8_t zeroed[TRACE_RECORD_SIZE];
    uint32_t crc;

    memcpy(zeroed, head, sizeof(zeroed));
    memset(zeroed + TRACE_CRC_OFFSET, 0, 4);
    crc = trace_crc(zeroed, sizeof(zeroed));
    /* A null pointer would start the sum anew. */
    return len ? crc32_z(crc, payload, len) : crc;
}

void trace_preamble_fill(uint8_t preamble[TRACE_PREAMBLE_SIZE])
{
    trace_put_le(preamble, TRACE_PREAMBLE_FRAME, 4);
    trace_put_le(preamble + 4, TRACE_PREAMBLE_SIZE - 8, 4);
    memcpy(preamble + 8, TRACE_PREAMBLE_MAGIC, TRACE_MAGIC_SIZE);
    trace_put_le(preamble + 16, TRACE_VERSION, 4);
    trace_put_le(preamble + 20, TRACE_FEATURES, 4);
    trace_put_le(preamble + 24, trace_crc(preamble, 24), 4);
}

bool trace_preamble_check(const uint8_t *buf, size_t len, const char *name,
                          GError **error)
{
    uint8_t want[TRACE_PREAMBLE_SIZE];
    uint32_t version, unknown;

    trace_preamble_fill(want);
    if (memcmp(buf, want, MIN(len, 16))) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_FORMAT,
                    "%s: no trace file: byte 0 does not start a Jumpcut "
                    "preamble",
                    name);
        return false;
    }
    if (len < sizeof(want)) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_TORN,
                    "%s: ends at byte %zu, within the preamble of %u bytes",
                    name, len, TRACE_PREAMBLE_SIZE);
        return false;
    }
    if (trace_get_le(buf + 24, 4) != trace_crc(buf, 24)) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_DAMAGED,
                    "%s: byte 24: the preamble's checksum is %08x, its bytes "
                    "give %08x",
                    name, (uint32_t)trace_get_le(buf + 24, 4),
                    trace_crc(buf, 24));
        return false;
    }
    version = trace_get_le(buf + 16, 4);
    unknown = trace_get_le(buf + 20, 4) & ~TRACE_FEATURES;
    if (version != TRACE_VERSION) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_VERSION,
                    "%s: byte 16: format version %u, this program reads %u",
                    name, version, TRACE_VERSION);
        return false;
    }
    if (unknown) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_VERSION,
                    "%s: byte 20: features 0x%x are not known to this program",
                    name, unknown);
        return false;
    }
    return true;
}

void trace_trailer_fill(uint8_t trailer[TRACE_TRAILER_SIZE],
                        uint64_t index_offset, uint64_t records)
{
    trace_put_le(trailer, TRACE_TRAILER_FRAME, 4);
    trace_put_le(trailer + 4, TRACE_TRAILER_SIZE - 8, 4);
    memcpy(trailer + 8, TRACE_TRAILER_MAGIC, TRACE_MAGIC_SIZE);
    trace_put_le(trailer + 16, index_offset, 8);
    trace_put_le(trailer + 24, records, 8);
    trace_put_le(trailer + 32, trace_crc(trailer, 32), 4);
}

bool trace_trailer_parse(const uint8_t trailer[TRACE_TRAILER_SIZE],
                         uint64_t *index_offset, uint64_t *records)
{
    uint8_t want[TRACE_TRAILER_SIZE];

    *index_offset = trace_get_le(trailer + 16, 8);
    *records = trace_get_le(trailer + 24, 8);
    trace_trailer_fill(want, *index_offset, *records);
    return !memcmp(trailer, want, sizeof(want));
}

GByteArray *trace_index_encode(const GArray *frames)
{
    GByteArray *out = g_byte_array_new();

    for (guint i = 0; i < frames->len; i++) {
        const TraceFrame *frame = &g_array_index(frames, TraceFrame, i);
        uint8_t row[TRACE_INDEX_ROW_SIZE];

        trace_put_le(row, frame->offset, 8);
        trace_put_le(row + 8, frame->seq, 8);
        trace_put_le(row + 16, frame->at_ns, 8);
        g_byte_array_append(out, row, sizeof(row));
    }
    return out;
}

GArray *trace_index_decode(GBytes *payload)
{
    gsize len;
    const uint8_t *at = g_bytes_get_data(payload, &len);
    GArray *frames;
    TraceFrame last = {0};

    if (len == 0 || len % TRACE_INDEX_ROW_SIZE) {
        return NULL;
    }
    frames = g_array_new(FALSE, FALSE, sizeof(TraceFrame));
    for (gsize i = 0; i < len; i += TRACE_INDEX_ROW_SIZE) {
        TraceFrame frame = {
            .offset = trace_get_le(at + i, 8),
            .seq = trace_get_le(at + i + 8, 8),
            .at_ns = trace_get_le(at + i + 16, 8),
        };

        if (i == 0 ? frame.offset != TRACE_PREAMBLE_SIZE || frame.seq != 0
                   : frame.offset <= last.offset || frame.seq <= last.seq) {
            g_array_unref(frames);
            return NULL;
        }
        g_array_append_val(frames, frame);
        last = frame;
    }
    return frames;
}
