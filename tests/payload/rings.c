/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages a guest shares with its back ends: xenstore's ring, the console's, the
 * grant table.
 *
 * Behaviour: HVM parameters tell where the two rings are; the console takes
 * what is written, xenstore answers; whatever a guest puts into indices and
 * bytes of a ring, it harms nobody.  Grant frames appear where
 * XENMEM_add_to_physmap puts them.
 * Check: the parameters, a console write, a read of "domid", hostile and
 * random content of both rings, the errors and results of the grant table.
 * Cannot tell apart: a back end that ignores a damaged ring from one that
 * closed it.
 * Real Xen: measured for the parameters and the grant table (xen:
 * common/grant_table.c; arch/x86/hvm/hvm.c, hvm_allow_get_param); its xenstore
 * daemon refuses a connection with bad indices.
 *
 * RUN: default
 * RUN: mttcg smp=2 accel=mttcg
 * RUN: pvh guest=pvh
 */
#include <stdint.h>

#include <xen/grant_table.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define STORE_PFN    0xfeffcu
#define CONSOLE_PFN  0xfefffu
#define STORE_PORT   1
#define CONSOLE_PORT 2
#define ROUNDS       300
#define MAX_FRAMES   64
#define SPIN         100000

static struct xenstore_domain_interface *const store =
    (void *)(STORE_PFN * (uintptr_t)PAGE_SIZE);
static struct xencons_interface *const console =
    (void *)(CONSOLE_PFN * (uintptr_t)PAGE_SIZE);
static uint8_t frames[2][PAGE_SIZE] __attribute__((aligned(4096)));

static void check_param(unsigned index, uint64_t want)
{
    uint64_t value = 0;

    input("parameter %u", index);
    CHECK_RC(0, xen_hvm_get_param(index, &value));
    CHECK_EQ(want, value);
}

CONFORMS(HVM_PARAM_STORE_PFN)
CONFORMS(HVM_PARAM_STORE_EVTCHN)
CONFORMS(HVM_PARAM_CONSOLE_PFN)
CONFORMS(HVM_PARAM_CONSOLE_EVTCHN)
static void parameters_tell_rings_and_ports(void)
{
    check_param(HVM_PARAM_STORE_PFN, STORE_PFN);
    check_param(HVM_PARAM_STORE_EVTCHN, STORE_PORT);
    check_param(HVM_PARAM_CONSOLE_PFN, CONSOLE_PFN);
    check_param(HVM_PARAM_CONSOLE_EVTCHN, CONSOLE_PORT);
}

static void console_takes_a_line(void)
{
    static const char text[] = "payload\n";
    uint32_t prod = console->out_prod;

    for (unsigned i = 0; i < sizeof(text) - 1; i++) {
        console->out[MASK_XENCONS_IDX(prod + i, console->out)] = text[i];
    }
    barrier();
    console->out_prod = prod + sizeof(text) - 1;
    barrier();
    CHECK_RC(0, evtchn_send(CONSOLE_PORT));
    for (unsigned i = 0; i < SPIN; i++) {
        if (*(volatile XENCONS_RING_IDX *)&console->out_cons ==
            console->out_prod) {
            return;
        }
        cpu_relax();
    }
    CHECK_EQ(console->out_prod, console->out_cons);
}

/* The reply to a read of @path goes to @reply; its length, or -1. */
static int store_read(const char *path, char *reply, size_t size)
{
    struct xsd_sockmsg header = {
        .type = XS_READ, .req_id = 77, .len = (uint32_t)strlen(path) + 1};
    uint8_t message[64];
    uint32_t prod = store->req_prod, from = store->rsp_cons;

    memcpy(message, &header, sizeof(header));
    memcpy(message + sizeof(header), path, header.len);
    for (unsigned i = 0; i < sizeof(header) + header.len; i++) {
        store->req[MASK_XENSTORE_IDX(prod + i)] = (char)message[i];
    }
    barrier();
    store->req_prod = prod + (uint32_t)sizeof(header) + header.len;
    barrier();
    CHECK_RC(0, evtchn_send(STORE_PORT));
    for (unsigned i = 0; i < SPIN; i++) {
        uint32_t got = *(volatile XENSTORE_RING_IDX *)&store->rsp_prod - from;

        for (unsigned j = 0; j < sizeof(header) && got >= sizeof(header); j++) {
            ((char *)&header)[j] = store->rsp[MASK_XENSTORE_IDX(from + j)];
        }
        if (got >= sizeof(header) && got >= sizeof(header) + header.len) {
            CHECK_EQ(XS_READ, header.type);
            CHECK_EQ(77, header.req_id);
            CHECK(header.len < size);
            from += sizeof(header);
            for (unsigned j = 0; j < header.len && j < size; j++) {
                reply[j] = store->rsp[MASK_XENSTORE_IDX(from + j)];
            }
            store->rsp_cons = from + header.len;
            return (int)header.len;
        }
        cpu_relax();
    }
    return -1;
}

