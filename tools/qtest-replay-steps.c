/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device-level steps, from a trace or from lines. */
#include <stdio.h>
#include <string.h>

#include "replay/trace.h"
#include "tools/qtest-replay-machine.h"
#include "tools/qtest-replay-steps.h"

#define LINE_MAX_BYTES (1u << 20)
#define ALL_MAX_BYTES  (256u << 20)

static gboolean fail(GError **error, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list ap;

    va_start(ap, format);
    message = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, QTEST_STEPS_ERROR, 0, message);
    return FALSE;
}

static QtestSteps *steps_new(void)
{
    QtestSteps *steps = g_new0(QtestSteps, 1);

    steps->args = g_ptr_array_new_with_free_func(g_free);
    steps->requests = g_ptr_array_new_with_free_func(g_free);
    steps->answers = g_ptr_array_new_with_free_func(g_free);
    return steps;
}

void qtest_steps_free(QtestSteps *steps)
{
    if (steps) {
        g_ptr_array_free(steps->args, TRUE);
        g_ptr_array_free(steps->requests, TRUE);
        g_ptr_array_free(steps->answers, TRUE);
        g_free(steps->plugin);
        g_free(steps);
    }
}

/* Takes the line. "|" separates steps on their way to QEMU. */
static gboolean add_request(QtestSteps *steps, char *line, GError **error)
{
    g_ptr_array_add(steps->requests, line);
    if (line[0] != '@' || !g_ascii_isxdigit(line[1]) || strchr(line, '|')) {
        return fail(error, "this is no request of a step, '@TIME CALL...'");
    }
    return TRUE;
}

static gboolean add_answer(QtestSteps *steps, char *line, GError **error)
{
    g_ptr_array_add(steps->answers, line);
    if (!*line || strchr(line, '|')) {
        return fail(error, "this is no answer of a step");
    }
    return TRUE;
}

/* The line at @text, newly allocated; NULL: it is none */
static char *take_line(const char **text, size_t *len, GError **error)
{
    const char *end = memchr(*text, '\n', MIN(*len, LINE_MAX_BYTES));
    const char *start = *text;
    size_t n = end ? (size_t)(end - start) : *len;

    if (!end) {
        fail(error, *len >= LINE_MAX_BYTES ? "the line has more than 1 MiB"
                                           : "the line has no end");
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (start[i] < ' ' || start[i] > '~') {
            fail(error, "byte 0x%02x is no printable character",
                 (guint8)start[i]);
            return NULL;
        }
    }
    *text += n + 1;
    *len -= n + 1;
    return g_strndup(start, n);
}

