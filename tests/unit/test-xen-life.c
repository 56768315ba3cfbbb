/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a domain goes on after: soft reset, cancelled suspend, wake-up. */
#include "hw/xen/pirq.h"
#include "hw/xen/xenstore-proto.h"
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define S          XEN_GUEST_NS_PER_S
#define STORE(f)   offsetof(struct xenstore_domain_interface, f)
#define REQ_PROD   STORE(req_prod)
#define REQ_CONS   STORE(req_cons)
#define RSP        STORE(rsp)
#define ERROR      STORE(error)
#define HEADER     sizeof(struct xsd_sockmsg)
#define VIA_VECTOR ((uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0xf3)

static int64_t shut_down(XenGuest *g, unsigned reason)
{
    struct sched_shutdown op = {.reason = reason};

    return xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_shutdown, &op,
                        sizeof(op));
}

static int64_t status_of(XenGuest *g, uint32_t port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};
    int64_t ret = xen_guest_op(g, __HYPERVISOR_event_channel_op,
                               EVTCHNOP_status, &op, sizeof(op));

    return ret ? ret : (int64_t)op.status;
}

static unsigned runstate(XenGuest *g, unsigned vcpu)
{
    XenVcpuInfo info;

    xen_domain_query_vcpu(g->d, vcpu, &info);
    return info.runstate;
}

static int64_t register_info(XenGuest *g, unsigned vcpu, uint64_t gfn)
{
    struct vcpu_register_vcpu_info op = {.mfn = gfn, .offset = 64};

    return xen_guest_vcpu_op(g, VCPUOP_register_vcpu_info, vcpu, &op,
                             sizeof(op));
}

/* Any reason: the first counts, the low eight bits of it. */
CONFORMS(SCHEDOP_shutdown)
CONFORMS(SHUTDOWN_reboot)
CONFORMS(SHUTDOWN_crash)
static void test_shutdown_tells_its_reason_once(void)
{
    static const struct {
        uint32_t reason;
        int want;
    } cases[] = {
        {SHUTDOWN_poweroff, 0},
        {SHUTDOWN_reboot, 1},
        {SHUTDOWN_suspend, 2},
        {SHUTDOWN_crash, 3},
        {SHUTDOWN_watchdog, 4},
        {SHUTDOWN_soft_reset, 5},
        {6, 6},
        {0xff, 0xff},
        {0x101, 1},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(2, 17);

        g_test_message("reason %u", cases[i].reason);
        g_assert_cmpint(xen_domain_shutdown_reason(g->d), ==, -1);
        g_assert_cmpint(shut_down(g, cases[i].reason), ==, 0);
        g_assert_cmpint(xen_domain_shutdown_reason(g->d), ==, cases[i].want);
        g_assert_cmpint(shut_down(g, SHUTDOWN_poweroff), ==, 0);
        g_assert_cmpint(xen_domain_shutdown_reason(g->d), ==, cases[i].want);
        g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 1);
    }
}

CONFORMS(SHUTDOWN_suspend)
static void test_cancelled_suspend_keeps_everything(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_false(xen_domain_wants_suspend_code(g->d));
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR),
                    ==, 0);
    g_assert_true(xen_domain_wants_suspend_code(g->d));
    g_assert_cmpint(register_info(g, 0, 5), ==, 0);
    g_assert_cmpint(shut_down(g, SHUTDOWN_suspend), ==, 0);
    xen_domain_pause(g->d);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_offline);
    fake_host_advance(g->fake, S);
    xen_domain_resume(g->d);
    xen_domain_vcpu_running(g->d, 0);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_running);
    g_assert_cmpint(status_of(g, port), ==, EVTCHNSTAT_ipi);
    g_assert_cmpint(register_info(g, 0, 5), ==, -XEN_EINVAL);
    /* It can suspend again, and its code is not the last one. */
    g_assert_cmpint(shut_down(g, SHUTDOWN_reboot), ==, 0);
    g_assert_cmpint(xen_domain_shutdown_reason(g->d), ==, SHUTDOWN_reboot);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_SHUTDOWN), ==, 2);
}

