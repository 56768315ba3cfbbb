/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the multiport console device keeps within bounds and in its own hands:
 * output of a span of time, buffers of a whole ring, completions that are held
 * while the device is reset; and the trace events of it all.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

/* All that is in the ring, however many buffers that are. */
static void test_input_takes_what_room_said(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);
    g_autofree char *text = g_strnfill(1024, 'x');

    for (unsigned i = 0; i < 1024; i++) {
        mq_add_in(g, MQ_IN(1), 1);
    }
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 1024);
    g_assert_cmpuint(mq_receive(g, 1, text), ==, 1024);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    mq_free(g);
}

/* A replay that has given what was recorded sees what was added since. */
static void test_room_is_looked_at_anew_after_input(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

    mq_add_in(g, MQ_IN(1), 4);
    mq_add_in(g, MQ_IN(1), 4);
    g_assert_cmpuint(mq_receive(g, 1, "1234"), ==, 4);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 4);
    mq_add_in(g, MQ_IN(1), 8);
    g_assert_cmpuint(serial_mq_port_room_now(g->s, 1), ==, 12);
    g_assert_cmpuint(serial_mq_port_room_now(g->s, 2), ==, 0);
    g_assert_cmpuint(serial_mq_port_room_now(g->s, UINT32_MAX), ==, 0);
    mq_free(g);
}

/* The driver takes back what room was told of; nothing is lost, or swapped. */
static void test_input_without_a_buffer_is_kept(gconstpointer arg)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

    mq_add_in(g, MQ_IN(1), 8);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 8);
    mq_forget(g, MQ_IN(1));
    switch (GPOINTER_TO_INT(arg)) {
    case 0:
        serial_mq_queue_reset(g->s, MQ_IN(1));
        break;
    case 1:
        serial_mq_reset(g->s, true);
        break;
    case 2:
        mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
        break;
    }
    g_assert_cmpuint(mq_receive(g, 1, "01234567"), ==, 8);
    g_assert_cmpuint(mq_receive(g, 1, "89"), ==, 2);
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 10);
    if (GPOINTER_TO_INT(arg) == 1) {
        mq_start_linux(g, 0);
    } else if (GPOINTER_TO_INT(arg) == 2) {
        mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    mq_log(g);
    mq_add_in(g, MQ_IN(1), 3);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "012");
    /* Its back end is not asked for more before all of it has gone. */
    g_assert_cmpstr(mq_log(g), ==, "");
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 7);
    mq_add_in(g, MQ_IN(1), 16);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "3456789");
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 0);
    g_assert_cmpuint(mq_port(g, 1).in_bytes, ==, 10);
    mq_free(g);
}

/* No more than one answer of room() can be under way. */
static void test_input_is_kept_within_bounds(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);
    g_autofree char *text = g_strnfill(5000, 'x');

    mq_add_in(g, MQ_IN(1), 100000);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 4096);
    mq_forget(g, MQ_IN(1));
    g_assert_cmpuint(mq_receive(g, 1, text), ==, 4096);
    g_assert_cmpuint(mq_receive(g, 1, "y"), ==, 0);
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 4096);
    mq_free(g);
}

/* It is the host's, and goes with the host's end. */
static void test_kept_input_goes_with_its_host(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

    g_assert_cmpuint(mq_receive(g, 1, "one"), ==, 3);
    g_assert_cmpuint(mq_receive(g, 5, "five"), ==, 4);
    serial_mq_port_host_open(g->s, 1, false);
    serial_mq_port_remove(g->s, 5);
    g_assert_cmpuint(mq_receive(g, 1, "gone"), ==, 0);
    g_assert_cmpuint(mq_receive(g, 5, "gone"), ==, 0);
    g_assert_true(serial_mq_port_add(g->s, 5, NULL, false, NULL));
    serial_mq_port_host_open(g->s, 1, true);
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 0);
    g_assert_cmpuint(mq_port(g, 5).kept, ==, 0);
    mq_add_in(g, MQ_IN(1), 8);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpuint(mq_nr_used(g, MQ_IN(1)), ==, 0);
    mq_free(g);
}

static void receive_inside(MqGuest *g, unsigned queue)
{
    /* As the driver's kick does, from a buffer in the device's register. */
    mq_kick(g, queue);
    g_assert_cmpuint(serial_mq_port_room(g->s, 1), ==, 0);
    g_assert_cmpuint(mq_receive(g, 1, "newer"), ==, 0);
}

/* The first buffer's completion makes the driver kick, and the host send. */
static void test_nothing_overtakes_kept_input(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

    g_assert_cmpuint(mq_receive(g, 1, "01234567"), ==, 8);
    mq_add_in(g, MQ_IN(1), 3);
    mq_add_in(g, MQ_IN(1), 3);
    mq_log(g);
    g->inside_push = receive_inside;
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "012");
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "345");
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 2);
    g_assert_cmpstr(mq_log(g), ==, "");
    mq_add_in(g, MQ_IN(1), 16);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "67");
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    mq_free(g);
}

