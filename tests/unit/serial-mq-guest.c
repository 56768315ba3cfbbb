/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A multiport console device on a fake transport. */
#include "tests/unit/serial-mq-guest.h"

#include "hw/virtio/serial-mq-registers.h"

#include <string.h>

typedef struct MqChain {
    SerialMqChain chain; /* first: the device's pointer is ours */
    size_t written;
} MqChain;

static MqChain *chain_new(const size_t *out, unsigned out_num, const size_t *in,
                          unsigned in_num)
{
    MqChain *c = g_new0(MqChain, 1);

    c->chain.out_num = out_num;
    c->chain.in_num = in_num;
    c->chain.out = g_new0(struct iovec, out_num);
    c->chain.in = g_new0(struct iovec, in_num);
    for (unsigned i = 0; i < out_num; i++) {
        c->chain.out[i].iov_len = out[i];
        c->chain.out[i].iov_base = g_malloc0(MAX(out[i], 1));
        memset(c->chain.out[i].iov_base, 'a' + i % 26, out[i]);
    }
    for (unsigned i = 0; i < in_num; i++) {
        c->chain.in[i].iov_len = in[i];
        c->chain.in[i].iov_base = g_malloc0(MAX(in[i], 1));
    }
    return c;
}

static void chain_free(void *opaque)
{
    MqChain *c = opaque;

    for (unsigned i = 0; i < c->chain.out_num; i++) {
        g_free(c->chain.out[i].iov_base);
    }
    for (unsigned i = 0; i < c->chain.in_num; i++) {
        g_free(c->chain.in[i].iov_base);
    }
    g_free(c->chain.out);
    g_free(c->chain.in);
    g_free(c);
}

static bool fault(MqGuest *g)
{
    if (g->fault_in && --g->fault_in == 0) {
        g->fault_fired = true;
        return true;
    }
    return false;
}

static SerialMqChain *fake_pop(void *t, unsigned queue)
{
    MqGuest *g = t;
    MqChain *c;

    g_assert_cmpuint(queue, <, g->nr_queues);
    if (fault(g)) {
        return NULL;
    }
    c = g_queue_pop_head(&g->queues[queue]);
    g->alive += c != NULL;
    return c ? &c->chain : NULL;
}

static void fake_push(void *t, unsigned queue, SerialMqChain *chain,
                      size_t written)
{
    MqGuest *g = t;
    MqChain *c = (MqChain *)chain;
    void (*inside)(MqGuest *, unsigned) = g->inside_push;
    size_t room = 0;

    for (unsigned i = 0; i < chain->in_num; i++) {
        room += chain->in[i].iov_len;
    }
    g_assert_cmpuint(written, <=, room);
    g_assert_cmpuint(g->alive, >, 0);
    g->alive--;
    c->written = written;
    g_queue_push_tail(&g->used[queue], c);
    if (inside) {
        g->inside_push = NULL;
        inside(g, queue);
    }
}

static void fake_detach(void *t, unsigned queue, SerialMqChain *chain)
{
    MqGuest *g = t;

    g_assert_cmpuint(queue, <, g->nr_queues);
    g_assert_cmpuint(g->alive, >, 0);
    g->alive--;
    g->detached++;
    chain_free(chain);
}

static size_t fake_room(void *t, unsigned queue, size_t max)
{
    MqGuest *g = t;
    size_t room = 0;

    for (GList *l = g->queues[queue].head; l && room < max; l = l->next) {
        const MqChain *c = l->data;

        for (unsigned i = 0; i < c->chain.in_num; i++) {
            room += c->chain.in[i].iov_len;
        }
    }
    return room;
}

static void fake_notification(void *t, unsigned queue, bool on)
{
    MqGuest *g = t;

    void (*inside)(MqGuest *, unsigned) = g->inside_notification;

    g_assert_true(on || g->packed || !g->quiet[queue]);
    if (inside) {
        g->inside_notification = NULL;
        inside(g, queue);
    }
    g->quiet[queue] = !on;
    g->once[queue] = g->packed;
}

static void fake_interrupt(void *t, unsigned queue)
{
    MqGuest *g = t;

    g->interrupts[queue]++;
}

static void fake_config_changed(void *t)
{
    MqGuest *g = t;

    g->config_changes++;
}

static void fake_needs_reset(void *t, const char *why)
{
    MqGuest *g = t;

    g_string_append_printf(g->log, "needs-reset %s ", why);
}

