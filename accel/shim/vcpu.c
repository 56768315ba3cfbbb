/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Take CPUID, MSRs, hypercalls, RDTSC and interrupt entry from a stock TCG
 * vCPU: the wrapped TCGCPUOps; what they catch is in vcpu-insn.c.
 *
 * TCG checks SVM intercepts while HF_GUEST_MASK is set in hflags.  An
 * intercepted instruction raises EXCP_VMEXIT with the state exactly before it,
 * and do_interrupt is called with the big lock held.  VMCALL and (without
 * EFER.SVME) VMMCALL raise #UD in the same way.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qapi/error.h"
#include "cpu.h"
#include "svm.h"
#include "exec/cputlb.h"
#include "hw/core/cpu.h"
#include "hw/i386/apic_internal.h"
#include "system/cpu-timers.h"
#include "system/runstate.h"
#include "system/tcg.h"
#include "accel/shim/guest-frames.h"
#include "accel/shim/vcpu-internal.h"
#include "accel/shim/vmcb.h"

Shim *shim;

ShimVcpu *shim_vcpu(CPUState *cs)
{
    /* cpu_index is below max_vcpus: the machine's max_cpus bounds both. */
    assert(cs->cpu_index >= 0 && (unsigned)cs->cpu_index < shim->nr_vcpus);
    return &shim->vcpus[cs->cpu_index];
}

ShimVcpu *shim_vcpu_by_index(unsigned vcpu)
{
    return shim && vcpu < shim->nr_vcpus ? &shim->vcpus[vcpu] : NULL;
}

/*
 * PAUSE ends a turn, if another vCPU would use one.  While vCPUs are held it
 * also takes time, for the guest spins for as long as what it waits for is.
 */
static bool vcpu_traps_pause(void)
{
    return icount_enabled() &&
           (vcpu_hold_any() || (vcpu_turns() && CPU_NEXT(first_cpu)));
}

static uint64_t vcpu_intercepts(bool trap_tsc)
{
    uint64_t bits = 1ull << (SVM_EXIT_CPUID - SVM_EXIT_INTR) |
                    1ull << (SVM_EXIT_MSR - SVM_EXIT_INTR);

    if (trap_tsc) {
        bits |= 1ull << (SVM_EXIT_RDTSC - SVM_EXIT_INTR);
    }
    if (vcpu_traps_pause()) {
        bits |= 1ull << (SVM_EXIT_PAUSE - SVM_EXIT_INTR) |
                1ull << (SVM_EXIT_MWAIT - SVM_EXIT_INTR);
    }
    return bits;
}

/*
 * Under icount the TSC of TCG is virtual time in ns (1 GHz), so a guest's TSC
 * of that frequency is an offset; else every RDTSC is taken over.
 */
static void vcpu_update_tsc(ShimVcpu *v, CPUX86State *env)
{
    uint64_t offset = 0;

    v->trap_tsc = !icount_enabled() ||
                  !shim->ops->tsc_is_offset(shim->opaque,
                                            env_cpu(env)->cpu_index, &offset);
    env->tsc_offset = offset;
    env->intercept = vcpu_intercepts(v->trap_tsc);
}

static void vcpu_arm(ShimVcpu *v, CPUX86State *env)
{
    env->features[FEAT_8000_0001_ECX] &= ~CPUID_EXT3_SVM;
    vcpu_random_hide(env);
    env->vm_vmcb = v->vmcb_gpa;
    env->hflags |= HF_GUEST_MASK;
    vcpu_update_tsc(v, env);
}

static void vcpu_disarm(CPUX86State *env)
{
    env->hflags &= ~HF_GUEST_MASK;
    env->intercept = 0;
    env->vm_vmcb = 0;
    env->tsc_offset = 0;
}

static void vcpu_now_running(CPUState *cs, ShimVcpu *v)
{
    bql_lock();
    if (v->paused ||
        (v->offline && !(cs->interrupt_request &
                         (CPU_INTERRUPT_INIT | CPU_INTERRUPT_SIPI)))) {
        /* Stopped as it left HLT: back before it executes anything. */
        cpu_interrupt(cs, CPU_INTERRUPT_HALT);
        bql_unlock();
        return;
    }
    if (v->masked) {
        cpu_env(cs)->eflags |= IF_MASK;
    }
    v->stopped = v->blocked = v->offline = v->masked = false;
    shim->ops->running(shim->opaque, cs->cpu_index);
    bql_unlock();
}

static void drop_budget(CPUState *cs, run_on_cpu_data data)
{
    cs->neg.icount_decr.u16.low = 0;
}

