/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID, MSRs, who may make a hypercall, and xen_version. */
#include <string.h>

#include "tests/conformance.h"
#include "tests/no-hypercalls.h"
#include "tests/unit/xen-guest.h"

CONFORMS(XEN_CPUID_LEAF(0))
CONFORMS(XEN_CPUID_LEAF(1))
CONFORMS(XEN_CPUID_LEAF(2))
CONFORMS(XEN_CPUID_LEAF(4))
CONFORMS(XEN_CPUID_LEAF(5))
static void test_cpuid_leaves_match_xen(void)
{
    static const struct {
        uint32_t leaf, sub;
        GuestCpuid want;
    } cases[] = {
        {0x40000000, 0, {0x40000005, 0x566e6558, 0x65584d4d, 0x4d4d566e}},
        {0x40000001, 0, {0x00040011, 0, 0, 0}},
        {0x40000002, 0, {1, 0x40000000, 0, 0}},
        {0x40000003, 2, {1000000, 0, 0, 0}},
        {0x40000003, 3, {0, 0, 0, 0}},
        {0x40000004, 0, {0x5c, 1, XEN_GUEST_DOMID, 0}},
        {0x40000004, 1, {0, 0, 0, 0}},
        {0x40000005, 0, {0, 0, 0, 0}},
        {0x40000006, 0, {0, 0, 0, 0}},
        {0x400000ff, 0, {0, 0, 0, 0}},
        {0x40000100, 0, {0, 0, 0, 0}},
        {0x4fffffff, 0, {0, 0, 0, 0}},
    };
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        GuestCpuid got;

        g_test_message("leaf %#x.%u", cases[i].leaf, cases[i].sub);
        g_assert_true(
            xen_domain_cpuid(g->d, 1, cases[i].leaf, cases[i].sub, &got));
        g_assert_cmpmem(&got, sizeof(got), &cases[i].want, sizeof(got));
    }
}

static void test_cpuid_outside_range_is_not_ours(void)
{
    static const uint32_t leaves[] = {0, 1, 0x3fffffff, 0x50000000, 0x80000007};
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    GuestCpuid got;

    for (unsigned i = 0; i < G_N_ELEMENTS(leaves); i++) {
        g_assert_false(xen_domain_cpuid(g->d, 0, leaves[i], 0, &got));
    }
}

CONFORMS(XEN_CPUID_LEAF(3))
static void test_cpuid_time_leaf_follows_clock(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 20);
    ClockTscInfo info;
    GuestCpuid got;

    clock_tsc_info(g->clock, &info);
    g_assert_true(xen_domain_cpuid(g->d, 0, 0x40000003, 0, &got));
    g_assert_cmpuint(got.eax, ==, 4u | info.emulated | info.host_tsc_safe << 1);
    g_assert_cmpuint(got.ebx, ==, info.mode);
    g_assert_cmpuint(got.ecx, ==, info.guest_khz);
    g_assert_cmpuint(got.edx, ==, 1);
    g_assert_true(xen_domain_cpuid(g->d, 0, 0x40000003, 1, &got));
    g_assert_cmpuint(got.eax, ==, (uint32_t)info.offset);
    g_assert_cmpuint(got.ebx, ==, info.offset >> 32);
    g_assert_cmpuint(got.ecx, ==, info.mul);
    g_assert_cmpint((int32_t)got.edx, ==, info.shift);
    g_assert_true(xen_domain_cpuid(g->d, 0, 0x40000001, 0, &got));
    g_assert_cmpuint(got.eax, ==, 0x00040014);
}

static void test_hypercall_page_holds_stubs(void)
{
    static const uint8_t stub[] = {0xb8, 29, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3};
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint8_t page[HOST_PAGE_SIZE];

    g_assert_cmpint(xen_domain_wrmsr(g->d, 0, 0x40000000, 0x5000), ==,
                    GUEST_MSR_OK);
    fake_host_peek(g->fake, 0x5000, page, sizeof(page));
    g_assert_cmpmem(page + 29 * 32, sizeof(stub), stub, sizeof(stub));
    for (unsigned i = 0; i < 128; i++) {
        const uint8_t *p = page + i * 32;

        if (i == 23) {
            g_assert_cmpuint(p[0], ==, 0x0f);
            g_assert_cmpuint(p[1], ==, 0x0b);
            g_assert_cmpuint(p[2], ==, 0xcc);
        } else {
            g_assert_cmpuint(p[1], ==, i);
            g_assert_cmpuint(p[9], ==, 0xcc);
        }
        g_assert_cmpuint(p[31], ==, 0xcc);
    }
}

