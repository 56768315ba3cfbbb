/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain lives through in the state-machine fuzz: suspend and resume,
 * restore, soft reset, sleep of the machine, and a host that runs something
 * else.
 */
#include <string.h>

#include "tests/fuzz/fuzz-domain.h"

static void pause_all(World *w)
{
    xen_domain_pause(w->g->d);
    for (unsigned i = 0; i < w->nr_vcpus; i++) {
        if (w->at[i] == VCPU_RUNS) {
            w->at[i] = VCPU_WOKEN;
        }
    }
}

static void act_resume(World *w)
{
    if (!w->over) {
        return;
    }
    pause_all(w);
    g_assert_cmpint(xen_domain_shutdown_reason(w->g->d), >=, 0);
    xen_domain_wants_suspend_code(w->g->d);
    xen_domain_resume(w->g->d);
    g_assert_cmpint(xen_domain_shutdown_reason(w->g->d), ==, -1);
    w->over = false;
}

/* Ports, areas and shared_info go; what was granted and ballooned stays. */
static void act_soft_reset(World *w)
{
    if (!one_in(w, 4)) {
        return;
    }
    pause_all(w);
    xen_domain_soft_reset(w->g->d);
    for (unsigned i = 0; i < w->nr_vcpus; i++) {
        w->time_phys[i] = w->runstate_phys[i] = false;
    }
    memset(w->fifo_control, 0, sizeof(w->fifo_control));
    w->fifo = false;
    w->fifo_pins = w->fifo_pages = 0;
    w->shinfo_mapped = false;
    w->over = false;
    world_resync(w);
}

/* All is as in a domain just made, but for memory and which vCPUs are up. */
static void act_restore(World *w)
{
    VcpuAt at[FUZZ_MAX_VCPUS];

    if (!one_in(w, 8)) {
        return;
    }
    pause_all(w);
    memcpy(at, w->at, sizeof(at));
    xen_domain_restore(w->g->d, XEN_GUEST_DOMID);
    world_forget(w);
    for (unsigned i = 0; i < w->nr_vcpus; i++) {
        w->at[i] = at[i] == VCPU_OFF ? VCPU_OFF : VCPU_WOKEN;
    }
    /* Where pages of Xen's were there is nothing now. */
    w->frames_known = w->overlays_known = false;
    world_resync(w);
}

static void act_wakeup(World *w)
{
    if (!one_in(w, 4)) {
        return;
    }
    xen_domain_wakeup(w->g->d);
    for (unsigned i = 0; i < w->nr_vcpus; i++) {
        w->at[i] = i == 0 ? VCPU_RUNS : VCPU_OFF;
    }
}

static void act_steal(World *w)
{
    unsigned vcpu = (unsigned)draw(w, w->nr_vcpus);

    if (w->at[vcpu] != VCPU_OFF) {
        xen_domain_vcpu_runnable(w->g->d, vcpu);
        w->at[vcpu] = VCPU_WOKEN;
    }
}

static const Action actions[] = {
    {"resume", 4, act_resume},   {"soft_reset", 1, act_soft_reset},
    {"restore", 1, act_restore}, {"wakeup", 1, act_wakeup},
    {"steal", 3, act_steal},
};

const ActionTable life_actions = {actions, G_N_ELEMENTS(actions)};
