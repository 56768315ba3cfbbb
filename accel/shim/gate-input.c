/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inputs at the gate: what waits there, and how it is carried out. */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qapi/error.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "qemu/main-loop.h"
#include "system/cpus.h"
#include "system/runstate.h"
#include "accel/shim/gate-internal.h"
#include "accel/shim/vcpu.h"

/* Bytes that may wait for a tick */
#define SINK_QUEUE 4096u

struct GateSink {
    Gate *gate;
    char *name;
    const GateSinkOps *ops;
    void *opaque;
    GByteArray *queue;
};

/* Bytes */

GateSink *gate_sink_new(Gate *gate, const char *name, const GateSinkOps *ops,
                        void *opaque)
{
    GateSink *sink;

    if (!gate) {
        return NULL;
    }
    sink = g_new(GateSink, 1);
    *sink = (GateSink){gate, g_strdup(name), ops, opaque, g_byte_array_new()};
    g_ptr_array_add(gate->sinks, sink);
    return sink;
}

void gate_sink_free(GateSink *sink)
{
    if (!sink) {
        return;
    }
    g_ptr_array_remove(sink->gate->sinks, sink);
    g_byte_array_unref(sink->queue);
    g_free(sink->name);
    g_free(sink);
}

/* A replay's come from its trace alone. */
size_t gate_sink_room(const GateSink *sink)
{
    return sink->gate->engine || sink->queue->len >= SINK_QUEUE
               ? 0
               : SINK_QUEUE - sink->queue->len;
}

void gate_sink_put(GateSink *sink, const uint8_t *buf, size_t len)
{
    g_byte_array_append(sink->queue, buf, len);
}

GateSink *gate_sink_by_name(const Gate *gate, const char *name)
{
    for (guint i = 0; i < gate->sinks->len; i++) {
        GateSink *sink = g_ptr_array_index(gate->sinks, i);

        if (!strcmp(sink->name, name)) {
            return sink;
        }
    }
    return NULL;
}

static void deliver(Gate *gate, GateSink *sink, const uint8_t *buf, size_t len)
{
    if (gate->recorder) {
        g_autoptr(GByteArray) payload =
            trace_put_input_bytes(sink->name, buf, len);

        gate_recorder_put(gate->recorder, TRACE_INPUT_BYTES, 0, gate_now(),
                          payload->data, payload->len);
    }
    sink->ops->deliver(sink->opaque, buf, len);
}

static void deliver_waiting(Gate *gate)
{
    for (guint i = 0; i < gate->sinks->len; i++) {
        GateSink *sink = g_ptr_array_index(gate->sinks, i);
        size_t n = sink->queue->len;

        /* A device that is asked remembers it; a replay asks for input only. */
        if (n) {
            n = MIN(n, sink->ops->room(sink->opaque));
        }
        if (n) {
            deliver(gate, sink, sink->queue->data, n);
            g_byte_array_remove_range(sink->queue, 0, n);
            sink->ops->more(sink->opaque);
        }
    }
}

/* Commands */

static char *json_of(QObject *obj)
{
    g_autoptr(GString) text = obj ? qobject_to_json(obj) : g_string_new("{}");

    return g_strdup(text->str);
}

static void run_command(Gate *gate, const GateCommand *command, QDict *args,
                        bool stopped, QObject **ret, Error **errp);

void gate_carry_out(Gate *gate, const GateCommand *command, QDict *args,
                    bool stopped, QObject **ret, Error **errp)
{
    TraceInputQmp i = {.command = (char *)command->name};
    g_autoptr(GByteArray) payload = NULL;
    g_autofree char *arguments = json_of(QOBJECT(args));
    g_autofree char *reply = NULL;
    Error *err = NULL;

    if (!gate->recorder) {
        run_command(gate, command, args, stopped, ret, errp);
        return;
    }
    /* QEMU may exit before it is done. */
    gate_mark(gate);
    /* What it does to the guest follows it in the trace. */
    gate_recorder_begin(gate->recorder);
    run_command(gate, command, args, stopped, ret, &err);
    if (!gate->recorder) {
        error_propagate(errp, err);
        return;
    }
    i.arguments = arguments;
    i.failed = err;
    reply = err ? g_strdup(error_get_pretty(err)) : json_of(*ret);
    i.reply = reply;
    payload = trace_put_input_qmp(&i);
    gate_recorder_end(gate->recorder, TRACE_INPUT_QMP,
                      stopped ? TRACE_AT_STOP : 0, payload->data, payload->len);
    error_propagate(errp, err);
}

/*
 * Something for QEMU's own thread, for which the vCPUs' waits: not always to
 * its end, as the one that stops the machine waits for the vCPUs' in turn.
 */
