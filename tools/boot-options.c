/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of "jumpcut boot": reading and validating them.
 */
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/boot-options-internal.h"
#include "tools/plugin-path.h"

#define DEFAULT_DIGEST "1s" /* of record */

static void raw_options_clear(RawOptions *raw)
{
    char *strings[] = {
        raw->guest,     raw->max_smp,     raw->initrd,      raw->smp,
        raw->memory,    raw->append,      raw->invtsc,      raw->tsc_mode,
        raw->tsc_khz,   raw->host_uptime, raw->xen_version, raw->digest,
        raw->reboot,    raw->qemu,        raw->plugin,      raw->console_log,
        raw->report,    raw->timeout,     raw->net,         raw->steal,
        raw->output,    raw->control,     raw->level,       raw->pace,
        raw->checkpoint};

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        g_free(strings[i]);
    }
    g_strfreev(raw->cuts);
    g_strfreev(raw->faults);
    g_strfreev(raw->disks);
    g_strfreev(raw->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RawOptions, raw_options_clear)

#define OPTION(name, kind, field, text, argument)                    \
    {                                                                \
        name, 0, 0, G_OPTION_ARG_##kind, &raw->field, text, argument \
    }

/* Without options; the help's text above and below them. */
static GOptionContext *help_context_new(gboolean record)
{
    GOptionContext *context =
        g_option_context_new("KERNEL [-- QEMU-OPTION...]");

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(
        context,
        record
            ? "Boots KERNEL as jumpcut boot does and writes a trace, from which"
              "\njumpcut replay repeats the run, with all that was typed."
            : "Boots KERNEL as a Xen guest on a stock QEMU; the guest's console"
              "\nis the terminal.  Ctrl-A X ends it.  KERNEL is a bzImage, or"
              "\nan ELF image with a PVH note.");
    g_option_context_set_description(
        context,
        "Keys of --cut: way (in-place, suspend, migrate or cancel), via (unix"
        "\nor file), uptime, tsc, tsc-khz, invtsc, tsc-scaling, wallclock,"
        "\ndowntime.  Times are seconds with up to nine decimals, or whole"
        "\nnumbers with a unit (ns, us, ms, s, m, h, d).\n\n"
        "Exit status: 0 powered off, 1 crashed, 2 bad usage, 3 QEMU failed,"
        "\n4 timeout, 5 reboot asked for, 6 quit, 7 result not written, 8 cut"
        "\nnot made.\n");
    return context;
}

/* @return: the option context over @raw; g_option_context_free() it. */
static GOptionContext *option_context_new(RawOptions *raw)
{
    const GOptionEntry boot_entries[] = {
        OPTION("guest", STRING, guest, "xen-hvm, xen-pvh or kvm (xen-hvm)",
               "KIND"),
        OPTION("initrd", FILENAME, initrd, "initial RAM disk", "FILE"),
        OPTION("smp", STRING, smp, "vCPUs, 1 to 128 (1)", "N"),
        OPTION("max-smp", STRING, max_smp,
               "vCPUs there can be, the rest offline (N of --smp)", "N"),
        OPTION("memory", STRING, memory,
               "memory, with unit M or G (" BOOT_DEFAULT_MEMORY ")", "SIZE"),
        OPTION("append", STRING, append,
               "kernel parameters, after those it always gets", "TEXT"),
        OPTION("invtsc", STRING, invtsc, "expose the invariant TSC (off)",
               "on|off"),
        OPTION("tsc-mode", STRING, tsc_mode,
               "default, always-emulate or native (default)", "MODE"),
        OPTION("tsc-khz", STRING, tsc_khz,
               "TSC frequency of the host (1000000)", "KHZ"),
        OPTION("host-uptime", STRING, host_uptime,
               "uptime of the host when the guest starts (0)", "TIME"),
        OPTION("xen-version", STRING, xen_version,
               "Xen the guest sees, 4.17 or 4.20 (4.17)", "VERSION"),
        OPTION("cut", STRING_ARRAY, cuts,
               "cut the clocks at virtual time AT (repeatable)",
               "AT:KEY=VALUE,..."),
        OPTION("fault", STRING_ARRAY, faults,
               "the host does wrong at virtual time AT", "AT:KIND,..."),
        OPTION("steal", STRING, steal,
               "the host holds each vCPU back PERCENT of the time",
               "PERIOD:PERCENT"),
        OPTION("digest", STRING, digest,
               "digest the machine every INTERVAL of virtual time", "INTERVAL"),
        OPTION("disk", STRING_ARRAY, disks,
               "FILE as xvda, xvdb, ... (repeatable)", "FILE[,KEY...]"),
        OPTION("net", STRING, net, "eth0 on QEMU's user network",
               "user[,KEY...]"),
        OPTION("reboot", STRING, reboot, "what the guest's reboot does (stop)",
               "stop|continue"),
        OPTION("no-icount", NONE, no_icount,
               "run by wall-clock time, not repeatable", NULL),
        OPTION("qemu", FILENAME, qemu, "QEMU (" JUMPCUT_QEMU ")", "PATH"),
        OPTION("plugin", FILENAME, plugin, "jumpcut.so", "PATH"),
        OPTION("console-log", FILENAME, console_log,
               "write the guest's console here too", "FILE"),
        OPTION("report", FILENAME, report,
               "write what was run and seen, for jumpcut report", "FILE.json"),
        OPTION("timeout", STRING, timeout,
               "end the run after SECONDS of wall-clock time", "SECONDS"),
        OPTION("control", FILENAME, control,
               "take commands of jumpcut cut on this socket", "SOCKET"),
        OPTION("dry-run", NONE, dry_run, "print the QEMU command line and exit",
               NULL),
        OPTION("help", NONE, help, "show this", NULL),
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw->rest,
         NULL, NULL},
        G_OPTION_ENTRY_NULL,
    };
    const GOptionEntry record_entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &raw->output,
         "the trace that is written", "FILE"},
        OPTION("level", STRING, level, "inputs, digests or devices (digests)",
               "LEVEL"),
        OPTION("pace", STRING, pace,
               "no faster than the wall clock (on at a terminal)", "on|off"),
        OPTION("checkpoint", STRING, checkpoint,
               "keep the machine's state so often", "INTERVAL"),
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = help_context_new(raw->record);

    g_option_context_add_main_entries(context, boot_entries, NULL);
    if (raw->record) {
        g_option_context_add_main_entries(context, record_entries, NULL);
    }
    return context;
}

