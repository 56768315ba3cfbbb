/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognise RDRAND and RDSEED, their operand and their length.
 */
#ifndef JUMPCUT_ACCEL_SHIM_INSN_RANDOM_H
#define JUMPCUT_ACCEL_SHIM_INSN_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ShimRandomInsn {
    bool seed;      /* RDSEED */
    unsigned reg;   /* 0 to 15, as encoded */
    unsigned bytes; /* 2, 4 or 8 of the register are written */
    size_t len;
} ShimRandomInsn;

/*
 * Is that what the @len bytes at @code begin with?  @code_bits: 16, 32 or 64,
 * of the code segment.  With LOCK, REP or REPNE it is another instruction.
 */
bool shim_insn_random(const uint8_t *code, size_t len, unsigned code_bits,
                      ShimRandomInsn *insn);

#endif
