/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of "jumpcut boot": reading and validating them.
 */
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/clock/contention.h"
#include "hw/clock/host-profile.h"
#include "hw/fault/fault-spec.h"
#include "tools/boot-options.h"

#define SMP_MAX        128u
#define MEMORY_MIB_MIN 64u
/* Below the PCI hole, where Linux finds Xen's shared pages outside its RAM. */
#define MEMORY_MIB_MAX 65536u
#define TIMEOUT_S_MAX  (30u * 86400)
#define DEFAULT_MEMORY "512M"
#define DIGEST_NS_MIN  1000000u

/* Options as typed. */
typedef struct RawOptions {
    char *guest, *initrd, *smp, *max_smp, *memory, *append;
    char *invtsc, *tsc_mode, *tsc_khz, *host_uptime, *xen_version;
    char **cuts, **faults, **disks;
    char *steal, *digest, *net, *reboot, *qemu, *plugin, *console_log, *report,
        *timeout;
    gboolean no_icount, dry_run, help;
    char **rest;
} RawOptions;

static void raw_options_clear(RawOptions *raw)
{
    char *strings[] = {
        raw->guest,   raw->max_smp,     raw->initrd,      raw->smp,
        raw->memory,  raw->append,      raw->invtsc,      raw->tsc_mode,
        raw->tsc_khz, raw->host_uptime, raw->xen_version, raw->digest,
        raw->reboot,  raw->qemu,        raw->plugin,      raw->console_log,
        raw->report,  raw->timeout,     raw->net,         raw->steal};

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
static GOptionContext *help_context_new(void)
{
    GOptionContext *context =
        g_option_context_new("KERNEL [-- QEMU-OPTION...]");

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(
        context,
        "Boots KERNEL as a Xen guest on a stock QEMU; the guest's console is"
        "\nthe terminal.  Ctrl-A X ends it.  KERNEL is a bzImage, or for a"
        "\nPVH guest an ELF image too.");
    g_option_context_set_description(
        context,
        "Keys of --cut: uptime, tsc, tsc-khz, invtsc, tsc-scaling, wallclock,"
        "\ndowntime.  Times are seconds with up to nine decimals, or whole"
        "\nnumbers with a unit (ns, us, ms, s, m, h, d).\n\n"
        "Exit status: 0 powered off, 1 crashed, 2 bad usage, 3 QEMU failed,"
        "\n4 timeout, 5 reboot asked for, 6 quit, 7 result not written.\n");
    return context;
}

/* @return: the option context over @raw; g_option_context_free() it. */
static GOptionContext *option_context_new(RawOptions *raw)
{
    const GOptionEntry entries[] = {
        OPTION("guest", STRING, guest, "xen-hvm, xen-pvh or kvm (xen-hvm)",
               "KIND"),
        OPTION("initrd", FILENAME, initrd, "initial RAM disk", "FILE"),
        OPTION("smp", STRING, smp, "vCPUs, 1 to 128 (1)", "N"),
        OPTION("max-smp", STRING, max_smp,
               "vCPUs there can be, the rest offline (N of --smp)", "N"),
        OPTION("memory", STRING, memory,
               "memory, with unit M or G (" DEFAULT_MEMORY ")", "SIZE"),
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
               "the host does wrong at virtual time AT",
               "AT:KIND,..."),
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
        OPTION("dry-run", NONE, dry_run, "print the QEMU command line and exit",
               NULL),
        OPTION("help", NONE, help, "show this", NULL),
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw->rest,
         NULL, NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = help_context_new();

    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

static gboolean fail(GError **error, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    g_propagate_error(error,
                      g_error_new_valist(G_OPTION_ERROR,
                                         G_OPTION_ERROR_BAD_VALUE, format, ap));
    va_end(ap);
    return FALSE;
}

static gboolean parse_number(const char *option, const char *text, unsigned min,
                             unsigned max, unsigned *value, GError **error)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, min, max, &number, NULL)) {
        return fail(error, "%s %s: want a number from %u to %u", option, text,
                    min, max);
    }
    *value = number;
    return TRUE;
}

static gboolean parse_memory(const char *text, unsigned *mib, GError **error)
{
    char *end = NULL;
    guint64 number = g_ascii_strtoull(text, &end, 10);
    guint64 unit = 0;

    if (g_ascii_isdigit(text[0]) && end[0] && !end[1]) {
        unit = end[0] == 'M' ? 1 : end[0] == 'G' ? 1024 : 0;
    }
    if (!unit || number > MEMORY_MIB_MAX || number * unit < MEMORY_MIB_MIN ||
        number * unit > MEMORY_MIB_MAX) {
        return fail(error, "--memory %s: want %uM to %uG", text, MEMORY_MIB_MIN,
                    MEMORY_MIB_MAX / 1024);
    }
    *mib = number * unit;
    return TRUE;
}

