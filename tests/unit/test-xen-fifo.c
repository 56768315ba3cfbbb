/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels in the FIFO ABI, with a guest that takes its part: it unlinks
 * what it handles, masks, unmasks, and breaks the rules.
 */
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define EVTCHN     __HYPERVISOR_event_channel_op
#define CONTROL    0x60u /* frame of vCPU 0's control block, then vCPU 1's */
#define ARRAY      0x70u /* frames of the event array */
#define OFF        64u   /* of the control blocks */
#define PENDING    (1u << EVTCHN_FIFO_PENDING)
#define MASKED     (1u << EVTCHN_FIFO_MASKED)
#define LINKED     (1u << EVTCHN_FIFO_LINKED)
#define BUSY       (1u << EVTCHN_FIFO_BUSY)
#define LINK(word) ((word)&EVTCHN_FIFO_LINK_MASK)

static int64_t init_control(XenGuest *g, uint64_t gfn, uint32_t off,
                            uint32_t vcpu)
{
    struct evtchn_init_control op = {
        .control_gfn = gfn, .offset = off, .vcpu = vcpu, .link_bits = 0xee};
    int64_t ret =
        xen_guest_op(g, EVTCHN, EVTCHNOP_init_control, &op, sizeof(op));

    g_assert_cmphex(op.link_bits, ==, ret ? 0xee : EVTCHN_FIFO_LINK_BITS);
    return ret;
}

static int64_t expand_array(XenGuest *g, uint64_t gfn)
{
    struct evtchn_expand_array op = {gfn};

    return xen_guest_op(g, EVTCHN, EVTCHNOP_expand_array, &op, sizeof(op));
}

static int64_t set_priority(XenGuest *g, uint32_t port, uint32_t priority)
{
    struct evtchn_set_priority op = {port, priority};

    return xen_guest_op(g, EVTCHN, EVTCHNOP_set_priority, &op, sizeof(op));
}

static int64_t port_op(XenGuest *g, uint32_t cmd, uint32_t port, uint32_t vcpu)
{
    uint32_t arg[2] = {port, vcpu};

    return xen_guest_op(g, EVTCHN, cmd, arg, sizeof(arg));
}

static int64_t reset(XenGuest *g, uint32_t cmd)
{
    struct evtchn_reset op = {DOMID_SELF};

    return xen_guest_op(g, EVTCHN, cmd, &op, sizeof(op));
}

static uint64_t word_at(uint32_t port)
{
    return ((uint64_t)ARRAY << HOST_PAGE_SHIFT) + port * 4;
}

static uint32_t word(XenGuest *g, uint32_t port)
{
    return fake_host_peek32(g->fake, word_at(port));
}

static void set_word(XenGuest *g, uint32_t port, uint32_t value)
{
    fake_host_poke32(g->fake, word_at(port), value);
}

static uint64_t control_at(unsigned vcpu)
{
    return ((uint64_t)(CONTROL + vcpu) << HOST_PAGE_SHIFT) + OFF;
}

static uint32_t ready(XenGuest *g, unsigned vcpu)
{
    return fake_host_peek32(g->fake, control_at(vcpu));
}

static uint32_t head(XenGuest *g, unsigned vcpu, unsigned priority)
{
    return fake_host_peek32(g->fake, control_at(vcpu) + 8 + priority * 4);
}

/* The guest takes the first event of a queue, as Linux does. @return: it */
static uint32_t take(XenGuest *g, unsigned vcpu, unsigned priority)
{
    uint32_t port = head(g, vcpu, priority), next = LINK(word(g, port));

    g_assert_true(word(g, port) & LINKED);
    set_word(g, port, word(g, port) & ~(LINKED | EVTCHN_FIFO_LINK_MASK));
    fake_host_poke32(g->fake, control_at(vcpu) + 8 + priority * 4, next);
    if (!next) {
        fake_host_poke32(g->fake, control_at(vcpu),
                         ready(g, vcpu) & ~(1u << priority));
    }
    g_assert_true(word(g, port) & PENDING);
    set_word(g, port, word(g, port) & ~PENDING);
    fake_host_poke8(g->fake, xen_guest_vcpu_info(g, vcpu), 0);
    return port;
}

