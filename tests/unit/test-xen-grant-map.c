/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest maps, unmaps and swaps entries of its own grant table. */
#include <string.h>

#include "tests/conformance.h"
#include "tests/unit/grant-guest.h"

#define GNT      __HYPERVISOR_grant_table_op
#define REF      20u
#define AT_GFN   0x90ull /* guest frame to map at */
#define AT       (AT_GFN << HOST_PAGE_SHIFT)
#define PAGE_GPA (GRANT_GUEST_PAGE << HOST_PAGE_SHIFT)
#define HANDLES  511u

static XenGuest *guest(unsigned version, bool compat)
{
    return grant_guest_new(version, compat, REF);
}

static struct gnttab_map_grant_ref map_op(uint32_t flags, uint64_t at)
{
    return (struct gnttab_map_grant_ref){
        .host_addr = at,
        .flags = flags,
        .ref = REF,
        .dom = XEN_GUEST_DOMID,
        .status = 99,
    };
}

static int16_t map(XenGuest *g, struct gnttab_map_grant_ref *op)
{
    g_assert_cmpint(
        xen_guest_op(g, GNT, GNTTABOP_map_grant_ref, op, sizeof(*op)), ==, 0);
    return op->status;
}

static int16_t unmap(XenGuest *g, uint32_t handle, uint64_t at)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = at, .handle = handle, .status = 99};

    g_assert_cmpint(
        xen_guest_op(g, GNT, GNTTABOP_unmap_grant_ref, &op, sizeof(op)), ==, 0);
    return op.status;
}

static void assert_alive(XenGuest *g, unsigned pins, unsigned aliases)
{
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, pins);
    g_assert_cmpuint(fake_host_alive(g->fake).aliases, ==, aliases);
}

CONFORMS(GNTTABOP_map_grant_ref)
CONFORMS(GNTTABOP_unmap_grant_ref)
static void test_mapping_shows_the_page_until_unmapped(void)
{
    for (unsigned i = 0; i < 4; i++) {
        g_autoptr(XenGuest) g = guest(1 + i % 2, i / 2);
        struct gnttab_map_grant_ref op = map_op(GNTMAP_host_map, AT + 0x123);

        fake_host_poke64(g->fake, AT, 0x1111);
        fake_host_poke64(g->fake, PAGE_GPA, 0x2222);
        g_assert_cmpint(map(g, &op), ==, GNTST_okay);
        g_assert_cmpuint(op.handle, ==, 0);
        g_assert_cmphex(op.dev_bus_addr, ==, PAGE_GPA);
        g_assert_cmphex(fake_host_peek64(g->fake, AT), ==, 0x2222);
        fake_host_poke64(g->fake, AT + 8, 0x3333);
        g_assert_cmphex(fake_host_peek64(g->fake, PAGE_GPA + 8), ==, 0x3333);
        g_assert_cmphex(grant_guest_flags(g, REF), ==,
                        GTF_permit_access | GTF_reading | GTF_writing);
        assert_alive(g, 1, 1);
        g_assert_cmpint(unmap(g, op.handle, AT), ==, GNTST_okay);
        g_assert_cmphex(fake_host_peek64(g->fake, AT), ==, 0x1111);
        g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_permit_access);
        assert_alive(g, 0, 0);
        g_assert_cmpint(unmap(g, op.handle, AT), ==, GNTST_bad_handle);
    }
}

