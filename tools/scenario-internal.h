/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the readers of a scenario's groups share.
 */
#ifndef JUMPCUT_TOOLS_SCENARIO_INTERNAL_H
#define JUMPCUT_TOOLS_SCENARIO_INTERNAL_H

#include "tools/scenario-keys.h"

/* The groups that one variant has, overrides applied. */
typedef struct VariantFile {
    const ScenarioFile *file;
    GPtrArray *cuts;    /* of ScenarioGroup, in order of time */
    GPtrArray *faults;  /* of ScenarioGroup */
    GPtrArray *expects; /* of ScenarioGroup, in the file's order */
} VariantFile;

/* Is @name "KIND LABEL"?  @return: LABEL, or NULL. */
const char *scenario_label(const char *name, const char *kind);

/* Fills in kernel, initrd and options. */
gboolean scenario_read_guest(const VariantFile *from, Variant *variant,
                             GError **error);
/* Adds to variant->expects. */
gboolean scenario_read_expects(const VariantFile *from, Variant *variant,
                               GError **error);

#endif
