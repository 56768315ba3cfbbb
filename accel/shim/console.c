/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's console on a QEMU character device.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "chardev/char-fe.h"
#include "accel/shim/console.h"

/* Input that waits for the guest to make room, bytes. */
#define CONSOLE_FIFO 4096

struct ShimConsole {
    CharBackend chr;
    bool connected;
    ShimConsoleInputFn *input;
    void *opaque;
    uint64_t bytes;
    uint8_t fifo[CONSOLE_FIFO];
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

    return CONSOLE_FIFO - c->fifo_len;
}

static void console_read(void *opaque, const uint8_t *buf, int size)
{
    ShimConsole *c = opaque;

    memcpy(c->fifo + c->fifo_len, buf, size);
    c->fifo_len += size;
    console_push(c);
}

ShimConsole *shim_console_new(const char *chardev, ShimConsoleInputFn *input,
                              void *opaque, Error **errp)
{
    ShimConsole *c = g_new0(ShimConsole, 1);

    c->input = input;
    c->opaque = opaque;
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
        qemu_chr_fe_set_handlers(&c->chr, console_can_read, console_read, NULL,
                                 NULL, c, NULL, true);
    }
    return c;
}

void shim_console_write(ShimConsole *c, const uint8_t *buf, size_t len)
{
    c->bytes += len;
    if (c->connected) {
        qemu_chr_fe_write_all(&c->chr, buf, len);
    }
}

void shim_console_accept(ShimConsole *c)
{
    console_push(c);
    if (c->connected) {
        qemu_chr_fe_accept_input(&c->chr);
    }
}

uint64_t shim_console_bytes(const ShimConsole *c)
{
    return c->bytes;
}

void shim_console_set_bytes(ShimConsole *c, uint64_t bytes)
{
    c->bytes = bytes;
}
