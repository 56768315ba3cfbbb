/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers in virtual time that never fire while the machine is stopped. */
#include "qemu/osdep.h"
#include "system/runstate.h"
#include "accel/shim/run-timer.h"

static QLIST_HEAD(, RunTimer) timers = QLIST_HEAD_INITIALIZER(timers);

/* A machine that is suspended to RAM goes on, and may migrate as it is. */
static void run_timer_fired(void *opaque)
{
    RunTimer *timer = opaque;

    if (runstate_is_live(runstate_get())) {
        timer->fn(timer->opaque);
    } else {
        timer->waiting = true;
    }
}

void run_timer_init(RunTimer *timer, QEMUTimerCB *fn, void *opaque)
{
    *timer = (RunTimer){.fn = fn, .opaque = opaque};
    timer_init_ns(&timer->timer, QEMU_CLOCK_VIRTUAL, run_timer_fired, timer);
    QLIST_INSERT_HEAD(&timers, timer, next);
}

void run_timer_mod(RunTimer *timer, int64_t expire_ns)
{
    timer->waiting = false;
    timer->expire_ns = expire_ns;
    timer_mod_ns(&timer->timer, expire_ns);
}

void run_timer_del(RunTimer *timer)
{
    timer->waiting = false;
    timer_del(&timer->timer);
}

void run_timer_deinit(RunTimer *timer)
{
    run_timer_del(timer);
    QLIST_REMOVE(timer, next);
}

void run_timers_resume(void)
{
    RunTimer *timer;

    QLIST_FOREACH(timer, &timers, next)
    {
        if (timer->waiting) {
            run_timer_mod(timer, timer->expire_ns);
        }
    }
}
