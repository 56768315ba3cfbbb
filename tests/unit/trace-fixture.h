/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace files in a folder of their own, and sample records.
 */
#ifndef JUMPCUT_TESTS_UNIT_TRACE_FIXTURE_H
#define JUMPCUT_TESTS_UNIT_TRACE_FIXTURE_H

#include "replay/trace.h"

typedef struct TraceFixture {
    char *folder, *partial, *final;
} TraceFixture;

void trace_fixture_set_up(TraceFixture *f, gconstpointer data);
void trace_fixture_tear_down(TraceFixture *f, gconstpointer data);
#define TRACE_TEST(path, data, func)                                 \
    g_test_add(path, TraceFixture, data, trace_fixture_set_up, func, \
               trace_fixture_tear_down)

/* All of these fail the test if they fail. */
TraceWriter *trace_fixture_create(const char *path);
/* The sample's record @seq, which has to be the next; it is not flushed. */
void trace_fixture_put(TraceWriter *w, unsigned seq);
void trace_fixture_assert(const TraceRecord *record, unsigned seq);
/* A file of records up to @end - 1, a flush behind each and three frames. */
void trace_fixture_write(const char *path, unsigned end);
TraceReader *trace_fixture_open(const char *path);
/* Reads samples from record 1 on; how many records there are in all. */
unsigned trace_fixture_read(TraceReader *r);
void trace_fixture_finish(TraceFixture *f);
/* A file of @len bytes; what a file holds, to be freed. */
void trace_fixture_put_file(const char *path, const void *bytes, gsize len);
gsize trace_fixture_get_file(const char *path, char **bytes);

#endif
