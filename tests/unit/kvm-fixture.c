/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A KVM guest on a fake host. */
#include "tests/unit/kvm-fixture.h"

void kvm_setup(Kvm *t, gconstpointer data)
{
    HostProfile profile = {
        .set = HOST_PROFILE_UPTIME | HOST_PROFILE_WALLCLOCK |
               HOST_PROFILE_INVTSC | HOST_PROFILE_TSC_KHZ,
        .uptime_ns = UPTIME_NS,
        .wallclock_ns = WALL_NS,
        .invtsc = true,
        .tsc_khz = 2000000,
    };

    (void)data;
    t->fake = fake_host_new(NR_VCPUS, NR_FRAMES);
    fake_host_mark_frame(t->fake, READONLY, FAKE_FRAME_READONLY);
    fake_host_mark_frame(t->fake, ABSENT, FAKE_FRAME_ABSENT);
    t->clock = clock_new(&profile, CLOCK_TSC_MODE_DEFAULT, NR_VCPUS, 0);
    t->k = kvm_guest_new(fake_host_ops(t->fake), t->clock, NR_VCPUS,
                         KVM_CPUID_BASE_ALONE);
    g_assert_nonnull(t->k);
}

void kvm_teardown(Kvm *t, gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(fake_host_undirtied_bytes(t->fake), ==, 0);
    kvm_guest_free(t->k);
    clock_free(t->clock);
    fake_host_free(t->fake);
}

void kvm_wrmsr(Kvm *t, unsigned vcpu, uint32_t index, uint64_t value)
{
    g_assert_cmpint(kvm_guest_wrmsr(t->k, vcpu, index, value), ==,
                    GUEST_MSR_OK);
}

Record kvm_clock_record(Kvm *t, uint64_t gpa)
{
    Record r;

    fake_host_peek(t->fake, gpa, &r, sizeof(r));
    return r;
}
