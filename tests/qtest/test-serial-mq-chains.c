/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor chains that no driver should make, on every queue of
 * virtio-serial-mq-pci: the device is broken until the next reset, as QEMU's
 * own are, and never more than that.
 */
#include "tests/qtest/serial-machine.h"

#include <string.h>

#define DEVICE   "virtio-serial-mq-pci,ioeventfd=off,max_ports=4"
#define RAM      VIRTIO_PCI_RAM_GPA
#define RAM_SIZE 0x4000000u
#define NOWHERE  0x80000000u /* no RAM, no device */
#define TABLE    0x800000u   /* for indirect descriptors */

#define W VRING_DESC_F_WRITE
#define N VRING_DESC_F_NEXT
#define I VRING_DESC_F_INDIRECT

typedef enum Where {
    PORT_IN,
    PORT_OUT,
    CONTROL_IN,
    CONTROL_OUT,
    WHERE__MAX
} Where;

static Virtqueue *queue_at(SerialDriver *d, Where where)
{
    Virtqueue *const queues[WHERE__MAX] = {
        [PORT_IN] = &d->port[1].in,
        [PORT_OUT] = &d->port[1].out,
        [CONTROL_IN] = &d->control_in,
        [CONTROL_OUT] = &d->control_out,
    };

    return queues[where];
}

