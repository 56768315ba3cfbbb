/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vcpu_op: areas, runstate, starting and stopping vCPUs. */
#include <string.h>

#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define OLD 17u
#define NEW 20u

static int64_t register_info(XenGuest *g, unsigned vcpu, uint64_t gfn,
                             uint32_t off)
{
    struct vcpu_register_vcpu_info op = {gfn, off, 0};

    return xen_guest_vcpu_op(g, VCPUOP_register_vcpu_info, vcpu, &op,
                             sizeof(op));
}

CONFORMS(VCPUOP_register_vcpu_info)
static void test_vcpu_info_registration_errors_are_those_of_xen(void)
{
    static const struct {
        unsigned minor;
        bool compat, twice;
        uint64_t gfn;
        uint32_t off;
        int64_t want;
    } cases[] = {
        {OLD, false, false, 0x50, 0, 0},
        {OLD, false, false, 0x50, 0xfc0, 0},
        {OLD, false, false, 0x50, 0xfc8, -XEN_ENXIO},
        {OLD, false, false, 0x50, 0xfe0, -XEN_ENXIO},
        {OLD, false, false, 0x50, 0x1000, -XEN_ENXIO},
        {NEW, false, false, 0x50, 0x1000, -XEN_EINVAL},
        {OLD, false, false, 0x50, UINT32_MAX, -XEN_ENXIO},
        {NEW, false, false, 0x50, UINT32_MAX, -XEN_EINVAL},
        {OLD, false, false, 0x50, 1, -XEN_ENXIO},
        {OLD, false, false, 0x50, 4, -XEN_ENXIO},
        {NEW, false, false, 0x50, 4, -XEN_ENXIO},
        {OLD, true, false, 0x50, 4, 0},
        {OLD, true, false, 0x50, 2, -XEN_ENXIO},
        {OLD, false, false, XEN_GUEST_UNMAPPED, 0, -XEN_EINVAL},
        {NEW, false, false, XEN_GUEST_UNMAPPED, 0, -XEN_EINVAL},
        {OLD, false, false, XEN_GUEST_READONLY, 0, -XEN_EINVAL},
        {NEW, false, false, XEN_GUEST_READONLY, 0, -XEN_EACCES},
        {OLD, false, false, UINT64_MAX, 0, -XEN_EINVAL},
        {OLD, false, true, 0x50, 0, -XEN_EINVAL},
        {NEW, false, true, 0x50, 0, -XEN_EBUSY},
        {OLD, false, true, 0x50, 0xfe0, -XEN_ENXIO},
        {NEW, false, true, 0x50, 0xfe0, -XEN_EBUSY},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, cases[i].minor);

        g_test_message("case %u: 4.%u frame %#x offset %#x", i, cases[i].minor,
                       (unsigned)cases[i].gfn, cases[i].off);
        if (cases[i].compat) {
            xen_guest_set_compat(g);
        }
        if (cases[i].twice) {
            g_assert_cmpint(register_info(g, 0, 0x51, 0), ==, 0);
        }
        g_assert_cmpint(register_info(g, 0, cases[i].gfn, cases[i].off), ==,
                        cases[i].want);
        g_assert_cmpuint(fake_host_alive(g->fake).pins, ==,
                         (cases[i].twice || !cases[i].want) ? 1 : 0);
    }
}

static void register_in_layout(bool compat)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, OLD);
    uint64_t slot = xen_guest_vcpu_info(g, 1), info = 0x50100;
    uint32_t port, version;

    if (compat) {
        xen_guest_set_compat(g);
    }
    port = (uint32_t)xen_guest_bind_ipi(g, 1);
    fake_host_poke8(g->fake, slot + 1, 1);      /* upcall mask: kept */
    fake_host_poke64(g->fake, slot + 16, 0x77); /* arch part: copied */
    g_assert_cmpint(register_info(g, 1, 0x50, 0x100), ==, 0);
    g_assert_cmpuint(fake_host_peek8(g->fake, info), ==, 1);
    g_assert_cmpuint(fake_host_peek8(g->fake, info + 1), ==, 1);
    g_assert_cmphex(compat ? fake_host_peek32(g->fake, info + 4)
                           : fake_host_peek64(g->fake, info + 8),
                    ==, compat ? UINT32_MAX : UINT64_MAX);
    g_assert_cmphex(fake_host_peek64(g->fake, info + 16), ==, 0x77);
    version = xen_guest_time(g, info + 32).version;
    g_assert_cmpuint(version, ==, 2);
    /* The old slot is frozen, the new one lives. */
    fake_host_poke64(g->fake, info, 0);
    fake_host_poke64(g->fake, info + 8, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_peek8(g->fake, slot), ==, 0);
    g_assert_cmpuint(fake_host_peek8(g->fake, info), ==, 1);
    /* Reset lets the page go. */
    xen_domain_reset(g->d);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
}

