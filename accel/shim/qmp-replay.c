/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QMP commands and events of qapi/replay.json. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qmp-registry.h"
#include "qobject/qdict.h"
#include "qemu/error-report.h"
#include "monitor/monitor-internal.h"
#include "system/runstate.h"
#include "system/tcg.h"
#include "jumpcut-qapi-commands-replay.h"
#include "jumpcut-qapi-events-replay.h"
#include "accel/shim/gate-internal.h"
#include "accel/shim/qmp-replay.h"
#include "accel/shim/stop.h"
#include "replay/record-digest.h"

/* Pages that a divergence names; there may be a guest's memory of them. */
#define PAGES_MAX 64u

/* QMP handlers carry no pointer of ours. */
static Gate *gate;

/* Differences of two digests */

static const TracePart *part_of(const TraceDigest *d, const char *name)
{
    for (guint i = 0; i < d->parts->len; i++) {
        const TracePart *part = &g_array_index(d->parts, TracePart, i);

        if (!strcmp(part->name, name)) {
            return part;
        }
    }
    return NULL;
}

static strList *differing_parts(const TraceDigest *want,
                                const TraceDigest *have)
{
    strList *head = NULL, **tail = &head;

    for (guint i = 0; i < have->parts->len; i++) {
        const TracePart *part = &g_array_index(have->parts, TracePart, i);
        const TracePart *other = part_of(want, part->name);

        if (!other || other->hash != part->hash) {
            QAPI_LIST_APPEND(tail, g_strdup(part->name));
        }
    }
    return head;
}

static strList *differing_registers(const TraceDigest *want,
                                    const TraceDigest *have)
{
    strList *head = NULL, **tail = &head;

    for (guint i = 0; i < MIN(want->vcpus->len, have->vcpus->len); i++) {
        const TraceRegisters *w =
            &g_array_index(want->vcpus, TraceRegisters, i);
        const TraceRegisters *h =
            &g_array_index(have->vcpus, TraceRegisters, i);

        for (unsigned r = 0; r < TRACE_REGISTERS; r++) {
            if (w->value[r] != h->value[r]) {
                QAPI_LIST_APPEND(
                    tail, g_strdup_printf("vcpu%u.%s: expected 0x%" PRIx64
                                          ", found 0x%" PRIx64,
                                          i, trace_register_names[r],
                                          w->value[r], h->value[r]));
            }
        }
    }
    return head;
}

/* @want or @have may be NULL: that run did not write it. */
static char *differing_page(const MemoryDigest *memory, uint64_t number,
                            const TracePage *want, const TracePage *have)
{
    g_autofree char *name = memory_digest_page_name(memory, number);

    return g_strdup_printf("%s%s", name,
                           want && have ? ""
                           : want       ? ", written in the recorded run only"
                                        : ", written in this run only");
}

/*
 * Pages that differ, as far as the two tell: of one that the recorded run has
 * not written since its last digest they do not.
 */
static strList *differing_pages(const TraceDigest *want,
                                const TraceDigest *have)
{
    const MemoryDigest *memory =
        shim_digester_memory(guest_digester(gate->guest));
    unsigned shift = want->page_shift;
    strList *head = NULL, **tail = &head;
    guint w = 0, h = 0, n = 0;

    /* The groups of one are other ones than those of the other. */
    if (shift != have->page_shift) {
        return NULL;
    }
    while ((w < want->pages->len || h < have->pages->len) && n < PAGES_MAX) {
        const TracePage *pw = w < want->pages->len
                                  ? &g_array_index(want->pages, TracePage, w)
                                  : NULL;
        const TracePage *ph = h < have->pages->len
                                  ? &g_array_index(have->pages, TracePage, h)
                                  : NULL;
        uint64_t pfn =
            MIN(pw ? pw->pfn : UINT64_MAX, ph ? ph->pfn : UINT64_MAX);

        pw = pw && pw->pfn == pfn ? pw : NULL;
        ph = ph && ph->pfn == pfn ? ph : NULL;
        if (!pw || pw->hash != (ph ? ph->hash
                                   : memory_digest_group(memory, pfn, shift))) {
            QAPI_LIST_APPEND(tail,
                             differing_page(memory, pfn << shift, pw, ph));
            n++;
        }
        w += pw != NULL;
        h += ph != NULL;
    }
    return head;
}

