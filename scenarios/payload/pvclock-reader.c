/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reader of pvclock that does all that is asked of it.
 *
 * Behaviour: a record is read between two equal, even versions.  A host that
 * writes half of one under an even version cannot be told from one that does
 * not, and time jumps; one that writes it late has the guest compute with the
 * scale and stamp of another host.
 * Check: the clock is read without a pause; each step of more than 1 ms either
 * way is told, with the TSC beside it.
 *
 * Command line: rounds=N: how often.
 */
#include "scenarios/payload/printk.h"

#define STEP NS_PER_MS

static void tell(uint64_t from, uint64_t to)
{
    bool back = to < from;
    uint64_t step = back ? from - to : to - from;

    printk_at(to, "the clock went %s by %llu.%06llu s", back ? "back" : "on",
              (unsigned long long)(step / NS_PER_S),
              (unsigned long long)(step % NS_PER_S / NS_PER_US));
}

static void clock_never_jumps(void)
{
    uint64_t rounds = cmdline_number("rounds", 100000), last;
    unsigned jumps = 0;

    printk_init();
    last = clock_now();
    printk_at(last, "reading the clock");
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t now = clock_now();

        if (now + STEP < last || now > last + STEP) {
            tell(last, now);
            jumps++;
            now = clock_now();
        }
        last = now;
    }
    printk_at(clock_now(), "%u jumps", jumps);
}

PAYLOAD(NEEDS_XEN, TEST(clock_never_jumps));
