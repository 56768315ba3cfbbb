/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the plugin: -plugin jumpcut.so,KEY=VALUE,...
 */
#include "qemu/osdep.h"
#include "plugins/options.h"

#define DOMID_FIRST_RESERVED 0x7ff0u /* xen: public/xen.h */
#define MAX_EVENT_CHANNELS   131071u
#define DIGEST_NS_MIN        1000000u /* 1 ms */

#define OPTION_ERROR (g_quark_from_static_string("jumpcut-option"))

typedef struct OptionRow {
    const char *key;
    const char *help;
    /* @row's own key is in @key: host profile rows share one handler. */
    bool (*set)(PluginOptions *o, const char *key, const char *value,
                GError **error);
    bool repeats;
    unsigned needs; /* GUEST_* that the kind must have all of */
} OptionRow;

static bool option_fail(GError **error, const char *key, const char *value,
                        const char *want)
{
    g_set_error(error, OPTION_ERROR, 0, "%s=%s: want %s", key, value, want);
    return false;
}

/* "a, b or c", newly allocated */
static char *kind_names(void)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; guest_kind_at(i); i++) {
        const char *next = guest_kind_at(i + 1) ? ", " : " or ";

        g_string_append_printf(out, "%s%s", i ? next : "",
                               guest_kind_at(i)->name);
    }
    return g_string_free(out, false);
}

static bool set_guest(PluginOptions *o, const char *key, const char *value,
                      GError **error)
{
    g_autofree char *names = NULL;

    o->guest.kind = guest_kind_by_name(value);
    if (o->guest.kind) {
        return true;
    }
    names = kind_names();
    return option_fail(error, key, value, names);
}

static bool set_xen_version(PluginOptions *o, const char *key,
                            const char *value, GError **error)
{
    if (strcmp(value, "4.17") && strcmp(value, "4.20")) {
        return option_fail(error, key, value, "4.17 or 4.20");
    }
    o->guest.version_major = 4;
    o->guest.version_minor = strcmp(value, "4.17") ? 20 : 17;
    return true;
}

static bool set_domid(PluginOptions *o, const char *key, const char *value,
                      GError **error)
{
    guint64 n;

    if (!g_ascii_string_to_unsigned(value, 10, 1, DOMID_FIRST_RESERVED - 1, &n,
                                    NULL)) {
        return option_fail(error, key, value, "a domain id, 1 to 32751");
    }
    o->guest.domid = n;
    return true;
}

static bool set_max_event_channels(PluginOptions *o, const char *key,
                                   const char *value, GError **error)
{
    guint64 n;

    if (!g_ascii_string_to_unsigned(value, 10, 3, MAX_EVENT_CHANNELS, &n,
                                    NULL)) {
        return option_fail(error, key, value, "a number, 3 to 131071");
    }
    o->guest.max_event_channels = n;
    return true;
}

static bool set_tsc_mode(PluginOptions *o, const char *key, const char *value,
                         GError **error)
{
    static const char *const modes[] = {
        [CLOCK_TSC_MODE_DEFAULT] = "default",
        [CLOCK_TSC_MODE_ALWAYS_EMULATE] = "always-emulate",
        [CLOCK_TSC_MODE_NATIVE] = "native",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (!strcmp(value, modes[i])) {
            o->guest.tsc_mode = i;
            return true;
        }
    }
    return option_fail(error, key, value, "default, always-emulate or native");
}

static bool set_profile(PluginOptions *o, const char *key, const char *value,
                        GError **error)
{
    return host_profile_set(&o->guest.profile, key, value, error);
}

static bool set_cut(PluginOptions *o, const char *key, const char *value,
                    GError **error)
{
    CutSpec cut = {.at_ns = 0};

    if (!cut_spec_parse(&cut, value, error)) {
        return false;
    }
    g_array_append_val(o->guest.cuts, cut);
    return true;
}

static bool set_fault(PluginOptions *o, const char *key, const char *value,
                      GError **error)
{
    FaultSpec fault;

    if (!fault_spec_parse(&fault, value, error)) {
        return false;
    }
    g_array_append_val(o->guest.faults, fault);
    return true;
}

