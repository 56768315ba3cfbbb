/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Xen guest's side of hypercalls for qtest suites: arguments in guest
 * memory, shared_info, time records and event channels.
 *
 * vCPUs stand in real mode without paging, so pointers are guest physical.
 */
#ifndef JUMPCUT_TESTS_XEN_GUEST_H
#define JUMPCUT_TESTS_XEN_GUEST_H

#include "hw/xen/abi/xen-abi.h"
#include "tests/qtest/qtest-client.h"

/* Guest memory the helpers use; suites may use what lies above. */
#define XG_ARG_GPA    0x100000 /* argument of the current hypercall */
#define XG_SHARED_GFN 0x200
#define XG_SHARED_GPA 0x200000
#define XG_FREE_GPA   0x300000

/* The frame above the 64 MiB of RAM. */
#define XG_NO_RAM_GPA 0x4000000

/*
 * Hypercall @nr (op, pointer): @arg of @size bytes goes to guest memory before
 * and comes back after it.
 */
int64_t xg_call(Qtest *q, unsigned cpu, unsigned nr, unsigned op, void *arg,
                size_t size);

/* EVTCHNOP_* @op of vCPU 0. */
int64_t xg_evtchn(Qtest *q, unsigned op, void *arg, size_t size);
/* HVMOP_get_param or HVMOP_set_param of vCPU 0. */
int64_t xg_hvm_param(Qtest *q, unsigned op, uint32_t index, uint64_t *value);

/* Have shared_info laid over XG_SHARED_GFN; fails the test if Xen refuses. */
void xg_map_shared_info(Qtest *q);
/* A consistent copy: its versions are even. */
void xg_read_time(Qtest *q, unsigned cpu, struct vcpu_time_info *out);
/* System time by the record and the TSC now, as a guest computes it. */
uint64_t xg_system_time(Qtest *q, unsigned cpu);
/* Wall clock at system time 0, ns since 1970. */
uint64_t xg_wallclock_base(Qtest *q);

/* A port bound to @virq of @cpu; fails the test if Xen refuses. */
uint32_t xg_bind_virq(Qtest *q, unsigned cpu, unsigned virq);
/* The same, for IPIs to @cpu. */
uint32_t xg_bind_ipi(Qtest *q, unsigned cpu);
/* What EVTCHNOP_send returns. */
int64_t xg_send(Qtest *q, uint32_t port);
/* Pending bit of @port in shared_info. */
bool xg_pending(Qtest *q, uint32_t port);
/* Clear it, and the selector and upcall flag of @cpu. */
void xg_clear(Qtest *q, unsigned cpu, uint32_t port);
/* evtchn_upcall_pending of @cpu in shared_info. */
bool xg_upcall_pending(Qtest *q, unsigned cpu);
/* One-shot timer of the running vCPU, absolute system time; 0 stops it. */
int64_t xg_set_timer(Qtest *q, unsigned cpu, uint64_t deadline_ns);

#endif
