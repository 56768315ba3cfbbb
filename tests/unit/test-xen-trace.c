/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace events of grants, the physmap and physical interrupts. */
#include <string.h>

#include "hw/xen/backend.h"
#include "hw/xen/pirq.h"
#include "tests/unit/grant-guest.h"

#define GNT     __HYPERVISOR_grant_table_op
#define MEM     __HYPERVISOR_memory_op
#define PHYSDEV __HYPERVISOR_physdev_op
#define REF     20u
#define BAD_REF 99999u
#define AT_GFN  0x90ull
#define LIST    0x80000ull
#define PIRQ    17u

/* The newest @event, and no other, has these values. */
static void assert_traced(XenGuest *g, HostTraceEvent event, uint64_t a,
                          uint64_t b, uint64_t c, int64_t ret)
{
    const FakeEvent *last = fake_host_last_trace(g->fake, event);

    g_assert_nonnull(last);
    g_assert_cmpuint(fake_host_trace_count(g->fake, event), ==, 1);
    g_assert_cmphex(last->b, ==, a);
    g_assert_cmphex(last->c, ==, b);
    g_assert_cmphex(last->d, ==, c);
    g_assert_cmpint((int64_t)last->e, ==, ret);
    fake_host_clear_events(g->fake);
}

static XenGuest *guest_new(void)
{
    XenGuest *g = xen_guest_new(1, 17);

    grant_guest_setup(g, 1);
    grant_guest_entry(g, REF, GTF_permit_access, XEN_GUEST_DOMID,
                      GRANT_GUEST_PAGE);
    grant_guest_entry(g, REF + 1, GTF_permit_access, 0, GRANT_GUEST_PAGE);
    fake_host_clear_events(g->fake);
    return g;
}

static void test_mappings_are_traced_with_their_entry(void)
{
    g_autoptr(XenGuest) g = guest_new();
    struct gnttab_map_grant_ref map = {.host_addr = AT_GFN << 12,
                                       .flags =
                                           GNTMAP_host_map | GNTMAP_readonly,
                                       .ref = REF,
                                       .dom = XEN_GUEST_DOMID};
    struct gnttab_unmap_grant_ref unmap = {.host_addr = AT_GFN << 12};

    xen_guest_op(g, GNT, GNTTABOP_map_grant_ref, &map, sizeof(map));
    assert_traced(g, HOST_TRACE_grant_map, XEN_GUEST_DOMID, REF, 0, GNTST_okay);
    unmap.handle = map.handle;
    xen_guest_op(g, GNT, GNTTABOP_unmap_grant_ref, &unmap, sizeof(unmap));
    assert_traced(g, HOST_TRACE_grant_unmap, XEN_GUEST_DOMID, REF, 0,
                  GNTST_okay);
    xen_guest_op(g, GNT, GNTTABOP_unmap_grant_ref, &unmap, sizeof(unmap));
    assert_traced(g, HOST_TRACE_grant_unmap, XEN_GUEST_DOMID, UINT64_MAX, 0,
                  GNTST_bad_handle);
    map.flags = GNTMAP_host_map;
    map.ref = BAD_REF;
    xen_guest_op(g, GNT, GNTTABOP_map_grant_ref, &map, sizeof(map));
    assert_traced(g, HOST_TRACE_grant_map, XEN_GUEST_DOMID, BAD_REF, 1,
                  GNTST_bad_gntref);
}

static void test_copies_and_versions_are_traced(void)
{
    g_autoptr(XenGuest) g = guest_new();
    struct gnttab_copy copy = {
        .source = {.u.ref = REF, .domid = XEN_GUEST_DOMID},
        .dest = {.u.gmfn = AT_GFN, .domid = DOMID_SELF},
        .len = 24,
        .flags = GNTCOPY_source_gref};
    struct gnttab_set_version version = {2};

    xen_guest_op(g, GNT, GNTTABOP_copy, &copy, sizeof(copy));
    assert_traced(g, HOST_TRACE_grant_copy, 1ull << 32 | REF, AT_GFN, 24,
                  copy.status);
    xen_guest_op(g, GNT, GNTTABOP_set_version, &version, sizeof(version));
    assert_traced(g, HOST_TRACE_grant_version, 2, 1, 0, 0);
}

