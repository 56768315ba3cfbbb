/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GNTTABOP_copy, from and to entries and frames, in both layouts. */
#include <string.h>

#include "hw/xen/abi/compat-grant.h"
#include "tests/conformance.h"
#include "tests/unit/grant-guest.h"

#define GNT       __HYPERVISOR_grant_table_op
#define REF       20u
#define PAGE_GPA  (GRANT_GUEST_PAGE << HOST_PAGE_SHIFT)
#define OTHER_GPA (GRANT_GUEST_OTHER << HOST_PAGE_SHIFT)
#define S_REF     GNTCOPY_source_gref
#define D_REF     GNTCOPY_dest_gref

/* One end of a copy. */
typedef struct End {
    uint64_t where; /* reference or frame, as the flags say */
    uint16_t domid;
    uint16_t offset;
} End;

static XenGuest *guest(unsigned version, bool compat)
{
    return grant_guest_new(version, compat, REF);
}

static struct gnttab_copy_ptr native_ptr(End end, bool gref)
{
    struct gnttab_copy_ptr p = {.domid = end.domid, .offset = end.offset};

    if (gref) {
        p.u.ref = (uint32_t)end.where;
    } else {
        p.u.gmfn = end.where;
    }
    return p;
}

static XenCompatGrantCopyPtr compat_ptr(End end)
{
    return (XenCompatGrantCopyPtr){(uint32_t)end.where, end.domid, end.offset};
}

static int16_t copy(XenGuest *g, End source, End dest, uint16_t len,
                    uint16_t flags)
{
    struct gnttab_copy op = {native_ptr(source, flags & S_REF),
                             native_ptr(dest, flags & D_REF), len, flags, 99};
    XenCompatGrantCopy op32 = {
        compat_ptr(source), compat_ptr(dest), len, flags, 99, 0};

    if (g->compat) {
        g_assert_cmpint(
            xen_guest_op(g, GNT, GNTTABOP_copy, &op32, sizeof(op32)), ==, 0);
        return op32.status;
    }
    g_assert_cmpint(xen_guest_op(g, GNT, GNTTABOP_copy, &op, sizeof(op)), ==,
                    0);
    return op.status;
}

static void assert_nothing_held(XenGuest *g)
{
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
}

CONFORMS(GNTTABOP_copy)
static void test_copy_moves_bytes_between_entries_and_frames(void)
{
    for (unsigned i = 0; i < 4; i++) {
        g_autoptr(XenGuest) g = guest(1 + i % 2, i / 2);
        End entry = {REF, XEN_GUEST_DOMID, 16};
        End frame = {GRANT_GUEST_OTHER, DOMID_SELF, 4088};

        fake_host_poke64(g->fake, PAGE_GPA + 16, 0x1122334455667788);
        g_assert_cmpint(copy(g, entry, frame, 8, S_REF), ==, GNTST_okay);
        g_assert_cmphex(fake_host_peek64(g->fake, OTHER_GPA + 4088), ==,
                        0x1122334455667788);
        fake_host_poke64(g->fake, OTHER_GPA + 4088, 0xaa);
        entry.domid = DOMID_SELF;
        g_assert_cmpint(copy(g, frame, entry, 8, D_REF), ==, GNTST_okay);
        g_assert_cmphex(fake_host_peek64(g->fake, PAGE_GPA + 16), ==, 0xaa);
        g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_permit_access);
        /* Within one entry's page, overlapping. */
        g_assert_cmpint(
            copy(g, entry, (End){REF, DOMID_SELF, 20}, 8, S_REF | D_REF), ==,
            GNTST_okay);
        g_assert_cmphex(fake_host_peek64(g->fake, PAGE_GPA + 20), ==, 0xaa);
        assert_nothing_held(g);
    }
}