static void test_pause_leaves_blocked_vcpus_blocked(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(3, 17);

    xen_domain_vcpu_running(g->d, 1);
    xen_domain_vcpu_halted(g->d, 1, true);
    xen_domain_pause(g->d);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_offline);
    g_assert_cmpuint(runstate(g, 1), ==, RUNSTATE_blocked);
    g_assert_cmpuint(runstate(g, 2), ==, RUNSTATE_offline);
}

/* Ports but the store's and the console's are gone, their bits, too. */
CONFORMS(SHUTDOWN_soft_reset)
static void test_soft_reset_closes_ports(void)
{
    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = xen_guest_new(2, 17);
        uint32_t port;

        if (compat) {
            xen_guest_set_compat(g);
        }
        port = (uint32_t)xen_guest_bind_ipi(g, 1);
        g_assert_cmpint(xen_guest_send(g, port), ==, 0);
        g_assert_true(xen_guest_pending(g, port));
        g_assert_cmpint(shut_down(g, SHUTDOWN_soft_reset), ==, 0);
        xen_domain_soft_reset(g->d);
        g_assert_cmpint(xen_domain_shutdown_reason(g->d), ==, -1);
        g_assert_cmpint(status_of(g, port), ==, EVTCHNSTAT_closed);
        g_assert_cmpint(status_of(g, XEN_STORE_PORT), ==,
                        EVTCHNSTAT_interdomain);
        g_assert_cmpint(status_of(g, XEN_CONSOLE_PORT), ==,
                        EVTCHNSTAT_interdomain);
        g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 0), ==, port);
        g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 1), ==, port + 1);
    }
}

/* The frame shows what lay beneath; the page comes back as it was. */
CONFORMS(SHUTDOWN_soft_reset)
static void test_soft_reset_unmaps_shared_memory(void)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = XEN_GUEST_SHINFO + 1,
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    g_assert_cmpint(register_info(g, 0, 5), ==, 0);
    fake_host_poke32(g->fake, XEN_GUEST_SHINFO << HOST_PAGE_SHIFT | 0xff0, 77);
    xen_domain_soft_reset(g->d);
    g_assert_cmpuint(
        fake_host_peek32(g->fake, XEN_GUEST_SHINFO << HOST_PAGE_SHIFT | 0xff0),
        ==, 0);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_memory_op,
                                 XENMEM_add_to_physmap, &map, sizeof(map)),
                    ==, 0);
    g_assert_cmpuint(
        fake_host_peek32(g->fake,
                         (XEN_GUEST_SHINFO + 1) << HOST_PAGE_SHIFT | 0xff0),
        ==, 77);
    g_assert_cmpint(register_info(g, 0, 6), ==, 0);
}

/* Nothing is left of shared_info, wherever memory is looked for. */
static void test_soft_reset_leaves_every_frame_to_the_guest(void)
{
    struct xen_remove_from_physmap op = {DOMID_SELF, 0};
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    Host *host = fake_host_ops(g->fake);
    uint8_t byte;

    xen_domain_soft_reset(g->d);
    for (op.gpfn = 0; op.gpfn <= XEN_GUEST_SHINFO; op.gpfn++) {
        GuestPhys gpa = {(uint64_t)op.gpfn << HOST_PAGE_SHIFT};

        if (op.gpfn == XEN_GUEST_ARG >> HOST_PAGE_SHIFT) {
            continue; /* where the argument is */
        }
        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_memory_op,
                                     XENMEM_remove_from_physmap, &op,
                                     sizeof(op)),
                        ==, 0);
        g_assert_false(host->ops->mem.phys_read(host, gpa, &byte, 1));
    }
}