static void test_msr_accesses_answer_as_xen(void)
{
    static const struct {
        uint32_t index;
        bool write;
        uint64_t value;
        GuestMsrResult want;
    } cases[] = {
        {0x40000000, false, 0, GUEST_MSR_OK},
        {0x40000000, true, 0x5001, GUEST_MSR_GP},
        {0x40000000, true, XEN_GUEST_UNMAPPED << 12, GUEST_MSR_GP},
        {0x40000000, true, XEN_GUEST_READONLY << 12, GUEST_MSR_GP},
        {0x40000000, true, 0xfffffffffffff000, GUEST_MSR_GP},
        {0x40000001, false, 0, GUEST_MSR_GP},
        {0x40000001, true, 0, GUEST_MSR_GP},
        {0x40000200, false, 0, GUEST_MSR_GP},
        {0x400002ff, true, 0, GUEST_MSR_GP},
        {0x40000300, false, 0, GUEST_MSR_NOT_OURS},
        {0x3fffffff, true, 0, GUEST_MSR_NOT_OURS},
        {0x1b, false, 0, GUEST_MSR_NOT_OURS},
        {0x10, false, 0, GUEST_MSR_OK},
        {0x3b, false, 0, GUEST_MSR_OK},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t value = 1;
        GuestMsrResult got =
            cases[i].write
                ? xen_domain_wrmsr(g->d, 0, cases[i].index, cases[i].value)
                : xen_domain_rdmsr(g->d, 0, cases[i].index, &value);

        g_test_message("%s %#x value %#" G_GINT64_MODIFIER "x",
                       cases[i].write ? "wrmsr" : "rdmsr", cases[i].index,
                       cases[i].value);
        g_assert_cmpint(got, ==, cases[i].want);
    }
}

static void test_tsc_msrs_move_the_clock_and_the_record(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint64_t record = xen_guest_vcpu_info(g, 1) + 32, value;
    uint32_t version;

    xen_domain_vcpu_running(g->d, 1);
    version = xen_guest_time(g, record).version;
    fake_host_advance(g->fake, 1000);
    g_assert_cmpint(xen_domain_wrmsr(g->d, 1, 0x10, 777), ==, GUEST_MSR_OK);
    g_assert_cmpint(xen_domain_rdmsr(g->d, 1, 0x10, &value), ==, GUEST_MSR_OK);
    g_assert_cmpuint(value, ==, 777);
    g_assert_cmpuint(xen_guest_time(g, record).version, ==, version + 2);
    g_assert_cmpint(xen_domain_wrmsr(g->d, 1, 0x3b, 0), ==, GUEST_MSR_OK);
    g_assert_cmpint(xen_domain_rdmsr(g->d, 1, 0x3b, &value), ==, GUEST_MSR_OK);
    g_assert_cmpuint(value, ==, 0);
    g_assert_cmpint(xen_domain_rdmsr(g->d, 1, 0x10, &value), ==, GUEST_MSR_OK);
    g_assert_cmpuint(value, ==, clock_guest_tsc(g->clock, 0, 1000));
}

static void test_hypercall_without_privilege_is_eperm(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    XenHypercall call = {.long_mode = true, .nr = __HYPERVISOR_xen_version};

    g_assert_cmpint(xen_domain_hypercall(g->d, 0, &call), ==, -XEN_EPERM);
    call.nr = 11;
    g_assert_cmpint(xen_domain_hypercall(g->d, 0, &call), ==, -XEN_EPERM);
}

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
NOT_OFFERED(__HYPERVISOR_iret, -XEN_ENOSYS)
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
static void test_hypercall_numbers_without_a_function_are_enosys(void)
{
    static const uint64_t nrs[] = {NO_HYPERCALLS, __HYPERVISOR_iret, 128,
                                   0x7fffffff, 0xffffffff};
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(nrs); i++) {
        g_test_message("hypercall %" G_GINT64_MODIFIER "u", nrs[i]);
        g_assert_cmpint(xen_guest_call(g, nrs[i], 0, 0, 0), ==, -XEN_ENOSYS);
    }
    /* All of RAX is the number. */
    g_assert_cmpint(
        xen_guest_call(g, 1ull << 32 | __HYPERVISOR_xen_version, 0, 0, 0), ==,
        -XEN_ENOSYS);
}

