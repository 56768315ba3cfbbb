/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the provocations share.
 */
#ifndef JUMPCUT_HW_VIRTIO_PROVOKE_INTERNAL_H
#define JUMPCUT_HW_VIRTIO_PROVOKE_INTERNAL_H

#include "hw/virtio/provoke.h"

/* Longest text of a provocation, bytes; long enough for any. */
#define PROVOKE_TEXT_MAX 255u

typedef enum ProvokeKind {
    PROVOKE_CONTROL_SEND,
    PROVOKE_CONTROL_DROP,
    PROVOKE_CONTROL_DELAY,
    PROVOKE_CONTROL_DUPLICATE,
    PROVOKE_CONTROL_REORDER,
    PROVOKE_CONTROL_STARVE,
    PROVOKE_PORT_ORDER,
    PROVOKE_PORT_FLAP,
    PROVOKE_PORT_UNPLUG,
    PROVOKE_PORT_THROTTLE,
    PROVOKE_HOST_DISCONNECT,
    PROVOKE_COMPLETION_HOLD,
    PROVOKE_COMPLETION_REORDER,
    PROVOKE_INTERRUPT_SPURIOUS,
    PROVOKE_INTERRUPT_LOST,
    PROVOKE_KICK_LOST,
    PROVOKE_CONFIG_INTERRUPT,
    PROVOKE_NEEDS_RESET,
    PROVOKE_KIND__MAX
} ProvokeKind;

typedef enum ProvokeField {
    PROVOKE_HAS_PORT = 1 << 0,
    PROVOKE_HAS_QUEUE = 1 << 1,
    PROVOKE_HAS_MESSAGE = 1 << 2,
    PROVOKE_HAS_VALUE = 1 << 3,
    PROVOKE_HAS_TO = 1 << 4,
    PROVOKE_HAS_COUNT = 1 << 5,
    PROVOKE_HAS_DELAY = 1 << 6,
    PROVOKE_HAS_SEED = 1 << 7,
} ProvokeField;

/* Fields that are not in @set have their defaults. */
typedef struct ProvokeSpec {
    bool timed;
    int64_t at_ns;
    ProvokePoint point; /* unless @timed */
    bool has_what, has_where;
    uint32_t what, where;
    uint32_t nth; /* at least 1 */
    ProvokeKind kind;
    unsigned set; /* ProvokeField bits */
    uint32_t port, queue, message, value, count, seed;
    uint32_t to_driver; /* 0 or 1 */
    uint64_t delay_ns;
} ProvokeSpec;

typedef struct ProvokeMessage {
    bool to_driver;
    uint32_t port;
    uint16_t event, value;
} ProvokeMessage;

typedef struct Provocation {
    ProvokeSpec spec;
    char *text;
    bool waiting;
    uint32_t seen; /* events, while it waits */
    uint32_t left; /* messages or interrupts still to be met */
    uint64_t done;
} Provocation;

typedef enum ProvokeTask {
    PROVOKE_TASK_FIRE, /* the time of provocation @index has come */
    PROVOKE_TASK_STEP, /* step @step of it: it begins and ends in turn */
    PROVOKE_TASK_SEND, /* @message was delayed until now */
    PROVOKE_TASK__MAX
} ProvokeTask;

typedef struct ProvokeDue {
    int64_t at_ns;
    ProvokeTask task;
    uint32_t index, step;
    ProvokeMessage message;
} ProvokeDue;

struct Provoker {
    unsigned max_ports;
    Host *host;
    HostTimer *timer;
    const ProvokeOps *ops;
    void *s;
    GArray *list;                          /* of Provocation */
    GArray *due;                           /* of ProvokeDue, by time */
    unsigned late;                         /* PROVOKE_TASK_SEND in @due */
    unsigned interest[PROVOKE_POINT__MAX]; /* who waits for it, or acts on it */
    bool replaying;                        /* a message of the provoker's own */
    bool has_swap[2];                      /* by direction: to the driver */
    ProvokeMessage swap[2];
};

bool provoke_spec_parse(ProvokeSpec *spec, const char *text, unsigned max_ports,
                        GError **error);
/* The point at which it acts on what happens; PROVOKE_POINT__MAX: none. */
ProvokePoint provoke_acts_on(const ProvokeSpec *spec);
/* How often what begins and ends is switched; 0: it is done at once. */
uint32_t provoke_steps(const ProvokeSpec *spec);
void provoke_clear_provocation(gpointer provocation);
/* Who wants to see what, after the list has changed. */
void provoke_count_interest(Provoker *p);
void provoke_arm(Provoker *p);
/* Adds one that has no past.  Its time is not looked at. */
void provoke_append(Provoker *p, const ProvokeSpec *spec, const char *text);
/* After those of the same time. */
void provoke_insert_due(Provoker *p, const ProvokeDue *due);

#endif
