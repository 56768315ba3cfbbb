/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GNTTABOP_copy between a guest's own entries and frames.
 *
 * Behaviour: bytes move between what entries grant and frames named by
 * number, each copy with a status of its own.
 * Check: every error in Xen's order of checks, long batches, a pointer that
 * ends in the middle of one, and vCPUs that copy over each other's pages.
 * Cannot tell apart: copies of a batch done in another order.
 * Real Xen: the same (xen: common/grant_table.c, gnttab_copy_one;
 * common/compat/grant_table.c).
 *
 * RUN: default smp=1
 * RUN: 4-20 smp=1 plugin=xen-version=4.20
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=1 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/grant.h"

#define REF    20u
#define BATCH  300u
#define ROUNDS 200u
#define S_REF  GNTCOPY_source_gref
#define D_REF  GNTCOPY_dest_gref

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t other[MAX_CPUS][PAGE_SIZE] __attribute__((aligned(4096)));
static struct gnttab_copy batch[MAX_CPUS][BATCH];

static struct gnttab_copy copy_op(uint16_t flags, uint16_t len)
{
    struct gnttab_copy op = {
        .source = {.domid = DOMID_SELF},
        .dest = {.domid = DOMID_SELF},
        .len = len,
        .flags = flags,
        .status = 99,
    };

    if (flags & S_REF) {
        op.source.u.ref = REF;
    } else {
        op.source.u.gmfn = grant_gfn(page);
    }
    if (flags & D_REF) {
        op.dest.u.ref = REF;
    } else {
        op.dest.u.gmfn = grant_gfn(other[cpu_index()]);
    }
    return op;
}

static long copy(struct gnttab_copy *op)
{
    long ret = grant_op(GNTTABOP_copy, op, 1);

    return ret ? ret : op->status;
}

CONFORMS(GNTTABOP_copy)
static void bytes_move_both_ways(void)
{
    for (unsigned version = 1; version <= 2; version++) {
        struct gnttab_copy op = copy_op(S_REF, 8);

        input("version %u", version);
        if (!grant_setup(version)) {
            return;
        }
        grant_entry(REF, GTF_permit_access, grant_domid(), page);
        memset(page, 0, sizeof(page));
        memcpy(page + 100, "jumpcut", 8);
        op.source.offset = 100;
        op.dest.offset = PAGE_SIZE - 8;
        op.source.domid = grant_domid();
        CHECK_RC(GNTST_okay, copy(&op));
        CHECK_EQ(0, memcmp(other[0] + PAGE_SIZE - 8, "jumpcut", 8));
        op = copy_op(D_REF, PAGE_SIZE);
        op.source.u.gmfn = grant_gfn(other[0]);
        CHECK_RC(GNTST_okay, copy(&op));
        CHECK_EQ(0, memcmp(page, other[0], PAGE_SIZE));
        CHECK_EQ(GTF_permit_access, grant_flags(REF));
    }
}

typedef struct Case {
    const char *what;
    uint16_t flags, len;
    uint16_t source_domid, dest_domid;
    uint16_t source_offset, dest_offset;
    uint32_t source, dest; /* 0: what copy_op() says */
    int16_t want;
} Case;

#define SELF DOMID_SELF

static const Case cases[] = {
    {"frame of domain 0", 0, 8, 0, SELF, 0, 0, 0, 0, GNTST_permission_denied},
    {"frame to domain 0", 0, 8, SELF, 0, 0, 0, 0, 0, GNTST_permission_denied},
    {"no source domain", S_REF, 8, 0x7f00, SELF, 0, 0, 0, 0, GNTST_bad_domain},
    {"no dest domain", D_REF, 8, SELF, 0x7f00, 0, 0, 0, 0, GNTST_bad_domain},
    {"no entry", S_REF, 8, SELF, SELF, 0, 0, 512, 0, GNTST_bad_gntref},
    {"free entry", S_REF, 8, SELF, SELF, 0, 0, REF + 1, 0, GNTST_general_error},
    {"other's entry", S_REF, 8, SELF, SELF, 0, 0, REF + 2, 0,
     GNTST_general_error},
    {"to read-only", D_REF, 8, SELF, SELF, 0, 0, 0, REF + 3,
     GNTST_general_error},
    {"from no RAM", 0, 8, SELF, SELF, 0, 0, 0xfed00, 0, GNTST_bad_page},
    {"to no RAM", 0, 8, SELF, SELF, 0, 0, 0, 0xfed00, GNTST_bad_page},
    {"from far", S_REF, 8, SELF, SELF, 0xfff9, 0, 0, 0, GNTST_bad_copy_arg},
    {"to far", S_REF, 8, SELF, SELF, 0, 4089, 0, 0, GNTST_bad_copy_arg},
    {"too long", S_REF, 4097, SELF, SELF, 0, 0, 0, 0, GNTST_bad_copy_arg},
    {"bad page before bad length", 0, 4097, SELF, SELF, 0, 0, 0xfed00, 0,
     GNTST_bad_page},
    {"nothing at the end", S_REF, 0, SELF, SELF, 4096, 4096, 0, 0, GNTST_okay},
};

