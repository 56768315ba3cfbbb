/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op: reservations and the physmap. */
#include <string.h>

#include "hw/xen/abi/compat-memory.h"
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define MEM __HYPERVISOR_memory_op
/* Frames of lists, and one of the frames that tests take away. */
#define LIST     0x80000ull
#define GFN      0x90ull
#define SELF     DOMID_SELF
#define ON_VNODE (XENMEMF_exact_node(0) | XENMEMF_vnode)
#define FAR_GFN  0x12345ull
#define BAD_GVA  (XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT)
#define BAD_PTR  ((void *)(uintptr_t)BAD_GVA)
#define LIST_PTR ((void *)(uintptr_t)LIST)

static XenGuest *guest_new(bool compat)
{
    XenGuest *g = xen_guest_new(1, 17);

    g->compat = compat;
    return g;
}

static void put_gfn(XenGuest *g, unsigned i, uint64_t gfn)
{
    if (g->compat) {
        fake_host_poke32(g->fake, LIST + i * 4ull, (uint32_t)gfn);
    } else {
        fake_host_poke64(g->fake, LIST + i * 8ull, gfn);
    }
}

typedef struct Request {
    uint64_t nr;
    uint32_t order, flags;
    uint16_t domid;
    uint64_t list;
} Request;

static int64_t request(XenGuest *g, uint64_t cmd, const Request *r)
{
    struct xen_memory_reservation native = {.nr_extents = r->nr,
                                            .extent_order = r->order,
                                            .mem_flags = r->flags,
                                            .domid = r->domid};
    XenCompatMemoryReservation compat = {(uint32_t)r->list, (uint32_t)r->nr,
                                         r->order, r->flags, r->domid};

    set_xen_guest_handle(native.extent_start, (void *)(uintptr_t)r->list);
    return g->compat ? xen_guest_op(g, MEM, cmd, &compat, sizeof(compat))
                     : xen_guest_op(g, MEM, cmd, &native, sizeof(native));
}

static int64_t one(XenGuest *g, uint64_t cmd, uint64_t gfn)
{
    Request r = {1, 0, 0, DOMID_SELF, LIST};

    put_gfn(g, 0, gfn);
    return request(g, cmd, &r);
}

static int64_t figure(XenGuest *g, uint64_t cmd)
{
    domid_t self = DOMID_SELF;

    return xen_guest_op(g, MEM, cmd, &self, sizeof(self));
}

static int64_t pages(XenGuest *g)
{
    return figure(g, XENMEM_current_reservation);
}

CONFORMS(XENMEM_decrease_reservation)
CONFORMS(XENMEM_populate_physmap)
CONFORMS(XENMEM_increase_reservation)
CONFORMS(XENMEM_current_reservation)
CONFORMS(XENMEM_maximum_reservation)
static void test_page_goes_and_comes_back_zeroed(void)
{
    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest_new(compat);

        fake_host_poke32(g->fake, GFN << 12, 0x12345678);
        g_assert_cmpint(one(g, XENMEM_decrease_reservation, GFN), ==, 1);
        g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES - 1);
        g_assert_cmpint(figure(g, XENMEM_maximum_reservation), ==,
                        XEN_GUEST_FRAMES);
        g_assert_cmphex(fake_host_peek32(g->fake, GFN << 12), ==, UINT32_MAX);
        g_assert_cmpint(one(g, XENMEM_decrease_reservation, GFN), ==, 0);
        g_assert_cmpuint(fake_host_frames_moved(g->fake), ==, 1);
        g_assert_cmpint(one(g, XENMEM_populate_physmap, GFN), ==, 1);
        g_assert_cmphex(fake_host_peek32(g->fake, GFN << 12), ==, 0);
        g_assert_cmpuint(fake_host_frames_moved(g->fake), ==, 0);
        g_assert_cmpint(one(g, XENMEM_populate_physmap, FAR_GFN), ==, 0);
        g_assert_cmpint(one(g, XENMEM_increase_reservation, 0), ==, 0);
        g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES);
    }
}

