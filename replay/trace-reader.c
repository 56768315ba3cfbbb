/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reader of trace files.
 *
 * Every byte is foreign.  A record is delivered once its checksum and number
 * are right; memory is bounded by the longest record and zstd's window.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "replay/trace-format.h"

#define TRACE_IN_SIZE 65536

typedef enum ReaderPlace {
    READER_BETWEEN,  /* frames */
    READER_IN_FRAME, /* one of zstd's */
    READER_AT_END,   /* of a finished file, or where a torn one stops */
} ReaderPlace;

struct TraceReader {
    int fd;
    char *name;
    ZSTD_DCtx *zstd;
    uint8_t in[TRACE_IN_SIZE];
    size_t in_len, in_pos; /* in_pos <= in_len */
    uint64_t in_offset;    /* of in[0] in the file */
    bool in_eof;
    ReaderPlace place;
    uint64_t frame;  /* offset of the current or last frame */
    GByteArray *out; /* decompressed, from out_pos on not yet delivered */
    size_t out_pos;
    uint64_t seq;  /* the next record's */
    bool indexed;  /* the index record went by */
    GArray *index; /* of TraceFrame, once trace_seek() has looked */
    char *tail;    /* what is missing at the end */
    uint64_t torn; /* from where on the file is of no use then */
    GError *failed;
    TraceHeader *header;
};

void trace_record_clear(TraceRecord *record)
{
    g_clear_pointer(&record->payload, g_bytes_unref);
    memset(record, 0, sizeof(*record));
}

/* Refuses the file: @format says what came and what was expected. */
static int G_GNUC_PRINTF(3, 4)
    reader_fail(TraceReader *r, TraceError code, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_assert(!r->failed);
    r->failed = g_error_new(TRACE_ERROR, code, "%s: %s", r->name, what);
    return -1;
}

uint64_t trace_reader_position(const TraceReader *r)
{
    return r->in_offset + r->in_pos;
}

/* More bytes behind those there are, up to a full buffer; false: failed. */
static bool reader_fill(TraceReader *r)
{
    memmove(r->in, r->in + r->in_pos, r->in_len - r->in_pos);
    r->in_offset += r->in_pos;
    r->in_len -= r->in_pos;
    r->in_pos = 0;
    while (r->in_len < sizeof(r->in)) {
        ssize_t got = read(r->fd, r->in + r->in_len, sizeof(r->in) - r->in_len);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            reader_fail(r, TRACE_ERROR_IO,
                        "cannot read at byte %" PRIu64 ": %s",
                        r->in_offset + r->in_len, g_strerror(errno));
            return false;
        }
        r->in_eof = got == 0;
        if (got == 0) {
            break;
        }
        r->in_len += got;
    }
    return true;
}

/* The file ends here; it is of use up to byte @torn. */
static int G_GNUC_PRINTF(3, 4)
    reader_torn(TraceReader *r, uint64_t torn, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    r->tail = g_strdup_vprintf(format, ap);
    va_end(ap);
    r->place = READER_AT_END;
    r->torn = r->indexed ? r->frame : torn;
    return 0;
}

static int reader_trailer(TraceReader *r)
{
    uint64_t at = trace_reader_position(r), index, records;

    if (r->in_len - r->in_pos < TRACE_TRAILER_SIZE) {
        return reader_torn(r, at, "ends within the trailer at byte %" PRIu64,
                           at);
    }
    if (!trace_trailer_parse(r->in + r->in_pos, &index, &records) ||
        !r->indexed || index != r->frame || records != r->seq - 1) {
        return reader_fail(r, TRACE_ERROR_DAMAGED,
                           "byte %" PRIu64 ": the trailer does not name the "
                           "index at byte %" PRIu64 " and %" PRIu64 " records",
                           at, r->frame, r->seq - 1);
    }
    r->in_pos += TRACE_TRAILER_SIZE;
    if (r->in_pos == r->in_len && !r->in_eof && !reader_fill(r)) {
        return -1;
    }
    if (r->in_pos < r->in_len) {
        return reader_fail(r, TRACE_ERROR_DAMAGED,
                           "byte %" PRIu64 ": bytes follow the trailer, the "
                           "file should end here",
                           at + TRACE_TRAILER_SIZE);
    }
    r->place = READER_AT_END;
    return 0;
}

