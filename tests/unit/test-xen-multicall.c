/* SPDX-License-Identifier: GPL-2.0-or-later */
/* multicall: results, errors, and what is left when it is interrupted. */
#include <string.h>

#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define MANY 100u

typedef struct Compat {
    uint32_t op, result;
    uint32_t args[6];
} Compat;

static size_t entry_size(const XenGuest *g)
{
    return g->compat ? sizeof(Compat) : sizeof(struct multicall_entry);
}

static void put(XenGuest *g, uint64_t at, uint64_t op, uint64_t a0, uint64_t a1)
{
    struct multicall_entry native = {op, 0x5555, {a0, a1}};
    Compat compat = {(uint32_t)op, 0x5555, {(uint32_t)a0, (uint32_t)a1}};

    if (g->compat) {
        fake_host_poke(g->fake, at, &compat, sizeof(compat));
    } else {
        fake_host_poke(g->fake, at, &native, sizeof(native));
    }
}

static int64_t result(XenGuest *g, uint64_t at)
{
    return g->compat ? (int32_t)fake_host_peek32(g->fake, at + 4)
                     : (int64_t)fake_host_peek64(g->fake, at + 8);
}

CONFORMS(__HYPERVISOR_multicall)
static void test_each_entry_has_its_own_result(void)
{
    static const struct {
        uint64_t op, a0;
        int64_t want;
    } cases[] = {
        {__HYPERVISOR_xen_version, XENVER_version, 0x40011},
        {__HYPERVISOR_xen_version, 99, -XEN_ENOSYS},
        {11, 0, -XEN_ENOSYS},
        {__HYPERVISOR_multicall, XEN_GUEST_ARG, -XEN_EINVAL},
        {__HYPERVISOR_sched_op, SCHEDOP_yield, 0},
        {__HYPERVISOR_xen_version, XENVER_pagesize, -XEN_EINVAL},
        {0x80000000, 0, -XEN_ENOSYS},
    };

    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        uint64_t at = XEN_GUEST_BUF;

        g->compat = compat;
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            put(g, at + i * entry_size(g), cases[i].op, cases[i].a0, 1);
        }
        g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_multicall, at,
                                       G_N_ELEMENTS(cases), 0),
                        ==, 0);
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_test_message("compat %u entry %u", compat, i);
            g_assert_cmpint(result(g, at + i * entry_size(g)), ==,
                            cases[i].want);
        }
        /* The one after the last is as it was. */
        g_assert_cmpint(result(g, at + G_N_ELEMENTS(cases) * entry_size(g)), ==,
                        0);
    }
}

static void test_bad_entries_end_it_with_efault(void)
{
    const uint64_t end = XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    put(g, end - 64, __HYPERVISOR_xen_version, XENVER_version, 0);
    g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_multicall, end - 64, 2, 0),
                    ==, -XEN_EFAULT);
    g_assert_cmpint(result(g, end - 64), ==, 0x40011);
    g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_multicall, end, 1, 0), ==,
                    -XEN_EFAULT);
    g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_multicall, end, 0, 0), ==,
                    0);
    put(g, XEN_GUEST_READONLY << HOST_PAGE_SHIFT, __HYPERVISOR_xen_version,
        XENVER_version, 0);
    g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_multicall,
                                   XEN_GUEST_READONLY << HOST_PAGE_SHIFT, 1, 0),
                    ==, -XEN_EFAULT);
}

/* The guest can take an interrupt before the call has done all. */
static void test_long_list_is_done_in_parts(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    XenHypercall call = {.long_mode = true,
                         .privileged = true,
                         .nr = __HYPERVISOR_multicall,
                         .args = {XEN_GUEST_BUF, MANY}};
    unsigned parts = 0;

    for (unsigned i = 0; i < MANY; i++) {
        put(g, XEN_GUEST_BUF + i * 64, __HYPERVISOR_xen_version,
            XENVER_pagesize, 0);
    }
    do {
        call.again = false;
        g_assert_cmpint(xen_domain_hypercall(g->d, 0, &call), ==, 0);
        g_assert_cmpuint(call.args[0], ==,
                         XEN_GUEST_BUF + (MANY - call.args[1]) * 64);
        parts++;
    } while (call.again);
    g_assert_cmpuint(parts, ==, 4);
    for (unsigned i = 0; i < MANY; i++) {
        g_assert_cmpint(result(g, XEN_GUEST_BUF + i * 64), ==, 4096);
    }
}

/* A call inside that has to go on itself keeps where it is in its entry. */
static void test_interrupted_entry_goes_on(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    const unsigned nr = 600;
    struct xen_add_to_physmap_batch batch = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .size = nr};
    XenHypercall call = {.long_mode = true,
                         .privileged = true,
                         .nr = __HYPERVISOR_multicall,
                         .args = {XEN_GUEST_BUF, 2}};
    unsigned parts = 0;

    set_xen_guest_handle(batch.idxs, (void *)0x80000);
    set_xen_guest_handle(batch.gpfns, (void *)0x90000);
    set_xen_guest_handle(batch.errs, (void *)0xa0000);
    for (unsigned i = 0; i < nr; i++) {
        fake_host_poke64(g->fake, 0x90000 + i * 8ull, 0xb0);
        fake_host_poke32(g->fake, 0xa0000 + i * 4ull, 1);
    }
    fake_host_poke(g->fake, XEN_GUEST_ARG, &batch, sizeof(batch));
    put(g, XEN_GUEST_BUF, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch,
        XEN_GUEST_ARG);
    put(g, XEN_GUEST_BUF + 64, __HYPERVISOR_xen_version, XENVER_version, 0);
    do {
        call.again = false;
        g_assert_cmpint(xen_domain_hypercall(g->d, 0, &call), ==, 0);
        g_assert_cmpuint(fake_host_peek32(g->fake, 0xa0000), ==, 0);
        parts++;
    } while (call.again);
    g_assert_cmpuint(parts, ==, 2);
    g_assert_cmpint(fake_host_peek32(g->fake, 0xa0000 + (nr - 1) * 4), ==, 0);
    g_assert_cmpint(result(g, XEN_GUEST_BUF), ==, 0);
    g_assert_cmpint(result(g, XEN_GUEST_BUF + 64), ==, 0x40011);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/multicall/" #name, test_##name)
    ADD(each_entry_has_its_own_result);
    ADD(bad_entries_end_it_with_efault);
    ADD(long_list_is_done_in_parts);
    ADD(interrupted_entry_goes_on);
    return g_test_run();
}
