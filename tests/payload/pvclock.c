/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paravirtual clock: vcpu_time_info and what it is worth.
 *
 * Behaviour: a guest reads system time from a record and its TSC; on every
 * vCPU it is the same time, it never steps back, and it is Xen's own.
 * Check: the record's fields, monotonicity on one and between two vCPUs,
 * agreement with HVMOP_get_time taken between two readings, a second copy by
 * VCPUOP_register_vcpu_time_memory_area, growth over a sleep.
 * Cannot tell apart: errors below 2 ns, the rounding of the scale.
 * Real Xen: measured (xen: arch/x86/time.c, collect_time_info,
 * update_vcpu_system_time).  HVMOP_get_time equals it within 80 us there.
 *
 * RUN: default smp=2
 * RUN: khz smp=2 plugin=tsc-khz=2596122 append=khz=2596122
 * RUN: slow plugin=tsc-khz=1000 append=khz=1000
 * RUN: fast plugin=tsc-khz=10000000 append=khz=10000000
 * RUN: uptime plugin=uptime=315360000 append=uptime=315360000
 *      want=first=315360000000000000..315360000100000000
 * RUN: tcg smp=2 accel=tcg append=loose
 * RUN: mttcg smp=4 accel=mttcg plugin=tsc-khz=2596122 append=khz=2596122
 *      append=loose
 * RUN: pvh smp=2 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define NS_PER_S     1000000000ull
#define ROUNDING_NS  2
#define READS        20000
#define XEN_SLACK_NS 100000 /* on real Xen; see "Real Xen" above */

static struct vcpu_time_info *record(void)
{
    struct vcpu_info *info = xen_vcpu_info(0);

    return info ? &info->time : NULL;
}

static uint64_t tick_ns(void)
{
    return 1000000 / cmdline_number("khz", 1000000) + 1;
}

static void record_is_in_order(void)
{
    struct vcpu_time_info now;
    uint64_t khz = cmdline_number("khz", 1000000);

    if (!record()) {
        return;
    }
    CHECK(pvclock_snapshot(record(), &now));
    CHECK(now.version > 0);
    CHECK_EQ(0, now.pad0);
    CHECK_EQ(0, now.pad1[0] | now.pad1[1]);
    CHECK_EQ(0, now.flags);
    /* The multiplier is normalised, and a second of ticks is a second. */
    CHECK(now.tsc_to_system_mul >= 0x80000000u);
    CHECK_RANGE(NS_PER_S - tick_ns() - ROUNDING_NS, NS_PER_S,
                pvclock_scale(&now, khz * 1000));
    CHECK(rdtsc() >= now.tsc_timestamp);
    value("first", clock_now());
    CHECK(clock_now() >= cmdline_number("uptime", 0) * NS_PER_S);
}

static void time_never_steps_back(void)
{
    uint64_t last = clock_now(), now;

    for (unsigned i = 0; i < READS; i++) {
        now = clock_now();
        if (now < last) {
            input("read %u", i);
            CHECK_RANGE(last, ~0ull, now);
            return;
        }
        last = now;
    }
    CHECK(last > 0);
}

static void hypercall_gives_the_same_time(void)
{
    for (unsigned i = 0; i < 200; i++) {
        uint64_t before = clock_now();
        uint64_t xen = clock_hypercall_now();
        uint64_t after = clock_now();
        uint64_t slack =
            ROUNDING_NS + tick_ns() + (cmdline_has("real") ? XEN_SLACK_NS : 0);

        input("round %u", i);
        if (!CHECK_RANGE(before - slack, after + slack, xen)) {
            return;
        }
    }
}

/* Each turn waits for the host's scheduler where vCPUs are its threads. */
static unsigned ping_rounds(void)
{
    return cmdline_has("loose") ? 100 : 2000;
}

static volatile unsigned turn, failed_at;
static volatile uint64_t last_time;

static void ping(unsigned mine, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t now;

        for (unsigned spins = 0; turn % 2 != mine; spins++) {
            if (spins > 50000000 || failed_at) {
                failed_at = failed_at ? failed_at : turn + 1;
                return;
            }
            cpu_relax();
        }
        now = clock_now();
        if (now + ROUNDING_NS + tick_ns() < last_time) {
            failed_at = turn + 1;
            return;
        }
        last_time = now;
        __atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
    }
}

static void other_pings(void *arg)
{
    (void)arg;
    ping(1, ping_rounds());
}

static void two_vcpus_agree(void)
{
    if (cpu_count() < 2) {
        return;
    }
    CHECK(cpu_start_other(1, other_pings, NULL));
    ping(0, ping_rounds());
    CHECK(cpu_other_done(1));
    CHECK_EQ(0, failed_at);
    CHECK_EQ(2 * ping_rounds(), turn);
}

CONFORMS(VCPUOP_register_vcpu_time_memory_area)
static void second_copy_is_the_same(void)
{
    static struct vcpu_time_info copy;
    struct vcpu_register_time_memory_area where = {0};
    struct vcpu_time_info now, copied;

    memset(&copy, 0xaa, sizeof(copy));
    where.addr.p = (uintptr_t)&copy;
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &where));
    CHECK(pvclock_snapshot(record(), &now));
    CHECK(pvclock_snapshot(&copy, &copied));
    CHECK_EQ(now.version, copied.version);
    CHECK_RC(0, memcmp(&now, &copied, sizeof(now)));
    where.addr.p = 0;
    xen_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &where);
}

static void sleep_moves_time_and_record(void)
{
    struct sched_poll poll = {0};
    uint32_t version = record()->version;
    uint64_t stamp = record()->system_time;
    bool loose = cmdline_has("real") || cmdline_has("loose");
    uint64_t late = loose ? 60 * NS_PER_S : 20000 + tick_ns();

    poll.timeout = clock_now() + 2 * NS_PER_S;
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    CHECK_RANGE(poll.timeout - ROUNDING_NS - tick_ns(), poll.timeout + late,
                clock_now());
    CHECK(record()->version > version);
    CHECK_EQ(0, record()->version & 1);
    CHECK(record()->system_time > stamp);
    time_never_steps_back();
}

PAYLOAD(NEEDS_XEN, TEST(record_is_in_order), TEST(time_never_steps_back),
        TEST(hypercall_gives_the_same_time), TEST(two_vcpus_agree),
        TEST(second_copy_is_the_same), TEST(sleep_moves_time_and_record));
