/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op: the memory map, and what is for other domains than a guest. */
#include <string.h>

#include "hw/xen/abi/compat-memory.h"
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define MEM      __HYPERVISOR_memory_op
#define LIST     0x80000ull
#define LIST_PTR ((void *)(uintptr_t)LIST)
#define BAD_GVA  (XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT)
#define BAD_PTR  ((void *)(uintptr_t)BAD_GVA)

static XenGuest *guest_new(bool compat)
{
    XenGuest *g = xen_guest_new(1, 17);

    g->compat = compat;
    return g;
}

static void test_map_is_told_and_may_be_set(void)
{
    const XenE820Entry map[2] = {{0, 0xa0000, 1}, {0x100000, 0x5000, 2}};

    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest_new(compat);
        struct xen_foreign_memory_map set = {.domid = DOMID_SELF,
                                             .map = {.nr_entries = 2}};
        XenCompatForeignMemoryMap set32 = {DOMID_SELF, 0, {2, LIST}};
        struct xen_memory_map get = {.nr_entries = 10};
        XenCompatMemoryMap get32 = {10, LIST + 0x100};
        XenE820Entry got[2];
        const unsigned nrs[] = {10, 1, 0};

        set_xen_guest_handle(set.map.buffer, LIST_PTR);
        set_xen_guest_handle(get.buffer, (void *)(LIST + 0x100));
        fake_host_poke(g->fake, LIST, map, sizeof(map));
        g_assert_cmpint(xen_guest_call(g, MEM, XENMEM_memory_map, BAD_GVA, 0),
                        ==, -XEN_ENOSYS);
        g_assert_cmpint(compat ? xen_guest_op(g, MEM, XENMEM_set_memory_map,
                                              &set32, sizeof(set32))
                               : xen_guest_op(g, MEM, XENMEM_set_memory_map,
                                              &set, sizeof(set)),
                        ==, 0);
        for (unsigned i = 0; i < G_N_ELEMENTS(nrs); i++) {
            get.nr_entries = get32.nr_entries = nrs[i];
            g_assert_cmpint(compat ? xen_guest_op(g, MEM, XENMEM_memory_map,
                                                  &get32, sizeof(get32))
                                   : xen_guest_op(g, MEM, XENMEM_memory_map,
                                                  &get, sizeof(get)),
                            ==, 0);
            g_assert_cmpuint(compat ? get32.nr_entries : get.nr_entries, ==,
                             MIN(nrs[i], 2));
        }
        fake_host_peek(g->fake, LIST + 0x100, got, sizeof(got));
        g_assert_cmpmem(got, sizeof(got), map, sizeof(map));
        g_assert_cmpint(xen_guest_call(g, MEM, XENMEM_memory_map, BAD_GVA, 0),
                        ==, -XEN_EFAULT);
        xen_domain_reset(g->d);
        g_assert_cmpint(xen_guest_call(g, MEM, XENMEM_memory_map, BAD_GVA, 0),
                        ==, -XEN_ENOSYS);
    }
}

