/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver's conversation with virtio-serial-mq-pci, as with stock
 * virtio-serial-pci in test-virtio-lib: control messages, data both ways,
 * ports that come and go, hosts that are slow or gone, and a judge that has
 * nothing to say about it.
 */
#include "tests/qtest/serial-machine.h"

#include <stddef.h>
#include <string.h>

#define MQ "virtio-serial-mq-pci"

static const SerialOptions msix = {.msix = true};

static void conversation_in_every_layout(void)
{
    static const struct {
        const char *type, *machine;
        SerialOptions options;
    } ways[] = {
        {MQ, "", {.msix = true}},
        {MQ, "", {.msix = false}},
        {MQ, "", {.legacy = true, .msix = true}},
        {MQ, "", {.legacy = true}},
        {MQ "-transitional", "", {.legacy = true}},
        {MQ "-transitional", "", {.msix = true}},
        {MQ "-non-transitional", "", {.msix = true}},
        {MQ, "-machine pc", {.msix = true}},
        {MQ, "-machine pc", {.legacy = true}},
        {MQ ",ioeventfd=off", "", {.msix = true}},
        {MQ ",page-per-vq=on", "", {.msix = true}},
        {MQ ",modern-pio-notify=on", "", {.msix = true}},
    };
    static const char hello[] = "hello", world[] = "worlds apart";

    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        SerialMachine *m =
            serial_machine_start(ways[i].type, 1, ways[i].machine);
        SerialDriver *d;
        char buf[sizeof(world)];

        serial_machine_connect(m);
        d = serial_machine_open(m, &ways[i].options);
        serial_port_write(d, 1, hello, sizeof(hello));
        host_socket_read(m->host[1], buf, sizeof(hello));
        g_assert_cmpstr(buf, ==, hello);
        host_socket_write(m->host[1], world, sizeof(world));
        serial_port_read(d, 1, buf, sizeof(world));
        g_assert_cmpstr(buf, ==, world);
        serial_expect_none(d);

        g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
        g_assert_cmpuint(serial_port_counter(m->q, 1, "out-bytes"), ==,
                         sizeof(hello));
        g_assert_cmpuint(serial_port_counter(m->q, 1, "out-chains"), ==, 1);
        g_assert_cmpuint(serial_port_counter(m->q, 1, "in-bytes"), ==,
                         sizeof(world));
        g_assert_cmpuint(serial_port_counter(m->q, 1, "kept"), ==, 0);
        g_assert_true(serial_port_flag(m->q, 1, "guest-open"));
        g_assert_true(serial_port_flag(m->q, 1, "guest-ready"));
        g_assert_false(serial_port_flag(m->q, 1, "console"));
        /* the driver leaves */
        virtio_reset(&d->v);
        g_assert_false(serial_port_flag(m->q, 1, "guest-open"));
        g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
        serial_free(d);
        serial_machine_end(m);
    }
}

static void many_ports_echo_at_once(void)
{
    enum { NR = 30, LEN = 1000 };
    SerialMachine *m = serial_machine_start(MQ, NR, "");
    SerialDriver *d;
    uint8_t buf[LEN], got[LEN];

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 1; i <= NR; i++) {
            memset(buf, i + round, LEN);
            host_socket_write(m->host[i], buf, LEN);
        }
        for (unsigned i = 1; i <= NR; i++) {
            serial_port_read(d, i, got, LEN);
            serial_port_write(d, i, got, LEN);
        }
        for (unsigned i = 1; i <= NR; i++) {
            memset(buf, i + round, LEN);
            host_socket_read(m->host[i], got, LEN);
            g_assert_cmpmem(got, LEN, buf, LEN);
        }
    }
    g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(m);
}

