/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical interrupts: physdev_op, and a device's interrupt as an event.
 *
 * Behaviour: where XENFEAT_hvm_pirqs is offered a guest maps its GSIs to
 * events and asks, ends and unmaps them; elsewhere each operation says that
 * there are none.
 * Check: every operation's answers, and the periodic interrupt of the
 * real-time clock as an event, again after each.
 * Cannot tell apart: an interrupt that is an event only from one that is both;
 * the I/O APIC's pin is masked.
 * Real Xen: the same (xen: arch/x86/hvm/hypercall.c, hvm_physdev_op;
 * arch/x86/physdev.c); how many there are depends on its host.
 *
 * RUN: default smp=1
 * RUN: 4-20 smp=1 plugin=xen-version=4.20
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=1 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"
#include "tests/payload/lib/rtc.h"
#include "tests/payload/lib/xen.h"

#include <xen/physdev.h>

#define VECTOR           0x61
#define RTC_GSI          8
#define RTC_REG_A        10
#define RTC_REG_B        11
#define RTC_REG_C        12
#define RTC_PIE          0x40 /* of register B */
#define RTC_RATE         6    /* of register A: 1024 Hz */
#define TICKS            5
#define WAIT_NS          1000000000ull
#define NO_DOMAIN        0x1234
#define BAD_PIRQ         100000
#define MINOR_EOPNOTSUPP 20u

static long physdev_op(unsigned op, void *arg)
{
    return xen_hypercall(__HYPERVISOR_physdev_op, op, (uintptr_t)arg, 0, 0);
}

static bool has_pirqs(void)
{
    struct xen_feature_info info = {.submap_idx = 0};

    CHECK_RC(0, xen_version_op(XENVER_get_features, &info));
    return info.submap & 1u << XENFEAT_hvm_pirqs;
}

static long map(unsigned domid, int type, int index, int *pirq)
{
    struct physdev_map_pirq op = {
        .domid = (domid_t)domid, .type = type, .index = index, .pirq = *pirq};
    long ret = physdev_op(PHYSDEVOP_map_pirq, &op);

    *pirq = op.pirq;
    return ret;
}

static long unmap(unsigned domid, int pirq)
{
    struct physdev_unmap_pirq op = {.domid = (domid_t)domid, .pirq = pirq};

    return physdev_op(PHYSDEVOP_unmap_pirq, &op);
}

static long eoi(unsigned pirq)
{
    struct physdev_eoi op = {pirq};

    return physdev_op(PHYSDEVOP_eoi, &op);
}

static long query(unsigned pirq)
{
    struct physdev_irq_status_query op = {pirq, 0};
    long ret = physdev_op(PHYSDEVOP_irq_status_query, &op);

    return ret ? ret : (long)op.flags;
}

static long get_free(int type)
{
    struct physdev_get_free_pirq op = {.type = type};
    long ret = physdev_op(PHYSDEVOP_get_free_pirq, &op);

    return ret ? ret : (long)op.pirq;
}

static int bind_pirq(unsigned pirq)
{
    struct evtchn_bind_pirq op = {.pirq = pirq};
    long ret = xen_evtchn_op(EVTCHNOP_bind_pirq, &op);

    return ret ? (int)ret : (int)op.port;
}

/* Answers of a guest that has none; pirqs of it can be bound all the same. */
static void without_pirqs(void)
{
    long maps = (xen_version() & 0xffff) >= MINOR_EOPNOTSUPP ? -XEN_EOPNOTSUPP
                                                             : -XEN_ENOSYS;
    int pirq = -1;

    CHECK_RC(maps, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, RTC_GSI, &pirq));
    CHECK_RC(maps, unmap(DOMID_SELF, 16));
    CHECK_RC(-XEN_ENOSYS, eoi(16));
    CHECK_RC(-XEN_ENOSYS, query(16));
    CHECK_RC(-XEN_ENOSYS, get_free(MAP_PIRQ_TYPE_MSI));
}

static void with_pirqs(void)
{
    int pirq = -1, again = -1;
    long msi;

    /* Events come by no vector yet. */
    CHECK_RC(-XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &pirq));
    CHECK_RC(0, evtchn_callback_vector(VECTOR));
    CHECK_RC(-XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_MSI, 4, &pirq));
    CHECK_RC(-XEN_EINVAL, map(DOMID_SELF, 99, 4, &pirq));
    CHECK_RC(-XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, -1, &pirq));
    CHECK_RC(-XEN_EINVAL, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 48, &pirq));
    CHECK_RC(-XEN_ESRCH, map(NO_DOMAIN, MAP_PIRQ_TYPE_GSI, 4, &pirq));
    CHECK_RC(-XEN_EPERM, map(0, MAP_PIRQ_TYPE_GSI, 4, &pirq));
    CHECK_RC(0, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &pirq));
    CHECK(pirq >= 16);
    again = pirq;
    CHECK_RC(0, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &again));
    CHECK_RC(pirq, again);
    CHECK_RC(XENIRQSTAT_needs_eoi, query((unsigned)pirq));
    CHECK_RC(0, eoi((unsigned)pirq));
    CHECK_RC(0, unmap(DOMID_SELF, pirq));
    CHECK_RC(0, unmap(DOMID_SELF, pirq));
    CHECK_RC(0, unmap(DOMID_SELF, BAD_PIRQ));
    CHECK_RC(-XEN_ESRCH, unmap(NO_DOMAIN, pirq));
    CHECK_RC(-XEN_EPERM, unmap(0, pirq));
    CHECK_RC(-XEN_EINVAL, query((unsigned)pirq));
    CHECK_RC(-XEN_EINVAL, query(BAD_PIRQ));
    CHECK_RC(-XEN_EINVAL, eoi(BAD_PIRQ));
    msi = get_free(MAP_PIRQ_TYPE_MSI);
    CHECK(msi >= 16);
    CHECK(get_free(MAP_PIRQ_TYPE_MSI) != msi);
    CHECK_RC(-XEN_EINVAL, query((unsigned)msi));
}

