/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's own use of its grants in the state-machine fuzz: it grants
 * frames to itself, maps them at others, and copies.
 */
#include <string.h>

#include "tests/fuzz/fuzz-domain.h"

#define GRANT __HYPERVISOR_grant_table_op
/* Entries, what they grant, and where it is mapped. */
#define REF_FIRST   24u
#define REF_NR      6u
#define GRANTED_GFN 0x54u
#define GRANTED_NR  4u
#define WINDOW_GFN  0x90u
#define WINDOW_NR   12u

void grant_forget(World *w)
{
    memset(w->guest_maps, 0, sizeof(w->guest_maps));
}

unsigned grant_pins(const World *w)
{
    unsigned pins = 0;

    for (uint32_t ref = REF_FIRST; ref < REF_FIRST + REF_NR; ref++) {
        bool used = false;

        for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
            used |= w->guest_maps[i].used && w->guest_maps[i].ref == ref;
        }
        pins += used;
    }
    return pins;
}

static unsigned nr_maps(const World *w)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        n += w->guest_maps[i].used;
    }
    return n;
}

/* Both ends of a mapping are one page; nothing is mapped that is not known. */
void grant_check(World *w)
{
    const FuzzGuestMap *m = &w->guest_maps[w->step % FUZZ_NR_MAPPED];
    uint8_t at_home[HOST_PAGE_SIZE], at_window[HOST_PAGE_SIZE];

    if (!w->pins_known) {
        return;
    }
    g_assert_cmpuint(fake_host_alive(w->g->fake).aliases, ==, nr_maps(w));
    if (m->used) {
        fake_host_peek(w->g->fake, m->frame << HOST_PAGE_SHIFT, at_home,
                       sizeof(at_home));
        fake_host_peek(w->g->fake, m->gfn << HOST_PAGE_SHIFT, at_window,
                       sizeof(at_window));
        g_assert_cmpmem(at_home, sizeof(at_home), at_window, sizeof(at_window));
    }
}

static void act_entry(World *w)
{
    uint32_t ref = REF_FIRST + (uint32_t)draw(w, REF_NR);
    struct grant_entry_v1 entry = {
        .flags = one_in(w, 8) ? (uint16_t)draw(w, 0x100) : GTF_permit_access,
        .domid = one_in(w, 8) ? draw_domid(w) : XEN_GUEST_DOMID,
        .frame = GRANTED_GFN + (uint32_t)draw(w, GRANTED_NR),
    };
    uint64_t at = backend_entry_at(w, ref);

    if (one_in(w, 6)) {
        entry.flags |= GTF_readonly;
    }
    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        if (w->guest_maps[i].used && w->guest_maps[i].ref == ref) {
            return; /* a guest that keeps to the rules waits */
        }
    }
    if (at && w->grant_version == 1) {
        fake_host_poke(w->g->fake, at, &entry, sizeof(entry));
    }
}

static bool window_taken(const World *w, uint64_t gfn)
{
    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        if (w->guest_maps[i].used && w->guest_maps[i].gfn == gfn) {
            return true;
        }
    }
    return false;
}

/* What the entry of version 1 says of a mapping. */
static int16_t status_expected(World *w, const struct gnttab_map_grant_ref *op,
                               const struct grant_entry_v1 *entry)
{
    uint64_t gfn = op->host_addr >> HOST_PAGE_SHIFT;

    if ((entry->flags & GTF_type_mask) != GTF_permit_access ||
        entry->domid != XEN_GUEST_DOMID ||
        (!(op->flags & GNTMAP_readonly) && (entry->flags & GTF_readonly)) ||
        window_taken(w, gfn)) {
        return GNTST_general_error;
    }
    return GNTST_okay;
}

static FuzzGuestMap *free_map(World *w)
{
    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        if (!w->guest_maps[i].used) {
            return &w->guest_maps[i];
        }
    }
    return NULL;
}

static void act_map(World *w)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = (WINDOW_GFN + draw(w, WINDOW_NR)) << HOST_PAGE_SHIFT,
        .flags = GNTMAP_host_map | (one_in(w, 2) ? GNTMAP_readonly : 0),
        .ref = REF_FIRST + (uint32_t)draw(w, REF_NR),
        .dom = XEN_GUEST_DOMID,
    };
    uint64_t at = backend_entry_at(w, op.ref);
    FuzzGuestMap *m = free_map(w);
    struct grant_entry_v1 entry;

    if (!w->pins_known || !m || !at || w->grant_version != 1) {
        return;
    }
    fake_host_peek(w->g->fake, at, &entry, sizeof(entry));
    if (EXPECT_OK(
            w, world_op(w, GRANT, GNTTABOP_map_grant_ref, &op, sizeof(op)))) {
        EXPECT(w, op.status, status_expected(w, &op, &entry));
        if (op.status == GNTST_okay) {
            *m = (FuzzGuestMap){true, op.handle, op.ref,
                                op.host_addr >> HOST_PAGE_SHIFT, entry.frame};
        }
    }
}

static void act_unmap(World *w)
{
    FuzzGuestMap *m = &w->guest_maps[draw(w, FUZZ_NR_MAPPED)];
    struct gnttab_unmap_grant_ref op = {.host_addr = m->gfn << HOST_PAGE_SHIFT,
                                        .handle = m->handle};

    if (!w->pins_known || !m->used) {
        return;
    }
    if (one_in(w, 8)) {
        op.handle = 100000 + (uint32_t)draw(w, 1000);
    }
    if (EXPECT_OK(
            w, world_op(w, GRANT, GNTTABOP_unmap_grant_ref, &op, sizeof(op)))) {
        EXPECT(w, op.status,
               op.handle == m->handle ? GNTST_okay : GNTST_bad_handle);
        m->used = op.status != GNTST_okay;
    }
}

static void copy_end(World *w, struct gnttab_copy_ptr *p, bool gref)
{
    p->domid = DOMID_SELF;
    if (gref) {
        p->u.ref = REF_FIRST + (uint32_t)draw(w, REF_NR);
    } else {
        p->u.gmfn = GRANTED_GFN + draw(w, GRANTED_NR);
    }
    p->offset = (uint16_t)draw(w, HOST_PAGE_SIZE);
}

static void act_copy(World *w)
{
    struct gnttab_copy op = {.flags = (uint16_t)draw(w, 4), .status = 1};

    copy_end(w, &op.source, op.flags & GNTCOPY_source_gref);
    copy_end(w, &op.dest, op.flags & GNTCOPY_dest_gref);
    op.len = (uint16_t)draw(w, HOST_PAGE_SIZE);
    if (w->compat[w->g->vcpu]) {
        return; /* of another layout: batches have those */
    }
    if (EXPECT_OK(w, world_op(w, GRANT, GNTTABOP_copy, &op, sizeof(op)))) {
        EXPECT(w, op.status <= 0, true);
    }
}

static const Action actions[] = {
    {"self_entry", 6, act_entry},
    {"self_map", 8, act_map},
    {"self_unmap", 5, act_unmap},
    {"self_copy", 4, act_copy},
};

const ActionTable grant_actions = {actions, G_N_ELEMENTS(actions)};
