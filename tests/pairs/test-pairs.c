/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenario pairs of the console device without a guest: what a scenario
 * expects of its driver in a guest holds where the same driver is a program
 * and its machine is played by qtest, and all that is seen is the same again.
 *
 *     test-pairs [--guests=DIR | --sweep[=EVENT]] SCENARIO... [-p /NAME/...]
 *
 * With what "jumpcut run --output=DIR" left of the guests each runs once and
 * has to do what its guest did, but for the time.
 *
 * --sweep: provokes each variant "good" in all legal ways, at every step; or at
 * every event of a kind.
 *
 * It cannot see what only a vCPU has: which instruction it was, digests.
 */
#include <string.h>

#include "hw/virtio/ordering.h"
#include "tests/pairs/pair.h"
#include "tests/pairs/sweep.h"
#include "tests/qtest/qtest-client.h"
#include "tools/scenario-judge.h"

#define VIOLATION "JUMPCUT_ORDERING_VIOLATION"
#define RULE      "rule="

#define GUESTS "--guests="
#define SWEEP  "--sweep"
#define GOOD   "good"

typedef struct PairCase {
    const Scenario *scenario;
    const Variant *variant;
    char *guest; /* path of its record; NULL: not to be compared */
} PairCase;

static void tell(const Pair *pair)
{
    g_auto(GStrv) lines = g_strsplit(pair->run->console, "\r\n", -1);

    for (size_t i = 0; lines[i]; i++) {
        if (*lines[i]) {
            g_test_message("%s", lines[i]);
        }
    }
    for (guint i = 0; i < pair->run->events->len; i++) {
        g_autofree char *event = g_strjoinv(" ", pair->run->events->pdata[i]);

        g_test_message("%s", event);
    }
}

/* No scenario of a device has such an expectation. */
static const Run *no_other(const char *variant, gpointer opaque)
{
    (void)variant;
    (void)opaque;
    return NULL;
}

