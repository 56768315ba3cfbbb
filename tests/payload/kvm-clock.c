/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM as a guest finds it: leaves, kvmclock, steal time, PV EOI, hypercalls.
 *
 * Behaviour: leaves say KVM and what it offers; a vCPU's pvclock record is
 * written when its MSR is, gives system time with the TSC, and never steps
 * back; the wall clock is written on demand; MSRs that are not offered fault;
 * hypercalls answer.
 * Check: each leaf and MSR, both pairs; the record's fields and rate against
 * the TSC; two vCPUs; a cut with PVCLOCK_GUEST_STOPPED; the steal record; the
 * PV EOI MSR, and interrupts while it is on; the answers of hypercalls, from
 * user mode too; KVM's leaves above Xen's.
 * Cannot tell apart: errors below 2 ns, the rounding of the scale; whether the
 * bit of PV EOI is ever set, as KVM may do.
 * Real KVM: the same but for features not offered here, whose MSRs it lets
 * pass unless told otherwise (linux: arch/x86/kvm/x86.c, kvm_set_msr_common,
 * kvm_emulate_hypercall; arch/x86/kvm/cpuid.c).
 *
 * RUN: default smp=2 guest=kvm
 * RUN: stable smp=2 guest=kvm plugin=invtsc=on append=stable
 * RUN: khz guest=kvm plugin=tsc-khz=2596122 append=khz=2596122
 * RUN: smp smp=4 guest=kvm plugin=uptime=86400
 * RUN: cut guest=kvm plugin=cut=0.5:uptime=5000 append=cut
 * RUN: cut-back guest=kvm plugin=uptime=500 plugin=cut=0.5:uptime=50
 *      append=cut append=back
 * RUN: mttcg smp=4 guest=kvm accel=mttcg append=loose
 * RUN: beside guest=kvm-xen append=beside
 */
#include <linux/kvm_para.h>

#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/cpu.h"
#include "tests/payload/lib/xen.h"

#define LEAF_ALONE   0x40000000u
#define LEAF_BESIDE  0x40000100u
#define FEATURES     0x0100006bu
#define FLAG_STABLE  1u
#define FLAG_STOPPED 2u
#define NS_PER_S     1000000000ull
#define ROUNDING_NS  2
#define READS        20000
#define START_2020   1577836800u
#define VEC_SELF     0x52
#define ICR_SELF     (1u << 18)

/* linux: arch/x86/include/asm/pvclock-abi.h */
typedef struct Record {
    volatile uint32_t version;
    uint32_t pad0;
    uint64_t tsc, system;
    uint32_t mul;
    int8_t shift;
    volatile uint8_t flags;
    uint8_t pad[2];
} Record;

static Record records[MAX_CPUS] __attribute__((aligned(64)));
static volatile uint32_t pv_eoi;
static struct kvm_steal_time steal __attribute__((aligned(64)));
static struct {
    uint32_t version, sec, nsec;
} wall __attribute__((aligned(16)));

static uint64_t address_of(const volatile void *p)
{
    return (uintptr_t)p;
}

static uint32_t base(void)
{
    return cmdline_has("beside") ? LEAF_BESIDE : LEAF_ALONE;
}

static uint64_t record_time(const Record *r)
{
    Record copy;
    uint64_t delta;

    do {
        copy.version = r->version & ~1u;
        barrier();
        copy.tsc = r->tsc;
        copy.system = r->system;
        copy.mul = r->mul;
        copy.shift = r->shift;
        delta = rdtsc();
        barrier();
    } while (r->version != copy.version);
    delta -= copy.tsc;
    delta = copy.shift < 0 ? delta >> -copy.shift : delta << copy.shift;
    return copy.system + (delta >> 32) * copy.mul +
           (((delta & 0xffffffff) * copy.mul) >> 32);
}