/* @text may be NULL; else it must be one of the NULL-terminated @words. */
static gboolean check_word(const char *option, const char *text,
                           const char *const *words, GError **error)
{
    g_autofree char *list = NULL;

    if (!text || g_strv_contains(words, text)) {
        return TRUE;
    }
    list = g_strjoinv(", ", (char **)words);
    return fail(error, "%s %s: want one of %s", option, text, list);
}

/* Check @text (may be NULL) as @key of a host profile. */
static gboolean check_profile(const char *option, const char *key,
                              const char *text, GError **error)
{
    HostProfile profile = {0};

    if (text && !host_profile_set(&profile, key, text, error)) {
        g_prefix_error(error, "%s %s: ", option, text);
        return FALSE;
    }
    return TRUE;
}

static gboolean check_cuts(char **cuts, GError **error)
{
    g_autofree gint64 *times = g_new0(gint64, g_strv_length(cuts) + 1);

    for (size_t i = 0; cuts[i]; i++) {
        CutSpec spec = {0};

        if (!cut_spec_parse(&spec, cuts[i], error)) {
            g_prefix_error(error, "--cut %s: ", cuts[i]);
            return FALSE;
        }
        if (spec.at_ns <= 0) {
            return fail(error, "--cut %s: in the past: the guest starts at 0",
                        cuts[i]);
        }
        for (size_t j = 0; j < i; j++) {
            if (times[j] == spec.at_ns) {
                return fail(error, "--cut %s: --cut %s is at the same time",
                            cuts[i], cuts[j]);
            }
        }
        times[i] = spec.at_ns;
    }
    return TRUE;
}

