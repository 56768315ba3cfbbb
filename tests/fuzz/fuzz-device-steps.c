/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of device-level steps: refused with one line that names a line of the
 * file, or whole steps with a time each and a machine.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tools/qtest-replay-machine.h"
#include "tools/qtest-replay-steps.h"

static void check_steps(QtestSteps *steps)
{
    guint64 last = 0;

    g_assert_cmpuint(steps->requests->len, ==, steps->answers->len);
    g_assert_nonnull(steps->plugin);
    for (guint i = 0; i < steps->requests->len; i++) {
        const char *answer = g_ptr_array_index(steps->answers, i);

        last = MAX(last, qtest_steps_time(steps, i));
        g_assert_null(strpbrk(answer, "|\n"));
    }
    qtest_steps_cut_off(steps, last);
    g_assert_cmpuint(steps->requests->len, ==, steps->answers->len);
}

/* The same bytes as words of a command line. */
static void use_words(const char *text)
{
    GPtrArray *args = g_ptr_array_new_with_free_func(g_free);
    char **argv = g_strsplit(text, "\n", -1);
    char *plugin = qtest_machine_args((const char *const *)argv, args);

    g_assert_true(!plugin || g_str_has_prefix(plugin, "guest="));
    g_assert_cmpuint(args->len, <=, g_strv_length(argv));
    g_free(plugin);
    g_strfreev(argv);
    g_ptr_array_free(args, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = g_strndup((const char *)data, size);
    GError *error = NULL;
    QtestSteps *steps = qtest_steps_parse(text, strlen(text), &error);

    if (steps) {
        g_assert_no_error(error);
        check_steps(steps);
        qtest_steps_free(steps);
    } else {
        g_assert_true(error->domain == QTEST_STEPS_ERROR);
        g_assert_null(strchr(error->message, '\n'));
        g_error_free(error);
    }
    use_words(text);
    g_free(text);
    return 0;
}
