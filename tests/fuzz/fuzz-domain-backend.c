/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain 0 in the state-machine fuzz: back ends bind ports, map and copy what
 * the guest grants, while the guest rewrites its entries.
 */
#include <string.h>

#include "hw/xen/backend.h"
#include "tests/fuzz/fuzz-domain.h"

#define GRANT __HYPERVISOR_grant_table_op
/* Entries that are played with, beyond those the toolstack fills in. */
#define REF_FIRST 8u
#define REF_NR    12u

static void on_event(void *opaque)
{
    World *w = opaque;

    w->backend_calls++;
}

void backend_forget(World *w)
{
    memset(w->mapped, 0, sizeof(w->mapped));
    w->grant_version = 1;
}

static bool ref_mapped(const World *w, uint32_t ref)
{
    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        if (w->mapped[i].page && w->mapped[i].ref == ref) {
            return true;
        }
    }
    return false;
}

unsigned backend_pins(const World *w)
{
    unsigned pins = 0;

    for (uint32_t ref = 0; ref < REF_FIRST + REF_NR; ref++) {
        pins += ref_mapped(w, ref);
    }
    return pins;
}

void backend_reconnect(World *w)
{
    memset(w->mapped, 0, sizeof(w->mapped));
    for (uint32_t i = 0; i < w->nr_valid; i++) {
        if (w->ports[i].own_backend) {
            unsigned calls = w->backend_calls;

            g_assert_cmpint(xen_backend_bind(w->g->d, i, on_event, w), ==, 0);
            g_assert_cmpuint(w->backend_calls, ==, calls + 1);
        }
    }
}

uint64_t backend_entry_at(World *w, uint32_t ref)
{
    if (!w->grant_mapped[0] || !w->overlays_known || w->grant_version == 0) {
        return 0;
    }
    return (w->grant_gfn[0] << HOST_PAGE_SHIFT) +
           ref * (w->grant_version == 1 ? sizeof(struct grant_entry_v1)
                                        : sizeof(union grant_entry_v2));
}

/* Flags that show a use: the guest can rely on them. */
void backend_check(World *w)
{
    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        const FuzzMapping *m = &w->mapped[i];
        uint16_t flags;

        if (!m->page || !m->flags_kept || w->grant_version != 1 ||
            !backend_entry_at(w, m->ref)) {
            continue;
        }
        fake_host_peek(w->g->fake, backend_entry_at(w, m->ref), &flags,
                       sizeof(flags));
        g_assert_true(flags & GTF_reading);
        g_assert_true(!m->write || (flags & GTF_writing));
    }
}

static void act_bind(World *w)
{
    uint32_t port = draw_port(w);
    ModelPort *p = port < w->nr_valid ? &w->ports[port] : NULL;
    unsigned calls = w->backend_calls;
    int want = -XEN_EINVAL;

    if (p && p->dom == 0 && p->kind == PORT_UNBOUND) {
        want = 0;
    }
    EXPECT(w, xen_backend_bind(w->g->d, port, on_event, w), want);
    EXPECT(w, w->backend_calls - calls, want == 0);
    if (want == 0) {
        p->kind = PORT_INTERDOMAIN;
        p->peer = port;
        p->own_backend = true;
    }
}

static void act_unbind(World *w)
{
    uint32_t port = draw_port(w);

    xen_backend_unbind(w->g->d, port);
    if (port < w->nr_valid && w->ports[port].own_backend) {
        w->ports[port].kind = PORT_UNBOUND;
        w->ports[port].peer = 0;
        w->ports[port].own_backend = false;
    }
}

static void act_notify(World *w)
{
    uint32_t port = draw_port(w);
    bool bound = port < w->nr_valid && w->ports[port].own_backend;

    EXPECT(w, xen_backend_notify(w->g->d, port), bound ? 0 : -XEN_EINVAL);
}

static void act_entry(World *w)
{
    static const uint64_t frames[] = {
        0x50, 0x51, 0x52, 0x53, XEN_GUEST_UNMAPPED, XEN_GUEST_READONLY};
    uint32_t ref = REF_FIRST + (uint32_t)draw(w, REF_NR);
    struct grant_entry_v1 v1 = {
        .flags = one_in(w, 5) ? (uint16_t)draw(w, 0x1000) : GTF_permit_access,
        .domid = one_in(w, 8) ? draw_domid(w) : 0,
        .frame = (uint32_t)frames[draw(w, one_in(w, 6) ? 6 : 4)],
    };
    union grant_entry_v2 v2 = {
        .full_page = {.hdr = {v1.flags, v1.domid}, .frame = v1.frame}};
    uint64_t at = backend_entry_at(w, ref);

    if (one_in(w, 6)) {
        v1.flags |= GTF_readonly;
    }
    if (one_in(w, 4)) {
        v2.sub_page.page_off = (uint16_t)draw_edge(w);
        v2.sub_page.length = (uint16_t)draw_edge(w);
    }
    if (at && w->grant_version == 1) {
        fake_host_poke(w->g->fake, at, &v1, sizeof(v1));
    } else if (at) {
        fake_host_poke(w->g->fake, at, &v2, sizeof(v2));
    }
    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        if (w->mapped[i].ref == ref) {
            w->mapped[i].flags_kept = false;
        }
    }
}

