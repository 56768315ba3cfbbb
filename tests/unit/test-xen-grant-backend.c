/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hw/xen/backend.h: domain 0 maps and copies what the guest grants. */
#include <string.h>

#include "hw/xen/backend.h"
#include "tests/unit/grant-guest.h"

#define REF      20u
#define PAGE_GPA (GRANT_GUEST_PAGE << HOST_PAGE_SHIFT)

static XenGuest *guest(void)
{
    XenGuest *g = xen_guest_new(1, 17);

    grant_guest_setup(g, 1);
    grant_guest_entry(g, REF, GTF_permit_access, 0, GRANT_GUEST_PAGE);
    return g;
}

static unsigned pins(XenGuest *g)
{
    return fake_host_alive(g->fake).pins;
}

static uint8_t *page_bytes(XenGuest *g, HostPage *page)
{
    Host *host = fake_host_ops(g->fake);

    return host->ops->mem.page_ptr(host, page);
}

static void test_map_pins_the_page_and_marks_the_entry(void)
{
    g_autoptr(XenGuest) g = guest();
    int16_t status = 1;
    HostPage *r = xen_backend_grant_map(g->d, REF, false, &status);
    HostPage *w;

    g_assert_nonnull(r);
    g_assert_cmpint(status, ==, GNTST_okay);
    g_assert_cmphex(grant_guest_flags(g, REF), ==,
                    GTF_permit_access | GTF_reading);
    g_assert_cmpuint(pins(g), ==, 1);
    fake_host_poke8(g->fake, PAGE_GPA + 5, 0x5a);
    g_assert_cmphex(page_bytes(g, r)[5], ==, 0x5a);

    w = xen_backend_grant_map(g->d, REF, true, &status);
    g_assert_nonnull(w);
    g_assert_cmphex(grant_guest_flags(g, REF), ==,
                    GTF_permit_access | GTF_reading | GTF_writing);
    xen_backend_grant_unmap(g->d, REF, w, true);
    g_assert_cmphex(grant_guest_flags(g, REF), ==,
                    GTF_permit_access | GTF_reading);
    g_assert_cmphex(page_bytes(g, r)[5], ==, 0x5a);
    xen_backend_grant_unmap(g->d, REF, r, false);
    g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_permit_access);
    g_assert_cmpuint(pins(g), ==, 0);
}

static void test_map_errors_are_those_of_xen(void)
{
    static const struct {
        uint16_t flags, domid;
        uint64_t frame;
        bool write;
        int16_t want;
    } cases[] = {
        {GTF_permit_access | GTF_readonly, 0, GRANT_GUEST_PAGE, false,
         GNTST_okay},
        {GTF_permit_access | GTF_readonly, 0, GRANT_GUEST_PAGE, true,
         GNTST_general_error},
        {GTF_permit_access, 3, GRANT_GUEST_PAGE, false, GNTST_general_error},
        {GTF_permit_access, XEN_GUEST_DOMID, GRANT_GUEST_PAGE, false,
         GNTST_general_error},
        {GTF_invalid, 0, GRANT_GUEST_PAGE, false, GNTST_general_error},
        {GTF_accept_transfer, 0, GRANT_GUEST_PAGE, false, GNTST_general_error},
        {GTF_transitive, 0, GRANT_GUEST_PAGE, false, GNTST_general_error},
        {GTF_permit_access, 0, XEN_GUEST_UNMAPPED, false, GNTST_bad_page},
        {GTF_permit_access, 0, XEN_GUEST_UNMAPPED, true, GNTST_bad_page},
        {GTF_permit_access, 0, 0xffffffff, false, GNTST_bad_page},
    };

    for (unsigned version = 1; version <= 2; version++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);

        grant_guest_setup(g, version);
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            int16_t status = 1;
            HostPage *page;

            g_test_message("version %u case %u", version, i);
            grant_guest_entry(g, REF, cases[i].flags, cases[i].domid,
                              cases[i].frame);
            page = xen_backend_grant_map(g->d, REF, cases[i].write, &status);
            g_assert_cmpint(status, ==, cases[i].want);
            g_assert_true((page != NULL) == (status == GNTST_okay));
            if (page) {
                xen_backend_grant_unmap(g->d, REF, page, cases[i].write);
            }
            g_assert_cmphex(grant_guest_flags(g, REF), ==, cases[i].flags);
            g_assert_cmpuint(pins(g), ==, 0);
        }
    }
}

