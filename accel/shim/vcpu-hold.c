/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hold a vCPU: it executes nothing, whatever comes, until it is let go; then
 * it goes on as if nothing had been.
 *
 * A vCPU that executes is stopped with CPU_INTERRUPT_HALT; for one that is
 * halted anyway it is enough that it never has work.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "hw/core/sysemu-cpu-ops.h"
#include "hw/i386/apic_internal.h"
#include "system/accel-ops.h"
#include "system/cpus.h"
#include "system/tcg.h"
#include "accel/shim/vcpu-internal.h"

/* Methods carry no pointer of ours. */
static struct {
    const SysemuCPUOps *stock;
    SysemuCPUOps wrapped;
    void (*handle_interrupt)(CPUState *cs, int mask);
} hold;

/*
 * Until a vCPU that halted comes round again, the instructions it executed are
 * not in the virtual time yet: if the main loop took the machine for idle, it
 * would move the time on from before them.
 */
static bool hold_has_work(CPUState *cs)
{
    const ShimVcpu *v = shim_vcpu(cs);

    return !v->settled || (!v->held && hold.stock->has_work(cs));
}

static int highest_bit(const uint32_t words[8])
{
    for (int i = 7; i >= 0; i--) {
        if (words[i]) {
            return i * 32 + 31 - clz32(words[i]);
        }
    }
    return -1;
}

/* SDM volume 3, 11.8.3.1: is an interrupt above the processor's priority? */
static bool apic_interrupts(CPUState *cs)
{
    APICCommonState *apic = APIC_COMMON(X86_CPU(cs)->apic_state);
    int irr = highest_bit(apic->irr);
    int priority = MAX(apic->tpr >> 4, highest_bit(apic->isr) >> 4);

    return irr >= 0 && irr >> 4 > priority;
}

/*
 * Would its halt end now?  To have work QEMU takes it for enough that the
 * local APIC wants to be asked; that it says yes is not.
 */
static bool hold_would_run(CPUState *cs)
{
    uint32_t request = cs->interrupt_request;
    bool would;

    if (!(request & CPU_INTERRUPT_POLL)) {
        return hold.stock->has_work(cs);
    }
    cs->interrupt_request = request & ~CPU_INTERRUPT_POLL;
    would = hold.stock->has_work(cs);
    cs->interrupt_request = request;
    return would || ((cpu_env(cs)->eflags & IF_MASK) && apic_interrupts(cs));
}

/*
 * Something came that would end its halt.  Told where an interrupt is raised
 * and where the vCPU looks, which both happen at exact virtual times; who else
 * asks whether it has work does so when the host pleases.
 */
void vcpu_hold_look(CPUState *cs, ShimVcpu *v)
{
    if (v->stopped && !v->hold_stopped && !v->offline && !v->hold_woken &&
        hold_would_run(cs)) {
        v->hold_woken = true;
        shim->ops->runnable(shim->opaque, cs->cpu_index);
    }
}

static void hold_handle_interrupt(CPUState *cs, int mask)
{
    ShimVcpu *v = shim_vcpu(cs);

    hold.handle_interrupt(cs, mask);
    if (v->held && !(mask & CPU_INTERRUPT_HALT)) {
        vcpu_hold_look(cs, v);
    }
}

/*
 * @cs stopped executing.
 * @return: true if it was the hold, not the guest, that stopped it
 */
bool vcpu_hold_stops(CPUState *cs, ShimVcpu *v)
{
    bool requested = v->hold_requested;

    v->hold_requested = false;
    if (!requested || v->blocked || v->offline) {
        return false;
    }
    if (cs->interrupt_request & CPU_INTERRUPT_HALT) {
        /* It executed HLT before it saw the request. */
        cpu_reset_interrupt(cs, CPU_INTERRUPT_HALT);
        return false;
    }
    v->hold_stopped = true;
    shim->ops->runnable(shim->opaque, cs->cpu_index);
    return true;
}