static FuzzMapping *free_mapping(World *w)
{
    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        if (!w->mapped[i].page) {
            return &w->mapped[i];
        }
    }
    return NULL;
}

/* Must the first use of the entry at @at work? */
static bool entry_is_good(World *w, uint64_t at, bool write)
{
    struct grant_entry_v1 v1;

    if (!at || w->grant_version != 1) {
        return false;
    }
    fake_host_peek(w->g->fake, at, &v1, sizeof(v1));
    return (v1.flags & GTF_type_mask) == GTF_permit_access && v1.domid == 0 &&
           !(write && (v1.flags & GTF_readonly)) && v1.frame < 0x40;
}

/* Have all mappings of @ref the flags that they set? */
static bool flags_kept(const World *w, uint32_t ref)
{
    bool kept = true;

    for (unsigned i = 0; i < FUZZ_NR_MAPPED; i++) {
        const FuzzMapping *m = &w->mapped[i];

        kept &= !m->page || m->ref != ref || m->flags_kept;
    }
    return kept;
}

static void act_grant_map(World *w)
{
    FuzzMapping *m = free_mapping(w);
    uint32_t ref = one_in(w, 12) ? (uint32_t)draw_edge(w) | 1u << 20
                                 : REF_FIRST + (uint32_t)draw(w, REF_NR);
    bool write = one_in(w, 2), first = !ref_mapped(w, ref);
    int16_t status = 1;
    HostPage *page;

    if (!m) {
        return;
    }
    page = xen_backend_grant_map(w->g->d, ref, write, &status);
    g_assert_true((page != NULL) == (status == GNTST_okay));
    g_assert_cmpint(status, <=, 0);
    if (first && ref < 1u << 20 &&
        entry_is_good(w, backend_entry_at(w, ref), write)) {
        EXPECT(w, status, GNTST_okay);
    }
    if (page) {
        *m = (FuzzMapping){page, ref, write, flags_kept(w, ref)};
        fake_host_ops(w->g->fake)
            ->ops->mem.page_ptr(fake_host_ops(w->g->fake), page);
    }
}

static void act_grant_unmap(World *w)
{
    FuzzMapping *m = &w->mapped[draw(w, FUZZ_NR_MAPPED)];

    if (m->page) {
        xen_backend_grant_unmap(w->g->d, m->ref, m->page, m->write);
        m->page = NULL;
    }
}

static void act_grant_copy(World *w)
{
    uint32_t ref = REF_FIRST + (uint32_t)draw(w, REF_NR);
    uint16_t off = (uint16_t)draw(w, HOST_PAGE_SIZE);
    uint16_t len = (uint16_t)draw(w, HOST_PAGE_SIZE - off + 1u);
    uint8_t *buf = g_malloc0(HOST_PAGE_SIZE);

    g_assert_cmpint(
        xen_backend_grant_copy(w->g->d, ref, off, buf, len, one_in(w, 2)), <=,
        0);
    g_free(buf);
}

static void act_grant_version(World *w)
{
    struct gnttab_set_version op = {1 + (uint32_t)draw(w, 2)};
    bool used = backend_pins(w) + grant_pins(w) > 0;
    int64_t ret;

    if (!one_in(w, 3)) {
        return;
    }
    ret = world_op(w, GRANT, GNTTABOP_set_version, &op, sizeof(op));
    if (w->pins_known && w->grant_version) {
        if (op.version <= 2 && used && op.version != w->grant_version) {
            EXPECT(w, ret == 0, false);
        }
    }
    w->grant_version = 0; /* until it is asked for */
}

static void act_ask_version(World *w)
{
    struct gnttab_get_version op = {.dom = DOMID_SELF};

    if (world_op(w, GRANT, GNTTABOP_get_version, &op, sizeof(op)) == 0) {
        w->grant_version = op.version;
    }
}

/* Batches of operations whose elements are of the guest's making. */
static void act_batch(World *w)
{
    uint32_t words[64];
    uint64_t cmd = draw(w, 14),
             count = one_in(w, 8) ? draw_edge(w) : draw(w, 4);

    if (!w->wild) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        words[i] = one_in(w, 3)   ? DOMID_SELF
                   : one_in(w, 2) ? (uint32_t)draw(w, 24)
                                  : (uint32_t)draw_address(w);
    }
    fake_host_poke(w->g->fake, XEN_GUEST_ARG, words, sizeof(words));
    world_call(w, GRANT, cmd, XEN_GUEST_ARG, count);
    w->pins_known = w->overlays_known = w->frames_known = false;
    w->grant_version = 0;
}

static const Action actions[] = {
    {"backend_bind", 4, act_bind},
    {"backend_unbind", 2, act_unbind},
    {"backend_notify", 4, act_notify},
    {"grant_entry", 8, act_entry},
    {"grant_map", 8, act_grant_map},
    {"grant_unmap", 6, act_grant_unmap},
    {"grant_copy", 4, act_grant_copy},
    {"grant_version", 1, act_grant_version},
    {"ask_version", 2, act_ask_version},
    {"grant_batch", 1, act_batch},
};

const ActionTable backend_actions = {actions, G_N_ELEMENTS(actions)};
