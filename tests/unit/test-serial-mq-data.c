/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data through the ports of the multiport console device: both ways, in parts
 * of any length, with back ends that take less, and while ports come and go.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

/* Ports 0 (a console), 1 and 5, connected, and Linux' driver with @bufs. */
static void test_output_reaches_its_port(gconstpointer arg)
{
    MqGuest *g = mq_linux_up(GPOINTER_TO_INT(arg), 1);

    mq_print(g, 0, "zero");
    mq_print(g, 1, "one");
    mq_print(g, 5, "five");
    mq_print(g, 1, " more");
    g_assert_cmpstr(g->output[0]->str, ==, "zero");
    g_assert_cmpstr(g->output[1]->str, ==, "one more");
    g_assert_cmpstr(g->output[5]->str, ==, "five");
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 2);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 2);
    g_assert_cmpuint(mq_port(g, 1).out_bytes, ==, 8);
    g_assert_cmpuint(mq_port(g, 1).out_chains, ==, 2);
    g_assert_cmpuint(mq_port(g, 1).discarded, ==, 0);
    g_assert_cmpuint(g->violations, ==, 0);
    mq_free(g);
}

static void test_output_of_a_batch_interrupts_once(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    for (unsigned i = 0; i < 128; i++) {
        mq_add(g, MQ_OUT(5), "x", 1);
    }
    mq_kick(g, MQ_OUT(5));
    g_assert_cmpuint(g->output[5]->len, ==, 128);
    g_assert_cmpuint(g->interrupts[MQ_OUT(5)], ==, 1);
    g_assert_cmpuint(mq_port(g, 5).interrupts, ==, 1);
    mq_free(g);
}

static void test_output_in_parts_some_of_them_empty(void)
{
    const size_t parts[] = {0, 3, 0, 0, 1, 4096, 0};
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    mq_add_parts(g, MQ_OUT(1), parts, G_N_ELEMENTS(parts), NULL, 0);
    mq_add_parts(g, MQ_OUT(1), NULL, 0, NULL, 0);
    mq_add_parts(g, MQ_OUT(1), parts, 1, parts, G_N_ELEMENTS(parts));
    mq_kick(g, MQ_OUT(1));
    g_assert_cmpuint(g->output[1]->len, ==, 4100);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 3);
    mq_free(g);
}

/* Whatever the back end takes at a time, all arrives, once and in order. */
static void test_output_to_a_slow_back_end_waits_for_it(void)
{
    for (size_t step = 1; step < 40; step++) {
        const size_t parts[] = {7, 0, 11, 1};
        MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);
        unsigned tries = 0;

        g->takes[1] = 0;
        mq_add_parts(g, MQ_OUT(1), parts, G_N_ELEMENTS(parts), NULL, 0);
        mq_add(g, MQ_OUT(1), "0123456789", 10);
        mq_kick(g, MQ_OUT(1));
        g_assert_true(mq_port(g, 1).blocked);
        /* A kick does not try again; the other ports are not held up. */
        mq_kick(g, MQ_OUT(1));
        g_assert_cmpuint(mq_port(g, 1).blocks, ==, 1);
        mq_print(g, 5, "five");
        g_assert_cmpstr(g->output[5]->str, ==, "five");
        while (mq_port(g, 1).blocked) {
            g->takes[1] = step;
            serial_mq_port_writable(g->s, 1);
            g_assert_cmpuint(++tries, <, 100);
        }
        g_assert_cmpstr(g->output[1]->str, ==, "aaaaaaacccccccccccd0123456789");
        g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 2);
        g_assert_cmpuint(mq_port(g, 1).out_bytes, ==, 29);
        mq_free(g);
    }
}

static void wake_inside(MqGuest *g, unsigned port)
{
    g->takes[port] = SIZE_MAX;
    serial_mq_port_writable(g->s, port);
}

/* The back end is ready again before it said how little it took. */
static void test_wake_up_from_inside_is_not_lost(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    g->takes[1] = 2;
    g->inside = wake_inside;
    mq_print(g, 1, "hello");
    fake_host_advance(g->fake, 0);
    g_assert_cmpstr(g->output[1]->str, ==, "hello");
    g_assert_false(mq_port(g, 1).blocked);
    mq_free(g);
}

static void close_inside(MqGuest *g, unsigned port)
{
    serial_mq_port_host_open(g->s, port, false);
}

