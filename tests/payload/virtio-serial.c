/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver of the console device written from the specification, in three
 * orders that it allows.
 *
 * Behaviour: the device resets, negotiates, announces its ports in answer to
 * DEVICE_READY, tells their names and whether the host has them open, and
 * carries bytes both ways on all of them.  A byte written to emerg_wr comes
 * out of the console.
 * Check: a driver that goes about it as Linux's does, queue after queue, each
 * port made ready as it is announced; one (append=freebsd) that goes about it
 * as FreeBSD's, with buffers before DRIVER_OK and no kick, that opens a console
 * when it is told so and again for its first user; and one (append=other) that
 * makes its
 * queues from the last to the first and fills them before DRIVER_OK, waits
 * for no answer and makes the ports ready in the opposite order, all at once,
 * as drivers of other systems do.  Both by the modern and the legacy
 * interface, with MSI-X, with an interrupt pin, and polling.
 * Cannot tell apart: an interrupt for each buffer from one for many.
 * QEMU's own device: the same but for F_SIZE; the runs with "stock" say so.
 * With ordering=enforce ours would serve neither driver if it broke a rule.
 *
 * RUN: stock-modern xen=off ports=3 append=ports=3
 *      qemu="-device virtio-serial-pci,disable-legacy=on,max_ports=4"
 *      qemu="-device virtserialport,nr=1,name=echo1,chardev=port1"
 *      qemu="-device virtserialport,nr=2,name=echo2,chardev=port2"
 *      qemu="-device virtserialport,nr=3,name=echo3,chardev=port3"
 * RUN: stock-other xen=off ports=4 append=ports=3 append=other append=msix
 *      append=console
 *      qemu="-device virtio-serial-pci,disable-legacy=on,max_ports=4"
 *      qemu="-device virtconsole,nr=0,chardev=port4"
 *      qemu="-device virtserialport,nr=1,name=echo1,chardev=port1"
 *      qemu="-device virtserialport,nr=2,name=echo2,chardev=port2"
 *      qemu="-device virtserialport,nr=3,name=echo3,chardev=port3"
 * RUN: stock-legacy xen=off ports=1 append=ports=1 append=legacy append=pin
 *      qemu="-device virtio-serial-pci,disable-modern=on,max_ports=4"
 *      qemu="-device virtserialport,nr=1,name=echo1,chardev=port1"
 * RUN: mq-modern ports=3 append=ports=3 append=size
 *      qemu="-device virtio-serial-mq-pci,max_ports=4,ordering=enforce"
 *      qemu="-device virtserialport-mq,nr=1,name=echo1,chardev=port1"
 *      qemu="-device virtserialport-mq,nr=2,name=echo2,chardev=port2"
 *      qemu="-device virtserialport-mq,nr=3,name=echo3,chardev=port3"
 * RUN: mq-other ports=4 append=ports=3 append=other append=msix append=console
 *      append=size
 *      qemu="-device virtio-serial-mq-pci,max_ports=4,ordering=enforce"
 *      qemu="-device virtconsole-mq,nr=0,chardev=port4"
 *      qemu="-device virtserialport-mq,nr=1,name=echo1,chardev=port1"
 *      qemu="-device virtserialport-mq,nr=2,name=echo2,chardev=port2"
 *      qemu="-device virtserialport-mq,nr=3,name=echo3,chardev=port3"
 * RUN: mq-freebsd ports=4 append=ports=3 append=freebsd append=pin
 *      append=console append=size
 *      qemu="-device virtio-serial-mq-pci,max_ports=4,ordering=enforce"
 *      qemu="-device virtconsole-mq,nr=0,chardev=port4"
 *      qemu="-device virtserialport-mq,nr=1,name=echo1,chardev=port1"
 *      qemu="-device virtserialport-mq,nr=2,name=echo2,chardev=port2"
 *      qemu="-device virtserialport-mq,nr=3,name=echo3,chardev=port3"
 * RUN: mq-legacy ports=1 append=ports=1 append=legacy append=pin append=size
 *      qemu="-device virtio-serial-mq-pci,max_ports=4,disable-modern=on"
 *      qemu="-global virtio-serial-mq-device.ordering=enforce"
 *      qemu="-device virtserialport-mq,nr=1,name=echo1,chardev=port1"
 */
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/cpu.h"
#include "tests/payload/lib/virtio-serial.h"

