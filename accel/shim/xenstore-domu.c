/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xl puts into the xenstore for a guest that just started (xen:
 * tools/libs/light/libxl_create.c, libxl__domain_make; libxl_dom.c,
 * libxl__build_post; libxl_console.c, libxl__device_console_add), as far as
 * it can be read by the guest or is looked for by it.
 *
 * DEVIATION: there is no video RAM in memory/videoram.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/boards.h"
#include "qemu/cutils.h"
#include "qemu/units.h"
#include "qemu/uuid.h"
#include "system/rtc.h"
#include "system/system.h"

#include "accel/shim/xenstore-qemu-internal.h"
#include "hw/xen/domain.h"

typedef struct Builder {
    Store *store;
    const char *base; /* relative paths are below it */
    GList *closed;    /* n0: domain 0's alone */
    GList *readable;  /* n0 rN: domain 0's, the guest may read */
    GList *guest;     /* nN: the guest's */
    Error **errp;
    bool failed;
} Builder;

static void G_GNUC_PRINTF(4, 5)
    put(Builder *b, const char *path, GList *perms, const char *fmt, ...)
{
    g_autofree char *full = g_strjoin("/", b->base, path, NULL);
    g_autofree char *value = NULL;
    va_list args;
    int ret;

    if (b->failed) {
        return;
    }
    va_start(args, fmt);
    value = g_strdup_vprintf(fmt, args);
    va_end(args);
    ret = store_put(b->store, NULL, full, value, strlen(value), perms);
    if (ret) {
        error_setg_errno(b->errp, ret, "xenstore: %s", full);
        b->failed = true;
    }
}

static void put_domain(Builder *b, const MachineState *machine,
                       const char *name)
{
    g_autofree char *uuid = qemu_uuid_unparse_strdup(&qemu_uuid);
    uint64_t kib = machine->ram_size / KiB;

    put(b, "vm", b->readable, "/vm/%s", uuid);
    put(b, "name", b->readable, "%s", name);
    put(b, "domid", b->readable, "%u", b->store->domid);
    put(b, "cpu", b->readable, "%s", "");
    for (unsigned i = 0; i < machine->smp.max_cpus; i++) {
        g_autofree char *path = g_strdup_printf("cpu/%u/availability", i);

        put(b, path, NULL, "%s", i < machine->smp.cpus ? "online" : "offline");
    }
    put(b, "memory", b->readable, "%s", "");
    put(b, "memory/static-max", NULL, "%" PRIu64, kib);
    put(b, "memory/target", NULL, "%" PRIu64, kib);
    put(b, "memory/videoram", NULL, "%u", 0);
    put(b, "store", b->readable, "%s", "");
    put(b, "store/port", NULL, "%u", XEN_STORE_PORT);
    put(b, "store/ring-ref", NULL, "%u", XEN_STORE_GFN);
    put(b, "platform", b->readable, "%s", "");
}

/* What hvmloader and the device model are told. */
static void put_firmware(Builder *b)
{
    put(b, "platform/acpi", NULL, "%u", 1);
    put(b, "platform/acpi_s3", NULL, "%u", 1);
    put(b, "platform/acpi_s4", NULL, "%u", 1);
    put(b, "platform/acpi_laptop_slate", NULL, "%u", 0);
    put(b, "platform/device-model", NULL, "%s", "qemu_xen");
    put(b, "control/feature-s3", b->guest, "%s", "");
    put(b, "control/feature-s4", b->guest, "%s", "");
    put(b, "hvmloader", b->readable, "%s", "");
    put(b, "hvmloader/generation-id-address", b->guest, "%s", "");
    put(b, "hvmloader/bios", NULL, "%s", "seabios");
    put(b, "hvmloader/allow-memory-relocate", NULL, "%u", 0);
}

static void put_guest_nodes(Builder *b)
{
    static const char *const readable[] = {
        "control",
        "device",
        "device/suspend",
    };
    static const char *const guest[] = {
        "attr",
        "control/feature-poweroff",
        "control/feature-reboot",
        "control/feature-suspend",
        "control/shutdown",
        "control/sysrq",
        "data",
        "device/suspend/event-channel",
        "drivers",
        "error",
        "feature",
    };

    for (size_t i = 0; i < ARRAY_SIZE(readable); i++) {
        put(b, readable[i], b->readable, "%s", "");
    }
    for (size_t i = 0; i < ARRAY_SIZE(guest); i++) {
        put(b, guest[i], b->guest, "%s", "");
    }
    put(b, "control/platform-feature-multiprocessor-suspend", NULL, "%u", 1);
    put(b, "control/platform-feature-xs_reset_watches", NULL, "%u", 1);
}