static void remove_inside(MqGuest *g, unsigned port)
{
    serial_mq_port_remove(g->s, port);
}

static void replace_inside(MqGuest *g, unsigned port)
{
    serial_mq_port_remove(g->s, port);
    g_assert_true(serial_mq_port_add(g->s, port, "org.b", false, NULL));
    serial_mq_port_host_open(g->s, port, true);
}

static void kick_inside(MqGuest *g, unsigned port)
{
    mq_kick(g, MQ_OUT(port));
}

static void reset_inside(MqGuest *g, unsigned port)
{
    (void)port;
    serial_mq_reset(g->s, true);
}

/* What the back end does from inside of port_output() meets a device that
 * knows nothing of the chain any more. */
static void test_output_survives_what_its_back_end_does(gconstpointer arg)
{
    static void (*const rows[])(MqGuest *, unsigned) = {
        close_inside, remove_inside, replace_inside, kick_inside, reset_inside,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (unsigned takes = 0; takes < 8; takes++) {
            MqGuest *g = mq_linux_up(GPOINTER_TO_INT(arg), 1);

            g->takes[1] = takes;
            g->inside = rows[i];
            mq_add(g, MQ_OUT(1), "one", 3);
            mq_add(g, MQ_OUT(1), "two", 3);
            mq_kick(g, MQ_OUT(1));
            g->takes[1] = SIZE_MAX;
            serial_mq_port_writable(g->s, 1);
            fake_host_advance(g->fake, 0);
            mq_kick(g, MQ_OUT(1));
            /* Each was used, forgotten with the ring, or is not served yet. */
            g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)) + g->detached +
                                 g->queues[MQ_OUT(1)].length,
                             ==, 2);
            mq_free(g);
        }
    }
}

static void test_output_without_host_is_discarded(gconstpointer arg)
{
    MqGuest *g = mq_linux_up(GPOINTER_TO_INT(arg), 1);

    serial_mq_port_host_open(g->s, 1, false);
    mq_print(g, 1, "lost");
    g_assert_cmpstr(g->output[1]->str, ==, "");
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 1);
    g_assert_cmpuint(mq_port(g, 1).discarded, ==, 1);
    /* nor does a port that does not exist keep its buffers */
    if (GPOINTER_TO_INT(arg) != SERIAL_MQ_ENFORCE) {
        mq_print(g, 3, "lost");
        g_assert_cmpuint(mq_nr_used(g, MQ_OUT(3)), ==, 1);
    }
    mq_free(g);
}

static void test_disconnect_in_mid_chain_gives_it_back(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    g->takes[1] = 2;
    mq_print(g, 1, "hello");
    mq_print(g, 1, "world");
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 0);
    serial_mq_port_host_open(g->s, 1, false);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 2);
    g_assert_cmpuint(mq_port(g, 1).discarded, ==, 2);
    g_assert_false(mq_port(g, 1).blocked);
    g_assert_cmpstr(mq_told(g), ==, "open:1=0");
    g->takes[1] = SIZE_MAX;
    serial_mq_port_host_open(g->s, 1, true);
    mq_print(g, 1, "again");
    g_assert_cmpstr(g->output[1]->str, ==, "heagain");
    mq_free(g);
}

static void test_unplug_in_mid_chain_gives_it_back(gconstpointer arg)
{
    MqGuest *g = mq_linux_up(GPOINTER_TO_INT(arg), 2);

    g->takes[1] = 2;
    mq_print(g, 1, "hello");
    mq_print(g, 1, "world");
    serial_mq_port_remove(g->s, 1);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 2);
    g_assert_cmpstr(mq_told(g), ==, "remove:1=1");
    serial_mq_port_writable(g->s, 1);
    g_assert_cmpuint(mq_receive(g, 1, "x"), ==, 0);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    mq_free(g);
}

static void test_throttle_holds_output_and_nothing_else(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 2);

    serial_mq_port_throttle(g->s, 1, true);
    mq_print(g, 1, "later");
    g_assert_true(mq_port(g, 1).throttled);
    g_assert_cmpuint(g->output[1]->len, ==, 0);
    g_assert_cmpuint(mq_receive(g, 1, "in"), ==, 2);
    serial_mq_port_throttle(g->s, 1, true);
    serial_mq_port_writable(g->s, 1);
    g_assert_cmpuint(g->output[1]->len, ==, 0);
    serial_mq_port_throttle(g->s, 1, false);
    g_assert_cmpstr(g->output[1]->str, ==, "later");
    for (unsigned i = 0; i < 100; i++) {
        serial_mq_port_throttle(g->s, 1, i & 1);
        mq_print(g, 1, ".");
    }
    serial_mq_port_throttle(g->s, 1, false);
    g_assert_cmpuint(g->output[1]->len, ==, 105);
    mq_free(g);
}

