/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps made again under QEMU's qtest, and their answers. */
#ifndef JUMPCUT_TOOLS_QTEST_REPLAY_RUN_H
#define JUMPCUT_TOOLS_QTEST_REPLAY_RUN_H

#include "tools/qtest-replay-steps.h"

typedef struct QtestRun {
    const char *qemu, *plugin, *modules; /* program, file, folder */
    gint64 start_us, steps_us;           /* out: how long they took */
    guint step;                          /* out: the first that differs */
    char *found;                         /* out: its answer, to be freed */
} QtestRun;

typedef enum QtestResult {
    QTEST_RUN_SAME,
    QTEST_RUN_DIFFERS,
    QTEST_RUN_FAILED, /* *@error: QEMU could not be started, or ended */
} QtestResult;

QtestResult qtest_run(const QtestSteps *steps, QtestRun *run, GError **error);

#endif
