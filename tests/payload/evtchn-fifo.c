/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels in the FIFO ABI.
 *
 * Behaviour: control blocks and event words in pages of the guest's; queues by
 * priority that Xen appends to while the guest takes from them; a masked event
 * waits; events of before the change are not lost; a reset goes back to two
 * levels.
 * Check: errors of the set-up, order and priorities of what is delivered, with
 * several vCPUs sending to one that takes; words the guest corrupts meanwhile
 * stop nothing.
 * Cannot tell apart: a lost event of a port from two that became one.
 * Real Xen: the same (xen: common/event_fifo.c).
 *
 * RUN: default smp=2
 * RUN: tcg smp=4 accel=tcg
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=4 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/xen.h"

#define PENDING    (1u << EVTCHN_FIFO_PENDING)
#define MASKED     (1u << EVTCHN_FIFO_MASKED)
#define LINKED     (1u << EVTCHN_FIFO_LINKED)
#define LINK_MASK  ((uint32_t)EVTCHN_FIFO_LINK_MASK)
#define PRIORITY   EVTCHN_FIFO_PRIORITY_DEFAULT
#define NO_GFN     0xfffffu /* below 4 GiB, no RAM */
#define BAD_VCPU   (MAX_CPUS + 500)
#define PORTS      20u
#define SENDS      2000u
#define SCRIBBLES  2000u
#define LAST_BLOCK (PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))

typedef struct evtchn_fifo_control_block Control;

static uint8_t control_pages[MAX_CPUS][PAGE_SIZE]
    __attribute__((aligned(4096)));
static volatile uint32_t words[PAGE_SIZE / 4] __attribute__((aligned(4096)));
static unsigned ports[PORTS];
static uint32_t heads[MAX_CPUS][EVTCHN_FIFO_MAX_QUEUES];

static uint64_t gfn_of(const volatile void *page)
{
    return (uintptr_t)page / PAGE_SIZE;
}

static Control *control(unsigned vcpu)
{
    return (Control *)(void *)control_pages[vcpu];
}

static long init_control(uint64_t gfn, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control op = {
        .control_gfn = gfn, .offset = offset, .vcpu = vcpu};
    long ret = xen_evtchn_op(EVTCHNOP_init_control, &op);

    CHECK_EQ(ret ? 0 : EVTCHN_FIFO_LINK_BITS, op.link_bits);
    return ret;
}

static long expand_array(uint64_t gfn)
{
    struct evtchn_expand_array op = {gfn};

    return xen_evtchn_op(EVTCHNOP_expand_array, &op);
}

static long set_priority(unsigned port, unsigned priority)
{
    struct evtchn_set_priority op = {port, priority};

    return xen_evtchn_op(EVTCHNOP_set_priority, &op);
}

static void word_clear(unsigned port, uint32_t bits)
{
    __atomic_fetch_and(&words[port], ~bits, __ATOMIC_SEQ_CST);
}

/*
 * Takes the first event of @vcpu's queue, as a guest's handler does: the head
 * in the control block counts when Xen says that there is a new one.
 * @return: its port, 0 if there is none
 */
