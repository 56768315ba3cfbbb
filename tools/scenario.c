/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario file and its variants.
 */
#include <gio/gio.h>
#include <string.h>

#include "tools/scenario-internal.h"

static const KeyRow scenario_rows[] = {
    {"title", scenario_check_present, NULL, TRUE},
    {"report", scenario_check_present, NULL, FALSE},
    {"about", scenario_check_present, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

/* Groups there is one of; a variant may add them. */
static const char *const single_groups[] = {"scenario", "machine", "guest",
                                            "host", NULL};
/* Groups of which there are several, each with a label. */
static const char *const labelled_groups[] = {
    "host", "cut", "fault", "input", "provoke", "expect", "variant", NULL};
/* Those that can be of some variants only, by the key "variant". */
static const char *const optional_groups[] = {"cut",     "fault",  "input",
                                              "provoke", "expect", NULL};

const char *scenario_label(const char *name, const char *kind)
{
    gsize len = strlen(kind);

    return !strncmp(name, kind, len) && name[len] == ' ' ? name + len + 1
                                                         : NULL;
}

static gboolean is_label(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!g_ascii_isalnum(*c) && *c != '-') {
            return FALSE;
        }
    }
    return *text != '\0';
}

static gboolean check_group_name(const ScenarioFile *file,
                                 const ScenarioGroup *group, GError **error)
{
    if (g_strv_contains(single_groups, group->name)) {
        return TRUE;
    }
    for (size_t i = 0; labelled_groups[i]; i++) {
        const char *label = scenario_label(group->name, labelled_groups[i]);

        if (label && is_label(label)) {
            return TRUE;
        }
    }
    return scenario_fail(error, file, group->line,
                         "no group [%s]; there are scenario, machine, guest, "
                         "host, host NAME, cut NAME, fault NAME, input NAME, "
                         "provoke NAME, expect NAME and variant NAME, names of "
                         "letters, digits and -",
                         group->name);
}

