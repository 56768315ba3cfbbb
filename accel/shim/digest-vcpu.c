/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's registers for a digest.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "accel/shim/digest.h"

static void put_u64(GByteArray *out, uint64_t value)
{
    uint64_t le = GUINT64_TO_LE(value);

    g_byte_array_append(out, (const uint8_t *)&le, sizeof(le));
}

static void put_segment(GByteArray *out, const SegmentCache *seg)
{
    put_u64(out, seg->selector);
    put_u64(out, seg->base);
    put_u64(out, seg->limit);
    put_u64(out, seg->flags);
}

static void put_segments(GByteArray *out, const CPUX86State *env)
{
    for (int i = 0; i < 6; i++) {
        put_segment(out, &env->segs[i]);
    }
    put_segment(out, &env->ldt);
    put_segment(out, &env->tr);
    put_segment(out, &env->gdt);
    put_segment(out, &env->idt);
}

static void put_mtrrs(GByteArray *out, const CPUX86State *env)
{
    put_u64(out, env->mtrr_deftype);
    for (int i = 0; i < 11; i++) {
        put_u64(out, env->mtrr_fixed[i]);
    }
    for (int i = 0; i < MSR_MTRRcap_VCNT; i++) {
        put_u64(out, env->mtrr_var[i].base);
        put_u64(out, env->mtrr_var[i].mask);
    }
}

static void put_msrs(GByteArray *out, const CPUX86State *env)
{
    put_u64(out, env->xcr0);
    put_u64(out, env->efer);
    put_u64(out, env->star);
    put_u64(out, env->lstar);
    put_u64(out, env->cstar);
    put_u64(out, env->fmask);
    put_u64(out, env->kernelgsbase);
    put_u64(out, env->sysenter_cs);
    put_u64(out, env->sysenter_esp);
    put_u64(out, env->sysenter_eip);
    put_u64(out, env->tsc_aux);
    put_u64(out, env->pat);
    put_u64(out, env->msr_ia32_misc_enable);
    put_u64(out, env->pkru);
    put_u64(out, env->smbase);
    put_mtrrs(out, env);
}

/* In its own function: floatx80 has padding, so field by field. */
static void put_fpu(GByteArray *out, const CPUX86State *env)
{
    put_u64(out, env->fpstt);
    put_u64(out, env->fpus);
    put_u64(out, env->fpuc);
    for (int i = 0; i < 8; i++) {
        put_u64(out, env->fptags[i]);
        put_u64(out, env->fpregs[i].d.low);
        put_u64(out, env->fpregs[i].d.high);
    }
    put_u64(out, env->mxcsr);
    for (int i = 0; i < CPU_NB_REGS; i++) {
        g_byte_array_append(out, (const uint8_t *)&env->xmm_regs[i],
                            sizeof(env->xmm_regs[i]));
    }
}

/*
 * A timer's callback may find a vCPU on its way out of cpu_exec, with flags
 * still in TCG's lazy form: cpu_compute_eflags() is right in either form.
 */
void digest_core_registers(CPUState *cs, uint64_t *regs)
{
    static const uint8_t first[] = {R_EAX, R_EBX, R_ECX, R_EDX,
                                    R_ESI, R_EDI, R_EBP, R_ESP};
    CPUX86State *env = cpu_env(cs);

    QEMU_BUILD_BUG_ON(CPU_NB_REGS + 2 != DIGEST_REGISTERS);
    for (unsigned i = 0; i < CPU_NB_REGS; i++) {
        regs[i] = env->regs[i < ARRAY_SIZE(first) ? first[i] : i];
    }
    regs[CPU_NB_REGS] = env->eip;
    regs[CPU_NB_REGS + 1] = cpu_compute_eflags(env);
}

void digest_put_vcpu(GByteArray *out, CPUState *cs)
{
    CPUX86State *env = cpu_env(cs);
    uint64_t core[DIGEST_REGISTERS];

    digest_core_registers(cs, core);
    put_u64(out, cs->cpu_index);
    put_u64(out, cs->halted);
    for (unsigned i = 0; i < DIGEST_REGISTERS; i++) {
        put_u64(out, core[i]);
    }
    put_segments(out, env);
    for (int i = 0; i < 5; i++) {
        put_u64(out, env->cr[i]);
    }
    for (int i = 0; i < 8; i++) {
        put_u64(out, env->dr[i]);
    }
    put_u64(out, env->hflags & (HF_INHIBIT_IRQ_MASK | HF_SMM_MASK));
    put_u64(out, env->hflags2 & (HF2_NMI_MASK | HF2_SMM_INSIDE_NMI_MASK));
    put_msrs(out, env);
    put_fpu(out, env);
}
