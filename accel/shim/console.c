/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's console on a QEMU character device.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/notify.h"
#include "chardev/char-fe.h"
#include "system/runstate-action.h"
#include "system/runstate.h"
#include "system/system.h"
#include "accel/shim/console.h"

/* At QEMU's exit, for a reader that takes nothing. */
#define EXIT_PATIENCE_US 10000000
#define EXIT_RETRY_US    1000

struct ShimConsole {
    CharBackend chr;
    bool connected;
    Gate *gate;     /* NULL: none */
    GateSink *sink; /* of the gate */
    ShimConsoleInputFn *input;
    void *opaque;
    uint64_t bytes;
    GByteArray *queue; /* output the reader has not taken */
    guint watch;
    Notifier shutdown;
    uint8_t fifo[SHIM_CONSOLE_FIFO];
    size_t fifo_len;
};

static void console_push(ShimConsole *c)
{
    size_t taken = c->input(c->opaque, c->fifo, c->fifo_len);

    memmove(c->fifo, c->fifo + taken, c->fifo_len - taken);
    c->fifo_len -= taken;
}

static int console_can_read(void *opaque)
{
    ShimConsole *c = opaque;

    /* What comes while a migration completes would be neither here nor there.
     */
    if (!runstate_is_live(runstate_get())) {
        return 0;
    }
    return c->sink ? gate_sink_room(c->sink) : SHIM_CONSOLE_FIFO - c->fifo_len;
}

static void console_take(ShimConsole *c, const uint8_t *buf, size_t size)
{
    memcpy(c->fifo + c->fifo_len, buf, size);
    c->fifo_len += size;
    console_push(c);
}

static void console_read(void *opaque, const uint8_t *buf, int size)
{
    ShimConsole *c = opaque;

    if (c->sink) {
        gate_sink_put(c->sink, buf, size);
        return;
    }
    console_take(c, buf, size);
}

/* Input at a tick of the gate */

static size_t sink_room(void *opaque)
{
    const ShimConsole *c = opaque;

    return SHIM_CONSOLE_FIFO - c->fifo_len;
}

static void sink_deliver(void *opaque, const uint8_t *buf, size_t len)
{
    console_take(opaque, buf, len);
}

static void sink_more(void *opaque)
{
    shim_console_resume(opaque);
}

static const GateSinkOps sink_ops = {
    .room = sink_room,
    .deliver = sink_deliver,
    .more = sink_more,
};

/* Output */

static void console_dequeue(ShimConsole *c, int n)
{
    if (n > 0) {
        g_byte_array_remove_range(c->queue, 0, n);
    }
}

static gboolean console_writable(void *do_not_use, GIOCondition cond,
                                 void *opaque);

/*
 * What nobody is there to read is kept, but not more than a reader that takes
 * nothing may leave: then the middle goes (xen: tools/console/daemon/io.c,
 * buffer_append).
 */
static void console_bound(ShimConsole *c)
{
    guint len = c->queue->len;

    if (len > SHIM_CONSOLE_QUEUE_MAX) {
        guint over = MIN(len - SHIM_CONSOLE_QUEUE_MAX, SHIM_CONSOLE_QUEUE_MAX);

        g_byte_array_remove_range(c->queue, SHIM_CONSOLE_QUEUE_MAX - over,
                                  over);
    }
}

/* Write what the reader takes now, and come back for the rest. */
static void console_flush(ShimConsole *c)
{
    if (c->watch || !c->queue->len || !qemu_chr_fe_backend_open(&c->chr)) {
        return;
    }
    console_dequeue(c,
                    qemu_chr_fe_write(&c->chr, c->queue->data, c->queue->len));
    if (!c->queue->len) {
        return;
    }
    c->watch = qemu_chr_fe_add_watch(&c->chr, G_IO_OUT | G_IO_HUP,
                                     console_writable, c);
    if (!c->watch) {
        /* A device that cannot be waited for takes all, or is gone. */
        qemu_chr_fe_write_all(&c->chr, c->queue->data, c->queue->len);
        g_byte_array_set_size(c->queue, 0);
    }
}

static gboolean console_writable(void *do_not_use, GIOCondition cond,
                                 void *opaque)
{
    ShimConsole *c = opaque;

    c->watch = 0;
    console_flush(c);
    return G_SOURCE_REMOVE;
}

static void console_event(void *opaque, QEMUChrEvent event)
{
    if (event == CHR_EVENT_OPENED) {
        console_flush(opaque);
    }
}