/* Does the comma-separated @list have @name? */
static gboolean list_has(const char *list, const char *name)
{
    g_auto(GStrv) words = g_strsplit(list, ",", -1);

    for (size_t i = 0; words[i]; i++) {
        if (!strcmp(g_strstrip(words[i]), name)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Each name in a group's "variant" must be one. */
static gboolean check_variant_list(const ScenarioFile *file,
                                   const ScenarioGroup *group, GError **error)
{
    const ScenarioEntry *entry = scenario_group_entry(group, "variant");
    g_auto(GStrv) words = entry ? g_strsplit(entry->value, ",", -1) : NULL;

    for (size_t i = 0; words && words[i]; i++) {
        g_autofree char *name =
            g_strconcat("variant ", g_strstrip(words[i]), NULL);
        KeyPlace place = {file, group, entry};

        if (!scenario_file_group(file, name)) {
            return scenario_bad_value(&place, error, "there is no [%s]", name);
        }
    }
    return TRUE;
}

static gboolean is_optional(const ScenarioGroup *group)
{
    for (size_t i = 0; optional_groups[i]; i++) {
        if (scenario_label(group->name, optional_groups[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

/* "GROUP.KEY=VALUE" in a variant. */
static gboolean apply_override(ScenarioFile *file, const ScenarioGroup *variant,
                               const ScenarioEntry *entry, GError **error)
{
    KeyPlace place = {file, variant, entry};
    const char *dot = strrchr(entry->key, '.');
    g_autofree char *name =
        dot ? g_strndup(entry->key, dot - entry->key) : NULL;
    ScenarioGroup *group = name ? scenario_file_group(file, name) : NULL;

    if (!name || !strcmp(name, "scenario") || scenario_label(name, "variant") ||
        !strcmp(dot + 1, "variant")) {
        return scenario_bad_value(&place, error,
                                  "want about or GROUP.KEY of another group");
    }
    if (!group && g_strv_contains(single_groups, name)) {
        group = scenario_file_add(file, name, entry->line);
    }
    if (!group) {
        return scenario_bad_value(&place, error, "there is no [%s]", name);
    }
    scenario_group_set(group, dot + 1, entry->value, entry->line);
    return TRUE;
}

static gboolean apply_overrides(ScenarioFile *file,
                                const ScenarioGroup *variant, GError **error)
{
    for (guint i = 0; i < variant->entries->len; i++) {
        const ScenarioEntry *entry = variant->entries->pdata[i];

        if (strcmp(entry->key, "about") &&
            !apply_override(file, variant, entry, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static void variant_file_clear(VariantFile *from)
{
    g_ptr_array_unref(from->cuts);
    g_ptr_array_unref(from->faults);
    g_ptr_array_unref(from->inputs);
    g_ptr_array_unref(from->provokes);
    g_ptr_array_unref(from->expects);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VariantFile, variant_file_clear)

/* What is of the variant @name, "" if the file names none. */
static void collect(VariantFile *from, const char *name)
{
    from->cuts = g_ptr_array_new();
    from->faults = g_ptr_array_new();
    from->inputs = g_ptr_array_new();
    from->provokes = g_ptr_array_new();
    from->expects = g_ptr_array_new();
    for (guint i = 0; i < from->file->groups->len; i++) {
        ScenarioGroup *group = from->file->groups->pdata[i];
        const char *list =
            is_optional(group) ? scenario_value(group, "variant") : NULL;

        if (list && !list_has(list, name)) {
            continue;
        }
        if (scenario_label(group->name, "cut")) {
            g_ptr_array_add(from->cuts, group);
        } else if (scenario_label(group->name, "fault")) {
            g_ptr_array_add(from->faults, group);
        } else if (scenario_label(group->name, "input")) {
            g_ptr_array_add(from->inputs, group);
        } else if (scenario_label(group->name, "provoke")) {
            g_ptr_array_add(from->provokes, group);
        } else if (scenario_label(group->name, "expect")) {
            g_ptr_array_add(from->expects, group);
        }
    }
}

static void expect_free(gpointer data)
{
    Expect *expect = data;

    g_free(expect->name);
    g_free(expect->value);
    g_clear_pointer(&expect->regex, g_regex_unref);
    g_free(expect->after);
    g_strfreev(expect->with);
    g_free(expect->against);
    g_free(expect);
}

static void step_free(gpointer data)
{
    Step *step = data;

    g_free(step->name);
    g_clear_pointer(&step->when, g_regex_unref);
    g_free(step->cut);
    g_free(step->command);
    g_free(step->arguments);
    g_free(step);
}

static void variant_free(gpointer data)
{
    Variant *variant = data;

    g_free(variant->name);
    g_free(variant->about);
    g_free(variant->kernel);
    g_free(variant->initrd);
    g_strfreev(variant->options);
    g_strfreev(variant->qemu);
    g_ptr_array_unref(variant->steps);
    g_ptr_array_unref(variant->expects);
    g_free(variant);
}

/* @group: the variant's, or NULL. */
static gboolean read_variant(Scenario *scenario, const ScenarioFile *file,
                             const ScenarioGroup *group, GError **error)
{
    g_autoptr(ScenarioFile) own = scenario_file_copy(file);
    g_auto(VariantFile) from = {.file = own};
    Variant *variant = g_new0(Variant, 1);

    g_ptr_array_add(scenario->variants, variant);
    variant->name =
        g_strdup(group ? scenario_label(group->name, "variant") : "");
    variant->about = g_strdup(group ? scenario_value(group, "about") : NULL);
    variant->steps = g_ptr_array_new_with_free_func(step_free);
    variant->expects = g_ptr_array_new_with_free_func(expect_free);
    collect(&from, variant->name);
    return (!group || apply_overrides(own, group, error)) &&
           scenario_read_guest(&from, variant, error) &&
           scenario_read_provokes(&from, variant, error) &&
           scenario_read_expects(&from, variant, error);
}

static gboolean read_variants(Scenario *scenario, const ScenarioFile *file,
                              GError **error)
{
    for (guint i = 0; i < file->groups->len; i++) {
        const ScenarioGroup *group = file->groups->pdata[i];

        if (scenario_label(group->name, "variant") &&
            !read_variant(scenario, file, group, error)) {
            return FALSE;
        }
    }
    return scenario->variants->len || read_variant(scenario, file, NULL, error);
}

/* An EQUAL names a variant that is read; those it names come before it. */
static gboolean check_equals(const Scenario *scenario, const ScenarioFile *file,
                             GError **error)
{
    for (guint i = 0; i < scenario->variants->len; i++) {
        const Variant *variant = scenario->variants->pdata[i];

        for (guint j = 0; j < variant->expects->len; j++) {
            const Expect *expect = variant->expects->pdata[j];
            guint k = 0;

            while (expect->subject == EXPECT_EQUAL && k < i &&
                   strcmp(((Variant *)scenario->variants->pdata[k])->name,
                          expect->value)) {
                k++;
            }
            if (expect->subject == EXPECT_EQUAL && k == i) {
                return scenario_fail(error, file, expect->line,
                                     "[%s] equal=%s: want a variant that "
                                     "stands before [variant %s]",
                                     expect->name, expect->value,
                                     variant->name);
            }
        }
    }
    return TRUE;
}

static gboolean read_scenario(Scenario *scenario, const ScenarioFile *file,
                              GError **error)
{
    const ScenarioGroup *head = scenario_file_group(file, "scenario");

    for (guint i = 0; i < file->groups->len; i++) {
        const ScenarioGroup *group = file->groups->pdata[i];

        if (!check_group_name(file, group, error) ||
            (is_optional(group) && !check_variant_list(file, group, error))) {
            return FALSE;
        }
    }
    if (!head) {
        return scenario_fail(error, file, 1, "want a group [scenario]");
    }
    if (!scenario_check_group(file, head, scenario_rows, error)) {
        return FALSE;
    }
    scenario->title = g_strdup(scenario_value(head, "title"));
    scenario->report = g_strdup(scenario_value(head, "report"));
    scenario->about = g_strdup(scenario_value(head, "about"));
    return read_variants(scenario, file, error) &&
           check_equals(scenario, file, error);
}

Scenario *scenario_parse(const char *path, const char *text, gsize size,
                         GError **error)
{
    g_autoptr(ScenarioFile) file = scenario_file_parse(path, text, size, error);
    g_autoptr(Scenario) scenario = NULL;

    if (!file) {
        return NULL;
    }
    scenario = g_new0(Scenario, 1);
    scenario->path = g_strdup(path);
    scenario->variants = g_ptr_array_new_with_free_func(variant_free);
    return read_scenario(scenario, file, error) ? g_steal_pointer(&scenario)
                                                : NULL;
}

Scenario *scenario_load(const char *path, GError **error)
{
    g_autoptr(GFile) file = g_file_new_for_path(path);
    g_autoptr(GFileInputStream) stream = g_file_read(file, NULL, error);
    g_autofree char *text = g_malloc(SCENARIO_SIZE_MAX + 1);
    gsize size;

    /* One byte more than may be: the parser refuses the rest unread. */
    if (!stream ||
        !g_input_stream_read_all(G_INPUT_STREAM(stream), text,
                                 SCENARIO_SIZE_MAX + 1, &size, NULL, error)) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    return scenario_parse(path, text, size, error);
}

void scenario_free(Scenario *scenario)
{
    g_free(scenario->path);
    g_free(scenario->title);
    g_free(scenario->report);
    g_free(scenario->about);
    g_ptr_array_unref(scenario->variants);
    g_free(scenario);
}

const Variant *scenario_variant(const Scenario *scenario, const char *name)
{
    for (guint i = 0; i < scenario->variants->len; i++) {
        const Variant *variant = scenario->variants->pdata[i];

        if (!strcmp(variant->name, name)) {
            return variant;
        }
    }
    return NULL;
}
