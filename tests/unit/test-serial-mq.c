/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multiport console device: its ports from the host's side, consoles'
 * sizes, the configuration space, and when rules are enforced.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

#define ALL (7ull)

static void test_features_follow_the_options(void)
{
    static const struct {
        unsigned max_ports;
        bool emerg_write, size;
        uint64_t offered;
        unsigned nr_queues;
    } rows[] = {
        {1, false, false, 0, 4},
        {2, false, false, 1ull << VIRTIO_CONSOLE_F_MULTIPORT, 6},
        {1, true, false, 1ull << VIRTIO_CONSOLE_F_EMERG_WRITE, 4},
        {1, false, true, 1ull << VIRTIO_CONSOLE_F_SIZE, 4},
        {SERIAL_MQ_MAX_PORTS, true, true, ALL, 1024},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        SerialMqConfig cfg = {
            .max_ports = rows[i].max_ports,
            .emerg_write = rows[i].emerg_write,
            .size = rows[i].size,
        };
        MqGuest *g = mq_new_config(&cfg);

        g_assert_cmphex(serial_mq_offered(g->s), ==, rows[i].offered);
        g_assert_cmpuint(serial_mq_nr_queues(g->s), ==, rows[i].nr_queues);
        mq_free(g);
    }
}

static void test_port_add_refuses_what_cannot_be(void)
{
    g_autofree char *longest = g_strnfill(SERIAL_MQ_NAME_MAX, 'n');
    g_autofree char *longer = g_strnfill(SERIAL_MQ_NAME_MAX + 1, 'n');
    const struct {
        unsigned port;
        const char *name;
        bool console;
        const char *error; /* NULL: fine */
    } rows[] = {
        {0, NULL, false, "port 0 is for a console"},
        {0, "c", true, NULL},
        {0, NULL, true, "there is a port 0 already"},
        {MQ_MAX_PORTS, NULL, false,
         "port 8 is out of range: the device has "
         "ports 0 to 7"},
        {UINT32_MAX, NULL, true, "port 4294967295 is out of range"},
        {MQ_MAX_PORTS - 1, "org.a", false, NULL},
        {1, "org.a", false, "the name 'org.a' is port 7's"},
        {1, longer, false, "a port's name has at most 255 bytes"},
        {1, longest, false, NULL},
        {2, "", false, NULL},
        {3, NULL, true, NULL},
    };
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);
    unsigned nr = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        bool done = serial_mq_port_add(g->s, rows[i].port, rows[i].name,
                                       rows[i].console, &error);

        nr += done;
        if (rows[i].error) {
            g_assert_false(done);
            g_assert_nonnull(error);
            g_assert_true(g_str_has_prefix(error->message, rows[i].error));
        } else {
            g_assert_no_error(error);
            g_assert_cmpstr(mq_port(g, rows[i].port).name, ==, rows[i].name);
            g_assert_true(mq_port(g, rows[i].port).console == rows[i].console);
        }
        g_assert_cmpuint(mq_info(g).nr_ports, ==, nr);
    }
    mq_free(g);
}

static void test_free_port_is_the_lowest(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

    g_assert_cmpuint(serial_mq_free_port(g->s, true), ==, 0);
    for (unsigned i = 1; i < MQ_MAX_PORTS; i++) {
        g_assert_cmpuint(serial_mq_free_port(g->s, false), ==, i);
        g_assert_true(serial_mq_port_add(g->s, i, NULL, false, NULL));
    }
    g_assert_cmpuint(serial_mq_free_port(g->s, false), ==, SERIAL_MQ_NO_PORT);
    g_assert_cmpuint(serial_mq_free_port(g->s, true), ==, 0);
    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    g_assert_cmpuint(serial_mq_free_port(g->s, true), ==, SERIAL_MQ_NO_PORT);
    serial_mq_port_remove(g->s, 4);
    g_assert_cmpuint(serial_mq_free_port(g->s, false), ==, 4);
    mq_free(g);
}

