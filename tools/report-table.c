/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of "jumpcut report": what guests saw on both sides of a cut.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/agent-log.h"
#include "tools/report-table.h"

#define LABEL_WIDTH 19
#define VALUE_WIDTH 29
#define STEP_WIDTH  20
#define NS_PER_S    ((guint64)1000000000)

static void print_row(const char *label, const char *before, const char *after,
                      const char *step)
{
    printf("%-*s %*s %*s %*s\n", LABEL_WIDTH, label, VALUE_WIDTH, before,
           VALUE_WIDTH, after, STEP_WIDTH, step);
}

void report_table_rule(void)
{
    for (int i = 0; i < REPORT_WIDTH; i++) {
        putchar('-');
    }
    putchar('\n');
}

void report_table_header(void)
{
    print_row("what the guest saw", "just before the cut", "just after",
              "step");
    report_table_rule();
}

static char *format_seconds(guint64 ns, unsigned decimals)
{
    g_autofree char *fraction = g_strdup_printf("%09" PRIu64, ns % NS_PER_S);

    return g_strdup_printf("%" PRIu64 ".%.*s s", ns / NS_PER_S, (int)decimals,
                           fraction);
}

static char *format_date(guint64 ns)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(ns / NS_PER_S);
    g_autofree char *text =
        date ? g_date_time_format(date, "%Y-%m-%d %H:%M:%S") : NULL;

    return text ? g_strdup_printf("%s.%06" PRIu64, text, ns % NS_PER_S / 1000)
                : format_seconds(ns, 6);
}

static char *format_step(guint64 before, guint64 after, unsigned decimals)
{
    gboolean back = after < before;
    g_autofree char *size =
        format_seconds(back ? before - after : after - before, decimals);

    return g_strdup_printf("%c%s", back ? '-' : '+', size);
}

static void print_clock(const char *label, guint64 before, guint64 after,
                        unsigned decimals)
{
    g_autofree char *b = format_seconds(before, decimals);
    g_autofree char *a = format_seconds(after, decimals);
    g_autofree char *step = format_step(before, after, decimals);

    print_row(label, b, a, step);
}

static void print_realtime(guint64 before, guint64 after)
{
    g_autofree char *b = format_date(before);
    g_autofree char *a = format_date(after);
    g_autofree char *step = format_step(before, after, 9);

    print_row("  CLOCK_REALTIME", b, a, step);
}

static void print_tsc(guint64 before, guint64 after)
{
    g_autofree char *b = g_strdup_printf("%" PRIu64, before);
    g_autofree char *a = g_strdup_printf("%" PRIu64, after);
    g_autofree char *step =
        g_strdup_printf("%c%" PRIu64, after < before ? '-' : '+',
                        after < before ? before - after : after - before);

    print_row("  TSC", b, a, step);
}

static void print_cut(const Run *run, const RunCut *cut)
{
    const AgentSample *b = agent_log_before(run->samples, cut->console_bytes);
    const AgentSample *a = agent_log_after(run->samples, cut->console_bytes);
    g_autofree char *at = format_seconds(cut->at_ns, 9);

    printf(" cut at %s of virtual time; TSC %" PRId64 " -> %" PRId64
           " kHz, invariant TSC %s -> %s\n",
           at, cut->tsc_khz_before, cut->tsc_khz_after,
           cut->invtsc_before ? "on" : "off", cut->invtsc_after ? "on" : "off");
    if (!b || !a) {
        printf("  no sample of the agent %s it\n", b ? "after" : "before");
        return;
    }
    print_clock("  printk", b->printk_us * 1000, a->printk_us * 1000, 6);
    print_clock("  CLOCK_MONOTONIC", b->monotonic_ns, a->monotonic_ns, 9);
    print_clock("  CLOCK_BOOTTIME", b->boottime_ns, a->boottime_ns, 9);
    print_realtime(b->realtime_ns, a->realtime_ns);
    print_tsc(b->tsc, a->tsc);
    print_row("  clocksource", b->clocksource, a->clocksource,
              strcmp(b->clocksource, a->clocksource) ? "changed" : "same");
}

void report_table_run(const Run *run)
{
    g_autofree char *end = format_seconds(run->virtual_ns, 3);

    printf("%s: Linux %s, %" PRId64 " vCPU%s\n", run->path, run->kernel_version,
           run->smp, run->smp == 1 ? "" : "s");
    for (guint i = 0; i < run->cuts->len; i++) {
        print_cut(run, &g_array_index(run->cuts, RunCut, i));
    }
    if (!run->cuts->len) {
        printf(" no cut\n");
    }
    printf(" %s at %s of virtual time; console %" G_GSIZE_FORMAT
           " bytes; %u digest%s\n",
           run->ending, end, run->console_size, run->digests->len,
           run->digests->len == 1 ? "" : "s");
}
