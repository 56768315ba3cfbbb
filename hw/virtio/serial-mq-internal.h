/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the multiport virtio console device do for each other. */
#ifndef JUMPCUT_HW_VIRTIO_SERIAL_MQ_INTERNAL_H
#define JUMPCUT_HW_VIRTIO_SERIAL_MQ_INTERNAL_H

#include "hw/virtio/serial-mq-layout.h"
#include "hw/virtio/serial-mq-port.h"

static inline void serial_mq_trace(SerialMq *s, HostTraceEvent event,
                                   uint64_t a, uint64_t b, uint64_t c,
                                   uint64_t d)
{
    s->host->ops->trace(s->host, event, a, b, c, d);
}

/* Shows the judge, if there is one, what happened. */
void serial_mq_see(SerialMq *s, OrderingEventKind kind, unsigned queue,
                   unsigned port, uint64_t value, uint64_t old);
void serial_mq_see_chain(SerialMq *s, unsigned queue, const SerialMqChain *c);
/* Are queues served now? */
bool serial_mq_serves(const SerialMq *s);
bool serial_mq_multiport(const SerialMq *s);
/* @c of @queue is used, unless completions of that queue are held back. */
void serial_mq_complete(SerialMq *s, unsigned queue, SerialMqChain *c,
                        size_t written);
void serial_mq_interrupt(SerialMq *s, unsigned queue);
/* Serve @queue again from the work timer. */
void serial_mq_again(SerialMq *s, unsigned queue);
/* Held completions of @queue, or of all with SERIAL_MQ_NO_QUEUE, are dropped.
 */
void serial_mq_drop_held(SerialMq *s, unsigned queue);

/* serial-mq-control.c: a message for the driver */
void serial_mq_tell(SerialMq *s, unsigned port, uint16_t event, uint16_t value);
/* Messages that wait get the buffers there are. */
void serial_mq_deliver(SerialMq *s);
/* What a control message of the driver's brings about. */
void serial_mq_hear(SerialMq *s, uint32_t port, uint16_t event, uint16_t value);
/* Serves the queue of the driver's messages. */
void serial_mq_control(SerialMq *s);
/* How many messages may wait for buffers. */
unsigned serial_mq_waiting_max(const SerialMq *s);
void serial_mq_free_messages(GQueue *messages);
/* Tells the driver of the host's end of @p, if it has to hear of it now. */
void serial_mq_tell_open(SerialMq *s, SerialMqPort *p);

/* serial-mq-port.c: while @cut the host's end of @port is not there */
void serial_mq_port_cut(SerialMq *s, unsigned port, bool cut);

/* serial-mq-input.c: buffers were added to the receive queue of port @port */
void serial_mq_input_added(SerialMq *s, unsigned port);
/* If both ends are open, the driver gets input now, what was kept first. */
void serial_mq_accept(SerialMq *s, SerialMqPort *p);
/* serial-mq-refill.c: the ring of @p is empty. @return: bytes in it after all
 */
size_t serial_mq_starved(SerialMq *s, SerialMqPort *p);
void serial_mq_moderate_refills(SerialMq *s);
/* From now on the driver of @p, or of each port, notifies again. */
void serial_mq_settle_refill(SerialMq *s, SerialMqPort *p);
void serial_mq_settle_refills(SerialMq *s);
/* As the transport does: the receive queue of @p, or of each, was reset. */
void serial_mq_forget_refill(SerialMqPort *p);
void serial_mq_forget_refills(SerialMq *s);
/* serial-mq-input.c: the host's end of @p has gone. */
void serial_mq_drop_kept(SerialMqPort *p);
/* @return: bytes of @buf that went into @c */
size_t serial_mq_fill(const SerialMqChain *c, const uint8_t *buf, size_t len);

/* serial-mq-data.c: serves the transmit queue of port @port */
void serial_mq_output(SerialMq *s, unsigned port);
/* A span of time is over. */
void serial_mq_span_over(void *opaque);
/* serial-mq-moderate.c: the driver hears that output was used, or will. */
void serial_mq_output_used(SerialMq *s, SerialMqPort *p);

/* serial-mq-data.c: what nobody took of @p is used, or detached. */
void serial_mq_discard(SerialMq *s, SerialMqPort *p);
void serial_mq_detach_output(SerialMq *s, SerialMqPort *p);
void serial_mq_guest_open(SerialMq *s, SerialMqPort *p, bool open);
/* Bytes the driver wrote into @c. */
uint64_t serial_mq_out_size(const SerialMqChain *c);
/* Has the driver to hear of the size of @p with a control message? */
bool serial_mq_has_size(const SerialMq *s, const SerialMqPort *p);

#endif