/*
 * One instruction is to be executed alone, an atomic one that the host's
 * instructions cannot do.  QEMU leaves it no budget under icount, and would try
 * for ever.  What an exception leaves of the budget must be gone before QEMU
 * gives the next; that this is queued must not end the instruction.
 */
static void vcpu_give_budget(CPUState *cs)
{
    async_run_on_cpu(cs, drop_budget, RUN_ON_CPU_NULL);
    cs->neg.icount_decr.u32 = 1;
}

/* @return: false if it is not to execute now */
static bool vcpu_takes_turn(CPUState *cs, ShimVcpu *v)
{
    v->skipped = false;
    if (!vcpu_turns() || cpu_in_exclusive_context(cs)) {
        return true;
    }
    bql_lock();
    if (vcpu_turn_take(cs)) {
        vcpu_turn_enter(cs);
    } else {
        v->skipped = true;
        v->exception = cs->exception_index;
        cs->exception_index = EXCP_INTERRUPT;
    }
    bql_unlock();
    return !v->skipped;
}

static void shim_exec_enter(CPUState *cs)
{
    ShimVcpu *v = shim_vcpu(cs);

    if (!vcpu_takes_turn(cs, v)) {
        return;
    }
    shim->stock->cpu_exec_enter(cs);
    v->settled = false;
    if (unlikely(cpu_in_exclusive_context(cs)) && icount_enabled()) {
        vcpu_give_budget(cs);
    }
    if (unlikely(v->cs != cs)) {
        /* Plugged in, perhaps in place of one that was running. */
        v->cs = cs;
        v->stopped |= cs->cpu_index != 0;
    }
    if (unlikely(v->stopped)) {
        vcpu_now_running(cs, v);
    }
    guest_frames_enter(cs);
    vcpu_arm(v, cpu_env(cs));
}

/* QEMU must not see work for it while it is down: an idle machine's time
 * goes on. */
static void vcpu_mask_interrupts(CPUState *cs, ShimVcpu *v)
{
    CPUX86State *env = cpu_env(cs);

    if (env->eflags & IF_MASK) {
        env->eflags &= ~IF_MASK;
        v->masked = true;
    }
}

/* With the big lock held. */
static void vcpu_now_stopped(CPUState *cs, ShimVcpu *v, bool init)
{
    bool interrupts = cpu_env(cs)->eflags & IF_MASK;

    v->stopped = true;
    if (vcpu_hold_stops(cs, v)) {
        return;
    }
    if (init) {
        v->blocked = v->offline = false;
        shim->ops->init(shim->opaque, cs->cpu_index);
    } else if (v->offline || (v->paused && !v->was_halted)) {
        vcpu_mask_interrupts(cs, v);
    } else {
        if (!v->blocked) {
            /* HLT without interrupts is for shim_vcpu_wake() to end. */
            v->blocked = !interrupts;
            shim->ops->halted(shim->opaque, cs->cpu_index, interrupts);
        }
        if (v->paused) {
            vcpu_mask_interrupts(cs, v);
        }
    }
}

static void shim_exec_exit(CPUState *cs)
{
    ShimVcpu *v = shim_vcpu(cs);
    /* Only INIT, which resets the vCPU while it executes, took it off. */
    bool init = !(cpu_env(cs)->hflags & HF_GUEST_MASK);

    if (v->skipped) {
        cs->exception_index = v->exception;
        return;
    }
    shim->stock->cpu_exec_exit(cs);
    vcpu_disarm(cpu_env(cs));
    bql_lock();
    if (cs->halted && !v->stopped) {
        /* Unless it was woken before the lock was taken: it never stopped. */
        vcpu_now_stopped(cs, v, init);
    }
    if (vcpu_turns() && !cpu_in_exclusive_context(cs)) {
        vcpu_turn_exit(cs);
    }
    bql_unlock();
}

/* Interrupts */

/*
 * The callback vector is level triggered on guest memory: raise or lower the
 * virtual interrupt before anybody looks at interrupt_request.
 */
static void vcpu_sample_upcall(CPUState *cs, ShimVcpu *v)
{
    v->vector_level = shim->ops->upcall_due(shim->opaque, cs->cpu_index);
    if (v->vector_level) {
        v->vmcb->control.int_vector = v->vector;
        cs->interrupt_request |= CPU_INTERRUPT_VIRQ;
    } else {
        cs->interrupt_request &= ~CPU_INTERRUPT_VIRQ;
    }
}

