/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One reset of the machine after the other.
 *
 * Behaviour: the machine is reset by its reset register as often as the guest
 * writes to it, at once: no further instruction is executed.
 * Check: each boot counts itself in memory beyond the image, which a reset
 * keeps, and resets the machine; the last one looks at what those before it
 * counted behind the reset.  With "resets=" a number of them; with "delay="
 * as many rounds of a loop before each, then a "!", then "spin=" more: nothing
 * in them needs QEMU's big lock, and the write that resets does.
 * Cannot tell apart: a reset from a new machine with the old memory.
 * Real Xen: the tool stack builds a new domain, with new memory; there the
 * counts are gone and this payload reboots for ever.
 *
 * RUN: smp bits=64 smp=2 reset=on append=resets=3
 */
#include "tests/payload/lib/xen.h"

#define COUNTS_PA      0x2000000ul /* 32 MiB: beyond image and firmware */
#define COUNTS_MAGIC   0x6a756d7063757472ull
#define RESET_REGISTER 0xcf9
#define RESET_NOW      0x06
#define DEBUG_PORT     0xe9

typedef struct Counts {
    uint64_t magic, boots, survived;
} Counts;

static volatile Counts *const counts = (volatile Counts *)COUNTS_PA;

static void spin(uint64_t rounds)
{
    while (rounds--) {
        __asm__ volatile("");
    }
}

static void announce(void)
{
    if (cmdline_has("spin")) {
        spin(cmdline_number("delay", 0));
        port_out(DEBUG_PORT, '!');
        spin(cmdline_number("spin", 0));
    }
}

static void reset_is_at_once(void)
{
    uint64_t wanted = cmdline_number("resets", 0);

    if (!wanted) {
        skip("must be let reset");
        return;
    }
    if (counts->magic != COUNTS_MAGIC) {
        *counts = (Counts){.magic = COUNTS_MAGIC};
    }
    if (counts->boots < wanted) {
        announce();
        counts->boots = counts->boots + 1;
        port_out(RESET_REGISTER, RESET_NOW);
        counts->survived = counts->survived + 1;
        for (;;) {
            cpu_relax();
        }
    }
    CHECK_EQ(wanted, counts->boots);
    CHECK_EQ(0, counts->survived);
}

PAYLOAD(NEEDS_NOTHING, TEST(reset_is_at_once));
