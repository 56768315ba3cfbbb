/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A KVM guest: migration state from a sender that may be hostile, and MSRs,
 * hypercalls and scheduling in any order.  What a guest reads back is what it
 * wrote; records lie in its memory alone, with even versions; a state that was
 * reached can be saved and loaded, and one that is refused leaves nothing.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/unit/kvm-fixture.h"

static GByteArray *state_of(const KvmGuest *k)
{
    StateWriter *w = state_writer_new();

    kvm_guest_save(k, w);
    return state_writer_finish(w);
}

/* Half of the values are addresses of RAM, or nearly, with low bits set. */
static uint64_t draw_value(FuzzInput *in)
{
    uint8_t how = fuzz_u8(in);

    if (how & 1) {
        return fuzz_u64(in);
    }
    return (uint64_t)(how >> 1) % (NR_FRAMES + 2) << HOST_PAGE_SHIFT |
           (fuzz_u32(in) & 0xfff);
}

static uint32_t draw_msr(FuzzInput *in)
{
    static const uint32_t msrs[] = {
        MSR_KVM_WALL_CLOCK,  MSR_KVM_SYSTEM_TIME, MSR_KVM_WALL_CLOCK_NEW,
        MSR_KVM_STEAL_TIME,  MSR_KVM_PV_EOI_EN,   MSR_KVM_SYSTEM_TIME_NEW,
        MSR_KVM_ASYNC_PF_EN,
    };
    uint8_t i = fuzz_u8(in);

    return i < 0xf0 ? msrs[i % G_N_ELEMENTS(msrs)] : fuzz_u32(in);
}

static void write_msr(Kvm *t, unsigned vcpu, FuzzInput *in)
{
    uint32_t index = draw_msr(in);
    uint64_t value = draw_value(in), was = 0, got = 0;
    GuestMsrResult readable = kvm_guest_rdmsr(t->k, vcpu, index, &was);
    GuestMsrResult written = kvm_guest_wrmsr(t->k, vcpu, index, value);

    g_assert_cmpint(kvm_guest_rdmsr(t->k, vcpu, index, &got), ==, readable);
    if (readable == GUEST_MSR_OK) {
        g_assert_cmphex(got, ==, written == GUEST_MSR_OK ? value : was);
    } else {
        g_assert_cmpint(written, ==, readable);
    }
}

static void call(Kvm *t, unsigned vcpu, FuzzInput *in)
{
    uint8_t how = fuzz_u8(in);
    KvmHypercall hc = {
        .long_mode = how & 1,
        .privileged = !(how & 2),
        .nr = how & 4 ? KVM_HC_CLOCK_PAIRING : fuzz_u8(in),
        .args = {draw_value(in), how & 8 ? fuzz_u64(in) : 0},
    };
    int64_t ret = kvm_guest_hypercall(t->k, vcpu, &hc);

    g_assert_cmpint(ret, <=, 0);
    g_assert_cmpint(ret, >=, -1000);
    if (!hc.privileged) {
        g_assert_cmpint(ret, ==, -KVM_EPERM);
    }
}

static void check_vcpus(Kvm *t)
{
    for (unsigned i = 0; i < NR_VCPUS; i++) {
        KvmVcpuInfo info;

        kvm_guest_query_vcpu(t->k, i, &info);
        g_assert_cmpuint(info.pvclock_version & 1, ==, 0);
        g_assert_cmpuint(info.steal_ns, <=, (uint64_t)INT64_MAX);
    }
    g_assert_cmpuint(fake_host_undirtied_bytes(t->fake), ==, 0);
}

/* Another QEMU with the same memory goes on as this one. */
static void migrate(Kvm *t)
{
    g_autoptr(GByteArray) before = state_of(t->k), after = NULL;
    KvmGuest *to = kvm_guest_new(fake_host_ops(t->fake), t->clock, NR_VCPUS,
                                 KVM_CPUID_BASE_ALONE);
    StateReader *r = state_reader_new(before->data, before->len);
    GError *error = NULL;

    kvm_guest_load(to, r);
    state_reader_finish(r, &error);
    g_assert_no_error(error);
    after = state_of(to);
    g_assert_cmpmem(after->data, after->len, before->data, before->len);
    kvm_guest_free(t->k);
    t->k = to;
}

static void act(Kvm *t, FuzzInput *in)
{
    uint8_t op = fuzz_u8(in);
    unsigned vcpu = op >> 7;

    switch (op % 9) {
    case 0:
    case 1:
        write_msr(t, vcpu, in);
        break;
    case 2:
        call(t, vcpu, in);
        break;
    case 3:
        kvm_guest_vcpu_state(t->k, vcpu, fuzz_u8(in) % 3);
        break;
    case 4:
        /* Up to 70 minutes: past several syncs of the clock */
        fake_host_advance(t->fake, (int64_t)fuzz_u32(in) * 1000);
        break;
    case 5:
        clock_write_tsc(t->clock, vcpu, fake_host_now(t->fake), fuzz_u64(in));
        kvm_guest_tsc_written(t->k, vcpu);
        break;
    case 6:
        kvm_guest_stopped(t->k);
        break;
    case 7:
        migrate(t);
        break;
    case 8:
        if (fuzz_u8(in) < 32) {
            kvm_guest_reset(t->k);
        }
        break;
    }
    check_vcpus(t);
}

static void load_state(Kvm *t, FuzzInput *in)
{
    g_autoptr(GByteArray) fresh = NULL, after = NULL;
    StateReader *r = state_reader_new(in->data, in->left);
    static const uint8_t ops[] = {3, 1, 4, 0, 0,  0,   80, 3,   0, 6, 5, 1,
                                  4, 0, 0, 0, 80, 131, 1,  134, 2, 4, 8};
    FuzzInput more = {ops, sizeof(ops)};

    fresh = state_of(t->k);
    kvm_guest_load(t->k, r);
    after = state_of(t->k);
    if (state_reader_failed(r)) {
        g_assert_cmpmem(after->data, after->len, fresh->data, fresh->len);
    }
    state_reader_finish(r, NULL);
    while (more.left) {
        act(t, &more);
    }
}

/* To be loaded: a guest as it starts, and one with its records. */
GByteArray *fuzz_seed(unsigned i)
{
    static const uint8_t load = 1;
    g_autoptr(GByteArray) state = NULL;
    GByteArray *seed;
    Kvm t;

    if (i > 1) {
        return NULL;
    }
    kvm_setup(&t, NULL);
    if (i) {
        kvm_wrmsr(&t, 0, MSR_KVM_SYSTEM_TIME_NEW, CLOCK_GPA | 1);
        kvm_wrmsr(&t, 1, MSR_KVM_STEAL_TIME, STEAL_GPA | 1);
        fake_host_advance(t.fake, 12345);
    }
    state = state_of(t.k);
    kvm_teardown(&t, NULL);
    seed = g_byte_array_append(g_byte_array_new(), &load, sizeof(load));
    return g_byte_array_append(seed, state->data, state->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    Kvm t;

    kvm_setup(&t, NULL);
    fake_host_set_tracing(t.fake, false);
    if (fuzz_u8(&in) & 1) {
        load_state(&t, &in);
    } else {
        for (unsigned i = 0; in.left && i < 100; i++) {
            act(&t, &in);
        }
    }
    kvm_teardown(&t, NULL);
    return 0;
}