/* A driver whose port is open, all its queues for input empty. */
static SerialDriver *open_without_buffers(SerialMachine *m)
{
    const SerialOptions options = {.msix = true};
    SerialDriver *d = serial_find(m->q, &options);
    uint64_t gpa;

    serial_acknowledge(d);
    serial_negotiate(d, &options);
    serial_set_up_queues(d, &options);
    serial_driver_ok(d);
    serial_control(d, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    serial_control(d, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    serial_control(d, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    /* PORT_ADD, PORT_NAME, PORT_OPEN */
    gpa = virtio_pci_alloc(&d->v, SERIAL_CONTROL_BUFFER, 64);
    for (unsigned i = 0; i < 3; i++) {
        virtqueue_submit(&d->control_in, gpa, SERIAL_CONTROL_BUFFER, true);
        virtqueue_wait(&d->control_in);
    }
    return d;
}

/* Have the device look at the queue's next chain. */
static void make_it_look(SerialMachine *m, SerialDriver *d, Where where)
{
    virtqueue_kick(queue_at(d, where));
    if (where == PORT_IN) {
        host_socket_write(m->host[1], "x", 1);
    } else if (where == CONTROL_IN) {
        /* the name is the answer */
        struct virtio_console_control c = {1, VIRTIO_CONSOLE_PORT_READY, 1};

        serial_control_send(d, &c, sizeof(c));
    }
    qtest_settle(m->q);
}

static bool needs_reset(SerialDriver *d)
{
    return virtio_status(&d->v) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void wait_for_needs_reset(SerialDriver *d)
{
    for (unsigned turn = 0; !needs_reset(d); turn++) {
        if (turn == 10000) {
            g_error("the device does not need a reset");
        }
    }
}

static void disconnect(SerialMachine *m)
{
    host_socket_disconnect(m->host[1]);
    serial_machine_wait_host(m, 1, false);
}

/* The next driver has a device that works. */
static void check_next_driver(SerialMachine *m)
{
    SerialDriver *d;
    char buf[5];

    if (!serial_port_flag(m->q, 1, "host-open")) {
        host_socket_connect(m->host[1]);
        serial_machine_wait_host(m, 1, true);
    }
    d = serial_machine_open(m, &(SerialOptions){.msix = true});
    serial_port_write(d, 1, "alive", 5);
    host_socket_read(m->host[1], buf, 5);
    g_assert_cmpmem(buf, 5, "alive", 5);
    g_assert_false(needs_reset(d));
    serial_free(d);
}

/* What QEMU's virtio core does not take, in a queue to or from the device. */
static void broken_chain_sets_needs_reset(void)
{
    enum { NR = 3 };
    static const struct {
        const char *what;
        struct vring_desc desc[NR];
        struct vring_desc indirect[NR];
        uint16_t head;
    } cases[] = {
        {"loop", {{RAM, 8, N | W, 1}, {RAM, 8, N | W, 0}}, {{0}}, 0},
        {"next beyond the table", {{RAM, 8, N | W, 4000}}, {{0}}, 0},
        {"head beyond the table", {{RAM, 8, W, 0}}, {{0}}, 4000},
        {"zero length, last", {{RAM, 8, N | W, 1}, {RAM, 0, W, 0}}, {{0}}, 0},
        {"read after write", {{RAM, 8, N | W, 1}, {RAM, 8, 0, 0}}, {{0}}, 0},
        {"indirect, no table", {{TABLE, 0, I, 0}}, {{0}}, 0},
        {"indirect, odd size", {{TABLE, 17, I, 0}}, {{0}}, 0},
        {"indirect, loop", {{TABLE, 32, I, 0}}, {{RAM, 8, N | W, 0}}, 0},
        {"indirect, next beyond", {{TABLE, 32, I, 0}}, {{RAM, 8, N | W, 2}}, 0},
    };
    SerialMachine *m = serial_machine_start(DEVICE, 1, "");

    serial_machine_connect(m);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (Where where = 0; where < WHERE__MAX; where++) {
            SerialDriver *d = open_without_buffers(m);
            Virtqueue *vq = queue_at(d, where);

            g_test_message("%s, queue %u", cases[i].what, vq->index);
            for (unsigned n = 0; n < NR; n++) {
                virtqueue_set_desc(vq, 0, n, &cases[i].desc[n]);
                virtqueue_set_desc(vq, TABLE, n, &cases[i].indirect[n]);
            }
            virtqueue_set_avail(vq, vq->avail_idx, cases[i].head);
            virtqueue_set_avail_idx(vq, vq->avail_idx + 1);
            make_it_look(m, d, where);
            wait_for_needs_reset(d);
            serial_free(d);
            if (where == PORT_IN) {
                /* what was meant for the broken driver */
                disconnect(m);
            }
            check_next_driver(m);
        }
    }
    serial_machine_end(m);
}

/* Odd, and no reason to give up. */
static void odd_message_is_consumed(void)
{
    static const struct {
        const char *what;
        uint32_t len[3];
        unsigned nr;
    } cases[] = {
        {"a byte", {1}, 1},
        {"seven bytes", {7}, 1},
        {"one byte after the other", {1, 1, 1}, 3},
        {"a page", {4096}, 1},
        {"megabytes", {0x800000, 0x800000, 0x800000}, 3},
    };
    SerialMachine *m = serial_machine_start(DEVICE, 1, "");

    serial_machine_connect(m);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SerialDriver *d = open_without_buffers(m);
        VirtqueueBuffer buffers[3];

        g_test_message("%s", cases[i].what);
        for (unsigned n = 0; n < cases[i].nr; n++) {
            buffers[n] = (VirtqueueBuffer){RAM, cases[i].len[n], false};
        }
        for (unsigned way = 0; way < 2; way++) {
            Virtqueue *vq = &d->control_out;

            virtqueue_offer(
                vq, way ? virtqueue_add_indirect(vq, buffers, cases[i].nr)
                        : virtqueue_add(vq, buffers, cases[i].nr));
            virtqueue_kick(vq);
            g_assert_cmpuint(virtqueue_wait(vq).written, ==, 0);
        }
        g_assert_false(needs_reset(d));
        serial_free(d);
        check_next_driver(m);
    }
    serial_machine_end(m);
}

/* Not RAM, or not all of it: what is there is read, or the chain broken. */
static void buffer_nowhere(void)
{
    static const struct {
        uint64_t gpa;
        uint32_t len;
    } cases[] = {
        {NOWHERE, 8},      {RAM_SIZE - 4, 8},        {UINT64_MAX - 3, 8},
        {NOWHERE, 0},      {0xa0000, 0x10000},       {0xfee00000, 0x1000},
        {RAM, UINT32_MAX}, {UINT64_MAX, UINT32_MAX},
    };
    SerialMachine *m = serial_machine_start(DEVICE, 1, "");

    serial_machine_connect(m);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (Where where = 0; where < WHERE__MAX; where++) {
            SerialDriver *d = open_without_buffers(m);

            g_test_message("case %zu, queue %u", i, queue_at(d, where)->index);
            virtqueue_submit(queue_at(d, where), cases[i].gpa, cases[i].len,
                             where == PORT_IN || where == CONTROL_IN);
            if (needs_reset(d) || where == CONTROL_OUT) {
                qtest_settle(m->q);
            } else {
                make_it_look(m, d, where);
            }
            serial_free(d);
            disconnect(m);
            check_next_driver(m);
        }
    }
    serial_machine_end(m);
}

/*
 * The device's own registers as buffers: it reads them, or writes the byte
 * that resets it, enables a queue, kicks one.
 */
static void buffer_in_own_registers(void)
{
    SerialMachine *m = serial_machine_start(DEVICE, 1, "");

    serial_machine_connect(m);
    for (Where where = 0; where < WHERE__MAX; where++) {
        for (unsigned i = 0; i < 6; i++) {
            SerialDriver *d = open_without_buffers(m);
            const PciFunction *f = &d->v.f;
            const uint64_t bar = f->bar[d->v.common.bar].addr;
            const uint64_t common = bar + d->v.common.offset;
            const uint64_t targets[6] = {
                common + VIRTIO_PCI_COMMON_STATUS,
                common,
                common + VIRTIO_PCI_COMMON_Q_SELECT,
                bar + d->v.notify.offset + 4 * d->port[1].out.index,
                bar + d->v.isr.offset,
                bar + d->v.config.offset,
            };

            g_test_message("target %u, queue %u", i, queue_at(d, where)->index);
            virtqueue_submit(queue_at(d, where), targets[i], 8,
                             where == PORT_IN || where == CONTROL_IN);
            if (where == PORT_IN) {
                host_socket_write(m->host[1], "\0\0\0\0", 4);
            }
            make_it_look(m, d, where);
            serial_free(d);
            disconnect(m);
            check_next_driver(m);
        }
    }
    serial_machine_end(m);
}

/*
 * The buffer whose completion is held lies in the register that resets the
 * device: what the device writes there when the hold ends resets it, with more
 * completions still to come.
 */
static void held_buffer_in_own_status(void)
{
    SerialMachine *m = serial_machine_start(DEVICE, 1, "");

    serial_machine_connect(m);
    for (unsigned reverse = 0; reverse < 2; reverse++) {
        SerialDriver *d = open_without_buffers(m);
        Virtqueue *in = &d->port[1].in;
        const uint64_t status = d->v.f.bar[d->v.common.bar].addr +
                                d->v.common.offset + VIRTIO_PCI_COMMON_STATUS;
        const uint64_t ram = virtio_pci_alloc(&d->v, 64, 64);
        g_autofree char *spec = g_strdup_printf(
            "{\"spec\": \"notify=%u#1:completion-%s,queue=%u,delay=1ms\"}",
            in->index, reverse ? "reorder" : "hold", in->index);
        VirtqueueUsed used;

        json_node_unref(qtest_qmp(m->q, "virtio-serial-mq-provoke", spec));
        /* The first that is given back is the one in the register. */
        virtqueue_submit(in, reverse ? ram : status, 1, true);
        virtqueue_submit(in, ram + 8, 1, true);
        virtqueue_submit(in, reverse ? status : ram, 1, true);
        host_socket_write(m->host[1], "\0\0\0", 3);
        while (serial_port_counter(m->q, 1, "in-bytes") < 3) {
            qtest_settle(m->q);
        }
        g_assert_false(virtqueue_take(in, &used));
        g_assert_cmphex(virtio_status(&d->v) & VIRTIO_CONFIG_S_DRIVER_OK, !=,
                        0);
        qtest_clock_step(m->q, 2000000);
        g_assert_cmphex(virtio_status(&d->v), ==, 0);
        serial_free(d);
        disconnect(m);
        check_next_driver(m);
    }
    serial_machine_end(m);
}

/* Rings where there is no memory, and rings that overlap. */
static void rings_anywhere(void)
{
    static const struct {
        uint64_t desc, avail, used;
    } cases[] = {
        {NOWHERE, NOWHERE + 0x1000, NOWHERE + 0x2000},
        {RAM, RAM + 0x1000, NOWHERE},
        {RAM, NOWHERE, RAM + 0x1000},
        {RAM_SIZE - 16, RAM, RAM + 0x1000},
        {UINT64_MAX - 15, UINT64_MAX - 15, UINT64_MAX - 15},
        {RAM + 1, RAM + 0x1001, RAM + 0x2001},
        {RAM, RAM, RAM},
        {0xfee00000, 0xfee00000, 0xfee00000},
        {0, 0, 0},
    };
    SerialMachine *m = serial_machine_start(DEVICE, 1, "");

    serial_machine_connect(m);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (Where where = 0; where < WHERE__MAX; where++) {
            const SerialOptions options = {.msix = true};
            SerialDriver *d = serial_find(m->q, &options);
            uint16_t index;

            g_test_message("case %zu, queue %u", i, where);
            serial_acknowledge(d);
            serial_negotiate(d, &options);
            serial_set_up_queues(d, &options);
            index = queue_at(d, where)->index;
            virtio_queue_set_addresses(&d->v, index, cases[i].desc,
                                       cases[i].avail, cases[i].used);
            virtio_queue_enable(&d->v, index, 1);
            serial_driver_ok(d);
            qtest_memset(m->q, RAM, 1, 0x100);
            make_it_look(m, d, where);
            serial_free(d);
            if (serial_port_flag(m->q, 1, "host-open")) {
                disconnect(m);
            }
            check_next_driver(m);
        }
    }
    serial_machine_end(m);
}

