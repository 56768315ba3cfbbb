/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest finds of KVM: leaves, MSRs, kvmclock records, steal time,
 * hypercalls, reset and state.  Wanted values are KVM's (linux:
 * arch/x86/kvm/x86.c, cpuid.c), computed here from the host profile.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/kvm_para.h>
#include <string.h>

#include "hw/kvm/kvm-guest.h"
#include "tests/unit/fake-host.h"

#define NR_VCPUS  2u
#define NR_FRAMES 64u
#define UPTIME_NS 5000000000ull
#define WALL_NS   1700000000123456789ll
#define NS_PER_S  1000000000ll
#define READONLY  40u
#define ABSENT    41u
#define CLOCK_GPA 0x3040u
#define STEAL_GPA 0x4080u
#define WALL_GPA  0x5004u

typedef struct Record {
    uint32_t version, pad0;
    uint64_t tsc_timestamp, system_time;
    uint32_t mul;
    int8_t shift;
    uint8_t flags, pad[2];
} Record;

typedef struct Kvm {
    FakeHost *fake;
    Clock *clock;
    KvmGuest *k;
} Kvm;

static void kvm_setup_with(Kvm *t, bool invtsc, uint32_t base)
{
    HostProfile profile = {
        .set = HOST_PROFILE_UPTIME | HOST_PROFILE_WALLCLOCK |
               HOST_PROFILE_INVTSC | HOST_PROFILE_TSC_KHZ,
        .uptime_ns = UPTIME_NS,
        .wallclock_ns = WALL_NS,
        .invtsc = invtsc,
        .tsc_khz = 2000000,
    };

    t->fake = fake_host_new(NR_VCPUS, NR_FRAMES);
    fake_host_mark_frame(t->fake, READONLY, FAKE_FRAME_READONLY);
    fake_host_mark_frame(t->fake, ABSENT, FAKE_FRAME_ABSENT);
    t->clock = clock_new(&profile, CLOCK_TSC_MODE_DEFAULT, NR_VCPUS, 0);
    t->k = kvm_guest_new(fake_host_ops(t->fake), t->clock, NR_VCPUS, base);
    g_assert_nonnull(t->k);
}

static void kvm_setup(Kvm *t, gconstpointer data)
{
    (void)data;
    kvm_setup_with(t, true, KVM_CPUID_BASE_ALONE);
}

static void kvm_teardown(Kvm *t, gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(fake_host_undirtied_bytes(t->fake), ==, 0);
    kvm_guest_free(t->k);
    clock_free(t->clock);
    fake_host_free(t->fake);
}

static void wrmsr(Kvm *t, unsigned vcpu, uint32_t index, uint64_t value)
{
    g_assert_cmpint(kvm_guest_wrmsr(t->k, vcpu, index, value), ==,
                    GUEST_MSR_OK);
}

static Record clock_record(Kvm *t, uint64_t gpa)
{
    Record r;

    fake_host_peek(t->fake, gpa, &r, sizeof(r));
    return r;
}

static struct kvm_steal_time steal_record(Kvm *t, uint64_t gpa)
{
    struct kvm_steal_time st;

    fake_host_peek(t->fake, gpa, &st, sizeof(st));
    return st;
}

static int64_t hypercall(Kvm *t, uint64_t nr, uint64_t a0, uint64_t a1)
{
    KvmHypercall call = {
        .long_mode = true, .privileged = true, .nr = nr, .args = {a0, a1}};

    return kvm_guest_hypercall(t->k, 0, &call);
}

/* CPUID */

