/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multiport virtio console device (virtio 1.3, 5.3) without its transport:
 * what its driver does, and what its transport and back ends do for it; its
 * ports are in serial-mq-port.h.
 *
 * Queues: 0 and 1 are port 0's receive and transmit queue, 2 and 3 the
 * device's control queues, 2n + 2 and 2n + 3 those of port n from 1 on.
 * Every entry runs with QEMU's big lock held.  Operations may call back into
 * entries of ports; serial_mq_free() may not be called from one.
 */
#ifndef JUMPCUT_HW_VIRTIO_SERIAL_MQ_H
#define JUMPCUT_HW_VIRTIO_SERIAL_MQ_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hw/host.h"
#include "hw/virtio/ordering.h"

#define SERIAL_MQ_MAX_PORTS   511 /* 1024 queues, two of them for control */
#define SERIAL_MQ_NAME_MAX    255 /* bytes of a port's name */
#define SERIAL_MQ_CONTROL_IN  2
#define SERIAL_MQ_CONTROL_OUT 3
#define SERIAL_MQ_NO_PORT     UINT32_MAX

/* A descriptor chain the device took; the transport embeds it in its own. */
typedef struct SerialMqChain {
    struct iovec *out, *in; /* what the driver wrote; room for the device */
    unsigned out_num, in_num;
} SerialMqChain;

/* The transport and the back ends; the first argument is theirs. */
typedef struct SerialMqOps {
    /* The next chain of @queue; NULL: none, or the queue is not set up. */
    SerialMqChain *(*pop)(void *t, unsigned queue);
    /* @c is used, @written bytes are in it; freed, no interrupt. */
    void (*push)(void *t, unsigned queue, SerialMqChain *c, size_t written);
    /* @c is dropped, as its queue is about to be forgotten; freed. */
    void (*detach)(void *t, unsigned queue, SerialMqChain *c);
    /* Bytes the device may write to @queue now; need not count past @max. */
    size_t (*room)(void *t, unsigned queue, size_t max);
    /* Does the device want to hear of more buffers?  Only saves kicks. */
    void (*notification)(void *t, unsigned queue, bool on);
    void (*interrupt)(void *t, unsigned queue);
    /* As interrupt(), whether the driver wants one or not. */
    void (*interrupt_anyway)(void *t, unsigned queue);
    void (*config_changed)(void *t);
    /* DEVICE_NEEDS_RESET, and no queue is served until the reset. */
    void (*needs_reset)(void *t, const char *why);
    /*
     * Bytes the back end of @port takes; after fewer than @len it calls
     * serial_mq_port_writable() once it takes more.
     */
    size_t (*port_output)(void *t, unsigned port, const uint8_t *buf,
                          size_t len);
    void (*port_guest_open)(void *t, unsigned port, bool open);
    /* There is room for input again: see serial_mq_port_room(). */
    void (*port_accept)(void *t, unsigned port);
    /* Has @port a back end?  After a load its word counts, not the state's. */
    bool (*port_knows_host)(void *t, unsigned port);
    void (*violation)(void *t, const OrderingViolation *v);
    /* A provocation wants @port gone; not from inside this call. */
    void (*port_unplug)(void *t, unsigned port);
} SerialMqOps;

typedef enum SerialMqOrdering {
    SERIAL_MQ_OBSERVE, /* as lenient as stock, and the judge is told */
    SERIAL_MQ_ENFORCE, /* broken rules of the kind MUST: NEEDS_RESET */
    SERIAL_MQ_STOCK,   /* as virtio-serial-pci; nothing is judged */
} SerialMqOrdering;

typedef struct SerialMqConfig {
    unsigned max_ports; /* 1 to SERIAL_MQ_MAX_PORTS */
    bool emerg_write;   /* offer VIRTIO_CONSOLE_F_EMERG_WRITE */
    bool size;          /* offer VIRTIO_CONSOLE_F_SIZE */
    SerialMqOrdering ordering;
} SerialMqConfig;

typedef struct SerialMq SerialMq;

/* @cfg is copied; @host and @ops outlive the device. */
SerialMq *serial_mq_new(const SerialMqConfig *cfg, Host *host,
                        const SerialMqOps *ops, void *t);
/* Chains the device holds are detached. */
void serial_mq_free(SerialMq *s);

unsigned serial_mq_nr_queues(const SerialMq *s);
/* Feature bits of the device itself, below bit 24. */
uint64_t serial_mq_offered(const SerialMq *s);
/* NULL with SERIAL_MQ_STOCK. */
OrderingJudge *serial_mq_judge(SerialMq *s);

/*
 * What the driver does, reported and acted on; values are its own, unchecked,
 * @taken what the transport made of them.  serial_mq_reset(): 0 written to the
 * status, or a reset of the machine (serial_mq_wakes(): a wakeup's), before the
 * transport forgets its queues, _reset_done() after; _interface(): before all.
 */
void serial_mq_status(SerialMq *s, uint8_t old, uint8_t written, uint8_t taken);
void serial_mq_status_read(SerialMq *s, uint8_t status);
void serial_mq_reset(SerialMq *s, bool by_driver);
void serial_mq_reset_done(SerialMq *s);
void serial_mq_wakes(SerialMq *s);
void serial_mq_interface(SerialMq *s, bool legacy);
void serial_mq_features(SerialMq *s, uint64_t accepted, uint64_t offered,
                        uint64_t taken);
void serial_mq_queue_set(SerialMq *s, unsigned queue, OrderingQueueField field,
                         uint64_t value);
void serial_mq_queue_enable(SerialMq *s, unsigned queue, uint64_t value);
/* One queue is reset (VIRTIO_F_RING_RESET): before its ring is forgotten. */
void serial_mq_queue_reset(SerialMq *s, unsigned queue);
void serial_mq_notified(SerialMq *s, unsigned queue);
/* Little endian.  @return: bytes of it put into @buf, at most @len. */
size_t serial_mq_config(const SerialMq *s, uint8_t *buf, size_t len);
void serial_mq_config_read(SerialMq *s, unsigned offset, unsigned size);
/* Of its fields only emerg_wr is the driver's to write. */
void serial_mq_config_write(SerialMq *s, unsigned offset, uint32_t value,
                            unsigned size);

#endif
