/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which instruction of the guest's has made the access that is under way.
 *
 * TCG keeps the instruction pointer current only at the ends of its blocks.
 * For accesses to memory it notes where in its generated code it is; for those
 * to ports the stack is walked up to that code.  From there TCG knows the
 * instruction.
 */
#include "qemu/osdep.h"
#include <execinfo.h>
#include "cpu.h"
#include "exec/cpu-common.h"
#include "exec/translation-block.h"
#include "system/tcg.h"
#include "tcg/insn-start-words.h"
#include "accel/serial/serial-internal.h"

/* Calls between a device's register and the code that accesses it */
#define DEPTH_MAX 64

static uint64_t rip_of(CPUX86State *env, CPUState *cs, const uint64_t *data)
{
    uint64_t pc = data[0];

    /* Such code knows only where in its page it is. */
    if (tcg_cflags_has(cs, CF_PCREL)) {
        uint64_t base = env->eip;

        if (!(env->hflags & HF_CS64_MASK)) {
            base += env->segs[R_CS].base;
        }
        pc = (base & TARGET_PAGE_MASK) | data[0];
    }
    if (env->hflags & HF_CS64_MASK) {
        return pc;
    }
    return (uint32_t)(pc - env->segs[R_CS].base);
}

SerialWhere serial_where(const SerialDevice *dev)
{
    SerialWhere where = {.vcpu = -1};
    CPUState *cs = current_cpu;
    uint64_t data[TARGET_INSN_START_WORDS];
    void *stack[DEPTH_MAX];
    int depth = 0;

    if (!cs || !dev->access) {
        return where;
    }
    where.vcpu = cs->cpu_index;
    if (tcg_enabled() && dev->access == SERIAL_ACCESS_MEMORY) {
        /* Calls for memory are out of the line of the instructions. */
        where.has_rip = cpu_unwind_state_data(cs, cs->mem_io_pc, data);
    } else if (tcg_enabled()) {
        depth = backtrace(stack, DEPTH_MAX);
    }
    for (int i = 0; i < depth && !where.has_rip; i++) {
        where.has_rip = cpu_unwind_state_data(cs, (uintptr_t)stack[i], data);
    }
    if (where.has_rip) {
        where.rip = rip_of(cpu_env(cs), cs, data);
    }
    return where;
}