static void test_page_comes_back_elsewhere(void)
{
    g_autoptr(XenGuest) g = guest_new(false);

    g_assert_cmpint(one(g, XENMEM_decrease_reservation, GFN), ==, 1);
    g_assert_cmpint(one(g, XENMEM_populate_physmap, FAR_GFN), ==, 1);
    fake_host_poke32(g->fake, FAR_GFN << 12, 7);
    g_assert_cmphex(fake_host_peek32(g->fake, FAR_GFN << 12), ==, 7);
    g_assert_cmphex(fake_host_peek32(g->fake, GFN << 12), ==, UINT32_MAX);
    g_assert_cmpint(figure(g, XENMEM_maximum_gpfn), ==, 0xfefff);
    xen_domain_reset(g->d);
    g_assert_cmpuint(fake_host_frames_moved(g->fake), ==, 0);
    g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES);
}

static void test_reservations_tell_how_far_they_came(void)
{
    static const struct {
        Request r;
        int64_t decrease, populate, increase;
    } cases[] = {
        {{4, 0, 0, DOMID_SELF, LIST}, 4, 2, 2},
        {{4, 0, 0, XEN_GUEST_DOMID, LIST}, 4, 2, 2},
        {{1, 1, 0, DOMID_SELF, LIST}, 1, 1, 1},
        {{1, 2, 0, DOMID_SELF, LIST}, 1, 0, 0},
        {{1, 9, 0, DOMID_SELF, LIST}, 0, 0, 0}, /* not so many frames */
        {{1, 10, 0, DOMID_SELF, LIST}, 0, 0, 0},
        {{1, UINT32_MAX, 0, DOMID_SELF, LIST}, 0, 0, 0},
        {{4, 0, 0, 0, LIST}, 0, 0, 0},
        {{4, 0, 0, 0x1234, LIST}, 0, 0, 0},
        {{0, 0, 0, DOMID_SELF, LIST}, 0, 0, 0},
        {{1u << 26, 0, 0, DOMID_SELF, LIST}, 0, 0, 0},
        {{4, 0, 12, DOMID_SELF, LIST}, 0, 0, 0},
        {{4, 0, 13, DOMID_SELF, LIST}, 4, 2, 2},
        {{4, 0, 64, DOMID_SELF, LIST}, 4, 2, 2},
        {{4, 0, XENMEMF_node(0), DOMID_SELF, LIST}, 4, 2, 2},
        {{4, 0, XENMEMF_exact_node(0), DOMID_SELF, LIST}, 0, 0, 0},
        {{4, 0, XENMEMF_exact_node_request, DOMID_SELF, LIST}, 4, 2, 2},
        {{4, 0, ON_VNODE, DOMID_SELF, LIST}, 4, 2, 2},
        {{4, 0, XENMEMF_populate_on_demand, DOMID_SELF, LIST}, 4, 0, 2},
        {{4, 0, 0, DOMID_SELF, BAD_GVA}, 0, 0, 2},
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        const Request *r = &cases[i / 2].r;

        for (unsigned k = 0; k < 3; k++) {
            static const uint32_t cmds[] = {XENMEM_decrease_reservation,
                                            XENMEM_populate_physmap,
                                            XENMEM_increase_reservation};
            const int64_t wants[] = {cases[i / 2].decrease,
                                     cases[i / 2].populate,
                                     cases[i / 2].increase};
            g_autoptr(XenGuest) g = guest_new(i % 2);

            g_test_message("case %u compat %u cmd %u", i / 2, i % 2, cmds[k]);
            if (k) { /* two pages are to be had */
                g_assert_cmpint(one(g, XENMEM_decrease_reservation, 0xa0), ==,
                                1);
                g_assert_cmpint(one(g, XENMEM_decrease_reservation, 0xa1), ==,
                                1);
            }
            for (unsigned n = 0; n < 4; n++) {
                put_gfn(g, n, (k ? 0xa0 : GFN) + n);
            }
            g_assert_cmpint(request(g, cmds[k], r), ==, wants[k]);
        }
    }
}

