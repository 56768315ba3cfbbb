/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op: what a guest is refused, what it is told of the machine, and
 * lists of which each entry has an answer of its own.
 *
 * Behaviour: operations on other domains look at the domain before they refuse;
 * the toolstack's are refused for every domain; a batch has an error for each
 * of its frames.
 * Check: each operation's answer for the guest itself, for domain 0 and for a
 * domain that is not there, and for arguments that cannot be read or written.
 * Cannot tell apart: an operation that does not exist from one that says so.
 * Real Xen: the same, of release builds without page sharing and paging (xen:
 * common/memory.c, do_memory_op; arch/x86/mm.c, arch_memory_op; arch/x86/mm/
 * p2m.c, p2m_add_foreign; common/mem_access.c), with a domain 0 that is PV; how
 * large the machine is depends on it.
 *
 * RUN: default
 * RUN: 4-20 plugin=xen-version=4.20
 * RUN: smp smp=4
 * RUN: pvh guest=pvh smp=4
 */
#include "tests/conformance.h"
#include "tests/payload/lib/grant.h"

/* Kept from guests by Xen's headers. */
#define GET_SHARING_FREED_PAGES    18
#define GET_SHARING_SHARED_PAGES   19
#define PAGING_OP                  20
#define ACCESS_OP                  21
#define SHARING_OP                 22
#define CLAIM_PAGES                24
#define RESERVED_DEVICE_MEMORY_MAP 27

#define BAD_PTR   ((void *)(uintptr_t)0xd0000000ul) /* nothing there */
#define NO_DOMAIN 0x1234
#define DOM0      0
#define FAR_GFN   0x40000u /* 1 GiB: beyond the memory payloads are given */
#define GFN(p)    ((uintptr_t)(p) / PAGE_SIZE)
#define E820_MAX  1024u

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t other_page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t arg[16];

/* Xen has no claims for 32-bit callers (xen: common/compat/memory.c). */
#define CLAIMS (sizeof(long) == 8)

/* Where an operation's argument has the domain's id, and its answers. */
typedef struct Foreign {
    unsigned op, at;
    int self, dom0, other;
} Foreign;

/* Layouts that the headers keep from guests begin alike in 32 bits. */
NOT_OFFERED(XENMEM_set_pod_target, -XEN_EPERM)
NOT_OFFERED(XENMEM_get_pod_target, -XEN_EPERM)
NOT_OFFERED(XENMEM_access_op, -XEN_ESRCH)
NOT_OFFERED(XENMEM_get_vnumainfo, -XEN_EOPNOTSUPP)
NOT_OFFERED(XENMEM_acquire_resource, -XEN_EACCES)
NOT_OFFERED(XENMEM_paging_op, -XEN_ENOSYS)
NOT_OFFERED(XENMEM_sharing_op, -XEN_ENOSYS)
NOT_OFFERED(XENMEM_claim_pages, -XEN_EPERM)
static void operations_on_domains_are_refused(void)
{
    static const Foreign cases[] = {
        {XENMEM_set_pod_target, offsetof(struct xen_pod_target, domid),
         -XEN_EPERM, -XEN_EPERM, -XEN_ESRCH},
        {XENMEM_get_pod_target, offsetof(struct xen_pod_target, domid),
         -XEN_EPERM, -XEN_EPERM, -XEN_ESRCH},
        {ACCESS_OP, 2, -XEN_ESRCH, -XEN_EINVAL, -XEN_ESRCH},
        {XENMEM_get_vnumainfo, offsetof(struct xen_vnuma_topology_info, domid),
         -XEN_EOPNOTSUPP, -XEN_EPERM, -XEN_ESRCH},
        {XENMEM_acquire_resource, 0, -XEN_EACCES, -XEN_EACCES, -XEN_EACCES},
        {PAGING_OP, 2, -XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS},
        {SHARING_OP, 2, -XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS},
        {CLAIM_PAGES, offsetof(struct xen_memory_reservation, domid),
         CLAIMS ? -XEN_EINVAL : -XEN_ENOSYS, CLAIMS ? -XEN_EPERM : -XEN_ENOSYS,
         CLAIMS ? -XEN_EINVAL : -XEN_ENOSYS},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        const Foreign *c = &cases[i];
        const struct {
            uint16_t domid;
            int want;
        } who[] = {
            {DOMID_SELF, c->self}, {DOM0, c->dom0}, {NO_DOMAIN, c->other}};

        for (unsigned j = 0; j < ARRAY_SIZE(who); j++) {
            input("XENMEM %u domain %x", c->op, who[j].domid);
            memset(arg, 0, sizeof(arg));
            memcpy((uint8_t *)arg + c->at, &who[j].domid, sizeof(uint16_t));
            CHECK_RC(who[j].want, xen_memory_op(c->op, arg));
        }
    }
}

