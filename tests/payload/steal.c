/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stolen time: the host holds vCPUs back.
 *
 * Behaviour: a vCPU that would run but does not executes nothing; the time is
 * in its runstate "runnable", and a guest that looks at its clock sees a gap
 * of that length.  The runstate area is written when the vCPU is switched out
 * and in.
 * Check: gaps in the clock against the runstate record and the share that was
 * asked for; states add up to the time that passed; XEN_RUNSTATE_UPDATE is off
 * when the guest looks; a blocked vCPU loses nothing; each vCPU in its turn.
 * A PAUSE while another vCPU is held takes 1 us, unless a third one would run.
 * Cannot tell apart: gaps shorter than 20 us from slow instructions.
 * Real Xen: a vCPU that shares its processor sees the same, at times the
 * scheduler chooses (xen: common/sched/core.c, vcpu_runstate_change;
 * arch/x86/domain.c, update_runstate_area).
 *
 * RUN: default plugin=steal=1ms:30 append=percent=30
 * RUN: most plugin=steal=1ms:90 append=percent=90
 * RUN: smp smp=4 plugin=steal=2ms:25 append=percent=25
 * RUN: none append=percent=0
 * RUN: pvh smp=2 guest=pvh plugin=steal=1ms:50 append=percent=50
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define NS_PER_MS 1000000ull
#define SPAN_NS   (10 * NS_PER_MS)
#define GAP_NS    20000

typedef struct Seen {
    uint64_t passed, gaps, longest;
} Seen;

static struct vcpu_runstate_info area[MAX_CPUS];

static struct vcpu_runstate_info runstate(unsigned vcpu)
{
    struct vcpu_runstate_info info = {0};

    CHECK_RC(0, xen_vcpu_op(VCPUOP_get_runstate_info, vcpu, &info));
    return info;
}

/* Read the clock for a while; what is missing was stolen. */
static Seen watch(void)
{
    uint64_t first = clock_now(), last = first;
    Seen seen = {0};

    while (last - first < SPAN_NS) {
        uint64_t now = clock_now();

        if (now - last > GAP_NS) {
            seen.gaps += now - last;
            seen.longest =
                now - last > seen.longest ? now - last : seen.longest;
        }
        last = now;
    }
    seen.passed = last - first;
    return seen;
}

static void check_share(const Seen *seen, uint64_t stolen)
{
    uint64_t percent = cmdline_number("percent", 0);
    uint64_t want = seen->passed * percent / 100;

    /* The span begins and ends anywhere in a period. */
    CHECK_RANGE(want - want / 10, want + want / 10, stolen);
    CHECK_RANGE(stolen - stolen / 50, stolen + stolen / 50, seen->gaps);
}

static void area_is_registered(void)
{
    struct vcpu_register_runstate_memory_area where = {0};

    if (!xen_shared_info()) {
        return;
    }
    where.addr.p = (uintptr_t)&area[0];
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where));
    CHECK_EQ(RUNSTATE_running, area[0].state);
}

CONFORMS(VCPUOP_get_runstate_info)
static void gaps_are_the_runnable_time(void)
{
    struct vcpu_runstate_info before = runstate(0), after;
    Seen seen = watch();

    after = runstate(0);
    CHECK_EQ(RUNSTATE_running, after.state);
    check_share(&seen,
                after.time[RUNSTATE_runnable] - before.time[RUNSTATE_runnable]);
    CHECK_EQ(before.time[RUNSTATE_offline], after.time[RUNSTATE_offline]);
    CHECK_EQ(before.time[RUNSTATE_blocked], after.time[RUNSTATE_blocked]);
}

CONFORMS(VCPUOP_register_runstate_memory_area)
static void area_tells_the_same(void)
{
    struct vcpu_runstate_info now = runstate(0);

    CHECK_EQ(RUNSTATE_running, area[0].state);
    CHECK_EQ(0, area[0].state_entry_time >> 63);
    if (cmdline_number("percent", 0)) {
        /* Written when it was last switched in. */
        CHECK_EQ(now.time[RUNSTATE_runnable], area[0].time[RUNSTATE_runnable]);
        CHECK(area[0].state_entry_time <= clock_now());
        CHECK(clock_now() - area[0].state_entry_time < 4 * NS_PER_MS);
    }
}