/* A device that is broken takes no input: it waits, whole, for a reset. */
static void input_of_a_broken_device_waits(void)
{
    enum { LEN = 20000 };
    SerialMachine *m = serial_machine_start(DEVICE, 1, "");
    SerialDriver *d;
    g_autofree char *sent = g_malloc(LEN), *got = g_malloc(LEN);

    for (unsigned i = 0; i < LEN; i++) {
        sent[i] = (char)(i * 7 + i / 251);
    }
    serial_machine_connect(m);
    d = serial_machine_open(m, &(SerialOptions){.msix = true});
    /* more than all its buffers hold is on its way when it breaks */
    g_assert_cmpuint(LEN, >, SERIAL_PORT_BUFFERS * SERIAL_PORT_BUFFER);
    virtqueue_set_avail(&d->port[1].out, d->port[1].out.avail_idx, 0xffff);
    virtqueue_set_avail_idx(&d->port[1].out, ++d->port[1].out.avail_idx);
    virtqueue_kick(&d->port[1].out);
    wait_for_needs_reset(d);
    host_socket_write(m->host[1], sent, LEN);
    qtest_settle(m->q);
    g_assert_cmpuint(serial_port_counter(m->q, 1, "in-bytes"), ==, 0);
    serial_free(d);
    d = serial_machine_open(m, &(SerialOptions){.msix = true});
    serial_port_read(d, 1, got, LEN);
    g_assert_cmpmem(got, LEN, sent, LEN);
    serial_free(d);
    serial_machine_end(m);
}

