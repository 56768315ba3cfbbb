/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contention: a host that has other things to run.  Each vCPU is held back for
 * a share of each period of virtual time, one after the other.
 *
 * Which vCPU is held when is a function of virtual time alone, so there is
 * nothing to save.
 */
#ifndef JUMPCUT_HW_CLOCK_CONTENTION_H
#define JUMPCUT_HW_CLOCK_CONTENTION_H

#include <glib.h>

#include "hw/host.h"

#define CONTENTION_PERIOD_NS_MIN 100000u      /* 100 us */
#define CONTENTION_PERIOD_NS_MAX 10000000000u /* 10 s */
#define CONTENTION_PERCENT_MAX   90u

/*
 * Of each period, the last @percent hundredths are others'; the periods of N
 * vCPUs are an N-th of a period apart.
 */
typedef struct ContentionSpec {
    gint64 period_ns; /* 0: no contention */
    unsigned percent;
} ContentionSpec;

/*
 * "PERIOD:PERCENT", as in 10ms:30.  The error is HOST_PROFILE_ERROR_VALUE
 * (host-profile.h) and names the part that is wrong.
 */
gboolean contention_parse(ContentionSpec *spec, const char *text,
                          GError **error);

/* Is @vcpu of @nr_vcpus held at @now_ns? *@next_ns: when that changes */
bool contention_held(const ContentionSpec *spec, unsigned vcpu,
                     unsigned nr_vcpus, int64_t now_ns, int64_t *next_ns);

typedef struct Contention Contention;
/* @vcpu is held from now on, or no longer. */
typedef void ContentionFn(void *opaque, unsigned vcpu, bool held);

/* @return: NULL: no timers to be had */
Contention *contention_new(Host *host, const ContentionSpec *spec,
                           unsigned nr_vcpus, ContentionFn *fn, void *opaque);
void contention_free(Contention *c);
/* Begin, or go on after a reset or a load: tells the state of every vCPU. */
void contention_start(Contention *c);

#endif