CONFORMS(PHYSDEVOP_map_pirq)
CONFORMS(PHYSDEVOP_unmap_pirq)
CONFORMS(PHYSDEVOP_eoi)
CONFORMS(PHYSDEVOP_irq_status_query)
CONFORMS(PHYSDEVOP_get_free_pirq)
static void operations_answer(void)
{
    if (!xen_shared_info()) {
        return;
    }
    if (has_pirqs()) {
        with_pirqs();
    } else {
        without_pirqs();
    }
}

CONFORMS(EVTCHNOP_bind_pirq)
static void binding_answers(void)
{
    struct evtchn_status status = {.dom = DOMID_SELF};
    int port = bind_pirq(17);

    CHECK(port > 0);
    CHECK_RC(-XEN_EEXIST, bind_pirq(17));
    CHECK_RC(-XEN_EINVAL, bind_pirq(BAD_PIRQ));
    CHECK_RC(-XEN_EINVAL, bind_pirq(~0u));
    status.port = (unsigned)port;
    CHECK_RC(0, xen_evtchn_op(EVTCHNOP_status, &status));
    CHECK_EQ(EVTCHNSTAT_pirq, status.status);
    CHECK_EQ(17, status.u.pirq);
    CHECK_RC(-XEN_EINVAL, evtchn_send((unsigned)port));
    CHECK_RC(0, evtchn_close((unsigned)port));
    CHECK_RC(port, bind_pirq(17));
    CHECK_RC(0, evtchn_close((unsigned)port));
}

NOT_OFFERED(PHYSDEVOP_setup_gsi, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_set_iopl, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_apic_read, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pirq_eoi_gmfn_v2, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pci_device_add, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pirq_eoi_gmfn_v1, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_set_iobitmap, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_apic_write, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_alloc_irq_vector, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_free_irq_vector, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_manage_pci_add, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_manage_pci_remove, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_restore_msi, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_manage_pci_add_ext, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pci_mmcfg_reserved, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pci_device_remove, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_restore_msi_ext, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_prepare_msix, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_release_msix, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_dbgp_op, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_IRQ_UNMASK_NOTIFY, -XEN_ENOSYS)
NOT_OFFERED(XEN_PHYSDEVOP_PCI_DEVICE_RESET, -XEN_ENOSYS)
static void others_are_the_hardware_domains(void)
{
    uint32_t arg[16];

    memset(arg, 0, sizeof(arg));
    for (unsigned op = 0; op < 40; op++) {
        if (op == PHYSDEVOP_map_pirq || op == PHYSDEVOP_unmap_pirq ||
            op == PHYSDEVOP_eoi || op == PHYSDEVOP_irq_status_query ||
            op == PHYSDEVOP_get_free_pirq) {
            continue;
        }
        input("op %u", op);
        CHECK_RC(-XEN_ENOSYS, physdev_op(op, arg));
    }
}

static bool wait_for_event(unsigned port)
{
    evtchn_port_t ports[1] = {port};
    struct sched_poll poll = {
        .nr_ports = 1,
        .timeout = clock_hypercall_now() + WAIT_NS,
    };

    set_xen_guest_handle(poll.ports, ports);
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    return evtchn_clear(port);
}

/* Each periodic interrupt is one event; the next needs register C read. */
CONFORMS(PHYSDEVOP_map_pirq)
CONFORMS(EVTCHNOP_bind_pirq)
static void clock_interrupt_is_an_event(void)
{
    int pirq = -1, port;
    uint8_t b;

    if (!has_pirqs()) {
        return;
    }
    CHECK_RC(0, map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, RTC_GSI, &pirq));
    port = bind_pirq((unsigned)pirq);
    CHECK(port > 0);
    rtc_write(RTC_REG_A, (rtc_read(RTC_REG_A) & 0xf0) | RTC_RATE);
    b = rtc_read(RTC_REG_B);
    rtc_read(RTC_REG_C);
    rtc_write(RTC_REG_B, b | RTC_PIE);
    for (unsigned i = 0; i < TICKS; i++) {
        input("tick %u", i);
        CHECK(wait_for_event((unsigned)port));
        CHECK(rtc_read(RTC_REG_C) & RTC_PIE);
        CHECK_RC(0, eoi((unsigned)pirq));
    }
    rtc_write(RTC_REG_B, b);
    rtc_read(RTC_REG_C);
    CHECK_RC(0, evtchn_close((unsigned)port));
    CHECK_RC(0, unmap(DOMID_SELF, pirq));
}

PAYLOAD(NEEDS_XEN, TEST(operations_answer), TEST(binding_answers),
        TEST(others_are_the_hardware_domains),
        TEST(clock_interrupt_is_an_event));