static const struct {
    const char *what;
    uint16_t entry_flags, entry_domid;
    uint64_t frame;
    uint32_t flags, ref;
    uint16_t dom;
    int16_t want;
} map_errors[] = {
    {"no kind", 1, 7, 0x80, 0, REF, 7, GNTST_bad_gntref},
    {"read-only alone", 1, 7, 0x80, GNTMAP_readonly, REF, 7, GNTST_bad_gntref},
    {"device", 1, 7, 0x80, GNTMAP_device_map, REF, 7, GNTST_general_error},
    {"device and host", 1, 7, 0x80, GNTMAP_device_map | GNTMAP_host_map, REF, 7,
     GNTST_general_error},
    {"application", 1, 7, 0x80, GNTMAP_host_map | GNTMAP_application_map, REF,
     7, GNTST_general_error},
    {"PTE", 1, 7, 0x80, GNTMAP_host_map | GNTMAP_contains_pte, REF, 7,
     GNTST_general_error},
    {"unknown flag", 1, 7, 0x80, GNTMAP_host_map | 1u << 16, REF, 7,
     GNTST_general_error},
    {"DOMID_SELF", 1, 7, 0x80, GNTMAP_host_map, REF, DOMID_SELF,
     GNTST_bad_domain},
    {"no domain", 1, 7, 0x80, GNTMAP_host_map, REF, 0x1234, GNTST_bad_domain},
    {"domain 0", 1, 7, 0x80, GNTMAP_host_map, REF, 0, GNTST_general_error},
    {"domain 0, no entry", 1, 7, 0x80, GNTMAP_host_map, 512, 0,
     GNTST_bad_gntref},
    {"no entry", 1, 7, 0x80, GNTMAP_host_map, 512, 7, GNTST_bad_gntref},
    {"far entry", 1, 7, 0x80, GNTMAP_host_map, UINT32_MAX, 7, GNTST_bad_gntref},
    {"free", 0, 7, 0x80, GNTMAP_host_map, REF, 7, GNTST_general_error},
    {"transfer", 2, 7, 0x80, GNTMAP_host_map, REF, 7, GNTST_general_error},
    {"transitive", 3, 7, 0x80, GNTMAP_host_map, REF, 7, GNTST_general_error},
    {"other's", 1, 0, 0x80, GNTMAP_host_map, REF, 7, GNTST_general_error},
    {"read-only", 1 | GTF_readonly, 7, 0x80, GNTMAP_host_map, REF, 7,
     GNTST_general_error},
    {"no RAM", 1, 7, XEN_GUEST_UNMAPPED, GNTMAP_host_map, REF, 7,
     GNTST_bad_page},
    {"no RAM, read", 1, 7, XEN_GUEST_UNMAPPED,
     GNTMAP_host_map | GNTMAP_readonly, REF, 7, GNTST_bad_page},
};

CONFORMS(GNTTABOP_map_grant_ref)
static void test_map_errors_are_those_of_xen(void)
{
    for (unsigned version = 1; version <= 2; version++) {
        g_autoptr(XenGuest) g = guest(version, false);

        for (unsigned i = 0; i < G_N_ELEMENTS(map_errors); i++) {
            struct gnttab_map_grant_ref op = map_op(map_errors[i].flags, AT);

            g_test_message("version %u %s", version, map_errors[i].what);
            op.ref = map_errors[i].ref;
            op.dom = map_errors[i].dom;
            grant_guest_entry(g, REF, map_errors[i].entry_flags,
                              map_errors[i].entry_domid, map_errors[i].frame);
            g_assert_cmpint(map(g, &op), ==, map_errors[i].want);
            g_assert_cmphex(grant_guest_flags(g, REF), ==,
                            map_errors[i].entry_flags);
            assert_alive(g, 0, 0);
        }
    }
}

static void test_part_of_a_page_cannot_be_mapped(void)
{
    g_autoptr(XenGuest) g = guest(2, false);
    struct gnttab_map_grant_ref op = map_op(GNTMAP_host_map, AT);

    grant_guest_sub_page(g, REF, GTF_permit_access, XEN_GUEST_DOMID,
                         GRANT_GUEST_PAGE, 0, 4096);
    g_assert_cmpint(map(g, &op), ==, GNTST_general_error);
    assert_alive(g, 0, 0);
}

/* In version 1 the flag means nothing. */
static void test_sub_page_flag_is_of_version_2_only(void)
{
    g_autoptr(XenGuest) g = guest(1, false);
    struct gnttab_map_grant_ref op = map_op(GNTMAP_host_map, AT);

    grant_guest_entry(g, REF, GTF_permit_access | GTF_sub_page, XEN_GUEST_DOMID,
                      GRANT_GUEST_PAGE);
    g_assert_cmpint(map(g, &op), ==, GNTST_okay);
}

static void test_mapping_where_nothing_can_be_fails(void)
{
    g_autoptr(XenGuest) g = guest(1, false);
    struct gnttab_map_grant_ref op = map_op(GNTMAP_host_map, UINT64_MAX);

    g_assert_cmpint(map(g, &op), ==, GNTST_general_error);
    g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_permit_access);
    assert_alive(g, 0, 0);
}

DEVIATES(GNTTABOP_map_grant_ref, "mapping over a mapping does not end the "
                                 "domain")
