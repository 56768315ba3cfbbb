/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of the multiport serial device, virtserialport-mq and virtconsole-mq,
 * and their character devices.
 */
#include "qemu/osdep.h"
#include "hw/qdev-properties-system.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qapi/qapi-events-char.h"
#include "qobject/qdict.h"
#include "system/runstate.h"
#include "accel/serial/serial-internal.h"

/*
 * A recorded port's output that waits for its reader holds the guest, at the
 * next tick.  Until then there is no more than that of all the device's ports,
 * for one buffer can be in a queue thousands of times; it is far more than a
 * driver of one has memory and time to write.
 */
#define QUEUE_MAX (1u << 20)
#define SPAN_MAX  (16u << 20)

/* One gate for all devices */
static struct {
    Gate *gate;
    unsigned full; /* ports whose reader leaves too much */
} ports;

Gate *serial_gate(void)
{
    return ports.gate;
}

static bool is_console(SerialPort *port)
{
    return SERIAL_PORT_GET_CLASS(port)->console;
}

static bool is_recorded(const SerialPort *port)
{
    return port->sink;
}

/* Output: what the guest sends */

static gboolean port_writable(void *do_not_use, GIOCondition cond,
                              void *opaque);

static void watch(SerialPort *port)
{
    if (!port->watch) {
        port->watch = qemu_chr_fe_add_watch(&port->chr, G_IO_OUT | G_IO_HUP,
                                            port_writable, port);
    }
}

static void note_full(SerialPort *port)
{
    bool full = port->queue->len > QUEUE_MAX;

    if (full != port->full) {
        port->full = full;
        ports.full += full ? 1 : -1;
    }
}

static void clear_queue(SerialPort *port)
{
    g_byte_array_set_size(port->queue, 0);
    note_full(port);
}

/* Recorded: when it is taken is the host's affair alone. */
static void flush_queue(SerialPort *port)
{
    int n;

    if (!port->queue->len || port->watch) {
        return;
    }
    n = qemu_chr_fe_write(&port->chr, port->queue->data,
                          MIN(port->queue->len, INT_MAX));
    if (n > 0) {
        g_byte_array_remove_range(port->queue, 0, n);
    }
    if (port->queue->len) {
        watch(port);
        if (!port->watch) {
            clear_queue(port); /* nobody will */
        }
    }
    note_full(port);
}

static gboolean port_writable(void *do_not_use, GIOCondition cond, void *opaque)
{
    SerialPort *port = opaque;

    port->watch = 0;
    if (is_recorded(port)) {
        flush_queue(port);
    } else if (port->dev->running) {
        /* else it is tried when the machine goes on, if it does so here */
        serial_mq_port_writable(port->dev->mq, port->nr);
    }
    return G_SOURCE_REMOVE;
}

size_t serial_port_output(SerialPort *port, const uint8_t *buf, size_t len)
{
    size_t n;

    if (!qemu_chr_fe_backend_connected(&port->chr)) {
        return len;
    }
    if (is_recorded(port)) {
        g_byte_array_append(port->queue, buf, len);
        flush_queue(port);
        return len;
    }
    n = MAX(qemu_chr_fe_write(&port->chr, buf, MIN(len, INT_MAX)), 0);
    if (n == len) {
        return len;
    }
    if (!is_console(port)) {
        watch(port);
        if (port->watch) {
            return n;
        }
    }
    /*
     * A console's guest would stand still, in a loop, until somebody reads
     * it; and a device that cannot be waited for has taken what it ever will.
     */
    return len;
}

void serial_port_guest_open(SerialPort *port, bool open)
{
    if (!is_console(port)) {
        qemu_chr_fe_set_open(&port->chr, open);
    }
    if (DEVICE(port)->id) {
        qapi_event_send_vserport_change(DEVICE(port)->id, open);
    }
}

/* Input: what the character device sends */

void serial_port_accept(SerialPort *port)
{
    if (!is_recorded(port)) {
        qemu_chr_fe_accept_input(&port->chr);
    }
}

/* Whatever it said before. */
static bool is_broken(const SerialPort *port)
{
    return VIRTIO_DEVICE(port->dev)->broken;
}

static int port_can_read(void *opaque)
{
    SerialPort *port = opaque;
    size_t room;

    /* What comes while a migration completes would be neither here nor there.
     */
    if (!runstate_is_live(runstate_get()) || is_broken(port)) {
        return 0;
    }
    room = is_recorded(port) ? gate_sink_room(port->sink)
                             : serial_mq_port_room(port->dev->mq, port->nr);
    return MIN(room, INT_MAX);
}