static void add_digests(const ReplayDivergence *d, JumpcutDivergence *out)
{
    TraceDigest want = {.number = 0}, have = {.number = 0};

    if (d->want && trace_get_digest(d->want, &want, NULL) &&
        trace_get_digest(d->have, &have, NULL)) {
        out->parts = differing_parts(&want, &have);
        out->registers = differing_registers(&want, &have);
        out->pages = differing_pages(&want, &have);
    }
    trace_digest_clear(&want);
    trace_digest_clear(&have);
}

static JumpcutDivergence *divergence_of(const ReplayDivergence *d)
{
    JumpcutDivergence *out = g_new0(JumpcutDivergence, 1);

    out->at_ns = d->at_ns;
    out->record = d->seq;
    out->kind = g_strdup(d->kind);
    out->expected = g_strdup(d->expected);
    out->found = g_strdup(d->found);
    out->last_event = g_strdup(d->last_event);
    add_digests(d, out);
    return out;
}

/* Events */

void gate_tell_stopped(Gate *g, const char *why)
{
    qapi_event_send_jumpcut_stopped(gate_now(), why);
}

void gate_tell_divergence(Gate *g)
{
    const ReplayDivergence *d = replay_engine_divergence(g->engine);
    JumpcutDivergence *out = divergence_of(d);

    error_report("jumpcut: replay=%s: at %" PRId64 " ns: %s: expected %s, "
                 "found %s",
                 g->options.replay, d->at_ns, d->kind, d->expected, d->found);
    qapi_event_send_jumpcut_divergence(out);
    qapi_free_JumpcutDivergence(out);
}

void gate_tell_end(Gate *g, bool complete)
{
    if (!complete) {
        warn_report("jumpcut: replay=%s: %s", g->options.replay,
                    replay_engine_why(g->engine));
    }
    qapi_event_send_jumpcut_replay_end(complete);
}

/* Commands */

static void fill_replay(JumpcutReplayInfo *info)
{
    ReplayCounts counts = replay_engine_counts(gate->engine);
    ReplayState state = replay_engine_state(gate->engine);
    const ReplayDivergence *d = replay_engine_divergence(gate->engine);

    info->mode = JUMPCUT_REPLAY_MODE_REPLAY;
    info->file = g_strdup(gate->options.replay);
    info->records = counts.records;
    info->inputs = counts.inputs;
    info->digests = counts.digests;
    info->ended = state == REPLAY_COMPLETE || state == REPLAY_INCOMPLETE;
    info->complete = state == REPLAY_COMPLETE;
    info->why = g_strdup(replay_engine_why(gate->engine));
    info->divergence = d ? divergence_of(d) : NULL;
}

JumpcutReplayInfo *qmp_query_jumpcut_replay(Error **errp)
{
    JumpcutReplayInfo *info = g_new0(JumpcutReplayInfo, 1);

    info->virtual_ns = gate_now();
    if (!gate) {
        info->mode = JUMPCUT_REPLAY_MODE_NONE;
        return info;
    }
    info->gate_ns = gate->options.gate_ns;
    info->handovers = gate->handovers;
    if (gate->engine) {
        fill_replay(info);
    } else if (gate->options.record) {
        info->mode = JUMPCUT_REPLAY_MODE_RECORD;
        info->file = g_strdup(gate->options.record);
        info->records =
            gate->recorder ? gate_recorder_records(gate->recorder) : 0;
    } else {
        info->mode = JUMPCUT_REPLAY_MODE_GATE;
    }
    return info;
}

