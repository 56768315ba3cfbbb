/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completions that are held back, and the migration state of the multiport
 * virtio console device.
 */
#include "hw/virtio/serial-mq-provoke.h"

#include <string.h>

enum {
    TAG_DEVICE = 0x0c01,
    TAG_FEATURES,
    TAG_NR_PORTS,
    TAG_PORT,
    TAG_PORT_FLAGS,
    TAG_PORT_SIZE,
    TAG_PORT_COUNTERS,
    TAG_PORT_IOV,
    TAG_PORT_OFFSET,
    TAG_NR_WAITING,
    TAG_MESSAGE,
    TAG_MESSAGE_NAME,
    TAG_HOLD,
    TAG_NR_HELD,
    TAG_HELD_QUEUE,
    TAG_HELD_WRITTEN,
    TAG_WORK,
    TAG_COUNTERS,
    TAG_JUDGED,
    TAG_PROVOKED,
    TAG_SPAN,
    TAG_PORT_KEPT,
};

/* In TAG_PORT_FLAGS and TAG_DEVICE. */
#define PORT_CONSOLE   (1u << 0)
#define PORT_HOST      (1u << 1)
#define PORT_GUEST     (1u << 2)
#define PORT_READY     (1u << 3)
#define PORT_THROTTLED (1u << 4)
#define PORT_CHAIN     (1u << 5)
#define PORT_CONNECTED (1u << 6)
#define PORT_CUT       (1u << 7)
#define PORT_FLAGS     0xff
#define DEVICE_STATUS  0xffu
#define DEVICE_TALKING (1u << 8)
#define DEVICE_READY   (1u << 9)
#define DEVICE_REFUSED (1u << 10)
#define DEVICE_HUSHED  (1u << 11)
#define DEVICE_LEGACY  (1u << 12)
#define DEVICE_FLAGS   0x1fff

/* Of a port, in the stream's order. */
#define PORT_COUNTERS(p)                                                    \
    {                                                                       \
        &(p)->out_bytes, &(p)->in_bytes, &(p)->out_chains, &(p)->in_chains, \
            &(p)->discarded, &(p)->interrupts, &(p)->blocks                 \
    }
#define DEVICE_COUNTERS(s)                                                 \
    {                                                                      \
        &(s)->control_received, &(s)->control_sent, &(s)->control_ignored, \
            &(s)->control_lost, &(s)->interrupts, &(s)->resets             \
    }

/* What was read, before any of it is taken over; fields as in SerialMq. */
typedef struct Loaded {
    uint32_t device;
    uint64_t features;
    GArray *ports;  /* of SerialMqPort */
    GQueue waiting; /* of SerialMqMessage */
    GQueue held;    /* of SerialMqHeld */
    uint8_t *hold, *work;
    uint64_t control_received, control_sent, control_ignored, control_lost;
    uint64_t interrupts, resets;
    int64_t span;
    uint64_t span_bytes;
} Loaded;

static size_t bits_len(const SerialMq *s)
{
    return (serial_mq_nr_queues(s) + 7) / 8;
}

void serial_mq_complete(SerialMq *s, unsigned queue, SerialMqChain *c,
                        size_t written)
{
    serial_mq_happens(s, PROVOKE_PUSH, queue);
    if (s->nr_hold && serial_mq_bit(s->hold, queue)) {
        SerialMqHeld *h = g_new(SerialMqHeld, 1);

        *h = (SerialMqHeld){queue, written, c};
        g_queue_push_tail(&s->held, h);
    } else {
        s->ops->push(s->t, queue, c, written);
    }
}

/* @link of the completions held is none any more. @return: what it was */
static SerialMqHeld take_held(SerialMq *s, GList *link)
{
    SerialMqHeld h = *(SerialMqHeld *)link->data;

    if (s->next_held == link) {
        s->next_held = link->next;
    }
    g_free(link->data);
    g_queue_delete_link(&s->held, link);
    s->taken_held++;
    return h;
}

/*
 * A buffer may lie in a register of the device's: then push() resets it, or
 * kicks a queue, and completions that were held are not.
 */
