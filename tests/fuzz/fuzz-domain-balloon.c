/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ballooning in the state-machine fuzz: frames go and come back, and what is
 * known of each must be true of what the guest sees there.
 */
#include <string.h>

#include "hw/xen/abi/compat-memory.h"
#include "tests/fuzz/fuzz-domain.h"

#define MEMORY   __HYPERVISOR_memory_op
#define GFN      0xa0u
#define LIST_MAX 4u

static uint64_t mark_of(const World *w, unsigned i)
{
    return 0xb0a7000000000000ull | (uint64_t)w->frame_marks[i] << 8 | i;
}

static void mark(World *w, unsigned i)
{
    w->frame_marks[i]++;
    fake_host_poke64(w->g->fake, (uint64_t)(GFN + i) << HOST_PAGE_SHIFT,
                     mark_of(w, i));
}

void balloon_forget(World *w)
{
    w->frames_known = true;
    memset(w->frame_gone, 0, sizeof(w->frame_gone));
    for (unsigned i = 0; i < FUZZ_NR_BALLOON; i++) {
        mark(w, i);
    }
}

static unsigned frames_gone(const World *w)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FUZZ_NR_BALLOON; i++) {
        n += w->frame_gone[i];
    }
    return n;
}

void balloon_check(World *w)
{
    unsigned i = w->step % FUZZ_NR_BALLOON;
    Host *host = fake_host_ops(w->g->fake);
    domid_t self = DOMID_SELF;
    uint64_t value;
    bool reads;

    if (!w->frames_known) {
        return;
    }
    reads = host->ops->mem.phys_read(
        host, (GuestPhys){(uint64_t)(GFN + i) << HOST_PAGE_SHIFT}, &value,
        sizeof(value));
    g_assert_cmpint(reads, ==, !w->frame_gone[i]);
    if (reads) {
        g_assert_cmphex(value, ==, mark_of(w, i));
    }
    w->g->vcpu = 0;
    g_assert_cmpint(xen_guest_op(w->g, MEMORY, XENMEM_current_reservation,
                                 &self, sizeof(self)),
                    ==, XEN_GUEST_FRAMES - frames_gone(w));
}

/* Frames drawn, each once, in the caller's layout at XEN_GUEST_BUF. */
static unsigned list_draw(World *w, unsigned *list, bool gone)
{
    bool compat = w->compat[w->g->vcpu];
    unsigned n = 0;

    for (unsigned k = 0; k < 8 && n < LIST_MAX; k++) {
        unsigned i = (unsigned)draw(w, FUZZ_NR_BALLOON);
        bool listed = w->frame_gone[i] != gone;

        for (unsigned j = 0; j < n; j++) {
            listed |= list[j] == i;
        }
        if (!listed) {
            uint64_t at = XEN_GUEST_BUF + n * (compat ? 4 : 8);

            if (compat) {
                fake_host_poke32(w->g->fake, at, GFN + i);
            } else {
                fake_host_poke64(w->g->fake, at, GFN + i);
            }
            list[n++] = i;
        }
    }
    return n;
}

static int64_t reservation(World *w, uint64_t cmd, unsigned nr)
{
    struct xen_memory_reservation op = {.nr_extents = nr, .domid = DOMID_SELF};
    XenCompatMemoryReservation compat = {
        .extent_start = XEN_GUEST_BUF, .nr_extents = nr, .domid = DOMID_SELF};

    set_xen_guest_handle(op.extent_start, (void *)(uintptr_t)XEN_GUEST_BUF);
    return w->compat[w->g->vcpu]
               ? world_op(w, MEMORY, cmd, &compat, sizeof(compat))
               : world_op(w, MEMORY, cmd, &op, sizeof(op));
}

static void balloon(World *w, uint64_t cmd, bool gone)
{
    unsigned list[LIST_MAX], n;
    int64_t ret;

    if (!w->frames_known) {
        return;
    }
    n = list_draw(w, list, gone);
    ret = reservation(w, cmd, n);
    EXPECT(w, ret, n);
    for (unsigned k = 0; k < n && k < (unsigned)ret; k++) {
        w->frame_gone[list[k]] = !gone;
        if (gone) {
            EXPECT(
                w,
                (int64_t)fake_host_peek64(w->g->fake, (uint64_t)(GFN + list[k])
                                                          << HOST_PAGE_SHIFT),
                0);
            mark(w, list[k]);
        }
    }
}

static void act_decrease(World *w)
{
    balloon(w, XENMEM_decrease_reservation, false);
}

static void act_populate(World *w)
{
    balloon(w, XENMEM_populate_physmap, true);
}

/* What is not there cannot go, nor be moved. */
static void act_absent(World *w)
{
    unsigned i = (unsigned)draw(w, FUZZ_NR_BALLOON);
    struct xen_remove_from_physmap op = {DOMID_SELF, GFN + i};

    if (w->frames_known && w->frame_gone[i] && !w->compat[w->g->vcpu]) {
        EXPECT(w,
               world_op(w, MEMORY, XENMEM_remove_from_physmap, &op, sizeof(op)),
               -XEN_ENOENT);
    }
}

/* What members of memory_op's arguments are made of. */
static uint64_t draw_word(World *w)
{
    switch (draw(w, 6)) {
    case 0:
        return DOMID_SELF | draw(w, 6) << 16;
    case 1:
        return draw(w, 8) | DOMID_SELF << 16;
    case 2:
        return XEN_GUEST_BUF;
    case 3:
        return draw_edge(w);
    case 4:
        return draw(w, 6);
    default:
        return GFN + draw(w, FUZZ_NR_BALLOON);
    }
}

/* Any memory operation: afterwards nothing is known of memory. */
static void act_any(World *w)
{
    uint64_t words[8];

    if (!w->wild) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        words[i] = draw_word(w);
    }
    fake_host_poke(w->g->fake, XEN_GUEST_ARG, words, sizeof(words));
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        words[i] = GFN + draw(w, FUZZ_NR_BALLOON);
    }
    fake_host_poke(w->g->fake, XEN_GUEST_BUF, words, sizeof(words));
    world_call(w, MEMORY, draw(w, 30) | (one_in(w, 8) ? draw(w, 99) << 6 : 0),
               XEN_GUEST_ARG, 0);
    w->shinfo_known = w->overlays_known = w->pins_known = false;
    w->frames_known = false;
    w->grant_version = 0;
}

static const Action actions[] = {
    {"decrease", 5, act_decrease},
    {"populate", 5, act_populate},
    {"absent", 1, act_absent},
    {"any_memory", 3, act_any},
};

const ActionTable balloon_actions = {actions, G_N_ELEMENTS(actions)};
