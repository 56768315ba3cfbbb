/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moderated refills of the multiport console device: a driver whose rings are
 * full of input need not notify the device of each buffer, none is lost for
 * that, and one that gives back little is served at each notification.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

#define LOOK_NS 2000000
#define BUFFER  4096
#define TRY     64 /* chains used until the device goes without kicks */
#define ENOUGH  8  /* buffers that a look has to find for more of them */

static char block[BUFFER + 1];

typedef struct Arrival {
    const char *name;
    unsigned bufs;
    bool packed;
} Arrival;

static void add(MqGuest *g, unsigned port, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        mq_add_in(g, MQ_IN(port), BUFFER);
    }
}

/* @return: buffers that input found */
static unsigned fill(MqGuest *g, unsigned port)
{
    unsigned count = 0;

    while (serial_mq_port_room(g->s, port)) {
        g_assert_cmpuint(mq_receive(g, port, block), ==, BUFFER);
        count++;
    }
    return count;
}

/* Linux' driver on ports 0 (a console), 1 and 5, with so many buffers each. */
static MqGuest *moderated_guest(unsigned bufs)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, bufs);

    memset(block, 'x', BUFFER);
    serial_mq_moderate(g->s);
    return g;
}

/* One that has so much input that it need not notify for port 1. */
static MqGuest *full_guest(void)
{
    MqGuest *g = moderated_guest(TRY);

    g_assert_cmpuint(fill(g, 1), ==, TRY);
    g_assert_true(g->quiet[MQ_IN(1)]);
    return g;
}

/* The driver gives back a buffer, notifies, and the back end hears of it. */
static void check_kick(MqGuest *g)
{
    mq_log(g);
    add(g, 1, 1);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
}

static void look(MqGuest *g)
{
    fake_host_advance(g->fake, LOOK_NS);
}

static void test_little_input_is_waited_for_with_kicks(void)
{
    MqGuest *g = moderated_guest(TRY - 1);

    g_assert_cmpuint(fill(g, 1), ==, TRY - 1);
    g_assert_false(g->quiet[MQ_IN(1)]);
    check_kick(g);
    mq_free(g);
}

static void test_much_input_is_waited_for_without(void)
{
    MqGuest *g = full_guest();

    for (unsigned round = 0; round < 3; round++) {
        add(g, 1, ENOUGH);
        mq_kick_anyway(g, MQ_IN(1)); /* as it may */
        g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
        fake_host_advance(g->fake, LOOK_NS - 1);
        g_assert_cmpstr(mq_log(g), ==, "");
        fake_host_advance(g->fake, 1);
        g_assert_cmpstr(mq_log(g), ==, "accept 1");
        g_assert_cmpuint(fill(g, 1), ==, ENOUGH);
        g_assert_true(g->quiet[MQ_IN(1)]);
    }
    mq_free(g);
}

/* The rings are looked at together, whenever they were found empty. */
static void test_ports_share_a_look(void)
{
    MqGuest *g = full_guest();

    fake_host_advance(g->fake, LOOK_NS / 2);
    g_assert_cmpuint(fill(g, 5), ==, TRY);
    g_assert_true(g->quiet[MQ_IN(5)]);
    add(g, 1, ENOUGH / 2);
    add(g, 5, ENOUGH / 2);
    fake_host_advance(g->fake, LOOK_NS / 2);
    g_assert_cmpstr(mq_log(g), ==, "accept 1 accept 5");
    /* Both found enough together. */
    fill(g, 1);
    g_assert_true(g->quiet[MQ_IN(1)]);
    mq_free(g);
}

/* One buffer after the other, each notified of */
static void give_back(MqGuest *g, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        check_kick(g);
        g_assert_cmpuint(fill(g, 1), ==, 1);
    }
}

static void test_driver_of_few_buffers_notifies_again(void)
{
    MqGuest *g = full_guest();

    add(g, 1, ENOUGH - 1);
    look(g);
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    g_assert_cmpuint(fill(g, 1), ==, ENOUGH - 1);
    g_assert_false(g->quiet[MQ_IN(1)]);
    give_back(g, 2 * TRY - ENOUGH);
    g_assert_false(g->quiet[MQ_IN(1)]);
    give_back(g, 1);
    g_assert_true(g->quiet[MQ_IN(1)]);
    /* In vain again: twice as many again are filled until the next try. */
    add(g, 1, 1);
    look(g);
    g_assert_cmpuint(fill(g, 1), ==, 1);
    give_back(g, 4 * TRY - 2);
    g_assert_false(g->quiet[MQ_IN(1)]);
    give_back(g, 1);
    g_assert_true(g->quiet[MQ_IN(1)]);
    mq_free(g);
}

