/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TSC-deadline mode of the local APIC's timer.
 *
 * Behaviour: CPUID.1 ECX[24] offers it; in that mode of the timer register a
 * write of IA32_TSC_DEADLINE arms the timer, which interrupts once when the
 * TSC has reached the value and makes it 0; a value of the past does so at
 * once, 0 disarms; other modes ignore the MSR, which reads 0 there; a change
 * of the mode and INIT disarm; masked, the interrupt is lost; the initial
 * count is 0 and cannot be written.
 * Check: the moment of the interrupt against RDTSC; each of the above, by
 * memory and by MSR (x2APIC); every vCPU; writes of the TSC and of TSC_ADJUST,
 * and a cut that moves the TSC, which move an armed deadline.
 * Cannot tell apart: an interrupt late by less than the bound below.
 * Real Xen: the same (xen: arch/x86/hvm/vlapic.c, vlapic_tdt_msr_set and
 * vlapic_reg_write), but that a write of the TSC leaves an armed deadline where
 * it was in time.  Real KVM: the same in all (linux: arch/x86/kvm/lapic.c,
 * kvm_set_lapic_tscdeadline_msr, apic_update_lvtt), with that exception too.
 *
 * RUN: default smp=2
 * RUN: khz bits=32 plugin=tsc-khz=2596122
 * RUN: value plugin=tsc=123456789012345678 plugin=tsc-khz=10000000
 * RUN: pvh smp=4 guest=pvh
 * RUN: kvm smp=4 guest=kvm
 * RUN: kvm-xen bits=64 guest=kvm-xen
 * RUN: x2apic guest=kvm cpu=+x2apic append=x2apic
 * RUN: x2apic-pvh bits=32 guest=pvh cpu=+x2apic append=x2apic
 * RUN: tcg bits=64 accel=tcg append=loose
 * RUN: mttcg smp=4 guest=kvm accel=mttcg append=loose
 * RUN: cut bits=64 guest=kvm plugin=cut=1:tsc=99000000000000000 append=cut
 */
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/cpu.h"

#define ECX_TSC_DEADLINE (1u << 24)
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC       0x800

#define APIC_BASE_X2APIC (1u << 10)

#define LVT_TIMER     0x320
#define INITIAL_COUNT 0x380
#define CURRENT_COUNT 0x390
#define DIVIDE        0x3e0

#define MASKED   (1u << 16)
#define ONESHOT  (0u << 17)
#define PERIODIC (1u << 17)
#define DEADLINE (2u << 17)
#define RESERVED (3u << 17)

#define VEC_TIMER 0x51
/* In ticks; the slowest TSC here has 1 GHz. */
#define SOON 200000u
#define LATE 20000u /* how much later than wanted an interrupt may come */

static volatile unsigned fired[MAX_CPUS];
static volatile uint64_t fired_tsc[MAX_CPUS];

static void reg_write(unsigned reg, uint32_t value)
{
    if (cmdline_has("x2apic")) {
        CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_X2APIC + (reg >> 4), value));
    } else {
        lapic_write(reg, value);
    }
}

static uint32_t reg_read(unsigned reg)
{
    uint64_t value = 0;

    if (!cmdline_has("x2apic")) {
        return lapic_read(reg);
    }
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_X2APIC + (reg >> 4), &value));
    return (uint32_t)value;
}

static void timer_handler(TrapFrame *frame)
{
    unsigned i = cpu_index();

    (void)frame;
    fired_tsc[i] = rdtsc();
    fired[i]++;
    reg_write(LAPIC_EOI, 0);
}

static uint64_t deadline(void)
{
    uint64_t value = ~0ull;

    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC_DEADLINE, &value));
    return value;
}

static void set_deadline(uint64_t tsc)
{
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_DEADLINE, tsc));
}

/* Let interrupts in until the TSC has gone on by @ticks. */
static void open_for(uint64_t ticks)
{
    uint64_t start = rdtsc();

    while (rdtsc() - start < ticks) {
        cpu_open_interrupts();
    }
}

static void wait_until_fired(void)
{
    uint64_t start = rdtsc();

    while (!fired[cpu_index()] && rdtsc() - start < 100000ull * SOON) {
        cpu_open_interrupts();
    }
}

static void prepare(uint32_t lvt)
{
    cpu_set_handler(VEC_TIMER, timer_handler);
    if (cmdline_has("x2apic")) {
        uint64_t base = 0;

        CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_APIC_BASE, &base));
        CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC));
    }
    reg_write(LVT_TIMER, MASKED | ONESHOT);
    reg_write(LVT_TIMER, lvt | VEC_TIMER);
    fired[cpu_index()] = 0;
}

static void mode_is_offered(void)
{
    CHECK_EQ(ECX_TSC_DEADLINE, cpu_cpuid(1, 0).ecx & ECX_TSC_DEADLINE);
    prepare(DEADLINE);
    CHECK_EQ(DEADLINE | VEC_TIMER, reg_read(LVT_TIMER));
    CHECK_EQ(0, deadline());
}