static void test_mapping_over_a_mapping_fails(void)
{
    g_autoptr(XenGuest) g = guest(1, false);
    struct gnttab_map_grant_ref op = map_op(GNTMAP_host_map, AT);

    g_assert_cmpint(map(g, &op), ==, GNTST_okay);
    g_assert_cmpint(map(g, &op), ==, GNTST_general_error);
    assert_alive(g, 1, 1);
}

static void test_mapped_frame_cannot_be_granted_on(void)
{
    g_autoptr(XenGuest) g = guest(1, false);
    struct gnttab_map_grant_ref op = map_op(GNTMAP_host_map, AT);

    g_assert_cmpint(map(g, &op), ==, GNTST_okay);
    grant_guest_entry(g, REF + 1, GTF_permit_access, XEN_GUEST_DOMID, AT_GFN);
    op = map_op(GNTMAP_host_map, AT + HOST_PAGE_SIZE);
    op.ref = REF + 1;
    g_assert_cmpint(map(g, &op), ==, GNTST_bad_page);
    assert_alive(g, 1, 1);
}

CONFORMS(GNTTABOP_unmap_grant_ref)
static void test_unmap_errors_are_those_of_xen(void)
{
    g_autoptr(XenGuest) g = guest(1, false);
    struct gnttab_map_grant_ref op = map_op(GNTMAP_host_map, AT);

    g_assert_cmpint(unmap(g, 0, AT), ==, GNTST_bad_handle);
    g_assert_cmpint(map(g, &op), ==, GNTST_okay);
    g_assert_cmpint(unmap(g, op.handle + 1, AT), ==, GNTST_bad_handle);
    g_assert_cmpint(unmap(g, UINT32_MAX, AT), ==, GNTST_bad_handle);
    g_assert_cmpint(unmap(g, op.handle, PAGE_GPA), ==, GNTST_general_error);
    g_assert_cmpint(unmap(g, op.handle, UINT64_MAX), ==, GNTST_general_error);
    g_assert_cmpint(unmap(g, op.handle, 0), ==, GNTST_okay); /* nothing */
    assert_alive(g, 1, 1);
    g_assert_cmpint(unmap(g, op.handle, AT + 0xfff), ==, GNTST_okay);
    assert_alive(g, 0, 0);
}

/* What counts is the frame: the address may be another handle's. */
CONFORMS(GNTTABOP_unmap_grant_ref)
static void test_unmap_takes_any_mapping_of_the_frame(void)
{
    g_autoptr(XenGuest) g = guest(1, false);
    struct gnttab_map_grant_ref a = map_op(GNTMAP_host_map, AT);
    struct gnttab_map_grant_ref b =
        map_op(GNTMAP_host_map | GNTMAP_readonly, AT + HOST_PAGE_SIZE);

    g_assert_cmpint(map(g, &a), ==, GNTST_okay);
    g_assert_cmpint(map(g, &b), ==, GNTST_okay);
    assert_alive(g, 1, 2);
    g_assert_cmpint(unmap(g, a.handle, AT + HOST_PAGE_SIZE), ==, GNTST_okay);
    g_assert_cmphex(grant_guest_flags(g, REF), ==,
                    GTF_permit_access | GTF_reading);
    g_assert_cmpint(unmap(g, b.handle, AT + HOST_PAGE_SIZE), ==,
                    GNTST_general_error);
    g_assert_cmpint(unmap(g, b.handle, AT), ==, GNTST_okay);
    assert_alive(g, 0, 0);
}

/* Handles are taken from the head of a list and given back to its tail. */
static void test_handles_run_out_and_come_back(void)
{
    g_autoptr(XenGuest) g = guest(1, false);
    struct gnttab_map_grant_ref op;

    for (unsigned i = 0; i < HANDLES; i++) {
        op = map_op(GNTMAP_host_map | GNTMAP_readonly,
                    AT + (i << HOST_PAGE_SHIFT));
        op.ref = REF + i / 128;
        grant_guest_entry(g, op.ref, GTF_permit_access | GTF_reading,
                          XEN_GUEST_DOMID, GRANT_GUEST_PAGE);
        g_assert_cmpint(map(g, &op), ==, GNTST_okay);
        g_assert_cmpuint(op.handle, ==, i);
    }
    assert_alive(g, 4, HANDLES);
    op = map_op(GNTMAP_host_map, AT + (HANDLES << HOST_PAGE_SHIFT));
    op.ref = REF + 10;
    g_assert_cmpint(map(g, &op), ==, GNTST_no_space);
    g_assert_cmpint(unmap(g, 3, AT + (3 << HOST_PAGE_SHIFT)), ==, GNTST_okay);
    grant_guest_entry(g, op.ref, GTF_permit_access, XEN_GUEST_DOMID,
                      GRANT_GUEST_PAGE);
    g_assert_cmpint(map(g, &op), ==, GNTST_okay);
    g_assert_cmpuint(op.handle, ==, HANDLES);
    xen_domain_reset(g->d);
    assert_alive(g, 0, 0);
}