static void test_output_in_masses_goes_on_later(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    for (unsigned i = 0; i < 2000; i++) {
        mq_add(g, MQ_OUT(1), "x", 1);
    }
    mq_kick(g, MQ_OUT(1));
    g_assert_cmpuint(g->output[1]->len, <, 1000);
    while (fake_host_next_deadline(g->fake) != INT64_MAX) {
        fake_host_advance(g->fake, 0);
    }
    g_assert_cmpuint(g->output[1]->len, ==, 2000);
    mq_free(g);
}

static void test_input_reaches_the_guest(gconstpointer arg)
{
    MqGuest *g = mq_linux_up(GPOINTER_TO_INT(arg), 2);

    g_assert_cmpuint(mq_receive(g, 1, "hello"), ==, 5);
    g_assert_cmpuint(mq_receive(g, 5, "five"), ==, 4);
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "hello");
    g_assert_cmpstr(mq_used_text(g, MQ_IN(5)), ==, "five");
    g_assert_cmpuint(g->interrupts[MQ_IN(1)], ==, 1);
    g_assert_cmpuint(mq_port(g, 1).in_bytes, ==, 5);
    g_assert_cmpuint(mq_port(g, 1).in_chains, ==, 1);
    g_assert_cmpuint(g->violations, ==, 0);
    mq_free(g);
}

static void test_input_fills_buffers_and_interrupts_once(void)
{
    const size_t parts[] = {1, 0, 2};
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

    mq_add_parts(g, MQ_IN(1), NULL, 0, parts, G_N_ELEMENTS(parts));
    mq_add_in(g, MQ_IN(1), 0);
    mq_add_in(g, MQ_IN(1), 4);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 7);
    g_assert_cmpuint(mq_receive(g, 1, "0123456"), ==, 7);
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "012");
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "");
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "3456");
    g_assert_cmpuint(g->interrupts[MQ_IN(1)], ==, 1);
    mq_free(g);
}

/* The back end is told of room once, when it has been told of none. */
static void test_input_waits_for_buffers(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

    mq_add_in(g, MQ_IN(1), 4);
    mq_kick(g, MQ_IN(1));
    mq_log(g);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 4);
    mq_add_in(g, MQ_IN(1), 4);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_log(g), ==, "");
    g_assert_cmpuint(mq_receive(g, 1, "12345678"), ==, 8);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    mq_add_in(g, MQ_IN(1), 4);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    g_assert_cmpuint(mq_receive(g, 1, "1234"), ==, 4);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_log(g), ==, "");
    mq_free(g);
}

/* What was said of room is taken back with the ring it was of. */
static void test_room_goes_with_its_ring(void)
{
    for (unsigned i = 0; i < 3; i++) {
        MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

        mq_add_in(g, MQ_IN(1), 4);
        g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 4);
        mq_add_in(g, MQ_IN(1), 4);
        g_assert_cmpuint(serial_mq_port_room(g->s, 1), >=, 4);
        mq_forget(g, MQ_IN(1));
        if (i == 0) {
            serial_mq_queue_reset(g->s, MQ_IN(1));
        } else if (i == 1) {
            serial_mq_reset(g->s, true);
            mq_start_linux(g, 0);
        } else {
            mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
            mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
        }
        g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
        mq_free(g);
    }
}

static void test_input_needs_both_ends_open(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 2);

    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_cmpuint(mq_receive(g, 1, "x"), ==, 1);
    serial_mq_port_host_open(g->s, 1, false);
    g_assert_cmpuint(mq_receive(g, 1, "x"), ==, 0);
    g_assert_cmpuint(mq_receive(g, 2, "x"), ==, 0);
    g_assert_cmpuint(mq_receive(g, MQ_MAX_PORTS, "x"), ==, 0);
    g_assert_cmpuint(mq_receive(g, UINT32_MAX, "x"), ==, 0);
    g_assert_cmpuint(serial_mq_port_room(g->s, UINT32_MAX), ==, 0);
    mq_free(g);
}

