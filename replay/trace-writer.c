/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writer of trace files.
 *
 * A flush ends a block of zstd's, so that a reader gets every record before
 * it from what has reached the file, whatever becomes of the writer.  A lock
 * on the file keeps a second writer out; it goes with the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zstd.h>

#include "replay/trace-format.h"

#define TRACE_LEVEL 3 /* of compression; more gains little on small records */

struct TraceWriter {
    int fd;
    char *name;
    ZSTD_CCtx *zstd;
    bool in_frame;
    bool unflushed; /* zstd may hold something back */
    uint64_t seq;
    GError *failed; /* the first failure; nothing is written after it */
    GByteArray *out;
};

static bool writer_fail(TraceWriter *w, int code, const char *what,
                        const char *why, GError **error)
{
    if (!w->failed) {
        w->failed =
            g_error_new(TRACE_ERROR, code, "%s: %s: %s", w->name, what, why);
    }
    g_propagate_error(error, g_error_copy(w->failed));
    return false;
}

static bool writer_usable(TraceWriter *w, GError **error)
{
    if (w->failed) {
        g_propagate_error(error, g_error_copy(w->failed));
        return false;
    }
    return true;
}

bool trace_writer_raw(TraceWriter *w, const void *buf, size_t len,
                      GError **error)
{
    const uint8_t *at = buf;

    while (len) {
        ssize_t done = write(w->fd, at, len);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return writer_fail(w, TRACE_ERROR_IO, "cannot write",
                               done ? g_strerror(errno) : "nothing written",
                               error);
        }
        at += done;
        len -= done;
    }
    return true;
}

/* Gives zstd @len bytes, and the file what zstd gives. */
static bool writer_compress(TraceWriter *w, const void *buf, size_t len,
                            ZSTD_EndDirective how, GError **error)
{
    ZSTD_inBuffer in = {buf, len, 0};
    size_t left;

    do {
        ZSTD_outBuffer out = {w->out->data, w->out->len, 0};

        left = ZSTD_compressStream2(w->zstd, &out, &in, how);
        if (ZSTD_isError(left)) {
            return writer_fail(w, TRACE_ERROR_IO, "cannot compress",
                               ZSTD_getErrorName(left), error);
        }
        if (!trace_writer_raw(w, out.dst, out.pos, error)) {
            return false;
        }
    } while (how == ZSTD_e_continue ? in.pos < in.size : left != 0);
    return true;
}

/* A writer with the file's lock; @flags as of open(2). */
static TraceWriter *writer_new(const char *path, int flags, GError **error)
{
    TraceWriter *w;
    int fd = open(path, flags | O_WRONLY | O_CLOEXEC, 0644);
    g_autofree char *name = g_filename_display_name(path);

    if (fd < 0) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_IO,
                    "%s: cannot open for writing: %s", name, g_strerror(errno));
        return NULL;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_BUSY,
                    "%s: another process is writing it", name);
        close(fd);
        return NULL;
    }
    w = g_new0(TraceWriter, 1);
    w->fd = fd;
    w->name = g_steal_pointer(&name);
    w->zstd = ZSTD_createCCtx();
    g_assert(w->zstd);
    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, TRACE_LEVEL);
    w->out = g_byte_array_new();
    g_byte_array_set_size(w->out, ZSTD_CStreamOutSize());
    return w;
}

static void writer_free(TraceWriter *w)
{
    ZSTD_freeCCtx(w->zstd);
    g_byte_array_unref(w->out);
    g_clear_error(&w->failed);
    g_free(w->name);
    g_free(w);
}

TraceWriter *trace_writer_at(const char *path, uint64_t offset, uint64_t seq,
                             GError **error)
{
    TraceWriter *w = writer_new(path, 0, error);

    if (w &&
        (ftruncate(w->fd, offset) < 0 || lseek(w->fd, offset, SEEK_SET) < 0)) {
        writer_fail(w, TRACE_ERROR_IO, "cannot go to the end",
                    g_strerror(errno), error);
        close(w->fd);
        writer_free(w);
        return NULL;
    }
    if (w) {
        w->seq = seq;
    }
    return w;
}