/* Between frames: 1 in a frame of zstd's, 0 the end, -1 an error. */
static int reader_enter(TraceReader *r)
{
    uint64_t at;
    uint32_t magic;

    if (r->in_len - r->in_pos < TRACE_TRAILER_SIZE && !r->in_eof &&
        !reader_fill(r)) {
        return -1;
    }
    at = trace_reader_position(r);
    if (r->in_len - r->in_pos < 4) {
        return r->in_len == r->in_pos
                   ? reader_torn(r, at,
                                 "index and trailer are missing at byte "
                                 "%" PRIu64,
                                 at)
                   : reader_torn(r, at,
                                 "ends within the start of a frame at byte "
                                 "%" PRIu64,
                                 at);
    }
    magic = trace_get_le(r->in + r->in_pos, 4);
    if (magic == TRACE_TRAILER_FRAME) {
        return reader_trailer(r);
    }
    if (magic != TRACE_ZSTD_FRAME) {
        return reader_fail(r, TRACE_ERROR_DAMAGED,
                           "byte %" PRIu64 ": %08x starts no frame, want %08x "
                           "or the trailer's %08x",
                           at, magic, TRACE_ZSTD_FRAME, TRACE_TRAILER_FRAME);
    }
    if (r->indexed) {
        return reader_fail(r, TRACE_ERROR_DAMAGED,
                           "byte %" PRIu64 ": a frame follows the index, want "
                           "the trailer",
                           at);
    }
    ZSTD_DCtx_reset(r->zstd, ZSTD_reset_session_only);
    r->frame = at;
    r->place = READER_IN_FRAME;
    return 1;
}

/* Decompresses some more: 1 there may be more, 0 torn, -1 an error. */
static int reader_decompress(TraceReader *r)
{
    ZSTD_inBuffer in;
    ZSTD_outBuffer out;
    size_t room = ZSTD_DStreamOutSize(), had, left;

    g_byte_array_remove_range(r->out, 0, r->out_pos);
    r->out_pos = 0;
    had = r->out->len;
    if (r->in_pos == r->in_len && !r->in_eof && !reader_fill(r)) {
        return -1;
    }
    g_byte_array_set_size(r->out, had + room);
    in = (ZSTD_inBuffer){r->in, r->in_len, r->in_pos};
    out = (ZSTD_outBuffer){r->out->data + had, room, 0};
    left = ZSTD_decompressStream(r->zstd, &out, &in);
    g_byte_array_set_size(r->out, had + (ZSTD_isError(left) ? 0 : out.pos));
    if (ZSTD_isError(left)) {
        return reader_fail(r, TRACE_ERROR_DAMAGED,
                           "frame at byte %" PRIu64 ": no zstd data near byte "
                           "%" PRIu64 ": %s",
                           r->frame, trace_reader_position(r),
                           ZSTD_getErrorName(left));
    }
    if (left == 0) {
        r->place = READER_BETWEEN;
    }
    if (left && in.pos == r->in_pos && out.pos == 0 && r->in_eof) {
        return reader_torn(r, r->frame,
                           "the frame at byte %" PRIu64 " has no end, and %u "
                           "bytes of record %" PRIu64 " are there",
                           r->frame, r->out->len, r->seq);
    }
    r->in_pos = in.pos;
    return 1;
}

/* At least @len bytes from out_pos on: 1, 0 the end or torn, -1 an error. */
static int reader_need(TraceReader *r, size_t len)
{
    while (r->out->len - r->out_pos < len) {
        int got = r->place == READER_IN_FRAME ? reader_decompress(r)
                  : r->place == READER_AT_END ? 0
                                              : 1;

        if (got <= 0) {
            return got;
        }
        if (r->place != READER_BETWEEN || r->out->len - r->out_pos >= len) {
            continue;
        }
        if (r->out->len > r->out_pos) {
            return reader_fail(r, TRACE_ERROR_DAMAGED,
                               "frame at byte %" PRIu64 " ends within record "
                               "%" PRIu64,
                               r->frame, r->seq);
        }
        got = reader_enter(r);
        if (got <= 0) {
            return got;
        }
    }
    return 1;
}

static int reader_bad_record(TraceReader *r, TraceError code, const char *what,
                             uint64_t came, uint64_t want)
{
    return reader_fail(r, code,
                       "frame at byte %" PRIu64 ", record %" PRIu64
                       ": %s 0x%" PRIx64 ", want 0x%" PRIx64,
                       r->frame, r->seq, what, came, want);
}

