/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Provocations of virtio-serial-mq-pci, by property and by QMP, as a driver
 * sees them: each kind happens at its time, as often as it was asked for, and
 * a driver that follows the specification breaks no rule by it.
 */
#include "tests/qtest/qtest-migrate.h"
#include "tests/qtest/serial-machine.h"

#include <glib/gstdio.h>
#include <string.h>

#define MQ "virtio-serial-mq-pci,ioeventfd=off,max_ports=4"
#define MS G_GINT64_CONSTANT(1000000)

#define ADD    VIRTIO_CONSOLE_PORT_ADD
#define REMOVE VIRTIO_CONSOLE_PORT_REMOVE
#define OPEN   VIRTIO_CONSOLE_PORT_OPEN

static const SerialOptions msix = {.msix = true};

static void provoke(Qtest *q, const char *spec)
{
    g_autofree char *args = g_strdup_printf("{\"spec\": \"%s\"}", spec);

    json_node_unref(qtest_qmp(q, "virtio-serial-mq-provoke", args));
}

/* Two ports with hosts; no driver yet. */
static SerialMachine *start(const char *spec)
{
    SerialMachine *m = serial_machine_start(MQ, 2, "");

    serial_machine_connect(m);
    if (spec) {
        provoke(m->q, spec);
    }
    return m;
}