/* 512 entries in version 1's only frame, 256 in version 2's. */
static void test_reference_beyond_the_table_is_bad(void)
{
    for (unsigned version = 1; version <= 2; version++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        unsigned n = version == 1 ? 512 : 256;
        int16_t status = 1;
        char byte;

        grant_guest_setup(g, version);
        g_assert_null(xen_backend_grant_map(g->d, n - 1, false, &status));
        g_assert_cmpint(status, ==, GNTST_general_error);
        g_assert_null(xen_backend_grant_map(g->d, n, false, &status));
        g_assert_cmpint(status, ==, GNTST_bad_gntref);
        g_assert_null(xen_backend_grant_map(g->d, UINT32_MAX, true, &status));
        g_assert_cmpint(status, ==, GNTST_bad_gntref);
        g_assert_cmpint(xen_backend_grant_copy(g->d, n, 0, &byte, 1, true), ==,
                        GNTST_bad_gntref);
        xen_backend_grant_unmap(g->d, UINT32_MAX, NULL, true);
    }
}

static void test_entry_that_changes_in_use_keeps_its_page(void)
{
    g_autoptr(XenGuest) g = guest();
    int16_t status;
    HostPage *first = xen_backend_grant_map(g->d, REF, true, &status);
    HostPage *again;

    grant_guest_entry(g, REF, GTF_invalid, 9, GRANT_GUEST_OTHER);
    again = xen_backend_grant_map(g->d, REF, false, &status);
    g_assert_cmpint(status, ==, GNTST_okay);
    fake_host_poke8(g->fake, PAGE_GPA, 0x77);
    g_assert_cmphex(page_bytes(g, again)[0], ==, 0x77);
    g_assert_cmpuint(pins(g), ==, 1);
    xen_backend_grant_unmap(g->d, REF, first, true);
    /* Writing needs a look at the entry again, which permits nothing now. */
    grant_guest_entry(g, REF, GTF_permit_access | GTF_readonly, 0,
                      GRANT_GUEST_PAGE);
    g_assert_null(xen_backend_grant_map(g->d, REF, true, &status));
    g_assert_cmpint(status, ==, GNTST_general_error);
    xen_backend_grant_unmap(g->d, REF, again, false);
    g_assert_cmpuint(pins(g), ==, 0);
}

static void test_uses_of_one_kind_are_limited_to_128(void)
{
    g_autoptr(XenGuest) g = guest();
    HostPage *page[128], *reader;
    int16_t status;

    for (unsigned i = 0; i < G_N_ELEMENTS(page); i++) {
        page[i] = xen_backend_grant_map(g->d, REF, true, &status);
        g_assert_nonnull(page[i]);
    }
    g_assert_null(xen_backend_grant_map(g->d, REF, true, &status));
    g_assert_cmpint(status, ==, GNTST_general_error);
    reader = xen_backend_grant_map(g->d, REF, false, &status);
    g_assert_nonnull(reader);
    for (unsigned i = 0; i < G_N_ELEMENTS(page); i++) {
        xen_backend_grant_unmap(g->d, REF, page[i], true);
    }
    g_assert_cmphex(grant_guest_flags(g, REF), ==,
                    GTF_permit_access | GTF_reading);
    xen_backend_grant_unmap(g->d, REF, reader, false);
    g_assert_cmpuint(pins(g), ==, 0);
}

static void test_unmap_of_what_is_not_mapped_is_ignored(void)
{
    g_autoptr(XenGuest) g = guest();
    int16_t status;
    HostPage *page = xen_backend_grant_map(g->d, REF, false, &status);

    xen_backend_grant_unmap(g->d, REF, page, true);
    xen_backend_grant_unmap(g->d, REF + 1, page, false);
    g_assert_cmpuint(pins(g), ==, 1);
    xen_domain_reset(g->d);
    g_assert_cmpuint(pins(g), ==, 0);
    xen_backend_grant_unmap(g->d, REF, page, false);
    g_assert_cmpuint(pins(g), ==, 0);
}

static void test_copy_moves_bytes_and_leaves_no_mark(void)
{
    g_autoptr(XenGuest) g = guest();
    char buf[] = "jumpcut", back[sizeof(buf)] = "";

    g_assert_cmpint(
        xen_backend_grant_copy(g->d, REF, 100, buf, sizeof(buf), true), ==,
        GNTST_okay);
    fake_host_peek(g->fake, PAGE_GPA + 100, back, sizeof(back));
    g_assert_cmpstr(back, ==, buf);
    fake_host_poke(g->fake, PAGE_GPA + 4088, "endpage", 8);
    g_assert_cmpint(xen_backend_grant_copy(g->d, REF, 4088, buf, 8, false), ==,
                    GNTST_okay);
    g_assert_cmpstr(buf, ==, "endpage");
    g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_permit_access);
    g_assert_cmpuint(pins(g), ==, 0);
}

