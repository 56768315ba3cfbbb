/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate: its ticks, what is observed, and how a run ends. */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "system/cpu-timers.h"
#include "system/runstate.h"
#include "system/system.h"
#include "system/tcg.h"
#include "accel/shim/gate-internal.h"
#include "accel/shim/stop.h"
#include <zlib.h>

#define FLUSH_NS NANOSECONDS_PER_SECOND

int64_t gate_now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* Levels */

static const char *const levels[] = {
    [GATE_INPUTS] = "inputs",
    [GATE_DIGESTS] = "digests",
    [GATE_DEVICES] = "devices",
};

const char *gate_level_name(GateLevel level)
{
    return levels[level];
}

bool gate_level_parse(const char *name, GateLevel *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
        if (!strcmp(levels[i], name)) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Places */

void gate_mark(Gate *gate)
{
    g_autoptr(GChecksum) sum = NULL;
    gsize len = TRACE_SHA256_SIZE;

    /* What the guest does until QEMU really stops depends on the host. */
    if (gate->ending) {
        return;
    }
    sum = g_checksum_copy(gate->console);
    gate->mark.at_ns = gate_now();
    gate->mark.bytes = guest_console_bytes(gate->guest);
    g_checksum_get_digest(sum, gate->mark.sha256, &len);
}

/* Did the recorded guest end by itself, shortly after its last exact place? */
static bool ends_by_itself(Gate *gate)
{
    const char *ending = replay_engine_ending(gate->engine);

    return gate->ending || (ending && strcmp(ending, "quit"));
}

/* Stopping */

static void stopped_by_gate(void *opaque)
{
    static const char *const why[] = {
        [GATE_STOP_AT] = "stop-at",
        [GATE_STOP_HANDOVER] = "handover",
        [GATE_STOP_DIVERGENCE] = "divergence",
        [GATE_STOP_END] = "end",
    };
    Gate *gate = opaque;

    if (gate->stop != GATE_STOP_NONE) {
        gate_tell_stopped(gate, why[gate->stop]);
        /* QMP hears of no command before it has answered the last. */
        gate_refuse_requests(gate);
    }
}

void gate_stop(Gate *gate, GateStop why)
{
    /* What it stands for comes first: it stops as it goes on. */
    gate->stop_later = why == GATE_STOP_AT && !runstate_is_running();
    if (gate->stop_later) {
        return;
    }
    gate->stop = why;
    if (!runstate_is_running()) {
        return;
    }
    if (tcg_enabled()) {
        shim_stop_soon(stopped_by_gate, gate);
    } else {
        vm_stop(RUN_STATE_PAUSED);
        stopped_by_gate(gate);
    }
}

void gate_judge(Gate *gate)
{
    ReplayState state;

    if (!gate->engine || gate->told) {
        return;
    }
    state = replay_engine_state(gate->engine);
    if (state == REPLAY_RUNNING) {
        return;
    }
    gate->told = true;
    if (state == REPLAY_DIVERGED) {
        gate_tell_divergence(gate);
        gate_stop(gate, GATE_STOP_DIVERGENCE);
        return;
    }
    gate_tell_end(gate, state == REPLAY_COMPLETE);
    /* One that records anew goes on; one whose guest ends, ends. */
    if (!gate->options.record && !ends_by_itself(gate)) {
        gate_stop(gate, GATE_STOP_END);
    }
}

void gate_look_for_end(Gate *gate)
{
    if (gate->engine) {
        replay_engine_reached(gate->engine, gate->mark.at_ns, gate->mark.bytes,
                              gate->mark.sha256);
        gate_judge(gate);
    }
}

/* Ticks */

static void flush_now_and_then(Gate *gate)
{
    if (gate->recorder && gate->mark.at_ns % FLUSH_NS < gate->options.gate_ns) {
        gate_recorder_flush(gate->recorder);
    }
}

static void look_for_stop(Gate *gate)
{
    if (gate->stop_at_ns >= 0 && gate_now() >= gate->stop_at_ns) {
        gate->stop_at_ns = -1;
        gate_stop(gate, GATE_STOP_AT);
    }
}

static bool reader_is_back(Gate *gate)
{
    return !gate_holds(gate) || !runstate_is_running() || first_cpu->stop;
}

static void tick(Gate *gate)
{
    gate->tick_due = false;
    if (gate->ending) {
        return;
    }
    gate_inputs(gate, false);
    gate_mark(gate);
    if (!runstate_is_running()) {
        return;
    }
    gate_look_for_end(gate);
    flush_now_and_then(gate);
    gate_checkpoint(gate);
    look_for_stop(gate);
    if (gate_holds(gate)) {
        gate_wait(gate, reader_is_back, 10);
    }
    gate_pace(gate);
}

static void tick_work(CPUState *cs, run_on_cpu_data data)
{
    Gate *gate = data.host_ptr;

    gate->tick_listed = false;
    /* Stopped at the very place of a tick, the machine goes on with it. */
    if (runstate_is_running() && !first_cpu->stop && gate->tick_due) {
        tick(gate);
    }
}

static void list_tick(Gate *gate)
{
    if (!tcg_enabled()) {
        tick(gate);
    } else if (!gate->tick_listed) {
        gate->tick_listed = true;
        async_run_on_cpu(first_cpu, tick_work, RUN_ON_CPU_HOST_PTR(gate));
    }
}

void gate_arm(Gate *gate)
{
    int64_t interval = gate->options.gate_ns;

    run_timer_mod(&gate->timer, (gate_now() / interval + 1) * interval);
}

static void timer_fired(void *opaque)
{
    Gate *gate = opaque;

    gate_arm(gate);
    gate->tick_due = true;
    list_tick(gate);
}

bool gate_holds(const Gate *gate)
{
    return guest_console_full(gate->guest) ||
           (gate->full && gate->full(gate->full_opaque));
}

void gate_set_full(Gate *gate, GateFullFn *full, void *opaque)
{
    gate->full = full;
    gate->full_opaque = opaque;
}

bool gate_wants_devices(const Gate *gate)
{
    return gate && gate->options.level == GATE_DEVICES &&
           (gate->options.record || gate->options.replay);
}

bool gate_resumes_unseen(const Gate *gate)
{
    return (gate_records(gate) || gate_replays(gate)) && gate->ran &&
           !gate->in_command;
}

bool gate_records(const Gate *gate)
{
    return gate && gate->options.record;
}

bool gate_replays(const Gate *gate)
{
    return gate && gate->options.replay;
}

/* The machine stops and goes on */

static void after_stop(void *opaque)
{
    gate_at_stop(opaque);
}

/* To RAM, of which handlers of the run state are not told. */
static void suspended(Notifier *notifier, void *data)
{
    aio_bh_schedule_oneshot(qemu_get_aio_context(), after_stop,
                            container_of(notifier, Gate, suspend));
}

static void run_state_changed(void *opaque, bool running, RunState state)
{
    Gate *gate = opaque;
    Error *err = NULL;

    if (!running) {
        if (gate->stop == GATE_STOP_NONE) {
            aio_bh_schedule_oneshot(qemu_get_aio_context(), after_stop, gate);
        }
        return;
    }
    gate->stop = GATE_STOP_NONE;
    gate->ran = true;
    gate->pace_host_us = -1;
    if (gate->options.record && !gate->recorder && !gate->ending) {
        gate->recorder = gate_recorder_open(gate, &err);
        if (!gate->recorder) {
            error_report_err(err);
        }
    }
    if (gate->stop_later) {
        gate_stop(gate, GATE_STOP_AT);
    }
    if (gate->tick_due) {
        list_tick(gate);
    }
}

/* QEMU's own word for it, where the guest did not tell a hypervisor. */
static void shutting_down(Notifier *notifier, void *data)
{
    Gate *gate = container_of(notifier, Gate, shutdown);
    const ShutdownCause *cause = data;

    if (gate->ending) {
        return;
    }
    switch (*cause) {
    case SHUTDOWN_CAUSE_GUEST_SHUTDOWN:
        gate->ending = "powered-off";
        break;
    case SHUTDOWN_CAUSE_GUEST_RESET:
        gate->ending = "reboot";
        break;
    case SHUTDOWN_CAUSE_GUEST_PANIC:
        gate->ending = "crashed";
        break;
    default:
        gate->ending = "quit";
        break;
    }
}

/* Whatever ends QEMU: what is recorded ends at the last exact place. */
static void exiting(Notifier *notifier, void *data)
{
    Gate *gate = container_of(notifier, Gate, exit);

    if (gate->recorder) {
        gate_recorder_finish(gate, gate->ending ? gate->ending : "quit");
    }
    /* Not if it was to stop there, or what is left is another process's. */
    if (gate->engine && !gate->told && !gate->options.record &&
        gate->stop != GATE_STOP_AT &&
        !replay_engine_next_is(gate->engine, TRACE_HANDOVER)) {
        warn_report("jumpcut: replay=%s: ended at %" PRId64
                    " ns, before its trace did",
                    gate->options.replay, gate->mark.at_ns);
    }
}

/* Construction */

/*
 * The number that the trace's header has under @key.
 * *@out: as it was if there is none
 * @return: false if it is none between @min and @max
 */
static bool header_number(const TraceHeader *h, const char *key, uint64_t min,
                          uint64_t max, int64_t *out, Error **errp)
{
    const char *text = trace_header_get(h, key);
    g_autoptr(GError) error = NULL;
    guint64 n;

    if (text && !g_ascii_string_to_unsigned(text, 10, min, max, &n, &error)) {
        error_setg(errp, "the trace's header: %s: %s", key, error->message);
        return false;
    }
    *out = text ? (int64_t)n : *out;
    return true;
}

/* What the trace was recorded with counts. */
static bool take_header(Gate *gate, Error **errp)
{
    const TraceHeader *h = replay_engine_header(gate->engine);
    const char *name = trace_header_get(h, "level");
    GateOptions *o = &gate->options;
    int64_t gate_ns = o->gate_ns, checkpoint_ns = o->checkpoint_ns;
    GateLevel level = o->level;

    if (!header_number(h, "gate-ns", GATE_NS_MIN, GATE_NS_MAX, &gate_ns,
                       errp) ||
        !header_number(h, "checkpoint-ns", 0, INT64_MAX, &checkpoint_ns,
                       errp)) {
        return false;
    }
    if (name && !gate_level_parse(name, &level)) {
        error_setg(errp,
                   "the trace's header: level: want inputs, digests or "
                   "devices, got '%s'",
                   name);
        return false;
    }
    if (o->gate_ns && o->gate_ns != gate_ns) {
        error_setg(errp,
                   "gate=: the trace was recorded with a tick every "
                   "%" PRId64 " ns, wanted every %" PRId64,
                   gate_ns, o->gate_ns);
        return false;
    }
    o->gate_ns = gate_ns;
    /* They leave a mark on the guest: see gate-checkpoint.c. */
    o->checkpoint_ns = o->checkpoint_ns ? o->checkpoint_ns : checkpoint_ns;
    o->level = o->has_level ? o->level : level;
    return true;
}

static bool open_replay(Gate *gate, Error **errp)
{
    g_autoptr(GError) error = NULL;
    const char *path = gate->options.replay;

    gate->engine = replay_engine_open(path, !gate->options.record, &error);
    if (!gate->engine) {
        error_setg(errp, "replay=%s: %s", path, error->message);
        return false;
    }
    return take_header(gate, errp);
}

bool gate_new(const GateOptions *options, Guest *guest, Gate **out,
              Error **errp)
{
    Gate *gate;

    *out = NULL;
    if ((options->checkpoint_ns || options->has_from) && !options->record &&
        !options->replay) {
        error_setg(errp, "%s=: wants %s= beside it",
                   options->has_from ? "from" : "checkpoint",
                   options->has_from ? "replay" : "record");
        return false;
    }
    if (!options->record && !options->replay && !options->gate_ns &&
        !options->pace) {
        return true;
    }
    if ((options->record || options->replay) && tcg_enabled() &&
        !icount_enabled()) {
        error_setg(errp,
                   "%s=: without -icount no run can be repeated: "
                   "-icount shift=3,sleep=off",
                   options->record ? "record" : "replay");
        return false;
    }
    gate = g_new0(Gate, 1);
    gate->options = *options;
    gate->guest = guest;
    gate->sinks = g_ptr_array_new();
    gate->appointments = g_ptr_array_new();
    g_queue_init(&gate->requests);
    gate->console = g_checksum_new(G_CHECKSUM_SHA256);
    gate->console_crc = crc32(0, NULL, 0);
    gate->stop_at_ns = gate->stop_digest = gate->pace_host_us = -1;
    gate->incoming = runstate_check(RUN_STATE_INMIGRATE);
    if (options->replay && !open_replay(gate, errp)) {
        return false;
    }
    gate->options.gate_ns = gate->options.gate_ns ?: GATE_NS_DEFAULT;
    *out = gate;
    return true;
}

bool gate_start(Gate *gate, Error **errp)
{
    if (!gate) {
        return true;
    }
    /* Of an incoming guest the trace is another process's until it is here. */
    if (gate->options.record && !gate->incoming) {
        gate->recorder = gate_recorder_open(gate, errp);
        if (!gate->recorder) {
            return false;
        }
    }
    gate_mark(gate);
    gate->exit.notify = exiting;
    qemu_add_exit_notifier(&gate->exit);
    gate->shutdown.notify = shutting_down;
    qemu_register_shutdown_notifier(&gate->shutdown);
    gate->suspend.notify = suspended;
    qemu_register_suspend_notifier(&gate->suspend);
    gate_commands_install(gate);
    if (!gate_refuse(gate, errp)) {
        return false;
    }
    gate_serials_install(gate);
    gate_devices_install(gate);
    gate_register_vmstate(gate);
    qemu_add_vm_change_state_handler(run_state_changed, gate);
    run_timer_init(&gate->timer, timer_fired, gate);
    gate_arm(gate);
    if (gate->options.has_from) {
        return gate_begin_from(gate, errp);
    }
    /* What was recorded before the machine first ran. */
    aio_bh_schedule_oneshot(qemu_get_aio_context(), after_stop, gate);
    return true;
}
