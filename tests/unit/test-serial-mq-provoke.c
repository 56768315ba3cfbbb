/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multiport device under provocations: what its driver gets to see of each.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

#define ALL 7ull
#define MS  1000000

static void add_ports(MqGuest *g)
{
    g_assert_true(serial_mq_port_add(g->s, 1, "org.a", false, NULL));
    g_assert_true(serial_mq_port_add(g->s, 2, NULL, false, NULL));
    g_assert_true(serial_mq_port_add(g->s, 5, NULL, false, NULL));
}

static void provoke(MqGuest *g, const char *text)
{
    g_autoptr(GError) error = NULL;

    serial_mq_provoke(g->s, text, &error);
    g_assert_no_error(error);
}

/* A driver about to say DEVICE_READY, @text waiting for what it does. */
static MqGuest *up(SerialMqOrdering ordering, const char *text)
{
    MqGuest *g = mq_new(ordering);

    add_ports(g);
    provoke(g, text);
    mq_start(g, ALL);
    for (unsigned i = 0; i < 32; i++) {
        mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    }
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    return g;
}

static void driver_is_told_what_the_provocation_wants(void)
{
    static const struct {
        const char *text, *early, *ready, *later;
    } rows[] = {
        {"notify=2#1:control-send,port=1,message=port-add", "add:1=1",
         "add:1=1 add:2=1 add:5=1", ""},
        {"control-tx=port-add#2:control-drop", "", "add:1=1 add:5=1", ""},
        {"control-tx#1:control-duplicate,port=2", "",
         "add:1=1 add:2=1 add:2=1 add:5=1", ""},
        {"control-tx#1:control-reorder", "", "add:2=1 add:1=1 add:5=1", ""},
        {"control-tx#1:control-delay,delay=1ms", "", "add:2=1 add:5=1",
         "add:1=1"},
        {"status=0xf#1:control-starve,delay=1ms", "", "",
         "add:1=1 add:2=1 add:5=1"},
        {"status=0xf#1:port-order,seed=3", "", "add:5=1 add:2=1 add:1=1", ""},
        {"control-rx=device-ready#1:control-drop,to=device", "", "", ""},
        {"control-rx#1:control-delay,to=device,delay=1ms", "", "",
         "add:1=1 add:2=1 add:5=1"},
        {"control-rx#1:control-duplicate,to=device", "",
         "add:1=1 add:2=1 add:5=1 add:1=1 add:2=1 add:5=1", ""},
        {"0:control-drop;control-tx#2:control-drop", "", "add:5=1", ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

        g_test_message("%s", rows[i].text);
        add_ports(g);
        provoke(g, rows[i].text);
        fake_host_run_until(g->fake, 0);
        mq_start(g, ALL);
        for (unsigned k = 0; k < 32; k++) {
            mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
        }
        mq_kick(g, SERIAL_MQ_CONTROL_IN);
        g_assert_cmpstr(mq_told(g), ==, rows[i].early);
        mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        g_assert_cmpstr(mq_told(g), ==, rows[i].ready);
        fake_host_run_until(g->fake, MS);
        g_assert_cmpstr(mq_told(g), ==, rows[i].later);
        mq_free(g);
    }
}

/* The judge saw the message; what became of it is the device's affair. */
static void judge_sees_what_the_driver_did(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE,
                    "control-rx=device-ready#1:control-drop,to=device");

    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    g_assert_cmpuint(g->violations, ==, 0);
    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    g_assert_cmpuint(g->violations, ==, 1);
    mq_free(g);
}

static MqGuest *linux_up(const char *text)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

    add_ports(g);
    mq_start_linux(g, 4);
    serial_mq_port_host_open(g->s, 1, true);
    mq_told(g);
    mq_log(g);
    provoke(g, text);
    return g;
}

static void flap_is_a_new_port_of_the_same_number(void)
{
    MqGuest *g = linux_up("notify=5#1:port-flap,port=1");

    g_assert_true(mq_port(g, 1).guest_open);
    mq_print(g, 1, "lost");
    g_assert_cmpstr(mq_told(g), ==, "remove:1=1 add:1=1");
    g_assert_false(mq_port(g, 1).guest_open);
    g_assert_false(mq_port(g, 1).guest_ready);
    g_assert_true(mq_port(g, 2).guest_open);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    g_assert_cmpstr(mq_told(g), ==, "name:1=1(org.a) open:1=1");
    g_assert_cmpuint(g->violations, ==, 0);
    mq_free(g);
}

static void all_ports_flap(void)
{
    MqGuest *g = linux_up("notify=5#1:port-flap");

    mq_kick(g, MQ_OUT(1));
    g_assert_cmpstr(mq_told(g), ==,
                    "remove:1=1 add:1=1 remove:2=1 add:2=1 remove:5=1 add:5=1");
    mq_free(g);
}