typedef struct MainWork {
    unsigned refs; /* one a thread */
    Gate *gate;
    const GateCommand *command;
    QDict *args;
    QObject *ret;
    Error *err;
    bool begun, abandoned;
} MainWork;

static void main_work_unref(MainWork *work)
{
    if (--work->refs) {
        return;
    }
    qobject_unref(work->args);
    qobject_unref(work->ret);
    error_free(work->err);
    g_free(work);
}

static void call_command(Gate *gate, const GateCommand *command, QDict *args,
                         QObject **ret, Error **errp)
{
    gate->in_command = true;
    shim_before_wakeup();
    gate_command_call(command, args, ret, errp);
    gate->in_command = false;
}

static void main_work(void *opaque)
{
    MainWork *work = opaque;

    if (!work->abandoned) {
        work->begun = true;
        call_command(work->gate, work->command, work->args, &work->ret,
                     &work->err);
        work->gate->work_failed = work->err;
    }
    main_work_unref(work);
}

static void run_command(Gate *gate, const GateCommand *command, QDict *args,
                        bool stopped, QObject **ret, Error **errp)
{
    MainWork *work;

    if (stopped || !command->done || !qemu_in_vcpu_thread()) {
        call_command(gate, command, args, ret, errp);
        return;
    }
    work = g_new(MainWork, 1);
    *work = (MainWork){
        .refs = 2, .gate = gate, .command = command, .args = qobject_ref(args)};
    gate->powered_down = gate->work_failed = false;
    aio_bh_schedule_oneshot(qemu_get_aio_context(), main_work, work);
    gate_wait(gate, command->done, 10);
    work->abandoned = !work->begun;
    if (work->abandoned) {
        error_setg(errp, "%s: the machine stops for another reason",
                   command->name);
    }
    *ret = g_steal_pointer(&work->ret);
    error_propagate(errp, g_steal_pointer(&work->err));
    main_work_unref(work);
}

static void finish_request(GateRequest *request)
{
    aio_co_schedule(qemu_get_aio_context(), request->co);
}

static void carry_out_requests(Gate *gate, bool stopped)
{
    GateRequest *request;

    while (runstate_is_running() != stopped &&
           (request = g_queue_pop_head(&gate->requests))) {
        gate_carry_out(gate, request->command, request->args, stopped,
                       request->ret, request->errp);
        finish_request(request);
    }
}

void gate_refuse_requests(Gate *gate)
{
    GateRequest *request;

    while ((request = g_queue_pop_head(&gate->requests))) {
        error_setg(request->errp,
                   "%s: jumpcut-stop-at stopped the machine "
                   "before its next tick, and nothing was done",
                   request->command->name);
        finish_request(request);
    }
}