static void leaves_say_kvm(void)
{
    CpuidRegs r = cpu_cpuid(base(), 0);

    CHECK_EQ(base() + 1, r.eax);
    CHECK_EQ(0x4b4d564b, r.ebx);
    CHECK_EQ(0x564b4d56, r.ecx);
    CHECK_EQ(0x4d, r.edx);
    r = cpu_cpuid(base() + 1, 0);
    CHECK_EQ(FEATURES, r.eax);
    CHECK_EQ(0, r.ebx | r.ecx | r.edx);
    r = cpu_cpuid(base() + 2, 0);
    CHECK_EQ(0, r.eax | r.ebx | r.ecx | r.edx);
    r = cpu_cpuid(LEAF_BESIDE + 0x100, 0);
    CHECK_EQ(0, r.eax | r.ebx | r.ecx | r.edx);
    CHECK_EQ(1u << 31, cpu_cpuid(1, 0).ecx & 1u << 31);
    CHECK_EQ(cmdline_has("beside") ? 0x40017 & 0x40011 : 0, xen_version());
}

static void msrs_not_offered_fault(void)
{
    static const uint32_t msrs[] = {
        MSR_KVM_ASYNC_PF_EN,  MSR_KVM_POLL_CONTROL,      MSR_KVM_ASYNC_PF_INT,
        MSR_KVM_ASYNC_PF_ACK, MSR_KVM_MIGRATION_CONTROL, 0x4b564dff,
    };
    uint64_t value;

    for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
        input("msr %x", msrs[i]);
        CHECK_RC(VEC_GP, cpu_rdmsr(msrs[i], &value));
        CHECK_RC(VEC_GP, cpu_wrmsr(msrs[i], 0));
    }
}

static void clock_is_written_with_its_msr(void)
{
    static const uint32_t msrs[] = {MSR_KVM_SYSTEM_TIME,
                                    MSR_KVM_SYSTEM_TIME_NEW};
    uint64_t khz = cmdline_number("khz", 1000000);

    for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
        Record *r = &records[0];
        uint64_t value = 0;
        bool stable = cmdline_has("stable") && i == 1;

        input("msr %x", msrs[i]);
        memset(r, 0xff, sizeof(*r));
        CHECK_RC(NO_TRAP, cpu_wrmsr(msrs[i], address_of(r) | 1));
        CHECK_RC(NO_TRAP, cpu_rdmsr(msrs[1 - i], &value));
        CHECK_EQ(address_of(r) | 1, value);
        CHECK_EQ(0, r->version & 1);
        CHECK_EQ(0, r->pad0);
        /* "Stopped" was on before: that is for the guest to clear. */
        CHECK_EQ(FLAG_STOPPED | (stable ? FLAG_STABLE : 0), r->flags);
        CHECK(r->mul >= 0x80000000u);
        CHECK(rdtsc() >= r->tsc);
        /* A second of ticks is a second. */
        {
            Record second = *r;
            uint64_t ticks = khz * 1000;

            ticks = second.shift < 0 ? ticks >> -second.shift
                                     : ticks << second.shift;
            CHECK_RANGE(NS_PER_S - ROUNDING_NS, NS_PER_S,
                        (ticks >> 32) * second.mul +
                            (((ticks & 0xffffffff) * second.mul) >> 32));
        }
    }
    /* Off: nothing is written any more. */
    CHECK_RC(NO_TRAP,
             cpu_wrmsr(MSR_KVM_SYSTEM_TIME_NEW, address_of(&records[0])));
    memset(&records[0], 0, sizeof(records[0]));
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, 0));
    CHECK_EQ(0, records[0].version);
    CHECK_RC(NO_TRAP,
             cpu_wrmsr(MSR_KVM_SYSTEM_TIME_NEW, address_of(&records[0]) | 1));
}

static void clock_never_steps_back(void)
{
    uint64_t last = record_time(&records[0]);

    for (unsigned i = 0; i < READS; i++) {
        uint64_t now = record_time(&records[0]);

        if (now < last) {
            input("read %u", i);
            CHECK_RANGE(last, ~0ull, now);
            return;
        }
        last = now;
    }
    CHECK(last > 0);
}

