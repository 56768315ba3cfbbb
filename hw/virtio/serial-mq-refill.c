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
/* Chains filled until that is tried (again) */
#define TRY_CHAINS 64

/* The driver notifies, or need not. @return: bytes that were added meanwhile */
static size_t want_kicks(SerialMq *s, SerialMqPort *p, bool on)
{
    const unsigned queue = serial_mq_in_queue(p->nr);

    if (p->kickless == !on) {
        return 0;
    }
    p->kickless = !on;
    s->ops->notification(s->t, queue, on);
    return on ? s->ops->room(s->t, queue, SERIAL_MQ_KEPT_MAX) : 0;
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
        room = s->ops->room(s->t, serial_mq_in_queue(i), ENOUGH_BYTES);
        found += room;
        if (room || want_kicks(s, p, true)) {
            serial_mq_accept(s, p);
        }
    }
    s->fill_first = found < ENOUGH_BYTES ? TRY_CHAINS : 0;
}

void serial_mq_moderate_refills(SerialMq *s)
{
    s->refiller = s->host->ops->timer_new(s->host, look, s);
    s->fill_first = TRY_CHAINS;
}

size_t serial_mq_starved(SerialMq *s, SerialMqPort *p)
{
    p->starved = true;
    if (!s->refiller || s->provoker || p->kept ||
        (!s->refills && s->filled < s->fill_first)) {
        return want_kicks(s, p, true);
    }
    p->refills = true;
    want_kicks(s, p, false);
    if (!s->refills) {
        s->refills = true;
        s->host->ops->timer_mod(s->host, s->refiller,
                                s->host->ops->now_ns(s->host) + REFILL_NS);
    }
    return 0;
}

void serial_mq_settle_refill(SerialMq *s, SerialMqPort *p)
{
    p->refills = false;
    want_kicks(s, p, true);
}

void serial_mq_settle_refills(SerialMq *s)
{
    if (s->refills) {
        s->host->ops->timer_del(s->host, s->refiller);
        s->refills = false;
    }
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);

        if (p) {
            serial_mq_settle_refill(s, p);
        }
    }
}