static bool set_steal(PluginOptions *o, const char *key, const char *value,
                      GError **error)
{
    return contention_parse(&o->guest.contention, value, error);
}

static bool set_console(PluginOptions *o, const char *key, const char *value,
                        GError **error)
{
    if (!*value) {
        return option_fail(error, key, value, "the id of a -chardev");
    }
    o->guest.console = g_strdup(value);
    return true;
}

static bool set_madt(PluginOptions *o, const char *key, const char *value,
                     GError **error)
{
    o->guest.madt_all = !strcmp(value, "all");
    if (!o->guest.madt_all && strcmp(value, "online")) {
        return option_fail(error, key, value, "online or all");
    }
    return true;
}

static bool set_xen_log(PluginOptions *o, const char *key, const char *value,
                        GError **error)
{
    if (!*value) {
        return option_fail(error, key, value, "the id of a -chardev");
    }
    o->guest.xen_log = g_strdup(value);
    return true;
}

static bool set_device_log(PluginOptions *o, const char *key, const char *value,
                           GError **error)
{
    if (!*value) {
        return option_fail(error, key, value, "the id of a -chardev");
    }
    o->guest.device_log = g_strdup(value);
    o->guest.devices = GUEST_DEVICES_RECORD;
    return true;
}

static bool set_device_replay(PluginOptions *o, const char *key,
                              const char *value, GError **error)
{
    bool on = !strcmp(value, "on");

    if (!on && strcmp(value, "off")) {
        return option_fail(error, key, value, "on or off");
    }
    o->guest.devices = on ? GUEST_DEVICES_REPLAY : o->guest.devices;
    return true;
}

static bool set_digest(PluginOptions *o, const char *key, const char *value,
                       GError **error)
{
    guint64 ns;

    if (!host_time_parse(value, key, INT64_MAX / 2, &ns, error)) {
        return false;
    }
    if (ns < DIGEST_NS_MIN) {
        return option_fail(error, key, value, "an interval of 1 ms or more");
    }
    o->guest.digest_ns = ns;
    return true;
}

static bool set_digest_verify(PluginOptions *o, const char *key,
                              const char *value, GError **error)
{
    o->guest.digest_verify = !strcmp(value, "on");
    if (!o->guest.digest_verify && strcmp(value, "off")) {
        return option_fail(error, key, value, "on or off");
    }
    return true;
}

static bool set_path(const char **path, const char *key, const char *value,
                     GError **error)
{
    if (!*value) {
        return option_fail(error, key, value, "a file");
    }
    *path = g_strdup(value);
    return true;
}

static bool set_record(PluginOptions *o, const char *key, const char *value,
                       GError **error)
{
    return set_path(&o->guest.gate.record, key, value, error);
}

static bool set_replay(PluginOptions *o, const char *key, const char *value,
                       GError **error)
{
    return set_path(&o->guest.gate.replay, key, value, error);
}

static bool set_gate(PluginOptions *o, const char *key, const char *value,
                     GError **error)
{
    guint64 ns;

    if (!host_time_parse(value, key, INT64_MAX / 2, &ns, error)) {
        return false;
    }
    if (ns < GATE_NS_MIN || ns > GATE_NS_MAX) {
        return option_fail(error, key, value, "an interval, 0.1 ms to 1 s");
    }
    o->guest.gate.gate_ns = ns;
    return true;
}

static bool set_checkpoint(PluginOptions *o, const char *key, const char *value,
                           GError **error)
{
    guint64 ns;

    if (!host_time_parse(value, key, INT64_MAX / 2, &ns, error)) {
        return false;
    }
    if (ns < GATE_NS_MIN) {
        return option_fail(error, key, value, "an interval of 0.1 ms or more");
    }
    o->guest.gate.checkpoint_ns = ns;
    return true;
}

static bool set_from(PluginOptions *o, const char *key, const char *value,
                     GError **error)
{
    guint64 n;

    if (!g_ascii_string_to_unsigned(value, 10, 0, UINT32_MAX, &n, NULL)) {
        return option_fail(error, key, value, "a checkpoint, 0 or more");
    }
    o->guest.gate.from = n;
    o->guest.gate.has_from = true;
    return true;
}

