/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario's console device does to its driver: [provoke NAME].
 */
#include <string.h>

#include "hw/virtio/provoke.h"
#include "tools/scenario-internal.h"

#define DEVICE   "virtio-serial-mq-pci"
#define PROPERTY "virtio-serial-mq-device.provoke"
/* The most a device may have; fewer are QEMU's affair. */
#define PORTS_MAX 511u

/* What a provocation has besides is checked as a whole, by its kind. */
static const KeyRow provoke_rows[] = {
    {"at", scenario_check_time, NULL, FALSE},
    {"event", scenario_check_present, NULL, FALSE},
    {"kind", scenario_check_present, NULL, TRUE},
    {"port", NULL, NULL, FALSE},
    {"queue", NULL, NULL, FALSE},
    {"message", NULL, NULL, FALSE},
    {"value", NULL, NULL, FALSE},
    {"to", NULL, NULL, FALSE},
    {"count", NULL, NULL, FALSE},
    {"delay", NULL, NULL, FALSE},
    {"seed", NULL, NULL, FALSE},
    {"variant", NULL, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

static gboolean is_own(const char *key)
{
    static const char *const own[] = {"at", "event", "kind", "variant", NULL};

    return g_strv_contains(own, key);
}

/* Adds the provocation to @spec, which has those before it. */
static gboolean read_provoke(const ScenarioFile *file,
                             const ScenarioGroup *group, GString *spec,
                             GError **error)
{
    const char *at = scenario_value(group, "at");
    const char *event = scenario_value(group, "event");
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) reason = NULL;

    if (!scenario_check_group(file, group, provoke_rows, error)) {
        return FALSE;
    }
    if (!at == !event) {
        return scenario_fail(error, file, group->line,
                             "[%s] wants one of at and event", group->name);
    }
    g_string_append_printf(text, "%s:%s", at ? at : event,
                           scenario_value(group, "kind"));
    for (guint i = 0; i < group->entries->len; i++) {
        const ScenarioEntry *entry = group->entries->pdata[i];

        if (!is_own(entry->key)) {
            g_string_append_printf(text, ",%s=%s", entry->key, entry->value);
        }
    }
    if (strchr(text->str, ';')) {
        return scenario_fail(error, file, group->line, "[%s]: want no ';'",
                             group->name);
    }
    if (!provoke_check(text->str, PORTS_MAX, &reason)) {
        return scenario_fail(error, file, group->line, "[%s]: %s", group->name,
                             reason->message);
    }
    g_string_append_printf(spec, "%s%s", spec->len ? ";" : "", text->str);
    return TRUE;
}

/* Does the variant's QEMU have such a device? */
static gboolean has_device(const Variant *variant)
{
    for (size_t i = 0; variant->qemu && variant->qemu[i]; i++) {
        if (g_str_has_prefix(variant->qemu[i], DEVICE)) {
            return TRUE;
        }
    }
    return FALSE;
}

gboolean scenario_read_provokes(const VariantFile *from, Variant *variant,
                                GError **error)
{
    g_autoptr(GString) spec = g_string_new(NULL);
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autofree char *property = NULL;

    for (guint i = 0; i < from->provokes->len; i++) {
        const ScenarioGroup *group = from->provokes->pdata[i];

        if (!read_provoke(from->file, group, spec, error)) {
            return FALSE;
        }
        if (!has_device(variant)) {
            return scenario_fail(error, from->file, group->line,
                                 "[%s] wants a " DEVICE " in [machine] qemu",
                                 group->name);
        }
    }
    if (!spec->len) {
        return TRUE;
    }
    property = g_strconcat(PROPERTY "=", spec->str, NULL);
    g_strv_builder_addv(words, (const char **)variant->qemu);
    g_strv_builder_add_many(words, "-global", property, NULL);
    g_strfreev(variant->qemu);
    variant->qemu = g_strv_builder_end(words);
    return TRUE;
}
