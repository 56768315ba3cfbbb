/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output that streams, in the multiport virtio console device: a driver that
 * sends without a pause is asked not to kick, and its queues are looked at from
 * time to time; it hears of what was used many buffers at a time.  One that
 * kicks now and then is served at the kick.
 */
#include "hw/virtio/serial-mq-internal.h"

/* From one look at the queues to the next */
#define LOOK_NS 500000
/* No kick for longer than that ends what may become a stream. */
#define PAUSE_NS 1000000
/* Kicks without such a pause which make a stream */
#define KICKS     8
#define KICKS_MAX 1024
/* Chains a look has to find on all ports, or it is a poor one */
#define WORTH 2
/* Poor ones, one after the other, which end all streams */
#define POOR_MAX 8
/* Looks without a chain: a port's driver hears of those before; it ends. */
#define IDLE_TELLS 2
#define IDLE_ENDS  8
/* Looks after which it has paid to have begun */
#define PAID 16
/* Chains on one port after which its ring may have been full: looks are late */
#define LATE 96
/* Chains that a driver which is not waiting for them has not heard of */
#define UNTOLD_MAX 32

struct SerialMqStreams {
    HostTimer *timer;
    int64_t last;   /* when the last kick came */
    unsigned kicks; /* without a pause, and no part of a dialogue */
    unsigned needs; /* so many make a stream */
    unsigned looks; /* since it began */
    unsigned poor;  /* of those, the last ones */
    unsigned nr;    /* ports that do; others are served at the kick */
};

/* The next stream has to be a longer one. */
static void distrust(SerialMq *s)
{
    s->streams->needs = MIN(2 * s->streams->needs, KICKS_MAX);
    s->streams->kicks = 0;
}

static void tell(SerialMq *s, SerialMqPort *p)
{
    if (p->untold && serial_mq_serves(s)) {
        serial_mq_interrupt(s, serial_mq_in_queue(p->nr) + 1);
    }
    p->untold = 0;
}

static void leave(SerialMq *s, SerialMqPort *p)
{
    p->streams = false;
    s->streams->nr--;
    s->ops->notification(s->t, serial_mq_in_queue(p->nr) + 1, true);
    tell(s, p);
}

/* Ends its stream; what was added without a kick is served. */
static void end(SerialMq *s, SerialMqPort *p)
{
    leave(s, p);
    if (serial_mq_serves(s)) {
        serial_mq_output(s, p->nr);
    }
}

/* @return: chains that were found */
static uint64_t look(SerialMq *s, SerialMqPort *p)
{
    uint64_t found = p->out_chains;

    if (p->present && serial_mq_serves(s)) {
        serial_mq_output(s, p->nr);
    }
    found = p->out_chains - found;
    p->idle = found ? 0 : p->idle + 1;
    if (!p->streams) {
        return found;
    }
    if (p->idle >= IDLE_ENDS || !p->present) {
        end(s, p);
    } else if (found >= LATE) {
        distrust(s);
        end(s, p);
    } else if (p->untold >= (p->idle >= IDLE_TELLS ? 1 : UNTOLD_MAX)) {
        tell(s, p);
    }
    return found;
}

static void end_all(SerialMq *s)
{
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        if (s->ports[i] && s->ports[i]->streams) {
            end(s, s->ports[i]);
        }
    }
}

static void look_at_all(void *opaque)
{
    SerialMq *s = opaque;
    struct SerialMqStreams *streams = s->streams;
    uint64_t found = 0;

    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        if (s->ports[i] && s->ports[i]->streams) {
            found += look(s, s->ports[i]);
        }
    }
    if (++streams->looks == PAID) {
        streams->needs = KICKS;
    }
    streams->poor = found < WORTH ? streams->poor + 1 : 0;
    if (streams->poor == POOR_MAX) {
        end_all(s);
    }
    if (streams->nr) {
        s->host->ops->timer_mod(s->host, streams->timer,
                                s->host->ops->now_ns(s->host) + LOOK_NS);
    } else if (streams->looks < PAID && found < LATE) {
        /* It waits for each buffer: looking for them delays them all. */
        distrust(s);
    }
}

void serial_mq_let_stream(SerialMq *s)
{
    if (!s->streams) {
        s->streams = g_new0(struct SerialMqStreams, 1);
        s->streams->timer = s->host->ops->timer_new(s->host, look_at_all, s);
        s->streams->needs = KICKS;
    }
}

void serial_mq_free_streams(SerialMq *s)
{
    if (s->streams) {
        s->host->ops->timer_free(s->host, s->streams->timer);
        g_free(s->streams);
    }
}

void serial_mq_kicked(SerialMq *s, SerialMqPort *p)
{
    struct SerialMqStreams *streams = s->streams;
    int64_t now;

    /* A console's driver spins until each of its buffers is used. */
    if (!streams || s->provoker || p->console || p->streams || p->serving ||
        p->blocked || !p->host_open || !serial_mq_serves(s)) {
        return;
    }
    if (p->answered) {
        p->answered = false;
        return;
    }
    now = s->host->ops->now_ns(s->host);
    if (now - streams->last > PAUSE_NS) {
        streams->kicks = 0;
    }
    streams->last = now;
    if (++streams->kicks < streams->needs) {
        return;
    }
    if (!streams->nr++) {
        streams->looks = 0;
        streams->poor = 0;
        s->host->ops->timer_mod(s->host, streams->timer, now + LOOK_NS);
    }
    p->streams = true;
    p->idle = 0;
    s->ops->notification(s->t, serial_mq_in_queue(p->nr) + 1, false);
}

void serial_mq_stream_over(SerialMq *s, SerialMqPort *p)
{
    if (p->streams) {
        p->untold = 0;
        leave(s, p);
    }
}

void serial_mq_settle(SerialMq *s)
{
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        if (s->ports[i] && s->ports[i]->streams) {
            leave(s, s->ports[i]);
            serial_mq_again(s, serial_mq_in_queue(i) + 1);
        }
    }
}