CONFORMS(GNTTABOP_swap_grant_ref)
static void test_swap_exchanges_entries_not_in_use(void)
{
    for (unsigned version = 1; version <= 2; version++) {
        g_autoptr(XenGuest) g = guest(version, version == 2);
        struct gnttab_swap_grant_ref op = {REF, REF + 1, 99};
        struct gnttab_map_grant_ref m = map_op(GNTMAP_host_map, AT);
        static const struct {
            uint32_t a, b;
            int16_t want;
        } bad[] = {
            {REF, 512, GNTST_bad_gntref}, {UINT32_MAX, REF, GNTST_bad_gntref},
            {REF, REF, GNTST_okay},       {REF, REF + 1, GNTST_eagain},
            {REF + 1, REF, GNTST_eagain},
        };

        grant_guest_entry(g, REF + 1, GTF_permit_access | GTF_readonly, 3,
                          GRANT_GUEST_OTHER);
        g_assert_cmpint(
            xen_guest_op(g, GNT, GNTTABOP_swap_grant_ref, &op, sizeof(op)), ==,
            0);
        g_assert_cmpint(op.status, ==, GNTST_okay);
        g_assert_cmphex(grant_guest_flags(g, REF), ==,
                        GTF_permit_access | GTF_readonly);
        m.ref = REF + 1;
        g_assert_cmpint(map(g, &m), ==, GNTST_okay);
        g_assert_cmphex(m.dev_bus_addr, ==, PAGE_GPA);
        for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
            op = (struct gnttab_swap_grant_ref){bad[i].a, bad[i].b, 99};
            g_assert_cmpint(
                xen_guest_op(g, GNT, GNTTABOP_swap_grant_ref, &op, sizeof(op)),
                ==, 0);
            g_assert_cmpint(op.status, ==, bad[i].want);
        }
    }
}

/* Arrays longer than what is done at once, at the end of memory. */
static void test_batches_continue_and_stop_at_a_bad_pointer(void)
{
    struct gnttab_swap_grant_ref op[100];
    uint64_t end = XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;
    g_autoptr(XenGuest) g = guest(1, false);

    for (unsigned i = 0; i < G_N_ELEMENTS(op); i++) {
        op[i] = (struct gnttab_swap_grant_ref){REF + i, REF + i + 1, 99};
    }
    fake_host_poke(g->fake, end - sizeof(op), op, sizeof(op));
    g_assert_cmpint(xen_guest_call(g, GNT, GNTTABOP_swap_grant_ref,
                                   end - sizeof(op), G_N_ELEMENTS(op)),
                    ==, 0);
    /* The entry went all the way up. */
    g_assert_cmphex(grant_guest_flags(g, REF + 100), ==, GTF_permit_access);
    fake_host_peek(g->fake, end - sizeof(op), op, sizeof(op));
    for (unsigned i = 0; i < G_N_ELEMENTS(op); i++) {
        g_assert_cmpint(op[i].status, ==, GNTST_okay);
    }
    g_assert_cmpint(xen_guest_call(g, GNT, GNTTABOP_swap_grant_ref,
                                   end - sizeof(op), G_N_ELEMENTS(op) + 1),
                    ==, -XEN_EFAULT);
    g_assert_cmpint(xen_guest_call(g, GNT, GNTTABOP_swap_grant_ref, end, 0), ==,
                    0);
}