static void test_back_ends_are_traced_as_domain_0(void)
{
    g_autoptr(XenGuest) g = guest_new();
    uint8_t buf[16];
    int16_t status;
    HostPage *page = xen_backend_grant_map(g->d, REF + 1, true, &status);

    g_assert_nonnull(page);
    assert_traced(g, HOST_TRACE_grant_map, 0, REF + 1, 1, GNTST_okay);
    xen_backend_grant_unmap(g->d, REF + 1, page, true);
    assert_traced(g, HOST_TRACE_grant_unmap, 0, REF + 1, 1, GNTST_okay);
    xen_backend_grant_copy(g->d, REF + 1, 0, buf, sizeof(buf), true);
    assert_traced(g, HOST_TRACE_grant_copy, UINT64_MAX, 1ull << 32 | (REF + 1),
                  sizeof(buf), GNTST_okay);
    xen_backend_grant_copy(g->d, REF, 0, buf, sizeof(buf), false);
    assert_traced(g, HOST_TRACE_grant_copy, 1ull << 32 | REF, UINT64_MAX,
                  sizeof(buf), GNTST_general_error);
}

static void reservation(XenGuest *g, unsigned cmd, uint64_t gfn)
{
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};

    fake_host_poke64(g->fake, LIST, gfn);
    set_xen_guest_handle(op.extent_start, (void *)(uintptr_t)LIST);
    xen_guest_op(g, MEM, cmd, &op, sizeof(op));
}

static void test_physmap_changes_are_traced(void)
{
    g_autoptr(XenGuest) g = guest_new();
    struct xen_remove_from_physmap remove = {DOMID_SELF, AT_GFN + 1};
    struct xen_add_to_physmap move = {DOMID_SELF, 0, XENMAPSPACE_gmfn,
                                      AT_GFN + 2, AT_GFN + 1};

    reservation(g, XENMEM_decrease_reservation, AT_GFN);
    assert_traced(g, HOST_TRACE_physmap, 0, AT_GFN, AT_GFN, 0);
    reservation(g, XENMEM_decrease_reservation, AT_GFN);
    assert_traced(g, HOST_TRACE_physmap, 0, AT_GFN, HOST_NO_FRAME, -XEN_EINVAL);
    xen_guest_op(g, MEM, XENMEM_remove_from_physmap, &remove, sizeof(remove));
    assert_traced(g, HOST_TRACE_physmap, 1, AT_GFN + 1, AT_GFN + 1, 0);
    reservation(g, XENMEM_populate_physmap, XEN_GUEST_UNMAPPED);
    assert_traced(g, HOST_TRACE_physmap, 2, XEN_GUEST_UNMAPPED, AT_GFN,
                  -XEN_EINVAL);
    reservation(g, XENMEM_populate_physmap, AT_GFN);
    assert_traced(g, HOST_TRACE_physmap, 2, AT_GFN, AT_GFN, 0);
    xen_guest_op(g, MEM, XENMEM_add_to_physmap, &move, sizeof(move));
    assert_traced(g, HOST_TRACE_physmap, 3, AT_GFN + 1, AT_GFN + 2, 0);
}

static void test_physical_interrupts_are_traced(void)
{
    g_autoptr(XenGuest) g = guest_new();
    struct physdev_map_pirq map = {.domid = DOMID_SELF,
                                   .type = MAP_PIRQ_TYPE_GSI,
                                   .index = PIRQ,
                                   .pirq = PIRQ};
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF, .pirq = PIRQ};
    struct physdev_eoi eoi = {PIRQ};
    struct evtchn_bind_pirq bind = {.pirq = PIRQ};

    xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | 0xe0);
    g_assert_cmpint(
        xen_guest_op(g, PHYSDEV, PHYSDEVOP_map_pirq, &map, sizeof(map)), ==, 0);
    assert_traced(g, HOST_TRACE_pirq_map, PIRQ, PIRQ, 1, 0);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_event_channel_op,
                                 EVTCHNOP_bind_pirq, &bind, sizeof(bind)),
                    ==, 0);
    assert_traced(g, HOST_TRACE_pirq_bind, PIRQ, bind.port, 0, 0);
    xen_domain_gsi(g->d, PIRQ, true);
    g_assert_cmpint(xen_guest_op(g, PHYSDEV, PHYSDEVOP_eoi, &eoi, sizeof(eoi)),
                    ==, 0);
    assert_traced(g, HOST_TRACE_pirq_eoi, PIRQ, 1, 0, 0);
    xen_domain_gsi(g->d, PIRQ, false);
    xen_guest_op(g, PHYSDEV, PHYSDEVOP_eoi, &eoi, sizeof(eoi));
    assert_traced(g, HOST_TRACE_pirq_eoi, PIRQ, 0, 0, 0);
    xen_guest_op(g, PHYSDEV, PHYSDEVOP_unmap_pirq, &unmap, sizeof(unmap));
    assert_traced(g, HOST_TRACE_pirq_map, PIRQ, PIRQ, 0, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/trace/" #name, test_##name)
    ADD(mappings_are_traced_with_their_entry);
    ADD(copies_and_versions_are_traced);
    ADD(back_ends_are_traced_as_domain_0);
    ADD(physmap_changes_are_traced);
    ADD(physical_interrupts_are_traced);
    return g_test_run();
}
