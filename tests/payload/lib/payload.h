/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a payload's tests are made of: the table of tests, checks that report
 * input, want and got, and printing.
 *
 * A payload prints, line by line, on port 0xe9:
 *   PAYLOAD bits=64 cpus=1 xen=4.17    (xen=none without a Xen)
 *   PLAN n
 *   PASS name | FAIL name: ... | SKIP name: reason | ERROR name: reason
 *   VALUE name number                  (for the runner to check)
 *   # anything
 *   SUMMARY pass=a fail=b skip=c error=d
 * Only CPU 0 reports.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_PAYLOAD_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_PAYLOAD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE     4096u

typedef struct Test {
    const char *name;
    void (*run)(void);
} Test;

/* Does the payload mean anything without a Xen?  If not, all are skipped. */
typedef enum Needs {
    NEEDS_NOTHING,
    NEEDS_XEN,
} Needs;

extern const Needs payload_needs;
extern const Test payload_tests[];
extern const unsigned payload_nr_tests;

#define TEST(fn) \
    {            \
#fn, fn  \
    }
/* PAYLOAD(needs, TEST(a), TEST(b), ...): once, at the end of the test file. */
#define PAYLOAD(needs, ...)                     \
    const Needs payload_needs = needs;          \
    const Test payload_tests[] = {__VA_ARGS__}; \
    const unsigned payload_nr_tests = ARRAY_SIZE(payload_tests)

/*
 * Checks: the first that fails makes the test fail and is in the FAIL line,
 * later ones are printed as comments.  They return whether they held.
 */
bool check_signed(const char *input, int64_t want, int64_t got);
bool check_hex(const char *input, uint64_t want, uint64_t got);
bool check_range(const char *input, uint64_t low, uint64_t high, uint64_t got);
bool check_true(const char *input, bool got);

#define CHECK_RC(want, expr)         check_signed(#expr, want, expr)
#define CHECK_EQ(want, expr)         check_hex(#expr, want, expr)
#define CHECK_RANGE(low, high, expr) check_range(#expr, low, high, expr)
#define CHECK(cond)                  check_true(#cond, cond)

/* Says which of many inputs is being tried, in all failures after this. */
void input(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The test cannot be run here; it must return after this. */
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The test itself is broken; it must return after this. */
void error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A number for the runner to check ("want=" in a RUN line). */
void value(const char *name, uint64_t number);

/* %s %c %d %u %x with 0, a width, l and ll; anything else prints itself. */
void pr(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pr_list(const char *fmt, va_list ap);
/* The same into @buf, cut short and NUL terminated; @size at least 1. */
void format(char *buf, size_t size, const char *fmt, va_list ap);

/* Value of KEY=NUMBER on the command line (decimal), or @absent. */
uint64_t cmdline_number(const char *key, uint64_t absent);
/* Is WORD, or WORD=..., on the command line? */
bool cmdline_has(const char *word);

/* What ends the payload after its summary; NULL: power off. */
extern void (*payload_end)(void);

/* Runs the table and ends; called once on CPU 0. */
void payload_main(void) __attribute__((noreturn));

void *memcpy(void *dst, const void *src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);

#endif
