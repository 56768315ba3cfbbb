/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the state-machine fuzz: overlays over frames whose content is
 * known, and must be there again when they are gone.
 */
#include <string.h>

#include "tests/fuzz/fuzz-domain.h"
#include "tests/unit/fake-snapshot.h"

#define MEMORY __HYPERVISOR_memory_op
#define GRANT  __HYPERVISOR_grant_table_op

static void pattern(uint64_t gfn, uint8_t *page)
{
    memset(page, 0x80 | (int)(gfn & 0x7f), HOST_PAGE_SIZE);
}

void memory_forget(World *w)
{
    uint8_t page[HOST_PAGE_SIZE];

    for (uint64_t i = 0; i < FUZZ_OVERLAY_NR; i++) {
        pattern(FUZZ_OVERLAY_GFN + i, page);
        fake_host_poke(w->g->fake, (FUZZ_OVERLAY_GFN + i) << HOST_PAGE_SHIFT,
                       page, sizeof(page));
    }
    w->shinfo_mapped = w->shinfo_32 = false;
    w->shinfo_known = w->overlays_known = w->pins_known = true;
    memset(w->grant_mapped, 0, sizeof(w->grant_mapped));
}

static bool frame_taken(World *w, uint64_t gfn)
{
    bool taken = w->shinfo_mapped && w->shinfo_gfn == gfn;

    for (unsigned i = 0; i < FUZZ_NR_GRANTS; i++) {
        taken |= w->grant_mapped[i] && w->grant_gfn[i] == gfn;
    }
    return taken;
}

void memory_check(World *w)
{
    uint64_t gfn = FUZZ_OVERLAY_GFN + w->step % FUZZ_OVERLAY_NR;
    uint8_t page[HOST_PAGE_SIZE], want[HOST_PAGE_SIZE];
    unsigned mapped = 2 + fake_host_alive(w->g->fake).aliases; /* the rings' */

    if (!w->overlays_known) {
        return;
    }
    pattern(gfn, want);
    fake_host_peek_beneath(w->g->fake, gfn, page);
    g_assert_cmpmem(page, sizeof(page), want, sizeof(want));
    g_assert_cmpuint(fake_host_overlays_at(w->g->fake, gfn), ==,
                     frame_taken(w, gfn));
    mapped += w->shinfo_mapped;
    for (unsigned i = 0; i < FUZZ_NR_GRANTS; i++) {
        mapped += w->grant_mapped[i];
    }
    g_assert_cmpuint(fake_host_overlays_mapped(w->g->fake), ==, mapped);
}

/* A frame for an overlay that has none yet. */
static uint64_t draw_free_frame(World *w)
{
    uint64_t gfn;

    do {
        gfn = FUZZ_OVERLAY_GFN + draw(w, FUZZ_OVERLAY_NR);
    } while (frame_taken(w, gfn));
    return gfn;
}

static unsigned grants_mapped(const World *w)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FUZZ_NR_GRANTS; i++) {
        n += w->grant_mapped[i];
    }
    return n;
}

static void act_map(World *w)
{
    struct xen_add_to_physmap op = {
        .domid = draw_domid(w),
        .space =
            one_in(w, 2) ? XENMAPSPACE_shared_info : XENMAPSPACE_grant_table,
        .gpfn = draw_free_frame(w),
    };
    XenCompatAddToPhysmap op32;
    int64_t ret;

    if (op.space == XENMAPSPACE_grant_table) {
        op.idx = one_in(w, 10) ? draw_edge(w) : draw(w, 4);
    } else if (one_in(w, 12)) {
        op.idx = draw_edge(w);
    }
    if (grants_mapped(w) > FUZZ_OVERLAY_NR - 4 &&
        !w->grant_mapped[op.idx % 64]) {
        return;
    }
    op32 = (XenCompatAddToPhysmap){op.domid, 0, op.space, (uint32_t)op.idx,
                                   (uint32_t)op.gpfn};
    if (w->compat[w->g->vcpu]) {
        op.idx = op32.idx;
        ret = world_op(w, MEMORY, XENMEM_add_to_physmap, &op32, sizeof(op32));
    } else {
        ret = world_op(w, MEMORY, XENMEM_add_to_physmap, &op, sizeof(op));
    }
    if (op.domid != DOMID_SELF && op.domid != XEN_GUEST_DOMID) {
        EXPECT(w, ret, op.domid ? -XEN_ESRCH : -XEN_EPERM);
    } else if (op.space == XENMAPSPACE_shared_info) {
        EXPECT(w, ret, op.idx ? -XEN_EINVAL : 0);
        if (ret == 0) {
            w->shinfo_mapped = true;
            w->shinfo_gfn = op.gpfn;
        }
    } else if (op.idx & XENMAPIDX_grant_table_status) {
        w->overlays_known &= ret != 0; /* a status frame of version 2 */
    } else {
        EXPECT(w, ret, op.idx >= FUZZ_NR_GRANTS ? -XEN_EINVAL : 0);
        if (ret == 0) {
            w->grant_mapped[op.idx] = true;
            w->grant_gfn[op.idx] = op.gpfn;
        }
    }
}