static void release_held(SerialMq *s, unsigned queue, bool reverse)
{
    GList *next, *link = reverse ? s->held.tail : s->held.head;
    bool released = false;

    for (; link && !serial_mq_bit(s->hold, queue); link = next) {
        const SerialMqHeld *h = link->data;

        next = reverse ? link->prev : link->next;
        /* After a load there may be some whose chain is yet to come. */
        if (h->queue == queue && h->chain) {
            SerialMqHeld held = take_held(s, link);
            const uint64_t taken = s->taken_held;

            s->ops->push(s->t, queue, held.chain, held.written);
            released = true;
            if (s->taken_held != taken) {
                next = reverse ? s->held.tail : s->held.head;
            }
        }
    }
    if (released) {
        serial_mq_interrupt(s, queue);
    }
}

void serial_mq_hold(SerialMq *s, unsigned queue, bool on, bool reverse)
{
    if (queue >= serial_mq_nr_queues(s) ||
        serial_mq_bit(s->hold, queue) == on) {
        return;
    }
    serial_mq_set_bit(s->hold, queue, on);
    if (on) {
        s->nr_hold++;
    } else {
        s->nr_hold--;
        release_held(s, queue, reverse);
    }
}

void serial_mq_drop_held(SerialMq *s, unsigned queue)
{
    GList *next;

    for (GList *link = s->held.head; link; link = next) {
        const SerialMqHeld *h = link->data;

        next = link->next;
        if (queue == SERIAL_MQ_NO_QUEUE || h->queue == queue) {
            SerialMqHeld held = take_held(s, link);

            if (held.chain) {
                s->ops->detach(s->t, held.queue, held.chain);
            }
        }
    }
}

static void save_port(const SerialMqPort *p, StateWriter *w)
{
    const uint64_t *counters[] = PORT_COUNTERS(p);

    state_put_u64(w, TAG_PORT, p->nr);
    state_put_u64(
        w, TAG_PORT_FLAGS,
        (p->console ? PORT_CONSOLE : 0) | (p->told_open ? PORT_HOST : 0) |
            (p->guest_open ? PORT_GUEST : 0) |
            (p->guest_ready ? PORT_READY : 0) |
            (p->throttled ? PORT_THROTTLED : 0) | (p->chain ? PORT_CHAIN : 0) |
            (p->connected ? PORT_CONNECTED : 0) | (p->cut ? PORT_CUT : 0));
    state_put_u64(w, TAG_PORT_SIZE, p->cols | (uint32_t)p->rows << 16);
    for (unsigned i = 0; i < G_N_ELEMENTS(counters); i++) {
        state_put_u64(w, TAG_PORT_COUNTERS, *counters[i]);
    }
    state_put_u64(w, TAG_PORT_IOV, p->iov);
    state_put_u64(w, TAG_PORT_OFFSET, p->off);
    state_put_bytes(w, TAG_PORT_KEPT, p->kept ? p->kept->data : NULL,
                    p->kept ? p->kept->len : 0);
}

static void save_message(const SerialMqMessage *m, StateWriter *w)
{
    const uint32_t fields[] = {m->port, m->event, m->value, m->cols, m->rows};
    const char *name = m->name ? m->name : "";

    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        state_put_u64(w, TAG_MESSAGE, fields[i]);
    }
    state_put_bytes(w, TAG_MESSAGE_NAME, name, strlen(name));
}

void serial_mq_save(const SerialMq *s, StateWriter *w)
{
    const uint64_t *counters[] = DEVICE_COUNTERS(s);

    state_put_u64(w, TAG_DEVICE,
                  s->status | (s->talking ? DEVICE_TALKING : 0) |
                      (s->device_ready ? DEVICE_READY : 0) |
                      (s->refused ? DEVICE_REFUSED : 0) |
                      (s->hushed ? DEVICE_HUSHED : 0) |
                      (s->legacy ? DEVICE_LEGACY : 0));
    state_put_u64(w, TAG_FEATURES, s->features);
    state_put_u64(w, TAG_NR_PORTS, s->nr_ports);
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        const SerialMqPort *p = serial_mq_port(s, i);

        if (p) {
            save_port(p, w);
        }
    }
    state_put_u64(w, TAG_NR_WAITING, s->waiting.length);
    for (const GList *link = s->waiting.head; link; link = link->next) {
        save_message(link->data, w);
    }
    state_put_bytes(w, TAG_HOLD, s->hold, bits_len(s));
    state_put_u64(w, TAG_NR_HELD, s->held.length);
    for (const GList *link = s->held.head; link; link = link->next) {
        const SerialMqHeld *h = link->data;

        state_put_u64(w, TAG_HELD_QUEUE, h->queue);
        state_put_u64(w, TAG_HELD_WRITTEN, h->written);
    }
    state_put_bytes(w, TAG_WORK, s->work, bits_len(s));
    for (unsigned i = 0; i < G_N_ELEMENTS(counters); i++) {
        state_put_u64(w, TAG_COUNTERS, *counters[i]);
    }
    state_put_u64(w, TAG_SPAN, (uint64_t)s->span);
    state_put_u64(w, TAG_SPAN, s->span_bytes);
    state_put_u64(w, TAG_JUDGED, s->judge != NULL);
    if (s->judge) {
        ordering_save(s->judge, w);
    }
    state_put_u64(w, TAG_PROVOKED, s->provoker != NULL);
    serial_mq_save_provocations(s, w);
}

