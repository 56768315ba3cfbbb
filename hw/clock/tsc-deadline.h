/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TSC-deadline mode of the local APICs' timers: IA32_TSC_DEADLINE and what
 * becomes of it (Intel SDM volume 3, 11.5.4.1; xen: arch/x86/hvm/vlapic.c,
 * vlapic_tdt_msr_set; linux: arch/x86/kvm/lapic.c,
 * kvm_set_lapic_tscdeadline_msr).
 *
 * The register that holds the mode, the mask and the vector is the local
 * APIC's: it is read through a callback.
 */
#ifndef JUMPCUT_HW_CLOCK_TSC_DEADLINE_H
#define JUMPCUT_HW_CLOCK_TSC_DEADLINE_H

#include "hw/clock/clock.h"
#include "hw/host.h"

/* Local vector table, timer register */
#define TSC_DEADLINE_LVT_VECTOR 0xffu
#define TSC_DEADLINE_LVT_MASKED (1u << 16)
#define TSC_DEADLINE_LVT_MODES  (3u << 17)
#define TSC_DEADLINE_LVT_MODE   (2u << 17) /* of TSC_DEADLINE_LVT_MODES */

typedef struct TscDeadline TscDeadline;
/* The timer register of @vcpu; masked and in no mode if its APIC is off. */
typedef uint32_t TscDeadlineLvtFn(void *opaque, unsigned vcpu);

/* @clock is borrowed and outlives this.  @return: NULL: no timers to be had */
TscDeadline *tsc_deadline_new(Host *host, const Clock *clock, unsigned nr_vcpus,
                              TscDeadlineLvtFn *lvt, void *opaque);
void tsc_deadline_free(TscDeadline *td);

/* RDMSR: what is armed; 0 after it fired and in other modes */
uint64_t tsc_deadline_read(const TscDeadline *td, unsigned vcpu);
/*
 * WRMSR: ignored in other modes; 0 disarms; a value the TSC has reached fires
 * at once.  It fires into the local APIC, and is lost if masked then.
 */
void tsc_deadline_write(TscDeadline *td, unsigned vcpu, uint64_t value);
/*
 * The timer register is about to become @lvt: leaving the mode or entering it
 * disarms.
 * @return: true if the initial count is 0 then
 */
bool tsc_deadline_lvt_write(TscDeadline *td, unsigned vcpu, uint32_t lvt);
/* Is the timer in a mode in which its initial count is 0 and stays so? */
bool tsc_deadline_no_count(const TscDeadline *td, unsigned vcpu);

/* The TSC of @vcpu was written. */
void tsc_deadline_tsc_written(TscDeadline *td, unsigned vcpu);
/* After clock_cut() */
void tsc_deadline_clock_changed(TscDeadline *td);
/* INIT of @vcpu */
void tsc_deadline_disarm(TscDeadline *td, unsigned vcpu);
/* Machine reset */
void tsc_deadline_reset(TscDeadline *td);

void tsc_deadline_save(const TscDeadline *td, StateWriter *w);
/* After clock_load(); on error it is reset, and the reader holds the reason. */
void tsc_deadline_load(TscDeadline *td, StateReader *r);

#endif