/* Entries for a port that does not exist change nothing. */
static void test_no_such_port_is_left_alone(void)
{
    static const unsigned rows[] = {2, MQ_MAX_PORTS, SERIAL_MQ_MAX_PORTS,
                                    UINT32_MAX};
    SerialMqPortInfo info;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

        mq_start_linux(g, 1);
        serial_mq_port_remove(g->s, rows[i]);
        serial_mq_port_host_open(g->s, rows[i], true);
        serial_mq_port_writable(g->s, rows[i]);
        serial_mq_port_throttle(g->s, rows[i], true);
        serial_mq_port_throttle(g->s, rows[i], false);
        serial_mq_resize(g->s, rows[i], 80, 25);
        g_assert_false(serial_mq_port_info(g->s, rows[i], &info));
        g_assert_cmpstr(mq_told(g), ==, "");
        g_assert_cmpstr(mq_log(g), ==, "");
        g_assert_cmpuint(g->config_changes, ==, 0);
        mq_free(g);
    }
}

static void test_hot_plug_is_told_once(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

    /* Between DRIVER_OK and DEVICE_READY the driver is about to ask. */
    mq_start(g, ALL);
    mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    g_assert_true(serial_mq_port_add(g->s, 3, NULL, false, NULL));
    g_assert_cmpstr(mq_told(g), ==, "");
    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    g_assert_cmpstr(mq_told(g), ==, "add:3=1");
    for (unsigned i = 0; i < 4; i++) {
        mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    }
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    g_assert_true(serial_mq_port_add(g->s, 4, "org.d", false, NULL));
    serial_mq_port_remove(g->s, 3);
    g_assert_cmpstr(mq_told(g), ==, "add:4=1 remove:3=1");
    mq_free(g);
}

/* Ports come and go faster than the driver gives buffers. */
static void test_hot_plug_storm_without_buffers(gconstpointer arg)
{
    MqGuest *g = mq_new(GPOINTER_TO_INT(arg));

    mq_start_linux(g, 1);
    for (unsigned i = 0; i < 1000; i++) {
        const unsigned port = 1 + i % (MQ_MAX_PORTS - 1);

        g_assert_true(serial_mq_port_add(g->s, port, "org.n", false, NULL));
        serial_mq_port_host_open(g->s, port, true);
        mq_say(g, port, VIRTIO_CONSOLE_PORT_READY, 1);
        mq_print(g, port, "x");
        serial_mq_port_remove(g->s, port);
    }
    g_assert_cmpuint(mq_info(g).nr_ports, ==, 0);
    g_assert_cmpuint(mq_info(g).control_waiting, <=, MQ_MAX_PORTS * 8);
    g_assert_cmpuint(mq_info(g).control_lost, >, 0);
    mq_free(g);
}

/* The name a message brings is the one the port had when it was sent. */
static void test_name_that_waits_outlives_its_port(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

    g_assert_true(serial_mq_port_add(g->s, 1, "org.old", false, NULL));
    mq_start(g, ALL);
    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    serial_mq_port_remove(g->s, 1);
    g_assert_true(serial_mq_port_add(g->s, 1, "org.new", false, NULL));
    for (unsigned i = 0; i < 8; i++) {
        mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    }
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    g_assert_cmpstr(mq_told(g), ==,
                    "add:1=1 name:1=1(org.old) remove:1=1 add:1=1");
    mq_free(g);
}

static void test_resize_is_told_to_who_can_hear(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    g_assert_true(serial_mq_port_add(g->s, 1, NULL, true, NULL));
    g_assert_true(serial_mq_port_add(g->s, 2, NULL, false, NULL));
    serial_mq_resize(g->s, 0, 80, 25);
    g_assert_cmpuint(g->config_changes, ==, 0);
    mq_start_linux(g, 1);
    serial_mq_resize(g->s, 0, 132, 50);
    g_assert_cmpstr(mq_told(g), ==, "resize:0=1(132x50)");
    g_assert_cmpuint(g->config_changes, ==, 1);
    serial_mq_resize(g->s, 0, 132, 50);
    g_assert_cmpstr(mq_told(g), ==, "");
    serial_mq_resize(g->s, 1, 65535, 1);
    g_assert_cmpstr(mq_told(g), ==, "resize:1=1(65535x1)");
    serial_mq_resize(g->s, 2, 80, 25);
    g_assert_cmpstr(mq_told(g), ==, "");
    g_assert_cmpuint(g->config_changes, ==, 1);
    mq_free(g);
}

static void test_resize_without_the_feature_is_not_told(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);

    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    mq_start(g, 1ull << VIRTIO_CONSOLE_F_MULTIPORT);
    mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    mq_say(g, 0, VIRTIO_CONSOLE_PORT_READY, 1);
    mq_told(g);
    serial_mq_resize(g->s, 0, 132, 50);
    g_assert_cmpstr(mq_told(g), ==, "");
    g_assert_cmpuint(g->config_changes, ==, 0);
    mq_free(g);
}

