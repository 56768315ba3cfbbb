/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest in the middle of everything. */
#include "tests/unit/busy-guest.h"

#define S XEN_GUEST_NS_PER_S

/* Faults of all kinds that stay in force. */
static void do_wrong(XenGuest *g)
{
    static const char *const texts[] = {
        "0:event-late,port=6,delay=1h,count=2",
        "0:event-lost,virq=1",
        "0:pvclock-late,vcpu=1,delay=1h",
        "0:wallclock-late,delay=1h",
        "0:timer-refused,count=3",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        FaultSpec spec;

        g_assert_true(fault_spec_parse(&spec, texts[i], NULL));
        g_assert_true(xen_domain_fault(g->d, &spec, NULL));
    }
}

XenGuest *busy_guest_new(unsigned nr_vcpus)
{
    XenGuest *g = xen_guest_new(nr_vcpus, 20);
    unsigned last = nr_vcpus - 1;
    struct vcpu_register_vcpu_info info = {0x50, 0x80, 0};
    struct vcpu_register_runstate_memory_area area = {.addr.p = XEN_GUEST_BUF};
    struct vcpu_register_time_memory_area time = {.addr.p = 0x21000};
    struct vcpu_set_periodic_timer period = {3000000};
    struct xen_hvm_evtchn_upcall_vector vector = {last, 0xf3};
    struct sched_watchdog watchdog = {0, 30};
    struct evtchn_init_control control = {.control_gfn = 0x68, .vcpu = 1};
    struct evtchn_expand_array array = {0x69};
    struct evtchn_alloc_unbound unbound = {DOMID_SELF, DOMID_SELF, 0};
    struct evtchn_bind_interdomain bind = {DOMID_SELF, 4, 0};
    struct xen_add_to_physmap grant = {DOMID_SELF, 0, XENMAPSPACE_grant_table,
                                       3, 0x60};
    struct sched_poll poll = {.nr_ports = 0, .timeout = 60 * S};
    uint64_t phys[] = {0x51000, 0x52000};

    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 0), ==, 3);
    xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
                 &unbound, sizeof(unbound));
    xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain,
                 &bind, sizeof(bind));
    g_assert_cmpuint(bind.local_port, ==, 5);
    g_assert_cmpint(xen_guest_bind_ipi(g, 1), ==, 6);
    xen_guest_vcpu_op(g, VCPUOP_register_vcpu_info, 0, &info, sizeof(info));
    xen_guest_vcpu_op(g, VCPUOP_register_runstate_memory_area, 0, &area,
                      sizeof(area));
    xen_guest_vcpu_op(g, VCPUOP_register_vcpu_time_memory_area, 0, &time,
                      sizeof(time));
    xen_guest_vcpu_op(g, XEN_VCPUOP_REGISTER_RUNSTATE_PHYS_AREA, 1, &phys[0],
                      sizeof(phys[0]));
    xen_guest_vcpu_op(g, XEN_VCPUOP_REGISTER_TIME_PHYS_AREA, last, &phys[1],
                      sizeof(phys[1]));
    xen_guest_vcpu_op(g, VCPUOP_set_periodic_timer, 0, &period, sizeof(period));
    xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control,
                 &control, sizeof(control));
    xen_guest_op(g, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array,
                 &array, sizeof(array));
    xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector,
                 &vector, sizeof(vector));
    xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, 9);
    xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &grant,
                 sizeof(grant));
    xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_watchdog, &watchdog,
                 sizeof(watchdog));
    xen_guest_call(g, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
                   VMASST_TYPE_runstate_update_flag, 0);
    do_wrong(g);
    fake_host_advance(g->fake, 3 * S + S / 2);
    xen_guest_call(g, __HYPERVISOR_set_timer_op, 20 * S, 0, 0);
    g->vcpu = 1;
    xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_poll, &poll, sizeof(poll));
    g->vcpu = 0;
    xen_guest_send(g, 6); /* comes late */
    return g;
}
