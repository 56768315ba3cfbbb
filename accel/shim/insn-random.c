/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognise RDRAND and RDSEED: 0f c7 /6 and /7 with a register operand.
 */
#include "accel/shim/insn-random.h"

#include "accel/shim/insn.h"

#define REX_B 0x1
#define REX_W 0x8

/* Segments and address size mean nothing here; operand size does. */
static bool is_prefix(uint8_t byte)
{
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
        return true;
    default:
        return false;
    }
}

static unsigned operand_bytes(unsigned code_bits, bool size_prefix, uint8_t rex)
{
    if (rex & REX_W) {
        return 8;
    }
    return (code_bits == 16) == size_prefix ? 4 : 2;
}

bool shim_insn_random(const uint8_t *code, size_t len, unsigned code_bits,
                      ShimRandomInsn *insn)
{
    bool size_prefix = false;
    uint8_t rex = 0, modrm;
    size_t i = 0;

    if (len > SHIM_INSN_MAX) {
        len = SHIM_INSN_MAX;
    }
    /* A REX that is not the last prefix counts for nothing. */
    for (; i < len; i++) {
        if (code_bits == 64 && (code[i] & 0xf0) == 0x40) {
            rex = code[i];
        } else if (is_prefix(code[i])) {
            size_prefix |= code[i] == 0x66;
            rex = 0;
        } else {
            break;
        }
    }
    if (len - i < 3 || code[i] != 0x0f || code[i + 1] != 0xc7) {
        return false;
    }
    modrm = code[i + 2];
    if (modrm < 0xf0) {
        return false; /* memory, or another of the group */
    }
    *insn = (ShimRandomInsn){
        .seed = modrm & 0x8,
        .reg = (modrm & 7) | (rex & REX_B ? 8 : 0),
        .bytes = operand_bytes(code_bits, size_prefix, rex),
        .len = i + 3,
    };
    return true;
}
