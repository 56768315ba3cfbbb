/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading Xen's clocks as a guest does.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_CLOCK_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_CLOCK_H

#include "tests/payload/lib/xen.h"

/* A consistent copy of a vcpu_time_info; false if it never held still. */
bool pvclock_snapshot(const struct vcpu_time_info *from,
                      struct vcpu_time_info *copy);
/* (delta << shift) * mul >> 32, by the record's scale. */
uint64_t pvclock_scale(const struct vcpu_time_info *record, uint64_t delta);
/* System time, ns, by the record and the TSC. */
uint64_t pvclock_read(const struct vcpu_time_info *record);
/* The same for this vCPU's current record. */
uint64_t clock_now(void);
/* HVMOP_get_time; an error is reported and 0 returned. */
uint64_t clock_hypercall_now(void);

#endif