/* Sets the layout of shared memory by the way the caller runs. */
static void act_callback(World *w)
{
    static const uint64_t vias[] = {0, 9, 0x0100000000000801,
                                    0x02000000000000f3, UINT64_MAX};
    struct xen_hvm_param op = {draw_domid(w), 0, HVM_PARAM_CALLBACK_IRQ,
                               vias[draw(w, G_N_ELEMENTS(vias))]};
    bool mine = op.domid == DOMID_SELF || op.domid == XEN_GUEST_DOMID;
    int64_t ret =
        world_op(w, __HYPERVISOR_hvm_op, HVMOP_set_param, &op, sizeof(op));

    if (mine) {
        EXPECT(w, ret, 0);
    }
    if (mine && ret == 0) {
        w->shinfo_32 = w->compat[w->g->vcpu];
        w->shinfo_known = true;
    }
}

static void act_param(World *w)
{
    struct xen_hvm_param op = {draw_domid(w), 0, 1 + (uint32_t)draw(w, 45),
                               draw_edge(w)};

    world_op(w, __HYPERVISOR_hvm_op,
             one_in(w, 2) ? HVMOP_set_param : HVMOP_get_param, &op, sizeof(op));
}

/* Those that do nothing the model would have to know. */
static void act_hvm(World *w)
{
    uint32_t words[8];

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        words[i] = one_in(w, 3) ? DOMID_SELF | 1u << 16 << draw(w, 8)
                                : (uint32_t)draw(w, 300);
    }
    world_op(w, __HYPERVISOR_hvm_op, 1 + draw(w, 26), words, sizeof(words));
}

/* Calls that change nothing, in one. */
static void act_multicall(World *w)
{
    struct multicall_entry entries[4] = {{0}};
    uint32_t compat[4][8] = {{0}};
    unsigned n = 1 + (unsigned)draw(w, 4);

    for (unsigned i = 0; i < n; i++) {
        entries[i].op =
            one_in(w, 4) ? draw(w, 40) | 64 : __HYPERVISOR_xen_version;
        entries[i].args[0] = XENVER_pagesize;
        compat[i][0] = (uint32_t)entries[i].op;
        compat[i][2] = XENVER_pagesize;
    }
    if (w->compat[w->g->vcpu]) {
        fake_host_poke(w->g->fake, XEN_GUEST_ARG, compat, sizeof(compat));
    } else {
        fake_host_poke(w->g->fake, XEN_GUEST_ARG, entries, sizeof(entries));
    }
    EXPECT(w,
           world_call(w, __HYPERVISOR_multicall, XEN_GUEST_ARG,
                      one_in(w, 9) ? UINT32_MAX : n, 0) <= 0,
           true);
}

static void act_grant_query(World *w)
{
    struct gnttab_query_size size = {.dom = draw_domid(w)};
    struct gnttab_get_version version = {.dom = draw_domid(w)};

    if (one_in(w, 2)) {
        fake_host_poke(w->g->fake, XEN_GUEST_ARG, &size, sizeof(size));
        EXPECT(w, world_call(w, GRANT, GNTTABOP_query_size, XEN_GUEST_ARG, 1),
               0);
        fake_host_peek(w->g->fake, XEN_GUEST_ARG, &size, sizeof(size));
        if (size.dom == DOMID_SELF) {
            EXPECT(w, size.status, GNTST_okay);
            EXPECT(w, size.nr_frames >= 1 && size.nr_frames <= 64, true);
        }
    } else {
        fake_host_poke(w->g->fake, XEN_GUEST_ARG, &version, sizeof(version));
        world_call(w, GRANT, GNTTABOP_get_version, XEN_GUEST_ARG, 1);
    }
}

static void act_version(World *w)
{
    world_call(w, __HYPERVISOR_xen_version, draw(w, 14), draw_address(w), 0);
}

static const Action actions[] = {
    {"map", 8, act_map},
    {"callback", 5, act_callback},
    {"param", 3, act_param},
    {"hvm", 4, act_hvm},
    {"multicall", 2, act_multicall},
    {"grant_query", 2, act_grant_query},
    {"version", 2, act_version},
};

const ActionTable memory_actions = {actions, G_N_ELEMENTS(actions)};
