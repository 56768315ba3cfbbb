/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The n-th-fault loop over every operation that calls what may fail: nothing
 * leaks, and an operation that reports an error has changed nothing.
 *
 * The comparison is with a twin that makes a hypercall that does not exist
 * instead, so that both have counted as many hypercalls.
 */
#include "hw/xen/abi/compat-version.h"
#include "tests/unit/xen-guest.h"

#define HOLE_GFN 0x60u /* its page was given back */

typedef struct Op {
    const char *name;
    int64_t (*run)(XenGuest *g);
    unsigned calls; /* that may fail */
    /*
     * As in Xen: what was bound stays bound when only the answer could not be
     * copied back, and what only writes an area ignores that it cannot.
     */
    bool keeps_effect;
    unsigned minor; /* of the Xen that has it; 0: all */
} Op;

static int64_t op_bind_ipi(XenGuest *g)
{
    struct evtchn_bind_ipi op = {0, 0};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi,
                        &op, sizeof(op));
}

static int64_t op_bind_virq(XenGuest *g)
{
    struct evtchn_bind_virq op = {VIRQ_TIMER, 0, 0};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq,
                        &op, sizeof(op));
}

static int64_t op_alloc_unbound(XenGuest *g)
{
    struct evtchn_alloc_unbound op = {DOMID_SELF, 0, 0};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op,
                        EVTCHNOP_alloc_unbound, &op, sizeof(op));
}

static int64_t op_close(XenGuest *g)
{
    struct evtchn_close op = {2};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_close, &op,
                        sizeof(op));
}

static int64_t op_send(XenGuest *g)
{
    return xen_guest_send(g, 3);
}

static int64_t op_bind_pirq(XenGuest *g)
{
    struct evtchn_bind_pirq op = {20, 0, 0};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq,
                        &op, sizeof(op));
}

static int64_t op_bind_vcpu(XenGuest *g)
{
    struct evtchn_bind_vcpu op = {1, 1};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu,
                        &op, sizeof(op));
}

static int64_t op_unmask(XenGuest *g)
{
    struct evtchn_unmask op = {3};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_unmask, &op,
                        sizeof(op));
}

static int64_t op_init_control(XenGuest *g)
{
    struct evtchn_init_control op = {.control_gfn = 0x68};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control,
                        &op, sizeof(op));
}

static int64_t op_status(XenGuest *g)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = 1};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_status, &op,
                        sizeof(op));
}

static int64_t op_reset(XenGuest *g)
{
    struct evtchn_reset op = {DOMID_SELF};

    return xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, &op,
                        sizeof(op));
}

static int64_t op_register_vcpu_info(XenGuest *g)
{
    struct vcpu_register_vcpu_info op = {0x50, 0, 0};

    return xen_guest_vcpu_op(g, VCPUOP_register_vcpu_info, 0, &op, sizeof(op));
}

static int64_t op_register_runstate(XenGuest *g)
{
    struct vcpu_register_runstate_memory_area op = {.addr.p = XEN_GUEST_BUF};

    return xen_guest_vcpu_op(g, VCPUOP_register_runstate_memory_area, 0, &op,
                             sizeof(op));
}

static int64_t op_register_time(XenGuest *g)
{
    struct vcpu_register_time_memory_area op = {.addr.p = XEN_GUEST_BUF};

    return xen_guest_vcpu_op(g, VCPUOP_register_vcpu_time_memory_area, 0, &op,
                             sizeof(op));
}

static int64_t op_get_runstate(XenGuest *g)
{
    struct vcpu_runstate_info op;

    return xen_guest_vcpu_op(g, VCPUOP_get_runstate_info, 0, &op, sizeof(op));
}

static int64_t op_set_singleshot(XenGuest *g)
{
    struct vcpu_set_singleshot_timer op = {UINT64_MAX / 2, 0};

    return xen_guest_vcpu_op(g, VCPUOP_set_singleshot_timer, 0, &op,
                             sizeof(op));
}