static void clock_survives_a_write_of_the_tsc(void)
{
    uint64_t before = record_time(&records[0]);

    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, 1ull << 40));
    CHECK_RANGE(before, before + 60 * NS_PER_S, record_time(&records[0]));
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC, 5));
    CHECK_RANGE(before, before + 60 * NS_PER_S, record_time(&records[0]));
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_ADJUST, 0));
}

static volatile uint64_t other_time;

static void other_reads(void *arg)
{
    unsigned i = cpu_index();

    (void)arg;
    cpu_wrmsr(MSR_KVM_SYSTEM_TIME_NEW, address_of(&records[i]) | 1);
    other_time = record_time(&records[i]);
}

static void vcpus_have_one_clock(void)
{
    for (unsigned i = 1; i < cpu_count(); i++) {
        uint64_t before = record_time(&records[0]), after;

        input("cpu %u", i);
        CHECK(cpu_start_other(i, other_reads, NULL) && cpu_other_done(i));
        after = record_time(&records[0]);
        CHECK_RANGE(before - ROUNDING_NS, after + ROUNDING_NS, other_time);
    }
}

static void wall_clock_is_of_system_time_zero(void)
{
    static const uint32_t msrs[] = {MSR_KVM_WALL_CLOCK, MSR_KVM_WALL_CLOCK_NEW};

    for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
        uint64_t value = 0, now;

        input("msr %x", msrs[i]);
        wall.version = 6 + i;
        CHECK_RC(NO_TRAP, cpu_wrmsr(msrs[i], address_of(&wall)));
        CHECK_RC(NO_TRAP, cpu_rdmsr(msrs[1 - i], &value));
        CHECK_EQ(address_of(&wall), value);
        CHECK_EQ(i ? 10 : 8, wall.version);
        CHECK(wall.nsec < NS_PER_S);
        now = wall.sec + (wall.nsec + record_time(&records[0])) / NS_PER_S;
        CHECK_RANGE(START_2020, START_2020 + (cmdline_has("loose") ? 600 : 10),
                    now);
    }
}

static void steal_record_is_kept(void)
{
    uint64_t value = 0;

    CHECK_RC(VEC_GP, cpu_wrmsr(MSR_KVM_STEAL_TIME, address_of(&steal) | 3));
    CHECK_RC(VEC_GP, cpu_wrmsr(MSR_KVM_STEAL_TIME, address_of(&steal) | 0x21));
    memset(&steal, 0, sizeof(steal));
    steal.preempted = 1;
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_KVM_STEAL_TIME, address_of(&steal) | 1));
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_KVM_STEAL_TIME, &value));
    CHECK_EQ(address_of(&steal) | 1, value);
    CHECK_EQ(0, steal.steal);
    CHECK_EQ(2, steal.version);
    CHECK_EQ(0, steal.flags);
    CHECK_EQ(0, steal.preempted);
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_KVM_STEAL_TIME, 0));
}

static volatile unsigned interrupts;

static void self_handler(TrapFrame *frame)
{
    (void)frame;
    interrupts++;
    /* Were the bit set the guest would clear it, and have ended it. */
    if (pv_eoi & 1) {
        pv_eoi &= ~1u;
    } else {
        lapic_eoi();
    }
}

/* linux: arch/x86/kvm/lapic.c, kvm_lapic_set_pv_eoi */
static void pv_eoi_is_checked_and_leaves_interrupts_alone(void)
{
    static const uint64_t bad[] = {2, 3, 0xf0000001u, ~0ull & ~2ull};
    uint64_t value = 1;

    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_KVM_PV_EOI_EN, address_of(&pv_eoi) | 1));
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        input("value %llx", (unsigned long long)bad[i]);
        CHECK_RC(VEC_GP, cpu_wrmsr(MSR_KVM_PV_EOI_EN, bad[i]));
    }
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_KVM_PV_EOI_EN, &value));
    CHECK_EQ(address_of(&pv_eoi) | 1, value);
    cpu_set_handler(VEC_SELF, self_handler);
    for (unsigned i = 1; i <= 10; i++) {
        input("interrupt %u", i);
        lapic_write(LAPIC_ICR, ICR_SELF | VEC_SELF);
        cpu_open_interrupts();
        CHECK_EQ(i, interrupts);
        CHECK_EQ(0, pv_eoi & 1);
    }
    /* Off, any place will do. */
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_KVM_PV_EOI_EN, 0xf0000000u));
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_KVM_PV_EOI_EN, &value));
    CHECK_EQ(0xf0000000u, value);
    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_KVM_PV_EOI_EN, 0));
}

