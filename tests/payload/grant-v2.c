/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's grant table of version 2.
 *
 * Behaviour: GNTTABOP_set_version both ways, status frames, entries of parts
 * of pages, transitive entries.
 * Check: when the version may change and what of the table is kept, that use
 * of an entry shows in its status and not in its flags, what may be mapped
 * and what may only be copied.
 * Cannot tell apart: a status that is cleared late from one that is cleared
 * at once; both are clear when the call returns.
 * Real Xen: the same (xen: common/grant_table.c, gnttab_set_version,
 * _set_status_v2, acquire_grant_for_copy).
 *
 * RUN: default smp=1
 * RUN: 4-20 smp=1 plugin=xen-version=4.20
 * RUN: four smp=4
 * RUN: pvh smp=1 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/grant.h"

#define REF          20u
#define STATUS_FRAME XENMAPIDX_grant_table_status

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t other[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t at[PAGE_SIZE] __attribute__((aligned(4096)));

static long set_version(uint32_t version, uint32_t *now)
{
    struct gnttab_set_version op = {version};
    long ret = grant_op(GNTTABOP_set_version, &op, 1);

    *now = op.version;
    return ret;
}

/* The version in force is told with an error too. */
CONFORMS(GNTTABOP_set_version)
static void versions_are_one_and_two(void)
{
    uint32_t now;

    CHECK_RC(-XEN_EINVAL, set_version(0, &now));
    CHECK_EQ(1, now);
    CHECK_RC(-XEN_EINVAL, set_version(3, &now));
    CHECK_EQ(1, now);
    CHECK_RC(-XEN_EINVAL, grant_lay(STATUS_FRAME, other));
    CHECK_RC(0, set_version(2, &now));
    CHECK_EQ(2, now);
    CHECK_RC(0, set_version(2, &now));
    CHECK_RC(0, set_version(1, &now));
    CHECK_EQ(1, now);
    CHECK_RC(-XEN_EFAULT,
             grant_op(GNTTABOP_set_version, cpu_map_window(0, 0, 0), 1));
}

/* Status frames grow with the table, and it with them. */
static void status_frames_are_laid(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};

    if (!grant_setup(2)) {
        return;
    }
    CHECK_RC(-XEN_EINVAL, grant_lay(STATUS_FRAME | 8, other));
    CHECK_RC(0, grant_lay(STATUS_FRAME | 1, other));
    CHECK_RC(0, grant_op(GNTTABOP_query_size, &size, 1));
    CHECK_EQ(16, size.nr_frames);
}

CONFORMS(GNTTABOP_map_grant_ref)
CONFORMS(GNTTABOP_unmap_grant_ref)
static void use_shows_in_the_status(void)
{
    volatile uint8_t *seen = at;
    uint32_t handle;

    if (!grant_setup(2)) {
        return;
    }
    page[9] = 0x77;
    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    CHECK_RC(GNTST_okay,
             grant_map(REF, at, GNTMAP_host_map | GNTMAP_readonly, &handle));
    CHECK_EQ(0x77, seen[9]);
    CHECK_EQ(GTF_permit_access, grant_entry_v2(REF)->hdr.flags);
    CHECK_EQ(GTF_permit_access | GTF_reading, grant_flags(REF));
    CHECK_RC(GNTST_okay, grant_unmap(handle, at));
    CHECK_EQ(GTF_permit_access, grant_flags(REF));
    input("no entry");
    CHECK_RC(GNTST_bad_gntref,
             grant_map(16 * 256, at, GNTMAP_host_map, &handle));
}

/* Copy @len bytes from byte @offset of what entry REF grants. */
static long copy_from_entry(uint16_t offset, uint16_t len)
{
    struct gnttab_copy op = {
        .source = {.u.ref = REF, .domid = DOMID_SELF, .offset = offset},
        .dest = {.domid = DOMID_SELF},
        .len = len,
        .flags = GNTCOPY_source_gref,
    };
    long ret;

    op.dest.u.gmfn = grant_gfn(other);
    ret = grant_op(GNTTABOP_copy, &op, 1);
    return ret ? ret : op.status;
}

