/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints at ticks of the gate: taken, and begun from.
 *
 * A process that goes on from a checkpoint has empty TLBs, which the guest can
 * tell by accessed bits that it cleared without a flush.  So they are emptied
 * wherever there is a checkpoint, recorded and replayed alike.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qapi/error.h"
#include "block/aio.h"
#include "qemu/main-loop.h"
#include "system/runstate.h"
#include "accel/shim/checkpoint.h"
#include "accel/shim/gate-internal.h"
#include "accel/shim/vcpu.h"

/* Is one due, at this tick: has the interval's multiple just passed? */
static bool is_due(const Gate *gate)
{
    int64_t interval = gate->options.checkpoint_ns;
    int64_t now = gate_now(), before = now - gate->options.gate_ns;

    return gate->checkpoint_wanted ||
           (interval && now / interval > MAX(before, 0) / interval);
}

static uint64_t write_part(void *opaque, uint16_t type, const void *payload,
                           size_t len)
{
    Gate *gate = opaque;
    uint64_t seq = gate_recorder_seq(gate->recorder);

    gate_recorder_put(gate->recorder, type, 0, gate_now(), payload, len);
    return seq;
}

static void write_checkpoint(Gate *gate, uint32_t number,
                             const StateDigest *digest)
{
    const ShimDigester *digester = guest_digester(gate->guest);
    Error *err = NULL;

    if (!gate->checkpoints) {
        gate->checkpoints = checkpoint_writer_new();
    }
    gate_recorder_new_frame(gate->recorder);
    if (!checkpoint_write(gate->checkpoints, number, digest,
                          shim_digester_memory(digester), write_part, gate,
                          &err)) {
        warn_report_err(err);
    }
    gate_recorder_new_frame(gate->recorder);
}

void gate_checkpoint(Gate *gate)
{
    const StateDigest *digest;
    uint32_t number;

    if (!is_due(gate)) {
        return;
    }
    gate->checkpoint_wanted = false;
    shim_tlbs_begin_anew();
    digest = guest_take_digest(gate->guest, "checkpoint");
    if (!digest) {
        return;
    }
    /* A machine that begins from it has taken it. */
    number = gate->nr_checkpoints++;
    if (gate->recorder) {
        write_checkpoint(gate, number, digest);
    }
}

void gate_want_checkpoint(Gate *gate)
{
    gate->checkpoint_wanted = true;
}

/* Beginning from one */

static void begin(Gate *gate)
{
    Checkpoint *c = g_steal_pointer(&gate->from);
    Error *err = NULL;

    if (!c) {
        return;
    }
    gate->from_seq = checkpoint_seq(c);
    if (!checkpoint_load(c, guest_digester(gate->guest), &err)) {
        error_report_err(err);
        exit(EXIT_FAILURE);
    }
    gate->from_seq = 0;
    gate->ran = true;
    checkpoint_free(c);
    gate_mark(gate);
}

static void begin_bh(void *opaque)
{
    begin(opaque);
}

static void begin_at_start(void *opaque, bool running, RunState state)
{
    if (running) {
        begin(opaque);
    }
}

/* Once the machine has been reset, and before it runs. */
bool gate_begin_from(Gate *gate, Error **errp)
{
    const GateOptions *o = &gate->options;

    if (!o->replay || o->record || gate->incoming) {
        error_setg(errp, "from=: wants replay= beside it, and neither record= "
                         "nor -incoming");
        return false;
    }
    gate->from = checkpoint_find(o->replay, o->from, errp);
    if (!gate->from) {
        return false;
    }
    /* Before any other's: they find the machine that goes on. */
    qemu_add_vm_change_state_handler_prio(begin_at_start, gate, -1);
    aio_bh_schedule_oneshot(qemu_get_aio_context(), begin_bh, gate);
    return true;
}
