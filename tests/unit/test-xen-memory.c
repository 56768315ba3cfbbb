/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op and grant_table_op: overlays, figures, the table's frames. */
#include <string.h>

#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"
#include "hw/xen/abi/compat-memory.h"

#define GNT __HYPERVISOR_grant_table_op

static int64_t add_to_physmap(XenGuest *g, uint16_t domid, uint32_t space,
                              uint64_t idx, uint64_t gfn)
{
    struct xen_add_to_physmap op = {domid, 0, space, idx, gfn};
    XenCompatAddToPhysmap compat = {domid, 0, space, (uint32_t)idx,
                                    (uint32_t)gfn};

    return g->compat
               ? xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                              &compat, sizeof(compat))
               : xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                              &op, sizeof(op));
}

CONFORMS(XENMEM_add_to_physmap)
static void test_add_to_physmap_errors_are_those_of_xen(void)
{
    static const struct {
        uint16_t domid;
        uint32_t space;
        uint64_t idx, gfn;
        int64_t want;
    } cases[] = {
        {DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x50, 0},
        {XEN_GUEST_DOMID, XENMAPSPACE_shared_info, 0, 0x50, 0},
        {DOMID_SELF, XENMAPSPACE_shared_info, 1, 0x50, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_shared_info, UINT64_MAX, 0x50, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_shared_info, 0, UINT64_MAX, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_grant_table, 0, 0x50, 0},
        {DOMID_SELF, XENMAPSPACE_grant_table, 63, 0x50, 0},
        {DOMID_SELF, XENMAPSPACE_grant_table, 64, 0x50, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_grant_table, UINT64_MAX, 0x50, -XEN_EINVAL},
        {DOMID_SELF, 99, 0, 0x50, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_gmfn, 1, 0x50, 0},
        {DOMID_SELF, XENMAPSPACE_gmfn, 0x50, 0x50, 0},
        {DOMID_SELF, XENMAPSPACE_gmfn, 0x1000, 0x50, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_gmfn, 1, UINT64_MAX, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_gmfn, 1, XEN_GUEST_UNMAPPED, -XEN_EINVAL},
        {DOMID_SELF, XENMAPSPACE_gmfn_range, 1, 0x50, 0}, /* of no pages */
        {DOMID_SELF, XENMAPSPACE_dev_mmio, 0, 0x50, -XEN_EACCES},
        {0, XENMAPSPACE_dev_mmio, 0, 0x50, -XEN_EACCES},
        {0x1234, XENMAPSPACE_dev_mmio, 0, 0x50, -XEN_ESRCH},
        {DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0, 0x50, -XEN_ENOSYS},
        {0x1234, XENMAPSPACE_gmfn_foreign, 0, 0x50, -XEN_ENOSYS},
        {0x1234, XENMAPSPACE_shared_info, 0, 0x50, -XEN_ESRCH},
        {0, XENMAPSPACE_shared_info, 0, 0x50, -XEN_EPERM},
    };

    for (unsigned compat = 0; compat < 2; compat++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_autoptr(XenGuest) g = xen_guest_new(1, 17);

            g->compat = compat;
            g_test_message("compat %u case %u", compat, i);
            g_assert_cmpint(add_to_physmap(g, cases[i].domid, cases[i].space,
                                           cases[i].idx, cases[i].gfn),
                            ==,
                            compat && cases[i].gfn == UINT64_MAX
                                ? 0 /* a frame like others */
                                : cases[i].want);
        }
    }
}

CONFORMS(XENMAPSPACE_shared_info)
static void test_shared_info_hides_the_frame_and_moves(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    fake_host_poke64(g->fake, 0x50008, 0x1122334455667788);
    g_assert_cmpint(
        add_to_physmap(g, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x50), ==, 0);
    g_assert_cmphex(fake_host_peek64(g->fake, 0x50008), ==, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_peek8(g->fake, 0x50000), ==, 1);
    g_assert_cmpint(
        add_to_physmap(g, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x51), ==, 0);
    g_assert_cmphex(fake_host_peek64(g->fake, 0x50008), ==, 0x1122334455667788);
    g_assert_cmpuint(fake_host_peek8(g->fake, 0x51000), ==, 1);
    xen_domain_reset(g->d);
    g_assert_cmpuint(fake_host_peek8(g->fake, 0x51000), ==, 0);
    g_assert_cmpint(
        add_to_physmap(g, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x50), ==, 0);
    g_assert_cmphex(fake_host_peek8(g->fake, 0x50000), ==, 0);
}

