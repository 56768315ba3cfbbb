/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moderated refills of the multiport virtio console device: a driver that gives
 * back buffers while input waits for them need not notify the device of each.
 * A timer looks at the rings instead, for as long as it finds enough in them.
 *
 * Only full rings wait for it: what the driver has not read yet fills them.
 */
#include "hw/virtio/serial-mq-internal.h"

/* From a ring that is found empty to the look at all that were */
#define REFILL_NS 2000000
/* Bytes that a look has to find, or the driver notifies again */
#define ENOUGH_BYTES 32768u
/* Chains filled until that is tried; twice as many after each look in vain */
#define TRY_CHAINS     64
#define TRY_CHAINS_MAX 4096

/*
 * The driver is to notify of the next buffer.  Some rings want to be told of
 * that each time: packed ones, whose event index the device alone moves.
 *
 * @return: bytes that were added meanwhile
 */
static size_t want_kick(SerialMq *s, SerialMqPort *p)
{
    const unsigned queue = serial_mq_in_queue(p->nr);

    if (!s->refiller) {
        return 0;
    }
    p->kickless = false;
    s->ops->notification(s->t, queue, true);
    return s->ops->room(s->t, queue, SERIAL_MQ_KEPT_MAX);
}

static void look(void *opaque)
{
    SerialMq *s = opaque;
    size_t found = 0;

    s->refills = false;
    s->filled = 0;
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);
        size_t room;

        if (!p || !p->refills) {
            continue;
        }
        p->refills = false;
        room = s->ops->room(s->t, serial_mq_in_queue(i),
                            found < ENOUGH_BYTES ? ENOUGH_BYTES - found : 1);
        found += room;
        if (room || want_kick(s, p)) {
            serial_mq_accept(s, p);
        }
    }
    if (found < ENOUGH_BYTES) {
        s->fill_first = s->fill_next;
        s->fill_next = MIN(2 * s->fill_next, TRY_CHAINS_MAX);
    } else {
        s->fill_first = 0;
        s->fill_next = TRY_CHAINS;
    }
}

static void disarm(SerialMq *s)
{
    if (s->refills) {
        s->host->ops->timer_del(s->host, s->refiller);
        s->refills = false;
    }
    s->filled = 0;
    s->fill_first = TRY_CHAINS;
    s->fill_next = 2 * TRY_CHAINS;
}

void serial_mq_moderate_refills(SerialMq *s)
{
    s->refiller = s->host->ops->timer_new(s->host, look, s);
    disarm(s);
}

size_t serial_mq_starved(SerialMq *s, SerialMqPort *p)
{
    p->starved = true;
    if (p->refills) {
        return 0;
    }
    if (!s->refiller || s->provoker || p->kept ||
        (!s->refills && s->filled < s->fill_first)) {
        return want_kick(s, p);
    }
    p->refills = true;
    if (!p->kickless) {
        p->kickless = true;
        s->ops->notification(s->t, serial_mq_in_queue(p->nr), false);
    }
    if (!s->refills) {
        s->refills = true;
        s->host->ops->timer_mod(s->host, s->refiller,
                                s->host->ops->now_ns(s->host) + REFILL_NS);
    }
    return 0;
}

void serial_mq_forget_refill(SerialMqPort *p)
{
    p->refills = false;
    p->kickless = false;
}

void serial_mq_forget_refills(SerialMq *s)
{
    disarm(s);
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        if (s->ports[i]) {
            serial_mq_forget_refill(s->ports[i]);
        }
    }
}

void serial_mq_settle_refill(SerialMq *s, SerialMqPort *p)
{
    p->refills = false;
    if (p->kickless) {
        want_kick(s, p);
    }
}

void serial_mq_settle_refills(SerialMq *s)
{
    disarm(s);
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);

        if (p && p->kickless) {
            serial_mq_settle_refill(s, p);
            /* Of the buffers that are there the driver will not notify. */
            serial_mq_accept(s, p);
        }
    }
}
