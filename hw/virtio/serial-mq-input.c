/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input of the ports of the multiport virtio console device: straight from the
 * back ends to the driver's buffers, one interrupt a call.
 *
 * A back end asks for room first.  Between its question and its bytes the
 * driver may take its buffers back or close the port; the bytes that find no
 * buffer then are kept for those to come.
 */
#include "hw/virtio/serial-mq-internal.h"

#include <linux/virtio_config.h>
#include <string.h>

size_t serial_mq_fill(const SerialMqChain *c, const uint8_t *buf, size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < c->in_num && done < len; i++) {
        size_t n = MIN(len - done, c->in[i].iov_len);

        memcpy(c->in[i].iov_base, buf + done, n);
        done += n;
    }
    return done;
}

static bool may_input(const SerialMq *s, const SerialMqPort *p)
{
    return p->host_open && p->guest_open &&
           s->status & VIRTIO_CONFIG_S_DRIVER_OK && serial_mq_serves(s);
}

/* @return: bytes that went into buffers of the ring */
static size_t fill_ring(SerialMq *s, SerialMqPort *p, const uint8_t *buf,
                        size_t len)
{
    const unsigned queue = serial_mq_in_queue(p->nr);
    size_t done = 0;
    bool used = false;

    if (!may_input(s, p)) {
        return 0;
    }
    p->filling = true;
    /* What room() counted was in the ring, all of it. */
    for (unsigned n = SERIAL_MQ_RING_MAX; n && done < len && may_input(s, p);
         n--) {
        SerialMqChain *c = s->ops->pop(s->t, queue);
        size_t put;

        if (!c) {
            break;
        }
        serial_mq_see_chain(s, queue, c);
        put = serial_mq_fill(c, buf + done, len - done);
        done += put;
        p->in_chains++;
        s->filled++;
        serial_mq_complete(s, queue, c, put);
        used = true;
    }
    p->filling = false;
    p->in_bytes += done;
    p->starved |= done < len;
    p->room = 0;
    if (used) {
        serial_mq_interrupt(s, queue);
    }
    return done;
}

static void keep(SerialMqPort *p, const uint8_t *buf, size_t len)
{
    if (len && !p->kept) {
        p->kept = g_byte_array_new();
    }
    if (len) {
        g_byte_array_append(p->kept, buf, len);
    }
}

void serial_mq_drop_kept(SerialMqPort *p)
{
    g_clear_pointer(&p->kept, g_byte_array_unref);
}

/*
 * What was kept goes first, and is there until it has gone, so that nothing
 * overtakes it; from inside push() its host may go, and take it along.
 */
static void give_kept(SerialMq *s, SerialMqPort *p)
{
    g_autoptr(GByteArray) kept = p->kept ? g_byte_array_ref(p->kept) : NULL;
    size_t done = kept ? fill_ring(s, p, kept->data, kept->len) : 0;

    if (kept && kept == p->kept) {
        g_byte_array_remove_range(kept, 0, done);
        if (!kept->len) {
            serial_mq_drop_kept(p);
        }
    }
}

void serial_mq_accept(SerialMq *s, SerialMqPort *p)
{
    /* From inside push(): it goes on with the buffers there are. */
    if (!p->guest_open || !p->host_open || p->filling) {
        return;
    }
    give_kept(s, p);
    if (!p->kept) {
        p->starved = false;
        s->ops->port_accept(s->t, p->nr);
    }
}

void serial_mq_input_added(SerialMq *s, unsigned port)
{
    SerialMqPort *p = serial_mq_port(s, port);

    /* Buffers for a port that wants none are no news for its back end. */
    if (p && p->starved && !p->refills) {
        serial_mq_accept(s, p);
    }
}

size_t serial_mq_port_input(SerialMq *s, unsigned port, const uint8_t *buf,
                            size_t len)
{
    SerialMqPort *p = serial_mq_port(s, port);
    size_t done, kept;

    if (!p || !p->connected || p->filling) {
        return 0;
    }
    done = p->kept ? 0 : fill_ring(s, p, buf, len);
    kept = p->kept ? p->kept->len : 0;
    kept = MIN(len - done, SERIAL_MQ_KEPT_MAX - MIN(kept, SERIAL_MQ_KEPT_MAX));
    if (p->present) {
        keep(p, buf + done, kept);
    }
    if (p->kept && serial_mq_starved(s, p)) {
        serial_mq_accept(s, p);
    }
    return done + kept;
}

static size_t look_for_room(SerialMq *s, SerialMqPort *p)
{
    const unsigned queue = serial_mq_in_queue(p->nr);
    size_t room =
        p->refills ? 0 : s->ops->room(s->t, queue, SERIAL_MQ_KEPT_MAX);

    if (room == 0) {
        room = serial_mq_starved(s, p);
    }
    if (room && p->starved) {
        /*
         * Back ends are told before they find out: chardev-mux takes more then,
         * and what it holds already is overwritten.
         */
        serial_mq_accept(s, p);
        room = p->starved ? 0 : s->ops->room(s->t, queue, SERIAL_MQ_KEPT_MAX);
    }
    return MIN(room, SERIAL_MQ_KEPT_MAX);
}

size_t serial_mq_port_room(SerialMq *s, unsigned port)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (!p || !may_input(s, p) || p->kept) {
        return 0;
    }
    if (p->filling) {
        p->starved = true;
        return 0;
    }
    /*
     * Buffers do not go away by themselves.  Back ends ask again and again,
     * whether there is input or not; walking the ring each time is dear.
     */
    if (p->room == 0) {
        p->room = look_for_room(s, p);
    }
    return p->room;
}

size_t serial_mq_port_room_now(SerialMq *s, unsigned port)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (p) {
        p->room = 0;
    }
    return serial_mq_port_room(s, port);
}
