/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio driver library against QEMU's own devices: what it makes is
 * taken by virtio-serial-pci as by a guest, in every layout of registers, on
 * both machines, and broken rules arrive broken.
 */
#include "tests/qtest/host-socket.h"
#include "tests/qtest/serial-driver.h"

#include <linux/virtio_ids.h>
#include <stddef.h>
#include <string.h>

#define VECTOR_CONTROL_IN 3 /* of queue 2 */

#define BUS  "-device virtio-serial-pci,id=vs,addr=4,ioeventfd=off,vectors=65 "
#define PORT "-device virtserialport,bus=vs.0,nr=1,name=org.test.a,chardev=a "

/* The ways to reach a device. */
static const struct Way {
    const char *machine;
    SerialOptions options;
} ways[] = {
    {"", {.msix = true}},
    {"", {.msix = false}},
    {"", {.legacy = true, .msix = true}},
    {"", {.legacy = true}},
    {"-machine pc ", {.msix = true}},
    {"-machine pc ", {.legacy = true}},
};

/* One QEMU with a bus, a port, and what is behind the port. */
typedef struct Setup {
    Qtest *q;
    HostSocket *a;
} Setup;

static Setup setup_start(const char *machine)
{
    Setup s = {.a = host_socket_new("a")};
    g_autofree char *args =
        g_strconcat(machine, host_socket_args(s.a), " ", BUS, PORT, NULL);

    s.q = qtest_start(args, NULL);
    return s;
}

static void setup_end(Setup *s, SerialDriver *d)
{
    serial_free(d);
    qtest_quit(s->q);
    host_socket_free(s->a);
}

/* A driver that has the port open, and a connected host. */
static SerialDriver *open_port(Setup *s, const SerialOptions *options)
{
    SerialDriver *d;

    host_socket_connect(s->a);
    qtest_settle(s->q);
    d = serial_start(s->q, options);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_port_ready(d, 1, false, "org.test.a", true);
    serial_port_fill(d, 1);
    serial_port_open(d, 1, true);
    return d;
}

/* How long a queue may be by QEMU itself: 10.0.13 made all of them 1024. */
static unsigned longest_queue(Qtest *q, unsigned queue)
{
    g_autofree char *args = g_strdup_printf(
        "{\"path\": \"/machine/peripheral/vs/virtio-backend\", \"queue\": %u}",
        queue);
    JsonNode *status = qtest_qmp(q, "x-query-virtio-queue-status", args);
    unsigned size = json_object_get_int_member(json_node_get_object(status),
                                               "vring-num-default");

    json_node_unref(status);
    g_assert_cmpuint(size, >=, 32);
    return size;
}

static void device_registers_in_every_layout(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        Setup s = setup_start(ways[i].machine);
        SerialDriver *d = serial_find(s.q, &ways[i].options);
        const uint32_t most =
            offsetof(struct virtio_console_config, max_nr_ports);

        serial_acknowledge(d);
        g_assert_cmphex(virtio_status(&d->v), ==,
                        VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
        g_assert_cmpuint(virtio_config_readl(&d->v, most), ==, 31);
        g_assert_cmpuint(virtio_config_readb(&d->v, most), ==, 31);
        g_assert_cmpuint(virtio_queue_size(&d->v, 0), ==,
                         longest_queue(s.q, 0));
        g_assert_cmpuint(virtio_queue_size(&d->v, 2), ==,
                         longest_queue(s.q, 2));
        g_assert_cmpuint(virtio_queue_size(&d->v, 64), ==, 0);
        serial_negotiate(d, &ways[i].options);
        g_assert_cmphex(virtio_driver_features(&d->v), ==, d->features);
        g_assert_cmphex(d->features & 1 << VIRTIO_CONSOLE_F_MULTIPORT, !=, 0);
        if (!d->v.legacy) {
            g_assert_cmpuint(virtio_nr_queues(&d->v), ==, 64);
            g_assert_cmpuint(virtio_config_generation(&d->v), ==, 0);
        }
        virtio_reset(&d->v);
        setup_end(&s, d);
    }
}

static void port_echo_in_every_layout(void)
{
    static const char hello[] = "hello", world[] = "worlds apart";

    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        Setup s = setup_start(ways[i].machine);
        SerialDriver *d = open_port(&s, &ways[i].options);
        char buf[sizeof(world)];

        serial_port_write(d, 1, hello, sizeof(hello));
        host_socket_read(s.a, buf, sizeof(hello));
        g_assert_cmpstr(buf, ==, hello);
        host_socket_write(s.a, world, sizeof(world));
        serial_port_read(d, 1, buf, sizeof(world));
        g_assert_cmpstr(buf, ==, world);
        serial_expect_none(d);
        setup_end(&s, d);
    }
}