static const struct {
    const char *what;
    End source, dest;
    uint16_t len, flags;
    int16_t want;
} copy_errors[] = {
    {"whole page", {REF, 7, 0}, {0x81, DOMID_SELF, 0}, 4096, S_REF, 0},
    {"nothing, at the end",
     {REF, 7, 4096},
     {0x81, DOMID_SELF, 4096},
     0,
     S_REF,
     0},
    {"frame of own id",
     {0x80, 7, 0},
     {0x81, DOMID_SELF, 0},
     8,
     0,
     GNTST_permission_denied},
    {"frame of domain 0",
     {0x80, DOMID_SELF, 0},
     {0x81, 0, 0},
     8,
     0,
     GNTST_permission_denied},
    {"no source domain",
     {REF, 0x1234, 0},
     {0x81, DOMID_SELF, 0},
     8,
     S_REF,
     GNTST_bad_domain},
    {"no destination domain",
     {REF, 7, 0},
     {REF, 0x1234, 0},
     8,
     S_REF | D_REF,
     GNTST_bad_domain},
    {"domain 0's entry",
     {REF, 0, 0},
     {0x81, DOMID_SELF, 0},
     8,
     S_REF,
     GNTST_general_error},
    {"beyond domain 0's table",
     {512, 0, 0},
     {0x81, DOMID_SELF, 0},
     8,
     S_REF,
     GNTST_bad_gntref},
    {"to domain 0's entry",
     {0x81, DOMID_SELF, 0},
     {0, 0, 0},
     8,
     D_REF,
     GNTST_general_error},
    {"no entry",
     {512, 7, 0},
     {0x81, DOMID_SELF, 0},
     8,
     S_REF,
     GNTST_bad_gntref},
    {"free entry",
     {REF + 1, 7, 0},
     {0x81, DOMID_SELF, 0},
     8,
     S_REF,
     GNTST_general_error},
    {"to a read-only entry",
     {0x81, DOMID_SELF, 0},
     {REF + 2, 7, 0},
     8,
     D_REF,
     GNTST_general_error},
    {"from a read-only entry",
     {REF + 2, 7, 0},
     {0x81, DOMID_SELF, 0},
     8,
     S_REF,
     0},
    {"from no RAM",
     {XEN_GUEST_UNMAPPED, DOMID_SELF, 0},
     {0x81, DOMID_SELF, 0},
     8,
     0,
     GNTST_bad_page},
    {"from beyond memory",
     {0xffffffff, DOMID_SELF, 0},
     {0x81, DOMID_SELF, 0},
     8,
     0,
     GNTST_bad_page},
    {"to no RAM",
     {0x81, DOMID_SELF, 0},
     {XEN_GUEST_UNMAPPED, DOMID_SELF, 0},
     8,
     0,
     GNTST_bad_page},
    {"from read-only memory",
     {XEN_GUEST_READONLY, DOMID_SELF, 0},
     {0x81, DOMID_SELF, 0},
     8,
     0,
     0},
    {"source beyond the page",
     {REF, 7, 4090},
     {0x81, DOMID_SELF, 0},
     8,
     S_REF,
     GNTST_bad_copy_arg},
    {"destination beyond the page",
     {REF, 7, 0},
     {0x81, DOMID_SELF, 4089},
     8,
     S_REF,
     GNTST_bad_copy_arg},
    {"far offsets",
     {REF, 7, 0xffff},
     {0x81, DOMID_SELF, 0xffff},
     0xffff,
     S_REF,
     GNTST_bad_copy_arg},
    {"bad page before bad length",
     {XEN_GUEST_UNMAPPED, DOMID_SELF, 0},
     {0x81, DOMID_SELF, 4089},
     8,
     0,
     GNTST_bad_page},
};

