/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut diff: the first difference of two traces, kind by kind.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/trace-diff.h"

/* Records that are compared with each other, in their order. */
typedef struct DiffKind {
    const char *name;
    guint32 types; /* bits 1 << TraceType */
    guint level;   /* traces of a lower one have none: diff_levels[] */
} DiffKind;

static const char *const diff_levels[] = {"inputs", "digests", "devices"};

static const DiffKind kinds[] = {
    {"inputs", 1 << TRACE_INPUT_BYTES | 1 << TRACE_INPUT_QMP, 0},
    {"cuts", 1 << TRACE_CUT, 0},
    {"events", 1 << TRACE_EVENT | 1 << TRACE_HANDOVER | 1 << TRACE_END, 0},
    {"digests", 1 << TRACE_DIGEST, 1},
    {"devices", 1 << TRACE_DEVICE, 2},
};

/* One of the two traces, as far as one kind was read. */
typedef struct DiffSide {
    const char *path;
    TraceReader *r;
    TraceRecord record; /* payload is NULL at the end */
} DiffSide;

static gboolean side_open(DiffSide *side, const char *path, GError **error)
{
    *side = (DiffSide){.path = path, .r = trace_open(path, error)};
    return side->r != NULL;
}

static void side_close(DiffSide *side)
{
    trace_reader_free(side->r);
    trace_record_clear(&side->record);
}

static gboolean side_next(DiffSide *side, guint32 types, GError **error)
{
    int got;

    do {
        got = trace_next(side->r, &side->record, error);
    } while (got > 0 && !(types & 1u << side->record.type));
    return got >= 0;
}

/*
 * Are the states equal?  Which pages were written since the digest before is
 * history: another process that took the guest over begins anew.
 */
static gboolean same_state(const TraceRecord *a, const TraceRecord *b)
{
    TraceDigest x = {0}, y = {0};
    gboolean same = trace_get_digest(a->payload, &x, NULL) &&
                    trace_get_digest(b->payload, &y, NULL) &&
                    x.number == y.number && !strcmp(x.reason, y.reason) &&
                    !memcmp(x.sha256, y.sha256, sizeof(x.sha256)) &&
                    x.console_bytes == y.console_bytes &&
                    x.console_crc == y.console_crc;

    trace_digest_clear(&x);
    trace_digest_clear(&y);
    return same;
}

static gboolean same_record(const TraceRecord *a, const TraceRecord *b)
{
    return a->payload && b->payload && a->type == b->type &&
           a->at_ns == b->at_ns && a->vcpu == b->vcpu &&
           (a->flags & TRACE_AT_STOP) == (b->flags & TRACE_AT_STOP) &&
           (g_bytes_equal(a->payload, b->payload) ||
            (a->type == TRACE_DIGEST && same_state(a, b)));
}

static void print_side(const DiffSide *side)
{
    const TraceRecord *record = &side->record;
    g_autofree char *at = trace_seconds(record->at_ns);
    g_autofree char *line = NULL;

    if (!record->payload) {
        printf("  %s: no more\n", side->path);
        return;
    }
    line = trace_record_describe(record->type, record->payload);
    printf("  %s: record %" PRIu64 " at %s%s: %s %s\n", side->path, record->seq,
           at, record->flags & TRACE_AT_STOP ? " (stopped)" : "",
           trace_type_name(record->type), line);
}

static void print_digests(const TraceRecord *a, const TraceRecord *b)
{
    TraceDigest first, second;

    if (!trace_get_digest(a->payload, &first, NULL)) {
        return;
    }
    if (trace_get_digest(b->payload, &second, NULL)) {
        trace_diff_digests(&first, &second);
        trace_digest_clear(&second);
    }
    trace_digest_clear(&first);
}

/*
 * Compares one kind.  @first_ns becomes the virtual time of its first
 * difference, if that is earlier.
 * @return: 1 equal, 0 different, -1 a trace cannot be read
 */
static int diff_kind(const DiffKind *kind, char **files, gint64 *first_ns,
                     GError **error)
{
    DiffSide a, b = {0};
    guint64 equal = 0;
    int result = -1;

    if (!side_open(&a, files[0], error) || !side_open(&b, files[1], error)) {
        goto out;
    }
    for (;;) {
        if (!side_next(&a, kind->types, error) ||
            !side_next(&b, kind->types, error)) {
            goto out;
        }
        if (!same_record(&a.record, &b.record)) {
            break;
        }
        equal++;
    }
    if (!a.record.payload && !b.record.payload) {
        printf("%s: %" PRIu64 " equal\n", kind->name, equal);
        result = 1;
        goto out;
    }
    printf("%s: %" PRIu64 " equal, then different\n", kind->name, equal);
    print_side(&a);
    print_side(&b);
    if (kind->types == 1 << TRACE_DIGEST && a.record.payload &&
        b.record.payload) {
        print_digests(&a.record, &b.record);
    }
    *first_ns = MIN(*first_ns, a.record.payload ? a.record.at_ns : G_MAXINT64);
    *first_ns = MIN(*first_ns, b.record.payload ? b.record.at_ns : G_MAXINT64);
    result = 0;
out:
    side_close(&a);
    side_close(&b);
    return result;
}