static gint compare_appointments(gconstpointer a, gconstpointer b)
{
    const GateAppointment *x = *(GateAppointment *const *)a;
    const GateAppointment *y = *(GateAppointment *const *)b;

    return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

bool gate_appoint(Gate *gate, int64_t at_ns, const GateCommand *command,
                  QDict *args, Error **errp)
{
    g_autofree char *text = json_of(QOBJECT(args));
    size_t bytes = strlen(command->name) + strlen(text);
    GateAppointment *a;

    if (gate->appointments->len >= GATE_APPOINTMENTS_MAX ||
        bytes > GATE_APPOINTED_MAX - gate->appointed) {
        error_setg(errp,
                   "%u commands of %zu bytes wait already; %u of %u bytes are "
                   "the most",
                   gate->appointments->len, gate->appointed,
                   GATE_APPOINTMENTS_MAX, GATE_APPOINTED_MAX);
        return false;
    }
    a = g_new(GateAppointment, 1);
    *a = (GateAppointment){at_ns, command, qobject_ref(args), bytes};
    gate->appointed += bytes;
    g_ptr_array_add(gate->appointments, a);
    g_ptr_array_sort(gate->appointments, compare_appointments);
    return true;
}

void gate_appoint_command(Gate *gate, const char *name, QDict *args)
{
    const GateCommand *command = gate_command_by_name(name);
    Error *err = NULL;

    if (!gate->engine && command &&
        !gate_appoint(gate, gate_now(), command, args, &err)) {
        error_reportf_err(err, "jumpcut: %s: ", name);
    }
}

static void free_appointment(GateAppointment *a)
{
    qobject_unref(a->args);
    g_free(a);
}

/* Nobody waits for the answer; who wants to know reads the trace. */
static void keep_appointments(Gate *gate)
{
    while (runstate_is_running() && gate->appointments->len) {
        GateAppointment *a = g_ptr_array_index(gate->appointments, 0);
        QObject *ret = NULL;
        Error *err = NULL;

        if (a->at_ns > gate_now()) {
            break;
        }
        g_ptr_array_remove_index(gate->appointments, 0);
        gate->appointed -= a->bytes;
        gate_carry_out(gate, a->command, a->args, false, &ret, &err);
        qobject_unref(ret);
        if (err) {
            warn_report("jumpcut: %s at %" PRId64 " ns: %s", a->command->name,
                        a->at_ns, error_get_pretty(err));
            error_free(err);
        }
        free_appointment(a);
    }
}

/* Replay */

static void input_is_wrong(Gate *gate, const TraceRecord *record,
                           const char *what)
{
    g_autofree char *want =
        trace_record_describe(record->type, record->payload);

    replay_engine_answer(gate->engine, record->seq, gate_now(), "an input",
                         want, what);
    gate_judge(gate);
}

static void replay_bytes(Gate *gate, const TraceRecord *record)
{
    g_autoptr(GError) error = NULL;
    TraceInputBytes i;
    GateSink *sink;
    const uint8_t *buf;
    size_t len;

    if (!trace_get_input_bytes(record->payload, &i, &error)) {
        input_is_wrong(gate, record, error->message);
        return;
    }
    sink = gate_sink_by_name(gate, i.name);
    buf = g_bytes_get_data(i.bytes, &len);
    if (!sink) {
        input_is_wrong(gate, record, "there is no such device");
    } else if (len > sink->ops->room(sink->opaque)) {
        input_is_wrong(gate, record, "its device does not take that much");
    } else {
        deliver(gate, sink, buf, len);
    }
    trace_input_bytes_clear(&i);
}

static void compare_answer(Gate *gate, const TraceRecord *record,
                           const TraceInputQmp *i, QObject *ret, Error *err)
{
    g_autofree char *have =
        err ? g_strdup_printf("error: %s", error_get_pretty(err))
            : json_of(ret);
    g_autofree char *want =
        g_strdup_printf("%s%s", i->failed ? "error: " : "", i->reply);

    replay_engine_answer(gate->engine, record->seq, gate_now(), i->command,
                         want, have);
    gate_judge(gate);
}

static void replay_command(Gate *gate, const TraceRecord *record, bool stopped)
{
    g_autoptr(GError) error = NULL;
    const GateCommand *command;
    QObject *ret = NULL, *args;
    TraceInputQmp i;
    Error *err = NULL;

    if (!trace_get_input_qmp(record->payload, &i, &error)) {
        input_is_wrong(gate, record, error->message);
        return;
    }
    command = gate_command_by_name(i.command);
    args = qobject_from_json(i.arguments, NULL);
    if (!command || !qobject_to(QDict, args)) {
        input_is_wrong(gate, record,
                       command ? "its arguments are no object"
                               : "there is no such command");
    } else {
        gate_carry_out(gate, command, qobject_to(QDict, args), stopped, &ret,
                       &err);
        compare_answer(gate, record, &i, ret, err);
    }
    qobject_unref(args);
    qobject_unref(ret);
    error_free(err);
    trace_input_qmp_clear(&i);
}

static void replay_inputs(Gate *gate, bool stopped)
{
    TraceRecord record = {.payload = NULL};

    while (runstate_is_running() != stopped &&
           replay_engine_input(gate->engine, gate_now(), stopped, &record)) {
        if (record.type == TRACE_INPUT_BYTES) {
            replay_bytes(gate, &record);
        } else {
            replay_command(gate, &record, stopped);
        }
        trace_record_clear(&record);
    }
    gate_judge(gate);
}

void gate_inputs(Gate *gate, bool stopped)
{
    if (gate->engine) {
        replay_inputs(gate, stopped);
    }
    if (!stopped) {
        deliver_waiting(gate);
        keep_appointments(gate);
    }
    carry_out_requests(gate, stopped);
}

/* A handover was recorded here: for the tool, or as if it had not been. */
static bool hand_over(Gate *gate)
{
    if (gate->options.handover_wait) {
        gate->stop = GATE_STOP_HANDOVER;
        gate_tell_stopped(gate, "handover");
        return false;
    }
    replay_engine_skip(gate->engine);
    gate->handovers++;
    /* The recorded guest went on in a process whose were empty. */
    shim_tlbs_begin_anew();
    return true;
}

void gate_at_stop(Gate *gate)
{
    if (runstate_is_running() || gate->stop != GATE_STOP_NONE ||
        gate->incoming) {
        return;
    }
    while (gate->engine &&
           replay_engine_next_is(gate->engine, TRACE_HANDOVER)) {
        if (!hand_over(gate)) {
            return;
        }
    }
    gate_inputs(gate, true);
    gate_mark(gate);
    if (!runstate_is_running()) {
        gate_look_for_end(gate);
    }
}
