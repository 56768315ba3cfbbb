/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration of virtio-serial-mq-pci under a driver's hands: at every step of
 * its life, with data and messages in flight; and what the judge has seen
 * goes along.
 */
#include "tests/qtest/qtest-migrate.h"
#include "tests/qtest/serial-machine.h"

#include <glib/gstdio.h>
#include <string.h>

#define MQ "virtio-serial-mq-pci"

static const SerialOptions msix = {.msix = true};

/* The file between two machines. */
typedef struct Stream {
    char *dir, *file;
} Stream;

static Stream stream_new(void)
{
    g_autoptr(GError) error = NULL;
    Stream s = {.dir = g_dir_make_tmp("qtest-serial-mq-XXXXXX", &error)};

    g_assert_no_error(error);
    s.file = g_build_filename(s.dir, "stream", NULL);
    return s;
}

static void stream_free(Stream *s)
{
    g_unlink(s->file);
    g_rmdir(s->dir);
    g_free(s->file);
    g_free(s->dir);
}

/*
 * A machine of the same options that has @from's state and @d's work; hosts
 * are connected to it.  @from is still there.
 */
static SerialMachine *move(SerialMachine *from, SerialDriver *d,
                           const char *type, unsigned nr)
{
    Stream s = stream_new();
    SerialMachine *to = serial_machine_start(type, nr, "-incoming defer");

    for (unsigned i = 1; i <= nr; i++) {
        host_socket_connect(to->host[i]);
    }
    g_assert_true(qtest_migrate_to(from->q, s.file));
    if (!qtest_migrate_from(to->q, s.file)) {
        g_autofree char *text = qtest_stderr(to->q);

        g_error("migration failed: %s", text);
    }
    stream_free(&s);
    d->v.f.q = to->q;
    return to;
}

/* What a driver does, one step after the other. */

static void step_acknowledge(SerialDriver *d)
{
    serial_acknowledge(d);
}

static void step_negotiate(SerialDriver *d)
{
    serial_negotiate(d, &msix);
}

static void step_queues(SerialDriver *d)
{
    serial_set_up_queues(d, &msix);
}

static void step_running(SerialDriver *d)
{
    serial_driver_ok(d);
}

