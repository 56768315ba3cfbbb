/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs of the state-machine fuzz: states, timers, the areas they register,
 * and the ends a domain can come to.
 */
#include "tests/fuzz/fuzz-domain.h"

#define VCPU  __HYPERVISOR_vcpu_op
#define SCHED __HYPERVISOR_sched_op
#define MS    1000000u

void vcpu_forget(World *w)
{
    for (unsigned i = 0; i < w->nr_vcpus; i++) {
        w->at[i] = i == 0 ? VCPU_RUNS : VCPU_OFF;
        w->counted_from_ns[i] = fake_host_now(w->g->fake);
        w->time_phys[i] = w->runstate_phys[i] = false;
    }
}

static unsigned pins_expected(World *w, unsigned vcpu, const XenVcpuInfo *info)
{
    return info->vcpu_info_registered + w->time_phys[vcpu] +
           w->runstate_phys[vcpu];
}

/* Times of all states make up the time that passed; nothing is pinned twice. */
void vcpu_check(World *w)
{
    unsigned pins = 0;

    for (unsigned i = 0; i < w->nr_vcpus; i++) {
        int64_t passed = fake_host_now(w->g->fake) - w->counted_from_ns[i];
        XenVcpuInfo info;
        uint64_t sum = 0;

        xen_domain_query_vcpu(w->g->d, i, &info);
        for (unsigned s = 0; s < 4; s++) {
            sum += info.runstate_time_ns[s];
        }
        g_assert_cmpuint(sum, ==, (uint64_t)passed);
        g_assert_cmpuint(info.runstate, <=, RUNSTATE_offline);
        g_assert_cmpuint(info.pvclock_version % 2, ==, 0);
        if (w->at[i] == VCPU_RUNS) {
            g_assert_cmpuint(info.runstate, ==, RUNSTATE_running);
        } else if (w->at[i] == VCPU_OFF) {
            g_assert_cmpuint(info.runstate, ==, RUNSTATE_offline);
        }
        pins += pins_expected(w, i, &info);
    }
    if (w->pins_known) {
        g_assert_cmpuint(fake_host_alive(w->g->fake).pins, ==,
                         w->born.pins + pins + w->fifo_pins + backend_pins(w) +
                             grant_pins(w));
    }
}

static int64_t vcpu_op(World *w, uint64_t cmd, uint32_t vcpu, void *arg,
                       size_t len)
{
    if (len) {
        fake_host_poke(w->g->fake, XEN_GUEST_ARG, arg, len);
    }
    return world_call(w, VCPU, cmd, vcpu,
                      one_in(w, 30) ? draw_address(w) : XEN_GUEST_ARG);
}

static void act_vcpu_info(World *w)
{
    struct vcpu_register_vcpu_info op = {FUZZ_AREA_GFN + draw(w, FUZZ_AREA_NR),
                                         64 * (uint32_t)draw(w, 64), 0};

    if (one_in(w, 8)) {
        op.mfn =
            one_in(w, 2) ? XEN_GUEST_UNMAPPED : draw_edge(w) | XEN_GUEST_FRAMES;
    }
    if (one_in(w, 8)) {
        op.offset = (uint32_t)draw_edge(w);
    }
    vcpu_op(w, VCPUOP_register_vcpu_info, draw_vcpu(w), &op, sizeof(op));
}

static void act_linear_area(World *w)
{
    uint64_t address = one_in(w, 6) ? 0 : draw_address(w);
    uint64_t cmd = one_in(w, 2) ? VCPUOP_register_runstate_memory_area
                                : VCPUOP_register_vcpu_time_memory_area;

    vcpu_op(w, cmd, draw_vcpu(w), &address, sizeof(address));
}

