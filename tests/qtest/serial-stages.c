/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A driver of virtio's console device up to a stage of its life. */
#include "tests/qtest/serial-stages.h"

#include <stddef.h>

#define PORT SERIAL_STAGE_PORT

static const SerialOptions plain = {.legacy = false};

void serial_until_driver(SerialDriver *d)
{
    serial_acknowledge(d);
}

void serial_until_features(SerialDriver *d)
{
    serial_until_driver(d);
    serial_negotiate(d, &plain);
}

void serial_until_queues(SerialDriver *d)
{
    serial_until_features(d);
    serial_set_up_queues(d, &plain);
}

void serial_until_running(SerialDriver *d)
{
    serial_until_queues(d);
    serial_driver_ok(d);
    serial_fill_control(d);
}

static void device_ready(SerialDriver *d)
{
    serial_control(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

void serial_say(SerialDriver *d, uint32_t port, uint16_t event, uint16_t value)
{
    struct virtio_console_control c = {port, event, value};

    serial_control_send(d, &c, sizeof(c));
    qtest_settle(d->v.f.q);
}

void serial_until_added(SerialDriver *d)
{
    serial_until_running(d);
    device_ready(d);
    serial_expect(d, PORT, VIRTIO_CONSOLE_PORT_ADD, 1);
}

void serial_until_ready(SerialDriver *d)
{
    serial_until_added(d);
    serial_control(d, PORT, VIRTIO_CONSOLE_PORT_READY, 1);
}

void serial_until_open(SerialDriver *d)
{
    serial_until_ready(d);
    serial_port_open(d, PORT, true);
}

static void replug(SerialDriver *d)
{
    json_node_unref(
        qtest_qmp(d->v.f.q, "virtio-serial-mq-provoke",
                  "{\"spec\": \"config-read#1:port-flap,port=1\"}"));
    virtio_config_readl(&d->v,
                        offsetof(struct virtio_console_config, max_nr_ports));
    serial_expect(d, PORT, VIRTIO_CONSOLE_PORT_REMOVE, 1);
    serial_expect(d, PORT, VIRTIO_CONSOLE_PORT_ADD, 1);
}

void serial_until_replugged(SerialDriver *d, unsigned console)
{
    serial_until_ready(d);
    serial_expect(d, console, VIRTIO_CONSOLE_PORT_ADD, 1);
    replug(d);
}

void serial_until_console(SerialDriver *d, unsigned console)
{
    serial_until_ready(d);
    serial_expect(d, console, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_control(d, console, VIRTIO_CONSOLE_PORT_READY, 1);
    serial_expect(d, console, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
    replug(d);
    serial_control(d, PORT, VIRTIO_CONSOLE_PORT_READY, 1);
}

void serial_until_single(SerialDriver *d)
{
    const SerialOptions single = {.features = 1ull << VIRTIO_F_VERSION_1};

    serial_until_driver(d);
    serial_negotiate(d, &single);
}