DEVIATES(XENMEM_maximum_ram_page, "the machine has the guest's memory")
CONFORMS(XENMEM_maximum_gpfn)
CONFORMS(XENMEM_get_sharing_freed_pages)
CONFORMS(XENMEM_get_sharing_shared_pages)
static void test_memory_figures_and_unknown_operations(void)
{
    static const struct {
        uint64_t cmd;
        uint16_t domid;
        int64_t want;
    } cases[] = {
        {XENMEM_current_reservation, DOMID_SELF, XEN_GUEST_FRAMES},
        {XENMEM_current_reservation, 0, -XEN_EPERM},
        {XENMEM_current_reservation, 0x1234, -XEN_ESRCH},
        {XENMEM_maximum_reservation, XEN_GUEST_DOMID, XEN_GUEST_FRAMES},
        {XENMEM_maximum_reservation, 0x1234, -XEN_ESRCH},
        {XENMEM_maximum_ram_page, 0, XEN_GUEST_FRAMES},
        {XENMEM_maximum_ram_page | 1 << 6, 0, -XEN_EINVAL},
        {XENMEM_current_reservation | 1 << 6, DOMID_SELF, -XEN_EINVAL},
        {XENMEM_add_to_physmap | 0x10000 << 6, DOMID_SELF, -XEN_EDOM},
        {XENMEM_maximum_reservation, 0, -XEN_EPERM},
        {XENMEM_maximum_gpfn, DOMID_SELF, 0xfefff},
        {XENMEM_maximum_gpfn, 0, -XEN_EPERM},
        {XENMEM_maximum_gpfn, 0x1234, -XEN_ESRCH},
        {XENMEM_maximum_gpfn | 1 << 6, DOMID_SELF, -XEN_EINVAL},
        {XENMEM_memory_map, DOMID_SELF, -XEN_ENOSYS}, /* it was given none */
        {XENMEM_machphys_mapping, DOMID_SELF, -XEN_ENOSYS},
        {XENMEM_machine_memory_map, DOMID_SELF, -XEN_ENOSYS},
        {8, DOMID_SELF, -XEN_ENOSYS},
        {18, DOMID_SELF, 0},
        {18 | 1 << 6, DOMID_SELF, -XEN_ENOSYS},
        {19, DOMID_SELF, 0},
        {20, DOMID_SELF, -XEN_ENOSYS},
        {22, DOMID_SELF, -XEN_ENOSYS},
        {28, DOMID_SELF, -XEN_EACCES},
        {29, DOMID_SELF, -XEN_ENOSYS},
        {63, DOMID_SELF, -XEN_ENOSYS},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        domid_t domid = cases[i].domid;

        g_test_message("XENMEM %#x domid %#x", (unsigned)cases[i].cmd, domid);
        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_memory_op, cases[i].cmd,
                                     &domid, sizeof(domid)),
                        ==, cases[i].want);
    }
}

static void query_size(XenGuest *g, uint16_t dom, int16_t status, uint32_t nr)
{
    struct gnttab_query_size op = {.dom = dom};

    g_assert_cmpint(xen_guest_op(g, GNT, GNTTABOP_query_size, &op, sizeof(op)),
                    ==, 0);
    g_assert_cmpint(op.status, ==, status);
    g_assert_cmpuint(op.nr_frames, ==, nr);
    g_assert_cmpuint(op.max_nr_frames, ==, nr ? 64 : 0);
}

