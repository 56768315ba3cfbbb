/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of a driver for the console device (virtio 1.3, 5.3): each step of
 * its own, so that a payload takes them in the order that it is about.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_VIRTIO_SERIAL_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_VIRTIO_SERIAL_H

#include <linux/virtio_console.h>

#include "tests/payload/lib/virtqueue.h"

#define SERIAL_PORTS_MAX   32u
#define SERIAL_NAME_MAX    32u
#define SERIAL_BUFFERS     4u /* that a port's in-queue is filled with */
#define SERIAL_BUFFER_SIZE 512u
#define SERIAL_QUEUE_MAX   32u /* descriptors of a queue */
#define SERIAL_FEATURE(f)  (1ull << VIRTIO_CONSOLE_F_##f)
#define SERIAL_NO_PORT     0xffffffffu /* of messages about the device */

/* Enough for all queues and buffers, by the legacy interface, too. */
#define SERIAL_MEMORY (4u << 20)

typedef struct SerialPort {
    bool added, console, host_open;
    char name[SERIAL_NAME_MAX];
    VirtQueue in, out;
    uint8_t *buffer; /* that is being read, of @filled bytes, from @at on */
    uint32_t at, filled;
} SerialPort;

typedef struct SerialDriver SerialDriver;

/*
 * A message about a port that there may be; @name is what stands behind it,
 * @len bytes.
 */
typedef void SerialSeen(SerialDriver *s,
                        const struct virtio_console_control *message,
                        const char *name, size_t len);

struct SerialDriver {
    VirtioDevice dev;
    uint64_t features; /* those taken */
    bool multiport;
    unsigned max_ports;
    VirtQueue control_in, control_out;
    struct virtio_console_control *messages; /* those that are sent */
    SerialPort ports[SERIAL_PORTS_MAX];
    SerialSeen *seen; /* behind what the driver itself does of it */
};

/*
 * What "a long time" is below.  A device that answers before a kick returns
 * needs few; the one of a loaded host's main thread many.
 */
extern unsigned serial_wait_rounds;

/* Queues of a port, and of control messages. */
unsigned serial_in_queue(unsigned port);
unsigned serial_out_queue(unsigned port);
#define SERIAL_CONTROL_IN  2u
#define SERIAL_CONTROL_OUT 3u

/* Finds the @nth device, resets it, and tells it that there is a driver. */
bool serial_find(SerialDriver *s, unsigned nth, bool legacy);
/*
 * Takes those of @wanted that there are, VIRTIO_F_VERSION_1 with them where
 * the interface is modern, and reads how many ports there may be.
 */
bool serial_negotiate(SerialDriver *s, uint64_t wanted);
/* A queue's MSI-X vector: the queue's number and one, of those that exist. */
typedef uint16_t SerialVector(unsigned queue);
/* Makes and enables all queues; @vector may be NULL: none have one. */
bool serial_init_queues(SerialDriver *s, SerialVector *vector);
void serial_driver_ok(const SerialDriver *s);

/* Puts buffers into the control queue; the device is told if @kick. */
void serial_fill_control(SerialDriver *s, bool kick);
/* Puts buffers into the in-queue of a port. */
void serial_fill_port(SerialDriver *s, unsigned port, bool kick);

/*
 * Sends a message; the second waits until the device has taken all.  False:
 * the device does not take what it has, in a long time.
 */
bool serial_post(SerialDriver *s, uint32_t port, unsigned event,
                 unsigned value);
bool serial_send(SerialDriver *s, uint32_t port, unsigned event,
                 unsigned value);
/*
 * Takes the control messages that have come, notes what they say of the ports
 * and calls @seen for each; @return: how many there were.
 */
unsigned serial_take_control(SerialDriver *s);
/* Does so until *@flag, which they change; false: not in a long time. */
bool serial_wait(SerialDriver *s, const bool *flag);

/* Bytes to the host; false: the device does not take them in a long time. */
bool serial_write(SerialDriver *s, unsigned port, const void *data,
                  uint32_t len);
/* What has come for a port, up to @len bytes. */
uint32_t serial_read(SerialDriver *s, unsigned port, void *data, uint32_t len);

#endif
