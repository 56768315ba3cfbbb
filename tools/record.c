/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "jumpcut record" does besides booting: the trace's first record, and
 * its completion.
 */
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "tools/record.h"
#include "tools/run-header.h"

gboolean record_begin(const BootOptions *o, GError **error)
{
    g_autoptr(TraceHeader) header = NULL;
    TraceWriter *writer;

    if (g_file_test(o->output, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY,
                    "--output %s: is a directory", o->output);
        return FALSE;
    }
    if (g_file_test(o->record, G_FILE_TEST_EXISTS)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                    "--output %s: %s is there, of a recording that goes on or "
                    "was killed; rename or remove it",
                    o->output, o->record);
        return FALSE;
    }
    header = run_header_new(o, error);
    if (!header) {
        return FALSE;
    }
    writer = trace_create(o->record, header, error);
    if (!writer || !trace_close(writer, error)) {
        g_prefix_error(error, "--output %s: ", o->output);
        g_unlink(o->record);
        return FALSE;
    }
    return TRUE;
}

/* Is the end of a run the last that @path holds?  A full disk prevents it. */
static gboolean has_end(const char *path, GError **error)
{
    g_autoptr(TraceReader) r = trace_open(path, error);
    TraceRecord record = {0};
    gboolean end = FALSE;
    int got = -1;

    while (r && (got = trace_next(r, &record, error)) > 0) {
        end = record.type == TRACE_END;
    }
    trace_record_clear(&record);
    if (got == 0 && !end) {
        g_set_error(error, TRACE_ERROR, TRACE_ERROR_TORN,
                    "%s: ends before the run did, and stays as it is", path);
    }
    return got == 0 && end;
}

/* QEMU ended by itself, and with it what it recorded. */
static gboolean is_whole(Ending ending)
{
    return ending == ENDING_POWERED_OFF || ending == ENDING_CRASHED ||
           ending == ENDING_REBOOT;
}

ExitStatus record_finish(const BootOptions *o, Ending ending, gboolean started)
{
    g_autoptr(GError) error = NULL;

    if (!started) {
        g_unlink(o->record);
        return ending_status(ending);
    }
    if (ending == ENDING_QEMU) {
        complain("%s: holds the run as far as it was recorded", o->record);
        return ending_status(ending);
    }
    if ((is_whole(ending) && !has_end(o->record, &error)) ||
        !trace_finish(o->record, o->output, &error)) {
        complain("--output %s: %s", o->output, error->message);
        return STATUS_OUTPUT;
    }
    return ending_status(ending);
}