static unsigned take(unsigned vcpu, unsigned priority)
{
    Control *c = control(vcpu);
    uint32_t port = heads[vcpu][priority], old;

    if (!port) {
        uint32_t ready =
            __atomic_fetch_and(&c->ready, ~(1u << priority), __ATOMIC_SEQ_CST);

        if (!(ready & 1u << priority)) {
            return 0;
        }
        port = __atomic_load_n(&c->head[priority], __ATOMIC_SEQ_CST);
    }
    old = __atomic_load_n(&words[port], __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(&words[port], &old,
                                        old & ~(LINKED | LINK_MASK), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
    heads[vcpu][priority] = old & LINK_MASK;
    word_clear(port, PENDING);
    return port;
}

static void bind_ports(unsigned vcpu)
{
    for (unsigned i = 0; i < PORTS; i++) {
        ports[i] = (unsigned)evtchn_bind_ipi(vcpu);
    }
}

static void close_ports(void)
{
    for (unsigned i = 0; i < PORTS; i++) {
        CHECK_RC(0, evtchn_close(ports[i]));
    }
}

CONFORMS(EVTCHNOP_init_control)
CONFORMS(EVTCHNOP_expand_array)
static void setup_and_its_errors(void)
{
    uint64_t gfn = gfn_of(control_pages[0]);
    unsigned before;

    if (!xen_shared_info()) {
        return;
    }
    before = (unsigned)evtchn_bind_ipi(0);
    CHECK_RC(0, evtchn_send(before));
    CHECK_RC(-XEN_EOPNOTSUPP, expand_array(gfn_of(words)));
    CHECK_RC(-XEN_ENOENT, init_control(gfn, 0, BAD_VCPU));
    CHECK_RC(-XEN_EINVAL, init_control(gfn, 4, 0));
    CHECK_RC(-XEN_EINVAL, init_control(gfn, LAST_BLOCK + 8, 0));
    CHECK_RC(-XEN_EINVAL, init_control(gfn, ~0u, 0));
    CHECK_RC(-XEN_EINVAL, init_control(NO_GFN, 0, 0));
    CHECK_RC(-XEN_EOPNOTSUPP, expand_array(gfn_of(words)));
    for (unsigned i = 0; i < cpu_count(); i++) {
        input("vcpu %u", i);
        CHECK_RC(0, init_control(gfn_of(control_pages[i]), 0, i));
        CHECK_RC(-XEN_EINVAL, init_control(gfn, LAST_BLOCK, i));
    }
    input("array");
    CHECK_RC(-XEN_EINVAL, expand_array(NO_GFN));
    evtchn_ack_upcall(0);
    CHECK_RC(0, expand_array(gfn_of(words)));
    /* What was pending before is delivered. */
    CHECK_EQ(1, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_EQ(before, take(0, PRIORITY));
    CHECK_RC(0, evtchn_close(before));
}

CONFORMS(EVTCHNOP_send)
static void events_come_in_order(void)
{
    bind_ports(0);
    for (unsigned i = 0; i < PORTS; i++) {
        CHECK_RC(0, evtchn_send(ports[i]));
        CHECK_RC(0, evtchn_send(ports[i]));
    }
    for (unsigned i = 0; i < PORTS; i++) {
        CHECK_EQ(ports[i], take(0, PRIORITY));
    }
    CHECK_EQ(0, take(0, PRIORITY));
    close_ports();
}

CONFORMS(EVTCHNOP_unmask)
static void masked_event_waits(void)
{
    unsigned port = (unsigned)evtchn_bind_ipi(0);

    words[port] = MASKED;
    CHECK_RC(0, evtchn_send(port));
    CHECK_EQ(MASKED | PENDING, words[port]);
    CHECK_EQ(0, take(0, PRIORITY));
    CHECK_RC(0, evtchn_unmask(port));
    CHECK_EQ(port, take(0, PRIORITY));
    CHECK_RC(0, evtchn_close(port));
}

CONFORMS(EVTCHNOP_set_priority)
static void priorities_choose_the_queue(void)
{
    bind_ports(0);
    CHECK_RC(-XEN_EINVAL, set_priority(ports[0], 16));
    CHECK_RC(-XEN_EINVAL, set_priority(5000, 0));
    CHECK_RC(-XEN_EACCES, set_priority(0, 0));
    for (unsigned i = 0; i < 16; i++) {
        CHECK_RC(0, set_priority(ports[i], i));
        CHECK_RC(0, evtchn_send(ports[i]));
    }
    CHECK_EQ(0xffff, control(0)->ready);
    for (unsigned i = 0; i < 16; i++) {
        input("priority %u", i);
        CHECK_EQ(ports[i], take(0, i));
        CHECK_EQ(0, take(0, i));
    }
    close_ports();
}

CONFORMS(EVTCHNOP_close)
static void closed_port_that_is_linked_is_not_free(void)
{
    unsigned port = (unsigned)evtchn_bind_ipi(0);
    int next;

    CHECK_RC(0, evtchn_send(port));
    CHECK_RC(0, evtchn_close(port));
    next = evtchn_bind_ipi(0);
    CHECK(next > 0 && next != (int)port);
    CHECK_EQ(port, take(0, PRIORITY));
    CHECK_RC((int)port, evtchn_bind_ipi(0));
    CHECK_RC(0, evtchn_close(port));
    CHECK_RC(0, evtchn_close((unsigned)next));
}

static volatile unsigned senders_done;

static void other_sends(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < SENDS; i++) {
        evtchn_send(ports[(i + cpu_index()) % PORTS]);
    }
    __atomic_add_fetch(&senders_done, 1, __ATOMIC_SEQ_CST);
}

/* Each port's last event is delivered; none twice without being sent. */
static void several_send_while_one_takes(void)
{
    unsigned taken = 0, others = cpu_count() - 1;

    bind_ports(0);
    senders_done = 0;
    for (unsigned i = 1; i <= others; i++) {
        CHECK(cpu_start_other(i, other_sends, NULL));
    }
    while (__atomic_load_n(&senders_done, __ATOMIC_SEQ_CST) < others) {
        taken += take(0, PRIORITY) != 0;
        cpu_relax();
    }
    while (take(0, PRIORITY)) {
        taken++;
    }
    CHECK_RANGE(PORTS, others * SENDS, taken);
    for (unsigned i = 0; i < PORTS; i++) {
        input("port %u", ports[i]);
        CHECK_EQ(0, words[ports[i]]);
    }
    close_ports();
}

static volatile unsigned scribbles_end;

static void other_scribbles(void *arg)
{
    uint32_t value = 1;

    (void)arg;
    while (!scribbles_end) {
        value = value * 1664525u + 1013904223u;
        words[ports[value >> 8 & 15]] = value;
        cpu_relax();
    }
}

/* Events are lost, and a send always ends. */
static void corrupted_words_stop_nothing(void)
{
    uint32_t value = 7;

    bind_ports(0);
    scribbles_end = 0;
    CHECK(cpu_start_other(1, other_scribbles, NULL));
    for (unsigned i = 0; i < SCRIBBLES; i++) {
        value = value * 1664525u + 1013904223u;
        words[ports[value >> 8 & 15]] = value;
        CHECK_RC(0, evtchn_send(ports[i & 15]));
    }
    scribbles_end = 1;
    CHECK(cpu_other_done(1));
    memset((void *)words, 0, sizeof(words));
    memset(control(0), 0, sizeof(*control(0)));
    memset(heads, 0, sizeof(heads));
    CHECK_RC(0, evtchn_send(ports[3]));
    CHECK_EQ(ports[3], take(0, PRIORITY));
    close_ports();
}

/* The last: afterwards there are two levels, and no port. */
CONFORMS(EVTCHNOP_reset)
static void reset_goes_back_to_two_levels(void)
{
    struct evtchn_reset op = {DOMID_SELF};

    CHECK_RC(0, xen_evtchn_op(EVTCHNOP_reset, &op));
    CHECK_RC(-XEN_EOPNOTSUPP, expand_array(gfn_of(words)));
    CHECK_RC(1, evtchn_bind_ipi(0));
    CHECK_RC(0, evtchn_send(1));
    CHECK(evtchn_clear(1));
    CHECK_EQ(0, words[1]);
}

PAYLOAD(NEEDS_XEN, TEST(setup_and_its_errors), TEST(events_come_in_order),
        TEST(masked_event_waits), TEST(priorities_choose_the_queue),
        TEST(closed_port_that_is_linked_is_not_free),
        TEST(several_send_while_one_takes), TEST(corrupted_words_stop_nothing),
        TEST(reset_goes_back_to_two_levels));
