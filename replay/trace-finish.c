/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completes a trace: index, trailer, rename.
 *
 * A file whose writer was killed ends in a frame without an end.  Its whole
 * records go into a new frame, in a copy: until the rename, the file that was
 * found stays as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "replay/trace-format.h"

/* What a file holds. */
typedef struct TraceMap {
    GArray *frames;    /* of TraceFrame */
    uint64_t records;  /* the header's included */
    int64_t last_ns;   /* of the last record */
    bool finished;     /* index and trailer are there */
    uint64_t whole;    /* bytes of whole frames */
    uint64_t torn_seq; /* first record behind them */
} TraceMap;

static bool map_read(TraceMap *map, const char *path, GError **error)
{
    g_autoptr(TraceReader) r = trace_open(path, error);
    TraceRecord record = {0};
    int got;

    if (!r || !trace_seek(r, 0, error)) {
        return false;
    }
    map->frames = g_array_new(FALSE, FALSE, sizeof(TraceFrame));
    while ((got = trace_next_any(r, &record, error)) > 0) {
        guint n = map->frames->len;
        TraceFrame frame = {record.offset, record.seq, record.at_ns};

        if (n == 0 || g_array_index(map->frames, TraceFrame, n - 1).offset !=
                          record.offset) {
            g_array_append_val(map->frames, frame);
        }
        map->last_ns = record.at_ns;
    }
    trace_record_clear(&record);
    if (got < 0) {
        return false;
    }
    map->records = map->torn_seq = trace_reader_seq(r);
    map->finished = !trace_reader_truncated(r);
    if (map->finished) {
        return true;
    }
    map->whole = trace_reader_torn(r);
    if (map->frames->len) {
        TraceFrame *last =
            &g_array_index(map->frames, TraceFrame, map->frames->len - 1);

        if (last->offset == map->whole) {
            map->torn_seq = last->seq;
        }
    }
    return true;
}

/* The first @len bytes of @from, to @w. */
static bool copy_bytes(TraceWriter *w, const char *from, uint64_t len,
                       GError **error)
{
    g_autofree uint8_t *buf = g_malloc(1 << 16);
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0;

    while (good && len) {
        ssize_t got = read(fd, buf, MIN(len, 1 << 16));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        good = got > 0 && trace_writer_raw(w, buf, got, error);
        len -= good ? got : 0;
    }
    if (!good && error && !*error) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_IO, "%s: cannot read: %s",
                    from, g_strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* The whole records of @from's torn frame, to @w as a frame of their own. */
static bool copy_records(TraceWriter *w, const char *from, const TraceMap *map,
                         GError **error)
{
    g_autoptr(TraceReader) r = trace_open(from, error);
    TraceRecord record = {0};
    int got;

    if (!r || !trace_seek(r, map->torn_seq, error)) {
        return false;
    }
    while ((got = trace_next_any(r, &record, error)) > 0) {
        gsize len;
        const void *payload = g_bytes_get_data(record.payload, &len);

        if (!trace_write_vcpu(w, record.type, record.flags, record.vcpu,
                              record.at_ns, payload, len, error)) {
            break;
        }
    }
    trace_record_clear(&record);
    return got == 0;
}

static bool write_end(TraceWriter *w, const TraceMap *map, GError **error)
{
    g_autoptr(GByteArray) index = trace_index_encode(map->frames);
    uint8_t trailer[TRACE_TRAILER_SIZE];
    uint64_t offset, end;

    if (!trace_writer_offset(w, &offset, error) ||
        !trace_write(w, TRACE_INDEX, 0, map->last_ns, index->data, index->len,
                     error) ||
        !trace_writer_offset(w, &end, error)) {
        return false;
    }
    trace_trailer_fill(trailer, offset, map->records);
    return trace_writer_raw(w, trailer, sizeof(trailer), error) &&
           trace_writer_sync(w, error);
}

static bool finish_in(const char *path, const char *partial,
                      const TraceMap *map, GError **error)
{
    bool copy = strcmp(path, partial) != 0;
    TraceWriter *w =
        trace_writer_at(path, copy ? 0 : map->whole, map->torn_seq, error);
    bool good = w != NULL;

    if (good && copy) {
        good = copy_bytes(w, partial, map->whole, error) &&
               (map->torn_seq == map->records ||
                copy_records(w, partial, map, error));
    }
    good = good && write_end(w, map, error);
    if (w) {
        good = trace_close(w, good ? error : NULL) && good;
    }
    return good;
}

/* An empty file, with @partial locked against its writer: its fd, or -1. */
static int start_copy(const char *copy, const char *partial, GError **error)
{
    int lock = open(partial, O_RDONLY | O_CLOEXEC);
    int fd = -1;

    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_BUSY,
                    "%s: another process is writing it", partial);
        close(lock);
        return -1;
    }
    if (lock >= 0) {
        fd = open(copy, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    }
    if (fd < 0) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_IO, "%s: cannot open: %s",
                    lock < 0 ? partial : copy, g_strerror(errno));
        if (lock >= 0) {
            close(lock);
        }
        return -1;
    }
    close(fd);
    return lock;
}

/* Index and trailer for @partial; the path of the file that has them. */
static char *finish_file(const char *partial, const char *final,
                         const TraceMap *map, GError **error)
{
    g_autofree char *copy = NULL;
    int lock;
    bool good;

    if (map->torn_seq == map->records) {
        return finish_in(partial, partial, map, error) ? g_strdup(partial)
                                                       : NULL;
    }
    copy = g_strconcat(final, ".recovered", NULL);
    lock = start_copy(copy, partial, error);
    if (lock < 0) {
        return NULL;
    }
    good = finish_in(copy, partial, map, error);
    if (!good) {
        unlink(copy);
    }
    close(lock);
    return good ? g_steal_pointer(&copy) : NULL;
}

bool trace_finish(const char *partial, const char *final, GError **error)
{
    TraceMap map = {0};
    g_autofree char *path = NULL;
    bool good = map_read(&map, partial, error);

    if (good) {
        path = map.finished ? g_strdup(partial)
                            : finish_file(partial, final, &map, error);
    }
    g_clear_pointer(&map.frames, g_array_unref);
    if (!path) {
        return false;
    }
    if (rename(path, final) < 0) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_IO,
                    "%s: cannot rename it to %s: %s", path, final,
                    g_strerror(errno));
        return false;
    }
    if (strcmp(path, partial)) {
        unlink(partial);
    }
    return true;
}
