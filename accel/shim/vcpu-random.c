/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RDRAND and RDSEED under icount, from numbers that migrate.
 *
 * QEMU's own are repeatable with -seed, but where in their sequence it is, it
 * tells nobody: a guest that goes on in another process would draw others.
 * While a vCPU executes, TCG knows neither instruction; #UD brings them here.
 * CPUID shows them as they are.
 */
#include "qemu/osdep.h"
#include "qemu/guest-random.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "system/cpu-timers.h"
#include "accel/shim/guest-memory.h"
#include "accel/shim/insn-random.h"
#include "accel/shim/insn.h"
#include "accel/shim/vcpu-internal.h"

/* Methods carry no pointer of ours. */
static struct {
    bool rdrand, rdseed; /* the processor has it */
    ShimRandom state;
} numbers;

void vcpu_random_install(void)
{
    const CPUX86State *env = cpu_env(first_cpu);

    if (!icount_enabled()) {
        return;
    }
    numbers.rdrand = env->features[FEAT_1_ECX] & CPUID_EXT_RDRAND;
    numbers.rdseed = env->features[FEAT_7_0_EBX] & CPUID_7_0_EBX_RDSEED;
    qemu_guest_getrandom_nofail(&numbers.state.seed,
                                sizeof(numbers.state.seed));
}

ShimRandom shim_random(void)
{
    return numbers.state;
}

void shim_set_random(ShimRandom state)
{
    numbers.state = state;
}

void vcpu_random_hide(CPUX86State *env)
{
    if (numbers.rdrand) {
        env->features[FEAT_1_ECX] &= ~CPUID_EXT_RDRAND;
    }
    if (numbers.rdseed) {
        env->features[FEAT_7_0_EBX] &= ~CPUID_7_0_EBX_RDSEED;
    }
}

void vcpu_random_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    if (leaf == 1 && numbers.rdrand) {
        regs[2] |= CPUID_EXT_RDRAND;
    }
    if (leaf == 7 && subleaf == 0 && numbers.rdseed) {
        regs[1] |= CPUID_7_0_EBX_RDSEED;
    }
}

/* SplitMix64, by Steele, Lea and Flood: a counter, well stirred */
static uint64_t draw(void)
{
    uint64_t z =
        numbers.state.seed + ++numbers.state.draws * 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void set_register(CPUX86State *env, const ShimRandomInsn *insn,
                         uint64_t value)
{
    target_ulong *reg = &env->regs[insn->reg];

    switch (insn->bytes) {
    case 2:
        *reg = deposit64(*reg, 0, 16, value);
        break;
    case 4:
        *reg = (uint32_t)value;
        break;
    default:
        *reg = value;
        break;
    }
}

static unsigned code_bits(const CPUX86State *env)
{
    if (vcpu_long_mode(env)) {
        return 64;
    }
    return env->hflags & HF_CS32_MASK ? 32 : 16;
}

/* See vcpu_decode(). */
static bool decode(CPUState *cs, ShimRandomInsn *insn)
{
    CPUX86State *env = cpu_env(cs);
    uint8_t code[SHIM_INSN_MAX];
    uint64_t pc = env->segs[R_CS].base + env->eip;
    size_t here;

    if (!vcpu_long_mode(env)) {
        pc = (uint32_t)pc;
    }
    here = MIN(sizeof(code), -(pc | TARGET_PAGE_MASK));
    return shim_insn_random(code, guest_fetch(cs, pc, code, here),
                            code_bits(env), insn) ||
           (here < sizeof(code) &&
            shim_insn_random(code, guest_fetch(cs, pc, code, sizeof(code)),
                             code_bits(env), insn));
}

/* SDM volume 2, RDRAND: CF tells that there was a number, other flags are 0. */
bool vcpu_handle_random(CPUState *cs, size_t *len)
{
    CPUX86State *env = cpu_env(cs);
    ShimRandomInsn insn;

    if ((!numbers.rdrand && !numbers.rdseed) || !decode(cs, &insn) ||
        !(insn.seed ? numbers.rdseed : numbers.rdrand)) {
        return false;
    }
    set_register(env, &insn, draw());
    env->cc_src = CC_C;
    env->cc_op = CC_OP_EFLAGS;
    *len = insn.len;
    return true;
}
