/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps as a test of their own. */
#ifndef JUMPCUT_TOOLS_QTEST_REPLAY_EMIT_H
#define JUMPCUT_TOOLS_QTEST_REPLAY_EMIT_H

#include "tools/qtest-replay-steps.h"

/* The lines that qtest_steps_load() takes. */
void qtest_emit_lines(const QtestSteps *steps, GString *out);
/* A C program that needs a C library only; it says of itself how to use it. */
void qtest_emit_c(const QtestSteps *steps, GString *out);

#endif