static size_t fake_output(void *t, unsigned port, const uint8_t *buf,
                          size_t len)
{
    MqGuest *g = t;
    void (*inside)(MqGuest *, unsigned) = g->inside;
    size_t taken = fault(g) ? 0 : MIN(len, g->takes[port]);

    g_assert_cmpuint(len, >, 0);
    g_string_append_len(g->output[port], (const char *)buf, taken);
    if (g->takes[port] != SIZE_MAX) {
        g->takes[port] -= taken;
    }
    if (inside) {
        g->inside = NULL;
        inside(g, port);
    }
    return taken;
}

static void fake_guest_open(void *t, unsigned port, bool open)
{
    MqGuest *g = t;

    g_string_append_printf(g->log, "%s %u ", open ? "open" : "close", port);
}

static void fake_accept(void *t, unsigned port)
{
    MqGuest *g = t;

    g_string_append_printf(g->log, "accept %u ", port);
}

static bool fake_knows_host(void *t, unsigned port)
{
    MqGuest *g = t;

    return !(g->no_backends >> port & 1);
}

static void fake_violation(void *t, const OrderingViolation *v)
{
    MqGuest *g = t;

    g_assert_nonnull(v->rule);
    g->violations++;
}

static void fake_unplug(void *t, unsigned port)
{
    MqGuest *g = t;

    g_string_append_printf(g->log, "unplug %u ", port);
}

static const SerialMqOps fake_ops = {
    .pop = fake_pop,
    .push = fake_push,
    .detach = fake_detach,
    .room = fake_room,
    .notification = fake_notification,
    .interrupt = fake_interrupt,
    .interrupt_anyway = fake_interrupt,
    .config_changed = fake_config_changed,
    .needs_reset = fake_needs_reset,
    .port_output = fake_output,
    .port_guest_open = fake_guest_open,
    .port_accept = fake_accept,
    .port_knows_host = fake_knows_host,
    .violation = fake_violation,
    .port_unplug = fake_unplug,
};

MqGuest *mq_new_config(const SerialMqConfig *cfg)
{
    MqGuest *g = g_new0(MqGuest, 1);

    g->fake = fake_host_new(1, 16);
    g->s = serial_mq_new(cfg, fake_host_ops(g->fake), &fake_ops, g);
    g->nr_queues = serial_mq_nr_queues(g->s);
    g->queues = g_new0(GQueue, g->nr_queues);
    g->used = g_new0(GQueue, g->nr_queues);
    g->interrupts = g_new0(unsigned, g->nr_queues);
    g->quiet = g_new0(bool, g->nr_queues);
    g->once = g_new0(bool, g->nr_queues);
    g->output = g_new0(GString *, cfg->max_ports);
    g->takes = g_new0(size_t, cfg->max_ports);
    for (unsigned i = 0; i < cfg->max_ports; i++) {
        g->output[i] = g_string_new(NULL);
        g->takes[i] = SIZE_MAX;
    }
    g->log = g_string_new(NULL);
    return g;
}

MqGuest *mq_new(SerialMqOrdering ordering)
{
    SerialMqConfig cfg = {
        .max_ports = MQ_MAX_PORTS,
        .emerg_write = true,
        .size = true,
        .ordering = ordering,
    };

    return mq_new_config(&cfg);
}

void mq_free(MqGuest *g)
{
    unsigned max_ports = mq_info(g).max_ports;

    serial_mq_settle(g->s);
    serial_mq_free(g->s);
    g_assert_cmpuint(g->alive, ==, 0);
    for (unsigned i = 0; i < g->nr_queues; i++) {
        g_assert_true(g->packed || !g->quiet[i]);
        g_queue_clear_full(&g->queues[i], chain_free);
        g_queue_clear_full(&g->used[i], chain_free);
    }
    for (unsigned i = 0; i < max_ports; i++) {
        g_string_free(g->output[i], true);
    }
    g_free(g->queues);
    g_free(g->used);
    g_free(g->interrupts);
    g_free(g->quiet);
    g_free(g->once);
    g_free(g->output);
    g_free(g->takes);
    g_string_free(g->log, true);
    fake_host_free(g->fake);
    g_free(g);
}

void mq_reset(MqGuest *g, bool by_driver)
{
    serial_mq_reset(g->s, by_driver);
    for (unsigned i = 0; i < mq_info(g).max_ports; i++) {
        g->quiet[MQ_IN(i)] = false;
        g->once[MQ_IN(i)] = false;
    }
}

