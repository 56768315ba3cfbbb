/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload framework itself.
 *
 * Behaviour: start-up, traps, user mode, other processors, printing and the
 * arithmetic of the library work on stock QEMU; the runner tells a crash, a
 * wrong count, a failure and a skip from a pass.
 * Check: each is provoked on purpose.
 * Cannot tell apart: a library that is wrong from a processor that is; all of
 * it runs without a Xen.
 * Real Xen: the same, but for the runs with xen=off, which need isa-debug-exit.
 *
 * RUN: default xen=off smp=4
 * RUN: tcg xen=off smp=4 accel=tcg
 * RUN: mttcg xen=off smp=4 accel=mttcg
 * RUN: fails xen=off append=fail outcome=fail
 * RUN: error xen=off append=error outcome=error
 * RUN: crash xen=off append=crash outcome=crash end=exit-67
 * RUN: silent xen=off append=silent outcome=crash end=exit-65
 * RUN: extra xen=off append=extra outcome=mismatch
 * RUN: value xen=off append=value want=answer=42 want=answer=40..43
 */
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#define TEST_VECTOR 0x60

static volatile unsigned counter;
static volatile unsigned seen_cpu[MAX_CPUS];

static void fails_when_told(void)
{
    CHECK_EQ(cmdline_has("fail") ? 2 : 1, 1);
}

static void errs_when_told(void)
{
    if (cmdline_has("error")) {
        error("told to");
    }
}

static void crashes_when_told(void)
{
    if (cmdline_has("crash")) {
        __asm__ volatile("ud2");
    }
    if (cmdline_has("silent")) {
        xen_exit(XEN_EXIT_POWEROFF);
    }
    if (cmdline_has("extra")) {
        pr("PASS one_too_many\n");
    }
    if (cmdline_has("value")) {
        value("answer", 42);
    }
}

static void skip_is_counted(void)
{
    skip("on purpose");
}

static void fault_is_caught_and_named(void)
{
    volatile uint32_t *absent = cpu_map_window(1, 0, 0);
    uint64_t number = 5;

    cpu_clear_trap();
    __asm__ volatile("1: mov %w0, %%fs\n2:\n\t" FIXUP("1b", "2b")
                     :
                     : "r"(0xfff8)
                     : "memory");
    CHECK_RC(VEC_GP, cpu_trap());
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_APIC_BASE, &number));
    CHECK_EQ(0xfee00000, number & 0xfffff000);

    cpu_clear_trap();
    __asm__ volatile("1: movl $1, (%0)\n2:\n\t" FIXUP("1b", "2b")
                     :
                     : "r"(absent)
                     : "memory");
    CHECK_RC(VEC_PF, cpu_trap());
}

static void window_maps_and_unmaps(void)
{
    static uint32_t page[PAGE_SIZE / 4] __attribute__((aligned(4096)));
    volatile uint32_t *at =
        cpu_map_window(2, (uintptr_t)page, PTE_PRESENT | PTE_WRITABLE);

    at[3] = 0x1234;
    CHECK_EQ(0x1234, page[3]);
    CHECK_EQ(WINDOW_VA + 2 * PAGE_SIZE, (uintptr_t)at);
}

static unsigned long user_code(void)
{
    unsigned long cs;

    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    return cs;
}

static void user_mode_runs_and_comes_back(void)
{
    CHECK_EQ(SEL_USER_CODE, cpu_user_call(user_code));
    CHECK_EQ(SEL_USER_CODE, cpu_user_call(user_code));
    CHECK_EQ(SEL_CODE, user_code());
}

static void on_interrupt(TrapFrame *frame)
{
    counter = counter + (frame->vector == TEST_VECTOR);
    lapic_eoi();
}

static void local_apic_interrupts(void)
{
    counter = 0;
    cpu_set_handler(TEST_VECTOR, on_interrupt);
    lapic_write(LAPIC_ICR, 0x44000 | TEST_VECTOR); /* self, fixed */
    CHECK(lapic_requested(TEST_VECTOR));
    CHECK_EQ(0, counter);
    cpu_open_interrupts();
    CHECK_EQ(1, counter);
    CHECK(!lapic_requested(TEST_VECTOR));
}