/* What was an event of a device is none, and can be made one again. */
CONFORMS(SHUTDOWN_soft_reset)
static void test_soft_reset_unmaps_interrupts(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR),
                    ==, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct physdev_map_pirq map = {.domid = DOMID_SELF,
                                       .type = MAP_PIRQ_TYPE_GSI,
                                       .index = 11,
                                       .pirq = 20};
        struct evtchn_bind_pirq bind = {.pirq = 20};
        struct physdev_irq_status_query query = {.irq = 20};

        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_physdev_op,
                                     PHYSDEVOP_map_pirq, &map, sizeof(map)),
                        ==, 0);
        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_event_channel_op,
                                     EVTCHNOP_bind_pirq, &bind, sizeof(bind)),
                        ==, 0);
        g_assert_true(xen_domain_gsi(g->d, 11, true));
        g_assert_false(fake_host_gsi_held(g->fake, 11));
        xen_domain_soft_reset(g->d);
        /* The machine's interrupt controllers have the line, which is up. */
        g_assert_true(fake_host_gsi_held(g->fake, 11));
        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_physdev_op,
                                     PHYSDEVOP_irq_status_query, &query,
                                     sizeof(query)),
                        ==, -XEN_EINVAL);
        g_assert_false(xen_domain_gsi(g->d, 11, false));
        fake_host_ops(g->fake)->ops->gsi_level(fake_host_ops(g->fake), 11,
                                               false);
    }
}

CONFORMS(SHUTDOWN_soft_reset)
static void test_soft_reset_keeps_parameters_and_time(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t value;

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR),
                    ==, 0);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_STORE_EVTCHN, 99), ==, 0);
    fake_host_advance(g->fake, 5 * S);
    xen_domain_soft_reset(g->d);
    g_assert_cmpint(xen_guest_get_param(g, HVM_PARAM_CALLBACK_IRQ, &value), ==,
                    0);
    g_assert_cmphex(value, ==, VIA_VECTOR);
    g_assert_cmpint(xen_guest_get_param(g, HVM_PARAM_STORE_EVTCHN, &value), ==,
                    0);
    g_assert_cmphex(value, ==, XEN_STORE_PORT);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_running);
}

static int64_t map_shared_info(XenGuest *g, uint64_t gfn)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = gfn};

    return xen_guest_op(g, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map,
                        sizeof(map));
}

static void restore(XenGuest *g, uint16_t domid)
{
    g_assert_cmpint(shut_down(g, SHUTDOWN_suspend), ==, 0);
    xen_domain_pause(g->d);
    xen_domain_restore(g->d, domid);
    xen_domain_vcpu_running(g->d, 0);
}

CONFORMS(SHUTDOWN_suspend)
static void test_restore_begins_a_domain_anew(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);
    struct vcpu_set_periodic_timer period = {.period_ns = S};
    uint64_t value;
    GuestCpuid leaf;

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR),
                    ==, 0);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_VM_GENERATION_ID_ADDR, 77),
                    ==, 0);
    g_assert_cmpint(register_info(g, 0, 5), ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_set_periodic_timer, 0, &period,
                                      sizeof(period)),
                    ==, 0);
    fake_host_advance(g->fake, 5 * S);
    restore(g, 8);
    g_assert_cmpint(xen_domain_shutdown_reason(g->d), ==, -1);
    g_assert_cmpint(status_of(g, port), ==, EVTCHNSTAT_closed);
    g_assert_cmpint(status_of(g, XEN_STORE_PORT), ==, EVTCHNSTAT_interdomain);
    g_assert_cmpint(status_of(g, XEN_CONSOLE_PORT), ==, EVTCHNSTAT_interdomain);
    g_assert_cmpint(xen_guest_get_param(g, HVM_PARAM_CALLBACK_IRQ, &value), ==,
                    0);
    g_assert_cmphex(value, ==, 0);
    g_assert_cmpint(
        xen_guest_get_param(g, HVM_PARAM_VM_GENERATION_ID_ADDR, &value), ==, 0);
    g_assert_cmphex(value, ==, 77);
    g_assert_true(xen_domain_cpuid(g->d, 0, 0x40000004, 0, &leaf));
    g_assert_cmpuint(leaf.ecx, ==, 8);
    g_assert_cmpint(register_info(g, 0, 5), ==, 0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 0), ==, 0);
    g_assert_cmpint(xen_guest_bind_virq(g, VIRQ_TIMER, 0), ==, port);
    g_assert_cmpint(map_shared_info(g, XEN_GUEST_SHINFO), ==, 0);
    xen_guest_mask(g, port, true);
    fake_host_advance(g->fake, 5 * S);
    g_assert_false(xen_guest_pending(g, port));
}