CONFORMS(GNTTABOP_copy)
static void wrong_copies_are_refused(void)
{
    if (!grant_setup(1)) {
        return;
    }
    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    grant_entry(REF + 2, GTF_permit_access, 0, page);
    grant_entry(REF + 3, GTF_permit_access | GTF_readonly, grant_domid(), page);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        const Case *c = &cases[i];
        struct gnttab_copy op = copy_op(c->flags, c->len);

        input("%s", c->what);
        op.source.domid = c->source_domid;
        op.dest.domid = c->dest_domid;
        op.source.offset = c->source_offset;
        op.dest.offset = c->dest_offset;
        if (c->source) {
            op.source.u.gmfn = c->source;
        }
        if (c->dest) {
            op.dest.u.gmfn = c->dest;
        }
        CHECK_RC(c->want, copy(&op));
        CHECK_EQ(GTF_permit_access, grant_flags(REF));
    }
}

static void fill_batch(struct gnttab_copy *ops)
{
    for (unsigned i = 0; i < BATCH; i++) {
        ops[i] = copy_op(S_REF, 8);
        ops[i].source.offset = ops[i].dest.offset = (uint16_t)(i * 8);
    }
}

CONFORMS(GNTTABOP_copy)
static void long_batches_are_done(void)
{
    fill_batch(batch[0]);
    batch[0][7].len = PAGE_SIZE;
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        page[i] = (uint8_t)(i * 7 + 1);
    }
    memset(other[0], 0, PAGE_SIZE);
    CHECK_RC(0, grant_op(GNTTABOP_copy, batch[0], BATCH));
    for (unsigned i = 0; i < BATCH; i++) {
        input("copy %u", i);
        CHECK_RC(i == 7 ? GNTST_bad_copy_arg : GNTST_okay, batch[0][i].status);
        CHECK_EQ(i == 7 ? 0 : page[i * 8], other[0][i * 8]);
    }
    CHECK_RC(0, grant_op(GNTTABOP_copy, cpu_map_window(0, 0, 0), 0));
    CHECK_RC(-XEN_EINVAL, grant_op(GNTTABOP_copy, batch[0], ~0u));
}

/* Of a 32-bit batch all is read before the first copy is done. */
CONFORMS(GNTTABOP_copy)
static void batch_that_ends_in_nothing_is_efault(void)
{
    static uint8_t arg[PAGE_SIZE] __attribute__((aligned(4096)));
    uint8_t *window =
        cpu_map_window(0, (uintptr_t)arg, PTE_PRESENT | PTE_WRITABLE);
    struct gnttab_copy *op =
        (void *)(window + PAGE_SIZE - sizeof(struct gnttab_copy));
    bool wide = sizeof(long) == 8;

    cpu_map_window(1, 0, 0);
    page[0] = 0x33;
    other[0][0] = 0;
    *op = copy_op(S_REF, 8);
    CHECK_RC(-XEN_EFAULT, grant_op(GNTTABOP_copy, op, 2));
    CHECK_EQ(wide ? 0x33 : 0, ((volatile uint8_t *)other[0])[0]);
    CHECK_RC(wide ? GNTST_okay : 99, op->status);
    CHECK_RC(0, grant_op(GNTTABOP_copy, op, 1));
    CHECK_EQ(0x33, ((volatile uint8_t *)other[0])[0]);
    cpu_map_window(0, 0, 0);
}

static volatile unsigned failures;

static void copy_often(void *arg)
{
    struct gnttab_copy *ops = batch[cpu_index()];

    (void)arg;
    fill_batch(ops);
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool bad = grant_op(GNTTABOP_copy, ops, 10) != 0;

        for (unsigned j = 0; j < 10; j++) {
            bad |= ops[j].status != GNTST_okay;
        }
        if (bad) {
            failures = failures + 1;
        }
    }
}

static void every_vcpu_copies_at_once(void)
{
    failures = 0;
    grant_entry(REF, GTF_permit_access, grant_domid(), page);
    for (unsigned i = 1; i < cpu_count(); i++) {
        CHECK(cpu_start_other(i, copy_often, NULL));
    }
    copy_often(NULL);
    for (unsigned i = 1; i < cpu_count(); i++) {
        CHECK(cpu_other_done(i));
    }
    CHECK_EQ(0, failures);
    CHECK_EQ(GTF_permit_access, grant_flags(REF));
}

PAYLOAD(NEEDS_XEN, TEST(bytes_move_both_ways), TEST(wrong_copies_are_refused),
        TEST(long_batches_are_done), TEST(batch_that_ends_in_nothing_is_efault),
        TEST(every_vcpu_copies_at_once));
