/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ends of a domain after which it goes on: a suspend that is cancelled, and
 * the soft reset before another kernel starts.
 *
 * Behaviour: SHUTDOWN_suspend stops the guest until the toolstack goes back on
 * it; then the hypercall returns 1 if events are delivered, else 0, and nothing
 * is lost.  SHUTDOWN_soft_reset returns to a domain without ports, areas and
 * overlays that has its memory, parameters and time.
 * Check: the runner resumes the guest over QMP, and counts how often it had to;
 * ports, areas, parameters, runstate and time, before and after.
 * Cannot tell apart: memory beneath shared_info that was never hidden from a
 * new page.
 * Real Xen: the same (xen: tools/libs/ctrl/xc_resume.c, modify_returncode;
 * arch/x86/domain.c, arch_domain_soft_reset; common/domain.c,
 * domain_soft_reset); "xl save -c" is what resumes it, twice.
 *
 * RUN: default resumes=2
 * RUN: smp smp=4 resumes=2
 * RUN: mttcg smp=4 accel=mttcg resumes=2
 * RUN: pvh guest=pvh smp=4 resumes=2
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define VECTOR 0x61

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
static struct vcpu_info *const new_info = (void *)page;

static long shut_down(unsigned reason)
{
    struct sched_shutdown op = {.reason = reason};

    return xen_sched_op(SCHEDOP_shutdown, &op);
}

static unsigned status_of(int port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = (unsigned)port};

    CHECK_RC(0, xen_evtchn_op(EVTCHNOP_status, &op));
    return op.status;
}

static uint64_t blocked_or_off(void)
{
    struct vcpu_runstate_info info = {0};

    CHECK_RC(0, xen_vcpu_op(VCPUOP_get_runstate_info, 0, &info));
    CHECK_EQ(RUNSTATE_running, info.state);
    return info.time[RUNSTATE_offline];
}

static void suspend_and_look(int port, long want)
{
    uint64_t before = clock_hypercall_now(), off = blocked_or_off();

    CHECK_RC(want, shut_down(SHUTDOWN_suspend));
    CHECK(clock_hypercall_now() >= before);
    CHECK(blocked_or_off() >= off);
    CHECK_EQ(EVTCHNSTAT_ipi, status_of(port));
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK(evtchn_clear((unsigned)port));
}

CONFORMS(SHUTDOWN_suspend)
static void cancelled_suspend_keeps_everything(void)
{
    uint64_t via = 77;
    int port;

    if (!xen_shared_info()) {
        return;
    }
    port = evtchn_bind_ipi(0);
    CHECK(port > 0);
    CHECK_RC(0, evtchn_callback_none());
    suspend_and_look(port, 0);
    CHECK_RC(0, evtchn_callback_vector(VECTOR));
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CALLBACK_IRQ, &via));
    evtchn_mask((unsigned)port);
    suspend_and_look(port, 1);
    CHECK_EQ((uint64_t)VECTOR | 2ull << 56, via);
    CHECK_RC(0, evtchn_close((unsigned)port));
}

static void soft_reset_with_ports(int ports[2])
{
    uint64_t before = clock_hypercall_now();

    CHECK_RC(0, shut_down(SHUTDOWN_soft_reset));
    CHECK(clock_hypercall_now() >= before);
    CHECK_EQ(EVTCHNSTAT_closed, status_of(ports[0]));
    CHECK_EQ(EVTCHNSTAT_closed, status_of(ports[1]));
    CHECK_RC(-XEN_EINVAL, evtchn_send((unsigned)ports[0]));
}

/* shared_info is nowhere, a vCPU's information not registered. */
CONFORMS(SHUTDOWN_soft_reset)
static void soft_reset_leaves_memory_and_time(void)
{
    struct shared_info *shared = xen_shared_info();
    struct xen_add_to_physmap map = {.domid = DOMID_SELF,
                                     .space = XENMAPSPACE_shared_info};
    uint64_t generation = 0xfc000010, value = 0;
    int ports[2];

    if (!shared) {
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        ports[i] = evtchn_bind_ipi(0);
    }
    CHECK_RC(0, xen_register_vcpu_info(0, new_info));
    CHECK_RC(0, xen_hvm_set_param(HVM_PARAM_VM_GENERATION_ID_ADDR, generation));
    page[PAGE_SIZE - 1] = 0x5a;
    soft_reset_with_ports(ports);
    CHECK_EQ(0x5a, page[PAGE_SIZE - 1]);
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_VM_GENERATION_ID_ADDR, &value));
    CHECK_EQ(generation, value);
    /* The frame is the guest's own again. */
    memset(shared, 0x5a, PAGE_SIZE);
    CHECK(evtchn_bind_ipi(0) > 0);
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        if (((uint8_t *)shared)[i] != 0x5a) {
            input("byte %u", i);
            CHECK_EQ(0x5a, ((uint8_t *)shared)[i]);
        }
    }
    map.gpfn = (uintptr_t)shared / PAGE_SIZE;
    CHECK_RC(0, xen_memory_op(XENMEM_add_to_physmap, &map));
    CHECK(shared->vcpu_info[0].time.tsc_to_system_mul != 0x5a5a5a5a);
    CHECK_RC(0, xen_register_vcpu_info(0, new_info));
    ports[0] = evtchn_bind_ipi(0);
    CHECK_RC(0, evtchn_send((unsigned)ports[0]));
    CHECK(evtchn_clear((unsigned)ports[0]));
}

PAYLOAD(NEEDS_XEN, TEST(cancelled_suspend_keeps_everything),
        TEST(soft_reset_leaves_memory_and_time));