static bool set_level(PluginOptions *o, const char *key, const char *value,
                      GError **error)
{
    if (!gate_level_parse(value, &o->guest.gate.level)) {
        return option_fail(error, key, value, "inputs, digests or devices");
    }
    o->guest.gate.has_level = true;
    return true;
}

static bool set_pace(PluginOptions *o, const char *key, const char *value,
                     GError **error)
{
    o->guest.gate.pace = !strcmp(value, "on");
    if (!o->guest.gate.pace && strcmp(value, "off")) {
        return option_fail(error, key, value, "on or off");
    }
    return true;
}

static bool set_handover(PluginOptions *o, const char *key, const char *value,
                         GError **error)
{
    o->guest.gate.handover_wait = !strcmp(value, "wait");
    if (!o->guest.gate.handover_wait && strcmp(value, "in-place")) {
        return option_fail(error, key, value, "wait or in-place");
    }
    return true;
}

static bool set_help(PluginOptions *o, const char *key, const char *value,
                     GError **error)
{
    o->help = true;
    return true;
}

static const OptionRow option_rows[] = {
    {"guest", "xen-hvm, xen-pvh, kvm or kvm-xen; absent: leave it alone",
     set_guest, false, 0},
    {"xen-version", "4.17 (default) or 4.20", set_xen_version, false,
     GUEST_XEN},
    {"domid", "the guest's domain id (default 1)", set_domid, false, GUEST_XEN},
    {"max-event-channels", "the guest's limit, up to 131071 (default 1023)",
     set_max_event_channels, false, GUEST_XEN},
    {"tsc-mode", "default, always-emulate or native", set_tsc_mode, false, 0},
    {"uptime", "host uptime at the start, seconds or with a unit (default 0)",
     set_profile, false, 0},
    {"tsc", "guest TSC at the start (default 0)", set_profile, false, 0},
    {"tsc-khz", "host TSC frequency, 1 to 10000000 kHz (default 1000000)",
     set_profile, false, 0},
    {"invtsc", "on: expose the invariant TSC (default off)", set_profile, false,
     0},
    {"tsc-scaling", "on: the host can scale a guest's TSC (default off)",
     set_profile, false, 0},
    {"wallclock",
     "wall clock at the start, seconds since 1970 (default: the "
     "machine's RTC)",
     set_profile, false, 0},
    {"cut",
     "AT:key=value,,... replace the host profile at virtual time AT; "
     "may be repeated",
     set_cut, true, 0},
    {"fault",
     "AT:KIND,,key=value,,... the host does wrong at virtual time AT; may be "
     "repeated",
     set_fault, true, 0},
    {"steal",
     "PERIOD:PERCENT: hold each vCPU back for that share of each period",
     set_steal, false, 0},
    {"console", "id of the -chardev that hvc0 is connected to (kvm: to count)",
     set_console, false, 0},
    {"madt",
     "all: a PVH guest's ACPI tables enable all vCPUs (default: online)",
     set_madt, false, GUEST_PVH},
    {"xen-log", "id of the -chardev for what the guest writes to port 0xe9",
     set_xen_log, false, GUEST_XEN},
    {"digest", "take a digest of the machine every so often (virtual time)",
     set_digest, false, 0},
    {"digest-verify",
     "on: hash all memory for each digest, and compare (default off)",
     set_digest_verify, false, 0},
    {"record", "trace to write: what comes in from outside, and digests",
     set_record, false, 0},
    {"replay", "trace to take from what comes in from outside, and to check",
     set_replay, false, 0},
    {"gate", "how often something may come in, virtual time (default 10 ms)",
     set_gate, false, 0},
    {"checkpoint", "keep the whole machine in the trace every so often",
     set_checkpoint, false, 0},
    {"from", "replay from that checkpoint on, counted from 0", set_from, false,
     0},
    {"level", "what is recorded: inputs, digests (default) or devices",
     set_level, false, 0},
    {"pace", "on: virtual time is never ahead of the host's (default off)",
     set_pace, false, 0},
    {"handover",
     "of a replay: wait for a recorded migration, or in-place (default)",
     set_handover, false, 0},
    {"device-log",
     "id of the -chardev that device-level records go to, as text",
     set_device_log, false, 0},
    {"device-replay",
     "on: under qtest, device-level records are all that happens",
     set_device_replay, false, 0},
    {"help", "on: print this list", set_help, false, 0},
};

