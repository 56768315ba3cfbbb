/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that a device may do, at every step of a driver.
 */
#ifndef JUMPCUT_TESTS_PAIRS_SWEEP_H
#define JUMPCUT_TESTS_PAIRS_SWEEP_H

#include "tools/scenario.h"

/*
 * Adds a test for each legal kind of provocation and each kind of event: the
 * driver of @variant, which has no bug, is provoked at the first such event,
 * at the second, until there are no more.  It has to live, and to break no
 * rule.
 * @name: of the tests, "/SCENARIO/VARIANT"; @variant outlives them
 * @event: only that kind, "control-rx"; empty: each
 */
void sweep_add(const char *name, const Variant *variant, const char *event);

#endif
