/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's samples in a guest's console (format: tools/guest/agent.c).
 */
#ifndef JUMPCUT_TOOLS_AGENT_LOG_H
#define JUMPCUT_TOOLS_AGENT_LOG_H

#include <glib.h>

typedef struct AgentSample {
    guint64 start, end; /* of its line in the console, bytes; end is past it */
    guint nr;
    guint64 printk_us;
    guint64 monotonic_ns, boottime_ns, realtime_ns;
    guint64 tsc;
    char clocksource[32];
} AgentSample;

/*
 * @return: the samples (AgentSample) in @console, in order; g_array_unref()
 * it.  Damaged lines (kernel messages may run into one) are left out.
 */
GArray *agent_log_parse(const char *console, gsize size);
/*
 * The last sample surely taken before byte @at was written, and the first one
 * surely taken after; one being taken at that moment is neither.  NULL: none.
 */
const AgentSample *agent_log_before(const GArray *samples, guint64 at);
const AgentSample *agent_log_after(const GArray *samples, guint64 at);

#endif
