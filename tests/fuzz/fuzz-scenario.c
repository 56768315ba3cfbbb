/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenario files: refused in one line that names the file and a line of it, or
 * with options, a kernel and something expected of each variant.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "tools/scenario.h"

static void check_refusal(const GError *error, unsigned lines)
{
    unsigned line;
    char *end;

    g_assert_true(error->domain == SCENARIO_ERROR);
    g_assert_true(g_str_has_prefix(error->message, "FILE:"));
    g_assert_null(strchr(error->message, '\n'));
    line = strtoul(error->message + strlen("FILE:"), &end, 10);
    g_assert_cmpuint(line, >=, 1);
    g_assert_cmpuint(line, <=, lines);
    g_assert_true(g_str_has_prefix(end, ": "));
}

static void check_variant(const Variant *variant)
{
    g_assert_cmpuint(strlen(variant->kernel), >, 0);
    g_assert_cmpuint(variant->expects->len, >, 0);
    for (size_t i = 0; variant->options[i]; i++) {
        g_assert_true(g_str_has_prefix(variant->options[i], "--"));
    }
    for (guint i = 0; i < variant->steps->len; i++) {
        const Step *step = variant->steps->pdata[i];

        g_assert_true((step->when != NULL) == (step->at_ns < 0));
        g_assert_true((step->cut != NULL) == (step->command == NULL));
        g_assert_true((step->arguments != NULL) == (step->command != NULL));
    }
    for (guint i = 0; i < variant->expects->len; i++) {
        const Expect *expect = variant->expects->pdata[i];

        g_assert_nonnull(expect->value);
        g_assert_true((expect->subject <= EXPECT_ABSENT) ==
                      (expect->regex != NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GError *error = NULL;
    Scenario *scenario =
        scenario_parse("FILE", (const char *)data, size, &error);
    unsigned lines = 1;

    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n';
    }
    if (!scenario) {
        check_refusal(error, lines);
        g_error_free(error);
        return 0;
    }
    g_assert_no_error(error);
    g_assert_cmpuint(scenario->variants->len, >, 0);
    for (guint i = 0; i < scenario->variants->len; i++) {
        check_variant(scenario->variants->pdata[i]);
    }
    scenario_free(scenario);
    return 0;
}
