/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a payload's table of tests and reports the outcomes.
 */
#include "tests/payload/lib/cpu.h"
#include "tests/payload/lib/payload.h"
#include "tests/payload/lib/xen.h"

typedef enum Outcome {
    OUTCOME_PASS,
    OUTCOME_SKIP,
    OUTCOME_ERROR,
    OUTCOME_FAIL,
    OUTCOME__MAX
} Outcome;

static const char *const outcome_names[] = {"PASS", "SKIP", "ERROR", "FAIL"};

void (*payload_end)(void);

static const char *test_name;
static Outcome test_outcome;
static char test_input[80];

void input(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    format(test_input, sizeof(test_input), fmt, ap);
    va_end(ap);
}

/* Begins the line of an outcome; the worst and first one names the test. */
static void begin(Outcome outcome)
{
    if (test_outcome == OUTCOME_PASS) {
        test_outcome = outcome;
        pr("%s %s: ", outcome_names[outcome], test_name);
    } else {
        pr("# and: ");
    }
}

static void begin_mismatch(const char *expr)
{
    begin(OUTCOME_FAIL);
    pr("input=%s", expr);
    if (test_input[0]) {
        pr(" [%s]", test_input);
    }
}

bool check_signed(const char *expr, int64_t want, int64_t got)
{
    if (want != got) {
        begin_mismatch(expr);
        pr(" want=%lld got=%lld\n", (long long)want, (long long)got);
    }
    return want == got;
}

bool check_hex(const char *expr, uint64_t want, uint64_t got)
{
    if (want != got) {
        begin_mismatch(expr);
        pr(" want=0x%llx got=0x%llx\n", (unsigned long long)want,
           (unsigned long long)got);
    }
    return want == got;
}

bool check_range(const char *expr, uint64_t low, uint64_t high, uint64_t got)
{
    bool held = low <= got && got <= high;

    if (!held) {
        begin_mismatch(expr);
        pr(" want=%llu..%llu got=%llu\n", (unsigned long long)low,
           (unsigned long long)high, (unsigned long long)got);
    }
    return held;
}

bool check_true(const char *expr, bool got)
{
    if (!got) {
        begin_mismatch(expr);
        pr(" want=true got=false\n");
    }
    return got;
}

void skip(const char *fmt, ...)
{
    va_list ap;

    begin(OUTCOME_SKIP);
    va_start(ap, fmt);
    pr_list(fmt, ap);
    va_end(ap);
    pr("\n");
}

void error(const char *fmt, ...)
{
    va_list ap;

    begin(OUTCOME_ERROR);
    va_start(ap, fmt);
    pr_list(fmt, ap);
    va_end(ap);
    pr("\n");
}

void value(const char *name, uint64_t number)
{
    pr("VALUE %s %llu\n", name, (unsigned long long)number);
}

static const char *cmdline_find(const char *word)
{
    const char *p = cpu_cmdline();
    size_t len = strlen(word);

    while (*p) {
        if (memcmp(p, word, len) == 0 &&
            (!p[len] || p[len] == ' ' || p[len] == '=')) {
            return p + len;
        }
        while (*p && *p != ' ') {
            p++;
        }
        while (*p == ' ') {
            p++;
        }
    }
    return NULL;
}

bool cmdline_has(const char *word)
{
    return cmdline_find(word) != NULL;
}

uint64_t cmdline_number(const char *key, uint64_t absent)
{
    const char *p = cmdline_find(key);
    uint64_t n = 0;

    if (!p || *p != '=') {
        return absent;
    }
    for (p++; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (uint64_t)(*p - '0');
    }
    return n;
}

void payload_main(void)
{
    unsigned counts[OUTCOME__MAX] = {0};
    bool have_xen = xen_init();

    pr("PAYLOAD bits=%u cpus=%u xen=", (unsigned)sizeof(long) * 8, cpu_count());
    if (have_xen) {
        pr("%u.%u\n", xen_version() >> 16, xen_version() & 0xffff);
    } else {
        pr("none\n");
    }
    pr("PLAN %u\n", payload_nr_tests);
    for (unsigned i = 0; i < payload_nr_tests; i++) {
        test_name = payload_tests[i].name;
        test_outcome = OUTCOME_PASS;
        test_input[0] = '\0';
        if (payload_needs == NEEDS_XEN && !have_xen) {
            skip("no Xen");
        } else {
            payload_tests[i].run();
        }
        if (test_outcome == OUTCOME_PASS) {
            pr("PASS %s\n", test_name);
        }
        counts[test_outcome]++;
    }
    pr("SUMMARY pass=%u fail=%u skip=%u error=%u\n", counts[OUTCOME_PASS],
       counts[OUTCOME_FAIL], counts[OUTCOME_SKIP], counts[OUTCOME_ERROR]);
    if (payload_end) {
        payload_end();
    }
    xen_exit(XEN_EXIT_POWEROFF);
}
