/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of runs: refused with a reason that names the file, or whole.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tools/run-load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* As g_file_get_contents() gives it: with a NUL behind the end. */
    char *text = g_malloc(size + 1);
    GError *error = NULL;
    Run *run;

    memcpy(text, data, size);
    text[size] = '\0';
    run = run_parse("a.json", text, size, &error);
    if (run) {
        g_assert_no_error(error);
        g_assert_nonnull(run->configuration);
        g_assert_nonnull(run->kernel_version);
        g_assert_nonnull(run->ending);
        g_assert_nonnull(run->console_path);
        g_assert_nonnull(run->console_sha256);
        for (guint i = 0; i < run->digests->len; i++) {
            g_assert_nonnull(g_array_index(run->digests, RunDigest, i).sha256);
        }
        run_free(run);
    } else {
        g_assert_true(g_str_has_prefix(error->message, "a.json: "));
        g_error_free(error);
    }
    g_free(text);
    return 0;
}
