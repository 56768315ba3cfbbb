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
    GPtrArray *cuts;     /* of ScenarioGroup, in order of time */
    GPtrArray *faults;   /* of ScenarioGroup */
    GPtrArray *inputs;   /* of ScenarioGroup */
    GPtrArray *provokes; /* of ScenarioGroup */
    GPtrArray *expects;  /* of ScenarioGroup, in the file's order */
} VariantFile;

/* Is @name "KIND LABEL"?  @return: LABEL, or NULL. */
const char *scenario_label(const char *name, const char *kind);

/* Adds an input to variant->steps. */
gboolean scenario_read_input(const ScenarioFile *file,
                             const ScenarioGroup *group, Variant *variant,
                             GError **error);
/*
 * A step of @group, at its "at" or "when", of which it must have one; it is
 * added to variant->steps.  @return: NULL and @error if it has not.
 */
Step *scenario_step_new(const ScenarioFile *file, const ScenarioGroup *group,
                        Variant *variant, GError **error);

/* Fills in kernel, initrd, options and steps. */
gboolean scenario_read_guest(const VariantFile *from, Variant *variant,
                             GError **error);
/* Adds what its device does to variant->qemu, which has been read. */
gboolean scenario_read_provokes(const VariantFile *from, Variant *variant,
                                GError **error);
/* Adds to variant->expects. */
gboolean scenario_read_expects(const VariantFile *from, Variant *variant,
                               GError **error);

#endif
