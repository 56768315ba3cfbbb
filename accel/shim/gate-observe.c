/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest does, at the gate: recorded, or compared with a trace. */
#include "qemu/osdep.h"
#include "accel/shim/digest.h"
#include "accel/shim/gate-internal.h"
#include "accel/shim/guest-tap.h"
#include <zlib.h>

/* Does the guest do that on its own account, which ends a run? */
static const char *ending_of(const char *event, uint64_t a)
{
    /* xen: public/sched.h, SHUTDOWN_* */
    static const char *const reasons[] = {"powered-off", "reboot", NULL,
                                          "crashed", "crashed"};

    if (strcmp(event, "shutdown")) {
        return NULL;
    }
    return a < ARRAY_SIZE(reasons) ? reasons[a] : "powered-off";
}

static void device_steps(void *opaque, int64_t at_ns, const char *lines,
                         size_t len)
{
    Gate *gate = opaque;

    if (gate->recorder) {
        gate_recorder_put(gate->recorder, TRACE_DEVICE, TRACE_OPTIONAL, at_ns,
                          lines, len);
    }
}

void gate_devices_install(Gate *gate)
{
    if (gate_wants_devices(gate)) {
        guest_tap_set_sink(gate->guest, device_steps, gate);
    }
}

void gate_observe(Gate *gate, TraceType type, const void *payload, size_t len)
{
    if (!gate || (type == TRACE_DIGEST && gate->options.level < GATE_DIGESTS)) {
        return;
    }
    if (gate->recorder) {
        gate_recorder_put(gate->recorder, type, 0, gate_now(), payload, len);
    }
    gate_mark(gate);
    if (gate->engine) {
        replay_engine_observe(gate->engine, type, gate->mark.at_ns, payload,
                              len);
    }
    if (type == TRACE_DIGEST && gate->stop_digest == (int64_t)gate->digests++) {
        gate->stop_digest = -1;
        gate_stop(gate, GATE_STOP_AT);
    }
    gate_look_for_end(gate);
}

void gate_digest(Gate *gate, const StateDigest *digest, const char *reason)
{
    g_autoptr(GByteArray) payload = NULL;

    if (gate) {
        payload = state_digest_record(digest, gate->digests, reason,
                                      guest_console_bytes(gate->guest),
                                      gate->console_crc);
        gate_observe(gate, TRACE_DIGEST, payload->data, payload->len);
    }
}

void gate_cut(Gate *gate, const GuestCut *cut)
{
    const ClockCut *c = &cut->cut;
    TraceCut out = {
        .system_time_before = c->system_time_before,
        .system_time_after = c->system_time_after,
        .tsc_before = c->tsc_before,
        .tsc_after = c->tsc_after,
        .khz_before = c->guest_khz_before,
        .khz_after = c->guest_khz_after,
        .invtsc_before = c->invtsc_before,
        .invtsc_after = c->invtsc_after,
        .console_bytes = cut->console_bytes,
    };
    g_autoptr(GByteArray) payload = gate ? trace_put_cut(&out) : NULL;

    if (gate) {
        gate_observe(gate, TRACE_CUT, payload->data, payload->len);
    }
}

void gate_event(Gate *gate, const char *name, uint64_t a, uint64_t b)
{
    g_autoptr(GByteArray) payload = NULL;
    const char *ending;

    if (!gate) {
        return;
    }
    ending = ending_of(name, a);
    payload = trace_put_event(name, a, b);
    if (gate->stop_event && !strcmp(gate->stop_event, name)) {
        g_clear_pointer(&gate->stop_event, g_free);
        gate_stop(gate, GATE_STOP_AT);
    }
    if (!strcmp(name, "reset")) {
        gate->ending = NULL;
    }
    gate_observe(gate, TRACE_EVENT, payload->data, payload->len);
    gate->ending = ending ? ending : gate->ending;
}

void gate_output(Gate *gate, const uint8_t *buf, size_t len)
{
    if (gate) {
        g_checksum_update(gate->console, buf, len);
        gate->console_crc = crc32(gate->console_crc, buf, len);
        if (gate->recorder) {
            gate_recorder_output(gate->recorder, buf, len);
        }
    }
}
