/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ordering judge: queues are set up, enabled and reset. */
#include "hw/virtio/ordering-internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_pci.h>

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
    if (e->queue < j->nr_queues && (j->queues[e->queue] & QUEUE_ENABLED) &&
        (j->status & VIRTIO_CONFIG_S_DRIVER_OK)) {
        ordering_report(j, RULE_LEGACY_QUEUE_CHANGED_LIVE, e,
                        ordering_queue_port(e->queue),
                        "queue %u: page 0x%llx written in status 0x%02x",
                        e->queue, (unsigned long long)e->old, j->status);
    }
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
    unsigned port = ordering_queue_port(e->queue);
    uint32_t size = (uint32_t)e->old, most = e->old >> 32;

    if ((!size || (size & (size - 1))) &&
        !ordering_has(j, VIRTIO_F_RING_PACKED)) {
        ordering_report(j, RULE_QUEUE_SIZE_NOT_POWER, e, port,
                        "queue %u given size %u", e->queue, size);
    } else if (most && size > most) {
        ordering_report(j, RULE_QUEUE_SIZE_TOO_LARGE, e, port,
                        "queue %u given size %u of %u", e->queue, size, most);
    }
}

static void see_address(OrderingJudge *j, const OrderingEvent *e)
{
    static const struct {
        uint16_t written, unaligned, align; /* 2.7: bytes */
    } parts[] = {
        [ORDERING_QUEUE_DESC] = {QUEUE_DESC, QUEUE_DESC_UNALIGNED, 16},
        [ORDERING_QUEUE_AVAIL] = {QUEUE_AVAIL, QUEUE_AVAIL_UNALIGNED, 2},
        [ORDERING_QUEUE_USED] = {QUEUE_USED, QUEUE_USED_UNALIGNED, 4},
    };
    uint16_t *queue = &j->queues[e->queue];

    *queue |= parts[e->value].written;
    *queue &= ~parts[e->value].unaligned;
    if (e->old % parts[e->value].align) {
        *queue |= parts[e->value].unaligned;
    }
}

/* It may still be being reset; reported once. */
static void see_reset_over(OrderingJudge *j, const OrderingEvent *e)
{
    if (j->queues[e->queue] & QUEUE_RESET_UNREAD) {
        j->queues[e->queue] &= ~QUEUE_RESET_UNREAD;
        ordering_report(
            j, RULE_QUEUE_RESET_NOT_AWAITED, e, ordering_queue_port(e->queue),
            "queue %u set up, its reset not read to be over", e->queue);
    }
}

void ordering_queue_set(OrderingJudge *j, const OrderingEvent *e)
{
    if (e->value > ORDERING_QUEUE_PFN) {
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
    see_reset_over(j, e);
    see_set_up(j, e, STATUS_SETTLED);
    if (e->value == ORDERING_QUEUE_SIZE) {
        see_queue_size(j, e);
    } else {
        see_address(j, e);
    }
}

static void see_enable(OrderingJudge *j, const OrderingEvent *e, uint16_t queue)
{
    unsigned port = ordering_queue_port(e->queue);

    if ((queue & QUEUE_ADDRESSES) != QUEUE_ADDRESSES) {
        ordering_report(j, RULE_QUEUE_ENABLE_INCOMPLETE, e, port,
                        "queue %u: addresses written 0x%x of 0x%x", e->queue,
                        queue & QUEUE_ADDRESSES, QUEUE_ADDRESSES);
    }
    if ((queue & QUEUE_UNALIGNED) && !ordering_has(j, VIRTIO_F_RING_PACKED)) {
        ordering_report(j, RULE_QUEUE_ADDRESS_UNALIGNED, e, port,
                        "queue %u enabled", e->queue);
    }
    if (queue & QUEUE_ENABLED) {
        ordering_report(j, RULE_QUEUE_ENABLE_AGAIN, e, port,
                        "queue %u is enabled", e->queue);
    } else if ((j->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
               !(queue & QUEUE_WAS_RESET)) {
        ordering_report(j, RULE_QUEUE_ENABLE_AFTER_DRIVER_OK, e, port,
                        "queue %u enabled in status 0x%02x", e->queue,
                        j->status);
    }
}

void ordering_queue_enable(OrderingJudge *j, const OrderingEvent *e)
{
    unsigned port = ordering_queue_port(e->queue);
    uint16_t *queue;

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
    see_reset_over(j, e);
    see_set_up(j, e, STATUS_SETTLED);
    see_enable(j, e, *queue);
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
        j->queues[e->queue] = QUEUE_WAS_RESET | QUEUE_RESET_UNREAD;
    }
}

void ordering_queue_reset_read(OrderingJudge *j, const OrderingEvent *e)
{
    if (e->queue < j->nr_queues && !e->value) {
        j->queues[e->queue] &= ~QUEUE_RESET_UNREAD;
    }
}

/* Vectors */

static bool vector_unread(const OrderingJudge *j, unsigned queue)
{
    return queue < j->nr_queues ? j->queues[queue] & QUEUE_VECTOR_UNREAD
                                : j->vector_unread;
}

static void set_vector_unread(OrderingJudge *j, unsigned queue, bool unread)
{
    if (queue == ORDERING_NO_QUEUE) {
        j->vector_unread = unread;
    } else if (queue < j->nr_queues) {
        j->queues[queue] &= ~QUEUE_VECTOR_UNREAD;
        j->queues[queue] |= unread ? QUEUE_VECTOR_UNREAD : 0;
    }
}

static void see_vector_due(OrderingJudge *j, const OrderingEvent *e,
                           unsigned queue)
{
    if (!vector_unread(j, queue)) {
        return;
    }
    set_vector_unread(j, queue, false);
    if (queue == ORDERING_NO_QUEUE) {
        ordering_report(j, RULE_VECTOR_NOT_READ_BACK, e, ORDERING_NO_PORT,
                        "vector of configuration changes not read");
    } else {
        ordering_report(j, RULE_VECTOR_NOT_READ_BACK, e,
                        ordering_queue_port(queue),
                        "vector of queue %u not read", queue);
    }
}

void ordering_vectors_due(OrderingJudge *j, const OrderingEvent *e,
                          unsigned first, unsigned end)
{
    for (unsigned queue = first; queue < MIN(end, j->nr_queues); queue++) {
        see_vector_due(j, e, queue);
    }
    if (end == ORDERING_NO_QUEUE) {
        see_vector_due(j, e, ORDERING_NO_QUEUE);
    }
}

/* Of any status: they are taken away in that of a reset, too. */
void ordering_vector_set(OrderingJudge *j, const OrderingEvent *e)
{
    if (e->queue != ORDERING_NO_QUEUE && e->queue >= j->nr_queues) {
        return;
    }
    if (e->value == VIRTIO_MSI_NO_VECTOR) {
        set_vector_unread(j, e->queue, false); /* It does without. */
        return;
    }
    see_vector_due(j, e, e->queue);
    if (e->value >= e->old) {
        ordering_report(j, RULE_VECTOR_BEYOND_TABLE, e,
                        e->queue == ORDERING_NO_QUEUE
                            ? ORDERING_NO_PORT
                            : ordering_queue_port(e->queue),
                        "vector %llu of %llu", (unsigned long long)e->value,
                        (unsigned long long)e->old);
    }
    set_vector_unread(j, e->queue, true);
}

void ordering_vector_read(OrderingJudge *j, const OrderingEvent *e)
{
    set_vector_unread(j, e->queue, false);
}
