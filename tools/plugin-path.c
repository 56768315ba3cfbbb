/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the plugin and the qtest accelerator are. */
#include <glib.h>

#include "tools/plugin-path.h"

#define MODULE "accel-qtest-x86_64.so"

char *plugin_path_default(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *dir = self ? g_path_get_dirname(self) : NULL;

    if (dir) {
        g_autofree char *beside =
            g_build_filename(dir, "..", "plugins", "jumpcut.so", NULL);

        if (g_file_test(beside, G_FILE_TEST_IS_REGULAR)) {
            return g_canonicalize_filename(beside, NULL);
        }
    }
    return g_strdup(JUMPCUT_PLUGIN);
}

char *plugin_path_modules(const char *plugin)
{
    g_autofree char *dir = g_path_get_dirname(plugin);
    g_autofree char *built =
        g_build_filename(dir, "..", "accel", "qtest", NULL);
    g_autofree char *module = g_build_filename(built, MODULE, NULL);

    return g_canonicalize_filename(
        g_file_test(module, G_FILE_TEST_IS_REGULAR) ? built : dir, NULL);
}
