/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timer in virtual time that never fires while the machine is stopped.
 *
 * QEMU's do: a stopped machine's vCPU thread, woken for some work of QEMU's,
 * lets the timers run that are due at the instant the machine stopped.  What
 * such a timer does to memory can come too late for a migration that is just
 * completing, which then moves a guest without its event.
 */
#ifndef JUMPCUT_ACCEL_SHIM_RUN_TIMER_H
#define JUMPCUT_ACCEL_SHIM_RUN_TIMER_H

#include "qemu/queue.h"
#include "qemu/timer.h"

typedef struct RunTimer RunTimer;

struct RunTimer {
    QEMUTimer timer;
    QEMUTimerCB *fn;
    void *opaque;
    int64_t expire_ns;
    bool waiting; /* it is due, and for the machine to go on */
    QLIST_ENTRY(RunTimer) next;
};

void run_timer_init(RunTimer *timer, QEMUTimerCB *fn, void *opaque);
/* @expire_ns: virtual time; one that has passed fires at once */
void run_timer_mod(RunTimer *timer, int64_t expire_ns);
void run_timer_del(RunTimer *timer);
/* Ends what run_timer_init began. */
void run_timer_deinit(RunTimer *timer);
/* The machine goes on. */
void run_timers_resume(void);

#endif
