/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A variant of a scenario, run without a guest.
 */
#ifndef JUMPCUT_TESTS_PAIRS_PAIR_H
#define JUMPCUT_TESTS_PAIRS_PAIR_H

#include <json-glib/json-glib.h>

#include "tools/run-load.h"
#include "tools/scenario.h"

/* All that is seen of a run. */
typedef struct Pair {
    Run *run;       /* console, ending, events, end; nothing of a host */
    char *report;   /* what the payload wrote to port 0xe9 */
    JsonNode *info; /* what query-virtio-serial-mq says at the end */
} Pair;

/*
 * Runs the driver that @variant names as payload:NAME; it is the module
 * pair-NAME.so beside this program.  A variant that is more than a driver and
 * its device (cuts, faults, inputs, another guest) ends the program.
 */
Pair *pair_run(const Variant *variant);
/* The same with one more provocation; NULL: none. */
Pair *pair_run_provoked(const Variant *variant, const char *spec);
void pair_free(Pair *pair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pair, pair_free)

/*
 * @return: NULL if all that is seen of both is the same, else the difference;
 * g_free() it.  Of the events those that tell their virtual time: QEMU tells
 * DEVICE_DELETED from a thread of its own.
 */
char *pair_compare(const Pair *pair, const Pair *other);

#endif