/* One vector a queue and one more is the default. */
static void vectors_by_queue(void)
{
    SerialMachine *m = serial_machine_start(MQ ",max_ports=9", 1, "");
    SerialDriver *d;
    const Virtqueue *out;

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    out = &d->port[1].out;
    g_assert_cmpuint(virtio_nr_queues(&d->v), ==, 20);
    g_assert_cmpuint(d->v.f.msix_vectors, ==, 21);
    for (unsigned i = 0; i < d->v.f.msix_vectors; i++) {
        bool used =
            i >= d->control_in.index + 1u && i <= d->control_out.index + 1u;

        g_assert_cmpint(pci_msix_taken(&d->v.f, i), ==, used);
    }
    serial_port_write(d, 1, "x", 1);
    g_assert_true(pci_msix_taken(&d->v.f, out->index + 1));
    virtqueue_set_no_interrupt(out, true);
    serial_port_write(d, 1, "x", 1);
    g_assert_false(pci_msix_taken(&d->v.f, out->index + 1));
    serial_free(d);
    serial_machine_end(m);
}

static void event_idx_is_honoured(void)
{
    const SerialOptions options = {.msix = true,
                                   .features = ~(1ull << VIRTIO_F_RING_PACKED)};
    SerialMachine *m = serial_machine_start(MQ, 1, "");
    SerialDriver *d;
    const Virtqueue *out;

    serial_machine_connect(m);
    d = serial_machine_open(m, &options);
    out = &d->port[1].out;
    serial_port_write(d, 1, "x", 1);
    pci_msix_taken(&d->v.f, out->index + 1);
    virtqueue_set_used_event(out, 3);
    for (unsigned i = 1; i < 6; i++) {
        serial_port_write(d, 1, "x", 1);
        g_assert_cmpint(pci_msix_taken(&d->v.f, out->index + 1), ==, i == 3);
    }
    g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(m);
}

/* A driver that accepts nothing has port 0, without a word. */
static void single_port_without_multiport(void)
{
    const SerialOptions options[] = {
        {.features = 1ull << VIRTIO_F_VERSION_1},
        {.legacy = true, .features = 1ull << VIRTIO_RING_F_INDIRECT_DESC},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        HostSocket *host = host_socket_new("c");
        g_autofree char *more =
            g_strdup_printf("-device %s,id=vs %s -device virtconsole-mq,"
                            "bus=vs.0,chardev=c",
                            MQ, host_socket_args(host));
        Qtest *q = qtest_start(more, "");
        SerialDriver *d;
        char buf[3];

        host_socket_connect(host);
        d = serial_start(q, &options[i]);
        g_assert_cmpuint(d->nr_ports, ==, 1);
        serial_port_fill(d, 0);
        serial_port_write(d, 0, "abc", 3);
        host_socket_read(host, buf, 3);
        g_assert_cmpmem(buf, 3, "abc", 3);
        host_socket_write(host, "de", 2);
        serial_port_read(d, 0, buf, 2);
        g_assert_cmpmem(buf, 2, "de", 2);
        g_assert_cmpuint(serial_broken(q, NULL), ==, 0);
        serial_free(d);
        qtest_quit(q);
        host_socket_free(host);
    }
}

