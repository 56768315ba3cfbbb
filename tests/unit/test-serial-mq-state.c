/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration of the multiport console device: with data, control messages and
 * held completions under way, and streams that are not this device's.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

static void add_ports(MqGuest *g)
{
    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    g_assert_true(serial_mq_port_add(g->s, 1, "org.a", false, NULL));
    g_assert_true(serial_mq_port_add(g->s, 5, NULL, false, NULL));
}

static void connect(MqGuest *g)
{
    serial_mq_port_host_open(g->s, 0, true);
    serial_mq_port_host_open(g->s, 1, true);
    serial_mq_port_host_open(g->s, 5, true);
}

/* A device with something under way everywhere. */
static MqGuest *busy(SerialMqOrdering ordering)
{
    const size_t parts[] = {3, 0, 4};
    MqGuest *g = mq_new(ordering);

    add_ports(g);
    connect(g);
    mq_start_linux(g, 4);
    g->takes[1] = 5;
    mq_add_parts(g, MQ_OUT(1), parts, G_N_ELEMENTS(parts), NULL, 0);
    mq_print(g, 1, "rest");
    g->takes[5] = 0;
    mq_print(g, 5, "five");
    serial_mq_port_throttle(g->s, 0, true);
    mq_print(g, 0, "zero");
    serial_mq_resize(g->s, 0, 132, 50);
    serial_mq_hold(g->s, MQ_IN(5), true, false);
    serial_mq_port_input(g->s, 5, (const uint8_t *)"in", 2);
    serial_mq_port_input(g->s, 5, (const uint8_t *)"put", 3);
    mq_forget(g, MQ_IN(0));
    serial_mq_port_input(g->s, 0, (const uint8_t *)"kept", 4);
    mq_told(g);
    /* Control messages that wait, one of them with a name. */
    while (g->queues[SERIAL_MQ_CONTROL_IN].length) {
        serial_mq_port_host_open(g->s, 1, false);
        serial_mq_port_host_open(g->s, 1, true);
    }
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    g->takes[1] = 5;
    mq_add_parts(g, MQ_OUT(1), parts, G_N_ELEMENTS(parts), NULL, 0);
    mq_print(g, 1, "rest");
    return g;
}

