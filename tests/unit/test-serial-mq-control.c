/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control messages of the multiport console device: each of them, from drivers
 * that know what they do and from ones that do not, with and without buffers.
 */
#include "tests/unit/serial-mq-guest.h"

#include <string.h>

#define ALL (7ull)

static void add_ports(MqGuest *g)
{
    g_assert_true(serial_mq_port_add(g->s, 0, NULL, true, NULL));
    g_assert_true(serial_mq_port_add(g->s, 1, "org.a", false, NULL));
    g_assert_true(serial_mq_port_add(g->s, 5, NULL, false, NULL));
}

/* A driver that is up, with @bufs buffers for control messages. */
static MqGuest *up(SerialMqOrdering ordering, unsigned bufs)
{
    MqGuest *g = mq_new(ordering);

    add_ports(g);
    mq_start(g, ALL);
    for (unsigned i = 0; i < bufs; i++) {
        mq_add_in(g, SERIAL_MQ_CONTROL_IN, 4096);
    }
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    return g;
}

static void test_device_ready_tells_of_all_ports(gconstpointer arg)
{
    MqGuest *g = up(GPOINTER_TO_INT(arg), 16);

    g_assert_cmpstr(mq_told(g), ==, "");
    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    g_assert_cmpstr(mq_told(g), ==, "add:0=1 add:1=1 add:5=1");
    g_assert_true(mq_info(g).device_ready);
    g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_OUT), ==, 1);
    if (GPOINTER_TO_INT(arg) == SERIAL_MQ_ENFORCE) {
        mq_free(g);
        return;
    }
    /* Where the rules are not enforced it is told as often as it asks. */
    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    g_assert_cmpstr(mq_told(g), ==, "add:0=1 add:1=1 add:5=1");
    g_assert_cmpuint(mq_info(g).control_received, ==, 2);
    mq_free(g);
}

static void test_device_ready_interrupts_once_a_batch(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);

    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    g_assert_cmpuint(g->interrupts[SERIAL_MQ_CONTROL_IN], ==, 1);
    g_assert_cmpuint(g->interrupts[SERIAL_MQ_CONTROL_OUT], ==, 1);
    mq_free(g);
}

static void test_device_not_ready_is_told_nothing(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);

    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 0);
    g_assert_cmpstr(mq_told(g), ==, "");
    g_assert_false(mq_info(g).device_ready);
    mq_free(g);
}

static void test_port_ready_tells_what_the_port_is(void)
{
    static const struct {
        unsigned port;
        bool host_open, size;
        const char *told;
    } rows[] = {
        {0, false, false, "console:0=1"},
        {0, true, false, "console:0=1 open:0=1"},
        {0, true, true, "console:0=1 resize:0=1(80x25) open:0=1"},
        {1, false, false, "name:1=1(org.a)"},
        {1, true, true, "name:1=1(org.a) open:1=1"},
        {5, false, false, ""},
        {5, true, false, "open:5=1"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);

        mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        if (rows[i].size) {
            serial_mq_resize(g->s, rows[i].port, 80, 25);
        }
        serial_mq_port_host_open(g->s, rows[i].port, rows[i].host_open);
        mq_told(g);
        mq_say(g, rows[i].port, VIRTIO_CONSOLE_PORT_READY, 1);
        g_assert_cmpstr(mq_told(g), ==, rows[i].told);
        g_assert_true(mq_port(g, rows[i].port).guest_ready);
        mq_say(g, rows[i].port, VIRTIO_CONSOLE_PORT_READY, 0);
        g_assert_cmpstr(mq_told(g), ==, "");
        g_assert_false(mq_port(g, rows[i].port).guest_ready);
        mq_free(g);
    }
}

static void test_port_open_reaches_the_back_end(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);

    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_cmpstr(mq_log(g), ==, "open 1");
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_cmpstr(mq_log(g), ==, "");
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_cmpstr(mq_log(g), ==, "close 1");
    serial_mq_port_host_open(g->s, 1, true);
    /* any other value opens, as it does with virtio-serial-pci */
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 0x8000);
    g_assert_cmpstr(mq_log(g), ==, "open 1 accept 1");
    mq_free(g);
}

