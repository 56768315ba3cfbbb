/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognising RDRAND and RDSEED: operands, prefixes, cut short at every byte,
 * and their neighbours in the group.
 */
#include <glib.h>
#include <string.h>
#include "accel/shim/insn-random.h"

typedef struct Row {
    const char *name;
    uint8_t code[16];
    size_t len;
    unsigned bits;
    ShimRandomInsn want; /* len 0: it is none */
} Row;

static const Row rows[] = {
    {"eax", {0x0f, 0xc7, 0xf0}, 3, 64, {false, 0, 4, 3}},
    {"eax, 32 bits", {0x0f, 0xc7, 0xf0}, 3, 32, {false, 0, 4, 3}},
    {"ax, 16 bits", {0x0f, 0xc7, 0xf0}, 3, 16, {false, 0, 2, 3}},
    {"eax, 16 bits", {0x66, 0x0f, 0xc7, 0xf0}, 4, 16, {false, 0, 4, 4}},
    {"di", {0x66, 0x0f, 0xc7, 0xf7}, 4, 64, {false, 7, 2, 4}},
    {"rax", {0x48, 0x0f, 0xc7, 0xf0}, 4, 64, {false, 0, 8, 4}},
    {"r9", {0x49, 0x0f, 0xc7, 0xf1}, 4, 64, {false, 9, 8, 4}},
    {"r9d", {0x41, 0x0f, 0xc7, 0xf1}, 4, 64, {false, 9, 4, 4}},
    {"REX.W before 66",
     {0x48, 0x66, 0x0f, 0xc7, 0xf0},
     5,
     64,
     {false, 0, 2, 5}},
    {"66 before REX.W",
     {0x66, 0x48, 0x0f, 0xc7, 0xf0},
     5,
     64,
     {false, 0, 8, 5}},
    {"segment, address",
     {0x2e, 0x67, 0x0f, 0xc7, 0xf0},
     5,
     32,
     {false, 0, 4, 5}},
    {"rdseed rdx", {0x48, 0x0f, 0xc7, 0xfa}, 4, 64, {true, 2, 8, 4}},
    {"REX is DEC in 32 bits", {0x48, 0x0f, 0xc7, 0xf0}, 4, 32, {.len = 0}},
    {"LOCK", {0xf0, 0x0f, 0xc7, 0xf0}, 4, 64, {.len = 0}},
    {"REP: RDPID", {0xf3, 0x0f, 0xc7, 0xf8}, 4, 64, {.len = 0}},
    {"REPNE", {0xf2, 0x0f, 0xc7, 0xf0}, 4, 64, {.len = 0}},
    {"memory: vmptrld", {0x0f, 0xc7, 0x30}, 3, 64, {.len = 0}},
    {"memory: vmptrst", {0x0f, 0xc7, 0xb8}, 3, 64, {.len = 0}},
    {"cmpxchg8b", {0x0f, 0xc7, 0x08}, 3, 64, {.len = 0}},
    {"/5", {0x0f, 0xc7, 0xef}, 3, 64, {.len = 0}},
    {"cpuid", {0x0f, 0xa2, 0xf0}, 3, 64, {.len = 0}},
};

static void insn_random_rows_are_told(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Row *r = &rows[i];
        ShimRandomInsn got = {.len = 99};
        bool is = shim_insn_random(r->code, r->len, r->bits, &got);

        if (is != (r->want.len > 0) ||
            (is && (got.seed != r->want.seed || got.reg != r->want.reg ||
                    got.bytes != r->want.bytes || got.len != r->want.len))) {
            g_error("%s: %d, seed %d, register %u, %u bytes, length %zu",
                    r->name, is, got.seed, got.reg, got.bytes, got.len);
        }
    }
}

static void insn_random_cut_short_is_none(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (size_t len = 0; len < rows[i].want.len; len++) {
            g_autofree uint8_t *code = g_memdup2(rows[i].code, len);
            ShimRandomInsn got;

            g_assert_false(shim_insn_random(code, len, rows[i].bits, &got));
        }
    }
}

/* Fifteen bytes are an instruction's most. */
static void insn_random_of_sixteen_bytes_is_none(void)
{
    uint8_t code[16];
    ShimRandomInsn got;

    memset(code, 0x2e, sizeof(code));
    code[12] = 0x0f;
    code[13] = 0xc7;
    code[14] = 0xf0;
    g_assert_true(shim_insn_random(code, sizeof(code), 64, &got));
    g_assert_cmpuint(got.len, ==, 15);
    code[12] = 0x2e;
    code[13] = 0x0f;
    code[14] = 0xc7;
    code[15] = 0xf0;
    g_assert_false(shim_insn_random(code, sizeof(code), 64, &got));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/insn-random/rows", insn_random_rows_are_told);
    g_test_add_func("/insn-random/short", insn_random_cut_short_is_none);
    g_test_add_func("/insn-random/long", insn_random_of_sixteen_bytes_is_none);
    return g_test_run();
}