/* domain control, system control, platform control: version, then privilege */
static const struct {
    unsigned minor;
    uint64_t nr;
    uint32_t version;
    uint16_t domid;
    int64_t want;
    uint32_t cmd; /* 0: one about a domain */
} toolstack_calls[] = {
    {17, __HYPERVISOR_sysctl, 0x15, 0, -XEN_EPERM, 0},
    {17, __HYPERVISOR_sysctl, 0x14, 0, -XEN_EACCES, 0},
    {20, __HYPERVISOR_sysctl, 0x15, 0, -XEN_EPERM, 0},
    {17, __HYPERVISOR_platform_op, 0x03000001, 0, -XEN_EPERM, 0},
    {17, __HYPERVISOR_platform_op, 0, 0, -XEN_EACCES, 0},
    {17, __HYPERVISOR_domctl, 0x15, 0, -XEN_EPERM, 0},
    {17, __HYPERVISOR_domctl, 0x15, XEN_GUEST_DOMID, -XEN_EPERM, 0},
    {17, __HYPERVISOR_domctl, 0x15, DOMID_SELF, -XEN_ESRCH, 0},
    {17, __HYPERVISOR_domctl, 0x15, 0x1234, -XEN_ESRCH, 0},
    {17, __HYPERVISOR_domctl, 0x17, 0, -XEN_EACCES, 0},
    {20, __HYPERVISOR_domctl, 0x17, 0, -XEN_EPERM, 0},
    {20, __HYPERVISOR_domctl, 0x15, 0, -XEN_EACCES, 0},
    {17, __HYPERVISOR_arch_1, 0x15, 0, -XEN_EPERM, 10},
    {17, __HYPERVISOR_arch_1, 0x15, XEN_GUEST_DOMID, -XEN_EPERM, 10},
    {17, __HYPERVISOR_arch_1, 0, 0, -XEN_EOPNOTSUPP, 10},
    {20, __HYPERVISOR_arch_1, 0x15, 0, -XEN_EOPNOTSUPP, 10},
    {20, __HYPERVISOR_arch_1, 0x17, 0, -XEN_EPERM, 10},
    {17, __HYPERVISOR_arch_1, 0x15, 0x1234, -XEN_ESRCH, 10},
    {17, __HYPERVISOR_arch_1, 0x15, DOMID_SELF, -XEN_ESRCH, 10},
    {17, __HYPERVISOR_arch_1, 0x15, 0, -XEN_EOPNOTSUPP, 0},
    /* With createdomain there is no domain yet. */
    {17, __HYPERVISOR_domctl, 0x15, 0x1234, -XEN_EPERM, 1},
    /* A domain that is not there is skipped, by older Xen. */
    {17, __HYPERVISOR_domctl, 0x15, 0x1234, -XEN_EPERM, 5},
    {20, __HYPERVISOR_domctl, 0x17, 0x1234, -XEN_ESRCH, 5},
    /* Devices nobody has, and a question about no domain. */
    {17, __HYPERVISOR_domctl, 0x15, DOMID_IO, -XEN_EPERM, 37},
    {17, __HYPERVISOR_domctl, 0x15, DOMID_IO, -XEN_EPERM, 47},
    {17, __HYPERVISOR_domctl, 0x15, DOMID_INVALID, -XEN_ESRCH, 37},
    {17, __HYPERVISOR_domctl, 0x15, DOMID_INVALID, -XEN_EPERM, 45},
    {17, __HYPERVISOR_domctl, 0x15, DOMID_IO, -XEN_ESRCH, 45},
    {17, __HYPERVISOR_domctl, 0x15, DOMID_INVALID, -XEN_EPERM, 56},
};

CONFORMS(__HYPERVISOR_sysctl)
CONFORMS(__HYPERVISOR_domctl)
CONFORMS(__HYPERVISOR_platform_op)
CONFORMS(__HYPERVISOR_arch_1)
static void test_toolstack_hypercalls_look_at_the_version_first(void)
{
    const uint64_t bad = XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;

    for (unsigned i = 0; i < G_N_ELEMENTS(toolstack_calls); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, toolstack_calls[i].minor);
        struct {
            uint32_t cmd, version;
            uint16_t domid;
            uint8_t rest[134];
        } op = {toolstack_calls[i].cmd ? toolstack_calls[i].cmd : 2,
                toolstack_calls[i].version,
                toolstack_calls[i].domid,
                {0}};

        g_test_message("case %u", i);
        fake_host_poke(g->fake, XEN_GUEST_ARG, &op, sizeof(op));
        g_assert_cmpint(
            xen_guest_call(g, toolstack_calls[i].nr, XEN_GUEST_ARG, 0, 0), ==,
            toolstack_calls[i].want);
        g_assert_cmpint(xen_guest_call(g, toolstack_calls[i].nr, bad - 8, 0, 0),
                        ==, -XEN_EFAULT);
    }
}

