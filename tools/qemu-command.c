/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QEMU command line of a run: everything that decides what the guest does
 * is said, nothing is left to QEMU's defaults or configuration files.
 */
#include <stdbool.h>
#include <string.h>

#include "tools/qemu-command.h"

/* The HPET would have every tick of the PIT delivered twice. */
#define MACHINE_HVM "pc,hpet=off"
#define MACHINE_PVH "microvm"
#define CPU         "qemu64,+rdrand"
/* Virtual ns per instruction, as a power of two: boots fastest, measured. */
#define ICOUNT "shift=3,sleep=off"
/* An idle guest's time goes on as the host's: a device has time to answer. */
#define ICOUNT_ASYNC "shift=3,sleep=on"
/* For the machine's RTC, and with it Xen's wall clock. */
#define RTC_BASE   "2020-01-01T00:00:00"
#define SEED       "1"
#define CONSOLE_ID "jumpcut-console"
#define QMP_ID     "jumpcut-qmp"

static void add(GStrvBuilder *argv, const char *option, const char *value)
{
    g_strv_builder_add(argv, option);
    if (value) {
        g_strv_builder_add(argv, value);
    }
}

static void add_format(GStrvBuilder *argv, const char *option,
                       const char *format, ...) G_GNUC_PRINTF(3, 4);

static void add_format(GStrvBuilder *argv, const char *option,
                       const char *format, ...)
{
    g_autofree char *value = NULL;
    va_list ap;

    va_start(ap, format);
    value = g_strdup_vprintf(format, ap);
    va_end(ap);
    add(argv, option, value);
}

/* ",key=value" with QEMU's doubled commas; nothing if @value is NULL. */
static void append_key(GString *out, const char *key, const char *value)
{
    if (!value) {
        return;
    }
    g_string_append_printf(out, ",%s=", key);
    for (; *value; value++) {
        if (*value == ',') {
            g_string_append_c(out, ',');
        }
        g_string_append_c(out, *value);
    }
}

static bool is_pvh(const BootOptions *o)
{
    return !strcmp(o->guest, "xen-pvh");
}

static void add_plugin(GStrvBuilder *argv, const BootOptions *o,
                       gboolean incoming)
{
    g_autoptr(GString) value = g_string_new(NULL);

    append_key(value, "file", o->plugin);
    g_string_erase(value, 0, 1);
    append_key(value, "guest", o->guest);
    /* Linux brings up no vCPU that the MADT has disabled. */
    append_key(value, "madt", is_pvh(o) && o->max_smp > o->smp ? "all" : NULL);
    append_key(value, "console", CONSOLE_ID);
    append_key(value, "xen-version", o->xen_version);
    append_key(value, "tsc-mode", o->tsc_mode);
    append_key(value, "invtsc", o->invtsc);
    append_key(value, "tsc-khz", o->tsc_khz);
    append_key(value, "uptime", o->host_uptime);
    for (size_t i = 0; o->cuts[i]; i++) {
        append_key(value, "cut", o->cuts[i]);
    }
    for (size_t i = 0; o->faults[i]; i++) {
        append_key(value, "fault", o->faults[i]);
    }
    append_key(value, "steal", o->steal);
    append_key(value, "digest", o->digest);
    append_key(value, "record", o->record);
    append_key(value, "replay", o->replay);
    append_key(value, "level", o->level);
    append_key(value, "pace", o->pace);
    append_key(value, "checkpoint", o->checkpoint);
    append_key(value, "gate", o->gate);
    /* One that comes by migration brings its state along. */
    append_key(value, "from", incoming ? NULL : o->from);
    append_key(value, "handover", o->handover);
    add(argv, "-plugin", value->str);
}