/* Pinned pages, which the model counts. */
static void act_phys_area(World *w)
{
    bool time = one_in(w, 2);
    uint64_t address = one_in(w, 4) ? UINT64_MAX : draw_address(w);
    uint32_t vcpu = draw_vcpu(w);
    int64_t ret;

    fake_host_poke64(w->g->fake, XEN_GUEST_ARG, address);
    ret = world_call(w, VCPU,
                     time ? XEN_VCPUOP_REGISTER_TIME_PHYS_AREA
                          : XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA,
                     vcpu, XEN_GUEST_ARG);
    if (vcpu >= w->nr_vcpus) {
        EXPECT(w, ret, -XEN_ENOENT);
    } else if (w->minor < 20) {
        EXPECT(w, ret, -XEN_ENOSYS);
    } else if (ret == 0) {
        *(time ? &w->time_phys[vcpu] : &w->runstate_phys[vcpu]) =
            address != UINT64_MAX;
    }
}

static void act_timer(World *w)
{
    uint64_t now = clock_system_time(w->g->clock, fake_host_now(w->g->fake));
    uint64_t at = one_in(w, 4) ? draw_edge(w) : now + draw(w, 20 * MS) - MS;
    struct vcpu_set_singleshot_timer once = {at, (uint32_t)draw(w, 2)};
    struct vcpu_set_periodic_timer period = {MS + draw(w, 5 * MS)};

    switch (draw(w, 6)) {
    case 0:
        EXPECT(w, world_call(w, __HYPERVISOR_set_timer_op, at, at >> 32, 0), 0);
        break;
    case 1:
        vcpu_op(w, VCPUOP_set_singleshot_timer,
                one_in(w, 4) ? draw_vcpu(w) : w->g->vcpu, &once, sizeof(once));
        break;
    case 2:
        vcpu_op(w, VCPUOP_stop_singleshot_timer,
                one_in(w, 4) ? draw_vcpu(w) : w->g->vcpu, NULL, 0);
        break;
    case 3:
        vcpu_op(w, VCPUOP_stop_periodic_timer, draw_vcpu(w), NULL, 0);
        break;
    default:
        if (one_in(w, 6)) {
            period.period_ns = draw_edge(w);
        }
        vcpu_op(w, VCPUOP_set_periodic_timer, draw_vcpu(w), &period,
                sizeof(period));
    }
}

static void act_state(World *w)
{
    static const uint64_t cmds[] = {VCPUOP_up,       VCPUOP_down,
                                    VCPUOP_is_up,    VCPUOP_get_runstate_info,
                                    VCPUOP_send_nmi, VCPUOP_get_physid};
    uint64_t cmd = cmds[draw(w, G_N_ELEMENTS(cmds))];
    uint32_t vcpu = draw_vcpu(w);
    int64_t ret = vcpu_op(w, cmd, vcpu, NULL, 0);

    if (vcpu >= w->nr_vcpus) {
        EXPECT(w, ret, -XEN_ENOENT);
    } else if (cmd == VCPUOP_is_up && !w->over) {
        EXPECT(w, ret, w->at[vcpu] != VCPU_OFF);
    } else if (cmd == VCPUOP_down && ret == 0) {
        w->at[vcpu] = VCPU_OFF;
    }
}

static void act_sched(World *w)
{
    struct sched_poll poll = {.nr_ports = (uint32_t)draw(w, 4)};
    struct sched_watchdog dog = {(uint32_t)draw(w, 4),
                                 1 + (uint32_t)draw(w, 9)};
    uint64_t now = clock_system_time(w->g->clock, fake_host_now(w->g->fake));

    switch (draw(w, 8)) {
    case 0:
        EXPECT(w, world_op(w, SCHED, SCHEDOP_yield, NULL, 0), 0);
        break;
    case 1:
    case 2:
        EXPECT(w, world_op(w, SCHED, SCHEDOP_block, NULL, 0), 0);
        break;
    case 3:
        world_op(w, SCHED, SCHEDOP_watchdog, &dog, sizeof(dog));
        break;
    case 4:
        EXPECT(w, world_op(w, SCHED, 8 + draw_edge(w) % 1000, NULL, 0),
               -XEN_ENOSYS);
        break;
    default:
        for (unsigned i = 0; i < poll.nr_ports; i++) {
            fake_host_poke32(w->g->fake, XEN_GUEST_BUF + 4 * i, draw_port(w));
        }
        set_xen_guest_handle(poll.ports, (void *)(uintptr_t)XEN_GUEST_BUF);
        poll.timeout = one_in(w, 3) ? 0 : now + draw(w, 10 * MS);
        world_op(w, SCHED, SCHEDOP_poll, &poll, sizeof(poll));
    }
}

