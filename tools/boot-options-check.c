/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of "jumpcut boot" and "jumpcut record": are their values good?
 */
#include <gio/gio.h>
#include <string.h>

#include "hw/clock/contention.h"
#include "hw/clock/host-profile.h"
#include "hw/fault/fault-spec.h"
#include "tools/boot-options-internal.h"

#define SMP_MAX        128u
#define MEMORY_MIB_MIN 64u
/* Below the PCI hole, where Linux finds Xen's shared pages outside its RAM. */
#define MEMORY_MIB_MAX  65536u
#define TIMEOUT_S_MAX   (30u * 86400)
#define INTERVAL_NS_MIN 1000000u

gboolean boot_fail(GError **error, const char *format, ...)
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
        return boot_fail(error, "%s %s: want a number from %u to %u", option,
                         text, min, max);
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
        return boot_fail(error, "--memory %s: want %uM to %uG", text,
                         MEMORY_MIB_MIN, MEMORY_MIB_MAX / 1024);
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
    return boot_fail(error, "%s %s: want one of %s", option, text, list);
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

/*
 * Cuts in place are the plugin's; the others are moves of the guest, which
 * the session makes.  @texts: "AT:KEY=VALUE,..."; NULL: none
 */
static gboolean take_cuts(char **texts, BootOptions *o, GError **error)
{
    g_autoptr(GStrvBuilder) in_place = g_strv_builder_new();
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));

    for (size_t i = 0; texts && texts[i]; i++) {
        g_autoptr(CutRequest) cut = cut_request_parse(texts[i], FALSE, error);

        if (!cut) {
            g_prefix_error(error, "--cut %s: ", texts[i]);
            return FALSE;
        }
        for (guint j = 0; j < times->len; j++) {
            if (g_array_index(times, gint64, j) == cut->at_ns) {
                return boot_fail(error,
                                 "--cut %s: --cut %s is at the same time",
                                 texts[i], texts[j]);
            }
        }
        g_array_append_val(times, cut->at_ns);
        if (cut->way == CUT_IN_PLACE) {
            g_autofree char *plain = g_strdup_printf(
                "%.*s:%s", (int)strcspn(texts[i], ":"), texts[i], cut->text);

            g_strv_builder_add(in_place, plain);
        } else {
            g_ptr_array_add(o->moves, g_steal_pointer(&cut));
        }
    }
    g_ptr_array_sort(o->moves, cut_request_compare);
    g_strfreev(o->cuts);
    o->cuts = g_strv_builder_end(in_place);
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

static gboolean check_interval(const char *option, const char *text,
                               GError **error)
{
    guint64 ns;

    if (!text) {
        return TRUE;
    }
    if (!host_time_parse(text, "interval", HOST_UPTIME_NS_MAX, &ns, error)) {
        g_prefix_error(error, "%s %s: ", option, text);
        return FALSE;
    }
    if (ns < INTERVAL_NS_MIN) {
        return boot_fail(error, "%s %s: want 1ms or more", option, text);
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

    if (!option || !(raw->digest || raw->record)) {
        return TRUE;
    }
    return boot_fail(error,
                     "%s %s: not with %s: it answers when the host does; "
                     "give the guest its files with --initrd",
                     option, raw->disks ? raw->disks[0] : raw->net,
                     raw->record ? "record" : "--digest");
}

/* What only a trace has, and what it cannot have. */
static gboolean check_trace(const RawOptions *raw, GError **error)
{
    static const char *const switches[] = {"on", "off", NULL};
    static const char *const levels[] = {"inputs", "digests", "devices", NULL};

    if (raw->record && (!raw->output || !*raw->output)) {
        return boot_fail(error, "record: no trace given with --output FILE");
    }
    if (raw->record && raw->no_icount) {
        return boot_fail(error,
                         "--no-icount: not with record: it runs by the "
                         "host's clock; for the pace of a clock use --pace on");
    }
    return check_word("--level", raw->level, levels, error) &&
           check_word("--pace", raw->pace, switches, error) &&
           check_interval("--checkpoint", raw->checkpoint, error);
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
    return boot_fail(error, "%s: a guest of --guest kvm finds no Xen", option);
}

gboolean boot_options_check(const RawOptions *raw, BootOptions *o,
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
           parse_memory(raw->memory ?: BOOT_DEFAULT_MEMORY, &o->memory_mib, error) &&
           check_word("--invtsc", raw->invtsc, switches, error) &&
           check_word("--tsc-mode", raw->tsc_mode, modes, error) &&
           check_profile("--tsc-khz", "tsc-khz", raw->tsc_khz, error) &&
           check_profile("--host-uptime", "uptime", raw->host_uptime, error) &&
           check_word("--xen-version", raw->xen_version, versions, error) &&
           check_steal(raw->steal, error) && check_xen(raw, error) &&
           take_cuts(raw->cuts, o, error) && check_faults(o->faults, error) &&
           check_interval("--digest", raw->digest, error) &&
           check_asynchronous(raw, error) && check_trace(raw, error) && boot_net_check(raw->net, error) &&
           check_word("--reboot", raw->reboot, reboots, error) &&
           (!raw->timeout || parse_number("--timeout", raw->timeout, 1,
                                          TIMEOUT_S_MAX, &o->timeout_s, error));
}
