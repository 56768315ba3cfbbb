/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of a 2.6.32 PV guest's log, before and after it moves to another
 * host.
 *
 * Behaviour: such a kernel takes the invariant TSC for a promise that its
 * scheduler's clock is stable, and then stamps its log with Xen's system time
 * as it is.  Without it the clock is made of ticks: it starts at zero, and
 * between two ticks never goes on by more than it is to the next.
 * Check: stamps of lines every PERIOD; for 8 ms after each the clock is read
 * without a pause, and where system time jumps the readings on both sides are
 * told.
 *
 * Command line: clock-us=N: the clock is switched on N us after the start (TSC
 * at 1 GHz); period-ms=N; lines=N.
 */
#include "scenarios/payload/printk.h"

#define LEAF_POWER 0x80000007u
#define EDX_INVTSC (1u << 8)
#define TICK       (4 * NS_PER_MS)
#define WORK       (8 * NS_PER_MS)
/* Larger than any step of the loop. */
#define JUMP NS_PER_S

static struct {
    bool stable;
    uint64_t tick_raw;   /* system time at the last tick */
    uint64_t tick_clock; /* the clock then */
    uint64_t limit;      /* it may go on by, until the next */
    uint64_t last;       /* read; it never goes back */
} sched;

/* The clock when system time is @raw. */
static uint64_t sched_clock(uint64_t raw)
{
    uint64_t passed = raw > sched.tick_raw ? raw - sched.tick_raw : 0;
    uint64_t clock;

    if (sched.stable) {
        return raw;
    }
    clock = sched.tick_clock + (passed < sched.limit ? passed : sched.limit);
    sched.last = clock > sched.last ? clock : sched.last;
    return sched.last;
}

/* A tick; the next one is @next ns away. */
static void tick(uint64_t next)
{
    uint64_t raw = clock_now();

    sched.tick_clock = sched_clock(raw);
    sched.tick_raw = raw;
    sched.limit = next;
}

/*
 * System time, and the TSC it was computed from.  The library's reading takes
 * longer than the microsecond that stamps tell apart.
 */
static inline uint64_t read_raw(const volatile struct vcpu_time_info *time,
                                uint64_t *tsc)
{
    uint32_t version;
    uint64_t now, delta;

    do {
        version = time->version;
        barrier();
        now = time->system_time;
        *tsc = rdtsc();
        delta = *tsc - time->tsc_timestamp;
        delta = time->tsc_shift < 0 ? delta >> -time->tsc_shift
                                    : delta << time->tsc_shift;
        now += (delta >> 32) * time->tsc_to_system_mul +
               (((delta & 0xffffffff) * time->tsc_to_system_mul) >> 32);
        barrier();
    } while ((version & 1) || time->version != version);
    return now;
}

/* The readings on both sides of a jump. */
static void tell_jump(uint64_t before, uint64_t after)
{
    printk_at(sched_clock(before),
              "the last reading before system time jumped");
    printk_at(sched_clock(after), "the first reading after it");
}

/* Reads the clock for a while, which the TSC measures. */
static void work(void)
{
    const volatile struct vcpu_time_info *time = &xen_vcpu_info(0)->time;
    uint64_t tsc, ticked, end, before = read_raw(time, &tsc);

    ticked = tsc;
    end = tsc + WORK;
    tick(TICK);
    while (tsc < end) {
        uint64_t after = read_raw(time, &tsc);

        /* Back is far on, too. */
        if (after - before > JUMP) {
            tell_jump(before, after);
            tick(TICK);
            after = read_raw(time, &tsc);
        }
        before = after;
        if (tsc - ticked >= TICK) {
            ticked = tsc;
            tick(TICK);
        }
    }
}

/* @deadline has passed if the guest came to a host that is up for longer. */
static void sleep_until(uint64_t deadline)
{
    struct sched_poll poll = {.timeout = deadline};
    uint64_t now = clock_now();

    tick(deadline > now ? deadline - now + TICK : TICK);
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
}

static void log_is_stamped(void)
{
    uint64_t lines = cmdline_number("lines", 3);
    uint64_t period = cmdline_number("period-ms", 1000) * NS_PER_MS;
    uint64_t on = cmdline_number("clock-us", 10000) * NS_PER_US;
    uint64_t raw, next;

    printk_init();
    sched.stable = cpu_cpuid(LEAF_POWER, 0).edx & EDX_INVTSC;
    printk_at(0, "Booting paravirtualized kernel on Xen");
    printk_at(0, "Invariant TSC %s, sched_clock %s",
              sched.stable ? "exposed" : "hidden",
              sched.stable ? "stable" : "made of ticks");
    while (rdtsc() < on) {
    }
    raw = clock_now();
    sched.tick_raw = raw;
    sched.limit = TICK;
    printk_at(sched_clock(raw), "sched_clock switched on");
    next = raw;
    for (uint64_t i = 1; i <= lines; i++) {
        next =
            next + period > clock_now() ? next + period : clock_now() + period;
        sleep_until(next);
        printk_at(sched_clock(clock_now()), "line %u", (unsigned)i);
        work();
    }
    printk_at(sched_clock(clock_now()), "Power down");
}

PAYLOAD(NEEDS_XEN, TEST(log_is_stamped));
