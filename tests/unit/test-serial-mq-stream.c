/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output without a pause through the multiport console device: drivers that
 * need not kick lose nothing and hear of everything, and those that wait for
 * each buffer are served at the kick.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

#define LOOK_NS 500000
/* Kicks that make a stream, looks without a chain that end one */
#define KICKS 8
#define IDLE  8

/* Linux' driver, which may stream, on ports 0 (a console), 1 and 5. */
static MqGuest *streaming_guest(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 4);

    serial_mq_let_stream(g->s);
    return g;
}

/* As a driver does: it kicks if the device wants to hear. */
static void print(MqGuest *g, unsigned port, const char *text)
{
    mq_add(g, MQ_OUT(port), text, strlen(text));
    if (!g->quiet[MQ_OUT(port)]) {
        mq_kick(g, MQ_OUT(port));
    }
}

static void print_many(MqGuest *g, unsigned port, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        print(g, port, "x");
    }
}

static void look(MqGuest *g, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        fake_host_advance(g->fake, LOOK_NS);
    }
}

/* Nobody sends any more: mq_free() wants queues as they are then. */
static void end(MqGuest *g)
{
    look(g, 2 * IDLE);
    mq_free(g);
}

static void test_few_kicks_are_served_at_once(void)
{
    MqGuest *g = streaming_guest();

    print_many(g, 1, KICKS - 1);
    g_assert_cmpuint(g->output[1]->len, ==, KICKS - 1);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, KICKS - 1);
    g_assert_false(g->quiet[MQ_OUT(1)]);
    end(g);
}

static void test_stream_needs_no_kicks_and_few_interrupts(void)
{
    MqGuest *g = streaming_guest();
    unsigned told;

    print_many(g, 1, KICKS);
    g_assert_true(g->quiet[MQ_OUT(1)]);
    told = g->interrupts[MQ_OUT(1)];
    print_many(g, 1, 10);
    g_assert_cmpuint(g->output[1]->len, ==, KICKS);
    look(g, 1);
    g_assert_cmpuint(g->output[1]->len, ==, KICKS + 10);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, told);
    print_many(g, 1, 22);
    look(g, 1);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, told + 1);
    g_assert_true(g->quiet[MQ_OUT(1)]);
    g_assert_cmpuint(g->violations, ==, 0);
    end(g);
}

/* It hears of its last buffers, and is served at the kick again. */
static void test_stream_that_stops_ends(void)
{
    MqGuest *g = streaming_guest();
    unsigned told;

    print_many(g, 1, KICKS + 3);
    told = g->interrupts[MQ_OUT(1)];
    look(g, 3);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, KICKS + 3);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, told + 1);
    look(g, IDLE);
    g_assert_false(g->quiet[MQ_OUT(1)]);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, told + 1);
    print(g, 1, "y");
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, KICKS + 4);
    end(g);
}

/* Kicks that are far apart, answered, or a console's make none. */
static void test_other_kicks_make_no_stream(void)
{
    MqGuest *g = streaming_guest();

    for (unsigned i = 0; i < 4 * KICKS; i++) {
        print(g, 1, "x");
        look(g, 3);
    }
    g_assert_false(g->quiet[MQ_OUT(1)]);
    for (unsigned i = 0; i < 4 * KICKS; i++) {
        print(g, 5, "x");
        mq_add_in(g, MQ_IN(5), 16);
        g_assert_cmpuint(mq_receive(g, 5, "x"), ==, 1);
    }
    g_assert_false(g->quiet[MQ_OUT(5)]);
    print_many(g, 0, 4 * KICKS);
    g_assert_false(g->quiet[MQ_OUT(0)]);
    g_assert_cmpuint(g->output[0]->len, ==, 4 * KICKS);
    end(g);
}

static void test_without_leave_nobody_streams(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    print_many(g, 1, 4 * KICKS);
    g_assert_cmpuint(g->output[1]->len, ==, 4 * KICKS);
    serial_mq_settle(g->s);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 4 * KICKS);
    end(g);
}

/* Ports that take turns stream together: each is silent most of the time. */
static void test_ports_in_turn_stream_together(void)
{
    MqGuest *g = streaming_guest();
    unsigned before;

    for (unsigned i = 0; i < KICKS; i++) {
        print(g, i & 1 ? 5 : 1, "x");
    }
    print(g, 1, "x");
    before = g->interrupts[MQ_OUT(1)] + g->interrupts[MQ_OUT(5)];
    for (unsigned i = 0; i < 64; i++) {
        print_many(g, i & 1 ? 5 : 1, 2);
        look(g, 1);
        g_assert_true(g->quiet[MQ_OUT(1)] && g->quiet[MQ_OUT(5)]);
    }
    g_assert_cmpuint(g->output[1]->len + g->output[5]->len, ==,
                     KICKS + 1 + 128);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)] + g->interrupts[MQ_OUT(5)], <,
                     before + 8);
    end(g);
}

