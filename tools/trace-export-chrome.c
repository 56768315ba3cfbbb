/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chrome's trace events as JSON: a process of the viewer's is a QEMU process of
 * the VM, a thread is a kind of records or a vCPU.  Times are virtual.
 */
#include <inttypes.h>

#include "tools/trace-export.h"

#define TID_VCPU 100 /* of vCPU 0 */

static const char *const rows[] = {
    [TRACE_INPUT_BYTES] = "inputs: bytes",
    [TRACE_INPUT_QMP] = "inputs: QMP commands",
    [TRACE_CUT] = "cuts",
    [TRACE_DIGEST] = "digests",
    [TRACE_EVENT] = "events",
    [TRACE_HANDOVER] = "handovers",
    [TRACE_OUTPUT] = "console output",
    [TRACE_CHECKPOINT_PAGES] = "checkpoints: pages",
    [TRACE_CHECKPOINT] = "checkpoints",
    [TRACE_DEVICE] = "devices",
    [TRACE_END] = "end",
};

typedef struct Chrome {
    GString *out;
    char *guest;
    guint process;          /* whose names are out */
    guint32 rows_named;     /* of that process, bits of types */
    guint vcpus_named;      /* of that process */
    gint64 start_ns, at_ns; /* of that process, and of the last record */
} Chrome;

static void put_string(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (const char *at = text; *at; at++) {
        if (*at == '"' || *at == '\\') {
            g_string_append_c(out, '\\');
        }
        if ((guchar)*at < 0x20 || *at == 0x7f) {
            g_string_append_printf(out, "\\u%04x", *at);
        } else {
            g_string_append_c(out, *at);
        }
    }
    g_string_append_c(out, '"');
}

/* Chrome counts in microseconds, with decimals. */
static void put_us(GString *out, gint64 ns)
{
    g_string_append_printf(out, "%" PRId64 ".%03" PRId64, ns / 1000, ns % 1000);
}

static void put_event(Chrome *c, const char *name, const char *phase, guint tid)
{
    g_string_append(c->out, ",\n{\"name\":");
    put_string(c->out, name);
    g_string_append_printf(c->out, ",\"ph\":\"%s\",\"pid\":%u,\"tid\":%u",
                           phase, c->process, tid);
}

static void put_name(Chrome *c, const char *what, guint tid, const char *name)
{
    put_event(c, what, "M", tid);
    g_string_append(c->out, ",\"args\":{\"name\":");
    put_string(c->out, name);
    g_string_append(c->out, "}}");
}

/* The bar of a QEMU process, once its end is known. */
static void end_process(Chrome *c)
{
    put_event(c, "running", "X", 0);
    g_string_append(c->out, ",\"ts\":");
    put_us(c->out, c->start_ns);
    g_string_append(c->out, ",\"dur\":");
    put_us(c->out, c->at_ns - c->start_ns);
    g_string_append(c->out, "}");
}

static void begin_process(Chrome *c, guint process, gint64 at_ns)
{
    g_autofree char *name =
        g_strdup_printf("%s, QEMU process %u", c->guest, process);

    c->process = process;
    c->rows_named = 0;
    c->vcpus_named = 0;
    c->start_ns = at_ns;
    put_name(c, "process_name", 0, name);
    put_name(c, "thread_name", 0, "process");
}

static void *chrome_begin(const TraceHeader *header)
{
    const char *guest = trace_header_get(header, "guest");
    Chrome *c = g_new0(Chrome, 1);

    c->out = g_string_new("{\"displayTimeUnit\":\"ns\",\"otherData\":{");
    for (unsigned i = 0, n = 0; i < trace_header_size(header); i++) {
        const char *key, *value;

        trace_header_pair(header, i, &key, &value);
        /* Names of an object are its own once only. */
        if (trace_header_get(header, key) == value) {
            g_string_append(c->out, n++ ? "," : "");
            put_string(c->out, key);
            g_string_append_c(c->out, ':');
            put_string(c->out, value);
        }
    }
    g_string_append(c->out, "},\"traceEvents\":[\n"
                            "{\"name\":\"trace\",\"ph\":\"M\",\"pid\":0,"
                            "\"tid\":0,\"args\":{}}");
    c->guest = g_strdup(guest ? guest : "guest");
    begin_process(c, 1, 0);
    return c;
}

static void put_times(Chrome *c, const ExportItem *item)
{
    g_string_append(c->out, ",\"s\":\"t\",\"ts\":");
    put_us(c->out, item->record->at_ns);
    g_string_append_printf(
        c->out, ",\"args\":{\"record\":%" PRIu64 ",\"virtual-ns\":%" PRId64,
        item->record->seq, item->record->at_ns);
    if (item->clock.known) {
        g_string_append_printf(c->out, ",\"guest-ns\":%" PRId64,
                               export_guest_ns(item));
    }
}

/* What each vCPU was about, on a row of its own. */
static void put_vcpus(Chrome *c, const ExportItem *item)
{
    TraceDigest digest;

    if (!trace_get_digest(item->record->payload, &digest, NULL)) {
        return;
    }
    for (guint v = 0; v < digest.vcpus->len; v++) {
        const TraceRegisters *vcpu =
            &g_array_index(digest.vcpus, TraceRegisters, v);
        g_autofree char *name =
            g_strdup_printf("rip %" PRIx64, vcpu->value[16]);

        if (v >= c->vcpus_named) {
            g_autofree char *row = g_strdup_printf("vCPU %u", v);

            put_name(c, "thread_name", TID_VCPU + v, row);
            c->vcpus_named = v + 1;
        }
        put_event(c, name, "i", TID_VCPU + v);
        put_times(c, item);
        for (unsigned r = 0; r < TRACE_REGISTERS; r++) {
            g_string_append_printf(c->out, ",\"%s\":\"%" PRIx64 "\"",
                                   trace_register_names[r], vcpu->value[r]);
        }
        g_string_append(c->out, "}}");
    }
    trace_digest_clear(&digest);
}

static void chrome_item(void *state, const ExportItem *item)
{
    const TraceRecord *record = item->record;
    Chrome *c = state;

    if (item->process != c->process) {
        end_process(c);
        begin_process(c, item->process, record->at_ns);
    }
    c->at_ns = record->at_ns;
    if (!(c->rows_named & 1u << record->type)) {
        c->rows_named |= 1u << record->type;
        put_name(c, "thread_name", record->type, rows[record->type]);
    }
    put_event(c, item->text, "i", record->type);
    put_times(c, item);
    g_string_append_printf(c->out, ",\"stopped\":%s,\"vcpu\":%u}}",
                           record->flags & TRACE_AT_STOP ? "true" : "false",
                           record->vcpu);
    if (record->type == TRACE_DIGEST) {
        put_vcpus(c, item);
    }
}

static GString *chrome_end(void *state)
{
    Chrome *c = state;
    GString *out = c->out;

    end_process(c);
    g_string_append(out, "\n]}\n");
    g_free(c->guest);
    g_free(c);
    return out;
}

const ExportFormat export_chrome = {
    .name = "chrome",
    .begin = chrome_begin,
    .item = chrome_item,
    .end = chrome_end,
};