static bool shim_exec_interrupt(CPUState *cs, int interrupt_request)
{
    ShimVcpu *v = shim_vcpu(cs);
    bool taken;

    if (vcpu_turns() && vcpu_turn_stops(cs)) {
        return false;
    }
    vcpu_sample_upcall(cs, v);
    taken = shim->stock->cpu_exec_interrupt(
        cs, (interrupt_request & ~CPU_INTERRUPT_VIRQ) |
                (cs->interrupt_request & CPU_INTERRUPT_VIRQ));
    if (taken && v->vector_level) {
        /* Taking any interrupt drops VIRQ; the level is still up. */
        cs->interrupt_request |= CPU_INTERRUPT_VIRQ;
    }
    return taken;
}

static bool waits_for_sipi(CPUState *cs)
{
    return X86_CPU(cs)->apic_state &&
           APIC_COMMON(X86_CPU(cs)->apic_state)->wait_for_sipi;
}

/* TCG would have it run with whatever registers it has. */
static void vcpu_hand_over_nmi(CPUState *cs, ShimVcpu *v)
{
    if ((cs->interrupt_request & CPU_INTERRUPT_NMI) &&
        (v->offline || waits_for_sipi(cs)) &&
        shim->ops->nmi(shim->opaque, cs->cpu_index)) {
        cs->interrupt_request &= ~CPU_INTERRUPT_NMI;
    }
}

/* With the big lock held.  @return: false if it stays halted for us */
static bool vcpu_may_leave_halt(CPUState *cs, ShimVcpu *v)
{
    if (v->paused) {
        vcpu_mask_interrupts(cs, v);
        return false;
    }
    vcpu_hand_over_nmi(cs, v);
    if (v->held) {
        vcpu_hold_look(cs, v);
        return false;
    }
    if (v->offline) {
        cs->interrupt_request &=
            ~(CPU_INTERRUPT_NMI | CPU_INTERRUPT_SMI | CPU_INTERRUPT_MCE);
        if (!waits_for_sipi(cs)) {
            /* It would wake it, though it has no meaning without INIT. */
            cs->interrupt_request &= ~CPU_INTERRUPT_SIPI;
        }
        /* It may have been in HLT when it was sent down. */
        vcpu_mask_interrupts(cs, v);
    } else if (cs->interrupt_request & CPU_INTERRUPT_VIRQ) {
        vcpu_sample_upcall(cs, v);
    }
    return true;
}

static bool shim_exec_halt(CPUState *cs)
{
    ShimVcpu *v = shim_vcpu(cs);
    bool leaves;

    bql_lock();
    v->settled = true;
    if (vcpu_turns() && !vcpu_turn_take(cs)) {
        bql_unlock();
        return false;
    }
    leaves = vcpu_may_leave_halt(cs, v);
    bql_unlock();
    leaves = leaves && (!cs->halted || shim->stock->cpu_exec_halt(cs));
    if (!leaves && vcpu_turns()) {
        vcpu_turn_declined();
    }
    return leaves;
}

static void shim_do_interrupt(CPUState *cs)
{
    ShimVcpu *v = shim_vcpu(cs);

    if (cs->exception_index == EXCP_VMEXIT) {
        if (v->vmcb->control.exit_code == SVM_EXIT_SHUTDOWN) {
            /* What TCG does on a triple fault outside of SVM. */
            qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
            shim_vcpu_offline(cs->cpu_index);
        } else if ((int32_t)v->vmcb->control.exit_code == SVM_EXIT_ERR) {
            /* TCG's answer to reserved bits in CR3; QEMU before 10.0.7 writes
             * only 32 bits of it. */
            vcpu_raise(cs, EXCP0D_GPF);
        } else if (!vcpu_handle_exit(cs)) {
            /* Another vCPU changed the code under the instruction. */
            vcpu_raise(cs, EXCP06_ILLOP);
        }
        return;
    }
    if (cs->exception_index == EXCP06_ILLOP && !cpu_env(cs)->exception_is_int &&
        vcpu_handle_ud(cs)) {
        return;
    }
    shim->stock->do_interrupt(cs);
}

/* Entries by vCPU */

void shim_cpuid(CPUState *cs, uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    cpu_x86_cpuid(cpu_env(cs), leaf, subleaf, &regs[0], &regs[1], &regs[2],
                  &regs[3]);
    vcpu_random_cpuid(leaf, subleaf, regs);
    shim->ops->cpuid(shim->opaque, cs->cpu_index, leaf, subleaf, regs);
}

GuestMsrResult shim_rdmsr(CPUState *cs, uint32_t index, uint64_t *value)
{
    return shim->ops->rdmsr(shim->opaque, cs->cpu_index, index, value);
}

GuestMsrResult shim_wrmsr(CPUState *cs, uint32_t index, uint64_t value)
{
    return shim->ops->wrmsr(shim->opaque, cs->cpu_index, index, value);
}

