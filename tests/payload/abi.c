/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls with one answer: numbers that no HVM guest has, xen_version,
 * vm_assist, console_io, and questions about memory.
 *
 * Behaviour: a number without a function is -ENOSYS; the control domain's
 * questions are -EPERM, and a guest may know of Xen what cannot harm.
 * Check: each number and sub-operation with the answer it has for a domU, and
 * what it writes.
 * Cannot tell apart: functions that fail for different reasons with one error.
 * Real Xen: the same (xen: arch/x86/hvm/hypercall.c, the table; common/
 * kernel.c, do_xen_version; common/memory.c; common/domain.c, vm_assist).
 *
 * RUN: default smp=1
 * RUN: 4-20 smp=1 plugin=xen-version=4.20
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=1 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/no-hypercalls.h"
#include "tests/payload/lib/xen.h"

#define BAD_PTR   0xd0000000ul /* nothing there */
#define NO_DOMAIN 0x1234

static uint8_t buf[PAGE_SIZE] __attribute__((aligned(4096)));

NOT_OFFERED(__HYPERVISOR_set_trap_table, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_mmu_update, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_set_gdt, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_stack_switch, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_set_callbacks, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_fpu_taskswitch, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_sched_op_compat, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_set_debugreg, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_get_debugreg, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_update_descriptor, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_update_va_mapping, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_event_channel_op_compat, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_physdev_op_compat, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_update_va_mapping_otherdomain, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_set_segment_base, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_xsm_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_nmi_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_callback_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_xenoprof_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_kexec_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_tmem_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_argo_op, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_arch_0, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_arch_2, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_arch_3, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_arch_4, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_arch_5, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_arch_6, -XEN_ENOSYS)
NOT_OFFERED(__HYPERVISOR_arch_7, -XEN_ENOSYS)
static void numbers_without_a_function(void)
{
    static const uint8_t nrs[] = {NO_HYPERCALLS};

    for (unsigned i = 0; i < ARRAY_SIZE(nrs); i++) {
        input("hypercall %u", nrs[i]);
        CHECK_RC(-XEN_ENOSYS, xen_hypercall(nrs[i], 0, 0, 0, 0));
    }
}

NOT_OFFERED(CONSOLEIO_write, -XEN_EPERM)
NOT_OFFERED(CONSOLEIO_read, -XEN_EPERM)
static void emergency_console_is_domain_0s(void)
{
    CHECK_RC(-XEN_EPERM, xen_hypercall(__HYPERVISOR_console_io, CONSOLEIO_write,
                                       4, (uintptr_t)buf, 0));
    CHECK_RC(-XEN_EPERM, xen_hypercall(__HYPERVISOR_console_io, CONSOLEIO_read,
                                       4, (uintptr_t)buf, 0));
    CHECK_RC(-XEN_EPERM,
             xen_hypercall(__HYPERVISOR_console_io, 99, 4, BAD_PTR, 0));
}

/* Does @buf begin with @text? */
static bool says(const char *text)
{
    return memcmp(buf, text, strlen(text)) == 0;
}

CONFORMS(XENVER_version)
CONFORMS(XENVER_extraversion)
CONFORMS(XENVER_compile_info)
CONFORMS(XENVER_capabilities)
CONFORMS(XENVER_changeset)
CONFORMS(XENVER_platform_parameters)
CONFORMS(XENVER_pagesize)
CONFORMS(XENVER_guest_handle)
CONFORMS(XENVER_commandline)
NOT_OFFERED(XENVER_build_id, -XEN_EPERM)
static void version_tells_what_a_domu_may_know(void)
{
    CHECK_RC((long)xen_version(), xen_version_op(XENVER_version, NULL));
    CHECK_RC(0, xen_version_op(XENVER_extraversion, buf));
    CHECK_EQ('.', buf[0]);
    CHECK_RC(0, xen_version_op(XENVER_compile_info, buf));
    CHECK_RC(0, xen_version_op(XENVER_changeset, buf));
    CHECK_RC(0, xen_version_op(XENVER_capabilities, buf));
    CHECK(says("xen-3.0-x86_64 "));
    CHECK_RC(0, xen_version_op(XENVER_platform_parameters, buf));
    CHECK_RC(PAGE_SIZE, xen_version_op(XENVER_pagesize, NULL));
    CHECK_RC(0, xen_version_op(XENVER_guest_handle, buf));
    CHECK_RC(0, xen_version_op(XENVER_commandline, buf));
    CHECK(says("<denied>"));
    CHECK_RC(-XEN_EPERM, xen_version_op(XENVER_build_id, NULL));
    CHECK_RC(-XEN_ENOSYS, xen_version_op(15, NULL));
    CHECK_RC(-XEN_ENOSYS, xen_version_op(UINT32_MAX, NULL));
}

