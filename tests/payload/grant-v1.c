/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's grant table of version 1, mapped from itself.
 *
 * Behaviour: GNTTABOP_query_size, setup_table, get_version, map_grant_ref,
 * unmap_grant_ref and swap_grant_ref of a domain that grants to itself; what
 * HVM guests are not offered.
 * Check: sizes, statuses for each wrong argument, the flags Xen keeps in the
 * entry, what is read and written through a mapping, long batches, and a vCPU
 * that scribbles over entries while another maps them.
 * Cannot tell apart: a mapping of the frame from one of a copy that is written
 * back.
 * Real Xen: the same (xen: common/grant_table.c, arch/x86/hvm/grant_table.c;
 * arch/x86/hvm/hypercall.c, hvm_grant_table_op), but that it takes the frame
 * away from where it was: what a DEVIATES names fails there.
 *
 * RUN: default smp=1
 * RUN: 4-20 smp=1 plugin=xen-version=4.20
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=1 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/grant.h"

#define REF    20u
#define BATCH  100u
#define ROUNDS 300u

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t at[2][PAGE_SIZE] __attribute__((aligned(4096)));

CONFORMS(GNTTABOP_query_size)
CONFORMS(GNTTABOP_get_version)
static void table_begins_small(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    struct gnttab_get_version version = {.dom = DOMID_SELF};

    CHECK_RC(0, grant_op(GNTTABOP_query_size, &size, 1));
    CHECK_RC(GNTST_okay, size.status);
    CHECK_EQ(1, size.nr_frames);
    CHECK_EQ(64, size.max_nr_frames);
    CHECK_RC(0, grant_op(GNTTABOP_get_version, &version, 1));
    CHECK_EQ(1, version.version);
    size.dom = 0x7f00;
    CHECK_RC(0, grant_op(GNTTABOP_query_size, &size, 1));
    CHECK_RC(GNTST_bad_domain, size.status);
    size.dom = 0;
    CHECK_RC(0, grant_op(GNTTABOP_query_size, &size, 1));
    CHECK_RC(GNTST_permission_denied, size.status);
    version.dom = 0x7f00;
    CHECK_RC(-XEN_ESRCH, grant_op(GNTTABOP_get_version, &version, 1));
    version.dom = 0;
    CHECK_RC(-XEN_EPERM, grant_op(GNTTABOP_get_version, &version, 1));
    CHECK_RC(-XEN_EINVAL, grant_op(GNTTABOP_query_size, &size, 2));
    CHECK_RC(-XEN_EINVAL, grant_op(GNTTABOP_get_version, &version, ~0u));
}

/* Where a frame is not laid it is all ones: too much for 32 bits. */
CONFORMS(GNTTABOP_setup_table)
static void setup_table_tells_frames(void)
{
    static xen_pfn_t list[2];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    bool wide = sizeof(xen_pfn_t) == 8;

    set_xen_guest_handle(op.frame_list, list);
    CHECK_RC(0, grant_op(GNTTABOP_setup_table, &op, 1));
    CHECK_RC(wide ? GNTST_okay : GNTST_address_too_big, op.status);
    CHECK_EQ(wide ? (xen_pfn_t)~0ul : 0, list[0]);
    if (!grant_setup(1)) {
        return;
    }
    CHECK_RC(0, grant_op(GNTTABOP_setup_table, &op, 1));
    CHECK_RC(GNTST_okay, op.status);
    CHECK(list[0] != 0 && list[0] != (xen_pfn_t)~0ul);
    op.nr_frames = 1000;
    CHECK_RC(0, grant_op(GNTTABOP_setup_table, &op, 1));
    CHECK_RC(GNTST_general_error, op.status);
    op.dom = 0;
    CHECK_RC(0, grant_op(GNTTABOP_setup_table, &op, 1));
    CHECK_RC(GNTST_permission_denied, op.status);
    op.dom = 0x7f00;
    CHECK_RC(0, grant_op(GNTTABOP_setup_table, &op, 1));
    CHECK_RC(GNTST_bad_domain, op.status);
    CHECK_RC(-XEN_EINVAL, grant_op(GNTTABOP_setup_table, &op, 2));
    CHECK_RC(wide ? -XEN_EINVAL : 0, grant_op(GNTTABOP_setup_table, &op, 0));
}