CONFORMS(VCPUOP_register_vcpu_info)
static void test_vcpu_info_moves_in_64_bit_layout(void)
{
    register_in_layout(false);
}

CONFORMS(VCPUOP_register_vcpu_info)
static void test_vcpu_info_moves_in_32_bit_layout(void)
{
    register_in_layout(true);
}

static void test_vcpu_info_of_a_running_vcpu_depends_on_version(void)
{
    static const struct {
        unsigned minor;
        int64_t want;
    } cases[] = {{OLD, -XEN_EINVAL}, {NEW, 0}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(2, cases[i].minor);

        xen_domain_vcpu_running(g->d, 1);
        g_assert_cmpint(register_info(g, 1, 0x50, 0), ==, cases[i].want);
    }
}

static void test_vcpu_beyond_legacy_needs_its_own_vcpu_info(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(40, OLD);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 33);

    /* Nothing that is the next array's in shared_info may be touched. */
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmphex(fake_host_peek64(g->fake, xen_guest_vcpu_info(g, 33)), ==,
                    0);
    g_assert_cmpint(register_info(g, 33, 0x50, 0), ==, 0);
    g_assert_cmpuint(fake_host_peek8(g->fake, 0x50000), ==, 1);
    g_assert_cmpuint(xen_guest_time(g, 0x50020).version, ==, 2);
}

CONFORMS(VCPUOP_up)
CONFORMS(VCPUOP_is_up)
CONFORMS(VCPUOP_send_nmi)
NOT_OFFERED(VCPUOP_get_physid, -XEN_EINVAL)
static void test_starting_and_stopping_answers_as_xen(void)
{
    static const struct {
        uint64_t cmd;
        unsigned vcpu;
        int64_t want;
    } cases[] = {
        {VCPUOP_is_up, 0, 1},
        {VCPUOP_is_up, 1, 0},
        {VCPUOP_up, 0, 0},
        {VCPUOP_up, 1, -XEN_EINVAL},
        {VCPUOP_initialise, 0, -XEN_EEXIST},
        {VCPUOP_initialise, 1, -XEN_EINVAL}, /* of zeroes */
        {VCPUOP_send_nmi, 0, 0},
        {VCPUOP_get_physid, 0, -XEN_EINVAL},
        {VCPUOP_stop_periodic_timer, 1, 0},
        {VCPUOP_set_singleshot_timer, 1, -XEN_EINVAL},
        {VCPUOP_stop_singleshot_timer, 1, -XEN_EINVAL},
        {VCPUOP_stop_singleshot_timer, 0, 0},
        {VCPUOP_is_up, 2, -XEN_ENOENT},
        {99, 2, -XEN_ENOENT},
        {VCPUOP_is_up, UINT32_MAX, -XEN_ENOENT},
        {14, 0, -XEN_ENOSYS},
        {15, 0, -XEN_ENOSYS},
        {99, 0, -XEN_ENOSYS},
    };
    g_autoptr(XenGuest) g = xen_guest_new(2, OLD);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("VCPUOP %u of vCPU %u", (unsigned)cases[i].cmd,
                       cases[i].vcpu);
        g_assert_cmpint(
            xen_guest_vcpu_op(g, cases[i].cmd, cases[i].vcpu, NULL, 0), ==,
            cases[i].want);
    }
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_NMI_INJECT), ==, 1);
    /* The number has 32 bits. */
    g_assert_cmpint(
        xen_guest_call(g, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1ull << 32, 0),
        ==, 1);
}