/* A driver of one port opens it with DRIVER_OK. */
static void test_driver_without_multiport_has_port_0(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    g_assert_true(serial_mq_port_add(g->s, 1, NULL, false, NULL));
    serial_mq_port_host_open(g->s, 0, true);
    serial_mq_port_host_open(g->s, 1, true);
    mq_start(g, 0);
    g_assert_cmpstr(mq_log(g), ==, "open 0 accept 0");
    mq_print(g, 0, "hi");
    g_assert_cmpstr(g->output[0]->str, ==, "hi");
    mq_add_in(g, 0, 16);
    mq_kick(g, 0);
    g_assert_cmpuint(mq_receive(g, 0, "in"), ==, 2);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    serial_mq_reset(g->s, false);
    g_assert_cmpstr(mq_log(g), ==, "close 0");
    mq_free(g);
}

static void test_status_without_driver_ok_closes(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    g->takes[5] = 0;
    mq_print(g, 5, "x");
    serial_mq_status(g->s, MQ_OK, MQ_OK & ~VIRTIO_CONFIG_S_DRIVER_OK,
                     MQ_OK & ~VIRTIO_CONFIG_S_DRIVER_OK);
    g_assert_cmpstr(mq_log(g), ==, "close 0 close 1 close 5");
    g_assert_cmpuint(g->detached, ==, 1);
    mq_free(g);
}

static void test_queue_reset_detaches_its_chain_alone(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    g->takes[1] = 0;
    g->takes[5] = 0;
    mq_print(g, 1, "x");
    mq_print(g, 5, "y");
    serial_mq_queue_reset(g->s, MQ_OUT(1));
    g_assert_cmpuint(g->detached, ==, 1);
    serial_mq_queue_reset(g->s, MQ_OUT(7));
    serial_mq_queue_reset(g->s, SERIAL_MQ_CONTROL_OUT);
    serial_mq_queue_reset(g->s, UINT32_MAX);
    g_assert_cmpuint(g->detached, ==, 1);
    g->takes[5] = SIZE_MAX;
    serial_mq_port_writable(g->s, 5);
    g_assert_cmpstr(g->output[5]->str, ==, "y");
    mq_free(g);
}

static void test_queues_that_do_not_exist_are_judged_alone(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    serial_mq_notified(g->s, g->nr_queues);
    serial_mq_notified(g->s, UINT32_MAX);
    g_assert_cmpuint(g->violations, ==, 2);
    mq_free(g);
}

/* Held completions come back in the order wanted, with one interrupt. */
static void test_held_completions_come_back(gconstpointer arg)
{
    const bool reverse = GPOINTER_TO_INT(arg);
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 3);
    unsigned before = g->interrupts[MQ_IN(1)];

    serial_mq_hold(g->s, MQ_IN(1), true, false);
    serial_mq_hold(g->s, MQ_IN(1), true, false);
    g_assert_cmpuint(mq_receive(g, 1, "a"), ==, 1);
    g_assert_cmpuint(mq_receive(g, 1, "b"), ==, 1);
    g_assert_cmpuint(mq_receive(g, 1, "c"), ==, 1);
    g_assert_cmpuint(mq_receive(g, 5, "d"), ==, 1);
    g_assert_cmpuint(mq_nr_used(g, MQ_IN(1)), ==, 0);
    g_assert_cmpuint(mq_nr_used(g, MQ_IN(5)), ==, 1);
    g_assert_cmpuint(g->interrupts[MQ_IN(1)], ==, before);
    g_assert_cmpuint(mq_info(g).chains_held, ==, 3);
    serial_mq_hold(g->s, MQ_IN(1), false, reverse);
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, reverse ? "c" : "a");
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "b");
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, reverse ? "a" : "c");
    g_assert_cmpuint(g->interrupts[MQ_IN(1)], ==, before + 1);
    serial_mq_hold(g->s, g->nr_queues, true, false);
    mq_free(g);
}

static void test_held_completions_go_with_a_reset(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 3);

    serial_mq_hold(g->s, MQ_OUT(1), true, false);
    serial_mq_hold(g->s, MQ_OUT(5), true, false);
    mq_print(g, 1, "x");
    mq_print(g, 5, "y");
    serial_mq_queue_reset(g->s, MQ_OUT(1));
    g_assert_cmpuint(g->detached, ==, 1);
    g_assert_cmpuint(mq_info(g).chains_held, ==, 1);
    serial_mq_reset(g->s, true);
    g_assert_cmpuint(g->detached, ==, 2);
    serial_mq_hold(g->s, MQ_OUT(5), false, false);
    mq_free(g);
}