static void add_machine(GStrvBuilder *argv, const BootOptions *o)
{
    add(argv, "-nodefaults", NULL);
    add(argv, "-no-user-config", NULL);
    add(argv, "-display", "none");
    add(argv, "-machine", is_pvh(o) ? MACHINE_PVH : MACHINE_HVM);
    if (o->icount) {
        add(argv, "-accel", "tcg");
        add(argv, "-icount",
            boot_options_asynchronous(o) ? ICOUNT_ASYNC : ICOUNT);
    } else {
        add(argv, "-accel", "tcg,thread=multi");
    }
    add(argv, "-rtc", "base=" RTC_BASE ",clock=vm");
    add(argv, "-seed", SEED);
    add(argv, "-cpu", CPU);
    if (o->max_smp > o->smp) {
        add_format(argv, "-smp", "%u,maxcpus=%u", o->smp, o->max_smp);
    } else {
        add_format(argv, "-smp", "%u", o->smp);
    }
    add_format(argv, "-m", "%uM", o->memory_mib);
    add(argv, "-kernel", o->kernel);
    if (o->initrd) {
        add(argv, "-initrd", o->initrd);
    }
    add(argv, "-append", o->append);
}

static void add_disk(GStrvBuilder *argv, const BootDisk *disk, guint i)
{
    g_autofree char *name = g_strdup_printf("xvd%c", 'a' + i);
    g_autoptr(GString) value = g_string_new("if=none");

    append_key(value, "id", name);
    append_key(value, "format", disk->format);
    append_key(value, "readonly", disk->readonly ? "on" : "off");
    append_key(value, "file", disk->file);
    add(argv, "-drive", value->str);
    add_format(argv, "-device", "xen-disk,id=%s-disk,drive=%s,vdev=%s", name,
               name, name);
}

/* The platform device is how a HVM guest gets at its grants and xenbus. */
static void add_devices(GStrvBuilder *argv, const BootOptions *o)
{
    if (boot_options_asynchronous(o) && !is_pvh(o)) {
        add(argv, "-device", "xen-platform");
    }
    for (guint i = 0; i < o->disks->len; i++) {
        add_disk(argv, &g_array_index(o->disks, BootDisk, i), i);
    }
    if (o->net) {
        add_format(argv, "-netdev", "user,id=eth0%s", o->net + strlen("user"));
        add(argv, "-device", "xen-net-device,netdev=eth0");
    }
}

char **qemu_command_new(const BootOptions *o, const QemuChannels *channels)
{
    g_autoptr(GStrvBuilder) argv = g_strv_builder_new();

    add(argv, o->qemu, NULL);
    add_machine(argv, o);
    if (channels) {
        add_format(argv, "-chardev", "socket,id=" CONSOLE_ID ",fd=%d",
                   channels->console_fd);
        add_format(argv, "-chardev", "socket,id=" QMP_ID ",fd=%d",
                   channels->qmp_fd);
        add(argv, "-mon", "chardev=" QMP_ID ",mode=control");
        /* The run starts and ends when we say so: -S, shutdown=pause. */
        add(argv, "-S", NULL);
        if (channels->incoming) {
            add(argv, "-incoming", "defer");
        }
        add_format(argv, "-action", "shutdown=pause,reboot=%s",
                   o->reboot ? "reset" : "shutdown");
    } else {
        add(argv, "-chardev", "stdio,id=" CONSOLE_ID ",mux=on,signal=off");
        add_format(argv, "-action", "reboot=%s",
                   o->reboot ? "reset" : "shutdown");
    }
    if (!boot_options_xen(o)) {
        add(argv, "-serial", "chardev:" CONSOLE_ID);
    }
    add_plugin(argv, o, channels && channels->incoming);
    add_devices(argv, o);
    for (size_t i = 0; o->qemu_args[i]; i++) {
        add(argv, o->qemu_args[i], NULL);
    }
    return g_strv_builder_end(argv);
}

static gboolean is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789%+,-./:=@_";

    return *word && word[strspn(word, plain)] == '\0';
}

char *qemu_command_quote(char **argv)
{
    g_autoptr(GString) line = g_string_new(NULL);

    for (size_t i = 0; argv[i]; i++) {
        g_autofree char *quoted =
            is_plain(argv[i]) ? g_strdup(argv[i]) : g_shell_quote(argv[i]);

        g_string_append_printf(line, "%s%s", i ? " " : "", quoted);
    }
    return g_string_free(g_steal_pointer(&line), FALSE);
}