static void test_config_is_what_the_driver_reads(void)
{
    static const uint8_t want[] = {132, 0, 50, 0, 8, 0, 0, 0, 0, 0, 0, 0};
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);
    SerialMqConfig plain = {.max_ports = 1};
    uint8_t buf[64];

    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    serial_mq_resize(g->s, 0, 132, 50);
    memset(buf, 0xa5, sizeof(buf));
    g_assert_cmpuint(serial_mq_config(g->s, buf, sizeof(buf)), ==,
                     sizeof(want));
    g_assert_cmpmem(buf, sizeof(want), want, sizeof(want));
    g_assert_cmpuint(buf[sizeof(want)], ==, 0xa5);
    memset(buf, 0xa5, sizeof(buf));
    g_assert_cmpuint(serial_mq_config(g->s, buf, 5), ==, 5);
    g_assert_cmpuint(buf[5], ==, 0xa5);
    serial_mq_config_read(g->s, 0, 2);
    mq_free(g);
    g = mq_new_config(&plain);
    g_assert_cmpuint(serial_mq_config(g->s, buf, sizeof(buf)), ==, 8);
    mq_free(g);
}

static void test_emergency_write_goes_to_the_first_console(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);
    SerialMqConfig plain = {.max_ports = 2};

    serial_mq_config_write(g->s, 8, 'x', 4);
    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    g_assert_true(serial_mq_port_add(g->s, 1, NULL, false, NULL));
    g_assert_true(serial_mq_port_add(g->s, 2, NULL, true, NULL));
    serial_mq_port_host_open(g->s, 1, true);
    serial_mq_config_write(g->s, 8, 'x', 4);
    serial_mq_port_host_open(g->s, 2, true);
    serial_mq_config_write(g->s, 8, 'a', 4);
    serial_mq_port_host_open(g->s, 0, true);
    serial_mq_config_write(g->s, 8, 0x1262, 4);
    serial_mq_config_write(g->s, 8, 'c', 1);
    /* nothing else can be written, nor nothing */
    serial_mq_config_write(g->s, 8, 0, 4);
    serial_mq_config_write(g->s, 0, 'x', 2);
    serial_mq_config_write(g->s, 4, 'x', 4);
    serial_mq_config_write(g->s, 9, 'x', 1);
    serial_mq_config_write(g->s, UINT32_MAX, 'x', 4);
    g_assert_cmpstr(g->output[0]->str, ==, "bc");
    g_assert_cmpstr(g->output[1]->str, ==, "");
    g_assert_cmpstr(g->output[2]->str, ==, "a");
    /* A back end that takes none is not waited for. */
    g->takes[0] = 0;
    serial_mq_config_write(g->s, 8, 'd', 4);
    serial_mq_port_writable(g->s, 0);
    g_assert_cmpuint(mq_port(g, 0).out_bytes, ==, 2);
    mq_free(g);
    g = mq_new_config(&plain);
    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    serial_mq_port_host_open(g->s, 0, true);
    serial_mq_config_write(g->s, 8, 'x', 4);
    g_assert_cmpstr(g->output[0]->str, ==, "");
    mq_free(g);
}

/* Two ports of the buggy order of 2014: the first kick is the end of it. */
static void test_enforce_refuses_until_the_reset(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_ENFORCE);

    g_assert_true(serial_mq_port_add(g->s, 1, NULL, false, NULL));
    serial_mq_port_host_open(g->s, 1, true);
    serial_mq_reset(g->s, true);
    serial_mq_status_read(g->s, 0);
    serial_mq_status(g->s, 0, VIRTIO_CONFIG_S_ACKNOWLEDGE,
                     VIRTIO_CONFIG_S_ACKNOWLEDGE);
    mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    mq_print(g, 1, "early");
    g_assert_true(mq_info(g).refused);
    g_assert_cmpstr(mq_log(g), ==, "needs-reset kick-before-driver-ok");
    g_assert_cmpstr(g->output[1]->str, ==, "");
    /* told once */
    mq_kick(g, MQ_OUT(1));
    g_assert_cmpstr(mq_log(g), ==, "");
    serial_mq_config_write(g->s, 8, 'x', 4);
    mq_start_linux(g, 1);
    g_assert_false(mq_info(g).refused);
    mq_kick(g, MQ_OUT(1));
    g_assert_cmpstr(g->output[1]->str, ==, "early");
    mq_free(g);
}