static void test_copy_errors_are_those_of_xen(void)
{
    static const struct {
        uint16_t flags;
        uint16_t off, len;
        bool to_guest;
        int16_t want;
    } cases[] = {
        {GTF_permit_access, 0, 4096, true, GNTST_okay},
        {GTF_permit_access, 4096, 0, true, GNTST_okay},
        {GTF_permit_access, 1, 4096, true, GNTST_bad_copy_arg},
        {GTF_permit_access, 0xffff, 1, true, GNTST_bad_copy_arg},
        {GTF_permit_access | GTF_readonly, 0, 1, true, GNTST_general_error},
        {GTF_permit_access | GTF_readonly, 0, 1, false, GNTST_okay},
        {GTF_invalid, 0, 1, false, GNTST_general_error},
    };
    static uint8_t buf[UINT16_MAX];
    g_autoptr(XenGuest) g = guest();

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("case %u", i);
        grant_guest_entry(g, REF, cases[i].flags, 0, GRANT_GUEST_PAGE);
        g_assert_cmpint(xen_backend_grant_copy(g->d, REF, cases[i].off, buf,
                                               cases[i].len, cases[i].to_guest),
                        ==, cases[i].want);
        g_assert_cmphex(grant_guest_flags(g, REF), ==, cases[i].flags);
        g_assert_cmpuint(pins(g), ==, 0);
    }
}

static void test_part_of_a_page_is_copied_but_never_mapped(void)
{
    static const struct {
        uint16_t off, len;
        int16_t want;
    } cases[] = {
        {256, 128, GNTST_okay},          {383, 1, GNTST_okay},
        {255, 1, GNTST_general_error},   {256, 129, GNTST_general_error},
        {384, 1, GNTST_general_error},   {384, 0, GNTST_okay},
        {4000, 200, GNTST_bad_copy_arg},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    int16_t status;
    uint8_t buf[256] = {0};

    grant_guest_setup(g, 2);
    grant_guest_sub_page(g, REF, GTF_permit_access, 0, GRANT_GUEST_PAGE, 256,
                         128);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("case %u", i);
        g_assert_cmpint(xen_backend_grant_copy(g->d, REF, cases[i].off, buf,
                                               cases[i].len, true),
                        ==, cases[i].want);
    }
    g_assert_null(xen_backend_grant_map(g->d, REF, false, &status));
    g_assert_cmpint(status, ==, GNTST_general_error);
    g_assert_cmpuint(pins(g), ==, 0);
}

/* The rings the toolstack granted in the first entries. */
static void test_rings_are_granted_from_the_start(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (uint32_t ref = 0; ref < 2; ref++) {
        int16_t status;
        HostPage *page = xen_backend_grant_map(g->d, ref, true, &status);

        g_assert_cmpint(status, ==, GNTST_okay);
        xen_backend_grant_unmap(g->d, ref, page, true);
    }
}

static void test_fault_leaves_nothing_mapped(void)
{
    for (unsigned to_copy = 0; to_copy < 2; to_copy++) {
        g_autoptr(XenGuest) g = guest();
        int16_t status;
        char byte = 1;

        fake_host_fail_nth(g->fake, 1);
        if (to_copy) {
            status = xen_backend_grant_copy(g->d, REF, 0, &byte, 1, true);
        } else {
            g_assert_null(xen_backend_grant_map(g->d, REF, true, &status));
        }
        g_assert_true(fake_host_fault_fired(g->fake));
        g_assert_cmpint(status, ==, GNTST_bad_page);
        g_assert_cmphex(grant_guest_flags(g, REF), ==, GTF_permit_access);
        g_assert_cmpuint(pins(g), ==, 0);
        g_assert_cmpuint(fake_host_peek8(g->fake, PAGE_GPA), ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/grant-backend/" #name, test_##name)
    ADD(map_pins_the_page_and_marks_the_entry);
    ADD(map_errors_are_those_of_xen);
    ADD(reference_beyond_the_table_is_bad);
    ADD(entry_that_changes_in_use_keeps_its_page);
    ADD(uses_of_one_kind_are_limited_to_128);
    ADD(unmap_of_what_is_not_mapped_is_ignored);
    ADD(copy_moves_bytes_and_leaves_no_mark);
    ADD(copy_errors_are_those_of_xen);
    ADD(part_of_a_page_is_copied_but_never_mapped);
    ADD(rings_are_granted_from_the_start);
    ADD(fault_leaves_nothing_mapped);
    return g_test_run();
}
