/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which hypercalls there are, which are for others, and many of them in one.
 *
 * Behaviour: a number without a function answers -ENOSYS; the toolstack's look
 * at the argument, its interface version and the caller, in this order; a
 * multicall gives each entry its own result and lets no multicall in.
 * Check: every number below 64, each answer, long lists, 32- and 64-bit.
 * Cannot tell apart: a hypercall that is not there from one that answers
 * -ENOSYS to everything.
 * Real Xen: release builds with PV, HVM and hypfs, without Argo and with the
 * dummy XSM (xen: include/hypercall-defs.c; common/multicall.c; common/dm.c;
 * arch/x86/mm.c, do_mmuext_op; arch/x86/cpu/vpmu.c).
 *
 * RUN: default
 * RUN: 4-20 plugin=xen-version=4.20
 * RUN: smp smp=4 accel=mttcg
 * RUN: pvh guest=pvh smp=4
 */
#include "tests/conformance.h"
#include "tests/payload/lib/xen.h"

#define UNMAPPED 0xc0000000u /* a page of the window, not present */
#define MANY     100u

static long call(unsigned nr, unsigned long a, unsigned long b, unsigned long c,
                 unsigned long d)
{
    return xen_hypercall(nr, a, b, c, d);
}

NOT_OFFERED(__HYPERVISOR_set_trap_table, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_mmu_update, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_xsm_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_tmem_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_kexec_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_argo_op, -XEN_ENOSYS)
static void numbers_without_a_function_are_enosys(void)
{
    static const uint8_t nrs[] = {0,  1,  2,  3,  4,  5,  6,  8,  9,   10, 11,
                                  14, 16, 19, 22, 25, 27, 28, 30, 31,  37, 38,
                                  39, 43, 48, 50, 51, 55, 56, 63, 100, 127};

    for (unsigned i = 0; i < ARRAY_SIZE(nrs); i++) {
        input("hypercall %u", nrs[i]);
        CHECK_RC(-XEN_ENOSYS, call(nrs[i], 0, 0, 0, 0));
    }
}

CONFORMS(__HYPERVISOR_sysctl)
CONFORMS(__HYPERVISOR_domctl)
CONFORMS(__HYPERVISOR_platform_op)
static void toolstacks_calls_are_refused_in_order(void)
{
    static const unsigned nrs[] = {__HYPERVISOR_sysctl, __HYPERVISOR_domctl,
                                   __HYPERVISOR_platform_op};
    static uint32_t op[64] = {1, 0};

    for (unsigned i = 0; i < ARRAY_SIZE(nrs); i++) {
        input("hypercall %u", nrs[i]);
        CHECK_RC(-XEN_EFAULT, call(nrs[i], UNMAPPED, 0, 0, 0));
        CHECK_RC(-XEN_EACCES, call(nrs[i], (uintptr_t)op, 0, 0, 0));
    }
    op[1] = 0x15;
    CHECK_RC(-XEN_EPERM, call(__HYPERVISOR_sysctl, (uintptr_t)op, 0, 0, 0));
    op[1] = xen_version() > 0x40011 ? 0x17 : 0x15;
    CHECK_RC(-XEN_EPERM, call(__HYPERVISOR_domctl, (uintptr_t)op, 0, 0, 0));
    /* What creates a domain (1) names none yet. */
    op[2] = DOMID_SELF;
    CHECK_RC(-XEN_EPERM, call(__HYPERVISOR_domctl, (uintptr_t)op, 0, 0, 0));
    op[0] = 2;
    CHECK_RC(-XEN_ESRCH, call(__HYPERVISOR_domctl, (uintptr_t)op, 0, 0, 0));
    op[0] = 5; /* getdomaininfo skipped such domains */
    CHECK_RC(xen_version() > 0x40011 ? -XEN_ESRCH : -XEN_EPERM,
             call(__HYPERVISOR_domctl, (uintptr_t)op, 0, 0, 0));
    op[1] = 0x03000001;
    CHECK_RC(-XEN_EPERM,
             call(__HYPERVISOR_platform_op, (uintptr_t)op, 0, 0, 0));
}

CONFORMS(__HYPERVISOR_arch_1)
static void continuation_of_a_domctl_is_refused(void)
{
    static uint32_t op[64] = {10}; /* shadow_op */
    const unsigned long at = (uintptr_t)op;

    CHECK_RC(-XEN_EFAULT, call(__HYPERVISOR_arch_1, UNMAPPED, 0, 0, 0));
    CHECK_RC(-XEN_EOPNOTSUPP, call(__HYPERVISOR_arch_1, at, 0, 0, 0));
    op[1] = xen_version() > 0x40011 ? 0x17 : 0x15;
    CHECK_RC(-XEN_EPERM, call(__HYPERVISOR_arch_1, at, 0, 0, 0));
    op[2] = 0x1234;
    CHECK_RC(-XEN_ESRCH, call(__HYPERVISOR_arch_1, at, 0, 0, 0));
    op[2] = DOMID_SELF;
    CHECK_RC(-XEN_ESRCH, call(__HYPERVISOR_arch_1, at, 0, 0, 0));
    op[0] = 11;
    CHECK_RC(-XEN_EOPNOTSUPP, call(__HYPERVISOR_arch_1, at, 0, 0, 0));
}

