/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PV console's ring, from inside a guest.
 *
 * Behaviour: what the guest writes is taken as it comes, told by an event, and
 * never waits for a reader; what is typed waits until the guest makes room.
 * Indices further apart than the ring is long move nothing, and once they are
 * well again so is the console.
 * Check: a megabyte and a half of output; in the runs whose console sends back
 * all it gets, the same bytes in order, at a full input ring too; wild indices.
 * Cannot tell apart: a reader that is slow from none.
 * Real Xen: the same (xen: tools/console/daemon/io.c, buffer_append,
 * ring_free_bytes, handle_tty_read); what nobody reads it cuts after 1 MiB.
 *
 * RUN: default
 * RUN: echo accel=mttcg console=echo append=echo
 * RUN: unread-smp4 smp=4 console=unread
 * RUN: pvh guest=pvh console=unread
 * RUN: pvh-echo-smp4 guest=pvh smp=4 accel=mttcg console=echo append=echo
 */
#include "tests/payload/lib/clock.h"

#include <xen/io/console.h>

#define OUT_SIZE sizeof(((struct xencons_interface *)NULL)->out)
#define IN_SIZE  sizeof(((struct xencons_interface *)NULL)->in)
#define MUCH     (1500u << 10)
#define ECHOED   20000u
/* Rounds of 1 ms */
#define PATIENCE 10000
#define MS       1000000u

static struct xencons_interface *ring;
static unsigned port;

static uint32_t load(const XENCONS_RING_IDX *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void set(XENCONS_RING_IDX *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* The back end works on a processor of its own. */
static bool wait_a_while(unsigned *rounds)
{
    struct sched_poll poll = {.timeout = clock_hypercall_now() + MS};

    xen_sched_op(SCHEDOP_poll, &poll);
    return ++*rounds < PATIENCE;
}

static void kick(void)
{
    CHECK_RC(0, evtchn_send(port));
}

static char byte_at(uint32_t n)
{
    return (char)('!' + n * 7 % 89 + n % 3);
}

/* Up to @len bytes of the pattern from byte @from on; how many had room. */
static uint32_t put(uint32_t from, uint32_t len)
{
    uint32_t prod = ring->out_prod;
    uint32_t room = OUT_SIZE - (prod - load(&ring->out_cons));

    len = len < room ? len : room;
    for (uint32_t i = 0; i < len; i++) {
        ring->out[MASK_XENCONS_IDX(prod + i, ring->out)] = byte_at(from + i);
    }
    if (len) {
        set(&ring->out_prod, prod + len);
        kick();
    }
    return len;
}

/* What there is of the pattern from byte @from on; its length. */
static uint32_t take(uint32_t from)
{
    uint32_t cons = ring->in_cons;
    uint32_t used = load(&ring->in_prod) - cons;

    if (!CHECK_RANGE(0, IN_SIZE, used)) {
        return 0;
    }
    for (uint32_t i = 0; i < used; i++) {
        char got = ring->in[MASK_XENCONS_IDX(cons + i, ring->in)];

        if (got != byte_at(from + i)) {
            input("byte %u", from + i);
            CHECK_EQ((uint8_t)byte_at(from + i), (uint8_t)got);
            break;
        }
    }
    if (used) {
        set(&ring->in_cons, cons + used);
        kick();
    }
    return used;
}

static void output_is_taken_and_told(void)
{
    uint64_t pfn = 0, value = 0;
    unsigned rounds = 0;

    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CONSOLE_PFN, &pfn));
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CONSOLE_EVTCHN, &value));
    ring = (void *)(uintptr_t)(pfn * PAGE_SIZE);
    port = (unsigned)value;
    CHECK(xen_shared_info() != NULL);
    evtchn_clear(port);
    CHECK_EQ(1, put(0, 1));
    while (load(&ring->out_cons) != ring->out_prod && wait_a_while(&rounds)) {
    }
    CHECK_EQ(ring->out_prod, ring->out_cons);
    while (!evtchn_pending(port) && wait_a_while(&rounds)) {
    }
    CHECK(evtchn_pending(port));
}

/* Sends @len bytes, from byte 1 on, and takes what comes back meanwhile. */
static void send_and_take(uint32_t len, bool take_all)
{
    uint32_t sent = 0, got = take(0);
    unsigned rounds = 0;

    while (sent < len || (take_all && got < len + 1)) {
        uint32_t more = sent < len ? put(1 + sent, len - sent) : 0;
        uint32_t back = take_all ? take(got) : 0;

        sent += more;
        got += back;
        if (more || back) {
            rounds = 0;
        } else if (!wait_a_while(&rounds)) {
            break;
        }
    }
    CHECK_EQ(len, sent);
    if (take_all) {
        CHECK_EQ(len + 1, got);
    }
}

/* The first byte of all was that of the test before. */
static void much_output_is_taken_or_comes_back(void)
{
    bool echo = cmdline_has("echo");

    send_and_take(echo ? ECHOED : MUCH, echo);
}

/* Sends until the input ring is full; not a byte more is put there. */
static void input_waits_until_there_is_room(void)
{
    uint32_t sent = 0, got = 0;
    unsigned rounds = 0;

    if (!cmdline_has("echo")) {
        CHECK_EQ(ring->in_prod, ring->in_cons);
        return;
    }
    while (sent < 4 * IN_SIZE && wait_a_while(&rounds)) {
        sent += put(sent, 4 * IN_SIZE - sent);
    }
    CHECK_EQ(4 * IN_SIZE, sent);
    while (load(&ring->in_prod) - ring->in_cons < IN_SIZE &&
           wait_a_while(&rounds)) {
    }
    CHECK_EQ(IN_SIZE, ring->in_prod - ring->in_cons);
    wait_a_while(&rounds);
    CHECK_EQ(IN_SIZE, ring->in_prod - ring->in_cons);
    for (rounds = 0; got < sent && wait_a_while(&rounds);) {
        got += take(got);
    }
    CHECK_EQ(sent, got);
}

static void wild_indices_move_nothing(void)
{
    static const uint32_t wild[] = {OUT_SIZE + 1, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
        uint32_t cons = ring->out_cons;
        unsigned rounds = 0;

        input("out_prod - out_cons = %x", wild[i]);
        set(&ring->out_prod, cons + wild[i]);
        kick();
        wait_a_while(&rounds);
        CHECK_EQ(cons, ring->out_cons);
        set(&ring->out_prod, cons);
        CHECK_EQ(1, put(i, 1));
        while (load(&ring->out_cons) != cons + 1 && wait_a_while(&rounds)) {
        }
        CHECK_EQ(cons + 1, ring->out_cons);
    }
}

PAYLOAD(NEEDS_XEN, TEST(output_is_taken_and_told),
        TEST(much_output_is_taken_or_comes_back),
        TEST(input_waits_until_there_is_room), TEST(wild_indices_move_nothing));
