/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest finds of KVM: leaves, MSRs, hypercalls, reset and state.
 * Wanted values are KVM's (linux: arch/x86/kvm/x86.c, cpuid.c), computed here
 * from the host profile.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/unit/kvm-fixture.h"

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
        /* clocksource, no I/O delay, clocksource2, steal time, PV EOI,
         * stable */
        g_assert_cmphex(out.eax, ==, 0x0100006b);
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
        {MSR_KVM_PV_EOI_EN, 0, GUEST_MSR_OK},
        {MSR_KVM_PV_EOI_EN, EOI_GPA | 1, GUEST_MSR_OK},
        {MSR_KVM_PV_EOI_EN, 0x3ffc | 1, GUEST_MSR_OK},
        {MSR_KVM_PV_EOI_EN, (uint64_t)ABSENT << 12, GUEST_MSR_OK},
        {MSR_KVM_PV_EOI_EN, EOI_GPA | 2, GUEST_MSR_GP},
        {MSR_KVM_PV_EOI_EN, EOI_GPA | 3, GUEST_MSR_GP},
        {MSR_KVM_PV_EOI_EN, (uint64_t)ABSENT << 12 | 1, GUEST_MSR_GP},
        {MSR_KVM_PV_EOI_EN, (uint64_t)READONLY << 12 | 1, GUEST_MSR_GP},
        {MSR_KVM_PV_EOI_EN, UINT64_MAX & ~2ull, GUEST_MSR_GP},
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
                                (cases[i].index == MSR_KVM_STEAL_TIME ||
                                 cases[i].index == MSR_KVM_PV_EOI_EN)
                            ? GUEST_MSR_OK
                            : cases[i].want);
        if (cases[i].want == GUEST_MSR_OK) {
            g_assert_cmphex(value, ==, cases[i].value);
        }
    }
}

static void pv_eoi_refused_stays_as_it_was(Kvm *t, gconstpointer data)
{
    uint64_t value;

    (void)data;
    kvm_wrmsr(t, 1, MSR_KVM_PV_EOI_EN, EOI_GPA | 1);
    g_assert_cmpint(
        kvm_guest_wrmsr(t->k, 1, MSR_KVM_PV_EOI_EN, (EOI_GPA + 4) | 3), ==,
        GUEST_MSR_GP);
    fake_host_fail_nth(t->fake, 1);
    g_assert_cmpint(
        kvm_guest_wrmsr(t->k, 1, MSR_KVM_PV_EOI_EN, (EOI_GPA + 4) | 1), ==,
        GUEST_MSR_GP);
    g_assert_true(fake_host_fault_fired(t->fake));
    kvm_guest_rdmsr(t->k, 1, MSR_KVM_PV_EOI_EN, &value);
    g_assert_cmphex(value, ==, EOI_GPA | 1);
    /* Nothing is held or written. */
    g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 0);
    g_assert_cmphex(fake_host_peek32(t->fake, EOI_GPA), ==, 0);
}

