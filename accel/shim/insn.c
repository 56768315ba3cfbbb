/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognise the few instructions the shim takes over, and their length.
 */
#include "accel/shim/insn.h"

/* SDM volume 2, 2.1.1: group 2 to 4 prefixes and REP; LOCK is not skipped. */
static bool insn_is_prefix(uint8_t byte)
{
    switch (byte) {
    case 0x26: /* ES */
    case 0x2e: /* CS */
    case 0x36: /* SS */
    case 0x3e: /* DS */
    case 0x64: /* FS */
    case 0x65: /* GS */
    case 0x66: /* operand size */
    case 0x67: /* address size */
    case 0xf2: /* REPNE */
    case 0xf3: /* REP */
        return true;
    default:
        return false;
    }
}

static ShimInsn insn_two_byte(uint8_t opcode)
{
    switch (opcode) {
    case 0xa2:
        return SHIM_INSN_CPUID;
    case 0x32:
        return SHIM_INSN_RDMSR;
    case 0x30:
        return SHIM_INSN_WRMSR;
    case 0x31:
        return SHIM_INSN_RDTSC;
    default:
        return SHIM_INSN_OTHER;
    }
}

static ShimInsn insn_group7(uint8_t modrm)
{
    switch (modrm) {
    case 0xf9:
        return SHIM_INSN_RDTSCP;
    case 0xc1:
        return SHIM_INSN_VMCALL;
    case 0xd9:
        return SHIM_INSN_VMMCALL;
    case 0xc9:
        return SHIM_INSN_MWAIT;
    default:
        return SHIM_INSN_OTHER;
    }
}

/* 90 after @n bytes of prefixes: of REP and REPNE the last one counts. */
static bool insn_is_pause(const uint8_t *code, size_t n, bool long_mode)
{
    if (n > 0 && long_mode && (code[n - 1] & 0xf1) == 0x41) {
        return false; /* XCHG with R8 */
    }
    while (n > 0 && code[n - 1] != 0xf2 && code[n - 1] != 0xf3) {
        n--;
    }
    return n > 0 && code[n - 1] == 0xf3;
}

ShimInsn shim_insn_decode(const uint8_t *code, size_t len, bool long_mode,
                          size_t *insn_len)
{
    size_t i = 0;
    ShimInsn insn;

    if (len > SHIM_INSN_MAX) {
        len = SHIM_INSN_MAX;
    }
    while (i < len && (insn_is_prefix(code[i]) ||
                       (long_mode && (code[i] & 0xf0) == 0x40))) {
        i++;
    }
    if (i < len && code[i] == 0x90 && insn_is_pause(code, i, long_mode)) {
        *insn_len = i + 1;
        return SHIM_INSN_PAUSE;
    }
    if (i + 2 > len || code[i] != 0x0f) {
        return SHIM_INSN_OTHER;
    }
    if (code[i + 1] != 0x01) {
        insn = insn_two_byte(code[i + 1]);
        *insn_len = i + 2;
        return insn;
    }
    if (i + 3 > len) {
        return SHIM_INSN_OTHER;
    }
    insn = insn_group7(code[i + 2]);
    *insn_len = i + 3;
    return insn;
}