static void states_add_up(void)
{
    struct vcpu_runstate_info a, b;
    uint64_t start = clock_hypercall_now(), sum = 0, end;

    a = runstate(0);
    watch();
    b = runstate(0);
    end = clock_hypercall_now();
    for (unsigned i = 0; i < 4; i++) {
        sum += b.time[i] - a.time[i];
    }
    CHECK_RANGE(SPAN_NS, end - start, sum);
}

/* Blocked for long: only its wake-up can be held back, by a period at most. */
static void blocked_vcpu_loses_little(void)
{
    struct vcpu_runstate_info a = runstate(0), b;
    struct sched_poll poll = {.timeout = clock_now() + 100 * NS_PER_MS};

    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    b = runstate(0);
    CHECK(b.time[RUNSTATE_runnable] - a.time[RUNSTATE_runnable] <
          3 * NS_PER_MS);
    CHECK(b.time[RUNSTATE_blocked] - a.time[RUNSTATE_blocked] > 90 * NS_PER_MS);
}

static Seen other_seen;
static uint64_t other_stolen;

static void other_watches(void *arg)
{
    struct vcpu_runstate_info a = {0}, b = {0};
    unsigned i = cpu_index();

    (void)arg;
    xen_vcpu_op(VCPUOP_get_runstate_info, i, &a);
    other_seen = watch();
    xen_vcpu_op(VCPUOP_get_runstate_info, i, &b);
    other_stolen = b.time[RUNSTATE_runnable] - a.time[RUNSTATE_runnable];
}

static void others_lose_their_share(void)
{
    for (unsigned i = 1; i < cpu_count(); i++) {
        input("cpu %u", i);
        CHECK(cpu_start_other(i, other_watches, NULL));
        CHECK(cpu_other_done(i));
        check_share(&other_seen, other_stolen);
    }
}

/*
 * With one vCPU held or another at all times: a PAUSE takes a microsecond, and
 * does not cost the host a turn of all vCPUs every few instructions.
 */
static void pause_takes_its_time_while_another_is_held(void)
{
    uint64_t percent = cmdline_number("percent", 0), start = clock_now();
    unsigned pauses = 0;

    if (percent * cpu_count() < 100) {
        return;
    }
    while (clock_now() - start < SPAN_NS) {
        cpu_relax();
        pauses++;
    }
    input("percent %u", (unsigned)percent);
    CHECK(pauses > SPAN_NS * (100 - percent) / 100 / 3000);
    CHECK(pauses < SPAN_NS * (100 - percent) / 100 / 1000);
}

static volatile unsigned turn;

static void other_takes_turns(void *arg)
{
    uint64_t start = clock_now();

    (void)arg;
    while (clock_now() - start < SPAN_NS) {
        if (turn) {
            turn = 0;
        }
        cpu_relax();
    }
}

/* Two that wait for each other: half of the time neither is held. */
static void pause_gives_a_vcpu_that_would_run_its_turn(void)
{
    uint64_t start;
    unsigned rounds = 0;

    if (cpu_count() < 4) {
        return;
    }
    CHECK(cpu_start_other(1, other_takes_turns, NULL));
    start = clock_now();
    while (clock_now() - start < SPAN_NS / 2) {
        if (!turn) {
            turn = 1;
            rounds++;
        }
        cpu_relax();
    }
    CHECK(cpu_other_done(1));
    CHECK(rounds > SPAN_NS / 4 / 5000);
}

PAYLOAD(NEEDS_XEN, TEST(area_is_registered), TEST(gaps_are_the_runnable_time),
        TEST(area_tells_the_same), TEST(states_add_up),
        TEST(blocked_vcpu_loses_little), TEST(others_lose_their_share),
        TEST(pause_takes_its_time_while_another_is_held),
        TEST(pause_gives_a_vcpu_that_would_run_its_turn));
