/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's lines in Xen's log: port 0xe9 of a HVM or PVH guest (xen:
 * arch/x86/hvm/hvm.c, hvm_print_line).
 *
 * A line that is not complete is no part of the machine's state: over a
 * migration its beginning is lost.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "chardev/char-fe.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "hw/boards.h"

#include "accel/shim/xen-log.h"

#define XEN_LOG_PORT 0xe9
/* xen: DOMAIN_PBUF_SIZE, its NUL included */
#define XEN_LOG_LINE 200
/* Above QEMU's own device on the port (isa-debugcon). */
#define XEN_LOG_PRIORITY 1

typedef struct XenLog {
    MemoryRegion io;
    CharBackend chr;
    uint16_t domid;
    char line[XEN_LOG_LINE];
    unsigned len;
} XenLog;

/* The machine has one port. */
static XenLog *the_log;

static void log_line(XenLog *log)
{
    g_autofree char *text =
        g_strdup_printf("(d%u) %.*s\n", log->domid, log->len, log->line);

    log->len = 0;
    qemu_chr_fe_write(&log->chr, (const uint8_t *)text, strlen(text));
}

static void log_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    XenLog *log = opaque;
    uint8_t c = value;

    if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f) {
        return;
    }
    if (c != '\n') {
        log->line[log->len++] = c;
    }
    if (c == '\n' || log->len == XEN_LOG_LINE - 1) {
        log_line(log);
    }
}

/* Xen leaves reads to others, and there are none. */
static uint64_t log_read(void *opaque, hwaddr addr, unsigned size)
{
    return UINT8_MAX;
}

static const MemoryRegionOps log_ops = {
    .read = log_read,
    .write = log_write,
    .valid = {.min_access_size = 1, .max_access_size = 1},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

bool xen_log_new(const char *chardev, uint16_t domid, Error **errp)
{
    Chardev *chr = qemu_chr_find(chardev);
    XenLog *log;

    if (!chr) {
        error_setg(errp, "xen-log=%s: there is no -chardev of that id",
                   chardev);
        return false;
    }
    log = g_new0(XenLog, 1);
    log->domid = domid;
    if (!qemu_chr_fe_init(&log->chr, chr, errp)) {
        g_free(log);
        return false;
    }
    qemu_chr_fe_set_open(&log->chr, true);
    memory_region_init_io(&log->io, OBJECT(current_machine), &log_ops, log,
                          "jumpcut-xen-log", 1);
    memory_region_add_subregion_overlap(get_system_io(), XEN_LOG_PORT, &log->io,
                                        XEN_LOG_PRIORITY);
    the_log = log;
    return true;
}

void xen_log_set_domid(uint16_t domid)
{
    if (the_log) {
        the_log->domid = domid;
    }
}
