/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of the vCPU shim, for vcpu*.c alone.
 */
#ifndef JUMPCUT_ACCEL_SHIM_VCPU_INTERNAL_H
#define JUMPCUT_ACCEL_SHIM_VCPU_INTERNAL_H

#include "cpu.h"
#include "accel/tcg/cpu-ops.h"
#include "accel/shim/vcpu.h"

struct vmcb;

typedef struct ShimVcpu {
    CPUState *cs; /* NULL until the vCPU first executes */
    struct vmcb *vmcb;
    uint64_t vmcb_gpa;
    uint8_t vector; /* callback vector of vector_level() */
    bool vector_level;
    bool blocked;    /* by a hypercall: ended by shim_vcpu_wake() */
    bool offline;    /* the same, and interrupts do not end it */
    bool paused;     /* with all others, until shim_unpause() */
    bool was_halted; /* it is to be halted after the pause */
    bool masked;     /* EFLAGS.IF is off while it is offline or paused */
    bool stopped;    /* the hypervisor knows that it does not run */
    bool trap_tsc;
    bool hold_wanted;    /* by shim_vcpu_hold() */
    bool settled;        /* it halted, and the time it took is counted */
    bool held;           /* it is: wanted and not paused */
    bool hold_requested; /* CPU_INTERRUPT_HALT is there for the hold */
    bool hold_stopped;   /* it is halted for the hold alone */
    bool hold_woken;     /* told runnable: its halt would have ended */
    bool test_compat;    /* ABI of the last shim_hypercall(): 32 bits */
    bool skipped;        /* entered out of its turn: nothing is executed */
    int exception;       /* that waits meanwhile */
    int64_t tlb_window;  /* of TLB_WINDOW_NS, in which its TLBs' began */
} ShimVcpu;

typedef struct Shim {
    const ShimHypervisorOps *ops;
    void *opaque;
    unsigned nr_vcpus;
    ShimVcpu *vcpus;
    const TCGCPUOps *stock;
    TCGCPUOps wrapped;
} Shim;

/* The callbacks of TCGCPUOps carry no pointer of ours. */
extern Shim *shim;

ShimVcpu *shim_vcpu(CPUState *cs);
ShimVcpu *shim_vcpu_by_index(unsigned vcpu);

/* vcpu-hold.c: each is described where it is written */
void vcpu_hold_install(void);
void vcpu_hold_apply(unsigned vcpu, bool held);
void vcpu_hold_look(CPUState *cs, ShimVcpu *v);
bool vcpu_hold_stops(CPUState *cs, ShimVcpu *v);
void vcpu_hold_takes_over(CPUState *cs, ShimVcpu *v);
bool vcpu_hold_any(void);
bool vcpu_hold_has_work(CPUState *cs);

/* @cs leaves the machine: as if it had never run. */
void shim_vcpu_gone(CPUState *cs);

/* vcpu-turns.c: each is described where it is written */
bool vcpu_turns_install(Error **errp);
void vcpu_turns_reset(void);
void vcpu_turns_gone(const CPUState *cs);
bool vcpu_turns(void); /* are there any? */
bool vcpu_turns_alone(const CPUState *self);
bool vcpu_turn_take(CPUState *cs);
void vcpu_turn_declined(void);
void vcpu_turn_enter(CPUState *cs);
void vcpu_turn_exit(CPUState *cs);
void vcpu_turn_yield(void);
bool vcpu_turn_stops(const CPUState *cs);
bool vcpu_turns_set_clock(bool enabled);

/* vcpu-sleep.c: each is described where it is written */
void vcpu_sleep_install(void);
bool vcpu_sleep_asked(void);
void vcpu_sleep_wait(void);

/* vcpu-wait.c */
/*
 * shim_wait_until() for a thread that has left its vCPU's instructions: who
 * wants the vCPUs to stop takes them for stopped meanwhile.
 */
void vcpu_wait_stopped(ShimUntilFn *until, void *opaque, int poll_ms);

/* vcpu-plug.c */
void vcpu_plug_install(void);

/* vcpu-unplug.c */
void vcpu_unplug_install(void);

/* vcpu-random.c: RDRAND and RDSEED */
void vcpu_random_install(void);
/* Before @env's vCPU executes: TCG must not execute them. */
void vcpu_random_hide(CPUX86State *env);
/* What CPUID is to say of them nevertheless. */
void vcpu_random_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
/* @return: true if it was one, of @len bytes, and is done but for that */
bool vcpu_handle_random(CPUState *cs, size_t *len);

/* vcpu-insn.c: instructions taken over */

/* 64-bit code segment? */
bool vcpu_long_mode(const CPUX86State *env);
/* Deliver @exception, error code 0, at the current instruction. */
void vcpu_raise(CPUState *cs, int exception);
/* @return: false if there is none of the instructions that exit */
bool vcpu_handle_exit(CPUState *cs);
/* @return: false if #UD is the guest's own */
bool vcpu_handle_ud(CPUState *cs);

#endif
