/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's TSC.
 *
 * Behaviour: RDTSC and RDTSCP run at the host profile's frequency from the
 * profile's value; the guest may write the TSC and TSC_ADJUST, which moves its
 * own TSC only: system time goes on.
 * Check: the rate against HVMOP_get_time, bracketed, over a sleep; both
 * instructions, both MSRs, user mode with and without CR4.TSD, two vCPUs.
 * Cannot tell apart: rates that differ by less than 2 ns over the sleep.
 * Real Xen: the same (xen: arch/x86/hvm/hvm.c, hvm_set_guest_tsc_fixed,
 * hvm_set_guest_tsc_msr, hvm_set_guest_tsc_adjust).
 *
 * RUN: default smp=2
 * RUN: khz smp=2 plugin=tsc-khz=2596122 append=khz=2596122
 * RUN: fast plugin=tsc-khz=10000000 append=khz=10000000
 * RUN: value plugin=tsc=123456789012345 append=tsc=123456789012345
 *      want=first=123456789012345..123456889012345
 * RUN: value-khz plugin=tsc=5000000000000 plugin=tsc-khz=3000000
 *      append=tsc=5000000000000 append=khz=3000000
 *      want=first=5000000000000..5000300000000
 * RUN: native plugin=tsc-mode=native plugin=tsc-khz=2596122 append=khz=2596122
 * RUN: tcg accel=tcg append=loose
 * RUN: mttcg smp=4 accel=mttcg plugin=tsc-khz=2596122 append=khz=2596122
 *      append=loose
 * RUN: pvh smp=2 guest=pvh
 */
#include "tests/payload/lib/clock.h"

#define NS_PER_MS  1000000ull
#define CR4_TSD    4ul
#define AUX_MARK   0x1234u
#define BIG_ADJUST (1ull << 40)

/* System time with the TSC just before and just after. */
typedef struct Sample {
    uint64_t before, ns, after;
} Sample;

static Sample take(void)
{
    Sample s;

    s.before = rdtsc();
    s.ns = clock_hypercall_now();
    s.after = rdtsc();
    return s;
}

/* ns * khz / 10^6, without overflow for the spans used here. */
static uint64_t ticks_of(uint64_t ns)
{
    return ns * cmdline_number("khz", 1000000) / 1000000;
}

static void first_value_is_the_profiles(void)
{
    uint64_t first = rdtsc();

    value("first", first);
    CHECK(first >= cmdline_number("tsc", 0));
    CHECK(xen_shared_info() != NULL);
}

static void check_rate(uint64_t sleep_ns)
{
    Sample a = take(), b;
    struct sched_poll poll = {.timeout = a.ns + sleep_ns};
    uint64_t ticks, tick = ticks_of(1) + 1;

    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    b = take();
    ticks = ticks_of(b.ns - a.ns);
    input("%llu ns", (unsigned long long)(b.ns - a.ns));
    CHECK(b.ns - a.ns >= sleep_ns);
    CHECK_RANGE(b.before - a.after - 2 * tick, b.after - a.before + 2 * tick,
                ticks);
}

static void rate_is_the_profiles(void)
{
    check_rate(10 * NS_PER_MS);
    check_rate(1000 * NS_PER_MS);
}

static void tsc_never_steps_back(void)
{
    uint64_t last = rdtsc();

    for (unsigned i = 0; i < 20000; i++) {
        uint64_t now = rdtsc();

        if (now < last) {
            input("read %u", i);
            CHECK_RANGE(last, ~0ull, now);
            return;
        }
        last = now;
    }
    CHECK(last > 0);
}

static void rdtscp_reads_tsc_and_aux(void)
{
    uint32_t aux = 0;
    uint64_t before, now, after;

    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_AUX, AUX_MARK));
    before = rdtsc();
    now = rdtscp(&aux);
    after = rdtsc();
    CHECK_RANGE(before, after, now);
    CHECK_EQ(AUX_MARK, aux);
}

static void msr_reads_as_the_instruction(void)
{
    uint64_t before = rdtsc(), now = 0, after;

    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC, &now));
    after = rdtsc();
    CHECK_RANGE(before, after, now);
}