CONFORMS(GNTTABOP_map_grant_ref)
CONFORMS(GNTTABOP_unmap_grant_ref)
static void mapping_shows_the_page(void)
{
    volatile uint8_t *seen = at[0];
    uint32_t handle;

    page[7] = 0x5a;
    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    CHECK_RC(GNTST_okay, grant_map(REF, at[0], GNTMAP_host_map, &handle));
    CHECK_EQ(0x5a, seen[7]);
    seen[8] = 0xa5;
    CHECK_EQ(0xa5, seen[8]);
    CHECK_EQ(GTF_permit_access | GTF_reading | GTF_writing, grant_flags(REF));
    CHECK_RC(GNTST_general_error, grant_unmap(handle, at[1]));
    CHECK_RC(GNTST_okay, grant_unmap(handle, NULL));
    CHECK_RC(GNTST_okay, grant_unmap(handle, at[0]));
    CHECK_EQ(GTF_permit_access, grant_flags(REF));
    CHECK_RC(GNTST_bad_handle, grant_unmap(handle, at[0]));
    CHECK_RC(GNTST_bad_handle, grant_unmap(~0u, at[0]));
}

DEVIATES(GNTTABOP_map_grant_ref, "a frame that is mapped stays where it was")
DEVIATES(GNTTABOP_unmap_grant_ref, "memory beneath a mapping comes back")
static void memory_beneath_comes_back(void)
{
    volatile uint8_t *seen = at[0];
    uint32_t handle;

    seen[7] = 1;
    ((volatile uint8_t *)page)[7] = 2;
    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    CHECK_RC(GNTST_okay, grant_map(REF, at[0], GNTMAP_host_map, &handle));
    CHECK_EQ(2, seen[7]);
    seen[7] = 3;
    CHECK_EQ(3, ((volatile uint8_t *)page)[7]);
    CHECK_RC(GNTST_okay, grant_unmap(handle, at[0]));
    CHECK_EQ(1, seen[7]);
}

CONFORMS(GNTTABOP_map_grant_ref)
static void wrong_mappings_are_refused(void)
{
    static const struct {
        uint16_t entry;
        uint32_t flags;
        uint32_t ref;
        bool of_dom0;
        int16_t want;
    } cases[] = {
        {GTF_permit_access, 0, REF, false, GNTST_bad_gntref},
        {GTF_permit_access, GNTMAP_readonly, REF, false, GNTST_bad_gntref},
        {GTF_permit_access, GNTMAP_device_map, REF, false, GNTST_general_error},
        {GTF_permit_access, GNTMAP_host_map | GNTMAP_contains_pte, REF, false,
         GNTST_general_error},
        {GTF_permit_access, GNTMAP_host_map, 512, false, GNTST_bad_gntref},
        {GTF_permit_access, GNTMAP_host_map, ~0u, false, GNTST_bad_gntref},
        {GTF_invalid, GNTMAP_host_map, REF, false, GNTST_general_error},
        {GTF_accept_transfer, GNTMAP_host_map, REF, false, GNTST_general_error},
        {GTF_permit_access | GTF_readonly, GNTMAP_host_map, REF, false,
         GNTST_general_error},
        {GTF_permit_access, GNTMAP_host_map, REF, true, GNTST_general_error},
    };
    struct gnttab_map_grant_ref op = {
        .dom = DOMID_SELF, .flags = GNTMAP_host_map, .ref = REF};
    uint32_t handle;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        input("case %u", i);
        grant_entry(REF, cases[i].entry, cases[i].of_dom0 ? 0 : grant_domid(),
                    page);
        CHECK_RC(cases[i].want,
                 grant_map(cases[i].ref, at[0], cases[i].flags, &handle));
        CHECK_EQ(cases[i].entry, grant_flags(REF));
    }
    input("DOMID_SELF");
    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    CHECK_RC(0, grant_op(GNTTABOP_map_grant_ref, &op, 1));
    CHECK_RC(GNTST_bad_domain, op.status);
    input("no such domain");
    op.dom = 0x7f00;
    CHECK_RC(0, grant_op(GNTTABOP_map_grant_ref, &op, 1));
    CHECK_RC(GNTST_bad_domain, op.status);
    input("frame without RAM");
    grant_entry_frame(REF, GTF_permit_access, grant_domid(), 0xfed00);
    CHECK_RC(GNTST_bad_page, grant_map(REF, at[0], GNTMAP_host_map, &handle));
}