CONFORMS(GNTTABOP_query_size)
CONFORMS(XENMAPSPACE_grant_table)
static void test_grant_table_grows_when_mapped(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    query_size(g, DOMID_SELF, GNTST_okay, 1);
    query_size(g, 0, GNTST_permission_denied, 0);
    query_size(g, 0x1234, GNTST_bad_domain, 0);
    g_assert_cmpint(
        add_to_physmap(g, DOMID_SELF, XENMAPSPACE_grant_table, 5, 0x55), ==, 0);
    query_size(g, DOMID_SELF, GNTST_okay, 6);
    xen_domain_reset(g->d);
    query_size(g, DOMID_SELF, GNTST_okay, 1);
}

/* The count is looked at before the argument. */
CONFORMS(GNTTABOP_query_size)
static void test_grant_size_is_asked_one_at_a_time(void)
{
    static const struct {
        uint64_t gva;
        uint32_t count;
        int64_t want;
    } cases[] = {
        {XEN_GUEST_ARG, 0, -XEN_EINVAL},
        {XEN_GUEST_ARG, 2, -XEN_EINVAL},
        {XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, 0, -XEN_EINVAL},
        {XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, 2, -XEN_EINVAL},
        {XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, 1, -XEN_EFAULT},
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);

        g->compat = i % 2;
        g_test_message("case %u compat %u", i / 2, i % 2);
        g_assert_cmpint(xen_guest_call(g, GNT, GNTTABOP_query_size,
                                       cases[i / 2].gva, cases[i / 2].count),
                        ==, cases[i / 2].want);
    }
}

static void test_first_frame_grants_the_rings(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct grant_entry_v1 entry[2];

    g_assert_cmpint(
        add_to_physmap(g, DOMID_SELF, XENMAPSPACE_grant_table, 0, 0x55), ==, 0);
    fake_host_peek(g->fake, 0x55000, entry, sizeof(entry));
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpuint(entry[i].flags, ==, GTF_permit_access);
        g_assert_cmpuint(entry[i].domid, ==, 0);
    }
    g_assert_cmphex(entry[0].frame, ==, 0xfefff);
    g_assert_cmphex(entry[1].frame, ==, 0xfeffc);
}

/* Of frames 0 and 1, frame 1 mapped at 0x56. */
static void setup_in_layout(bool compat)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 2};
    XenCompatSetupTable op32 = {.dom = DOMID_SELF, .nr_frames = 2};
    int64_t ret;

    g->compat = compat;
    g_assert_cmpint(
        add_to_physmap(g, DOMID_SELF, XENMAPSPACE_grant_table, 1, 0x56), ==, 0);
    set_xen_guest_handle(op.frame_list, (void *)XEN_GUEST_BUF);
    op32.frame_list = XEN_GUEST_BUF;
    /* Where frame 0 is without this does not fit into 32 bits. */
    g_assert_cmpint(add_to_physmap(g, DOMID_SELF, XENMAPSPACE_grant_table, 0,
                                   compat ? 0x55 : UINT64_MAX),
                    ==, compat ? 0 : -XEN_EINVAL);
    ret = compat
              ? xen_guest_op(g, GNT, GNTTABOP_setup_table, &op32, sizeof(op32))
              : xen_guest_op(g, GNT, GNTTABOP_setup_table, &op, sizeof(op));
    g_assert_cmpint(ret, ==, 0);
    if (compat) {
        g_assert_cmpint(op32.status, ==, GNTST_okay);
        g_assert_cmphex(fake_host_peek32(g->fake, XEN_GUEST_BUF), ==, 0x55);
        g_assert_cmphex(fake_host_peek32(g->fake, XEN_GUEST_BUF + 4), ==, 0x56);
    } else {
        g_assert_cmpint(op.status, ==, GNTST_okay);
        g_assert_cmphex(fake_host_peek64(g->fake, XEN_GUEST_BUF), ==,
                        UINT64_MAX);
        g_assert_cmphex(fake_host_peek64(g->fake, XEN_GUEST_BUF + 8), ==, 0x56);
    }
}

CONFORMS(GNTTABOP_setup_table)
static void test_setup_table_lists_frames_in_64_bit_layout(void)
{
    setup_in_layout(false);
}