/* Two vCPUs with control blocks, one page of words. */
static XenGuest *fifo_guest(void)
{
    XenGuest *g = xen_guest_new(2, 17);

    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(init_control(g, CONTROL + i, OFF, i), ==, 0);
    }
    g_assert_cmpint(expand_array(g, ARRAY), ==, 0);
    return g;
}

CONFORMS(EVTCHNOP_init_control)
CONFORMS(EVTCHNOP_expand_array)
static void test_setup_errors_are_those_of_xen(void)
{
    const uint32_t last = HOST_PAGE_SIZE - 72;
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    g_assert_cmpint(expand_array(g, ARRAY), ==, -XEN_EOPNOTSUPP);
    g_assert_cmpint(init_control(g, CONTROL, 0, 2), ==, -XEN_ENOENT);
    g_assert_cmpint(init_control(g, CONTROL, 4097, 2), ==, -XEN_ENOENT);
    g_assert_cmpint(init_control(g, CONTROL, last + 1, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(init_control(g, CONTROL, last + 8, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(init_control(g, CONTROL, UINT32_MAX, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(init_control(g, CONTROL, 4, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(init_control(g, XEN_GUEST_UNMAPPED, 0, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(init_control(g, XEN_GUEST_READONLY, 0, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(init_control(g, UINT64_MAX, 0, 0), ==, -XEN_EINVAL);
    /* Nothing of that changed the ABI. */
    g_assert_cmpint(expand_array(g, ARRAY), ==, -XEN_EOPNOTSUPP);
    g_assert_cmpint(init_control(g, CONTROL, last, 1), ==, 0);
    g_assert_cmpint(init_control(g, CONTROL, 0, 1), ==, -XEN_EINVAL);
    g_assert_cmpint(init_control(g, CONTROL, 0, 0), ==, 0);
    g_assert_cmpint(expand_array(g, XEN_GUEST_UNMAPPED), ==, -XEN_EINVAL);
    g_assert_cmpint(expand_array(g, UINT64_MAX), ==, -XEN_EINVAL);
    for (unsigned i = 0; i < EVTCHN_FIFO_NR_CHANNELS / 1024; i++) {
        g_assert_cmpint(expand_array(g, ARRAY + i % 16), ==, 0);
    }
    g_assert_cmpint(expand_array(g, ARRAY), ==, -XEN_ENOSPC);
}

CONFORMS(EVTCHNOP_send)
static void test_events_are_queued_in_order(void)
{
    g_autoptr(XenGuest) g = fifo_guest();
    uint32_t ports[3];

    for (unsigned i = 0; i < 3; i++) {
        ports[i] = (uint32_t)xen_guest_bind_ipi(g, 1);
        g_assert_cmpint(xen_guest_send(g, ports[i]), ==, 0);
        g_assert_cmpint(xen_guest_send(g, ports[i]), ==, 0);
    }
    g_assert_true(xen_guest_upcall_pending(g, 1));
    g_assert_false(xen_guest_upcall_pending(g, 0));
    g_assert_cmphex(ready(g, 1), ==, 1u << EVTCHN_FIFO_PRIORITY_DEFAULT);
    g_assert_cmphex(word(g, ports[0]), ==, PENDING | LINKED | ports[1]);
    g_assert_cmphex(word(g, ports[2]), ==, PENDING | LINKED);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(take(g, 1, EVTCHN_FIFO_PRIORITY_DEFAULT), ==,
                         ports[i]);
    }
    g_assert_cmphex(ready(g, 1), ==, 0);
    /* The tail was taken: the next one starts the queue again. */
    g_assert_cmpint(xen_guest_send(g, ports[1]), ==, 0);
    g_assert_cmpuint(head(g, 1, EVTCHN_FIFO_PRIORITY_DEFAULT), ==, ports[1]);
    g_assert_true(xen_guest_upcall_pending(g, 1));
    /* And one that is its own queue's tail, taken, is not linked to itself. */
    take(g, 1, EVTCHN_FIFO_PRIORITY_DEFAULT);
    g_assert_cmpint(xen_guest_send(g, ports[1]), ==, 0);
    g_assert_cmphex(word(g, ports[1]), ==, PENDING | LINKED);
}

CONFORMS(EVTCHNOP_unmask)
static void test_masked_event_waits_for_unmask(void)
{
    g_autoptr(XenGuest) g = fifo_guest();
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    set_word(g, port, MASKED);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmphex(word(g, port), ==, MASKED | PENDING);
    g_assert_false(xen_guest_upcall_pending(g, 0));
    g_assert_cmpint(port_op(g, EVTCHNOP_unmask, port, 0), ==, 0);
    g_assert_cmphex(word(g, port), ==, PENDING | LINKED);
    g_assert_cmpuint(take(g, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), ==, port);
    /* Unmasked and not pending: nothing. */
    set_word(g, port, MASKED);
    g_assert_cmpint(port_op(g, EVTCHNOP_unmask, port, 0), ==, 0);
    g_assert_cmphex(word(g, port), ==, 0);
    g_assert_false(xen_guest_upcall_pending(g, 0));
    /* A free port's word is left alone. */
    set_word(g, 60, MASKED);
    g_assert_cmpint(port_op(g, EVTCHNOP_unmask, 60, 0), ==, 0);
    g_assert_cmphex(word(g, 60), ==, MASKED);
    g_assert_cmpint(port_op(g, EVTCHNOP_unmask, 64, 0), ==, -XEN_EINVAL);
}

CONFORMS(EVTCHNOP_set_priority)
static void test_priority_chooses_the_queue(void)
{
    g_autoptr(XenGuest) g = fifo_guest();
    g_autoptr(XenGuest) two_levels = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t other = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(set_priority(two_levels, 1, 0), ==, -XEN_ENOSYS);
    g_assert_cmpint(set_priority(two_levels, 64, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(set_priority(g, port, 16), ==, -XEN_EINVAL);
    g_assert_cmpint(set_priority(g, 64, 0), ==, -XEN_EINVAL);
    g_assert_cmpint(set_priority(g, 60, 0), ==, -XEN_EACCES);
    g_assert_cmpint(set_priority(g, 0, 0), ==, -XEN_EACCES);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(set_priority(g, port, 15), ==, 0);
    /* It stays where it is queued; the next time it is put elsewhere. */
    g_assert_cmpuint(take(g, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), ==, port);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(set_priority(g, other, 0), ==, 0);
    g_assert_cmpint(xen_guest_send(g, other), ==, 0);
    g_assert_cmphex(ready(g, 0), ==, 1u << 15 | 1u << 0);
    g_assert_cmpuint(head(g, 0, 15), ==, port);
    g_assert_cmpuint(head(g, 0, 0), ==, other);
    /* The old queue does not go on behind it. */
    take(g, 0, 0);
    g_assert_cmpint(set_priority(g, other, EVTCHN_FIFO_PRIORITY_DEFAULT), ==,
                    0);
    g_assert_cmpint(xen_guest_send(g, other), ==, 0);
    g_assert_cmpuint(head(g, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), ==, other);
    g_assert_cmphex(word(g, port), ==, PENDING | LINKED);
}

CONFORMS(EVTCHNOP_bind_vcpu)
static void test_event_follows_its_vcpu(void)
{
    g_autoptr(XenGuest) g = fifo_guest();

    g_assert_cmpint(port_op(g, EVTCHNOP_bind_vcpu, XEN_CONSOLE_PORT, 1), ==, 0);
    g_assert_cmpuint(xen_domain_console_receive(g->d, (const uint8_t *)"x", 1),
                     ==, 1);
    g_assert_true(xen_guest_upcall_pending(g, 1));
    g_assert_cmpuint(take(g, 1, EVTCHN_FIFO_PRIORITY_DEFAULT), ==,
                     XEN_CONSOLE_PORT);
}

static void test_events_of_before_are_not_lost(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t later = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(init_control(g, CONTROL, OFF, 0), ==, 0);
    g_assert_cmpint(xen_guest_send(g, later), ==, 0);
    g_assert_cmphex(ready(g, 0), ==, 0);
    /* Ports that have no word yet are masked and not pending. */
    g_assert_cmpint(port_op(g, EVTCHNOP_unmask, port, 0), ==, 0);
    g_assert_cmpint(expand_array(g, ARRAY), ==, 0);
    g_assert_cmpuint(take(g, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), ==, port);
    g_assert_cmpuint(take(g, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), ==, later);
}

static void test_vcpu_without_control_block_is_told_nothing(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 1);

    g_assert_cmpint(init_control(g, CONTROL, OFF, 0), ==, 0);
    g_assert_cmpint(expand_array(g, ARRAY), ==, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmphex(word(g, port), ==, PENDING);
    g_assert_false(xen_guest_upcall_pending(g, 1));
}

CONFORMS(SCHEDOP_poll)
static void test_poll_sees_the_event_word(void)
{
    g_autoptr(XenGuest) g = fifo_guest();
    struct sched_poll op = {.nr_ports = 1, .timeout = UINT64_MAX / 2};
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    set_xen_guest_handle(op.ports, (void *)XEN_GUEST_BUF);
    fake_host_poke32(g->fake, XEN_GUEST_BUF, port);
    set_word(g, port, MASKED | PENDING);
    g_assert_cmpint(
        xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_poll, &op, sizeof(op)),
        ==, 0);
    g_assert_cmpuint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
    set_word(g, port, MASKED);
    g_assert_cmpint(
        xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_poll, &op, sizeof(op)),
        ==, 0);
    g_assert_cmpuint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_BLOCKED);
    g->vcpu = 1;
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_vcpu_state(g->fake, 0), ==, FAKE_VCPU_RUNNING);
    g_assert_cmphex(word(g, port), ==, MASKED | PENDING);
}

CONFORMS(EVTCHNOP_close)
static void test_port_that_is_still_linked_is_not_used_again(void)
{
    g_autoptr(XenGuest) g = fifo_guest();
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(port_op(g, EVTCHNOP_close, port, 0), ==, 0);
    g_assert_cmphex(word(g, port), ==, LINKED);
    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, port + 1);
    set_word(g, port, 0);
    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, port);
}

CONFORMS(EVTCHNOP_reset)
static void test_reset_goes_back_to_two_levels(void)
{
    g_autoptr(XenGuest) g = fifo_guest();
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(reset(g, EVTCHNOP_reset), ==, 0);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
    g_assert_cmpint(expand_array(g, ARRAY), ==, -XEN_EOPNOTSUPP);
    xen_guest_ack(g, 0);
    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, 1);
    g_assert_cmpint(xen_guest_send(g, 1), ==, 0);
    g_assert_true(xen_guest_pending(g, 1));
    g_assert_cmpint(init_control(g, CONTROL, OFF, 0), ==, 0);
    /* A machine reset does the same. */
    xen_domain_reset(g->d);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
    g_assert_cmpint(expand_array(g, ARRAY), ==, -XEN_EOPNOTSUPP);
}

static XenGuest *guest_with_ports(uint32_t max_port)
{
    XenGuest *g = xen_guest_new(1, 17);
    XenDomainConfig cfg = xen_guest_config(1, 17);

    xen_domain_free(g->d);
    cfg.max_port = max_port;
    g->d = xen_domain_new(fake_host_ops(g->fake), g->clock, &cfg,
                          &fake_tree_ops, g->tree, NULL);
    return g;
}

/* @return: the error that ends it */
static int64_t bind_all(XenGuest *g, int64_t *last)
{
    int64_t port;

    while ((port = xen_guest_bind_ipi(g, 0)) > 0) {
        *last = port;
    }
    return port;
}

static void test_ports_beyond_two_levels(void)
{
    g_autoptr(XenGuest) g = guest_with_ports(5000);
    g_autoptr(GError) error = NULL;
    XenDomainConfig cfg = xen_guest_config(1, 17);
    int64_t last = 0;

    g_assert_cmpint(bind_all(g, &last), ==, -XEN_ENOSPC);
    g_assert_cmpint(last, ==, 4095);
    g_assert_cmpint(init_control(g, CONTROL, OFF, 0), ==, 0);
    for (unsigned i = 0; i < 5; i++) {
        g_assert_cmpint(expand_array(g, ARRAY + i), ==, 0);
    }
    g_assert_cmpint(bind_all(g, &last), ==, -XEN_ENOSPC);
    g_assert_cmpint(last, ==, 5000);
    g_assert_cmpint(xen_guest_send(g, 5000), ==, 0);
    g_assert_cmphex(word(g, 5000), ==, PENDING | LINKED);
    g_assert_cmpuint(take(g, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), ==, 5000);

    cfg.max_port = EVTCHN_FIFO_NR_CHANNELS;
    g_assert_null(xen_domain_new(fake_host_ops(g->fake), g->clock, &cfg,
                                 &fake_tree_ops, g->tree, &error));
    g_assert_nonnull(strstr(error->message, "131072"));
}

/* More ports than one go of a reset closes; the other vCPU comes between. */
CONFORMS(XEN_EVTCHNOP_RESET_CONT)
static void test_reset_of_many_ports_is_continued(void)
{
    g_autoptr(XenGuest) g = guest_with_ports(2999);
    XenHypercall call = {.long_mode = true,
                         .privileged = true,
                         .nr = EVTCHN,
                         .args = {EVTCHNOP_reset, XEN_GUEST_ARG}};
    struct evtchn_reset op = {DOMID_SELF};
    int64_t port = 0;

    g_assert_cmpint(reset(g, XEN_EVTCHNOP_RESET_CONT), ==, -XEN_EBUSY);
    g_assert_cmpint(bind_all(g, &port), ==, -XEN_ENOSPC);
    g_assert_cmpint(xen_guest_send(g, 2999), ==, 0);

    fake_host_poke(g->fake, XEN_GUEST_ARG, &op, sizeof(op));
    g_assert_cmpint(xen_domain_hypercall(g->d, 0, &call), ==, 0);
    g_assert_true(call.again);
    g_assert_cmpuint(call.args[0], ==, XEN_EVTCHNOP_RESET_CONT);
    g_assert_cmpint(reset(g, EVTCHNOP_reset), ==, -XEN_EBUSY);
    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, 1);
    fake_host_poke(g->fake, XEN_GUEST_ARG, &op, sizeof(op));
    while (call.again) {
        call.again = false;
        port = xen_domain_hypercall(g->d, 0, &call);
    }
    g_assert_cmpint(port, ==, -XEN_EAGAIN);
    g_assert_cmpint(reset(g, EVTCHNOP_reset), ==, 0);
    g_assert_cmpint(xen_guest_send(g, 1), ==, -XEN_EINVAL);
}

/* Whatever a guest writes costs it events, and stops nothing. */
static void test_corrupt_words_are_survived(void)
{
    static const uint32_t values[] = {
        0,           UINT32_MAX,    LINKED,       LINKED | 0x1ffff,
        BUSY,        BUSY | LINKED, PENDING,      LINKED | 3,
        LINKED | 60, 0x0ffe0000,    MASKED | BUSY};
    g_autoptr(XenGuest) g = fifo_guest();
    uint32_t a = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t b = (uint32_t)xen_guest_bind_ipi(g, 0);

    for (unsigned i = 0; i < G_N_ELEMENTS(values) * G_N_ELEMENTS(values); i++) {
        set_word(g, a, values[i % G_N_ELEMENTS(values)]);
        set_word(g, b, values[i / G_N_ELEMENTS(values)]);
        g_assert_cmpint(xen_guest_send(g, a), ==, 0);
        g_assert_cmpint(xen_guest_send(g, b), ==, 0);
        g_assert_true(word(g, a) & PENDING);
        g_assert_true(word(g, b) & PENDING);
    }
    set_word(g, a, 0);
    set_word(g, b, 0);
    fake_host_poke32(g->fake, control_at(0), 0);
    fake_host_poke8(g->fake, xen_guest_vcpu_info(g, 0), 0);
    g_assert_cmpint(xen_guest_send(g, a), ==, 0);
    g_assert_cmpuint(head(g, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), ==, a);
    g_assert_true(xen_guest_upcall_pending(g, 0));
}

static void test_state_carries_queues_on(void)
{
    g_autoptr(XenGuest) g = fifo_guest();
    uint32_t a = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t b = (uint32_t)xen_guest_bind_ipi(g, 0);
    g_autoptr(GByteArray) state = NULL, again = NULL;
    StateReader *r;

    g_assert_cmpint(set_priority(g, b, 3), ==, 0);
    g_assert_cmpint(xen_guest_send(g, a), ==, 0);
    state = xen_guest_save(g);
    xen_domain_reset(g->d);
    r = state_reader_new(state->data, state->len);
    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, NULL));
    again = xen_guest_save(g);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);

    g_assert_cmpint(set_priority(g, b, 7), ==, 0);
    g_assert_cmpint(xen_guest_send(g, b), ==, 0);
    g_assert_cmphex(word(g, a), ==, PENDING | LINKED | b);
}

/* A page that is not there when the stream is loaded refuses all of it. */
static void test_state_without_its_pages_is_refused(void)
{
    static const uint64_t frames[] = {CONTROL, CONTROL + 1, ARRAY};

    for (unsigned i = 0; i < G_N_ELEMENTS(frames); i++) {
        g_autoptr(XenGuest) g = fifo_guest();
        g_autoptr(GByteArray) state = xen_guest_save(g);
        StateReader *r = state_reader_new(state->data, state->len);

        xen_domain_reset(g->d);
        fake_host_mark_frame(g->fake, frames[i], FAKE_FRAME_ABSENT);
        xen_domain_load(g->d, r);
        g_assert_true(state_reader_failed(r));
        state_reader_finish(r, NULL);
        g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
        g_assert_cmpint(expand_array(g, ARRAY), ==, -XEN_EOPNOTSUPP);
    }
}

static int64_t fault_init(XenGuest *g)
{
    struct evtchn_init_control op = {.control_gfn = CONTROL + 2};

    return xen_guest_op(g, EVTCHN, EVTCHNOP_init_control, &op, sizeof(op));
}

static int64_t fault_expand(XenGuest *g)
{
    return expand_array(g, ARRAY + 1);
}

static int64_t fault_priority(XenGuest *g)
{
    return set_priority(g, 1, 2);
}

/* Each call that may fail, failing: an error, and nothing else happened. */
static void test_faults_change_nothing(void)
{
    static const struct {
        bool fifo; /* already */
        int64_t (*run)(XenGuest *g);
        unsigned calls;
    } cases[] = {
        {false, fault_init, 2}, /* the third is the answer's, as in Xen */
        {true, fault_expand, 2},
        {true, fault_priority, 1},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned n = 1; n <= cases[i].calls; n++) {
            g_autoptr(XenGuest) g =
                cases[i].fifo ? fifo_guest() : xen_guest_new(2, 17);
            g_autoptr(XenGuest) twin =
                cases[i].fifo ? fifo_guest() : xen_guest_new(2, 17);
            g_autofree char *got = NULL, *want = NULL;

            g_test_message("case %u, fault %u", i, n);
            fake_host_fail_nth(g->fake, n);
            g_assert_cmpint(cases[i].run(g), <, 0);
            g_assert_true(fake_host_fault_fired(g->fake));
            xen_guest_call(twin, 11, 0, 0, 0);
            got = xen_guest_dump(g);
            want = xen_guest_dump(twin);
            g_assert_cmpstr(got, ==, want);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/fifo/" #name, test_##name)
    ADD(setup_errors_are_those_of_xen);
    ADD(events_are_queued_in_order);
    ADD(masked_event_waits_for_unmask);
    ADD(priority_chooses_the_queue);
    ADD(event_follows_its_vcpu);
    ADD(events_of_before_are_not_lost);
    ADD(vcpu_without_control_block_is_told_nothing);
    ADD(poll_sees_the_event_word);
    ADD(port_that_is_still_linked_is_not_used_again);
    ADD(reset_goes_back_to_two_levels);
    ADD(ports_beyond_two_levels);
    ADD(reset_of_many_ports_is_continued);
    ADD(corrupt_words_are_survived);
    ADD(state_carries_queues_on);
    ADD(state_without_its_pages_is_refused);
    ADD(faults_change_nothing);
    return g_test_run();
}