static void test_nothing_overtakes_new_input(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

    mq_add_in(g, MQ_IN(1), 3);
    mq_add_in(g, MQ_IN(1), 16);
    mq_log(g);
    g->inside_push = receive_inside;
    g_assert_cmpuint(mq_receive(g, 1, "01234567"), ==, 8);
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "012");
    g_assert_cmpstr(mq_used_text(g, MQ_IN(1)), ==, "34567");
    /* Who was refused hears of the next buffers. */
    mq_add_in(g, MQ_IN(1), 16);
    mq_kick(g, MQ_IN(1));
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    mq_free(g);
}

/* However full it was, it can be migrated. */
static void test_kept_input_stays_within_bounds_inside(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);
    MqGuest *to = mq_linux_up(SERIAL_MQ_OBSERVE, 0);
    g_autofree char *text = g_strnfill(4096, 'x');
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(mq_receive(g, 1, text), ==, 4096);
    mq_add_in(g, MQ_IN(1), 3);
    g->inside_push = receive_inside;
    mq_kick(g, MQ_IN(1));
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 4093);
    g_assert_true(mq_migrate(g, to, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(mq_port(to, 1).kept, ==, 4093);
    mq_free(g);
    mq_free(to);
}

static void leave_inside(MqGuest *g, unsigned queue)
{
    (void)queue;
    serial_mq_port_host_open(g->s, 1, false);
}

static void close_inside(MqGuest *g, unsigned queue)
{
    (void)queue;
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
}

/* The host's end goes, or the driver closes the port, amid it. */
static void test_kept_input_is_cut_off(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 0);

    mq_receive(g, 1, "0123");
    mq_add_in(g, MQ_IN(1), 3);
    mq_add_in(g, MQ_IN(1), 3);
    g->inside_push = close_inside;
    mq_kick(g, MQ_IN(1));
    g_assert_cmpuint(mq_nr_used(g, MQ_IN(1)), ==, 1);
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 1);
    mq_receive(g, 1, "4567");
    g->inside_push = leave_inside;
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_cmpuint(mq_nr_used(g, MQ_IN(1)), ==, 2);
    g_assert_cmpuint(mq_port(g, 1).kept, ==, 0);
    mq_free(g);
}

/* What is past the bounds comes with the next span, in order, whole. */
static void test_output_keeps_within_bounds(void)
{
    const size_t parts[] = {6, 6};
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    serial_mq_bound_output(g->s, 8);
    mq_add_parts(g, MQ_OUT(1), parts, G_N_ELEMENTS(parts), NULL, 0);
    mq_kick(g, MQ_OUT(1));
    mq_print(g, 5, "other");
    g_assert_cmpstr(g->output[1]->str, ==, "aaaaaabb");
    g_assert_cmpstr(g->output[5]->str, ==, "");
    /* Neither a kick nor the back end makes it come earlier. */
    mq_kick(g, MQ_OUT(1));
    serial_mq_port_writable(g->s, 1);
    fake_host_advance(g->fake, SERIAL_MQ_SPAN_NS / 2);
    g_assert_cmpstr(g->output[1]->str, ==, "aaaaaabb");
    g_assert_cmpuint(mq_port(g, 1).blocks, ==, 0);
    fake_host_advance(g->fake, SERIAL_MQ_SPAN_NS);
    g_assert_cmpstr(g->output[1]->str, ==, "aaaaaabbbbbb");
    g_assert_cmpstr(g->output[5]->str, ==, "othe");
    fake_host_advance(g->fake, SERIAL_MQ_SPAN_NS);
    g_assert_cmpstr(g->output[5]->str, ==, "other");
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 1);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(5)), ==, 1);
    mq_free(g);
}

/* A driver that does it again and again takes no more of the host. */
static void test_bounded_output_is_as_much_a_span(void)
{
    g_autofree char *text = g_strnfill(1000, 'x');
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    serial_mq_bound_output(g->s, 100);
    for (unsigned i = 0; i < 600; i++) {
        mq_print(g, 1, text);
    }
    for (unsigned i = 1; i <= 20; i++) {
        g_assert_cmpuint(g->output[1]->len, ==, 100 * i);
        fake_host_advance(g->fake, SERIAL_MQ_SPAN_NS);
    }
    mq_free(g);
}

static void test_reset_takes_bounded_output_along(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 1);

    serial_mq_bound_output(g->s, 2);
    mq_print(g, 1, "gone");
    serial_mq_reset(g->s, true);
    g_assert_cmpuint(g->detached, ==, 1);
    fake_host_advance(g->fake, SERIAL_MQ_SPAN_NS);
    mq_start_linux(g, 1);
    mq_print(g, 1, "on");
    g_assert_cmpstr(g->output[1]->str, ==, "goon");
    mq_free(g);
}

static void reset_inside(MqGuest *g, unsigned port)
{
    (void)port;
    serial_mq_reset(g->s, true);
}