static void cpuid_leaves_are_kvms(Kvm *t, gconstpointer data)
{
    static const uint32_t bases[] = {KVM_CPUID_BASE_ALONE,
                                     KVM_CPUID_BASE_BESIDE};
    GuestCpuid out;

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(bases); i++) {
        uint32_t base = bases[i];
        KvmGuest *k = kvm_guest_new(fake_host_ops(t->fake), t->clock, 1, base);

        g_assert_true(kvm_guest_cpuid(k, base, &out));
        g_assert_cmphex(out.eax, ==, base + 1);
        g_assert_cmphex(out.ebx, ==, 0x4b4d564b);
        g_assert_cmphex(out.ecx, ==, 0x564b4d56);
        g_assert_cmphex(out.edx, ==, 0x4d);
        g_assert_true(kvm_guest_cpuid(k, base + 1, &out));
        /* clocksource, no I/O delay, clocksource2, steal time, stable */
        g_assert_cmphex(out.eax, ==, 0x0100002b);
        g_assert_cmphex(out.ebx | out.ecx | out.edx, ==, 0);
        g_assert_true(kvm_guest_cpuid(k, base + 2, &out));
        g_assert_cmphex(out.eax | out.ebx | out.ecx | out.edx, ==, 0);
        g_assert_true(kvm_guest_cpuid(k, base + 0xff, &out));
        g_assert_false(kvm_guest_cpuid(k, base + 0x100, &out));
        g_assert_false(kvm_guest_cpuid(k, base - 1, &out));
        g_assert_false(kvm_guest_cpuid(k, 0x80000000, &out));
        kvm_guest_free(k);
    }
}

/* MSRs */

static void msr_values_are_checked(Kvm *t, gconstpointer data)
{
    static const struct {
        uint32_t index;
        uint64_t value;
        GuestMsrResult want;
    } cases[] = {
        {MSR_KVM_WALL_CLOCK, 0, GUEST_MSR_OK},
        {MSR_KVM_WALL_CLOCK_NEW, UINT64_MAX, GUEST_MSR_OK},
        {MSR_KVM_SYSTEM_TIME, UINT64_MAX, GUEST_MSR_OK},
        {MSR_KVM_SYSTEM_TIME_NEW, 0xfff, GUEST_MSR_OK},
        {MSR_KVM_STEAL_TIME, 0, GUEST_MSR_OK},
        {MSR_KVM_STEAL_TIME, STEAL_GPA | 1, GUEST_MSR_OK},
        {MSR_KVM_STEAL_TIME, UINT64_MAX & ~0x3eull, GUEST_MSR_OK},
        {MSR_KVM_STEAL_TIME, STEAL_GPA | 2, GUEST_MSR_GP},
        {MSR_KVM_STEAL_TIME, STEAL_GPA | 0x20 | 1, GUEST_MSR_GP},
        {MSR_KVM_ASYNC_PF_EN, 0, GUEST_MSR_GP},
        {MSR_KVM_PV_EOI_EN, 0, GUEST_MSR_GP},
        {MSR_KVM_POLL_CONTROL, 0, GUEST_MSR_GP},
        {MSR_KVM_MIGRATION_CONTROL, 0, GUEST_MSR_GP},
        {0x4b564dff, 0, GUEST_MSR_GP},
        {0x4b564e00, 0, GUEST_MSR_NOT_OURS},
        {0x4b564cff, 0, GUEST_MSR_NOT_OURS},
        {0x10, 0, GUEST_MSR_NOT_OURS},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t value = 0x5555;

        g_test_message("msr 0x%x value 0x%" PRIx64, cases[i].index,
                       cases[i].value);
        g_assert_cmpint(
            kvm_guest_wrmsr(t->k, 1, cases[i].index, cases[i].value), ==,
            cases[i].want);
        g_assert_cmpint(kvm_guest_rdmsr(t->k, 1, cases[i].index, &value), ==,
                        cases[i].want == GUEST_MSR_GP &&
                                cases[i].index == MSR_KVM_STEAL_TIME
                            ? GUEST_MSR_OK
                            : cases[i].want);
        if (cases[i].want == GUEST_MSR_OK) {
            g_assert_cmphex(value, ==, cases[i].value);
        }
    }
}

static void msr_pairs_are_one(Kvm *t, gconstpointer data)
{
    uint64_t value;

    (void)data;
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME, CLOCK_GPA | 1);
    wrmsr(t, 0, MSR_KVM_WALL_CLOCK, WALL_GPA);
    kvm_guest_rdmsr(t->k, 0, MSR_KVM_SYSTEM_TIME_NEW, &value);
    g_assert_cmphex(value, ==, CLOCK_GPA | 1);
    /* The wall clock is the machine's, the clock the vCPU's. */
    kvm_guest_rdmsr(t->k, 1, MSR_KVM_WALL_CLOCK_NEW, &value);
    g_assert_cmphex(value, ==, WALL_GPA);
    kvm_guest_rdmsr(t->k, 1, MSR_KVM_SYSTEM_TIME, &value);
    g_assert_cmphex(value, ==, 0);
}