#define VECTOR_PIN  0x60
#define VECTOR_MSIX 0x61 /* of the configuration; then those of queues */
#define VECTORS     16u
#define BYTES       20000u
#define WINDOW      1500u /* bytes of a port that are under way at most */
#define PATIENCE    50000000u

static uint8_t memory[SERIAL_MEMORY] __attribute__((aligned(PAGE_SIZE)));
static SerialDriver serial;
static unsigned first_port, nr_ports, nr_vectors, pin_gsi;
static volatile unsigned interrupts[VECTORS], pin_interrupts;

static void on_pin(TrapFrame *frame)
{
    (void)frame;
    pin_interrupts += virtio_isr(&serial.dev) != 0;
    lapic_eoi();
}

static void on_msix(TrapFrame *frame)
{
    interrupts[frame->vector - VECTOR_MSIX]++;
    lapic_eoi();
}

static uint16_t vector_of(unsigned queue)
{
    return (uint16_t)(1 + queue % (nr_vectors - 1));
}

static bool setup_interrupts(void)
{
    if (cmdline_has("pin")) {
        pin_gsi = pci_intx_gsi(serial.dev.pci);
        cpu_set_handler(VECTOR_PIN, on_pin);
        ioapic_route(pin_gsi, VECTOR_PIN);
    }
    if (!cmdline_has("msix")) {
        return true;
    }
    if (!virtio_use_msix(&serial.dev)) {
        return false;
    }
    nr_vectors = pci_msix_enable(serial.dev.pci);
    nr_vectors = nr_vectors < VECTORS ? nr_vectors : VECTORS;
    for (unsigned i = 0; i < nr_vectors; i++) {
        cpu_set_handler((uint8_t)(VECTOR_MSIX + i), on_msix);
        pci_msix_route(serial.dev.pci, i, (uint8_t)(VECTOR_MSIX + i));
    }
    return virtio_config_vector(&serial.dev, 0) && nr_vectors > 1;
}

/* As Linux: each port is made ready when it is announced. */
static void ready_at_once(SerialDriver *s,
                          const struct virtio_console_control *message,
                          const char *name, size_t len)
{
    (void)name;
    (void)len;
    if (message->event == VIRTIO_CONSOLE_PORT_ADD) {
        serial_fill_port(s, message->id, true);
        serial_send(s, message->id, VIRTIO_CONSOLE_PORT_READY, 1);
    }
}

static bool wait_for(SerialDriver *s, bool *flag, const char *what,
                     unsigned port)
{
    if (!serial_wait(s, flag)) {
        error("port %u: no %s", port, what);
        return false;
    }
    return true;
}

