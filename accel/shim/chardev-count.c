/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Count what is written to a character device, by wrapping its class. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "chardev/char.h"
#include "accel/shim/chardev-count.h"

/* A class's method carries no pointer of ours. */
static struct {
    Chardev *chr;
    int (*stock)(Chardev *chr, const uint8_t *buf, int len);
    ChardevCountFn *fn;
    void *opaque;
} counter;

static int counted_write(Chardev *chr, const uint8_t *buf, int len)
{
    int taken = counter.stock(chr, buf, len);

    if (chr == counter.chr && taken > 0) {
        counter.fn(counter.opaque, taken);
    }
    return taken;
}

bool chardev_count(const char *chardev, ChardevCountFn *fn, void *opaque,
                   Error **errp)
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
    counter.fn = fn;
    counter.opaque = opaque;
    cc->chr_write = counted_write;
    return true;
}