CONFORMS(GNTTABOP_copy)
static void test_copy_errors_are_those_of_xen(void)
{
    for (unsigned i = 0; i < 4; i++) {
        g_autoptr(XenGuest) g = guest(1 + i % 2, i / 2);

        grant_guest_entry(g, REF + 2, GTF_permit_access | GTF_readonly,
                          XEN_GUEST_DOMID, GRANT_GUEST_PAGE);
        for (unsigned j = 0; j < G_N_ELEMENTS(copy_errors); j++) {
            g_test_message("version %u compat %u: %s", 1 + i % 2, i / 2,
                           copy_errors[j].what);
            g_assert_cmpint(copy(g, copy_errors[j].source, copy_errors[j].dest,
                                 copy_errors[j].len, copy_errors[j].flags),
                            ==, copy_errors[j].want);
            g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_permit_access);
            assert_nothing_held(g);
        }
    }
}

static void test_part_of_a_page_bounds_the_copy(void)
{
    static const struct {
        uint16_t off, len;
        int16_t want;
    } cases[] = {
        {256, 128, GNTST_okay},          {255, 2, GNTST_general_error},
        {256, 129, GNTST_general_error}, {384, 0, GNTST_okay},
        {385, 0, GNTST_general_error},   {4095, 2, GNTST_bad_copy_arg},
    };
    g_autoptr(XenGuest) g = guest(2, false);

    grant_guest_sub_page(g, REF, GTF_permit_access, XEN_GUEST_DOMID,
                         GRANT_GUEST_PAGE, 256, 128);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        End entry = {REF, DOMID_SELF, cases[i].off};
        End frame = {GRANT_GUEST_OTHER, DOMID_SELF, 0};

        g_test_message("case %u", i);
        g_assert_cmpint(copy(g, entry, frame, cases[i].len, S_REF), ==,
                        cases[i].want);
        g_assert_cmpint(copy(g, frame, entry, cases[i].len, D_REF), ==,
                        cases[i].want);
    }
    /* Fifteen bits of the first byte count. */
    grant_guest_sub_page(g, REF, GTF_permit_access, XEN_GUEST_DOMID,
                         GRANT_GUEST_PAGE, 0x8100, 16);
    g_assert_cmpint(copy(g, (End){REF, DOMID_SELF, 256},
                         (End){GRANT_GUEST_OTHER, DOMID_SELF, 0}, 16, S_REF),
                    ==, GNTST_okay);
}

/* Nobody grants us anything that could be passed on. */
static void test_transitive_entries_lead_nowhere(void)
{
    static const struct {
        uint16_t domid;
        uint32_t ref;
        int16_t want;
    } cases[] = {
        {XEN_GUEST_DOMID, REF + 1, GNTST_general_error},
        {DOMID_SELF, REF + 1, GNTST_general_error},
        {0x1234, 0, GNTST_general_error},
        {0, 3, GNTST_general_error},
        {0, 512, GNTST_bad_gntref},
    };
    g_autoptr(XenGuest) g = guest(2, false);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        union grant_entry_v2 entry = {
            .transitive = {.hdr = {GTF_transitive, XEN_GUEST_DOMID},
                           .trans_domid = cases[i].domid,
                           .gref = cases[i].ref},
        };

        g_test_message("case %u", i);
        fake_host_poke(g->fake,
                       (GRANT_GUEST_TABLE << HOST_PAGE_SHIFT) +
                           REF * sizeof(entry),
                       &entry, sizeof(entry));
        g_assert_cmpint(copy(g, (End){REF, DOMID_SELF, 0},
                             (End){GRANT_GUEST_OTHER, DOMID_SELF, 0}, 8, S_REF),
                        ==, cases[i].want);
        g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_transitive);
        assert_nothing_held(g);
    }
}

