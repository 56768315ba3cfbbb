/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control queues of the multiport virtio console device (virtio 1.3,
 * 5.3.6.2): what the driver says of itself and its ports, and what it is told.
 */
#include "hw/virtio/serial-mq-provoke.h"

#include <assert.h>
#include <linux/virtio_console.h>
#include <string.h>

/* Control messages that wait for buffers, for each port there can be. */
#define WAITING_PER_PORT 8

/* What follows the message's fixed part, if anything does. */
typedef struct ResizePayload {
    uint16_t cols, rows;
} ResizePayload;
#define MESSAGE_MAX                                                  \
    (sizeof(struct virtio_console_control) + sizeof(ResizePayload) + \
     SERIAL_MQ_NAME_MAX + 1)

static void message_free(SerialMqMessage *m)
{
    g_free(m->name);
    g_free(m);
}

void serial_mq_free_messages(GQueue *messages)
{
    SerialMqMessage *m;

    while ((m = g_queue_pop_head(messages))) {
        message_free(m);
    }
}

unsigned serial_mq_waiting_max(const SerialMq *s)
{
    return s->cfg.max_ports * WAITING_PER_PORT;
}

/* The bytes of @m on the wire. @return: how many */
static size_t message_put(const SerialMqMessage *m, uint8_t *buf)
{
    struct virtio_console_control control = {
        .id = GUINT32_TO_LE(m->port),
        .event = GUINT16_TO_LE(m->event),
        .value = GUINT16_TO_LE(m->value),
    };
    size_t len = sizeof(control);

    memcpy(buf, &control, sizeof(control));
    if (m->event == VIRTIO_CONSOLE_RESIZE) {
        ResizePayload size = {GUINT16_TO_LE(m->cols), GUINT16_TO_LE(m->rows)};

        memcpy(buf + len, &size, sizeof(size));
        len += sizeof(size);
    } else if (m->name) {
        /*
         * The name's end is known from the buffer's length; Linux wants the
         * zero that virtio-serial-pci sends as well.
         */
        memcpy(buf + len, m->name, strlen(m->name) + 1);
        len += strlen(m->name) + 1;
    }
    return len;
}

/* The chain's first bytes, at most @len. @return: how many there are */
static size_t chain_get(const SerialMqChain *c, void *buf, size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < c->out_num && done < len; i++) {
        size_t n = MIN(len - done, c->out[i].iov_len);

        memcpy((uint8_t *)buf + done, c->out[i].iov_base, n);
        done += n;
    }
    return done;
}

/* @m is put into @c; it is the device's afterwards. */
static void message_send(SerialMq *s, SerialMqMessage *m, SerialMqChain *c)
{
    uint8_t buf[MESSAGE_MAX];
    size_t len = message_put(m, buf);
    bool held = s->nr_hold || s->held.length;

    serial_mq_trace(s, HOST_TRACE_serial_control, m->port, m->event, m->value,
                    true);
    serial_mq_see_chain(s, SERIAL_MQ_CONTROL_IN, c);
    serial_mq_see(s, ORDERING_CONTROL_TX, SERIAL_MQ_CONTROL_IN, m->port,
                  m->event | (uint64_t)m->value << 16 |
                      (held ? ORDERING_TX_HELD : 0),
                  len);
    serial_mq_complete(s, SERIAL_MQ_CONTROL_IN, c, serial_mq_fill(c, buf, len));
    s->control_sent++;
    message_free(m);
}

void serial_mq_deliver(SerialMq *s)
{
    bool sent = false;

    /* What is told while a message is delivered is delivered after it. */
    if (s->delivering || s->hushed || !serial_mq_serves(s)) {
        return;
    }
    s->delivering = true;
    while (!g_queue_is_empty(&s->waiting)) {
        SerialMqChain *c = s->ops->pop(s->t, SERIAL_MQ_CONTROL_IN);

        if (!c) {
            break;
        }
        message_send(s, g_queue_pop_head(&s->waiting), c);
        sent = true;
    }
    s->delivering = false;
    if (sent) {
        serial_mq_interrupt(s, SERIAL_MQ_CONTROL_IN);
    }
}

static void message_queue(SerialMq *s, SerialMqMessage *m)
{
    if (s->cfg.ordering == SERIAL_MQ_STOCK) {
        /* One that finds no buffer is lost, there as here. */
        g_queue_push_tail(&s->waiting, m);
        serial_mq_deliver(s);
        s->control_lost += g_queue_get_length(&s->waiting);
        serial_mq_free_messages(&s->waiting);
        return;
    }
    if (g_queue_get_length(&s->waiting) >= serial_mq_waiting_max(s)) {
        /* In the midst of a batch there may be buffers for them. */
        serial_mq_deliver(s);
    }
    if (g_queue_get_length(&s->waiting) >= serial_mq_waiting_max(s)) {
        s->control_lost++;
        message_free(m);
        return;
    }
    g_queue_push_tail(&s->waiting, m);
}

