/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cases of the ordering judge's rules about registers, queues and
 * notifications.
 */
#include "tests/qtest/serial-cases.h"

#include <stddef.h>

#define ACK    VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER VIRTIO_CONFIG_S_DRIVER

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)
#define CONFIG(field) offsetof(struct virtio_console_config, field)

/* A device that offers less */
#define LESS "emergency-write=off,console-size=off"

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

static void config_write_beyond(SerialDriver *d)
{
    serial_until_running(d);
    virtio_config_writel(&d->v, sizeof(struct virtio_console_config), 1);
}

static void size_read(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_config_readw(&d->v, CONFIG(cols));
}

static void size_read_late(SerialDriver *d)
{
    serial_until_running(d);
    virtio_config_readw(&d->v, CONFIG(cols));
}

/* Registers */

static void number_of_queues_written(SerialDriver *d)
{
    serial_until_features(d);
    virtio_common_write(&d->v, COMMON(num_queues), 2, 4);
}

static void number_of_queues_read(SerialDriver *d)
{
    serial_until_features(d);
    virtio_common_read(&d->v, COMMON(num_queues), 2);
}

static void status_read_wide(SerialDriver *d)
{
    serial_until_features(d);
    virtio_common_read(&d->v, COMMON(device_status), 4);
}