static void test_start_beyond_the_end_is_answered_itself(void)
{
    g_autoptr(XenGuest) g = guest_new(false);
    struct xen_memory_reservation r = {.nr_extents = 2, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, LIST_PTR);
    put_gfn(g, 0, 0xffffff);
    put_gfn(g, 1, GFN);
    g_assert_cmpint(xen_guest_op(g, MEM, XENMEM_decrease_reservation | 5 << 6,
                                 &r, sizeof(r)),
                    ==, 5);
    g_assert_cmpint(xen_guest_op(g, MEM, XENMEM_decrease_reservation | 1 << 6,
                                 &r, sizeof(r)),
                    ==, 2);
    g_assert_cmpint(xen_guest_call(g, MEM, XENMEM_decrease_reservation | 7 << 6,
                                   BAD_GVA, 0),
                    ==, 7);
}

/* Xen keeps a page it has references to; so what uses it stays right. */
static void test_page_in_use_stays_the_domains(void)
{
    g_autoptr(XenGuest) g = guest_new(false);
    struct vcpu_register_vcpu_info op = {GFN, 0, 0};

    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_register_vcpu_info, 0, &op, sizeof(op)), ==,
        0);
    g_assert_cmpint(one(g, XENMEM_decrease_reservation, GFN), ==, 1);
    g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES);
    g_assert_cmphex(fake_host_peek32(g->fake, GFN << 12), ==, UINT32_MAX);
    g_assert_cmpint(one(g, XENMEM_populate_physmap, GFN), ==, 0);
}

static int64_t add(XenGuest *g, uint32_t space, uint64_t idx, uint64_t gfn,
                   uint16_t size)
{
    struct xen_add_to_physmap op = {DOMID_SELF, size, space, idx, gfn};
    XenCompatAddToPhysmap compat = {DOMID_SELF, size, space, (uint32_t)idx,
                                    (uint32_t)gfn};

    return g->compat
               ? xen_guest_op(g, MEM, XENMEM_add_to_physmap, &compat,
                              sizeof(compat))
               : xen_guest_op(g, MEM, XENMEM_add_to_physmap, &op, sizeof(op));
}

CONFORMS(XENMAPSPACE_gmfn)
CONFORMS(XENMAPSPACE_gmfn_range)
static void test_pages_move_and_free_what_they_cover(void)
{
    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest_new(compat);

        fake_host_poke32(g->fake, GFN << 12, 1);
        fake_host_poke32(g->fake, (GFN + 1) << 12, 2);
        g_assert_cmpint(add(g, XENMAPSPACE_gmfn, GFN, GFN + 1, 0), ==, 0);
        g_assert_cmphex(fake_host_peek32(g->fake, (GFN + 1) << 12), ==, 1);
        g_assert_cmphex(fake_host_peek32(g->fake, GFN << 12), ==, UINT32_MAX);
        g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES - 1);
        g_assert_cmpint(add(g, XENMAPSPACE_gmfn, GFN, GFN + 1, 0), ==,
                        -XEN_EINVAL);
        /* A range goes on to where it fails: the hole at GFN. */
        g_assert_cmpint(add(g, XENMAPSPACE_gmfn_range, GFN - 2, 0xa0, 4), ==,
                        -XEN_EINVAL);
        g_assert_cmphex(fake_host_peek32(g->fake, (GFN - 1) << 12), ==,
                        UINT32_MAX);
        g_assert_cmphex(fake_host_peek32(g->fake, (GFN + 1) << 12), ==, 1);
        g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES - 3);
        /* shared_info moves as well. */
        g_assert_cmpint(add(g, XENMAPSPACE_gmfn, XEN_GUEST_SHINFO, 0xb0, 0), ==,
                        0);
        g_assert_cmphex(fake_host_peek32(g->fake, XEN_GUEST_SHINFO << 12), ==,
                        0);
    }
}