CONFORMS(__HYPERVISOR_console_io)
CONFORMS(__HYPERVISOR_mmuext_op)
CONFORMS(__HYPERVISOR_dm_op)
CONFORMS(__HYPERVISOR_xenpmu_op)
CONFORMS(__HYPERVISOR_hypfs_op)
static void others_calls_are_refused(void)
{
    static uint64_t arg[8];
    unsigned long at = (uintptr_t)arg;

    CHECK_RC(-XEN_EPERM, call(__HYPERVISOR_console_io, 0, 1, at, 0));
    CHECK_RC(-XEN_EINVAL, call(__HYPERVISOR_mmuext_op, at, 1, 0, DOMID_SELF));
    CHECK_RC(-XEN_ESRCH, call(__HYPERVISOR_mmuext_op, at, 1, 0, 0x1234));
    CHECK_RC(-XEN_EPERM, call(__HYPERVISOR_mmuext_op, at, 1, 0, DOMID_IO));
    CHECK_RC(-XEN_EPERM, call(__HYPERVISOR_mmuext_op, at, 1, 0, DOMID_XEN));
    CHECK_RC(77, call(__HYPERVISOR_mmuext_op, 0, 0x80000000ul, 0, 77));
    CHECK_RC(-XEN_ESRCH, call(__HYPERVISOR_dm_op, DOMID_SELF, 1, at, 0));
    CHECK_RC(-XEN_ESRCH, call(__HYPERVISOR_dm_op, 0x1234, 1, at, 0));
    CHECK_RC(-XEN_EFAULT, call(__HYPERVISOR_dm_op, DOMID_SELF, 1, UNMAPPED, 0));
    CHECK_RC(-XEN_E2BIG, call(__HYPERVISOR_dm_op, DOMID_SELF, 3, at, 0));
    CHECK_RC(-XEN_EOPNOTSUPP, call(__HYPERVISOR_xenpmu_op, 0, at, 0, 0));
    CHECK_RC(-XEN_EPERM, call(__HYPERVISOR_hypfs_op, 0, 0, 0, 0));
}

static struct multicall_entry entries[MANY];

static void put(unsigned i, unsigned long op, unsigned long a, unsigned long b)
{
    entries[i] =
        (struct multicall_entry){.op = op, .result = 0x55, .args = {a, b}};
}

static long multicall(void *list, unsigned nr)
{
    return call(__HYPERVISOR_multicall, (uintptr_t)list, nr, 0, 0);
}

CONFORMS(__HYPERVISOR_multicall)
static void entries_have_their_own_results(void)
{
    static char extra[XEN_EXTRAVERSION_LEN];

    put(0, __HYPERVISOR_xen_version, XENVER_version, 0);
    put(1, 11, 0, 0);
    put(2, __HYPERVISOR_multicall, (uintptr_t)entries, 1);
    put(3, __HYPERVISOR_xen_version, XENVER_extraversion, (uintptr_t)extra);
    put(4, __HYPERVISOR_xen_version, XENVER_extraversion, UNMAPPED);
    put(5, __HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    put(6, __HYPERVISOR_xen_version, XENVER_version, 0);
    CHECK_RC(0, multicall(entries, 6));
    CHECK_RC((long)xen_version(), (long)entries[0].result);
    CHECK_RC(-XEN_ENOSYS, (long)entries[1].result);
    CHECK_RC(-XEN_EINVAL, (long)entries[2].result);
    CHECK_RC(0, (long)entries[3].result);
    CHECK_EQ('.', extra[0]);
    CHECK_RC(-XEN_EFAULT, (long)entries[4].result);
    CHECK_RC(0, (long)entries[5].result);
    CHECK_EQ(0x55, entries[6].result);
    CHECK_RC(0, multicall((void *)UNMAPPED, 0));
    CHECK_RC(-XEN_EFAULT, multicall((void *)UNMAPPED, 1));
}

static void long_list_is_done_whole(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        put(i, __HYPERVISOR_xen_version, XENVER_pagesize, 0);
    }
    CHECK_RC(0, multicall(entries, MANY));
    for (unsigned i = 0; i < MANY; i++) {
        input("entry %u", i);
        CHECK_EQ(PAGE_SIZE, entries[i].result);
    }
}

