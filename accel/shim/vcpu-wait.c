/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holding the vCPUs' thread: the guest cannot tell. */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "cpu.h"
#include "exec/cpu-common.h"
#include "hw/core/cpu.h"
#include "system/cpus.h"
#include "system/runstate.h"
#include "accel/shim/vcpu-internal.h"

static struct {
    unsigned depth; /* one may begin in what another does meanwhile */
    bool time;      /* it went on before the outermost began */
} waits;

/* @answer: a stop that is asked for comes first, as in QEMU's own loop. */
static void work_do(bool answer)
{
    CPUState *cs;

    CPU_FOREACH(cs)
    {
        if (!qemu_cpu_is_self(cs)) {
            continue;
        }
        if (answer) {
            qemu_wait_io_event_common(cs);
        } else {
            process_queued_cpu_work(cs);
        }
    }
}

/*
 * Not qemu_clock_enable(): it waits for a timer's callback that is running,
 * which may be waiting for work done here.  Of those none has the big lock.
 */
static void time_stands(void)
{
    bool time = vcpu_turns_set_clock(false);

    if (!waits.depth++) {
        waits.time = time;
    }
}

/* A machine that stops, or has, has it switched on when it goes on. */
static void time_goes_on(void)
{
    if (!--waits.depth && waits.time && runstate_is_running() &&
        !first_cpu->stop && !first_cpu->stopped) {
        qemu_clock_enable(QEMU_CLOCK_VIRTUAL, true);
    }
}

static void wait_until(ShimUntilFn *until, void *opaque, int poll_ms,
                       bool answer)
{
    CPUState *self = current_cpu;
    /* In QEMU's execution loop, where no work that excludes all is done */
    bool executing = self->running;

    if (executing) {
        cpu_exec_end(self);
    }
    time_stands();
    while (!until(opaque)) {
        qemu_cond_timedwait_bql(self->halt_cond, poll_ms);
        /* Who waits for a stop sees it before it is answered. */
        if (!until(opaque)) {
            work_do(answer);
        }
    }
    time_goes_on();
    if (executing) {
        cpu_exec_start(self);
    }
}

void shim_wait_until(ShimUntilFn *until, void *opaque, int poll_ms)
{
    /* Amid an instruction the vCPU has not stopped. */
    wait_until(until, opaque, poll_ms, !current_cpu->running);
}

void vcpu_wait_stopped(ShimUntilFn *until, void *opaque, int poll_ms)
{
    wait_until(until, opaque, poll_ms, true);
}