/* @return: NULL: nothing was kept */
static GByteArray *load_kept(StateReader *r)
{
    g_autoptr(GByteArray) kept = state_get_blob(
        r, TAG_PORT_KEPT, "input without buffers", SERIAL_MQ_KEPT_MAX);

    return kept && kept->len ? g_steal_pointer(&kept) : NULL;
}

static void free_port(gpointer port)
{
    serial_mq_drop_kept(port);
}

static void load_port(const SerialMq *s, Loaded *l, StateReader *r)
{
    SerialMqPort p = {0};
    uint64_t *counters[] = PORT_COUNTERS(&p);
    const SerialMqPort *here;
    uint32_t flags, size;

    p.nr = state_get_u64(r, TAG_PORT, "port", s->cfg.max_ports - 1);
    flags = state_get_u64(r, TAG_PORT_FLAGS, "port's flags", PORT_FLAGS);
    size = state_get_u64(r, TAG_PORT_SIZE, "console's size", UINT32_MAX);
    for (unsigned i = 0; i < G_N_ELEMENTS(counters); i++) {
        *counters[i] =
            state_get_u64(r, TAG_PORT_COUNTERS, "port's counters", UINT64_MAX);
    }
    p.iov = state_get_u64(r, TAG_PORT_IOV, "chain's part", UINT32_MAX);
    p.off = state_get_u64(r, TAG_PORT_OFFSET, "chain's offset", UINT32_MAX);
    p.console = flags & PORT_CONSOLE;
    p.told_open = flags & PORT_HOST;
    p.guest_open = flags & PORT_GUEST;
    p.guest_ready = flags & PORT_READY;
    p.throttled = flags & PORT_THROTTLED;
    p.connected = flags & PORT_CONNECTED;
    p.cut = flags & PORT_CUT;
    p.cols = size;
    p.rows = size >> 16;
    here = serial_mq_port(s, p.nr);
    if (!here || here->console != p.console ||
        (l->ports->len &&
         g_array_index(l->ports, SerialMqPort, l->ports->len - 1).nr >= p.nr)) {
        state_reader_fail(r, "port %u of the stream is not one of this device",
                          p.nr);
        return;
    }
    p.awaits = flags & PORT_CHAIN;
    p.kept = load_kept(r);
    g_array_append_val(l->ports, p);
}

static void load_ports(const SerialMq *s, Loaded *l, StateReader *r)
{
    uint64_t nr =
        state_get_u64(r, TAG_NR_PORTS, "number of ports", s->cfg.max_ports);

    if (nr != s->nr_ports) {
        state_reader_fail(r, "the stream has %u ports, this device %u",
                          (unsigned)nr, s->nr_ports);
    }
    for (uint64_t i = 0; i < nr && !state_reader_failed(r); i++) {
        load_port(s, l, r);
    }
}

static void load_message(Loaded *l, StateReader *r)
{
    SerialMqMessage *m = g_new0(SerialMqMessage, 1);
    g_autoptr(GByteArray) name = NULL;

    m->port = state_get_u64(r, TAG_MESSAGE, "message's port", UINT32_MAX);
    m->event = state_get_u64(r, TAG_MESSAGE, "message's event", UINT16_MAX);
    m->value = state_get_u64(r, TAG_MESSAGE, "message's value", UINT16_MAX);
    m->cols = state_get_u64(r, TAG_MESSAGE, "message's columns", UINT16_MAX);
    m->rows = state_get_u64(r, TAG_MESSAGE, "message's rows", UINT16_MAX);
    name = state_get_blob(r, TAG_MESSAGE_NAME, "message's name",
                          SERIAL_MQ_NAME_MAX);
    if (name && name->len) {
        m->name = g_strndup((const char *)name->data, name->len);
    }
    g_queue_push_tail(&l->waiting, m);
}