static gboolean check_faults(char **faults, GError **error)
{
    for (size_t i = 0; faults[i]; i++) {
        FaultSpec spec;

        if (!fault_spec_parse(&spec, faults[i], error)) {
            g_prefix_error(error, "--fault %s: ", faults[i]);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean check_digest(const char *text, GError **error)
{
    guint64 ns;

    if (!text) {
        return TRUE;
    }
    if (!host_time_parse(text, "interval", HOST_UPTIME_NS_MAX, &ns, error)) {
        g_prefix_error(error, "--digest %s: ", text);
        return FALSE;
    }
    if (ns < DIGEST_NS_MIN) {
        return fail(error, "--digest %s: want 1ms or more", text);
    }
    return TRUE;
}

/*
 * Disks and networks answer when the host does; what is to come out the same
 * each time cannot have them.
 */
static gboolean check_asynchronous(const RawOptions *raw, GError **error)
{
    const char *option = raw->disks ? "--disk" : raw->net ? "--net" : NULL;

    if (!option || !raw->digest) {
        return TRUE;
    }
    return fail(error,
                "%s %s: not with --digest: it answers when the host does; "
                "give the guest its files with --initrd",
                option, raw->disks ? raw->disks[0] : raw->net);
}

static gboolean check_steal(const char *text, GError **error)
{
    ContentionSpec spec;

    if (text && !contention_parse(&spec, text, error)) {
        g_prefix_error(error, "--steal %s: ", text);
        return FALSE;
    }
    return TRUE;
}

/* What is Xen's is not for a guest that finds none. */
static gboolean check_xen(const RawOptions *raw, GError **error)
{
    const char *option = raw->xen_version ? "--xen-version"
                         : raw->disks     ? "--disk"
                         : raw->net       ? "--net"
                                          : NULL;

    if (!option || g_strcmp0(raw->guest, "kvm")) {
        return TRUE;
    }
    return fail(error, "%s: a guest of --guest kvm finds no Xen", option);
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
        fail(error, "%s %s: is a directory", what, path);
        return NULL;
    }
    map = g_mapped_file_new(path, FALSE, &reason);
    if (!map) {
        const char *text = strrchr(reason->message, ':');

        fail(error, "%s %s: %s", what, path, text ? text + 2 : reason->message);
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
    if (!kernel_image_parse(&o->image, !strcmp(o->guest, "xen-pvh"),
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

/* Beside this program in the build directory, else where it is installed. */
static char *default_plugin(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *dir = self ? g_path_get_dirname(self) : NULL;

    if (dir) {
        g_autofree char *beside =
            g_build_filename(dir, "..", "plugins", "jumpcut.so", NULL);

        if (g_file_test(beside, G_FILE_TEST_IS_REGULAR)) {
            return g_canonicalize_filename(beside, NULL);
        }
    }
    return g_strdup(JUMPCUT_PLUGIN);
}

static gboolean find_programs(BootOptions *o, GError **error)
{
    g_autofree char *qemu = g_find_program_in_path(o->qemu);

    if (!qemu) {
        return fail(error, "--qemu %s: no such program", o->qemu);
    }
    g_free(o->qemu);
    o->qemu = g_steal_pointer(&qemu);
    if (!g_file_test(o->plugin, G_FILE_TEST_IS_REGULAR)) {
        return fail(error, "--plugin %s: no such file", o->plugin);
    }
    return TRUE;
}

static gboolean check_values(const RawOptions *raw, BootOptions *o,
                             GError **error)
{
    static const char *const switches[] = {"on", "off", NULL};
    static const char *const modes[] = {"default", "always-emulate", "native",
                                        NULL};
    static const char *const versions[] = {"4.17", "4.20", NULL};
    static const char *const reboots[] = {"stop", "continue", NULL};

    static const char *const guests[] = {"xen-hvm", "xen-pvh", "kvm", NULL};

    return check_word("--guest", raw->guest, guests, error) &&
           parse_number("--smp", raw->smp ?: "1", 1, SMP_MAX, &o->smp, error) &&
           parse_number("--max-smp", raw->max_smp ?: raw->smp ?: "1", o->smp,
                        SMP_MAX, &o->max_smp, error) &&
           parse_memory(raw->memory ?: DEFAULT_MEMORY, &o->memory_mib, error) &&
           check_word("--invtsc", raw->invtsc, switches, error) &&
           check_word("--tsc-mode", raw->tsc_mode, modes, error) &&
           check_profile("--tsc-khz", "tsc-khz", raw->tsc_khz, error) &&
           check_profile("--host-uptime", "uptime", raw->host_uptime, error) &&
           check_word("--xen-version", raw->xen_version, versions, error) &&
           check_steal(raw->steal, error) && check_xen(raw, error) &&
           check_cuts(o->cuts, error) && check_faults(o->faults, error) && check_digest(raw->digest, error) &&
           check_asynchronous(raw, error) && boot_net_check(raw->net, error) &&
           check_word("--reboot", raw->reboot, reboots, error) &&
           (!raw->timeout || parse_number("--timeout", raw->timeout, 1,
                                          TIMEOUT_S_MAX, &o->timeout_s, error));
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
    o->plugin = g_steal_pointer(&raw->plugin) ?: default_plugin();
    o->console_log = g_steal_pointer(&raw->console_log);
    o->report = g_steal_pointer(&raw->report);
    if (o->report && !o->console_log) {
        o->console_log = g_strconcat(o->report, ".console", NULL);
    }
    o->dry_run = raw->dry_run;
}

static gboolean take_kernel(RawOptions *raw, BootOptions *o, GError **error)
{
    guint count = raw->rest ? g_strv_length(raw->rest) : 0;

    if (!count) {
        return fail(error, "boot: no KERNEL given");
    }
    if (count > 1) {
        return fail(error,
                    "boot: %s: one KERNEL only; QEMU's options come after --",
                    raw->rest[1]);
    }
    o->kernel = g_strdup(raw->rest[0]);
    return TRUE;
}

BootOptions *boot_options_parse(int argc, char **argv, gboolean *help,
                                GError **error)
{
    g_auto(RawOptions) raw = {0};
    g_autoptr(GOptionContext) context = option_context_new(&raw);
    g_autoptr(BootOptions) o = g_new0(BootOptions, 1);
    g_autoptr(GStrvBuilder) ours = g_strv_builder_new();
    g_auto(GStrv) args = NULL;
    int split = 0;

    /* All after "--" is QEMU's. */
    while (split < argc && strcmp(argv[split], "--")) {
        g_strv_builder_add(ours, split ? argv[split] : "jumpcut boot");
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
    o->cuts = raw.cuts ? g_steal_pointer(&raw.cuts) : g_new0(char *, 1);
    o->faults = raw.faults ? g_steal_pointer(&raw.faults) : g_new0(char *, 1);
    if (!take_kernel(&raw, o, error) || !check_values(&raw, o, error)) {
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
    char *strings[] = {o->guest,         o->kernel,      o->initrd,
                       o->append,        o->xen_version, o->tsc_mode,
                       o->invtsc,        o->tsc_khz,     o->host_uptime,
                       o->digest,        o->qemu,        o->plugin,
                       o->console_log,   o->report,      o->kernel_sha256,
                       o->initrd_sha256, o->net,         o->steal};

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        g_free(strings[i]);
    }
    g_strfreev(o->cuts);
    g_strfreev(o->faults);
    g_clear_pointer(&o->disks, g_array_unref);
    g_strfreev(o->qemu_args);
    bzimage_clear(&o->image);
    g_free(o);
}