static int64_t op_set_periodic(XenGuest *g)
{
    struct vcpu_set_periodic_timer op = {1000000};

    return xen_guest_vcpu_op(g, VCPUOP_set_periodic_timer, 0, &op, sizeof(op));
}

static int64_t op_set_callback(XenGuest *g)
{
    return xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, 9);
}

static int64_t op_get_param(XenGuest *g)
{
    uint64_t value;

    return xen_guest_get_param(g, HVM_PARAM_STORE_PFN, &value);
}

static int64_t op_set_upcall_vector(XenGuest *g)
{
    struct xen_hvm_evtchn_upcall_vector op = {0, 0xf3};

    return xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector,
                        &op, sizeof(op));
}

static int64_t op_get_time(XenGuest *g)
{
    struct xen_hvm_get_time op;

    return xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_get_time, &op,
                        sizeof(op));
}

static int64_t op_xentrace(XenGuest *g)
{
    struct xen_hvm_xentrace op = {.event = 1};

    return xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_xentrace, &op,
                        sizeof(op));
}

static int64_t op_get_mem_type(XenGuest *g)
{
    struct xen_hvm_get_mem_type op = {.domid = DOMID_SELF, .pfn = 5};

    return xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_get_mem_type, &op,
                        sizeof(op));
}

/* Refused when it was read; the answer for a bad pointer differs. */
static int64_t op_pagetable_dying(XenGuest *g)
{
    struct xen_hvm_pagetable_dying op = {.domid = DOMID_SELF};
    int64_t ret = xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_pagetable_dying,
                               &op, sizeof(op));

    return ret == -XEN_EINVAL ? 0 : ret;
}

static int64_t op_shutdown_code(XenGuest *g)
{
    struct sched_shutdown op = {SHUTDOWN_crash};

    return xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_shutdown_code, &op,
                        sizeof(op));
}

static int64_t op_remote_shutdown(XenGuest *g)
{
    struct sched_remote_shutdown op = {XEN_GUEST_DOMID, SHUTDOWN_crash};
    int64_t ret = xen_guest_op(g, __HYPERVISOR_sched_op,
                               SCHEDOP_remote_shutdown, &op, sizeof(op));

    return ret == -XEN_EPERM ? 0 : ret;
}

static int64_t op_runstate_phys(XenGuest *g)
{
    uint64_t op = 0x51000;

    return xen_guest_vcpu_op(g, XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA, 0, &op,
                             sizeof(op));
}

static int64_t op_time_phys(XenGuest *g)
{
    uint64_t op = 0x51000;

    return xen_guest_vcpu_op(g, XEN_VCPUOP_REGISTER_TIME_PHYS_AREA, 0, &op,
                             sizeof(op));
}

static int64_t op_batch(XenGuest *g)
{
    struct xen_add_to_physmap_batch op = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .size = 1};

    set_xen_guest_handle(op.idxs, (void *)XEN_GUEST_BUF);
    set_xen_guest_handle(op.gpfns, (void *)(XEN_GUEST_BUF + 8));
    set_xen_guest_handle(op.errs, (void *)(XEN_GUEST_BUF + 16));
    fake_host_poke64(g->fake, XEN_GUEST_BUF, 0);
    fake_host_poke64(g->fake, XEN_GUEST_BUF + 8, 0x31);
    return xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch,
                        &op, sizeof(op));
}

static int64_t op_set_memory_map(XenGuest *g)
{
    struct xen_foreign_memory_map op = {.domid = DOMID_SELF,
                                        .map = {.nr_entries = 2}};

    set_xen_guest_handle(op.map.buffer, (void *)XEN_GUEST_BUF);
    return xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_set_memory_map, &op,
                        sizeof(op));
}

static int64_t op_extraversion2(XenGuest *g)
{
    fake_host_poke32(g->fake, XEN_GUEST_ARG, 100);
    return xen_guest_call(g, __HYPERVISOR_xen_version, XEN_XENVER_EXTRAVERSION2,
                          XEN_GUEST_ARG, 0);
}

static int64_t op_map_shared_info(XenGuest *g)
{
    struct xen_add_to_physmap op = {DOMID_SELF, 0, XENMAPSPACE_shared_info, 0,
                                    0x31};

    return xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &op,
                        sizeof(op));
}

