/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a trace while the guest runs. */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qapi/error.h"
#include "hw/boards.h"
#include "accel/shim/gate-internal.h"
#include "accel/shim/guard.h"
#include "accel/shim/guest-tap.h"

/* Console output is written with what comes next, or when it is this much. */
#define OUTPUT_MAX (64u << 10)

typedef struct Deferred {
    uint16_t type, flags;
    int64_t at_ns;
    GBytes *payload;
} Deferred;

struct GateRecorder {
    char *path;
    TraceWriter *writer; /* NULL: it failed, and that was told */
    GByteArray *output;
    GArray *deferred; /* of Deferred; NULL: nothing is put off */
    uint64_t records;
    int64_t last_ns; /* of the latest record of this process */
};

static void failed(GateRecorder *r, GError *error)
{
    error_report("jumpcut: record=%s: %s; nothing more is recorded", r->path,
                 error->message);
    trace_close(g_steal_pointer(&r->writer), NULL);
    g_error_free(error);
}

static void write_record(GateRecorder *r, uint16_t type, uint16_t flags,
                         int64_t at_ns, const void *payload, size_t len)
{
    GError *error = NULL;

    if (!r->writer) {
        return;
    }
    /* QEMU's main loop is told of no time that a vCPU has begun to run. */
    if (type == TRACE_OUTPUT || type == TRACE_DEVICE) {
        at_ns = MAX(at_ns, r->last_ns);
    }
    r->last_ns = MAX(at_ns, r->last_ns);
    if (trace_write(r->writer, type, flags, at_ns, payload, len, &error)) {
        r->records++;
    } else {
        failed(r, error);
    }
}

static void write_output_at(GateRecorder *r, int64_t at_ns)
{
    if (r->output->len) {
        write_record(r, TRACE_OUTPUT, TRACE_OPTIONAL, at_ns, r->output->data,
                     r->output->len);
        g_byte_array_set_size(r->output, 0);
    }
}

static void write_output(GateRecorder *r)
{
    write_output_at(r, gate_now());
}

void gate_recorder_flush(GateRecorder *r)
{
    GError *error = NULL;

    write_output(r);
    if (r->writer && !trace_flush(r->writer, &error)) {
        failed(r, error);
    }
}

void gate_recorder_put(GateRecorder *r, uint16_t type, uint16_t flags,
                       int64_t at_ns, const void *payload, size_t len)
{
    if (r->deferred) {
        Deferred d = {type, flags, at_ns, g_bytes_new(payload, len)};

        g_array_append_val(r->deferred, d);
        return;
    }
    write_output(r);
    write_record(r, type, flags, at_ns, payload, len);
    /* What a kill must not lose; the rest goes with it, or once a second. */
    if (type != TRACE_DEVICE) {
        gate_recorder_flush(r);
    }
}

/* What is put off is forgotten. */
static void forget_deferred(GateRecorder *r)
{
    g_autoptr(GArray) deferred = g_steal_pointer(&r->deferred);

    for (guint i = 0; deferred && i < deferred->len; i++) {
        g_bytes_unref(g_array_index(deferred, Deferred, i).payload);
    }
}

void gate_recorder_begin(GateRecorder *r)
{
    assert(!r->deferred);
    write_output(r);
    r->deferred = g_array_new(false, false, sizeof(Deferred));
}

void gate_recorder_end(GateRecorder *r, uint16_t type, uint16_t flags,
                       const void *payload, size_t len)
{
    g_autoptr(GArray) deferred = g_steal_pointer(&r->deferred);

    write_record(r, type, flags, gate_now(), payload, len);
    for (guint i = 0; i < deferred->len; i++) {
        Deferred *d = &g_array_index(deferred, Deferred, i);
        size_t n;
        const void *data = g_bytes_get_data(d->payload, &n);

        write_record(r, d->type, d->flags, d->at_ns, data, n);
        g_bytes_unref(d->payload);
    }
    gate_recorder_flush(r);
}

