/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A value change dump (IEEE 1364): clocks and counters of a trace as signals
 * over virtual time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/trace-export.h"

/* In the order of the identifiers, from '!' on. */
typedef enum VcdSignal {
    VCD_PROCESS,
    VCD_INPUTS,
    VCD_CUTS,
    VCD_DIGESTS,
    VCD_EVENTS,
    VCD_CONSOLE_BYTES,
    VCD_SYSTEM_TIME,
    VCD_TSC,
    VCD_TSC_KHZ,
    VCD_INVTSC,
    VCD_SIGNALS,
} VcdSignal;

static const struct {
    const char *name;
    unsigned bits;
} signals[VCD_SIGNALS] = {
    [VCD_PROCESS] = {"qemu_process", 32},
    [VCD_INPUTS] = {"inputs", 64},
    [VCD_CUTS] = {"cuts", 64},
    [VCD_DIGESTS] = {"digests", 64},
    [VCD_EVENTS] = {"events", 64},
    [VCD_CONSOLE_BYTES] = {"console_bytes", 64},
    [VCD_SYSTEM_TIME] = {"system_time_ns", 64},
    [VCD_TSC] = {"tsc_at_cut", 64},
    [VCD_TSC_KHZ] = {"tsc_khz", 32},
    [VCD_INVTSC] = {"invtsc", 1},
};

typedef struct Vcd {
    GString *out;
    uint64_t value[VCD_SIGNALS];
    gboolean known[VCD_SIGNALS];
    gboolean changed[VCD_SIGNALS]; /* since at_ns was written */
    gint64 at_ns;                  /* that the values are of; -1: none yet */
    gboolean begun;                /* the first values are out */
} Vcd;

static void put_value(Vcd *v, VcdSignal s)
{
    char digits[65];
    unsigned n = 0;

    for (unsigned bit = 64; bit-- > 0;) {
        if (n || v->value[s] >> bit & 1 || bit == 0) {
            digits[n++] = v->value[s] >> bit & 1 ? '1' : '0';
        }
    }
    digits[n] = '\0';
    if (signals[s].bits == 1) {
        g_string_append_printf(v->out, "%c%c\n", v->known[s] ? digits[0] : 'x',
                               '!' + s);
    } else {
        g_string_append_printf(v->out, "b%s %c\n", v->known[s] ? digits : "x",
                               '!' + s);
    }
}

static void *vcd_begin(const TraceHeader *header)
{
    const char *guest = trace_header_get(header, "guest");
    g_autofree char *scope = g_strdup(guest ? guest : "guest");
    Vcd *v = g_new0(Vcd, 1);

    /* A scope's name is one word of letters that simulators know. */
    g_strcanon(scope, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_", '_');
    v->out = g_string_new("$version jumpcut export $end\n"
                          "$comment Times are virtual nanoseconds. $end\n"
                          "$timescale 1 ns $end\n");
    g_string_append_printf(v->out, "$scope module %s $end\n",
                           *scope ? scope : "guest");
    for (unsigned s = 0; s < VCD_SIGNALS; s++) {
        g_string_append_printf(v->out, "$var wire %u %c %s $end\n",
                               signals[s].bits, '!' + s, signals[s].name);
    }
    g_string_append(v->out, "$upscope $end\n$enddefinitions $end\n");
    v->at_ns = -1;
    return v;
}

static void vcd_set(Vcd *v, VcdSignal s, uint64_t value)
{
    v->changed[s] |= !v->known[s] || v->value[s] != value;
    v->known[s] = TRUE;
    v->value[s] = value;
}

/* The values at at_ns are complete. */
static void vcd_flush(Vcd *v, gboolean first)
{
    gboolean any = first;

    for (unsigned s = 0; s < VCD_SIGNALS; s++) {
        any |= v->changed[s];
    }
    if (!any) {
        return;
    }
    g_string_append_printf(v->out, "#%" PRId64 "\n%s", v->at_ns,
                           first ? "$dumpvars\n" : "");
    for (unsigned s = 0; s < VCD_SIGNALS; s++) {
        if (first || v->changed[s]) {
            put_value(v, s);
        }
        v->changed[s] = FALSE;
    }
    g_string_append(v->out, first ? "$end\n" : "");
}

static void set_clocks(Vcd *v, const ExportItem *item)
{
    TraceCut cut;

    if (item->clock.known) {
        vcd_set(v, VCD_SYSTEM_TIME, export_guest_ns(item));
    }
    if (item->record->type == TRACE_CUT &&
        trace_get_cut(item->record->payload, &cut, NULL)) {
        vcd_set(v, VCD_CUTS, v->value[VCD_CUTS] + 1);
        vcd_set(v, VCD_TSC, cut.tsc_after);
        vcd_set(v, VCD_TSC_KHZ, cut.khz_after);
        vcd_set(v, VCD_INVTSC, cut.invtsc_after);
        vcd_set(v, VCD_CONSOLE_BYTES, cut.console_bytes);
    }
}

static void vcd_item(void *state, const ExportItem *item)
{
    const TraceRecord *record = item->record;
    TraceDigest digest;
    Vcd *v = state;

    if (record->at_ns != v->at_ns) {
        if (v->at_ns >= 0) {
            vcd_flush(v, !v->begun);
            v->begun = TRUE;
        } else {
            /* Counters count from nothing. */
            for (unsigned s = VCD_INPUTS; s <= VCD_CONSOLE_BYTES; s++) {
                vcd_set(v, s, 0);
            }
        }
        v->at_ns = record->at_ns;
    }
    vcd_set(v, VCD_PROCESS, item->process);
    set_clocks(v, item);
    switch (record->type) {
    case TRACE_INPUT_BYTES:
    case TRACE_INPUT_QMP:
        vcd_set(v, VCD_INPUTS, v->value[VCD_INPUTS] + 1);
        break;
    case TRACE_EVENT:
        vcd_set(v, VCD_EVENTS, v->value[VCD_EVENTS] + 1);
        break;
    case TRACE_DIGEST:
        vcd_set(v, VCD_DIGESTS, v->value[VCD_DIGESTS] + 1);
        if (trace_get_digest(record->payload, &digest, NULL)) {
            vcd_set(v, VCD_CONSOLE_BYTES, digest.console_bytes);
            trace_digest_clear(&digest);
        }
        break;
    default:
        break;
    }
}

static GString *vcd_end(void *state)
{
    Vcd *v = state;
    GString *out = v->out;

    if (v->at_ns >= 0) {
        vcd_flush(v, !v->begun);
    }
    g_free(v);
    return out;
}

const ExportFormat export_vcd = {
    .name = "vcd",
    .begin = vcd_begin,
    .item = vcd_item,
    .end = vcd_end,
};
