/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images: refused in one line, or a version that can be printed.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tools/bzimage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BzImage image = {0};
    GError *error = NULL;

    if (bzimage_parse(&image, data, size, &error)) {
        g_assert_no_error(error);
        g_assert_cmpuint(image.protocol, >=, 0x0204);
        for (const char *p = image.version; *p; p++) {
            g_assert_true(g_ascii_isgraph(*p));
        }
    } else {
        g_assert_null(image.version);
        g_assert_null(strchr(error->message, '\n'));
        g_error_free(error);
    }
    bzimage_clear(&image);
    return 0;
}