/* A guest may make up a continuation. */
static void test_ranges_that_are_none_are_refused(void)
{
    static const struct {
        uint64_t idx, gfn;
        uint16_t size;
        unsigned start;
        int64_t want;
    } cases[] = {
        {GFN, GFN, 2, 3, -XEN_EILSEQ},
        {GFN, GFN, 2, 2, 0},
        {GFN, UINT64_MAX, 2, 3, -XEN_EINVAL},
        {GFN, UINT64_MAX - 1, 2, 0, -XEN_EOVERFLOW},
        {UINT64_MAX, GFN, 1, 0, -XEN_EOVERFLOW},
        {GFN, UINT64_MAX - 1, 1, 0, -XEN_EINVAL},
        {GFN, UINT64_MAX - 1, 2, 3, -XEN_EILSEQ},
        {GFN, GFN, 0, 0, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = guest_new(false);
        struct xen_add_to_physmap op = {DOMID_SELF, cases[i].size,
                                        XENMAPSPACE_gmfn_range, cases[i].idx,
                                        cases[i].gfn};

        g_test_message("case %u", i);
        g_assert_cmpint(
            xen_guest_op(g, MEM, XENMEM_add_to_physmap | cases[i].start << 6,
                         &op, sizeof(op)),
            ==, cases[i].want);
        g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES);
    }
}

/* No frame ends a batch; so does a start that leaves nothing to do. */
CONFORMS(XENMEM_add_to_physmap_batch)
static void test_batches_end_at_no_frame(void)
{
    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest_new(compat);
        struct xen_add_to_physmap_batch op = {
            .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .size = 1};
        XenCompatAddToPhysmapBatch op32 = {
            DOMID_SELF, XENMAPSPACE_gmfn, 1, 0, LIST, LIST + 8, LIST + 16};
        void *arg = compat ? (void *)&op32 : (void *)&op;
        size_t size = compat ? sizeof(op32) : sizeof(op);

        set_xen_guest_handle(op.idxs, LIST_PTR);
        set_xen_guest_handle(op.gpfns, (void *)(LIST + 8));
        set_xen_guest_handle(op.errs, (void *)(LIST + 16));
        fake_host_poke64(g->fake, LIST, GFN);
        fake_host_poke64(g->fake, LIST + 8, UINT64_MAX);
        fake_host_poke32(g->fake, LIST + 16, 0x5555);
        g_assert_cmpint(
            xen_guest_op(g, MEM, XENMEM_add_to_physmap_batch, arg, size), ==,
            compat ? 0 : -XEN_EINVAL);
        g_assert_cmphex(fake_host_peek32(g->fake, LIST + 16), ==,
                        compat ? 0 : 0x5555);
        g_assert_cmpint(xen_guest_op(g, MEM,
                                     XENMEM_add_to_physmap_batch | 1 << 6, arg,
                                     size),
                        ==, -XEN_EILSEQ);
        op.size = op32.size = 0;
        g_assert_cmpint(
            xen_guest_op(g, MEM, XENMEM_add_to_physmap_batch, arg, size), ==,
            0);
    }
}

CONFORMS(XENMEM_remove_from_physmap)
static void test_removed_page_is_out_of_sight_only(void)
{
    static const struct {
        uint16_t domid;
        uint64_t gfn;
        int64_t want;
    } cases[] = {
        {DOMID_SELF, GFN, 0},
        {DOMID_SELF, GFN, -XEN_ENOENT},
        {DOMID_SELF, FAR_GFN, -XEN_ENOENT},
        {DOMID_SELF, XEN_GUEST_SHINFO, 0},
        {0, GFN, -XEN_EPERM},
        {0x1234, GFN, -XEN_ESRCH},
    };

    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest_new(compat);

        fake_host_poke32(g->fake, XEN_GUEST_SHINFO << 12, 0);
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            struct xen_remove_from_physmap op = {cases[i].domid, cases[i].gfn};
            XenCompatRemoveFromPhysmap op32 = {cases[i].domid, 0,
                                               (uint32_t)cases[i].gfn};

            g_test_message("compat %u case %u", compat, i);
            g_assert_cmpint(
                compat ? xen_guest_op(g, MEM, XENMEM_remove_from_physmap, &op32,
                                      sizeof(op32))
                       : xen_guest_op(g, MEM, XENMEM_remove_from_physmap, &op,
                                      sizeof(op)),
                ==, cases[i].want);
        }
        g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES);
        g_assert_cmphex(fake_host_peek32(g->fake, GFN << 12), ==, UINT32_MAX);
    }
}

typedef struct BatchCase {
    uint16_t domid, space, extra;
    bool bad_idxs, bad_gpfns, bad_errs;
    int64_t want, err;
} BatchCase;