static void test_argument_that_cannot_be_read_is_efault(void)
{
    static const uint64_t cmds[] = {
        VCPUOP_initialise,
        VCPUOP_get_runstate_info,
        VCPUOP_register_runstate_memory_area,
        VCPUOP_set_periodic_timer,
        VCPUOP_set_singleshot_timer,
        VCPUOP_register_vcpu_info,
        VCPUOP_register_vcpu_time_memory_area,
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, OLD);

    for (unsigned i = 0; i < G_N_ELEMENTS(cmds); i++) {
        g_test_message("VCPUOP %u", (unsigned)cmds[i]);
        g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_vcpu_op, cmds[i], 0,
                                       XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT),
                        ==, -XEN_EFAULT);
        g_assert_cmpint(
            xen_guest_call(g, __HYPERVISOR_vcpu_op, cmds[i], 0,
                           (XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT) - 2),
            ==, -XEN_EFAULT);
    }
}

CONFORMS(VCPUOP_down)
CONFORMS(VCPUOP_up)
static void test_down_and_up_stop_and_start_a_vcpu(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, OLD);
    XenVcpuInfo info;

    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_is_up, 1, NULL, 0), ==, 1);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_down, 1, NULL, 0), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 1), ==, FAKE_VCPU_OFF);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_is_up, 1, NULL, 0), ==, 0);
    xen_domain_query_vcpu(g->d, 1, &info);
    g_assert_cmpuint(info.runstate, ==, RUNSTATE_offline);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_up, 1, NULL, 0), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 1), ==, FAKE_VCPU_RUNNING);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_is_up, 1, NULL, 0), ==, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 0);
    /* The last one takes the domain along. */
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_down, 1, NULL, 0), ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_down, 0, NULL, 0), ==, 0);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 1);
    g_assert_cmpuint(fake_host_last_event(g->fake, FAKE_SHUTDOWN)->b, ==,
                     SHUTDOWN_poweroff);
}

static void test_init_keeps_what_was_prepared(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, OLD);
    struct xen_hvm_evtchn_upcall_vector vector = {1, 0xf3};
    XenVcpuInfo info;

    g_assert_cmpint(register_info(g, 1, 0x50, 0), ==, 0);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op,
                                 HVMOP_set_evtchn_upcall_vector, &vector,
                                 sizeof(vector)),
                    ==, 0);
    xen_domain_vcpu_running(g->d, 1);
    xen_domain_reset_vcpu(g->d, 1);
    xen_domain_query_vcpu(g->d, 1, &info);
    g_assert_cmpuint(info.runstate, ==, RUNSTATE_offline);
    g_assert_cmpuint(info.upcall_vector, ==, 0xf3);
    g_assert_true(info.vcpu_info_registered);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_up, 1, NULL, 0), ==,
                    -XEN_EINVAL);
}

/* The machine's INIT clears the local APIC, where Xen's leaves it alone. */
static void test_upcall_due_before_the_start_is_injected_at_it(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, OLD);
    struct xen_hvm_evtchn_upcall_vector vector = {1, 0xf3};

    g_assert_cmpint(register_info(g, 1, 0x50, 0), ==, 0);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op,
                                 HVMOP_set_evtchn_upcall_vector, &vector,
                                 sizeof(vector)),
                    ==, 0);
    xen_domain_reset_vcpu(g->d, 1);
    fake_host_clear_events(g->fake);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_LAPIC_INJECT), ==, 1);
    /* Once it runs a block and its end make no more of them. */
    xen_domain_vcpu_halted(g->d, 1, true);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_LAPIC_INJECT), ==, 1);
}

CONFORMS(VCPUOP_get_runstate_info)
static void test_runstate_counts_every_state(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, OLD);
    struct vcpu_runstate_info info;

    fake_host_advance(g->fake, 100);
    xen_domain_vcpu_running(g->d, 1); /* offline until here */
    fake_host_advance(g->fake, 20);
    xen_domain_vcpu_halted(g->d, 1, true);
    fake_host_advance(g->fake, 3);
    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_get_runstate_info, 1, &info, sizeof(info)),
        ==, 0);
    g_assert_cmpint(info.state, ==, RUNSTATE_blocked);
    g_assert_cmpuint(info.state_entry_time, ==, XEN_GUEST_UPTIME_NS + 120);
    g_assert_cmpuint(info.time[RUNSTATE_running], ==, 20);
    g_assert_cmpuint(info.time[RUNSTATE_runnable], ==, 0);
    g_assert_cmpuint(info.time[RUNSTATE_blocked], ==, 3); /* live */
    g_assert_cmpuint(info.time[RUNSTATE_offline], ==, 100);
}

