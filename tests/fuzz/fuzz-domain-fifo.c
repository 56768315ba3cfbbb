/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FIFO event channels of the state-machine fuzz: the guest gives pages, takes
 * events out of its queues as a kernel does, and spoils words now and then.
 */
#include "tests/fuzz/fuzz-domain.h"

#define EVTCHN __HYPERVISOR_event_channel_op
/* Pages of the guest for this alone: control blocks, then event words. */
#define CONTROL_GFN 0x80u
#define ARRAY_GFN   0x84u
#define ARRAY_NR    4u

#define WORD_BIT(n) ((uint32_t)1 << (n))

static uint64_t control_at(unsigned vcpu)
{
    return (CONTROL_GFN + vcpu) << HOST_PAGE_SHIFT;
}

static uint64_t word_at(uint32_t port)
{
    return (ARRAY_GFN << HOST_PAGE_SHIFT) + port * sizeof(event_word_t);
}

static void act_init_control(World *w)
{
    struct evtchn_init_control op = {.vcpu = w->g->vcpu};
    bool usual = !one_in(w, 6), bad_off = false;
    int64_t ret;

    if (!usual) {
        op.vcpu = draw_vcpu(w);
        op.offset = (uint32_t)draw_edge(w);
        bad_off = op.offset % 8 || op.offset > HOST_PAGE_SIZE - 72;
    }
    op.control_gfn = CONTROL_GFN + op.vcpu % FUZZ_MAX_VCPUS;
    ret = world_op(w, EVTCHN, EVTCHNOP_init_control, &op, sizeof(op));
    if (op.vcpu >= w->nr_vcpus) {
        EXPECT(w, ret, -XEN_ENOENT);
    } else if (bad_off) {
        EXPECT(w, ret, -XEN_EINVAL);
    } else if (w->pins_known) {
        EXPECT(w, ret, w->fifo_control[op.vcpu] ? -XEN_EINVAL : 0);
    }
    if (w->faulty && ret == -XEN_EFAULT) {
        w->fifo = true; /* done, if only the answer was lost */
        w->pins_known = false;
    }
    if (!ret) {
        if (!w->fifo) {
            w->fifo_pages = 0;
        }
        w->fifo = w->fifo_control[op.vcpu] = true;
        w->fifo_pins++;
        EXPECT(w, op.link_bits, EVTCHN_FIFO_LINK_BITS);
    }
}

static void act_expand_array(World *w)
{
    struct evtchn_expand_array op = {ARRAY_GFN + w->fifo_pages % ARRAY_NR};
    bool absent = one_in(w, 10);
    int64_t ret;

    if (absent) {
        op.array_gfn = XEN_GUEST_UNMAPPED;
    }
    ret = world_op(w, EVTCHN, EVTCHNOP_expand_array, &op, sizeof(op));
    if (w->pins_known && !w->fifo) {
        EXPECT(w, ret, -XEN_EOPNOTSUPP);
    } else if (w->pins_known && w->fifo_pages < ARRAY_NR) {
        EXPECT(w, ret, absent ? -XEN_EINVAL : 0);
    }
    if (!ret) {
        w->fifo_pages++;
        w->fifo_pins++;
    }
}

static void act_priority(World *w)
{
    struct evtchn_set_priority op = {draw_port(w), (uint32_t)draw(w, 18)};
    int64_t ret = world_op(w, EVTCHN, EVTCHNOP_set_priority, &op, sizeof(op));

    if (w->pins_known && !w->fifo && op.port < w->nr_valid) {
        EXPECT(w, ret, -XEN_ENOSYS);
    } else if (op.port >= w->nr_valid) {
        EXPECT(w, ret, -XEN_EINVAL);
    }
}

/* One queue of @vcpu from its head on, each event taken. */
static void take_queue(World *w, unsigned vcpu, unsigned queue)
{
    FakeHost *fake = w->g->fake;
    uint64_t head = control_at(vcpu) +
                    offsetof(struct evtchn_fifo_control_block, head) +
                    queue * sizeof(uint32_t);
    uint32_t port = fake_host_peek32(fake, head);

    for (unsigned n = 0; n < 64 && port && port < 1024 * ARRAY_NR; n++) {
        uint32_t word = fake_host_peek32(fake, word_at(port));
        uint32_t next = word & EVTCHN_FIFO_LINK_MASK;

        word &= ~(WORD_BIT(EVTCHN_FIFO_LINKED) | WORD_BIT(EVTCHN_FIFO_PENDING) |
                  EVTCHN_FIFO_LINK_MASK);
        fake_host_poke32(fake, word_at(port), word);
        port = next;
    }
    fake_host_poke32(fake, head, port);
}

static void act_take(World *w)
{
    uint32_t ready;

    if (!w->fifo || !w->fifo_pages) {
        return;
    }
    ready = fake_host_peek32(w->g->fake, control_at(w->g->vcpu));
    fake_host_poke32(w->g->fake, control_at(w->g->vcpu), 0);
    for (unsigned q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
        if (ready & WORD_BIT(q)) {
            take_queue(w, w->g->vcpu, q);
        }
    }
}

static void act_spoil(World *w)
{
    uint32_t port = (uint32_t)draw(w, 40);
    uint32_t bits =
        WORD_BIT(28 + draw(w, 4)) | (one_in(w, 2) ? (uint32_t)draw(w, 64) : 0);

    if (w->fifo) {
        uint32_t word = fake_host_peek32(w->g->fake, word_at(port));

        fake_host_poke32(w->g->fake, word_at(port), word ^ bits);
    }
    if (w->fifo && one_in(w, 4)) {
        fake_host_poke32(w->g->fake,
                         control_at((unsigned)draw(w, FUZZ_MAX_VCPUS)) +
                             4 * draw(w, 18),
                         (uint32_t)draw_edge(w));
    }
}

static const Action actions[] = {
    {"init_control", 3, act_init_control},
    {"expand_array", 3, act_expand_array},
    {"set_priority", 2, act_priority},
    {"take", 4, act_take},
    {"spoil", 3, act_spoil},
};

const ActionTable fifo_actions = {actions, G_N_ELEMENTS(actions)};
