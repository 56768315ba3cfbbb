/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's console: samples lie in it, in order, and whatever byte a cut is
 * at, none is on both sides of it.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tools/agent-log.h"

static void check_sample(const AgentSample *s, guint64 from, gsize size)
{
    g_assert_cmpuint(s->start, >=, from);
    g_assert_cmpuint(s->start, <, s->end);
    g_assert_cmpuint(s->end, <=, size);
    g_assert_cmpuint(strlen(s->clocksource), >, 0);
    g_assert_cmpuint(strlen(s->clocksource), <, sizeof(s->clocksource));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GArray *samples = agent_log_parse((const char *)data, size);
    guint64 end = 0;

    for (guint i = 0; i < samples->len; i++) {
        const AgentSample *s = &g_array_index(samples, AgentSample, i);

        check_sample(s, end, size);
        end = s->end;
        g_assert_true(agent_log_after(samples, s->start) == s);
        g_assert_true(agent_log_before(samples, s->end) == s);
        g_assert_true(agent_log_after(samples, s->start + 1) != s);
        g_assert_true(agent_log_before(samples, s->end - 1) != s);
    }
    g_array_unref(samples);
    return 0;
}