static void check_fires_on_time(void)
{
    unsigned i = cpu_index();
    uint64_t at;

    prepare(DEADLINE);
    at = rdtsc() + SOON;
    set_deadline(at);
    if (!cmdline_has("loose")) {
        CHECK_EQ(at, deadline());
    }
    wait_until_fired();
    CHECK_EQ(1, fired[i]);
    CHECK_EQ(0, deadline());
    CHECK_RANGE(at, cmdline_has("loose") ? ~0ull : at + LATE, fired_tsc[i]);
    open_for(2 * SOON);
    CHECK_EQ(1, fired[i]);
}

static void deadline_fires_once_and_on_time(void)
{
    check_fires_on_time();
}

static void deadline_ends_hlt(void)
{
    uint64_t at;

    prepare(DEADLINE);
    at = rdtsc() + 10 * SOON;
    set_deadline(at);
    cpu_wait();
    CHECK_EQ(1, fired[0]);
    CHECK_RANGE(at, cmdline_has("loose") ? ~0ull : at + LATE, fired_tsc[0]);
}

static void deadline_of_the_past_fires_at_once(void)
{
    uint64_t now;
    static const uint64_t ago[] = {0, 1, SOON};

    for (unsigned i = 0; i < ARRAY_SIZE(ago); i++) {
        input("%u ticks ago", (unsigned)ago[i]);
        prepare(DEADLINE);
        now = rdtsc();
        set_deadline(now > ago[i] ? now - ago[i] : 1);
        wait_until_fired();
        CHECK_EQ(1, fired[0]);
        CHECK_EQ(0, deadline());
        CHECK_RANGE(now, cmdline_has("loose") ? ~0ull : now + LATE,
                    fired_tsc[0]);
    }
}

static void new_value_replaces_the_old(void)
{
    uint64_t at;

    if (cmdline_has("loose")) {
        return; /* it must look within moments */
    }
    prepare(DEADLINE);
    set_deadline(rdtsc() + SOON);
    at = rdtsc() + 3 * SOON;
    set_deadline(at);
    open_for(2 * SOON);
    CHECK_EQ(at, deadline());
    CHECK_EQ(0, fired[0]);
    open_for(2 * SOON);
    CHECK_EQ(1, fired[0]);
    /* None, and one that never comes */
    set_deadline(rdtsc() + SOON);
    set_deadline(~0ull);
    CHECK_EQ(~0ull, deadline());
    open_for(2 * SOON);
    set_deadline(rdtsc() + SOON);
    set_deadline(0);
    CHECK_EQ(0, deadline());
    open_for(2 * SOON);
    CHECK_EQ(1, fired[0]);
}

static void other_modes_ignore_the_msr(void)
{
    static const uint32_t modes[] = {ONESHOT, PERIODIC, RESERVED};

    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        input("mode %x", modes[i]);
        prepare(modes[i]);
        set_deadline(rdtsc() + SOON);
        CHECK_EQ(0, deadline());
        set_deadline(1);
        open_for(2 * SOON);
        CHECK_EQ(0, fired[0]);
        /* Nothing was kept for later either. */
        reg_write(LVT_TIMER, DEADLINE | VEC_TIMER);
        CHECK_EQ(0, deadline());
        open_for(2 * SOON);
        CHECK_EQ(0, fired[0]);
    }
}

static void change_of_mode_disarms(void)
{
    static const uint32_t modes[] = {ONESHOT, PERIODIC, RESERVED};

    if (cmdline_has("loose")) {
        return; /* it must look within moments */
    }
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        input("mode %x", modes[i]);
        prepare(DEADLINE);
        set_deadline(rdtsc() + SOON);
        reg_write(LVT_TIMER, modes[i] | VEC_TIMER);
        CHECK_EQ(0, deadline());
        reg_write(LVT_TIMER, DEADLINE | VEC_TIMER);
        CHECK_EQ(0, deadline());
        open_for(2 * SOON);
        CHECK_EQ(0, fired[0]);
    }
}

/* The timer goes by the count in other modes, and the count by the mode. */
static void count_is_of_other_modes(void)
{
    prepare(ONESHOT);
    reg_write(DIVIDE, 0xb);
    reg_write(INITIAL_COUNT, 0x7fffffff);
    CHECK_EQ(0x7fffffff, reg_read(INITIAL_COUNT));
    CHECK(reg_read(CURRENT_COUNT) != 0);
    reg_write(LVT_TIMER, DEADLINE | VEC_TIMER);
    CHECK_EQ(0, reg_read(INITIAL_COUNT));
    CHECK_EQ(0, reg_read(CURRENT_COUNT));
    reg_write(INITIAL_COUNT, 1000);
    CHECK_EQ(0, reg_read(INITIAL_COUNT));
    CHECK_EQ(0, reg_read(CURRENT_COUNT));
    open_for(SOON);
    CHECK_EQ(0, fired[0]);
    reg_write(LVT_TIMER, ONESHOT | VEC_TIMER);
    CHECK_EQ(0, reg_read(INITIAL_COUNT));
    reg_write(INITIAL_COUNT, 1000);
    wait_until_fired();
    CHECK_EQ(1, fired[0]);
}

