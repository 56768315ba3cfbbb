/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of a recorded run, without what only a guest needs. */
#include <string.h>

#include "tools/qtest-replay-machine.h"

/* Options of QEMU's that decide what a board, memory or vCPUs are. */
static const char *const kept[] = {
    "-machine", "-M", "-cpu", "-smp", "-m", "-rtc", "-seed", "-uuid", "-numa",
};
static const char *const kept_alone[] = {"-nodefaults", "-no-user-config"};

/* Of the plugin: what a run does, not what its guest finds. */
static const char *const dropped_keys[] = {
    "file",   "record",        "replay",     "level",
    "gate",   "pace",          "checkpoint", "from",
    "digest", "digest-verify", "handover",   "console",
    "cut",    "device-replay", "device-log", "xen-log",
};

static gboolean is_in(const char *word, const char *const *table, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (!strcmp(word, table[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Up to a comma that is not doubled. @return: where the next begins, or NULL */
static const char *next_option(const char *at, GString *option)
{
    g_string_truncate(option, 0);
    for (; *at; at++) {
        if (*at == ',' && at[1] != ',') {
            return at + 1;
        }
        g_string_append_c(option, *at);
        if (*at == ',') {
            g_string_append_c(option, *++at);
        }
    }
    return NULL;
}

static char *plugin_options(const char *value)
{
    g_autoptr(GString) option = g_string_new(NULL);
    g_autoptr(GString) out = g_string_new(NULL);

    while (value) {
        g_autofree char *key = NULL;

        value = next_option(value, option);
        key = g_strndup(option->str, strcspn(option->str, "="));
        /* The plugin's file may be named without a key. */
        if (!*key || !strchr(option->str, '=') ||
            is_in(key, dropped_keys, G_N_ELEMENTS(dropped_keys))) {
            continue;
        }
        g_string_append_printf(out, "%s%s", out->len ? "," : "", option->str);
    }
    return out->len ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

char *qtest_machine_args(const char *const *argv, GPtrArray *args)
{
    char *plugin = NULL;

    for (gsize i = 0; argv[i]; i++) {
        if (is_in(argv[i], kept_alone, G_N_ELEMENTS(kept_alone))) {
            g_ptr_array_add(args, g_strdup(argv[i]));
        }
        if (!argv[i + 1]) {
            break;
        }
        if (is_in(argv[i], kept, G_N_ELEMENTS(kept))) {
            g_ptr_array_add(args, g_strdup(argv[i]));
            g_ptr_array_add(args, g_strdup(argv[++i]));
        } else if (!strcmp(argv[i], "-plugin")) {
            g_autofree char *options = plugin_options(argv[++i]);

            if (options && !plugin && g_str_has_prefix(options, "guest=")) {
                plugin = g_steal_pointer(&options);
            }
        } else if (!strcmp(argv[i], "-append")) {
            i++;
        }
    }
    return plugin;
}