CONFORMS(GNTTABOP_setup_table)
static void test_setup_table_lists_frames_in_32_bit_layout(void)
{
    setup_in_layout(true);
}

CONFORMS(GNTTABOP_setup_table)
static void test_setup_table_reports_errors_as_status(void)
{
    static const struct {
        uint16_t dom;
        uint32_t nr;
        uint64_t list;
        int16_t want;
    } cases[] = {
        {DOMID_SELF, 64, XEN_GUEST_BUF, GNTST_okay},
        {DOMID_SELF, 65, XEN_GUEST_BUF, GNTST_general_error},
        {DOMID_SELF, 1000, XEN_GUEST_BUF, GNTST_general_error},
        {DOMID_SELF, UINT32_MAX, XEN_GUEST_BUF, GNTST_general_error},
        {DOMID_SELF, 1, XEN_GUEST_UNMAPPED << 12, GNTST_bad_virt_addr},
        {DOMID_SELF, 0, XEN_GUEST_UNMAPPED << 12, GNTST_okay},
        {0, 1, XEN_GUEST_BUF, GNTST_permission_denied},
        {0x1234, 1, XEN_GUEST_BUF, GNTST_bad_domain},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct gnttab_setup_table op = {.dom = cases[i].dom,
                                        .nr_frames = cases[i].nr};

        g_test_message("case %u", i);
        set_xen_guest_handle(op.frame_list, (void *)cases[i].list);
        g_assert_cmpint(
            xen_guest_op(g, GNT, GNTTABOP_setup_table, &op, sizeof(op)), ==, 0);
        g_assert_cmpint(op.status, ==, cases[i].want);
    }
}

static void test_grant_versions_and_unknown_operations(void)
{
    static const struct {
        uint32_t cmd;
        uint32_t arg; /* version, or domain id */
        int64_t want;
    } cases[] = {
        {GNTTABOP_set_version, 1, 0},
        {GNTTABOP_set_version, 2, 0},
        {GNTTABOP_set_version, 1, 0},
        {GNTTABOP_set_version, 3, -XEN_EINVAL},
        {GNTTABOP_set_version, 0, -XEN_EINVAL},
        {GNTTABOP_get_version, DOMID_SELF, 0},
        {GNTTABOP_get_version, 0, -XEN_EPERM},
        {GNTTABOP_get_version, 0x1234, -XEN_ESRCH},
        {99, 0, -XEN_ENOSYS},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint32_t arg[2] = {cases[i].arg, 0};

        g_test_message("GNTTABOP %u (%u)", cases[i].cmd, cases[i].arg);
        g_assert_cmpint(xen_guest_op(g, GNT, cases[i].cmd, arg, sizeof(arg)),
                        ==, cases[i].want);
        if (cases[i].cmd == GNTTABOP_get_version && cases[i].want == 0) {
            g_assert_cmpuint(arg[1], ==, 1);
        }
    }
    g_assert_cmpint(
        xen_guest_call(g, GNT, GNTTABOP_query_size, XEN_GUEST_ARG, 2), ==,
        -XEN_EINVAL);
    g_assert_cmpint(
        xen_guest_call(g, GNT, GNTTABOP_setup_table, XEN_GUEST_ARG, 0), ==,
        -XEN_EINVAL);
    g_assert_cmpint(
        xen_guest_call(g, GNT, GNTTABOP_get_version, XEN_GUEST_ARG, UINT32_MAX),
        ==, -XEN_EINVAL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/memory/" #name, test_##name)
    ADD(add_to_physmap_errors_are_those_of_xen);
    ADD(shared_info_hides_the_frame_and_moves);
    ADD(memory_figures_and_unknown_operations);
    ADD(grant_table_grows_when_mapped);
    ADD(grant_size_is_asked_one_at_a_time);
    ADD(first_frame_grants_the_rings);
    ADD(setup_table_lists_frames_in_64_bit_layout);
    ADD(setup_table_lists_frames_in_32_bit_layout);
    ADD(setup_table_reports_errors_as_status);
    ADD(grant_versions_and_unknown_operations);
    return g_test_run();
}
