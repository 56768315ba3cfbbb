/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a Xen domain ends, or only seems to: what the toolstack does about
 * SCHEDOP_shutdown.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "system/runstate.h"
#include "system/system.h"
#include "accel/shim/guest-internal.h"
#include "accel/shim/stop.h"
#include "accel/shim/xen-backend.h"
#include "accel/shim/xenstore-host.h"
#include "accel/shim/xenstore-qemu.h"
#include <xen/sched.h>

void guest_xen_rebuild(Guest *g)
{
    xenstore_qemu_released(g->tree);
    xenstore_qemu_reset(g->tree);
    xenstore_qemu_introduced(g->tree);
    xen_backends_restart(g->options.backends);
    shim_xenstore_replaced();
}

/*
 * kexec: the domain begins anew around the vCPU that asked for it, which goes
 * on after the call.  Devices keep their state, as libxl saves and loads that
 * of its device model (xen: tools/libs/light/libxl_create.c,
 * do_domain_soft_reset).
 */
static void soft_reset(Guest *g)
{
    g->shutdown_reason = -1;
    xen_backends_stop(g->options.backends);
    xen_domain_soft_reset(g->domain);
    guest_xen_rebuild(g);
    shim_unpause();
}

/*
 * On the vCPU's thread, when it no longer executes: so a digest of the end is
 * of a machine at an exact instruction.
 */
static void shutdown_work(CPUState *cs, run_on_cpu_data data)
{
    Guest *g = data.host_ptr;

    if (g->shutdown_reason == SHUTDOWN_soft_reset) {
        soft_reset(g);
        return;
    }
    guest_take_digest(g, "shutdown");
    gate_event(g->gate,
               g->shutdown_reason == SHUTDOWN_suspend ? "suspend" : "shutdown",
               g->shutdown_reason, 0);
    switch (g->shutdown_reason) {
    case SHUTDOWN_reboot:
        qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
        break;
    case SHUTDOWN_crash:
        qemu_system_guest_panicked(NULL);
        break;
    case SHUTDOWN_suspend:
        shim_stop_here();
        break;
    default:
        qemu_system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
        break;
    }
}

/* xen: common/domain.c, domain_shutdown: every vCPU is paused */
void guest_xen_shutdown(void *opaque, unsigned vcpu, unsigned reason)
{
    Guest *g = opaque;
    CPUState *cs = qemu_get_cpu(vcpu);

    g->shutdown_reason = reason;
    xenstore_qemu_released(g->tree);
    xen_domain_pause(g->domain);
    shim_pause();
    async_run_on_cpu(cs ? cs : first_cpu, shutdown_work,
                     RUN_ON_CPU_HOST_PTR(g));
}

static void resume_work(CPUState *cs, run_on_cpu_data data)
{
    Guest *g = data.host_ptr;

    if (xen_domain_wants_suspend_code(g->domain)) {
        cpu_env(cs)->regs[R_EAX] = 1;
    }
    g->shutdown_reason = -1;
    xen_domain_resume(g->domain);
    shim_unpause();
}

bool guest_resume(Guest *g, Error **errp)
{
    if (!g->domain || g->shutdown_reason != SHUTDOWN_suspend) {
        error_setg(errp, "the guest has not suspended itself");
        return false;
    }
    if (runstate_is_running()) {
        error_setg(errp, "the guest suspends: the machine has yet to stop");
        return false;
    }
    run_on_cpu(qemu_get_cpu(0), resume_work, RUN_ON_CPU_HOST_PTR(g));
    vm_start();
    return true;
}