static int64_t op_map_grant(XenGuest *g)
{
    struct xen_add_to_physmap op = {DOMID_SELF, 0, XENMAPSPACE_grant_table, 0,
                                    0x32};

    return xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &op,
                        sizeof(op));
}

static int64_t reservation(XenGuest *g, uint64_t cmd, uint64_t gfn)
{
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(op.extent_start, (void *)XEN_GUEST_BUF);
    fake_host_poke64(g->fake, XEN_GUEST_BUF, gfn);
    return xen_guest_op(g, __HYPERVISOR_memory_op, cmd, &op, sizeof(op));
}

/* An extent that is not done is no error, and has changed nothing. */
static int64_t op_decrease(XenGuest *g)
{
    return reservation(g, XENMEM_decrease_reservation, 0x33) == 1 ? 0
                                                                  : -XEN_EFAULT;
}

static int64_t op_populate(XenGuest *g)
{
    return reservation(g, XENMEM_populate_physmap, HOLE_GFN) == 1 ? 0
                                                                  : -XEN_EFAULT;
}

static int64_t op_move_page(XenGuest *g)
{
    struct xen_add_to_physmap op = {DOMID_SELF, 0, XENMAPSPACE_gmfn, 0x33,
                                    0x34};

    return xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &op,
                        sizeof(op));
}

static int64_t op_remove_page(XenGuest *g)
{
    struct xen_remove_from_physmap op = {DOMID_SELF, 0x33};

    return xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap,
                        &op, sizeof(op));
}

static int64_t op_multicall(XenGuest *g)
{
    struct multicall_entry entry = {11, 0, {0}};

    fake_host_poke(g->fake, XEN_GUEST_ARG, &entry, sizeof(entry));
    return xen_guest_call(g, __HYPERVISOR_multicall, XEN_GUEST_ARG, 1, 0);
}

static int64_t op_setup_table(XenGuest *g)
{
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};

    set_xen_guest_handle(op.frame_list, (void *)XEN_GUEST_BUF);
    return xen_guest_op(g, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table,
                        &op, sizeof(op));
}

static int64_t op_poll(XenGuest *g)
{
    struct sched_poll op = {.nr_ports = 1, .timeout = UINT64_MAX / 2};

    set_xen_guest_handle(op.ports, (void *)XEN_GUEST_BUF);
    fake_host_poke32(g->fake, XEN_GUEST_BUF, 3);
    return xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_poll, &op,
                        sizeof(op));
}

static int64_t op_watchdog(XenGuest *g)
{
    struct sched_watchdog op = {0, 1000};

    return xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_watchdog, &op,
                        sizeof(op));
}

static int64_t op_shutdown(XenGuest *g)
{
    struct sched_shutdown op = {SHUTDOWN_crash};

    return xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_shutdown, &op,
                        sizeof(op));
}

static int64_t op_capabilities(XenGuest *g)
{
    return xen_guest_call(g, __HYPERVISOR_xen_version, XENVER_capabilities,
                          XEN_GUEST_ARG, 0);
}

/* Counts as one hypercall, whose answer depends on a page of the guest's. */
static int64_t op_hypercall_page(XenGuest *g)
{
    xen_guest_call(g, 11, 0, 0, 0);
    return xen_domain_wrmsr(g->d, 0, 0x40000000, 0x5000) == GUEST_MSR_OK
               ? 0
               : -XEN_EFAULT;
}