static void config_read_byte(SerialDriver *d)
{
    serial_until_features(d);
    virtio_config_readb(&d->v, CONFIG(max_nr_ports));
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

/* A power of two, as the longest there may be. */
static void size_too_large(SerialDriver *d)
{
    serial_until_features(d);
    virtio_queue_set_size(&d->v, 0, 2 * virtio_queue_size(&d->v, 0));
}

static void enabled_at(SerialDriver *d, uint64_t offset)
{
    uint64_t gpa;

    serial_until_features(d);
    gpa = virtio_pci_alloc(&d->v, 0x4000, 0x1000);
    virtio_queue_set_addresses(&d->v, 0, gpa + offset, gpa + 0x2000,
                               gpa + 0x3000);
    virtio_queue_enable(&d->v, 0, 1);
}

static void enabled_at_8(SerialDriver *d)
{
    enabled_at(d, 8);
}

static void enabled_at_16(SerialDriver *d)
{
    enabled_at(d, 16);
}

static void enabled_twice(SerialDriver *d)
{
    serial_until_queues(d);
    virtio_queue_enable(&d->v, 0, 1);
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

static void until_ring_reset(SerialDriver *d)
{
    const SerialOptions ring_reset = {.features = 1ull << VIRTIO_F_VERSION_1 |
                                                  1ull << VIRTIO_F_RING_RESET};
    serial_until_driver(d);
    serial_negotiate(d, &ring_reset);
    serial_set_up_queues(d, &ring_reset);
    serial_driver_ok(d);
}

/* A queue that is reset may be enabled again. */
static void queue_reset(SerialDriver *d)
{
    until_ring_reset(d);
    virtio_queue_reset(&d->v, 0);
    virtqueue_start(&d->port[0].in, &d->v, 0);
    virtqueue_kick(&d->port[0].in);
}

static void queue_reset_not_read(SerialDriver *d)
{
    until_ring_reset(d);
    virtio_write_queue_reset(&d->v, 0);
    virtqueue_start(&d->port[0].in, &d->v, 0);
}

static void legacy_queue_taken_away(SerialDriver *d)
{
    serial_until_running(d);
    virtio_queue_set_pfn(&d->v, 0, 0);
}

static void legacy_queue_taken_away_after_reset(SerialDriver *d)
{
    serial_until_running(d);
    virtio_reset(&d->v);
    virtio_queue_set_pfn(&d->v, 0, 0);
}

/* Vectors */

static void vector_beyond(SerialDriver *d)
{
    serial_until_features(d);
    virtio_pci_use_msix(&d->v);
    virtio_set_queue_vector(&d->v, 0, (uint16_t)d->v.f.msix_vectors);
}

static void config_vector_beyond(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_pci_use_msix(&d->v);
    virtio_set_config_vector(&d->v, (uint16_t)d->v.f.msix_vectors);
}

static void last_vector(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_pci_use_msix(&d->v);
    virtio_set_config_vector(&d->v, (uint16_t)(d->v.f.msix_vectors - 1));
    virtio_set_config_vector(&d->v, VIRTIO_MSI_NO_VECTOR);
}

static void vector_not_read(SerialDriver *d)
{
    serial_until_queues(d);
    virtio_pci_use_msix(&d->v);
    virtio_write_queue_vector(&d->v, 0, 1);
    virtio_set_queue_vector(&d->v, 1, 1);
    serial_driver_ok(d);
}

static void config_vector_not_read(SerialDriver *d)
{
    serial_until_queues(d);
    virtio_pci_use_msix(&d->v);
    virtio_write_config_vector(&d->v, 0);
    serial_driver_ok(d);
}

static void vectors_read(SerialDriver *d)
{
    serial_until_queues(d);
    virtio_pci_use_msix(&d->v);
    virtio_set_config_vector(&d->v, 0);
    virtio_set_queue_vector(&d->v, 0, 1);
    serial_driver_ok(d);
}

static void vector_taken_away(SerialDriver *d)
{
    serial_until_queues(d);
    virtio_pci_use_msix(&d->v);
    virtio_write_queue_vector(&d->v, 0, 1);
    virtio_set_queue_vector(&d->v, 0, VIRTIO_MSI_NO_VECTOR);
    serial_driver_ok(d);
}

/* Notifications */

static void kick_of_32_bits(SerialDriver *d)
{
    serial_until_running(d);
    virtio_queue_notify_as(&d->v, 0, 4, 0);
}

static void kick_by_another(SerialDriver *d)
{
    serial_until_running(d);
    virtio_queue_notify_as(&d->v, 0, 2, 1);
}

static void kick_by_itself(SerialDriver *d)
{
    serial_until_running(d);
    virtio_queue_notify_as(&d->v, 1, 2, 1);
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
    SERIAL_CASE("config-write-read-only", config_write_beyond, emergency_write),
    SERIAL_CASE("common-write-read-only", number_of_queues_written,
                number_of_queues_read),
    SERIAL_CASE("register-width", status_read_wide, number_of_queues_read),
    SERIAL_CASE("register-width", config_read_byte, config_read),
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
    SERIAL_CASE("queue-size-too-large", size_too_large, size_of_64),
    SERIAL_CASE("queue-address-unaligned", enabled_at_8, enabled_at_16),
    SERIAL_CASE("queue-enable-again", enabled_twice, queue_reset),
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
    SERIAL_CASE("queue-reset-not-awaited", queue_reset_not_read, queue_reset),
    SERIAL_CASE("legacy-queue-changed-live", legacy_queue_taken_away,
                legacy_queue_taken_away_after_reset, .legacy = true),
    SERIAL_CASE("vector-beyond-table", vector_beyond, last_vector),
    SERIAL_CASE("vector-beyond-table", config_vector_beyond, last_vector),
    SERIAL_CASE("vector-beyond-table", config_vector_beyond, last_vector,
                .legacy = true),
    SERIAL_CASE("vector-not-read-back", vector_not_read, vectors_read),
    SERIAL_CASE("vector-not-read-back", config_vector_not_read, vectors_read),
    SERIAL_CASE("vector-not-read-back", vector_not_read, vector_taken_away),
    SERIAL_CASE("vector-not-read-back", vector_not_read, vectors_read,
                .legacy = true),
    SERIAL_CASE("vector-not-read-back", config_vector_not_read, vectors_read,
                .legacy = true),
    SERIAL_CASE("kick-width", kick_of_32_bits, kick_by_itself),
    SERIAL_CASE("kick-value", kick_by_another, kick_by_itself),
    SERIAL_CASE("kick-before-driver-ok", kick_early, kick_in_time),
    SERIAL_CASE("legacy-kick-before-driver-ok", kick_early, kick_in_time,
                .legacy = true),
    SERIAL_CASE("kick-queue-not-enabled", kick_of_no_queue, kick_in_time),
    /* Last, as they need another machine */
    SERIAL_CASE("config-field-not-offered", emergency_write, config_read,
                .properties = LESS),
    SERIAL_CASE("config-field-not-offered", size_read, size_read_late,
                .properties = LESS),
    SERIAL_CASE("config-field-not-offered", size_read, size_read_late,
                .properties = LESS, .legacy = true),
};

const SerialCase *serial_cases_pci(size_t *nr)
{
    *nr = G_N_ELEMENTS(cases);
    return cases;
}