static long hypercall(unsigned long nr, unsigned long a0, unsigned long a1)
{
    long ret;

    __asm__ volatile("vmcall"
                     : "=a"(ret)
                     : "0"(nr), "b"(a0), "c"(a1), "d"(0), "S"(0)
                     : "memory", "cc");
    return ret;
}

static unsigned long user_hypercall(void)
{
    return (unsigned long)hypercall(KVM_HC_VAPIC_POLL_IRQ, 0, 0);
}

static void hypercalls_answer_as_kvm(void)
{
    static const unsigned refused[] = {0,
                                       KVM_HC_MMU_OP,
                                       KVM_HC_FEATURES,
                                       KVM_HC_KICK_CPU,
                                       KVM_HC_SEND_IPI,
                                       KVM_HC_SCHED_YIELD,
                                       KVM_HC_MAP_GPA_RANGE,
                                       12345};
    static struct kvm_clock_pairing pairing;
    bool offered = cmdline_has("stable");
    long ret;

    if (cmdline_has("beside")) {
        return; /* they are Xen's */
    }
    CHECK_RC(0, hypercall(KVM_HC_VAPIC_POLL_IRQ, 0, 0));
    CHECK_RC(-1, (long)cpu_user_call(user_hypercall));
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
        input("call %u", refused[i]);
        CHECK_RC(-KVM_ENOSYS, hypercall(refused[i], 0, 0));
    }
    ret = hypercall(KVM_HC_CLOCK_PAIRING, (uintptr_t)&pairing,
                    KVM_CLOCK_PAIRING_WALLCLOCK);
    CHECK_RC(offered ? 0 : -KVM_EOPNOTSUPP, ret);
    CHECK_RC(-KVM_EOPNOTSUPP,
             hypercall(KVM_HC_CLOCK_PAIRING, (uintptr_t)&pairing, 1));
    if (offered) {
        CHECK_RANGE(START_2020, START_2020 + 600, pairing.sec);
        CHECK(pairing.tsc <= rdtsc());
        CHECK_RC(-14, hypercall(KVM_HC_CLOCK_PAIRING, 0xf0000000u,
                                KVM_CLOCK_PAIRING_WALLCLOCK));
    }
}

/* The last test: it waits for the cut. */
static void cut_moves_the_clock_and_tells(void)
{
    uint64_t before, after;

    if (!cmdline_has("cut")) {
        return;
    }
    records[0].flags &= ~FLAG_STOPPED;
    do {
        before = record_time(&records[0]);
        after = record_time(&records[0]);
    } while (!(records[0].flags & FLAG_STOPPED) &&
             after - before < 40 * NS_PER_S);
    after = record_time(&records[0]);
    if (cmdline_has("back")) {
        CHECK_RANGE(50 * NS_PER_S, 51 * NS_PER_S, after);
    } else {
        CHECK_RANGE(5000 * NS_PER_S, 5001 * NS_PER_S, after);
    }
    CHECK_EQ(FLAG_STOPPED, records[0].flags);
}

PAYLOAD(NEEDS_NOTHING, TEST(leaves_say_kvm), TEST(msrs_not_offered_fault),
        TEST(clock_is_written_with_its_msr), TEST(clock_never_steps_back),
        TEST(clock_survives_a_write_of_the_tsc), TEST(vcpus_have_one_clock),
        TEST(wall_clock_is_of_system_time_zero), TEST(steal_record_is_kept),
        TEST(pv_eoi_is_checked_and_leaves_interrupts_alone),
        TEST(hypercalls_answer_as_kvm), TEST(cut_moves_the_clock_and_tells));
