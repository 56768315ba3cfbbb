/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target: one function, the same that libFuzzer calls.
 *
 * Each target is built with driver.c, which runs the corpus and a fixed number
 * of mutations of it, the same ones every time.  To let libFuzzer search,
 * build a target's sources with clang -fsanitize=fuzzer,address instead of the
 * driver and give it the corpus folder.
 */
#ifndef JUMPCUT_TESTS_FUZZ_FUZZ_H
#define JUMPCUT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A seed beside those of the corpus, which the target makes of what there is
 * today: @i from 0 on; NULL: no more.  A target may have none.
 */
struct _GByteArray *fuzz_seed(unsigned i) __attribute__((weak));

/* What a target has left of its input; past the end it reads zeros. */
typedef struct FuzzInput {
    const uint8_t *data;
    size_t left;
} FuzzInput;

static inline uint8_t fuzz_u8(FuzzInput *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->data++;
}

static inline uint32_t fuzz_u32(FuzzInput *in)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 4; i++) {
        value |= (uint32_t)fuzz_u8(in) << (8 * i);
    }
    return value;
}

static inline uint64_t fuzz_u64(FuzzInput *in)
{
    uint64_t low = fuzz_u32(in);

    return low | (uint64_t)fuzz_u32(in) << 32;
}

/* The next @len bytes, or as many as there are: *@len is set to it. */
static inline const uint8_t *fuzz_bytes(FuzzInput *in, size_t *len)
{
    const uint8_t *bytes = in->data;

    if (*len > in->left) {
        *len = in->left;
    }
    in->data += *len;
    in->left -= *len;
    return bytes;
}

#endif
