/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the ordering judge share.
 */
#ifndef JUMPCUT_HW_VIRTIO_ORDERING_INTERNAL_H
#define JUMPCUT_HW_VIRTIO_ORDERING_INTERNAL_H

#include <stdbool.h>

#include "hw/virtio/ordering.h"

typedef enum OrderingRuleId {
    RULE_NO_RESET_FIRST,
    RULE_RESET_NOT_AWAITED,
    RULE_STATUS_BIT_CLEARED,
    RULE_STATUS_UNKNOWN_BIT,
    RULE_STATUS_AFTER_FAILED,
    RULE_DRIVER_BEFORE_ACKNOWLEDGE,
    RULE_FEATURES_OK_BEFORE_DRIVER,
    RULE_DRIVER_OK_BEFORE_DRIVER,
    RULE_DRIVER_OK_WITHOUT_FEATURES_OK,
    RULE_FEATURES_OK_NOT_READ,
    RULE_DRIVER_OK_AGAIN,
    RULE_FEATURE_NOT_OFFERED,
    RULE_FEATURES_BEFORE_DRIVER,
    RULE_FEATURES_AFTER_FEATURES_OK,
    RULE_VERSION_1_REFUSED,
    RULE_CONFIG_READ_BEFORE_DRIVER,
    RULE_CONFIG_WRITE_BEFORE_FEATURES_OK,
    RULE_CONFIG_WRITE_READ_ONLY,
    RULE_QUEUE_NOT_THERE,
    RULE_QUEUE_BEFORE_FEATURES_OK,
    RULE_QUEUE_SIZE_NOT_POWER,
    RULE_QUEUE_CHANGED_ENABLED,
    RULE_QUEUE_ENABLE_INCOMPLETE,
    RULE_QUEUE_ENABLE_ZERO,
    RULE_QUEUE_ENABLE_AFTER_DRIVER_OK,
    RULE_QUEUE_RESET_NOT_NEGOTIATED,
    RULE_KICK_BEFORE_DRIVER_OK,
    RULE_LEGACY_KICK_BEFORE_DRIVER_OK,
    RULE_KICK_QUEUE_NOT_ENABLED,
    RULE_BUFFER_READABLE_IN_RECEIVE,
    RULE_BUFFER_WRITABLE_IN_TRANSMIT,
    RULE_CONTROL_BUFFER_SMALL,
    RULE_CONTROL_BEFORE_DRIVER_OK,
    RULE_CONTROL_SHORT,
    RULE_CONTROL_WRONG_DIRECTION,
    RULE_CONTROL_VALUE,
    RULE_CONTROL_NO_SUCH_PORT,
    RULE_CONTROL_BEFORE_DEVICE_READY,
    RULE_DEVICE_READY_TWICE,
    RULE_PORT_READY_UNASKED,
    RULE_PORT_READY_TWICE,
    RULE_PORT_OPEN_UNASKED,
    RULE_PORT_OPEN_BEFORE_READY,
    RULE_PORT_OPEN_TWICE,
    RULE_CONSOLE_PORT_NOT_OPENED,
    RULE_TRANSMIT_BEFORE_DEVICE_READY,
    RULE_TRANSMIT_UNKNOWN_PORT,
    RULE__MAX
} OrderingRuleId;

extern const OrderingRule ordering_table[RULE__MAX];

enum {
    QUEUE_DESC = 1 << 0, /* written since the last reset */
    QUEUE_AVAIL = 1 << 1,
    QUEUE_USED = 1 << 2,
    QUEUE_ENABLED = 1 << 3,
    QUEUE_WAS_RESET = 1 << 4, /* alone, since the last reset of the device */
    QUEUE_ADDRESSES = QUEUE_DESC | QUEUE_AVAIL | QUEUE_USED,
};

/*
 * All but @known of this life of the driver: since the last reset.  A driver
 * knows a port until the machine is reset; it sleeps through that of a wakeup.
 */
typedef struct JudgePort {
    uint32_t adds;    /* PORT_ADD it was sent */
    uint32_t readies; /* PORT_READY it sent */
    bool ready;       /* the last PORT_READY told of success */
    bool open;        /* as the driver told */
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
    bool modern;        /* used what only the modern interface has */
    bool device_ready;
    bool restoring; /* speaks of ports without having been told of them */
    bool wrote;     /* ... and writes to them */
    bool waking;    /* no driver since the machine woke up */
    uint64_t told;  /* messages it was sent; they count from 1 on */
    uint64_t read;  /* the last of them that it has read for sure, 0: none */
    uint64_t features, offered;
    uint64_t counts[RULE__MAX];
    uint8_t *queues;
    JudgePort *ports;
};

void ordering_report(OrderingJudge *j, OrderingRuleId rule,
                     const OrderingEvent *event, unsigned port, const char *fmt,
                     ...) G_GNUC_PRINTF(5, 6);
void ordering_control_rx(OrderingJudge *j, const OrderingEvent *event);
void ordering_control_tx(OrderingJudge *j, const OrderingEvent *event);
/* Did it accept feature @bit? */
bool ordering_has(const OrderingJudge *j, unsigned bit);

#endif
