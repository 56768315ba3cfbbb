/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records a KVM guest reads: kvmclock, wall clock, steal time.  Wanted
 * values are KVM's (linux: arch/x86/kvm/x86.c), computed here from the host
 * profile.
 */
#include "tests/unit/kvm-fixture.h"

static struct kvm_steal_time steal_record(Kvm *t, uint64_t gpa)
{
    struct kvm_steal_time st;

    fake_host_peek(t->fake, gpa, &st, sizeof(st));
    return st;
}

/* kvmclock */

static void clock_record_is_written_at_once(Kvm *t, gconstpointer data)
{
    Record r;

    (void)data;
    fake_host_advance(t->fake, 1234);
    kvm_wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    r = kvm_clock_record(t, CLOCK_GPA);
    g_assert_cmpuint(r.version, ==, 2);
    g_assert_cmpuint(r.system_time, ==, UPTIME_NS + 1234);
    g_assert_cmpuint(r.tsc_timestamp, ==, 2468);
    g_assert_cmphex(r.mul, ==, 0x80000000);
    g_assert_cmpint(r.shift, ==, 0);
    g_assert_cmphex(r.flags, ==, 1);
    /* Odd: left over from what lay there before. */
    fake_host_poke32(t->fake, CLOCK_GPA, 7);
    kvm_wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA).version, ==, 10);
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

        kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, values[i]);
        after = fake_host_ram_digest(t->fake);
        g_assert_cmpstr(before, ==, after);
        g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 0);
    }
}

static void clock_at_page_end_is_written(Kvm *t, gconstpointer data)
{
    (void)data;
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, 0x3fe0 | 1);
    g_assert_cmpuint(kvm_clock_record(t, 0x3fe0).version, ==, 2);
}

static void clock_unaligned_is_written(Kvm *t, gconstpointer data)
{
    (void)data;
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, 0x3046 | 1);
    g_assert_cmpuint(kvm_clock_record(t, 0x3046).version, ==, 2);
}

static void clock_stable_bit_follows_tsc_and_msr(Kvm *t, gconstpointer data)
{
    HostProfile unsafe = {.set = HOST_PROFILE_INVTSC, .invtsc = false};
    ClockCut cut;

    (void)data;
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    kvm_wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, (CLOCK_GPA + 0x40) | 1);
    g_assert_cmphex(kvm_clock_record(t, CLOCK_GPA).flags, ==, 1);
    /* vCPU 0 with the old MSR takes the bit from all. */
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME, CLOCK_GPA | 1);
    g_assert_cmphex(kvm_clock_record(t, CLOCK_GPA).flags, ==, 0);
    g_assert_cmphex(kvm_clock_record(t, CLOCK_GPA + 0x40).flags, ==, 0);
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    /* Another vCPU does not. */
    kvm_wrmsr(t, 1, MSR_KVM_SYSTEM_TIME, (CLOCK_GPA + 0x40) | 1);
    g_assert_cmphex(kvm_clock_record(t, CLOCK_GPA).flags, ==, 1);
    g_assert_true(clock_cut(t->clock, 0, &unsafe, &cut, NULL));
    kvm_guest_stopped(t->k);
    g_assert_cmphex(kvm_clock_record(t, CLOCK_GPA).flags, ==, 2);
}

static void clock_cut_moves_records_and_tells(Kvm *t, gconstpointer data)
{
    static const uint64_t uptimes[] = {1, 508119807590000};
    ClockCut cut;

    (void)data;
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
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
        r = kvm_clock_record(t, CLOCK_GPA);
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
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
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
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    kvm_wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, (CLOCK_GPA + 0x40) | 1);
    fake_host_advance(t->fake, NS_PER_S);
    clock_write_tsc(t->clock, 1, fake_host_now(t->fake), 5);
    kvm_guest_tsc_written(t->k, 1);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA + 0x40).tsc_timestamp, ==,
                     5);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA + 0x40).system_time, ==,
                     UPTIME_NS + NS_PER_S);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA).tsc_timestamp, ==, 0);
}

static void clock_is_synced_every_300_seconds(Kvm *t, gconstpointer data)
{
    (void)data;
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    fake_host_advance(t->fake, 300 * NS_PER_S - 1);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA).version, ==, 2);
    fake_host_advance(t->fake, 1);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA).version, ==, 4);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA).system_time, ==,
                     UPTIME_NS + 300 * NS_PER_S);
    fake_host_advance(t->fake, 300 * NS_PER_S);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA).version, ==, 6);
}

/* Wall clock */

