/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the multiport virtio console device consists of. */
#ifndef JUMPCUT_HW_VIRTIO_SERIAL_MQ_LAYOUT_H
#define JUMPCUT_HW_VIRTIO_SERIAL_MQ_LAYOUT_H

#include "hw/virtio/provoke.h"
#include "hw/virtio/serial-mq-info.h"

/*
 * Chains one entry serves at most.  A driver can add buffers as fast as they
 * are used; the rest is served from the work timer.
 */
#define SERIAL_MQ_BUDGET 512
/* Chains a ring has at most, whatever size the driver gave it. */
#define SERIAL_MQ_RING_MAX 1024
/*
 * Bytes a back end may send at once, and so what is kept at most of a port's
 * input that found no buffer.
 */
#define SERIAL_MQ_KEPT_MAX 4096u

typedef struct SerialMqPort {
    unsigned nr;
    bool present, console;
    bool connected, cut;        /* the host's end; a provocation hides it */
    bool host_open, guest_open; /* connected and not cut */
    bool told_open;             /* what the driver heard last of host_open */
    bool guest_ready;           /* PORT_READY came since the last reset */
    bool throttled, blocked;
    bool bounded;     /* its output waits for the next span of time */
    bool woken;       /* serial_mq_port_writable() came since output began */
    bool serving;     /* its output is being served, further up the stack */
    bool starved;     /* port_accept() is owed */
    bool filling;     /* input goes into its ring, further up the stack */
    bool untold;      /* the driver is to hear of its used output */
    bool refills;     /* a timer will look at its receive queue */
    bool kickless;    /* the driver need not notify of receive buffers */
    size_t room;      /* at least that much is in the receive queue; 0: look */
    GByteArray *kept; /* input that found no buffer; NULL: none */
    uint16_t cols, rows;
    char *name;
    /* The chain whose output the back end has taken in part. */
    SerialMqChain *chain;
    unsigned iov;
    size_t off;
    bool awaits;   /* a chain that serial_mq_load_chain() has yet to bring */
    uint64_t turn; /* counts chains that left the hand */
    uint64_t out_bytes, in_bytes, out_chains, in_chains;
    uint64_t discarded, interrupts, blocks;
} SerialMqPort;

/* A control message that waits for a buffer. */
typedef struct SerialMqMessage {
    uint32_t port;
    uint16_t event, value;
    uint16_t cols, rows; /* of RESIZE */
    char *name;          /* of PORT_NAME */
} SerialMqMessage;

/* A completion that is held back. */
typedef struct SerialMqHeld {
    unsigned queue;
    size_t written;
    SerialMqChain *chain; /* NULL: loaded, but not given back yet */
} SerialMqHeld;

struct SerialMq {
    SerialMqConfig cfg;
    Host *host;
    const SerialMqOps *ops;
    void *t;
    OrderingJudge *judge;
    Provoker *provoker; /* NULL: nothing provokes the driver */
    bool hushed;        /* control messages to the driver wait, so one wants */
    SerialMqPort **ports; /* max_ports; a slot, once made, stays */
    unsigned nr_ports;
    uint8_t status;
    uint64_t features;
    bool talking; /* a control message came since the last reset */
    bool device_ready;
    bool refused;
    bool legacy; /* the interface the driver used last; the judge sees it */
    bool resetting, reset_by_driver; /* serial_mq_reset_done() is to come */
    GQueue waiting;                  /* of SerialMqMessage */
    bool delivering;
    GQueue held;          /* of SerialMqHeld */
    GList *next_held;     /* the first whose chain is yet to come */
    uint64_t taken_held;  /* how many were released or dropped so far */
    uint8_t *hold, *work; /* bits: by queue */
    unsigned nr_hold;
    HostTimer *timer;
    /* Output of all ports in a span of time; see serial_mq_bound_output() */
    uint64_t output_max, span_bytes; /* 0: as much as there is */
    int64_t span;
    HostTimer *span_timer;
    HostTimer *moderator; /* NULL: it hears of used output at once */
    bool moderates;       /* it is armed */
    HostTimer *refiller;  /* NULL: it notifies of each receive buffer */
    bool refills;         /* it is armed */
    unsigned filled;      /* receive chains used since it last looked */
    unsigned fill_first;  /* so many are to be before it is armed */
    unsigned fill_next;   /* and after the next look in vain */
    bool loaded;          /* the host's ends are to be compared after a load */
    uint64_t control_received, control_sent, control_ignored, control_lost;
    uint64_t interrupts, resets;
};

/* NULL: there is no such port. */
static inline SerialMqPort *serial_mq_port(const SerialMq *s, unsigned port)
{
    SerialMqPort *p = port < s->cfg.max_ports ? s->ports[port] : NULL;

    return p && p->present ? p : NULL;
}

static inline unsigned serial_mq_in_queue(unsigned port)
{
    return port == 0 ? 0 : 2 * port + 2;
}

/* Of a queue that is no control queue. */
static inline unsigned serial_mq_queue_port(unsigned queue)
{
    return queue < SERIAL_MQ_CONTROL_IN ? 0 : queue / 2 - 1;
}

static inline bool serial_mq_bit(const uint8_t *bits, unsigned nr)
{
    return bits[nr / 8] & (1u << nr % 8);
}

static inline void serial_mq_set_bit(uint8_t *bits, unsigned nr, bool on)
{
    bits[nr / 8] = (bits[nr / 8] & ~(1u << nr % 8)) | on << nr % 8;
}

#endif
