/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with a virtio-serial-mq-pci device for qtest suites.
 */
#include "tests/qtest/serial-machine.h"

#include <string.h>

#define PATTERN_LEN       4096u
#define PATTERN_PAGES_MAX 1000u

/* How often the main loop may turn before it has seen a socket. */
#define TURNS_MAX 20000

SerialMachine *serial_machine_start(const char *type, unsigned nr,
                                    const char *more)
{
    SerialMachine *m = g_new0(SerialMachine, 1);
    GString *args = g_string_new("");

    g_assert_cmpuint(nr, <=, SERIAL_SOCKETS_MAX);
    g_string_append_printf(args, "%s -device %s,id=vs", more, type);
    m->nr = nr;
    for (unsigned i = 1; i <= nr; i++) {
        g_autofree char *id = g_strdup_printf("c%u", i);

        m->host[i] = host_socket_new(id);
        g_string_append_printf(args,
                               " %s -device virtserialport-mq,bus=vs.0,"
                               "id=p%u,nr=%u,chardev=%s,name=" SERIAL_PORT_NAME,
                               host_socket_args(m->host[i]), i, i, id, i);
    }
    m->args = g_string_free(args, FALSE);
    m->q = qtest_start(m->args, "");
    return m;
}

void serial_machine_end(SerialMachine *m)
{
    qtest_quit(m->q);
    for (unsigned i = 1; i <= m->nr; i++) {
        host_socket_free(m->host[i]);
    }
    g_free(m->args);
    g_free(m);
}

void serial_machine_connect(SerialMachine *m)
{
    for (unsigned i = 1; i <= m->nr; i++) {
        host_socket_connect(m->host[i]);
    }
    for (unsigned i = 1; i <= m->nr; i++) {
        serial_machine_wait_host(m, i, true);
    }
}

void serial_machine_wait_host(SerialMachine *m, unsigned port, bool open)
{
    /* the question lets the main loop turn */
    for (unsigned turn = 0; serial_port_flag(m->q, port, "host-open") != open;
         turn++) {
        if (turn == TURNS_MAX) {
            g_error("port %u: the host's end does not %s", port,
                    open ? "open" : "close");
        }
    }
}

static uint8_t pattern(size_t at)
{
    at %= PATTERN_LEN;
    return at ^ at >> 8;
}

unsigned serial_machine_block(SerialDriver *d, unsigned port)
{
    uint8_t page[PATTERN_LEN];
    unsigned nr = 0;

    for (size_t i = 0; i < sizeof(page); i++) {
        page[i] = pattern(i);
    }
    while (!serial_port_flag(d->v.f.q, port, "blocked")) {
        VirtqueueUsed used;

        g_assert_cmpuint(nr, <, PATTERN_PAGES_MAX);
        serial_port_send(d, port, page, sizeof(page));
        qtest_settle(d->v.f.q);
        virtqueue_take(&d->port[port].out, &used);
        nr++;
    }
    return nr;
}

bool serial_machine_is_pattern(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != pattern(i)) {
            return false;
        }
    }
    return true;
}

SerialDriver *serial_machine_open(SerialMachine *m,
                                  const SerialOptions *options)
{
    SerialDriver *d = serial_start(m->q, options);

    for (unsigned i = 1; i <= m->nr; i++) {
        serial_expect(d, i, VIRTIO_CONSOLE_PORT_ADD, 1);
    }
    for (unsigned i = 1; i <= m->nr; i++) {
        g_autofree char *name = g_strdup_printf(SERIAL_PORT_NAME, i);

        serial_port_ready(d, i, false, name, true);
        serial_port_fill(d, i);
        serial_port_open(d, i, true);
    }
    return d;
}

JsonObject *serial_query(Qtest *q)
{
    g_autoptr(JsonNode) list = qtest_qmp(q, "query-virtio-serial-mq", NULL);
    JsonArray *devices = json_node_get_array(list);

    g_assert_cmpuint(json_array_get_length(devices), >, 0);
    return json_object_ref(json_array_get_object_element(devices, 0));
}

JsonObject *serial_query_port(Qtest *q, unsigned port)
{
    g_autoptr(JsonObject) info = serial_query(q);
    JsonArray *ports = json_object_get_array_member(info, "ports");

    for (unsigned i = 0; i < json_array_get_length(ports); i++) {
        JsonObject *o = json_array_get_object_element(ports, i);

        if (json_object_get_int_member(o, "port") == port) {
            return json_object_ref(o);
        }
    }
    g_error("query-virtio-serial-mq: no port %u", port);
}

uint64_t serial_port_counter(Qtest *q, unsigned port, const char *name)
{
    g_autoptr(JsonObject) o = serial_query_port(q, port);

    g_assert_true(json_object_has_member(o, name));
    return json_object_get_int_member(o, name);
}

bool serial_port_flag(Qtest *q, unsigned port, const char *name)
{
    g_autoptr(JsonObject) o = serial_query_port(q, port);

    g_assert_true(json_object_has_member(o, name));
    return json_object_get_boolean_member(o, name);
}

uint64_t serial_broken(Qtest *q, const char *rule)
{
    g_autoptr(JsonObject) info = serial_query(q);
    JsonArray *list = json_object_get_array_member(info, "violations");
    uint64_t sum = 0;

    for (unsigned i = 0; i < json_array_get_length(list); i++) {
        JsonObject *o = json_array_get_object_element(list, i);

        if (!rule || !strcmp(json_object_get_string_member(o, "rule"), rule)) {
            g_test_message("broken %" G_GINT64_FORMAT " times: %s",
                           json_object_get_int_member(o, "count"),
                           json_object_get_string_member(o, "rule"));
            sum += json_object_get_int_member(o, "count");
        }
    }
    return sum;
}

bool serial_refused(Qtest *q)
{
    g_autoptr(JsonObject) info = serial_query(q);

    return json_object_get_boolean_member(info, "refused");
}
