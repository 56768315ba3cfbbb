/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognise the few instructions the shim takes over, and their length.
 */
#ifndef JUMPCUT_ACCEL_SHIM_INSN_H
#define JUMPCUT_ACCEL_SHIM_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHIM_INSN_MAX 15 /* longest x86 instruction, bytes */

typedef enum ShimInsn {
    SHIM_INSN_OTHER,
    SHIM_INSN_CPUID,   /* 0f a2 */
    SHIM_INSN_RDMSR,   /* 0f 32 */
    SHIM_INSN_WRMSR,   /* 0f 30 */
    SHIM_INSN_RDTSC,   /* 0f 31 */
    SHIM_INSN_RDTSCP,  /* 0f 01 f9 */
    SHIM_INSN_VMCALL,  /* 0f 01 c1 */
    SHIM_INSN_VMMCALL, /* 0f 01 d9 */
    SHIM_INSN_PAUSE,   /* f3 90, with no REX.B between */
    SHIM_INSN_MWAIT,   /* 0f 01 c9 */
} ShimInsn;

/*
 * What the @len bytes at @code begin with, legacy prefixes and (in @long_mode)
 * REX skipped; its length goes to *@insn_len.  A LOCK prefix makes it another
 * instruction, as it does to a processor (which raises #UD).
 */
ShimInsn shim_insn_decode(const uint8_t *code, size_t len, bool long_mode,
                          size_t *insn_len);

#endif