static void batch_run(XenGuest *g, const BatchCase *c)
{
    struct xen_add_to_physmap_batch op = {
        .domid = c->domid, .space = c->space, .size = 1, .u.res0 = c->extra};
    XenCompatAddToPhysmapBatch op32 = {
        c->domid,
        c->space,
        1,
        c->extra,
        (uint32_t)(c->bad_idxs ? BAD_GVA : LIST),
        (uint32_t)(c->bad_gpfns ? BAD_GVA : LIST + 8),
        (uint32_t)(c->bad_errs ? BAD_GVA : LIST + 16)};

    set_xen_guest_handle(op.idxs, c->bad_idxs ? BAD_PTR : LIST_PTR);
    set_xen_guest_handle(op.gpfns, c->bad_gpfns ? BAD_PTR : (void *)(LIST + 8));
    set_xen_guest_handle(op.errs, c->bad_errs ? BAD_PTR : (void *)(LIST + 16));
    fake_host_poke64(g->fake, LIST, 0);
    fake_host_poke64(g->fake, LIST + 8, GFN);
    fake_host_poke32(g->fake, LIST + 16, 0x5555);
    g_assert_cmpint(g->compat
                        ? xen_guest_op(g, MEM, XENMEM_add_to_physmap_batch,
                                       &op32, sizeof(op32))
                        : xen_guest_op(g, MEM, XENMEM_add_to_physmap_batch, &op,
                                       sizeof(op)),
                    ==, c->want);
    g_assert_cmpint((int32_t)fake_host_peek32(g->fake, LIST + 16), ==, c->err);
}

CONFORMS(XENMEM_add_to_physmap_batch)
NOT_OFFERED(XENMAPSPACE_gmfn_foreign, -XEN_EPERM)
NOT_OFFERED(XENMAPSPACE_dev_mmio, -XEN_EACCES)
static void test_batch_has_an_error_for_each(void)
{
    static const BatchCase cases[] = {
        {DOMID_SELF, XENMAPSPACE_shared_info, 0, 0, 0, 0, 0, 0},
        {DOMID_SELF, XENMAPSPACE_grant_table, 0, 0, 0, 0, 0, 0},
        {DOMID_SELF, XENMAPSPACE_gmfn, 0, 0, 0, 0, 0, 0},
        {DOMID_SELF, 99, 0, 0, 0, 0, 0, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0, 0, 0, 0, 0, -XEN_EPERM},
        {DOMID_SELF, XENMAPSPACE_gmfn_foreign, DOMID_SELF, 0, 0, 0, 0,
         -XEN_EPERM},
        {DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0x1234, 0, 0, 0, 0, -XEN_EPERM},
        {DOMID_SELF, XENMAPSPACE_gmfn_range, 0, 0, 0, 0, -XEN_EOPNOTSUPP,
         0x5555},
        {DOMID_SELF, XENMAPSPACE_dev_mmio, 0, 0, 0, 0, -XEN_EACCES, 0x5555},
        {0, XENMAPSPACE_shared_info, 0, 0, 0, 0, -XEN_EPERM, 0x5555},
        {0x1234, XENMAPSPACE_shared_info, 0, 0, 0, 0, -XEN_ESRCH, 0x5555},
        {DOMID_SELF, XENMAPSPACE_shared_info, 0, 1, 0, 0, -XEN_EFAULT, 0x5555},
        {DOMID_SELF, XENMAPSPACE_shared_info, 0, 0, 1, 0, -XEN_EFAULT, 0x5555},
        {DOMID_SELF, XENMAPSPACE_shared_info, 0, 0, 0, 1, -XEN_EFAULT, 0x5555},
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = guest_new(i % 2);

        g_test_message("case %u compat %u", i / 2, i % 2);
        batch_run(g, &cases[i / 2]);
    }
}

typedef struct Exchange {
    uint64_t in_nr, out_nr;
    uint32_t in_order, out_order;
    uint16_t in_domid, out_domid;
    uint64_t done, gfn;
    int64_t want, want_compat;
    uint32_t flags;
} Exchange;

