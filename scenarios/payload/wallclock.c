/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time of day, as a guest computes it, over a cut.
 *
 * Behaviour: Xen tells the wall clock of system time 0; the time of day is that
 * and the system time.  On a host with another uptime both change, and between
 * the two the sum is wrong by the difference.  A kernel that reads it once,
 * when it resumes, stays wrong. Check: the sum every 100 ms, and whether it is
 * what the TSC says.
 *
 * Command line: reads=N; once: compute from the wall clock read when system
 * time jumped, else from the one there is.
 */
#include "scenarios/payload/printk.h"

#define PERIOD (100 * NS_PER_MS) /* of the TSC at 1 GHz */
#define JUMP   NS_PER_S

static uint64_t wall_base(void)
{
    const struct shared_info *shared = xen_shared_info();
    uint32_t version;
    uint64_t ns;

    do {
        version = __atomic_load_n(&shared->wc_version, __ATOMIC_ACQUIRE);
        ns = (shared->wc_sec | (uint64_t)shared->xen_wc_sec_hi << 32) *
                 NS_PER_S +
             shared->wc_nsec;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (version & 1 || version != shared->wc_version);
    return ns;
}

static void time_of_day_goes_on(void)
{
    uint64_t reads = cmdline_number("reads", 30);
    bool once = cmdline_has("once");
    uint64_t base, start, day, last;

    printk_init();
    if (!xen_shared_info() || evtchn_callback_vector(0x41) != 0) {
        return;
    }
    base = wall_base();
    last = clock_now();
    start = rdtsc();
    day = base + last;
    for (uint64_t i = 1; i <= reads; i++) {
        uint64_t now = last, wall, want;

        while (rdtsc() - start < i * PERIOD) {
            now = clock_now();
            if (now > last + JUMP || now + JUMP < last) {
                base = wall_base();
            }
            last = now;
        }
        if (!once) {
            base = wall_base();
        }
        wall = base + now;
        want = day + (rdtsc() - start);
        printk_at(
            now, "time of day %llu.%09llu s, %s by %llu s",
            (unsigned long long)(wall / NS_PER_S),
            (unsigned long long)(wall % NS_PER_S),
            wall > want ? "ahead" : "behind",
            (unsigned long long)((wall > want ? wall - want : want - wall) /
                                 NS_PER_S));
    }
}

PAYLOAD(NEEDS_XEN, TEST(time_of_day_goes_on));