static void unplug_is_asked_for(void)
{
    MqGuest *g = linux_up("control-rx=port-open/1#1:port-unplug,port=1;"
                          "control-rx=port-open/1#1:port-unplug,port=4");

    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_cmpstr(mq_log(g), ==, "unplug 1 close 1");
    mq_free(g);
}

static void throttled_port_goes_on_later(void)
{
    MqGuest *g = linux_up("notify=5#1:port-throttle,port=1,delay=1ms");

    mq_print(g, 1, "abc");
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 0);
    fake_host_run_until(g->fake, MS);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 1);
    g_assert_cmpstr(g->output[1]->str, ==, "abc");
    mq_free(g);
}

static void host_goes_and_comes_back(void)
{
    MqGuest *g = linux_up("notify=5#1:host-disconnect,port=1,delay=1ms");

    mq_print(g, 1, "abc");
    g_assert_cmpstr(mq_told(g), ==, "open:1=0");
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 1);
    g_assert_cmpstr(g->output[1]->str, ==, "");
    mq_log(g);
    fake_host_run_until(g->fake, MS);
    g_assert_cmpstr(mq_told(g), ==, "open:1=1");
    g_assert_cmpstr(mq_log(g), ==, "accept 1");
    mq_free(g);
}

/* What the host does meanwhile is seen when the provocation ends. */
static void host_that_is_really_gone_does_not_come_back(void)
{
    MqGuest *g = linux_up("notify=5#1:host-disconnect,port=1,delay=1ms");

    mq_kick(g, MQ_OUT(1));
    g_assert_cmpstr(mq_told(g), ==, "open:1=0");
    serial_mq_port_host_open(g->s, 1, false);
    g_assert_false(mq_port(g, 1).connected);
    fake_host_run_until(g->fake, MS);
    g_assert_cmpstr(mq_told(g), ==, "");
    g_assert_false(mq_port(g, 1).host_open);
    serial_mq_port_host_open(g->s, 1, true);
    g_assert_cmpstr(mq_told(g), ==, "open:1=1");
    mq_free(g);
}

static void host_that_comes_is_not_there_yet(void)
{
    MqGuest *g = linux_up("notify=5#1:host-disconnect,port=2,delay=1ms");

    mq_kick(g, MQ_OUT(1));
    serial_mq_port_host_open(g->s, 2, true);
    g_assert_true(mq_port(g, 2).connected);
    g_assert_false(mq_port(g, 2).host_open);
    g_assert_cmpstr(mq_told(g), ==, "");
    g_assert_cmpuint(serial_mq_port_room(g->s, 2), ==, 0);
    fake_host_run_until(g->fake, MS);
    g_assert_cmpstr(mq_told(g), ==, "open:2=1");
    g_assert_cmpuint(serial_mq_port_room(g->s, 2), >, 0);
    mq_free(g);
}

static void completions_come_later_and_the_last_first(void)
{
    MqGuest *g = linux_up("notify=5#1:completion-reorder,queue=5,delay=1ms");

    mq_print(g, 1, "a");
    mq_print(g, 1, "b");
    g_assert_cmpstr(g->output[1]->str, ==, "ab");
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 0);
    fake_host_run_until(g->fake, MS);
    g_assert_cmpuint(mq_nr_used(g, MQ_OUT(1)), ==, 2);
    mq_free(g);
}

static void interrupts_come_and_do_not(void)
{
    MqGuest *g = linux_up("notify=5#1:interrupt-lost,queue=5;"
                          "notify=5#3:interrupt-spurious,queue=7,count=2;"
                          "notify=5#4:config-interrupt;notify=5#5:kick-lost");
    unsigned before = g->interrupts[5], config = g->config_changes;

    mq_print(g, 1, "a");
    g_assert_cmpuint(g->interrupts[5], ==, before);
    mq_print(g, 1, "b");
    g_assert_cmpuint(g->interrupts[5], ==, before + 1);
    before = g->interrupts[7];
    mq_print(g, 1, "c");
    g_assert_cmpuint(g->interrupts[7], ==, before + 2);
    mq_print(g, 1, "d");
    g_assert_cmpuint(g->config_changes, ==, config + 1);
    mq_print(g, 1, "e");
    g_assert_cmpstr(g->output[1]->str, ==, "abcd");
    mq_kick(g, MQ_OUT(1));
    g_assert_cmpstr(g->output[1]->str, ==, "abcde");
    mq_free(g);
}