static void arguments_that_cannot_be_read_are_faults(void)
{
    static const unsigned ops[] = {
        XENMEM_set_memory_map,       XENMEM_set_pod_target,
        XENMEM_get_pod_target,       ACCESS_OP,
        XENMEM_get_vnumainfo,        CLAIM_PAGES,
        XENMEM_add_to_physmap_batch, XENMEM_exchange,
        XENMEM_machphys_mfn_list,    XENMEM_machphys_compat_mfn_list,
        RESERVED_DEVICE_MEMORY_MAP,  XENMEM_remove_from_physmap,
        XENMEM_add_to_physmap,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        input("XENMEM %u", ops[i]);
        CHECK_RC(ops[i] == CLAIM_PAGES && !CLAIMS ? -XEN_ENOSYS : -XEN_EFAULT,
                 xen_memory_op(ops[i], BAD_PTR));
    }
}

/* One's own id: claims are looked at for a domain by its number alone. */
static void claims_are_looked_at_first(void)
{
    struct xen_memory_reservation claim = {.domid = grant_domid()};
    struct xen_vnuma_topology_info numa = {.domid = DOMID_SELF, .pad = 1};

    CHECK_RC(-XEN_EINVAL, xen_memory_op(XENMEM_get_vnumainfo, &numa));
    if (!CLAIMS) {
        CHECK_RC(-XEN_ENOSYS, xen_memory_op(CLAIM_PAGES, &claim));
        return;
    }
    CHECK_RC(-XEN_EPERM, xen_memory_op(CLAIM_PAGES, &claim));
    claim.extent_order = 1;
    CHECK_RC(-XEN_EINVAL, xen_memory_op(CLAIM_PAGES, &claim));
    claim.extent_order = 0;
    claim.mem_flags = 1;
    CHECK_RC(-XEN_EINVAL, xen_memory_op(CLAIM_PAGES, &claim));
}

DEVIATES(XENMEM_maximum_ram_page, "the machine has the guest's memory")
CONFORMS(XENMEM_get_sharing_freed_pages)
CONFORMS(XENMEM_get_sharing_shared_pages)
static void figures_of_the_machine(void)
{
    domid_t self = DOMID_SELF;

    CHECK(xen_memory_op(XENMEM_maximum_ram_page, NULL) >=
          xen_memory_op(XENMEM_current_reservation, &self));
    CHECK_RC(0, xen_memory_op(GET_SHARING_FREED_PAGES, NULL));
    CHECK_RC(0, xen_memory_op(GET_SHARING_SHARED_PAGES, NULL));
}

DEVIATES(XENMEM_machphys_mfn_list, "there is no table of machine frames")
DEVIATES(XENMEM_machphys_compat_mfn_list, "as machphys_mfn_list")
static void table_of_machine_frames(void)
{
    static const unsigned ops[] = {XENMEM_machphys_mfn_list,
                                   XENMEM_machphys_compat_mfn_list};
    static xen_pfn_t list[4];

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        struct xen_machphys_mfn_list op = {.max_extents = 1};

        input("XENMEM %u", ops[i]);
        memset(list, 0, sizeof(list));
        set_xen_guest_handle(op.extent_start, list);
        CHECK_RC(0, xen_memory_op(ops[i], &op));
        CHECK_EQ(1, op.nr_extents);
        CHECK(list[0] != 0);
        CHECK_EQ(0, list[1]);
        op.max_extents = 0;
        CHECK_RC(0, xen_memory_op(ops[i], &op));
        CHECK_EQ(0, op.nr_extents);
        op.max_extents = 1;
        set_xen_guest_handle(op.extent_start, BAD_PTR);
        CHECK_RC(-XEN_EFAULT, xen_memory_op(ops[i], &op));
    }
}