static int64_t register_runstate(XenGuest *g, unsigned vcpu, uint64_t gva)
{
    struct vcpu_register_runstate_memory_area op = {.addr.p = gva};

    return xen_guest_vcpu_op(g, VCPUOP_register_runstate_memory_area, vcpu, &op,
                             sizeof(op));
}

CONFORMS(VCPUOP_register_runstate_memory_area)
static void test_runstate_area_is_written_at_changes_in_64_bit_layout(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, OLD);
    struct vcpu_runstate_info info;

    fake_host_advance(g->fake, 10);
    g_assert_cmpint(register_runstate(g, 0, XEN_GUEST_BUF), ==, 0);
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpint(info.state, ==, RUNSTATE_running);
    g_assert_cmpuint(info.state_entry_time, ==, XEN_GUEST_UPTIME_NS);
    g_assert_cmpuint(info.time[RUNSTATE_running], ==, 0);
    xen_domain_vcpu_halted(g->d, 0, true);
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpint(info.state, ==, RUNSTATE_blocked);
    g_assert_cmpuint(info.state_entry_time, ==, XEN_GUEST_UPTIME_NS + 10);
    g_assert_cmpuint(info.time[RUNSTATE_running], ==, 10);
    fake_host_advance(g->fake, 5);
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpuint(info.time[RUNSTATE_blocked], ==, 0);
    xen_domain_vcpu_running(g->d, 0);
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpuint(info.time[RUNSTATE_blocked], ==, 5);
    /* A null address ends it. */
    g_assert_cmpint(register_runstate(g, 0, 0), ==, 0);
    xen_domain_vcpu_halted(g->d, 0, true);
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpint(info.state, ==, RUNSTATE_running);
}

/* Of another vCPU the present is written: it may not change for long. */
static void test_runstate_area_of_another_vcpu_is_live(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, OLD);
    struct vcpu_runstate_info info;

    fake_host_advance(g->fake, 70);
    g_assert_cmpint(register_runstate(g, 1, XEN_GUEST_BUF), ==, 0);
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpint(info.state, ==, RUNSTATE_offline);
    g_assert_cmpuint(info.time[RUNSTATE_offline], ==, 70);
}

CONFORMS(VCPUOP_register_runstate_memory_area)
static void test_runstate_area_is_written_in_32_bit_layout(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, OLD);
    XenCompatRunstateInfo info;

    xen_guest_set_compat(g);
    fake_host_poke32(g->fake, XEN_GUEST_BUF + sizeof(info), 0x5555);
    g_assert_cmpint(register_runstate(g, 0, 0xffffffff00000000 | XEN_GUEST_BUF),
                    ==, 0);
    fake_host_advance(g->fake, 10);
    xen_domain_vcpu_halted(g->d, 0, true);
    fake_host_peek(g->fake, XEN_GUEST_BUF, &info, sizeof(info));
    g_assert_cmpint(info.state, ==, RUNSTATE_blocked);
    g_assert_cmpuint(info.state_entry_time, ==, XEN_GUEST_UPTIME_NS + 10);
    g_assert_cmpuint(info.time[RUNSTATE_running], ==, 10);
    g_assert_cmphex(fake_host_peek32(g->fake, XEN_GUEST_BUF + sizeof(info)), ==,
                    0x5555);
    g_assert_cmpint(
        xen_guest_vcpu_op(g, VCPUOP_get_runstate_info, 0, &info, sizeof(info)),
        ==, 0);
    g_assert_cmpuint(info.time[RUNSTATE_running], ==, 10);
}

/* With the update flag a change is three writes, the first and last a byte. */
static void test_runstate_update_flag_brackets_the_write(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, OLD);
    unsigned plain, flagged;

    g_assert_cmpint(register_runstate(g, 0, XEN_GUEST_BUF), ==, 0);
    plain = fake_host_fallible_calls(g->fake);
    xen_domain_vcpu_halted(g->d, 0, true);
    plain = fake_host_fallible_calls(g->fake) - plain;
    g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
                                   VMASST_TYPE_runstate_update_flag, 0),
                    ==, 0);
    flagged = fake_host_fallible_calls(g->fake);
    xen_domain_vcpu_running(g->d, 0);
    flagged = fake_host_fallible_calls(g->fake) - flagged;
    g_assert_cmpuint(plain, ==, 1);
    g_assert_cmpuint(flagged, ==, 3);
    g_assert_cmpuint(fake_host_peek8(g->fake, XEN_GUEST_BUF + 15), ==, 0);
    /* After the second of the writes the flag is there to see. */
    fake_host_fail_nth(g->fake, 3);
    xen_domain_vcpu_halted(g->d, 0, true);
    g_assert_true(fake_host_fault_fired(g->fake));
    g_assert_cmpuint(fake_host_peek8(g->fake, XEN_GUEST_BUF + 15), ==, 0x80);
}

