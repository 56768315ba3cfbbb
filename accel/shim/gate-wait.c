/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holding the vCPUs' thread at a tick: the guest cannot tell. */
#include "qemu/osdep.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "system/cpus.h"
#include "system/runstate.h"
#include "accel/shim/gate-internal.h"
#include "accel/shim/vcpu.h"

#define PACE_POLL_MS 2
/* Further behind the host's time than this, virtual time does not catch up. */
#define PACE_LAG_US 200000

typedef struct Wait {
    Gate *gate;
    bool (*until)(Gate *gate);
} Wait;

static bool is_over(void *opaque)
{
    const Wait *wait = opaque;

    return wait->until(wait->gate);
}

void gate_wait(Gate *gate, bool (*until)(Gate *gate), int poll_ms)
{
    Wait wait = {gate, until};

    if (qemu_in_vcpu_thread()) {
        shim_wait_until(is_over, &wait, poll_ms);
    }
}

static bool caught_up(Gate *gate)
{
    int64_t host_us = g_get_monotonic_time() - gate->pace_host_us;
    int64_t ahead_us = (gate_now() - gate->pace_ns) / 1000 - host_us;

    return ahead_us <= 0 || !runstate_is_running() || first_cpu->stop;
}

void gate_pace(Gate *gate)
{
    int64_t now_ns = gate_now(), host_us = g_get_monotonic_time();

    if (!gate->options.pace) {
        return;
    }
    if (gate->pace_host_us < 0 ||
        host_us - gate->pace_host_us >
            (now_ns - gate->pace_ns) / 1000 + PACE_LAG_US) {
        gate->pace_host_us = host_us;
        gate->pace_ns = now_ns;
    }
    gate_wait(gate, caught_up, PACE_POLL_MS);
}