/* Hosts with reserved memory want more room than none. */
CONFORMS(XENMEM_reserved_device_memory_map)
static void reserved_memory_of_devices(void)
{
    struct {
        uint32_t flags, nr_entries;
        unsigned long buffer;
        uint32_t pci[2];
    } op = {.flags = 1};
    long ret = xen_memory_op(RESERVED_DEVICE_MEMORY_MAP, &op);

    CHECK(ret == 0 || ret == -XEN_ENOBUFS);
    CHECK_EQ(ret != 0, op.nr_entries != 0);
    op.flags = 2;
    CHECK_RC(-XEN_EINVAL, xen_memory_op(RESERVED_DEVICE_MEMORY_MAP, &op));
}

/* One range of a memory map. */
typedef struct Range {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed)) Range;

static uint32_t map_read(Range *ranges, uint32_t nr)
{
    struct xen_memory_map map = {.nr_entries = nr};

    set_xen_guest_handle(map.buffer, ranges);
    CHECK_RC(0, xen_memory_op(XENMEM_memory_map, &map));
    return map.nr_entries;
}

static long map_set(uint16_t domid, void *ranges, uint32_t nr)
{
    struct xen_foreign_memory_map op = {.domid = domid,
                                        .map = {.nr_entries = nr}};

    set_xen_guest_handle(op.map.buffer, ranges);
    return xen_memory_op(XENMEM_set_memory_map, &op);
}

CONFORMS(XENMEM_set_memory_map)
static void guest_sets_its_own_map(void)
{
    static Range old[32], other[2] = {{0, 0xa0000, 1}, {0x100000, 0x9000, 2}};
    static Range got[32];
    uint32_t nr = map_read(old, ARRAY_SIZE(old));

    CHECK_RC(-XEN_EINVAL, map_set(DOMID_SELF, other, E820_MAX + 1));
    CHECK_RC(-XEN_EINVAL, map_set(NO_DOMAIN, other, E820_MAX + 1));
    CHECK_RC(-XEN_EPERM, map_set(DOM0, other, 2));
    CHECK_RC(-XEN_ESRCH, map_set(NO_DOMAIN, other, 2));
    CHECK_RC(-XEN_EFAULT, map_set(DOMID_SELF, BAD_PTR, 2));
    CHECK_EQ(nr, map_read(got, ARRAY_SIZE(got)));
    CHECK_EQ(0, memcmp(old, got, nr * sizeof(*old)));
    CHECK_RC(0, map_set(DOMID_SELF, other, 2));
    CHECK_EQ(2, map_read(got, ARRAY_SIZE(got)));
    CHECK_EQ(0, memcmp(other, got, sizeof(other)));
    CHECK_RC(0, map_set(grant_domid(), old, nr));
    CHECK_EQ(nr, map_read(got, ARRAY_SIZE(got)));
}

static xen_ulong_t idxs[2];
static xen_pfn_t gpfns[2];
static int errs[2];

static long batch(uint16_t domid, unsigned space, uint16_t foreign)
{
    struct xen_add_to_physmap_batch op = {
        .domid = domid, .space = (uint16_t)space, .size = 2};

    op.u.foreign_domid = foreign;
    set_xen_guest_handle(op.idxs, idxs);
    set_xen_guest_handle(op.gpfns, gpfns);
    set_xen_guest_handle(op.errs, errs);
    errs[0] = errs[1] = 0x5555;
    return xen_memory_op(XENMEM_add_to_physmap_batch, &op);
}