static void test_driver_that_reads_nothing_is_left_alone(void)
{
    MqGuest *g = full_guest();

    look(g);
    g_assert_false(g->quiet[MQ_IN(1)]);
    g_assert_cmpint(fake_host_next_deadline(g->fake), ==, INT64_MAX);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    g_assert_cmpint(fake_host_next_deadline(g->fake), ==, INT64_MAX);
    g_assert_cmpstr(mq_log(g), ==, "");
    check_kick(g);
    mq_free(g);
}

static void add_one(MqGuest *g, unsigned queue)
{
    mq_add_in(g, queue, BUFFER);
}

/* Before the device wants to hear of them again */
static void test_buffer_added_meanwhile_is_found(void)
{
    MqGuest *g = full_guest();

    g->inside_notification = add_one;
    look(g);
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    g_assert_cmpuint(fill(g, 1), ==, 1);
    mq_free(g);
}

static void test_provoked_driver_notifies(void)
{
    g_autoptr(GError) error = NULL;
    MqGuest *g = full_guest();

    add(g, 1, TRY);
    g_assert_true(
        serial_mq_provoke(g->s, "interrupt=3#900:interrupt-lost", &error));
    /* Of what it gave back before it will not notify. */
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    g_assert_false(g->quiet[MQ_IN(1)]);
    g_assert_cmpuint(fill(g, 1), ==, TRY);
    g_assert_false(g->quiet[MQ_IN(1)]);
    mq_free(g);
}

static void test_without_leave_all_is_notified(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 2 * TRY);

    g_assert_cmpuint(fill(g, 1), ==, 2 * TRY);
    g_assert_false(g->quiet[MQ_IN(1)]);
    mq_free(g);
}

/*
 * A driver that reads and gives back as it comes, to a host that sends as soon
 * as it is told that there is room, and never asks.
 */
static void test_all_arrives(gconstpointer arg)
{
    const Arrival *how = arg;
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, how->bufs);
    GRand *rand = g_rand_new_with_seed(how->bufs);
    unsigned sent = 0;
    bool told = true;

    g->packed = how->packed;
    memset(block, 'x', BUFFER);
    serial_mq_moderate(g->s);
    for (unsigned idle = 0; sent < 20 * TRY; idle = told ? 0 : idle + 1) {
        unsigned unread;

        if (told) {
            sent += fill(g, 1);
        }
        unread = mq_nr_used(g, MQ_IN(1));
        if (!idle) {
            unread = (unsigned)g_rand_int_range(rand, 0, (int)unread + 1);
        }
        for (; unread; unread--) {
            g_assert_nonnull(mq_used_text(g, MQ_IN(1)));
            add(g, 1, 1);
            mq_kick(g, MQ_IN(1));
        }
        fake_host_advance(g->fake, idle ? LOOK_NS : LOOK_NS / 3);
        told = strstr(mq_log(g), "accept 1");
        /* All was read and given back, and the rings were looked at. */
        g_assert_cmpuint(idle, <, 3);
    }
    g_rand_free(rand);
    mq_free(g);
}

static const Arrival arrivals[] = {
    {"/arrives/split-1", 1, false},     {"/arrives/split-16", 16, false},
    {"/arrives/split-128", 128, false}, {"/arrives/packed-1", 1, true},
    {"/arrives/packed-16", 16, true},   {"/arrives/packed-128", 128, true},
};

/* Between a ring that was found empty and the look at it */
static void test_port_that_is_opened_again_is_told(void)
{
    MqGuest *g = full_guest();

    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    look(g);
    check_kick(g);
    mq_free(g);
}

/* Sent though there was no room */
static void test_kept_input_is_first_after_a_stop(void)
{
    MqGuest *g = full_guest();

    g_assert_cmpuint(mq_receive(g, 1, "kept"), ==, 4);
    while (mq_used_text(g, MQ_IN(1))) {
    }
    add(g, 1, 2);
    serial_mq_settle(g->s);
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "kept");
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, BUFFER);
    mq_free(g);
}