static void port_read(void *opaque, const uint8_t *buf, int size)
{
    SerialPort *port = opaque;

    if (is_recorded(port)) {
        gate_sink_put(port->sink, buf, size);
    } else {
        serial_mq_port_input(port->dev->mq, port->nr, buf, size);
    }
}

static size_t sink_room(void *opaque)
{
    SerialPort *port = opaque;

    return is_broken(port) ? 0
                           : serial_mq_port_room_now(port->dev->mq, port->nr);
}

static void sink_deliver(void *opaque, const uint8_t *buf, size_t len)
{
    SerialPort *port = opaque;

    serial_mq_port_input(port->dev->mq, port->nr, buf, len);
}

static void sink_more(void *opaque)
{
    SerialPort *port = opaque;

    qemu_chr_fe_accept_input(&port->chr);
}

static const GateSinkOps sink_ops = {
    .room = sink_room,
    .deliver = sink_deliver,
    .more = sink_more,
};

/* The host's end comes and goes */

/* While the machine stands its state is not ours to change. */
static void host_open_changed(SerialPort *port)
{
    if (!port->dev->running || is_console(port)) {
        return;
    }
    if (is_recorded(port)) {
        g_autofree char *id = serial_device_id(port->dev);
        g_autoptr(QDict) args = qdict_new();

        qdict_put_str(args, "device", id);
        qdict_put_int(args, "port", port->nr);
        qdict_put_bool(args, "open", port->chr_open);
        gate_appoint_command(serial_gate(), "virtio-serial-mq-connect", args);
    } else {
        serial_mq_port_host_open(port->dev->mq, port->nr, port->chr_open);
    }
}

static void port_event(void *opaque, QEMUChrEvent event)
{
    SerialPort *port = opaque;

    if (event != CHR_EVENT_OPENED && event != CHR_EVENT_CLOSED) {
        return;
    }
    if (event == CHR_EVENT_CLOSED && port->watch) {
        g_source_remove(port->watch);
        port->watch = 0;
    }
    if (port->queue) {
        clear_queue(port);
    }
    port->chr_open = event == CHR_EVENT_OPENED;
    host_open_changed(port);
}

void serial_port_resume(SerialPort *port)
{
    SerialMqPortInfo info;

    if (!qemu_chr_fe_backend_connected(&port->chr)) {
        return;
    }
    if (!is_console(port) &&
        serial_mq_port_info(port->dev->mq, port->nr, &info) &&
        info.connected != port->chr_open) {
        host_open_changed(port);
    }
    if (!is_recorded(port)) {
        serial_mq_port_writable(port->dev->mq, port->nr);
    }
    qemu_chr_fe_accept_input(&port->chr);
}

static int port_backend_changed(void *opaque);

static void set_handlers(SerialPort *port)
{
    bool console = is_console(port);

    qemu_chr_fe_set_handlers(&port->chr, port_can_read, port_read, port_event,
                             port_backend_changed, port, NULL, console);
}

/* QMP's chardev-change */
static int port_backend_changed(void *opaque)
{
    SerialPort *port = opaque;

    set_handlers(port);
    if (port->watch) {
        g_source_remove(port->watch);
        port->watch = 0;
        watch(port);
        if (!port->watch) {
            /* The new device cannot be waited for: it takes what it takes. */
            port_writable(NULL, 0, port);
        }
    }
    return 0;
}

/* Recording */

void serial_port_record(SerialPort *port)
{
    g_autofree char *id = NULL;
    g_autofree char *name = NULL;

    if (port->sink || !ports.gate) {
        return;
    }
    id = serial_device_id(port->dev);
    name = g_strdup_printf("%s:%" PRIu32, id, port->nr);
    serial_mq_bound_output(port->dev->mq, SPAN_MAX);
    port->queue = g_byte_array_new();
    port->sink = gate_sink_new(ports.gate, name, &sink_ops, port);
}

static bool ports_are_full(void *opaque)
{
    return ports.full;
}

void serial_set_gate(Gate *gate)
{
    SerialDevice *dev;

    ports.gate = gate;
    if (gate) {
        gate_set_full(gate, ports_are_full, NULL);
    }
    QLIST_FOREACH(dev, &serial_devices, next)
    {
        for (unsigned i = 0; i < dev->config.max_ports; i++) {
            if (dev->ports[i]) {
                serial_port_record(dev->ports[i]);
            }
        }
    }
}