/* kvmclock */

static void clock_record_is_written_at_once(Kvm *t, gconstpointer data)
{
    Record r;

    (void)data;
    fake_host_advance(t->fake, 1234);
    wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    r = clock_record(t, CLOCK_GPA);
    g_assert_cmpuint(r.version, ==, 2);
    g_assert_cmpuint(r.system_time, ==, UPTIME_NS + 1234);
    g_assert_cmpuint(r.tsc_timestamp, ==, 2468);
    g_assert_cmphex(r.mul, ==, 0x80000000);
    g_assert_cmpint(r.shift, ==, 0);
    g_assert_cmphex(r.flags, ==, 1);
    /* Odd: left over from what lay there before. */
    fake_host_poke32(t->fake, CLOCK_GPA, 7);
    wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA).version, ==, 10);
}

static void clock_off_or_nowhere_writes_nothing(Kvm *t, gconstpointer data)
{
    static const uint64_t values[] = {
        CLOCK_GPA,                     /* not enabled */
        (uint64_t)READONLY << 12 | 1,  /* */
        (uint64_t)ABSENT << 12 | 1,    /* */
        0x3fe8 | 1,                    /* crosses the page */
        (uint64_t)NR_FRAMES << 12 | 1, /* behind the end of memory */
        UINT64_MAX,
    };
    g_autofree char *before = fake_host_ram_digest(t->fake);

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autofree char *after = NULL;

        wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, values[i]);
        after = fake_host_ram_digest(t->fake);
        g_assert_cmpstr(before, ==, after);
        g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 0);
    }
}

static void clock_at_page_end_is_written(Kvm *t, gconstpointer data)
{
    (void)data;
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, 0x3fe0 | 1);
    g_assert_cmpuint(clock_record(t, 0x3fe0).version, ==, 2);
}

static void clock_unaligned_is_written(Kvm *t, gconstpointer data)
{
    (void)data;
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, 0x3046 | 1);
    g_assert_cmpuint(clock_record(t, 0x3046).version, ==, 2);
}

static void clock_stable_bit_follows_tsc_and_msr(Kvm *t, gconstpointer data)
{
    HostProfile unsafe = {.set = HOST_PROFILE_INVTSC, .invtsc = false};
    ClockCut cut;

    (void)data;
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, (CLOCK_GPA + 0x40) | 1);
    g_assert_cmphex(clock_record(t, CLOCK_GPA).flags, ==, 1);
    /* vCPU 0 with the old MSR takes the bit from all. */
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME, CLOCK_GPA | 1);
    g_assert_cmphex(clock_record(t, CLOCK_GPA).flags, ==, 0);
    g_assert_cmphex(clock_record(t, CLOCK_GPA + 0x40).flags, ==, 0);
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    /* Another vCPU does not. */
    wrmsr(t, 1, MSR_KVM_SYSTEM_TIME, (CLOCK_GPA + 0x40) | 1);
    g_assert_cmphex(clock_record(t, CLOCK_GPA).flags, ==, 1);
    g_assert_true(clock_cut(t->clock, 0, &unsafe, &cut, NULL));
    kvm_guest_stopped(t->k);
    g_assert_cmphex(clock_record(t, CLOCK_GPA).flags, ==, 2);
}