static void load_waiting(const SerialMq *s, Loaded *l, StateReader *r)
{
    uint64_t nr = state_get_u64(r, TAG_NR_WAITING, "messages that wait",
                                serial_mq_waiting_max(s));

    for (uint64_t i = 0; i < nr && !state_reader_failed(r); i++) {
        load_message(l, r);
    }
}

static void load_held(const SerialMq *s, Loaded *l, StateReader *r)
{
    const unsigned nr_queues = serial_mq_nr_queues(s);
    g_autofree uint16_t *of_queue = g_new0(uint16_t, nr_queues);
    uint64_t nr;

    state_get_bytes(r, TAG_HOLD, "queues held", l->hold, bits_len(s));
    /* No more can be under way than all rings have entries. */
    nr = state_get_u64(r, TAG_NR_HELD, "completions held",
                       (uint64_t)nr_queues * SERIAL_MQ_RING_MAX);
    for (uint64_t i = 0; i < nr && !state_reader_failed(r); i++) {
        SerialMqHeld *h = g_new0(SerialMqHeld, 1);

        h->queue = state_get_u64(r, TAG_HELD_QUEUE, "completion's queue",
                                 nr_queues - 1);
        h->written = state_get_u64(r, TAG_HELD_WRITTEN, "completion's length",
                                   UINT32_MAX);
        g_queue_push_tail(&l->held, h);
        if (!serial_mq_bit(l->hold, h->queue)) {
            state_reader_fail(r, "a completion of queue %u, which is not held",
                              h->queue);
        } else if (++of_queue[h->queue] > SERIAL_MQ_RING_MAX) {
            state_reader_fail(r, "more than %u completions of queue %u",
                              SERIAL_MQ_RING_MAX, h->queue);
        }
    }
}

static void load_rest(const SerialMq *s, Loaded *l, StateReader *r)
{
    uint64_t *counters[] = DEVICE_COUNTERS(l);
    const unsigned spare = bits_len(s) * 8 - serial_mq_nr_queues(s);

    state_get_bytes(r, TAG_WORK, "queues to serve", l->work, bits_len(s));
    if ((l->work[bits_len(s) - 1] | l->hold[bits_len(s) - 1]) >> (8 - spare)) {
        state_reader_fail(r, "a queue this device does not have");
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(counters); i++) {
        *counters[i] =
            state_get_u64(r, TAG_COUNTERS, "device's counters", UINT64_MAX);
    }
    l->span = (int64_t)state_get_u64(r, TAG_SPAN, "output's span", INT64_MAX);
    l->span_bytes = state_get_u64(r, TAG_SPAN, "output of a span", UINT64_MAX);
    /* A judge is a matter of the options, as the ports are. */
    if (state_get_u64(r, TAG_JUDGED, "judged", 1) != (s->judge != NULL)) {
        state_reader_fail(r, "only one side judges the driver (ordering=)");
    }
    if (s->judge && !state_reader_failed(r)) {
        ordering_load(s->judge, r);
    }
}

static void take_port(SerialMq *s, SerialMqPort *p, SerialMqPort *l)
{
    SerialMqPort was = *p;

    serial_mq_drop_kept(&was);
    *p = *l;
    l->kept = NULL;
    p->present = true;
    if (s->ops->port_knows_host(s->t, p->nr)) {
        p->connected = was.connected;
    }
    p->host_open = p->connected && !p->cut;
    p->serving = was.serving;
    p->filling = was.filling;
    p->turn = was.turn + 1;
    p->name = was.name;
    /* Whether this side's back end takes more is seen when it is tried. */
    p->blocked = false;
    p->starved = true;
}

