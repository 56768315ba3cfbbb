/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the plugin: -plugin jumpcut.so,KEY=VALUE,...
 */
#ifndef JUMPCUT_PLUGINS_OPTIONS_H
#define JUMPCUT_PLUGINS_OPTIONS_H

#include "accel/shim/guest.h"

typedef struct PluginOptions {
    GuestOptions guest; /* kind NULL: no guest of ours; its strings and arrays
                           are this struct's */
    bool help;
} PluginOptions;

/*
 * @argv: "key=value" each, as QEMU hands them to a plugin.
 * @return: false and *@error naming the option; *@options is then empty.
 */
bool plugin_options_parse(PluginOptions *options, int argc, char **argv,
                          GError **error);
void plugin_options_clear(PluginOptions *options);
/* One line an option, newly allocated. */
char *plugin_options_help(void);

#endif