/* For several messages in a row: serial_mq_deliver() has to follow. */
static void tell_later(SerialMq *s, unsigned port, uint16_t event,
                       uint16_t value)
{
    SerialMqPort *p = serial_mq_port(s, port);
    SerialMqMessage *m;

    if (!provoke_control(s->provoker, true, port, event, value)) {
        return;
    }
    m = g_new(SerialMqMessage, 1);
    *m = (SerialMqMessage){.port = port, .event = event, .value = value};
    if (p && event == VIRTIO_CONSOLE_RESIZE) {
        m->cols = p->cols;
        m->rows = p->rows;
    } else if (p && event == VIRTIO_CONSOLE_PORT_NAME) {
        m->name = g_strdup(p->name);
    }
    message_queue(s, m);
}

void serial_mq_tell(SerialMq *s, unsigned port, uint16_t event, uint16_t value)
{
    tell_later(s, port, event, value);
    serial_mq_deliver(s);
}

void serial_mq_tell_open(SerialMq *s, SerialMqPort *p)
{
    /*
     * Before PORT_READY the driver has no place for it: it is told then.
     * virtio-serial-pci tells it twice.
     */
    if (p->guest_ready || s->cfg.ordering == SERIAL_MQ_STOCK) {
        p->told_open = p->host_open;
        serial_mq_tell(s, p->nr, VIRTIO_CONSOLE_PORT_OPEN, p->host_open);
    }
}

static void device_ready(SerialMq *s, uint16_t value)
{
    unsigned ports[SERIAL_MQ_MAX_PORTS], n = 0;

    s->device_ready = value != 0;
    for (unsigned i = 0; s->device_ready && i < s->cfg.max_ports; i++) {
        if (serial_mq_port(s, i)) {
            ports[n++] = i;
        }
    }
    if (n) {
        provoke_order(s->provoker, ports, n);
    }
    for (unsigned i = 0; i < n; i++) {
        tell_later(s, ports[i], VIRTIO_CONSOLE_PORT_ADD, 1);
    }
}

static void port_ready(SerialMq *s, SerialMqPort *p, uint16_t value)
{
    p->guest_ready = value != 0;
    if (!p->guest_ready) {
        return;
    }
    if (p->console) {
        tell_later(s, p->nr, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
    }
    if (serial_mq_has_size(s, p)) {
        tell_later(s, p->nr, VIRTIO_CONSOLE_RESIZE, 1);
    }
    if (p->name) {
        tell_later(s, p->nr, VIRTIO_CONSOLE_PORT_NAME, 1);
    }
    p->told_open = p->host_open;
    if (p->host_open) {
        tell_later(s, p->nr, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
}

/* @return: false: the driver has no such thing to say */
static bool port_message(SerialMq *s, uint32_t port, uint16_t event,
                         uint16_t value)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (!p) {
        return false;
    }
    switch (event) {
    case VIRTIO_CONSOLE_PORT_READY:
        port_ready(s, p, value);
        return true;
    case VIRTIO_CONSOLE_PORT_OPEN:
        serial_mq_guest_open(s, p, value != 0);
        return true;
    default:
        return false;
    }
}

void serial_mq_hear(SerialMq *s, uint32_t port, uint16_t event, uint16_t value)
{
    /*
     * A driver that resumes goes on with PORT_READY and does not say
     * DEVICE_READY again (Linux' virtcons_restore()).
     */
    s->talking = true;
    if (event == VIRTIO_CONSOLE_DEVICE_READY) {
        device_ready(s, value);
    } else if (!port_message(s, port, event, value)) {
        s->control_ignored++;
    }
}

static void control_message(SerialMq *s, const SerialMqChain *c)
{
    struct virtio_console_control control = {0};
    size_t len = chain_get(c, &control, sizeof(control));
    uint32_t port = GUINT32_FROM_LE(control.id);
    uint16_t event = GUINT16_FROM_LE(control.event);
    uint16_t value = GUINT16_FROM_LE(control.value);

    s->control_received++;
    serial_mq_trace(s, HOST_TRACE_serial_control, port, event, value, false);
    serial_mq_see(s, ORDERING_CONTROL_RX, SERIAL_MQ_CONTROL_OUT, port,
                  event | (uint64_t)value << 16, serial_mq_out_size(c));
    if (!serial_mq_serves(s)) {
        return;
    }
    if (len < sizeof(control)) {
        s->control_ignored++;
        return;
    }
    if (provoke_control(s->provoker, false, port, event, value)) {
        serial_mq_hear(s, port, event, value);
    }
}

void serial_mq_control(SerialMq *s)
{
    bool used = false;
    unsigned budget;

    for (budget = SERIAL_MQ_BUDGET; budget && serial_mq_serves(s); budget--) {
        SerialMqChain *c = s->ops->pop(s->t, SERIAL_MQ_CONTROL_OUT);

        if (!c) {
            break;
        }
        serial_mq_see_chain(s, SERIAL_MQ_CONTROL_OUT, c);
        control_message(s, c);
        serial_mq_complete(s, SERIAL_MQ_CONTROL_OUT, c, 0);
        used = true;
    }
    if (used) {
        serial_mq_interrupt(s, SERIAL_MQ_CONTROL_OUT);
    }
    serial_mq_deliver(s);
    if (!budget) {
        serial_mq_again(s, SERIAL_MQ_CONTROL_OUT);
    }
}
