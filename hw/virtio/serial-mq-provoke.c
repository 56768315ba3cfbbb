/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multiport virtio console device does to its driver what its provocations
 * want.
 */
#include "hw/virtio/serial-mq-provoke.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <string.h>

static void provoked_control(void *opaque, bool to_driver, unsigned port,
                             uint16_t event, uint16_t value)
{
    SerialMq *s = opaque;

    if (to_driver) {
        serial_mq_tell(s, port, event, value);
    } else {
        serial_mq_hear(s, port, event, value);
        serial_mq_deliver(s);
    }
}

static void provoked_interrupt(void *opaque, unsigned queue)
{
    SerialMq *s = opaque;

    /* 2.1.2: none before that; after it one too many is legal. */
    if (s->status & VIRTIO_CONFIG_S_DRIVER_OK) {
        s->ops->interrupt_anyway(s->t, queue);
    }
}

static void provoked_config_interrupt(void *opaque)
{
    SerialMq *s = opaque;

    s->ops->config_changed(s->t);
}

static void provoked_needs_reset(void *opaque)
{
    SerialMq *s = opaque;

    s->refused = true;
    s->ops->needs_reset(s->t, "provocation");
}

static void provoked_unplug(void *opaque, unsigned port)
{
    SerialMq *s = opaque;

    if (serial_mq_port(s, port)) {
        s->ops->port_unplug(s->t, port);
    }
}

/* To the driver it is another port of the same number; the host sees nothing.
 */
static void flap(SerialMq *s, SerialMqPort *p)
{
    serial_mq_tell(s, p->nr, VIRTIO_CONSOLE_PORT_REMOVE, 1);
    serial_mq_discard(s, p);
    p->guest_ready = false;
    p->told_open = false;
    serial_mq_guest_open(s, p, false);
    serial_mq_tell(s, p->nr, VIRTIO_CONSOLE_PORT_ADD, 1);
}

static void provoked_flap(void *opaque, unsigned port)
{
    SerialMq *s = opaque;

    for (unsigned i = 0; s->talking && i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);

        if (p && (port == PROVOKE_ALL_PORTS || port == i)) {
            flap(s, p);
        }
    }
}

static void provoked_throttle(void *opaque, unsigned port, bool on)
{
    serial_mq_port_throttle(opaque, port, on);
}

static void provoked_connect(void *opaque, unsigned port, bool on)
{
    SerialMq *s = opaque;
    SerialMqPort *p = serial_mq_port(s, port);

    serial_mq_port_cut(s, port, !on);
    if (p) {
        serial_mq_accept(s, p);
    }
}

static void provoked_hold(void *opaque, unsigned queue, bool on, bool reverse)
{
    serial_mq_hold(opaque, queue, on, reverse);
}

static void provoked_starve(void *opaque, bool on)
{
    SerialMq *s = opaque;

    s->hushed = on;
    serial_mq_deliver(s);
}

static const ProvokeOps provoke_ops = {
    .control = provoked_control,
    .interrupt = provoked_interrupt,
    .config_interrupt = provoked_config_interrupt,
    .needs_reset = provoked_needs_reset,
    .port_unplug = provoked_unplug,
    .port_flap = provoked_flap,
    .throttle = provoked_throttle,
    .host_connect = provoked_connect,
    .hold = provoked_hold,
    .starve = provoked_starve,
};

/* Most devices have none, and pay nothing. */
static Provoker *provoker(SerialMq *s)
{
    if (!s->provoker) {
        s->provoker = provoke_new(s->cfg.max_ports, s->host, &provoke_ops, s);
    }
    return s->provoker;
}

bool serial_mq_provoke_check(const char *text, unsigned max_ports,
                             GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ";", -1);

    /* Else a text of nothing would be no provocation and no error. */
    if (!*text) {
        return provoke_check(text, max_ports, error);
    }
    for (unsigned i = 0; parts[i]; i++) {
        if (!provoke_check(parts[i], max_ports, error)) {
            return false;
        }
    }
    return true;
}

bool serial_mq_provoke(SerialMq *s, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ";", -1);

    if (!serial_mq_provoke_check(text, s->cfg.max_ports, error)) {
        return false;
    }
    /* From now on interrupts come, and are counted, at once. */
    serial_mq_settle(s);
    for (unsigned i = 0; parts[i]; i++) {
        if (!provoke_add(provoker(s), parts[i], error)) {
            return false;
        }
    }
    return true;
}

unsigned serial_mq_nr_provocations(const SerialMq *s)
{
    return s->provoker ? provoke_nr(s->provoker) : 0;
}

void serial_mq_provocation(const SerialMq *s, unsigned i, ProvokeInfo *info)
{
    provoke_info(s->provoker, i, info);
}

bool serial_mq_provoked(SerialMq *s, ProvokePoint point, unsigned what)
{
    bool has_queue = point == PROVOKE_NOTIFY || point == PROVOKE_PUSH ||
                     point == PROVOKE_INTERRUPT;

    return provoke_see(s->provoker, point,
                       has_queue ? ordering_queue_port(what) : PROVOKE_NO_PORT,
                       what);
}

void serial_mq_save_provocations(const SerialMq *s, StateWriter *w)
{
    if (s->provoker) {
        provoke_save(s->provoker, w);
    }
}

void serial_mq_load_provocations(SerialMq *s, bool any, StateReader *r)
{
    if (any) {
        provoke_load(provoker(s), r);
    } else if (s->provoker) {
        provoke_free(s->provoker);
        s->provoker = NULL;
    }
}