static void test_busy_device_goes_on_elsewhere(gconstpointer arg)
{
    MqGuest *from = busy(GPOINTER_TO_INT(arg));
    MqGuest *to = mq_new(GPOINTER_TO_INT(arg));
    g_autoptr(GError) error = NULL;

    add_ports(to);
    connect(to);
    g_assert_true(mq_migrate(from, to, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(serial_mq_nr_chains(to->s), ==,
                     serial_mq_nr_chains(from->s));
    fake_host_advance(to->fake, 0);
    /* What the first did not take is taken here, and nothing twice. */
    g_assert_cmpstr(to->output[1]->str, ==, "ccrest");
    g_assert_cmpstr(to->output[5]->str, ==, "five");
    g_assert_cmpstr(mq_log(to), ==, "open 0 open 1 accept 1 open 5 accept 5");
    mq_add_in(to, MQ_IN(0), 8);
    mq_kick(to, MQ_IN(0));
    g_assert_cmpstr(mq_used_text(to, MQ_IN(0)), ==, "kept");
    g_assert_cmpstr(mq_log(to), ==, "accept 0");
    g_assert_true(mq_port(to, 0).throttled);
    serial_mq_port_throttle(to->s, 0, false);
    g_assert_cmpstr(to->output[0]->str, ==, "zero");
    g_assert_cmpuint(mq_port(to, 0).cols, ==, 132);
    serial_mq_hold(to->s, MQ_IN(5), false, false);
    g_assert_cmpstr(mq_used_text(to, MQ_IN(5)), ==, "in");
    g_assert_cmpstr(mq_used_text(to, MQ_IN(5)), ==, "put");
    if (GPOINTER_TO_INT(arg) != SERIAL_MQ_STOCK) {
        for (unsigned i = 0; i < 4; i++) {
            mq_add_in(to, SERIAL_MQ_CONTROL_IN, 64);
        }
        mq_kick(to, SERIAL_MQ_CONTROL_IN);
        g_assert_nonnull(strstr(mq_told(to), "name:1=1(org.a)"));
    }
    mq_free(from);
    mq_free(to);
}

/* Legacy registers have no DEVICE_NEEDS_RESET; a machine's reset ends that. */
static void test_interface_goes_along(void)
{
    MqGuest *from = mq_new(SERIAL_MQ_STOCK), *to = mq_new(SERIAL_MQ_STOCK);

    serial_mq_interface(from->s, true);
    serial_mq_reset(from->s, true);
    g_assert_true(mq_info(from).legacy);
    g_assert_true(mq_migrate(from, to, NULL));
    g_assert_true(mq_info(to).legacy);
    serial_mq_interface(from->s, false);
    g_assert_true(mq_migrate(from, to, NULL));
    g_assert_false(mq_info(to).legacy);
    serial_mq_interface(from->s, true);
    serial_mq_reset(from->s, false);
    g_assert_false(mq_info(from).legacy);
    mq_free(from);
    mq_free(to);
}

/* No ring has as many buffers, whoever wrote the stream. */
static void test_too_many_completions_are_refused(void)
{
    for (unsigned more = 0; more < 2; more++) {
        MqGuest *from = mq_new(SERIAL_MQ_OBSERVE);
        MqGuest *to = mq_new(SERIAL_MQ_OBSERVE);
        g_autoptr(GError) error = NULL;

        add_ports(from);
        add_ports(to);
        connect(from);
        mq_start_linux(from, 0);
        serial_mq_hold(from->s, MQ_IN(5), true, false);
        for (unsigned i = 0; i < 1024 + more; i++) {
            mq_add_in(from, MQ_IN(5), 1);
            serial_mq_port_input(from->s, 5, (const uint8_t *)"x", 1);
        }
        g_assert_true(mq_migrate(from, to, &error) == !more);
        g_assert_true(!more || strstr(error->message, "1024"));
        g_assert_cmpuint(serial_mq_nr_chains(to->s), ==, more ? 0 : 1024);
        mq_free(from);
        mq_free(to);
    }
}

/* Output that waits for its span of time is not sent earlier elsewhere. */
static void test_bounds_hold_after_the_load(void)
{
    MqGuest *from = mq_new(SERIAL_MQ_OBSERVE), *to = mq_new(SERIAL_MQ_OBSERVE);

    add_ports(from);
    add_ports(to);
    connect(from);
    connect(to);
    serial_mq_bound_output(from->s, 4);
    serial_mq_bound_output(to->s, 4);
    mq_start_linux(from, 1);
    mq_print(from, 1, "bounded");
    g_assert_true(mq_migrate(from, to, NULL));
    fake_host_advance(to->fake, 0);
    g_assert_cmpstr(to->output[1]->str, ==, "");
    fake_host_advance(to->fake, SERIAL_MQ_SPAN_NS);
    g_assert_cmpstr(to->output[1]->str, ==, "ded");
    mq_free(from);
    mq_free(to);
}

/* Save, load, save: the same bytes. */
static void test_state_survives_a_round_trip(gconstpointer arg)
{
    MqGuest *from = busy(GPOINTER_TO_INT(arg));
    MqGuest *to = mq_new(GPOINTER_TO_INT(arg));
    g_autoptr(GByteArray) first = mq_save(from), second = NULL;

    add_ports(to);
    connect(to);
    g_assert_true(mq_migrate(from, to, NULL));
    second = mq_save(to);
    g_assert_cmpmem(first->data, first->len, second->data, second->len);
    mq_free(from);
    mq_free(to);
}

/* The other host's ends are not connected as they were. */
static void test_other_ends_are_told_after_the_load(void)
{
    MqGuest *from = mq_new(SERIAL_MQ_OBSERVE), *to = mq_new(SERIAL_MQ_OBSERVE);

    add_ports(from);
    add_ports(to);
    serial_mq_port_host_open(from->s, 1, true);
    mq_start_linux(from, 2);
    mq_say(from, 5, VIRTIO_CONSOLE_PORT_OPEN, 0);
    serial_mq_port_host_open(to->s, 5, true);
    g_assert_true(mq_migrate(from, to, NULL));
    g_assert_cmpstr(mq_told(to), ==, "");
    fake_host_advance(to->fake, 0);
    g_assert_cmpstr(mq_told(to), ==, "open:1=0 open:5=1");
    g_assert_cmpstr(mq_log(to), ==, "open 0 open 1 close 5");
    fake_host_advance(to->fake, 1);
    g_assert_cmpstr(mq_told(to), ==, "");
    mq_free(from);
    mq_free(to);
}

/* Nobody but the state knows of the end of a port without a back end. */
static void test_end_without_a_back_end_goes_along(void)
{
    MqGuest *from = mq_new(SERIAL_MQ_OBSERVE), *to = mq_new(SERIAL_MQ_OBSERVE);

    add_ports(from);
    add_ports(to);
    to->no_backends = 1u << 1 | 1u << 5;
    serial_mq_port_host_open(from->s, 1, true);
    serial_mq_port_host_open(to->s, 5, true);
    mq_start_linux(from, 2);
    g_assert_true(mq_migrate(from, to, NULL));
    fake_host_advance(to->fake, 0);
    g_assert_cmpstr(mq_told(to), ==, "");
    g_assert_true(mq_port(to, 1).connected);
    g_assert_true(mq_port(to, 1).host_open);
    g_assert_false(mq_port(to, 5).host_open);
    mq_free(from);
    mq_free(to);
}

/* A host's end that a provocation has cut stays so until it ends. */
static void test_cut_end_goes_along(void)
{
    MqGuest *from = mq_new(SERIAL_MQ_OBSERVE), *to = mq_new(SERIAL_MQ_OBSERVE);

    add_ports(from);
    add_ports(to);
    connect(from);
    connect(to);
    mq_start_linux(from, 2);
    g_assert_true(serial_mq_provoke(
        from->s, "notify=5#1:host-disconnect,port=1,delay=1ms", NULL));
    mq_kick(from, MQ_OUT(1));
    g_assert_cmpstr(mq_told(from), ==, "open:1=0");
    g_assert_true(mq_migrate(from, to, NULL));
    fake_host_advance(to->fake, 0);
    g_assert_cmpstr(mq_told(to), ==, "");
    g_assert_true(mq_port(to, 1).connected);
    g_assert_false(mq_port(to, 1).host_open);
    fake_host_run_until(to->fake, 1000000);
    g_assert_cmpstr(mq_told(to), ==, "open:1=1");
    mq_free(from);
    mq_free(to);
}

/* A chain that was in a back end's hands comes to one that is not there. */
static void test_chain_for_nobody_is_given_back(void)
{
    MqGuest *from = busy(SERIAL_MQ_OBSERVE), *to = mq_new(SERIAL_MQ_OBSERVE);

    add_ports(to);
    g_assert_true(mq_migrate(from, to, NULL));
    fake_host_advance(to->fake, 0);
    g_assert_cmpuint(mq_nr_used(to, MQ_OUT(1)), ==, 2);
    g_assert_cmpstr(to->output[1]->str, ==, "");
    mq_free(from);
    mq_free(to);
}

/* A reset comes between the load and the chains, or instead of them. */
static void test_reset_after_load_awaits_no_chain(void)
{
    MqGuest *from = busy(SERIAL_MQ_OBSERVE), *to = mq_new(SERIAL_MQ_OBSERVE);
    g_autoptr(GByteArray) state = mq_save(from);

    add_ports(to);
    connect(to);
    g_assert_true(mq_load(to, state, NULL));
    g_assert_cmpuint(serial_mq_next_chain(to->s), ==, MQ_OUT(1));
    serial_mq_reset(to->s, false);
    g_assert_cmpuint(serial_mq_next_chain(to->s), ==, SERIAL_MQ_NO_QUEUE);
    g_assert_false(serial_mq_load_chain(to->s, NULL));
    fake_host_advance(to->fake, 0);
    mq_free(from);
    mq_free(to);
}

static void test_chain_without_the_place_is_refused(void)
{
    struct iovec iov = {.iov_base = NULL, .iov_len = 0};
    SerialMqChain chains[] = {
        {NULL, NULL, 0, 0},
        {&iov, NULL, 1, 0},
    };
    MqGuest *from = busy(SERIAL_MQ_OBSERVE), *to = mq_new(SERIAL_MQ_OBSERVE);
    g_autoptr(GByteArray) state = mq_save(from);

    add_ports(to);
    g_assert_true(mq_load(to, state, NULL));
    for (unsigned i = 0; i < G_N_ELEMENTS(chains); i++) {
        g_assert_false(serial_mq_load_chain(to->s, &chains[i]));
        g_assert_cmpuint(serial_mq_next_chain(to->s), ==, MQ_OUT(1));
    }
    mq_free(from);
    mq_free(to);
}

static void test_other_device_is_refused(void)
{
    static const struct {
        const char *what;
        unsigned max_ports;
        unsigned port; /* besides 0 and 1 */
        bool console;
        SerialMqOrdering ordering;
    } rows[] = {
        {"other port", MQ_MAX_PORTS, 6, false, SERIAL_MQ_OBSERVE},
        {"a console", MQ_MAX_PORTS, 5, true, SERIAL_MQ_OBSERVE},
        {"port missing", MQ_MAX_PORTS, 0, false, SERIAL_MQ_OBSERVE},
        {"fewer ports", 6, 5, false, SERIAL_MQ_OBSERVE},
        {"more ports", 31, 5, false, SERIAL_MQ_OBSERVE},
        {"no judge", MQ_MAX_PORTS, 5, false, SERIAL_MQ_STOCK},
    };
    MqGuest *from = busy(SERIAL_MQ_OBSERVE);
    g_autoptr(GByteArray) state = mq_save(from);

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        SerialMqConfig cfg = {.max_ports = rows[i].max_ports,
                              .emerg_write = true,
                              .size = true,
                              .ordering = rows[i].ordering};
        MqGuest *to = mq_new_config(&cfg);
        g_autoptr(GError) error = NULL;

        g_test_message("%s", rows[i].what);
        g_assert_true(serial_mq_port_add(to->s, 0, NULL, true, NULL));
        g_assert_true(serial_mq_port_add(to->s, 1, "org.a", false, NULL));
        if (rows[i].port) {
            g_assert_true(serial_mq_port_add(to->s, rows[i].port, NULL,
                                             rows[i].console, NULL));
        }
        g_assert_false(mq_load(to, state, &error));
        g_assert_nonnull(error);
        /* as new */
        g_assert_cmpuint(mq_info(to).status, ==, 0);
        g_assert_cmpuint(mq_info(to).control_waiting, ==, 0);
        g_assert_cmpuint(serial_mq_next_chain(to->s), ==, SERIAL_MQ_NO_QUEUE);
        g_assert_cmpint(fake_host_next_deadline(to->fake), ==, INT64_MAX);
        mq_free(to);
    }
    mq_free(from);
}

/* Every byte of the stream in turn is another, and every length of it. */
static void test_damaged_state_does_no_harm(void)
{
    MqGuest *from = busy(SERIAL_MQ_OBSERVE);
    g_autoptr(GByteArray) state = mq_save(from);
    MqGuest *to = mq_new(SERIAL_MQ_OBSERVE);

    add_ports(to);
    connect(to);
    for (guint len = 0; len < state->len; len++) {
        GByteArray part = {.data = state->data, .len = len};

        g_assert_false(mq_load(to, &part, NULL));
    }
    g_assert_cmpuint(mq_info(to).status, ==, 0);
    mq_free(to);
    for (guint i = 0; i < state->len; i++) {
        const uint8_t was = state->data[i];

        to = mq_new(SERIAL_MQ_OBSERVE);
        add_ports(to);
        connect(to);
        state->data[i] ^= 1u << i % 8;
        mq_load(to, state, NULL);
        state->data[i] = was;
        fake_host_advance(to->fake, 0);
        serial_mq_reset(to->s, true);
        mq_free(to);
    }
    mq_free(from);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migrate/interface", test_interface_goes_along);
    g_test_add_func("/state/too-many-held",
                    test_too_many_completions_are_refused);
    g_test_add_func("/state/bounds", test_bounds_hold_after_the_load);
    g_test_add_data_func("/state/busy/observe",
                         GINT_TO_POINTER(SERIAL_MQ_OBSERVE),
                         test_busy_device_goes_on_elsewhere);
    g_test_add_data_func("/state/busy/enforce",
                         GINT_TO_POINTER(SERIAL_MQ_ENFORCE),
                         test_busy_device_goes_on_elsewhere);
    g_test_add_data_func("/state/busy/stock", GINT_TO_POINTER(SERIAL_MQ_STOCK),
                         test_busy_device_goes_on_elsewhere);
    g_test_add_data_func("/state/round-trip/observe",
                         GINT_TO_POINTER(SERIAL_MQ_OBSERVE),
                         test_state_survives_a_round_trip);
    g_test_add_data_func("/state/round-trip/stock",
                         GINT_TO_POINTER(SERIAL_MQ_STOCK),
                         test_state_survives_a_round_trip);
    g_test_add_func("/state/other-ends",
                    test_other_ends_are_told_after_the_load);
    g_test_add_func("/state/no-back-end",
                    test_end_without_a_back_end_goes_along);
    g_test_add_func("/state/cut-end", test_cut_end_goes_along);
    g_test_add_func("/state/chain/for-nobody",
                    test_chain_for_nobody_is_given_back);
    g_test_add_func("/state/chain/reset",
                    test_reset_after_load_awaits_no_chain);
    g_test_add_func("/state/chain/place",
                    test_chain_without_the_place_is_refused);
    g_test_add_func("/state/other-device", test_other_device_is_refused);
    g_test_add_func("/state/damaged", test_damaged_state_does_no_harm);
    return g_test_run();
}
