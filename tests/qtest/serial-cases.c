/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For every rule of the ordering judge a driver that breaks it and the nearest
 * one that does not.
 *
 * The last step of a wrong one does not wait for the device, which need not
 * serve it any more.
 */
#include "tests/qtest/serial-cases.h"

#include <stddef.h>

#define PORT    SERIAL_CASE_PORT
#define NO_PORT SERIAL_CASE_NO_PORT

#define ACK      VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER   VIRTIO_CONFIG_S_DRIVER
#define FEATURES VIRTIO_CONFIG_S_FEATURES_OK
#define RUNNING  VIRTIO_CONFIG_S_DRIVER_OK

/* Status */

static void bits_without_reset(SerialDriver *d)
{
    virtio_set_status(&d->v, ACK);
}

static void reset_not_read(SerialDriver *d)
{
    virtio_set_status(&d->v, 0);
    virtio_set_status(&d->v, ACK);
}

static void reset_not_read_back(SerialDriver *d)
{
    serial_until_running(d);
    virtio_set_status(&d->v, 0);
    virtio_set_status(&d->v, ACK);
}

static void bit_cleared(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_set_status(&d->v, ACK);
}

static void same_bits(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_set_status(&d->v, ACK | DRIVER);
}

static void unknown_bit(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_set_status(&d->v, ACK | DRIVER | 0x10);
}

static void bits_after_failed(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_set_status(&d->v, ACK);
    virtio_set_status(&d->v, ACK | VIRTIO_CONFIG_S_FAILED);
    virtio_set_status(&d->v, ACK | VIRTIO_CONFIG_S_FAILED | DRIVER);
}

static void reset_after_failed(SerialDriver *d)
{
    serial_until_running(d);
    virtio_add_status(&d->v, VIRTIO_CONFIG_S_FAILED);
    serial_until_driver(d);
}

static void driver_first(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_set_status(&d->v, DRIVER);
}

static void both_at_once(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_set_status(&d->v, ACK | DRIVER);
}

static void features_ok_without_driver(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_set_status(&d->v, ACK);
    virtio_set_status(&d->v, ACK | FEATURES);
}

static void driver_ok_without_driver(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_set_status(&d->v, ACK);
    virtio_set_status(&d->v, ACK | RUNNING);
}

static void driver_ok_without_features_ok(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_set_driver_features(&d->v, virtio_device_features(&d->v));
    virtio_set_status(&d->v, ACK | DRIVER | RUNNING);
}

static void features_ok_not_read(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_set_driver_features(&d->v, virtio_device_features(&d->v));
    virtio_set_status(&d->v, ACK | DRIVER | FEATURES);
    virtio_set_status(&d->v, ACK | DRIVER | FEATURES | RUNNING);
}

static void features_ok_read(SerialDriver *d)
{
    serial_until_features(d);
    serial_driver_ok(d);
}

static void driver_ok_again(SerialDriver *d)
{
    serial_until_running(d);
    serial_driver_ok(d);
}

/* Features */

static void feature_not_offered(SerialDriver *d)
{
    uint64_t offered;

    serial_until_driver(d);
    offered = virtio_device_features(&d->v);
    virtio_set_driver_features(&d->v, offered | (~offered & (offered + 1)));
}

static void features_not_read(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_set_driver_features(&d->v, 1 << VIRTIO_CONSOLE_F_MULTIPORT);
}

static void all_that_is_offered(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_set_driver_features(&d->v, virtio_device_features(&d->v));
}

static void features_before_driver(SerialDriver *d)
{
    virtio_reset(&d->v);
    virtio_set_status(&d->v, ACK);
    virtio_set_driver_features(&d->v, virtio_device_features(&d->v));
}

static void features_after_features_ok(SerialDriver *d)
{
    serial_until_features(d);
    virtio_set_driver_features(&d->v, d->features);
}

static void version_1_refused(SerialDriver *d)
{
    serial_until_driver(d);
    virtio_device_features(&d->v);
    virtio_set_driver_features(&d->v, 1 << VIRTIO_CONSOLE_F_MULTIPORT);
    virtio_add_status(&d->v, FEATURES);
}

/* Buffers */

/* Offer two pieces of @len bytes each in a control queue and kick it. */
static void offer_pair(SerialDriver *d, Virtqueue *vq, uint32_t len)
{
    uint64_t gpa = virtio_pci_alloc(&d->v, 256, 256);
    struct virtio_console_control c = {0, VIRTIO_CONSOLE_DEVICE_READY, 1};
    VirtqueueBuffer pair[] = {{gpa, len, false}, {gpa + 128, 128, true}};

    qtest_memwrite(d->v.f.q, gpa, &c, sizeof(c));
    virtqueue_offer(vq, virtqueue_add(vq, pair, G_N_ELEMENTS(pair)));
    virtqueue_kick(vq);
}

