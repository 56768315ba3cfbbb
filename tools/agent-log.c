/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's samples in a guest's console.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/agent-log.h"

#define LINE_START   "JUMPCUT sample="
#define LINE_MAX_LEN 512u

/* @return: whether the @len bytes at @line are one whole sample. */
static gboolean sample_parse(AgentSample *s, const char *line, gsize len)
{
    char text[LINE_MAX_LEN];
    int end = 0;

    if (len >= sizeof(text)) {
        return FALSE;
    }
    memcpy(text, line, len);
    text[len] = '\0';
    return sscanf(text,
                  LINE_START "%u printk_us=%" SCNu64 " monotonic_ns=%" SCNu64
                             " boottime_ns=%" SCNu64 " realtime_ns=%" SCNu64
                             " tsc=%" SCNu64 " clocksource=%31s end%n",
                  &s->nr, &s->printk_us, &s->monotonic_ns, &s->boottime_ns,
                  &s->realtime_ns, &s->tsc, s->clocksource, &end) == 7 &&
           end && (text[end] == '\0' || text[end] == '\r');
}

GArray *agent_log_parse(const char *console, gsize size)
{
    GArray *samples = g_array_new(FALSE, TRUE, sizeof(AgentSample));
    gsize at = 0;

    while (at < size) {
        const char *newline = memchr(console + at, '\n', size - at);
        gsize end = newline ? (gsize)(newline - console) : size;
        AgentSample sample = {.start = at, .end = newline ? end + 1 : end};

        if (newline && sample_parse(&sample, console + at, end - at)) {
            g_array_append_val(samples, sample);
        }
        at = end + 1;
    }
    return samples;
}

const AgentSample *agent_log_before(const GArray *samples, guint64 at)
{
    for (guint i = samples->len; i > 0; i--) {
        const AgentSample *s = &g_array_index(samples, AgentSample, i - 1);

        if (s->end <= at) {
            return s;
        }
    }
    return NULL;
}

const AgentSample *agent_log_after(const GArray *samples, guint64 at)
{
    for (guint i = 0; i < samples->len; i++) {
        const AgentSample *s = &g_array_index(samples, AgentSample, i);

        if (s->start >= at) {
            return s;
        }
    }
    return NULL;
}