static void act_shutdown(World *w)
{
    struct sched_shutdown op = {(unsigned)draw(w, 7)};

    if (one_in(w, 6)) {
        world_op(w, SCHED,
                 one_in(w, 2) ? SCHEDOP_shutdown : SCHEDOP_shutdown_code, &op,
                 sizeof(op));
    }
}

static void act_halt(World *w)
{
    bool interrupts = !one_in(w, 8);

    xen_domain_vcpu_halted(w->g->d, w->g->vcpu, interrupts);
    w->at[w->g->vcpu] = interrupts ? VCPU_BLOCKED : VCPU_OFF;
}

static void act_init(World *w)
{
    unsigned vcpu = (unsigned)draw(w, w->nr_vcpus);

    if (one_in(w, 4)) {
        xen_domain_reset_vcpu(w->g->d, vcpu);
        w->at[vcpu] = VCPU_OFF;
    }
}

static void act_upcall(World *w)
{
    struct xen_hvm_evtchn_upcall_vector op = {draw_vcpu(w),
                                              (uint8_t)draw(w, 256)};
    int64_t ret, want = 0;

    xen_domain_vcpu_upcall_due(w->g->d, (unsigned)draw(w, w->nr_vcpus));
    if (one_in(w, 2)) {
        return;
    }
    ret = world_op(w, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &op,
                   sizeof(op));
    if (op.vcpu >= w->nr_vcpus) {
        want = -XEN_ENOENT;
    } else if (op.vector < 0x10) {
        want = -XEN_EINVAL;
    }
    if (want != -XEN_ENOENT || op.vector >= 0x10) {
        EXPECT(w, ret, want);
    }
}

static void act_assist(World *w)
{
    world_call(w, __HYPERVISOR_vm_assist, draw(w, 3),
               one_in(w, 3) ? draw(w, 7) : VMASST_TYPE_runstate_update_flag, 0);
}

/* Registers for a vCPU that never ran, mostly good ones. */
static void act_initialise(World *w)
{
    struct vcpu_hvm_context op = {.mode = VCPU_HVM_MODE_32B};
    uint32_t vcpu = draw_vcpu(w);
    int64_t ret;

    op.cpu_regs.x86_32.cr0 = 1;
    op.cpu_regs.x86_32.cs_limit = op.cpu_regs.x86_32.ds_limit =
        op.cpu_regs.x86_32.ss_limit = op.cpu_regs.x86_32.es_limit = UINT32_MAX;
    op.cpu_regs.x86_32.tr_limit = 0x67;
    op.cpu_regs.x86_32.cs_ar = 0xc9b;
    op.cpu_regs.x86_32.ds_ar = op.cpu_regs.x86_32.ss_ar =
        op.cpu_regs.x86_32.es_ar = 0xc93;
    op.cpu_regs.x86_32.tr_ar = 0x8b;
    if (one_in(w, 3)) {
        ((uint8_t *)&op)[draw(w, sizeof(op))] ^= 1u << draw(w, 8);
    }
    ret = vcpu_op(w, VCPUOP_initialise, vcpu, &op, sizeof(op));
    if (vcpu >= w->nr_vcpus) {
        EXPECT(w, ret, -XEN_ENOENT);
    } else if (w->at[vcpu] == VCPU_RUNS) {
        EXPECT(w, ret < 0, true);
    }
}

static const Action actions[] = {
    {"vcpu_info", 3, act_vcpu_info}, {"linear_area", 4, act_linear_area},
    {"phys_area", 5, act_phys_area}, {"timer", 10, act_timer},
    {"state", 6, act_state},         {"sched", 8, act_sched},
    {"shutdown", 1, act_shutdown},   {"halt", 6, act_halt},
    {"init", 2, act_init},           {"initialise", 3, act_initialise},
    {"upcall", 6, act_upcall},       {"assist", 1, act_assist},
};

const ActionTable vcpu_actions = {actions, G_N_ELEMENTS(actions)};
