/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of the multiport virtio console device from the host's side: they
 * come and go, connect and change their size.
 */
#include "hw/virtio/serial-mq-internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <string.h>

typedef enum SerialMqError {
    SERIAL_MQ_ERROR_RANGE,
    SERIAL_MQ_ERROR_TAKEN,
    SERIAL_MQ_ERROR_NAME,
} SerialMqError;

G_DEFINE_QUARK(serial - mq - error, serial_mq_error)

unsigned serial_mq_free_port(const SerialMq *s, bool console)
{
    for (unsigned i = console ? 0 : 1; i < s->cfg.max_ports; i++) {
        if (!serial_mq_port(s, i)) {
            return i;
        }
    }
    return SERIAL_MQ_NO_PORT;
}

static bool check_name(const SerialMq *s, const char *name, GError **error)
{
    if (strlen(name) > SERIAL_MQ_NAME_MAX) {
        g_set_error(error, SERIAL_MQ_ERROR, SERIAL_MQ_ERROR_NAME,
                    "a port's name has at most %d bytes, this one %zu",
                    SERIAL_MQ_NAME_MAX, strlen(name));
        return false;
    }
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        const SerialMqPort *p = serial_mq_port(s, i);

        if (p && p->name && strcmp(p->name, name) == 0) {
            g_set_error(error, SERIAL_MQ_ERROR, SERIAL_MQ_ERROR_TAKEN,
                        "the name '%s' is port %u's", name, i);
            return false;
        }
    }
    return true;
}

static bool check_port(const SerialMq *s, unsigned port, const char *name,
                       bool console, GError **error)
{
    if (port >= s->cfg.max_ports) {
        g_set_error(error, SERIAL_MQ_ERROR, SERIAL_MQ_ERROR_RANGE,
                    "port %u is out of range: the device has ports 0 to %u",
                    port, s->cfg.max_ports - 1);
        return false;
    }
    if (port == 0 && !console) {
        g_set_error(error, SERIAL_MQ_ERROR, SERIAL_MQ_ERROR_RANGE,
                    "port 0 is for a console: old drivers know no other port");
        return false;
    }
    if (serial_mq_port(s, port)) {
        g_set_error(error, SERIAL_MQ_ERROR, SERIAL_MQ_ERROR_TAKEN,
                    "there is a port %u already", port);
        return false;
    }
    return !name || check_name(s, name, error);
}

/* A slot that is used again keeps what frames further up the stack look at. */
static SerialMqPort *port_slot(SerialMq *s, unsigned port)
{
    SerialMqPort old = {0};

    if (s->ports[port]) {
        old = *s->ports[port];
    } else {
        s->ports[port] = g_new(SerialMqPort, 1);
    }
    *s->ports[port] = (SerialMqPort){
        .nr = port,
        .turn = old.turn,
        .serving = old.serving,
        .filling = old.filling,
        .untold = old.untold,
    };
    return s->ports[port];
}

bool serial_mq_port_add(SerialMq *s, unsigned port, const char *name,
                        bool console, GError **error)
{
    SerialMqPort *p;

    if (!check_port(s, port, name, console, error)) {
        return false;
    }
    p = port_slot(s, port);
    p->present = true;
    p->console = console;
    p->name = g_strdup(name);
    s->nr_ports++;
    /*
     * Before the driver said anything it will ask for all there are with
     * DEVICE_READY; virtio-serial-pci tells of this one twice then.
     */
    if (s->talking || s->cfg.ordering == SERIAL_MQ_STOCK) {
        serial_mq_tell(s, port, VIRTIO_CONSOLE_PORT_ADD, 1);
    }
    if (port == 0 && !serial_mq_multiport(s) &&
        s->status & VIRTIO_CONFIG_S_DRIVER_OK) {
        serial_mq_guest_open(s, p, true);
    }
    return true;
}

