/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of a trace: from a run's options, and back.
 */
#include <gio/gio.h>
#include <string.h>

#include "hw/clock/host-profile.h"
#include "tools/elf-build-id.h"
#include "tools/firmware.h"
#include "tools/qemu-command.h"
#include "tools/run-header.h"

#define FORMAT "jumpcut-trace-1"

/* @return: the build id of the ELF image @path, "none" without one; or NULL */
static char *build_id_of(const char *path, GError **error)
{
    g_autoptr(GMappedFile) map = g_mapped_file_new(path, FALSE, error);

    if (!map) {
        return NULL;
    }
    return elf_build_id((const guint8 *)g_mapped_file_get_contents(map),
                        g_mapped_file_get_length(map))
               ?: g_strdup("none");
}

/* "--key=value" as an option; nothing if @value is NULL. */
static void add_option(TraceHeader *h, const char *key, const char *value)
{
    g_autofree char *word =
        value ? g_strdup_printf("--%s=%s", key, value) : NULL;

    if (word) {
        trace_header_add(h, "option", word);
    }
}

static void add_number(TraceHeader *h, const char *key, unsigned value,
                       const char *unit)
{
    g_autofree char *text = g_strdup_printf("%u%s", value, unit);

    add_option(h, key, text);
}

static void add_options(TraceHeader *h, const BootOptions *o)
{
    add_option(h, "guest", o->guest);
    add_number(h, "smp", o->smp, "");
    add_number(h, "max-smp", o->max_smp, "");
    add_number(h, "memory", o->memory_mib, "M");
    add_option(h, "append", o->append_given);
    add_option(h, "invtsc", o->invtsc);
    add_option(h, "tsc-mode", o->tsc_mode);
    add_option(h, "tsc-khz", o->tsc_khz);
    add_option(h, "host-uptime", o->host_uptime);
    add_option(h, "xen-version", o->xen_version);
    add_option(h, "steal", o->steal);
    for (size_t i = 0; o->cuts[i]; i++) {
        add_option(h, "cut", o->cuts[i]);
    }
    for (size_t i = 0; o->faults[i]; i++) {
        add_option(h, "fault", o->faults[i]);
    }
    add_option(h, "digest", o->digest);
    add_option(h, "reboot", o->reboot ? "continue" : "stop");
    if (o->qemu_args[0]) {
        trace_header_add(h, "option", "--");
    }
    for (size_t i = 0; o->qemu_args[i]; i++) {
        trace_header_add(h, "option", o->qemu_args[i]);
    }
}

static void add_images(TraceHeader *h, const BootOptions *o)
{
    g_autofree char *kernel = g_canonicalize_filename(o->kernel, NULL);
    g_autofree char *initrd =
        o->initrd ? g_canonicalize_filename(o->initrd, NULL) : NULL;

    trace_header_add(h, "kernel", kernel);
    trace_header_add(h, "kernel-sha256", o->kernel_sha256);
    if (initrd) {
        trace_header_add(h, "initrd", initrd);
        trace_header_add(h, "initrd-sha256", o->initrd_sha256);
    }
}

/* The programs and what they bring along. */
static gboolean add_builds(TraceHeader *h, const BootOptions *o, GError **error)
{
    g_autofree char *version = qemu_version_line(o, error);
    g_autofree char *firmware = version ? qemu_firmware_sha256(o, error) : NULL;
    g_autofree char *qemu = firmware ? build_id_of(o->qemu, error) : NULL;
    g_autofree char *plugin = qemu ? build_id_of(o->plugin, error) : NULL;

    if (!plugin) {
        return FALSE;
    }
    trace_header_add(h, "qemu-version", version);
    trace_header_add(h, "qemu-build-id", qemu);
    trace_header_add(h, "plugin-version", JUMPCUT_VERSION);
    trace_header_add(h, "plugin-build-id", plugin);
    trace_header_add(h, "firmware-sha256", firmware);
    return TRUE;
}

