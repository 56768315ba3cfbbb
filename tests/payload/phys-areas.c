/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runstate and time areas registered by physical address.
 *
 * Behaviour: since Xen 4.18 a guest may name such areas by their physical
 * address; they are written as those named by linear address are.
 * Check: each error, what is written when, for the vCPU itself and another,
 * and that an area given up stands still.
 * Cannot tell apart: an update by the calibration from one by the context
 * switch at the end of a poll.
 * Real Xen: -ENOSYS measured on 4.17, success on master; else by its source
 * (xen: common/domain.c, common_vcpu_op, map_guest_area; arch/x86/domain.c,
 * arch_do_vcpu_op, time_area_populate).
 *
 * RUN: old
 * RUN: default plugin=xen-version=4.20
 * RUN: smp smp=4 plugin=xen-version=4.20
 * RUN: mttcg smp=4 accel=mttcg plugin=xen-version=4.20
 * RUN: pvh guest=pvh smp=4 plugin=xen-version=4.20
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

/* In headers newer than Xen 4.17's only. */
#define REGISTER_RUNSTATE 14
#define REGISTER_TIME     15

#define ROUNDS    1000u
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull
#define NO_RAM    0xd0000000ull
#define BAD_PTR   ((void *)(uintptr_t)NO_RAM)
#define ALL_ONES  0xffffffffffffffffull

static uint8_t page[2][PAGE_SIZE] __attribute__((aligned(4096)));
static struct vcpu_runstate_info *const runstate = (void *)&page[0][64];
static struct vcpu_runstate_info *const other = (void *)&page[0][256];
static struct vcpu_time_info *const record = (void *)&page[0][512];

static bool newer(void)
{
    return xen_version() > 0x40011;
}

/* In 32-bit code the address has 64 bits, too. */
static long area(unsigned op, unsigned vcpu, uint64_t pa)
{
    return xen_vcpu_op(op, vcpu, &pa);
}

static uint64_t pa_of(const void *at)
{
    return (uintptr_t)at;
}

static void sleep_ns(uint64_t ns)
{
    struct sched_poll poll = {.timeout = clock_hypercall_now() + ns};

    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
}

static uint64_t blocked_ns(void)
{
    struct vcpu_runstate_info info = {0};

    CHECK_RC(0, xen_vcpu_op(VCPUOP_get_runstate_info, 0, &info));
    return info.time[RUNSTATE_blocked];
}

/* A deadline may be over before the vCPU could sleep: once more then. */
static uint64_t really_sleep(uint64_t ns)
{
    uint64_t before = blocked_ns(), slept = 0;

    for (unsigned i = 0; i < ROUNDS && slept < ns; i++) {
        sleep_ns(2 * ns);
        slept = blocked_ns() - before;
    }
    CHECK_RANGE(ns, UINT64_MAX, slept);
    return slept;
}

CONFORMS(XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA)
CONFORMS(XEN_VCPUOP_REGISTER_TIME_PHYS_AREA)
static void errors_are_those_of_the_version(void)
{
    static const unsigned ops[] = {REGISTER_RUNSTATE, REGISTER_TIME};
    const unsigned sizes[] = {sizeof(*runstate), sizeof(*record)};
    const bool wide = sizeof(long) == 8;
    const uint64_t at = pa_of(page[1]);

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        input("VCPUOP %u", ops[i]);
        CHECK_RC(-XEN_ENOENT, area(ops[i], 99, at));
        if (!newer()) {
            CHECK_RC(-XEN_ENOSYS, area(ops[i], 0, at));
            CHECK_RC(-XEN_ENOSYS, area(ops[i], 0, ALL_ONES));
            CHECK_RC(-XEN_ENOSYS, xen_vcpu_op(ops[i], 0, BAD_PTR));
            continue;
        }
        CHECK_RC(-XEN_EFAULT, xen_vcpu_op(ops[i], 0, BAD_PTR));
        CHECK_RC(-XEN_ENXIO, area(ops[i], 0, at + PAGE_SIZE - sizes[i] + 8));
        CHECK_RC(-XEN_ENXIO, area(ops[i], 0, at + 1));
        CHECK_RC(-XEN_ENXIO, area(ops[i], 0, at + 2));
        CHECK_RC(wide ? -XEN_ENXIO : 0, area(ops[i], 0, at + 4));
        CHECK_RC(-XEN_EINVAL, area(ops[i], 0, NO_RAM));
        CHECK_RC(-XEN_EINVAL, area(ops[i], 0, ALL_ONES - 0xfff));
        CHECK_RC(0, area(ops[i], 0, at + PAGE_SIZE - sizes[i]));
        CHECK_RC(0, area(ops[i], 0, at)); /* moves it */
        CHECK_RC(0, area(ops[i], 0, ALL_ONES));
        CHECK_RC(0, area(ops[i], 0, ALL_ONES));
    }
}

