/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of a driver for the console device.
 */
#include "tests/payload/lib/insn.h"
#include "tests/payload/lib/virtio-serial.h"

#define CONTROL_BUFFERS  16u
#define CONTROL_SIZE     (sizeof(struct virtio_console_control) + 64)
#define CONFIG_MAX_PORTS offsetof(struct virtio_console_config, max_nr_ports)

unsigned serial_wait_rounds = 20000000;

unsigned serial_in_queue(unsigned port)
{
    return port ? 2 * port + 2 : 0;
}

unsigned serial_out_queue(unsigned port)
{
    return serial_in_queue(port) + 1;
}

bool serial_find(SerialDriver *s, unsigned nth, bool legacy)
{
    SerialSeen *seen = s->seen;

    memset(s, 0, sizeof(*s));
    s->seen = seen;
    if (!virtio_find(&s->dev, VIRTIO_ID_CONSOLE, nth, legacy)) {
        return false;
    }
    virtio_reset(&s->dev);
    virtio_set_status(&s->dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    virtio_add_status(&s->dev, VIRTIO_CONFIG_S_DRIVER);
    return true;
}

bool serial_negotiate(SerialDriver *s, uint64_t wanted)
{
    if (!s->dev.legacy) {
        wanted |= 1ull << VIRTIO_F_VERSION_1;
    }
    s->features = virtio_features(&s->dev) & wanted;
    virtio_set_features(&s->dev, s->features);
    if (!s->dev.legacy) {
        virtio_add_status(&s->dev, VIRTIO_CONFIG_S_FEATURES_OK);
        if (!(virtio_status(&s->dev) & VIRTIO_CONFIG_S_FEATURES_OK)) {
            return false;
        }
    }
    s->multiport = s->features & SERIAL_FEATURE(MULTIPORT);
    s->max_ports =
        s->multiport ? virtio_config_read(&s->dev, CONFIG_MAX_PORTS, 4) : 1;
    return s->max_ports >= 1 && s->max_ports <= SERIAL_PORTS_MAX;
}

static bool init_queue(SerialDriver *s, VirtQueue *q, unsigned index,
                       SerialVector *vector)
{
    if (!virtqueue_init(q, &s->dev, index, SERIAL_QUEUE_MAX,
                        vector ? vector(index) : VIRTIO_MSI_NO_VECTOR)) {
        return false;
    }
    virtqueue_enable(q);
    return true;
}

bool serial_init_queues(SerialDriver *s, SerialVector *vector)
{
    for (unsigned i = 0; i < s->max_ports; i++) {
        if (!init_queue(s, &s->ports[i].in, serial_in_queue(i), vector) ||
            !init_queue(s, &s->ports[i].out, serial_out_queue(i), vector)) {
            return false;
        }
    }
    return !s->multiport ||
           (init_queue(s, &s->control_in, SERIAL_CONTROL_IN, vector) &&
            init_queue(s, &s->control_out, SERIAL_CONTROL_OUT, vector));
}

void serial_driver_ok(const SerialDriver *s)
{
    virtio_add_status(&s->dev, VIRTIO_CONFIG_S_DRIVER_OK);
}

static void fill(VirtQueue *q, unsigned n, uint32_t size, bool kick)
{
    for (unsigned i = 0; i < n; i++) {
        VirtBuffer buffer = {virtio_alloc(size, 16), size};

        if (buffer.at) {
            virtqueue_add(q, &buffer, 0, 1, (void *)(uintptr_t)buffer.at);
        }
    }
    if (kick) {
        virtqueue_kick(q);
    }
}

void serial_fill_control(SerialDriver *s, bool kick)
{
    fill(&s->control_in, CONTROL_BUFFERS, CONTROL_SIZE, kick);
}

void serial_fill_port(SerialDriver *s, unsigned port, bool kick)
{
    fill(&s->ports[port].in, SERIAL_BUFFERS, SERIAL_BUFFER_SIZE, kick);
}

/* Waits for a chain of the driver's to come back. */
static bool take_back(VirtQueue *q)
{
    for (unsigned i = 0; i < serial_wait_rounds; i++) {
        if (virtqueue_get(q, NULL)) {
            return true;
        }
        cpu_relax();
    }
    error("queue %u: the device does not use what it was given", q->index);
    return false;
}

static bool all_free(const VirtQueue *q)
{
    return q->nfree == q->ring.num;
}

bool serial_post(SerialDriver *s, uint32_t port, unsigned event, unsigned value)
{
    VirtQueue *q = &s->control_out;
    struct virtio_console_control *message;
    VirtBuffer buffer = {NULL, sizeof(*message)};

    while (virtqueue_has_used(q)) {
        virtqueue_get(q, NULL);
    }
    if (!q->nfree && !take_back(q)) {
        return false;
    }
    if (!s->messages) {
        s->messages = virtio_alloc(q->ring.num * sizeof(*message), 16);
    }
    /* A message for each chain, which is of one descriptor. */
    message = &s->messages[q->free];
    *message = (struct virtio_console_control){
        .id = port, .event = (uint16_t)event, .value = (uint16_t)value};
    buffer.at = message;
    virtqueue_add(q, &buffer, 1, 0, message);
    virtqueue_kick(q);
    return true;
}

bool serial_send(SerialDriver *s, uint32_t port, unsigned event, unsigned value)
{
    bool taken = serial_post(s, port, event, value);

    while (taken && !all_free(&s->control_out)) {
        taken = take_back(&s->control_out);
    }
    return taken;
}

static void note(SerialDriver *s, const struct virtio_console_control *message,
                 const char *name, size_t len)
{
    SerialPort *port = &s->ports[message->id];

    switch (message->event) {
    case VIRTIO_CONSOLE_PORT_ADD:
        port->added = true;
        break;
    case VIRTIO_CONSOLE_PORT_REMOVE:
        port->added = port->host_open = false;
        break;
    case VIRTIO_CONSOLE_CONSOLE_PORT:
        port->console = message->value;
        break;
    case VIRTIO_CONSOLE_PORT_OPEN:
        port->host_open = message->value;
        break;
    case VIRTIO_CONSOLE_PORT_NAME:
        len = len < SERIAL_NAME_MAX - 1 ? len : SERIAL_NAME_MAX - 1;
        memcpy(port->name, name, len);
        port->name[len] = '\0';
        break;
    default:
        break;
    }
}

unsigned serial_take_control(SerialDriver *s)
{
    struct virtio_console_control *message;
    unsigned n = 0;
    uint32_t len;

    for (; (message = virtqueue_get(&s->control_in, &len)); n++) {
        VirtBuffer again = {message, CONTROL_SIZE};
        struct virtio_console_control copy = *message;
        char rest[CONTROL_SIZE];
        bool good = len >= sizeof(copy) && len <= CONTROL_SIZE;
        size_t rest_len = good ? len - sizeof(copy) : 0;

        memcpy(rest, message + 1, rest_len);
        virtqueue_add(&s->control_in, &again, 0, 1, message);
        virtqueue_kick(&s->control_in);
        if (!good) {
            error("a control message of %u bytes", len);
            continue;
        }
        if (copy.id < s->max_ports) {
            note(s, &copy, rest, rest_len);
            if (s->seen) {
                s->seen(s, &copy, rest, rest_len);
            }
        }
    }
    return n;
}

bool serial_wait(SerialDriver *s, const bool *flag)
{
    for (unsigned i = 0;
         i < serial_wait_rounds && !*(const volatile bool *)flag; i++) {
        if (!serial_take_control(s)) {
            cpu_relax();
        }
    }
    return *flag;
}

bool serial_write(SerialDriver *s, unsigned port, const void *data,
                  uint32_t len)
{
    VirtQueue *q = &s->ports[port].out;
    VirtBuffer buffer = {data, len};

    if (!virtqueue_add(q, &buffer, 1, 0, (void *)(uintptr_t)data)) {
        return false;
    }
    virtqueue_kick(q);
    return take_back(q);
}

uint32_t serial_read(SerialDriver *s, unsigned port, void *data, uint32_t len)
{
    SerialPort *p = &s->ports[port];
    VirtBuffer again;

    if (!p->buffer) {
        p->buffer = virtqueue_get(&p->in, &p->filled);
        p->at = 0;
    }
    if (!p->buffer) {
        return 0;
    }
    len = len < p->filled - p->at ? len : p->filled - p->at;
    memcpy(data, p->buffer + p->at, len);
    p->at += len;
    if (p->at == p->filled) {
        again = (VirtBuffer){p->buffer, SERIAL_BUFFER_SIZE};
        virtqueue_add(&p->in, &again, 0, 1, p->buffer);
        virtqueue_kick(&p->in);
        p->buffer = NULL;
    }
    return len;
}
