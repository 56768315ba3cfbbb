/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "jumpcut replay" tells people on standard error.
 */
#ifndef JUMPCUT_TOOLS_REPLAY_REPORT_H
#define JUMPCUT_TOOLS_REPLAY_REPORT_H

#include <json-glib/json-glib.h>

#include "tools/command.h"

typedef struct ReplayCounts {
    gint64 digests;
    gint64 inputs;
} ReplayCounts;

/*
 * @info: query-jumpcut-replay's answer, here and below; @earlier: what QEMUs
 * before that one have counted
 */
void replay_report_progress(JsonNode *info, const ReplayCounts *earlier);
/*
 * How it ended: a summary, or the divergence.
 * @reached: it was stopped where it was to
 * @return: STATUS_OK, STATUS_DIVERGED or STATUS_INCOMPLETE
 */
ExitStatus replay_report_end(const char *trace, JsonNode *info,
                             const ReplayCounts *earlier, int reached);

#endif
