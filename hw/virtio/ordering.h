/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judge of the order in which a driver of a console device does things.
 *
 * The judge is told of each thing that the driver does and of the little that
 * the device does to it, in the order in which they happened, and reports what
 * breaks a rule of the virtio specification (1.3).  It changes nothing.
 *
 * Nothing here allocates after ordering_new(), and no event takes longer for
 * what came before it, except that a reset costs a few bytes a port, and
 * DRIVER_OK one a queue.
 */
#ifndef JUMPCUT_HW_VIRTIO_ORDERING_H
#define JUMPCUT_HW_VIRTIO_ORDERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/state.h"

#define ORDERING_MAX_PORTS 511u
#define ORDERING_NO_PORT   UINT32_MAX
#define ORDERING_NO_QUEUE  UINT32_MAX /* changes of the configuration, too */

typedef enum OrderingEventKind {
    ORDERING_STATUS,      /* value: written to device_status; old: before */
    ORDERING_STATUS_READ, /* value: what the driver got */
    ORDERING_RESET,       /* value: 1 by the driver, 0 by the machine */
    ORDERING_WAKE,        /* the machine's next reset is that of a wakeup */
    ORDERING_FEATURES,    /* each write; value: accepted so far, old: offered */
    ORDERING_FEATURES_READ, /* value: of the offered ones, which 32 */
    ORDERING_CONFIG_READ,   /* value: offset, old: size */
    ORDERING_CONFIG_WRITE,  /* value: offset, old: size */
    ORDERING_QUEUE_SET,     /* queue; value: OrderingQueueField, old: written */
    ORDERING_QUEUE_ENABLE,  /* queue; value: written */
    ORDERING_QUEUE_RESET,   /* queue; value: written */
    ORDERING_QUEUE_RESET_READ, /* queue; value: what the driver got */
    ORDERING_VECTOR_SET,    /* queue; value: written, old: how many there are */
    ORDERING_VECTOR_READ,   /* queue */
    ORDERING_REGISTER_READ, /* of the common configuration; as CONFIG_READ */
    ORDERING_REGISTER_WRITE,
    ORDERING_KICK,       /* queue, of the address; value: written, old: size;
                            then NOTIFY, if anything comes of it */
    ORDERING_NOTIFY,     /* queue */
    ORDERING_BUFFER,     /* queue; bytes; value: readable, old: writable */
    ORDERING_CONTROL_RX, /* port; value: event | value << 16, old: bytes */
    ORDERING_CONTROL_TX, /* as RX, when it has been put into a buffer;
                            value: ORDERING_TX_HELD, too */
    ORDERING_EVENT__MAX
} OrderingEventKind;

/* A half of an address may be written alone: each write is an event. */
typedef enum OrderingQueueField {
    ORDERING_QUEUE_SIZE, /* old: the most there may be << 32, too; 0: any */
    ORDERING_QUEUE_DESC,
    ORDERING_QUEUE_AVAIL,
    ORDERING_QUEUE_USED,
    ORDERING_QUEUE_PFN, /* of the legacy interface; 0 takes the queue away */
} OrderingQueueField;

/* Used buffers are held back: the driver may get it before older messages. */
#define ORDERING_TX_HELD (1ull << 32)

typedef struct OrderingEvent {
    OrderingEventKind kind;
    unsigned queue, port;
    uint64_t value, old;
    bool legacy; /* the driver used the legacy interface last */
} OrderingEvent;

typedef enum OrderingSeverity {
    ORDERING_MUST,    /* the specification says MUST */
    ORDERING_SHOULD,  /* it says SHOULD, or only describes the order */
    ORDERING_SUSPECT, /* it says nothing, but no driver has a reason for it */
} OrderingSeverity;

typedef struct OrderingRule {
    const char *name;    /* as in "kick-before-driver-ok" */
    const char *section; /* of virtio 1.3, "3.1.1" */
    const char *text;
    OrderingSeverity severity;
} OrderingRule;

typedef struct OrderingViolation {
    const OrderingRule *rule;
    OrderingEvent event; /* the one that broke it */
    unsigned port;       /* or ORDERING_NO_PORT */
    int64_t at_ns;       /* virtual time */
    uint64_t count;      /* of this rule, this one included */
    char seen[128];
} OrderingViolation;

typedef struct OrderingJudge OrderingJudge;
/*
 * Called from inside ordering_see() for each violation, however many: who
 * passes them on to somebody limits their rate.
 */
typedef void OrderingFound(void *opaque, const OrderingViolation *violation);

/* @max_ports: 1 to ORDERING_MAX_PORTS */
OrderingJudge *ordering_new(unsigned max_ports, OrderingFound *found,
                            void *opaque);
void ordering_free(OrderingJudge *j);
void ordering_see(OrderingJudge *j, int64_t now_ns, const OrderingEvent *event);

const OrderingRule *ordering_rules(size_t *n);
/* "must", "should", "suspect" */
const char *ordering_severity_name(OrderingSeverity severity);
/* @rule: one of ordering_rules() */
uint64_t ordering_count(const OrderingJudge *j, const OrderingRule *rule);
uint64_t ordering_total(const OrderingJudge *j);
void ordering_reset_counts(OrderingJudge *j);

/* The feature bits below 24 that the device offers; before that, any. */
void ordering_offer(OrderingJudge *j, uint64_t features);

/* virtio 5.3.2; ORDERING_NO_PORT for the control queues */
unsigned ordering_queue_port(unsigned queue);

void ordering_save(const OrderingJudge *j, StateWriter *w);
/* Into a judge of as many ports; on error it is as new. */
void ordering_load(OrderingJudge *j, StateReader *r);

#endif
