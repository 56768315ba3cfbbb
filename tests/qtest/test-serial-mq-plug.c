/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of virtio-serial-mq-pci that come and go while a driver is at work,
 * as many as there may be; and the whole device.
 */
#include "tests/qtest/serial-machine.h"

#include <string.h>

#define MQ "virtio-serial-mq-pci"

static const SerialOptions msix = {.msix = true};

/* A port without a character device, but with a host's end. */
static void plug(Qtest *q, unsigned port)
{
    g_autofree char *add = g_strdup_printf(
        "{\"driver\": \"virtserialport-mq\", \"bus\": \"vs.0\", "
        "\"id\": \"h%u\", \"nr\": %u, \"name\": \"hot%u\"}",
        port, port, port);
    g_autofree char *open =
        g_strdup_printf("{\"port\": %u, \"open\": true}", port);

    json_node_unref(qtest_qmp(q, "device_add", add));
    json_node_unref(qtest_qmp(q, "virtio-serial-mq-connect", open));
}

static void unplug(Qtest *q, unsigned port)
{
    g_autofree char *del = g_strdup_printf("{\"id\": \"h%u\"}", port);

    json_node_unref(qtest_qmp(q, "device_del", del));
    json_node_unref(qtest_qmp_event(q, "DEVICE_DELETED"));
}

static void bad_options_are_refused(void)
{
    static const struct {
        const char *args, *want;
    } cases[] = {
        {"\"driver\": \"" MQ "\", \"max_ports\": 0", "max_ports"},
        {"\"driver\": \"" MQ "\", \"max_ports\": 512", "511"},
        {"\"driver\": \"" MQ "\", \"ordering\": \"none\"", "ordering"},
        {"\"driver\": \"virtserialport-mq\", \"bus\": \"vs.0\", \"nr\": 8",
         "7"},
        {"\"driver\": \"virtserialport-mq\", \"bus\": \"vs.0\", \"nr\": 0",
         "0"},
        {"\"driver\": \"virtserialport-mq\", \"bus\": \"vs.0\", \"nr\": 1",
         "1"},
        {"\"driver\": \"virtserialport-mq\", \"bus\": \"vs.0\", "
         "\"name\": \"org.test.1\"",
         "org.test.1"},
        {"\"driver\": \"virtserialport-mq\", \"bus\": \"vs.0\", "
         "\"chardev\": \"c1\"",
         "c1"},
        {"\"driver\": \"virtserialport\", \"bus\": \"vs.0\"", "bus"},
    };
    SerialMachine *m =
        serial_machine_start(MQ ",max_ports=8", 1, "-machine pc");
    g_autofree char *name = g_strnfill(256, 'n');
    g_autofree char *long_name = g_strdup_printf(
        "{\"driver\": \"virtserialport-mq\", \"bus\": \"vs.0\", "
        "\"name\": \"%s\"}",
        name);
    g_autofree char *long_error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *args = g_strdup_printf("{%s}", cases[i].args);
        g_autofree char *error = qtest_qmp_fails(m->q, "device_add", args);

        g_test_message("%s: %s", cases[i].args, error);
        g_assert_nonnull(strstr(error, cases[i].want));
    }
    long_error = qtest_qmp_fails(m->q, "device_add", long_name);
    g_test_message("%s", long_error);
    serial_machine_end(m);
}

static void ports_come_and_go(void)
{
    enum { TIMES = 40 };
    SerialMachine *m = serial_machine_start(MQ ",max_ports=8", 1, "");
    SerialDriver *d;
    char byte;

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    for (unsigned i = 0; i < TIMES; i++) {
        unsigned port = 2 + i % 6;
        g_autofree char *name = g_strdup_printf("hot%u", port);

        plug(m->q, port);
        serial_expect(d, port, VIRTIO_CONSOLE_PORT_ADD, 1);
        serial_port_ready(d, port, false, name, true);
        serial_port_open(d, port, true);
        serial_port_write(d, port, "x", 1);
        g_assert_cmpuint(serial_port_counter(m->q, port, "out-bytes"), ==, 1);
        unplug(m->q, port);
        serial_expect(d, port, VIRTIO_CONSOLE_PORT_REMOVE, 1);
        /* a write that was under way is nobody's */
        serial_port_write(d, port, "y", 1);
    }
    serial_expect_none(d);
    serial_port_write(d, 1, "z", 1);
    host_socket_read(m->host[1], &byte, 1);
    g_assert_cmpint(byte, ==, 'z');
    g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(m);
}

