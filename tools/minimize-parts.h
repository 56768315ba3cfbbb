/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recorded run was given, in parts that can be left out.
 */
#ifndef JUMPCUT_TOOLS_MINIMIZE_PARTS_H
#define JUMPCUT_TOOLS_MINIMIZE_PARTS_H

#include <glib.h>

#include "replay/trace.h"

/*
 * A part is an input with what was done at the stop that it led to, or an
 * option --cut or --fault.
 */
typedef struct MinimizeParts MinimizeParts;

MinimizeParts *minimize_parts_load(const char *path, GError **error);
void minimize_parts_free(MinimizeParts *parts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MinimizeParts, minimize_parts_free)

guint minimize_parts_count(const MinimizeParts *parts);
/* "8.000000000 input-qmp jumpcut-cut {}", "--cut=5:tsc=0" */
const char *minimize_parts_name(const MinimizeParts *parts, guint i);
/* Virtual time of the trace's last record. */
gint64 minimize_parts_end_ns(const MinimizeParts *parts);
/*
 * Writes a trace of the parts i with keep[i]: a header, with those options,
 * and inputs.
 */
gboolean minimize_parts_write(const MinimizeParts *parts, const gboolean *keep,
                              const char *path, GError **error);

#endif
