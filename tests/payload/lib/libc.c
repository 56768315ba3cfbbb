/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few functions a freestanding compiler may call by itself: memory, and
 * 64-bit division in 32-bit payloads.
 */
#include "tests/payload/lib/payload.h"

void *memcpy(void *dst, const void *src, size_t len)
{
    void *to = dst;

    __asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(len) : : "memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t len)
{
    uint8_t *to = dst;
    const uint8_t *from = src;

    if (to <= from || to >= from + len) {
        return memcpy(dst, src, len);
    }
    while (len-- > 0) {
        to[len] = from[len];
    }
    return dst;
}

void *memset(void *dst, int byte, size_t len)
{
    void *to = dst;

    __asm__ volatile("rep stosb" : "+D"(to), "+c"(len) : "a"(byte) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;

    for (size_t i = 0; i < len; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *s)
{
    size_t len = 0;

    while (s[len]) {
        len++;
    }
    return len;
}

#ifdef __i386__
/* Names and meaning are the compiler's own (its run-time library's ABI). */
uint64_t __udivmoddi4(uint64_t num, uint64_t den, uint64_t *rest);
uint64_t __udivdi3(uint64_t num, uint64_t den);
uint64_t __umoddi3(uint64_t num, uint64_t den);
int64_t __divdi3(int64_t num, int64_t den);
int64_t __moddi3(int64_t num, int64_t den);

uint64_t __udivmoddi4(uint64_t num, uint64_t den, uint64_t *rest)
{
    uint64_t quotient = 0, r = 0;

    for (int bit = 63; bit >= 0; bit--) {
        bool carry = r >> 63;

        r = (r << 1) | ((num >> bit) & 1);
        if (carry || r >= den) {
            r -= den;
            quotient |= 1ull << bit;
        }
    }
    *rest = r;
    return quotient;
}

uint64_t __udivdi3(uint64_t num, uint64_t den)
{
    uint64_t rest;

    return __udivmoddi4(num, den, &rest);
}

uint64_t __umoddi3(uint64_t num, uint64_t den)
{
    uint64_t rest;

    __udivmoddi4(num, den, &rest);
    return rest;
}

int64_t __divdi3(int64_t num, int64_t den)
{
    uint64_t q = __udivdi3(num < 0 ? -(uint64_t)num : (uint64_t)num,
                           den < 0 ? -(uint64_t)den : (uint64_t)den);

    return (num < 0) == (den < 0) ? (int64_t)q : -(int64_t)q;
}

int64_t __moddi3(int64_t num, int64_t den)
{
    uint64_t r = __umoddi3(num < 0 ? -(uint64_t)num : (uint64_t)num,
                           den < 0 ? -(uint64_t)den : (uint64_t)den);

    return num < 0 ? -(int64_t)r : (int64_t)r;
}
#endif