/* The device takes over what was read. */
static void take_over(SerialMq *s, Loaded *l)
{
    uint64_t *to[] = DEVICE_COUNTERS(s), *from[] = DEVICE_COUNTERS(l);

    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        if (serial_mq_port(s, i)) {
            serial_mq_detach_output(s, s->ports[i]);
        }
    }
    serial_mq_drop_held(s, SERIAL_MQ_NO_QUEUE);
    serial_mq_free_messages(&s->waiting);
    s->status = l->device & DEVICE_STATUS;
    s->talking = l->device & DEVICE_TALKING;
    s->device_ready = l->device & DEVICE_READY;
    s->refused = l->device & DEVICE_REFUSED;
    s->hushed = l->device & DEVICE_HUSHED;
    s->legacy = l->device & DEVICE_LEGACY;
    s->features = l->features;
    for (unsigned i = 0; i < l->ports->len; i++) {
        SerialMqPort *p = &g_array_index(l->ports, SerialMqPort, i);

        take_port(s, s->ports[p->nr], p);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(to); i++) {
        *to[i] = *from[i];
    }
    memcpy(s->hold, l->hold, bits_len(s));
    memcpy(s->work, l->work, bits_len(s));
    s->span = l->span;
    s->span_bytes = l->span_bytes;
    s->nr_hold = 0;
    for (unsigned i = 0; i < serial_mq_nr_queues(s); i++) {
        s->nr_hold += serial_mq_bit(s->hold, i);
    }
    s->waiting = l->waiting;
    g_queue_init(&l->waiting);
    s->held = l->held;
    g_queue_init(&l->held);
    s->next_held = s->held.head;
    s->loaded = true;
    s->host->ops->timer_mod(s->host, s->timer, s->host->ops->now_ns(s->host));
}

void serial_mq_load(SerialMq *s, StateReader *r)
{
    Loaded l = {
        .ports = g_array_new(false, false, sizeof(SerialMqPort)),
        .hold = g_malloc0(bits_len(s)),
        .work = g_malloc0(bits_len(s)),
    };

    g_array_set_clear_func(l.ports, free_port);
    l.device = state_get_u64(r, TAG_DEVICE, "device's status", DEVICE_FLAGS);
    l.features = state_get_u64(r, TAG_FEATURES, "features", UINT64_MAX);
    load_ports(s, &l, r);
    load_waiting(s, &l, r);
    load_held(s, &l, r);
    load_rest(s, &l, r);
    serial_mq_load_provocations(
        s, state_get_u64(r, TAG_PROVOKED, "provoked", 1), r);
    if (!state_reader_failed(r)) {
        take_over(s, &l);
    }
    serial_mq_free_messages(&l.waiting);
    g_queue_clear_full(&l.held, g_free);
    g_array_free(l.ports, true);
    g_free(l.hold);
    g_free(l.work);
}

unsigned serial_mq_nr_chains(const SerialMq *s)
{
    unsigned nr = s->held.length;

    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        const SerialMqPort *p = serial_mq_port(s, i);

        nr += p && p->chain;
    }
    return nr;
}

void serial_mq_chains(const SerialMq *s, SerialMqChainFn *fn, void *opaque)
{
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        const SerialMqPort *p = serial_mq_port(s, i);

        if (p && p->chain) {
            fn(opaque, serial_mq_in_queue(i) + 1, p->chain);
        }
    }
    for (const GList *link = s->held.head; link; link = link->next) {
        const SerialMqHeld *h = link->data;

        fn(opaque, h->queue, h->chain);
    }
}

static SerialMqPort *next_port(const SerialMq *s)
{
    for (unsigned i = 0; i < s->cfg.max_ports; i++) {
        SerialMqPort *p = serial_mq_port(s, i);

        if (p && p->awaits) {
            return p;
        }
    }
    return NULL;
}

static SerialMqHeld *next_held(const SerialMq *s)
{
    return s->next_held ? s->next_held->data : NULL;
}

unsigned serial_mq_next_chain(const SerialMq *s)
{
    const SerialMqPort *p = next_port(s);
    const SerialMqHeld *h = p ? NULL : next_held(s);

    return p   ? serial_mq_in_queue(p->nr) + 1
           : h ? h->queue
               : SERIAL_MQ_NO_QUEUE;
}

/* Is the place where the back end stopped one that the chain has? */
static bool place_is_in(const SerialMqPort *p, const SerialMqChain *c)
{
    return p->iov < c->out_num ? p->off <= c->out[p->iov].iov_len
                               : p->iov == c->out_num && p->off == 0;
}

bool serial_mq_load_chain(SerialMq *s, SerialMqChain *c)
{
    SerialMqPort *p = next_port(s);
    SerialMqHeld *h = p ? NULL : next_held(s);

    if (p && place_is_in(p, c)) {
        p->chain = c;
        p->awaits = false;
        return true;
    }
    if (h) {
        h->chain = c;
        s->next_held = s->next_held->next;
        return true;
    }
    return false;
}
