/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What would make a recorded run depend on its host, refused by name before the
 * guest starts, with what to use instead; and QMP commands that would change it
 * past the gate.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qmp-registry.h"
#include "qemu/config-file.h"
#include "qemu/lockable.h"
#include "qemu/option.h"
#include "qemu/timer.h"
#include "cpu.h"
#include "hw/qdev-core.h"
#include "monitor/monitor-internal.h"
#include "system/system.h"
#include "system/tcg.h"
#include "accel/shim/gate-internal.h"

/* Options */

static const char *option_value(const char *group, const char *key)
{
    QemuOptsList *list = qemu_find_opts(group);
    QemuOpts *opts = list ? qemu_opts_find(list, NULL) : NULL;

    return opts ? qemu_opt_get(opts, key) : NULL;
}

/* QEMU keeps no note of it. */
static bool have_seed(void)
{
    g_autofree char *all = NULL;
    gsize len = 0;

    g_file_get_contents("/proc/self/cmdline", &all, &len, NULL);
    for (gsize at = 0; at < len; at += strlen(all + at) + 1) {
        if (!strcmp(all + at, "-seed") || !strcmp(all + at, "--seed")) {
            return true;
        }
    }
    return false;
}

static bool check_options(const char *option, Error **errp)
{
    const char *sleep = option_value("icount", "sleep");
    const char *shift = option_value("icount", "shift");
    const char *base = option_value("rtc", "base");

    if (!sleep || (strcmp(sleep, "off") && strcmp(sleep, "no"))) {
        error_setg(errp,
                   "%s=: with -icount sleep=on an idle guest's time is the "
                   "host's: use -icount shift=3,sleep=off",
                   option);
    } else if (!shift || !strcmp(shift, "auto")) {
        error_setg(errp,
                   "%s=: -icount shift=auto follows the host's speed: use "
                   "-icount shift=3,sleep=off",
                   option);
    } else if (rtc_clock != QEMU_CLOCK_VIRTUAL) {
        error_setg(errp,
                   "%s=: the RTC follows the host's clock: use -rtc "
                   "base=2020-01-01T00:00:00,clock=vm",
                   option);
    } else if (!base || !strcmp(base, "utc") || !strcmp(base, "localtime")) {
        error_setg(errp,
                   "%s=: the RTC starts with the host's time: use -rtc "
                   "base=2020-01-01T00:00:00,clock=vm",
                   option);
    } else if (!have_seed()) {
        error_setg(errp,
                   "%s=: the guest's random numbers are the host's: use "
                   "-seed 1",
                   option);
    } else {
        return true;
    }
    return false;
}

/* Devices that do what they do when the guest asks, or in virtual time */
static const char *const devices[] = {
    "ICH9-LPC",
    "ICH9-SMB",
    "PIIX3",
    "PIIX4_PM",
    "acpi-ged",
    "apic",
    "cluster",
    "cpu-core",
    "fw_cfg_io",
    "fw_cfg_mem",
    "hpet",
    "i440FX",
    "i440FX-pcihost",
    "i8042",
    "i8257",
    "ich9-ahci",
    "ioapic",
    "irq",
    "isa-debug-exit",
    "isa-debugcon",
    "isa-fdc",
    "isa-i8259",
    "isa-pcspk",
    "isa-pit",
    "isa-serial",
    "isabus-bridge",
    "kvmvapic",
    "mc146818rtc",
    "mch",
    "or-irq",
    "pci-bridge",
    "pcie-root-port",
    "piix3-ide",
    "port92",
    "ps2-kbd",
    "ps2-mouse",
    "pvpanic",
    "pvpanic-pci",
    "q35-pcihost",
    "serial",
    "smbus-eeprom",
    "split-irq",
    "virtconsole-mq",
    "virtio-mmio",
    "virtio-serial-mq-device",
    "virtio-serial-mq-pci",
    "virtio-serial-mq-pci-non-transitional",
    "virtio-serial-mq-pci-transitional",
    "virtserialport-mq",
    "vmgenid",
    "vmmouse",
    "vmport",
    "xen-bridge",
    "xen-platform",
    "xen-sysdev",
};