static void on_other_cpu(void *arg)
{
    seen_cpu[cpu_index()] = (unsigned)(uintptr_t)arg;
}

static void other_cpus_start_and_restart(void)
{
    for (unsigned round = 1; round <= 2; round++) {
        for (unsigned i = 1; i < cpu_count(); i++) {
            input("cpu=%u round=%u", i, round);
            CHECK(cpu_start_other(i, on_other_cpu, (void *)(uintptr_t)round));
            CHECK(cpu_other_done(i));
            CHECK_EQ(round, seen_cpu[i]);
        }
    }
    CHECK(!cpu_start_other(cpu_count(), on_other_cpu, NULL));
    CHECK(!cpu_start_other(0, on_other_cpu, NULL));
}

static void division_is_exact(void)
{
    static const struct {
        uint64_t num, den, quotient, rest;
    } table[] = {
        {100, 7, 14, 2},
        {~0ull, 1, ~0ull, 0},
        {~0ull, ~0ull, 1, 0},
        {~0ull, 1000000000, 18446744073, 709551615},
        {1ull << 63, 3, 3074457345618258602, 2},
        {5, 1ull << 40, 0, 5},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        volatile uint64_t num = table[i].num, den = table[i].den;

        input("%llu/%llu", (unsigned long long)num, (unsigned long long)den);
        CHECK_EQ(table[i].quotient, num / den);
        CHECK_EQ(table[i].rest, num % den);
    }
}

static void pvclock_scale_is_exact(void)
{
    static const struct {
        uint32_t mul;
        int8_t shift;
        uint64_t delta, want;
    } table[] = {
        {0x80000000, 1, 1000, 1000},
        {0x80000000, 1, 1ull << 62, 1ull << 62},
        {0xc5379ca5, -1, 2596122000, 999999999},
        {0xffffffff, 0, 0xffffffff, 0xfffffffe},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        struct vcpu_time_info record = {
            .tsc_to_system_mul = table[i].mul,
            .tsc_shift = table[i].shift,
        };

        input("row %u", i);
        CHECK_EQ(table[i].want, pvclock_scale(&record, table[i].delta));
    }
}

static void __attribute__((format(printf, 3, 4)))
format_to(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    format(buf, size, fmt, ap);
    va_end(ap);
}

static void formats_as_told(void)
{
    static const char want[] = "-5|17|   ab|00cd|-1099511627776|abc%";
    char text[40];

    format_to(text, sizeof(text), "%d|%u|%5x|%04x|%lld|%c%s%%", -5, 17u, 0xabu,
              0xcdu, -(1ll << 40), 'a', "bc");
    CHECK_RC(0, memcmp(text, want, sizeof(want)));
    format_to(text, 4, "%u", 123456u);
    CHECK_RC(0, memcmp(text, "123", 4));
}

static void memory_functions_move_and_compare(void)
{
    char text[40] = {0};

    memmove(text + 1, "abcdef", 7);
    memmove(text, text + 1, 7);
    CHECK_RC(0, memcmp(text, "abcdef", 7));
    memmove(text + 2, text, 7);
    CHECK_RC(0, memcmp(text + 2, "abcdef", 7));
    CHECK_RC(-1, memcmp("abc", "abd", 3));
}

PAYLOAD(NEEDS_NOTHING, TEST(fails_when_told), TEST(errs_when_told),
        TEST(crashes_when_told), TEST(skip_is_counted),
        TEST(fault_is_caught_and_named), TEST(window_maps_and_unmaps),
        TEST(user_mode_runs_and_comes_back), TEST(local_apic_interrupts),
        TEST(other_cpus_start_and_restart), TEST(division_is_exact),
        TEST(pvclock_scale_is_exact), TEST(formats_as_told),
        TEST(memory_functions_move_and_compare));