/*
 * A block of @v, which is held, was ended: from now on it is the hold that
 * keeps it from executing.
 */
void vcpu_hold_takes_over(CPUState *cs, ShimVcpu *v)
{
    if (v->stopped) {
        v->hold_stopped = true;
        shim->ops->runnable(shim->opaque, cs->cpu_index);
    } else {
        v->hold_requested = true;
    }
}

/* Without an executing vCPU the first one counts as one that executes. */
static void hold_untouched(unsigned vcpu, ShimVcpu *v, bool held)
{
    if (vcpu != 0 || v->hold_stopped == held) {
        return;
    }
    v->hold_stopped = held;
    if (held) {
        shim->ops->runnable(shim->opaque, vcpu);
    } else {
        shim->ops->running(shim->opaque, vcpu);
    }
}

static void hold_begin(CPUState *cs, ShimVcpu *v)
{
    if (cs->halted) {
        vcpu_hold_look(cs, v);
    } else if (!v->hold_requested) {
        v->hold_requested = true;
        cpu_interrupt(cs, CPU_INTERRUPT_HALT);
    }
}

static void hold_end(CPUState *cs, ShimVcpu *v)
{
    if (v->hold_woken && !hold_would_run(cs)) {
        /* What woke it is gone. */
        shim->ops->halted(shim->opaque, cs->cpu_index, true);
    }
    v->hold_woken = false;
    if (v->hold_requested) {
        v->hold_requested = false;
        if (v->blocked) {
            return;
        }
        if (cs->interrupt_request & CPU_INTERRUPT_HALT) {
            /* It has not stopped yet. */
            cpu_reset_interrupt(cs, CPU_INTERRUPT_HALT);
        } else {
            /* It has, and its thread has yet to tell, in cpu_exec_exit. */
            cs->halted = 0;
        }
        return;
    }
    if (v->hold_stopped) {
        v->hold_stopped = false;
        cs->halted = 0;
    }
    qemu_cpu_kick(cs);
}

/* Is a vCPU held? */
bool vcpu_hold_any(void)
{
    for (unsigned i = 0; i < shim->nr_vcpus; i++) {
        if (shim->vcpus[i].held) {
            return true;
        }
    }
    return false;
}

/* Halted as it is, has it something to do?  At exact virtual times only. */
bool vcpu_hold_has_work(CPUState *cs)
{
    return !shim_vcpu(cs)->held && hold.stock->has_work(cs);
}

void vcpu_hold_apply(unsigned vcpu, bool held)
{
    ShimVcpu *v = &shim->vcpus[vcpu];
    CPUState *cs = qemu_get_cpu(vcpu);

    v->held = held;
    if (!cs) {
        return;
    }
    if (!tcg_enabled()) {
        hold_untouched(vcpu, v, held);
    } else if (held) {
        hold_begin(cs, v);
    } else {
        hold_end(cs, v);
    }
}

void shim_vcpu_hold(unsigned vcpu, bool held)
{
    ShimVcpu *v = shim_vcpu_by_index(vcpu);

    if (v) {
        v->hold_wanted = held;
        if (!v->paused) {
            vcpu_hold_apply(vcpu, held);
        }
    }
}

static void hold_wrap_class(ObjectClass *oc, void *opaque)
{
    CPUClass *cc = CPU_CLASS(oc);

    if (cc->sysemu_ops == hold.stock) {
        cc->sysemu_ops = &hold.wrapped;
    }
}

void vcpu_hold_install(void)
{
    /* Its one instance is QEMU's own, made writable for the accelerator. */
    AccelOpsClass *accel = (AccelOpsClass *)cpus_get_accel();

    hold.stock = CPU_GET_CLASS(first_cpu)->sysemu_ops;
    hold.wrapped = *hold.stock;
    hold.wrapped.has_work = hold_has_work;
    object_class_foreach(hold_wrap_class, TYPE_X86_CPU, false, NULL);
    hold.handle_interrupt = accel->handle_interrupt;
    accel->handle_interrupt = hold_handle_interrupt;
}
