/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver of virtio's console device for qtest suites.
 */
#include "tests/qtest/serial-driver.h"

#include <linux/virtio_ids.h>
#include <stddef.h>
#include <string.h>

#define SERIAL_TRANSITIONAL_ID 0x1003
#define PAGE_SIZE              4096u

/* Queues: 5.3.2; with MULTIPORT the control queues follow port 0's. */
#define CONTROL_IN    2
#define CONTROL_OUT   3
#define PORT_IN(port) ((port) ? 2 * (port) + 2 : 0)

#define CONFIG_VECTOR 0

/* What a driver of split queues accepts that wants no extras. */
#define PLAIN_FEATURES                                            \
    (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_CONSOLE_F_SIZE | \
     1ull << VIRTIO_CONSOLE_F_MULTIPORT |                         \
     1ull << VIRTIO_CONSOLE_F_EMERG_WRITE |                       \
     1ull << VIRTIO_RING_F_INDIRECT_DESC)

static bool has(const SerialDriver *d, unsigned feature)
{
    return d->features >> feature & 1;
}

SerialDriver *serial_find(Qtest *q, const SerialOptions *options)
{
    static const VirtioPciId id = {VIRTIO_ID_CONSOLE, SERIAL_TRANSITIONAL_ID};
    SerialDriver *d = g_new0(SerialDriver, 1);

    g_assert_true(virtio_pci_find(&d->v, q, &id, 0, options->legacy));
    d->control_gpa = virtio_pci_alloc(&d->v, PAGE_SIZE, PAGE_SIZE);
    return d;
}

void serial_free(SerialDriver *d)
{
    g_free(d);
}