CONFORMS(XENMEM_memory_map)
CONFORMS(XENMEM_set_memory_map)
static void test_maps_with_errors_change_nothing(void)
{
    static const struct {
        uint16_t domid;
        uint32_t nr;
        uint64_t buffer;
        int64_t want;
    } cases[] = {
        {DOMID_SELF, 1024, 0, 0},
        {DOMID_SELF, 1025, 0, -XEN_EINVAL},
        {0, 1, LIST, -XEN_EPERM},
        {0x1234, 1, LIST, -XEN_ESRCH},
        {DOMID_SELF, 1, BAD_GVA, -XEN_EFAULT},
        {DOMID_SELF, 0, BAD_GVA, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = guest_new(false);
        struct xen_foreign_memory_map set = {
            .domid = cases[i].domid, .map = {.nr_entries = cases[i].nr}};

        g_test_message("case %u", i);
        set_xen_guest_handle(set.map.buffer,
                             (void *)(uintptr_t)cases[i].buffer);
        g_assert_cmpint(
            xen_guest_op(g, MEM, XENMEM_set_memory_map, &set, sizeof(set)), ==,
            cases[i].want);
        g_assert_cmpint(
            xen_guest_call(g, MEM, XENMEM_memory_map, BAD_GVA, 0), ==,
            cases[i].want == 0 && cases[i].nr ? -XEN_EFAULT : -XEN_ENOSYS);
    }
}

/* Where a domain id lies in each argument, and what a guest hears. */
NOT_OFFERED(XENMEM_set_pod_target, -XEN_EPERM)
NOT_OFFERED(XENMEM_get_pod_target, -XEN_EPERM)
NOT_OFFERED(XENMEM_access_op, -XEN_ESRCH)
NOT_OFFERED(XENMEM_claim_pages, -XEN_EPERM)
NOT_OFFERED(XENMEM_acquire_resource, -XEN_EACCES)
NOT_OFFERED(XENMEM_get_vnumainfo, -XEN_EOPNOTSUPP)
NOT_OFFERED(XENMEM_machphys_mapping, -XEN_ENOSYS)
NOT_OFFERED(XENMEM_machine_memory_map, -XEN_ENOSYS)
NOT_OFFERED(XENMEM_paging_op, -XEN_ENOSYS)
NOT_OFFERED(XENMEM_sharing_op, -XEN_ENOSYS)
static void test_operations_of_other_domains(void)
{
    static const struct {
        uint32_t cmd;
        unsigned at, at_compat; /* of the domain id in the argument */
        int64_t self, dom0, other;
    } cases[] = {
        {XENMEM_set_pod_target, 32, 32, -XEN_EPERM, -XEN_EPERM, -XEN_ESRCH},
        {XENMEM_get_pod_target, 32, 32, -XEN_EPERM, -XEN_EPERM, -XEN_ESRCH},
        {XENMEM_access_op, 2, 2, -XEN_ESRCH, -XEN_EINVAL, -XEN_ESRCH},
        {XENMEM_claim_pages, 24, 16, -XEN_EINVAL, -XEN_EPERM, -XEN_EINVAL},
        {XENMEM_get_vnumainfo, 0, 0, -XEN_EOPNOTSUPP, -XEN_EPERM, -XEN_ESRCH},
        {XENMEM_acquire_resource, 0, 0, -XEN_EACCES, -XEN_EACCES, -XEN_EACCES},
        {XENMEM_machphys_mapping, 0, 0, -XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS},
        {XENMEM_paging_op, 0, 0, -XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS},
        {XENMEM_sharing_op, 0, 0, -XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS},
        {XENMEM_machine_memory_map, 0, 0, -XEN_ENOSYS, -XEN_ENOSYS,
         -XEN_ENOSYS},
    };
    static const uint16_t domids[] = {DOMID_SELF, 0, 0x1234};

    for (unsigned i = 0; i < 6 * G_N_ELEMENTS(cases); i++) {
        const unsigned c = i / 6, who = i % 3;
        const bool none = i % 2 && cases[c].cmd == XENMEM_claim_pages;
        const int64_t wants[] = {none ? -XEN_ENOSYS : cases[c].self,
                                 none ? -XEN_ENOSYS : cases[c].dom0,
                                 none ? -XEN_ENOSYS : cases[c].other};
        g_autoptr(XenGuest) g = guest_new(i % 2);
        uint8_t arg[72] = {0};

        g_test_message("cmd %u domid %#x compat %u", cases[c].cmd, domids[who],
                       i % 2);
        memcpy(arg + (i % 2 ? cases[c].at_compat : cases[c].at), &domids[who],
               sizeof(domids[who]));
        g_assert_cmpint(xen_guest_op(g, MEM, cases[c].cmd, arg, sizeof(arg)),
                        ==, wants[who]);
    }
}

static void test_claims_and_topologies_are_checked_first(void)
{
    g_autoptr(XenGuest) g = guest_new(false);
    struct xen_memory_reservation claim = {.domid = XEN_GUEST_DOMID};
    struct xen_vnuma_topology_info numa = {.domid = DOMID_SELF, .pad = 1};
    g_autoptr(XenGuest) newer = xen_guest_new(1, 20);

    g_assert_cmpint(
        xen_guest_op(g, MEM, XENMEM_claim_pages, &claim, sizeof(claim)), ==,
        -XEN_EPERM);
    g_assert_cmpint(xen_guest_op(g, MEM, XENMEM_claim_pages | 1 << 6, &claim,
                                 sizeof(claim)),
                    ==, -XEN_EINVAL);
    claim.extent_order = 1;
    g_assert_cmpint(
        xen_guest_op(g, MEM, XENMEM_claim_pages, &claim, sizeof(claim)), ==,
        -XEN_EINVAL);
    claim.extent_order = 0;
    claim.mem_flags = 1;
    g_assert_cmpint(
        xen_guest_op(g, MEM, XENMEM_claim_pages, &claim, sizeof(claim)), ==,
        -XEN_EINVAL);
    g_assert_cmpint(
        xen_guest_op(g, MEM, XENMEM_get_vnumainfo, &numa, sizeof(numa)), ==,
        -XEN_EINVAL);
    g_assert_cmpint(xen_guest_call(newer, MEM, XENMEM_machine_memory_map, 0, 0),
                    ==, -XEN_EPERM);
}

CONFORMS(XENMEM_reserved_device_memory_map)
static void test_no_memory_is_reserved_for_devices(void)
{
    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = guest_new(compat);
        XenReservedDeviceMap op = {.flags = XENMEM_RDM_ALL, .nr_entries = 5};

        g_assert_cmpint(xen_guest_op(g, MEM, XENMEM_reserved_device_memory_map,
                                     &op, sizeof(op)),
                        ==, 0);
        g_assert_cmpuint(op.nr_entries, ==, 0);
        op.flags = 2;
        g_assert_cmpint(xen_guest_op(g, MEM, XENMEM_reserved_device_memory_map,
                                     &op, sizeof(op)),
                        ==, -XEN_EINVAL);
    }
}