void serial_mq_port_remove(SerialMq *s, unsigned port)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (!p) {
        return;
    }
    p->host_open = false;
    serial_mq_discard(s, p);
    serial_mq_detach_output(s, p);
    serial_mq_drop_kept(p);
    serial_mq_settle_refill(s, p);
    p->present = false;
    s->nr_ports--;
    g_clear_pointer(&p->name, g_free);
    if (s->talking || s->cfg.ordering == SERIAL_MQ_STOCK) {
        serial_mq_tell(s, port, VIRTIO_CONSOLE_PORT_REMOVE, 1);
    }
}

static void host_end_changed(SerialMq *s, SerialMqPort *p)
{
    const bool open = p->connected && !p->cut;

    if (p->host_open == open) {
        return;
    }
    p->host_open = open;
    if (!open) {
        serial_mq_discard(s, p);
    }
    /* Between a load and its timer it may have been told already. */
    if (!s->loaded) {
        serial_mq_tell_open(s, p);
    }
}

void serial_mq_port_host_open(SerialMq *s, unsigned port, bool open)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (p) {
        p->connected = open;
        if (!open) {
            serial_mq_drop_kept(p);
        }
        host_end_changed(s, p);
    }
}

void serial_mq_port_cut(SerialMq *s, unsigned port, bool cut)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (p) {
        p->cut = cut;
        host_end_changed(s, p);
    }
}

bool serial_mq_has_size(const SerialMq *s, const SerialMqPort *p)
{
    return p->console && (p->cols || p->rows) &&
           s->features & 1ull << VIRTIO_CONSOLE_F_SIZE;
}

void serial_mq_resize(SerialMq *s, unsigned port, uint16_t cols, uint16_t rows)
{
    SerialMqPort *p = serial_mq_port(s, port);

    if (!p || !p->console || (p->cols == cols && p->rows == rows)) {
        return;
    }
    p->cols = cols;
    p->rows = rows;
    if (!(s->features & 1ull << VIRTIO_CONSOLE_F_SIZE)) {
        return;
    }
    if (port == 0 && s->status & VIRTIO_CONFIG_S_DRIVER_OK) {
        s->ops->config_changed(s->t);
    }
    if (p->guest_ready) {
        serial_mq_tell(s, port, VIRTIO_CONSOLE_RESIZE, 1);
    }
}

void serial_mq_info(const SerialMq *s, SerialMqInfo *info)
{
    *info = (SerialMqInfo){
        .ordering = s->cfg.ordering,
        .max_ports = s->cfg.max_ports,
        .nr_ports = s->nr_ports,
        .status = s->status,
        .features = s->features,
        .device_ready = s->device_ready,
        .refused = s->refused,
        .legacy = s->legacy,
        .control_received = s->control_received,
        .control_sent = s->control_sent,
        .control_ignored = s->control_ignored,
        .control_lost = s->control_lost,
        .control_waiting = g_queue_get_length((GQueue *)&s->waiting),
        .chains_held = g_queue_get_length((GQueue *)&s->held),
        .interrupts = s->interrupts,
        .resets = s->resets,
    };
}

bool serial_mq_port_info(const SerialMq *s, unsigned port,
                         SerialMqPortInfo *info)
{
    const SerialMqPort *p = serial_mq_port(s, port);

    if (!p) {
        return false;
    }
    *info = (SerialMqPortInfo){
        .name = p->name,
        .console = p->console,
        .host_open = p->host_open,
        .connected = p->connected,
        .guest_open = p->guest_open,
        .guest_ready = p->guest_ready,
        .throttled = p->throttled,
        .blocked = p->blocked,
        .kept = p->kept ? p->kept->len : 0,
        .cols = p->cols,
        .rows = p->rows,
        .out_bytes = p->out_bytes,
        .in_bytes = p->in_bytes,
        .out_chains = p->out_chains,
        .in_chains = p->in_chains,
        .discarded = p->discarded,
        .interrupts = p->interrupts,
        .blocks = p->blocks,
    };
    return true;
}