static void end(SerialMachine *m, SerialDriver *d)
{
    g_assert_cmpuint(serial_broken(m->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(m);
}

/* The port's way to the host works. */
static void check_port(SerialMachine *m, SerialDriver *d, unsigned port)
{
    char byte;

    serial_port_write(d, port, "k", 1);
    host_socket_read(m->host[port], &byte, 1);
    g_assert_cmpint(byte, ==, 'k');
}

static void bad_spec_is_refused(void)
{
    static const struct {
        const char *spec, *want;
    } cases[] = {
        {"1ms", "WHEN:KIND"},
        {"1ms:", "kind"},
        {"1ms:port-explode", "kind"},
        {"1lightyear:needs-reset", "time"},
        {"boot#1:needs-reset", "event"},
        {"reset#0:needs-reset", "number"},
        {"reset#x:needs-reset", "number"},
        {"control-tx=hello#1:needs-reset", "message"},
        {"control-tx/4#1:needs-reset", "port"},
        {"1ms:needs-reset,port=1", "needs-reset"},
        {"1ms:port-unplug", "port"},
        {"1ms:port-unplug,port=4", "port"},
        {"1ms:port-unplug,port=1,port=2", "port"},
        {"1ms:port-throttle,port=1", "delay"},
        {"1ms:port-throttle,port=1,delay=0", "delay"},
        {"1ms:interrupt-spurious,queue=10", "queue"},
        {"1ms:control-drop,count=0", "count"},
        {"1ms:needs-reset;1ms:x", "kind"},
    };
    SerialMachine *m = start(NULL);
    g_autofree char *property = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *args =
            g_strdup_printf("{\"spec\": \"%s\"}", cases[i].spec);
        g_autofree char *error =
            qtest_qmp_fails(m->q, "virtio-serial-mq-provoke", args);

        g_test_message("'%s': %s", cases[i].spec, error);
        g_assert_nonnull(strstr(error, cases[i].want));
    }
    serial_machine_end(m);
    property = qtest_start_refused("-device " MQ ",provoke=1ms:nothing", "");
    g_assert_nonnull(strstr(property, "nothing"));
}

/* What is done to the first messages that announce ports. */
static void announcements(void)
{
    static const struct {
        const char *spec;
        unsigned ports[4]; /* in the order of their messages; 0: the end */
        unsigned later;    /* comes after a millisecond */
    } cases[] = {
        {"control-tx=port-add/1#1:control-drop", {2}, 0},
        {"control-tx=port-add#1:control-drop,count=2", {0}, 0},
        {"control-tx=port-add/2#1:control-duplicate", {1, 2, 2}, 0},
        {"control-tx=port-add/1#1:control-delay,delay=1ms", {2}, 1},
        {"control-tx=port-add/1#1:control-reorder", {2, 1}, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SerialMachine *m = start(cases[i].spec);
        SerialDriver *d = serial_start(m->q, &msix);

        g_test_message("%s", cases[i].spec);
        for (unsigned n = 0; cases[i].ports[n]; n++) {
            serial_expect(d, cases[i].ports[n], ADD, 1);
        }
        serial_expect_none(d);
        qtest_clock_step(m->q, MS);
        if (cases[i].later) {
            serial_expect(d, cases[i].later, ADD, 1);
        }
        serial_expect_none(d);
        end(m, d);
    }
}

static void message_before_device_ready(void)
{
    SerialMachine *m =
        start("status=0x0f#1:control-send,port=1,message=port-add");
    SerialDriver *d = serial_find(m->q, &msix);

    serial_acknowledge(d);
    serial_negotiate(d, &msix);
    serial_set_up_queues(d, &msix);
    serial_driver_ok(d);
    serial_fill_control(d);
    serial_expect(d, 1, ADD, 1);
    serial_expect_none(d);
    end(m, d);
}

static void messages_wait_as_without_buffers(void)
{
    SerialMachine *m =
        start("control-rx=device-ready#1:control-starve,delay=1ms");
    SerialDriver *d = serial_start(m->q, &msix);

    serial_expect_none(d);
    qtest_clock_step(m->q, MS - 1);
    serial_expect_none(d);
    qtest_clock_step(m->q, 1);
    serial_expect(d, 1, ADD, 1);
    serial_expect(d, 2, ADD, 1);
    serial_expect_none(d);
    end(m, d);
}

/* The order in which @nr ports are announced. */
static void announced(unsigned *ports, unsigned nr, unsigned seed)
{
    GString *args = g_string_new("-device virtio-serial-mq-pci,id=vs");
    SerialDriver *d;
    uint64_t seen = 0;
    Qtest *q;

    g_string_append_printf(args, ",provoke='reset#1:port-order,seed=%u'", seed);
    /* commas of the property */
    g_string_replace(args, "order,seed", "order,,seed", 0);
    for (unsigned i = 1; i <= nr; i++) {
        g_string_append_printf(args,
                               " -device virtserialport-mq,bus=vs.0,"
                               "nr=%u",
                               i);
    }
    q = qtest_start(args->str, "");
    g_string_free(args, TRUE);
    d = serial_start(q, &msix);
    for (unsigned i = 0; i < nr; i++) {
        SerialControl msg = serial_wait_control(d);

        g_assert_cmpuint(msg.event, ==, ADD);
        g_assert_cmpuint(msg.port, <=, nr);
        ports[i] = msg.port;
        seen |= 1ull << msg.port;
    }
    g_assert_cmphex(seen, ==, (1ull << (nr + 1)) - 2);
    serial_expect_none(d);
    serial_free(d);
    qtest_quit(q);
}

static void ports_in_another_order(void)
{
    enum { NR = 30 };
    unsigned a[NR], again[NR], b[NR];

    announced(a, NR, 7);
    announced(again, NR, 7);
    announced(b, NR, 8);
    g_assert_cmpmem(a, sizeof(a), again, sizeof(again));
    g_assert_cmpint(memcmp(a, b, sizeof(a)), !=, 0);
}

static void port_flaps(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);

    provoke(m->q, "1ms:port-flap,port=1");
    serial_expect_none(d);
    qtest_clock_step(m->q, MS);
    serial_expect(d, 1, REMOVE, 1);
    serial_expect(d, 1, ADD, 1);
    serial_port_ready(d, 1, false, "org.test.1", true);
    serial_port_open(d, 1, true);
    check_port(m, d, 1);
    check_port(m, d, 2);
    serial_expect_none(d);
    end(m, d);
}

static void port_is_unplugged(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);

    provoke(m->q, "1ms:port-unplug,port=1");
    qtest_clock_step(m->q, MS);
    json_node_unref(qtest_qmp_event(m->q, "DEVICE_DELETED"));
    serial_expect(d, 1, REMOVE, 1);
    serial_expect_none(d);
    check_port(m, d, 2);
    end(m, d);
}

static void port_is_throttled(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);
    VirtqueueUsed used;
    char byte;

    provoke(m->q, "notify=5#1:port-throttle,port=1,delay=1ms");
    check_port(m, d, 2);
    serial_port_send(d, 1, "t", 1);
    qtest_settle(m->q);
    g_assert_true(serial_port_flag(m->q, 1, "throttled"));
    g_assert_false(virtqueue_take(&d->port[1].out, &used));
    check_port(m, d, 2);
    g_assert_true(virtqueue_wait_ns(&d->port[1].out, 2 * MS, &used));
    host_socket_read(m->host[1], &byte, 1);
    g_assert_cmpint(byte, ==, 't');
    g_assert_false(serial_port_flag(m->q, 1, "throttled"));
    end(m, d);
}

static void host_is_gone_for_a_time(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);

    provoke(m->q, "1ms:host-disconnect,port=1,delay=1ms");
    qtest_clock_step(m->q, MS);
    serial_expect(d, 1, OPEN, 0);
    serial_expect_none(d);
    qtest_clock_step(m->q, MS);
    serial_expect(d, 1, OPEN, 1);
    serial_expect_none(d);
    check_port(m, d, 1);
    end(m, d);
}