static void clock_cut_moves_records_and_tells(Kvm *t, gconstpointer data)
{
    static const uint64_t uptimes[] = {1, 508119807590000};
    ClockCut cut;

    (void)data;
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    for (size_t i = 0; i < G_N_ELEMENTS(uptimes); i++) {
        HostProfile p = {
            .set = HOST_PROFILE_UPTIME | HOST_PROFILE_TSC,
            .uptime_ns = uptimes[i],
            .tsc = 99,
        };
        Record r;

        fake_host_advance(t->fake, NS_PER_S);
        g_assert_true(
            clock_cut(t->clock, fake_host_now(t->fake), &p, &cut, NULL));
        kvm_guest_stopped(t->k);
        r = clock_record(t, CLOCK_GPA);
        g_assert_cmpuint(r.version, ==, 2 * (i + 2));
        g_assert_cmpuint(r.system_time, ==, uptimes[i]);
        g_assert_cmpuint(r.tsc_timestamp, ==, 99);
        g_assert_cmphex(r.flags, ==, 3);
    }
}

static void clock_stopped_flag_is_the_guests_to_clear(Kvm *t,
                                                      gconstpointer data)
{
    const uint64_t flags = CLOCK_GPA + 29;

    (void)data;
    kvm_guest_stopped(t->k); /* no record: nothing to tell */
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    g_assert_cmphex(fake_host_peek8(t->fake, flags), ==, 1);
    kvm_guest_stopped(t->k);
    g_assert_cmphex(fake_host_peek8(t->fake, flags), ==, 3);
    kvm_guest_tsc_written(t->k, 0);
    g_assert_cmphex(fake_host_peek8(t->fake, flags), ==, 3);
    fake_host_poke8(t->fake, flags, 1);
    kvm_guest_tsc_written(t->k, 0);
    g_assert_cmphex(fake_host_peek8(t->fake, flags), ==, 1);
}

static void clock_tsc_write_moves_only_that_vcpu(Kvm *t, gconstpointer data)
{
    (void)data;
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, (CLOCK_GPA + 0x40) | 1);
    fake_host_advance(t->fake, NS_PER_S);
    clock_write_tsc(t->clock, 1, fake_host_now(t->fake), 5);
    kvm_guest_tsc_written(t->k, 1);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA + 0x40).tsc_timestamp, ==, 5);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA + 0x40).system_time, ==,
                     UPTIME_NS + NS_PER_S);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA).tsc_timestamp, ==, 0);
}

static void clock_is_synced_every_300_seconds(Kvm *t, gconstpointer data)
{
    (void)data;
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    fake_host_advance(t->fake, 300 * NS_PER_S - 1);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA).version, ==, 2);
    fake_host_advance(t->fake, 1);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA).version, ==, 4);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA).system_time, ==,
                     UPTIME_NS + 300 * NS_PER_S);
    fake_host_advance(t->fake, 300 * NS_PER_S);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA).version, ==, 6);
}

/* Wall clock */

static void wall_clock_is_of_system_time_zero(Kvm *t, gconstpointer data)
{
    const int64_t base = WALL_NS - (int64_t)UPTIME_NS;

    (void)data;
    fake_host_advance(t->fake, 12345);
    wrmsr(t, 0, MSR_KVM_WALL_CLOCK_NEW, WALL_GPA);
    g_assert_cmpuint(fake_host_peek32(t->fake, WALL_GPA), ==, 2);
    g_assert_cmpuint(fake_host_peek32(t->fake, WALL_GPA + 4), ==,
                     base / NS_PER_S);
    g_assert_cmpuint(fake_host_peek32(t->fake, WALL_GPA + 8), ==,
                     base % NS_PER_S);
    fake_host_poke32(t->fake, WALL_GPA, 5);
    wrmsr(t, 0, MSR_KVM_WALL_CLOCK_NEW, WALL_GPA);
    g_assert_cmpuint(fake_host_peek32(t->fake, WALL_GPA), ==, 8);
}

static void wall_clock_nowhere_is_ignored(Kvm *t, gconstpointer data)
{
    static const uint64_t values[] = {0, (uint64_t)READONLY << 12,
                                      (uint64_t)ABSENT << 12,
                                      (uint64_t)NR_FRAMES << 12, UINT64_MAX};
    g_autofree char *before = fake_host_ram_digest(t->fake);

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autofree char *after = NULL;

        wrmsr(t, 0, MSR_KVM_WALL_CLOCK_NEW, values[i]);
        after = fake_host_ram_digest(t->fake);
        g_assert_cmpstr(before, ==, after);
    }
}