/* It is delayed more and more seldom, to learn that it still waits. */
static void test_driver_that_waits_is_seldom_delayed(void)
{
    MqGuest *g = streaming_guest();
    unsigned looks = 0;

    for (unsigned i = 1; i <= 10000; i++) {
        unsigned tries = 0;

        print(g, 1, "x");
        while (mq_nr_used(g, MQ_OUT(1)) < i) {
            look(g, 1);
            looks++;
            g_assert_cmpuint(++tries, <, 3);
        }
    }
    g_assert_cmpuint(looks, >, 0);
    g_assert_cmpuint(looks, <, 200);
    end(g);
}

/* On a busy host looks come late: its driver does better with kicks. */
static void test_full_ring_ends_its_stream(void)
{
    MqGuest *g = streaming_guest();

    print_many(g, 1, KICKS + 128);
    look(g, 1);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, KICKS + 128);
    g_assert_false(g->quiet[MQ_OUT(1)]);
    print_many(g, 1, KICKS);
    g_assert_false(g->quiet[MQ_OUT(1)]);
    print_many(g, 1, KICKS);
    g_assert_true(g->quiet[MQ_OUT(1)]);
    end(g);
}

static void test_slow_back_end_gets_all_of_a_stream(void)
{
    MqGuest *g = streaming_guest();

    print_many(g, 1, KICKS);
    g->takes[1] = 5;
    print_many(g, 1, 20);
    look(g, 1);
    g_assert_cmpuint(g->output[1]->len, ==, KICKS + 5);
    look(g, IDLE);
    while (mq_port(g, 1).blocked) {
        g->takes[1] = 2;
        serial_mq_port_writable(g->s, 1);
    }
    look(g, 2 * IDLE);
    g_assert_cmpuint(g->output[1]->len, ==, KICKS + 20);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, KICKS + 20);
    g_assert_false(g->quiet[MQ_OUT(1)]);
    end(g);
}

static void reset_by_driver(MqGuest *g)
{
    serial_mq_reset(g->s, true);
    serial_mq_reset_done(g->s);
    mq_forget(g, MQ_OUT(1));
}

static void reset_of_queue(MqGuest *g)
{
    serial_mq_queue_reset(g->s, MQ_OUT(1));
    mq_forget(g, MQ_OUT(1));
}

static void close_host(MqGuest *g)
{
    serial_mq_port_host_open(g->s, 1, false);
}

static void remove_port(MqGuest *g)
{
    serial_mq_port_remove(g->s, 1);
}

static void replace_port(MqGuest *g)
{
    serial_mq_port_remove(g->s, 1);
    g_assert_true(serial_mq_port_add(g->s, 1, "org.b", false, NULL));
}

static void settle(MqGuest *g)
{
    unsigned told = g->interrupts[MQ_OUT(1)];

    look(g, 1);
    print_many(g, 1, 5);
    serial_mq_settle(g->s);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, told + 1);
}

/* Whatever ends a stream, its queue is one that wants kicks again. */
static void test_stream_is_ended_by(gconstpointer arg)
{
    void (*const *ends)(MqGuest *) = arg;
    MqGuest *g = streaming_guest();

    print_many(g, 1, KICKS + 3);
    g_assert_true(g->quiet[MQ_OUT(1)]);
    (*ends)(g);
    look(g, 2 * IDLE);
    g_assert_false(g->quiet[MQ_OUT(1)]);
    g_assert_cmpuint(g_queue_get_length(&g->queues[MQ_OUT(1)]), ==, 0);
    print_many(g, 5, 4 * KICKS);
    look(g, 2 * IDLE);
    g_assert_cmpuint(g->alive, ==, 0);
    end(g);
}

static const struct {
    const char *name;
    void (*ends)(MqGuest *);
} endings[] = {
    {"/stream/reset", reset_by_driver},
    {"/stream/queue-reset", reset_of_queue},
    {"/stream/host-closed", close_host},
    {"/stream/port-removed", remove_port},
    {"/stream/port-replaced", replace_port},
    {"/stream/machine-stopped", settle},
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kicks/few", test_few_kicks_are_served_at_once);
    g_test_add_func("/kicks/no-stream", test_other_kicks_make_no_stream);
    g_test_add_func("/kicks/no-leave", test_without_leave_nobody_streams);
    g_test_add_func("/kicks/waiting", test_driver_that_waits_is_seldom_delayed);
    g_test_add_func("/stream/no-kicks",
                    test_stream_needs_no_kicks_and_few_interrupts);
    g_test_add_func("/stream/stops", test_stream_that_stops_ends);
    g_test_add_func("/stream/in-turn", test_ports_in_turn_stream_together);
    g_test_add_func("/stream/full", test_full_ring_ends_its_stream);
    g_test_add_func("/stream/slow", test_slow_back_end_gets_all_of_a_stream);
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_test_add_data_func(endings[i].name, &endings[i].ends,
                             test_stream_is_ended_by);
    }
    return g_test_run();
}