static void bind_like_linux(void)
{
    serial.seen = ready_at_once;
    CHECK(serial_init_queues(&serial, cmdline_has("msix") ? vector_of : NULL));
    serial_driver_ok(&serial);
    serial_fill_control(&serial, true);
    serial_send(&serial, SERIAL_NO_PORT, VIRTIO_CONSOLE_DEVICE_READY, 1);
    for (unsigned i = first_port; i <= nr_ports; i++) {
        if (!wait_for(&serial, &serial.ports[i].host_open, "PORT_OPEN", i)) {
            return;
        }
        serial_send(&serial, i, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
}

/* As FreeBSD: a console is opened when the device says that it is one. */
static void ready_and_open(SerialDriver *s,
                           const struct virtio_console_control *message,
                           const char *name, size_t len)
{
    ready_at_once(s, message, name, len);
    if (message->event == VIRTIO_CONSOLE_CONSOLE_PORT) {
        serial_send(s, message->id, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
}

static void bind_like_freebsd(void)
{
    serial.seen = ready_and_open;
    CHECK(serial_init_queues(&serial, cmdline_has("msix") ? vector_of : NULL));
    serial_fill_control(&serial, false);
    serial_driver_ok(&serial);
    virtqueue_kick(&serial.control_in);
    serial_send(&serial, SERIAL_NO_PORT, VIRTIO_CONSOLE_DEVICE_READY, 1);
    for (unsigned i = first_port; i <= nr_ports; i++) {
        if (!wait_for(&serial, &serial.ports[i].host_open, "PORT_OPEN", i)) {
            return;
        }
    }
    for (unsigned i = nr_ports + 1; i-- > first_port;) {
        serial_send(&serial, i, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
}

/* Queues of different lengths, from the last to the first. */
static bool queues_backwards(void)
{
    for (unsigned i = 2 * (serial.max_ports + 1); i-- > 0;) {
        unsigned port = i < 2 ? 0 : i / 2 - 1;
        VirtQueue *q = i == SERIAL_CONTROL_IN    ? &serial.control_in
                       : i == SERIAL_CONTROL_OUT ? &serial.control_out
                       : i % 2                   ? &serial.ports[port].out
                                                 : &serial.ports[port].in;

        if (!virtqueue_init(q, &serial.dev, i, i % 2 ? 8 : 16,
                            cmdline_has("msix") ? vector_of(i)
                                                : VIRTIO_MSI_NO_VECTOR)) {
            return false;
        }
    }
    for (unsigned i = 0; i < serial.max_ports; i++) {
        virtqueue_enable(&serial.ports[i].out);
        virtqueue_enable(&serial.ports[i].in);
    }
    virtqueue_enable(&serial.control_out);
    virtqueue_enable(&serial.control_in);
    return true;
}

static void bind_otherwise(void)
{
    serial.seen = NULL;
    CHECK(queues_backwards());
    for (unsigned i = 0; i < serial.max_ports; i++) {
        serial_fill_port(&serial, i, false);
    }
    serial_fill_control(&serial, false);
    serial_driver_ok(&serial);
    virtqueue_kick(&serial.control_in);
    serial_post(&serial, SERIAL_NO_PORT, VIRTIO_CONSOLE_DEVICE_READY, 1);
    for (unsigned i = first_port; i <= nr_ports; i++) {
        if (!wait_for(&serial, &serial.ports[i].added, "PORT_ADD", i)) {
            return;
        }
    }
    for (unsigned i = nr_ports + 1; i-- > first_port;) {
        virtqueue_kick(&serial.ports[i].in);
        serial_post(&serial, i, VIRTIO_CONSOLE_PORT_READY, 1);
    }
    for (unsigned i = nr_ports + 1; i-- > first_port;) {
        serial_post(&serial, i, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
    for (unsigned i = first_port; i <= nr_ports; i++) {
        if (!wait_for(&serial, &serial.ports[i].host_open, "PORT_OPEN", i)) {
            return;
        }
    }
}

static void bind(void)
{
    virtio_give_memory(memory, sizeof(memory));
    nr_ports = (unsigned)cmdline_number("ports", 1);
    first_port = !cmdline_has("console");
    if (!CHECK(serial_find(&serial, 0, cmdline_has("legacy"))) ||
        !CHECK(setup_interrupts()) ||
        !CHECK(serial_negotiate(&serial, SERIAL_FEATURE(MULTIPORT) |
                                             SERIAL_FEATURE(EMERG_WRITE) |
                                             SERIAL_FEATURE(SIZE)))) {
        return;
    }
    CHECK(serial.multiport);
    CHECK_EQ(cmdline_has("size"),
             (serial.features & SERIAL_FEATURE(SIZE)) != 0);
    CHECK(serial.max_ports > nr_ports);
    if (cmdline_has("other")) {
        bind_otherwise();
    } else if (cmdline_has("freebsd")) {
        bind_like_freebsd();
    } else {
        bind_like_linux();
    }
    CHECK_EQ(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
                 VIRTIO_CONFIG_S_DRIVER_OK |
                 (serial.dev.legacy ? 0 : VIRTIO_CONFIG_S_FEATURES_OK),
             virtio_status(&serial.dev));
}

static void ports_are_announced_with_names(void)
{
    static const char want[] = "echo";

    bind();
    for (unsigned i = first_port; i <= nr_ports; i++) {
        const SerialPort *port = &serial.ports[i];

        input("port %u", i);
        CHECK(port->added);
        CHECK_EQ(i == 0, port->console);
        if (i == 0) {
            continue;
        }
        CHECK_EQ(sizeof(want), strlen(port->name));
        CHECK(memcmp(port->name, want, sizeof(want) - 1) == 0);
        CHECK_EQ((unsigned)'0' + i, (unsigned)port->name[sizeof(want) - 1]);
    }
}

static uint8_t byte_at(unsigned port, uint32_t n)
{
    return (uint8_t)(n * 7 + port * 41 + (n >> 8));
}

/* Adler-32. */
static uint32_t checksum(uint32_t sum, const uint8_t *bytes, uint32_t len)
{
    uint32_t a = sum & 0xffff, b = sum >> 16;

    for (uint32_t i = 0; i < len; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

typedef struct Stream {
    uint32_t sent, got, sent_sum, got_sum;
} Stream;

/* @return: did anything move? */
static bool move(unsigned port, Stream *stream)
{
    uint8_t chunk[WINDOW];
    uint32_t len = 1 + (stream->sent * 13 + port) % 700;
    bool moved = false;

    len = len < BYTES - stream->sent ? len : BYTES - stream->sent;
    if (len && stream->sent + len - stream->got <= WINDOW) {
        for (uint32_t i = 0; i < len; i++) {
            chunk[i] = byte_at(port, stream->sent + i);
        }
        if (!serial_write(&serial, port, chunk, len)) {
            return false;
        }
        stream->sent_sum = checksum(stream->sent_sum, chunk, len);
        stream->sent += len;
        moved = true;
    }
    while ((len = serial_read(&serial, port, chunk, sizeof(chunk)))) {
        stream->got_sum = checksum(stream->got_sum, chunk, len);
        stream->got += len;
        moved = true;
    }
    return moved;
}

static void echo_on_all_ports(void)
{
    Stream streams[SERIAL_PORTS_MAX];
    unsigned idle = 0, left = 1;

    for (unsigned i = first_port; i <= nr_ports; i++) {
        streams[i] = (Stream){.sent_sum = 1, .got_sum = 1};
    }
    while (left && idle < PATIENCE) {
        bool moved = false;

        left = 0;
        for (unsigned i = first_port; i <= nr_ports; i++) {
            moved |= move(i, &streams[i]);
            left += streams[i].got < BYTES;
        }
        idle = moved ? 0 : idle + 1;
        cpu_relax();
    }
    for (unsigned i = first_port; i <= nr_ports; i++) {
        input("port %u", i);
        CHECK_EQ(BYTES, streams[i].sent);
        CHECK_EQ(BYTES, streams[i].got);
        CHECK_EQ(streams[i].sent_sum, streams[i].got_sum);
    }
}

static void bytes_come_back_on_all_ports(void)
{
    echo_on_all_ports();
}

static void emergency_byte_reaches_the_console(void)
{
    uint8_t byte = 0;

    CHECK(serial.features & SERIAL_FEATURE(EMERG_WRITE));
    virtio_config_write32(
        &serial.dev, offsetof(struct virtio_console_config, emerg_wr), 'E');
    if (!cmdline_has("console")) {
        return;
    }
    for (unsigned i = 0; i < PATIENCE && !serial_read(&serial, 0, &byte, 1);
         i++) {
        cpu_relax();
    }
    CHECK_EQ('E', byte);
}

/* They were pending while interrupts were disabled. */
static void interrupts_are_those_asked_for(void)
{
    cpu_open_interrupts();
    if (cmdline_has("pin")) {
        CHECK(pin_interrupts > 0);
    } else {
        CHECK_EQ(0, pin_interrupts);
    }
    for (unsigned i = first_port; cmdline_has("msix") && i <= nr_ports; i++) {
        input("port %u", i);
        CHECK(interrupts[vector_of(serial_in_queue(i))] > 0);
    }
    if (cmdline_has("msix")) {
        CHECK(interrupts[vector_of(SERIAL_CONTROL_IN)] > 0);
    }
}

/* All over again, as when a module is loaded again. */
static void driver_binds_again_after_reset(void)
{
    bind();
    echo_on_all_ports();
    virtio_reset(&serial.dev);
    CHECK_EQ(0, virtio_status(&serial.dev));
}

PAYLOAD(NEEDS_NOTHING, TEST(ports_are_announced_with_names),
        TEST(bytes_come_back_on_all_ports),
        TEST(interrupts_are_those_asked_for),
        TEST(emergency_byte_reaches_the_console),
        TEST(driver_binds_again_after_reset));
