/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration state of the gate: where the trace stands, and what waits for a
 * tick.  It is none of the guest's, and no part of a digest.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qapi/error.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "migration/vmstate.h"
#include "system/runstate.h"
#include "accel/shim/gate-internal.h"
#include "accel/shim/guest-tap.h"
#include "hw/state.h"

#define STATE_MAX      (1u << 20)
#define SETTLE_POLL_MS 1

enum {
    TAG_SEQ = 0x0180,
    TAG_HANDOVERS,
    TAG_DIGESTS,
    TAG_TICK_DUE,
    TAG_CRC,
    TAG_CHECKPOINTS,
    TAG_NR_APPOINTMENTS,
    TAG_AT,
    TAG_COMMAND,
    TAG_ARGUMENTS,
};

/* The trace is the other process's from here on. */
static void hand_trace_over(Gate *gate)
{
    g_autoptr(GByteArray) payload = trace_put_handover(gate->handovers + 1);

    if (gate_wants_devices(gate)) {
        guest_tap_flush(gate->guest);
    }
    gate_recorder_put(gate->recorder, TRACE_HANDOVER, 0, gate_now(),
                      payload->data, payload->len);
    gate_recorder_close(g_steal_pointer(&gate->recorder));
}

static void put_text(StateWriter *w, uint16_t tag, const char *text)
{
    state_put_bytes(w, tag, (const uint8_t *)text, strlen(text));
}

static int gate_pre_save(void *opaque)
{
    Gate *gate = opaque;
    StateWriter *w = state_writer_new();
    GByteArray *bytes;

    /* At a digest or a checkpoint the machine is as it was. */
    if (gate->recorder && runstate_check(RUN_STATE_FINISH_MIGRATE)) {
        hand_trace_over(gate);
    }
    state_put_u64(w, TAG_SEQ,
                  gate->engine ? replay_engine_seq(gate->engine) : 0);
    state_put_u64(w, TAG_HANDOVERS, gate->handovers);
    state_put_u64(w, TAG_DIGESTS, gate->digests);
    state_put_u64(w, TAG_TICK_DUE, gate->tick_due);
    state_put_u64(w, TAG_CRC, gate->console_crc);
    state_put_u64(w, TAG_CHECKPOINTS, gate->nr_checkpoints);
    state_put_u64(w, TAG_NR_APPOINTMENTS, gate->appointments->len);
    for (guint i = 0; i < gate->appointments->len; i++) {
        GateAppointment *a = g_ptr_array_index(gate->appointments, i);
        g_autoptr(GString) args = qobject_to_json(QOBJECT(a->args));

        state_put_u64(w, TAG_AT, a->at_ns);
        put_text(w, TAG_COMMAND, a->command->name);
        put_text(w, TAG_ARGUMENTS, args->str);
    }
    bytes = state_writer_finish(w);
    gate->state_len = bytes->len;
    gate->state = g_byte_array_free(bytes, false);
    return 0;
}

static int gate_post_save(void *opaque)
{
    Gate *gate = opaque;

    g_clear_pointer(&gate->state, g_free);
    gate->state_len = 0;
    return 0;
}

static char *get_text(StateReader *r, uint16_t tag, const char *name)
{
    g_autoptr(GByteArray) bytes = state_get_blob(r, tag, name, STATE_MAX);

    return bytes && bytes->len ? g_strndup((char *)bytes->data, bytes->len)
                               : g_strdup("");
}

static void load_appointment(Gate *gate, StateReader *r)
{
    int64_t at_ns = state_get_u64(r, TAG_AT, "appointment", INT64_MAX);
    g_autofree char *name = get_text(r, TAG_COMMAND, "its command");
    g_autofree char *text = get_text(r, TAG_ARGUMENTS, "its arguments");
    const GateCommand *command = gate_command_by_name(name);
    QObject *args = qobject_from_json(text, NULL);
    Error *err = NULL;

    if (state_reader_failed(r) || !command || !qobject_to(QDict, args)) {
        qobject_unref(args);
        if (!state_reader_failed(r)) {
            state_reader_fail(r, "appointment: '%s' %s is no command", name,
                              text);
        }
        return;
    }
    if (!gate_appoint(gate, at_ns, command, qobject_to(QDict, args), &err)) {
        state_reader_fail(r, "appointment: %s", error_get_pretty(err));
        error_free(err);
    }
    qobject_unref(args);
}

