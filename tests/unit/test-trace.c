/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace files: written, read back, cut at every byte, completed. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replay/trace-format.h"
#include "tests/unit/trace-fixture.h"

/* Files are completed at each so many bytes: that waits for the disk. */
#define FINISH_EVERY 61

static void test_trace_round_trip(TraceFixture *f, gconstpointer data)
{
    g_autoptr(TraceReader) r = NULL;
    g_autofree const char **args = NULL;

    (void)data;
    trace_fixture_write(f->partial, 60);
    trace_fixture_finish(f);
    r = trace_fixture_open(f->final);
    g_assert_cmpuint(trace_fixture_read(r), ==, 60);
    g_assert_false(trace_reader_truncated(r));
    g_assert_null(trace_reader_tail(r));
    g_assert_cmpstr(trace_header_get(trace_reader_header(r), "format"), ==,
                    "1");
    g_assert_null(trace_header_get(trace_reader_header(r), "none"));
    args = trace_header_values(trace_reader_header(r), "arg");
    g_assert_cmpstr(args[0], ==, "-accel");
    g_assert_cmpstr(args[1], ==, "tcg");
    g_assert_null(args[2]);
}

static void test_trace_being_written_is_read(TraceFixture *f,
                                             gconstpointer data)
{
    TraceWriter *w = trace_fixture_create(f->partial);
    GError *error = NULL;

    (void)data;
    for (unsigned seq = 1; seq < 20; seq++) {
        g_autoptr(TraceReader) r = NULL;

        trace_fixture_put(w, seq);
        g_assert_true(trace_flush(w, &error));
        r = trace_fixture_open(f->partial);
        g_assert_cmpuint(trace_fixture_read(r), ==, seq + 1);
        g_assert_true(trace_reader_truncated(r));
    }
    g_assert_true(trace_close(w, &error));
}