/* Steal time */

static void steal_counts_what_was_runnable(Kvm *t, gconstpointer data)
{
    struct kvm_steal_time st;
    KvmVcpuInfo info;

    (void)data;
    wrmsr(t, 0, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
    st = steal_record(t, STEAL_GPA);
    g_assert_cmpuint(st.steal, ==, 0);
    g_assert_cmpuint(st.version, ==, 2);
    g_assert_cmpuint(st.preempted, ==, 0);

    fake_host_advance(t->fake, 100);
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNABLE);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).preempted, ==, 1);
    fake_host_advance(t->fake, 30);
    kvm_guest_query_vcpu(t->k, 0, &info);
    g_assert_cmpuint(info.steal_ns, ==, 30);
    g_assert_cmpint(info.state, ==, KVM_VCPU_RUNNABLE);
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNING);
    st = steal_record(t, STEAL_GPA);
    g_assert_cmpuint(st.steal, ==, 30);
    g_assert_cmpuint(st.version, ==, 4);
    g_assert_cmpuint(st.preempted, ==, 0);

    /* Halted: not stolen; woken while the host is busy: from then on. */
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_BLOCKED);
    fake_host_advance(t->fake, 1000);
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNABLE);
    fake_host_advance(t->fake, 7);
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNING);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).steal, ==, 37);
}

static void steal_record_goes_on_from_the_guests(Kvm *t, gconstpointer data)
{
    (void)data;
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNABLE);
    fake_host_advance(t->fake, 50);
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNING);
    fake_host_poke64(t->fake, STEAL_GPA, 1000);
    fake_host_poke32(t->fake, STEAL_GPA + 8, 3);
    wrmsr(t, 0, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).steal, ==, 1050);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).version, ==, 6);
    /* Off: the record stays as it is. */
    wrmsr(t, 0, MSR_KVM_STEAL_TIME, STEAL_GPA);
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNABLE);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).preempted, ==, 0);
    g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 0);
}

/* Hypercalls */

static void hypercall_errors_are_kvms(Kvm *t, gconstpointer data)
{
    static const struct {
        uint64_t nr, a0, a1;
        bool user, compat;
        int64_t want;
    } cases[] = {
        {KVM_HC_VAPIC_POLL_IRQ, 0, 0, false, false, 0},
        {KVM_HC_VAPIC_POLL_IRQ, 0, 0, true, false, -KVM_EPERM},
        {KVM_HC_KICK_CPU, 0, 1, false, false, -KVM_ENOSYS},
        {KVM_HC_SEND_IPI, 1, 0, false, false, -KVM_ENOSYS},
        {KVM_HC_SCHED_YIELD, 1, 0, false, false, -KVM_ENOSYS},
        {KVM_HC_MAP_GPA_RANGE, 0, 1, false, false, -KVM_ENOSYS},
        {KVM_HC_MMU_OP, 0, 0, false, false, -KVM_ENOSYS},
        {0, 0, 0, false, false, -KVM_ENOSYS},
        {12345, 0, 0, true, false, -KVM_EPERM},
        {UINT64_MAX, 0, 0, false, false, -KVM_ENOSYS},
        /* Only 32 bits count in 32-bit code. */
        {1ull << 32 | KVM_HC_VAPIC_POLL_IRQ, 0, 0, false, true, 0},
        {1ull << 32 | KVM_HC_VAPIC_POLL_IRQ, 0, 0, false, false, -KVM_ENOSYS},
        {KVM_HC_CLOCK_PAIRING, 0x6000, 1, false, false, -KVM_EOPNOTSUPP},
        {KVM_HC_CLOCK_PAIRING, (uint64_t)READONLY << 12, 0, false, false,
         -KVM_EFAULT},
        {KVM_HC_CLOCK_PAIRING, (uint64_t)ABSENT << 12, 0, false, false,
         -KVM_EFAULT},
        {KVM_HC_CLOCK_PAIRING, UINT64_MAX, 0, false, false, -KVM_EFAULT},
        {KVM_HC_CLOCK_PAIRING, 1ull << 32 | 0x6000, 1ull << 32, false, true, 0},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        KvmHypercall call = {
            .long_mode = !cases[i].compat,
            .privileged = !cases[i].user,
            .nr = cases[i].nr,
            .args = {cases[i].a0, cases[i].a1},
        };

        g_test_message("case %zu", i);
        g_assert_cmpint(kvm_guest_hypercall(t->k, 0, &call), ==, cases[i].want);
    }
}

