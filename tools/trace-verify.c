/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut verify: is every byte of a trace what a recorder writes?
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/trace-args.h"

/* What the records so far bind the next ones to. */
typedef struct VerifyState {
    gint64 at_ns;
    guint64 console_bytes;
    guint32 digests, handovers;
    gboolean ended;
    GError *wrong;
} VerifyState;

static void G_GNUC_PRINTF(3, 4)
    verify_fail(VerifyState *v, const TraceRecord *record, const char *format,
                ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    v->wrong = g_error_new(
        TRACE_ERROR, TRACE_ERROR_DAMAGED,
        "frame at byte %" PRIu64 ", record %" PRIu64 " (%s): %s",
        record->offset, record->seq, trace_type_name(record->type), what);
}

/* The console only grows. */
static void verify_console(VerifyState *v, const TraceRecord *record,
                           guint64 bytes)
{
    if (bytes < v->console_bytes) {
        verify_fail(v, record,
                    "%" PRIu64 " bytes of console, there were %" PRIu64
                    " before",
                    bytes, v->console_bytes);
    }
    v->console_bytes = bytes;
}

static void verify_number(VerifyState *v, const TraceRecord *record,
                          guint32 came, guint32 want)
{
    if (came != want) {
        verify_fail(v, record, "number %u, want %u", came, want);
    }
}

static gboolean verify_digest(VerifyState *v, const TraceRecord *record,
                              GError **error)
{
    TraceDigest digest;

    if (!trace_get_digest(record->payload, &digest, error)) {
        return FALSE;
    }
    verify_number(v, record, digest.number, v->digests++);
    if (!v->wrong) {
        verify_console(v, record, digest.console_bytes);
    }
    trace_digest_clear(&digest);
    return TRUE;
}

static gboolean verify_other(VerifyState *v, const TraceRecord *record,
                             GError **error)
{
    TraceInputBytes bytes = {0};
    TraceInputQmp qmp = {0};
    TraceEventRecord event = {0};
    TraceEnd end = {0};
    TraceCut cut = {0};
    guint32 number = 0;
    gboolean good = TRUE;

    switch (record->type) {
    case TRACE_INPUT_BYTES:
        good = trace_get_input_bytes(record->payload, &bytes, error);
        trace_input_bytes_clear(&bytes);
        break;
    case TRACE_INPUT_QMP:
        good = trace_get_input_qmp(record->payload, &qmp, error);
        trace_input_qmp_clear(&qmp);
        break;
    case TRACE_EVENT:
        good = trace_get_event(record->payload, &event, error);
        trace_event_clear(&event);
        break;
    case TRACE_CUT:
        good = trace_get_cut(record->payload, &cut, error);
        if (good) {
            verify_console(v, record, cut.console_bytes);
        }
        break;
    case TRACE_HANDOVER:
        good = trace_get_handover(record->payload, &number, error);
        if (good) {
            verify_number(v, record, number, ++v->handovers);
        }
        break;
    case TRACE_END:
        good = trace_get_end(record->payload, &end, error);
        if (good) {
            verify_console(v, record, end.console_bytes);
        }
        v->ended = TRUE;
        trace_end_clear(&end);
        break;
    default:
        break;
    }
    return good;
}

static void verify_record(VerifyState *v, const TraceRecord *record)
{
    g_autoptr(GError) error = NULL;

    /* The end is as of the last tick, which output may be behind. */
    if (record->at_ns < v->at_ns && record->type != TRACE_END) {
        verify_fail(v, record,
                    "at %" PRId64 " ns, the record before is at %" PRId64,
                    record->at_ns, v->at_ns);
        return;
    }
    v->at_ns = record->at_ns;
    if (v->ended) {
        verify_fail(v, record, "the record before was the end");
        return;
    }
    if (!(record->type == TRACE_DIGEST ? verify_digest(v, record, &error)
                                       : verify_other(v, record, &error))) {
        verify_fail(v, record, "%s", error->message);
    }
}

/* @return: whether the file is fine; says what is wrong if it is not. */
static gboolean verify_file(const char *path, gboolean partial)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TraceReader) r = trace_open(path, &error);
    TraceRecord record = {0};
    VerifyState v = {0};
    guint64 records = 1;
    gboolean good = FALSE;
    int got = -1;

    while (r && !v.wrong && (got = trace_next(r, &record, &error)) > 0) {
        verify_record(&v, &record);
        records++;
    }
    trace_record_clear(&record);
    if (v.wrong) {
        complain("%s: %s", path, v.wrong->message);
    } else if (got < 0) {
        /* These messages start with the path. */
        complain("%s", error->message);
        if (r) {
            complain("%s: %" PRIu64 " records before that are whole", path,
                     records);
        }
    } else if (trace_reader_truncated(r) && !partial) {
        complain("%s: not finished: %s; %" PRIu64 " records are whole", path,
                 trace_reader_tail(r), records);
    } else {
        good = TRUE;
        printf("%s: %" PRIu64 " records, %u digests%s%s\n", path, records,
               v.digests, trace_reader_truncated(r) ? "; not finished: " : "",
               trace_reader_truncated(r) ? trace_reader_tail(r) : "");
    }
    g_clear_error(&v.wrong);
    return good;
}

ExitStatus verify_command(int argc, char **argv)
{
    gboolean partial = FALSE, good = TRUE;
    const GOptionEntry entries[] = {
        {"partial", 0, 0, G_OPTION_ARG_NONE, &partial,
         "a file without its end will do", NULL},
        G_OPTION_ENTRY_NULL,
    };
    ExitStatus status;
    g_auto(GStrv) files = trace_args(
        argc, argv, entries,
        "verify [OPTION...] FILE.jct...\n\nChecks every byte of traces.",
        "Exit status: 0 all are whole, 1 one is not, 2 bad usage.", 1, 1000,
        &status);

    if (!files) {
        return status;
    }
    for (char **file = files; *file; file++) {
        good &= verify_file(*file, partial);
    }
    return good ? STATUS_OK : STATUS_CRASHED;
}