CONFORMS(VCPUOP_register_runstate_memory_area)
static void test_runstate_area_at_a_bad_address_is_dropped(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, OLD);

    g_assert_cmpint(
        register_runstate(g, 0, XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT), ==, 0);
    xen_domain_vcpu_halted(g->d, 0, true);
    xen_domain_vcpu_running(g->d, 0);
}

static int64_t register_phys(XenGuest *g, uint64_t cmd, unsigned vcpu,
                             uint64_t gpa)
{
    uint64_t op = gpa;

    return xen_guest_vcpu_op(g, cmd, vcpu, &op, sizeof(op));
}

CONFORMS(XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA)
CONFORMS(XEN_VCPUOP_REGISTER_TIME_PHYS_AREA)
static void test_physical_area_errors_are_those_of_xen(void)
{
    static const struct {
        unsigned minor;
        bool compat;
        uint64_t gpa;
        int64_t runstate, time;
    } cases[] = {
        {OLD, false, 0x50000, -XEN_ENOSYS, -XEN_ENOSYS},
        {NEW, false, 0x50000, 0, 0},
        {NEW, false, 0x50fd0, 0, 0},
        {NEW, false, 0x50fe0, -XEN_ENXIO, 0},
        {NEW, false, 0x50fe8, -XEN_ENXIO, -XEN_ENXIO},
        {NEW, false, 0x50004, -XEN_ENXIO, -XEN_ENXIO},
        {NEW, true, 0x50004, 0, 0},
        {NEW, true, 0x50fd4, 0, 0},
        {NEW, true, 0x50002, -XEN_ENXIO, -XEN_ENXIO},
        {NEW, false, XEN_GUEST_UNMAPPED << 12, -XEN_EINVAL, -XEN_EINVAL},
        {NEW, false, XEN_GUEST_READONLY << 12, -XEN_EACCES, -XEN_EACCES},
        {NEW, false, 0xfffffffffffff000, -XEN_EINVAL, -XEN_EINVAL},
        {NEW, false, UINT64_MAX, 0, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, cases[i].minor);

        if (cases[i].compat) {
            xen_guest_set_compat(g);
        }
        g_test_message("case %u", i);
        g_assert_cmpint(register_phys(g, 14, 0, cases[i].gpa), ==,
                        cases[i].runstate);
        g_assert_cmpint(register_phys(g, 15, 0, cases[i].gpa), ==,
                        cases[i].time);
    }
}

static void physical_runstate_in_layout(bool compat)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, NEW);
    unsigned entry = compat ? 4 : 8, times = entry + 8;

    if (compat) {
        xen_guest_set_compat(g);
    }
    fake_host_advance(g->fake, 10);
    g_assert_cmpint(register_phys(g, 14, 0, 0x50000), ==, 0);
    g_assert_cmpuint(fake_host_peek64(g->fake, 0x50000 + entry), ==,
                     XEN_GUEST_UPTIME_NS);
    g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
                                   VMASST_TYPE_runstate_update_flag, 0),
                    ==, 0);
    xen_domain_vcpu_halted(g->d, 0, true);
    g_assert_cmpuint(fake_host_peek32(g->fake, 0x50000), ==, RUNSTATE_blocked);
    g_assert_cmpuint(fake_host_peek64(g->fake, 0x50000 + entry), ==,
                     XEN_GUEST_UPTIME_NS + 10);
    g_assert_cmpuint(fake_host_peek64(g->fake, 0x50000 + times), ==, 10);
    /* Another vCPU's is written when its state changes. */
    g_assert_cmpint(register_phys(g, 14, 1, 0x51000), ==, 0);
    g_assert_cmpuint(fake_host_peek64(g->fake, 0x51000 + entry), ==, 0);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(fake_host_peek64(g->fake, 0x51000 + entry), ==,
                     XEN_GUEST_UPTIME_NS + 10);
    /* Moved, then ended: the pages are let go. */
    g_assert_cmpint(register_phys(g, 14, 1, 0x52000), ==, 0);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 2);
    g_assert_cmpint(register_phys(g, 14, 1, UINT64_MAX), ==, 0);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 1);
    xen_domain_reset(g->d);
    g_assert_cmpuint(fake_host_alive(g->fake).pins, ==, 0);
}