/* There is nothing where shared_info was, and a new page after that. */
CONFORMS(SHUTDOWN_suspend)
static void test_restore_leaves_no_memory_beneath(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    Host *host = fake_host_ops(g->fake);
    GuestPhys gpa = {XEN_GUEST_SHINFO << HOST_PAGE_SHIFT};
    uint8_t byte;

    for (unsigned i = 0; i < 2; i++) {
        fake_host_poke32(g->fake, gpa.v | 0xff0, 77);
        restore(g, 8);
        g_assert_false(host->ops->mem.phys_read(host, gpa, &byte, 1));
        g_assert_cmpint(map_shared_info(g, XEN_GUEST_SHINFO), ==, 0);
        g_assert_cmpuint(fake_host_peek32(g->fake, gpa.v | 0xff0), ==, 0);
    }
    /* A soft reset puts memory there again. */
    xen_domain_soft_reset(g->d);
    g_assert_true(host->ops->mem.phys_read(host, gpa, &byte, 1));
}

/* @len bytes of a request that asks for the domain's home, to xenstore. */
static void ask_for_home(XenGuest *g, uint64_t page, size_t len)
{
    struct {
        struct xsd_sockmsg hdr;
        char payload[2];
    } request = {.hdr = {.type = XS_GET_DOMAIN_PATH, .len = 2}, .payload = "8"};

    g_assert_cmpuint(fake_host_peek32(g->fake, page + REQ_PROD), ==, 0);
    fake_host_poke(g->fake, page, &request, len);
    fake_host_poke32(g->fake, page + REQ_PROD, (uint32_t)len);
    g_assert_cmpint(xen_guest_send(g, XEN_STORE_PORT), ==, 0);
}

/* One that died, and one that has read half a request */
CONFORMS(SHUTDOWN_suspend)
static void test_restore_begins_xenstore_anew(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    struct xsd_sockmsg answer;
    uint64_t page, value;

    g_assert_cmpint(xen_guest_get_param(g, HVM_PARAM_STORE_PFN, &value), ==, 0);
    page = value << HOST_PAGE_SHIFT;
    fake_host_poke32(g->fake, page + REQ_PROD, XENSTORE_RING_SIZE + 1);
    g_assert_cmpint(xen_guest_send(g, XEN_STORE_PORT), ==, 0);
    g_assert_cmpuint(fake_host_peek32(g->fake, page + ERROR), ==,
                     XENSTORE_ERROR_RINGIDX);
    for (unsigned i = 0; i < 2; i++) {
        restore(g, (uint16_t)(8 + i));
        g_assert_cmpuint(fake_host_peek32(g->fake, page + ERROR), ==, 0);
        ask_for_home(g, page, i ? HEADER + 2 : 4);
        g_assert_cmpuint(fake_host_peek32(g->fake, page + REQ_CONS), ==,
                         i ? HEADER + 2 : 4);
    }
    fake_host_peek(g->fake, page + RSP, &answer, sizeof(answer));
    g_assert_cmpuint(answer.type, ==, XS_GET_DOMAIN_PATH);
}

