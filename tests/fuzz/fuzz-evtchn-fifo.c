/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FIFO event channels against a guest that changes event words and control
 * blocks as it likes between any two operations, from three vCPUs.
 *
 * Each send ends, what is neither an event word nor a control block stays as it
 * is, and the state goes through migration unchanged.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/unit/xen-guest.h"

#define NR_VCPUS 3u
#define CONTROL  0x60u /* frames: one control block each */
#define ARRAY    0x70u /* frames: of event words, then one that is not */
#define PAGES    2u
#define GUARD    0xa5u
#define EVTCHN   __HYPERVISOR_event_channel_op

static void op(XenGuest *g, FuzzInput *in)
{
    uint32_t arg[6] = {0};
    unsigned cmd = fuzz_u8(in) % 16;

    if (cmd == EVTCHNOP_init_control || cmd == EVTCHNOP_expand_array) {
        uint64_t gfn =
            (cmd == EVTCHNOP_init_control ? CONTROL : ARRAY) + fuzz_u8(in) % 3;

        memcpy(arg, &gfn, sizeof(gfn));
        arg[2] = fuzz_u8(in) * 16;
        arg[3] = fuzz_u8(in) % (NR_VCPUS + 1);
    } else if (cmd == EVTCHNOP_reset || cmd == EVTCHNOP_status) {
        arg[0] = DOMID_SELF;
        arg[1] = fuzz_u8(in);
    } else {
        arg[0] = fuzz_u8(in);
        arg[1] = fuzz_u8(in) % 20;
    }
    xen_guest_op(g, EVTCHN, cmd, arg, sizeof(arg));
}

static void corrupt(XenGuest *g, FuzzInput *in)
{
    unsigned frame = fuzz_u8(in) % (NR_VCPUS + PAGES);
    uint64_t gfn =
        frame < NR_VCPUS ? CONTROL + frame : ARRAY + frame - NR_VCPUS;
    uint32_t at = fuzz_u8(in) * 4u, value = fuzz_u8(in);

    /* Flags are where the fun is; the link is small, large or missing. */
    value |= (uint32_t)fuzz_u8(in) << 24 | (value & 1 ? 0x1ff00 : 0);
    fake_host_poke32(g->fake, (gfn << HOST_PAGE_SHIFT) + at, value);
}

static void send(XenGuest *g, FuzzInput *in)
{
    uint32_t port = fuzz_u8(in);
    uint32_t repeat = fuzz_u8(in) % 8;

    for (uint32_t i = 0; i <= repeat; i++) {
        xen_guest_send(g, port + i);
    }
}

static void round_trip(XenGuest *g)
{
    g_autoptr(GByteArray) state = xen_guest_save(g);
    g_autoptr(GByteArray) again = NULL;
    StateReader *r;

    xen_domain_reset(g->d);
    r = state_reader_new(state->data, state->len);
    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, NULL));
    again = xen_guest_save(g);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);
}

static void step(XenGuest *g, FuzzInput *in)
{
    unsigned what = fuzz_u8(in);

    g->vcpu = (what >> 4) % NR_VCPUS;
    switch (what & 15) {
    case 0:
    case 1:
    case 2:
        op(g, in);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        corrupt(g, in);
        break;
    case 7:
        round_trip(g);
        break;
    case 8:
        fake_host_fail_nth(g->fake, fuzz_u8(in) % 4);
        op(g, in);
        fake_host_fail_nth(g->fake, 0);
        break;
    default:
        send(g, in);
        break;
    }
}

static void prepare(XenGuest *g)
{
    struct evtchn_init_control control = {.control_gfn = CONTROL};
    struct evtchn_expand_array array = {ARRAY};

    for (unsigned i = 0; i < NR_VCPUS; i++) {
        control.vcpu = i;
        control.control_gfn = CONTROL + i;
        xen_guest_op(g, EVTCHN, EVTCHNOP_init_control, &control,
                     sizeof(control));
        xen_guest_bind_ipi(g, i);
        xen_guest_bind_virq(g, VIRQ_TIMER, i);
    }
    xen_guest_op(g, EVTCHN, EVTCHNOP_expand_array, &array, sizeof(array));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t guard_at = (uint64_t)(ARRAY + 3) << HOST_PAGE_SHIFT;
    FuzzInput in = {data, size};
    XenGuest *g = xen_guest_new(NR_VCPUS, 17);

    fake_host_set_tracing(g->fake, false);
    fake_host_poke8(g->fake, guard_at, GUARD);
    if (fuzz_u8(&in) & 1) {
        prepare(g);
    }
    while (in.left) {
        step(g, &in);
    }
    g_assert_cmphex(fake_host_peek8(g->fake, guard_at), ==, GUARD);
    xen_guest_free(g);
    return 0;
}