CONFORMS(GNTTABOP_copy)
static void part_of_a_page_is_copied_only(void)
{
    union grant_entry_v2 *entry = grant_entry_v2(REF);
    uint32_t handle;

    if (!grant_setup(2)) {
        return;
    }
    entry->sub_page.page_off = 256;
    entry->sub_page.length = 128;
    entry->sub_page.frame = grant_gfn(page);
    entry->hdr.domid = grant_domid();
    barrier();
    entry->hdr.flags = GTF_permit_access | GTF_sub_page;
    CHECK_RC(GNTST_okay, copy_from_entry(256, 128));
    CHECK_RC(GNTST_general_error, copy_from_entry(255, 1));
    CHECK_RC(GNTST_general_error, copy_from_entry(256, 129));
    CHECK_RC(GNTST_bad_copy_arg, copy_from_entry(4000, 128));
    CHECK_RC(GNTST_general_error, grant_map(REF, at, GNTMAP_host_map, &handle));
    CHECK_EQ(GTF_permit_access | GTF_sub_page, grant_flags(REF));
}

CONFORMS(GNTTABOP_copy)
static void transitive_entries_lead_nowhere(void)
{
    union grant_entry_v2 *entry = grant_entry_v2(REF);
    uint32_t handle;

    if (!grant_setup(2)) {
        return;
    }
    entry->transitive.trans_domid = grant_domid();
    entry->transitive.gref = REF + 1;
    entry->hdr.domid = grant_domid();
    barrier();
    entry->hdr.flags = GTF_transitive;
    input("to ourselves");
    CHECK_RC(GNTST_general_error, copy_from_entry(0, 1));
    input("to nobody");
    entry->transitive.trans_domid = 0x7f00;
    CHECK_RC(GNTST_general_error, copy_from_entry(0, 1));
    input("mapped");
    CHECK_RC(GNTST_general_error, grant_map(REF, at, GNTMAP_host_map, &handle));
    CHECK_EQ(GTF_transitive, grant_flags(REF));
}

CONFORMS(GNTTABOP_set_version)
static void version_changes_when_nothing_is_used(void)
{
    uint32_t handle, now;

    if (!grant_setup(2)) {
        return;
    }
    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    grant_entry(3, GTF_permit_access | GTF_readonly, 0, page);
    CHECK_RC(GNTST_okay,
             grant_map(REF, at, GNTMAP_host_map | GNTMAP_readonly, &handle));
    CHECK_RC(-XEN_EBUSY, set_version(1, &now));
    CHECK_EQ(2, now);
    CHECK_RC(GNTST_okay, grant_unmap(handle, at));
    /* A reserved entry that version 1 cannot say. */
    grant_entry_frame(4, GTF_permit_access, 0, 1ull << 32);
    CHECK_RC(-XEN_ERANGE, set_version(1, &now));
    grant_entry_frame(4, GTF_transitive, 0, 0);
    CHECK_RC(-XEN_ERANGE, set_version(1, &now));
    grant_entry_frame(4, GTF_invalid, 0, 0);
    CHECK_RC(0, set_version(1, &now));
    /* Reserved entries are kept, all others gone. */
    if (grant_setup(1)) {
        CHECK_EQ(GTF_permit_access | GTF_readonly, grant_flags(3));
        CHECK_EQ(GTF_invalid, grant_flags(REF));
    }
    if (grant_setup(2)) {
        CHECK_EQ(GTF_permit_access | GTF_readonly, grant_flags(3));
        CHECK_EQ(grant_gfn(page), grant_entry_v2(3)->full_page.frame);
    }
}

PAYLOAD(NEEDS_XEN, TEST(versions_are_one_and_two), TEST(status_frames_are_laid),
        TEST(use_shows_in_the_status), TEST(part_of_a_page_is_copied_only),
        TEST(transitive_entries_lead_nowhere),
        TEST(version_changes_when_nothing_is_used));
