/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stopping the machine at an exact place. */
#include "qemu/osdep.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "system/runstate.h"
#include "accel/shim/run-timer.h"
#include "accel/shim/stop.h"
#include "accel/shim/vcpu.h"

/* A stop that somebody asked for. */
typedef struct Stop {
    bool reached;      /* the place is: fn is told of the next stop */
    ShimStoppedFn *fn; /* NULL: nobody to tell */
    void *opaque;
} Stop;

/* The machine has one state to stop. */
static struct {
    bool ready;
    RunTimer timer; /* of @at */
    Stop soon, at;
} stop;

static bool machine_stops(void *opaque)
{
    return !runstate_is_running() || first_cpu->stop;
}

/*
 * Time stands at once: pause_all_vcpus() is too late, as the main loop moves
 * the clock of an idle machine before it looks at requests.
 */
void shim_stop_here(void)
{
    qemu_system_vmstop_request_prepare();
    qemu_system_vmstop_request(RUN_STATE_PAUSED);
    shim_wait_until(machine_stops, NULL, 10);
}

static void stop_work(CPUState *cs, run_on_cpu_data data)
{
    Stop *which = data.host_ptr;

    if (runstate_is_running()) {
        which->reached = true;
        shim_stop_here();
    }
}

static void stop_timer_fired(void *opaque)
{
    async_run_on_cpu(first_cpu, stop_work, RUN_ON_CPU_HOST_PTR(&stop.at));
}

static void tell(Stop *which)
{
    ShimStoppedFn *fn = which->reached ? g_steal_pointer(&which->fn) : NULL;

    which->reached = false;
    if (fn) {
        fn(which->opaque);
    }
}

static void run_state_changed(void *opaque, bool running, RunState state)
{
    if (!running) {
        tell(&stop.soon);
        tell(&stop.at);
    }
}

static void stop_request(Stop *which, ShimStoppedFn *fn, void *opaque)
{
    if (!stop.ready) {
        stop.ready = true;
        run_timer_init(&stop.timer, stop_timer_fired, NULL);
        qemu_add_vm_change_state_handler(run_state_changed, NULL);
    }
    *which = (Stop){.fn = fn, .opaque = opaque};
}

void shim_stop_soon(ShimStoppedFn *fn, void *opaque)
{
    stop_request(&stop.soon, fn, opaque);
    async_run_on_cpu(first_cpu, stop_work, RUN_ON_CPU_HOST_PTR(&stop.soon));
}

void shim_stop_at(int64_t at_ns, ShimStoppedFn *fn, void *opaque)
{
    stop_request(&stop.at, fn, opaque);
    run_timer_mod(&stop.timer, at_ns);
}
