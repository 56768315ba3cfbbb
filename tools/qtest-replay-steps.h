/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device-level steps and the machine they were made on, from a trace or from
 * lines (docs/device-records.rst).
 */
#ifndef JUMPCUT_TOOLS_QTEST_REPLAY_STEPS_H
#define JUMPCUT_TOOLS_QTEST_REPLAY_STEPS_H

#include <glib.h>

typedef struct QtestSteps {
    GPtrArray *args;     /* QEMU's, without accelerator and plugin */
    char *plugin;        /* options of the plugin, "guest=..." */
    GPtrArray *requests; /* one line each, without its end */
    GPtrArray *answers;  /* as many */
    gboolean complete;   /* the file has its end */
} QtestSteps;

#define QTEST_STEPS_ERROR (g_quark_from_static_string("jumpcut-qtest-steps"))

/* First line of a file of lines. */
#define QTEST_STEPS_MAGIC "# jumpcut device steps 1"

/* @error: one line that names the file, and the line or offset in it */
QtestSteps *qtest_steps_load(const char *path, GError **error);
/* The same of @len bytes of lines; errors name the line alone. */
QtestSteps *qtest_steps_parse(const char *text, size_t len, GError **error);
void qtest_steps_free(QtestSteps *steps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QtestSteps, qtest_steps_free)

/* Virtual time of step @i, ns */
guint64 qtest_steps_time(const QtestSteps *steps, guint i);
/* Leave out what comes after @at_ns. */
void qtest_steps_cut_off(QtestSteps *steps, guint64 at_ns);

#endif
