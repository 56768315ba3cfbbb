/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A multiport console device on a fake transport: queues are lists of chains,
 * back ends take what the test lets them take, and everything is recorded.
 *
 * mq_free() fails the test if a chain is neither used, detached nor unread.
 */
#ifndef JUMPCUT_TESTS_UNIT_SERIAL_MQ_GUEST_H
#define JUMPCUT_TESTS_UNIT_SERIAL_MQ_GUEST_H

#include <glib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>

#include "hw/virtio/serial-mq-info.h"
#include "hw/virtio/serial-mq-port.h"
#include "tests/unit/fake-host.h"

#define MQ_MAX_PORTS 8 /* of a device made by mq_new() */
#define MQ_OK                                               \
    (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
     VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)
#define MQ_IN(port)  ((port) == 0 ? 0u : 2u * (port) + 2)
#define MQ_OUT(port) (MQ_IN(port) + 1)

/* What the device told a back end or the transport, in order, as text. */
typedef struct MqGuest {
    FakeHost *fake;
    SerialMq *s;
    GQueue *queues; /* chains the device has not taken, by queue */
    GQueue *used;   /* chains that came back, by queue */
    unsigned nr_queues;
    unsigned *interrupts; /* by queue */
    bool *quiet;          /* by queue: no notification wanted */
    bool *once;           /* by queue: one, and no more */
    bool packed;          /* rings are: notification() asks for one */
    GString **output;     /* by port */
    size_t *takes;        /* by port: what its back end takes still */
    GString *log;         /* "open 1", "close 1", "accept 1", "needs-reset R" */
    unsigned alive;       /* chains the device has */
    unsigned detached, config_changes, violations;
    unsigned no_backends; /* bits: ports that have none */
    unsigned fault_in;    /* the n-th fallible operation from now fails */
    bool fault_fired;
    /* Called once, from inside the next port_output(). */
    void (*inside)(struct MqGuest *g, unsigned port);
    /* Likewise, from inside the next push(). */
    void (*inside_push)(struct MqGuest *g, unsigned queue);
    /* Likewise, from inside the next notification(), before it has effect. */
    void (*inside_notification)(struct MqGuest *g, unsigned queue);
} MqGuest;

MqGuest *mq_new(SerialMqOrdering ordering);
MqGuest *mq_new_config(const SerialMqConfig *cfg);
void mq_free(MqGuest *g);

/* Without serial_mq_reset_done(); the transport wants notifications again. */
void mq_reset(MqGuest *g, bool by_driver);
/* As a driver does: reset, features, queues, DRIVER_OK. */
void mq_start(MqGuest *g, uint64_t features);
/*
 * As Linux does: mq_start() with all features, buffers for control messages,
 * DEVICE_READY; then each port there is gets PORT_READY, PORT_OPEN and @bufs
 * buffers of 4096 bytes.  What it was told is forgotten.
 */
void mq_start_linux(MqGuest *g, unsigned bufs);
/*
 * A device with console 0, port 1 "org.a" and port 5, the host at all of them,
 * that has been started so.
 */
MqGuest *mq_linux_up(SerialMqOrdering ordering, unsigned bufs);
/* The host sends @text to @port. @return: bytes taken */
size_t mq_receive(MqGuest *g, unsigned port, const char *text);

/* Adds a chain: @out_num readable and @in_num writable parts of @len bytes. */
void mq_add(MqGuest *g, unsigned queue, const void *out, size_t len);
void mq_add_parts(MqGuest *g, unsigned queue, const size_t *out,
                  unsigned out_num, const size_t *in, unsigned in_num);
void mq_add_in(MqGuest *g, unsigned queue, size_t len);
/* If the device wants to hear of it. */
void mq_kick(MqGuest *g, unsigned queue);
/* Likewise, or not. */
void mq_kick_anyway(MqGuest *g, unsigned queue);
/* What was added to @queue and not taken is gone. */
void mq_forget(MqGuest *g, unsigned queue);
void mq_say(MqGuest *g, uint32_t port, uint16_t event, uint16_t value);
/* Writes @text to @port and kicks. */
void mq_print(MqGuest *g, unsigned port, const char *text);

/* What the next chain that came back on @queue brought; NULL: none has. */
GString *mq_used_bytes(MqGuest *g, unsigned queue);
/*
 * The next chain that came back on @queue as text, the newest call's: the
 * bytes it brought, or NULL.
 */
const char *mq_used_text(MqGuest *g, unsigned queue);
unsigned mq_nr_used(const MqGuest *g, unsigned queue);
/*
 * Control messages that came back since the last call, as in
 * "add:1=1 name:1=1(org.a) open:1=1"; good until the next call.
 */
const char *mq_told(MqGuest *g);
/* The log since the last call; good until the next one. */
const char *mq_log(MqGuest *g);

SerialMqInfo mq_info(MqGuest *g);
SerialMqPortInfo mq_port(MqGuest *g, unsigned port);

/* Migration state with its chains moved to @to, of the same configuration. */
bool mq_migrate(MqGuest *from, MqGuest *to, GError **error);
/* A test for each SerialMqOrdering, which is its data: "PATH/observe". */
void mq_add_modes(const char *path, GTestDataFunc fn);
GByteArray *mq_save(MqGuest *g);
bool mq_load(MqGuest *g, const GByteArray *state, GError **error);

/* The n-th pop or port_output() from now finds nothing; see fake-host.h. */
void mq_fail_nth(MqGuest *g, unsigned n);

#endif
