/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest is made of: hypervisors, and what all bring; for guest*.c. */
#ifndef JUMPCUT_ACCEL_SHIM_GUEST_PART_H
#define JUMPCUT_ACCEL_SHIM_GUEST_PART_H

#include "accel/shim/vcpu.h"
#include "hw/guest-cpu.h"
#include "hw/state.h"

/*
 * One hypervisor a guest finds, or what all bring; a guest may find several,
 * which are asked in order.  What is NULL it has no part in.
 */
typedef struct GuestPartOps {
    /* @return: true if the leaf is this hypervisor's, answered in @regs */
    bool (*cpuid)(void *part, unsigned vcpu, uint32_t leaf, uint32_t subleaf,
                  uint32_t regs[4]);
    GuestMsrResult (*rdmsr)(void *part, unsigned vcpu, uint32_t index,
                            uint64_t *value);
    GuestMsrResult (*wrmsr)(void *part, unsigned vcpu, uint32_t index,
                            uint64_t value);
    /* The first part that has it takes all hypercalls. */
    int64_t (*hypercall)(void *part, unsigned vcpu, ShimHypercall *call);
    void (*halted)(void *part, unsigned vcpu, bool interrupts);
    void (*runnable)(void *part, unsigned vcpu);
    void (*running)(void *part, unsigned vcpu);
    void (*init)(void *part, unsigned vcpu);
    bool (*nmi)(void *part, unsigned vcpu);
    bool (*upcall_due)(void *part, unsigned vcpu);
    /* @vcpu's TSC or TSC_ADJUST was written. */
    void (*tsc_written)(void *part, unsigned vcpu);
    void (*clock_changed)(void *part);
    /* The same, and the domain is a new one.  NULL: clock_changed() */
    void (*restored)(void *part);
    /* The machine goes on after a stop. */
    void (*resumed)(void *part);
    size_t (*console_input)(void *part, const uint8_t *buf, size_t len);
    void (*reset)(void *part);
    /* Suspend to RAM ends; the vCPUs were reset.  NULL: as a reset. */
    void (*wakeup)(void *part);
    void (*save)(void *part, StateWriter *w);
    void (*load)(void *part, StateReader *r);
    /* All of the guest was loaded, without error. */
    void (*loaded)(void *part);
} GuestPartOps;

typedef struct GuestPart {
    const GuestPartOps *ops;
    void *part;
} GuestPart;

#endif
