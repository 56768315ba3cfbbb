/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration state of the multiport serial device: the core's, then the chains
 * it holds, in the core's order.
 */
#include "qemu/osdep.h"
#include "io/channel-buffer.h"
#include "qemu/error-report.h"
#include "hw/virtio/virtio.h"
#include "migration/qemu-file.h"
#include "accel/serial/serial-internal.h"

/* More than the core can have to say, and than a buffer takes */
#define STATE_MAX   (16u << 20)
#define ELEMENT_MAX (64u << 10)

typedef struct Save {
    VirtIODevice *vdev;
    QEMUFile *f;
} Save;

static GByteArray *element_bytes(VirtIODevice *vdev, VirtQueueElement *element)
{
    QIOChannelBuffer *channel = qio_channel_buffer_new(ELEMENT_MAX);
    QEMUFile *f = qemu_file_new_output(QIO_CHANNEL(channel));
    GByteArray *bytes = g_byte_array_new();

    qemu_put_virtqueue_element(vdev, f, element);
    qemu_fflush(f);
    g_byte_array_append(bytes, channel->data, channel->usage);
    qemu_fclose(f);
    object_unref(OBJECT(channel));
    return bytes;
}

/*
 * QEMU's function for loading a buffer takes what a stream that has ended left
 * in its place, and ends QEMU over it; so each is looked at first, with its
 * length before it, which is the same for all.
 */
static void save_chain(void *opaque, unsigned queue, SerialMqChain *c)
{
    Save *save = opaque;
    SerialElement *e = container_of(c, SerialElement, chain);
    g_autoptr(GByteArray) bytes = element_bytes(save->vdev, &e->element);

    qemu_put_be32(save->f, bytes->len);
    qemu_put_buffer(save->f, bytes->data, bytes->len);
}

/* @return: NULL: it is cut off, or is none */
static SerialElement *load_element(VirtIODevice *vdev, QEMUFile *f)
{
    VirtQueueElement none = {0};
    g_autoptr(GByteArray) bytes = element_bytes(vdev, &none);
    uint32_t len = qemu_get_be32(f), parts[3]; /* index, out, in */
    QIOChannelBuffer *channel;
    SerialElement *e = NULL;
    QEMUFile *element;

    g_assert(bytes->len >= sizeof(parts));
    if (len != bytes->len || qemu_get_buffer(f, bytes->data, len) != len) {
        return NULL;
    }
    memcpy(parts, bytes->data, sizeof(parts));
    if (parts[1] > VIRTQUEUE_MAX_SIZE || parts[2] > VIRTQUEUE_MAX_SIZE) {
        return NULL;
    }
    channel = qio_channel_buffer_new(len);
    memcpy(channel->data, bytes->data, len);
    channel->usage = len;
    element = qemu_file_new_input(QIO_CHANNEL(channel));
    e = qemu_get_virtqueue_element(vdev, element, sizeof(*e));
    qemu_fclose(element);
    object_unref(OBJECT(channel));
    return e;
}

/* Ports that a provocation has taken away, but for the time to do it. */
static void save_unplugs(const SerialDevice *dev, QEMUFile *f)
{
    qemu_put_be32(f, dev->unplugs->len);
    for (guint i = 0; i < dev->unplugs->len; i++) {
        qemu_put_be32(f, g_array_index(dev->unplugs, unsigned, i));
    }
}

static bool load_unplugs(SerialDevice *dev, QEMUFile *f)
{
    uint32_t n = qemu_get_be32(f);
    bool good = n <= dev->config.max_ports;

    g_array_set_size(dev->unplugs, 0);
    for (uint32_t i = 0; i < n && good; i++) {
        uint32_t port = qemu_get_be32(f);

        good = port < dev->config.max_ports && !qemu_file_get_error(f);
        if (good) {
            serial_unplug_port(dev, port);
        }
    }
    if (!good) {
        error_report("virtio-serial-mq: ports to unplug that this device does "
                     "not have");
    }
    return good;
}

void serial_save(VirtIODevice *vdev, QEMUFile *f)
{
    SerialMq *mq = SERIAL_DEVICE(vdev)->mq;
    StateWriter *w = state_writer_new();
    g_autoptr(GByteArray) state = NULL;
    Save save = {vdev, f};

    serial_mq_save(mq, w);
    state = state_writer_finish(w);
    qemu_put_be32(f, state->len);
    qemu_put_buffer(f, state->data, state->len);
    save_unplugs(SERIAL_DEVICE(vdev), f);
    serial_mq_chains(mq, save_chain, &save);
}

static bool load_core(SerialMq *mq, QEMUFile *f)
{
    uint32_t len = qemu_get_be32(f);
    g_autofree uint8_t *buf = len <= STATE_MAX ? g_try_malloc(len) : NULL;
    g_autoptr(GError) error = NULL;
    StateReader *r;

    if (!buf || qemu_get_buffer(f, buf, len) != len) {
        error_report("virtio-serial-mq: its state of %" PRIu32 " bytes cannot "
                     "be read",
                     len);
        return false;
    }
    r = state_reader_new(buf, len);
    serial_mq_load(mq, r);
    if (!state_reader_finish(r, &error)) {
        error_report("virtio-serial-mq: %s", error->message);
        return false;
    }
    return true;
}

int serial_load(VirtIODevice *vdev, QEMUFile *f, int version_id)
{
    SerialMq *mq = SERIAL_DEVICE(vdev)->mq;

    if (!load_core(mq, f) || !load_unplugs(SERIAL_DEVICE(vdev), f)) {
        return -EINVAL;
    }
    while (serial_mq_next_chain(mq) != SERIAL_MQ_NO_QUEUE) {
        SerialElement *e = load_element(vdev, f);

        if (!e) {
            error_report("virtio-serial-mq: its stream ends in the midst of "
                         "the buffers in flight");
            return -EINVAL;
        }
        if (!serial_mq_load_chain(mq, serial_element_chain(e))) {
            error_report("virtio-serial-mq: a buffer in flight is not the one "
                         "its state tells of");
            g_free(e);
            return -EINVAL;
        }
    }
    return 0;
}