static void readable_in_receive(SerialDriver *d)
{
    serial_until_queues(d);
    serial_driver_ok(d);
    offer_pair(d, &d->control_in, 4);
    serial_say(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

static void writable_in_transmit(SerialDriver *d)
{
    serial_until_running(d);
    offer_pair(d, &d->control_out, sizeof(struct virtio_console_control));
    qtest_settle(d->v.f.q);
}

static void small_control_buffer(SerialDriver *d)
{
    serial_until_queues(d);
    serial_driver_ok(d);
    virtqueue_submit(&d->control_in, virtio_pci_alloc(&d->v, 4, 4), 4, true);
    serial_say(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

/* Control messages and ports */

static void control_early(SerialDriver *d)
{
    serial_until_queues(d);
    serial_say(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

static void short_message(SerialDriver *d)
{
    serial_until_running(d);
    serial_control_send(d, "\1\2\3\4\5\6", 7);
    qtest_settle(d->v.f.q);
}

/* A message is what its first 8 bytes say. */
static void long_message(SerialDriver *d)
{
    struct virtio_console_control c[2] = {{0, VIRTIO_CONSOLE_DEVICE_READY, 1}};

    serial_until_running(d);
    serial_control_bytes(d, c, sizeof(c));
}

static void message_of_the_device(SerialDriver *d)
{
    serial_until_added(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_ADD, 1);
}

static void open_with_two(SerialDriver *d)
{
    serial_until_ready(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 2);
}

static void port_beyond_the_last(SerialDriver *d)
{
    serial_until_added(d);
    serial_say(d, SERIAL_CASE_MAX_PORTS, VIRTIO_CONSOLE_PORT_READY, 0);
}

static void port_ready_early(SerialDriver *d)
{
    serial_until_running(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_READY, 1);
}

static void device_ready_twice(SerialDriver *d)
{
    serial_until_added(d);
    serial_say(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

static void ready_of_no_port(SerialDriver *d)
{
    serial_until_added(d);
    serial_say(d, NO_PORT, VIRTIO_CONSOLE_PORT_READY, 1);
}

static void ready_twice(SerialDriver *d)
{
    serial_until_ready(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_READY, 1);
}

static void open_of_no_port(SerialDriver *d)
{
    serial_until_added(d);
    serial_say(d, NO_PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void open_before_ready(SerialDriver *d)
{
    serial_until_added(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_READY, 0);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void opened_as_ready_is_said(SerialDriver *d)
{
    serial_until_added(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_READY, 1);
}

static void opened_again_as_ready(SerialDriver *d)
{
    opened_as_ready_is_said(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

/* That port, late; the next one, early: neither may be told to be closed. */
static void next_opened_early(SerialDriver *d)
{
    serial_until_replugged(d, SERIAL_CASE_CONSOLE);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void next_opened_twice_early(SerialDriver *d)
{
    next_opened_early(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void next_opened_again_as_ready(SerialDriver *d)
{
    next_opened_early(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_READY, 1);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void open_twice(SerialDriver *d)
{
    serial_until_open(d);
    serial_say(d, PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void open_close_open(SerialDriver *d)
{
    serial_until_open(d);
    serial_port_open(d, PORT, false);
    serial_port_open(d, PORT, true);
}

static void console_closed(SerialDriver *d)
{
    serial_until_console(d, SERIAL_CASE_CONSOLE);
    serial_say(d, SERIAL_CASE_CONSOLE, VIRTIO_CONSOLE_PORT_OPEN, 0);
}

/* The device has told that it is a console; nothing has been read of that. */
static void console_closed_early(SerialDriver *d)
{
    serial_until_added(d);
    serial_say(d, SERIAL_CASE_CONSOLE, VIRTIO_CONSOLE_PORT_READY, 1);
    serial_say(d, SERIAL_CASE_CONSOLE, VIRTIO_CONSOLE_PORT_OPEN, 0);
}

static void console_opened(SerialDriver *d)
{
    serial_until_console(d, SERIAL_CASE_CONSOLE);
    serial_say(d, SERIAL_CASE_CONSOLE, VIRTIO_CONSOLE_PORT_OPEN, 1);
    serial_say(d, SERIAL_CASE_CONSOLE, VIRTIO_CONSOLE_PORT_OPEN, 0);
}

static void write_early(SerialDriver *d)
{
    serial_until_running(d);
    serial_port_send(d, PORT, "x", 1);
}

static void write_to_no_port(SerialDriver *d)
{
    serial_until_added(d);
    serial_port_send(d, NO_PORT, "x", 1);
}

static void write_to_port(SerialDriver *d)
{
    serial_until_open(d);
    serial_port_write(d, PORT, "x", 1);
}

static const SerialCase cases[] = {
    SERIAL_CASE("no-reset-first", bits_without_reset, serial_until_driver),
    SERIAL_CASE("no-reset-first", bits_without_reset, serial_until_driver,
                .legacy = true),
    SERIAL_CASE("reset-not-awaited", reset_not_read, serial_until_driver),
    SERIAL_CASE("reset-not-awaited", reset_not_read_back, serial_until_driver),
    SERIAL_CASE("status-bit-cleared", bit_cleared, same_bits),
    SERIAL_CASE("status-unknown-bit", unknown_bit, same_bits),
    SERIAL_CASE("status-after-failed", bits_after_failed, reset_after_failed),
    SERIAL_CASE("driver-before-acknowledge", driver_first, both_at_once),
    SERIAL_CASE("driver-before-acknowledge", driver_first, both_at_once,
                .legacy = true),
    SERIAL_CASE("features-ok-before-driver", features_ok_without_driver,
                serial_until_features),
    SERIAL_CASE("driver-ok-before-driver", driver_ok_without_driver,
                serial_until_queues, .legacy = true),
    SERIAL_CASE("driver-ok-without-features-ok", driver_ok_without_features_ok,
                features_ok_read),
    SERIAL_CASE("features-ok-not-read", features_ok_not_read, features_ok_read),
    SERIAL_CASE("driver-ok-again", driver_ok_again, serial_until_running),
    SERIAL_CASE("driver-ok-again", driver_ok_again, serial_until_running,
                .legacy = true),
    SERIAL_CASE("features-not-read", features_not_read, all_that_is_offered),
    SERIAL_CASE("features-not-read", features_not_read, all_that_is_offered,
                .legacy = true),
    SERIAL_CASE("feature-not-offered", feature_not_offered,
                all_that_is_offered),
    SERIAL_CASE("features-before-driver", features_before_driver,
                all_that_is_offered),
    SERIAL_CASE("features-after-features-ok", features_after_features_ok,
                serial_until_features),
    SERIAL_CASE("version-1-refused", version_1_refused, serial_until_features),
    SERIAL_CASE("buffer-readable-in-receive", readable_in_receive,
                serial_until_added),
    SERIAL_CASE("buffer-writable-in-transmit", writable_in_transmit,
                serial_until_added),
    SERIAL_CASE("control-buffer-small", small_control_buffer,
                serial_until_added),
    SERIAL_CASE("legacy-kick-before-driver-ok", control_early,
                serial_until_added, .legacy = true),
    SERIAL_CASE("control-before-driver-ok", control_early, serial_until_added,
                .also = "kick-before-driver-ok"),
    SERIAL_CASE("control-short", short_message, long_message),
    SERIAL_CASE("control-wrong-direction", message_of_the_device,
                serial_until_added, .port = PORT),
    SERIAL_CASE("control-value", open_with_two, serial_until_open,
                .port = PORT),
    SERIAL_CASE("control-no-such-port", port_beyond_the_last,
                serial_until_added),
    SERIAL_CASE("control-before-device-ready", port_ready_early,
                serial_until_ready, .port = PORT, .new_ports = true),
    SERIAL_CASE("device-ready-twice", device_ready_twice, serial_until_added),
    SERIAL_CASE("device-ready-twice", device_ready_twice, serial_until_added,
                .legacy = true),
    SERIAL_CASE("port-ready-unasked", ready_of_no_port, serial_until_ready,
                .port = NO_PORT),
    SERIAL_CASE("port-ready-twice", ready_twice, serial_until_ready,
                .port = PORT),
    SERIAL_CASE("port-open-unasked", open_of_no_port, serial_until_open,
                .port = NO_PORT),
    SERIAL_CASE("port-open-before-ready", open_before_ready, serial_until_open,
                .port = PORT),
    SERIAL_CASE("port-open-before-ready", open_before_ready,
                opened_as_ready_is_said, .port = PORT),
    SERIAL_CASE("port-open-twice", open_twice, open_close_open, .port = PORT),
    SERIAL_CASE("port-open-twice", opened_again_as_ready,
                opened_as_ready_is_said, .port = PORT),
    SERIAL_CASE("port-open-twice", next_opened_twice_early, next_opened_early,
                .port = PORT),
    SERIAL_CASE("port-open-twice", next_opened_again_as_ready,
                next_opened_early, .port = PORT),
    SERIAL_CASE("console-port-not-opened", console_closed, console_opened,
                .port = SERIAL_CASE_CONSOLE),
    SERIAL_CASE("console-port-not-opened", console_closed, console_closed_early,
                .port = SERIAL_CASE_CONSOLE),
    SERIAL_CASE("transmit-before-device-ready", write_early, write_to_port,
                .port = PORT, .new_ports = true),
    SERIAL_CASE("transmit-unknown-port", write_to_no_port, write_to_port,
                .port = NO_PORT),
};

const SerialCase *serial_cases(size_t *nr)
{
    static GArray *all;

    if (!all) {
        size_t nr_pci;
        const SerialCase *pci = serial_cases_pci(&nr_pci);

        all = g_array_new(false, false, sizeof(SerialCase));
        g_array_append_vals(all, cases, G_N_ELEMENTS(cases));
        g_array_append_vals(all, pci, (guint)nr_pci);
    }
    *nr = all->len;
    return (const SerialCase *)(const void *)all->data;
}