gboolean boot_options_xen(const BootOptions *o)
{
    return strcmp(o->guest, "kvm") != 0;
}

/* @return: content of the regular file @path; unmap it. */
static GMappedFile *map_file(const char *what, const char *path, GError **error)
{
    g_autoptr(GError) reason = NULL;
    GMappedFile *map;

    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        boot_fail(error, "%s %s: is a directory", what, path);
        return NULL;
    }
    map = g_mapped_file_new(path, FALSE, &reason);
    if (!map) {
        const char *text = strrchr(reason->message, ':');

        boot_fail(error, "%s %s: %s", what, path,
                  text ? text + 2 : reason->message);
    }
    return map;
}

static char *sha256_of(GMappedFile *map)
{
    return g_compute_checksum_for_data(
        G_CHECKSUM_SHA256, (const guchar *)g_mapped_file_get_contents(map),
        g_mapped_file_get_length(map));
}

static gboolean read_images(BootOptions *o, GError **error)
{
    g_autoptr(GMappedFile) kernel = map_file("kernel", o->kernel, error);
    g_autoptr(GMappedFile) initrd = NULL;

    if (!kernel) {
        return FALSE;
    }
    if (!kernel_image_parse(&o->image,
                            (const guint8 *)g_mapped_file_get_contents(kernel),
                            g_mapped_file_get_length(kernel), error)) {
        g_prefix_error(error, "kernel %s: ", o->kernel);
        return FALSE;
    }
    o->kernel_sha256 = sha256_of(kernel);
    if (o->initrd) {
        initrd = map_file("--initrd", o->initrd, error);
        if (!initrd) {
            return FALSE;
        }
        o->initrd_sha256 = sha256_of(initrd);
    }
    return TRUE;
}

static gboolean find_programs(BootOptions *o, GError **error)
{
    g_autofree char *qemu = g_find_program_in_path(o->qemu);

    if (!qemu) {
        return boot_fail(error, "--qemu %s: no such program", o->qemu);
    }
    g_free(o->qemu);
    o->qemu = g_steal_pointer(&qemu);
    if (!g_file_test(o->plugin, G_FILE_TEST_IS_REGULAR)) {
        return boot_fail(error, "--plugin %s: no such file", o->plugin);
    }
    return TRUE;
}

/*
 * Without an invariant TSC each further vCPU of a Linux guest times its delay
 * loop over several ticks, and until the guest has a real clocksource those
 * may be a second apart: tell it loops per jiffy (for 250 jiffies a second, as
 * Debian's kernels have) instead.
 */
static char *make_append(const RawOptions *raw, const BootOptions *o)
{
    guint64 khz =
        raw->tsc_khz ? g_ascii_strtoull(raw->tsc_khz, NULL, 10) : 1000000;
    g_autoptr(GString) append = g_string_new(
        boot_options_xen(o) ? BOOT_DEFAULT_APPEND : BOOT_KVM_APPEND);

    if (o->max_smp > 1) {
        g_string_append_printf(append, " lpj=%" G_GUINT64_FORMAT,
                               khz * 1000 / 250);
    }
    if (raw->append && *raw->append) {
        g_string_append_printf(append, " %s", raw->append);
    }
    return g_string_free(g_steal_pointer(&append), FALSE);
}

static void take_trace(RawOptions *raw, BootOptions *o)
{
    o->output = g_steal_pointer(&raw->output);
    o->record = g_strconcat(o->output, ".partial", NULL);
    o->level = g_steal_pointer(&raw->level) ?: g_strdup("digests");
    o->pace = g_steal_pointer(&raw->pace)
                  ?: g_strdup(isatty(STDIN_FILENO) ? "on" : "off");
    o->checkpoint = g_steal_pointer(&raw->checkpoint);
    if (!o->digest) {
        o->digest = g_strdup(DEFAULT_DIGEST);
    }
}

