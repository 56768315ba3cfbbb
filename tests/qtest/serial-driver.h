/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver of virtio's console device (virtio 1.3, 5.3) for qtest suites, in
 * steps: serial_start() takes all of them in the specification's order, a test
 * of a wrong order takes them itself.
 */
#ifndef JUMPCUT_TESTS_SERIAL_DRIVER_H
#define JUMPCUT_TESTS_SERIAL_DRIVER_H

#include "tests/qtest/virtqueue.h"

#include <linux/virtio_console.h>

#define SERIAL_PORTS_MAX 511
/* Size of each buffer that the driver offers for input. */
#define SERIAL_CONTROL_BUFFER 128
#define SERIAL_PORT_BUFFER    4096
/* How many buffers of a port's input queue the driver fills. */
#define SERIAL_PORT_BUFFERS 4

typedef struct SerialOptions {
    bool legacy, msix;
    /* Features to accept, of those offered; 0: all that a driver of split
     * queues without extras wants. */
    uint64_t features;
    unsigned ports; /* set up queues of so many; 0: all there may be */
} SerialOptions;

/* What a control message says; what follows it, as PORT_NAME's name. */
typedef struct SerialControl {
    uint32_t port;
    uint16_t event, value;
    char name[SERIAL_CONTROL_BUFFER];
} SerialControl;

typedef struct SerialDriver {
    VirtioPci v;
    uint64_t features;    /* accepted */
    unsigned nr_ports;    /* with queues */
    uint64_t control_gpa; /* a page for what is sent */
    Virtqueue control_in, control_out;
    struct {
        Virtqueue in, out;
        uint64_t out_gpa; /* the same of the port, once it has sent */
    } port[SERIAL_PORTS_MAX];
} SerialDriver;

/* Find the first such device; no step of a driver's is taken. */
SerialDriver *serial_find(Qtest *q, const SerialOptions *options);
void serial_free(SerialDriver *d);

/* Reset, ACKNOWLEDGE, DRIVER. */
void serial_acknowledge(SerialDriver *d);
/* Features, then FEATURES_OK with modern registers; the bit must stick. */
void serial_negotiate(SerialDriver *d, const SerialOptions *options);
/* Vectors and queues, all empty. */
void serial_set_up_queues(SerialDriver *d, const SerialOptions *options);
/* DRIVER_OK. */
void serial_driver_ok(SerialDriver *d);
/* Offer every buffer of the control input queue; notify. */
void serial_fill_control(SerialDriver *d);
/* The above in their order, then DEVICE_READY if there is a control queue. */
SerialDriver *serial_start(Qtest *q, const SerialOptions *options);

/* Send a control message, any bytes as one; comes back once it is consumed. */
void serial_control(SerialDriver *d, uint32_t port, uint16_t event,
                    uint16_t value);
void serial_control_bytes(SerialDriver *d, const void *bytes, size_t len);
/* The same without waiting for the device. */
void serial_control_send(SerialDriver *d, const void *bytes, size_t len);
/* The next control message from the device; its buffer is offered again. */
bool serial_take_control(SerialDriver *d, SerialControl *msg);
SerialControl serial_wait_control(SerialDriver *d);
/* The next message must be this one. */
void serial_expect(SerialDriver *d, uint32_t port, uint16_t event,
                   uint16_t value);
/* There must be none. */
void serial_expect_none(SerialDriver *d);

/*
 * PORT_READY, then what the device answers: @console, a @name (NULL: none),
 * and whether the host is @connected.
 */
void serial_port_ready(SerialDriver *d, unsigned port, bool console,
                       const char *name, bool connected);
/* Offer input buffers; PORT_OPEN. */
void serial_port_fill(SerialDriver *d, unsigned port);
void serial_port_open(SerialDriver *d, unsigned port, bool open);
/* Send @len bytes, a page at most, in one buffer; does not wait.  What was
 * sent before and is not consumed yet has these bytes, too. */
void serial_port_send(SerialDriver *d, unsigned port, const void *bytes,
                      size_t len);
/* The same; comes back once they are consumed. */
void serial_port_write(SerialDriver *d, unsigned port, const void *bytes,
                       size_t len);
/* Read exactly @len bytes; buffers are offered again. */
void serial_port_read(SerialDriver *d, unsigned port, void *bytes, size_t len);

#endif