/* Virtio 1.3, 2.1.2 */
static void interrupts_wait_for_driver_ok(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

    g_assert_true(serial_mq_provoke(g->s,
                                    "status=3#1:interrupt-spurious,queue=5;"
                                    "status=15#1:interrupt-spurious,queue=7",
                                    NULL));
    serial_mq_status(g->s, 0, 3, 3);
    g_assert_cmpuint(g->interrupts[5], ==, 0);
    serial_mq_status(g->s, 3, 15, 15);
    g_assert_cmpuint(g->interrupts[5], ==, 0);
    g_assert_cmpuint(g->interrupts[7], ==, 1);
    mq_free(g);
}

static void device_that_needs_a_reset_serves_nothing(void)
{
    MqGuest *g = linux_up("notify=5#2:needs-reset");

    mq_print(g, 1, "a");
    mq_print(g, 1, "b");
    g_assert_cmpstr(mq_log(g), ==, "needs-reset provocation");
    g_assert_cmpstr(g->output[1]->str, ==, "a");
    g_assert_true(mq_info(g).refused);
    serial_mq_reset(g->s, true);
    g_assert_false(mq_info(g).refused);
    mq_free(g);
}

/* Only when the transport has no queues of the driver's any more. */
static void reset_provokes_when_it_is_over(void)
{
    MqGuest *g = linux_up("reset#1:control-send,port=1,message=port-add;"
                          "reset#2:needs-reset");

    serial_mq_reset(g->s, true);
    g_assert_cmpstr(mq_told(g), ==, "");
    mq_forget(g, SERIAL_MQ_CONTROL_IN);
    serial_mq_reset_done(g->s);
    mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    g_assert_cmpstr(mq_told(g), ==, "add:1=1");
    mq_log(g);
    serial_mq_reset(g->s, false);
    g_assert_cmpstr(mq_log(g), ==, "");
    serial_mq_reset_done(g->s);
    g_assert_cmpstr(mq_log(g), ==, "needs-reset provocation");
    g_assert_true(mq_info(g).refused);
    /* the next life is none of the provocation's */
    serial_mq_reset(g->s, true);
    serial_mq_reset_done(g->s);
    serial_mq_reset_done(g->s);
    g_assert_false(mq_info(g).refused);
    mq_free(g);
}

static void bad_ones_are_refused_and_none_is_added(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);
    g_autoptr(GError) error = NULL;

    g_assert_false(
        serial_mq_provoke(g->s, "1:needs-reset;1:port-unplug,port=8", &error));
    g_assert_nonnull(strstr(error->message, "port: wanted 0 to 7"));
    g_assert_cmpuint(serial_mq_nr_provocations(g->s), ==, 0);
    g_assert_false(serial_mq_provoke_check(";", 8, NULL));
    g_clear_error(&error);
    g_assert_false(serial_mq_provoke_check("", 8, &error));
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, "wanted WHEN:KIND"));
    provoke(g, "1:needs-reset;2:needs-reset");
    g_assert_cmpuint(serial_mq_nr_provocations(g->s), ==, 2);
    mq_free(g);
}

static void provocations_migrate(void)
{
    MqGuest *from = linux_up("notify=5#2:needs-reset;"
                             "notify=5#1:control-starve,delay=1ms");
    MqGuest *to = mq_new(SERIAL_MQ_OBSERVE);
    ProvokeInfo info;

    add_ports(to);
    provoke(to, "0:needs-reset");
    mq_print(from, 1, "a");
    serial_mq_port_host_open(from->s, 2, true);
    g_assert_cmpstr(mq_told(from), ==, "");
    g_assert_true(mq_migrate(from, to, NULL));
    g_assert_cmpuint(serial_mq_nr_provocations(to->s), ==, 2);
    serial_mq_provocation(to->s, 0, &info);
    g_assert_cmpstr(info.text, ==, "notify=5#2:needs-reset");
    g_assert_true(info.waiting);
    fake_host_run_until(to->fake, MS);
    g_assert_nonnull(strstr(mq_told(to), "open:2=1"));
    mq_kick(to, MQ_OUT(1));
    g_assert_true(mq_info(to).refused);
    mq_free(from);
    mq_free(to);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/serial-mq-provoke/" #name, name)
    TEST(driver_is_told_what_the_provocation_wants);
    TEST(judge_sees_what_the_driver_did);
    TEST(flap_is_a_new_port_of_the_same_number);
    TEST(all_ports_flap);
    TEST(unplug_is_asked_for);
    TEST(throttled_port_goes_on_later);
    TEST(host_goes_and_comes_back);
    TEST(host_that_is_really_gone_does_not_come_back);
    TEST(host_that_comes_is_not_there_yet);
    TEST(completions_come_later_and_the_last_first);
    TEST(interrupts_come_and_do_not);
    TEST(interrupts_wait_for_driver_ok);
    TEST(device_that_needs_a_reset_serves_nothing);
    TEST(reset_provokes_when_it_is_over);
    TEST(bad_ones_are_refused_and_none_is_added);
    TEST(provocations_migrate);
#undef TEST
    return g_test_run();
}
