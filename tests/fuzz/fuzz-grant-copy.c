/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's grant table against a guest that maps, copies, swaps and changes
 * versions while it scribbles over its entries, and against a domain 0 that
 * uses the same entries: as many pages stay pinned as entries are in use, and
 * none after a reset.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "hw/xen/abi/compat-grant.h"
#include "hw/xen/backend.h"
#include "tests/unit/grant-guest.h"

#define GNT        __HYPERVISOR_grant_table_op
#define NR_HANDLES 8u
#define NR_REFS    32u /* entries the guest plays with, and the next one */
#define AT_GFN     0x90u

/* A mapping that one side made. */
typedef struct Mapping {
    bool used;
    uint32_t ref;
    uint32_t handle;
    bool write;
    HostPage *page; /* domain 0's */
} Mapping;

typedef struct Fuzz {
    XenGuest *g;
    FuzzInput in;
    Mapping own[NR_HANDLES], dom0[NR_HANDLES];
} Fuzz;

static const uint16_t domids[] = {XEN_GUEST_DOMID, DOMID_SELF, 0, 0x1234};
static const uint64_t frames[] = {GRANT_GUEST_PAGE, GRANT_GUEST_OTHER,
                                  XEN_GUEST_UNMAPPED, XEN_GUEST_READONLY,
                                  GRANT_GUEST_TABLE, AT_GFN, XEN_STORE_GFN,
                                  UINT64_MAX};

static uint32_t draw_ref(Fuzz *f)
{
    uint8_t x = fuzz_u8(&f->in);

    return x == 0xff ? 512 : x % NR_REFS;
}

static uint16_t draw_domid(Fuzz *f)
{
    return domids[fuzz_u8(&f->in) % G_N_ELEMENTS(domids)];
}

static uint64_t draw_frame(Fuzz *f)
{
    return frames[fuzz_u8(&f->in) % G_N_ELEMENTS(frames)];
}

