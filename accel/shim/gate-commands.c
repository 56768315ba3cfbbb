/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP commands at the gate: those that change the guest wait for a tick, those
 * that only look pass, all others are refused.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qmp-registry.h"
#include "qobject/qdict.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "hw/nmi.h"
#include "monitor/monitor-internal.h"
#include "qemu/main-loop.h"
#include "system/runstate.h"
#include "accel/shim/gate-internal.h"

/* When QEMU's own thread has done it, and the vCPUs' may go on */

static bool is_stopping(Gate *gate)
{
    return gate->work_failed || !runstate_is_running() || first_cpu->stop;
}

static bool is_powered_down(Gate *gate)
{
    return gate->powered_down || is_stopping(gate);
}

/*
 * Commands that change the guest: recorded, with their answers.  X(name in C,
 * name, when it is done).
 */
#define GATE_COMMANDS(X)                                          \
    X(cut, "jumpcut-cut", NULL)                                   \
    X(restore, "jumpcut-restore", NULL)                           \
    X(resume, "jumpcut-resume", NULL)                             \
    X(fault, "jumpcut-fault", NULL)                               \
    X(type, "jumpcut-type", NULL)                                 \
    X(handover, "jumpcut-handover", NULL)                         \
    X(checkpoint, "jumpcut-checkpoint", NULL)                     \
    X(xenstore_write, "jumpcut-xenstore-write", NULL)             \
    X(xenstore_remove, "jumpcut-xenstore-remove", NULL)           \
    X(xenstore_permissions, "jumpcut-xenstore-permissions", NULL) \
    X(serial_connect, "virtio-serial-mq-connect", NULL)           \
    X(serial_resize, "virtio-serial-mq-resize", NULL)             \
    X(serial_provoke, "virtio-serial-mq-provoke", NULL)           \
    X(stop, "stop", is_stopping)                                  \
    X(cont, "cont", NULL)                                         \
    X(reset, "system_reset", is_stopping)                         \
    X(powerdown, "system_powerdown", is_powered_down)             \
    X(wakeup, "system_wakeup", is_stopping)                       \
    X(nmi, "inject-nmi", NULL)                                    \
    X(send_event, "input-send-event", NULL)                       \
    X(send_key, "send-key", NULL)                                 \
    X(device_add, "device_add", NULL)                             \
    X(device_del, "device_del", NULL)

enum {
#define X(id, name, done) COMMAND_##id,
    GATE_COMMANDS(X)
#undef X
        NR_COMMANDS
};

static const GateCommand commands[NR_COMMANDS] = {
#define X(id, name, done) {name, done},
    GATE_COMMANDS(X)
#undef X
};

/* QMP's functions carry no pointer of ours. */
static struct {
    Gate *gate;
    QmpCommandFunc *stock[NR_COMMANDS]; /* NULL: there is no such command */
} gated;

const GateCommand *gate_command_by_name(const char *name)
{
    for (unsigned i = 0; i < NR_COMMANDS; i++) {
        if (gated.stock[i] && !strcmp(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

void gate_command_call(const GateCommand *command, QDict *args, QObject **ret,
                       Error **errp)
{
    if (command == &commands[COMMAND_nmi]) {
        /* QEMU's asks the client's monitor, and a replay has no client. */
        nmi_monitor_handle(0, errp);
        return;
    }
    gated.stock[command - commands](args, ret, errp);
}

/* While the machine is stopped: out of the client's coroutine */
static void request_stopped(void *opaque)
{
    GateRequest *request = opaque;

    /* It has gone on meanwhile. */
    if (runstate_is_running()) {
        g_queue_push_tail(&gated.gate->requests, request);
        return;
    }
    gate_carry_out(gated.gate, request->command, request->args, true,
                   request->ret, request->errp);
    aio_co_schedule(qemu_get_aio_context(), request->co);
}

static void pass_bh(void *opaque)
{
    GateRequest *request = opaque;

    gate_command_call(request->command, request->args, request->ret,
                      request->errp);
    aio_co_schedule(qemu_get_aio_context(), request->co);
}

/* The machine's first start, and what takes back the gate's own stop. */
static bool passes(const Gate *gate, const GateCommand *command, QDict *args)
{
    bool cont = command == &commands[COMMAND_cont];

    if (command == &commands[COMMAND_xenstore_permissions] &&
        !qdict_haskey(args, "permissions")) {
        return true;
    }
    return cont && (runstate_is_running() || gate->stop != GATE_STOP_NONE ||
                    runstate_check(RUN_STATE_PRELAUNCH) ||
                    runstate_check(RUN_STATE_INMIGRATE));
}

static void coroutine_fn gate_request(const GateCommand *command, QDict *args,
                                      QObject **ret, Error **errp)
{
    GateRequest request = {command, args, ret, errp, qemu_coroutine_self()};
    Gate *gate = gated.gate;

    if (passes(gate, command, args)) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), pass_bh, &request);
    } else if (gate->options.replay) {
        error_setg(errp, "%s: a replayed guest takes its inputs from its trace",
                   command->name);
        return;
    } else if (gate->stop == GATE_STOP_AT && gate->options.record) {
        error_setg(errp,
                   "%s: jumpcut-stop-at stopped the machine, where a replay "
                   "does not stop: cont, then stop or jumpcut-handover",
                   command->name);
        return;
    } else if (command == &commands[COMMAND_device_add] &&
               gate->options.record && qdict_get_try_str(args, "driver") &&
               !gate_device_check(qdict_get_str(args, "driver"), errp)) {
        return;
    } else if (!runstate_is_running()) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), request_stopped,
                                &request);
    } else {
        g_queue_push_tail(&gate->requests, &request);
    }
    qemu_coroutine_yield();
}

