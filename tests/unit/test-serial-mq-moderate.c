/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moderated interrupts of the multiport console device: each driver hears of
 * all that was used, in time, and of nothing of an earlier life.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

#define LATE_NS 1000000

/* Linux' driver on ports 0 (a console), 1 and 5. */
static MqGuest *moderated_guest(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 4);

    serial_mq_moderate(g->s);
    return g;
}

static void print(MqGuest *g, unsigned port, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        mq_add(g, MQ_OUT(port), "x", 1);
        mq_kick(g, MQ_OUT(port));
    }
}

static void test_output_is_told_once_and_used_at_once(void)
{
    MqGuest *g = moderated_guest();

    print(g, 1, 10);
    g_assert_cmpuint(g->output[1]->len, ==, 10);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 10);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 0);
    fake_host_advance(g->fake, LATE_NS - 1);
    print(g, 1, 1);
    print(g, 5, 1);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 0);
    fake_host_advance(g->fake, 1);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 1);
    g_assert_cmpuint(g->interrupts[MQ_OUT(5)], ==, 1);
    fake_host_advance(g->fake, 100 * LATE_NS);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 1);
    print(g, 1, 1);
    fake_host_advance(g->fake, LATE_NS);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 2);
    mq_free(g);
}

/* Its driver spins. */
static void test_console_hears_at_once(void)
{
    MqGuest *g = moderated_guest();

    print(g, 0, 3);
    g_assert_cmpuint(g->interrupts[MQ_OUT(0)], ==, 3);
    mq_free(g);
}

static void test_input_and_control_are_told_at_once(void)
{
    MqGuest *g = moderated_guest();
    unsigned told = g->interrupts[SERIAL_MQ_CONTROL_IN];

    mq_add_in(g, MQ_IN(1), 16);
    g_assert_cmpuint(mq_receive(g, 1, "x"), ==, 1);
    g_assert_cmpuint(g->interrupts[MQ_IN(1)], ==, 1);
    serial_mq_port_host_open(g->s, 5, false);
    g_assert_cmpuint(g->interrupts[SERIAL_MQ_CONTROL_IN], ==, told + 1);
    mq_free(g);
}

static void test_without_leave_all_is_told_at_once(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 4);

    print(g, 1, 3);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 3);
    serial_mq_settle(g->s);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 3);
    mq_free(g);
}

static void test_machine_that_stops_has_told(void)
{
    MqGuest *g = moderated_guest();

    print(g, 1, 3);
    serial_mq_settle(g->s);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 1);
    fake_host_advance(g->fake, LATE_NS);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 1);
    print(g, 1, 3);
    fake_host_advance(g->fake, LATE_NS);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 2);
    mq_free(g);
}

/* The n-th interrupt is the n-th the device gave cause for. */
static void test_provocations_find_nothing_late(void)
{
    g_autoptr(GError) error = NULL;
    MqGuest *g = moderated_guest();

    print(g, 1, 3);
    g_assert_true(
        serial_mq_provoke(g->s, "interrupt=3#4:interrupt-lost", &error));
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 1);
    print(g, 1, 3);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 4);
    mq_free(g);
}

static void reset_by_driver(MqGuest *g)
{
    serial_mq_reset(g->s, true);
    serial_mq_reset_done(g->s);
    mq_forget(g, MQ_OUT(1));
}

static void remove_and_reset(MqGuest *g)
{
    serial_mq_port_remove(g->s, 1);
    reset_by_driver(g);
}

static void reset_of_queue(MqGuest *g)
{
    serial_mq_queue_reset(g->s, MQ_OUT(1));
    mq_forget(g, MQ_OUT(1));
}

static void test_earlier_life_is_told_nothing(gconstpointer arg)
{
    void (*const *ends)(MqGuest *) = arg;
    MqGuest *g = moderated_guest();

    print(g, 1, 3);
    (*ends)(g);
    fake_host_advance(g->fake, 10 * LATE_NS);
    g_assert_cmpuint(g->interrupts[MQ_OUT(1)], ==, 0);
    mq_free(g);
}

static const struct {
    const char *name;
    void (*ends)(MqGuest *);
} endings[] = {
    {"/life/reset", reset_by_driver},
    {"/life/port-removed", remove_and_reset},
    {"/life/queue-reset", reset_of_queue},
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/told/output", test_output_is_told_once_and_used_at_once);
    g_test_add_func("/told/console", test_console_hears_at_once);
    g_test_add_func("/told/input", test_input_and_control_are_told_at_once);
    g_test_add_func("/told/no-leave", test_without_leave_all_is_told_at_once);
    g_test_add_func("/told/stopped", test_machine_that_stops_has_told);
    g_test_add_func("/told/provoked", test_provocations_find_nothing_late);
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_test_add_data_func(endings[i].name, &endings[i].ends,
                             test_earlier_life_is_told_nothing);
    }
    return g_test_run();
}