/* vCPU 1 waits, 2 never was up. */
CONFORMS(SHUTDOWN_suspend)
static void test_restored_vcpus_do_not_wait(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(3, 17);
    struct sched_poll poll = {0};
    XenVcpuInfo info;

    fake_host_advance(g->fake, S);
    xen_domain_vcpu_running(g->d, 1);
    g->vcpu = 1;
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_sched_op, SCHEDOP_poll, &poll,
                                 sizeof(poll)),
                    ==, 0);
    g->vcpu = 0;
    g_assert_cmpuint(fake_host_vcpu_state(g->fake, 1), ==, FAKE_VCPU_BLOCKED);
    restore(g, 8);
    g_assert_cmpuint(fake_host_vcpu_state(g->fake, 1), ==, FAKE_VCPU_RUNNING);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_running);
    g_assert_cmpuint(runstate(g, 1), ==, RUNSTATE_runnable);
    g_assert_cmpuint(runstate(g, 2), ==, RUNSTATE_offline);
    xen_domain_query_vcpu(g->d, 0, &info);
    for (unsigned i = 0; i < G_N_ELEMENTS(info.runstate_time_ns); i++) {
        g_assert_cmpuint(info.runstate_time_ns[i], ==, 0);
    }
}

static void test_wakeup_starts_vcpu_0_alone(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    Host *host = fake_host_ops(g->fake);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR),
                    ==, 0);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpint(register_info(g, 0, 5), ==, 0);
    xen_guest_ack(g, 0);
    fake_host_advance(g->fake, S);
    xen_domain_wakeup(g->d);
    g_assert_cmpuint(runstate(g, 0), ==, RUNSTATE_running);
    g_assert_cmpuint(runstate(g, 1), ==, RUNSTATE_offline);
    g_assert_cmpuint(clock_guest_tsc(g->clock, 0, host->ops->now_ns(host)), ==,
                     0);
    g_assert_cmpint(status_of(g, port), ==, EVTCHNSTAT_ipi);
    g_assert_cmpint(register_info(g, 0, 6), ==, -XEN_EINVAL);
    /* The callback still is the guest's. */
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 0), ==, 0xf3);
}

static unsigned injected(XenGuest *g)
{
    return fake_host_event_count(g->fake, FAKE_LAPIC_INJECT);
}

/* The flag stays set, and the local APIC has forgotten. */
static void test_wakeup_makes_up_for_a_lost_upcall(void)
{
    struct xen_hvm_evtchn_upcall_vector op = {.vcpu = 0, .vector = 0xf3};

    for (unsigned pending = 0; pending < 2; pending++) {
        g_autoptr(XenGuest) g = xen_guest_new(2, 17);
        uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op,
                                     HVMOP_set_evtchn_upcall_vector, &op,
                                     sizeof(op)),
                        ==, 0);
        xen_guest_ack(g, 0);
        if (pending) {
            g_assert_cmpint(xen_guest_send(g, port), ==, 0);
        }
        xen_domain_wakeup(g->d);
        fake_host_clear_events(g->fake);
        for (unsigned i = 0; i < 2; i++) {
            g_assert_cmpint(status_of(g, port), ==, EVTCHNSTAT_ipi);
            g_assert_cmpuint(injected(g), ==, pending);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/life/" #name, test_##name)
    ADD(shutdown_tells_its_reason_once);
    ADD(cancelled_suspend_keeps_everything);
    ADD(pause_leaves_blocked_vcpus_blocked);
    ADD(soft_reset_closes_ports);
    ADD(soft_reset_unmaps_shared_memory);
    ADD(soft_reset_leaves_every_frame_to_the_guest);
    ADD(soft_reset_unmaps_interrupts);
    ADD(soft_reset_keeps_parameters_and_time);
    ADD(restore_begins_a_domain_anew);
    ADD(restore_leaves_no_memory_beneath);
    ADD(restore_begins_xenstore_anew);
    ADD(restored_vcpus_do_not_wait);
    ADD(wakeup_starts_vcpu_0_alone);
    ADD(wakeup_makes_up_for_a_lost_upcall);
    return g_test_run();
}