/* More than a few instructions take; a busy machine is slow without icount. */
static uint64_t soon_ns(void)
{
    return cmdline_has("loose") ? 60000 * NS_PER_MS : NS_PER_MS;
}

static uint64_t soon(void)
{
    return ticks_of(soon_ns());
}

static void written_value_is_read_back(void)
{
    static const uint64_t values[] = {1ull << 50, 0, 1ull << 63, 12345};

    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        uint64_t adjust = 0, adjusted = 0, time = clock_now(), was, old, now;

        input("value %llx", (unsigned long long)values[i]);
        CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC_ADJUST, &adjust));
        old = rdtsc();
        CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC, values[i]));
        now = rdtsc();
        CHECK_RANGE(values[i], values[i] + soon(), now);
        /* TSC_ADJUST moved by what the write changed. */
        CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC_ADJUST, &adjusted));
        was = old + (adjusted - adjust);
        CHECK_RANGE(0, soon(), now - was);
        /* The clock goes on. */
        CHECK_RANGE(time, time + soon_ns(), clock_now());
        CHECK_RANGE(time, time + soon_ns(), clock_hypercall_now());
    }
}

static void adjust_moves_the_tsc_only(void)
{
    uint64_t adjust = 1, again = 1, time, old, now;

    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC_ADJUST, &adjust));
    CHECK_EQ(0, adjust);
    time = clock_now();
    old = rdtsc();
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, BIG_ADJUST));
    now = rdtsc();
    CHECK_RANGE(old + BIG_ADJUST, old + BIG_ADJUST + soon(), now);
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC_ADJUST, &again));
    CHECK_EQ(BIG_ADJUST, again);
    CHECK_RANGE(time, time + soon_ns(), clock_now());
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, 0));
    CHECK_RANGE(now - BIG_ADJUST, now - BIG_ADJUST + soon(), rdtsc());
}

static unsigned long user_rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile("1: rdtsc\n2:\n\t" FIXUP("1b", "2b")
                     : "=a"(low), "=d"(high)
                     :
                     : "memory");
    return low | (unsigned long)high;
}

static void write_cr4(unsigned long set, unsigned long clear)
{
    unsigned long cr4;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"((cr4 | set) & ~clear));
}

static void tsd_forbids_it_to_user_mode(void)
{
    cpu_clear_trap();
    cpu_user_call(user_rdtsc);
    CHECK_RC(NO_TRAP, cpu_trap());
    write_cr4(CR4_TSD, 0);
    cpu_user_call(user_rdtsc);
    CHECK_RC(VEC_GP, cpu_trap());
    rdtsc();
    write_cr4(0, CR4_TSD);
}

static volatile unsigned other_taken, other_go;
static volatile uint64_t other_tsc;

static void other_reads(void *arg)
{
    (void)arg;
    cpu_wait_for(&other_go, 1);
    other_tsc = rdtsc();
    __atomic_store_n(&other_taken, 1, __ATOMIC_SEQ_CST);
}

static void two_vcpus_have_one_tsc(void)
{
    uint64_t before, after;

    if (cpu_count() < 2) {
        return;
    }
    CHECK(cpu_start_other(1, other_reads, NULL));
    before = rdtsc();
    __atomic_store_n(&other_go, 1, __ATOMIC_SEQ_CST);
    CHECK(cpu_wait_for(&other_taken, 1));
    after = rdtsc();
    CHECK_RANGE(before, after, other_tsc);
    CHECK(cpu_other_done(1));
}

PAYLOAD(NEEDS_XEN, TEST(first_value_is_the_profiles),
        TEST(rate_is_the_profiles), TEST(tsc_never_steps_back),
        TEST(rdtscp_reads_tsc_and_aux), TEST(msr_reads_as_the_instruction),
        TEST(two_vcpus_have_one_tsc), TEST(tsd_forbids_it_to_user_mode),
        TEST(adjust_moves_the_tsc_only), TEST(written_value_is_read_back));
