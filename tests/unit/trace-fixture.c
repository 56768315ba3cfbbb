/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace files in a folder of their own, and sample records. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "tests/unit/trace-fixture.h"

void trace_fixture_set_up(TraceFixture *f, gconstpointer data)
{
    (void)data;
    f->folder = g_dir_make_tmp("jumpcut-trace-XXXXXX", NULL);
    g_assert_nonnull(f->folder);
    f->partial = g_build_filename(f->folder, "a.jct.partial", NULL);
    f->final = g_build_filename(f->folder, "a.jct", NULL);
}

void trace_fixture_tear_down(TraceFixture *f, gconstpointer data)
{
    (void)data;
    g_unlink(f->partial);
    g_unlink(f->final);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->folder);
    g_free(f->partial);
    g_free(f->final);
}

TraceWriter *trace_fixture_create(const char *path)
{
    g_autoptr(TraceHeader) h = trace_header_new();
    GError *error = NULL;
    TraceWriter *w;

    trace_header_add(h, "format", "1");
    trace_header_add(h, "arg", "-accel");
    trace_header_add(h, "arg", "tcg");
    w = trace_create(path, h, &error);
    g_assert_no_error(error);
    return w;
}

/* The payload of the sample's record @seq; they differ in size. */
static GByteArray *sample_payload(unsigned seq)
{
    GByteArray *payload = g_byte_array_new();

    for (unsigned i = 0; i < seq * 37 % 101; i++) {
        uint8_t byte = i * seq;

        g_byte_array_append(payload, &byte, 1);
    }
    return payload;
}

void trace_fixture_put(TraceWriter *w, unsigned seq)
{
    g_autoptr(GByteArray) payload = sample_payload(seq);
    GError *error = NULL;

    g_assert_cmpuint(trace_writer_seq(w), ==, seq);
    trace_write_vcpu(w, seq % 2 ? TRACE_DIGEST : TRACE_INPUT_BYTES,
                     seq % 3 ? 0 : TRACE_AT_STOP, seq % 4, seq * 1000,
                     payload->data, payload->len, &error);
    g_assert_no_error(error);
}

void trace_fixture_assert(const TraceRecord *record, unsigned seq)
{
    g_autoptr(GByteArray) want = sample_payload(seq);
    gsize len;
    const void *got = g_bytes_get_data(record->payload, &len);

    g_assert_cmpuint(record->seq, ==, seq);
    g_assert_cmpuint(record->type, ==,
                     seq % 2 ? TRACE_DIGEST : TRACE_INPUT_BYTES);
    g_assert_cmpuint(record->flags, ==, seq % 3 ? 0 : TRACE_AT_STOP);
    g_assert_cmpuint(record->vcpu, ==, seq % 4);
    g_assert_cmpint(record->at_ns, ==, seq * 1000);
    g_assert_cmpmem(got, len, want->data, want->len);
}

/* Records 1 to @end - 1, a flush behind each and three frames. */
void trace_fixture_write(const char *path, unsigned end)
{
    TraceWriter *w = trace_fixture_create(path);
    GError *error = NULL;

    for (unsigned seq = 1; seq < end; seq++) {
        trace_fixture_put(w, seq);
        trace_flush(w, &error);
        if (seq == end / 3 || seq == end / 2) {
            trace_new_frame(w, &error);
        }
        g_assert_no_error(error);
    }
    trace_close(w, &error);
    g_assert_no_error(error);
}

TraceReader *trace_fixture_open(const char *path)
{
    GError *error = NULL;
    TraceReader *r = trace_open(path, &error);

    g_assert_no_error(error);
    return r;
}

/* Reads to the end from record 1 on; how many records there are in all. */
unsigned trace_fixture_read(TraceReader *r)
{
    TraceRecord record = {0};
    GError *error = NULL;
    unsigned seq = 1;

    while (trace_next(r, &record, &error) > 0) {
        trace_fixture_assert(&record, seq++);
    }
    g_assert_no_error(error);
    trace_record_clear(&record);
    return seq;
}

void trace_fixture_finish(TraceFixture *f)
{
    GError *error = NULL;

    trace_finish(f->partial, f->final, &error);
    g_assert_no_error(error);
    g_assert_false(g_file_test(f->partial, G_FILE_TEST_EXISTS));
}

/* A file of @len bytes. */
void trace_fixture_put_file(const char *path, const void *bytes, gsize len)
{
    int fd;

    /* A file that is emptied waits for the disk when it is closed. */
    g_unlink(path);
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, bytes, len), ==, len);
    close(fd);
}

gsize trace_fixture_get_file(const char *path, char **bytes)
{
    GError *error = NULL;
    gsize len;

    g_file_get_contents(path, bytes, &len, &error);
    g_assert_no_error(error);
    return len;
}
