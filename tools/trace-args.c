/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options and clocks that the subcommands for traces share. */
#include <inttypes.h>
#include <stdio.h>

#include "hw/clock/host-profile.h"
#include "tools/trace-args.h"

static void print_options(const GOptionEntry *entries)
{
    for (const GOptionEntry *e = entries; e->long_name; e++) {
        g_autofree char *name =
            g_strdup_printf("--%s %s", e->long_name,
                            e->arg_description ? e->arg_description : "");

        printf("  %-16s %s\n", name, e->description);
    }
}

char **trace_args(int argc, char **argv, const GOptionEntry *entries,
                  const char *head, const char *foot, unsigned least,
                  unsigned most, ExitStatus *status)
{
    gboolean help = FALSE;
    const GOptionEntry help_entry[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "show this", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = g_new0(char *, argc + 1);
    unsigned n;

    for (int i = 0; i < argc; i++) {
        words[i] = g_strdup(argv[i]);
    }
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, help_entry, NULL);
    *status = STATUS_USAGE;
    if (!g_option_context_parse_strv(context, &words, &error)) {
        complain("%s: %s; --help exists", argv[0], error->message);
        return NULL;
    }
    if (help) {
        printf("Usage:\n  jumpcut %s\n\nOptions:\n", head);
        print_options(entries);
        print_options(help_entry);
        printf("\n%s\n", foot);
        *status = STATUS_OK;
        return NULL;
    }
    n = g_strv_length(words) - 1;
    if (n < least || n > most) {
        unsigned want = n < least ? least : most;

        complain("%s: wanted %u file%s, got %u; --help exists", argv[0], want,
                 want == 1 ? "" : "s", n);
        return NULL;
    }
    return g_strdupv(words + 1);
}

gboolean trace_time(const char *command, const char *option, const char *text,
                    gint64 *ns)
{
    g_autoptr(GError) error = NULL;
    guint64 value;

    if (!text) {
        return TRUE;
    }
    if (!host_time_parse(text, option, HOST_UPTIME_NS_MAX, &value, &error)) {
        complain("%s: %s", command, error->message);
        return FALSE;
    }
    *ns = value;
    return TRUE;
}

char *trace_seconds(gint64 ns)
{
    guint64 size = ns < 0 ? -(guint64)ns : (guint64)ns;

    return g_strdup_printf("%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "",
                           size / 1000000000, size % 1000000000);
}

char *trace_hex(const uint8_t sha256[TRACE_SHA256_SIZE])
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < TRACE_SHA256_SIZE; i++) {
        g_string_append_printf(text, "%02x", sha256[i]);
    }
    return g_string_free(text, FALSE);
}

char *trace_pages(uint64_t group, unsigned shift)
{
    uint64_t first = group << shift;

    if (shift == 0) {
        return g_strdup_printf("page 0x%" PRIx64, first);
    }
    return g_strdup_printf("pages 0x%" PRIx64 " to 0x%" PRIx64, first,
                           first + ((UINT64_C(1) << shift) - 1));
}

gboolean trace_guest_clock_load(TraceGuestClock *clock, const char *path,
                                GError **error)
{
    g_autoptr(TraceReader) r = trace_open(path, error);
    TraceRecord record = {0};
    int got = -1;

    *clock = (TraceGuestClock){.known = FALSE};
    while (r && !clock->known && (got = trace_next(r, &record, error)) > 0) {
        TraceCut cut;

        if (record.type == TRACE_CUT &&
            trace_get_cut(record.payload, &cut, NULL)) {
            clock->known = TRUE;
            clock->offset_ns = cut.system_time_before - record.at_ns;
        }
    }
    trace_record_clear(&record);
    return got >= 0;
}

void trace_guest_clock_pass(TraceGuestClock *clock, const TraceRecord *record)
{
    TraceCut cut;

    if (record->type == TRACE_CUT &&
        trace_get_cut(record->payload, &cut, NULL)) {
        clock->known = TRUE;
        clock->offset_ns = cut.system_time_after - record->at_ns;
    }
}
