/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of "jumpcut report": what guests saw on both sides of a cut.
 */
#ifndef JUMPCUT_TOOLS_REPORT_TABLE_H
#define JUMPCUT_TOOLS_REPORT_TABLE_H

#include "tools/run-load.h"

#define REPORT_WIDTH 100

void report_table_header(void);
/* One run: its cuts, and how it ended. */
void report_table_run(const Run *run);
void report_table_rule(void);

#endif