CONFORMS(XENVER_get_features)
static void features_have_one_submap(void)
{
    struct xen_feature_info info = {.submap_idx = 0};

    CHECK_RC(0, xen_version_op(XENVER_get_features, &info));
    CHECK(info.submap & (1u << XENFEAT_auto_translated_physmap));
    CHECK(info.submap & (1u << XENFEAT_hvm_callback_vector));
    CHECK(info.submap & (1u << XENFEAT_hvm_safe_pvclock));
    CHECK_EQ(0, info.submap & (1u << XENFEAT_dom0));
    info = (struct xen_feature_info){.submap_idx = 1, .submap = 0x5555};
    CHECK_RC(-XEN_EINVAL, xen_version_op(XENVER_get_features, &info));
    CHECK_EQ(0x5555, info.submap);
}

static long assist(unsigned cmd, unsigned type)
{
    return xen_hypercall(__HYPERVISOR_vm_assist, cmd, type, 0, 0);
}

CONFORMS(VMASST_CMD_enable)
CONFORMS(VMASST_CMD_disable)
CONFORMS(VMASST_TYPE_runstate_update_flag)
NOT_OFFERED(VMASST_TYPE_4gb_segments, -XEN_EINVAL)
NOT_OFFERED(VMASST_TYPE_4gb_segments_notify, -XEN_EINVAL)
NOT_OFFERED(VMASST_TYPE_writable_pagetables, -XEN_EINVAL)
NOT_OFFERED(VMASST_TYPE_pae_extended_cr3, -XEN_EINVAL)
NOT_OFFERED(VMASST_TYPE_architectural_iopl, -XEN_EINVAL)
NOT_OFFERED(VMASST_TYPE_m2p_strict, -XEN_EINVAL)
static void assists_but_one_are_for_pv_guests(void)
{
    static const uint8_t types[] = {0, 1, 2, 3, 4, 32};

    CHECK_RC(0, assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag));
    CHECK_RC(0, assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag));
    CHECK_RC(-XEN_ENOSYS, assist(2, VMASST_TYPE_runstate_update_flag));
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        input("type %u", types[i]);
        CHECK_RC(-XEN_EINVAL, assist(VMASST_CMD_enable, types[i]));
    }
}

NOT_OFFERED(XENMEM_machphys_mapping, -XEN_ENOSYS)
NOT_OFFERED(XENMEM_machine_memory_map, -XEN_ENOSYS)
CONFORMS(XENMEM_maximum_reservation)
CONFORMS(XENMEM_current_reservation)
CONFORMS(XENMEM_maximum_gpfn)
static void questions_about_memory(void)
{
    static const uint8_t cmds[] = {XENMEM_current_reservation,
                                   XENMEM_maximum_reservation,
                                   XENMEM_maximum_gpfn};
    domid_t domid = DOMID_SELF;
    long current = xen_memory_op(XENMEM_current_reservation, &domid);

    CHECK(current > 0);
    CHECK(xen_memory_op(XENMEM_maximum_reservation, &domid) >= current);
    CHECK(xen_memory_op(XENMEM_maximum_gpfn, &domid) > 0);
    for (unsigned i = 0; i < ARRAY_SIZE(cmds); i++) {
        input("XENMEM %u", cmds[i]);
        domid = 0;
        CHECK_RC(-XEN_EPERM, xen_memory_op(cmds[i], &domid));
        domid = NO_DOMAIN;
        CHECK_RC(-XEN_ESRCH, xen_memory_op(cmds[i], &domid));
        CHECK_RC(-XEN_EFAULT, xen_memory_op(cmds[i], (void *)BAD_PTR));
    }
    CHECK_RC(-XEN_ENOSYS, xen_memory_op(XENMEM_machphys_mapping, buf));
    CHECK_RC((xen_version() & 0xffff) < 18 ? -XEN_ENOSYS : -XEN_EPERM,
             xen_memory_op(XENMEM_machine_memory_map, buf));
    CHECK_RC(-XEN_ENOSYS, xen_memory_op(63, buf));
}

CONFORMS(XENMEM_memory_map)
static void memory_map_begins_with_ram(void)
{
    struct xen_memory_map map = {.nr_entries = 64};
    struct {
        uint64_t addr, size;
        uint32_t type;
    } __attribute__((packed)) *entry = (void *)buf;

    set_xen_guest_handle(map.buffer, (void *)buf);
    CHECK_RC(0, xen_memory_op(XENMEM_memory_map, &map));
    CHECK_RANGE(1, 64, map.nr_entries);
    /* A HVM guest's low memory is its firmware's to tell. */
    CHECK(entry[0].addr == 0 || entry[0].addr == 0x100000);
    CHECK_EQ(1, entry[0].type);
    map.nr_entries = 1;
    CHECK_RC(0, xen_memory_op(XENMEM_memory_map, &map));
    CHECK_EQ(1, map.nr_entries);
}

PAYLOAD(NEEDS_XEN, TEST(numbers_without_a_function),
        TEST(emergency_console_is_domain_0s),
        TEST(version_tells_what_a_domu_may_know),
        TEST(features_have_one_submap), TEST(assists_but_one_are_for_pv_guests),
        TEST(questions_about_memory), TEST(memory_map_begins_with_ram));