CONFORMS(GNTTABOP_swap_grant_ref)
static void swap_exchanges_entries(void)
{
    static struct gnttab_swap_grant_ref op[BATCH];
    uint32_t handle;

    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    for (unsigned i = 0; i < BATCH; i++) {
        op[i] = (struct gnttab_swap_grant_ref){REF + i, REF + i + 1, 99};
    }
    CHECK_RC(0, grant_op(GNTTABOP_swap_grant_ref, op, BATCH));
    for (unsigned i = 0; i < BATCH; i++) {
        input("swap %u", i);
        CHECK_RC(GNTST_okay, op[i].status);
    }
    input("in use");
    CHECK_EQ(GTF_invalid, grant_flags(REF));
    CHECK_RC(GNTST_okay,
             grant_map(REF + BATCH, at[0], GNTMAP_host_map, &handle));
    op[0] = (struct gnttab_swap_grant_ref){REF + BATCH, REF, 99};
    op[1] = (struct gnttab_swap_grant_ref){REF, 512, 99};
    CHECK_RC(0, grant_op(GNTTABOP_swap_grant_ref, op, 2));
    CHECK_RC(GNTST_eagain, op[0].status);
    CHECK_RC(GNTST_bad_gntref, op[1].status);
    CHECK_RC(GNTST_okay, grant_unmap(handle, at[0]));
    CHECK_RC(-XEN_EFAULT,
             grant_op(GNTTABOP_swap_grant_ref, cpu_map_window(0, 0, 0), 1));
    CHECK_RC(0, grant_op(GNTTABOP_swap_grant_ref, cpu_map_window(0, 0, 0), 0));
    CHECK_RC(-XEN_EINVAL, grant_op(GNTTABOP_swap_grant_ref, op, ~0u));
}

NOT_OFFERED(GNTTABOP_dump_table, -XEN_ENOSYS)
NOT_OFFERED(GNTTABOP_transfer, -XEN_ENOSYS)
NOT_OFFERED(GNTTABOP_unmap_and_replace, -XEN_ENOSYS)
NOT_OFFERED(GNTTABOP_get_status_frames, -XEN_ENOSYS)
NOT_OFFERED(GNTTABOP_cache_flush, -XEN_ENOSYS)
static void other_operations_are_not_offered(void)
{
    static const unsigned ops[] = {
        GNTTABOP_dump_table,        GNTTABOP_transfer,
        GNTTABOP_unmap_and_replace, GNTTABOP_get_status_frames,
        GNTTABOP_cache_flush,       GNTTABOP_cache_flush + 1,
        GNTTABOP_copy | 1u << 12,   ~0u,
    };
    static uint8_t arg[64];

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        input("op %x", ops[i]);
        CHECK_RC(-XEN_ENOSYS, grant_op(ops[i], arg, 1));
        CHECK_RC(-XEN_ENOSYS, grant_op(ops[i], arg, ~0u));
    }
}

static volatile unsigned scribbling;

/* What a hostile guest does to its entry: all kinds of flags and frames. */
static void other_scribbles(void *arg)
{
    uint32_t x = 1;

    (void)arg;
    while (scribbling) {
        x = x * 1664525 + 1013904223;
        grant_entry_frame(REF, (uint16_t)(x >> 16) & ~GTF_writing,
                          x & 2 ? grant_domid() : 0,
                          x & 4 ? grant_gfn(page) : 0xfed00);
    }
}

static void scribbled_entries_map_or_fail(void)
{
    uint32_t handle;

    if (cpu_count() > 1) {
        scribbling = 1;
        CHECK(cpu_start_other(1, other_scribbles, NULL));
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        long status = grant_map(REF, at[0], GNTMAP_host_map, &handle);

        if (status == GNTST_okay) {
            CHECK_RC(GNTST_okay, grant_unmap(handle, at[0]));
        } else {
            CHECK(status == GNTST_general_error || status == GNTST_bad_page);
        }
    }
    scribbling = 0;
    if (cpu_count() > 1) {
        CHECK(cpu_other_done(1));
    }
    /* It is free: nothing is held. */
    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    CHECK_RC(GNTST_okay, grant_map(REF, at[0], GNTMAP_host_map, &handle));
    CHECK_RC(GNTST_okay, grant_unmap(handle, at[0]));
    CHECK_EQ(GTF_permit_access, grant_flags(REF));
}

PAYLOAD(NEEDS_XEN, TEST(table_begins_small), TEST(setup_table_tells_frames),
        TEST(mapping_shows_the_page), TEST(memory_beneath_comes_back),
        TEST(wrong_mappings_are_refused), TEST(swap_exchanges_entries),
        TEST(other_operations_are_not_offered),
        TEST(scribbled_entries_map_or_fail));
