/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsc_mode, and what CPUID leaf 3 tells of it before and after cuts.
 *
 * Behaviour: default mode emulates the TSC (leaf 3 EAX bit 0) unless the host's
 * is safe and of the guest's frequency, or can be scaled to it; always-emulate
 * always does; native never, and the guest's frequency is the host's.  Each
 * move to another host counts the incarnation up.  The TSC can be written in
 * every mode.
 * Check: every register of sub-leaves 0, 1 and 2, the TSC's rate, WRMSR(TSC)
 * and TSC_ADJUST on nine hosts, one after the other: all of safe or not, with
 * scaling or without, of the first frequency or another.
 * Cannot tell apart: rates that differ by less than a millionth.
 * Real Xen: the same (xen: arch/x86/time.c, tsc_set_info; arch/x86/cpuid.c,
 * cpuid_hypervisor_leaves; arch/x86/hvm/hvm.c, hvm_set_guest_tsc_fixed).
 *
 * The hosts are in hosts[]; EAX on each is a digit of the word eax=.
 *
 * RUN: default append=eax=557655667
 *      plugin=cut=0.05:uptime=50,tsc-khz=2596122 plugin=cut=0.1:invtsc=on
 *      plugin=cut=0.15:tsc-scaling=on plugin=cut=0.2:invtsc=off
 *      plugin=cut=0.25:tsc-khz=1000000 plugin=cut=0.3:invtsc=on
 *      plugin=cut=0.35:tsc-scaling=off plugin=cut=0.4:tsc-khz=2596122
 * RUN: emulate plugin=tsc-mode=always-emulate
 *      plugin=cut=0.05:uptime=50,tsc-khz=2596122 plugin=cut=0.1:invtsc=on
 *      plugin=cut=0.15:tsc-scaling=on plugin=cut=0.2:invtsc=off
 *      plugin=cut=0.25:tsc-khz=1000000 plugin=cut=0.3:invtsc=on
 *      plugin=cut=0.35:tsc-scaling=off plugin=cut=0.4:tsc-khz=2596122
 *      append=mode=1 append=eax=557755777
 * RUN: native smp=4 plugin=tsc-mode=native
 *      plugin=cut=0.05:uptime=50,tsc-khz=2596122 plugin=cut=0.1:invtsc=on
 *      plugin=cut=0.15:tsc-scaling=on plugin=cut=0.2:invtsc=off
 *      plugin=cut=0.25:tsc-khz=1000000 plugin=cut=0.3:invtsc=on
 *      plugin=cut=0.35:tsc-scaling=off plugin=cut=0.4:tsc-khz=2596122
 *      append=mode=2 append=eax=446644666
 * RUN: pvh guest=pvh smp=4 append=eax=557655667
 *      plugin=cut=0.05:uptime=50,tsc-khz=2596122 plugin=cut=0.1:invtsc=on
 *      plugin=cut=0.15:tsc-scaling=on plugin=cut=0.2:invtsc=off
 *      plugin=cut=0.25:tsc-khz=1000000 plugin=cut=0.3:invtsc=on
 *      plugin=cut=0.35:tsc-scaling=off plugin=cut=0.4:tsc-khz=2596122
 * RUN: pvh-emulate guest=pvh plugin=tsc-mode=always-emulate
 *      plugin=cut=0.05:uptime=50,tsc-khz=2596122 plugin=cut=0.1:invtsc=on
 *      plugin=cut=0.15:tsc-scaling=on plugin=cut=0.2:invtsc=off
 *      plugin=cut=0.25:tsc-khz=1000000 plugin=cut=0.3:invtsc=on
 *      plugin=cut=0.35:tsc-scaling=off plugin=cut=0.4:tsc-khz=2596122
 *      append=mode=1 append=eax=557755777
 * RUN: pvh-native guest=pvh plugin=tsc-mode=native
 *      plugin=cut=0.05:uptime=50,tsc-khz=2596122 plugin=cut=0.1:invtsc=on
 *      plugin=cut=0.15:tsc-scaling=on plugin=cut=0.2:invtsc=off
 *      plugin=cut=0.25:tsc-khz=1000000 plugin=cut=0.3:invtsc=on
 *      plugin=cut=0.35:tsc-scaling=off plugin=cut=0.4:tsc-khz=2596122
 *      append=mode=2 append=eax=446644666
 */
#include "tests/payload/lib/clock.h"

#define NS_PER_MS    1000000ull
#define EMULATED     1u
#define MODE_DEFAULT 0
#define MODE_NATIVE  2
#define ODD_KHZ      2596122u
#define FIRST_KHZ    1000000u
#define CUT_NS       (50 * NS_PER_MS)
#define UPTIME_NS    50000000000ull
#define BIG          (1ull << 45)
#define SOON_NS      NS_PER_MS

/* Frequency of each host's TSC */
static const uint32_t hosts[] = {FIRST_KHZ, ODD_KHZ,   ODD_KHZ,
                                 ODD_KHZ,   ODD_KHZ,   FIRST_KHZ,
                                 FIRST_KHZ, FIRST_KHZ, ODD_KHZ};

static unsigned mode(void)
{
    return (unsigned)cmdline_number("mode", MODE_DEFAULT);
}

static uint32_t eax_of(unsigned host)
{
    uint64_t digits = cmdline_number("eax", 0);

    for (unsigned i = host + 1; i < ARRAY_SIZE(hosts); i++) {
        digits /= 10;
    }
    return digits % 10;
}

