/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clock that counts the RTC's periodic interrupts, whose rate it changes
 * often.
 *
 * Behaviour: a guest that lets some interrupts go by, as one under load does,
 * loses the time they stood for, unless the RTC makes up for them.  What is
 * lost then grows with the rate.
 * Check: time by interrupts against time by the TSC, which is at 1 GHz.
 *
 * Command line: changes=N: of the rate; busy-us=N: interrupts are off for that
 * long after each change.
 */
#include "scenarios/payload/printk.h"
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/rtc.h"

#define RTC_A      10
#define RTC_B      11
#define RTC_C      12
#define RTC_B_PIE  0x40
#define DIVIDER    0x20
#define IOAPIC     0xfec00000u
#define RTE_RTC    (0x10 + 2 * 8)
#define RTC_VECTOR 0x51
#define TICKS_EACH 32u

/* Rates of register A: 1024 Hz and 64 Hz */
static const struct {
    uint8_t code;
    uint64_t period_ns;
} rates[] = {{6, 976562}, {10, 15625000}};

static volatile unsigned ticks;
static volatile uint64_t counted_ns, period_ns;

static void on_rtc(TrapFrame *frame)
{
    (void)frame;
    ticks = ticks + 1;
    counted_ns = counted_ns + period_ns;
    (void)rtc_read(RTC_C);
    lapic_eoi();
}

/* ISA interrupts are edges, to CPU 0. */
static void route_rtc(void)
{
    volatile uint32_t *ioapic = (uint32_t *)IOAPIC;

    ioapic[0] = RTE_RTC + 1;
    ioapic[4] = 0;
    ioapic[0] = RTE_RTC;
    ioapic[4] = RTC_VECTOR;
}

static void stay_busy(uint64_t us)
{
    uint64_t start = rdtsc();

    while (rdtsc() - start < us * NS_PER_US) {
    }
}

static void ticks_make_up_the_time(void)
{
    uint64_t changes = cmdline_number("changes", 40);
    uint64_t busy_us = cmdline_number("busy-us", 5000);
    uint64_t start, passed;

    printk_init();
    cpu_set_handler(RTC_VECTOR, on_rtc);
    lapic_write(LAPIC_SVR, 0x1ff);
    route_rtc();
    rtc_write(RTC_B, rtc_read(RTC_B) | RTC_B_PIE);
    (void)rtc_read(RTC_C);
    start = rdtsc();
    for (uint64_t i = 0; i < changes; i++) {
        unsigned until = ticks + TICKS_EACH;

        period_ns = rates[i % 2].period_ns;
        rtc_write(RTC_A, DIVIDER | rates[i % 2].code);
        stay_busy(busy_us);
        while (ticks < until) {
            cpu_wait();
        }
    }
    passed = rdtsc() - start;
    printk_at(counted_ns, "%llu ms passed, %llu ms counted: %lld ms behind",
              (unsigned long long)(passed / NS_PER_MS),
              (unsigned long long)(counted_ns / NS_PER_MS),
              (long long)(passed / NS_PER_MS) -
                  (long long)(counted_ns / NS_PER_MS));
}

PAYLOAD(NEEDS_NOTHING, TEST(ticks_make_up_the_time));