static int64_t exchange_run(XenGuest *g, const Exchange *x)
{
    struct xen_memory_exchange op = {
        .in = {.nr_extents = x->in_nr,
               .extent_order = x->in_order,
               .domid = x->in_domid},
        .out = {.nr_extents = x->out_nr,
                .extent_order = x->out_order,
                .mem_flags = x->flags,
                .domid = x->out_domid},
        .nr_exchanged = x->done,
    };
    XenCompatMemoryExchange op32 = {
        {LIST, (uint32_t)x->in_nr, x->in_order, 0, x->in_domid},
        {LIST, (uint32_t)x->out_nr, x->out_order, x->flags, x->out_domid},
        (uint32_t)x->done};

    put_gfn(g, 0, x->gfn);
    set_xen_guest_handle(op.in.extent_start, LIST_PTR);
    set_xen_guest_handle(op.out.extent_start, LIST_PTR);
    return g->compat
               ? xen_guest_op(g, MEM, XENMEM_exchange, &op32, sizeof(op32))
               : xen_guest_op(g, MEM, XENMEM_exchange, &op, sizeof(op));
}

NOT_OFFERED(XENMEM_exchange, -XEN_EOPNOTSUPP)
static void test_exchange_is_checked_and_then_not_for_translated_domains(void)
{
    static const Exchange cases[] = {
        {1, 1, 0, 0, SELF, SELF, 0, GFN, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP, 0},
        {1, 1, 0, 0, SELF, SELF, 0, FAR_GFN, -XEN_EINVAL, -XEN_EINVAL, 0},
        {1, 1, 0, 0, SELF, SELF, 1, GFN, 0, 0, 0},
        {0, 0, 0, 0, SELF, SELF, 0, GFN, 0, 0, 0},
        {1, 1, 0, 0, SELF, SELF, 2, GFN, -XEN_EINVAL, -XEN_EINVAL, 0},
        {1, 2, 0, 0, SELF, SELF, 0, GFN, -XEN_EINVAL, -XEN_EINVAL, 0},
        {1, 2, 1, 0, SELF, SELF, 0, GFN, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP, 0},
        {1, 1, 0, 0, SELF, XEN_GUEST_DOMID, 0, GFN, -XEN_EINVAL, -XEN_EINVAL,
         0},
        {1, 1, 10, 10, SELF, SELF, 0, GFN, -XEN_EPERM, -XEN_EPERM, 0},
        {1, 1024, 10, 0, SELF, SELF, 0, GFN, -XEN_EPERM, -XEN_E2BIG, 0},
        {1, 1, 0, 0, 0, 0, 0, GFN, -XEN_EPERM, -XEN_EPERM, 0},
        {1, 1, 0, 0, 0, 0, 1, GFN, 0, 0, 0},
        {1, 1, 0, 0, 0x1234, 0x1234, 0, GFN, -XEN_EINVAL, -XEN_EINVAL,
         XENMEMF_exact_node(0)},
        {1, 1, 0, 0, 0x1234, 0x1234, 0, GFN, -XEN_ESRCH, -XEN_ESRCH, 0},
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        const Exchange *x = &cases[i / 2];
        g_autoptr(XenGuest) g = guest_new(i % 2);

        g_test_message("case %u compat %u", i / 2, i % 2);
        g_assert_cmpint(exchange_run(g, x), ==,
                        i % 2 ? x->want_compat : x->want);
    }
}

/*
 * A page that is moved about far from all memory costs us memory at each place,
 * until it can go to no new one.
 */
DEVIATES(XENMAPSPACE_gmfn, "Xen's limit of page tables is another")
static void test_far_frames_run_out(void)
{
    const uint64_t far = 0x200000, step = 512;
    g_autoptr(XenGuest) g = guest_new(false);
    uint64_t at = GFN;
    unsigned n = 0;
    int64_t ret = 0;

    fake_host_poke32(g->fake, GFN << 12, 0x77);
    while (n < 10000 && !ret) {
        ret = add(g, XENMAPSPACE_gmfn, at, far + n * step, 0);
        if (!ret) {
            at = far + n++ * step;
        }
    }
    g_assert_cmpint(ret, ==, -XEN_ENOMEM);
    g_assert_cmpuint(n, ==, 4096);
    g_assert_cmpint(one(g, XENMEM_decrease_reservation, GFN + 1), ==, 1);
    g_assert_cmpint(one(g, XENMEM_populate_physmap, far + n * step), ==, 0);
    /* Where it was it can be again, and at home. */
    g_assert_cmpint(add(g, XENMAPSPACE_gmfn, at, far, 0), ==, 0);
    g_assert_cmpint(add(g, XENMAPSPACE_gmfn, far, GFN, 0), ==, 0);
    g_assert_cmphex(fake_host_peek32(g->fake, GFN << 12), ==, 0x77);
    xen_domain_reset(g->d);
    g_assert_cmpint(add(g, XENMAPSPACE_gmfn, GFN, far + n * step, 0), ==, 0);
}

