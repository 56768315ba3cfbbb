/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Take CPUID, MSRs, hypercalls, RDTSC and interrupt entry from a stock TCG
 * vCPU, and hand them to a hypervisor.
 *
 * While a vCPU executes it looks to TCG like a SVM guest whose VMCB is a page
 * of ours, so that TCG's own intercept checks leave the instruction to us; the
 * state is put on at cpu_exec_enter and off at cpu_exec_exit, so whoever looks
 * at a stopped vCPU (migration, gdb, digests) finds a stock one.
 */
#ifndef JUMPCUT_ACCEL_SHIM_VCPU_H
#define JUMPCUT_ACCEL_SHIM_VCPU_H

#include "hw/guest-cpu.h"
#include "hw/host.h"
#include "accel/shim/vcpu-state.h"

typedef struct ShimHypercall {
    bool long_mode;   /* 64-bit code segment */
    bool privileged;  /* CPL 0 */
    uint64_t nr;      /* RAX or EAX */
    uint64_t args[6]; /* by Xen's convention of the mode */
    uint64_t regs[4]; /* RBX RCX RDX RSI, as KVM passes arguments */
    bool again; /* out: have the guest make the call again, with these args */
} ShimHypercall;

/* The hypervisor a guest talks to.  All calls hold the big lock. */
typedef struct ShimHypervisorOps {
    /* CPUID as QEMU answers it comes in in @regs and may be changed. */
    void (*cpuid)(void *opaque, unsigned vcpu, uint32_t leaf, uint32_t subleaf,
                  uint32_t regs[4]);
    GuestMsrResult (*rdmsr)(void *opaque, unsigned vcpu, uint32_t index,
                            uint64_t *value);
    GuestMsrResult (*wrmsr)(void *opaque, unsigned vcpu, uint32_t index,
                            uint64_t value);
    int64_t (*hypercall)(void *opaque, unsigned vcpu, ShimHypercall *call);
    uint64_t (*rdtsc)(void *opaque, unsigned vcpu);
    /* True if RDTSC is virtual time (ns) plus *offset. Needs no lock. */
    bool (*tsc_is_offset)(void *opaque, unsigned vcpu, uint64_t *offset);
    void (*halted)(void *opaque, unsigned vcpu, bool interrupts);
    /* It would run, but is held (shim_vcpu_hold()). */
    void (*runnable)(void *opaque, unsigned vcpu);
    void (*running)(void *opaque, unsigned vcpu);
    /* INIT: the vCPU waits for SIPI, which starts it. */
    void (*init)(void *opaque, unsigned vcpu);
    /*
     * A NMI came to a vCPU that is offline or waits for SIPI.
     * @return: the hypervisor has it, and says when it is to be taken.
     */
    bool (*nmi)(void *opaque, unsigned vcpu);
    bool (*upcall_due)(void *opaque, unsigned vcpu);
} ShimHypervisorOps;

/*
 * Put @ops under every vCPU of the machine; once, from a machine-init-done
 * notifier, before any vCPU runs.  @max_vcpus: hot-plugged ones included.
 */
bool shim_install(const ShimHypervisorOps *ops, void *opaque,
                  unsigned max_vcpus, Error **errp);

/* Machine reset: nothing is blocked, paused or down. */
void shim_reset(void);

/*
 * No vCPU executes until shim_unpause(): each then is as it was, or as it
 * became by shim_vcpu_wake() meanwhile.
 */
void shim_pause(void);
void shim_unpause(void);
/* During a pause: @vcpu executes after it, even if it was halted. */
void shim_vcpu_unhalt(unsigned vcpu);

/* The same entries for a vCPU that does not execute (qtest). */
void shim_cpuid(CPUState *cs, uint32_t leaf, uint32_t subleaf,
                uint32_t regs[4]);
GuestMsrResult shim_rdmsr(CPUState *cs, uint32_t index, uint64_t *value);
GuestMsrResult shim_wrmsr(CPUState *cs, uint32_t index, uint64_t value);
uint64_t shim_rdtsc(CPUState *cs);
int64_t shim_hypercall(CPUState *cs, bool long_mode, uint64_t nr,
                       const uint64_t args[6]);

/* For HostOps (see hw/host.h); @vcpu out of range is ignored. */
void shim_vcpu_vector_level(unsigned vcpu, uint8_t vector, bool level);
void shim_vcpu_block(unsigned vcpu);
void shim_vcpu_offline(unsigned vcpu);
void shim_vcpu_wake(unsigned vcpu);
bool shim_vcpu_long_mode(unsigned vcpu);
/*
 * While held a vCPU executes nothing, and no interrupt changes that.  To be
 * said again after shim_reset() and shim_vcpu_set_state().  A pause of all ends
 * it until shim_unpause().
 */
void shim_vcpu_hold(unsigned vcpu, bool held);
/* From @vcpu's thread, or any while it does not execute */
void shim_tlb_flush(unsigned vcpu);
bool shim_vcpu_take_init(unsigned vcpu);
bool shim_vcpu_set_regs(unsigned vcpu, const HostVcpuRegs *regs);
ShimVcpuState shim_vcpu_state(unsigned vcpu);
void shim_vcpu_set_state(unsigned vcpu, ShimVcpuState state);

ShimRandom shim_random(void);
void shim_set_random(ShimRandom state);

ShimTurn shim_turn(void);
/* @return: false if there is no such turn */
bool shim_set_turn(const ShimTurn *turn);
/*
 * Have all vCPUs' TLBs be as in a process that begins: for a time at which
 * another run of the same guest goes on in one.  Before anything executes.
 */
void shim_tlbs_begin_anew(void);
/*
 * From a vCPU's thread, with the big lock held, which is let go of meanwhile:
 * returns once @until is true, looked at every @poll_ms of the host's and when
 * the thread is kicked.  Until then nothing executes and virtual time stands,
 * and what other threads want done on this one is done; they may wait for it.
 * If the machine stops by then, time goes on when the machine does.
 */
typedef bool ShimUntilFn(void *opaque);
void shim_wait_until(ShimUntilFn *until, void *opaque, int poll_ms);
/*
 * A reset or the end may have been asked for, which QEMU's main thread does:
 * shim_wait_until() it has begun.  Not amid an instruction: the main thread may
 * do another reset first.
 */
void shim_wait_for_main_thread(void);
/*
 * Something is done that may wake a machine which is suspended to RAM.  QEMU
 * takes it for a running one from then on, though its vCPUs stand: no time is
 * to pass until they do not.
 */
void shim_before_wakeup(void);

/* RDTSC changed its scale or offset: vCPUs take notice. */
void shim_tsc_changed(void);

#endif