static void console_is_one_and_is_resized(void)
{
    HostSocket *host = host_socket_new("c");
    g_autofree char *more = g_strdup_printf(
        "-device %s,id=vs,ioeventfd=off %s -device virtconsole-mq,bus=vs.0,"
        "chardev=c,name=con",
        MQ, host_socket_args(host));
    Qtest *q = qtest_start(more, "");
    SerialDriver *d;
    struct {
        uint16_t cols, rows;
    } size;
    SerialControl msg;
    char byte;

    host_socket_connect(host);
    d = serial_start(q, &msix);
    g_assert_cmphex(d->features & 1 << VIRTIO_CONSOLE_F_SIZE, !=, 0);
    serial_expect(d, 0, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_port_ready(d, 0, true, "con", true);
    json_node_unref(qtest_qmp(q, "virtio-serial-mq-resize",
                              "{\"port\": 0, \"cols\": 132, \"rows\": 43}"));
    msg = serial_wait_control(d);
    g_assert_cmpuint(msg.event, ==, VIRTIO_CONSOLE_RESIZE);
    g_assert_cmpuint(msg.port, ==, 0);
    memcpy(&size, msg.name, sizeof(size));
    g_assert_cmpuint(serial_port_counter(q, 0, "cols"), ==, 132);
    g_assert_cmpuint(serial_port_counter(q, 0, "rows"), ==, 43);
    g_assert_cmpuint(size.cols, ==, 132);
    g_assert_cmpuint(size.rows, ==, 43);

    virtio_config_writel(&d->v,
                         offsetof(struct virtio_console_config, emerg_wr), 'E');
    host_socket_read(host, &byte, 1);
    g_assert_cmpint(byte, ==, 'E');
    g_assert_cmpuint(serial_broken(q, NULL), ==, 0);
    serial_free(d);
    qtest_quit(q);
    host_socket_free(host);
}

/* Messages that find no buffer wait for one, in their order. */
static void control_messages_wait_for_buffers(void)
{
    enum { NR = 20 };
    SerialMachine *m = serial_machine_start(MQ, NR, "");
    SerialDriver *d = serial_find(m->q, &msix);
    uint64_t gpa;

    serial_acknowledge(d);
    serial_negotiate(d, &msix);
    serial_set_up_queues(d, &msix);
    serial_driver_ok(d);
    serial_control(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    serial_expect_none(d);
    /* each is offered again once it has been read */
    gpa = virtio_pci_alloc(&d->v, SERIAL_CONTROL_BUFFER, 64);
    virtqueue_submit(&d->control_in, gpa, SERIAL_CONTROL_BUFFER, true);
    for (unsigned i = 1; i <= NR; i++) {
        serial_expect(d, i, VIRTIO_CONSOLE_PORT_ADD, 1);
    }
    serial_expect_none(d);
    g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(m);
}

static void host_connection_is_told(void)
{
    SerialMachine *m = serial_machine_start(MQ, 2, "");
    SerialDriver *d;

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    for (unsigned i = 0; i < 5; i++) {
        host_socket_disconnect(m->host[2]);
        serial_expect(d, 2, VIRTIO_CONSOLE_PORT_OPEN, 0);
        g_assert_false(serial_port_flag(m->q, 2, "host-open"));
        host_socket_connect(m->host[2]);
        serial_expect(d, 2, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
    g_assert_true(serial_port_flag(m->q, 1, "host-open"));
    serial_expect_none(d);
    serial_free(d);
    serial_machine_end(m);
}

static void port_closed_by_guest_gets_nothing(void)
{
    SerialMachine *m = serial_machine_start(MQ, 1, "");
    SerialDriver *d;
    VirtqueueUsed used;
    char buf[4];

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    serial_port_open(d, 1, false);
    g_assert_false(serial_port_flag(m->q, 1, "guest-open"));
    host_socket_write(m->host[1], "more", 4);
    qtest_settle(m->q);
    g_assert_false(virtqueue_take(&d->port[1].in, &used));
    serial_port_open(d, 1, true);
    serial_port_read(d, 1, buf, 4);
    g_assert_cmpmem(buf, 4, "more", 4);
    g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(m);
}

/* Data for which the guest has no buffers waits, and none is lost. */
static void input_waits_for_buffers(void)
{
    enum { LEN = 64 * 1024 };
    SerialMachine *m = serial_machine_start(MQ, 1, "");
    g_autofree uint8_t *out = g_malloc(LEN);
    g_autofree uint8_t *in = g_malloc(LEN);
    SerialDriver *d;

    for (unsigned i = 0; i < LEN; i++) {
        out[i] = i * 7 + (i >> 8);
    }
    serial_machine_connect(m);
    d = serial_start(m->q, &msix);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_port_ready(d, 1, false, "org.test.1", true);
    serial_port_open(d, 1, true);
    host_socket_write(m->host[1], out, LEN);
    qtest_settle(m->q);
    g_assert_cmpuint(serial_port_counter(m->q, 1, "in-bytes"), ==, 0);
    serial_port_fill(d, 1);
    serial_port_read(d, 1, in, LEN);
    g_assert_cmpmem(in, LEN, out, LEN);
    g_assert_cmpuint(serial_port_counter(m->q, 1, "in-bytes"), ==, LEN);
    serial_free(d);
    serial_machine_end(m);
}

static void output_waits_for_the_host(void)
{
    SerialMachine *m = serial_machine_start(MQ, 2, "");
    SerialDriver *d;
    unsigned nr;
    char byte;

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    nr = serial_machine_block(d, 1);
    g_assert_cmpuint(serial_port_counter(m->q, 1, "blocks"), ==, 1);
    /* others go on */
    serial_port_write(d, 2, "y", 1);
    host_socket_read(m->host[2], &byte, 1);
    g_assert_cmpint(byte, ==, 'y');
    for (unsigned i = 0; i < nr; i++) {
        uint8_t page[4096];

        host_socket_read(m->host[1], page, sizeof(page));
        g_assert_true(serial_machine_is_pattern(page, sizeof(page)));
    }
    virtqueue_wait(&d->port[1].out);
    g_assert_cmpuint(d->port[1].out.nr_free, ==, d->port[1].out.size);
    g_assert_false(serial_port_flag(m->q, 1, "blocked"));
    g_assert_cmpuint(serial_port_counter(m->q, 1, "out-bytes"), ==, nr * 4096);
    serial_free(d);
    serial_machine_end(m);
}

/* What nobody read goes with the host. */
static void host_leaves_while_blocked(void)
{
    SerialMachine *m = serial_machine_start(MQ, 1, "");
    SerialDriver *d;
    char byte;

    serial_machine_connect(m);
    d = serial_machine_open(m, &msix);
    serial_machine_block(d, 1);
    host_socket_disconnect(m->host[1]);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_false(serial_port_flag(m->q, 1, "blocked"));
    /* and new output is nobody's, but comes back */
    serial_port_send(d, 1, "x", 1);
    host_socket_connect(m->host[1]);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    serial_port_send(d, 1, "z", 1);
    host_socket_read(m->host[1], &byte, 1);
    g_assert_cmpint(byte, ==, 'z');
    serial_free(d);
    serial_machine_end(m);
}

static void reset_while_blocked(void)
{
    SerialMachine *m = serial_machine_start(MQ, 1, "");

    for (unsigned i = 0; i < 3; i++) {
        SerialDriver *d;
        char byte;

        host_socket_connect(m->host[1]);
        serial_machine_wait_host(m, 1, true);
        d = serial_machine_open(m, &msix);
        serial_port_write(d, 1, "a", 1);
        host_socket_read(m->host[1], &byte, 1);
        g_assert_cmpint(byte, ==, 'a');
        serial_machine_block(d, 1);
        if (i) {
            virtio_reset(&d->v);
        } else {
            json_node_unref(qtest_qmp(m->q, "system_reset", NULL));
            json_node_unref(qtest_qmp_event(m->q, "RESET"));
        }
        g_assert_false(serial_port_flag(m->q, 1, "blocked"));
        g_assert_false(serial_port_flag(m->q, 1, "guest-open"));
        host_socket_disconnect(m->host[1]);
        serial_machine_wait_host(m, 1, false);
        serial_free(d);
    }
    serial_machine_end(m);
}

int main(int argc, char **argv)
{
    static const QtestCase tests[] = {
        {"/serial-mq/conversation-in-every-layout",
         conversation_in_every_layout},
        {"/serial-mq/many-ports-echo-at-once", many_ports_echo_at_once},
        {"/serial-mq/vectors-by-queue", vectors_by_queue},
        {"/serial-mq/event-idx-is-honoured", event_idx_is_honoured},
        {"/serial-mq/single-port-without-multiport",
         single_port_without_multiport},
        {"/serial-mq/console-is-one-and-is-resized",
         console_is_one_and_is_resized},
        {"/serial-mq/control-messages-wait-for-buffers",
         control_messages_wait_for_buffers},
        {"/serial-mq/host-connection-is-told", host_connection_is_told},
        {"/serial-mq/port-closed-by-guest-gets-nothing",
         port_closed_by_guest_gets_nothing},
        {"/serial-mq/input-waits-for-buffers", input_waits_for_buffers},
        {"/serial-mq/output-waits-for-the-host", output_waits_for_the_host},
        {"/serial-mq/host-leaves-while-blocked", host_leaves_while_blocked},
        {"/serial-mq/reset-while-blocked", reset_while_blocked},
    };

    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
