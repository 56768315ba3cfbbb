/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's grant table in native tests. */
#include "tests/unit/grant-guest.h"

#define GNT __HYPERVISOR_grant_table_op

int64_t grant_guest_lay(XenGuest *g, uint64_t idx, uint64_t gfn)
{
    struct xen_add_to_physmap op = {DOMID_SELF, 0, XENMAPSPACE_grant_table, idx,
                                    gfn};
    XenCompatAddToPhysmap compat = {DOMID_SELF, 0, XENMAPSPACE_grant_table,
                                    (uint32_t)idx, (uint32_t)gfn};

    return g->compat
               ? xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                              &compat, sizeof(compat))
               : xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                              &op, sizeof(op));
}

static unsigned version(XenGuest *g)
{
    struct gnttab_get_version op = {.dom = DOMID_SELF};

    g_assert_cmpint(xen_guest_op(g, GNT, GNTTABOP_get_version, &op, sizeof(op)),
                    ==, 0);
    return op.version;
}

void grant_guest_setup(XenGuest *g, unsigned version)
{
    struct gnttab_set_version op = {version};

    g_assert_cmpint(xen_guest_op(g, GNT, GNTTABOP_set_version, &op, sizeof(op)),
                    ==, 0);
    g_assert_cmpint(grant_guest_lay(g, 0, GRANT_GUEST_TABLE), ==, 0);
    if (version == 2) {
        g_assert_cmpint(grant_guest_lay(g, XENMAPIDX_grant_table_status,
                                        GRANT_GUEST_STATUS),
                        ==, 0);
    }
}

static uint64_t entry_gpa(XenGuest *g, uint32_t ref)
{
    return (GRANT_GUEST_TABLE << HOST_PAGE_SHIFT) +
           ref * (version(g) == 1 ? sizeof(struct grant_entry_v1)
                                  : sizeof(union grant_entry_v2));
}

static uint64_t status_gpa(uint32_t ref)
{
    return (GRANT_GUEST_STATUS << HOST_PAGE_SHIFT) +
           ref * sizeof(grant_status_t);
}

void grant_guest_entry(XenGuest *g, uint32_t ref, uint16_t flags,
                       uint16_t domid, uint64_t frame)
{
    struct grant_entry_v1 v1 = {flags, domid, (uint32_t)frame};
    union grant_entry_v2 v2 = {
        .full_page = {.hdr = {flags, domid}, .frame = frame},
    };

    if (version(g) == 1) {
        fake_host_poke(g->fake, entry_gpa(g, ref), &v1, sizeof(v1));
    } else {
        fake_host_poke(g->fake, entry_gpa(g, ref), &v2, sizeof(v2));
    }
}

void grant_guest_sub_page(XenGuest *g, uint32_t ref, uint16_t flags,
                          uint16_t domid, uint64_t frame, uint16_t off,
                          uint16_t len)
{
    union grant_entry_v2 v2 = {
        .sub_page = {.hdr = {flags | GTF_sub_page, domid},
                     .page_off = off,
                     .length = len,
                     .frame = frame},
    };

    fake_host_poke(g->fake, entry_gpa(g, ref), &v2, sizeof(v2));
}

uint16_t grant_guest_flags(XenGuest *g, uint32_t ref)
{
    uint16_t flags, status = 0;

    fake_host_peek(g->fake, entry_gpa(g, ref), &flags, sizeof(flags));
    if (version(g) == 2) {
        fake_host_peek(g->fake, status_gpa(ref), &status, sizeof(status));
    }
    return flags | status;
}

XenGuest *grant_guest_new(unsigned version, bool compat, uint32_t ref)
{
    XenGuest *g = xen_guest_new(1, 17);

    g->compat = compat;
    grant_guest_setup(g, version);
    grant_guest_entry(g, ref, GTF_permit_access, XEN_GUEST_DOMID,
                      GRANT_GUEST_PAGE);
    return g;
}
