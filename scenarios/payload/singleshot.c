/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A periodic tick made of one-shot timers, and a host whose uptime is ahead.
 *
 * Behaviour: with VCPU_SSHOTTMR_future Xen refuses a deadline that has passed
 * (-ETIME) and sets no timer; without the flag the timer fires at once.  A
 * kernel that asks for the flag and takes the refusal for an event that is on
 * its way has no tick from then on.
 * Check: ticks told once in LINES of them, with how many deadlines were
 * refused; a watchdog that is no tick ends the wait.
 *
 * Command line: future: ask for the flag; next=last: each deadline is PERIOD
 * after the last one, else after the present; lines=N.
 */
#include "scenarios/payload/printk.h"

#define PERIOD    (10 * NS_PER_MS)
#define PER_LINE  50u
#define PATIENCE  (500 * NS_PER_MS)
#define VIRQ_TICK VIRQ_TIMER

static unsigned ticks, refused, port;
static uint64_t deadline;
static bool future, from_last;

static void set_next(void)
{
    struct vcpu_set_singleshot_timer op = {
        .flags = future ? VCPU_SSHOTTMR_future : 0};

    deadline = (from_last ? deadline : clock_now()) + PERIOD;
    op.timeout_abs_ns = deadline;
    if (xen_vcpu_op(VCPUOP_set_singleshot_timer, 0, &op) == -XEN_ETIME) {
        refused++;
    }
}

/* @return: false: none came for long */
static bool wait_for_tick(void)
{
    struct sched_poll poll = {.nr_ports = 1, .timeout = clock_now() + PATIENCE};
    evtchn_port_t ports[] = {port};

    set_xen_guest_handle(poll.ports, ports);
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    return evtchn_clear(port);
}

static void ticks_go_on(void)
{
    uint64_t lines = cmdline_number("lines", 4);
    int bound;

    printk_init();
    if (!xen_shared_info()) {
        return;
    }
    future = cmdline_has("future");
    from_last = cmdline_has("next");
    bound = evtchn_bind_virq(VIRQ_TICK, 0);
    CHECK(bound > 0);
    port = (unsigned)bound;
    evtchn_mask(port);
    deadline = clock_now();
    for (uint64_t i = 0; i < lines * PER_LINE; i++) {
        set_next();
        if (!wait_for_tick()) {
            printk_at(clock_now(), "no tick for 500 ms: %u came, %u refused",
                      ticks, refused);
            return;
        }
        if (++ticks % PER_LINE == 0) {
            printk_at(clock_now(), "%u ticks, %u refused", ticks, refused);
        }
    }
    printk_at(clock_now(), "ticks went on to the end");
}

PAYLOAD(NEEDS_XEN, TEST(ticks_go_on));
