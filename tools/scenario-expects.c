/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario expects: reading [expect NAME].
 */
#include <math.h>
#include <string.h>

#include "tools/scenario-internal.h"

static const char *const clocks[] = {"printk",   "monotonic", "boottime",
                                     "realtime", "tsc",       NULL};
static const char *const sides[] = {"before", "after", NULL};
static const char *const endings[] = {"powered-off", "crashed", "reboot",
                                      "timeout", NULL};
static const char *const whats[] = {"console", "digests", "both", NULL};

static KeyCheck check_label, check_text, check_event, check_with;

/* The first EXPECT__MAX are the subjects. */
static const KeyRow expect_rows[] = {
    [EXPECT_PRESENT] = {"present", scenario_check_regex, NULL, FALSE},
    [EXPECT_ABSENT] = {"absent", scenario_check_regex, NULL, FALSE},
    [EXPECT_TEXT] = {"text", check_text, NULL, FALSE},
    [EXPECT_CLOCK] = {"clock", NULL, clocks, FALSE},
    [EXPECT_CLOCKSOURCE] = {"clocksource", scenario_check_present, NULL, FALSE},
    [EXPECT_ENDING] = {"ending", NULL, endings, FALSE},
    [EXPECT_EQUAL] = {"equal", check_label, NULL, FALSE},
    [EXPECT_CUTS] = {"cuts", scenario_check_range, NULL, FALSE},
    [EXPECT_EVENT] = {"event", check_event, NULL, FALSE},
    {"after", check_label, NULL, FALSE},
    {"count", scenario_check_range, NULL, FALSE},
    {"number", scenario_check_range, NULL, FALSE},
    {"cut", check_label, NULL, FALSE},
    {"side", NULL, sides, FALSE},
    {"step", scenario_check_range, NULL, FALSE},
    {"rate", scenario_check_range, NULL, FALSE},
    {"reading", scenario_check_range, NULL, FALSE},
    {"against", NULL, clocks, FALSE},
    {"what", NULL, whats, FALSE},
    {"with", check_with, NULL, FALSE},
    {"variant", NULL, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

/* Which subjects a further key goes with. */
static const struct {
    const char *key;
    unsigned subjects;
} modifiers[] = {
    {"after", 1u << EXPECT_PRESENT},
    {"count", 1u << EXPECT_PRESENT | 1u << EXPECT_EVENT},
    {"number", 1u << EXPECT_PRESENT},
    {"cut", 1u << EXPECT_PRESENT | 1u << EXPECT_ABSENT | 1u << EXPECT_TEXT |
                1u << EXPECT_CLOCK | 1u << EXPECT_CLOCKSOURCE},
    {"side", 1u << EXPECT_PRESENT | 1u << EXPECT_ABSENT | 1u << EXPECT_TEXT |
                 1u << EXPECT_CLOCK | 1u << EXPECT_CLOCKSOURCE},
    {"step", 1u << EXPECT_CLOCK},
    {"rate", 1u << EXPECT_CLOCK},
    {"reading", 1u << EXPECT_CLOCK},
    {"against", 1u << EXPECT_CLOCK},
    {"what", 1u << EXPECT_EQUAL},
    {"with", 1u << EXPECT_EVENT},
};

static gboolean check_label(const KeyPlace *place, GError **error)
{
    for (const char *c = place->entry->value; *c; c++) {
        if (!g_ascii_isalnum(*c) && *c != '-') {
            return scenario_bad_value(place, error,
                                      "want a name of letters, digits and -");
        }
    }
    return scenario_check_present(place, error);
}

static gboolean check_event(const KeyPlace *place, GError **error)
{
    const char *value = place->entry->value;

    return (*value && !value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")]) ||
           scenario_bad_value(place, error,
                              "want the name of a QMP event, as RESET");
}

static gboolean check_with(const KeyPlace *place, GError **error)
{
    g_auto(GStrv) words = g_strsplit(place->entry->value, ",", -1);

    for (size_t i = 0; words[i]; i++) {
        const char *value = strchr(words[i], '=');

        if (!value || value == words[i] || !value[1]) {
            return scenario_bad_value(place, error,
                                      "want MEMBER=VALUE[,MEMBER=VALUE...]");
        }
    }
    return scenario_check_present(place, error);
}

/* A backslash begins an escape of GKeyFile's, so one cannot be the last. */
static gboolean check_text(const KeyPlace *place, GError **error)
{
    const char *value = place->entry->value;
    gsize len = strlen(value), last = 0;

    while (last < len && value[len - 1 - last] == '\\') {
        last++;
    }
    if (last % 2) {
        return scenario_bad_value(place, error, "want no \\ at the end");
    }
    return scenario_check_present(place, error);
}

/* Exactly one subject, and no key that is not of it. */
static gboolean read_subject(const ScenarioFile *file,
                             const ScenarioGroup *group, Expect *expect,
                             GError **error)
{
    unsigned found = 0;

    for (unsigned i = 0; i < EXPECT__MAX; i++) {
        if (scenario_group_entry(group, expect_rows[i].key)) {
            expect->subject = i;
            found++;
        }
    }
    if (found != 1) {
        return scenario_fail(error, file, group->line,
                             "[%s] wants one of present, absent, text, clock, "
                             "clocksource, ending, equal, cuts and event, "
                             "got %u",
                             group->name, found);
    }
    expect->value =
        g_strdup(scenario_value(group, expect_rows[expect->subject].key));
    for (size_t i = 0; i < G_N_ELEMENTS(modifiers); i++) {
        const ScenarioEntry *entry =
            scenario_group_entry(group, modifiers[i].key);

        if (entry && !(modifiers[i].subjects & 1u << expect->subject)) {
            return scenario_fail(error, file, entry->line,
                                 "[%s] %s does not go with %s", group->name,
                                 entry->key, expect_rows[expect->subject].key);
        }
    }
    return TRUE;
}

/* The cut it names, by its place among those of this variant. */
static gboolean read_cut_name(const VariantFile *from,
                              const ScenarioGroup *group, Expect *expect,
                              GError **error)
{
    const ScenarioEntry *entry = scenario_group_entry(group, "cut");
    const char *side = scenario_value(group, "side");
    KeyPlace place = {from->file, group, entry};

    for (guint i = 0; entry && i < from->cuts->len; i++) {
        const ScenarioGroup *cut = from->cuts->pdata[i];

        if (!strcmp(scenario_label(cut->name, "cut"), entry->value)) {
            expect->cut = i + 1;
        }
    }
    if (entry && !expect->cut) {
        return scenario_bad_value(&place, error, "there is no [cut %s]",
                                  entry->value);
    }
    if (side && !entry) {
        return scenario_fail(error, from->file, group->line,
                             "[%s] side wants a key 'cut'", group->name);
    }
    if (side) {
        expect->side = *side == 'b' ? SIDE_BEFORE : SIDE_AFTER;
    }
    return TRUE;
}

static void read_range(const ScenarioGroup *group, const char *key,
                       Range *range)
{
    const char *value = scenario_value(group, key);

    if (value) {
        scenario_range_parse(value, range);
    }
}

static gboolean read_console(const VariantFile *from,
                             const ScenarioGroup *group, Expect *expect,
                             GError **error)
{
    const ScenarioEntry *entry;

    expect->regex = scenario_regex(expect->value, NULL);
    expect->after = g_strdup(scenario_value(group, "after"));
    read_range(group, "count", &expect->count);
    read_range(group, "number", &expect->number);
    entry = scenario_group_entry(group, "number");
    if (entry && !g_regex_get_capture_count(expect->regex)) {
        return scenario_fail(error, from->file, entry->line,
                             "[%s] number wants a ( ) in present", group->name);
    }
    return TRUE;
}

static gboolean read_clock(const VariantFile *from, const ScenarioGroup *group,
                           Expect *expect, GError **error)
{
    static const struct {
        const char *key;
        ExpectMeasure measure;
    } measures[] = {
        {"step", MEASURE_STEP},
        {"rate", MEASURE_RATE},
        {"reading", MEASURE_READING},
    };
    unsigned found = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(measures); i++) {
        if (scenario_group_entry(group, measures[i].key)) {
            expect->measure = measures[i].measure;
            read_range(group, measures[i].key, &expect->range);
            found++;
        }
    }
    expect->against = g_strdup(scenario_value(group, "against"));
    if (found != 1) {
        return scenario_fail(error, from->file, group->line,
                             "[%s] clock wants one of step, rate and reading, "
                             "got %u",
                             group->name, found);
    }
    if ((expect->measure == MEASURE_RATE) != (expect->against != NULL)) {
        return scenario_fail(error, from->file, group->line,
                             "[%s] rate and against want each other",
                             group->name);
    }
    if (expect->measure == MEASURE_STEP && !expect->cut) {
        return scenario_fail(error, from->file, group->line,
                             "[%s] step wants a key 'cut'", group->name);
    }
    return TRUE;
}

static gboolean read_more(const VariantFile *from, const ScenarioGroup *group,
                          Expect *expect, GError **error)
{
    const char *what, *with;

    switch (expect->subject) {
    case EXPECT_PRESENT:
    case EXPECT_ABSENT:
        return read_console(from, group, expect, error);
    case EXPECT_TEXT:
        /* Lines are separated by "\n", as GKeyFile writes it. */
        g_free(expect->value);
        expect->value = g_strcompress(scenario_value(group, "text"));
        return TRUE;
    case EXPECT_CLOCK:
        return read_clock(from, group, expect, error);
    case EXPECT_EQUAL:
        what = scenario_value(group, "what");
        expect->console = !what || *what != 'd';
        expect->digests = !what || *what != 'c';
        return TRUE;
    case EXPECT_EVENT:
        expect->count = (Range){.set = TRUE, .low = 1, .high = HUGE_VAL};
        read_range(group, "count", &expect->count);
        with = scenario_value(group, "with");
        expect->with = with ? g_strsplit(with, ",", -1) : NULL;
        return TRUE;
    case EXPECT_CUTS:
        read_range(group, "cuts", &expect->count);
        return TRUE;
    default:
        return TRUE;
    }
}

/* "after" names an expectation of the console that stands before. */
static gboolean check_after(const VariantFile *from, const Variant *variant,
                            const Expect *expect, GError **error)
{
    for (guint i = 0; expect->after && i < variant->expects->len; i++) {
        const Expect *other = variant->expects->pdata[i];

        if (!strcmp(scenario_label(other->name, "expect"), expect->after)) {
            if (other != expect && other->subject == EXPECT_PRESENT) {
                return TRUE;
            }
            break;
        }
    }
    return !expect->after ||
           scenario_fail(error, from->file, expect->line,
                         "[%s] after=%s: want the name of an [expect] with "
                         "present that stands before this one",
                         expect->name, expect->after);
}

gboolean scenario_read_expects(const VariantFile *from, Variant *variant,
                               GError **error)
{
    for (guint i = 0; i < from->expects->len; i++) {
        const ScenarioGroup *group = from->expects->pdata[i];
        Expect *expect = g_new0(Expect, 1);

        g_ptr_array_add(variant->expects, expect);
        expect->name = g_strdup(group->name);
        expect->line = group->line;
        if (!scenario_check_group(from->file, group, expect_rows, error) ||
            !read_subject(from->file, group, expect, error) ||
            !read_cut_name(from, group, expect, error) ||
            !read_more(from, group, expect, error) ||
            !check_after(from, variant, expect, error)) {
            return FALSE;
        }
    }
    if (!variant->expects->len) {
        return scenario_fail(error, from->file, 1,
                             "nothing is expected of variant '%s': want "
                             "[expect NAME]",
                             variant->name);
    }
    return TRUE;
}