char *plugin_options_help(void)
{
    GString *out = g_string_new("jumpcut options:\n");

    for (unsigned i = 0; i < G_N_ELEMENTS(option_rows); i++) {
        g_string_append_printf(out, "  %-12s %s\n", option_rows[i].key,
                               option_rows[i].help);
    }
    return g_string_free(out, false);
}

static bool unknown_option(const char *key, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(option_rows); i++) {
        g_string_append_printf(known, "%s%s", i ? ", " : "",
                               option_rows[i].key);
    }
    g_set_error(error, OPTION_ERROR, 0, "unknown option '%s'; there are: %s",
                key, known->str);
    return false;
}

static bool parse_one(PluginOptions *o, const char *arg, unsigned *seen,
                      GError **error)
{
    const char *eq = strchr(arg, '=');
    g_autofree char *key = eq ? g_strndup(arg, eq - arg) : g_strdup(arg);

    for (unsigned i = 0; i < G_N_ELEMENTS(option_rows); i++) {
        const OptionRow *row = &option_rows[i];

        if (strcmp(row->key, key)) {
            continue;
        }
        if (*seen & (1u << i) && !row->repeats) {
            g_set_error(error, OPTION_ERROR, 0, "option '%s' is given twice",
                        key);
            return false;
        }
        *seen |= 1u << i;
        return row->set(o, key, eq ? eq + 1 : "", error);
    }
    return unknown_option(key, error);
}

/* An option that would change nothing is a mistake. */
static bool check_needs(const PluginOptions *o, unsigned seen, GError **error)
{
    for (unsigned i = 0; o->guest.kind && i < G_N_ELEMENTS(option_rows); i++) {
        unsigned needs = option_rows[i].needs;

        if (seen & (1u << i) && (o->guest.kind->flags & needs) != needs) {
            g_set_error(error, OPTION_ERROR, 0,
                        "option '%s' is not for guest=%s, %s",
                        option_rows[i].key, o->guest.kind->name,
                        needs & GUEST_PVH ? "which is no PVH guest"
                                          : "which finds no Xen");
            return false;
        }
    }
    return true;
}

bool plugin_options_parse(PluginOptions *o, int argc, char **argv,
                          GError **error)
{
    unsigned seen = 0;

    *o = (PluginOptions){
        .guest = {.version_major = 4,
                  .version_minor = 17,
                  .domid = 1,
                  .gate = {.level = GATE_DIGESTS}},
    };
    o->guest.cuts = g_array_new(false, false, sizeof(CutSpec));
    o->guest.faults = g_array_new(false, false, sizeof(FaultSpec));
    for (int i = 0; i < argc; i++) {
        if (!parse_one(o, argv[i], &seen, error)) {
            plugin_options_clear(o);
            return false;
        }
    }
    if (!o->help && !check_needs(o, seen, error)) {
        plugin_options_clear(o);
        return false;
    }
    if (argc && !o->guest.kind && !o->help) {
        g_autofree char *names = kind_names();

        g_set_error(error, OPTION_ERROR, 0,
                    "option '%s' needs guest=%s beside it", argv[0], names);
        plugin_options_clear(o);
        return false;
    }
    return true;
}

void plugin_options_clear(PluginOptions *o)
{
    g_clear_pointer(&o->guest.cuts, g_array_unref);
    g_clear_pointer(&o->guest.faults, g_array_unref);
    g_free((char *)o->guest.console);
    o->guest.console = NULL;
    g_free((char *)o->guest.xen_log);
    o->guest.xen_log = NULL;
    g_free((char *)o->guest.gate.record);
    g_free((char *)o->guest.gate.replay);
    o->guest.gate.record = o->guest.gate.replay = NULL;
    g_free((char *)o->guest.device_log);
    o->guest.device_log = NULL;
}