/* The rest of the output, as long as the reader takes some of it. */
static void console_drain(ShimConsole *c)
{
    gint64 give_up = g_get_monotonic_time() + EXIT_PATIENCE_US;

    while (c->queue->len && qemu_chr_fe_backend_open(&c->chr) &&
           g_get_monotonic_time() < give_up) {
        int n = qemu_chr_fe_write(&c->chr, c->queue->data, c->queue->len);

        if (n > 0) {
            console_dequeue(c, n);
            give_up = g_get_monotonic_time() + EXIT_PATIENCE_US;
        } else {
            g_usleep(EXIT_RETRY_US);
        }
    }
    if (c->queue->len) {
        warn_report("jumpcut: nobody took the last %u bytes of the console",
                    c->queue->len);
    }
}

/* The character device is gone when QEMU runs its exit notifiers. */
static void console_shutdown(Notifier *notifier, void *data)
{
    ShimConsole *c = container_of(notifier, ShimConsole, shutdown);

    if (!runstate_is_running()) {
        console_drain(c);
    }
}

static void console_stopped(void *opaque, bool running, RunState state)
{
    /* One that only pauses has time to take it. */
    if (!running && state == RUN_STATE_SHUTDOWN &&
        shutdown_action == SHUTDOWN_ACTION_POWEROFF) {
        console_drain(opaque);
    }
}

ShimConsole *shim_console_new(const char *chardev, Gate *gate,
                              ShimConsoleInputFn *input, void *opaque,
                              Error **errp)
{
    ShimConsole *c = g_new0(ShimConsole, 1);

    c->input = input;
    c->opaque = opaque;
    c->gate = gate;
    c->sink = gate_sink_new(gate, "console", &sink_ops, c);
    if (chardev) {
        Chardev *chr = qemu_chr_find(chardev);

        if (!chr) {
            error_setg(errp, "console=%s: there is no -chardev of that id",
                       chardev);
            g_free(c);
            return NULL;
        }
        if (!qemu_chr_fe_init(&c->chr, chr, errp)) {
            g_free(c);
            return NULL;
        }
        c->connected = true;
        c->queue = g_byte_array_new();
        c->shutdown.notify = console_shutdown;
        qemu_register_shutdown_notifier(&c->shutdown);
        qemu_add_vm_change_state_handler(console_stopped, c);
        qemu_chr_fe_set_handlers(&c->chr, console_can_read, console_read,
                                 console_event, NULL, c, NULL, true);
    }
    return c;
}

void shim_console_write(ShimConsole *c, const uint8_t *buf, size_t len)
{
    c->bytes += len;
    if (!c->connected) {
        return;
    }
    g_byte_array_append(c->queue, buf, len);
    console_flush(c);
    if (!qemu_chr_fe_backend_open(&c->chr)) {
        console_bound(c);
    } else if (!c->gate && c->queue->len > SHIM_CONSOLE_QUEUE_MAX &&
               runstate_is_running()) {
        warn_report("jumpcut: the console's reader takes nothing; the machine "
                    "is stopped (cont goes on)");
        qemu_system_vmstop_request_prepare();
        qemu_system_vmstop_request(RUN_STATE_IO_ERROR);
    }
}

bool shim_console_type(ShimConsole *c, const uint8_t *buf, size_t len)
{
    if (len > sink_room(c)) {
        return false;
    }
    console_take(c, buf, len);
    return true;
}

void shim_console_accept(ShimConsole *c)
{
    console_push(c);
    shim_console_resume(c);
}

void shim_console_resume(ShimConsole *c)
{
    if (c->connected) {
        qemu_chr_fe_accept_input(&c->chr);
    }
}

bool shim_console_full(const ShimConsole *c)
{
    return c->connected && c->queue->len > SHIM_CONSOLE_QUEUE_MAX &&
           qemu_chr_fe_backend_open((CharBackend *)&c->chr);
}

uint64_t shim_console_bytes(const ShimConsole *c)
{
    return c->bytes;
}

void shim_console_set_bytes(ShimConsole *c, uint64_t bytes)
{
    c->bytes = bytes;
}

const uint8_t *shim_console_input(const ShimConsole *c, size_t *len)
{
    *len = c->fifo_len;
    return c->fifo;
}

void shim_console_set_input(ShimConsole *c, const uint8_t *buf, size_t len)
{
    if (len) {
        memcpy(c->fifo, buf, len);
    }
    c->fifo_len = len;
}