uint64_t shim_rdtsc(CPUState *cs)
{
    return shim->ops->rdtsc(shim->opaque, cs->cpu_index);
}

int64_t shim_hypercall(CPUState *cs, bool long_mode, uint64_t nr,
                       const uint64_t args[6])
{
    ShimHypercall call = {.long_mode = long_mode, .privileged = true, .nr = nr};

    int64_t ret;

    memcpy(call.args, args, sizeof(call.args));
    memcpy(call.regs, args, sizeof(call.regs));
    shim->vcpus[cs->cpu_index].test_compat = !long_mode;
    do {
        call.again = false;
        ret = shim->ops->hypercall(shim->opaque, cs->cpu_index, &call);
    } while (call.again);
    return ret;
}

/* For HostOps */

void shim_vcpu_vector_level(unsigned vcpu, uint8_t vector, bool level)
{
    ShimVcpu *v = shim_vcpu_by_index(vcpu);
    CPUState *cs = v ? qemu_get_cpu(vcpu) : NULL;

    if (!cs) {
        return;
    }
    v->vector = vector;
    v->vector_level = level;
    if (level) {
        v->vmcb->control.int_vector = vector;
        cpu_interrupt(cs, CPU_INTERRUPT_VIRQ);
    } else {
        cpu_reset_interrupt(cs, CPU_INTERRUPT_VIRQ);
    }
}

bool shim_vcpu_long_mode(unsigned vcpu)
{
    CPUState *cs = qemu_get_cpu(vcpu);

    if (!tcg_enabled()) {
        /* It stands in real mode: what the test says it is counts. */
        return !shim->vcpus[vcpu].test_compat;
    }
    return cs && vcpu_long_mode(cpu_env(cs));
}

static void tlb_flush_work(CPUState *cs, run_on_cpu_data data)
{
    tlb_flush(cs);
}

void shim_tlb_flush(unsigned vcpu)
{
    CPUState *cs = qemu_get_cpu(vcpu);

    if (!tcg_enabled() || !cs) {
        return;
    }
    if (cs == current_cpu) {
        tlb_flush_all_cpus_synced(cs);
        return;
    }
    CPU_FOREACH(cs)
    {
        async_run_on_cpu(cs, tlb_flush_work, RUN_ON_CPU_NULL);
    }
}

void shim_tsc_changed(void)
{
    CPUState *cs;

    if (!shim) {
        return;
    }
    CPU_FOREACH(cs)
    {
        CPUX86State *env = cpu_env(cs);

        /* One that does not execute now is armed when it does. */
        if (env->hflags & HF_GUEST_MASK) {
            vcpu_update_tsc(shim_vcpu(cs), env);
        }
    }
}

/* Installation */

static void shim_wrap_class(ObjectClass *oc, void *opaque)
{
    CPUClass *cc = CPU_CLASS(oc);

    if (cc->tcg_ops == shim->stock) {
        cc->tcg_ops = &shim->wrapped;
    }
}

static bool shim_wrap_tcg(Error **errp)
{
    shim->stock = CPU_GET_CLASS(first_cpu)->tcg_ops;
    shim->wrapped = *shim->stock;
    shim->wrapped.cpu_exec_enter = shim_exec_enter;
    shim->wrapped.cpu_exec_exit = shim_exec_exit;
    shim->wrapped.cpu_exec_interrupt = shim_exec_interrupt;
    shim->wrapped.cpu_exec_halt = shim_exec_halt;
    shim->wrapped.do_interrupt = shim_do_interrupt;
    object_class_foreach(shim_wrap_class, TYPE_X86_CPU, false, NULL);
    vcpu_hold_install();
    vcpu_unplug_install();
    vcpu_plug_install();
    vcpu_random_install();
    return vcpu_turns_install(errp);
}

bool shim_install(const ShimHypervisorOps *ops, void *opaque,
                  unsigned max_vcpus, Error **errp)
{
    VmcbArea area;

    if (!vmcb_area_new(&area, max_vcpus, errp)) {
        return false;
    }
    shim = g_new0(Shim, 1);
    shim->ops = ops;
    shim->opaque = opaque;
    shim->nr_vcpus = max_vcpus;
    shim->vcpus = g_new0(ShimVcpu, max_vcpus);
    for (unsigned i = 0; i < max_vcpus; i++) {
        shim->vcpus[i].vmcb = vmcb_area_page(&area, i);
        shim->vcpus[i].vmcb_gpa = vmcb_area_gpa(&area, i);
    }
    return !tcg_enabled() || shim_wrap_tcg(errp);
}
