/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout of Gate, for gate*.c and qmp-replay.c alone.
 */
#ifndef JUMPCUT_ACCEL_SHIM_GATE_INTERNAL_H
#define JUMPCUT_ACCEL_SHIM_GATE_INTERNAL_H

#include "qemu/coroutine.h"
#include "qemu/notify.h"
#include "accel/shim/checkpoint.h"
#include "accel/shim/gate.h"
#include "accel/shim/guest.h"
#include "accel/shim/run-timer.h"
#include "replay/engine.h"
#include "replay/record.h"

/* Commands that wait for their time: part of the migration state. */
#define GATE_APPOINTMENTS_MAX 4096u
#define GATE_NS_DEFAULT       10000000 /* 10 ms */

typedef struct GateRecorder GateRecorder;

/* Why the machine was stopped by the gate itself. */
typedef enum GateStop {
    GATE_STOP_NONE,
    GATE_STOP_AT,
    GATE_STOP_HANDOVER,
    GATE_STOP_DIVERGENCE,
    GATE_STOP_END,
} GateStop;

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
} GateAppointment;

/* What the console came to at the last place that a replay finds again. */
typedef struct GateMark {
    int64_t at_ns;
    uint64_t bytes;
    uint8_t sha256[TRACE_SHA256_SIZE];
} GateMark;

struct Gate {
    Guest *guest;
    GateOptions options;
    Notifier exit, shutdown, powerdown, suspend;
    bool powered_down; /* the machine's button was pressed */
    bool work_failed;  /* what QEMU's own thread was to do at a tick */
    RunTimer timer;
    bool tick_due;        /* fired, not yet handled: when the machine goes on */
    bool tick_listed;     /* and it is among the vCPUs' work */
    bool incoming;        /* until the state of another process is loaded */
    ReplayEngine *engine; /* NULL: no replay */
    GateRecorder *recorder;  /* NULL: nothing is recorded (now) */
    GPtrArray *sinks;        /* of GateSink */
    GQueue requests;         /* of GateRequest */
    GPtrArray *appointments; /* of GateAppointment, by time */
    GChecksum *console;
    uint32_t console_crc;
    GateMark mark;
    bool in_command; /* one that changes the guest is being carried out */
    bool ran;        /* the machine, in this process or before a checkpoint */
    const char *ending; /* why the run ends; NULL: it does not yet */
    bool told;          /* the end of a replay */
    GateFullFn *full;   /* NULL: nobody but the console holds the guest */
    void *full_opaque;
    GateStop stop;      /* the machine stops, or has stopped, for that */
    bool stop_later;    /* GATE_STOP_AT came while it stood */
    int64_t stop_at_ns; /* -1: none */
    CheckpointWriter *checkpoints; /* NULL: none was written yet */
    uint32_t nr_checkpoints;       /* that there have been */
    bool checkpoint_wanted;
    Checkpoint *from;    /* to begin from; NULL: it has begun */
    uint64_t from_seq;   /* only while it is loaded: the record after it */
    char *stop_event;    /* name of an event to stop at */
    int64_t stop_digest; /* number of a digest to stop at, or -1 */
    uint64_t digests;
    uint32_t handovers;
    int64_t pace_host_us, pace_ns; /* went together; host -1: not yet */
    QEMUTimer *settle;             /* host time: after a migration */
    /* Only while migrating */
    uint32_t state_len;
    uint8_t *state;
};

int64_t gate_now(void);
const char *gate_level_name(GateLevel level);
/* An exact place: END may be written for it, or is compared with it. */
void gate_mark(Gate *gate);
/* Has the replay ended or diverged?  Then tell, and stop the machine. */
void gate_judge(Gate *gate);
/* Is the last exact place the trace's end? */
void gate_look_for_end(Gate *gate);
/* Stop the machine for @why, as soon as it can be exact. */
void gate_stop(Gate *gate, GateStop why);

/* Before a tick at or after now. */
void gate_arm(Gate *gate);

/* gate-input.c: inputs carried out */
/* @args: a reference is taken */
void gate_appoint(Gate *gate, int64_t at_ns, const GateCommand *command,
                  QDict *args);
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

/* gate-refuse.c: before the guest starts, when the commands are installed */
bool gate_refuse(Gate *gate, Error **errp);
/* May there be a device of that type? */
bool gate_device_check(const char *type, Error **errp);

/* gate-serial.c: once the machine stands */
void gate_serials_install(Gate *gate);

/* gate-wait.c */
/* Hold the vCPUs' thread, in work of its, until @until. */
void gate_wait(Gate *gate, bool (*until)(Gate *gate), int poll_ms);
void gate_pace(Gate *gate);

/* gate-record.c */
GateRecorder *gate_recorder_open(Gate *gate, Error **errp);
void gate_recorder_close(GateRecorder *r);
void gate_recorder_put(GateRecorder *r, uint16_t type, uint16_t flags,
                       int64_t at_ns, const void *payload, size_t len);
/* What is put until the end follows the record that is put then. */
void gate_recorder_begin(GateRecorder *r);
void gate_recorder_end(GateRecorder *r, uint16_t type, uint16_t flags,
                       const void *payload, size_t len);
void gate_recorder_output(GateRecorder *r, const uint8_t *buf, size_t len);
void gate_recorder_flush(GateRecorder *r);
uint64_t gate_recorder_records(const GateRecorder *r);
/* The number in the trace of the record that is put next */
uint64_t gate_recorder_seq(GateRecorder *r);
/* A place that readers can go to. */
void gate_recorder_new_frame(GateRecorder *r);
/* The last record of all. */
void gate_recorder_finish(Gate *gate, const char *why);

/* gate-checkpoint.c */
/* At the end of a tick. */
void gate_checkpoint(Gate *gate);
/* At the next end of a tick, whatever the interval. */
void gate_want_checkpoint(Gate *gate);
/* With the option from=: do as it says, once the machine stands. */
bool gate_begin_from(Gate *gate, Error **errp);

/* gate-state.c */
void gate_register_vmstate(Gate *gate);

/* gate-events.c, beside the QMP commands */
void gate_tell_stopped(Gate *gate, const char *why);
void gate_tell_divergence(Gate *gate);
void gate_tell_end(Gate *gate, bool complete);

#endif