static void put_console(Builder *b)
{
    unsigned domid = b->store->domid;
    g_autofree char *back =
        g_strdup_printf("/local/domain/0/backend/console/%u/0", domid);
    g_autofree char *front = g_strdup_printf("%s/console", b->base);

    put(b, "console", b->readable, "%s", "");
    put(b, "console/backend", NULL, "%s", back);
    put(b, "console/backend-id", NULL, "%u", 0);
    put(b, "console/limit", NULL, "%u", 1048576);
    put(b, "console/type", NULL, "%s", "xenconsoled");
    put(b, "console/output", NULL, "%s", "pty");
    put(b, "console/tty", NULL, "%s", "");
    put(b, "console/port", NULL, "%u", XEN_CONSOLE_PORT);
    put(b, "console/ring-ref", NULL, "%u", XEN_CONSOLE_GFN);
    b->base = "";
    put(b, back + 1, b->readable, "%s", "");
    b->base = back;
    put(b, "frontend", b->readable, "%s", front);
    put(b, "frontend-id", b->readable, "%u", domid);
    put(b, "online", b->readable, "%u", 1);
    put(b, "state", b->readable, "%u", 1);
    put(b, "protocol", b->readable, "%s", "vt100");
}

static void put_vm(Builder *b, const char *name)
{
    g_autofree char *uuid = qemu_uuid_unparse_strdup(&qemu_uuid);
    g_autofree char *vm = g_strdup_printf("/vm/%s", uuid);
    g_autofree char *libxl = g_strdup_printf("/libxl/%u", b->store->domid);
    struct tm now;

    b->base = "/vm";
    put(b, uuid, b->readable, "%s", "");
    b->base = vm;
    put(b, "name", b->readable, "%s", name);
    put(b, "uuid", b->readable, "%s", uuid);
    /* The machine's RTC, and so the same in each run if that is fixed. */
    qemu_get_timedate(&now, 0);
    put(b, "start_time", b->readable, "%" PRId64 ".00",
        (int64_t)mktimegm(&now));
    if (!b->store->pvh) {
        put(b, "rtc/timeoffset", b->readable, "%s", "");
        put(b, "image/ostype", b->readable, "%s", "hvm");
    }
    b->base = libxl;
    put(b, "type", b->closed, "%s", b->store->pvh ? "pvh" : "hvm");
    if (!b->store->pvh) {
        put(b, "dm-version", b->closed, "%s", "qemu_xen");
    }
}

static GList *perms_new(const char *first, const char *second)
{
    GList *perms = g_list_append(NULL, g_strdup(first));

    return second ? g_list_append(perms, g_strdup(second)) : perms;
}

bool store_populate(Store *s, Error **errp)
{
    g_autofree char *home = g_strdup_printf("/local/domain/%u", s->domid);
    g_autofree char *read = g_strdup_printf("r%u", s->domid);
    g_autofree char *own = g_strdup_printf("n%u", s->domid);
    const char *name = qemu_get_vm_name();
    Builder b = {
        .store = s,
        .closed = perms_new("n0", NULL),
        .readable = perms_new("n0", read),
        .guest = perms_new(own, NULL),
        .errp = errp,
    };

    name = name ? name : "guest";
    b.base = "";
    put(&b, "tool/xenstored", NULL, "%s", "");
    put(&b, "local/domain/0/domid", NULL, "%u", 0);
    put(&b, "local/domain/0/name", NULL, "%s", "Domain-0");
    put_vm(&b, name);
    b.base = "/local/domain";
    put(&b, home + strlen("/local/domain/"), b.readable, "%s", "");
    b.base = home;
    put_domain(&b, current_machine, name);
    put_guest_nodes(&b);
    if (!s->pvh) {
        put_firmware(&b);
    }
    put_console(&b);
    g_list_free_full(b.closed, g_free);
    g_list_free_full(b.readable, g_free);
    g_list_free_full(b.guest, g_free);
    return !b.failed;
}

/* What is saved with a domain */

struct XenstoreQemuKept {
    GPtrArray *paths;  /* below the domain's home */
    GPtrArray *values; /* of GByteArray, or NULL */
};

static char *home_path(const Store *s, const char *path)
{
    return g_strdup_printf("/local/domain/%u/%s", s->domid, path);
}

static void keep(Store *s, XenstoreQemuKept *kept, char *path)
{
    g_autofree char *full = home_path(s, path);
    GByteArray *value = g_byte_array_new();

    if (xs_impl_read(s->impl, 0, XBT_NULL, full, value)) {
        g_clear_pointer(&value, g_byte_array_unref); /* removed since */
    }
    g_ptr_array_add(kept->paths, path);
    g_ptr_array_add(kept->values, value);
}

XenstoreQemuKept *xenstore_qemu_keep(void *tree)
{
    XenstoreQemuKept *kept = g_new0(XenstoreQemuKept, 1);

    kept->paths = g_ptr_array_new_with_free_func(g_free);
    kept->values = g_ptr_array_new();
    keep(tree, kept, g_strdup("memory/target"));
    keep(tree, kept, g_strdup("memory/static-max"));
    for (unsigned i = 0; i < current_machine->smp.max_cpus; i++) {
        keep(tree, kept, g_strdup_printf("cpu/%u/availability", i));
    }
    return kept;
}

void xenstore_qemu_put_kept(void *tree, XenstoreQemuKept *kept)
{
    Store *s = tree;

    for (guint i = 0; i < kept->paths->len; i++) {
        GByteArray *value = kept->values->pdata[i];
        g_autofree char *full = home_path(s, kept->paths->pdata[i]);

        if (value) {
            store_put(s, NULL, full, value->data, value->len, NULL);
            g_byte_array_unref(value);
        }
    }
    g_ptr_array_unref(kept->paths);
    g_ptr_array_unref(kept->values);
    g_free(kept);
}