static void test_trace_second_writer_is_refused(TraceFixture *f,
                                                gconstpointer data)
{
    TraceWriter *w = trace_fixture_create(f->partial);
    GError *error = NULL;

    (void)data;
    g_assert_true(trace_new_frame(w, &error));
    g_assert_null(trace_append(f->partial, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_BUSY);
    g_clear_error(&error);
    g_assert_false(trace_finish(f->partial, f->final, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_BUSY);
    g_clear_error(&error);
    trace_fixture_put(w, 1);
    g_assert_true(trace_flush(w, &error));
    g_assert_false(trace_finish(f->partial, f->final, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_BUSY);
    g_clear_error(&error);
    g_assert_true(trace_close(w, &error));
}

static void test_trace_appended_goes_on(TraceFixture *f, gconstpointer data)
{
    g_autoptr(TraceReader) r = NULL;
    GError *error = NULL;
    TraceWriter *w;

    (void)data;
    trace_fixture_write(f->partial, 10);
    for (unsigned seq = 10; seq < 14; seq++) {
        w = trace_append(f->partial, &error);
        g_assert_no_error(error);
        trace_fixture_put(w, seq);
        g_assert_true(trace_close(w, &error));
    }
    trace_fixture_finish(f);
    r = trace_fixture_open(f->final);
    g_assert_cmpuint(trace_fixture_read(r), ==, 14);
    g_assert_null(trace_append(f->final, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_RANGE);
    g_clear_error(&error);
}

static void test_trace_seek_reaches_every_record(TraceFixture *f,
                                                 gconstpointer data)
{
    const char *path = data ? f->final : f->partial;
    g_autoptr(TraceReader) r = NULL;
    TraceRecord record = {0};
    GError *error = NULL;

    trace_fixture_write(f->partial, 60);
    if (data) {
        trace_fixture_finish(f);
    }
    r = trace_fixture_open(path);
    for (unsigned i = 0; i < 200; i++) {
        unsigned seq = 1 + i * 23 % 59;

        g_assert_true(trace_seek(r, seq, &error));
        g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
        trace_fixture_assert(&record, seq);
    }
    g_assert_false(trace_seek(r, 61, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_RANGE);
    g_clear_error(&error);
    g_assert_true(trace_seek(r, 0, &error));
    g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
    g_assert_cmpint(record.type, ==, TRACE_HEADER);
    g_assert_cmpuint(trace_fixture_read(r), ==, 60);
    trace_record_clear(&record);
}

/*
 * A file with its size behind each record: what is whole of the first bytes
 * of it.  The file's frame is ended, as by trace_close().
 */
static GArray *write_measured(const char *path, unsigned end)
{
    GArray *sizes = g_array_new(FALSE, FALSE, sizeof(guint64));
    TraceWriter *w = trace_fixture_create(path);
    GError *error = NULL;

    for (unsigned seq = 0; seq < end; seq++) {
        struct stat st;
        guint64 size;

        if (seq) {
            trace_fixture_put(w, seq);
        }
        g_assert_true(trace_flush(w, &error));
        g_assert_cmpint(stat(path, &st), ==, 0);
        size = st.st_size;
        g_array_append_val(sizes, size);
        if (seq == end / 2) {
            g_assert_true(trace_new_frame(w, &error));
        }
    }
    g_assert_true(trace_close(w, &error));
    return sizes;
}

/* Whole records of the first @len bytes. */
static unsigned whole_records(const GArray *sizes, gsize len)
{
    unsigned n = 0;

    while (n < sizes->len && g_array_index(sizes, guint64, n) <= len) {
        n++;
    }
    return n;
}

static void test_trace_cut_at_every_byte(TraceFixture *f, gconstpointer data)
{
    g_autoptr(GArray) sizes = write_measured(f->partial, 24);
    g_autofree char *bytes = NULL;
    gsize len = trace_fixture_get_file(f->partial, &bytes);

    (void)data;
    for (gsize cut = 0; cut <= len; cut++) {
        unsigned whole = whole_records(sizes, cut);
        GError *error = NULL;
        TraceReader *r;

        trace_fixture_put_file(f->partial, bytes, cut);
        r = trace_open(f->partial, &error);
        if (whole == 0) {
            g_assert_null(r);
            g_assert_error(error, TRACE_ERROR, TRACE_ERROR_TORN);
            g_clear_error(&error);
            g_assert_false(trace_finish(f->partial, f->final, &error));
            g_clear_error(&error);
            continue;
        }
        g_assert_no_error(error);
        g_assert_cmpuint(trace_fixture_read(r), ==, whole);
        g_assert_true(trace_reader_truncated(r));
        g_assert_nonnull(strstr(trace_reader_tail(r), "byte"));
        trace_reader_free(r);
        if (cut % FINISH_EVERY) {
            continue;
        }
        trace_fixture_finish(f);
        r = trace_fixture_open(f->final);
        g_assert_cmpuint(trace_fixture_read(r), ==, whole);
        g_assert_false(trace_reader_truncated(r));
        g_assert_true(trace_seek(r, whole - 1, &error));
        trace_reader_free(r);
    }
}

static void test_trace_finished_cut_at_every_byte(TraceFixture *f,
                                                  gconstpointer data)
{
    g_autofree char *bytes = NULL;
    gsize len, body;

    (void)data;
    trace_fixture_write(f->partial, 12);
    {
        g_autofree char *before = NULL;

        body = trace_fixture_get_file(f->partial, &before);
    }
    trace_fixture_finish(f);
    len = trace_fixture_get_file(f->final, &bytes);
    g_assert_cmpuint(len, >, body);
    for (gsize cut = body; cut < len; cut++) {
        TraceReader *r;

        trace_fixture_put_file(f->partial, bytes, cut);
        r = trace_fixture_open(f->partial);
        g_assert_cmpuint(trace_fixture_read(r), ==, 12);
        g_assert_true(trace_reader_truncated(r));
        trace_reader_free(r);
        if (cut % FINISH_EVERY) {
            continue;
        }
        trace_fixture_finish(f);
        {
            g_autofree char *again = NULL;
            gsize size = trace_fixture_get_file(f->final, &again);

            g_assert_cmpmem(again, size, bytes, len);
        }
    }
}

static void test_trace_append_to_torn_is_refused(TraceFixture *f,
                                                 gconstpointer data)
{
    g_autofree char *bytes = NULL;
    GError *error = NULL;
    gsize len;

    (void)data;
    trace_fixture_write(f->partial, 8);
    len = trace_fixture_get_file(f->partial, &bytes);
    trace_fixture_put_file(f->partial, bytes, len - 1);
    g_assert_null(trace_append(f->partial, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_TORN);
    g_assert_nonnull(strstr(error->message, "has no end"));
    g_clear_error(&error);
}

/* Writes samples for ever; tells @ack of each once it is flushed. */
static void G_GNUC_NORETURN write_until_killed(const char *path, int ack)
{
    TraceWriter *w = trace_fixture_create(path);

    for (unsigned seq = 1;; seq++) {
        trace_fixture_put(w, seq);
        if (!trace_flush(w, NULL) ||
            (seq % 7 == 0 && !trace_new_frame(w, NULL)) ||
            write(ack, &seq, sizeof(seq)) != sizeof(seq)) {
            _exit(1);
        }
    }
}

static void test_trace_killed_writer_loses_nothing(TraceFixture *f,
                                                   gconstpointer data)
{
    (void)data;
    for (unsigned round = 0; round < 100; round++) {
        unsigned seq = 0, least = 1 + round * 37 % 97;
        TraceReader *r;
        int pipe_fd[2], status;
        pid_t child;

        g_assert_cmpint(pipe(pipe_fd), ==, 0);
        child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            write_until_killed(f->partial, pipe_fd[1]);
        }
        close(pipe_fd[1]);
        while (seq < least) {
            g_assert_cmpint(read(pipe_fd[0], &seq, sizeof(seq)), ==,
                            sizeof(seq));
        }
        kill(child, SIGKILL);
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true(WIFSIGNALED(status));
        /* What it could tell before the signal came. */
        while (read(pipe_fd[0], &seq, sizeof(seq)) == sizeof(seq)) {
            continue;
        }
        close(pipe_fd[0]);
        r = trace_fixture_open(f->partial);
        g_assert_cmpuint(trace_fixture_read(r), >, seq);
        trace_reader_free(r);
    }
}

static void test_trace_unknown_optional_is_skipped(TraceFixture *f,
                                                   gconstpointer data)
{
    TraceWriter *w = trace_fixture_create(f->partial);
    TraceRecord record = {0};
    GError *error = NULL;

    (void)data;
    trace_write(w, 77, TRACE_OPTIONAL, 5, "x", 1, &error);
    trace_fixture_put(w, 2);
    /* Killed here: the recovery keeps what it does not know. */
    g_assert_true(trace_flush(w, &error));
    {
        g_autofree char *bytes = NULL;
        gsize len = trace_fixture_get_file(f->partial, &bytes);

        g_assert_true(trace_close(w, &error));
        trace_fixture_put_file(f->partial, bytes, len);
    }
    trace_fixture_finish(f);
    {
        g_autoptr(TraceReader) r = trace_fixture_open(f->final);

        g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
        trace_fixture_assert(&record, 2);
        g_assert_cmpint(trace_next(r, &record, &error), ==, 0);
        g_assert_false(trace_reader_truncated(r));
        g_assert_true(trace_seek(r, 1, &error));
        g_assert_cmpint(trace_next_any(r, &record, &error), ==, 1);
        g_assert_cmpuint(record.type, ==, 77);
    }
    trace_record_clear(&record);
}

static void test_trace_big_payload_round_trips(TraceFixture *f,
                                               gconstpointer data)
{
    g_autofree uint8_t *big = g_malloc(TRACE_PAYLOAD_MAX + 1);
    g_autoptr(TraceReader) r = NULL;
    TraceWriter *w = trace_fixture_create(f->partial);
    TraceRecord record = {0};
    GError *error = NULL;
    gsize len;
    uint32_t state = 1;

    (void)data;
    for (unsigned i = 0; i <= TRACE_PAYLOAD_MAX; i++) {
        state = state * 1664525 + 1013904223;
        big[i] = state >> 24;
    }
    g_assert_true(trace_write(w, TRACE_OUTPUT, TRACE_OPTIONAL, 1, big,
                              TRACE_PAYLOAD_MAX, &error));
    g_assert_true(trace_flush(w, &error));
    g_assert_false(
        trace_write(w, TRACE_OUTPUT, 0, 1, big, TRACE_PAYLOAD_MAX + 1, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_RANGE);
    g_clear_error(&error);
    g_assert_false(trace_close(w, &error));
    g_clear_error(&error);
    trace_fixture_finish(f);
    r = trace_fixture_open(f->final);
    g_assert_cmpint(trace_next(r, &record, &error), ==, 1);
    g_assert_nonnull(g_bytes_get_data(record.payload, &len));
    g_assert_cmpmem(g_bytes_get_data(record.payload, NULL), len, big,
                    TRACE_PAYLOAD_MAX);
    g_assert_cmpint(trace_next(r, &record, &error), ==, 0);
}

static void test_trace_full_disk_is_reported(TraceFixture *f,
                                             gconstpointer data)
{
    g_autoptr(TraceHeader) h = trace_header_new();
    GError *error = NULL;

    (void)f;
    (void)data;
    g_assert_null(trace_create("/dev/full", h, &error));
    g_assert_error(error, TRACE_ERROR, TRACE_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "/dev/full: cannot"));
    g_clear_error(&error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TRACE_TEST("/trace/round-trip", NULL, test_trace_round_trip);
    TRACE_TEST("/trace/being-written", NULL, test_trace_being_written_is_read);
    TRACE_TEST("/trace/second-writer", NULL,
               test_trace_second_writer_is_refused);
    TRACE_TEST("/trace/append", NULL, test_trace_appended_goes_on);
    TRACE_TEST("/trace/append/torn", NULL,
               test_trace_append_to_torn_is_refused);
    TRACE_TEST("/trace/seek/partial", NULL,
               test_trace_seek_reaches_every_record);
    TRACE_TEST("/trace/seek/finished", "",
               test_trace_seek_reaches_every_record);
    TRACE_TEST("/trace/cut", NULL, test_trace_cut_at_every_byte);
    TRACE_TEST("/trace/cut/finished", NULL,
               test_trace_finished_cut_at_every_byte);
    TRACE_TEST("/trace/killed", NULL, test_trace_killed_writer_loses_nothing);
    TRACE_TEST("/trace/optional", NULL, test_trace_unknown_optional_is_skipped);
    TRACE_TEST("/trace/big", NULL, test_trace_big_payload_round_trips);
    TRACE_TEST("/trace/full", NULL, test_trace_full_disk_is_reported);
    return g_test_run();
}