/* @errs is as it was where the answer is an error. */
NOT_OFFERED(XENMAPSPACE_gmfn_foreign, -XEN_EPERM)
NOT_OFFERED(XENMAPSPACE_dev_mmio, -XEN_EACCES)
static void batches_of_what_is_not_ours(void)
{
    const struct {
        uint16_t domid, space, foreign;
        int want, err;
    } cases[] = {
        {DOMID_SELF, XENMAPSPACE_gmfn_foreign, DOM0, 0, -XEN_EPERM},
        {DOMID_SELF, XENMAPSPACE_gmfn_foreign, NO_DOMAIN, 0, -XEN_EPERM},
        {DOMID_SELF, XENMAPSPACE_gmfn_foreign, DOMID_SELF, 0, -XEN_EPERM},
        {DOMID_SELF, XENMAPSPACE_dev_mmio, 0, -XEN_EACCES, 0x5555},
        {DOMID_SELF, XENMAPSPACE_gmfn_range, 0, -XEN_EOPNOTSUPP, 0x5555},
        {DOMID_SELF, 99, 0, 0, -XEN_EINVAL},
        {DOM0, XENMAPSPACE_gmfn, 0, -XEN_EPERM, 0x5555},
        {NO_DOMAIN, XENMAPSPACE_gmfn, 0, -XEN_ESRCH, 0x5555},
    };
    struct xen_add_to_physmap one = {.domid = DOMID_SELF,
                                     .space = XENMAPSPACE_gmfn_foreign,
                                     .gpfn = FAR_GFN};

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        input("case %u", i);
        idxs[0] = idxs[1] = GFN(page);
        gpfns[0] = gpfns[1] = FAR_GFN;
        CHECK_RC(cases[i].want,
                 batch(cases[i].domid, cases[i].space, cases[i].foreign));
        CHECK_RC(cases[i].err, errs[0]);
        CHECK_RC(cases[i].err, errs[1]);
    }
    input("one by one");
    CHECK_RC(-XEN_ENOSYS, xen_memory_op(XENMEM_add_to_physmap, &one));
    one.space = XENMAPSPACE_dev_mmio;
    CHECK_RC(-XEN_EACCES, xen_memory_op(XENMEM_add_to_physmap, &one));
}

CONFORMS(XENMEM_add_to_physmap_batch)
static void batch_has_an_error_for_each(void)
{
    struct xen_add_to_physmap_batch op = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .size = 2};

    page[0] = 1;
    other_page[0] = 2;
    idxs[0] = GFN(page);
    gpfns[0] = FAR_GFN;
    idxs[1] = GFN(page); /* gone by then */
    gpfns[1] = FAR_GFN + 1;
    CHECK_RC(0, batch(DOMID_SELF, XENMAPSPACE_gmfn, 0));
    CHECK_RC(0, errs[0]);
    CHECK_RC(-XEN_EINVAL, errs[1]);
    CHECK_EQ(0xff, page[0]);
    idxs[0] = FAR_GFN;
    gpfns[0] = GFN(page);
    idxs[1] = gpfns[1] = GFN(other_page);
    CHECK_RC(0, batch(DOMID_SELF, XENMAPSPACE_gmfn, 0));
    CHECK_RC(0, errs[0]);
    CHECK_RC(0, errs[1]);
    CHECK_EQ(1, page[0]);
    CHECK_EQ(2, other_page[0]);
    set_xen_guest_handle(op.idxs, idxs);
    set_xen_guest_handle(op.gpfns, gpfns);
    set_xen_guest_handle(op.errs, BAD_PTR);
    CHECK_RC(-XEN_EFAULT, xen_memory_op(XENMEM_add_to_physmap_batch, &op));
    set_xen_guest_handle(op.idxs, BAD_PTR);
    set_xen_guest_handle(op.errs, errs);
    CHECK_RC(-XEN_EFAULT, xen_memory_op(XENMEM_add_to_physmap_batch, &op));
}

static struct xen_memory_exchange exchange_of(xen_pfn_t *list)
{
    struct xen_memory_exchange op = {
        .in = {.nr_extents = 1, .domid = DOMID_SELF},
        .out = {.nr_extents = 1, .domid = DOMID_SELF},
    };

    set_xen_guest_handle(op.in.extent_start, list);
    set_xen_guest_handle(op.out.extent_start, list);
    return op;
}