static void host_connection_is_told(void)
{
    Setup s = setup_start("");
    SerialDriver *d = open_port(&s, &ways[0].options);

    for (unsigned i = 0; i < 3; i++) {
        host_socket_disconnect(s.a);
        serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
        host_socket_connect(s.a);
        serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
    setup_end(&s, d);
}

static void port_hot_plug_and_unplug(void)
{
    Setup s = setup_start("");
    SerialDriver *d = open_port(&s, &ways[0].options);
    char byte;

    json_node_unref(qtest_qmp(
        s.q, "chardev-add",
        "{\"id\": \"b\", \"backend\": {\"type\": \"ringbuf\", \"data\": {}}}"));
    json_node_unref(
        qtest_qmp(s.q, "device_add",
                  "{\"driver\": \"virtserialport\", \"bus\": \"vs.0\", "
                  "\"id\": \"pb\", \"chardev\": \"b\", \"name\": \"b\"}"));
    /* it tells of the connection before it tells of the port */
    serial_expect(d, 2, VIRTIO_CONSOLE_PORT_OPEN, 1);
    serial_expect(d, 2, VIRTIO_CONSOLE_PORT_ADD, 1);
    serial_port_ready(d, 2, false, "b", true);
    serial_port_open(d, 2, true);
    serial_port_write(d, 2, "x", 1);
    json_node_unref(qtest_qmp(s.q, "device_del", "{\"id\": \"pb\"}"));
    json_node_unref(qtest_qmp_event(s.q, "DEVICE_DELETED"));
    serial_expect(d, 2, VIRTIO_CONSOLE_PORT_REMOVE, 1);
    serial_expect_none(d);
    /* the other port does not mind */
    serial_port_write(d, 1, "y", 1);
    host_socket_read(s.a, &byte, 1);
    g_assert_cmpint(byte, ==, 'y');
    setup_end(&s, d);
}

static void msix_vectors_by_queue(void)
{
    Setup s = setup_start("");
    SerialDriver *d = open_port(&s, &ways[0].options);
    const PciFunction *f = &d->v.f;
    const unsigned last = f->msix_vectors - 1;

    g_assert_cmpuint(f->msix_vectors, ==, 64 + 1);
    g_assert_true(pci_msix_taken(f, VECTOR_CONTROL_IN));
    g_assert_false(pci_msix_taken(f, VECTOR_CONTROL_IN));
    g_assert_false(pci_msix_taken(f, last));
    host_socket_disconnect(s.a);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_true(pci_msix_taken(f, VECTOR_CONTROL_IN));

    /* masked: it waits in the pending bits */
    pci_msix_mask(f, VECTOR_CONTROL_IN, true);
    host_socket_connect(s.a);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    g_assert_false(pci_msix_taken(f, VECTOR_CONTROL_IN));
    g_assert_true(pci_msix_pending(f, VECTOR_CONTROL_IN));
    pci_msix_mask(f, VECTOR_CONTROL_IN, false);
    g_assert_true(pci_msix_taken(f, VECTOR_CONTROL_IN));
    g_assert_false(pci_msix_pending(f, VECTOR_CONTROL_IN));

    /* not wanted */
    virtqueue_set_no_interrupt(&d->control_in, true);
    host_socket_disconnect(s.a);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    g_assert_false(pci_msix_taken(f, VECTOR_CONTROL_IN));
    g_assert_false(pci_intx(f));

    /* there is no such vector */
    g_assert_cmphex(virtio_set_queue_vector(&d->v, 2, last + 1), ==,
                    VIRTIO_MSI_NO_VECTOR);
    setup_end(&s, d);
}

static void intx_falls_when_isr_is_read(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        Setup s;
        SerialDriver *d;

        if (ways[i].options.msix) {
            continue;
        }
        s = setup_start(ways[i].machine);
        d = open_port(&s, &ways[i].options);
        g_assert_true(pci_intx(&d->v.f));
        g_assert_cmphex(virtio_isr(&d->v), ==, 1);
        g_assert_false(pci_intx(&d->v.f));
        g_assert_cmphex(virtio_isr(&d->v), ==, 0);
        host_socket_disconnect(s.a);
        serial_expect(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
        g_assert_true(pci_intx(&d->v.f));
        setup_end(&s, d);
    }
}

static void event_idx_is_honoured(void)
{
    const SerialOptions options = {
        .msix = true, .features = UINT64_MAX & ~(1ull << VIRTIO_F_RING_PACKED)};
    Setup s = setup_start("");
    SerialDriver *d = open_port(&s, &options);
    const Virtqueue *vq = &d->port[1].out;
    const unsigned vector = vq->index + 1;

    g_assert_cmphex(d->features & 1ull << VIRTIO_RING_F_EVENT_IDX, !=, 0);
    /* QEMU has nothing to compare the first one with, and tells of it */
    virtqueue_set_used_event(vq, 2);
    for (unsigned i = 0; i < 5; i++) {
        serial_port_write(d, 1, "x", 1);
        g_assert_cmpint(pci_msix_taken(&d->v.f, vector), ==, i == 0 || i == 2);
        g_assert_cmpuint(virtqueue_avail_event(vq), ==, i + 1);
    }
    setup_end(&s, d);
}

/* "abc", nothing and "defg", in one chain. */
static void make_pieces(SerialDriver *d, VirtqueueBuffer pieces[3])
{
    uint64_t gpa = virtio_pci_alloc(&d->v, 16, 16);

    qtest_memwrite(d->v.f.q, gpa, "abcdefg", 7);
    pieces[0] = (VirtqueueBuffer){gpa, 3, false};
    pieces[1] = (VirtqueueBuffer){gpa + 3, 4, false};
    /* of the device's side: it writes nothing there */
    pieces[2] = (VirtqueueBuffer){gpa + 8, 8, true};
}

static void chains_direct_and_indirect(void)
{
    Setup s = setup_start("");
    SerialDriver *d = open_port(&s, &ways[0].options);
    Virtqueue *vq = &d->port[1].out;
    VirtqueueBuffer pieces[3];
    char buf[8] = "";

    make_pieces(d, pieces);
    for (unsigned i = 0; i < 2 * 128; i++) {
        uint16_t head = i & 1 ? virtqueue_add_indirect(vq, pieces, 3)
                              : virtqueue_add(vq, pieces, 3);
        VirtqueueUsed used;

        virtqueue_offer(vq, head);
        virtqueue_kick(vq);
        used = virtqueue_wait(vq);
        g_assert_cmpuint(used.head, ==, head);
        g_assert_cmpuint(used.written, ==, 0);
        host_socket_read(s.a, buf, 7);
        g_assert_cmpstr(buf, ==, "abcdefg");
    }
    g_assert_cmpuint(vq->nr_free, ==, vq->size);
    setup_end(&s, d);
}

/* What QEMU's virtio core takes for a broken driver. */
static void broken_chain_sets_needs_reset(void)
{
    enum { NR = 4 };
    static const struct {
        const char *what;
        struct vring_desc desc[NR];
        uint16_t head;
    } cases[] = {
        {"loop",
         {{VIRTIO_PCI_RAM_GPA, 1, VRING_DESC_F_NEXT, 1},
          {VIRTIO_PCI_RAM_GPA, 1, VRING_DESC_F_NEXT, 0}},
         0},
        {"next beyond the table",
         {{VIRTIO_PCI_RAM_GPA, 1, VRING_DESC_F_NEXT, 128}},
         0},
        {"head beyond the table", {{0}}, 128},
        {"zero length", {{VIRTIO_PCI_RAM_GPA, 0, 0, 0}}, 0},
        {"read after write",
         {{VIRTIO_PCI_RAM_GPA, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1},
          {VIRTIO_PCI_RAM_GPA, 1, 0, 0}},
         0},
        {"indirect of a bad size",
         {{VIRTIO_PCI_RAM_GPA, 17, VRING_DESC_F_INDIRECT, 0}},
         0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Setup s = setup_start("");
        SerialDriver *d = open_port(&s, &ways[0].options);
        Virtqueue *vq = &d->port[1].out;

        g_test_message("%s", cases[i].what);
        for (unsigned n = 0; n < NR; n++) {
            virtqueue_set_desc(vq, 0, n, &cases[i].desc[n]);
        }
        virtqueue_set_avail(vq, 0, cases[i].head);
        virtqueue_set_avail_idx(vq, 1);
        g_assert_cmphex(virtio_status(&d->v) & VIRTIO_CONFIG_S_NEEDS_RESET, ==,
                        0);
        virtqueue_kick(vq);
        g_assert_cmphex(virtio_status(&d->v) & VIRTIO_CONFIG_S_NEEDS_RESET, !=,
                        0);
        /* and the next driver finds a device as new */
        serial_free(d);
        d = serial_start(s.q, &ways[0].options);
        serial_expect(d, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
        setup_end(&s, d);
    }
}

/* QEMU serves a queue without looking at DRIVER_OK. */
static void steps_out_of_order_arrive(void)
{
    const SerialOptions options = {.msix = true};
    Setup s = setup_start("");
    SerialDriver *d = serial_find(s.q, &options);

    serial_acknowledge(d);
    serial_negotiate(d, &options);
    serial_set_up_queues(d, &options);
    serial_fill_control(d);
    serial_control(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    serial_expect(d, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
    g_assert_cmphex(virtio_status(&d->v) & VIRTIO_CONFIG_S_DRIVER_OK, ==, 0);
    serial_driver_ok(d);
    setup_end(&s, d);
}

static void configuration_window_reaches_registers(void)
{
    const SerialOptions options = {.msix = true};
    Setup s = setup_start("");
    SerialDriver *d = serial_find(s.q, &options);
    const VirtioRegion *common = &d->v.common;

    virtio_cfg_access_write(
        &d->v, common->bar,
        common->offset + offsetof(struct virtio_pci_common_cfg, device_status),
        1, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    g_assert_cmphex(virtio_status(&d->v), ==, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    g_assert_cmpuint(
        virtio_cfg_access_read(
            &d->v, common->bar,
            common->offset + offsetof(struct virtio_pci_common_cfg, num_queues),
            2),
        ==, 64);
    setup_end(&s, d);
}

/* Another type of device, and a queue that is reset on its own. */
static void rng_queue_is_reset_and_goes_on(void)
{
    static const VirtioPciId id = {VIRTIO_ID_RNG, 0x1005};
    Qtest *q = qtest_start("-device virtio-rng-pci", NULL);
    VirtioPci v;
    Virtqueue vq;
    uint64_t gpa;

    g_assert_true(virtio_pci_find(&v, q, &id, 0, false));
    g_assert_false(virtio_pci_find(&(VirtioPci){0}, q, &id, 1, false));
    virtio_reset(&v);
    virtio_add_status(&v, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    virtio_add_status(&v, VIRTIO_CONFIG_S_DRIVER);
    virtio_set_driver_features(
        &v, virtio_device_features(&v) &
                (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_RESET));
    g_assert_cmphex(virtio_driver_features(&v), ==,
                    1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_RESET);
    virtio_add_status(&v, VIRTIO_CONFIG_S_FEATURES_OK);
    gpa = virtio_pci_alloc(&v, 64, 64);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t zero[64] = {0}, got[64];

        virtqueue_start(&vq, &v, 0);
        g_assert_true(virtio_queue_enabled(&v, 0));
        if (i == 0) {
            virtio_add_status(&v, VIRTIO_CONFIG_S_DRIVER_OK);
        }
        qtest_memset(q, gpa, 0, sizeof(got));
        virtqueue_submit(&vq, gpa, sizeof(got), true);
        g_assert_cmpuint(virtqueue_wait(&vq).written, ==, sizeof(got));
        qtest_memread(q, gpa, got, sizeof(got));
        g_assert_cmpint(memcmp(got, zero, sizeof(got)), !=, 0);
        virtio_queue_reset(&v, 0);
        g_assert_false(virtio_queue_enabled(&v, 0));
    }
    qtest_quit(q);
}

int main(int argc, char **argv)
{
    static const QtestCase tests[] = {
        {"/virtio-lib/device-registers-in-every-layout",
         device_registers_in_every_layout},
        {"/virtio-lib/port-echo-in-every-layout", port_echo_in_every_layout},
        {"/virtio-lib/host-connection-is-told", host_connection_is_told},
        {"/virtio-lib/port-hot-plug-and-unplug", port_hot_plug_and_unplug},
        {"/virtio-lib/msix-vectors-by-queue", msix_vectors_by_queue},
        {"/virtio-lib/intx-falls-when-isr-is-read",
         intx_falls_when_isr_is_read},
        {"/virtio-lib/event-idx-is-honoured", event_idx_is_honoured},
        {"/virtio-lib/chains-direct-and-indirect", chains_direct_and_indirect},
        {"/virtio-lib/broken-chain-sets-needs-reset",
         broken_chain_sets_needs_reset},
        {"/virtio-lib/steps-out-of-order-arrive", steps_out_of_order_arrive},
        {"/virtio-lib/configuration-window-reaches-registers",
         configuration_window_reaches_registers},
        {"/virtio-lib/rng-queue-is-reset-and-goes-on",
         rng_queue_is_reset_and_goes_on},
    };

    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