CONFORMS(__HYPERVISOR_console_io)
NOT_OFFERED(CONSOLEIO_write, -XEN_EPERM)
NOT_OFFERED(CONSOLEIO_read, -XEN_EPERM)
CONFORMS(__HYPERVISOR_mmuext_op)
CONFORMS(__HYPERVISOR_dm_op)
CONFORMS(__HYPERVISOR_xenpmu_op)
CONFORMS(__HYPERVISOR_hypfs_op)
static void test_hypercalls_of_other_domains_answer_as_in_a_domu(void)
{
    const uint64_t bad = XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT;
    const struct {
        uint64_t nr, args[4];
        int64_t want;
    } cases[] = {
        {__HYPERVISOR_console_io, {0, 4, XEN_GUEST_ARG}, -XEN_EPERM},
        {__HYPERVISOR_console_io, {1, 4, XEN_GUEST_ARG}, -XEN_EPERM},
        {__HYPERVISOR_console_io, {99, 4, bad}, -XEN_EPERM},
        {__HYPERVISOR_mmuext_op,
         {XEN_GUEST_ARG, 1, 0, DOMID_SELF},
         -XEN_EINVAL},
        {__HYPERVISOR_mmuext_op, {XEN_GUEST_ARG, 1, 0, DOMID_IO}, -XEN_EPERM},
        {__HYPERVISOR_mmuext_op, {XEN_GUEST_ARG, 1, 0, DOMID_XEN}, -XEN_EPERM},
        {__HYPERVISOR_mmuext_op, {0, 0x80000000, 0, 77}, 77},
        {__HYPERVISOR_mmuext_op, {0, 0x80000000, 0, UINT32_MAX}, -1},
        {__HYPERVISOR_mmuext_op, {0, 0x80000001, 0, 77}, -XEN_ESRCH},
        {__HYPERVISOR_mmuext_op, {8, 0x80000000, 0, 77}, -XEN_ESRCH},
        {__HYPERVISOR_mmuext_op, {XEN_GUEST_ARG, 1, 0, 0}, -XEN_EPERM},
        {__HYPERVISOR_mmuext_op,
         {XEN_GUEST_ARG, 1, 0, XEN_GUEST_DOMID},
         -XEN_ESRCH},
        {__HYPERVISOR_mmuext_op, {XEN_GUEST_ARG, 1, 0, 0x1234}, -XEN_ESRCH},
        {__HYPERVISOR_dm_op, {DOMID_SELF, 1, XEN_GUEST_ARG}, -XEN_ESRCH},
        {__HYPERVISOR_dm_op, {XEN_GUEST_DOMID, 1, XEN_GUEST_ARG}, -XEN_EPERM},
        {__HYPERVISOR_dm_op, {0, 2, XEN_GUEST_ARG}, -XEN_EINVAL},
        {__HYPERVISOR_dm_op, {0x1234, 0, bad}, -XEN_ESRCH},
        {__HYPERVISOR_dm_op, {DOMID_SELF, 3, XEN_GUEST_ARG}, -XEN_E2BIG},
        {__HYPERVISOR_dm_op, {DOMID_SELF, 1, bad - 4}, -XEN_EFAULT},
        {__HYPERVISOR_xenpmu_op, {0, XEN_GUEST_ARG}, -XEN_EOPNOTSUPP},
        {__HYPERVISOR_hypfs_op, {0, 0, 0, 0}, -XEN_EPERM},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        XenHypercall call = {
            .long_mode = true, .privileged = true, .nr = cases[i].nr};

        g_test_message("case %u", i);
        memcpy(call.args, cases[i].args, sizeof(cases[i].args));
        g_assert_cmpint(xen_domain_hypercall(g->d, 0, &call), ==,
                        cases[i].want);
    }
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
static void test_vm_assist_knows_the_runstate_flag_only(void)
{
    static const struct {
        uint64_t cmd, type;
        int64_t want;
    } cases[] = {
        {VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0},
        {VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag, 0},
        {2, VMASST_TYPE_runstate_update_flag, -XEN_ENOSYS},
        {VMASST_CMD_enable, 0, -XEN_EINVAL},
        {VMASST_CMD_enable, 1, -XEN_EINVAL},
        {VMASST_CMD_enable, 2, -XEN_EINVAL},
        {VMASST_CMD_enable, 3, -XEN_EINVAL},
        {VMASST_CMD_enable, 6, -XEN_EINVAL},
        {VMASST_CMD_enable, 4, -XEN_EINVAL},
        {VMASST_CMD_enable, 32, -XEN_EINVAL},
        {VMASST_CMD_enable, UINT64_MAX, -XEN_EINVAL},
        {2, 0, -XEN_EINVAL},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("case %u", i);
        g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_vm_assist, cases[i].cmd,
                                       cases[i].type, 0),
                        ==, cases[i].want);
    }
}

