/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the plugin and the qtest accelerator are. */
#ifndef JUMPCUT_TOOLS_PLUGIN_PATH_H
#define JUMPCUT_TOOLS_PLUGIN_PATH_H

/* Beside this program in the build directory, else where it is installed. */
char *plugin_path_default(void);
/* The folder of accel-qtest-x86_64.so that goes with @plugin. */
char *plugin_path_modules(const char *plugin);

#endif