#define X(id, name, done)                                           \
    static void coroutine_fn gated_##id(QDict *args, QObject **ret, \
                                        Error **errp)               \
    {                                                               \
        gate_request(&commands[COMMAND_##id], args, ret, errp);     \
    }
GATE_COMMANDS(X)
#undef X

static QmpCommandFunc *const gated_functions[NR_COMMANDS] = {
#define X(id, name, done) gated_##id,
    GATE_COMMANDS(X)
#undef X
};

/* Commands of which some do no harm */

static QmpCommandFunc *stock_hmp, *stock_migrate;

static void filter_hmp(QDict *args, QObject **ret, Error **errp)
{
    /* What only looks, and what concerns QEMU alone */
    static const char *const words[] = {
        "info",  "help",      "x",   "xp",      "p",
        "print", "gdbserver", "log", "logfile", "trace-event",
    };
    const char *line = qdict_get_try_str(args, "command-line");

    for (size_t i = 0; line && i < ARRAY_SIZE(words); i++) {
        size_t len = strlen(words[i]);

        if (!strncmp(line, words[i], len) &&
            (!line[len] || line[len] == ' ' || line[len] == '/')) {
            stock_hmp(args, ret, errp);
            return;
        }
    }
    error_setg(errp, "a recorded run would change past its trace: of the "
                     "monitor's commands info, x, xp, print, gdbserver, log, "
                     "logfile and trace-event are there");
}

static void filter_migrate(QDict *args, QObject **ret, Error **errp)
{
    if (runstate_is_running()) {
        error_setg(errp, "a recorded guest migrates from an exact place: "
                         "jumpcut-handover or stop it first");
        return;
    }
    stock_migrate(args, ret, errp);
}

static void filter(const char *name, QmpCommandFunc *fn, QmpCommandFunc **stock)
{
    QmpCommand *c = (QmpCommand *)qmp_find_command(&qmp_commands, name);

    *stock = c->fn;
    c->fn = fn;
}

static void wrap(unsigned i)
{
    QmpCommand *c =
        (QmpCommand *)qmp_find_command(&qmp_commands, commands[i].name);

    if (c) {
        gated.stock[i] = c->fn;
        c->fn = gated_functions[i];
        c->options |= QCO_COROUTINE;
    }
}

static void powered_down(Notifier *notifier, void *data)
{
    container_of(notifier, Gate, powerdown)->powered_down = true;
}

void gate_commands_install(Gate *gate)
{
    gated.gate = gate;
    gate->powerdown.notify = powered_down;
    qemu_register_powerdown_notifier(&gate->powerdown);
    for (unsigned i = 0; i < NR_COMMANDS; i++) {
        wrap(i);
    }
    if (gate->options.record || gate->options.replay) {
        filter("human-monitor-command", filter_hmp, &stock_hmp);
        filter("migrate", filter_migrate, &stock_migrate);
    }
}
