/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenario pairs of the console device without a guest: what a scenario
 * expects of its driver in a guest holds where the same driver is a program
 * and its machine is played by qtest, and all that is seen is the same again.
 *
 *     test-pairs SCENARIO... [-p /NAME/VARIANT]
 *
 * It cannot see what only a vCPU has: which instruction it was, digests.
 */
#include <string.h>

#include "hw/virtio/ordering.h"
#include "tests/pairs/pair.h"
#include "tests/qtest/qtest-client.h"
#include "tools/scenario-judge.h"

#define VIOLATION "JUMPCUT_ORDERING_VIOLATION"
#define RULE      "rule="

typedef struct PairCase {
    const Scenario *scenario;
    const Variant *variant;
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

static void goes_as_stated_twice(gconstpointer data)
{
    const PairCase *c = data;
    g_autoptr(Pair) pair = pair_run(c->variant);
    g_autoptr(Pair) again = pair_run(c->variant);
    g_autofree char *difference = pair_compare(pair, again);

    tell(pair);
    g_assert_cmpstr(difference, ==, NULL);
    check_expects(c, pair);
    check_info(pair);
}

static void add_scenario(const char *path, GPtrArray *scenarios)
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
        PairCase *c = g_new(PairCase, 1);
        g_autofree char *test = NULL;

        *c = (PairCase){scenario, scenario->variants->pdata[i]};
        test = g_strdup_printf("/%s/%s", name, c->variant->name);
        g_test_add_data_func_full(test, c, goes_as_stated_twice, g_free);
    }
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) scenarios =
        g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free);

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    if (argc < 2) {
        g_error("no SCENARIO given");
    }
    for (int i = 1; i < argc; i++) {
        add_scenario(argv[i], scenarios);
    }
    return g_test_run();
}
