/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ordering judge: queues are set up, enabled and reset. */
#include "hw/virtio/ordering-internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>

bool ordering_queue_is_there(OrderingJudge *j, const OrderingEvent *e)
{
    if (e->queue < 2 || (e->queue < j->nr_queues &&
                         ordering_has(j, VIRTIO_CONSOLE_F_MULTIPORT))) {
        return true;
    }
    ordering_report(j, RULE_QUEUE_NOT_THERE, e, ORDERING_NO_PORT,
                    "queue %u used, features 0x%llx", e->queue,
                    (unsigned long long)j->features);
    return false;
}

/* A legacy driver has only to have set DRIVER. */
static void see_set_up(OrderingJudge *j, const OrderingEvent *e, uint8_t needs)
{
    if (!(j->status & needs) && !j->early_queue) {
        j->early_queue = true;
        ordering_report(
            j, RULE_QUEUE_BEFORE_FEATURES_OK, e, ordering_queue_port(e->queue),
            "queue %u set up in status 0x%02x", e->queue, j->status);
    }
}

static void see_queue_pfn(OrderingJudge *j, const OrderingEvent *e)
{
    if (!e->old) {
        if (e->queue < j->nr_queues) {
            j->queues[e->queue] = 0;
        }
    } else if (ordering_queue_is_there(j, e)) {
        see_set_up(j, e, VIRTIO_CONFIG_S_DRIVER);
        j->queues[e->queue] = QUEUE_ENABLED;
    }
}

static void see_queue_size(OrderingJudge *j, const OrderingEvent *e)
{
    if ((!e->old || (e->old & (e->old - 1))) &&
        !ordering_has(j, VIRTIO_F_RING_PACKED)) {
        ordering_report(
            j, RULE_QUEUE_SIZE_NOT_POWER, e, ordering_queue_port(e->queue),
            "queue %u given size %llu", e->queue, (unsigned long long)e->old);
    }
}

void ordering_queue_set(OrderingJudge *j, const OrderingEvent *e)
{
    static const uint8_t written[] = {
        [ORDERING_QUEUE_DESC] = QUEUE_DESC,
        [ORDERING_QUEUE_AVAIL] = QUEUE_AVAIL,
        [ORDERING_QUEUE_USED] = QUEUE_USED,
        [ORDERING_QUEUE_PFN] = 0,
    };

    /* Vectors are taken away in the status of a reset, too. */
    if (e->value == ORDERING_QUEUE_VECTOR || e->value > ORDERING_QUEUE_PFN) {
        return;
    }
    if (e->value == ORDERING_QUEUE_PFN) {
        see_queue_pfn(j, e);
        return;
    }
    if (!ordering_queue_is_there(j, e)) {
        return;
    }
    j->modern = true;
    if (j->queues[e->queue] & QUEUE_ENABLED) {
        ordering_report(j, RULE_QUEUE_CHANGED_ENABLED, e,
                        ordering_queue_port(e->queue),
                        "queue %u is enabled, its field %u written", e->queue,
                        (unsigned)e->value);
    }
    see_set_up(j, e, STATUS_SETTLED);
    if (e->value == ORDERING_QUEUE_SIZE) {
        see_queue_size(j, e);
    } else {
        j->queues[e->queue] |= written[e->value];
    }
}

void ordering_queue_enable(OrderingJudge *j, const OrderingEvent *e)
{
    unsigned port = ordering_queue_port(e->queue);
    uint8_t *queue;

    if (!ordering_queue_is_there(j, e)) {
        return;
    }
    queue = &j->queues[e->queue];
    j->modern = true;
    if (!e->value) {
        ordering_report(j, RULE_QUEUE_ENABLE_ZERO, e, port,
                        "queue %u: 0 written", e->queue);
        return;
    }
    see_set_up(j, e, STATUS_SETTLED);
    if ((*queue & QUEUE_ADDRESSES) != QUEUE_ADDRESSES) {
        ordering_report(j, RULE_QUEUE_ENABLE_INCOMPLETE, e, port,
                        "queue %u: addresses written 0x%x of 0x%x", e->queue,
                        *queue & QUEUE_ADDRESSES, QUEUE_ADDRESSES);
    }
    if ((j->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
        !(*queue & (QUEUE_ENABLED | QUEUE_WAS_RESET))) {
        ordering_report(j, RULE_QUEUE_ENABLE_AFTER_DRIVER_OK, e, port,
                        "queue %u enabled in status 0x%02x", e->queue,
                        j->status);
    }
    *queue |= QUEUE_ENABLED;
}

void ordering_queue_reset(OrderingJudge *j, const OrderingEvent *e)
{
    if (!ordering_has(j, VIRTIO_F_RING_RESET)) {
        ordering_report(j, RULE_QUEUE_RESET_NOT_NEGOTIATED, e,
                        ordering_queue_port(e->queue),
                        "queue %u reset, features 0x%llx", e->queue,
                        (unsigned long long)j->features);
    }
    if (e->queue < j->nr_queues) {
        j->queues[e->queue] = QUEUE_WAS_RESET;
    }
}