static void add_digest(TraceHeader *h, const char *interval)
{
    g_autofree char *text = NULL;
    guint64 ns;

    /* It was checked when the options were. */
    if (interval &&
        host_time_parse(interval, "interval", G_MAXINT64, &ns, NULL)) {
        text = g_strdup_printf("%" G_GUINT64_FORMAT, ns);
        trace_header_add(h, "digest-ns", text);
    }
}

TraceHeader *run_header_new(const BootOptions *o, GError **error)
{
    g_autoptr(TraceHeader) h = trace_header_new();
    g_auto(GStrv) command = qemu_command_new(o, NULL);
    g_autofree char *vcpus = g_strdup_printf("%u", o->smp);

    trace_header_add(h, "format", FORMAT);
    if (!add_builds(h, o, error)) {
        return NULL;
    }
    trace_header_add(h, "guest", o->guest);
    trace_header_add(h, "vcpus", vcpus);
    add_images(h, o);
    trace_header_add(h, "gate-ns", G_STRINGIFY(BOOT_GATE_NS));
    add_digest(h, o->digest);
    trace_header_add(h, "level", o->level);
    if (o->checkpoint) {
        trace_header_add(h, "checkpoint", o->checkpoint);
    }
    add_options(h, o);
    for (size_t i = 0; command[i]; i++) {
        trace_header_add(h, "arg", command[i]);
    }
    return g_steal_pointer(&h);
}

static gboolean refuse(GError **error, const char *what, const char *path,
                       const char *key, const char *want, const char *got)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                "%s %s: not the one recorded: wanted %s %s, got %s", what, path,
                key, want ?: "(none)", got ?: "(none)");
    return FALSE;
}

static gboolean check_images(const TraceHeader *h, const BootOptions *o,
                             GError **error)
{
    const char *kernel = trace_header_get(h, "kernel-sha256");
    const char *initrd = trace_header_get(h, "initrd-sha256");

    if (g_strcmp0(kernel, o->kernel_sha256)) {
        return refuse(error, "kernel", o->kernel, "SHA-256", kernel,
                      o->kernel_sha256);
    }
    if (g_strcmp0(initrd, o->initrd_sha256)) {
        return refuse(error, "initrd", o->initrd ?: "(none)", "SHA-256", initrd,
                      o->initrd_sha256);
    }
    return TRUE;
}

static gboolean check_builds(const TraceHeader *h, const BootOptions *o,
                             GError **error)
{
    const char *want_qemu = trace_header_get(h, "qemu-build-id");
    const char *want_plugin = trace_header_get(h, "plugin-build-id");
    const char *want_firmware = trace_header_get(h, "firmware-sha256");
    g_autofree char *qemu = build_id_of(o->qemu, error);
    g_autofree char *plugin = qemu ? build_id_of(o->plugin, error) : NULL;
    g_autofree char *firmware = plugin ? qemu_firmware_sha256(o, error) : NULL;

    if (!firmware) {
        return FALSE;
    }
    if (g_strcmp0(want_qemu, qemu)) {
        return refuse(error, "QEMU", o->qemu, "build id", want_qemu, qemu);
    }
    if (g_strcmp0(want_plugin, plugin)) {
        return refuse(error, "plugin", o->plugin, "build id", want_plugin,
                      plugin);
    }
    if (g_strcmp0(want_firmware, firmware)) {
        return refuse(error, "firmware of", o->qemu, "SHA-256", want_firmware,
                      firmware);
    }
    return TRUE;
}

static void add_word(GStrvBuilder *argv, const char *option, const char *value)
{
    if (value) {
        g_strv_builder_add(argv, option);
        g_strv_builder_add(argv, value);
    }
}

/* What add_options() writes. */
static const char *const recorded[] = {
    "guest",  "smp",      "max-smp", "memory",      "append",
    "invtsc", "tsc-mode", "tsc-khz", "host-uptime", "xen-version",
    "steal",  "cut",      "fault",   "digest",      "reboot",
};