/* The next record of any type: 1, 0 the end or torn, -1 an error. */
static int reader_record(TraceReader *r, TraceRecord *out)
{
    const uint8_t *head;
    size_t len;
    uint32_t crc, want;
    int got = reader_need(r, TRACE_RECORD_SIZE);

    if (got <= 0) {
        return got;
    }
    head = r->out->data + r->out_pos;
    len = trace_get_le(head, 4);
    if (len > TRACE_PAYLOAD_MAX) {
        return reader_bad_record(r, TRACE_ERROR_DAMAGED,
                                 "a payload's length is", len,
                                 TRACE_PAYLOAD_MAX);
    }
    got = reader_need(r, TRACE_RECORD_SIZE + len);
    if (got <= 0) {
        return got;
    }
    head = r->out->data + r->out_pos;
    crc = trace_get_le(head + TRACE_CRC_OFFSET, 4);
    want = trace_record_crc(head, head + TRACE_RECORD_SIZE, len);
    if (crc != want) {
        return reader_bad_record(r, TRACE_ERROR_DAMAGED, "the checksum is", crc,
                                 want);
    }
    *out = (TraceRecord){
        .type = trace_get_le(head + 4, 2),
        .flags = trace_get_le(head + 6, 2),
        .vcpu = trace_get_le(head + 8, 4),
        .at_ns = trace_get_le(head + 16, 8),
        .seq = trace_get_le(head + 24, 8),
        .offset = r->frame,
    };
    if (out->seq != r->seq) {
        return reader_bad_record(r, TRACE_ERROR_DAMAGED,
                                 "out of order: its number is", out->seq,
                                 r->seq);
    }
    if (out->flags & ~TRACE_FLAGS) {
        return reader_bad_record(r, TRACE_ERROR_VERSION,
                                 "unknown flags: it has", out->flags,
                                 out->flags & TRACE_FLAGS);
    }
    out->payload = g_bytes_new(head + TRACE_RECORD_SIZE, len);
    r->out_pos += TRACE_RECORD_SIZE + len;
    r->seq++;
    return 1;
}

/* The index has to be the last record: 0, or -1 and an error. */
static int reader_index(TraceReader *r)
{
    TraceRecord record = {0};
    int got;

    r->indexed = true;
    got = reader_record(r, &record);
    trace_record_clear(&record);
    if (got > 0) {
        return reader_fail(r, TRACE_ERROR_DAMAGED,
                           "frame at byte %" PRIu64 ", record %" PRIu64
                           ": a record follows the index, want the trailer",
                           r->frame, r->seq - 1);
    }
    return got;
}

static int reader_next(TraceReader *r, TraceRecord *out, bool any,
                       GError **error)
{
    int got = -1;

    trace_record_clear(out);
    while (!r->failed) {
        got = reader_record(r, out);
        if (got <= 0) {
            break;
        }
        if (out->type == TRACE_INDEX) {
            trace_record_clear(out);
            got = reader_index(r);
            break;
        }
        if ((out->type == TRACE_HEADER) != (out->seq == 0)) {
            got = reader_bad_record(r, TRACE_ERROR_DAMAGED,
                                    "only record 0 is a header: type",
                                    out->type, TRACE_HEADER);
            break;
        }
        if (any || (out->type >= TRACE_HEADER && out->type < TRACE_INDEX)) {
            return 1;
        }
        if (!(out->flags & TRACE_OPTIONAL)) {
            got = reader_bad_record(r, TRACE_ERROR_VERSION,
                                    "not known to this program: type",
                                    out->type, TRACE_INDEX - 1);
            break;
        }
        trace_record_clear(out);
    }
    trace_record_clear(out);
    if (r->failed) {
        g_propagate_error(error, g_error_copy(r->failed));
        return -1;
    }
    return got;
}

int trace_next(TraceReader *r, TraceRecord *out, GError **error)
{
    return reader_next(r, out, false, error);
}

int trace_next_any(TraceReader *r, TraceRecord *out, GError **error)
{
    return reader_next(r, out, true, error);
}

/* Goes on with the frame at @offset, whose first record is @seq. */
static bool reader_restart(TraceReader *r, uint64_t offset, uint64_t seq)
{
    if (lseek(r->fd, offset, SEEK_SET) < 0) {
        reader_fail(r, TRACE_ERROR_IO, "cannot go to byte %" PRIu64 ": %s",
                    offset, g_strerror(errno));
        return false;
    }
    r->in_len = r->in_pos = 0;
    r->in_offset = offset;
    r->in_eof = false;
    r->place = READER_BETWEEN;
    r->frame = offset;
    r->seq = seq;
    r->indexed = false;
    g_byte_array_set_size(r->out, 0);
    r->out_pos = 0;
    g_clear_pointer(&r->tail, g_free);
    return true;
}

