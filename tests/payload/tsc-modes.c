/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsc_mode, and what CPUID leaf 3 tells of it before and after cuts.
 *
 * Behaviour: default mode emulates the TSC (leaf 3 EAX bit 0) unless the host's
 * is safe and of the guest's frequency, or can be scaled to it; always-emulate
 * always does; native never, and the guest's frequency is the host's.  Each
 * move to another host counts the incarnation up.  The local APIC's
 * TSC-deadline mode is not offered.
 * Check: every register of sub-leaves 0, 1 and 2 before the cut and after it;
 * that the TSC runs at the frequency leaf 3 tells; CPUID.1 ECX[24] and the
 * timer's mode bit.
 * Cannot tell apart: rates that differ by less than a millionth.
 * Real Xen: the same (xen: arch/x86/time.c, tsc_set_info; arch/x86/cpuid.c,
 * cpuid_hypervisor_leaves), but that it offers TSC-deadline mode.
 *
 * RUN: default plugin=cut=0.05:tsc-khz=2596122,uptime=50
 *      append=before=5 append=after=5 append=khz=1000000
 * RUN: default-safe plugin=invtsc=on
 *      plugin=cut=0.05:tsc-khz=2596122,uptime=50
 *      append=before=6 append=after=7 append=khz=1000000
 * RUN: default-same plugin=invtsc=on plugin=cut=0.05:uptime=50
 *      append=before=6 append=after=6 append=khz=1000000
 * RUN: default-scaled plugin=invtsc=on plugin=tsc-scaling=on
 *      plugin=cut=0.05:tsc-khz=2596122,uptime=50
 *      append=before=6 append=after=6 append=khz=1000000
 * RUN: default-lost plugin=invtsc=on plugin=cut=0.05:invtsc=off,uptime=50
 *      append=before=6 append=after=5 append=khz=1000000
 * RUN: default-gained plugin=cut=0.05:invtsc=on,uptime=50
 *      append=before=5 append=after=6 append=khz=1000000
 * RUN: emulate plugin=tsc-mode=always-emulate plugin=invtsc=on
 *      plugin=tsc-scaling=on plugin=cut=0.05:tsc-khz=2596122,uptime=50
 *      append=mode=1 append=before=7 append=after=7 append=khz=1000000
 * RUN: native smp=4 plugin=tsc-mode=native
 *      plugin=cut=0.05:tsc-khz=2596122,uptime=50
 *      append=mode=2 append=before=4 append=after=4 append=khz=2596122
 * RUN: native-safe plugin=tsc-mode=native plugin=invtsc=on
 *      plugin=tsc-scaling=on plugin=cut=0.05:tsc-khz=2596122,uptime=50
 *      append=mode=2 append=before=6 append=after=6 append=khz=2596122
 * RUN: pvh guest=pvh plugin=cut=0.05:tsc-khz=2596122,uptime=50
 *      append=before=5 append=after=5 append=khz=1000000
 */
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#define NS_PER_MS        1000000ull
#define EMULATED         1u
#define ECX_TSC_DEADLINE (1u << 24)
#define MSR_TSC_DEADLINE 0x6e0

static uint32_t host_khz_after(void)
{
    return cpu_cpuid(XEN_CPUID_LEAF(3), 2).eax;
}

static void check_leaf(uint32_t eax, uint32_t khz, uint32_t incarnation)
{
    CpuidRegs r = cpu_cpuid(XEN_CPUID_LEAF(3), 0);
    CpuidRegs scale = cpu_cpuid(XEN_CPUID_LEAF(3), 1);
    bool odd = khz == 2596122;

    CHECK_EQ(eax, r.eax);
    CHECK_EQ(cmdline_number("mode", 0), r.ebx);
    CHECK_EQ(khz, r.ecx);
    CHECK_EQ(incarnation, r.edx);
    CHECK_EQ(odd ? 0xc5379ca5 : 0x80000000, scale.ecx);
    CHECK_EQ(odd ? 0xffffffff : 1, scale.edx);
    if (eax & EMULATED) {
        CHECK_EQ(0, scale.eax);
        CHECK_EQ(0, scale.ebx);
    }
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

static void leaf_tells_the_first_host(void)
{
    if (!xen_shared_info()) {
        return;
    }
    check_leaf((uint32_t)cmdline_number("before", 5), 1000000, 1);
    CHECK_EQ(1000000, host_khz_after());
    check_rate(1000000);
}

static void leaf_tells_the_second_host(void)
{
    uint32_t khz = (uint32_t)cmdline_number("khz", 1000000);

    while (cpu_cpuid(XEN_CPUID_LEAF(3), 0).edx == 1) {
        struct sched_poll poll = {.timeout = clock_now() + NS_PER_MS};

        CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    }
    check_leaf((uint32_t)cmdline_number("after", 5), khz, 2);
    check_rate(khz);
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

/* Else a guest would program it, and wait for ever. */
static void tsc_deadline_mode_is_not_offered(void)
{
    CHECK_EQ(0, cpu_cpuid(1, 0).ecx & ECX_TSC_DEADLINE);
}

PAYLOAD(NEEDS_XEN, TEST(leaf_tells_the_first_host),
        TEST(leaf_tells_the_second_host), TEST(leaf_is_the_same_on_every_vcpu),
        TEST(tsc_deadline_mode_is_not_offered));
