/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output of the ports of the multiport virtio console device: straight from
 * the driver's buffers to the back ends, one interrupt a batch.
 */
#include "hw/virtio/serial-mq-internal.h"

#include <assert.h>
#include <linux/virtio_config.h>
#include <string.h>

uint64_t serial_mq_out_size(const SerialMqChain *c)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < c->out_num; i++) {
        size += c->out[i].iov_len;
    }
    return size;
}

void serial_mq_see_chain(SerialMq *s, unsigned queue, const SerialMqChain *c)
{
    if (s->judge) {
        uint64_t in = 0;

        for (unsigned i = 0; i < c->in_num; i++) {
            in += c->in[i].iov_len;
        }
        serial_mq_see(s, ORDERING_BUFFER, queue, ORDERING_NO_PORT,
                      serial_mq_out_size(c), in);
    }
}

static unsigned out_queue(const SerialMqPort *p)
{
    return serial_mq_in_queue(p->nr) + 1;
}

/* The chain in hand is used or dropped. */
static SerialMqChain *take_chain(SerialMqPort *p)
{
    SerialMqChain *c = p->chain;

    p->chain = NULL;
    p->blocked = false;
    p->bounded = false;
    p->turn++;
    return c;
}

static void use_chain(SerialMq *s, SerialMqPort *p)
{
    p->out_chains++;
    serial_mq_complete(s, out_queue(p), take_chain(p), 0);
}

void serial_mq_detach_output(SerialMq *s, SerialMqPort *p)
{
    if (p->chain) {
        s->ops->detach(s->t, out_queue(p), take_chain(p));
    }
    p->blocked = false;
    p->bounded = false;
    p->awaits = false;
}

void serial_mq_bound_output(SerialMq *s, uint64_t bytes)
{
    s->output_max = bytes;
}

/* How much of @len bytes of output is within the bounds now. */
static size_t within_bounds(SerialMq *s, size_t len)
{
    uint64_t left;
    int64_t span;

    if (!s->output_max) {
        return len;
    }
    span = s->host->ops->now_ns(s->host) / SERIAL_MQ_SPAN_NS;
    if (span != s->span) {
        s->span = span;
        s->span_bytes = 0;
    }
    /* Where it was saved the bounds may have been others. */
    left = s->output_max - MIN(s->span_bytes, s->output_max);
    if (len > left) {
        len = left;
        s->host->ops->timer_mod(s->host, s->span_timer,
                                (span + 1) * SERIAL_MQ_SPAN_NS);
    }
    s->span_bytes += len;
    return len;
}

void serial_mq_span_over(void *opaque)
{
    SerialMq *s = opaque;

    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);

        if (p && p->bounded) {
            p->bounded = false;
            serial_mq_output(s, i);
        }
    }
}

/*
 * Gives the back end what it has not taken of the chain in hand.
 * @return: false: it did not take all, or the chain is gone meanwhile
 */
static bool output_chain(SerialMq *s, SerialMqPort *p)
{
    const SerialMqChain *c = p->chain;
    const uint64_t turn = p->turn;

    for (; p->iov < c->out_num; p->iov++, p->off = 0) {
        const struct iovec *v = &c->out[p->iov];
        size_t len = v->iov_len - p->off, may, taken;

        if (len == 0) {
            continue;
        }
        p->woken = false;
        may = within_bounds(s, len);
        taken = may ? s->ops->port_output(s->t, p->nr,
                                          (const uint8_t *)v->iov_base + p->off,
                                          may)
                    : 0;
        assert(taken <= may);
        p->out_bytes += taken;
        if (p->turn != turn) {
            return false;
        }
        if (taken < len) {
            p->off += taken;
            if (taken < may) {
                p->blocked = true;
                p->blocks++;
            } else {
                p->bounded = true;
            }
            return false;
        }
    }
    return true;
}