static void test_host_open_is_told_after_port_ready(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);

    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    mq_told(g);
    serial_mq_port_host_open(g->s, 5, true);
    g_assert_cmpstr(mq_told(g), ==, "");
    mq_say(g, 5, VIRTIO_CONSOLE_PORT_READY, 1);
    g_assert_cmpstr(mq_told(g), ==, "open:5=1");
    serial_mq_port_host_open(g->s, 5, true);
    g_assert_cmpstr(mq_told(g), ==, "");
    serial_mq_port_host_open(g->s, 5, false);
    serial_mq_port_host_open(g->s, 5, true);
    g_assert_cmpstr(mq_told(g), ==, "open:5=0 open:5=1");
    mq_free(g);
}

static void test_host_open_of_stock_is_told_at_once(void)
{
    MqGuest *g = up(SERIAL_MQ_STOCK, 16);

    serial_mq_port_host_open(g->s, 5, true);
    g_assert_cmpstr(mq_told(g), ==, "open:5=1");
    mq_free(g);
}

/* What no driver should say leaves the device as it was. */
static void test_control_that_means_nothing_is_ignored(gconstpointer arg)
{
    static const struct {
        uint32_t port;
        uint16_t event, value;
    } rows[] = {
        {1, VIRTIO_CONSOLE_PORT_ADD, 1},
        {1, VIRTIO_CONSOLE_PORT_REMOVE, 1},
        {0, VIRTIO_CONSOLE_CONSOLE_PORT, 1},
        {0, VIRTIO_CONSOLE_RESIZE, 1},
        {1, VIRTIO_CONSOLE_PORT_NAME, 1},
        {1, VIRTIO_CONSOLE_PORT_NAME + 1, 1},
        {1, UINT16_MAX, UINT16_MAX},
        {2, VIRTIO_CONSOLE_PORT_READY, 1},
        {MQ_MAX_PORTS - 1, VIRTIO_CONSOLE_PORT_OPEN, 1},
        {MQ_MAX_PORTS, VIRTIO_CONSOLE_PORT_READY, 1},
        {SERIAL_MQ_MAX_PORTS, VIRTIO_CONSOLE_PORT_OPEN, 1},
        {INT32_MAX, VIRTIO_CONSOLE_PORT_READY, 1},
        {0x80000001, VIRTIO_CONSOLE_PORT_OPEN, 1},
        {UINT32_MAX, VIRTIO_CONSOLE_PORT_READY, 1},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        MqGuest *g = up(GPOINTER_TO_INT(arg), 16);

        mq_say(g, rows[i].port, rows[i].event, rows[i].value);
        g_assert_cmpstr(mq_told(g), ==, "");
        g_assert_cmpstr(mq_log(g), ==, "");
        g_assert_cmpuint(mq_info(g).control_ignored, ==, 1);
        g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_OUT), ==, 1);
        mq_free(g);
    }
}

static void test_control_of_other_lengths(void)
{
    const struct virtio_console_control ready = {
        .id = GUINT32_TO_LE(VIRTIO_CONSOLE_BAD_ID),
        .event = GUINT16_TO_LE(VIRTIO_CONSOLE_DEVICE_READY),
        .value = GUINT16_TO_LE(1),
    };
    uint8_t buf[64] = {0};

    memcpy(buf, &ready, sizeof(ready));
    for (size_t len = 0; len <= sizeof(buf); len++) {
        MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);

        mq_add(g, SERIAL_MQ_CONTROL_OUT, buf, len);
        mq_kick(g, SERIAL_MQ_CONTROL_OUT);
        g_assert_true(mq_info(g).device_ready == (len >= sizeof(ready)));
        g_assert_cmpuint(mq_info(g).control_ignored, ==, len < sizeof(ready));
        g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_OUT), ==, 1);
        mq_free(g);
    }
}