static const Op ops[] = {
    {"bind_ipi", op_bind_ipi, 2, true, 0},
    {"bind_virq", op_bind_virq, 2, true, 0},
    {"alloc_unbound", op_alloc_unbound, 2, true, 0},
    {"close", op_close, 1, false, 0},
    {"bind_pirq", op_bind_pirq, 2, true, 0},
    {"bind_vcpu", op_bind_vcpu, 1, false, 0},
    {"unmask", op_unmask, 1, false, 0},
    {"init_control", op_init_control, 3, true, 0},
    {"send", op_send, 1, false, 0},
    {"status", op_status, 2, false, 0},
    {"reset", op_reset, 1, false, 0},
    {"register_vcpu_info", op_register_vcpu_info, 2, false, 0},
    {"register_runstate", op_register_runstate, 2, false, 0},
    {"register_time", op_register_time, 3, false, 0},
    {"get_runstate", op_get_runstate, 1, false, 0},
    {"set_singleshot", op_set_singleshot, 1, false, 0},
    {"set_periodic", op_set_periodic, 1, false, 0},
    {"set_callback", op_set_callback, 1, false, 0},
    {"get_param", op_get_param, 2, false, 0},
    {"set_upcall_vector", op_set_upcall_vector, 1, false, 0},
    {"map_shared_info", op_map_shared_info, 2, false, 0},
    {"decrease_reservation", op_decrease, 3, false, 0},
    {"populate_physmap", op_populate, 3, false, 0},
    {"move_page", op_move_page, 3, false, 0},
    {"remove_page", op_remove_page, 2, false, 0},
    {"multicall", op_multicall, 2, false, 0},
    {"map_grant", op_map_grant, 2, false, 0},
    {"setup_table", op_setup_table, 3, false, 0},
    {"poll", op_poll, 2, false, 0},
    {"watchdog", op_watchdog, 1, false, 0},
    {"shutdown", op_shutdown, 1, false, 0},
    {"capabilities", op_capabilities, 1, false, 0},
    {"hypercall_page", op_hypercall_page, 1, false, 0},
    {"get_time", op_get_time, 1, false, 0},
    {"xentrace", op_xentrace, 1, false, 0},
    {"get_mem_type", op_get_mem_type, 3, false, 0},
    {"pagetable_dying", op_pagetable_dying, 1, false, 0},
    {"shutdown_code", op_shutdown_code, 1, false, 0},
    {"remote_shutdown", op_remote_shutdown, 1, false, 0},
    {"runstate_phys_area", op_runstate_phys, 2, false, 20},
    {"time_phys_area", op_time_phys, 2, false, 20},
    {"add_to_physmap_batch", op_batch, 5, true, 0},
    {"set_memory_map", op_set_memory_map, 2, false, 0},
    {"extraversion2", op_extraversion2, 2, false, 20},
};

static XenGuest *prepared_guest(unsigned minor)
{
    XenGuest *g = xen_guest_new(2, minor ? minor : 17);

    g_assert_cmpint(xen_guest_bind_ipi(g, 0), ==, 3);
    g_assert_cmpint(reservation(g, XENMEM_decrease_reservation, HOLE_GFN), ==,
                    1);
    return g;
}

/* @return: whether the fault fired */
static bool fail_nth(const Op *op, unsigned n)
{
    g_autoptr(XenGuest) g = prepared_guest(op->minor);
    g_autoptr(XenGuest) twin = prepared_guest(op->minor);
    g_autofree char *after = NULL, *before = NULL;
    int64_t ret;

    fake_host_fail_nth(g->fake, n);
    ret = op->run(g);
    if (!fake_host_fault_fired(g->fake)) {
        g_assert_cmpint(ret, >=, 0);
        return false;
    }
    g_test_message("%s, fault %u: %d", op->name, n, (int)ret);
    xen_guest_call(twin, 11, 0, 0, 0);
    after = xen_guest_dump(g);
    before = xen_guest_dump(twin);
    if (ret < 0 && !(op->keeps_effect && n == op->calls)) {
        g_assert_cmpstr(after, ==, before);
    }
    /* It works after a reset, as if nothing had been. */
    xen_domain_reset(g->d);
    return true;
}

static void test_fault(const void *data)
{
    const Op *op = data;
    unsigned n = 1;

    while (fail_nth(op, n)) {
        n++;
    }
    g_assert_cmpuint(n - 1, ==, op->calls);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(ops); i++) {
        g_autofree char *path =
            g_strdup_printf("/xen/faults/%s_changes_nothing", ops[i].name);

        g_test_add_data_func(path, &ops[i], test_fault);
    }
    return g_test_run();
}
