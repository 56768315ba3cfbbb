/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults that wait for their virtual time.
 */
#ifndef JUMPCUT_HW_FAULT_FAULTS_H
#define JUMPCUT_HW_FAULT_FAULTS_H

#include "hw/fault/fault-spec.h"
#include "hw/host.h"
#include "hw/state.h"

/* Faults that wait; they are part of the migration state. */
#define FAULTS_MAX 4096u

typedef struct Faults Faults;
/*
 * The time of @spec has come.  A fault that cannot be (the guest has no such
 * record now) is a no-op that sets @error.
 */
typedef gboolean FaultFn(void *opaque, const FaultSpec *spec, GError **error);
/* Told of a fault that could not be. */
typedef void FaultFailFn(void *opaque, const FaultSpec *spec,
                         const GError *error);

/* @return: NULL: no timer to be had */
Faults *faults_new(Host *host, FaultFn *fn, FaultFailFn *failed, void *opaque);
void faults_free(Faults *f);
/*
 * Those of one time happen in the order they were added.  Refused: a time in
 * the past, and more than FAULTS_MAX.
 */
gboolean faults_add(Faults *f, const FaultSpec *spec, GError **error);
unsigned faults_waiting(const Faults *f);

void faults_save(const Faults *f, StateWriter *w);
/* What waited here is forgotten; on error nothing waits. */
void faults_load(Faults *f, StateReader *r);

/* One fault as fields, for those who keep some of their own. */
void fault_spec_save(const FaultSpec *spec, StateWriter *w);
void fault_spec_load(FaultSpec *spec, StateReader *r);

#endif
