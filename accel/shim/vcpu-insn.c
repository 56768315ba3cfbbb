/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instructions taken over from a vCPU: CPUID, RDMSR, WRMSR, RDTSC, RDTSCP,
 * PAUSE, MWAIT, VMCALL and VMMCALL.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "svm.h"
#include "hw/core/cpu.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "system/cpu-timers.h"
#include "system/replay.h"
#include "accel/shim/guest-memory.h"
#include "accel/shim/insn.h"
#include "accel/shim/vcpu-internal.h"

/*
 * What a PAUSE takes of virtual time if only time can end the wait.  A
 * hypervisor that notices such loops gives the processor away for longer.
 */
#define PAUSE_NS 1000

bool vcpu_long_mode(const CPUX86State *env)
{
    return env->hflags & HF_CS64_MASK;
}

/*
 * @insns of the budget are used up, or all that is left of it.  QEMU's own
 * replay gives a budget that ends with the instruction: nothing would be left
 * where the recording had something, so there it is free in both.
 */
static void vcpu_spend(CPUState *cs, int64_t insns)
{
    int64_t low = MIN(insns, cs->neg.icount_decr.u16.low);

    if (replay_mode != REPLAY_MODE_NONE) {
        return;
    }
    cs->neg.icount_decr.u16.low -= low;
    cs->icount_extra -= MIN(insns - low, cs->icount_extra);
}

/*
 * The instruction of @len bytes is done.  It cost one instruction of icount,
 * which the exit gave back; it ends an interrupt shadow and may be
 * single-stepped.
 */
static void vcpu_complete_insn(CPUState *cs, size_t len)
{
    CPUX86State *env = cpu_env(cs);

    env->eip += len;
    if (!vcpu_long_mode(env)) {
        env->eip = (uint32_t)env->eip;
    }
    env->hflags &= ~HF_INHIBIT_IRQ_MASK;
    if (icount_enabled()) {
        vcpu_spend(cs, 1);
    }
    if (env->eflags & TF_MASK) {
        env->dr[6] |= DR6_BS;
        env->exception_is_int = 0;
        env->error_code = 0;
        env->exception_next_eip = env->eip;
        cs->exception_index = EXCP01_DB;
        shim->stock->do_interrupt(cs);
    }
}

void vcpu_raise(CPUState *cs, int exception)
{
    CPUX86State *env = cpu_env(cs);

    env->exception_is_int = 0;
    env->error_code = 0;
    env->exception_next_eip = env->eip;
    cs->exception_index = exception;
    shim->stock->do_interrupt(cs);
}

/*
 * The instruction at the vCPU's program counter.  The next page is looked at
 * only if the instruction goes on there: a look sets its accessed bit.
 */
static ShimInsn vcpu_decode(CPUState *cs, size_t *len)
{
    CPUX86State *env = cpu_env(cs);
    uint8_t code[SHIM_INSN_MAX];
    uint64_t pc = env->segs[R_CS].base + env->eip;
    size_t here, got;
    ShimInsn insn;

    if (!vcpu_long_mode(env)) {
        pc = (uint32_t)pc;
    }
    here = MIN(sizeof(code), -(pc | TARGET_PAGE_MASK));
    got = guest_fetch(cs, pc, code, here);
    insn = shim_insn_decode(code, got, vcpu_long_mode(env), len);
    if (insn == SHIM_INSN_OTHER && here < sizeof(code)) {
        got = guest_fetch(cs, pc, code, sizeof(code));
        insn = shim_insn_decode(code, got, vcpu_long_mode(env), len);
    }
    return insn;
}

static void vcpu_do_cpuid(CPUState *cs)
{
    CPUX86State *env = cpu_env(cs);
    uint32_t regs[4];

    shim_cpuid(cs, env->regs[R_EAX], env->regs[R_ECX], regs);
    env->regs[R_EAX] = regs[0];
    env->regs[R_EBX] = regs[1];
    env->regs[R_ECX] = regs[2];
    env->regs[R_EDX] = regs[3];
}

static void vcpu_do_rdtsc(CPUState *cs, bool with_aux)
{
    CPUX86State *env = cpu_env(cs);
    uint64_t tsc = shim_rdtsc(cs);

    env->regs[R_EAX] = (uint32_t)tsc;
    env->regs[R_EDX] = tsc >> 32;
    if (with_aux) {
        env->regs[R_ECX] = (uint32_t)env->tsc_aux;
    }
}

/* MSRs outside the permission map's ranges always exit: hand them back. */
static void vcpu_stock_msr(CPUX86State *env, bool write)
{
    uint64_t intercept = env->intercept;

    env->intercept &= ~(1ull << (SVM_EXIT_MSR - SVM_EXIT_INTR));
    if (write) {
        helper_wrmsr(env);
    } else {
        helper_rdmsr(env);
    }
    env->intercept = intercept;
}