/* By QMP, as an answer says that it is done. */
static void connect_host(Qtest *q, bool open)
{
    json_node_unref(qtest_qmp(q, "virtio-serial-mq-connect",
                              open ? "{\"port\": 1, \"open\": true}"
                                   : "{\"port\": 1, \"open\": false}"));
}

static void host_that_goes_meanwhile_stays_away(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);

    provoke(m->q, "1ms:host-disconnect,port=1,delay=1ms");
    qtest_clock_step(m->q, MS);
    serial_expect(d, 1, OPEN, 0);
    connect_host(m->q, false);
    qtest_clock_step(m->q, MS);
    serial_expect_none(d);
    g_assert_false(serial_port_flag(m->q, 1, "host-open"));
    connect_host(m->q, true);
    serial_expect(d, 1, OPEN, 1);
    check_port(m, d, 1);
    end(m, d);
}

/* A machine that was stopped meanwhile goes on in the provocation. */
static void host_is_gone_through_a_stop(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);

    provoke(m->q, "1ms:host-disconnect,port=1,delay=1ms");
    qtest_clock_step(m->q, MS);
    serial_expect(d, 1, OPEN, 0);
    json_node_unref(qtest_qmp(m->q, "stop", NULL));
    json_node_unref(qtest_qmp(m->q, "cont", NULL));
    serial_expect_none(d);
    qtest_clock_step(m->q, MS);
    serial_expect(d, 1, OPEN, 1);
    end(m, d);
}

static void completions_wait(void)
{
    for (unsigned reorder = 0; reorder < 2; reorder++) {
        SerialMachine *m = start(NULL);
        SerialDriver *d = serial_machine_open(m, &msix);
        Virtqueue *out = &d->port[1].out;
        uint64_t gpa = virtio_pci_alloc(&d->v, 64, 64);
        uint16_t head[2];
        VirtqueueUsed used;

        provoke(m->q, reorder
                          ? "notify=5#1:completion-reorder,queue=5,delay=1ms"
                          : "notify=5#1:completion-hold,queue=5,delay=1ms");
        head[0] = virtqueue_submit(out, gpa, 1, false);
        head[1] = virtqueue_submit(out, gpa, 1, false);
        qtest_settle(m->q);
        g_assert_false(virtqueue_take(out, &used));
        g_assert_true(virtqueue_wait_ns(out, 2 * MS, &used));
        g_assert_cmpuint(used.head, ==, head[reorder]);
        used = virtqueue_wait(out);
        g_assert_cmpuint(used.head, ==, head[!reorder]);
        check_port(m, d, 2);
        end(m, d);
    }
}

static void interrupts_come_and_do_not(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);
    const PciFunction *f = &d->v.f;
    const unsigned vector = d->port[1].out.index + 1;

    g_assert_false(pci_msix_taken(f, vector));
    provoke(m->q, "1ms:interrupt-spurious,queue=5");
    qtest_clock_step(m->q, MS);
    g_assert_true(pci_msix_taken(f, vector));

    provoke(m->q, "interrupt=5#1:interrupt-lost,queue=5");
    check_port(m, d, 1);
    g_assert_false(pci_msix_taken(f, vector));
    check_port(m, d, 1);
    g_assert_true(pci_msix_taken(f, vector));

    pci_msix_taken(f, 0);
    provoke(m->q, "3ms:config-interrupt");
    g_assert_false(pci_msix_taken(f, 0));
    qtest_clock_step(m->q, 2 * MS);
    g_assert_true(pci_msix_taken(f, 0));
    end(m, d);
}

static void kick_is_lost(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);
    VirtqueueUsed used;

    provoke(m->q, "notify=5#1:kick-lost,queue=5");
    serial_port_send(d, 1, "x", 1);
    qtest_settle(m->q);
    g_assert_false(virtqueue_take(&d->port[1].out, &used));
    /* the next one is for both */
    virtqueue_kick(&d->port[1].out);
    virtqueue_wait(&d->port[1].out);
    check_port(m, d, 2);
    end(m, d);
}

static void device_needs_a_reset(void)
{
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);

    provoke(m->q, "push=5#2:needs-reset");
    check_port(m, d, 1);
    g_assert_cmphex(virtio_status(&d->v) & VIRTIO_CONFIG_S_NEEDS_RESET, ==, 0);
    serial_port_send(d, 1, "x", 1);
    g_assert_cmphex(virtio_status(&d->v) & VIRTIO_CONFIG_S_NEEDS_RESET, !=, 0);
    g_assert_true(serial_refused(m->q));
    serial_free(d);
    host_socket_disconnect(m->host[1]);
    serial_machine_wait_host(m, 1, false);
    host_socket_connect(m->host[1]);
    serial_machine_wait_host(m, 1, true);
    d = serial_machine_open(m, &msix);
    check_port(m, d, 1);
    end(m, d);
}

