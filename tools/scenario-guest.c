/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario says of the guest: options of "jumpcut boot".
 */
#include <string.h>

#include "hw/clock/contention.h"
#include "hw/fault/fault-spec.h"
#include "tools/cut-request.h"
#include "tools/scenario-internal.h"

static const char *const guests[] = {"xen-hvm", "xen-pvh", "kvm", NULL};
static const char *const modes[] = {"default", "always-emulate", "native",
                                    NULL};
static const char *const versions[] = {"4.17", "4.20", NULL};
static const char *const ways[] = {"in-place", "suspend", "migrate", "cancel",
                                   NULL};
static const char *const vias[] = {"unix", "file", NULL};
static const char *const switches[] = {"on", "off", NULL};

static KeyCheck check_smp, check_memory, check_steal, check_kernel, check_host,
    check_words;

/* Keys of [machine] are options of jumpcut boot by name, but for the last. */
static const KeyRow machine_rows[] = {
    {"guest", NULL, guests, FALSE},
    {"smp", check_smp, NULL, FALSE},
    {"memory", check_memory, NULL, FALSE},
    {"xen-version", NULL, versions, FALSE},
    {"tsc-mode", NULL, modes, FALSE},
    {"steal", check_steal, NULL, FALSE},
    {"digest", scenario_check_time, NULL, FALSE},
    {"qemu", check_words, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

static const KeyRow guest_rows[] = {
    {"kernel", check_kernel, NULL, TRUE},
    {"initrd", scenario_check_present, NULL, FALSE},
    {"append", NULL, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

/* Of the first host; what else a profile has is for cuts. */
static const KeyRow host_rows[] = {
    {"uptime", scenario_check_profile, NULL, FALSE},
    {"tsc-khz", scenario_check_profile, NULL, FALSE},
    {"invtsc", NULL, switches, FALSE},
    {NULL, NULL, NULL, FALSE},
};

#define PROFILE_ROWS                                          \
    {"uptime", scenario_check_profile, NULL, FALSE},          \
        {"tsc", scenario_check_profile, NULL, FALSE},         \
        {"tsc-khz", scenario_check_profile, NULL, FALSE},     \
        {"invtsc", scenario_check_profile, NULL, FALSE},      \
        {"tsc-scaling", scenario_check_profile, NULL, FALSE}, \
        {"wallclock", scenario_check_profile, NULL, FALSE},   \
    {                                                         \
        "downtime", scenario_check_profile, NULL, FALSE       \
    }

static const KeyRow profile_rows[] = {
    PROFILE_ROWS,
    {NULL, NULL, NULL, FALSE},
};

static const KeyRow cut_rows[] = {
    PROFILE_ROWS,
    {"at", scenario_check_time, NULL, FALSE},
    {"when", scenario_check_when, NULL, FALSE},
    {"way", NULL, ways, FALSE},
    {"via", NULL, vias, FALSE},
    {"host", check_host, NULL, FALSE},
    {"variant", NULL, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

/* What a fault has besides is checked as a whole, by its kind. */
static const KeyRow fault_rows[] = {
    {"at", scenario_check_time, NULL, TRUE},
    {"kind", scenario_check_present, NULL, TRUE},
    {"vcpu", NULL, NULL, FALSE},
    {"port", NULL, NULL, FALSE},
    {"virq", NULL, NULL, FALSE},
    {"count", NULL, NULL, FALSE},
    {"delay", NULL, NULL, FALSE},
    {"time", NULL, NULL, FALSE},
    {"variant", NULL, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

static gboolean check_smp(const KeyPlace *place, GError **error)
{
    return g_ascii_string_to_unsigned(place->entry->value, 10, 1, 128, NULL,
                                      NULL) ||
           scenario_bad_value(place, error, "want a number from 1 to 128");
}

static gboolean check_steal(const KeyPlace *place, GError **error)
{
    g_autoptr(GError) reason = NULL;
    ContentionSpec spec;

    return contention_parse(&spec, place->entry->value, &reason) ||
           scenario_bad_value(place, error, "%s", reason->message);
}

/* How much is jumpcut boot's affair. */
static gboolean check_memory(const KeyPlace *place, GError **error)
{
    const char *value = place->entry->value;
    gsize digits = strspn(value, "0123456789");

    return (digits && digits < 6 && strchr("MG", value[digits]) &&
            value[digits] && !value[digits + 1]) ||
           scenario_bad_value(place, error, "want a number with M or G");
}

static gboolean check_kernel(const KeyPlace *place, GError **error)
{
    const char *value = place->entry->value;
    gboolean payload = g_str_has_prefix(value, "payload:");

    return (*value && (!payload || value[strlen("payload:")])) ||
           scenario_bad_value(place, error,
                              "want debian-6.1, debian-6.12, payload:NAME or "
                              "a file");
}

static gboolean check_words(const KeyPlace *place, GError **error)
{
    g_autoptr(GError) reason = NULL;

    return g_shell_parse_argv(place->entry->value, NULL, NULL, &reason) ||
           scenario_bad_value(place, error, "want words as in a shell: %s",
                              reason->message);
}

static gboolean check_host(const KeyPlace *place, GError **error)
{
    g_autofree char *name = g_strconcat("host ", place->entry->value, NULL);

    return scenario_file_group(place->file, name) != NULL ||
           scenario_bad_value(place, error, "there is no [%s]", name);
}

static void add_option(GStrvBuilder *to, const char *name, const char *value)
{
    g_autofree char *word = g_strdup_printf("--%s=%s", name, value);

    g_strv_builder_add(to, word);
}

/* Checks the group if there is one; its keys become options. */
static gboolean read_options(const ScenarioFile *file, const char *name,
                             const KeyRow *rows, GStrvBuilder *to,
                             GError **error)
{
    const ScenarioGroup *group = scenario_file_group(file, name);

    if (!group) {
        return TRUE;
    }
    if (!scenario_check_group(file, group, rows, error)) {
        return FALSE;
    }
    for (guint i = 0; i < group->entries->len; i++) {
        const ScenarioEntry *entry = group->entries->pdata[i];

        if (strcmp(entry->key, "qemu")) {
            add_option(
                to, strcmp(entry->key, "uptime") ? entry->key : "host-uptime",
                entry->value);
        }
    }
    return TRUE;
}

/* ",key=value" for what @group has of these rows, but not what @over has. */
static void append_keys(GString *spec, const ScenarioGroup *group,
                        const KeyRow *rows, const ScenarioGroup *over)
{
    for (guint i = 0; group && i < group->entries->len; i++) {
        const ScenarioEntry *entry = group->entries->pdata[i];
        gboolean listed = FALSE;

        for (size_t j = 0; rows[j].key; j++) {
            listed |= !strcmp(rows[j].key, entry->key);
        }
        if (listed && (!over || !scenario_group_entry(over, entry->key))) {
            g_string_append_printf(spec, "%s%s=%s", spec->len ? "," : "",
                                   entry->key, entry->value);
        }
    }
}

/* @return: the cut as it is after "AT:" in --cut. */
static GString *cut_text(const ScenarioFile *file, const ScenarioGroup *group)
{
    static const KeyRow how_rows[] = {
        {"way", NULL, NULL, FALSE},
        {"via", NULL, NULL, FALSE},
        {NULL, NULL, NULL, FALSE},
    };
    const char *host = scenario_value(group, "host");
    g_autofree char *name = host ? g_strconcat("host ", host, NULL) : NULL;
    GString *text = g_string_new(NULL);

    append_keys(text, group, how_rows, NULL);
    append_keys(text, group, profile_rows, NULL);
    append_keys(text, name ? scenario_file_group(file, name) : NULL,
                profile_rows, group);
    return text;
}

/* A cut with a "when": made by hand when that is.  @text: taken */
static gboolean read_cut_step(const ScenarioFile *file,
                              const ScenarioGroup *group, const char *text,
                              Variant *variant, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(CutRequest) request = cut_request_parse(text, TRUE, &reason);
    Step *step;

    if (!request) {
        return scenario_fail(error, file, group->line, "[%s]: %s", group->name,
                             reason->message);
    }
    if (request->way == CUT_MIGRATE) {
        return scenario_fail(error, file, group->line,
                             "[%s]: way=migrate wants a key 'at'", group->name);
    }
    step = scenario_step_new(file, group, variant, error);
    if (step) {
        step->cut = g_strdup(text);
    }
    return step != NULL;
}

/* @last: time of the cut before; becomes this one's. */
static gboolean read_cut(const ScenarioFile *file, const ScenarioGroup *group,
                         gint64 *last, Variant *variant, GStrvBuilder *to,
                         GError **error)
{
    const char *at = scenario_value(group, "at");
    g_autoptr(GString) text = NULL;
    g_autoptr(GError) reason = NULL;
    g_autoptr(CutRequest) request = NULL;
    g_autofree char *whole = NULL;

    if (!scenario_check_group(file, group, cut_rows, error)) {
        return FALSE;
    }
    text = cut_text(file, group);
    if (!at || scenario_group_entry(group, "when")) {
        return read_cut_step(file, group, text->str, variant, error);
    }
    whole = g_strdup_printf("%s:%s", at, text->str);
    request = cut_request_parse(whole, FALSE, &reason);
    if (!request) {
        return scenario_fail(error, file, group->line, "[%s]: %s", group->name,
                             reason->message);
    }
    if (request->at_ns <= *last) {
        return scenario_fail(error, file, group->line,
                             "[%s]: want at=%s later than the cut before it",
                             group->name, at);
    }
    *last = request->at_ns;
    add_option(to, "cut", whole);
    return TRUE;
}

static gboolean read_fault(const ScenarioFile *file, const ScenarioGroup *group,
                           GStrvBuilder *to, GError **error)
{
    g_autoptr(GString) text = NULL;
    g_autoptr(GError) reason = NULL;
    FaultSpec spec;

    if (!scenario_check_group(file, group, fault_rows, error)) {
        return FALSE;
    }
    text = g_string_new(NULL);
    g_string_append_printf(text, "%s:%s", scenario_value(group, "at"),
                           scenario_value(group, "kind"));
    for (guint i = 0; i < group->entries->len; i++) {
        const ScenarioEntry *entry = group->entries->pdata[i];

        if (strcmp(entry->key, "at") && strcmp(entry->key, "kind") &&
            strcmp(entry->key, "variant")) {
            g_string_append_printf(text, ",%s=%s", entry->key, entry->value);
        }
    }
    if (!fault_spec_parse(&spec, text->str, &reason)) {
        return scenario_fail(error, file, group->line, "[%s]: %s", group->name,
                             reason->message);
    }
    add_option(to, "fault", text->str);
    return TRUE;
}

static gboolean read_hosts(const ScenarioFile *file, GError **error)
{
    for (guint i = 0; i < file->groups->len; i++) {
        const ScenarioGroup *group = file->groups->pdata[i];

        if (scenario_label(group->name, "host") &&
            !scenario_check_group(file, group, profile_rows, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean read_image(const ScenarioFile *file, Variant *variant,
                           GStrvBuilder *to, GError **error)
{
    const ScenarioGroup *group = scenario_file_group(file, "guest");
    const ScenarioGroup *machine = scenario_file_group(file, "machine");
    const char *qemu = machine ? scenario_value(machine, "qemu") : NULL;
    const char *initrd, *append;

    if (!group) {
        return scenario_fail(error, file, 1, "want a group [guest]");
    }
    if (!scenario_check_group(file, group, guest_rows, error)) {
        return FALSE;
    }
    variant->kernel = g_strdup(scenario_value(group, "kernel"));
    initrd = scenario_value(group, "initrd");
    if (!initrd && g_str_has_prefix(variant->kernel, "debian-")) {
        initrd = "agent";
    }
    variant->initrd = g_strdup(g_strcmp0(initrd, "none") ? initrd : NULL);
    append = scenario_value(group, "append");
    if (append) {
        add_option(to, "append", append);
    }
    if (qemu) {
        g_shell_parse_argv(qemu, NULL, &variant->qemu, NULL);
    }
    return TRUE;
}

/* The order in which they stand in the file. */
static gint compare_steps(gconstpointer a, gconstpointer b)
{
    const Step *const *x = a, *const *y = b;

    return (*x)->line < (*y)->line ? -1 : (*x)->line > (*y)->line;
}

gboolean scenario_read_guest(const VariantFile *from, Variant *variant,
                             GError **error)
{
    g_autoptr(GStrvBuilder) to = g_strv_builder_new();
    gint64 last = 0;

    if (!read_options(from->file, "machine", machine_rows, to, error) ||
        !read_image(from->file, variant, to, error) ||
        !read_options(from->file, "host", host_rows, to, error) ||
        !read_hosts(from->file, error)) {
        return FALSE;
    }
    for (guint i = 0; i < from->cuts->len; i++) {
        if (!read_cut(from->file, from->cuts->pdata[i], &last, variant, to,
                      error)) {
            return FALSE;
        }
    }
    for (guint i = 0; i < from->faults->len; i++) {
        if (!read_fault(from->file, from->faults->pdata[i], to, error)) {
            return FALSE;
        }
    }
    for (guint i = 0; i < from->inputs->len; i++) {
        if (!scenario_read_input(from->file, from->inputs->pdata[i], variant,
                                 error)) {
            return FALSE;
        }
    }
    g_ptr_array_sort(variant->steps, compare_steps);
    variant->options = g_strv_builder_end(to);
    return TRUE;
}