/* It had cleared DRIVER_OK without a reset. */
static void test_driver_that_goes_on_notifies(void)
{
    const uint8_t less = MQ_OK & ~VIRTIO_CONFIG_S_DRIVER_OK;
    MqGuest *g = full_guest();

    serial_mq_status(g->s, MQ_OK, less, less);
    g_assert_false(g->quiet[MQ_IN(1)]);
    serial_mq_status(g->s, less, MQ_OK, MQ_OK);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    check_kick(g);
    mq_free(g);
}

/* Of what the driver before it read it knows nothing. */
static void test_new_driver_begins_anew(void)
{
    MqGuest *g = full_guest();

    add(g, 1, ENOUGH);
    look(g);
    fill(g, 1);
    mq_forget(g, MQ_IN(1));
    mq_start_linux(g, TRY - 1);
    g_assert_cmpuint(fill(g, 1), ==, TRY - 1);
    g_assert_false(g->quiet[MQ_IN(1)]);
    mq_free(g);
}

/* Between a buffer and its kick; moderated or not */
static void test_back_end_is_told_before_it_finds_room(gconstpointer moderated)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    memset(block, 'x', BUFFER);
    if (moderated) {
        serial_mq_moderate(g->s);
    }
    g_assert_cmpuint(fill(g, 1), ==, 1);
    g_assert_cmpstr(mq_log(g), ==, "");
    add(g, 1, 1);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, BUFFER);
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    mq_free(g);
}

static void stop(MqGuest *g)
{
    serial_mq_settle(g->s);
}

static void remove_port(MqGuest *g)
{
    serial_mq_port_remove(g->s, 1);
}

static void reset_by_driver(MqGuest *g)
{
    serial_mq_reset(g->s, true);
    mq_forget(g, MQ_IN(1));
    serial_mq_reset_done(g->s);
}

static void reset_of_queue(MqGuest *g)
{
    serial_mq_queue_reset(g->s, MQ_IN(1));
    mq_forget(g, MQ_IN(1));
}

/* After it the driver notifies, and no look finds anything of what was. */
static void test_end(gconstpointer arg)
{
    void (*const *ends)(MqGuest *) = arg;
    MqGuest *g = full_guest();

    (*ends)(g);
    mq_log(g);
    g_assert_false(g->quiet[MQ_IN(1)]);
    add(g, 1, 1);
    look(g);
    g_assert_cmpstr(mq_log(g), ==, "");
    mq_free(g);
}

static const struct {
    const char *name;
    void (*ends)(MqGuest *);
} endings[] = {
    {"/end/stopped", stop},
    {"/end/port-removed", remove_port},
    {"/end/reset", reset_by_driver},
    {"/end/queue-reset", reset_of_queue},
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kicks/little-input",
                    test_little_input_is_waited_for_with_kicks);
    g_test_add_func("/kicks/much-input", test_much_input_is_waited_for_without);
    g_test_add_func("/kicks/ports", test_ports_share_a_look);
    g_test_add_func("/kicks/few-buffers",
                    test_driver_of_few_buffers_notifies_again);
    g_test_add_func("/kicks/nothing-read",
                    test_driver_that_reads_nothing_is_left_alone);
    g_test_add_func("/kicks/meanwhile", test_buffer_added_meanwhile_is_found);
    g_test_add_func("/kicks/provoked", test_provoked_driver_notifies);
    g_test_add_func("/kicks/no-leave", test_without_leave_all_is_notified);
    g_test_add_func("/kicks/opened-again",
                    test_port_that_is_opened_again_is_told);
    g_test_add_func("/kicks/kept", test_kept_input_is_first_after_a_stop);
    g_test_add_func("/kicks/goes-on", test_driver_that_goes_on_notifies);
    g_test_add_func("/kicks/anew", test_new_driver_begins_anew);
    g_test_add_data_func("/told/before", NULL,
                         test_back_end_is_told_before_it_finds_room);
    g_test_add_data_func("/told/before-moderated", "",
                         test_back_end_is_told_before_it_finds_room);
    for (size_t i = 0; i < G_N_ELEMENTS(arrivals); i++) {
        g_test_add_data_func(arrivals[i].name, &arrivals[i], test_all_arrives);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_test_add_data_func(endings[i].name, &endings[i].ends, test_end);
    }
    return g_test_run();
}