/* QMP's chardev-change, to one that cannot be waited for: the port goes on. */
static void blocked_port_gets_another_backend(void)
{
    SerialMachine *m = serial_machine_start(MQ, 1, "");
    SerialDriver *d;

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    serial_machine_block(d, 1);
    json_node_unref(
        qtest_qmp(m->q, "chardev-change",
                  "{\"id\": \"c1\", \"backend\": {\"type\": \"ringbuf\", "
                  "\"data\": {\"size\": 4096}}}"));
    g_assert_false(serial_port_flag(m->q, 1, "blocked"));
    g_assert_true(serial_port_flag(m->q, 1, "host-open"));
    virtqueue_wait(&d->port[1].out);
    g_assert_cmpuint(d->port[1].out.nr_free, ==, d->port[1].out.size);
    serial_port_write(d, 1, "on", 2);
    serial_free(d);
    serial_machine_end(m);
}

static void port_goes_with_data_in_flight(void)
{
    SerialMachine *m = serial_machine_start(MQ, 2, "");
    SerialDriver *d;
    Virtqueue *out;
    VirtqueueUsed used;

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    out = &d->port[1].out;
    serial_machine_block(d, 1);
    host_socket_write(m->host[1], "to the guest", 12);
    json_node_unref(qtest_qmp(m->q, "device_del", "{\"id\": \"p1\"}"));
    json_node_unref(qtest_qmp_event(m->q, "DEVICE_DELETED"));
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_REMOVE, 1);
    /* what the device held is back */
    while (virtqueue_take(out, &used)) {
        /* one after the other */
    }
    g_assert_cmpuint(out->nr_free, ==, out->size);
    json_node_unref(
        qtest_qmp(m->q, "device_add",
                  "{\"driver\": \"virtserialport-mq\", \"bus\": \"vs.0\", "
                  "\"id\": \"p1\", \"nr\": 1, \"name\": \"again\"}"));
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_port_ready(d, 1, false, "again", false);
    g_assert_cmpuint(serial_port_counter(m->q, 1, "out-bytes"), ==, 0);
    g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(m);
}