/* A message in as many parts as it has bytes, some of them empty. */
static void test_control_in_parts_is_put_together(void)
{
    const size_t parts[] = {0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0};
    const uint8_t ready[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0};
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);
    SerialMqChain *c;
    unsigned at = 0;

    mq_add_parts(g, SERIAL_MQ_CONTROL_OUT, parts, G_N_ELEMENTS(parts), NULL, 0);
    c = g_queue_peek_head(&g->queues[SERIAL_MQ_CONTROL_OUT]);
    for (unsigned i = 0; i < c->out_num; i++) {
        if (c->out[i].iov_len) {
            *(uint8_t *)c->out[i].iov_base = ready[at++];
        }
    }
    mq_kick(g, SERIAL_MQ_CONTROL_OUT);
    g_assert_true(mq_info(g).device_ready);
    mq_free(g);
}

static void test_control_without_readable_part_is_used(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);

    mq_add_in(g, SERIAL_MQ_CONTROL_OUT, 64);
    mq_kick(g, SERIAL_MQ_CONTROL_OUT);
    g_assert_cmpstr(mq_used_text(g, SERIAL_MQ_CONTROL_OUT), ==, "");
    g_assert_cmpuint(mq_info(g).control_ignored, ==, 1);
    mq_free(g);
}

/* A buffer that is too short gets what it has room for, and no more. */
static void test_control_buffer_of_any_length(void)
{
    const size_t want = sizeof(struct virtio_console_control) + 6;

    for (size_t len = 0; len <= want + 1; len++) {
        MqGuest *g = up(SERIAL_MQ_OBSERVE, 0);
        g_autofree char *told = NULL;

        mq_add_in(g, SERIAL_MQ_CONTROL_IN, len);
        mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
        g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_IN), ==, 1);
        if (len < sizeof(struct virtio_console_control)) {
            told = g_strdup_printf("short:%zu", len);
            g_assert_cmpstr(mq_told(g), ==, told);
        } else if (len >= want) {
            g_assert_cmpstr(mq_told(g), ==, "name:1=1(org.a)");
        }
        mq_free(g);
    }
}

static void test_control_waits_for_buffers_in_order(gconstpointer arg)
{
    MqGuest *g = up(GPOINTER_TO_INT(arg), 0);

    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    g_assert_cmpuint(mq_info(g).control_waiting, ==, 4);
    g_assert_cmpuint(g->interrupts[SERIAL_MQ_CONTROL_IN], ==, 0);
    mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    g_assert_cmpstr(mq_told(g), ==, "add:0=1 add:1=1");
    for (unsigned i = 0; i < 4; i++) {
        mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    }
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    g_assert_cmpstr(mq_told(g), ==, "add:5=1 name:1=1(org.a)");
    g_assert_cmpuint(mq_info(g).control_waiting, ==, 0);
    g_assert_cmpuint(mq_info(g).control_lost, ==, 0);
    mq_free(g);
}

static void test_control_of_stock_is_lost_without_buffers(void)
{
    MqGuest *g = up(SERIAL_MQ_STOCK, 2);
    /* It has told of ports before there was a driver. */
    const uint64_t before = mq_info(g).control_lost;

    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    g_assert_cmpstr(mq_told(g), ==, "add:0=1 add:1=1");
    g_assert_cmpuint(mq_info(g).control_lost, ==, before + 1);
    g_assert_cmpuint(mq_info(g).control_waiting, ==, 0);
    mq_free(g);
}

/* A driver that only asks makes the device remember so much and no more. */
static void test_control_that_waits_is_bounded(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 0);
    const unsigned max = MQ_MAX_PORTS * 8;

    for (unsigned i = 0; i < 100; i++) {
        mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    }
    g_assert_cmpuint(mq_info(g).control_waiting, ==, max);
    g_assert_cmpuint(mq_info(g).control_lost, ==, 300 - max);
    for (unsigned i = 0; i < 300; i++) {
        mq_add_in(g, SERIAL_MQ_CONTROL_IN, 8);
    }
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_IN), ==, max);
    mq_free(g);
}