/* @return: true if the instruction is done, false after a fault */
static bool vcpu_do_msr(CPUState *cs, bool write)
{
    CPUX86State *env = cpu_env(cs);
    uint32_t index = env->regs[R_ECX];
    uint64_t value =
        (uint32_t)env->regs[R_EAX] | (uint64_t)(uint32_t)env->regs[R_EDX] << 32;
    GuestMsrResult result;

    if (write) {
        result = shim_wrmsr(cs, index, value);
    } else {
        result = shim_rdmsr(cs, index, &value);
    }
    switch (result) {
    case GUEST_MSR_GP:
        vcpu_raise(cs, EXCP0D_GPF);
        return false;
    case GUEST_MSR_NOT_OURS:
        vcpu_stock_msr(env, write);
        return true;
    case GUEST_MSR_OK:
        break;
    }
    if (!write) {
        env->regs[R_EAX] = (uint32_t)value;
        env->regs[R_EDX] = value >> 32;
    }
    return true;
}

/* xen: arch/x86/hvm/hypercall.c, hvm_hypercall: registers by mode */
/* @return: true if the call is done, false to have the guest make it again */
static bool vcpu_do_hypercall(CPUState *cs)
{
    CPUX86State *env = cpu_env(cs);
    static const int regs64[] = {R_EDI, R_ESI, R_EDX, 10, 8, 9};
    static const int regs32[] = {R_EBX, R_ECX, R_EDX, R_ESI, R_EDI, R_EBP};
    ShimHypercall call = {
        .long_mode = vcpu_long_mode(env),
        /* 0 in real mode, which Xen serves, and 3 in virtual-8086 mode. */
        .privileged = !(env->hflags & HF_CPL_MASK),
    };
    int64_t ret;

    call.nr = call.long_mode ? env->regs[R_EAX] : (uint32_t)env->regs[R_EAX];
    for (int i = 0; i < 6; i++) {
        call.args[i] = call.long_mode ? env->regs[regs64[i]]
                                      : (uint32_t)env->regs[regs32[i]];
    }
    for (int i = 0; i < 4; i++) {
        static const int kvm[] = {R_EBX, R_ECX, R_EDX, R_ESI};

        call.regs[i] = env->regs[kvm[i]];
    }
    ret = shim->ops->hypercall(shim->opaque, cs->cpu_index, &call);
    if (call.again) {
        for (int i = 0; i < 6; i++) {
            env->regs[call.long_mode ? regs64[i] : regs32[i]] =
                call.long_mode ? call.args[i] : (uint32_t)call.args[i];
        }
        return false;
    }
    env->regs[R_EAX] = call.long_mode ? (uint64_t)ret : (uint32_t)ret;
    return true;
}

/*
 * PAUSE gives other vCPUs their turn if one of them would use it.  That does
 * not depend on the host: what wakes a vCPU comes from one that executes or
 * from a timer of virtual time, and none of these is due before this turn ends.
 * MWAIT is the same: QEMU has it wait for nothing if there are several vCPUs.
 */
static void vcpu_do_pause(CPUState *cs, size_t len)
{
    vcpu_complete_insn(cs, len);
    if (!vcpu_turns_alone(cs)) {
        vcpu_turn_yield();
        cs->exception_index = EXCP_INTERRUPT;
        cpu_loop_exit(cs);
    }
    if (vcpu_hold_any()) {
        vcpu_spend(cs, PAUSE_NS / icount_to_ns(1));
    }
}

bool vcpu_handle_exit(CPUState *cs)
{
    size_t len;
    bool done = true;

    switch (vcpu_decode(cs, &len)) {
    case SHIM_INSN_CPUID:
        vcpu_do_cpuid(cs);
        break;
    case SHIM_INSN_RDMSR:
        done = vcpu_do_msr(cs, false);
        break;
    case SHIM_INSN_WRMSR:
        done = vcpu_do_msr(cs, true);
        break;
    case SHIM_INSN_RDTSC:
        vcpu_do_rdtsc(cs, false);
        break;
    case SHIM_INSN_RDTSCP:
        vcpu_do_rdtsc(cs, true);
        break;
    case SHIM_INSN_PAUSE:
    case SHIM_INSN_MWAIT:
        vcpu_do_pause(cs, len);
        return true;
    default:
        return false;
    }
    if (done) {
        vcpu_complete_insn(cs, len);
    }
    return true;
}

bool vcpu_handle_ud(CPUState *cs)
{
    size_t len;

    switch (vcpu_decode(cs, &len)) {
    case SHIM_INSN_VMCALL:
    case SHIM_INSN_VMMCALL:
        if (vcpu_do_hypercall(cs)) {
            vcpu_complete_insn(cs, len);
        }
        return true;
    default:
        if (vcpu_handle_random(cs, &len)) {
            vcpu_complete_insn(cs, len);
            return true;
        }
        return false;
    }
}