void mq_start(MqGuest *g, uint64_t features)
{
    static const uint8_t steps[] = {
        VIRTIO_CONFIG_S_ACKNOWLEDGE,
        VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER,
        MQ_OK & ~VIRTIO_CONFIG_S_DRIVER_OK,
        MQ_OK,
    };
    const uint64_t offered =
        serial_mq_offered(g->s) | 1ull << VIRTIO_F_VERSION_1;
    uint8_t old = 0;

    mq_reset(g, true);
    serial_mq_reset_done(g->s);
    serial_mq_status_read(g->s, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (steps[i] & VIRTIO_CONFIG_S_FEATURES_OK &&
            !(old & VIRTIO_CONFIG_S_FEATURES_OK)) {
            serial_mq_register(g->s, ORDERING_FEATURES_READ, 0, 0, 0);
            serial_mq_register(g->s, ORDERING_FEATURES_READ, 0, 1, 0);
            serial_mq_features(g->s, features | 1ull << VIRTIO_F_VERSION_1,
                               offered, features | 1ull << VIRTIO_F_VERSION_1);
        }
        serial_mq_status(g->s, old, steps[i], steps[i]);
        if (steps[i] & VIRTIO_CONFIG_S_FEATURES_OK) {
            serial_mq_status_read(g->s, steps[i]);
        }
        old = steps[i];
        for (unsigned q = 0; i == 2 && q < g->nr_queues; q++) {
            serial_mq_queue_set(g->s, q, ORDERING_QUEUE_SIZE, 128);
            serial_mq_queue_set(g->s, q, ORDERING_QUEUE_DESC, 0x1000);
            serial_mq_queue_set(g->s, q, ORDERING_QUEUE_AVAIL, 0x2000);
            serial_mq_queue_set(g->s, q, ORDERING_QUEUE_USED, 0x3000);
            serial_mq_queue_enable(g->s, q, 1);
        }
    }
}

