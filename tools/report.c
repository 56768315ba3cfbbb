/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut report: what guests saw, and whether runs repeated exactly.
 */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/report-table.h"
#include "tools/run-load.h"

/* @return: how many bytes from the start are equal. */
static gsize common_length(const Run *a, const Run *b)
{
    gsize i = 0;

    while (i < a->console_size && i < b->console_size &&
           a->console[i] == b->console[i]) {
        i++;
    }
    return i;
}

static gboolean same_console(const Run *a, const Run *b)
{
    return a->console_size == b->console_size &&
           common_length(a, b) == a->console_size;
}

/* @return: how many digests from the start are equal. */
static guint common_digests(const Run *a, const Run *b)
{
    guint i;

    for (i = 0; i < a->digests->len && i < b->digests->len; i++) {
        const RunDigest *x = &g_array_index(a->digests, RunDigest, i);
        const RunDigest *y = &g_array_index(b->digests, RunDigest, i);

        if (x->at_ns != y->at_ns || strcmp(x->reason, y->reason) ||
            strcmp(x->sha256, y->sha256)) {
            break;
        }
    }
    return i;
}

static gboolean same_digests(const Run *a, const Run *b)
{
    return a->digests->len == b->digests->len &&
           common_digests(a, b) == a->digests->len;
}

/*
 * When QEMU stops a guest that powered itself off is QEMU's affair: vCPUs run
 * on until its main loop comes round to it.  All before that is digested.
 */
static gboolean same_ending(const Run *a, const Run *b)
{
    return !strcmp(a->ending, b->ending);
}

/* Of two digests of the same number */
static void print_digests(const RunDigest *a, const RunDigest *b)
{
    g_autoptr(GString) kinds = g_string_new(NULL);

    if (a->at_ns != b->at_ns || strcmp(a->reason, b->reason)) {
        printf("  of %s and %s, at %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
               " ns\n",
               a->reason, b->reason, a->at_ns, b->at_ns);
        return;
    }
    for (guint i = 0; i < RUN_DIGEST_KINDS; i++) {
        if (g_strcmp0(a->kinds[i], b->kinds[i])) {
            g_string_append_printf(kinds, "%s%s", kinds->len ? ", " : "",
                                   run_digest_kinds[i]);
        }
    }
    if (kinds->len) {
        printf("  what differs in it: %s\n", kinds->str);
    }
    puts("  registers, parts and pages: jumpcut record both, jumpcut diff");
}

static void print_difference(const Run *first, const Run *again)
{
    if (!same_console(first, again)) {
        gsize at = common_length(first, again), line = 1;

        for (gsize i = 0; i < at; i++) {
            line += first->console[i] == '\n';
        }
        printf("  the consoles differ from byte %" G_GSIZE_FORMAT
               ", line %" G_GSIZE_FORMAT "\n",
               at, line);
    }
    if (!same_digests(first, again)) {
        guint i = common_digests(first, again);
        const Run *longer = i < first->digests->len ? first : again;

        printf("  the digests differ from number %u, at %" G_GINT64_FORMAT
               " ns of virtual time\n",
               i + 1, g_array_index(longer->digests, RunDigest, i).at_ns);
        if (i < MIN(first->digests->len, again->digests->len)) {
            print_digests(&g_array_index(first->digests, RunDigest, i),
                          &g_array_index(again->digests, RunDigest, i));
        }
    }
    if (!same_ending(first, again)) {
        printf("  the endings differ: %s, %s\n", first->ending, again->ending);
    }
}

/* @return: whether @again is @first over again, to the byte. */
static gboolean report_repetition(const Run *first, const Run *again)
{
    gboolean same = same_console(first, again) && same_digests(first, again) &&
                    same_ending(first, again);

    if (same) {
        printf("%s: again, IDENTICAL: console byte for byte, %u digest%s\n",
               again->path, again->digests->len,
               again->digests->len == 1 ? "" : "s");
        return TRUE;
    }
    report_table_run(again);
    printf("  DIFFERENT from %s, whose configuration is the same\n",
           first->path);
    print_difference(first, again);
    return FALSE;
}

/* Runs of equal configuration stand together, in the order given. */
static ExitStatus report_runs(GPtrArray *runs)
{
    g_autofree gboolean *done = g_new0(gboolean, runs->len);
    guint repetitions = 0, different = 0;

    report_table_header();
    for (guint i = 0; i < runs->len; i++) {
        const Run *first = runs->pdata[i];

        if (done[i]) {
            continue;
        }
        report_table_run(first);
        for (guint j = i + 1; j < runs->len; j++) {
            const Run *again = runs->pdata[j];

            if (!strcmp(first->configuration, again->configuration)) {
                done[j] = TRUE;
                repetitions++;
                different += !report_repetition(first, again);
            }
        }
        report_table_rule();
    }
    printf("%u run%s, %u repetition%s, %u different\n", runs->len,
           runs->len == 1 ? "" : "s", repetitions, repetitions == 1 ? "" : "s",
           different);
    return different ? STATUS_CRASHED : STATUS_OK;
}

static const char usage[] =
    "Usage:\n"
    "  jumpcut report [OPTION...] FILE.json...\n\n"
    "Shows what each guest saw on both sides of each cut, and for runs of the"
    "\nsame configuration whether they are identical: the console byte for "
    "byte,\nthe machine digest for digest.  FILE.json is written by jumpcut "
    "boot --report.\n\n"
    "Options:\n"
    "  --help  show this\n\n"
    "Exit status: 0 repetitions are identical, 1 one differs, 2 bad usage or "
    "file.\n";

ExitStatus report_command(int argc, char **argv)
{
    g_autoptr(GPtrArray) runs =
        g_ptr_array_new_with_free_func((GDestroyNotify)run_free);

    for (int i = 1; i < argc; i++) {
        g_autoptr(GError) error = NULL;
        Run *run;

        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            return STATUS_OK;
        }
        if (argv[i][0] == '-') {
            complain("report: %s: unknown option; --help exists", argv[i]);
            return STATUS_USAGE;
        }
        run = run_load(argv[i], &error);
        if (!run) {
            complain("%s", error->message);
            return STATUS_USAGE;
        }
        g_ptr_array_add(runs, run);
    }
    if (!runs->len) {
        complain("report: no FILE.json given");
        return STATUS_USAGE;
    }
    return report_runs(runs);
}