/* Virtio 1.3, 3.1.2: a transitional device serves it before DRIVER_OK. */
static void test_enforce_serves_a_legacy_driver_early(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_ENFORCE);

    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    serial_mq_port_host_open(g->s, 0, true);
    serial_mq_interface(g->s, true);
    serial_mq_reset(g->s, true);
    serial_mq_status(g->s, 0, 3, 3);
    serial_mq_queue_set(g->s, 1, ORDERING_QUEUE_PFN, 0x10);
    mq_print(g, 0, "early");
    g_assert_cmpuint(g->violations, >, 0);
    g_assert_false(mq_info(g).refused);
    g_assert_cmpstr(g->output[0]->str, ==, "early");
    /* The same driver by the modern interface */
    serial_mq_interface(g->s, false);
    mq_print(g, 0, "late");
    g_assert_true(mq_info(g).refused);
    g_assert_cmpstr(g->output[0]->str, ==, "early");
    mq_free(g);
}

static void test_stock_has_no_judge(void)
{
    MqGuest *g = mq_new(SERIAL_MQ_STOCK);

    g_assert_null(serial_mq_judge(g->s));
    mq_print(g, 1, "early");
    g_assert_cmpuint(g->violations, ==, 0);
    mq_free(g);
    g = mq_new(SERIAL_MQ_OBSERVE);
    g_assert_nonnull(serial_mq_judge(g->s));
    mq_print(g, 1, "early");
    g_assert_cmpuint(g->violations, >, 0);
    g_assert_cmpuint(ordering_total(serial_mq_judge(g->s)), ==, g->violations);
    g_assert_cmpstr(mq_log(g), ==, "");
    mq_free(g);
}

static void test_what_the_transport_refused_is_not_there(void)
{
    const uint64_t multiport = 1ull << VIRTIO_CONSOLE_F_MULTIPORT;
    const uint8_t driver = MQ_OK & ~VIRTIO_CONFIG_S_FEATURES_OK;
    MqGuest *g = mq_new(SERIAL_MQ_OBSERVE);
    uint64_t offered = serial_mq_offered(g->s);

    serial_mq_features(g->s, multiport, offered, multiport);
    g_assert_cmphex(mq_info(g).features, ==, multiport);
    /* after FEATURES_OK, say */
    serial_mq_features(g->s, offered, offered, multiport);
    g_assert_cmphex(mq_info(g).features, ==, multiport);
    serial_mq_status(g->s, driver, MQ_OK, driver);
    g_assert_cmphex(mq_info(g).status, ==, driver);
    mq_free(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/device/features", test_features_follow_the_options);
    g_test_add_func("/port/add/refuses", test_port_add_refuses_what_cannot_be);
    g_test_add_func("/port/free", test_free_port_is_the_lowest);
    g_test_add_func("/port/none", test_no_such_port_is_left_alone);
    g_test_add_func("/port/hot-plug/told-once", test_hot_plug_is_told_once);
    g_test_add_data_func("/port/hot-plug/storm/observe",
                         GINT_TO_POINTER(SERIAL_MQ_OBSERVE),
                         test_hot_plug_storm_without_buffers);
    g_test_add_data_func("/port/hot-plug/storm/stock",
                         GINT_TO_POINTER(SERIAL_MQ_STOCK),
                         test_hot_plug_storm_without_buffers);
    g_test_add_func("/port/name", test_name_that_waits_outlives_its_port);
    g_test_add_func("/resize/told", test_resize_is_told_to_who_can_hear);
    g_test_add_func("/resize/not-told",
                    test_resize_without_the_feature_is_not_told);
    g_test_add_func("/config/read", test_config_is_what_the_driver_reads);
    g_test_add_func("/config/emergency-write",
                    test_emergency_write_goes_to_the_first_console);
    g_test_add_func("/transport/refuses",
                    test_what_the_transport_refused_is_not_there);
    g_test_add_func("/mode/enforce", test_enforce_refuses_until_the_reset);
    g_test_add_func("/mode/enforce/legacy",
                    test_enforce_serves_a_legacy_driver_early);
    g_test_add_func("/mode/stock", test_stock_has_no_judge);
    return g_test_run();
}