/* With no buffer for a message: all come later, in their order. */
static void ports_come_and_go_unheard(void)
{
    enum { TIMES = 5 };
    Qtest *q = qtest_start("-device " MQ ",id=vs,max_ports=4", "");
    SerialDriver *d = serial_find(q, &msix);
    SerialControl msg;
    bool added = false;

    serial_acknowledge(d);
    serial_negotiate(d, &msix);
    serial_set_up_queues(d, &msix);
    serial_driver_ok(d);
    serial_control(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    for (unsigned i = 0; i < TIMES; i++) {
        plug(q, 1);
        unplug(q, 1);
    }
    plug(q, 2);
    serial_fill_control(d);
    /* a port that has come and gone need not be told of at all */
    while ((msg = serial_wait_control(d)).port == 1) {
        g_assert_cmpuint(msg.event, ==,
                         added ? VIRTIO_CONSOLE_PORT_REMOVE
                               : VIRTIO_CONSOLE_PORT_ADD);
        added = !added;
    }
    g_assert_false(added);
    g_assert_cmpuint(msg.port, ==, 2);
    g_assert_cmpuint(msg.event, ==, VIRTIO_CONSOLE_PORT_ADD);
    serial_port_ready(d, 2, false, "hot2", true);
    g_assert_cmpuint(serial_broken(q, NULL), ==, 0);
    serial_free(d);
    qtest_quit(q);
}

static void as_many_ports_as_there_may_be(void)
{
    GString *args = g_string_new("-device " MQ ",id=vs,max_ports=511 "
                                 "-device virtconsole-mq,bus=vs.0,nr=0");
    g_autofree char *error = NULL;
    SerialDriver *d;
    Qtest *q;

    for (unsigned i = 1; i < SERIAL_PORTS_MAX; i++) {
        g_string_append_printf(
            args, " -device virtserialport-mq,bus=vs.0,nr=%u,name=n%u", i, i);
    }
    q = qtest_start(args->str, "");
    g_string_free(args, TRUE);
    error = qtest_qmp_fails(q, "device_add",
                            "{\"driver\": \"virtserialport-mq\", "
                            "\"bus\": \"vs.0\"}");
    d = serial_start(q, &msix);
    g_assert_cmpuint(virtio_nr_queues(&d->v), ==, 1024);
    g_assert_cmpuint(d->nr_ports, ==, SERIAL_PORTS_MAX);
    for (unsigned i = 0; i < SERIAL_PORTS_MAX; i++) {
        serial_expect(d, i, VIRTIO_CONSOLE_PORT_ADD, 1);
    }
    for (unsigned i = 0; i < SERIAL_PORTS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("n%u", i);

        serial_port_ready(d, i, i == 0, i ? name : NULL, false);
    }
    json_node_unref(qtest_qmp(q, "virtio-serial-mq-connect",
                              "{\"port\": 510, \"open\": true}"));
    serial_expect(d, 510, VIRTIO_CONSOLE_PORT_OPEN, 1);
    serial_port_open(d, 510, true);
    serial_port_write(d, 510, "last", 4);
    g_assert_cmpuint(serial_port_counter(q, 510, "out-bytes"), ==, 4);
    g_assert_true(pci_msix_taken(&d->v.f, d->port[510].out.index + 1));
    g_assert_cmpuint(serial_broken(q, NULL), ==, 0);
    virtio_reset(&d->v);
    serial_free(d);
    qtest_quit(q);
}

/* ACPI's hot-plug registers of the machine pc. */
#define ACPI_EJECT 0xae08
#define SLOT       9

static void device_comes_and_goes(void)
{
    Qtest *q = qtest_start("-machine pc", "");

    for (unsigned i = 0; i < 3; i++) {
        SerialDriver *d;

        json_node_unref(qtest_qmp(q, "device_add",
                                  "{\"driver\": \"" MQ "\", \"id\": \"vs\", "
                                  "\"addr\": \"9\"}"));
        plug(q, 1);
        d = serial_start(q, &msix);
        serial_expect(d, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
        serial_port_ready(d, 1, false, "hot1", true);
        serial_port_fill(d, 1);
        serial_port_open(d, 1, true);
        serial_port_write(d, 1, "x", 1);
        serial_free(d);
        json_node_unref(qtest_qmp(q, "device_del", "{\"id\": \"vs\"}"));
        qtest_outl(q, ACPI_EJECT, 1u << SLOT);
        for (;;) {
            g_autoptr(JsonNode) event = qtest_qmp_event(q, "DEVICE_DELETED");
            JsonObject *data = json_object_get_object_member(
                json_node_get_object(event), "data");

            if (json_object_has_member(data, "device") &&
                !strcmp(json_object_get_string_member(data, "device"), "vs")) {
                break;
            }
        }
    }
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    static const QtestCase tests[] = {
        {"/serial-mq-plug/bad-options-are-refused", bad_options_are_refused},
        {"/serial-mq-plug/ports-come-and-go", ports_come_and_go},
        {"/serial-mq-plug/port-goes-with-data-in-flight",
         port_goes_with_data_in_flight},
        {"/serial-mq-plug/blocked-port-gets-another-backend",
         blocked_port_gets_another_backend},
        {"/serial-mq-plug/ports-come-and-go-unheard",
         ports_come_and_go_unheard},
        {"/serial-mq-plug/as-many-ports-as-there-may-be",
         as_many_ports_as_there_may_be},
        {"/serial-mq-plug/device-comes-and-goes", device_comes_and_goes},
    };

    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