CONFORMS(GNTTABOP_map_grant_ref)
CONFORMS(GNTTABOP_unmap_grant_ref)
CONFORMS(GNTTABOP_copy)
CONFORMS(GNTTABOP_swap_grant_ref)
static void test_counts_and_bad_pointers(void)
{
    static const uint32_t cmds[] = {
        GNTTABOP_map_grant_ref,
        GNTTABOP_unmap_grant_ref,
        GNTTABOP_copy,
        GNTTABOP_swap_grant_ref,
    };
    static const struct {
        uint64_t gva;
        uint32_t count;
        int64_t want;
    } cases[] = {
        {XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, 1, -XEN_EFAULT},
        {XEN_GUEST_READONLY << HOST_PAGE_SHIFT, 1, -XEN_EFAULT},
        {XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, 0, 0},
        {XEN_GUEST_ARG, UINT32_MAX, -XEN_EINVAL},
        {XEN_GUEST_ARG, 0x80000000, -XEN_EINVAL},
    };

    for (unsigned compat = 0; compat < 2; compat++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(cmds); i++) {
            for (unsigned j = 0; j < G_N_ELEMENTS(cases); j++) {
                g_autoptr(XenGuest) g = guest(1, compat);

                g_test_message("compat %u cmd %u case %u", compat, cmds[i], j);
                g_assert_cmpint(xen_guest_call(g, GNT, cmds[i], cases[j].gva,
                                               cases[j].count),
                                ==, cases[j].want);
            }
        }
    }
}

NOT_OFFERED(GNTTABOP_dump_table, -XEN_ENOSYS)
NOT_OFFERED(GNTTABOP_transfer, -XEN_ENOSYS)
NOT_OFFERED(GNTTABOP_unmap_and_replace, -XEN_ENOSYS)
NOT_OFFERED(GNTTABOP_get_status_frames, -XEN_ENOSYS)
NOT_OFFERED(GNTTABOP_cache_flush, -XEN_ENOSYS)
static void test_what_hvm_guests_are_not_offered(void)
{
    static const uint32_t cmds[] = {
        GNTTABOP_dump_table,
        GNTTABOP_transfer,
        GNTTABOP_unmap_and_replace,
        GNTTABOP_get_status_frames,
        GNTTABOP_cache_flush,
        GNTTABOP_cache_flush | 1u << 12,
        GNTTABOP_copy | 1u << 12,
        GNTTABOP_cache_flush + 1,
        UINT32_MAX,
    };
    static const uint32_t counts[] = {0, 1, UINT32_MAX};

    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest(1, compat);

        for (unsigned i = 0; i < G_N_ELEMENTS(cmds); i++) {
            for (unsigned j = 0; j < G_N_ELEMENTS(counts); j++) {
                g_assert_cmpint(
                    xen_guest_call(g, GNT, cmds[i], XEN_GUEST_ARG, counts[j]),
                    ==, -XEN_ENOSYS);
            }
        }
    }
}

/* The n-th fault: what is pinned and laid is what the status says. */
static void test_faults_leave_nothing_half_done(void)
{
    for (unsigned n = 1;; n++) {
        g_autoptr(XenGuest) g = guest(1, false);
        struct gnttab_map_grant_ref op = map_op(GNTMAP_host_map, AT);
        bool fired, mapped;
        int64_t ret;

        fake_host_fail_nth(g->fake, n);
        ret = xen_guest_op(g, GNT, GNTTABOP_map_grant_ref, &op, sizeof(op));
        fired = fake_host_fault_fired(g->fake);
        fake_host_fail_nth(g->fake, 0);
        /* As in Xen it is done when only that could not be told. */
        mapped = n >= 4;
        assert_alive(g, mapped, mapped);
        g_assert_cmphex(grant_guest_flags(g, REF), ==,
                        GTF_permit_access |
                            (mapped ? GTF_reading | GTF_writing : 0));
        if (!fired) {
            g_assert_cmpint(ret, ==, 0);
            g_assert_cmpuint(n, ==, 5);
            break;
        }
        g_assert_cmpint(ret, ==, n == 1 || n == 4 ? -XEN_EFAULT : 0);
        g_assert_cmpint(op.status, ==,
                        n == 2   ? GNTST_bad_page
                        : n == 3 ? GNTST_general_error
                                 : 99);
    }
}

