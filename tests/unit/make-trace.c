/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a trace that standard input describes, a line each:
 *
 *   header KEY VALUE                      (VALUE goes to the end of the line)
 *   record TYPE FLAGS VCPU AT_NS [HEX]    (all numbers decimal)
 *   frame | flush | finish FINAL | die
 *
 * "die" leaves the file as a killed writer does; else the end closes it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/trace.h"

typedef struct Maker {
    const char *path;
    TraceHeader *header;
    TraceWriter *w; /* NULL before the first record */
} Maker;

static bool make_start(Maker *m, GError **error)
{
    if (!m->w) {
        m->w = trace_create(m->path, m->header, error);
    }
    return m->w != NULL;
}

static bool make_record(Maker *m, char **words, GError **error)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    for (const char *hex = words[5]; hex && hex[0] && hex[1]; hex += 2) {
        guint8 byte =
            g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]);

        g_byte_array_append(payload, &byte, 1);
    }
    return trace_write_vcpu(
        m->w, strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10),
        strtoul(words[3], NULL, 10), strtoll(words[4], NULL, 10), payload->data,
        payload->len, error);
}

static bool make_line(Maker *m, char *line, GError **error)
{
    g_auto(GStrv) words = NULL;

    g_strchomp(line);
    words = g_strsplit(line, " ", g_str_has_prefix(line, "header ") ? 3 : 6);
    if (!strcmp(words[0], "header")) {
        trace_header_add(m->header, words[1], words[2]);
        return true;
    }
    if (!make_start(m, error)) {
        return false;
    }
    if (!strcmp(words[0], "record") && g_strv_length(words) >= 5) {
        return make_record(m, words, error);
    }
    if (!strcmp(words[0], "frame")) {
        return trace_new_frame(m->w, error);
    }
    if (!strcmp(words[0], "flush")) {
        return trace_flush(m->w, error);
    }
    if (!strcmp(words[0], "finish") && words[1]) {
        return trace_close(g_steal_pointer(&m->w), error) &&
               trace_finish(m->path, words[1], error);
    }
    if (!strcmp(words[0], "die")) {
        _Exit(0);
    }
    g_set_error(error, TRACE_ERROR, TRACE_ERROR_RANGE, "no such line: %s",
                line);
    return false;
}

int main(int argc, char **argv)
{
    Maker m = {.path = argv[1], .header = trace_header_new()};
    GError *error = NULL;
    char *line = NULL;
    size_t size = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: make-trace FILE <LINES\n");
        return 2;
    }
    while (!error && getline(&line, &size, stdin) > 0) {
        make_line(&m, line, &error);
    }
    if (m.w && !error) {
        trace_close(m.w, &error);
    }
    free(line);
    trace_header_free(m.header);
    if (error) {
        fprintf(stderr, "make-trace: %s\n", error->message);
        return 1;
    }
    return 0;
}