DEVIATES(XENMEM_machphys_mfn_list, "there is no table of machine frames")
DEVIATES(XENMEM_machphys_compat_mfn_list, "as machphys_mfn_list")
static void test_machine_frames_are_made_up(void)
{
    static const uint32_t cmds[] = {XENMEM_machphys_mfn_list,
                                    XENMEM_machphys_compat_mfn_list};

    for (unsigned i = 0; i < 4; i++) {
        g_autoptr(XenGuest) g = guest_new(i % 2);
        struct xen_machphys_mfn_list op = {.max_extents = 4};
        XenCompatMachphysMfnList op32 = {4, LIST, 0};
        int64_t ret;

        set_xen_guest_handle(op.extent_start, LIST_PTR);
        ret = i % 2 ? xen_guest_op(g, MEM, cmds[i / 2], &op32, sizeof(op32))
                    : xen_guest_op(g, MEM, cmds[i / 2], &op, sizeof(op));
        g_assert_cmpint(ret, ==, 0);
        g_assert_cmpuint(i % 2 ? op32.nr_extents : op.nr_extents, ==, 1);
        g_assert_cmpuint(fake_host_peek32(g->fake, LIST), >=, XEN_GUEST_FRAMES);
        set_xen_guest_handle(op.extent_start, BAD_PTR);
        op32.extent_start = BAD_GVA;
        ret = i % 2 ? xen_guest_op(g, MEM, cmds[i / 2], &op32, sizeof(op32))
                    : xen_guest_op(g, MEM, cmds[i / 2], &op, sizeof(op));
        g_assert_cmpint(ret, ==, -XEN_EFAULT);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/memory-map/" #name, test_##name)
    ADD(map_is_told_and_may_be_set);
    ADD(maps_with_errors_change_nothing);
    ADD(operations_of_other_domains);
    ADD(claims_and_topologies_are_checked_first);
    ADD(no_memory_is_reserved_for_devices);
    ADD(machine_frames_are_made_up);
    return g_test_run();
}