/* The index of a finished file; an empty one if there is none to trust. */
static void reader_load_index(TraceReader *r)
{
    uint8_t trailer[TRACE_TRAILER_SIZE];
    uint64_t offset, records;
    TraceRecord record = {0};
    off_t size = lseek(r->fd, 0, SEEK_END);

    if (size > TRACE_TRAILER_SIZE &&
        pread(r->fd, trailer, sizeof(trailer), size - TRACE_TRAILER_SIZE) ==
            TRACE_TRAILER_SIZE &&
        trace_trailer_parse(trailer, &offset, &records) &&
        reader_restart(r, offset, records) && reader_record(r, &record) == 1 &&
        record.type == TRACE_INDEX) {
        r->index = trace_index_decode(record.payload);
    }
    trace_record_clear(&record);
    g_clear_error(&r->failed);
    if (!r->index) {
        r->index = g_array_new(FALSE, FALSE, sizeof(TraceFrame));
    }
    /* What was read before is no place to go on from any more. */
    reader_restart(r, TRACE_PREAMBLE_SIZE, 0);
}

bool trace_seek(TraceReader *r, uint64_t seq, GError **error)
{
    TraceFrame from = {TRACE_PREAMBLE_SIZE, 0, 0};
    TraceRecord record = {0};
    int got = 1;

    if (!r->failed && !r->index) {
        reader_load_index(r);
    }
    for (guint i = 0; !r->failed && i < r->index->len; i++) {
        const TraceFrame *frame = &g_array_index(r->index, TraceFrame, i);

        if (frame->seq <= seq) {
            from = *frame;
        }
    }
    if (!r->failed &&
        (seq < r->seq || from.seq > r->seq || r->place == READER_AT_END)) {
        reader_restart(r, from.offset, from.seq);
    }
    while (!r->failed && got > 0 && r->seq < seq) {
        got = reader_record(r, &record);
        if (got > 0 && record.type == TRACE_INDEX) {
            got = 0;
        }
        trace_record_clear(&record);
    }
    if (r->failed) {
        g_propagate_error(error, g_error_copy(r->failed));
        return false;
    }
    if (got == 0) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_RANGE,
                    "%s: has no record %" PRIu64, r->name, seq);
        reader_restart(r, TRACE_PREAMBLE_SIZE, 0);
        return false;
    }
    return true;
}

/* Preamble and header record. */
static bool reader_start(TraceReader *r, GError **error)
{
    TraceRecord record = {0};

    if (!reader_fill(r)) {
        g_propagate_error(error, g_error_copy(r->failed));
        return false;
    }
    if (!trace_preamble_check(r->in, r->in_len, r->name, error)) {
        return false;
    }
    r->in_pos = TRACE_PREAMBLE_SIZE;
    switch (trace_next(r, &record, error)) {
    case 0:
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_TORN,
                    "%s: the header is not whole: %s", r->name,
                    r->tail ? r->tail : "there is an index only");
        return false;
    case 1:
        r->header = trace_header_decode(record.payload, error);
        trace_record_clear(&record);
        if (!r->header) {
            g_prefix_error(error, "%s: frame at byte %u, record 0: ", r->name,
                           TRACE_PREAMBLE_SIZE);
            return false;
        }
        return true;
    default:
        return false;
    }
}

TraceReader *trace_open_fd(int fd, const char *name, GError **error)
{
    TraceReader *r = g_new0(TraceReader, 1);

    r->fd = fd;
    r->name = g_filename_display_name(name);
    r->zstd = ZSTD_createDCtx();
    g_assert(r->zstd);
    ZSTD_DCtx_setParameter(r->zstd, ZSTD_d_windowLogMax, TRACE_WINDOW_LOG);
    r->out = g_byte_array_new();
    if (!reader_start(r, error)) {
        trace_reader_free(r);
        return NULL;
    }
    return r;
}

TraceReader *trace_open(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        g_autofree char *name = g_filename_display_name(path);

        g_set_error(error, TRACE_ERROR, TRACE_ERROR_IO, "%s: cannot open: %s",
                    name, g_strerror(errno));
        return NULL;
    }
    return trace_open_fd(fd, path, error);
}

void trace_reader_free(TraceReader *r)
{
    if (!r) {
        return;
    }
    close(r->fd);
    ZSTD_freeDCtx(r->zstd);
    g_byte_array_unref(r->out);
    g_clear_pointer(&r->index, g_array_unref);
    trace_header_free(r->header);
    g_clear_error(&r->failed);
    g_free(r->tail);
    g_free(r->name);
    g_free(r);
}

const TraceHeader *trace_reader_header(const TraceReader *r)
{
    return r->header;
}

bool trace_reader_truncated(const TraceReader *r)
{
    return r->tail != NULL;
}

const char *trace_reader_tail(const TraceReader *r)
{
    return r->tail;
}

uint64_t trace_reader_torn(const TraceReader *r)
{
    return r->torn;
}

uint64_t trace_reader_seq(const TraceReader *r)
{
    return r->indexed ? r->seq - 1 : r->seq;
}