static void check_sum(const struct vcpu_runstate_info *info)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(info->time); i++) {
        sum += info->time[i];
    }
    /* The times end where the state began. */
    CHECK_RANGE(sum, clock_hypercall_now(), info->state_entry_time);
}

CONFORMS(XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA)
static void runstate_is_written_when_it_changes(void)
{
    struct vcpu_runstate_info before;
    uint64_t slept;

    if (!newer()) {
        return;
    }
    memset(page[0], 0xff, sizeof(page[0]));
    CHECK_RC(0, area(REGISTER_RUNSTATE, 0, pa_of(runstate)));
    CHECK_EQ(RUNSTATE_running, runstate->state);
    CHECK_EQ(0xff, page[0][63]);
    CHECK_EQ(0xff, page[0][64 + sizeof(*runstate)]);
    check_sum(runstate);
    before = *runstate;
    slept = really_sleep(NS_PER_MS);
    CHECK_EQ(RUNSTATE_running, runstate->state);
    CHECK_EQ(before.time[RUNSTATE_blocked] + slept,
             runstate->time[RUNSTATE_blocked]);
    CHECK_RANGE(before.state_entry_time + slept, clock_hypercall_now(),
                runstate->state_entry_time);
    CHECK_EQ(0, runstate->state_entry_time >> 63); /* XEN_RUNSTATE_UPDATE */
    check_sum(runstate);
    CHECK_RC(0, area(REGISTER_RUNSTATE, 0, ALL_ONES));
    before = *runstate;
    really_sleep(NS_PER_MS);
    CHECK_EQ(0, memcmp(&before, runstate, sizeof(before)));
}

static volatile unsigned ran;

static void runs(void *arg)
{
    (void)arg;
    ran = 1;
}

/* Written when it is switched in. */
CONFORMS(XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA)
static void runstate_of_another_vcpu_follows(void)
{
    if (!newer() || cpu_count() < 2) {
        return;
    }
    memset(other, 0xff, sizeof(*other));
    CHECK_RC(0, area(REGISTER_RUNSTATE, 1, pa_of(other)));
    CHECK(cpu_start_other(1, runs, NULL));
    CHECK(cpu_other_done(1));
    CHECK_EQ(1, ran);
    /* Ran, or is down again. */
    for (unsigned i = 0; i < ROUNDS && other->state != RUNSTATE_offline; i++) {
        sleep_ns(NS_PER_MS);
    }
    CHECK_EQ(RUNSTATE_offline, other->state);
    CHECK(other->time[RUNSTATE_running] > 0);
    check_sum(other);
    CHECK_RC(0, area(REGISTER_RUNSTATE, 1, ALL_ONES));
}

static void check_clock(void)
{
    uint64_t before = clock_hypercall_now();
    uint64_t told = pvclock_read(record);

    CHECK_RANGE(before, clock_hypercall_now(), told);
}

/* Between two looks at them both may have been updated. */
static bool same_as_the_record(void)
{
    struct vcpu_time_info first, second;

    for (unsigned i = 0; i < ROUNDS; i++) {
        if (pvclock_snapshot(&xen_vcpu_info(0)->time, &first) &&
            pvclock_snapshot(record, &second) &&
            first.system_time == second.system_time &&
            first.tsc_timestamp == second.tsc_timestamp &&
            first.tsc_to_system_mul == second.tsc_to_system_mul) {
            return true;
        }
    }
    return false;
}

CONFORMS(XEN_VCPUOP_REGISTER_TIME_PHYS_AREA)
static void time_area_follows_the_record(void)
{
    struct vcpu_time_info first;

    if (!newer() || !xen_shared_info()) {
        return;
    }
    memset(page[0], 0xff, sizeof(page[0]));
    CHECK_RC(0, area(REGISTER_TIME, 0, pa_of(record)));
    CHECK_EQ(0xff, page[0][511]);
    CHECK_EQ(0xff, page[0][512 + sizeof(*record)]);
    CHECK_EQ(0, record->version & 1);
    check_clock();
    first = *record;
    sleep_ns(NS_PER_S + NS_PER_S / 2);
    CHECK(record->system_time > first.system_time);
    CHECK(same_as_the_record());
    check_clock();
    CHECK_RC(0, area(REGISTER_TIME, 0, ALL_ONES));
    first = *record;
    sleep_ns(NS_PER_S + NS_PER_S / 2);
    CHECK_EQ(0, memcmp(&first, record, sizeof(first)));
}

PAYLOAD(NEEDS_XEN, TEST(errors_are_those_of_the_version),
        TEST(runstate_is_written_when_it_changes),
        TEST(runstate_of_another_vcpu_follows),
        TEST(time_area_follows_the_record));