/* What to use instead; the first that the type's name has in it */
static const struct {
    const char *part, *instead;
} advice[] = {
    {"rng", "-cpu ...,+rdrand gives the guest numbers that are recorded"},
    {"blk", "what the guest needs goes into its initrd"},
    {"disk", "what the guest needs goes into its initrd"},
    {"scsi", "what the guest needs goes into its initrd"},
    {"nvme", "what the guest needs goes into its initrd"},
    {"cd", "what the guest needs goes into its initrd"},
    {"hd", "what the guest needs goes into its initrd"},
    {"virtconsole", "virtconsole-mq is recorded"},
    {"virtserialport", "virtserialport-mq is recorded"},
    {"virtio-serial", "virtio-serial-mq-pci is recorded"},
    {"console", "hvc0 (console=) and serial ports are recorded"},
    {"serial", "hvc0 (console=) and serial ports are recorded"},
    {"VGA", "use -display none and -nodefaults"},
    {"vga", "use -display none and -nodefaults"},
};

static const char *instead_of(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(advice); i++) {
        if (strstr(type, advice[i].part)) {
            return advice[i].instead;
        }
    }
    return "leave it out";
}

static bool is_recorded(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        if (!strcmp(devices[i], type)) {
            return true;
        }
    }
    return false;
}

bool gate_device_check(const char *type, Error **errp)
{
    ObjectClass *oc = object_class_by_name(type);

    if (is_recorded(type) || (oc && object_class_dynamic_cast(oc, TYPE_CPU))) {
        return true;
    }
    error_setg(errp,
               "device %s answers when the host pleases, which is not "
               "recorded: %s",
               type, instead_of(type));
    return false;
}

static int check_device(Object *obj, void *opaque)
{
    Error **errp = opaque;

    return object_dynamic_cast(obj, TYPE_DEVICE) &&
           !gate_device_check(object_get_typename(obj), errp);
}

/* Monitors */

static bool check_monitors(const char *option, Error **errp)
{
    Monitor *mon;

    QEMU_LOCK_GUARD(&monitor_lock);
    QTAILQ_FOREACH(mon, &mon_list, entry)
    {
        if (!monitor_is_qmp(mon)) {
            error_setg(errp,
                       "%s=: what is typed into QEMU's monitor is not "
                       "recorded: use QMP (-mon mode=control)",
                       option);
            return false;
        }
    }
    return true;
}

/* Commands that only look, or only concern QEMU: a name or a beginning */
static const char *const harmless[] = {
    "query-*",
    "x-query-*",
    "qom-get",
    "qom-list*",
    "jumpcut-*",
    "qmp_capabilities",
    "quit",
    "device-list-properties",
    "trace-event-*",
    "memsave",
    "pmemsave",
    "getfd",
    "closefd",
    "add-fd",
    "remove-fd",
    "migrate*",
    "object-add",
    "object-del",
    "chardev-add",
    "chardev-remove",
    "ringbuf-read",
    "human-monitor-command",
    "x-exit-preconfig",
};

static bool is_harmless(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
        if (g_pattern_match_simple(harmless[i], name)) {
            return true;
        }
    }
    return false;
}

static void refuse_command(const QmpCommand *c, void *opaque)
{
    if (!is_harmless(c->name) && !gate_command_by_name(c->name)) {
        qmp_disable_command(&qmp_commands, c->name,
                            "a recorded run would change past its trace");
    }
}

bool gate_refuse(Gate *gate, Error **errp)
{
    const char *option = gate->options.replay ? "replay" : "record";

    if (!gate->options.record && !gate->options.replay) {
        return true;
    }
    if (tcg_enabled() && !check_options(option, errp)) {
        return false;
    }
    if (object_child_foreach_recursive(object_get_root(), check_device, errp)) {
        return false;
    }
    if (!check_monitors(option, errp)) {
        return false;
    }
    qmp_for_each_command(&qmp_commands, refuse_command, NULL);
    return true;
}