NOT_OFFERED(XENMEM_exchange, -XEN_EOPNOTSUPP)
static void pages_are_not_exchanged(void)
{
    static xen_pfn_t list[1];
    struct xen_memory_exchange op = exchange_of(list);

    page[0] = 5;
    list[0] = GFN(page);
    CHECK_RC(-XEN_EOPNOTSUPP, xen_memory_op(XENMEM_exchange, &op));
    CHECK_EQ(0, op.nr_exchanged);
    CHECK_EQ(5, page[0]);
    list[0] = FAR_GFN;
    CHECK_RC(-XEN_EINVAL, xen_memory_op(XENMEM_exchange, &op));
    op.nr_exchanged = 1;
    CHECK_RC(0, xen_memory_op(XENMEM_exchange, &op));
    op.nr_exchanged = 2;
    CHECK_RC(-XEN_EINVAL, xen_memory_op(XENMEM_exchange, &op));
    op = exchange_of(list);
    op.out.nr_extents = 2;
    CHECK_RC(-XEN_EINVAL, xen_memory_op(XENMEM_exchange, &op));
    op = exchange_of(list);
    op.in.domid = op.out.domid = NO_DOMAIN;
    CHECK_RC(-XEN_ESRCH, xen_memory_op(XENMEM_exchange, &op));
    op.in.domid = op.out.domid = DOM0;
    CHECK_RC(-XEN_EPERM, xen_memory_op(XENMEM_exchange, &op));
    op.nr_exchanged = 1; /* nothing is left: nobody asks whose they are */
    CHECK_RC(0, xen_memory_op(XENMEM_exchange, &op));
    op.in.domid = DOMID_SELF;
    CHECK_RC(-XEN_EINVAL, xen_memory_op(XENMEM_exchange, &op));
    op = exchange_of(list);
    op.out.mem_flags = XENMEMF_exact_node(0);
    CHECK_RC(-XEN_EINVAL, xen_memory_op(XENMEM_exchange, &op));
}

/* A guest's wish for a node is only that; its own nodes are looked up. */
static void no_guest_insists_on_a_node(void)
{
    static const struct {
        unsigned flags;
        int done;
    } cases[] = {
        {XENMEMF_node(0), 1},
        {XENMEMF_exact_node(0), 0},
        {XENMEMF_exact_node_request, 1},
        {XENMEMF_exact_node(0) | XENMEMF_vnode, 1},
    };
    static xen_pfn_t list[1];
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, list);
    list[0] = GFN(page);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        input("flags %x", cases[i].flags);
        r.mem_flags = 0;
        CHECK_RC(1, xen_memory_op(XENMEM_decrease_reservation, &r));
        r.mem_flags = cases[i].flags;
        CHECK_RC(cases[i].done, xen_memory_op(XENMEM_populate_physmap, &r));
        r.mem_flags = 0;
        CHECK_RC(1 - cases[i].done, xen_memory_op(XENMEM_populate_physmap, &r));
    }
}

/* No frame ends a range; one that would wrap is refused whole. */
static void ranges_do_not_wrap(void)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF,
                                     .size = 2,
                                     .space = XENMAPSPACE_gmfn_range,
                                     .idx = GFN(page),
                                     .gpfn = ~0ul};

    if (sizeof(long) == 4) {
        return; /* Xen has 64 bits for them then */
    }
    CHECK_RC(-XEN_EINVAL, xen_memory_op(XENMEM_add_to_physmap, &map));
    map.gpfn--;
    CHECK_RC(-XEN_EOVERFLOW, xen_memory_op(XENMEM_add_to_physmap, &map));
    map.gpfn = FAR_GFN;
    map.idx = ~0ul;
    CHECK_RC(-XEN_EOVERFLOW, xen_memory_op(XENMEM_add_to_physmap, &map));
}

PAYLOAD(NEEDS_XEN, TEST(operations_on_domains_are_refused),
        TEST(arguments_that_cannot_be_read_are_faults),
        TEST(claims_are_looked_at_first), TEST(figures_of_the_machine),
        TEST(table_of_machine_frames), TEST(reserved_memory_of_devices),
        TEST(guest_sets_its_own_map), TEST(batches_of_what_is_not_ours),
        TEST(batch_has_an_error_for_each), TEST(pages_are_not_exchanged),
        TEST(no_guest_insists_on_a_node), TEST(ranges_do_not_wrap));
