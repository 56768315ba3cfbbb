/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain against a guest that makes any hypercall with any argument, writes
 * anything into the pages it shares, and runs, sleeps and stops as it likes.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/unit/xen-guest.h"

#define NR_VCPUS   3u
#define ARG_LEN    32u
#define ADVANCE_NS 100000u /* for each step of the input's */

/* Where arguments are looked for: whole, at the end of RAM, at its start... */
static const uint64_t arg_gvas[] = {
    XEN_GUEST_ARG,
    XEN_GUEST_ARG,
    (XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT) - 8,
    XEN_GUEST_READONLY << HOST_PAGE_SHIFT,
    XEN_GUEST_SHINFO << HOST_PAGE_SHIFT,
    UINT64_MAX - 3,
};

static void hypercall(XenGuest *g, FuzzInput *in)
{
    unsigned nr = fuzz_u8(in), cmd = fuzz_u8(in), where = fuzz_u8(in);
    uint64_t gva = arg_gvas[where % G_N_ELEMENTS(arg_gvas)];
    size_t len = ARG_LEN;
    const uint8_t *arg = fuzz_bytes(in, &len);

    if (len) {
        fake_host_poke(g->fake, XEN_GUEST_ARG, arg, len);
    }
    if (nr % 64 == __HYPERVISOR_vcpu_op) {
        xen_guest_call(g, nr % 64, cmd, where % (NR_VCPUS + 1), gva);
    } else if (nr % 64 == __HYPERVISOR_set_timer_op) {
        xen_guest_call(g, nr % 64, fuzz_u32(in), fuzz_u32(in), 0);
    } else {
        xen_guest_call(g, nr % 64, cmd, gva, 1);
    }
}

/* Memory goes, comes and moves, within RAM or a little beyond it. */
static void memory(XenGuest *g, FuzzInput *in)
{
    static const uint32_t cmds[] = {XENMEM_increase_reservation,
                                    XENMEM_decrease_reservation,
                                    XENMEM_populate_physmap};
    unsigned op = fuzz_u8(in), nr = fuzz_u8(in) % 8;
    struct xen_memory_reservation r = {
        .nr_extents = nr,
        .extent_order = (op >> 4) % 4,
        .domid = DOMID_SELF,
    };
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF,
        .size = (uint16_t)nr,
        .space = (op >> 4) % 6,
        .idx = fuzz_u32(in) % (XEN_GUEST_FRAMES + 16),
        .gpfn = fuzz_u32(in) % (XEN_GUEST_FRAMES + 16),
    };
    struct xen_remove_from_physmap remove = {DOMID_SELF, add.gpfn};

    set_xen_guest_handle(r.extent_start, (void *)XEN_GUEST_BUF);
    for (unsigned i = 0; i < nr; i++) {
        fake_host_poke64(g->fake, XEN_GUEST_BUF + i * 8ull,
                         fuzz_u32(in) % (XEN_GUEST_FRAMES + 16));
    }
    switch (op % 8) {
    case 0:
        xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap,
                     &remove, sizeof(remove));
        break;
    case 1:
    case 2:
        xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add,
                     sizeof(add));
        break;
    default:
        xen_guest_op(g, __HYPERVISOR_memory_op, cmds[op % 3], &r, sizeof(r));
        break;
    }
}

static void msr(XenGuest *g, FuzzInput *in)
{
    static const uint32_t indexes[] = {0x10, 0x3b, 0x40000000, 0x40000001};
    uint32_t index = indexes[fuzz_u8(in) % G_N_ELEMENTS(indexes)];
    uint64_t value = fuzz_u32(in);

    xen_domain_wrmsr(g->d, g->vcpu, index, value << 8);
    xen_domain_rdmsr(g->d, g->vcpu, index, &value);
}

static void poke(XenGuest *g, FuzzInput *in)
{
    static const uint64_t pages[] = {XEN_GUEST_SHINFO, 0x50, XEN_STORE_GFN,
                                     XEN_CONSOLE_GFN};
    uint64_t page = pages[fuzz_u8(in) % G_N_ELEMENTS(pages)];
    uint64_t at = fuzz_u32(in) & 0xffc;

    fake_host_poke32(g->fake, (page << HOST_PAGE_SHIFT) + at, fuzz_u32(in));
}

static void round_trip(XenGuest *g)
{
    g_autoptr(GByteArray) state = xen_guest_save(g);
    StateReader *r;

    xen_domain_reset(g->d);
    r = state_reader_new(state->data, state->len);
    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, NULL));
}

static void step(XenGuest *g, FuzzInput *in)
{
    unsigned op = fuzz_u8(in);

    g->vcpu = (op >> 4) % NR_VCPUS;
    switch (op & 15) {
    case 0:
        msr(g, in);
        break;
    case 1:
        poke(g, in);
        break;
    case 2:
        fake_host_advance(g->fake, (int64_t)fuzz_u8(in) * ADVANCE_NS);
        break;
    case 3:
        xen_domain_vcpu_halted(g->d, g->vcpu, fuzz_u8(in) & 1);
        break;
    case 4:
        xen_domain_vcpu_running(g->d, g->vcpu);
        break;
    case 5:
        xen_domain_reset_vcpu(g->d, g->vcpu);
        break;
    case 6:
        g->compat = !g->compat;
        fake_host_set_long_mode(g->fake, g->vcpu, !g->compat);
        break;
    case 7:
        xen_domain_vcpu_upcall_due(g->d, g->vcpu);
        break;
    case 8:
        round_trip(g);
        break;
    case 9:
        fake_host_fail_nth(g->fake, fuzz_u8(in) % 8);
        hypercall(g, in);
        fake_host_fail_nth(g->fake, 0);
        break;
    case 10:
        memory(g, in);
        break;
    default:
        hypercall(g, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    XenGuest *g = xen_guest_new(NR_VCPUS, 20);

    fake_host_set_tracing(g->fake, false);
    while (in.left) {
        step(g, &in);
    }
    xen_guest_free(g);
    return 0;
}