void mq_start_linux(MqGuest *g, unsigned bufs)
{
    SerialMqPortInfo info;

    mq_start(g, serial_mq_offered(g->s));
    for (unsigned i = 0; i < 32; i++) {
        mq_add_in(g, SERIAL_MQ_CONTROL_IN, 4096);
    }
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    for (unsigned port = 0; port < mq_info(g).max_ports; port++) {
        if (!serial_mq_port_info(g->s, port, &info)) {
            continue;
        }
        for (unsigned i = 0; i < bufs; i++) {
            mq_add_in(g, MQ_IN(port), 4096);
        }
        mq_kick(g, MQ_IN(port));
        mq_say(g, port, VIRTIO_CONSOLE_PORT_READY, 1);
        mq_say(g, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
    mq_told(g);
    mq_log(g);
}

void mq_add_parts(MqGuest *g, unsigned queue, const size_t *out,
                  unsigned out_num, const size_t *in, unsigned in_num)
{
    g_queue_push_tail(&g->queues[queue], chain_new(out, out_num, in, in_num));
}

void mq_add(MqGuest *g, unsigned queue, const void *out, size_t len)
{
    MqChain *c = chain_new(&len, 1, NULL, 0);

    memcpy(c->chain.out[0].iov_base, out, len);
    g_queue_push_tail(&g->queues[queue], c);
}

void mq_add_in(MqGuest *g, unsigned queue, size_t len)
{
    mq_add_parts(g, queue, NULL, 0, &len, 1);
}

void mq_kick(MqGuest *g, unsigned queue)
{
    if (!g->quiet[queue]) {
        g->quiet[queue] = g->once[queue];
        serial_mq_notified(g->s, queue);
    }
}

void mq_kick_anyway(MqGuest *g, unsigned queue)
{
    serial_mq_notified(g->s, queue);
}

void mq_forget(MqGuest *g, unsigned queue)
{
    g_queue_clear_full(&g->queues[queue], chain_free);
    g->quiet[queue] = false;
    g->once[queue] = false;
}

void mq_say(MqGuest *g, uint32_t port, uint16_t event, uint16_t value)
{
    struct virtio_console_control control = {
        .id = GUINT32_TO_LE(port),
        .event = GUINT16_TO_LE(event),
        .value = GUINT16_TO_LE(value),
    };

    mq_add(g, SERIAL_MQ_CONTROL_OUT, &control, sizeof(control));
    mq_kick(g, SERIAL_MQ_CONTROL_OUT);
}

void mq_print(MqGuest *g, unsigned port, const char *text)
{
    mq_add(g, MQ_OUT(port), text, strlen(text));
    mq_kick(g, MQ_OUT(port));
}

unsigned mq_nr_used(const MqGuest *g, unsigned queue)
{
    return g->used[queue].length;
}

GString *mq_used_bytes(MqGuest *g, unsigned queue)
{
    MqChain *c = g_queue_pop_head(&g->used[queue]);
    GString *bytes;

    if (!c) {
        return NULL;
    }
    bytes = g_string_new(NULL);
    for (unsigned i = 0; i < c->chain.in_num; i++) {
        size_t n = MIN(c->written - bytes->len, c->chain.in[i].iov_len);

        g_string_append_len(bytes, c->chain.in[i].iov_base, n);
    }
    chain_free(c);
    return bytes;
}

SerialMqInfo mq_info(MqGuest *g)
{
    SerialMqInfo info;

    serial_mq_info(g->s, &info);
    return info;
}

SerialMqPortInfo mq_port(MqGuest *g, unsigned port)
{
    SerialMqPortInfo info;

    g_assert_true(serial_mq_port_info(g->s, port, &info));
    return info;
}

void mq_add_modes(const char *path, GTestDataFunc fn)
{
    static const char *const modes[] = {
        [SERIAL_MQ_OBSERVE] = "observe",
        [SERIAL_MQ_ENFORCE] = "enforce",
        [SERIAL_MQ_STOCK] = "stock",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *test = g_strdup_printf("%s/%s", path, modes[i]);

        g_test_add_data_func(test, GSIZE_TO_POINTER(i), fn);
    }
}

GByteArray *mq_save(MqGuest *g)
{
    StateWriter *w = state_writer_new();

    serial_mq_save(g->s, w);
    return state_writer_finish(w);
}

bool mq_load(MqGuest *g, const GByteArray *state, GError **error)
{
    StateReader *r = state_reader_new(state->data, state->len);

    serial_mq_load(g->s, r);
    return state_reader_finish(r, error);
}

static void copy_chain(void *opaque, unsigned queue, SerialMqChain *c)
{
    GPtrArray *chains = opaque;
    g_autofree size_t *out = g_new0(size_t, c->out_num);
    g_autofree size_t *in = g_new0(size_t, c->in_num);
    MqChain *copy;

    g_assert_cmpuint(queue, !=, SERIAL_MQ_NO_QUEUE);
    for (unsigned i = 0; i < c->out_num; i++) {
        out[i] = c->out[i].iov_len;
    }
    for (unsigned i = 0; i < c->in_num; i++) {
        in[i] = c->in[i].iov_len;
    }
    copy = chain_new(out, c->out_num, in, c->in_num);
    for (unsigned i = 0; i < c->out_num; i++) {
        memcpy(copy->chain.out[i].iov_base, c->out[i].iov_base, out[i]);
    }
    for (unsigned i = 0; i < c->in_num; i++) {
        memcpy(copy->chain.in[i].iov_base, c->in[i].iov_base, in[i]);
    }
    g_ptr_array_add(chains, copy);
}

bool mq_migrate(MqGuest *from, MqGuest *to, GError **error)
{
    g_autoptr(GByteArray) state = mq_save(from);
    g_autoptr(GPtrArray) chains = g_ptr_array_new();

    if (!mq_load(to, state, error)) {
        return false;
    }
    serial_mq_chains(from->s, copy_chain, chains);
    g_assert_cmpuint(serial_mq_nr_chains(from->s), ==, chains->len);
    for (unsigned i = 0; i < chains->len; i++) {
        g_assert_cmpuint(serial_mq_next_chain(to->s), !=, SERIAL_MQ_NO_QUEUE);
        g_assert_true(serial_mq_load_chain(to->s, chains->pdata[i]));
        to->alive++;
    }
    g_assert_cmpuint(serial_mq_next_chain(to->s), ==, SERIAL_MQ_NO_QUEUE);
    /* The rings themselves are guest memory. */
    for (unsigned i = 0; i < from->nr_queues; i++) {
        for (GList *l = from->queues[i].head; l; l = l->next) {
            MqChain *c = l->data;
            g_autoptr(GPtrArray) one = g_ptr_array_new();

            copy_chain(one, i, &c->chain);
            g_queue_push_tail(&to->queues[i], one->pdata[0]);
        }
    }
    return true;
}

void mq_fail_nth(MqGuest *g, unsigned n)
{
    g->fault_in = n;
    g->fault_fired = false;
}

MqGuest *mq_linux_up(SerialMqOrdering ordering, unsigned bufs)
{
    MqGuest *g = mq_new(ordering);

    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    g_assert_true(serial_mq_port_add(g->s, 1, "org.a", false, NULL));
    g_assert_true(serial_mq_port_add(g->s, 5, NULL, false, NULL));
    serial_mq_port_host_open(g->s, 0, true);
    serial_mq_port_host_open(g->s, 1, true);
    serial_mq_port_host_open(g->s, 5, true);
    mq_start_linux(g, bufs);
    g_assert_cmpuint(g->violations, ==, 0);
    return g;
}

size_t mq_receive(MqGuest *g, unsigned port, const char *text)
{
    return serial_mq_port_input(g->s, port, (const uint8_t *)text,
                                strlen(text));
}
