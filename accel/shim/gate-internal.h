/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout of Gate, for gate*.c and qmp-replay.c alone.
 */
#ifndef JUMPCUT_ACCEL_SHIM_GATE_INTERNAL_H
#define JUMPCUT_ACCEL_SHIM_GATE_INTERNAL_H

#include "qemu/notify.h"
#include "accel/shim/checkpoint.h"
#include "accel/shim/gate.h"
#include "accel/shim/gate-commands.h"
#include "accel/shim/gate-recorder.h"
#include "accel/shim/guest.h"
#include "accel/shim/run-timer.h"
#include "replay/engine.h"
#include "replay/record.h"

#define GATE_NS_DEFAULT 10000000 /* 10 ms */

/* Why the machine was stopped by the gate itself. */
typedef enum GateStop {
    GATE_STOP_NONE,
    GATE_STOP_AT,
    GATE_STOP_HANDOVER,
    GATE_STOP_DIVERGENCE,
    GATE_STOP_END,
} GateStop;

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
    size_t appointed;        /* bytes of their commands and arguments */
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

/* gate-observe.c: at the level of devices, their steps */
void gate_devices_install(Gate *gate);

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