static void init_switches_pv_eoi_off_alone(Kvm *t, gconstpointer data)
{
    uint64_t value;

    (void)data;
    for (unsigned i = 0; i < NR_VCPUS; i++) {
        kvm_wrmsr(t, i, MSR_KVM_PV_EOI_EN, EOI_GPA | 1);
        kvm_wrmsr(t, i, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
    }
    kvm_guest_vcpu_init(t->k, 1);
    kvm_guest_rdmsr(t->k, 1, MSR_KVM_PV_EOI_EN, &value);
    g_assert_cmphex(value, ==, 0);
    kvm_guest_rdmsr(t->k, 1, MSR_KVM_STEAL_TIME, &value);
    g_assert_cmphex(value, ==, STEAL_GPA | 1);
    kvm_guest_rdmsr(t->k, 0, MSR_KVM_PV_EOI_EN, &value);
    g_assert_cmphex(value, ==, EOI_GPA | 1);
}

static void msr_pairs_are_one(Kvm *t, gconstpointer data)
{
    uint64_t value;

    (void)data;
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME, CLOCK_GPA | 1);
    kvm_wrmsr(t, 0, MSR_KVM_WALL_CLOCK, WALL_GPA);
    kvm_guest_rdmsr(t->k, 0, MSR_KVM_SYSTEM_TIME_NEW, &value);
    g_assert_cmphex(value, ==, CLOCK_GPA | 1);
    /* The wall clock is the machine's, the clock the vCPU's. */
    kvm_guest_rdmsr(t->k, 1, MSR_KVM_WALL_CLOCK_NEW, &value);
    g_assert_cmphex(value, ==, WALL_GPA);
    kvm_guest_rdmsr(t->k, 1, MSR_KVM_SYSTEM_TIME, &value);
    g_assert_cmphex(value, ==, 0);
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
            kvm_wrmsr(t, 0, cases[i].index, cases[i].value);
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
    kvm_wrmsr(t, 0, MSR_KVM_SYSTEM_TIME, CLOCK_GPA | 1);
    kvm_wrmsr(t, 1, MSR_KVM_SYSTEM_TIME_NEW, (CLOCK_GPA + 0x40) | 1);
    kvm_wrmsr(t, 1, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
    kvm_wrmsr(t, 0, MSR_KVM_WALL_CLOCK, WALL_GPA);
    kvm_wrmsr(t, 1, MSR_KVM_PV_EOI_EN, EOI_GPA | 1);
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
    g_assert_cmpuint(kvm_clock_record(t, CLOCK_GPA).system_time, ==,
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

/* The first field of @bytes with @tag: a header of 6 bytes, then the value */
static guint8 *field(GByteArray *bytes, guint16 tag)
{
    for (guint at = 0; at + 6 <= bytes->len;) {
        guint8 *head = bytes->data + at;

        if ((head[0] | head[1] << 8) == tag) {
            return head + 6;
        }
        at += 6 + (head[2] | head[3] << 8);
    }
    g_assert_not_reached();
}

static bool loads(Kvm *t, const GByteArray *bytes)
{
    StateReader *r = state_reader_new(bytes->data, bytes->len);

    kvm_guest_load(t->k, r);
    return state_reader_finish(r, NULL);
}

static void state_that_cannot_be_is_refused(Kvm *t, gconstpointer data)
{
    enum { TIME = 0x0707, STEAL = 0x0708, STATE = 0x0709, COUNTED = 0x070c };
    static const struct {
        guint16 tag;
        guint8 value;
    } cases[] = {{TIME, 1}, {STEAL, 2}, {STATE, 3}, {COUNTED, 1}};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) bytes = NULL;

        kvm_guest_reset(t->k);
        use_everything(t);
        bytes = save(t);
        g_assert_true(loads(t, bytes));
        *field(bytes, cases[i].tag) |= cases[i].value;
        g_assert_false(loads(t, bytes));
        g_assert_cmpuint(fake_host_alive(t->fake).pins, ==, 0);
    }
}

/* A vCPU that is held since a time to come, or for ever */
static void state_of_absurd_times_stays_in_range(Kvm *t, gconstpointer data)
{
    enum { STATE = 0x0709, SINCE = 0x070a, STOLEN = 0x070b };
    static const guint8 latest[] = {255, 255, 255, 255, 255, 255, 255, 127};
    static const struct {
        guint16 tag;
        guint64 want;
    } cases[] = {{SINCE, 0}, {STOLEN, INT64_MAX}};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) bytes = save(t), again = NULL;
        KvmVcpuInfo info;

        *field(bytes, STATE) = KVM_VCPU_RUNNABLE;
        memcpy(field(bytes, cases[i].tag), latest, sizeof(latest));
        g_assert_true(loads(t, bytes));
        fake_host_advance(t->fake, 7);
        kvm_guest_query_vcpu(t->k, 0, &info);
        g_assert_cmpuint(info.steal_ns, ==, cases[i].want);
        kvm_guest_vcpu_state(t->k, 0, KVM_VCPU_RUNNING);
        again = save(t);
        g_assert_true(loads(t, again));
        kvm_guest_reset(t->k);
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    KVM_TEST(cpuid_leaves_are_kvms);
    KVM_TEST(msr_values_are_checked);
    KVM_TEST(pv_eoi_refused_stays_as_it_was);
    KVM_TEST(init_switches_pv_eoi_off_alone);
    KVM_TEST(msr_pairs_are_one);
    KVM_TEST(hypercall_errors_are_kvms);
    KVM_TEST(hypercall_clock_pairing_is_one_moment);
    KVM_TEST(fault_leaves_the_clock_off);
    KVM_TEST(reset_is_as_new);
    KVM_TEST(state_goes_over);
    KVM_TEST(state_damaged_is_refused);
    KVM_TEST(state_that_cannot_be_is_refused);
    KVM_TEST(state_of_absurd_times_stays_in_range);
    KVM_TEST(state_of_another_guest_is_refused);
    return g_test_run();
}