/* Words of QEMU's that reach no file to write to, program or network. */
static const struct {
    const char *word;
    unsigned values;
} harmless[] = {
    {"-name", 1},   {"-machine", 1},    {"-M", 1},
    {"-cpu", 1},    {"-smp", 1},        {"-m", 1},
    {"-numa", 1},   {"-global", 1},     {"-device", 1},
    {"-rtc", 1},    {"-seed", 1},       {"-uuid", 1},
    {"-smbios", 1}, {"-boot", 1},       {"-d", 1},
    {"-action", 1}, {"-nodefaults", 0}, {"-no-user-config", 0},
};

/* @return: how many words there are with @word; 0: it is not harmless */
static unsigned harmless_words(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(harmless); i++) {
        if (!strcmp(word, harmless[i].word)) {
            return 1 + harmless[i].values;
        }
    }
    return 0;
}

static gboolean is_recorded(const char *option)
{
    for (size_t i = 0; i < G_N_ELEMENTS(recorded); i++) {
        g_autofree char *start = g_strdup_printf("--%s=", recorded[i]);

        if (g_str_has_prefix(option, start)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* A header may have been made by anybody. */
static gboolean check_words(const TraceHeader *h, const RunOverrides *r,
                            GError **error)
{
    g_autofree const char **options = trace_header_values(h, "option");
    const char *kernel = trace_header_get(h, "kernel");
    size_t i, n;

    if (!r->kernel && (!kernel || !g_path_is_absolute(kernel))) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "header: kernel: wanted an absolute path, got %s",
                    kernel ?: "none");
        return FALSE;
    }
    for (i = 0; options[i] && strcmp(options[i], "--"); i++) {
        if (!is_recorded(options[i])) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "header: option %s: none that is recorded", options[i]);
            return FALSE;
        }
    }
    for (i += options[i] != NULL; !r->trust && options[i]; i += n) {
        n = harmless_words(options[i]);
        if (!n || (n == 2 && !options[i + 1])) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                        "header: option %s: QEMU gets that of a trace only "
                        "with --trust",
                        options[i]);
            return FALSE;
        }
    }
    return TRUE;
}

/* @return: the words of the boot that @h is of */
static char **boot_words(const TraceHeader *h, const RunOverrides *r)
{
    g_autofree const char **options = trace_header_values(h, "option");
    g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
    size_t i;

    g_strv_builder_add(argv, "boot");
    for (i = 0; options[i] && strcmp(options[i], "--"); i++) {
        g_strv_builder_add(argv, options[i]);
    }
    add_word(argv, "--initrd", r->initrd ?: trace_header_get(h, "initrd"));
    add_word(argv, "--qemu", r->qemu);
    add_word(argv, "--plugin", r->plugin);
    g_strv_builder_add(argv, r->kernel ?: trace_header_get(h, "kernel") ?: "");
    for (; options[i]; i++) {
        g_strv_builder_add(argv, options[i]);
    }
    return g_strv_builder_end(argv);
}

BootOptions *run_header_options(const TraceHeader *h, const RunOverrides *r,
                                GError **error)
{
    g_auto(GStrv) words = boot_words(h, r);
    g_autoptr(BootOptions) o = NULL;
    gboolean help = FALSE;

    if (g_strcmp0(trace_header_get(h, "format"), FORMAT)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "header: format: wanted " FORMAT ", got %s",
                    trace_header_get(h, "format") ?: "none");
        return NULL;
    }
    if (!check_words(h, r, error)) {
        return NULL;
    }
    o = boot_options_parse(g_strv_length(words), words, &help, error);
    if (!o) {
        return NULL;
    }
    if (!check_images(h, o, error) ||
        (!r->force_build && !check_builds(h, o, error))) {
        return NULL;
    }
    o->level = g_strdup(trace_header_get(h, "level"));
    o->checkpoint = g_strdup(trace_header_get(h, "checkpoint"));
    return g_steal_pointer(&o);
}