static void hypercall_clock_pairing_is_one_moment(Kvm *t, gconstpointer data)
{
    HostProfile unsafe = {.set = HOST_PROFILE_INVTSC, .invtsc = false};
    struct kvm_clock_pairing p;
    ClockCut cut;

    (void)data;
    fake_host_advance(t->fake, 3 * NS_PER_S + 1);
    g_assert_cmpint(hypercall(t, KVM_HC_CLOCK_PAIRING, 0x6000, 0), ==, 0);
    fake_host_peek(t->fake, 0x6000, &p, sizeof(p));
    g_assert_cmpint(p.sec, ==, (WALL_NS + 3 * NS_PER_S + 1) / NS_PER_S);
    g_assert_cmpint(p.nsec, ==, (WALL_NS + 1) % NS_PER_S);
    g_assert_cmpuint(p.tsc, ==, 2 * (3 * NS_PER_S + 1));
    g_assert_cmphex(p.flags, ==, 0);
    /* KVM has no such pair where its own clock is not the TSC. */
    g_assert_true(
        clock_cut(t->clock, fake_host_now(t->fake), &unsafe, &cut, NULL));
    g_assert_cmpint(hypercall(t, KVM_HC_CLOCK_PAIRING, 0x6000, 0), ==,
                    -KVM_EOPNOTSUPP);
}

/* Faults, reset, state */

static void fault_leaves_the_clock_off(Kvm *t, gconstpointer data)
{
    static const struct {
        uint32_t index;
        uint64_t value;
    } cases[] = {
        {MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1},
        {MSR_KVM_STEAL_TIME, STEAL_GPA | 1},
        {MSR_KVM_WALL_CLOCK_NEW, WALL_GPA},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned n = 1;; n++) {
            uint64_t value;

            kvm_guest_reset(t->k);
            fake_host_fail_nth(t->fake, n);
            wrmsr(t, 0, cases[i].index, cases[i].value);
            kvm_guest_rdmsr(t->k, 0, cases[i].index, &value);
            g_assert_cmphex(value, ==, cases[i].value);
            if (!fake_host_fault_fired(t->fake)) {
                g_assert_cmpuint(n, >, 1);
                break;
            }
            g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 0);
        }
        fake_host_fail_nth(t->fake, 0);
    }
}

static char *state_of(Kvm *t)
{
    StateWriter *w = state_writer_new();
    g_autoptr(GByteArray) bytes = NULL;

    kvm_guest_save(t->k, w);
    bytes = state_writer_finish(w);
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data,
                                       bytes->len);
}

static void use_everything(Kvm *t)
{
    wrmsr(t, 0, MSR_KVM_SYSTEM_TIME, CLOCK_GPA | 1);
    wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, (CLOCK_GPA + 0x40) | 1);
    wrmsr(t, 1, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
    wrmsr(t, 0, MSR_KVM_WALL_CLOCK, WALL_GPA);
    kvm_guest_vcpu_state(t->k, 1, KVM_VCPU_RUNNABLE);
    fake_host_advance(t->fake, 5);
    kvm_guest_vcpu_state(t->k, 1, KVM_VCPU_RUNNING);
    hypercall(t, KVM_HC_VAPIC_POLL_IRQ, 0, 0);
}

static void reset_is_as_new(Kvm *t, gconstpointer data)
{
    g_autofree char *fresh = NULL, *again = NULL;

    (void)data;
    use_everything(t);
    kvm_guest_reset(t->k);
    g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 0);
    g_assert_cmpint(fake_host_next_deadline(t->fake), ==, INT64_MAX);
    again = state_of(t);
    kvm_guest_free(t->k);
    t->k = kvm_guest_new(fake_host_ops(t->fake), t->clock, NR_VCPUS,
                         KVM_CPUID_BASE_ALONE);
    fresh = state_of(t);
    g_assert_cmpstr(fresh, ==, again);
}

