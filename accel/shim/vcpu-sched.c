/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a vCPU executes: stopped by the hypervisor and woken, paused with all
 * others, reset, unplugged; and what of this migrates.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "accel/shim/vcpu-internal.h"

static void vcpu_reset(ShimVcpu *v, unsigned vcpu)
{
    v->blocked = v->offline = v->masked = v->vector_level = false;
    v->paused = v->was_halted = false;
    v->hold_requested = v->hold_stopped = v->hold_woken = false;
    /* An application processor waits for SIPI, which starts it. */
    v->stopped = vcpu != 0;
}

void shim_reset(void)
{
    for (unsigned i = 0; i < shim->nr_vcpus; i++) {
        vcpu_reset(&shim->vcpus[i], i);
    }
    vcpu_turns_reset();
}

void shim_vcpu_gone(CPUState *cs)
{
    ShimVcpu *v = shim_vcpu(cs);

    vcpu_reset(v, cs->cpu_index);
    vcpu_turns_gone(cs);
    v->cs = NULL;
    v->held = v->hold_wanted; /* the next one in its place is */
    shim->ops->init(shim->opaque, cs->cpu_index);
}

void shim_pause(void)
{
    for (unsigned i = 0; i < shim->nr_vcpus; i++) {
        ShimVcpu *v = &shim->vcpus[i];
        CPUState *cs = qemu_get_cpu(i);

        if (!cs || v->paused) {
            continue;
        }
        vcpu_hold_apply(i, false);
        v->paused = true;
        v->was_halted = cs->halted || v->blocked;
        if (!cs->halted) {
            cpu_interrupt(cs, CPU_INTERRUPT_HALT);
        }
    }
}

/* Execute again what was halted or is about to be. */
static void vcpu_unhalt(CPUState *cs, ShimVcpu *v)
{
    if (cs->interrupt_request & CPU_INTERRUPT_HALT) {
        /* It has not stopped yet. */
        cpu_reset_interrupt(cs, CPU_INTERRUPT_HALT);
    } else {
        cs->halted = 0;
        qemu_cpu_kick(cs);
    }
    if (!v->stopped) {
        /* Before it stopped: cpu_exec_enter has nothing to tell. */
        shim->ops->running(shim->opaque, cs->cpu_index);
    }
}

static void vcpu_unpause(CPUState *cs, ShimVcpu *v)
{
    bool halted = v->was_halted;

    v->paused = v->was_halted = false;
    if (v->masked && !v->offline) {
        cpu_env(cs)->eflags |= IF_MASK;
        v->masked = false;
    }
    if (halted) {
        qemu_cpu_kick(cs);
    } else {
        vcpu_unhalt(cs, v);
    }
}

void shim_unpause(void)
{
    for (unsigned i = 0; i < shim->nr_vcpus; i++) {
        ShimVcpu *v = &shim->vcpus[i];
        CPUState *cs = qemu_get_cpu(i);

        if (cs && v->paused) {
            vcpu_unpause(cs, v);
            vcpu_hold_apply(i, v->hold_wanted);
        }
    }
}

void shim_vcpu_unhalt(unsigned vcpu)
{
    ShimVcpu *v = shim_vcpu_by_index(vcpu);

    if (v && v->paused) {
        v->was_halted = false;
    }
}

/* For HostOps */

static void vcpu_stop(unsigned vcpu, bool offline)
{
    ShimVcpu *v = shim_vcpu_by_index(vcpu);
    CPUState *cs = v ? qemu_get_cpu(vcpu) : NULL;

    if (!cs) {
        return;
    }
    v->blocked = true;
    v->offline = offline;
    if (!cs->halted) {
        cpu_interrupt(cs, CPU_INTERRUPT_HALT);
    }
}

void shim_vcpu_block(unsigned vcpu)
{
    vcpu_stop(vcpu, false);
}

void shim_vcpu_offline(unsigned vcpu)
{
    vcpu_stop(vcpu, true);
}

void shim_vcpu_wake(unsigned vcpu)
{
    ShimVcpu *v = shim_vcpu_by_index(vcpu);
    CPUState *cs = v ? qemu_get_cpu(vcpu) : NULL;

    if (!cs || !v->blocked) {
        return;
    }
    v->blocked = v->offline = false;
    if (v->paused) {
        v->was_halted = false;
        return;
    }
    if (v->held) {
        vcpu_hold_takes_over(cs, v);
        return;
    }
    vcpu_unhalt(cs, v);
}

/* Migration */

ShimVcpuState shim_vcpu_state(unsigned vcpu)
{
    const ShimVcpu *v = &shim->vcpus[vcpu];

    return (ShimVcpuState){
        .vector = v->vector,
        .flags = (v->blocked ? SHIM_VCPU_BLOCKED : 0) |
                 (v->offline ? SHIM_VCPU_OFFLINE : 0) |
                 (v->masked ? SHIM_VCPU_MASKED : 0) |
                 (v->stopped ? SHIM_VCPU_STOPPED : 0) |
                 (v->paused ? SHIM_VCPU_PAUSED : 0) |
                 (v->was_halted ? SHIM_VCPU_HALTED : 0) |
                 (v->hold_requested ? SHIM_VCPU_HOLD_REQUESTED : 0) |
                 (v->hold_stopped ? SHIM_VCPU_HOLD_STOPPED : 0) |
                 (v->hold_woken ? SHIM_VCPU_HOLD_WOKEN : 0),
    };
}

void shim_vcpu_set_state(unsigned vcpu, ShimVcpuState state)
{
    ShimVcpu *v = &shim->vcpus[vcpu];

    v->vector = state.vector;
    v->blocked = state.flags & SHIM_VCPU_BLOCKED;
    v->offline = state.flags & SHIM_VCPU_OFFLINE;
    v->masked = state.flags & SHIM_VCPU_MASKED;
    v->stopped = state.flags & SHIM_VCPU_STOPPED;
    v->paused = state.flags & SHIM_VCPU_PAUSED;
    v->was_halted = state.flags & SHIM_VCPU_HALTED;
    v->hold_requested = state.flags & SHIM_VCPU_HOLD_REQUESTED;
    v->hold_stopped = state.flags & SHIM_VCPU_HOLD_STOPPED;
    v->hold_woken = state.flags & SHIM_VCPU_HOLD_WOKEN;
}