static void take_values(RawOptions *raw, BootOptions *o)
{
    o->guest = g_steal_pointer(&raw->guest) ?: g_strdup("xen-hvm");
    o->initrd = g_steal_pointer(&raw->initrd);
    o->append = make_append(raw, o);
    o->icount = !raw->no_icount;
    o->reboot = !g_strcmp0(raw->reboot, "continue");
    o->xen_version = g_steal_pointer(&raw->xen_version);
    o->tsc_mode = g_steal_pointer(&raw->tsc_mode);
    o->invtsc = g_steal_pointer(&raw->invtsc);
    o->tsc_khz = g_steal_pointer(&raw->tsc_khz);
    o->host_uptime = g_steal_pointer(&raw->host_uptime);
    o->steal = g_steal_pointer(&raw->steal);
    o->digest = g_steal_pointer(&raw->digest);
    o->net = g_steal_pointer(&raw->net);
    o->qemu = g_steal_pointer(&raw->qemu) ?: g_strdup(JUMPCUT_QEMU);
    o->plugin = g_steal_pointer(&raw->plugin) ?: plugin_path_default();
    o->console_log = g_steal_pointer(&raw->console_log);
    o->report = g_steal_pointer(&raw->report);
    if (o->report && !o->console_log) {
        o->console_log = g_strconcat(o->report, ".console", NULL);
    }
    o->dry_run = raw->dry_run;
    o->control = g_steal_pointer(&raw->control);
    o->append_given = g_steal_pointer(&raw->append);
    if (raw->record) {
        take_trace(raw, o);
    } else if (o->moves->len) {
        /* Only at its ticks can a guest be asked at an exact time. */
        o->gate = g_strdup_printf("%dns", BOOT_GATE_NS);
    }
}

static gboolean take_kernel(RawOptions *raw, BootOptions *o, GError **error)
{
    guint count = raw->rest ? g_strv_length(raw->rest) : 0;

    if (!count) {
        return boot_fail(error, "%s: no KERNEL given",
                         raw->record ? "record" : "boot");
    }
    if (count > 1) {
        return boot_fail(
            error, "%s: %s: one KERNEL only; QEMU's options come after --",
            raw->record ? "record" : "boot", raw->rest[1]);
    }
    o->kernel = g_strdup(raw->rest[0]);
    return TRUE;
}

BootOptions *boot_options_parse(int argc, char **argv, gboolean *help,
                                GError **error)
{
    g_auto(RawOptions) raw = {.record = !strcmp(argv[0], "record")};
    g_autoptr(GOptionContext) context = option_context_new(&raw);
    g_autoptr(BootOptions) o = g_new0(BootOptions, 1);
    g_autoptr(GStrvBuilder) ours = g_strv_builder_new();
    g_auto(GStrv) args = NULL;
    int split = 0;

    /* All after "--" is QEMU's. */
    while (split < argc && strcmp(argv[split], "--")) {
        g_strv_builder_add(ours, split        ? argv[split]
                                 : raw.record ? "jumpcut record"
                                              : "jumpcut boot");
        split++;
    }
    o->qemu_args = g_strdupv(split < argc ? argv + split + 1 : argv + argc);
    args = g_strv_builder_end(ours);
    if (!g_option_context_parse_strv(context, &args, error)) {
        return NULL;
    }
    *help = raw.help;
    if (raw.help) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);

        fputs(text, stdout);
        return NULL;
    }
    o->moves = g_ptr_array_new_with_free_func((GDestroyNotify)cut_request_free);
    o->faults = raw.faults ? g_steal_pointer(&raw.faults) : g_new0(char *, 1);
    if (!take_kernel(&raw, o, error) || !boot_options_check(&raw, o, error)) {
        return NULL;
    }
    o->disks = boot_disks_parse(raw.disks, error);
    if (!o->disks) {
        return NULL;
    }
    take_values(&raw, o);
    if (!read_images(o, error) || !find_programs(o, error)) {
        return NULL;
    }
    return g_steal_pointer(&o);
}

void boot_options_free(BootOptions *o)
{
    char *strings[] = {
        o->guest,       o->kernel,     o->initrd,        o->append,
        o->xen_version, o->tsc_mode,   o->invtsc,        o->tsc_khz,
        o->host_uptime, o->digest,     o->qemu,          o->plugin,
        o->console_log, o->report,     o->kernel_sha256, o->initrd_sha256,
        o->net,         o->steal,      o->control,       o->append_given,
        o->output,      o->record,     o->replay,        o->level,
        o->pace,        o->checkpoint, o->gate,          o->handover,
        o->from};

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        g_free(strings[i]);
    }
    g_strfreev(o->cuts);
    g_strfreev(o->faults);
    g_clear_pointer(&o->moves, g_ptr_array_unref);
    g_clear_pointer(&o->disks, g_array_unref);
    g_strfreev(o->qemu_args);
    bzimage_clear(&o->image);
    g_free(o);
}
