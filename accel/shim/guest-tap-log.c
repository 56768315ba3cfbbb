/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device-level records as text, on a QEMU character device. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/notify.h"
#include "chardev/char-fe.h"
#include "system/system.h"
#include "accel/shim/guest-internal.h"

typedef struct TapLog {
    CharBackend chr;
    Guest *guest;
    Notifier exit;
} TapLog;

static void log_lines(void *opaque, int64_t at_ns, const char *lines,
                      size_t len)
{
    TapLog *log = opaque;

    qemu_chr_fe_write_all(&log->chr, (const uint8_t *)lines, len);
}

static void log_exit(Notifier *notifier, void *data)
{
    TapLog *log = container_of(notifier, TapLog, exit);

    guest_tap_flush(log->guest);
}

bool guest_tap_log_new(Guest *g, Error **errp)
{
    const char *id = g->options.device_log;
    Chardev *chr = qemu_chr_find(id);
    TapLog *log;

    if (!chr) {
        error_setg(errp, "device-log=%s: there is no -chardev of that id", id);
        return false;
    }
    log = g_new0(TapLog, 1);
    log->guest = g;
    if (!qemu_chr_fe_init(&log->chr, chr, errp)) {
        g_free(log);
        return false;
    }
    qemu_chr_fe_set_open(&log->chr, true);
    log->exit.notify = log_exit;
    qemu_add_exit_notifier(&log->exit);
    guest_tap_set_sink(g, log_lines, log);
    return true;
}
