/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the ordering judge share.
 */
#ifndef JUMPCUT_HW_VIRTIO_ORDERING_INTERNAL_H
#define JUMPCUT_HW_VIRTIO_ORDERING_INTERNAL_H

#include <stdbool.h>

#include "hw/virtio/ordering-rules.h"

#define STATUS_DRIVER                                          \
    (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |    \
     VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK | \
     VIRTIO_CONFIG_S_FAILED)
/* Features are settled with the first of these. */
#define STATUS_SETTLED (VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

enum {
    QUEUE_DESC = 1 << 0, /* written since the last reset */
    QUEUE_AVAIL = 1 << 1,
    QUEUE_USED = 1 << 2,
    QUEUE_ENABLED = 1 << 3,
    QUEUE_WAS_RESET = 1 << 4,    /* alone, since the last reset of the device */
    QUEUE_RESET_UNREAD = 1 << 5, /* it may still be being reset */
    QUEUE_VECTOR_UNREAD = 1 << 6, /* whether it is mapped */
    QUEUE_DESC_UNALIGNED = 1 << 7,
    QUEUE_AVAIL_UNALIGNED = 1 << 8,
    QUEUE_USED_UNALIGNED = 1 << 9,
    QUEUE_UNALIGNED =
        QUEUE_DESC_UNALIGNED | QUEUE_AVAIL_UNALIGNED | QUEUE_USED_UNALIGNED,
    QUEUE_FLAGS = (1 << 10) - 1, /* all of them */
    QUEUE_ADDRESSES = QUEUE_DESC | QUEUE_AVAIL | QUEUE_USED,
};

/*
 * All but @known of this life of the driver: since the last reset.  A driver
 * knows a port until the machine is reset; it sleeps through that of a wakeup.
 */
typedef struct JudgePort {
    uint64_t unanswered; /* PORT_ADD it was sent and sent no PORT_READY for */
    bool announced;      /* it was sent a PORT_ADD */
    bool removed;        /* ... and a PORT_REMOVE */
    bool volunteered;    /* has sent a PORT_READY that answers none */
    bool ready;          /* the last PORT_READY told of success */
    bool open;           /* as the driver told; of a port that waits for its
                            PORT_READY, or of the one before it */
    bool reopened;    /* since PORT_READY, when only the next port could be */
    bool spared;      /* ... or a console be the answer */
    bool known;       /* it was sent a PORT_ADD, if in an earlier life */
    bool opened;      /* the driver has opened it, in this life */
    bool asked;       /* ... has not, and was told that it is a console */
    uint64_t added;   /* which of the device's messages was its last PORT_ADD;
                         0: none, or one that may overtake others */
    uint64_t console; /* ... its last CONSOLE_PORT, if of a port of that number
                         that is gone; 0: none, or answered */
} JudgePort;

struct OrderingJudge {
    unsigned max_ports, nr_queues;
    OrderingFound *found;
    void *opaque;
    int64_t now_ns; /* of the event being looked at */
    bool legacy;    /* likewise */
    /* Of this life of the driver */
    uint8_t status;
    bool reset_first;   /* the driver did, since the machine's last reset */
    bool reset_read;    /* ... and has seen a status of 0 since */
    bool ran;           /* status is 0, and it had set DRIVER_OK before that */
    bool features_read; /* the status, since it set FEATURES_OK */
    bool early_queue;   /* has been reported */
    bool vector_unread; /* that of changes of the configuration */
    bool modern;        /* used what only the modern interface has */
    bool device_ready;
    bool restoring; /* speaks of ports without having been told of them */
    bool wrote;     /* ... and writes to them */
    bool waking;    /* no driver since the machine woke up */
    /* The first and the last 32 of those offered, until the machine's reset */
    bool features_0_read, features_32_read;
    uint64_t told; /* messages it was sent; they count from 1 on */
    uint64_t read; /* the last of them that it has read for sure, 0: none */
    uint64_t features, offered;
    uint64_t offers; /* as ordering_offer() said; no matter of a life */
    uint64_t counts[RULE__MAX];
    uint16_t *queues;
    JudgePort *ports;
};

void ordering_report(OrderingJudge *j, OrderingRuleId rule,
                     const OrderingEvent *event, unsigned port, const char *fmt,
                     ...) G_GNUC_PRINTF(5, 6);
/* Did it accept feature @bit? */
bool ordering_has(const OrderingJudge *j, unsigned bit);

/* One for each kind of event */
typedef void OrderingSee(OrderingJudge *j, const OrderingEvent *event);
OrderingSee ordering_control_rx, ordering_control_tx;
OrderingSee ordering_queue_set, ordering_queue_enable, ordering_queue_reset;
OrderingSee ordering_queue_reset_read;
OrderingSee ordering_vector_set, ordering_vector_read;
OrderingSee ordering_config_read, ordering_config_write;
OrderingSee ordering_register_read, ordering_register_write;
OrderingSee ordering_features_read, ordering_features;
OrderingSee ordering_kick;
/* The driver goes on: were the vectors read that it has written? */
void ordering_vectors_due(OrderingJudge *j, const OrderingEvent *event,
                          unsigned first, unsigned end);
bool ordering_is_aftermath(const OrderingJudge *j);
/* Reports a queue that the driver has not got. */
bool ordering_queue_is_there(OrderingJudge *j, const OrderingEvent *e);

#endif
