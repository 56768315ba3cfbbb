/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical interrupts of the state-machine fuzz: the machine's lines and
 * messages go up and down while the guest maps, binds and ends them.
 */
#include "tests/fuzz/fuzz-domain.h"

#include "hw/xen/pirq.h"

#define PHYSDEV __HYPERVISOR_physdev_op
#define NR_GSIS 24u

static void act_map(World *w)
{
    struct physdev_map_pirq op = {
        .domid = draw_domid(w),
        .type = one_in(w, 4) ? (int)draw(w, 5) : MAP_PIRQ_TYPE_GSI,
        .index = (int)draw(w, NR_GSIS + 2),
        .pirq = one_in(w, 2) ? -1 : (int)draw(w, 40),
    };

    world_op(w, PHYSDEV, PHYSDEVOP_map_pirq, &op, sizeof(op));
}

static void act_unmap(World *w)
{
    struct physdev_unmap_pirq op = {draw_domid(w), (int)draw(w, 40)};

    world_op(w, PHYSDEV, PHYSDEVOP_unmap_pirq, &op, sizeof(op));
}

static void act_bind(World *w)
{
    struct evtchn_bind_pirq op = {(uint32_t)draw(w, 40), (uint32_t)draw(w, 2),
                                  0};

    world_op(w, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, &op,
             sizeof(op));
    world_resync(w);
}

static void act_query(World *w)
{
    struct physdev_irq_status_query op = {(uint32_t)draw(w, 40), 0};
    static const uint8_t cmds[] = {PHYSDEVOP_eoi, PHYSDEVOP_irq_status_query,
                                   PHYSDEVOP_get_free_pirq};

    world_op(w, PHYSDEV,
             one_in(w, 8) ? draw(w, 40) : cmds[draw(w, G_N_ELEMENTS(cmds))],
             &op, sizeof(op));
}

static void act_line(World *w)
{
    xen_domain_gsi(w->g->d, (unsigned)draw(w, NR_GSIS), one_in(w, 2));
}

static void act_message(World *w)
{
    uint64_t addr = 0xfee00000u | draw(w, 40) << 12 |
                    (one_in(w, 4) ? draw_edge(w) << 32 : 0);
    uint32_t data = one_in(w, 2) ? 0 : (uint32_t)draw_edge(w);
    bool takes = xen_domain_takes_msi(w->g->d, addr, data);

    EXPECT(w, xen_domain_msi(w->g->d, addr, data), takes);
}

static const Action actions[] = {
    {"map_pirq", 4, act_map},   {"unmap_pirq", 2, act_unmap},
    {"bind_pirq", 4, act_bind}, {"pirq_query", 3, act_query},
    {"line", 4, act_line},      {"message", 3, act_message},
};

const ActionTable pirq_actions = {actions, G_N_ELEMENTS(actions)};