/* 300 copies, each of 8 bytes one further. */
static void test_long_batches_continue(void)
{
    enum { N = 300 };

    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest(1, compat);
        size_t size =
            compat ? sizeof(XenCompatGrantCopy) : sizeof(struct gnttab_copy);

        for (unsigned i = 0; i < N; i++) {
            End from = {REF, DOMID_SELF, (uint16_t)(i * 8)};
            End to = {GRANT_GUEST_OTHER, DOMID_SELF, (uint16_t)(i * 8)};
            struct gnttab_copy op = {native_ptr(from, true),
                                     native_ptr(to, false), 8, S_REF, 99};
            XenCompatGrantCopy op32 = {
                compat_ptr(from), compat_ptr(to), 8, S_REF, 99, 0};

            fake_host_poke64(g->fake, PAGE_GPA + i * 8, i + 1);
            fake_host_poke(g->fake, XEN_GUEST_BUF + i * size,
                           compat ? (void *)&op32 : (void *)&op, size);
        }
        g_assert_cmpint(xen_guest_call(g, GNT, GNTTABOP_copy, XEN_GUEST_BUF, N),
                        ==, 0);
        for (unsigned i = 0; i < N; i++) {
            g_assert_cmpuint(fake_host_peek64(g->fake, OTHER_GPA + i * 8), ==,
                             i + 1);
            g_assert_cmpuint(fake_host_peek8(g->fake, XEN_GUEST_BUF + i * size +
                                                          (compat ? 20 : 36)),
                             ==, GNTST_okay);
        }
        assert_nothing_held(g);
    }
}

/* All of a 32-bit batch is read before the first is done; 64-bit ones go on. */
static void test_bad_pointer_in_a_batch(void)
{
    uint64_t end = XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;

    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest(1, compat);
        End from = {REF, DOMID_SELF, 0};
        End to = {GRANT_GUEST_OTHER, DOMID_SELF, 0};
        struct gnttab_copy op = {native_ptr(from, true), native_ptr(to, false),
                                 8, S_REF, 99};
        XenCompatGrantCopy op32 = {
            compat_ptr(from), compat_ptr(to), 8, S_REF, 99, 0};
        size_t size = compat ? sizeof(op32) : sizeof(op);

        fake_host_poke64(g->fake, PAGE_GPA, 0x55);
        fake_host_poke(g->fake, end - size, compat ? (void *)&op32 : &op, size);
        g_assert_cmpint(xen_guest_call(g, GNT, GNTTABOP_copy, end - size, 2),
                        ==, -XEN_EFAULT);
        g_assert_cmphex(fake_host_peek64(g->fake, OTHER_GPA), ==,
                        compat ? 0 : 0x55);
        assert_nothing_held(g);
    }
}

/* The n-th fault: nothing is held, and memory is as the status says. */
static void test_faults_leave_nothing_held(void)
{
    for (unsigned n = 1;; n++) {
        g_autoptr(XenGuest) g = guest(2, false);
        struct gnttab_copy op = {
            {.u.gmfn = GRANT_GUEST_OTHER, .domid = DOMID_SELF},
            {.u.ref = REF, .domid = DOMID_SELF},
            8,
            D_REF,
            99};
        int64_t ret;
        bool fired;

        fake_host_poke64(g->fake, OTHER_GPA, 0x77);
        fake_host_fail_nth(g->fake, n);
        ret = xen_guest_op(g, GNT, GNTTABOP_copy, &op, sizeof(op));
        fired = fake_host_fault_fired(g->fake);
        fake_host_fail_nth(g->fake, 0);
        assert_nothing_held(g);
        g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_permit_access);
        if (!fired) {
            g_assert_cmpint(ret, ==, 0);
            g_assert_cmpint(op.status, ==, GNTST_okay);
            g_assert_cmpuint(n, ==, 6);
            break;
        }
        g_assert_true(ret == -XEN_EFAULT || op.status == GNTST_bad_page);
        /* Done if only the status could not be told. */
        g_assert_cmphex(fake_host_peek64(g->fake, PAGE_GPA), ==,
                        n == 5 ? 0x77 : 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/grant-copy/" #name, test_##name)
    ADD(copy_moves_bytes_between_entries_and_frames);
    ADD(copy_errors_are_those_of_xen);
    ADD(part_of_a_page_bounds_the_copy);
    ADD(transitive_entries_lead_nowhere);
    ADD(long_batches_continue);
    ADD(bad_pointer_in_a_batch);
    ADD(faults_leave_nothing_held);
    return g_test_run();
}
