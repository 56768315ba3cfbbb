/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands at the gate: what waits there, and how it is carried out; for
 * gate*.c and qmp-replay.c alone.
 */
#ifndef JUMPCUT_ACCEL_SHIM_GATE_COMMANDS_H
#define JUMPCUT_ACCEL_SHIM_GATE_COMMANDS_H

#include "qemu/coroutine.h"
#include "accel/shim/gate.h"

/* Commands that wait for their time are part of the migration state. */
#define GATE_APPOINTMENTS_MAX 4096u
#define GATE_APPOINTED_MAX    (512u << 10) /* bytes of theirs */

/* A command of the table in gate-commands.c. */
typedef struct GateCommand GateCommand;

/* A command that waits for a tick. */
typedef struct GateRequest {
    const GateCommand *command;
    QDict *args;
    QObject **ret;
    Error **errp;
    Coroutine *co; /* of the client, which waits */
} GateRequest;

/* A command for a time to come, by jumpcut-at. */
typedef struct GateAppointment {
    int64_t at_ns;
    const GateCommand *command;
    QDict *args;
    size_t bytes; /* of its name and arguments, as they migrate */
} GateAppointment;

/* gate-input.c: inputs carried out */
/*
 * @args: a reference is taken
 * @return: false if all that waits already leaves no room for it
 */
bool gate_appoint(Gate *gate, int64_t at_ns, const GateCommand *command,
                  QDict *args, Error **errp);
void gate_inputs(Gate *gate, bool stopped);
void gate_at_stop(Gate *gate);
/* The machine has no tick for them, nor a stop that a replay would find. */
void gate_refuse_requests(Gate *gate);
GateSink *gate_sink_by_name(const Gate *gate, const char *name);
/* A command, at a tick on the vCPUs' thread or with @stopped on QEMU's own. */
void gate_carry_out(Gate *gate, const GateCommand *command, QDict *args,
                    bool stopped, QObject **ret, Error **errp);

/* gate-commands.c */
struct GateCommand {
    const char *name;
    /*
     * NULL: it is carried out where the vCPUs' thread is; else the vCPUs'
     * thread waits for QEMU's own to do it, until this is true.
     */
    bool (*done)(Gate *gate);
};
const GateCommand *gate_command_by_name(const char *name);
/* Calls what the command did before there was a gate. */
void gate_command_call(const GateCommand *command, QDict *args, QObject **ret,
                       Error **errp);
void gate_commands_install(Gate *gate);

#endif
