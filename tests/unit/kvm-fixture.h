/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A KVM guest on a fake host, for the tests of hw/kvm. */
#ifndef JUMPCUT_TESTS_UNIT_KVM_FIXTURE_H
#define JUMPCUT_TESTS_UNIT_KVM_FIXTURE_H

#include <linux/kvm_para.h>

#include "hw/kvm/kvm-guest.h"
#include "tests/unit/fake-host.h"

#define NR_VCPUS  2u
#define NR_FRAMES 64u
#define UPTIME_NS 5000000000ull
#define WALL_NS   1700000000123456789ll
#define NS_PER_S  1000000000ll
/* Frames that are not RAM like the others. */
#define READONLY 40u
#define ABSENT   41u
/* Where the guest has its records. */
#define CLOCK_GPA 0x3040u
#define STEAL_GPA 0x4080u
#define WALL_GPA  0x5004u
#define EOI_GPA   0x6008u

/* A kvmclock record, as it lies in memory. */
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

/* 2 vCPUs and 64 frames, a clock of UPTIME_NS, WALL_NS, 2 GHz; alone. */
void kvm_setup(Kvm *t, gconstpointer data);
/* Fails if a record was changed and page_dirty() not told. */
void kvm_teardown(Kvm *t, gconstpointer data);
#define KVM_TEST(name) \
    g_test_add("/kvm/" #name, Kvm, NULL, kvm_setup, name, kvm_teardown)

/* Has to succeed. */
void kvm_wrmsr(Kvm *t, unsigned vcpu, uint32_t index, uint64_t value);
Record kvm_clock_record(Kvm *t, uint64_t gpa);

#endif