CONFORMS(XS_READ)
static void store_answers_a_read(void)
{
    char reply[32] = {0};

    CHECK_RC(1, store_read("domid", reply, sizeof(reply)));
    CHECK_RC(0, memcmp(reply, "1", 1));
}

static long query_size(struct gnttab_query_size *query)
{
    query->dom = DOMID_SELF;
    return xen_hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_query_size,
                         (uintptr_t)query, 1, 0);
}

static long map_frame(unsigned space, unsigned long idx, const void *at)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = (uint16_t)space,
        .idx = idx,
        .gpfn = (uintptr_t)at / PAGE_SIZE,
    };

    return xen_memory_op(XENMEM_add_to_physmap, &map);
}

static void grant_table_has_one_frame_of_64(void)
{
    struct gnttab_query_size query = {0};

    CHECK_RC(0, query_size(&query));
    CHECK_RC(GNTST_okay, query.status);
    CHECK_EQ(1, query.nr_frames);
    CHECK_EQ(MAX_FRAMES, query.max_nr_frames);
}

CONFORMS(XENMAPSPACE_grant_table)
static void grant_frames_can_be_mapped(void)
{
    struct grant_entry_v1 *entries = (void *)frames[0];
    struct gnttab_query_size query = {0};

    CHECK_RC(0, map_frame(XENMAPSPACE_grant_table, 0, frames[0]));
    entries[100].frame = 0x1234;
    CHECK_EQ(0x1234, entries[100].frame);
    CHECK_EQ(0, entries[200].flags);
    /* Mapping a later one makes the table grow. */
    CHECK_RC(0, map_frame(XENMAPSPACE_grant_table, 3, frames[1]));
    CHECK_RC(0, query_size(&query));
    CHECK_EQ(4, query.nr_frames);
    CHECK_RC(-XEN_EINVAL,
             map_frame(XENMAPSPACE_grant_table, MAX_FRAMES, frames[1]));
    CHECK_RC(-XEN_EINVAL, map_frame(XENMAPSPACE_grant_table, ~0ul, frames[1]));
    CHECK_EQ(0x1234, entries[100].frame);
}

static uint64_t seed = 20261121;

static uint32_t next_random(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 32);
}

/* Lets the back ends work, by timers of theirs. */
static void give_time(void)
{
    struct sched_poll poll = {.timeout = clock_hypercall_now() + 100000};

    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
}

static void ring_indices_are_distrusted(void)
{
    static const uint32_t wild[] = {
        0, 1, 1023, 1024, 1025, 2048, 2049, 0x7fffffff, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(wild); j++) {
            store->req_prod = wild[i];
            store->req_cons = wild[j];
            store->rsp_prod = wild[j];
            store->rsp_cons = wild[i];
            console->out_prod = wild[i];
            console->out_cons = wild[j];
            console->in_prod = wild[j];
            console->in_cons = wild[i];
            evtchn_send(STORE_PORT);
            evtchn_send(CONSOLE_PORT);
        }
        give_time();
    }
    CHECK_EQ(xen_version(), xen_version_op(XENVER_version, NULL));
}

static void ring_bytes_are_distrusted(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t *words = (void *)store;
        struct xsd_sockmsg header = {
            .type = next_random() % 32,
            .req_id = next_random(),
            .tx_id = next_random() % 4,
            .len = next_random() % (round % 2 ? 64 : 8192),
        };

        for (unsigned i = 0; i < 512; i++) {
            words[i] = next_random();
        }
        memcpy(store->req, &header, sizeof(header));
        store->req_cons = 0;
        store->req_prod = next_random() % 1025;
        store->rsp_prod = 0;
        store->rsp_cons = 0;
        evtchn_send(STORE_PORT);
        give_time();
    }
    CHECK_EQ(xen_version(), xen_version_op(XENVER_version, NULL));
    CHECK(xen_shared_info() != NULL);
}

PAYLOAD(NEEDS_XEN, TEST(parameters_tell_rings_and_ports),
        TEST(console_takes_a_line), TEST(store_answers_a_read),
        TEST(grant_table_has_one_frame_of_64), TEST(grant_frames_can_be_mapped),
        TEST(ring_indices_are_distrusted), TEST(ring_bytes_are_distrusted));