/* A device that is as new but for what the provocation did to it. */
static void reset_provokes_when_it_is_over(void)
{
    const uint8_t ack = VIRTIO_CONFIG_S_ACKNOWLEDGE;
    const uint8_t bit = VIRTIO_CONFIG_S_NEEDS_RESET;
    SerialMachine *m = start(NULL);
    SerialDriver *d = serial_machine_open(m, &msix);

    provoke(m->q, "reset#1:needs-reset;reset#3:needs-reset;"
                  "reset#4:control-send,port=2,message=port-add");
    virtio_reset(&d->v);
    g_assert_true(serial_refused(m->q));
    virtio_set_status(&d->v, ack);
    g_assert_cmphex(virtio_status(&d->v), ==, ack | bit);
    virtio_reset(&d->v);
    g_assert_false(serial_refused(m->q));
    virtio_set_status(&d->v, ack);
    g_assert_cmphex(virtio_status(&d->v), ==, ack);
    serial_free(d);

    json_node_unref(qtest_qmp(m->q, "system_reset", NULL));
    json_node_unref(qtest_qmp_event(m->q, "RESET"));
    g_assert_true(serial_refused(m->q));
    d = serial_find(m->q, &msix);
    serial_acknowledge(d);
    g_assert_false(serial_refused(m->q));
    serial_negotiate(d, &msix);
    serial_set_up_queues(d, &msix);
    serial_driver_ok(d);
    serial_fill_control(d);
    serial_expect(d, 2, ADD, 1);
    serial_expect_none(d);
    end(m, d);
}

/* A provocation that waits for its time waits in the other QEMU. */
static void provocation_migrates(void)
{
    SerialMachine *from = start("5ms:port-flap,port=1");
    SerialMachine *to = serial_machine_start(MQ, 2, "-incoming defer");
    SerialDriver *d = serial_machine_open(from, &msix);
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("qtest-serial-mq-XXXXXX", &error);
    g_autofree char *file = g_build_filename(dir, "stream", NULL);

    qtest_clock_step(from->q, MS);
    host_socket_connect(to->host[1]);
    host_socket_connect(to->host[2]);
    g_assert_true(qtest_migrate_to(from->q, file));
    g_assert_true(qtest_migrate_from(to->q, file));
    g_unlink(file);
    g_rmdir(dir);
    d->v.f.q = to->q;
    qtest_clock_step(to->q, 4 * MS - 1);
    serial_expect_none(d);
    qtest_clock_step(to->q, 1);
    serial_expect(d, 1, REMOVE, 1);
    serial_expect(d, 1, ADD, 1);
    serial_expect_none(d);
    serial_machine_end(from);
    end(to, d);
}

int main(int argc, char **argv)
{
    static const QtestCase tests[] = {
        {"/serial-mq-provoke/bad-spec-is-refused", bad_spec_is_refused},
        {"/serial-mq-provoke/announcements", announcements},
        {"/serial-mq-provoke/message-before-device-ready",
         message_before_device_ready},
        {"/serial-mq-provoke/messages-wait-as-without-buffers",
         messages_wait_as_without_buffers},
        {"/serial-mq-provoke/ports-in-another-order", ports_in_another_order},
        {"/serial-mq-provoke/port-flaps", port_flaps},
        {"/serial-mq-provoke/port-is-unplugged", port_is_unplugged},
        {"/serial-mq-provoke/port-is-throttled", port_is_throttled},
        {"/serial-mq-provoke/host-is-gone-for-a-time", host_is_gone_for_a_time},
        {"/serial-mq-provoke/host-that-goes-meanwhile-stays-away",
         host_that_goes_meanwhile_stays_away},
        {"/serial-mq-provoke/host-is-gone-through-a-stop",
         host_is_gone_through_a_stop},
        {"/serial-mq-provoke/completions-wait", completions_wait},
        {"/serial-mq-provoke/interrupts-come-and-do-not",
         interrupts_come_and_do_not},
        {"/serial-mq-provoke/kick-is-lost", kick_is_lost},
        {"/serial-mq-provoke/device-needs-a-reset", device_needs_a_reset},
        {"/serial-mq-provoke/reset-provokes-when-it-is-over",
         reset_provokes_when_it_is_over},
        {"/serial-mq-provoke/provocation-migrates", provocation_migrates},
    };

    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