static GByteArray *save(Kvm *t)
{
    StateWriter *w = state_writer_new();

    kvm_guest_save(t->k, w);
    return state_writer_finish(w);
}

static void state_goes_over(Kvm *t, gconstpointer data)
{
    g_autoptr(GByteArray) bytes = NULL;
    g_autofree char *before = NULL, *after = NULL;
    StateReader *r;

    (void)data;
    use_everything(t);
    bytes = save(t);
    before = state_of(t);
    kvm_guest_free(t->k);
    t->k = kvm_guest_new(fake_host_ops(t->fake), t->clock, NR_VCPUS,
                         KVM_CPUID_BASE_ALONE);
    r = state_reader_new(bytes->data, bytes->len);
    kvm_guest_load(t->k, r);
    g_assert_true(state_reader_finish(r, NULL));
    after = state_of(t);
    g_assert_cmpstr(before, ==, after);
    /* Records are found again, and the sync timer waits. */
    g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 3);
    fake_host_advance(t->fake, 300 * NS_PER_S);
    g_assert_cmpuint(clock_record(t, CLOCK_GPA).system_time, ==,
                     UPTIME_NS + 300 * NS_PER_S);
}

static void state_damaged_is_refused(Kvm *t, gconstpointer data)
{
    g_autoptr(GByteArray) bytes = NULL;

    (void)data;
    use_everything(t);
    bytes = save(t);
    for (size_t len = 0; len < bytes->len; len++) {
        StateReader *r = state_reader_new(bytes->data, len);
        KvmGuest *k = kvm_guest_new(fake_host_ops(t->fake), t->clock, NR_VCPUS,
                                    KVM_CPUID_BASE_ALONE);

        kvm_guest_load(k, r);
        g_assert_false(state_reader_finish(r, NULL));
        g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 3);
        kvm_guest_free(k);
    }
}

static void state_of_another_guest_is_refused(Kvm *t, gconstpointer data)
{
    static const struct {
        unsigned nr_vcpus;
        uint32_t base;
    } others[] = {{1, KVM_CPUID_BASE_ALONE}, {NR_VCPUS, KVM_CPUID_BASE_BESIDE}};
    g_autoptr(GByteArray) bytes = save(t);

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        StateReader *r = state_reader_new(bytes->data, bytes->len);
        KvmGuest *k = kvm_guest_new(fake_host_ops(t->fake), t->clock,
                                    others[i].nr_vcpus, others[i].base);

        kvm_guest_load(k, r);
        g_assert_false(state_reader_finish(r, NULL));
        kvm_guest_free(k);
    }
}

#define TEST(name) \
    g_test_add("/kvm/" #name, Kvm, NULL, kvm_setup, name, kvm_teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST(cpuid_leaves_are_kvms);
    TEST(msr_values_are_checked);
    TEST(msr_pairs_are_one);
    TEST(clock_record_is_written_at_once);
    TEST(clock_off_or_nowhere_writes_nothing);
    TEST(clock_at_page_end_is_written);
    TEST(clock_unaligned_is_written);
    TEST(clock_stable_bit_follows_tsc_and_msr);
    TEST(clock_cut_moves_records_and_tells);
    TEST(clock_stopped_flag_is_the_guests_to_clear);
    TEST(clock_tsc_write_moves_only_that_vcpu);
    TEST(clock_is_synced_every_300_seconds);
    TEST(wall_clock_is_of_system_time_zero);
    TEST(wall_clock_nowhere_is_ignored);
    TEST(steal_counts_what_was_runnable);
    TEST(steal_record_goes_on_from_the_guests);
    TEST(hypercall_errors_are_kvms);
    TEST(hypercall_clock_pairing_is_one_moment);
    TEST(fault_leaves_the_clock_off);
    TEST(reset_is_as_new);
    TEST(state_goes_over);
    TEST(state_damaged_is_refused);
    TEST(state_of_another_guest_is_refused);
    return g_test_run();
}
