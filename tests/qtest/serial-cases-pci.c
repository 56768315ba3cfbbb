/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cases of the ordering judge's rules about registers, queues and
 * notifications.
 */
#include "tests/qtest/serial-cases.h"

#include <stddef.h>

#define ACK    VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER VIRTIO_CONFIG_S_DRIVER

#define CONFIG(field) offsetof(struct virtio_console_config, field)

/* Configuration */

static void config_read_early(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_set_status(&d->v, ACK);
    virtio_config_readl(&d->v, CONFIG(max_nr_ports));
}

static void config_read(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_config_readl(&d->v, CONFIG(max_nr_ports));
}

static void config_write_early(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_config_writew(&d->v, CONFIG(cols), 80);
}

static void emergency_write_early(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_config_writel(&d->v, CONFIG(emerg_wr), '!');
}

/* Through the legacy interface that is early enough. */
static void config_write_first(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_config_writew(&d->v, CONFIG(cols), 80);
}

static void emergency_write_first(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_config_writel(&d->v, CONFIG(emerg_wr), '!');
}

static void config_write(SerialDriver *d)
{
    serial_until_running(d);
    virtio_config_writew(&d->v, CONFIG(cols), 80);
}

static void emergency_write(SerialDriver *d)
{
    serial_until_running(d);
    virtio_config_writel(&d->v, CONFIG(emerg_wr), '!');
}

/* Queues */

static void control_queue_without_multiport(SerialDriver *d)
{
    Virtqueue vq;

    serial_until_single(d);
    virtqueue_start(&vq, &d->v, 2);
}

static void kick_of_a_queue_beyond(SerialDriver *d)
{
    uint16_t queue = 2 * SERIAL_CASE_MAX_PORTS + 2;

    serial_until_running(d);
    virtio_queue_notify(&d->v, queue);
}

static void first_queues_without_multiport(SerialDriver *d)
{
    Virtqueue vq;

    serial_until_single(d);
    virtqueue_start(&vq, &d->v, 0);
    virtqueue_start(&vq, &d->v, 1);
}

static void queue_early(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_queue_set_size(&d->v, 0, 64);
}

static void legacy_queue_early(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_set_status(&d->v, ACK);
    virtio_queue_set_pfn(&d->v, 0, VIRTIO_PCI_RAM_GPA >> 12);
}

static void legacy_queue(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_queue_set_pfn(&d->v, 0, VIRTIO_PCI_RAM_GPA >> 12);
}

static void size_of_three(SerialDriver *d)
{
    serial_until_features(d);
    virtio_queue_set_size(&d->v, 0, 3);
}

static void size_of_64(SerialDriver *d)
{
    serial_until_features(d);
    virtio_queue_set_size(&d->v, 0, 64);
}

static void enabled_queue_changed(SerialDriver *d)
{
    Virtqueue vq;

    serial_until_features(d);
    virtqueue_start(&vq, &d->v, 0);
    virtio_queue_set_size(&d->v, 0, vq.size);
}

static void enabled_without_addresses(SerialDriver *d)
{
    serial_until_features(d);
    virtio_queue_enable(&d->v, 0, 1);
}

static void enable_zero(SerialDriver *d)
{
    serial_until_features(d);
    virtio_queue_enable(&d->v, 0, 0);
}

static void enabled_late(SerialDriver *d)
{
    Virtqueue vq;

    serial_until_features(d);
    serial_driver_ok(d);
    virtqueue_start(&vq, &d->v, 0);
}

static void queue_reset_without_feature(SerialDriver *d)
{
    serial_until_queues(d);
    virtio_queue_reset(&d->v, 0);
}

/* A queue that is reset may be enabled again. */
static void queue_reset(SerialDriver *d)
{
    const SerialOptions ring_reset = {.features = 1ull << VIRTIO_F_VERSION_1 |
                                                  1ull << VIRTIO_F_RING_RESET};
    serial_until_driver(d);
    serial_negotiate(d, &ring_reset);
    serial_set_up_queues(d, &ring_reset);
    serial_driver_ok(d);
    virtio_queue_reset(&d->v, 0);
    virtqueue_start(&d->port[0].in, &d->v, 0);
    virtqueue_kick(&d->port[0].in);
}

static void kick_early(SerialDriver *d)
{
    serial_until_queues(d);
    serial_fill_control(d);
}

static void kick_in_time(SerialDriver *d)
{
    serial_until_queues(d);
    serial_driver_ok(d);
    serial_fill_control(d);
}

static void kick_of_no_queue(SerialDriver *d)
{
    serial_until_features(d);
    serial_driver_ok(d);
    virtio_queue_notify(&d->v, 0);
}

static const SerialCase cases[] = {
    SERIAL_CASE("config-read-before-driver", config_read_early, config_read),
    SERIAL_CASE("config-read-before-driver", config_read_early, config_read,
                .legacy = true),
    SERIAL_CASE("config-write-before-features-ok", config_write_early,
                emergency_write_early),
    SERIAL_CASE("config-write-read-only", config_write, emergency_write),
    SERIAL_CASE("config-write-read-only", config_write_first,
                emergency_write_first, .legacy = true),
    SERIAL_CASE("queue-not-there", control_queue_without_multiport,
                first_queues_without_multiport),
    SERIAL_CASE("queue-not-there", kick_of_a_queue_beyond,
                serial_until_running),
    SERIAL_CASE("queue-not-there", kick_of_a_queue_beyond, serial_until_running,
                .legacy = true),
    SERIAL_CASE("queue-before-features-ok", queue_early, serial_until_queues),
    SERIAL_CASE("queue-before-features-ok", legacy_queue_early, legacy_queue,
                .legacy = true),
    SERIAL_CASE("queue-size-not-power-of-two", size_of_three, size_of_64),
    SERIAL_CASE("queue-changed-enabled", enabled_queue_changed,
                serial_until_queues),
    SERIAL_CASE("queue-enable-incomplete", enabled_without_addresses,
                serial_until_queues),
    SERIAL_CASE("queue-enable-zero", enable_zero, serial_until_queues,
                .core = true),
    SERIAL_CASE("queue-enable-after-driver-ok", enabled_late,
                serial_until_running),
    SERIAL_CASE("queue-reset-not-negotiated", queue_reset_without_feature,
                queue_reset),
    SERIAL_CASE("kick-before-driver-ok", kick_early, kick_in_time),
    SERIAL_CASE("legacy-kick-before-driver-ok", kick_early, kick_in_time,
                .legacy = true),
    SERIAL_CASE("kick-queue-not-enabled", kick_of_no_queue, kick_in_time),
};

const SerialCase *serial_cases_pci(size_t *nr)
{
    *nr = G_N_ELEMENTS(cases);
    return cases;
}
