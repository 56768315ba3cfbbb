/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut export: a trace for viewers of other people's.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "tools/trace-export.h"

static const ExportFormat *const formats[] = {&export_chrome, &export_vcd,
                                              &export_ctf};

gint64 export_guest_ns(const ExportItem *item)
{
    return item->clock.known ? item->record->at_ns + item->clock.offset_ns : 0;
}

static gboolean export_records(const ExportFormat *format, void *state,
                               TraceReader *r, TraceGuestClock clock,
                               GError **error)
{
    ExportItem item = {.process = 1, .clock = clock};
    TraceRecord record = {0};
    gint64 last_ns = 0;
    int got;

    while ((got = trace_next(r, &record, error)) > 0) {
        g_autofree char *text =
            trace_record_describe(record.type, record.payload);

        /* The end is as of the last tick, which output may be behind. */
        if (record.type == TRACE_END) {
            record.at_ns = MAX(record.at_ns, last_ns);
        }
        if (record.at_ns < last_ns) {
            g_set_error(error, TRACE_ERROR, TRACE_ERROR_DAMAGED,
                        "record %" G_GUINT64_FORMAT
                        ": virtual time goes backwards",
                        record.seq);
            got = -1;
            break;
        }
        last_ns = record.at_ns;
        trace_guest_clock_pass(&item.clock, &record);
        item.record = &record;
        item.text = text;
        format->item(state, &item);
        item.process += record.type == TRACE_HANDOVER;
    }
    trace_record_clear(&record);
    return got == 0;
}

/* @return: whether it could be written; complains. */
static gboolean write_file(const char *path, const void *bytes, gsize len)
{
    FILE *file = path ? fopen(path, "wb") : stdout;
    gboolean good =
        file && fwrite(bytes, 1, len, file) == len && fflush(file) == 0;

    if (!good) {
        complain("export: %s: %s", path ? path : "standard output",
                 g_strerror(errno));
    }
    if (file && path && fclose(file) && good) {
        complain("export: %s: %s", path, g_strerror(errno));
        good = FALSE;
    }
    return good;
}

/* A text, or a folder with a text and data. */
static gboolean write_output(const ExportFormat *format, const char *output,
                             const GString *text, const GByteArray *data)
{
    g_autofree char *text_path = NULL, *data_path = NULL;

    if (!data) {
        return write_file(output, text->str, text->len);
    }
    if (g_mkdir(output, 0777) < 0 && errno != EEXIST) {
        complain("export: %s: %s", output, g_strerror(errno));
        return FALSE;
    }
    text_path = g_build_filename(output, format->text_name, NULL);
    data_path = g_build_filename(output, format->data_name, NULL);
    return write_file(text_path, text->str, text->len) &&
           write_file(data_path, data->data, data->len);
}

static ExitStatus export_file(const ExportFormat *format, const char *path,
                              const char *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TraceReader) r = NULL;
    g_autoptr(GByteArray) data = NULL;
    GString *text;
    TraceGuestClock clock;
    ExitStatus status = STATUS_OK;
    gboolean good;
    void *state;

    if (!trace_guest_clock_load(&clock, path, &error) ||
        !(r = trace_open(path, &error))) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    state = format->begin(trace_reader_header(r));
    good = export_records(format, state, r, clock, &error);
    data = format->data ? format->data(state) : NULL;
    text = format->end(state);
    if (!good) {
        complain("%s: %s", path, error->message);
        status = STATUS_USAGE;
    } else if (!write_output(format, output, text, data)) {
        status = STATUS_OUTPUT;
    }
    g_string_free(text, TRUE);
    return status;
}

ExitStatus export_command(int argc, char **argv)
{
    g_autofree char *name = NULL, *output = NULL;
    const ExportFormat *format = formats[0];
    const GOptionEntry entries[] = {
        {"format", 0, 0, G_OPTION_ARG_STRING, &name,
         "chrome (default), vcd or ctf", "FORMAT"},
        {"output", 0, 0, G_OPTION_ARG_FILENAME, &output,
         "where to; ctf: a folder; else default standard output", "PATH"},
        G_OPTION_ENTRY_NULL,
    };
    ExitStatus status;
    g_auto(GStrv) files = trace_args(
        argc, argv, entries,
        "export [OPTION...] FILE.jct\n\nMakes a trace readable for viewers.",
        "Exit status: 0, 2 bad usage or a damaged trace, 7 the output cannot "
        "be written.",
        1, 1, &status);

    if (!files) {
        return status;
    }
    if (name) {
        format = NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
            format = strcmp(formats[i]->name, name) ? format : formats[i];
        }
    }
    if (!format) {
        complain("export: --format %s: wanted chrome, vcd or ctf", name);
        return STATUS_USAGE;
    }
    if (format->data && !output) {
        complain("export: --format %s needs --output, a folder", format->name);
        return STATUS_USAGE;
    }
    return export_file(format, files[0], output);
}