/* A session in which the n-th pop finds nothing, or the n-th write does. */
static void session(MqGuest *g)
{
    for (unsigned i = 0; i < 3; i++) {
        mq_print(g, 1, "hello ");
        mq_receive(g, 1, "input");
        mq_say(g, 5, VIRTIO_CONSOLE_PORT_OPEN, i & 1);
        serial_mq_port_host_open(g->s, 5, i & 1);
    }
}

static void test_session_survives_its_nth_fault(gconstpointer arg)
{
    for (unsigned n = 1;; n++) {
        MqGuest *g = mq_linux_up(GPOINTER_TO_INT(arg), 8);
        bool fired;

        mq_fail_nth(g, n);
        session(g);
        fired = g->fault_fired;
        mq_fail_nth(g, 0);
        /* What failed for once is made up for by the next occasion. */
        serial_mq_port_writable(g->s, 1);
        for (unsigned q = 0; q < g->nr_queues; q++) {
            mq_kick(g, q);
        }
        fake_host_advance(g->fake, 0);
        g_assert_cmpstr(g->output[1]->str, ==, "hello hello hello ");
        g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 3);
        g_assert_cmpuint(mq_info(g).control_waiting, ==, 0);
        g_assert_cmpuint(g->queues[SERIAL_MQ_CONTROL_OUT].length, ==, 0);
        g_assert_cmpuint(g->alive, ==, 0);
        mq_free(g);
        if (!fired) {
            g_assert_cmpuint(n, >, 10);
            break;
        }
    }
}

static void add_output_tests(void)
{
    mq_add_modes("/output/reaches-its-port", test_output_reaches_its_port);
    g_test_add_func("/output/batch", test_output_of_a_batch_interrupts_once);
    g_test_add_func("/output/parts", test_output_in_parts_some_of_them_empty);
    g_test_add_func("/output/slow",
                    test_output_to_a_slow_back_end_waits_for_it);
    g_test_add_func("/output/wake-inside",
                    test_wake_up_from_inside_is_not_lost);
    mq_add_modes("/output/inside", test_output_survives_what_its_back_end_does);
    mq_add_modes("/output/discarded", test_output_without_host_is_discarded);
    g_test_add_func("/output/disconnect",
                    test_disconnect_in_mid_chain_gives_it_back);
    mq_add_modes("/output/unplug", test_unplug_in_mid_chain_gives_it_back);
    g_test_add_func("/output/throttle",
                    test_throttle_holds_output_and_nothing_else);
    g_test_add_func("/output/masses", test_output_in_masses_goes_on_later);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_output_tests();
    mq_add_modes("/input/reaches-the-guest", test_input_reaches_the_guest);
    g_test_add_func("/input/fills",
                    test_input_fills_buffers_and_interrupts_once);
    g_test_add_func("/input/waits", test_input_waits_for_buffers);
    g_test_add_func("/input/room", test_room_goes_with_its_ring);
    g_test_add_func("/input/both-ends", test_input_needs_both_ends_open);
    g_test_add_func("/driver/without-multiport",
                    test_driver_without_multiport_has_port_0);
    g_test_add_func("/driver/status", test_status_without_driver_ok_closes);
    g_test_add_func("/driver/queue-reset",
                    test_queue_reset_detaches_its_chain_alone);
    g_test_add_func("/driver/no-such-queue",
                    test_queues_that_do_not_exist_are_judged_alone);
    g_test_add_data_func("/hold/in-order", GINT_TO_POINTER(false),
                         test_held_completions_come_back);
    g_test_add_data_func("/hold/reverse", GINT_TO_POINTER(true),
                         test_held_completions_come_back);
    g_test_add_func("/hold/reset", test_held_completions_go_with_a_reset);
    g_test_add_data_func("/fault/observe", GINT_TO_POINTER(SERIAL_MQ_OBSERVE),
                         test_session_survives_its_nth_fault);
    g_test_add_data_func("/fault/enforce", GINT_TO_POINTER(SERIAL_MQ_ENFORCE),
                         test_session_survives_its_nth_fault);
    return g_test_run();
}