/* One of them is written to the register that resets the device. */
static void test_reset_in_the_midst_of_held_completions(gconstpointer arg)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 3);

    serial_mq_hold(g->s, MQ_IN(1), true, false);
    serial_mq_hold(g->s, MQ_IN(5), true, false);
    mq_receive(g, 1, "a");
    mq_receive(g, 5, "b");
    mq_receive(g, 1, "c");
    g_assert_cmpuint(mq_info(g).chains_held, ==, 3);
    g->inside_push = reset_inside;
    serial_mq_hold(g->s, MQ_IN(1), false, GPOINTER_TO_INT(arg));
    g_assert_cmpuint(mq_nr_used(g, MQ_IN(1)), ==, 1);
    g_assert_cmpuint(mq_info(g).chains_held, ==, 0);
    g_assert_cmpuint(g->detached, ==, 2);
    mq_free(g);
}

static void hold_inside(MqGuest *g, unsigned queue)
{
    serial_mq_hold(g->s, queue, true, false);
}

static void test_completions_held_again_meanwhile_stay(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_OBSERVE, 3);

    serial_mq_hold(g->s, MQ_IN(1), true, false);
    mq_receive(g, 1, "a");
    mq_receive(g, 1, "b");
    g->inside_push = hold_inside;
    serial_mq_hold(g->s, MQ_IN(1), false, false);
    g_assert_cmpuint(mq_info(g).chains_held, ==, 1);
    serial_mq_hold(g->s, MQ_IN(1), false, false);
    g_assert_cmpuint(mq_nr_used(g, MQ_IN(1)), ==, 2);
    mq_free(g);
}

/* What happens is traced, judged or not. */
static void test_transitions_are_traced(gconstpointer arg)
{
    const SerialMqOrdering ordering = GPOINTER_TO_INT(arg);
    MqGuest *g = mq_linux_up(ordering, 1);
    const FakeHost *f = g->fake;
    unsigned control = fake_host_trace_count(f, HOST_TRACE_serial_control);
    unsigned violations;

    /* reset, ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK */
    g_assert_cmpuint(fake_host_trace_count(f, HOST_TRACE_serial_status), ==, 5);
    g_assert_cmpuint(control, ==,
                     mq_info(g).control_received + mq_info(g).control_sent);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_cmpuint(fake_host_trace_count(f, HOST_TRACE_serial_control), ==,
                     control + 1);
    violations = fake_host_trace_count(f, HOST_TRACE_serial_violation);
    mq_say(g, 7, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_cmpuint(fake_host_trace_count(f, HOST_TRACE_serial_violation), ==,
                     violations + (ordering != SERIAL_MQ_STOCK));
    mq_free(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/hold/reset-inside/in-order", GINT_TO_POINTER(false),
                         test_reset_in_the_midst_of_held_completions);
    g_test_add_data_func("/hold/reset-inside/reverse", GINT_TO_POINTER(true),
                         test_reset_in_the_midst_of_held_completions);
    g_test_add_func("/hold/held-again",
                    test_completions_held_again_meanwhile_stay);
    g_test_add_data_func("/trace/observe", GINT_TO_POINTER(SERIAL_MQ_OBSERVE),
                         test_transitions_are_traced);
    g_test_add_data_func("/trace/stock", GINT_TO_POINTER(SERIAL_MQ_STOCK),
                         test_transitions_are_traced);
    g_test_add_func("/input/whole-room", test_input_takes_what_room_said);
    g_test_add_data_func("/input/kept/queue-reset", GINT_TO_POINTER(0),
                         test_input_without_a_buffer_is_kept);
    g_test_add_data_func("/input/kept/reset", GINT_TO_POINTER(1),
                         test_input_without_a_buffer_is_kept);
    g_test_add_data_func("/input/kept/closed", GINT_TO_POINTER(2),
                         test_input_without_a_buffer_is_kept);
    g_test_add_data_func("/input/kept/no-reset", GINT_TO_POINTER(3),
                         test_input_without_a_buffer_is_kept);
    g_test_add_func("/input/kept/bounds", test_input_is_kept_within_bounds);
    g_test_add_func("/input/kept/host", test_kept_input_goes_with_its_host);
    g_test_add_func("/input/kept/order-inside",
                    test_nothing_overtakes_kept_input);
    g_test_add_func("/input/order-inside", test_nothing_overtakes_new_input);
    g_test_add_func("/input/kept/bounds-inside",
                    test_kept_input_stays_within_bounds_inside);
    g_test_add_func("/input/kept/cut-off", test_kept_input_is_cut_off);
    g_test_add_func("/input/room-anew",
                    test_room_is_looked_at_anew_after_input);
    g_test_add_func("/output/bounds", test_output_keeps_within_bounds);
    g_test_add_func("/output/bounds-every-span",
                    test_bounded_output_is_as_much_a_span);
    g_test_add_func("/output/bounds-reset",
                    test_reset_takes_bounded_output_along);
    return g_test_run();
}
