/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sleeper, and the host's uptime that changes under it.
 *
 * Behaviour: Xen's timers are set in system time, which is the host's uptime.
 * A deadline that was computed on one host means another moment on the next:
 * on one with a lower uptime the sleeper sleeps until that has caught up, on
 * one with a higher uptime its deadline has passed.  The local APIC's timer is
 * set in the TSC, which goes on.
 * Check: sleeps of 1 s, with how long each was by the TSC.
 *
 * Command line: sleeps=N; tsc-deadline: sleep by the local APIC's timer.
 */
#include "scenarios/payload/printk.h"
#include "tests/payload/lib/apic.h"

#define SLEEP            NS_PER_S /* TSC at 1 GHz */
#define MSR_TSC_DEADLINE 0x6e0
#define LVT_TIMER        0x320
#define LVT_DEADLINE     (2u << 17)
#define TIMER_VECTOR     0x51

static volatile unsigned woken;

static void on_timer(TrapFrame *frame)
{
    (void)frame;
    woken = woken + 1;
    lapic_eoi();
}

static void sleep_by_tsc(void)
{
    unsigned before = woken;

    CHECK_RC(NO_TRAP, cpu_wrmsr(MSR_TSC_DEADLINE, rdtsc() + SLEEP));
    while (woken == before) {
        cpu_wait();
    }
}

static void sleep_by_system_time(void)
{
    struct sched_poll poll = {.timeout = clock_now() + SLEEP};

    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
}

static void sleeps_are_measured(void)
{
    uint64_t sleeps = cmdline_number("sleeps", 3);
    bool by_tsc = cmdline_has("tsc-deadline");

    printk_init();
    if (by_tsc) {
        cpu_set_handler(TIMER_VECTOR, on_timer);
        lapic_write(LVT_TIMER, TIMER_VECTOR | LVT_DEADLINE);
    }
    for (uint64_t i = 1; i <= sleeps; i++) {
        uint64_t start = rdtsc(), slept;

        if (by_tsc) {
            sleep_by_tsc();
        } else {
            sleep_by_system_time();
        }
        slept = rdtsc() - start;
        printk_at(clock_now(), "sleep %u: asked for 1 s, took %llu.%06llu s",
                  (unsigned)i, (unsigned long long)(slept / NS_PER_S),
                  (unsigned long long)(slept % NS_PER_S / NS_PER_US));
    }
}

PAYLOAD(NEEDS_XEN, TEST(sleeps_are_measured));
