/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugin's entry: options to objects, nothing else.
 *
 * QEMU loads it after the accelerator is set up and before the board is built:
 * QMP commands and trace events are registered here, the guest's hypervisor
 * once the machine stands.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qapi/error.h"
#include "qemu/notify.h"
#include "qemu/qemu-plugin.h"
#include "system/qtest.h"
#include "system/system.h"
#include "system/tcg.h"
#include "accel/serial/serial.h"
#include "accel/shim/guard.h"
#include "accel/shim/guest-frames.h"
#include "accel/shim/pvh-board.h"
#include "accel/shim/qmp.h"
#include "accel/shim/qtest-commands.h"
#include "accel/shim/trace-host.h"
#include "accel/shim/xen-platform.h"
#include "accel/shim/xenstore-qemu.h"
#include "plugins/options.h"
#include "jumpcut-config.h"

/* xl has interrupts as events off for HVM guests since this minor version. */
#define MINOR_NO_PIRQS 19u
/* Of a device, so that some are left for others */
#define PIRQ_VECTORS 16u

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct {
    bool installed;
    PluginOptions options;
    Notifier machine_done;
} jumpcut;

/* The xenstore and what QEMU's back ends need: before the first of them. */
static void board_built(void *opaque)
{
    GuestOptions *options = &jumpcut.options.guest;
    Error *err = NULL;
    void *tree = xenstore_qemu_new(options->domid,
                                   options->kind->flags & GUEST_PVH, &err);

    if (!tree) {
        error_reportf_err(err, "jumpcut: ");
        exit(1);
    }
    xen_platform_enable(options->domid);
    options->backends =
        xen_backends_new(options->domid, tree, options->digest_ns != 0);
}

static void before_reset(void *opaque)
{
    xen_backends_stop(jumpcut.options.guest.backends);
}

static const XenPlatformHooks platform_hooks = {
    .board_built = board_built,
    .before_reset = before_reset,
};

/*
 * With the interrupts as events of Xen before 4.19 a guest has 32 for the
 * messages of all its devices, and Linux 6.1 does not survive asking for more
 * (it frees what it did not get).  With fewer vectors than queues it shares.
 */
static unsigned default_vectors(void)
{
    const GuestOptions *options = &jumpcut.options.guest;
    const unsigned flags = options->kind ? options->kind->flags : 0;

    return (flags & (GUEST_XEN | GUEST_PVH)) == GUEST_XEN &&
                   options->version_minor < MINOR_NO_PIRQS
               ? PIRQ_VECTORS
               : 0;
}

static void machine_done(Notifier *notifier, void *data)
{
    Error *err = NULL;
    Guest *g;

    if (!tcg_enabled() && !qtest_enabled()) {
        error_report("jumpcut: a guest needs -accel tcg (or qtest)");
        exit(1);
    }
    g = abi_guard_check_machine(&err) ? guest_new(&jumpcut.options.guest, &err)
                                      : NULL;
    if (!g) {
        error_reportf_err(err, "jumpcut: ");
        exit(1);
    }
    shim_qmp_set_guest(g);
    serial_set_gate(guest_gate(g));
    if (qtest_enabled()) {
        shim_qtest_commands_register(g);
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                           const qemu_info_t *info, int argc,
                                           char **argv)
{
    g_autoptr(GError) error = NULL;
    Error *err = NULL;

    /* QEMU tells plugins apart by their path, the dynamic linker by the file.
     */
    if (jumpcut.installed) {
        error_report("jumpcut: the plugin is loaded already: one -plugin "
                     "jumpcut.so is for all options");
        return -1;
    }
    jumpcut.installed = true;
    if (!abi_guard_check(&err)) {
        error_reportf_err(err, "jumpcut: ");
        return -1;
    }
    if (!plugin_options_parse(&jumpcut.options, argc, argv, &error)) {
        error_report("jumpcut: %s", error->message);
        return -1;
    }
    if (jumpcut.options.help) {
        g_autofree char *help = plugin_options_help();

        fputs(help, stdout);
        exit(0);
    }
    if (jumpcut.options.guest.kind &&
        jumpcut.options.guest.kind->flags & GUEST_PVH &&
        !pvh_board_prepare(jumpcut.options.guest.madt_all, &err)) {
        error_reportf_err(err, "jumpcut: ");
        return -1;
    }
    trace_host_register();
    shim_qmp_register(JUMPCUT_VERSION, abi_guard_build_id());
    serial_register(default_vectors());
    if (jumpcut.options.guest.kind) {
        guest_frames_install();
        jumpcut.machine_done.notify = machine_done;
        qemu_add_machine_init_done_notifier(&jumpcut.machine_done);
        if (jumpcut.options.guest.kind->flags & GUEST_XEN) {
            xen_platform_hook(&platform_hooks, NULL);
        }
    }
    return 0;
}
