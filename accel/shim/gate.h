/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: all that comes in from outside comes in at its ticks.
 *
 * A tick is a multiple of the gate's interval in virtual time, handled by the
 * vCPUs' thread when a round of theirs has ended.  Bytes for the guest and QMP
 * commands that change it wait for the next tick; there they are recorded, or
 * taken from a recorded run.  While the machine is stopped there is no tick,
 * and no time that could pass: commands are carried out at once.
 *
 * With the big lock held, as everything here.  A NULL Gate is one that lets
 * everything through: nothing is recorded and nothing compared.
 */
#ifndef JUMPCUT_ACCEL_SHIM_GATE_H
#define JUMPCUT_ACCEL_SHIM_GATE_H

#include "replay/trace.h"

typedef struct Gate Gate;
struct Guest;

typedef enum GateLevel {
    GATE_INPUTS,  /* inputs, events, cuts */
    GATE_DIGESTS, /* and digests */
    GATE_DEVICES, /* and what passes between the guest and its devices */
} GateLevel;

/* @return: false if there is no level of that name */
bool gate_level_parse(const char *name, GateLevel *out);

#define GATE_NS_MIN 100000 /* 0.1 ms */
#define GATE_NS_MAX 1000000000

typedef struct GateOptions {
    const char *record, *replay; /* paths, or NULL */
    int64_t gate_ns;             /* 0: the default, if there is to be a gate */
    GateLevel level;
    bool has_level;
    bool pace;             /* virtual time is never ahead of the host's */
    int64_t checkpoint_ns; /* 0: none at intervals */
    bool has_from;
    uint32_t from;      /* replay: begin from that checkpoint */
    bool handover_wait; /* replay: stop for the migration that was recorded */
} GateOptions;

/* *@out is NULL if @options want no gate.  Before the guest's devices are. */
bool gate_new(const GateOptions *options, struct Guest *guest, Gate **out,
              Error **errp);
/* Once the guest is complete: commands, ticks, migration state. */
bool gate_start(Gate *gate, Error **errp);

/* Bytes from outside for one of the guest's devices. */
typedef struct GateSink GateSink;
typedef struct GateSinkOps {
    /* Bytes that the guest's device takes now: its state alone decides. */
    size_t (*room)(void *opaque);
    void (*deliver)(void *opaque, const uint8_t *buf, size_t len);
    /* There is room for more from outside. */
    void (*more)(void *opaque);
} GateSinkOps;
GateSink *gate_sink_new(Gate *gate, const char *name, const GateSinkOps *ops,
                        void *opaque);
/* NULL is left alone.  What waits in it is forgotten. */
void gate_sink_free(GateSink *sink);
/* How much more the outside may send now. */
size_t gate_sink_room(const GateSink *sink);
/* @len: at most that */
void gate_sink_put(GateSink *sink, const uint8_t *buf, size_t len);

/*
 * The outside makes @name, one of the commands at the gate, be carried out with
 * @args at the next tick; a replay has its own.
 */
struct QDict;
void gate_appoint_command(Gate *gate, const char *name, struct QDict *args);
/* The guest is held at ticks while @full(@opaque), too; one for all. */
typedef bool GateFullFn(void *opaque);
void gate_set_full(Gate *gate, GateFullFn *full, void *opaque);

/* What the guest does: recorded, or compared with what was recorded. */
void gate_observe(Gate *gate, TraceType type, const void *payload, size_t len);
struct StateDigest;
void gate_digest(Gate *gate, const struct StateDigest *rich,
                 const char *reason);
struct GuestCut;
void gate_cut(Gate *gate, const struct GuestCut *cut);
void gate_event(Gate *gate, const char *name, uint64_t a, uint64_t b);
/* The guest wrote to its console. */
void gate_output(Gate *gate, const uint8_t *buf, size_t len);
/* The console's reader takes nothing: the guest is held at the next tick. */
bool gate_holds(const Gate *gate);

/* Is the device level recorded, or was it? */
bool gate_wants_devices(const Gate *gate);
/* Of a replay that starts amid its trace: record @seq is the next. */
bool gate_continue_at(Gate *gate, uint64_t seq, GError **error);
/*
 * The machine goes on from a stop that is none of the recorded run's: a
 * debugger's, jumpcut-stop-at's, or that of before a checkpoint is loaded.
 * Asked as it goes on.
 */
bool gate_resumes_unseen(const Gate *gate);
bool gate_records(const Gate *gate);
bool gate_replays(const Gate *gate);

#endif