static bool have_gate(Error **errp)
{
    if (!gate) {
        error_setg(errp, "there is no gate: none of the plugin's options "
                         "record, replay and gate was given");
    }
    return gate;
}

static bool in_future(int64_t at_ns, Error **errp)
{
    if (at_ns < gate_now()) {
        error_setg(errp, "%" PRId64 " ns lie in the past: it is %" PRId64 " ns",
                   at_ns, gate_now());
        return false;
    }
    return true;
}

void qmp_jumpcut_checkpoint(Error **errp)
{
    if (!gate_records(gate) && !gate_replays(gate)) {
        error_setg(errp, "nothing is recorded: wants the option record=");
        return;
    }
    gate_want_checkpoint(gate);
}

void qmp_jumpcut_stop_at(bool has_at_ns, int64_t at_ns, bool has_digest,
                         int64_t digest, const char *event, Error **errp)
{
    if (!have_gate(errp)) {
        return;
    }
    if (has_at_ns + has_digest + !!event != 1) {
        error_setg(errp, "want one of at-ns, digest and event");
        return;
    }
    if (has_digest && digest < (int64_t)gate->digests) {
        error_setg(errp,
                   "digest %" PRId64 " is over: the next is number %" PRIu64,
                   digest, gate->digests);
        return;
    }
    if (has_at_ns && !in_future(at_ns, errp)) {
        return;
    }
    gate->stop_at_ns = has_at_ns ? at_ns : -1;
    gate->stop_digest = has_digest ? digest : -1;
    g_free(gate->stop_event);
    gate->stop_event = g_strdup(event);
}

void qmp_jumpcut_at(int64_t at_ns, const char *execute, QObject *arguments,
                    Error **errp)
{
    const GateCommand *command = gate_command_by_name(execute);
    g_autoptr(QDict) none = qdict_new();

    if (!have_gate(errp)) {
        return;
    }
    if (gate->engine) {
        error_setg(errp, "a replayed guest takes its inputs from its trace");
    } else if (!command) {
        error_setg(errp, "%s: no command that changes the guest", execute);
    } else if (arguments && !qobject_to(QDict, arguments)) {
        error_setg(errp, "arguments: want an object");
    } else if (in_future(at_ns, errp)) {
        gate_appoint(gate, at_ns, command,
                     arguments ? qobject_to(QDict, arguments) : none, errp);
    }
}

/* A replay looks in its trace for what is to be done here. */
static void handover_reached(void *opaque)
{
    if (!gate || !gate->engine) {
        qapi_event_send_jumpcut_stopped(gate_now(), "handover");
    }
}

void qmp_jumpcut_handover(bool has_at_ns, int64_t at_ns, Error **errp)
{
    if (!runstate_is_running() && !has_at_ns) {
        error_setg(errp, "the machine is stopped: it can be migrated as it is");
        return;
    }
    if (has_at_ns && !in_future(at_ns, errp)) {
        return;
    }
    if (!tcg_enabled() && !has_at_ns) {
        vm_stop(RUN_STATE_PAUSED);
        handover_reached(NULL);
    } else if (has_at_ns) {
        shim_stop_at(at_ns, handover_reached, NULL);
    } else {
        shim_stop_soon(handover_reached, NULL);
    }
}

void shim_replay_register(void)
{
    qmp_register_command(&qmp_commands, "query-jumpcut-replay",
                         qmp_marshal_query_jumpcut_replay, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-checkpoint",
                         qmp_marshal_jumpcut_checkpoint, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-stop-at",
                         qmp_marshal_jumpcut_stop_at, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-at", qmp_marshal_jumpcut_at, 0,
                         0);
    qmp_register_command(&qmp_commands, "jumpcut-handover",
                         qmp_marshal_jumpcut_handover, 0, 0);
}

void shim_replay_set(Gate *of_guest)
{
    gate = of_guest;
}