static void test_argument_that_cannot_be_copied_is_efault(void)
{
    static const struct {
        uint64_t nr, cmd, gva;
    } cases[] = {
        {__HYPERVISOR_xen_version, XENVER_extraversion, 0x41000},
        {__HYPERVISOR_xen_version, XENVER_capabilities, 0x40000},
        {__HYPERVISOR_xen_version, XENVER_commandline, 0x3fffc},
        {__HYPERVISOR_xen_version, XENVER_get_features, 0x40000},
        {__HYPERVISOR_xen_version, XENVER_get_features, 0x41000},
        {__HYPERVISOR_xen_version, XENVER_guest_handle, 0xfffffffffffffff8},
        {__HYPERVISOR_memory_op, XENMEM_add_to_physmap, 0x3fffe},
        {__HYPERVISOR_memory_op, XENMEM_current_reservation, 0x40000},
        {__HYPERVISOR_memory_op, XENMEM_maximum_reservation, 0},
        {__HYPERVISOR_hvm_op, HVMOP_get_param, 0x40000},
        {__HYPERVISOR_hvm_op, HVMOP_set_param, 0x40000},
        {__HYPERVISOR_hvm_op, HVMOP_get_time, 0x41000},
        {__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, 0x40000},
        {__HYPERVISOR_hvm_op, HVMOP_pagetable_dying, 0x3fffe},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, 0x40000},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, 0x40000},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, 0x40000},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, 0x40000},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_status, 0x40000},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_close, 0x3fffe},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_send, 0x3fffe},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, 0x40000},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu, 0x40000},
        {__HYPERVISOR_event_channel_op, EVTCHNOP_reset, 0x40000},
        {__HYPERVISOR_sched_op, SCHEDOP_shutdown, 0x40000},
        {__HYPERVISOR_sched_op, SCHEDOP_shutdown_code, 0x40000},
        {__HYPERVISOR_sched_op, SCHEDOP_poll, 0x40000},
        {__HYPERVISOR_sched_op, SCHEDOP_watchdog, 0x40000},
        {__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, 0x40000},
        {__HYPERVISOR_grant_table_op, GNTTABOP_query_size, 0x40000},
        {__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, 0x41000},
        {__HYPERVISOR_grant_table_op, GNTTABOP_get_version, 0x40000},
        {__HYPERVISOR_grant_table_op, GNTTABOP_set_version, 0x40000},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);

        g_test_message("hypercall %u op %u at %#x", (unsigned)cases[i].nr,
                       (unsigned)cases[i].cmd, (unsigned)cases[i].gva);
        fake_host_mark_frame(g->fake, 0, FAKE_FRAME_ABSENT);
        g_assert_cmpint(
            xen_guest_call(g, cases[i].nr, cases[i].cmd, cases[i].gva, 1), ==,
            -XEN_EFAULT);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/hypercall/" #name, test_##name)
    ADD(cpuid_leaves_match_xen);
    ADD(cpuid_outside_range_is_not_ours);
    ADD(cpuid_time_leaf_follows_clock);
    ADD(hypercall_page_holds_stubs);
    ADD(msr_accesses_answer_as_xen);
    ADD(tsc_msrs_move_the_clock_and_the_record);
    ADD(hypercall_without_privilege_is_eperm);
    ADD(hypercall_numbers_without_a_function_are_enosys);
    ADD(toolstack_hypercalls_look_at_the_version_first);
    ADD(hypercalls_of_other_domains_answer_as_in_a_domu);
    ADD(vm_assist_knows_the_runstate_flag_only);
    ADD(argument_that_cannot_be_copied_is_efault);
    return g_test_run();
}
