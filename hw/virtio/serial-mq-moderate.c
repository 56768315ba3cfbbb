/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moderated interrupts of the multiport virtio console device: what a driver
 * sends is used at its kick, and it hears of that a moment later, with all that
 * was used meanwhile.  Only a driver whose queue is full waits for it.
 */
#include "hw/virtio/serial-mq-internal.h"

/* From the first chain the driver has not heard of to its interrupt */
#define MODERATE_NS 1000000

static void tell_all(void *opaque)
{
    SerialMq *s = opaque;

    s->moderates = false;
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        if (s->ports[i] && s->ports[i]->untold) {
            s->ports[i]->untold = false;
            if (serial_mq_serves(s)) {
                serial_mq_interrupt(s, serial_mq_in_queue(i) + 1);
            }
        }
    }
}

void serial_mq_moderate(SerialMq *s)
{
    if (!s->moderator) {
        s->moderator = s->host->ops->timer_new(s->host, tell_all, s);
        serial_mq_moderate_refills(s);
    }
}

void serial_mq_output_used(SerialMq *s, SerialMqPort *p)
{
    /* A console's driver spins until each of its buffers is used. */
    if (!s->moderator || s->provoker || p->console) {
        serial_mq_interrupt(s, serial_mq_in_queue(p->nr) + 1);
        return;
    }
    p->untold = true;
    if (!s->moderates) {
        s->moderates = true;
        s->host->ops->timer_mod(s->host, s->moderator,
                                s->host->ops->now_ns(s->host) + MODERATE_NS);
    }
}

void serial_mq_settle(SerialMq *s)
{
    if (s->moderates) {
        s->host->ops->timer_del(s->host, s->moderator);
        tell_all(s);
    }
    serial_mq_settle_refills(s);
}