/* Guest clocks right before virtual time @at_ns, and the last event there. */
static gboolean print_moment(const char *path, gint64 at_ns, GError **error)
{
    g_autoptr(TraceReader) r = NULL;
    g_autofree char *last = g_strdup("none");
    g_autofree char *now = NULL;
    TraceGuestClock clock;
    TraceRecord record = {0};
    int got = -1;

    if (!trace_guest_clock_load(&clock, path, error) ||
        !(r = trace_open(path, error))) {
        return FALSE;
    }
    while ((got = trace_next(r, &record, error)) > 0 && record.at_ns < at_ns) {
        trace_guest_clock_pass(&clock, &record);
        if ((kinds[0].types | kinds[1].types | kinds[2].types) &
            1u << record.type) {
            g_autofree char *at = trace_seconds(record.at_ns);
            g_autofree char *line =
                trace_record_describe(record.type, record.payload);

            g_free(last);
            last =
                g_strdup_printf("record %" PRIu64 " at %s: %s %s", record.seq,
                                at, trace_type_name(record.type), line);
        }
    }
    trace_record_clear(&record);
    now = clock.known ? trace_seconds(at_ns + clock.offset_ns)
                      : g_strdup("not known, no cut tells it");
    printf("  %s: guest system time %s; before it: %s\n", path, now, last);
    return got >= 0;
}

static guint header_level(const TraceHeader *header)
{
    const char *level = trace_header_get(header, "level");
    guint i = 0;

    while (i < G_N_ELEMENTS(diff_levels) - 1 &&
           g_strcmp0(level, diff_levels[i])) {
        i++;
    }
    return i;
}

/*
 * Of what makes a run what it is; options and paths are its own affair.
 * *@level becomes the lower one of the traces'.
 */
static gboolean diff_headers(char **files, guint *level, GError **error)
{
    static const char *const keys[] = {
        "format",          "qemu-version", "qemu-build-id", "plugin-build-id",
        "guest",           "vcpus",        "kernel-sha256", "initrd-sha256",
        "firmware-sha256", "gate-ns",      "digest-ns",     "level",
    };
    g_autoptr(TraceReader) a = trace_open(files[0], error);
    g_autoptr(TraceReader) b = a ? trace_open(files[1], error) : NULL;

    for (size_t i = 0; b && i < G_N_ELEMENTS(keys); i++) {
        const char *x = trace_header_get(trace_reader_header(a), keys[i]);
        const char *y = trace_header_get(trace_reader_header(b), keys[i]);

        if (g_strcmp0(x, y)) {
            printf("header: %s: %s, %s\n", keys[i], x ? x : "none",
                   y ? y : "none");
        }
    }
    if (b) {
        *level = MIN(header_level(trace_reader_header(a)),
                     header_level(trace_reader_header(b)));
    }
    return b != NULL;
}

static ExitStatus diff_files(char **files)
{
    g_autoptr(GError) error = NULL;
    gint64 first_ns = G_MAXINT64;
    guint level = 0;
    gboolean same = TRUE, good = diff_headers(files, &level, &error);

    for (size_t i = 0; good && i < G_N_ELEMENTS(kinds); i++) {
        int got;

        if (kinds[i].level > level) {
            printf("%s: not compared, a trace is of level %s\n", kinds[i].name,
                   diff_levels[level]);
            continue;
        }
        got = diff_kind(&kinds[i], files, &first_ns, &error);
        good = got >= 0;
        same &= got > 0;
    }
    if (good && first_ns != G_MAXINT64) {
        g_autofree char *at = trace_seconds(first_ns);

        printf("first difference: at virtual time %s\n", at);
        good = print_moment(files[0], first_ns, &error) &&
               print_moment(files[1], first_ns, &error);
    }
    fflush(stdout);
    if (!good) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    return same ? STATUS_OK : STATUS_CRASHED;
}

ExitStatus diff_command(int argc, char **argv)
{
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    ExitStatus status;
    g_auto(GStrv) files = trace_args(
        argc, argv, entries,
        "diff [OPTION...] FILE.jct FILE.jct\n\n"
        "Compares what two runs were given and what they came to.",
        "Exit status: 0 equal, 1 different, 2 bad usage or a damaged trace.", 2,
        2, &status);

    return files ? diff_files(files) : status;
}