/* One of its entries takes more than one call itself. */
static void list_of_lists_is_done_whole(void)
{
    static xen_pfn_t frames[600];
    static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
    struct xen_memory_reservation r = {.nr_extents = 600, .domid = DOMID_SELF};

    for (unsigned i = 0; i < 600; i++) {
        frames[i] = (uintptr_t)page / PAGE_SIZE; /* gone after the first */
    }
    set_xen_guest_handle(r.extent_start, frames);
    put(0, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, (uintptr_t)&r);
    put(1, __HYPERVISOR_memory_op, XENMEM_populate_physmap, (uintptr_t)&r);
    put(2, __HYPERVISOR_xen_version, XENVER_pagesize, 0);
    CHECK_RC(0, multicall(entries, 3));
    CHECK_RC(1, (long)entries[0].result);
    CHECK_RC(1, (long)entries[1].result);
    CHECK_EQ(PAGE_SIZE, entries[2].result);
    CHECK_EQ(0, page[0]);
}

CONFORMS(VMASST_TYPE_runstate_update_flag)
NOT_OFFERED(VMASST_TYPE_pae_extended_cr3, -XEN_EINVAL)
NOT_OFFERED(VMASST_TYPE_architectural_iopl, -XEN_EINVAL)
static void assists_of_pv_are_refused(void)
{
    CHECK_RC(0, call(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
                     VMASST_TYPE_runstate_update_flag, 0, 0));
    CHECK_RC(0, call(__HYPERVISOR_vm_assist, VMASST_CMD_disable,
                     VMASST_TYPE_runstate_update_flag, 0, 0));
    for (unsigned i = 0; i < 33; i++) {
        if (i == VMASST_TYPE_runstate_update_flag) {
            continue;
        }
        input("type %u", i);
        CHECK_RC(-XEN_EINVAL,
                 call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, i, 0, 0));
    }
    CHECK_RC(-XEN_ENOSYS, call(__HYPERVISOR_vm_assist, 2,
                               VMASST_TYPE_runstate_update_flag, 0, 0));
}

CONFORMS(XENVER_get_features)
NOT_OFFERED(XENVER_build_id, -XEN_EPERM)
static void versions_are_a_domus(void)
{
    static char buf[1024];
    struct xen_feature_info info = {.submap_idx = 1, .submap = 0x77};

    CHECK_RC((long)xen_version(), xen_version_op(XENVER_version, NULL));
    CHECK_RC(PAGE_SIZE, xen_version_op(XENVER_pagesize, NULL));
    CHECK_RC(-XEN_EINVAL, xen_version_op(XENVER_pagesize, buf));
    CHECK_RC(0, xen_version_op(XENVER_commandline, buf));
    CHECK_EQ('<', buf[0]);
    CHECK_RC(-XEN_EPERM, xen_version_op(XENVER_build_id, NULL));
    CHECK_RC(-XEN_EINVAL, xen_version_op(XENVER_get_features, &info));
    CHECK_EQ(0x77, info.submap);
    info.submap_idx = 0;
    CHECK_RC(0, xen_version_op(XENVER_get_features, &info));
    CHECK_EQ(0x2305, info.submap & 0x2b05);
    CHECK_RC(-XEN_ENOSYS, xen_version_op(99, buf));
    CHECK_RC(-XEN_EFAULT,
             xen_version_op(XENVER_capabilities, (void *)UNMAPPED));
}

/* Since Xen 4.18; no NUL is written. */
CONFORMS(XEN_XENVER_EXTRAVERSION2)
CONFORMS(XEN_XENVER_CAPABILITIES2)
CONFORMS(XEN_XENVER_CHANGESET2)
NOT_OFFERED(XEN_XENVER_COMMANDLINE2, -XEN_EPERM)
static void strings_of_any_length_are_told(void)
{
    const bool newer = xen_version() > 0x40011;
    static struct {
        uint32_t len;
        char text[100];
    } buf;

    for (unsigned op = 11; op < 14; op++) {
        long len = xen_version_op(op, NULL);

        input("XENVER %u", op);
        memset(&buf, 0x55, sizeof(buf));
        buf.len = sizeof(buf.text);
        CHECK_RC(newer ? len : -XEN_ENOSYS, xen_version_op(op, &buf));
        if (!newer) {
            continue;
        }
        CHECK_RANGE(0, sizeof(buf.text) - 1, (unsigned long)len);
        CHECK_EQ(0x55, buf.text[len]);
        CHECK_RC(-XEN_EFAULT, xen_version_op(op, (void *)UNMAPPED));
        buf.len = (uint32_t)len - 1;
        CHECK_RC(len ? -XEN_ENOBUFS : len, xen_version_op(op, &buf));
    }
    CHECK_RC(newer ? -XEN_EPERM : -XEN_ENOSYS, xen_version_op(14, NULL));
    CHECK_RC(-XEN_ENOSYS, xen_version_op(15, NULL));
}

PAYLOAD(NEEDS_XEN, TEST(numbers_without_a_function_are_enosys),
        TEST(toolstacks_calls_are_refused_in_order),
        TEST(continuation_of_a_domctl_is_refused),
        TEST(others_calls_are_refused), TEST(entries_have_their_own_results),
        TEST(long_list_is_done_whole), TEST(list_of_lists_is_done_whole),
        TEST(assists_of_pv_are_refused), TEST(versions_are_a_domus),
        TEST(strings_of_any_length_are_told));
