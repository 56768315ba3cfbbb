/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of a recorded run, without what only a guest needs. */
#ifndef JUMPCUT_TOOLS_QTEST_REPLAY_MACHINE_H
#define JUMPCUT_TOOLS_QTEST_REPLAY_MACHINE_H

#include <glib.h>

/*
 * Of QEMU's command line @argv (NULL-terminated, argv[0] left out) what makes
 * its board, memory and vCPUs goes to @args.
 * @return: the options of its plugin of ours, without those of one run; NULL:
 * there is none
 */
char *qtest_machine_args(const char *const *argv, GPtrArray *args);

#endif
