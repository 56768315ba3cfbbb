/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a Xen domain ends, or only seems to: what the toolstack does about
 * SCHEDOP_shutdown.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/core/cpu.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "system/system.h"
#include "accel/shim/guest-internal.h"
#include "accel/shim/stop.h"
#include "accel/shim/xen-backend.h"
#include "accel/shim/xen-log.h"
#include "accel/shim/xen-platform.h"
#include "accel/shim/xenstore-host.h"
#include "accel/shim/xenstore-qemu.h"
#include <xen/sched.h>
#include <xen/vcpu.h>

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
void guest_xen_soft_reset(Guest *g)
{
    g->shutdown_reason = -1;
    xen_backends_stop(g->options.backends);
    xen_domain_soft_reset(g->domain);
    guest_xen_rebuild(g);
}

static void soft_reset(Guest *g)
{
    TapEntry entry = {.kind = TAP_SOFT_RESET};

    host_tap_begin(g->tap, &entry);
    guest_xen_soft_reset(g);
    host_tap_end(g->tap, NULL, 0);
    shim_unpause();
}

/*
 * QEMU's own recording notes why a machine ends, under its lock, which is taken
 * before the big lock.
 */
static void lock_for_end(void)
{
    if (replay_mode != REPLAY_MODE_NONE) {
        bql_unlock();
        replay_mutex_lock();
        bql_lock();
    }
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
        lock_for_end();
        qemu_system_guest_panicked(NULL);
        replay_mutex_unlock();
        break;
    case SHUTDOWN_suspend:
        shim_stop_here();
        break;
    default:
        lock_for_end();
        qemu_system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
        replay_mutex_unlock();
        break;
    }
    shim_wait_for_main_thread();
}

/* xen: common/domain.c, domain_shutdown: every vCPU is paused */
void guest_xen_shutdown(void *opaque, unsigned vcpu, unsigned reason)
{
    Guest *g = opaque;
    CPUState *cs = qemu_get_cpu(vcpu);

    g->shutdown_reason = reason;
    xenstore_qemu_released(g->tree);
    xen_domain_pause(g->domain);
    if (host_tap_replays(g->tap)) {
        return;
    }
    shim_pause();
    async_run_on_cpu(cs ? cs : first_cpu, shutdown_work,
                     RUN_ON_CPU_HOST_PTR(g));
}

/* xen: common/domctl.c, XEN_DOMCTL_createdomain */
static uint16_t next_domid(uint16_t domid)
{
    return domid < DOMID_FIRST_RESERVED - 1 ? domid + 1 : 1;
}

void guest_xen_set_domid(Guest *g, uint16_t domid)
{
    g->options.domid = domid;
    xen_domain_set_domid(g->domain, domid);
    xenstore_qemu_set_domid(g->tree, domid);
    xen_backends_set_domid(g->options.backends, domid);
    xen_log_set_domid(domid);
    xen_platform_enable(domid);
}

/* vCPUs that were halted are not: that is no part of what is saved. */
static void unhalt_vcpus(Guest *g)
{
    for (unsigned i = 0; i < g->nr_vcpus; i++) {
        XenVcpuInfo info;

        xen_domain_query_vcpu(g->domain, i, &info);
        if (info.runstate == RUNSTATE_runnable) {
            shim_vcpu_unhalt(i);
        }
    }
}

void guest_xen_restored(void *part)
{
    Guest *g = part;
    uint16_t domid = next_domid(g->options.domid);
    XenstoreQemuKept *kept = xenstore_qemu_keep(g->tree);

    g->shutdown_reason = -1;
    xen_domain_restore(g->domain, domid);
    unhalt_vcpus(g);
    guest_xen_set_domid(g, domid);
    guest_xen_rebuild(g);
    xenstore_qemu_put_kept(g->tree, kept);
    gate_event(g->gate, "restore", domid, 0);
}

void guest_xen_cancelled(Guest *g)
{
    g->shutdown_reason = -1;
    xen_domain_resume(g->domain);
}

static void resume_work(CPUState *cs, run_on_cpu_data data)
{
    TapEntry entry = {.kind = TAP_CANCELLED};
    Guest *g = data.host_ptr;

    if (xen_domain_wants_suspend_code(g->domain)) {
        cpu_env(cs)->regs[R_EAX] = 1;
    }
    host_tap_begin(g->tap, &entry);
    guest_xen_cancelled(g);
    host_tap_end(g->tap, NULL, 0);
    shim_unpause();
}

/* Has the guest suspended itself, and the machine stopped? */
static bool is_suspended(const Guest *g, Error **errp)
{
    if (!g->domain || g->shutdown_reason != SHUTDOWN_suspend) {
        error_setg(errp, "the guest has not suspended itself");
        return false;
    }
    if (runstate_is_running()) {
        error_setg(errp, "the guest suspends: the machine has yet to stop");
        return false;
    }
    return true;
}

bool guest_resume(Guest *g, Error **errp)
{
    if (!is_suspended(g, errp)) {
        return false;
    }
    run_on_cpu(qemu_get_cpu(0), resume_work, RUN_ON_CPU_HOST_PTR(g));
    vm_start();
    return true;
}

typedef struct Restore {
    Guest *guest;
    const HostProfile *profile;
    GError *error;
} Restore;

static void restore_work(CPUState *cs, run_on_cpu_data data)
{
    Restore *restore = data.host_ptr;
    Guest *g = restore->guest;

    if (guest_cut_now(g, restore->profile, true, &restore->error)) {
        shim_unpause();
    }
}

bool guest_restore(Guest *g, const HostProfile *profile, Error **errp)
{
    Restore restore = {g, profile, NULL};
    const char *device;

    if (!is_suspended(g, errp)) {
        return false;
    }
    device = xen_backends_device(g->options.backends);
    if (device) {
        error_setg(errp,
                   "%s is domain %u's, which ends: unplug it, and plug it in "
                   "again afterwards",
                   device, g->options.domid);
        return false;
    }
    run_on_cpu(qemu_get_cpu(0), restore_work, RUN_ON_CPU_HOST_PTR(&restore));
    if (restore.error) {
        error_setg(errp, "%s", restore.error->message);
        g_error_free(restore.error);
        return false;
    }
    vm_start();
    return true;
}