/* A batch that asks for more than may wait finds the buffers there are. */
static void test_control_in_a_batch_uses_its_buffers(void)
{
    const struct virtio_console_control ready = {
        .id = GUINT32_TO_LE(VIRTIO_CONSOLE_BAD_ID),
        .event = GUINT16_TO_LE(VIRTIO_CONSOLE_DEVICE_READY),
        .value = GUINT16_TO_LE(1),
    };
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 300);

    for (unsigned i = 0; i < 100; i++) {
        mq_add(g, SERIAL_MQ_CONTROL_OUT, &ready, sizeof(ready));
    }
    mq_kick(g, SERIAL_MQ_CONTROL_OUT);
    g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_IN), ==, 300);
    g_assert_cmpuint(mq_info(g).control_lost, ==, 0);
    mq_free(g);
}

/* A batch of more messages than one entry serves goes on from a timer. */
static void test_control_in_masses_goes_on_later(void)
{
    const struct virtio_console_control open = {
        .id = GUINT32_TO_LE(5),
        .event = GUINT16_TO_LE(VIRTIO_CONSOLE_PORT_OPEN),
        .value = GUINT16_TO_LE(1),
    };
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 0);

    for (unsigned i = 0; i < 1500; i++) {
        mq_add(g, SERIAL_MQ_CONTROL_OUT, &open, sizeof(open));
    }
    mq_kick(g, SERIAL_MQ_CONTROL_OUT);
    g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_OUT), <, 1000);
    g_assert_cmpint(fake_host_next_deadline(g->fake), !=, INT64_MAX);
    while (fake_host_next_deadline(g->fake) != INT64_MAX) {
        fake_host_advance(g->fake, 0);
    }
    g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_OUT), ==, 1500);
    mq_free(g);
}

static void test_control_before_driver_ok(gconstpointer arg)
{
    const bool enforce = GPOINTER_TO_INT(arg) == SERIAL_MQ_ENFORCE;
    MqGuest *g = mq_new(GPOINTER_TO_INT(arg));

    add_ports(g);
    serial_mq_status(g->s, 0, VIRTIO_CONFIG_S_ACKNOWLEDGE,
                     VIRTIO_CONFIG_S_ACKNOWLEDGE);
    mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_OUT), ==, enforce ? 0 : 1);
    g_assert_true(mq_info(g).refused == enforce);
    g_assert_true((g->violations != 0) ==
                  (GPOINTER_TO_INT(arg) != SERIAL_MQ_STOCK));
    if (enforce) {
        g_assert_true(g_str_has_prefix(mq_log(g), "needs-reset "));
        /* Nothing but a reset helps. */
        serial_mq_status(g->s, VIRTIO_CONFIG_S_ACKNOWLEDGE, MQ_OK, MQ_OK);
        mq_kick(g, SERIAL_MQ_CONTROL_OUT);
        g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_OUT), ==, 0);
        serial_mq_reset(g->s, true);
        mq_start(g, ALL);
        mq_kick(g, SERIAL_MQ_CONTROL_OUT);
        g_assert_cmpuint(mq_nr_used(g, SERIAL_MQ_CONTROL_OUT), ==, 1);
    }
    mq_free(g);
}

static void test_reset_forgets_what_waits(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 0);

    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    mq_log(g);
    serial_mq_reset(g->s, true);
    g_assert_cmpstr(mq_log(g), ==, "close 1");
    g_assert_cmpuint(mq_info(g).control_waiting, ==, 0);
    g_assert_false(mq_info(g).device_ready);
    g_assert_false(mq_port(g, 1).guest_ready);
    g_assert_cmpuint(mq_info(g).resets, ==, 2);
    mq_start(g, ALL);
    mq_add_in(g, SERIAL_MQ_CONTROL_IN, 64);
    mq_kick(g, SERIAL_MQ_CONTROL_IN);
    g_assert_cmpstr(mq_told(g), ==, "");
    mq_free(g);
}