static bool may_output(const SerialMq *s, const SerialMqPort *p)
{
    return p->present && p->host_open && !p->blocked && !p->bounded &&
           !p->throttled && serial_mq_serves(s);
}

/*
 * The next chain of @queue.  While there are any the driver need not say that
 * it added some; *@quiet tells whether it was asked not to.
 */
static SerialMqChain *next_chain(SerialMq *s, unsigned queue, bool *quiet)
{
    SerialMqChain *c = s->ops->pop(s->t, queue);

    if (!c && *quiet) {
        /* One that was added before the driver saw this has no kick. */
        s->ops->notification(s->t, queue, true);
        *quiet = false;
        c = s->ops->pop(s->t, queue);
    }
    if (c) {
        serial_mq_see_chain(s, queue, c);
    }
    return c;
}

static void output_chains(SerialMq *s, SerialMqPort *p)
{
    const unsigned queue = out_queue(p);
    bool used = false, quiet = true;
    unsigned budget;

    s->ops->notification(s->t, queue, false);
    for (budget = SERIAL_MQ_BUDGET; budget && may_output(s, p); budget--) {
        if (!p->chain) {
            p->chain = next_chain(s, queue, &quiet);
            if (!p->chain) {
                break;
            }
            p->iov = 0;
            p->off = 0;
        }
        if (serial_mq_serves(s) && output_chain(s, p)) {
            use_chain(s, p);
            used = true;
        }
    }
    if (quiet) {
        s->ops->notification(s->t, queue, true);
    }
    if (used) {
        serial_mq_output_used(s, p);
    }
    if (!budget || (p->blocked && p->woken)) {
        p->blocked = false;
        serial_mq_again(s, queue);
    }
}

/* Chains of @queue that nobody reads are used. */
static void discard_chains(SerialMq *s, unsigned queue, SerialMqPort *p)
{
    bool used = false;
    unsigned budget;

    for (budget = SERIAL_MQ_BUDGET; budget && serial_mq_serves(s); budget--) {
        SerialMqChain *c = s->ops->pop(s->t, queue);

        if (!c) {
            break;
        }
        serial_mq_see_chain(s, queue, c);
        if (p) {
            p->out_chains++;
            p->discarded++;
        }
        serial_mq_complete(s, queue, c, 0);
        used = true;
    }
    if (used) {
        serial_mq_interrupt(s, queue);
    }
    if (!budget) {
        serial_mq_again(s, queue);
    }
}

void serial_mq_discard(SerialMq *s, SerialMqPort *p)
{
    if (p->chain && serial_mq_serves(s)) {
        p->discarded++;
        use_chain(s, p);
        serial_mq_interrupt(s, out_queue(p));
    }
    p->blocked = false;
    discard_chains(s, out_queue(p), p);
}

void serial_mq_output(SerialMq *s, unsigned port)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (!p) {
        discard_chains(s, serial_mq_in_queue(port) + 1, NULL);
    } else if (!p->host_open) {
        serial_mq_discard(s, p);
    } else if (!p->serving) {
        /* A kick from inside port_output() finds the loop still running. */
        p->serving = true;
        output_chains(s, p);
        p->serving = false;
    }
}

void serial_mq_port_writable(SerialMq *s, unsigned port)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (!p) {
        return;
    }
    p->woken = true;
    if (p->blocked && !p->serving) {
        p->blocked = false;
        serial_mq_output(s, port);
    }
}

void serial_mq_port_throttle(SerialMq *s, unsigned port, bool on)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (p && p->throttled != on) {
        p->throttled = on;
        if (!on) {
            serial_mq_output(s, port);
        }
    }
}

void serial_mq_guest_open(SerialMq *s, SerialMqPort *p, bool open)
{
    p->room = 0;
    if (p->guest_open != open) {
        p->guest_open = open;
        s->ops->port_guest_open(s->t, p->nr, open);
        serial_mq_accept(s, p);
    }
}