/* Life */

/* Names are unique among all devices: guests make links of them. */
static bool name_is_taken(const char *name)
{
    SerialDevice *dev;

    QLIST_FOREACH(dev, &serial_devices, next)
    {
        for (unsigned i = 0; i < dev->config.max_ports; i++) {
            if (dev->ports[i] && !g_strcmp0(dev->ports[i]->name, name)) {
                return true;
            }
        }
    }
    return false;
}

static void port_realize(DeviceState *ds, Error **errp)
{
    SerialPort *port = SERIAL_PORT(ds);
    SerialDevice *dev = SERIAL_DEVICE(qdev_get_parent_bus(ds)->parent);
    g_autoptr(GError) error = NULL;
    bool console = is_console(port);

    if (port->name && name_is_taken(port->name)) {
        error_setg(errp, "name=%s: there is a port of that name", port->name);
        return;
    }
    if (port->nr == SERIAL_ANY_PORT) {
        port->nr = serial_mq_free_port(dev->mq, console);
        if (port->nr == SERIAL_MQ_NO_PORT) {
            error_setg(errp, "all of the device's %" PRIu32 " ports are taken",
                       dev->config.max_ports);
            return;
        }
    }
    if (!serial_mq_port_add(dev->mq, port->nr, port->name, console, &error)) {
        error_setg(errp, "%s", error->message);
        return;
    }
    port->dev = dev;
    dev->ports[port->nr] = port;
    if (port->cols || port->rows) {
        serial_mq_resize(dev->mq, port->nr, port->cols, port->rows);
    }
    serial_port_record(port);
    if (qemu_chr_fe_backend_connected(&port->chr)) {
        set_handlers(port);
        if (console) {
            serial_mq_port_host_open(dev->mq, port->nr, true);
        }
    }
}

static void port_unrealize(DeviceState *ds)
{
    SerialPort *port = SERIAL_PORT(ds);

    if (port->watch) {
        g_source_remove(port->watch);
        port->watch = 0;
    }
    /* Another port may have it at once; QEMU lets go of this one later. */
    qemu_chr_fe_deinit(&port->chr, false);
    port->dev->ports[port->nr] = NULL;
    serial_mq_port_remove(port->dev->mq, port->nr);
    if (port->queue) {
        clear_queue(port);
    }
    g_clear_pointer(&port->sink, gate_sink_free);
    g_clear_pointer(&port->queue, g_byte_array_unref);
}

static const Property port_properties[] = {
    DEFINE_PROP_CHR("chardev", SerialPort, chr),
    DEFINE_PROP_STRING("name", SerialPort, name),
    DEFINE_PROP_UINT32("nr", SerialPort, nr, SERIAL_ANY_PORT),
    DEFINE_PROP_UINT16("cols", SerialPort, cols, 0),
    DEFINE_PROP_UINT16("rows", SerialPort, rows, 0),
};

static void port_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->bus_type = TYPE_SERIAL_BUS;
    dc->realize = port_realize;
    dc->unrealize = port_unrealize;
    dc->desc = "port of a virtio-serial-mq device";
    set_bit(DEVICE_CATEGORY_INPUT, dc->categories);
    device_class_set_props(dc, port_properties);
    object_class_property_set_description(
        oc, "chardev", "where its bytes go to and come from");
    object_class_property_set_description(
        oc, "name", "for the guest: Linux links /dev/virtio-ports/NAME to it");
    object_class_property_set_description(
        oc, "nr", "port number (default: the lowest free one)");
    object_class_property_set_description(
        oc, "cols", "of a console: its width (default: unknown)");
    object_class_property_set_description(
        oc, "rows", "of a console: its height (default: unknown)");
}

static void console_class_init(ObjectClass *oc, void *data)
{
    SERIAL_PORT_CLASS(oc)->console = true;
    DEVICE_CLASS(oc)->desc = "console port of a virtio-serial-mq device";
}

static const TypeInfo port_types[] = {
    {
        .name = TYPE_SERIAL_PORT,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(SerialPort),
        .class_size = sizeof(SerialPortClass),
        .class_init = port_class_init,
    },
    {
        .name = TYPE_SERIAL_CONSOLE,
        .parent = TYPE_SERIAL_PORT,
        .class_init = console_class_init,
    },
};

void serial_port_register(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(port_types); i++) {
        type_register_static(&port_types[i]);
    }
}