/* As Linux resumes: no DEVICE_READY, and every port is ready again. */
static void test_resume_without_device_ready(void)
{
    MqGuest *g = up(SERIAL_MQ_OBSERVE, 16);

    serial_mq_port_host_open(g->s, 1, true);
    mq_say(g, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    serial_mq_reset(g->s, true);
    serial_mq_port_remove(g->s, 5);
    mq_told(g);
    mq_start(g, ALL);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    mq_say(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_cmpstr(mq_told(g), ==, "name:1=1(org.a) open:1=1");
    /* What comes and goes after it is told. */
    g_assert_true(serial_mq_port_add(g->s, 6, NULL, false, NULL));
    serial_mq_port_remove(g->s, 1);
    g_assert_cmpstr(mq_told(g), ==, "add:6=1 remove:1=1");
    mq_free(g);
}

/*
 * A driver has read CONSOLE_PORT if it answers what it was told later, unless
 * used buffers came back the last first.
 */
static void test_reordered_messages_prove_nothing_read(void)
{
    MqGuest *g = mq_linux_up(SERIAL_MQ_ENFORCE, 0);

    g_assert_true(serial_mq_port_add(g->s, 2, NULL, true, NULL));
    serial_mq_hold(g->s, SERIAL_MQ_CONTROL_IN, true, false);
    mq_say(g, 2, VIRTIO_CONSOLE_PORT_READY, 1);
    g_assert_true(serial_mq_port_add(g->s, 3, NULL, false, NULL));
    serial_mq_hold(g->s, SERIAL_MQ_CONTROL_IN, false, true);
    g_assert_cmpstr(mq_told(g), ==, "add:2=1 add:3=1 console:2=1");
    mq_say(g, 3, VIRTIO_CONSOLE_PORT_READY, 1);
    mq_say(g, 2, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_cmpuint(g->violations, ==, 0);
    g_assert_true(serial_mq_port_add(g->s, 4, NULL, false, NULL));
    mq_say(g, 4, VIRTIO_CONSOLE_PORT_READY, 1);
    mq_say(g, 2, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_cmpuint(g->violations, ==, 1);
    g_assert_true(mq_info(g).refused);
    mq_free(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    mq_add_modes("/control/device-ready/tells-of-all-ports",
                 test_device_ready_tells_of_all_ports);
    g_test_add_func("/control/device-ready/interrupts-once",
                    test_device_ready_interrupts_once_a_batch);
    g_test_add_func("/control/device-ready/not",
                    test_device_not_ready_is_told_nothing);
    g_test_add_func("/control/port-ready",
                    test_port_ready_tells_what_the_port_is);
    g_test_add_func("/control/port-open", test_port_open_reaches_the_back_end);
    g_test_add_func("/control/host-open/after-port-ready",
                    test_host_open_is_told_after_port_ready);
    g_test_add_func("/control/host-open/stock",
                    test_host_open_of_stock_is_told_at_once);
    g_test_add_data_func("/control/ignored/observe",
                         GINT_TO_POINTER(SERIAL_MQ_OBSERVE),
                         test_control_that_means_nothing_is_ignored);
    g_test_add_data_func("/control/ignored/stock",
                         GINT_TO_POINTER(SERIAL_MQ_STOCK),
                         test_control_that_means_nothing_is_ignored);
    g_test_add_func("/control/lengths", test_control_of_other_lengths);
    g_test_add_func("/control/parts", test_control_in_parts_is_put_together);
    g_test_add_func("/control/unreadable",
                    test_control_without_readable_part_is_used);
    g_test_add_func("/control/buffer-lengths",
                    test_control_buffer_of_any_length);
    g_test_add_data_func("/control/waits/observe",
                         GINT_TO_POINTER(SERIAL_MQ_OBSERVE),
                         test_control_waits_for_buffers_in_order);
    g_test_add_func("/control/waits/stock",
                    test_control_of_stock_is_lost_without_buffers);
    g_test_add_func("/control/waits/bounded",
                    test_control_that_waits_is_bounded);
    g_test_add_func("/control/waits/batch",
                    test_control_in_a_batch_uses_its_buffers);
    g_test_add_func("/control/masses", test_control_in_masses_goes_on_later);
    mq_add_modes("/control/before-driver-ok", test_control_before_driver_ok);
    g_test_add_func("/control/reset", test_reset_forgets_what_waits);
    g_test_add_func("/control/resume", test_resume_without_device_ready);
    g_test_add_func("/judge/reordered",
                    test_reordered_messages_prove_nothing_read);
    return g_test_run();
}