static void wall_clock_is_of_system_time_zero(Kvm *t, gconstpointer data)
{
    const int64_t base = WALL_NS - (int64_t)UPTIME_NS;

    (void)data;
    fake_host_advance(t->fake, 12345);
    kvm_wrmsr(t, 0, MSR_KVM_WALL_CLOCK_NEW, WALL_GPA);
    g_assert_cmpuint(fake_host_peek32(t->fake, WALL_GPA), ==, 2);
    g_assert_cmpuint(fake_host_peek32(t->fake, WALL_GPA + 4), ==,
                     base / NS_PER_S);
    g_assert_cmpuint(fake_host_peek32(t->fake, WALL_GPA + 8), ==,
                     base % NS_PER_S);
    fake_host_poke32(t->fake, WALL_GPA, 5);
    kvm_wrmsr(t, 0, MSR_KVM_WALL_CLOCK_NEW, WALL_GPA);
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

        kvm_wrmsr(t, 0, MSR_KVM_WALL_CLOCK_NEW, values[i]);
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
    kvm_wrmsr(t, 0, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
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
    kvm_wrmsr(t, 0, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).steal, ==, 1050);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).version, ==, 6);
    /* Off: the record stays as it is. */
    kvm_wrmsr(t, 0, MSR_KVM_STEAL_TIME, STEAL_GPA);
    kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNABLE);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).preempted, ==, 0);
    g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 0);
}

/* Faults */

static bool fault(Kvm *t, const char *text)
{
    g_autoptr(GError) error = NULL;
    FaultSpec spec;
    bool taken;

    g_assert_true(fault_spec_parse(&spec, text, &error));
    taken = kvm_guest_fault(t->k, &spec, &error);
    g_assert_cmpint(taken, ==, error == NULL);
    return taken;
}

static void fault_tears_the_next_record(Kvm *t, gconstpointer data)
{
    Record before, torn, after;

    (void)data;
    kvm_wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
    before = kvm_clock_record(t, CLOCK_GPA);
    g_assert_true(fault(t, "0:pvclock-torn,vcpu=1,delay=50ns"));
    fake_host_advance(t->fake, 100);
    kvm_guest_stopped(t->k);
    torn = kvm_clock_record(t, CLOCK_GPA);
    g_assert_cmpuint(torn.version, ==, before.version + 2);
    g_assert_cmpuint(torn.tsc_timestamp, ==, before.tsc_timestamp + 200);
    g_assert_cmpuint(torn.system_time, ==, before.system_time);
    g_assert_false(fault(t, "0:pvclock-late,vcpu=1,delay=50ns"));
    kvm_guest_stopped(t->k);
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA).version, ==, torn.version);
    fake_host_advance(t->fake, 50);
    after = kvm_clock_record(t, CLOCK_GPA);
    g_assert_cmpuint(after.system_time, ==, before.system_time + 150);
    g_assert_cmpuint(after.tsc_timestamp, ==, before.tsc_timestamp + 300);
    g_assert_true(fault(t, "0:pvclock-late,vcpu=1,delay=50ns"));
}

static void fault_moves_the_steal_record(Kvm *t, gconstpointer data)
{
    (void)data;
    g_assert_false(fault(t, "0:steal-add,time=5ns"));
    kvm_wrmsr(t, 0, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
    g_assert_true(fault(t, "0:steal-add,time=5ns"));
    g_assert_cmpuint(steal_record(t, STEAL_GPA).steal, ==, 5);
    g_assert_true(fault(t, "0:steal-add,time=-6ns"));
    g_assert_cmpuint(steal_record(t, STEAL_GPA).steal, ==, UINT64_MAX);
    g_assert_cmpuint(steal_record(t, STEAL_GPA).version % 2, ==, 0);
}

static void fault_of_xens_is_refused(Kvm *t, gconstpointer data)
{
    (void)data;
    g_assert_false(fault(t, "0:event-lost"));
    g_assert_false(fault(t, "0:wallclock-late,delay=1s"));
    g_assert_false(fault(t, "0:pvclock-late,vcpu=2,delay=1s"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    KVM_TEST(clock_record_is_written_at_once);
    KVM_TEST(clock_off_or_nowhere_writes_nothing);
    KVM_TEST(clock_at_page_end_is_written);
    KVM_TEST(clock_unaligned_is_written);
    KVM_TEST(clock_stable_bit_follows_tsc_and_msr);
    KVM_TEST(clock_cut_moves_records_and_tells);
    KVM_TEST(clock_stopped_flag_is_the_guests_to_clear);
    KVM_TEST(clock_tsc_write_moves_only_that_vcpu);
    KVM_TEST(clock_is_synced_every_300_seconds);
    KVM_TEST(wall_clock_is_of_system_time_zero);
    KVM_TEST(wall_clock_nowhere_is_ignored);
    KVM_TEST(steal_counts_what_was_runnable);
    KVM_TEST(steal_record_goes_on_from_the_guests);
    KVM_TEST(fault_tears_the_next_record);
    KVM_TEST(fault_moves_the_steal_record);
    KVM_TEST(fault_of_xens_is_refused);
    return g_test_run();
}