static void step_device_ready(SerialDriver *d)
{
    serial_fill_control(d);
    serial_control(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

static void step_port_ready(SerialDriver *d)
{
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_port_ready(d, 1, false, "org.test.1", true);
}

static void step_port_open(SerialDriver *d)
{
    serial_port_fill(d, 1);
    serial_port_open(d, 1, true);
}

static void step_write(SerialDriver *d)
{
    serial_port_write(d, 1, "hello", 5);
}

/* Before features are settled only the registers tell a modern driver. */
static void modern_driver_is_known_after_the_move(void)
{
    static const char type[] = MQ ",max_ports=4,ordering=enforce";
    const uint8_t bit = VIRTIO_CONFIG_S_NEEDS_RESET;

    for (unsigned legacy = 0; legacy < 2; legacy++) {
        SerialMachine *from = serial_machine_start(type, 1, "");
        SerialDriver *d =
            serial_find(from->q, &(SerialOptions){.legacy = legacy});
        SerialMachine *to;

        serial_acknowledge(d);
        to = move(from, d, type, 1);
        virtio_set_driver_features(&d->v, UINT64_MAX);
        g_assert_true(serial_refused(to->q));
        g_assert_cmphex(virtio_status(&d->v) & bit, ==, legacy ? 0 : bit);
        serial_free(d);
        serial_machine_end(from);
        serial_machine_end(to);
    }
}

static void every_step_of_a_driver(void)
{
    static void (*const steps[])(SerialDriver *) = {
        step_acknowledge,  step_negotiate,  step_queues,    step_running,
        step_device_ready, step_port_ready, step_port_open, step_write,
    };

    for (size_t at = 0; at < G_N_ELEMENTS(steps); at++) {
        SerialMachine *from = serial_machine_start(MQ ",max_ports=4", 1, "");
        SerialMachine *to = NULL;
        SerialDriver *d = serial_find(from->q, &msix);
        char buf[5];

        g_test_message("before step %zu", at);
        serial_machine_connect(from);
        for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
            if (i == at) {
                to = move(from, d, MQ ",max_ports=4", 1);
            }
            steps[i](d);
        }
        host_socket_read(to->host[1], buf, 5);
        g_assert_cmpmem(buf, 5, "hello", 5);
        host_socket_write(to->host[1], "there", 5);
        serial_port_read(d, 1, buf, 5);
        g_assert_cmpmem(buf, 5, "there", 5);
        serial_expect_none(d);
        g_assert_cmpuint(serial_broken(to->q, NULL), ==, 0);
        serial_free(d);
        serial_machine_end(from);
        serial_machine_end(to);
    }
}

/* Bytes that the old host has not got come out at the new one, in place. */
static void output_in_flight_on_every_port(void)
{
    enum { NR = 4, MOST = 4 << 20 };
    SerialMachine *from = serial_machine_start(MQ, NR, "");
    SerialMachine *to;
    SerialDriver *d;
    unsigned pages[NR + 1];
    g_autofree uint8_t *bytes = g_malloc(MOST);

    serial_machine_connect(from);
    d = serial_machine_open(from, &msix);
    for (unsigned i = 1; i <= NR; i++) {
        pages[i] = serial_machine_block(d, i);
    }
    to = move(from, d, MQ, NR);
    for (unsigned i = 1; i <= NR; i++) {
        size_t want = (size_t)pages[i] * 4096, got = 0;

        g_assert_cmpuint(want, <=, MOST);
        /* the old QEMU writes no more, though its host reads */
        for (size_t n = 1; n; got += n) {
            n = host_socket_try_read(from->host[i], bytes + got, want - got);
            qtest_settle(from->q);
        }
        g_assert_cmpuint(got, <, want);
        host_socket_read(to->host[i], bytes + got, want - got);
        g_assert_true(serial_machine_is_pattern(bytes, want));
        virtqueue_wait(&d->port[i].out);
        g_assert_cmpuint(d->port[i].out.nr_free, ==, d->port[i].out.size);
        g_assert_true(pci_msix_taken(&d->v.f, d->port[i].out.index + 1));
    }
    g_assert_cmpuint(serial_broken(to->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(from);
    serial_machine_end(to);
}

/* Messages that wait for buffers wait on the other side. */
static void control_messages_in_flight(void)
{
    enum { NR = 5 };
    SerialMachine *from = serial_machine_start(MQ, NR, "");
    SerialMachine *to;
    SerialDriver *d = serial_find(from->q, &msix);

    serial_machine_connect(from);
    serial_acknowledge(d);
    serial_negotiate(d, &msix);
    serial_set_up_queues(d, &msix);
    serial_driver_ok(d);
    serial_control(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    to = move(from, d, MQ, NR);
    serial_fill_control(d);
    for (unsigned i = 1; i <= NR; i++) {
        serial_expect(d, i, VIRTIO_CONSOLE_PORT_ADD, 1);
    }
    serial_expect_none(d);
    g_assert_cmpuint(serial_broken(to->q, NULL), ==, 0);
    serial_free(d);
    serial_machine_end(from);
    serial_machine_end(to);
}

/* A rule that is broken by what was done on both sides. */
static void judge_remembers(void)
{
    SerialMachine *from = serial_machine_start(MQ, 1, "");
    SerialMachine *to;
    SerialDriver *d;

    serial_machine_connect(from);
    d = serial_machine_open(from, &msix);
    serial_port_open(d, 1, true);
    g_assert_cmpuint(serial_broken(from->q, "port-open-twice"), ==, 1);
    to = move(from, d, MQ, 1);
    g_assert_cmpuint(serial_broken(to->q, NULL), ==, 1);
    serial_port_open(d, 1, true);
    g_assert_cmpuint(serial_broken(to->q, "port-open-twice"), ==, 2);
    serial_control(d, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    g_assert_cmpuint(serial_broken(to->q, "port-ready-twice"), ==, 1);
    serial_free(d);
    serial_machine_end(from);
    serial_machine_end(to);
}

static void refused_driver_stays_refused(void)
{
    const char *type = MQ ",ordering=enforce";
    SerialMachine *from = serial_machine_start(type, 1, "");
    SerialMachine *to;
    SerialDriver *d = serial_find(from->q, &msix);

    serial_acknowledge(d);
    virtio_set_status(&d->v, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    g_assert_true(serial_refused(from->q));
    to = move(from, d, type, 1);
    g_assert_true(serial_refused(to->q));
    serial_free(d);
    d = serial_machine_open(to, &msix);
    g_assert_false(serial_refused(to->q));
    serial_free(d);
    serial_machine_end(from);
    serial_machine_end(to);
}

/* A host that is not there on the other side. */
static void host_that_stays_behind_is_told(void)
{
    SerialMachine *from = serial_machine_start(MQ, 1, "");
    SerialMachine *to = serial_machine_start(MQ, 1, "-incoming defer");
    Stream s = stream_new();
    SerialDriver *d;

    serial_machine_connect(from);
    d = serial_machine_open(from, &msix);
    g_assert_true(qtest_migrate_to(from->q, s.file));
    g_assert_true(qtest_migrate_from(to->q, s.file));
    d->v.f.q = to->q;
    qtest_clock_step(to->q, 1000000);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    host_socket_connect(to->host[1]);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    serial_expect_none(d);
    serial_free(d);
    stream_free(&s);
    serial_machine_end(from);
    serial_machine_end(to);
}

static void qmp(Qtest *q, const char *command, const char *args)
{
    json_node_unref(qtest_qmp(q, command, args));
}

/* Ports without chardevs, one opened by QMP, one about to be unplugged. */
static void what_no_chardev_knows_goes_along(void)
{
    static const char args[] = "-device " MQ ",max_ports=4,ioeventfd=off,id=vs "
                               "-device virtserialport-mq,bus=vs.0,nr=1,id=one "
                               "-device virtserialport-mq,bus=vs.0,nr=2,id=two";
    Qtest *from = qtest_start(args, "");
    g_autofree char *waits = g_strconcat(args, " -incoming defer", NULL);
    Qtest *to = qtest_start(waits, "");
    Stream s = stream_new();
    SerialDriver *d = serial_start(from, &msix);

    qmp(from, "virtio-serial-mq-connect", "{\"port\": 1, \"open\": true}");
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_expect(d, 2, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_port_ready(d, 1, false, NULL, true);
    qmp(from, "virtio-serial-mq-provoke",
        "{\"spec\": \"notify=5#1:port-unplug,port=2\"}");
    /* nothing is unplugged while the machine stands */
    qmp(from, "stop", NULL);
    virtqueue_kick(&d->port[1].out);
    g_assert_true(qtest_migrate_to(from, s.file));
    g_assert_true(qtest_migrate_from(to, s.file));
    d->v.f.q = to;
    qmp(to, "cont", NULL);
    qtest_clock_step(to, 1000000);
    json_node_unref(qtest_qmp_event(to, "DEVICE_DELETED"));
    serial_expect(d, 2, VIRTIO_CONSOLE_PORT_REMOVE, 1);
    serial_expect_none(d);
    g_assert_true(serial_port_flag(to, 1, "host-open"));
    serial_free(d);
    stream_free(&s);
    qtest_quit(from);
    qtest_quit(to);
}

/* Cut off amid the buffers that the device holds, and amid what it says. */
static void stream_cut_amid_buffers_is_refused(void)
{
    enum { HELD = 4 };
    static const char section[] = "virtio-serial-mq";
    /* Bytes behind the section's name; a buffer takes some 48 KiB. */
    static const size_t cuts[] = {40, 400, 60000, 100000, 150000};
    SerialMachine *from = serial_machine_start(MQ ",id=vs", 1, "");
    Stream s = stream_new();
    SerialDriver *d;
    g_autofree char *bytes = NULL;
    gsize at, len;

    serial_machine_connect(from);
    d = serial_machine_open(from, &msix);
    qmp(from->q, "virtio-serial-mq-provoke",
        "{\"spec\": \"notify=5#1:completion-hold,queue=5,delay=1h\"}");
    for (unsigned i = 0; i < HELD; i++) {
        serial_port_send(d, 1, "held", 4);
    }
    qtest_settle(from->q);
    g_assert_true(qtest_migrate_to(from->q, s.file));
    g_assert_true(g_file_get_contents(s.file, &bytes, &len, NULL));
    for (at = 0; memcmp(bytes + at, section, strlen(section)); at++) {
        g_assert_cmpuint(at + strlen(section), <, len);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(cuts); i++) {
        SerialMachine *to =
            serial_machine_start(MQ ",id=vs", 1, "-incoming defer");
        g_autofree char *text = NULL;

        g_assert_cmpuint(at + cuts[i], <, len);
        g_assert_true(
            g_file_set_contents(s.file, bytes, (gssize)(at + cuts[i]), NULL));
        g_assert_false(qtest_migrate_from(to->q, s.file));
        text = qtest_stderr(to->q);
        g_test_message("cut %zu: %s", cuts[i], text);
        if (i >= 2) {
            g_assert_nonnull(strstr(text, "in the midst of the buffers"));
        }
        serial_machine_end(to);
    }
    serial_free(d);
    stream_free(&s);
    serial_machine_end(from);
}

static void other_device_is_refused(void)
{
    static const struct {
        const char *type;
        unsigned nr;
    } cases[] = {
        {MQ ",max_ports=9", 1},
        {MQ ",max_ports=8", 2},
        {MQ ",max_ports=8", 0},
    };
    SerialMachine *from = serial_machine_start(MQ ",max_ports=8", 1, "");
    Stream s = stream_new();

    g_assert_true(qtest_migrate_to(from->q, s.file));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SerialMachine *to =
            serial_machine_start(cases[i].type, cases[i].nr, "-incoming defer");
        g_autofree char *text = NULL;

        g_assert_false(qtest_migrate_from(to->q, s.file));
        text = qtest_stderr(to->q);
        g_test_message("%s", text);
        g_assert_nonnull(strstr(text, "virtio"));
        serial_machine_end(to);
    }
    stream_free(&s);
    serial_machine_end(from);
}

int main(int argc, char **argv)
{
    static const QtestCase tests[] = {
        {"/serial-mq-migration/modern-driver-is-known",
         modern_driver_is_known_after_the_move},
        {"/serial-mq-migration/every-step-of-a-driver", every_step_of_a_driver},
        {"/serial-mq-migration/output-in-flight-on-every-port",
         output_in_flight_on_every_port},
        {"/serial-mq-migration/control-messages-in-flight",
         control_messages_in_flight},
        {"/serial-mq-migration/judge-remembers", judge_remembers},
        {"/serial-mq-migration/refused-driver-stays-refused",
         refused_driver_stays_refused},
        {"/serial-mq-migration/host-that-stays-behind-is-told",
         host_that_stays_behind_is_told},
        {"/serial-mq-migration/what-no-chardev-knows-goes-along",
         what_no_chardev_knows_goes_along},
        {"/serial-mq-migration/stream-cut-amid-buffers-is-refused",
         stream_cut_amid_buffers_is_refused},
        {"/serial-mq-migration/other-device-is-refused",
         other_device_is_refused},
    };

    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