/* Any bytes as descriptors and rings, from a fixed seed. */
static void random_chains_never_end_qemu(void)
{
    enum { LIVES = 12, KICKS = 24, NR = 16 };
    g_autoptr(GRand) rand = g_rand_new_with_seed(20141027);
    SerialMachine *m = serial_machine_start(DEVICE, 1, "");

    serial_machine_connect(m);
    for (unsigned life = 0; life < LIVES; life++) {
        SerialDriver *d = open_without_buffers(m);

        for (unsigned kick = 0; kick < KICKS; kick++) {
            Virtqueue *vq = queue_at(d, g_rand_int_range(rand, 0, WHERE__MAX));

            for (unsigned n = 0; n < NR; n++) {
                struct vring_desc desc = {
                    .addr = g_rand_int_range(rand, 0, 10)
                                ? RAM + g_rand_int_range(rand, 0, 0x100000)
                                : (uint64_t)g_rand_int(rand) << 8,
                    .len = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32),
                    .flags = g_rand_int_range(rand, 0, 8),
                    .next = g_rand_int_range(rand, 0, NR + 1),
                };

                virtqueue_set_desc(vq, 0, n, &desc);
            }
            virtqueue_set_avail(vq, vq->avail_idx,
                                g_rand_int_range(rand, 0, NR));
            virtqueue_set_avail_idx(vq, vq->avail_idx +=
                                        g_rand_int_range(rand, 0, 3));
            virtqueue_kick(vq);
            host_socket_try_write(m->host[1], "abc", 3);
        }
        qtest_settle(m->q);
        virtio_reset(&d->v);
        serial_free(d);
        disconnect(m);
        check_next_driver(m);
    }
    serial_machine_end(m);
}

int main(int argc, char **argv)
{
    static const QtestCase tests[] = {
        {"/serial-mq-chains/broken-chain-sets-needs-reset",
         broken_chain_sets_needs_reset},
        {"/serial-mq-chains/odd-message-is-consumed", odd_message_is_consumed},
        {"/serial-mq-chains/buffer-nowhere", buffer_nowhere},
        {"/serial-mq-chains/buffer-in-own-registers", buffer_in_own_registers},
        {"/serial-mq-chains/held-buffer-in-own-status",
         held_buffer_in_own_status},
        {"/serial-mq-chains/rings-anywhere", rings_anywhere},
        {"/serial-mq-chains/input-of-a-broken-device-waits",
         input_of_a_broken_device_waits},
        {"/serial-mq-chains/random-chains-never-end-qemu",
         random_chains_never_end_qemu},
    };

    return qtest_main(argc, argv, tests, G_N_ELEMENTS(tests));
}