void gate_recorder_output(GateRecorder *r, const uint8_t *buf, size_t len)
{
    g_byte_array_append(r->output, buf, len);
    if (r->output->len >= OUTPUT_MAX && !r->deferred) {
        write_output(r);
    }
}

uint64_t gate_recorder_records(const GateRecorder *r)
{
    return r->records;
}

uint64_t gate_recorder_seq(GateRecorder *r)
{
    write_output(r);
    return r->writer ? trace_writer_seq(r->writer) : 0;
}

void gate_recorder_new_frame(GateRecorder *r)
{
    GError *error = NULL;

    write_output(r);
    if (r->writer && !trace_new_frame(r->writer, &error)) {
        failed(r, error);
    }
}

/* The arguments of this process, each a pair of the header. */
static void add_arguments(TraceHeader *h)
{
    g_autofree char *all = NULL;
    gsize len = 0;

    if (!g_file_get_contents("/proc/self/cmdline", &all, &len, NULL)) {
        return;
    }
    for (gsize at = 0; at < len; at += strlen(all + at) + 1) {
        trace_header_add(h, "arg", all + at);
    }
}

static void add_number(TraceHeader *h, const char *key, int64_t value)
{
    g_autofree char *text = g_strdup_printf("%" PRId64, value);

    trace_header_add(h, key, text);
}

/* For a trace that the program has not begun. */
static TraceWriter *create(Gate *gate, GError **error)
{
    const GuestOptions *o = guest_options(gate->guest);
    g_autoptr(TraceHeader) h = trace_header_new();

    trace_header_add(h, "qemu-build-id", abi_guard_build_id());
    trace_header_add(h, "guest", o->kind->name);
    add_number(h, "vcpus", current_machine->smp.cpus);
    add_number(h, "gate-ns", gate->options.gate_ns);
    add_number(h, "digest-ns", o->digest_ns);
    add_number(h, "checkpoint-ns", gate->options.checkpoint_ns);
    trace_header_add(h, "level", gate_level_name(gate->options.level));
    add_arguments(h);
    return trace_create(gate->options.record, h, error);
}

GateRecorder *gate_recorder_open(Gate *gate, Error **errp)
{
    g_autoptr(GError) error = NULL;
    const char *path = gate->options.record;
    GateRecorder *r;
    TraceWriter *w;
    struct stat st;
    /* The header is there already, or all that another process recorded. */
    bool exists = stat(path, &st) == 0 && st.st_size > 0;

    w = exists ? trace_append(path, &error) : create(gate, &error);
    if (!w) {
        error_setg(errp, "record=%s: %s", path, error->message);
        return NULL;
    }
    r = g_new0(GateRecorder, 1);
    r->path = g_strdup(path);
    r->writer = w;
    r->output = g_byte_array_new();
    return r;
}

void gate_recorder_close(GateRecorder *r)
{
    GError *error = NULL;

    write_output(r);
    if (r->writer && !trace_close(g_steal_pointer(&r->writer), &error)) {
        error_report("jumpcut: record=%s: %s", r->path, error->message);
        g_error_free(error);
    }
    g_byte_array_unref(r->output);
    g_free(r->path);
    g_free(r);
}

void gate_recorder_finish(Gate *gate, const char *why)
{
    GateRecorder *r = gate->recorder;
    TraceEnd end = {
        .why = (char *)why,
        .console_bytes = gate->mark.bytes,
    };
    g_autoptr(GByteArray) payload = NULL;

    if (gate_wants_devices(gate)) {
        guest_tap_flush(gate->guest);
    }
    /* A command that has not ended: the trace ends before it. */
    forget_deferred(r);
    memcpy(end.console_sha256, gate->mark.sha256, TRACE_SHA256_SIZE);
    payload = trace_put_end(&end);
    /* Times never go back: what came after the last exact place is its. */
    write_output_at(r, gate->mark.at_ns);
    write_record(r, TRACE_END, 0, gate->mark.at_ns, payload->data,
                 payload->len);
    gate->recorder = NULL;
    gate_recorder_close(r);
}
