/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clock record of one vCPU that is written late, or half of it late.
 */
#ifndef JUMPCUT_HW_FAULT_RECORD_FAULT_H
#define JUMPCUT_HW_FAULT_RECORD_FAULT_H

#include <stdbool.h>

#include "hw/fault/fault-spec.h"
#include "hw/state.h"

/* Virtual time of what is not due. */
#define FAULT_NEVER INT64_MAX

typedef struct RecordFault {
    uint64_t delay_ns; /* 0: none waits for a record */
    unsigned vcpu;
    bool torn;
    int64_t due_ns; /* FAULT_NEVER: no record is held back */
} RecordFault;

typedef enum RecordVerdict {
    RECORD_WHOLE, /* write it */
    RECORD_HALF,  /* the new TSC stamp beside the old system time, until due */
    RECORD_HELD,  /* do not write it until due */
} RecordVerdict;

void record_fault_reset(RecordFault *f);
/* From now on @spec, a pvclock fault, waits for the next record that differs.
 * Refused while a record is held back. */
gboolean record_fault_take(RecordFault *f, const FaultSpec *spec,
                           GError **error);
/* A record of @vcpu that differs from the last is about to be written. */
RecordVerdict record_fault_meets(RecordFault *f, unsigned vcpu, int64_t now_ns);

void record_fault_save(const RecordFault *f, StateWriter *w);
/* What an error leaves is to be reset. */
void record_fault_load(RecordFault *f, unsigned nr_vcpus, StateReader *r);

#endif