static void test_mappings_migrate(void)
{
    g_autoptr(XenGuest) a = guest(2, false);
    g_autoptr(XenGuest) b = xen_guest_new(1, 17);
    g_autoptr(GByteArray) state = NULL, again = NULL;
    struct gnttab_map_grant_ref op[3];
    StateReader *r;
    GError *error = NULL;
    uint8_t page[HOST_PAGE_SIZE];

    for (unsigned i = 0; i < 3; i++) {
        op[i] = map_op(GNTMAP_host_map | (i == 2 ? GNTMAP_readonly : 0),
                       AT + (i << HOST_PAGE_SHIFT));
        g_assert_cmpint(map(a, &op[i]), ==, GNTST_okay);
    }
    g_assert_cmpint(unmap(a, op[0].handle, AT), ==, GNTST_okay);
    state = xen_guest_save(a);
    r = state_reader_new(state->data, state->len);
    xen_domain_reset(b->d);
    xen_domain_load(b->d, r);
    g_assert_true(state_reader_finish(r, &error));
    g_assert_no_error(error);
    assert_alive(b, 1, 2);
    again = xen_guest_save(b);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);
    for (uint64_t gfn = GRANT_GUEST_TABLE; gfn <= GRANT_GUEST_STATUS;
         gfn += GRANT_GUEST_STATUS - GRANT_GUEST_TABLE) {
        fake_host_peek(a->fake, gfn << HOST_PAGE_SHIFT, page, sizeof(page));
        fake_host_poke(b->fake, gfn << HOST_PAGE_SHIFT, page, sizeof(page));
    }
    g_assert_cmpint(unmap(b, op[1].handle, AT + HOST_PAGE_SIZE), ==,
                    GNTST_okay);
    g_assert_cmphex(grant_guest_flags(b, REF), ==,
                    GTF_permit_access | GTF_reading);
    g_assert_cmpint(unmap(b, op[2].handle, AT + 2 * HOST_PAGE_SIZE), ==,
                    GNTST_okay);
    g_assert_cmphex(grant_guest_flags(b, REF), ==, GTF_permit_access);
    assert_alive(b, 0, 0);
}

/* A frame that is mapped, while another mapping lies over it. */
static void test_mappings_over_mapped_frames_migrate(void)
{
    g_autoptr(XenGuest) a = guest(1, false);
    g_autoptr(XenGuest) b = xen_guest_new(1, 17);
    g_autoptr(GByteArray) state = NULL;
    struct gnttab_map_grant_ref over = map_op(GNTMAP_host_map, AT);
    struct gnttab_map_grant_ref under =
        map_op(GNTMAP_host_map, AT + HOST_PAGE_SIZE);
    StateReader *r;
    GError *error = NULL;

    under.ref = REF + 1;
    grant_guest_entry(a, under.ref, GTF_permit_access, XEN_GUEST_DOMID, AT_GFN);
    g_assert_cmpint(map(a, &under), ==, GNTST_okay);
    g_assert_cmpint(map(a, &over), ==, GNTST_okay);
    fake_host_poke64(b->fake, PAGE_GPA, 0x2222);
    fake_host_poke64(b->fake, AT, 0x1111);
    state = xen_guest_save(a);
    r = state_reader_new(state->data, state->len);
    xen_domain_reset(b->d);
    xen_domain_load(b->d, r);
    g_assert_true(state_reader_finish(r, &error));
    g_assert_no_error(error);
    g_assert_cmphex(fake_host_peek64(b->fake, AT), ==, 0x2222);
    g_assert_cmphex(fake_host_peek64(b->fake, AT + HOST_PAGE_SIZE), ==, 0x1111);
    assert_alive(b, 2, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/grant-map/" #name, test_##name)
    ADD(mapping_shows_the_page_until_unmapped);
    ADD(map_errors_are_those_of_xen);
    ADD(part_of_a_page_cannot_be_mapped);
    ADD(sub_page_flag_is_of_version_2_only);
    ADD(mapping_where_nothing_can_be_fails);
    ADD(mapping_over_a_mapping_fails);
    ADD(mapped_frame_cannot_be_granted_on);
    ADD(unmap_errors_are_those_of_xen);
    ADD(unmap_takes_any_mapping_of_the_frame);
    ADD(handles_run_out_and_come_back);
    ADD(swap_exchanges_entries_not_in_use);
    ADD(batches_continue_and_stop_at_a_bad_pointer);
    ADD(counts_and_bad_pointers);
    ADD(what_hvm_guests_are_not_offered);
    ADD(faults_leave_nothing_half_done);
    ADD(mappings_migrate);
    ADD(mappings_over_mapped_frames_migrate);
    return g_test_run();
}