CONFORMS(XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA)
static void test_physical_runstate_area_in_64_bit_layout(void)
{
    physical_runstate_in_layout(false);
}

CONFORMS(XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA)
static void test_physical_runstate_area_in_32_bit_layout(void)
{
    physical_runstate_in_layout(true);
}

CONFORMS(XEN_VCPUOP_REGISTER_TIME_PHYS_AREA)
static void test_physical_time_area_follows_the_record(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, NEW);
    struct vcpu_time_info first, second;

    g_assert_cmpint(register_phys(g, 15, 0, 0x50100), ==, 0);
    first = xen_guest_time(g, xen_guest_vcpu_info(g, 0) + 32);
    second = xen_guest_time(g, 0x50100);
    g_assert_cmpuint(first.version, ==, 2);
    g_assert_cmpuint(second.version, ==, 0);
    g_assert_cmpuint(second.system_time, ==, first.system_time);
    fake_host_advance(g->fake, XEN_GUEST_NS_PER_S);
    first = xen_guest_time(g, xen_guest_vcpu_info(g, 0) + 32);
    second = xen_guest_time(g, 0x50100);
    g_assert_cmpuint(first.version, ==, 4);
    g_assert_cmpmem(&second, sizeof(second), &first, sizeof(first));
}

/* INIT of a vCPU clears what its local APIC holds: Xen keeps the NMI. */
CONFORMS(VCPUOP_send_nmi)
static void test_nmi_to_a_vcpu_that_is_down_waits(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    g_autoptr(GByteArray) state = NULL;
    StateReader *r;

    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_send_nmi, 0, NULL, 0), ==, 0);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_NMI_INJECT), ==, 1);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_send_nmi, 1, NULL, 0), ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_send_nmi, 1, NULL, 0), ==, 0);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_NMI_INJECT), ==, 1);
    state = xen_guest_save(g);
    xen_domain_reset(g->d);
    r = state_reader_new(state->data, state->len);
    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, NULL));
    xen_domain_reset_vcpu(g->d, 1);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_NMI_INJECT), ==, 2);
    g_assert_cmpuint(fake_host_last_event(g->fake, FAKE_NMI_INJECT)->a, ==, 1);
    xen_domain_vcpu_halted(g->d, 1, true);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_NMI_INJECT), ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/vcpu/" #name, test_##name)
    ADD(vcpu_info_registration_errors_are_those_of_xen);
    ADD(vcpu_info_moves_in_64_bit_layout);
    ADD(vcpu_info_moves_in_32_bit_layout);
    ADD(vcpu_info_of_a_running_vcpu_depends_on_version);
    ADD(vcpu_beyond_legacy_needs_its_own_vcpu_info);
    ADD(starting_and_stopping_answers_as_xen);
    ADD(argument_that_cannot_be_read_is_efault);
    ADD(down_and_up_stop_and_start_a_vcpu);
    ADD(init_keeps_what_was_prepared);
    ADD(upcall_due_before_the_start_is_injected_at_it);
    ADD(runstate_counts_every_state);
    ADD(runstate_area_is_written_at_changes_in_64_bit_layout);
    ADD(runstate_area_of_another_vcpu_is_live);
    ADD(runstate_area_is_written_in_32_bit_layout);
    ADD(runstate_update_flag_brackets_the_write);
    ADD(runstate_area_at_a_bad_address_is_dropped);
    ADD(physical_area_errors_are_those_of_xen);
    ADD(physical_runstate_area_in_64_bit_layout);
    ADD(physical_runstate_area_in_32_bit_layout);
    ADD(physical_time_area_follows_the_record);
    ADD(nmi_to_a_vcpu_that_is_down_waits);
    return g_test_run();
}