static uint32_t khz_of(unsigned host)
{
    return mode() == MODE_NATIVE ? hosts[host] : FIRST_KHZ;
}

/*
 * What a TSC that is not emulated is behind system time: native mode starts
 * anew on each host; in default mode it is what the guest's TSC time was
 * behind when it was last emulated.
 */
static void check_offset(unsigned host, const CpuidRegs *scale)
{
    uint64_t offset = scale->eax | (uint64_t)scale->ebx << 32;
    uint64_t here = host ? UPTIME_NS + (host - 1) * CUT_NS : 0;

    if (eax_of(host) & EMULATED) {
        CHECK_EQ(0, offset);
    } else if (mode() == MODE_NATIVE) {
        CHECK_EQ(here, offset);
    } else if (host == 3) {
        CHECK_EQ(UPTIME_NS - CUT_NS, offset);
    }
}

static void check_leaf(unsigned host)
{
    CpuidRegs r = cpu_cpuid(XEN_CPUID_LEAF(3), 0);
    CpuidRegs scale = cpu_cpuid(XEN_CPUID_LEAF(3), 1);
    bool odd = khz_of(host) == ODD_KHZ;

    CHECK_EQ(eax_of(host), r.eax);
    CHECK_EQ(mode(), r.ebx);
    CHECK_EQ(khz_of(host), r.ecx);
    CHECK_EQ(host + 1, r.edx);
    CHECK_EQ(odd ? 0xc5379ca5 : 0x80000000, scale.ecx);
    CHECK_EQ(odd ? 0xffffffff : 1, scale.edx);
    check_offset(host, &scale);
    CHECK_EQ(hosts[host], cpu_cpuid(XEN_CPUID_LEAF(3), 2).eax);
}

static void check_rate(uint32_t khz)
{
    uint64_t ns = clock_hypercall_now(), tsc = rdtsc(), ticks;
    struct sched_poll poll = {.timeout = ns + 20 * NS_PER_MS};

    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    ns = clock_hypercall_now() - ns;
    ticks = rdtsc() - tsc;
    CHECK_RANGE(ns * (khz / 1000) / 1000 - ns / 500,
                ns * (khz / 1000 + 1) / 1000 + ns / 500, ticks);
}

/* @msr moves the TSC to @value, and nothing else: neither clock nor leaf. */
static void check_write(uint32_t msr, uint64_t value, uint64_t tsc,
                        uint32_t khz)
{
    CpuidRegs leaf = cpu_cpuid(XEN_CPUID_LEAF(3), 0), again;
    uint64_t time = clock_now(), soon = SOON_NS * (khz / 1000 + 1) / 1000;

    input("host %u msr %x", leaf.edx - 1, msr);
    CHECK_RC(NO_TRAP, cpu_wrmsr(msr, value));
    CHECK_RANGE(tsc, tsc + soon, rdtsc());
    CHECK_RANGE(time, time + SOON_NS, clock_now());
    CHECK_RANGE(time, time + SOON_NS, clock_hypercall_now());
    again = cpu_cpuid(XEN_CPUID_LEAF(3), 0);
    CHECK_RC(0, memcmp(&leaf, &again, sizeof(leaf)));
}

static void check_writes(uint32_t khz)
{
    uint64_t adjust = 0, old;

    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC_ADJUST, &adjust));
    CHECK_EQ(0, adjust);
    old = rdtsc();
    check_write(MSR_TSC_ADJUST, BIG, old + BIG, khz);
    check_write(MSR_TSC_ADJUST, 0, old, khz);
    check_write(MSR_TSC, BIG, BIG, khz);
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC_ADJUST, &adjust));
    CHECK_RANGE(BIG - old - SOON_NS * (khz / 1000 + 1) / 1000, BIG - old,
                adjust);
    check_write(MSR_TSC_ADJUST, 0, old, khz);
}

static void check_host(unsigned host)
{
    while (cpu_cpuid(XEN_CPUID_LEAF(3), 0).edx <= host) {
        struct sched_poll poll = {.timeout = clock_now() + NS_PER_MS};

        CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    }
    input("host %u", host);
    check_leaf(host);
    check_rate(khz_of(host));
    check_writes(khz_of(host));
}

static void first_host_is_told(void)
{
    if (xen_shared_info()) {
        check_host(0);
    }
}

static void every_other_host_is_told(void)
{
    for (unsigned i = 1; i < ARRAY_SIZE(hosts); i++) {
        check_host(i);
    }
}

static void read_leaf(void *arg)
{
    *(CpuidRegs *)arg = cpu_cpuid(XEN_CPUID_LEAF(3), 0);
}

static void leaf_is_the_same_on_every_vcpu(void)
{
    CpuidRegs mine = cpu_cpuid(XEN_CPUID_LEAF(3), 0), other;

    for (unsigned i = 1; i < cpu_count(); i++) {
        input("cpu %u", i);
        CHECK(cpu_start_other(i, read_leaf, &other) && cpu_other_done(i));
        CHECK_RC(0, memcmp(&mine, &other, sizeof(mine)));
    }
}

PAYLOAD(NEEDS_XEN, TEST(first_host_is_told), TEST(every_other_host_is_told),
        TEST(leaf_is_the_same_on_every_vcpu));
