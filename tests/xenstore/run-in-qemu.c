/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit test as a plugin: QEMU runs it where it would set up a guest's
 * hypervisor, and exits with its result.
 */
#include "qemu/osdep.h"
#include "qemu/qemu-plugin.h"

/* The test's main(), see meson.build. */
int unit_main(int argc, char **argv);

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* Each "test-arg=TEXT" of the plugin is an argument of the test. */
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                           const qemu_info_t *info, int argc,
                                           char **argv)
{
    g_autoptr(GPtrArray) args = g_ptr_array_new();

    g_ptr_array_add(args, (char *)"unit-test");
    for (int i = 0; i < argc; i++) {
        if (!g_str_has_prefix(argv[i], "test-arg=")) {
            fprintf(stderr, "unit-test: '%s' is not test-arg=TEXT\n", argv[i]);
            return 1;
        }
        g_ptr_array_add(args, argv[i] + strlen("test-arg="));
    }
    exit(unit_main(args->len, (char **)args->pdata));
}