/* All that the other processes had on the console, as their trace tells. */
static bool reread_console(Gate *gate, const char *path, uint64_t until,
                           GError **error)
{
    g_autoptr(TraceReader) reader = trace_open(path, error);
    TraceRecord record = {.payload = NULL};
    int got;

    if (!reader) {
        return false;
    }
    g_checksum_reset(gate->console);
    while ((got = trace_next(reader, &record, error)) > 0 &&
           record.seq < until) {
        gsize len;
        const guint8 *data = g_bytes_get_data(record.payload, &len);

        if (record.type == TRACE_OUTPUT) {
            g_checksum_update(gate->console, data, len);
        }
    }
    trace_record_clear(&record);
    return got >= 0;
}

/* Recorded stops are acted upon once the machine really is stopped. */
static void settle(void *opaque)
{
    Gate *gate = opaque;

    if (runstate_check(RUN_STATE_INMIGRATE)) {
        timer_mod(gate->settle,
                  qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + SETTLE_POLL_MS);
        return;
    }
    gate_at_stop(gate);
}

bool gate_continue_at(Gate *gate, uint64_t seq, GError **error)
{
    return replay_engine_seek(gate->engine, seq, error) &&
           reread_console(gate, gate->options.replay, seq, error);
}

static bool take_over(Gate *gate, uint64_t seq, GError **error)
{
    Error *err = NULL;

    gate->incoming = false;
    if (gate->engine) {
        if (!gate_continue_at(gate, seq, error)) {
            return false;
        }
        if (!gate->from_seq &&
            replay_engine_next_is(gate->engine, TRACE_HANDOVER)) {
            replay_engine_skip(gate->engine);
        }
    }
    if (gate->options.record) {
        gate->recorder = gate_recorder_open(gate, &err);
        if (!gate->recorder) {
            g_set_error(error, TRACE_ERROR, TRACE_ERROR_IO, "%s",
                        error_get_pretty(err));
            error_free(err);
            return false;
        }
        return gate->engine ||
               reread_console(gate, gate->options.record, UINT64_MAX, error);
    }
    return true;
}

static int gate_post_load(void *opaque, int version_id)
{
    Gate *gate = opaque;
    StateReader *r = state_reader_new(gate->state, gate->state_len);
    g_autoptr(GError) error = NULL;
    uint64_t n, seq;

    seq = state_get_u64(r, TAG_SEQ, "record of the trace", INT64_MAX);
    gate->handovers = state_get_u64(r, TAG_HANDOVERS, "handovers", INT32_MAX) +
                      gate->incoming;
    gate->digests = state_get_u64(r, TAG_DIGESTS, "digests", INT64_MAX);
    gate->tick_due = state_get_u64(r, TAG_TICK_DUE, "tick", 1);
    gate->console_crc = state_get_u64(r, TAG_CRC, "console CRC", UINT32_MAX);
    gate->nr_checkpoints =
        state_get_u64(r, TAG_CHECKPOINTS, "checkpoints", UINT32_MAX);
    n = state_get_u64(r, TAG_NR_APPOINTMENTS, "appointments",
                      GATE_APPOINTMENTS_MAX);
    for (uint64_t i = 0; i < n && !state_reader_failed(r); i++) {
        load_appointment(gate, r);
    }
    g_clear_pointer(&gate->state, g_free);
    if (!state_reader_finish(r, &error) ||
        ((gate->incoming || gate->from_seq) &&
         !take_over(gate, gate->from_seq ? gate->from_seq : seq, &error))) {
        error_report("jumpcut: gate's state: %s", error->message);
        return -EINVAL;
    }
    gate_arm(gate);
    if (!gate->from_seq) {
        timer_mod(gate->settle, 0);
    }
    return 0;
}

static bool state_len_valid(void *opaque, int version_id)
{
    Gate *gate = opaque;

    return gate->state_len <= STATE_MAX;
}

static const VMStateDescription vmstate_gate = {
    .name = "jumpcut/gate",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = gate_pre_save,
    .post_save = gate_post_save,
    .post_load = gate_post_load,
    .fields =
        (const VMStateField[]){
            VMSTATE_UINT32(state_len, Gate),
            VMSTATE_VALIDATE("state of a sane size", state_len_valid),
            VMSTATE_VBUFFER_ALLOC_UINT32(state, Gate, 1, NULL, state_len),
            VMSTATE_END_OF_LIST(),
        },
};

void gate_register_vmstate(Gate *gate)
{
    gate->settle = timer_new_ms(QEMU_CLOCK_REALTIME, settle, gate);
    vmstate_register(NULL, 0, &vmstate_gate, gate);
}