TraceWriter *trace_create(const char *path, const TraceHeader *header,
                          GError **error)
{
    g_autoptr(GByteArray) payload = trace_header_encode(header);
    uint8_t preamble[TRACE_PREAMBLE_SIZE];
    /* Emptied with the lock held, not when it is opened. */
    TraceWriter *w = writer_new(path, O_CREAT, error);

    if (!w) {
        return NULL;
    }
    trace_preamble_fill(preamble);
    if (ftruncate(w->fd, 0) < 0) {
        writer_fail(w, TRACE_ERROR_IO, "cannot empty", g_strerror(errno),
                    error);
    } else if (trace_writer_raw(w, preamble, sizeof(preamble), error) &&
               trace_write(w, TRACE_HEADER, 0, 0, payload->data, payload->len,
                           error) &&
               trace_flush(w, error)) {
        return w;
    }
    trace_close(w, NULL);
    return NULL;
}

TraceWriter *trace_append(const char *path, GError **error)
{
    g_autoptr(TraceReader) r = trace_open(path, error);
    TraceRecord record = {0};
    uint64_t torn;
    int got;

    if (!r) {
        return NULL;
    }
    while ((got = trace_next(r, &record, error)) > 0) {
        continue;
    }
    trace_record_clear(&record);
    if (got < 0) {
        return NULL;
    }
    if (!trace_reader_truncated(r)) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_RANGE,
                    "%s: is finished, nothing can be appended", path);
        return NULL;
    }
    torn = trace_reader_torn(r);
    if (torn != trace_reader_position(r)) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_TORN,
                    "%s: cannot append: %s", path, trace_reader_tail(r));
        return NULL;
    }
    return trace_writer_at(path, torn, trace_reader_seq(r), error);
}

bool trace_write_vcpu(TraceWriter *w, uint16_t type, uint16_t flags,
                      uint32_t vcpu, int64_t at_ns, const void *payload,
                      size_t len, GError **error)
{
    uint8_t head[TRACE_RECORD_SIZE] = {0};

    if (!writer_usable(w, error)) {
        return false;
    }
    if (len > TRACE_PAYLOAD_MAX) {
        return writer_fail(w, TRACE_ERROR_RANGE, "cannot write a record",
                           "its payload is longer than 16 MiB", error);
    }
    trace_put_le(head, len, 4);
    trace_put_le(head + 4, type, 2);
    trace_put_le(head + 6, flags, 2);
    trace_put_le(head + 8, vcpu, 4);
    trace_put_le(head + 16, at_ns, 8);
    trace_put_le(head + 24, w->seq, 8);
    trace_put_le(head + TRACE_CRC_OFFSET, trace_record_crc(head, payload, len),
                 4);
    w->in_frame = w->unflushed = true;
    if (!writer_compress(w, head, sizeof(head), ZSTD_e_continue, error) ||
        !writer_compress(w, payload, len, ZSTD_e_continue, error)) {
        return false;
    }
    w->seq++;
    return true;
}

bool trace_write(TraceWriter *w, uint16_t type, uint16_t flags, int64_t at_ns,
                 const void *payload, size_t len, GError **error)
{
    return trace_write_vcpu(w, type, flags, 0, at_ns, payload, len, error);
}

bool trace_flush(TraceWriter *w, GError **error)
{
    if (!writer_usable(w, error)) {
        return false;
    }
    if (!w->unflushed) {
        return true;
    }
    w->unflushed = false;
    return writer_compress(w, NULL, 0, ZSTD_e_flush, error);
}

bool trace_new_frame(TraceWriter *w, GError **error)
{
    if (!writer_usable(w, error)) {
        return false;
    }
    if (w->in_frame) {
        w->in_frame = w->unflushed = false;
        return writer_compress(w, NULL, 0, ZSTD_e_end, error);
    }
    return true;
}

uint64_t trace_writer_seq(const TraceWriter *w)
{
    return w->seq;
}

bool trace_writer_offset(TraceWriter *w, uint64_t *offset, GError **error)
{
    off_t at;

    if (!trace_new_frame(w, error)) {
        return false;
    }
    at = lseek(w->fd, 0, SEEK_CUR);
    if (at < 0) {
        return writer_fail(w, TRACE_ERROR_IO, "cannot tell the position",
                           g_strerror(errno), error);
    }
    *offset = at;
    return true;
}

bool trace_writer_sync(TraceWriter *w, GError **error)
{
    if (!writer_usable(w, error)) {
        return false;
    }
    if (fsync(w->fd) < 0) {
        return writer_fail(w, TRACE_ERROR_IO, "cannot sync", g_strerror(errno),
                           error);
    }
    return true;
}

bool trace_close(TraceWriter *w, GError **error)
{
    bool good = trace_new_frame(w, error);

    /* The file system may keep an error of a write for the end. */
    if (close(w->fd) < 0 && good) {
        good = writer_fail(w, TRACE_ERROR_IO, "cannot close", g_strerror(errno),
                           error);
    }
    writer_free(w);
    return good;
}
