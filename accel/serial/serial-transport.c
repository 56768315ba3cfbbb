/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SerialMqOps over QEMU's virtqueues, and which of the ports' back ends is
 * meant.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/virtio/virtio-bus.h"
#include "hw/virtio/virtio.h"
#include "standard-headers/linux/virtio_config.h"
#include "accel/serial/serial-internal.h"

/* Entries of a queue, as virtio-serial-pci has */
#define QUEUE_SIZE         128
#define CONTROL_QUEUE_SIZE 32

static VirtQueue *queue_of(SerialDevice *dev, unsigned queue)
{
    return virtio_get_queue(VIRTIO_DEVICE(dev), queue);
}

static SerialMqChain *transport_pop(void *t, unsigned queue)
{
    VirtQueue *vq = queue_of(t, queue);
    SerialElement *e =
        virtio_queue_ready(vq) ? virtqueue_pop(vq, sizeof(*e)) : NULL;

    return e ? serial_element_chain(e) : NULL;
}

static void transport_push(void *t, unsigned queue, SerialMqChain *c,
                           size_t written)
{
    SerialElement *e = container_of(c, SerialElement, chain);

    virtqueue_push(queue_of(t, queue), &e->element, written);
    g_free(e);
}

static void transport_detach(void *t, unsigned queue, SerialMqChain *c)
{
    SerialElement *e = container_of(c, SerialElement, chain);

    virtqueue_detach_element(queue_of(t, queue), &e->element, 0);
    g_free(e);
}

static size_t transport_room(void *t, unsigned queue, size_t max)
{
    VirtQueue *vq = queue_of(t, queue);
    unsigned in = 0;

    if (!virtio_queue_ready(vq) || virtio_queue_empty(vq)) {
        return 0;
    }
    virtqueue_get_avail_bytes(vq, &in, NULL, MIN(max, UINT_MAX), 0);
    return in;
}

static void transport_notification(void *t, unsigned queue, bool on)
{
    virtio_queue_set_notification(queue_of(t, queue), on);
}

static void transport_interrupt(void *t, unsigned queue)
{
    virtio_notify(VIRTIO_DEVICE(t), queue_of(t, queue));
}

static void transport_interrupt_anyway(void *t, unsigned queue)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(t);
    BusState *bus = qdev_get_parent_bus(DEVICE(t));

    if (!vdev->broken) {
        qatomic_or(&vdev->isr, 1);
        VIRTIO_BUS_GET_CLASS(bus)->notify(
            bus->parent, virtio_queue_vector(vdev, (int)queue));
    }
}

static void transport_config_changed(void *t)
{
    virtio_notify_config(VIRTIO_DEVICE(t));
}

/*
 * After a reset the status stays 0 until the driver writes another: drivers
 * wait for that 0 (virtio 1.3, 4.1.4.3.2).
 */
void serial_keep_needs_reset(SerialDevice *dev)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(dev);
    SerialMqInfo info;

    if (!vdev->status || vdev->status & VIRTIO_CONFIG_S_NEEDS_RESET) {
        return;
    }
    serial_mq_info(dev->mq, &info);
    if (info.refused && !info.legacy) {
        vdev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
        virtio_notify_config(vdev); /* none before DRIVER_OK */
    }
}

static void transport_needs_reset(void *t, const char *why)
{
    SerialDevice *dev = t;

    /* That sets the bit for a driver which has accepted VERSION_1. */
    virtio_error(VIRTIO_DEVICE(dev), "the device needs a reset: %s", why);
    serial_keep_needs_reset(dev);
}

/* Back ends */

static SerialPort *port_of(SerialDevice *dev, unsigned port)
{
    return dev->ports[port];
}

static size_t transport_output(void *t, unsigned port, const uint8_t *buf,
                               size_t len)
{
    SerialPort *p = port_of(t, port);

    return p ? serial_port_output(p, buf, len) : len;
}

static void transport_guest_open(void *t, unsigned port, bool open)
{
    SerialPort *p = port_of(t, port);

    if (p) {
        serial_port_guest_open(p, open);
    }
}

static void transport_accept(void *t, unsigned port)
{
    SerialPort *p = port_of(t, port);

    if (p) {
        serial_port_accept(p);
    }
}

static bool transport_knows_host(void *t, unsigned port)
{
    SerialPort *p = port_of(t, port);

    return p && qemu_chr_fe_backend_connected(&p->chr);
}

static void transport_violation(void *t, const OrderingViolation *v)
{
    serial_tell_violation(t, v);
}

static void transport_unplug(void *t, unsigned port)
{
    serial_unplug_port(t, port);
}

const SerialMqOps serial_transport_ops = {
    .pop = transport_pop,
    .push = transport_push,
    .detach = transport_detach,
    .room = transport_room,
    .notification = transport_notification,
    .interrupt = transport_interrupt,
    .interrupt_anyway = transport_interrupt_anyway,
    .config_changed = transport_config_changed,
    .needs_reset = transport_needs_reset,
    .port_output = transport_output,
    .port_guest_open = transport_guest_open,
    .port_accept = transport_accept,
    .port_knows_host = transport_knows_host,
    .violation = transport_violation,
    .port_unplug = transport_unplug,
};

/* Queues */

/*
 * Outside of an access it comes by an event, and virtio sets those of all
 * queues when it begins to use events, at DRIVER_OK: of a queue without
 * buffers that is not the driver's doing.
 */
static void queue_notified(VirtIODevice *vdev, VirtQueue *vq)
{
    SerialDevice *dev = SERIAL_DEVICE(vdev);

    if (dev->access || !virtio_queue_empty(vq)) {
        serial_mq_notified(dev->mq, virtio_get_queue_index(vq));
    }
}

void serial_queues_init(SerialDevice *dev)
{
    for (unsigned i = 0; i < serial_mq_nr_queues(dev->mq); i++) {
        bool control = i == SERIAL_MQ_CONTROL_IN || i == SERIAL_MQ_CONTROL_OUT;

        virtio_add_queue(VIRTIO_DEVICE(dev),
                         control ? CONTROL_QUEUE_SIZE : QUEUE_SIZE,
                         queue_notified);
    }
}

void serial_queues_free(SerialDevice *dev)
{
    unsigned n = 2 * dev->config.max_ports + 2;

    for (unsigned i = 0; i < n; i++) {
        virtio_del_queue(VIRTIO_DEVICE(dev), i);
    }
}