/* Pinned pages and aliases are those of entries in use, by either side. */
static void check(Fuzz *f)
{
    FakeHostAlive alive = fake_host_alive(f->g->fake);
    bool in_use[513] = {false};
    unsigned refs = 0, aliases = 0;

    for (unsigned i = 0; i < NR_HANDLES; i++) {
        if (f->own[i].used) {
            aliases++;
            in_use[f->own[i].ref] = true;
        }
        if (f->dom0[i].used) {
            in_use[f->dom0[i].ref] = true;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(in_use); i++) {
        refs += in_use[i];
    }
    g_assert_cmpuint(alive.pins, ==, refs);
    g_assert_cmpuint(alive.aliases, ==, aliases);
}

static void scribble(Fuzz *f)
{
    uint32_t ref = draw_ref(f) % NR_REFS;
    uint8_t flags = fuzz_u8(&f->in);

    grant_guest_entry(f->g, ref, (flags & 0x1f) | (flags & 0x20) << 3,
                      draw_domid(f), draw_frame(f));
}

static void scribble_bytes(Fuzz *f)
{
    uint64_t gfn = fuzz_u8(&f->in) & 1 ? GRANT_GUEST_TABLE : GRANT_GUEST_STATUS;
    uint64_t off = fuzz_u32(&f->in) % (NR_REFS * 16);

    fake_host_poke32(f->g->fake, (gfn << HOST_PAGE_SHIFT) + (off & ~3u),
                     fuzz_u32(&f->in));
}

static void map(Fuzz *f)
{
    unsigned slot = fuzz_u8(&f->in) % NR_HANDLES;
    Mapping *m = &f->own[slot];
    struct gnttab_map_grant_ref op = {
        .host_addr = (uint64_t)(AT_GFN + slot) << HOST_PAGE_SHIFT,
        .flags = GNTMAP_host_map | (fuzz_u8(&f->in) & GNTMAP_readonly),
        .ref = draw_ref(f),
        .dom = draw_domid(f),
    };

    g_assert_cmpint(
        xen_guest_op(f->g, GNT, GNTTABOP_map_grant_ref, &op, sizeof(op)), ==,
        0);
    if (op.status == GNTST_okay) {
        g_assert_false(m->used);
        *m = (Mapping){.used = true, .ref = op.ref, .handle = op.handle};
    }
}

static void unmap(Fuzz *f)
{
    unsigned slot = fuzz_u8(&f->in) % NR_HANDLES;
    Mapping *m = &f->own[slot];
    struct gnttab_unmap_grant_ref op = {
        .host_addr = (uint64_t)(AT_GFN + slot) << HOST_PAGE_SHIFT,
        .handle = m->used ? m->handle : fuzz_u32(&f->in) | 0x8000,
    };

    g_assert_cmpint(
        xen_guest_op(f->g, GNT, GNTTABOP_unmap_grant_ref, &op, sizeof(op)), ==,
        0);
    g_assert_cmpint(op.status, ==, m->used ? GNTST_okay : GNTST_bad_handle);
    m->used = false;
}

static void copy(Fuzz *f)
{
    uint16_t flags = fuzz_u8(&f->in) & 3;
    uint32_t source = flags & GNTCOPY_source_gref ? draw_ref(f)
                                                  : (uint32_t)draw_frame(f);
    uint32_t dest = flags & GNTCOPY_dest_gref ? draw_ref(f)
                                              : (uint32_t)draw_frame(f);
    XenCompatGrantCopy op = {
        .source = {source, draw_domid(f), (uint16_t)fuzz_u32(&f->in)},
        .dest = {dest, draw_domid(f), (uint16_t)fuzz_u32(&f->in)},
        .len = (uint16_t)fuzz_u32(&f->in),
        .flags = flags,
    };
    struct gnttab_copy native = {
        .source = {{op.source.ref}, op.source.domid, op.source.offset},
        .dest = {{op.dest.ref}, op.dest.domid, op.dest.offset},
        .len = op.len,
        .flags = op.flags,
    };

    /* The table's own pages are the guest's to overwrite, but not here. */
    if (!(flags & GNTCOPY_dest_gref) && dest == GRANT_GUEST_TABLE) {
        return;
    }
    if (f->g->compat) {
        xen_guest_op(f->g, GNT, GNTTABOP_copy, &op, sizeof(op));
    } else {
        xen_guest_op(f->g, GNT, GNTTABOP_copy, &native, sizeof(native));
    }
}

static void swap(Fuzz *f)
{
    struct gnttab_swap_grant_ref op = {draw_ref(f), draw_ref(f), 0};

    xen_guest_op(f->g, GNT, GNTTABOP_swap_grant_ref, &op, sizeof(op));
}

static void set_version(Fuzz *f)
{
    struct gnttab_set_version op = {fuzz_u8(&f->in) % 4};

    xen_guest_op(f->g, GNT, GNTTABOP_set_version, &op, sizeof(op));
    if (op.version == 2) {
        grant_guest_lay(f->g, XENMAPIDX_grant_table_status,
                        GRANT_GUEST_STATUS);
    }
}

static void dom0_map(Fuzz *f)
{
    Mapping *m = &f->dom0[fuzz_u8(&f->in) % NR_HANDLES];
    bool write = fuzz_u8(&f->in) & 1;
    uint32_t ref = draw_ref(f);
    int16_t status;
    HostPage *page;

    if (m->used) {
        xen_backend_grant_unmap(f->g->d, m->ref, m->page, m->write);
        m->used = false;
    }
    page = xen_backend_grant_map(f->g->d, ref, write, &status);
    g_assert_true((page != NULL) == (status == GNTST_okay));
    if (page) {
        *m = (Mapping){.used = true, .ref = ref, .write = write, .page = page};
    }
}

static void dom0_copy(Fuzz *f)
{
    uint8_t buf[HOST_PAGE_SIZE] = {0};
    uint16_t off = fuzz_u32(&f->in) % (HOST_PAGE_SIZE + 1);
    uint16_t len = fuzz_u32(&f->in) % (HOST_PAGE_SIZE + 1 - off);

    xen_backend_grant_copy(f->g->d, draw_ref(f), off, buf, len,
                           fuzz_u8(&f->in) & 1);
}

static void lay(Fuzz *f)
{
    g_assert_cmpint(grant_guest_lay(f->g, 0, GRANT_GUEST_TABLE), ==, 0);
}

static void reset(Fuzz *f)
{
    xen_domain_reset(f->g->d);
    memset(f->own, 0, sizeof(f->own));
    memset(f->dom0, 0, sizeof(f->dom0));
    lay(f);
}

/* Domain 0's mappings do not migrate. */
static void round_trip(Fuzz *f)
{
    g_autoptr(GByteArray) state = xen_guest_save(f->g);
    StateReader *r;

    xen_domain_reset(f->g->d);
    r = state_reader_new(state->data, state->len);
    xen_domain_load(f->g->d, r);
    g_assert_true(state_reader_finish(r, NULL));
    memset(f->dom0, 0, sizeof(f->dom0));
}

static void step(Fuzz *f)
{
    static void (*const ops[])(Fuzz *f) = {
        scribble, scribble_bytes, map,  unmap, copy,  copy,       swap,
        dom0_map, dom0_copy,      copy, map,   reset, round_trip, set_version,
    };
    uint8_t op = fuzz_u8(&f->in);

    if (op & 0x80) {
        f->g->compat = op & 0x40;
    }
    if (op == 0x7f) {
        fake_host_fail_nth(f->g->fake, 1 + fuzz_u8(&f->in) % 8);
        copy(f);
        fake_host_fail_nth(f->g->fake, 0);
    } else {
        ops[(op & 0x3f) % G_N_ELEMENTS(ops)](f);
    }
    check(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Fuzz f = {.g = xen_guest_new(1, 17), .in = {data, size}};

    fake_host_set_tracing(f.g->fake, false);
    grant_guest_setup(f.g, 1);
    while (f.in.left) {
        step(&f);
    }
    reset(&f);
    check(&f);
    xen_guest_free(f.g);
    return 0;
}