void serial_acknowledge(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_add_status(&d->v, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    virtio_add_status(&d->v, VIRTIO_CONFIG_S_DRIVER);
}

void serial_negotiate(SerialDriver *d, const SerialOptions *options)
{
    d->features = virtio_device_features(&d->v) &
                  (options->features ? options->features : PLAIN_FEATURES);
    virtio_set_driver_features(&d->v, d->features);
    if (!d->v.legacy) {
        virtio_add_status(&d->v, VIRTIO_CONFIG_S_FEATURES_OK);
        g_assert_cmphex(virtio_status(&d->v) & VIRTIO_CONFIG_S_FEATURES_OK, !=,
                        0);
    }
}

void serial_set_up_queues(SerialDriver *d, const SerialOptions *options)
{
    bool multiport = has(d, VIRTIO_CONSOLE_F_MULTIPORT);
    unsigned most = 1;

    if (options->msix) {
        virtio_pci_use_msix(&d->v);
        g_assert_cmphex(virtio_set_config_vector(&d->v, CONFIG_VECTOR), ==,
                        CONFIG_VECTOR);
    }
    if (multiport) {
        most = virtio_config_readl(
            &d->v, offsetof(struct virtio_console_config, max_nr_ports));
    }
    d->nr_ports = options->ports ? MIN(options->ports, most) : most;
    g_assert_cmpuint(d->nr_ports, <=, SERIAL_PORTS_MAX);
    for (unsigned i = 0; i < d->nr_ports; i++) {
        virtqueue_start(&d->port[i].in, &d->v, PORT_IN(i));
        virtqueue_start(&d->port[i].out, &d->v, PORT_IN(i) + 1);
    }
    if (multiport) {
        virtqueue_start(&d->control_in, &d->v, CONTROL_IN);
        virtqueue_start(&d->control_out, &d->v, CONTROL_OUT);
    }
}

void serial_driver_ok(SerialDriver *d)
{
    virtio_add_status(&d->v, VIRTIO_CONFIG_S_DRIVER_OK);
}

static void offer_input(Virtqueue *vq, uint64_t gpa, uint32_t len)
{
    VirtqueueBuffer b = {gpa, len, true};

    virtqueue_offer(vq, virtqueue_add(vq, &b, 1));
}

/* Offer @nr new buffers of @len bytes; notify once. */
static void fill(SerialDriver *d, Virtqueue *vq, unsigned nr, uint32_t len)
{
    uint64_t gpa = virtio_pci_alloc(&d->v, (size_t)nr * len, len);

    for (unsigned i = 0; i < nr; i++) {
        offer_input(vq, gpa + i * len, len);
    }
    virtqueue_kick(vq);
}

void serial_fill_control(SerialDriver *d)
{
    fill(d, &d->control_in, d->control_in.nr_free, SERIAL_CONTROL_BUFFER);
}

SerialDriver *serial_start(Qtest *q, const SerialOptions *options)
{
    SerialDriver *d = serial_find(q, options);

    serial_acknowledge(d);
    serial_negotiate(d, options);
    serial_set_up_queues(d, options);
    serial_driver_ok(d);
    if (has(d, VIRTIO_CONSOLE_F_MULTIPORT)) {
        serial_fill_control(d);
        serial_control(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY,
                       1);
    }
    return d;
}

/* Send bytes in the page at @gpa. */
static void send_out(SerialDriver *d, Virtqueue *vq, uint64_t gpa,
                     const void *bytes, size_t len)
{
    g_assert_cmpuint(len, <=, PAGE_SIZE);
    if (len) {
        qtest_memwrite(d->v.f.q, gpa, bytes, len);
    }
    virtqueue_submit(vq, gpa, len, false);
}

void serial_control_send(SerialDriver *d, const void *bytes, size_t len)
{
    send_out(d, &d->control_out, d->control_gpa, bytes, len);
}

void serial_control_bytes(SerialDriver *d, const void *bytes, size_t len)
{
    serial_control_send(d, bytes, len);
    virtqueue_wait(&d->control_out);
}

void serial_control(SerialDriver *d, uint32_t port, uint16_t event,
                    uint16_t value)
{
    struct virtio_console_control c = {port, event, value};

    serial_control_bytes(d, &c, sizeof(c));
}

/* The message in a buffer that came back; the buffer is offered again. */
static void read_control(SerialDriver *d, const VirtqueueUsed *used,
                         SerialControl *msg)
{
    struct virtio_console_control c;

    *msg = (SerialControl){0};
    g_assert_cmpuint(used->written, >=, sizeof(c));
    g_assert_cmpuint(used->written, <=, SERIAL_CONTROL_BUFFER);
    qtest_memread(d->v.f.q, used->gpa, &c, sizeof(c));
    if (used->written > sizeof(c)) {
        qtest_memread(d->v.f.q, used->gpa + sizeof(c), msg->name,
                      used->written - sizeof(c));
    }
    msg->port = c.id;
    msg->event = c.event;
    msg->value = c.value;
    g_test_message("control: port %u event %u value %u", msg->port, msg->event,
                   msg->value);
    offer_input(&d->control_in, used->gpa, SERIAL_CONTROL_BUFFER);
    virtqueue_kick(&d->control_in);
}

bool serial_take_control(SerialDriver *d, SerialControl *msg)
{
    VirtqueueUsed used;

    if (!virtqueue_take(&d->control_in, &used)) {
        return false;
    }
    read_control(d, &used, msg);
    return true;
}

SerialControl serial_wait_control(SerialDriver *d)
{
    VirtqueueUsed used = virtqueue_wait(&d->control_in);
    SerialControl msg;

    read_control(d, &used, &msg);
    return msg;
}

void serial_expect(SerialDriver *d, uint32_t port, uint16_t event,
                   uint16_t value)
{
    SerialControl msg = serial_wait_control(d);

    g_assert_cmpuint(msg.port, ==, port);
    g_assert_cmpuint(msg.event, ==, event);
    g_assert_cmpuint(msg.value, ==, value);
}

void serial_expect_none(SerialDriver *d)
{
    SerialControl msg;

    qtest_settle(d->v.f.q);
    g_assert_false(serial_take_control(d, &msg));
}

void serial_port_ready(SerialDriver *d, unsigned port, bool console,
                       const char *name, bool connected)
{
    serial_control(d, port, VIRTIO_CONSOLE_PORT_READY, 1);
    if (console) {
        serial_expect(d, port, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
    }
    if (name) {
        SerialControl msg = serial_wait_control(d);

        g_assert_cmpuint(msg.port, ==, port);
        g_assert_cmpuint(msg.event, ==, VIRTIO_CONSOLE_PORT_NAME);
        g_assert_cmpstr(msg.name, ==, name);
    }
    if (connected) {
        serial_expect(d, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
}

void serial_port_fill(SerialDriver *d, unsigned port)
{
    g_assert_cmpuint(port, <, d->nr_ports);
    fill(d, &d->port[port].in, SERIAL_PORT_BUFFERS, SERIAL_PORT_BUFFER);
}

void serial_port_open(SerialDriver *d, unsigned port, bool open)
{
    serial_control(d, port, VIRTIO_CONSOLE_PORT_OPEN, open);
}

void serial_port_send(SerialDriver *d, unsigned port, const void *bytes,
                      size_t len)
{
    g_assert_cmpuint(port, <, d->nr_ports);
    if (!d->port[port].out_gpa) {
        d->port[port].out_gpa = virtio_pci_alloc(&d->v, PAGE_SIZE, PAGE_SIZE);
    }
    send_out(d, &d->port[port].out, d->port[port].out_gpa, bytes, len);
}

void serial_port_write(SerialDriver *d, unsigned port, const void *bytes,
                       size_t len)
{
    serial_port_send(d, port, bytes, len);
    virtqueue_wait(&d->port[port].out);
}

void serial_port_read(SerialDriver *d, unsigned port, void *bytes, size_t len)
{
    Virtqueue *vq = &d->port[port].in;
    uint8_t *to = bytes;

    g_assert_cmpuint(port, <, d->nr_ports);
    while (len) {
        VirtqueueUsed used = virtqueue_wait(vq);

        g_assert_cmpuint(used.written, <=, len);
        if (used.written) {
            qtest_memread(d->v.f.q, used.gpa, to, used.written);
        }
        to += used.written;
        len -= used.written;
        offer_input(vq, used.gpa, SERIAL_PORT_BUFFER);
        virtqueue_kick(vq);
    }
}
