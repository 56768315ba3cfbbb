/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognising the instructions the shim takes over: every opcode with every
 * prefix, cut short at every byte, and what must not be mistaken for them.
 */
#include <glib.h>
#include "accel/shim/insn.h"

typedef struct InsnRow {
    const char *name;
    uint8_t code[16];
    size_t len;
    bool long_mode;
    ShimInsn want;
    size_t want_len;
} InsnRow;

static const InsnRow rows[] = {
    {"cpuid", {0x0f, 0xa2}, 2, true, SHIM_INSN_CPUID, 2},
    {"rdmsr", {0x0f, 0x32}, 2, true, SHIM_INSN_RDMSR, 2},
    {"wrmsr", {0x0f, 0x30}, 2, true, SHIM_INSN_WRMSR, 2},
    {"rdtsc", {0x0f, 0x31}, 2, true, SHIM_INSN_RDTSC, 2},
    {"rdtscp", {0x0f, 0x01, 0xf9}, 3, true, SHIM_INSN_RDTSCP, 3},
    {"vmcall", {0x0f, 0x01, 0xc1}, 3, true, SHIM_INSN_VMCALL, 3},
    {"vmmcall", {0x0f, 0x01, 0xd9}, 3, true, SHIM_INSN_VMMCALL, 3},
    {"REX is a prefix in long mode",
     {0x48, 0x0f, 0xa2},
     3,
     true,
     SHIM_INSN_CPUID,
     3},
    {"REX is DEC outside of it",
     {0x48, 0x0f, 0xa2},
     3,
     false,
     SHIM_INSN_OTHER,
     0},
    {"several prefixes",
     {0x66, 0xf3, 0x2e, 0x0f, 0x31},
     5,
     false,
     SHIM_INSN_RDTSC,
     5},
    {"LOCK makes it undefined",
     {0xf0, 0x0f, 0xa2},
     3,
     true,
     SHIM_INSN_OTHER,
     0},
    {"ud2", {0x0f, 0x0b}, 2, true, SHIM_INSN_OTHER, 0},
    {"syscall", {0x0f, 0x05}, 2, true, SHIM_INSN_OTHER, 0},
    {"vmrun", {0x0f, 0x01, 0xd8}, 3, true, SHIM_INSN_OTHER, 0},
    {"mwait", {0x0f, 0x01, 0xc9}, 3, true, SHIM_INSN_MWAIT, 3},
    {"monitor", {0x0f, 0x01, 0xc8}, 3, true, SHIM_INSN_OTHER, 0},
    {"pause", {0xf3, 0x90}, 2, true, SHIM_INSN_PAUSE, 2},
    {"pause, REX.W", {0xf3, 0x48, 0x90}, 3, true, SHIM_INSN_PAUSE, 3},
    {"pause, REX.B not last", {0x41, 0xf3, 0x90}, 3, true, SHIM_INSN_PAUSE, 3},
    {"REP XCHG R8", {0xf3, 0x41, 0x90}, 3, true, SHIM_INSN_OTHER, 0},
    {"REP INC", {0xf3, 0x41, 0x90}, 3, false, SHIM_INSN_OTHER, 0},
    {"pause after REPNE",
     {0xf2, 0xf3, 0x66, 0x90},
     4,
     false,
     SHIM_INSN_PAUSE,
     4},
    {"REPNE NOP", {0xf3, 0xf2, 0x90}, 3, true, SHIM_INSN_OTHER, 0},
    {"nop", {0x66, 0x90}, 2, true, SHIM_INSN_OTHER, 0},
    {"longest legal",
     {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
      0x66, 0x0f, 0xa2},
     15,
     true,
     SHIM_INSN_CPUID,
     15},
    {"one byte too long",
     {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
      0x66, 0x66, 0x0f, 0xa2},
     16,
     true,
     SHIM_INSN_OTHER,
     0},
};

static void decode_known_bytes_gives_insn(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const InsnRow *row = &rows[i];
        size_t len = 0;
        ShimInsn got =
            shim_insn_decode(row->code, row->len, row->long_mode, &len);

        if (got != row->want || (row->want_len && len != row->want_len)) {
            g_test_message("%s: want insn %d length %zu, got %d length %zu",
                           row->name, row->want, row->want_len, got, len);
            g_test_fail();
        }
    }
}

static void decode_truncated_bytes_gives_other(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (size_t n = 0; n < rows[i].want_len; n++) {
            /* Exactly sized, so that a sanitizer sees a read past the end. */
            g_autofree uint8_t *code = g_memdup2(rows[i].code, n);
            size_t len;

            g_assert_cmpint(shim_insn_decode(code, n, rows[i].long_mode, &len),
                            ==, SHIM_INSN_OTHER);
        }
    }
}

static void decode_all_two_bytes_gives_only_ours(void)
{
    unsigned ours = 0;

    for (unsigned opcode = 0; opcode < 256; opcode++) {
        uint8_t code[3] = {0x0f, opcode, 0};
        size_t len;

        ours += shim_insn_decode(code, 3, true, &len) != SHIM_INSN_OTHER;
    }
    g_assert_cmpuint(ours, ==, 4);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/insn/known", decode_known_bytes_gives_insn);
    g_test_add_func("/insn/truncated", decode_truncated_bytes_gives_other);
    g_test_add_func("/insn/two-byte", decode_all_two_bytes_gives_only_ours);
    return g_test_run();
}