static void masked_interrupt_is_lost(void)
{
    if (cmdline_has("loose")) {
        return; /* it must look within moments */
    }
    prepare(DEADLINE | MASKED);
    set_deadline(rdtsc() + SOON);
    CHECK(deadline() != 0);
    open_for(2 * SOON);
    CHECK_EQ(0, fired[0]);
    reg_write(LVT_TIMER, DEADLINE | VEC_TIMER);
    open_for(SOON);
    CHECK_EQ(0, fired[0]);
    CHECK_EQ(0, deadline());
}

static void write_of_the_tsc_moves_it(void)
{
    uint64_t far = 10000ull * SOON, at;

    if (cmdline_has("loose")) {
        return; /* it must look within moments */
    }
    prepare(DEADLINE);
    at = rdtsc() + far;
    set_deadline(at);
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC, at - SOON));
    open_for(SOON / 2);
    CHECK_EQ(0, fired[0]);
    open_for(SOON);
    CHECK_EQ(1, fired[0]);
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, 0));

    set_deadline(rdtsc() + SOON);
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC, rdtsc() - SOON));
    open_for(3 * SOON / 2);
    CHECK_EQ(1, fired[0]);
    open_for(SOON);
    CHECK_EQ(2, fired[0]);
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, 0));

    set_deadline(rdtsc() + far);
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, far));
    open_for(SOON);
    CHECK_EQ(3, fired[0]);
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, 0));
}

static void other_fires(void *arg)
{
    (void)arg;
    check_fires_on_time();
}

static void other_arms(void *arg)
{
    (void)arg;
    prepare(DEADLINE);
    set_deadline(rdtsc() + 20 * SOON);
}

static void other_looks(void *arg)
{
    (void)arg;
    cpu_set_handler(VEC_TIMER, timer_handler);
    reg_write(LVT_TIMER, DEADLINE | VEC_TIMER);
    CHECK_EQ(0, deadline());
    open_for(40 * SOON);
}

static void every_vcpu_has_its_own(void)
{
    for (unsigned i = 1; i < cpu_count(); i++) {
        uint64_t mine;

        input("cpu %u", i);
        prepare(DEADLINE);
        mine = rdtsc() + 1000000ull * SOON;
        set_deadline(mine);
        CHECK(cpu_start_other(i, other_fires, NULL) && cpu_other_done(i));
        CHECK_EQ(mine, deadline());
        CHECK_EQ(0, fired[0]);
        set_deadline(0);
    }
}

static void init_disarms(void)
{
    for (unsigned i = 1; i < cpu_count(); i++) {
        input("cpu %u", i);
        CHECK(cpu_start_other(i, other_arms, NULL) && cpu_other_done(i));
        CHECK(cpu_start_other(i, other_looks, NULL) && cpu_other_done(i));
        CHECK_EQ(0, fired[i]);
    }
}

static unsigned long user_reads(void)
{
    uint32_t low, high;

    __asm__ volatile("1: rdmsr\n\t2:" FIXUP("1b", "2b")
                     : "=a"(low), "=d"(high)
                     : "c"(MSR_TSC_DEADLINE), "0"(0), "1"(0));
    return low;
}

static void user_mode_may_not_read_it(void)
{
    cpu_clear_trap();
    cpu_user_call(user_reads);
    CHECK_RC(VEC_GP, cpu_trap());
}

/* The last test: it waits for the cut, which moves the TSC over it. */
static void cut_moves_it(void)
{
    uint64_t at = 90000000000000000ull;

    if (!cmdline_has("cut")) {
        return;
    }
    prepare(DEADLINE);
    set_deadline(at);
    CHECK_EQ(at, deadline());
    cpu_wait();
    CHECK_EQ(1, fired[0]);
    CHECK_RANGE(99000000000000000ull, 99000000000000000ull + LATE,
                fired_tsc[0]);
}

PAYLOAD(NEEDS_NOTHING, TEST(mode_is_offered),
        TEST(deadline_fires_once_and_on_time), TEST(deadline_ends_hlt),
        TEST(deadline_of_the_past_fires_at_once),
        TEST(new_value_replaces_the_old), TEST(other_modes_ignore_the_msr),
        TEST(change_of_mode_disarms), TEST(count_is_of_other_modes),
        TEST(masked_interrupt_is_lost), TEST(write_of_the_tsc_moves_it),
        TEST(every_vcpu_has_its_own), TEST(init_disarms),
        TEST(user_mode_may_not_read_it), TEST(cut_moves_it));
