/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatted printing on port 0xe9, a line at a time.
 */
#include "tests/payload/lib/payload.h"
#include "tests/payload/lib/cpu.h"

#define DEBUG_PORT 0xe9

static char line[400];
static unsigned line_len;

/* Where characters go while formatting to memory; else to the port. */
static char *memory;
static size_t memory_left;

static void flush(void)
{
    port_out_bytes(DEBUG_PORT, line, line_len);
    line_len = 0;
}

static void put(char c)
{
    if (memory) {
        if (memory_left > 1) {
            *memory++ = c;
            memory_left--;
        }
        return;
    }
    if (line_len == sizeof(line)) {
        flush();
    }
    line[line_len++] = c;
    if (c == '\n') {
        flush();
    }
}

static void put_number(uint64_t n, unsigned base, unsigned width, char fill)
{
    char digits[24];
    unsigned len = 0;

    do {
        digits[len++] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n != 0);
    for (; width > len; width--) {
        put(fill);
    }
    while (len > 0) {
        put(digits[--len]);
    }
}

static void put_signed(int64_t n)
{
    if (n < 0) {
        put('-');
    }
    put_number(n < 0 ? -(uint64_t)n : (uint64_t)n, 10, 0, ' ');
}

static void put_string(const char *s)
{
    while (*s) {
        put(*s++);
    }
}

/* One conversion; @spec: after the length modifiers, of which @longs. */
static void put_spec(char spec, unsigned longs, unsigned width, char fill,
                     va_list *ap)
{
    uint64_t n;

    switch (spec) {
    case 'd':
        put_signed(longs > 1   ? va_arg(*ap, long long)
                   : longs > 0 ? va_arg(*ap, long)
                               : va_arg(*ap, int));
        break;
    case 'u':
    case 'x':
        n = longs > 1   ? va_arg(*ap, unsigned long long)
            : longs > 0 ? va_arg(*ap, unsigned long)
                        : va_arg(*ap, unsigned);
        put_number(n, spec == 'x' ? 16 : 10, width, fill);
        break;
    case 's':
        put_string(va_arg(*ap, const char *));
        break;
    case 'c':
        put((char)va_arg(*ap, int));
        break;
    default:
        put(spec);
    }
}

void pr_list(const char *fmt, va_list args)
{
    va_list ap;

    va_copy(ap, args);
    for (; *fmt; fmt++) {
        unsigned width = 0, longs = 0;
        char fill = ' ';

        if (*fmt != '%' || !fmt[1]) {
            put(*fmt);
            continue;
        }
        fmt++;
        if (*fmt == '0') {
            fill = '0';
        }
        for (; *fmt >= '0' && *fmt <= '9'; fmt++) {
            width = width * 10 + (unsigned)(*fmt - '0');
        }
        for (; *fmt == 'l'; fmt++) {
            longs++;
        }
        if (!*fmt) {
            break;
        }
        put_spec(*fmt, longs, width, fill, &ap);
    }
    va_end(ap);
}

void format(char *buf, size_t size, const char *fmt, va_list ap)
{
    memory = buf;
    memory_left = size;
    pr_list(fmt, ap);
    *memory = '\0';
    memory = NULL;
}

void pr(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    pr_list(fmt, ap);
    va_end(ap);
}
