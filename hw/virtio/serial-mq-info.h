/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the multiport device tells of itself, and its migration state.
 */
#ifndef JUMPCUT_HW_VIRTIO_SERIAL_MQ_INFO_H
#define JUMPCUT_HW_VIRTIO_SERIAL_MQ_INFO_H

#include "hw/state.h"
#include "hw/virtio/provoke.h"
#include "hw/virtio/serial-mq.h"

/* Counters count from the device's making, through resets. */
typedef struct SerialMqPortInfo {
    const char *name; /* the device's; NULL: none */
    bool console, guest_open, guest_ready;
    bool connected; /* the host's end, as serial_mq_port_host_open() had it */
    bool host_open; /* as the driver hears: not while a provocation cuts it */
    bool throttled; /* by serial_mq_port_throttle() */
    bool blocked;   /* the back end took less than there was */
    uint16_t cols, rows;
    size_t kept; /* bytes for the guest that have found no buffer yet */
    uint64_t out_bytes, in_bytes;   /* from and to the guest */
    uint64_t out_chains, in_chains; /* used, discarded ones included */
    uint64_t discarded;             /* chains nobody took, or not wholly */
    uint64_t interrupts;            /* asked for on its two queues */
    uint64_t blocks;                /* times it became blocked */
} SerialMqPortInfo;

typedef struct SerialMqInfo {
    SerialMqOrdering ordering;
    unsigned max_ports, nr_ports;
    uint8_t status;
    uint64_t features; /* what the driver accepted */
    bool device_ready; /* DEVICE_READY came since the last reset */
    bool refused;      /* a broken rule was enforced; a reset ends it */
    bool legacy;       /* the driver used the legacy interface last */
    uint64_t control_received, control_sent;
    uint64_t control_ignored; /* received: too short, unknown port or event */
    uint64_t control_lost;    /* to the driver: there was no buffer */
    unsigned control_waiting; /* to the driver: for a buffer */
    unsigned chains_held;     /* by serial_mq_hold() */
    uint64_t interrupts, resets;
} SerialMqInfo;

void serial_mq_info(const SerialMq *s, SerialMqInfo *info);
/* @return: false: there is no such port */
bool serial_mq_port_info(const SerialMq *s, unsigned port,
                         SerialMqPortInfo *info);

/*
 * Completions of @queue are held back, in order, while @on; then they are
 * given back, the last first if @reverse, with one interrupt.
 */
void serial_mq_hold(SerialMq *s, unsigned queue, bool on, bool reverse);

/*
 * Provocations, several with ';' between them; see provoke.h.  Of several that
 * are well formed those before one that cannot be now are there.
 */
bool serial_mq_provoke(SerialMq *s, const char *text, GError **error);
/* Would it be well formed for a device of @max_ports? */
bool serial_mq_provoke_check(const char *text, unsigned max_ports,
                             GError **error);
unsigned serial_mq_nr_provocations(const SerialMq *s);
void serial_mq_provocation(const SerialMq *s, unsigned i, ProvokeInfo *info);

/*
 * Migration.  The ports of both sides are the same, else the state is refused.
 * The transport saves the chains in flight beside it, in the order of
 * serial_mq_chains(), and after a good load gives each back, in that order,
 * with serial_mq_load_chain().
 */
typedef void SerialMqChainFn(void *opaque, unsigned queue, SerialMqChain *c);
void serial_mq_save(const SerialMq *s, StateWriter *w);
/*
 * If @r failed, then or before, judge and provocations are as new and nothing
 * else changes.
 */
void serial_mq_load(SerialMq *s, StateReader *r);
unsigned serial_mq_nr_chains(const SerialMq *s);
void serial_mq_chains(const SerialMq *s, SerialMqChainFn *fn, void *opaque);
/*
 * The chains serial_mq_load() expects: @return: the queue of the next one;
 * SERIAL_MQ_NO_QUEUE: it has all.
 */
#define SERIAL_MQ_NO_QUEUE UINT32_MAX
unsigned serial_mq_next_chain(const SerialMq *s);
/* @return: false, and @c stays the caller's, if it is not the one expected. */
bool serial_mq_load_chain(SerialMq *s, SerialMqChain *c);

/*
 * From now on the driver of a port that is no console hears of its used output
 * up to a millisecond late, and one that has much to read need not notify of
 * the buffers it gives back; not where runs are to be the same again.
 */
void serial_mq_moderate(SerialMq *s);
/* The machine stands: nothing is late, and every buffer is notified of. */
void serial_mq_settle(SerialMq *s);

/* While recording, when all that happens comes from the guest and the trace */

/*
 * All ports' output together is at most @bytes, not 0, in each
 * SERIAL_MQ_SPAN_NS of virtual time from a multiple of it on.  It depends on
 * the guest alone when the rest comes, not on back ends.
 */
#define SERIAL_MQ_SPAN_NS 1000000
void serial_mq_bound_output(SerialMq *s, uint64_t bytes);
/* As serial_mq_port_room(), all there is now: nothing said before counts. */
size_t serial_mq_port_room_now(SerialMq *s, unsigned port);

#endif
