/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core's trace events as QEMU trace events jumpcut_*.
 */
#include "qemu/osdep.h"
#include "trace/control.h"
#include "trace-jumpcut.h"
#include "accel/shim/trace-host.h"

#define TRACE_HOST_EMIT(name, a, b, c, d)                                   \
    static void emit_##name(uint64_t w, uint64_t x, uint64_t y, uint64_t z) \
    {                                                                       \
        trace_jumpcut_##name(w, x, y, z);                                   \
    }
HOST_TRACE_EVENTS(TRACE_HOST_EMIT)
#undef TRACE_HOST_EMIT

static void (*const emitters[])(uint64_t, uint64_t, uint64_t, uint64_t) = {
#define TRACE_HOST_ROW(name, a, b, c, d) [HOST_TRACE_##name] = emit_##name,
    HOST_TRACE_EVENTS(TRACE_HOST_ROW)
#undef TRACE_HOST_ROW
};

void trace_host_event(HostTraceEvent event, uint64_t a, uint64_t b, uint64_t c,
                      uint64_t d)
{
    emitters[event](a, b, c, d);
}

bool trace_host_event_enabled(HostTraceEvent event)
{
    return trace_event_get_state_dynamic(jumpcut_trace_events[event]);
}

/* The pattern of a -trace argument: "[enable=]PATTERN,..." */
static void trace_enable_from_option(const char *arg)
{
    g_auto(GStrv) parts = g_strsplit(arg, ",", -1);

    for (unsigned i = 0; parts[i]; i++) {
        const char *value = parts[i];

        if (g_str_has_prefix(value, "enable=")) {
            value += strlen("enable=");
        } else if (i > 0 || strchr(value, '=')) {
            continue;
        }
        if (g_str_has_prefix(value, "jumpcut_") ||
            g_str_has_prefix(value, "-jumpcut_") || !strcmp(value, "*")) {
            trace_enable_events(value);
        }
    }
}

static void trace_enable_from_command_line(void)
{
    g_autofree char *buf = NULL;
    size_t len;

    if (!g_file_get_contents("/proc/self/cmdline", &buf, &len, NULL)) {
        return;
    }
    for (const char *p = buf; p < buf + len; p += strlen(p) + 1) {
        const char *next = p + strlen(p) + 1;

        if (next >= buf + len) {
            return;
        }
        if (!strcmp(p, "-trace") || !strcmp(p, "--trace") || !strcmp(p, "-T")) {
            trace_enable_from_option(next);
        } else if (!strcmp(p, "-d") || !strcmp(p, "--d")) {
            g_auto(GStrv) items = g_strsplit(next, ",", -1);

            for (unsigned i = 0; items[i]; i++) {
                if (g_str_has_prefix(items[i], "trace:")) {
                    trace_enable_from_option(items[i] + strlen("trace:"));
                }
            }
        }
    }
}

void trace_host_register(void)
{
    trace_event_register_group(jumpcut_trace_events);
    trace_enable_from_command_line();
}
