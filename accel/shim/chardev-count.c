/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Count what is written to a character device, by wrapping its class, and keep
 * what the reader does not take: a device that is told of it would try again
 * when the host pleases.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "chardev/char.h"
#include "system/runstate.h"
#include "system/system.h"
#include "accel/shim/chardev-count.h"

/* At most this much waits for the reader; a device's write is less. */
#define QUEUE_MAX (1u << 20)

/* For a reader that takes nothing, when the machine stops */
#define STOP_PATIENCE_US 1000000
#define STOP_RETRY_US    1000

/* It tells us when the character device goes. */
#define PROPERTY_NAME "jumpcut-counted"

/* A class's method carries no pointer of ours. */
static struct {
    Chardev *chr; /* NULL once it has gone */
    int (*stock)(Chardev *chr, const uint8_t *buf, int len);
    GByteArray *queue; /* changed with chr_write_lock held, as by a write */
    GSource *watch;
    ChardevCountFn *fn;
    bool hold;
    void *opaque;
} counter;

static gboolean counted_writable(void *do_not_use, GIOCondition cond,
                                 void *opaque);

/* Come back when the reader takes more. @return: false: it cannot tell */
static bool watch(void)
{
    Chardev *chr = counter.chr;
    ChardevClass *cc = CHARDEV_GET_CLASS(chr);
    GSource *source =
        cc->chr_add_watch ? cc->chr_add_watch(chr, G_IO_OUT | G_IO_HUP) : NULL;

    if (!source) {
        return false;
    }
    g_source_set_callback(source, (GSourceFunc)(void (*)(void))counted_writable,
                          NULL, NULL);
    g_source_attach(source, chr->gcontext);
    counter.watch = source;
    return true;
}

/* Write what the reader takes now, and come back for the rest. */
static void flush(void)
{
    int n = counter.stock(counter.chr, counter.queue->data, counter.queue->len);

    if (n < 0 && errno != EAGAIN) {
        n = counter.queue->len; /* it has gone */
    }
    if (n > 0) {
        g_byte_array_remove_range(counter.queue, 0, n);
    }
    if (counter.queue->len && !watch()) {
        g_byte_array_set_size(counter.queue, 0);
    }
}

static gboolean counted_writable(void *do_not_use, GIOCondition cond,
                                 void *opaque)
{
    qemu_mutex_lock(&counter.chr->chr_write_lock);
    g_clear_pointer(&counter.watch, g_source_unref);
    if (counter.queue->len) {
        flush();
    }
    qemu_mutex_unlock(&counter.chr->chr_write_lock);
    return G_SOURCE_REMOVE;
}

static void stop_machine(void)
{
    warn_report("jumpcut: the console's reader takes nothing; the machine "
                "is stopped (cont goes on)");
    qemu_system_vmstop_request_prepare();
    qemu_system_vmstop_request(RUN_STATE_IO_ERROR);
}

/* @return: @len: for the device all is taken */
static int counted_write(Chardev *chr, const uint8_t *buf, int len)
{
    if (chr != counter.chr) {
        return counter.stock(chr, buf, len);
    }
    g_byte_array_append(counter.queue, buf, len);
    if (!counter.watch) {
        flush();
    } else if (!counter.hold && chardev_count_full() && runstate_is_running()) {
        stop_machine();
    }
    counter.fn(counter.opaque, buf, len);
    return len;
}

/*
 * The machine stops, perhaps because QEMU ends: the rest of the output, as long
 * as the reader takes some of it.
 */
static void drain(void)
{
    gint64 give_up = g_get_monotonic_time() + STOP_PATIENCE_US;

    if (!counter.chr) {
        return;
    }
    qemu_mutex_lock(&counter.chr->chr_write_lock);
    while (counter.queue->len && g_get_monotonic_time() < give_up) {
        int n =
            counter.stock(counter.chr, counter.queue->data, counter.queue->len);

        if (n > 0) {
            g_byte_array_remove_range(counter.queue, 0, n);
            give_up = g_get_monotonic_time() + STOP_PATIENCE_US;
        } else {
            g_usleep(STOP_RETRY_US);
        }
    }
    qemu_mutex_unlock(&counter.chr->chr_write_lock);
}

static void run_state_changed(void *opaque, bool running, RunState state)
{
    /* That one is the reader's fault. */
    if (!running && state != RUN_STATE_IO_ERROR) {
        drain();
    }
}

/* QMP's chardev-change put another in its place: what waits is for neither. */
static void counted_gone(Object *obj, const char *name, void *opaque)
{
    if (counter.watch) {
        g_source_destroy(counter.watch);
        g_clear_pointer(&counter.watch, g_source_unref);
    }
    g_byte_array_set_size(counter.queue, 0);
    counter.chr = NULL;
}

bool chardev_count_full(void)
{
    return counter.chr && counter.queue->len > QUEUE_MAX;
}

bool chardev_count(const char *chardev, bool hold, ChardevCountFn *fn,
                   void *opaque, Error **errp)
{
    Chardev *chr = qemu_chr_find(chardev);
    ChardevClass *cc;

    assert(!counter.chr);
    if (!chr) {
        error_setg(errp, "console=%s: there is no -chardev of that id",
                   chardev);
        return false;
    }
    cc = CHARDEV_GET_CLASS(chr);
    counter.chr = chr;
    counter.stock = cc->chr_write;
    counter.queue = g_byte_array_new();
    qemu_add_vm_change_state_handler(run_state_changed, NULL);
    object_property_add(OBJECT(chr), PROPERTY_NAME, "bool", NULL, NULL,
                        counted_gone, NULL);
    counter.fn = fn;
    counter.hold = hold;
    counter.opaque = opaque;
    cc->chr_write = counted_write;
    return true;
}