/* A record's payload: whole steps. */
static gboolean add_payload(QtestSteps *steps, GBytes *payload, GError **error)
{
    size_t len;
    const char *text = g_bytes_get_data(payload, &len);

    while (len) {
        char *line = take_line(&text, &len, error);

        if (!line || !add_request(steps, line, error)) {
            return FALSE;
        }
        line = take_line(&text, &len, error);
        if (!line || !add_answer(steps, line, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Lines */

static gboolean add_line(QtestSteps *steps, char *line, GError **error)
{
    gboolean asked = steps->requests->len > steps->answers->len;

    if (g_str_has_prefix(line, "> ") && !asked) {
        return add_request(steps, g_strdup(line + 2), error);
    }
    if (g_str_has_prefix(line, "< ") && asked) {
        return add_answer(steps, g_strdup(line + 2), error);
    }
    if (g_str_has_prefix(line, "# arg ") && !steps->requests->len) {
        g_ptr_array_add(steps->args, g_strdup(line + strlen("# arg ")));
        return TRUE;
    }
    if (g_str_has_prefix(line, "# plugin ") && !steps->plugin) {
        steps->plugin = g_strdup(line + strlen("# plugin "));
        return TRUE;
    }
    if (!strcmp(line, "# end") && !asked && !steps->complete) {
        steps->complete = TRUE;
        return TRUE;
    }
    return fail(error, "wanted %s",
                asked ? "'< ANSWER'"
                      : "'> REQUEST', '# arg WORD', '# plugin OPTIONS' or "
                        "'# end'");
}

/* A file may come from anybody: only what makes a machine goes to QEMU. */
static gboolean check_words(const QtestSteps *steps, GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *plugin = NULL;

    for (guint i = 0; i < steps->args->len; i++) {
        g_ptr_array_add(argv, g_ptr_array_index(steps->args, i));
    }
    g_ptr_array_add(argv, (char *)"-plugin");
    g_ptr_array_add(argv, steps->plugin);
    g_ptr_array_add(argv, NULL);
    plugin = qtest_machine_args((const char *const *)argv->pdata, args);
    if (args->len != steps->args->len) {
        return fail(error, "the lines '# arg WORD' are not only of a machine");
    }
    return g_strcmp0(plugin, steps->plugin) == 0 ||
           fail(error, "the line '# plugin OPTIONS' is not only of a guest");
}

QtestSteps *qtest_steps_parse(const char *text, size_t len, GError **error)
{
    g_autoptr(QtestSteps) steps = steps_new();

    for (guint nr = 1; len; nr++) {
        g_autofree char *line = take_line(&text, &len, error);
        gboolean ok = line != NULL;

        if (ok && nr == 1) {
            ok = !strcmp(line, QTEST_STEPS_MAGIC) ||
                 fail(error, "wanted '" QTEST_STEPS_MAGIC "'");
        } else if (ok && steps->complete) {
            ok = fail(error, "nothing may follow '# end'");
        } else if (ok) {
            ok = add_line(steps, line, error);
        }
        if (!ok) {
            g_prefix_error(error, "line %u: ", nr);
            return NULL;
        }
    }
    if (!steps->plugin) {
        fail(error, "the line '# plugin OPTIONS' is missing");
        return NULL;
    }
    if (!check_words(steps, error)) {
        return NULL;
    }
    if (steps->requests->len > steps->answers->len) {
        fail(error, "the last request has no answer");
        return NULL;
    }
    return g_steal_pointer(&steps);
}

static QtestSteps *load_lines(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    QtestSteps *steps;
    gsize len;

    if (!g_file_get_contents(path, &text, &len, error)) {
        return NULL;
    }
    steps = qtest_steps_parse(text, len, error);
    if (!steps) {
        g_prefix_error(error, "%s: ", path);
    }
    return steps;
}

/* Traces */

static gboolean read_records(TraceReader *reader, QtestSteps *steps,
                             GError **error)
{
    TraceRecord record = {0};
    gsize all = 0;
    int more;

    while ((more = trace_next(reader, &record, error)) > 0) {
        gboolean ok = TRUE;

        if (record.type == TRACE_END) {
            steps->complete = TRUE;
        } else if (record.type == TRACE_DEVICE) {
            all += g_bytes_get_size(record.payload);
            ok = all <= ALL_MAX_BYTES
                     ? add_payload(steps, record.payload, error)
                     : fail(error, "more than 256 MiB of device-level records");
            if (!ok) {
                g_prefix_error(error,
                               "record %" G_GUINT64_FORMAT
                               " at offset %" G_GUINT64_FORMAT ": ",
                               record.seq, record.offset);
            }
        }
        trace_record_clear(&record);
        if (!ok) {
            return FALSE;
        }
    }
    return more == 0;
}

static QtestSteps *load_trace(const char *path, GError **error)
{
    g_autoptr(TraceReader) reader = trace_open(path, error);
    g_autoptr(QtestSteps) steps = steps_new();
    g_autofree const char **argv = NULL;

    if (!reader || !read_records(reader, steps, error)) {
        return NULL;
    }
    argv = trace_header_values(trace_reader_header(reader), "arg");
    steps->plugin = qtest_machine_args(argv, steps->args);
    if (!steps->plugin) {
        fail(error, "%s: its header names no guest of the plugin's", path);
        return NULL;
    }
    if (!steps->requests->len) {
        fail(error,
             "%s: there are no device-level records in it; jumpcut record "
             "--level devices writes them",
             path);
        return NULL;
    }
    return g_steal_pointer(&steps);
}

static gboolean begins_with_magic(const char *path)
{
    char start[sizeof(QTEST_STEPS_MAGIC) - 1];
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(start, 1, sizeof(start), file) : 0;

    if (file) {
        fclose(file);
    }
    return n == sizeof(start) && !memcmp(start, QTEST_STEPS_MAGIC, n);
}

QtestSteps *qtest_steps_load(const char *path, GError **error)
{
    return begins_with_magic(path) ? load_lines(path, error)
                                   : load_trace(path, error);
}

guint64 qtest_steps_time(const QtestSteps *steps, guint i)
{
    const char *request = g_ptr_array_index(steps->requests, i);

    return g_ascii_strtoull(request + 1, NULL, 16);
}

void qtest_steps_cut_off(QtestSteps *steps, guint64 at_ns)
{
    guint n = 0;

    while (n < steps->requests->len && qtest_steps_time(steps, n) <= at_ns) {
        n++;
    }
    g_ptr_array_set_size(steps->requests, n);
    g_ptr_array_set_size(steps->answers, n);
}