static bool is_rule(const char *name)
{
    size_t n;
    const OrderingRule *rules = ordering_rules(&n);

    for (size_t i = 0; i < n; i++) {
        if (!strcmp(rules[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* A rule that there is not is never broken. */
static void check_rules(const Expect *expect)
{
    for (size_t i = 0; expect->with && expect->with[i]; i++) {
        if (g_str_has_prefix(expect->with[i], RULE)) {
            g_assert_true(is_rule(expect->with[i] + strlen(RULE)));
        }
    }
}

static void check_expects(const PairCase *c, const Pair *pair)
{
    for (guint i = 0; i < c->variant->expects->len; i++) {
        const Expect *expect = c->variant->expects->pdata[i];
        g_autofree char *why =
            scenario_judge(c->variant, expect, pair->run, no_other, NULL);

        check_rules(expect);
        if (why) {
            g_test_message("%s:%u: [%s]: %s", c->scenario->path, expect->line,
                           expect->name, why);
            g_test_fail();
        }
    }
}

static guint events_of(const Run *run, const char *rule)
{
    g_autofree char *word = g_strconcat(RULE, rule, NULL);
    guint n = 0;

    for (guint i = 0; i < run->events->len; i++) {
        char **words = run->events->pdata[i];

        n += !strcmp(words[0], VIOLATION) &&
             g_strv_contains((const char *const *)words, word);
    }
    return n;
}

/* The device counts what its events told, and each provocation happened. */
static void check_info(const Pair *pair)
{
    JsonArray *devices = json_node_get_array(pair->info);
    JsonObject *info = json_array_get_object_element(devices, 0);
    JsonArray *violations = json_object_get_array_member(info, "violations");
    JsonArray *provocations =
        json_object_get_array_member(info, "provocations");

    g_assert_cmpint(json_object_get_int_member(info, "events-kept-back"), ==,
                    0);
    for (guint i = 0; i < json_array_get_length(violations); i++) {
        JsonObject *o = json_array_get_object_element(violations, i);

        g_assert_cmpint(
            json_object_get_int_member(o, "count"), ==,
            events_of(pair->run, json_object_get_string_member(o, "rule")));
    }
    for (guint i = 0; i < json_array_get_length(provocations); i++) {
        JsonObject *o = json_array_get_object_element(provocations, i);

        g_test_message("%" G_GINT64_FORMAT " times: %s",
                       json_object_get_int_member(o, "count"),
                       json_object_get_string_member(o, "spec"));
        g_assert_cmpint(json_object_get_int_member(o, "count"), >, 0);
    }
}

/* Of each line: what is behind its stamp. */
static char *without_stamps(const char *console)
{
    g_autoptr(GRegex) stamp =
        g_regex_new("\\r|^\\[ *\\d+\\.\\d+\\] ", G_REGEX_MULTILINE, 0, NULL);

    return g_regex_replace_literal(stamp, console, -1, 0, "", 0, NULL);
}

static bool is_of_a_guest(const char *word)
{
    static const char *const own[] = {"virtual-ns=", "vcpu=", "rip=", NULL};

    for (size_t i = 0; own[i]; i++) {
        if (g_str_has_prefix(word, own[i])) {
            return true;
        }
    }
    return false;
}

/* The breaches in @events, without when and which instruction it was. */
static char *breaches(const GPtrArray *events)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < events->len; i++) {
        char **words = events->pdata[i];

        if (strcmp(words[0], VIOLATION)) {
            continue;
        }
        for (size_t j = 1; words[j]; j++) {
            if (!is_of_a_guest(words[j])) {
                g_string_append_printf(text, "%s ", words[j]);
            }
        }
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

static char *contents(const char *guest, const char *suffix)
{
    g_autofree char *path = g_strconcat(guest, suffix, NULL);
    g_autoptr(GError) error = NULL;
    char *text;

    if (!g_file_get_contents(path, &text, NULL, &error)) {
        g_error("%s", error->message);
    }
    return text;
}

static GPtrArray *events_in(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GPtrArray *events =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

    for (size_t i = 0; lines[i] && *lines[i]; i++) {
        g_ptr_array_add(events, g_strsplit(lines[i], "\t", -1));
    }
    return events;
}

static void check_guest(const PairCase *c, const Pair *pair)
{
    g_autofree char *console = contents(c->guest, ".console");
    g_autofree char *guest_lines = without_stamps(console);
    g_autofree char *lines = without_stamps(pair->run->console);
    g_autofree char *text = contents(c->guest, ".events");
    g_autoptr(GPtrArray) events = events_in(text);
    g_autofree char *guest_breaches = breaches(events);
    g_autofree char *own_breaches = breaches(pair->run->events);

    g_assert_cmpstr(lines, ==, guest_lines);
    g_assert_cmpstr(own_breaches, ==, guest_breaches);
}

static void check(const PairCase *c, const Pair *pair)
{
    tell(pair);
    check_expects(c, pair);
    check_info(pair);
}

static void goes_as_the_guest_did(gconstpointer data)
{
    const PairCase *c = data;
    g_autoptr(Pair) pair = pair_run(c->variant);

    check(c, pair);
    check_guest(c, pair);
}

static void goes_as_stated_twice(gconstpointer data)
{
    const PairCase *c = data;
    g_autoptr(Pair) pair = pair_run(c->variant);
    g_autoptr(Pair) again = pair_run(c->variant);
    g_autofree char *difference = pair_compare(pair, again);

    check(c, pair);
    g_assert_cmpstr(difference, ==, NULL);
}

static void free_case(gpointer data)
{
    PairCase *c = data;

    g_free(c->guest);
    g_free(c);
}

typedef struct Options {
    const char *guests; /* folder, or NULL */
    const char *sweep;  /* kind of event, empty: each; NULL: no sweep */
} Options;

static void add_variant(const char *name, const PairCase *of,
                        const Options *options)
{
    g_autofree char *test = g_strdup_printf("/%s/%s", name, of->variant->name);
    PairCase *c;

    if (options->sweep) {
        if (!strcmp(of->variant->name, GOOD)) {
            sweep_add(test, of->variant, options->sweep);
        }
        return;
    }
    c = g_new(PairCase, 1);
    *c = *of;
    if (options->guests) {
        c->guest = g_strdup_printf("%s/%s-%s-1.json", options->guests, name,
                                   of->variant->name);
    }
    g_test_add_data_func_full(
        test, c, c->guest ? goes_as_the_guest_did : goes_as_stated_twice,
        free_case);
}

static void add_scenario(const char *path, const Options *options,
                         GPtrArray *scenarios)
{
    g_autoptr(GError) error = NULL;
    Scenario *scenario = scenario_load(path, &error);
    g_autofree char *name = g_path_get_basename(path);
    char *dot = strrchr(name, '.');

    if (!scenario) {
        g_error("%s", error->message);
    }
    if (dot) {
        *dot = '\0';
    }
    g_ptr_array_add(scenarios, scenario);
    for (guint i = 0; i < scenario->variants->len; i++) {
        PairCase c = {scenario, scenario->variants->pdata[i], NULL};

        add_variant(name, &c, options);
    }
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) scenarios =
        g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free);
    Options options = {0};
    int first = 1;

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (; first < argc && g_str_has_prefix(argv[first], "--"); first++) {
        if (g_str_has_prefix(argv[first], GUESTS)) {
            options.guests = argv[first] + strlen(GUESTS);
        } else if (!strcmp(argv[first], SWEEP)) {
            options.sweep = "";
        } else if (g_str_has_prefix(argv[first], SWEEP "=")) {
            options.sweep = argv[first] + strlen(SWEEP "=");
        } else {
            g_error("%s: no such option", argv[first]);
        }
    }
    if (first >= argc) {
        g_error("no SCENARIO given");
    }
    for (int i = first; i < argc; i++) {
        add_scenario(argv[i], &options, scenarios);
    }
    return g_test_run();
}
