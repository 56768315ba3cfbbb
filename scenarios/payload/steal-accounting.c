/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounting of stolen time over a suspend.
 *
 * Behaviour: runstate times begin at zero in the domain that a suspended guest
 * becomes.  A kernel that takes the difference to what it saw last takes a
 * negative one for a huge one, or counts down; one that keeps what had come
 * before the suspend goes on.
 * Check: stolen time told every PERIOD; a suspend when the store asks for one.
 *
 * Command line: keep: keep what came before; lines=N.
 */
#include "scenarios/payload/printk.h"
#include "tests/payload/lib/store.h"

#define PERIOD   (200 * NS_PER_MS)
#define SHUTDOWN "control/shutdown"

static uint64_t kept, accounted;
static bool keep;

static uint64_t runnable(void)
{
    struct vcpu_runstate_info info = {0};

    CHECK_RC(0, xen_vcpu_op(VCPUOP_get_runstate_info, 0, &info));
    return info.time[RUNSTATE_runnable];
}

static bool suspend_is_asked_for(void)
{
    const StoreMsg *answer = store_call(XS_READ, 0, SHUTDOWN, sizeof(SHUTDOWN));

    return answer && answer->hdr.type == XS_READ &&
           answer->hdr.len == strlen("suspend") &&
           !memcmp(answer->data, "suspend", strlen("suspend"));
}

/* As Linux: take the request off the store, then go. */
static void suspend(void)
{
    static const char none[] = SHUTDOWN "\0";
    struct sched_shutdown op = {.reason = SHUTDOWN_suspend};
    long cancelled;

    CHECK(store_call(XS_WRITE, 0, none, sizeof(none) - 1) != NULL);
    printk_at(clock_now(), "suspending");
    if (keep) {
        kept += runnable();
    }
    cancelled = xen_sched_op(SCHEDOP_shutdown, &op);
    printk_init();
    store_init();
    printk_at(clock_now(), "resumed, %s", cancelled ? "cancelled" : "anew");
    if (cancelled && keep) {
        kept -= runnable();
    }
}

static void spin_for(uint64_t ns)
{
    uint64_t start = rdtsc(); /* at 1 GHz */

    while (rdtsc() - start < ns) {
    }
}

static void stolen_time_grows(void)
{
    uint64_t lines = cmdline_number("lines", 10);

    keep = cmdline_has("keep");
    printk_init();
    store_init();
    for (uint64_t i = 1; i <= lines; i++) {
        uint64_t now;

        spin_for(PERIOD);
        if (suspend_is_asked_for()) {
            suspend();
        }
        now = kept + runnable();
        printk_at(clock_now(), "steal %llu ms, %s",
                  (unsigned long long)(now / NS_PER_MS),
                  now >= accounted ? "more than before" : "LESS than before");
        accounted = now;
    }
}

PAYLOAD(NEEDS_XEN, TEST(stolen_time_grows));
