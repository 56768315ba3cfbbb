/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers with which a vCPU that was never started begins.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "hw/i386/apic_internal.h"
#include "system/tcg.h"
#include "accel/shim/vcpu-internal.h"

/* Bits of EFER that the processor has. */
static uint64_t efer_bits(const CPUX86State *env)
{
    uint64_t bits = 0;

    if (env->features[FEAT_8000_0001_EDX] & CPUID_EXT2_SYSCALL) {
        bits |= MSR_EFER_SCE;
    }
    if (env->features[FEAT_8000_0001_EDX] & CPUID_EXT2_LM) {
        bits |= MSR_EFER_LME | MSR_EFER_LMA;
    }
    if (env->features[FEAT_8000_0001_EDX] & CPUID_EXT2_NX) {
        bits |= MSR_EFER_NXE;
    }
    if (env->features[FEAT_8000_0001_EDX] & CPUID_EXT2_FFXSR) {
        bits |= MSR_EFER_FFXSR;
    }
    return bits;
}

static unsigned segment_flags(const HostSegment *s)
{
    return (unsigned)(s->attr & 0xff) << 8 | (unsigned)(s->attr & 0xf00) << 12;
}

static void load_control(CPUX86State *env, const HostVcpuRegs *r)
{
    cpu_x86_update_cr4(env, r->cr4);
    /* Turning paging on makes LMA of LME. */
    cpu_load_efer(env, r->efer & ~(uint64_t)MSR_EFER_LMA);
    cpu_x86_update_cr3(env, r->cr3);
    cpu_x86_update_cr0(env, r->cr0);
}

static void load_segments(CPUX86State *env, const HostVcpuRegs *r)
{
    static const struct {
        int to;
        HostSegmentReg from;
    } segments[] = {
        {R_CS, HOST_SEG_CS},
        {R_SS, HOST_SEG_SS},
        {R_DS, HOST_SEG_DS},
        {R_ES, HOST_SEG_ES},
    };
    const HostSegment *tr = &r->seg[HOST_SEG_TR];

    for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
        const HostSegment *s = &r->seg[segments[i].from];

        cpu_x86_load_seg_cache(env, segments[i].to, 0, s->base, s->limit,
                               segment_flags(s));
    }
    env->tr = (SegmentCache){
        .base = tr->base, .limit = tr->limit, .flags = segment_flags(tr)};
}

static void load_general(CPUX86State *env, const HostVcpuRegs *r)
{
    env->regs[R_EAX] = r->rax;
    env->regs[R_ECX] = r->rcx;
    env->regs[R_EDX] = r->rdx;
    env->regs[R_EBX] = r->rbx;
    env->regs[R_ESP] = r->rsp;
    env->regs[R_EBP] = r->rbp;
    env->regs[R_ESI] = r->rsi;
    env->regs[R_EDI] = r->rdi;
    env->eip = r->rip;
    env->eflags = r->rflags; /* cpu_exec_enter parts them */
}

/* TCG lets INIT wait until something else wakes a halted vCPU. */
bool shim_vcpu_take_init(unsigned vcpu)
{
    CPUState *cs = vcpu < shim->nr_vcpus ? qemu_get_cpu(vcpu) : NULL;

    if (!cs || !cs->halted || !(cs->interrupt_request & CPU_INTERRUPT_INIT)) {
        return false;
    }
    cpu_reset_interrupt(cs, CPU_INTERRUPT_INIT);
    do_cpu_init(X86_CPU(cs));
    shim->vcpus[vcpu].blocked = shim->vcpus[vcpu].offline = false;
    return true;
}

bool shim_vcpu_set_regs(unsigned vcpu, const HostVcpuRegs *regs)
{
    CPUState *cs = vcpu < shim->nr_vcpus ? qemu_get_cpu(vcpu) : NULL;
    ShimVcpu *v = &shim->vcpus[vcpu];
    CPUX86State *env;

    if (!cs) {
        return false;
    }
    env = cpu_env(cs);
    if ((regs->cr4 & cr4_reserved_bits(env)) ||
        (regs->efer & ~efer_bits(env))) {
        return false;
    }
    if (tcg_enabled()) {
        load_control(env, regs);
        load_segments(env, regs);
        load_general(env, regs);
    }
    if (X86_CPU(cs)->apic_state) {
        /* SIPI has no meaning for it any more. */
        APIC_COMMON(X86_CPU(cs)->apic_state)->wait_for_sipi = 0;
    }
    v->cs = cs;
    v->stopped = v->blocked = v->offline = true;
    v->masked = false;
    cs->halted = 1;
    return true;
}