/* What a guest left of its physmap is the same after a migration. */
static void test_physmap_migrates(void)
{
    g_autoptr(XenGuest) g = guest_new(false);
    g_autoptr(GByteArray) state = NULL, again = NULL;
    g_autoptr(GError) error = NULL;
    StateReader *r;

    for (unsigned i = 0; i < 20; i++) {
        g_assert_cmpint(one(g, XENMEM_decrease_reservation, GFN + 2 * i), ==,
                        1);
    }
    g_assert_cmpint(one(g, XENMEM_populate_physmap, FAR_GFN), ==, 1);
    g_assert_cmpint(add(g, XENMAPSPACE_gmfn, GFN + 1, GFN + 2, 0), ==, 0);
    fake_host_poke32(g->fake, (GFN + 2) << 12, 0x77);
    g_assert_cmpint(one(g, XENMEM_decrease_reservation, XEN_CONSOLE_GFN), ==,
                    1);
    g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES - 19);
    state = xen_guest_save(g);
    xen_domain_reset(g->d);
    r = state_reader_new(state->data, state->len);
    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, &error));
    g_assert_no_error(error);
    again = xen_guest_save(g);
    g_assert_cmpmem(again->data, again->len, state->data, state->len);
    g_assert_cmpint(pages(g), ==, XEN_GUEST_FRAMES - 19);
    g_assert_cmphex(fake_host_peek32(g->fake, (GFN + 1) << 12), ==, UINT32_MAX);
    g_assert_cmphex(fake_host_peek32(g->fake, (GFN + 2) << 12), ==, 0x77);
}

/* Each byte of a stream damaged: refused or taken, never a wrong physmap. */
static void test_damaged_physmap_is_refused_or_right(void)
{
    g_autoptr(XenGuest) g = guest_new(false);
    g_autoptr(GByteArray) state = NULL;

    for (unsigned i = 0; i < 4; i++) {
        one(g, XENMEM_decrease_reservation, GFN + i);
    }
    one(g, XENMEM_populate_physmap, FAR_GFN);
    state = xen_guest_save(g);
    for (unsigned i = 0; i < MIN(state->len, 6000); i++) {
        StateReader *r;

        state->data[i] ^= 0x41;
        xen_domain_reset(g->d);
        r = state_reader_new(state->data, state->len);
        xen_domain_load(g->d, r);
        if (!state_reader_finish(r, NULL)) {
            xen_domain_reset(g->d);
            g_assert_cmpuint(fake_host_frames_moved(g->fake), ==, 0);
        }
        g_assert_cmpint(pages(g), <=, XEN_GUEST_FRAMES);
        state->data[i] ^= 0x41;
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/physmap/" #name, test_##name)
    ADD(page_goes_and_comes_back_zeroed);
    ADD(page_comes_back_elsewhere);
    ADD(reservations_tell_how_far_they_came);
    ADD(start_beyond_the_end_is_answered_itself);
    ADD(page_in_use_stays_the_domains);
    ADD(pages_move_and_free_what_they_cover);
    ADD(ranges_that_are_none_are_refused);
    ADD(batches_end_at_no_frame);
    ADD(removed_page_is_out_of_sight_only);
    ADD(batch_has_an_error_for_each);
    ADD(exchange_is_checked_and_then_not_for_translated_domains);
    ADD(far_frames_run_out);
    ADD(physmap_migrates);
    ADD(damaged_physmap_is_refused_or_right);
    return g_test_run();
}
