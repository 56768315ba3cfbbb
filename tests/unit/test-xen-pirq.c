/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * physdev_op, and interrupts of devices that a guest takes as events.
 *
 * The fake host has no interrupt controllers: whether a line or a message is
 * the guest's is what xen_domain_gsi() and xen_domain_msi() return.
 */
#include "hw/xen/abi/compat-physdev.h"
#include "hw/xen/pirq.h"
#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define PHYSDEV    __HYPERVISOR_physdev_op
#define EVTCHN     __HYPERVISOR_event_channel_op
#define NR_PIRQS   56
#define GSI        11u /* level triggered, as 10 and from 16 on */
#define GSI_EDGE   4u
#define VIA_VECTOR ((uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0xf3)

static int64_t map(XenGuest *g, uint16_t domid, int type, int index, int *pirq)
{
    struct physdev_map_pirq op = {
        .domid = domid, .type = type, .index = index, .pirq = *pirq};
    int64_t ret =
        xen_guest_op(g, PHYSDEV, PHYSDEVOP_map_pirq, &op,
                     g->compat ? sizeof(XenCompatMapPirq) : sizeof(op));

    *pirq = op.pirq;
    return ret;
}

static int64_t unmap(XenGuest *g, uint16_t domid, int pirq)
{
    struct physdev_unmap_pirq op = {.domid = domid, .pirq = pirq};

    return xen_guest_op(g, PHYSDEV, PHYSDEVOP_unmap_pirq, &op, sizeof(op));
}

static int64_t eoi(XenGuest *g, uint32_t pirq)
{
    struct physdev_eoi op = {pirq};

    return xen_guest_op(g, PHYSDEV, PHYSDEVOP_eoi, &op, sizeof(op));
}

static int64_t query(XenGuest *g, uint32_t pirq, uint32_t *flags)
{
    struct physdev_irq_status_query op = {pirq, 0xee};
    int64_t ret =
        xen_guest_op(g, PHYSDEV, PHYSDEVOP_irq_status_query, &op, sizeof(op));

    *flags = op.flags;
    return ret;
}

static int64_t get_free(XenGuest *g, int type)
{
    struct physdev_get_free_pirq op = {.type = type};
    int64_t ret =
        xen_guest_op(g, PHYSDEV, PHYSDEVOP_get_free_pirq, &op, sizeof(op));

    return ret ? ret : (int64_t)op.pirq;
}

static int64_t bind_pirq(XenGuest *g, uint32_t pirq)
{
    struct evtchn_bind_pirq op = {pirq, 0, 0};
    int64_t ret = xen_guest_op(g, EVTCHN, EVTCHNOP_bind_pirq, &op, sizeof(op));

    return ret ? ret : op.port;
}

static int64_t close_port(XenGuest *g, int64_t port)
{
    struct evtchn_close op = {(uint32_t)port};

    return xen_guest_op(g, EVTCHN, EVTCHNOP_close, &op, sizeof(op));
}

/* A guest that is told of events by vector, as map_pirq wants it. */
static XenGuest *vector_guest(void)
{
    XenGuest *g = xen_guest_new(2, 17);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR),
                    ==, 0);
    xen_guest_ack(g, 0);
    return g;
}

/* @return: the port of @gsi's events */
static uint32_t bound_gsi(XenGuest *g, unsigned gsi, int *pirq)
{
    int64_t port;

    *pirq = -1;
    g_assert_cmpint(map(g, DOMID_SELF, MAP_PIRQ_TYPE_GSI, (int)gsi, pirq), ==,
                    0);
    port = bind_pirq(g, (uint32_t)*pirq);
    g_assert_cmpint(port, >, 0);
    return (uint32_t)port;
}

static uint64_t msi_addr(uint32_t pirq)
{
    return 0xfee00000u | (uint64_t)(pirq & 0xff) << 12 |
           (uint64_t)(pirq & ~0xffu) << 32;
}

static uint32_t features(XenGuest *g)
{
    struct xen_feature_info info = {0};

    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_xen_version,
                                 XENVER_get_features, &info, sizeof(info)),
                    ==, 0);
    return info.submap;
}

CONFORMS(PHYSDEVOP_map_pirq)
CONFORMS(PHYSDEVOP_unmap_pirq)
CONFORMS(PHYSDEVOP_eoi)
CONFORMS(PHYSDEVOP_irq_status_query)
CONFORMS(PHYSDEVOP_get_free_pirq)
static void test_guest_without_pirqs_is_told_so(void)
{
    for (unsigned minor = 17; minor <= 20; minor += 3) {
        g_autoptr(XenGuest) g = xen_guest_new(1, minor);
        XenDomainConfig cfg = xen_guest_config(1, minor);
        int64_t maps = minor == 17 ? -XEN_ENOSYS : -XEN_EOPNOTSUPP;
        uint32_t flags;
        int pirq = -1;

        cfg.pvh = minor == 17; /* 4.20 has none for HVM guests either */
        xen_domain_free(g->d);
        g->d = xen_domain_new(fake_host_ops(g->fake), g->clock, &cfg,
                              &fake_tree_ops, g->tree, NULL);
        g_assert_false(features(g) & 1u << XENFEAT_hvm_pirqs);
        g_assert_cmpint(map(g, DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &pirq), ==,
                        maps);
        g_assert_cmpint(unmap(g, DOMID_SELF, 16), ==, maps);
        if (minor == 20) {
            g_assert_cmpint(unmap(g, 0, 16), ==, -XEN_EPERM);
            g_assert_cmpint(unmap(g, 0x1234, 16), ==, -XEN_ESRCH);
        }
        g_assert_cmpint(eoi(g, 16), ==, -XEN_ENOSYS);
        g_assert_cmpint(query(g, 16, &flags), ==, -XEN_ENOSYS);
        g_assert_cmpint(get_free(g, MAP_PIRQ_TYPE_MSI), ==, -XEN_ENOSYS);
        /* Binding one is possible, and means nothing. */
        g_assert_cmpint(bind_pirq(g, 16), ==, 3);
        g_assert_false(xen_domain_msi(g->d, msi_addr(16), 0x4300));
        g_assert_false(xen_domain_gsi(g->d, 16, true));
        g_assert_false(xen_guest_pending(g, 3));
    }
}

CONFORMS(PHYSDEVOP_map_pirq)
static void test_map_errors_are_those_of_xen(void)
{
    static const struct {
        uint16_t domid;
        int type, index, pirq;
        int64_t want;
    } cases[] = {
        {DOMID_SELF, MAP_PIRQ_TYPE_MSI, 4, -1, -XEN_EINVAL},
        {DOMID_SELF, MAP_PIRQ_TYPE_MSI_SEG, 4, -1, -XEN_EINVAL},
        {DOMID_SELF, 99, 4, -1, -XEN_EINVAL},
        {DOMID_SELF, MAP_PIRQ_TYPE_GSI, -1, -1, -XEN_EINVAL},
        {DOMID_SELF, MAP_PIRQ_TYPE_GSI, 48, -1, -XEN_EINVAL},
        {DOMID_SELF, MAP_PIRQ_TYPE_GSI, INT32_MIN, -1, -XEN_EINVAL},
        {DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, NR_PIRQS, -XEN_EINVAL},
        {DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, INT32_MAX, -XEN_EINVAL},
        {XEN_GUEST_DOMID, MAP_PIRQ_TYPE_GSI, 4, -1, -XEN_EPERM},
        {0, MAP_PIRQ_TYPE_GSI, 4, -1, -XEN_EPERM},
        {0x1234, MAP_PIRQ_TYPE_GSI, 4, -1, -XEN_ESRCH},
        {DOMID_SELF, MAP_PIRQ_TYPE_GSI, 47, NR_PIRQS - 1, 0},
        {DOMID_SELF, MAP_PIRQ_TYPE_GSI, 0, 0, 0},
    };
    g_autoptr(XenGuest) g = vector_guest();
    g_autoptr(XenGuest) line = xen_guest_new(1, 17);
    int pirq = -1, second = -1, taken = 20;

    g_assert_true(features(g) & 1u << XENFEAT_hvm_pirqs);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        int wanted = cases[i].pirq;

        g_test_message("case %u", i);
        g_assert_cmpint(
            map(g, cases[i].domid, cases[i].type, cases[i].index, &wanted), ==,
            cases[i].want);
    }
    /* Events by a line: it could be the one that is mapped. */
    g_assert_cmpint(map(line, DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &pirq), ==,
                    -XEN_EINVAL);
    g_assert_cmpint(map(g, DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &pirq), ==, 0);
    g_assert_cmpint(pirq, ==, 16);
    g_assert_cmpint(map(g, DOMID_SELF, MAP_PIRQ_TYPE_GSI, 5, &second), ==, 0);
    g_assert_cmpint(second, ==, 17);
    /* What is mapped otherwise stays, and that is no error. */
    g_assert_cmpint(map(g, DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &taken), ==, 0);
    g_assert_cmpint(bind_pirq(g, 20), ==, 3);
    g_assert_false(xen_domain_gsi(g->d, 4, true));
    g_assert_false(xen_guest_pending(g, 3));
    g_assert_false(xen_domain_gsi(g->d, 48, true));
    g_assert_false(xen_domain_gsi(g->d, UINT32_MAX, true));
}

CONFORMS(PHYSDEVOP_map_pirq)
static void test_map_works_in_32_bit_layout(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    int pirq = -1;

    xen_guest_set_compat(g);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR),
                    ==, 0);
    /* Nothing is written behind the shorter argument. */
    fake_host_poke8(g->fake, XEN_GUEST_ARG + sizeof(XenCompatMapPirq), 0xa5);
    g_assert_cmpint(map(g, DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &pirq), ==, 0);
    g_assert_cmpint(pirq, ==, 16);
    g_assert_cmphex(
        fake_host_peek8(g->fake, XEN_GUEST_ARG + sizeof(XenCompatMapPirq)), ==,
        0xa5);
}

CONFORMS(EVTCHNOP_bind_pirq)
static void test_bind_errors_are_those_of_xen(void)
{
    g_autoptr(XenGuest) g = vector_guest();
    struct evtchn_status status = {.dom = DOMID_SELF, .port = 3};
    struct evtchn_bind_vcpu move = {3, 1};

    g_assert_cmpint(bind_pirq(g, NR_PIRQS), ==, -XEN_EINVAL);
    g_assert_cmpint(bind_pirq(g, UINT32_MAX), ==, -XEN_EINVAL);
    g_assert_cmpint(bind_pirq(g, NR_PIRQS - 1), ==, 3);
    g_assert_cmpint(bind_pirq(g, NR_PIRQS - 1), ==, -XEN_EEXIST);
    g_assert_cmpint(
        xen_guest_op(g, EVTCHN, EVTCHNOP_status, &status, sizeof(status)), ==,
        0);
    g_assert_cmpuint(status.status, ==, EVTCHNSTAT_pirq);
    g_assert_cmpuint(status.u.pirq, ==, NR_PIRQS - 1);
    g_assert_cmpint(xen_guest_send(g, 3), ==, -XEN_EINVAL);
    g_assert_cmpint(
        xen_guest_op(g, EVTCHN, EVTCHNOP_bind_vcpu, &move, sizeof(move)), ==,
        0);
    g_assert_cmpint(close_port(g, 3), ==, 0);
    g_assert_cmpint(bind_pirq(g, NR_PIRQS - 1), ==, 3);
}

CONFORMS(PHYSDEVOP_eoi)
static void test_level_line_makes_events_until_it_falls(void)
{
    g_autoptr(XenGuest) g = vector_guest();
    uint32_t flags;
    int pirq;
    uint32_t port = bound_gsi(g, GSI, &pirq);

    g_assert_cmpint(query(g, (uint32_t)pirq, &flags), ==, 0);
    g_assert_cmphex(flags, ==, XENIRQSTAT_needs_eoi);
    g_assert_true(xen_domain_gsi(g->d, GSI, true));
    g_assert_true(xen_guest_pending(g, port));
    xen_guest_ack(g, 0);
    g_assert_true(xen_domain_gsi(g->d, GSI, true)); /* no edge */
    g_assert_false(xen_guest_pending(g, port));
    g_assert_cmpint(eoi(g, (uint32_t)pirq), ==, 0);
    g_assert_true(xen_guest_pending(g, port));
    xen_guest_ack(g, 0);
    g_assert_true(xen_domain_gsi(g->d, GSI, false));
    g_assert_cmpint(eoi(g, (uint32_t)pirq), ==, 0);
    g_assert_false(xen_guest_pending(g, port));

    g_assert_cmpint(eoi(g, NR_PIRQS), ==, -XEN_EINVAL);
    g_assert_cmpint(eoi(g, UINT32_MAX), ==, -XEN_EINVAL);
    g_assert_cmpint(eoi(g, 40), ==, -XEN_EINVAL); /* never heard of */
}

static void test_edge_line_makes_one_event(void)
{
    g_autoptr(XenGuest) g = vector_guest();
    int pirq;
    uint32_t port = bound_gsi(g, GSI_EDGE, &pirq);

    g_assert_true(xen_domain_gsi(g->d, GSI_EDGE, true));
    g_assert_true(xen_guest_pending(g, port));
    xen_guest_ack(g, 0);
    g_assert_cmpint(eoi(g, (uint32_t)pirq), ==, 0);
    g_assert_false(xen_guest_pending(g, port));
}

/* The line belongs to the machine's interrupt controllers again. */
static void test_line_that_is_up_is_handed_back(void)
{
    g_autoptr(XenGuest) g = vector_guest();
    struct evtchn_reset reset = {DOMID_SELF};
    int pirq;
    uint32_t port;

    for (unsigned way = 0; way < 3; way++) {
        port = bound_gsi(g, GSI, &pirq);
        g_assert_true(xen_domain_gsi(g->d, GSI, true));
        g_assert_false(fake_host_gsi_held(g->fake, GSI));
        if (way == 0) {
            g_assert_cmpint(close_port(g, port), ==, 0);
        } else if (way == 1) {
            g_assert_cmpint(unmap(g, DOMID_SELF, pirq), ==, 0);
            g_assert_cmpint(close_port(g, port), ==, 0);
        } else {
            g_assert_cmpint(
                xen_guest_op(g, EVTCHN, EVTCHNOP_reset, &reset, sizeof(reset)),
                ==, 0);
        }
        g_test_message("way %u", way);
        g_assert_true(fake_host_gsi_held(g->fake, GSI));
        g_assert_false(xen_domain_gsi(g->d, GSI, false));
        fake_host_ops(g->fake)->ops->gsi_level(fake_host_ops(g->fake), GSI,
                                               false);
        g_assert_cmpint(unmap(g, DOMID_SELF, pirq), ==, 0);
    }
}

CONFORMS(PHYSDEVOP_unmap_pirq)
static void test_unmap_errors_are_those_of_xen(void)
{
    g_autoptr(XenGuest) g = vector_guest();
    uint32_t flags;
    int pirq;

    bound_gsi(g, GSI, &pirq);
    g_assert_cmpint(unmap(g, 0x1234, pirq), ==, -XEN_ESRCH);
    g_assert_cmpint(unmap(g, 0, pirq), ==, -XEN_EPERM);
    g_assert_cmpint(unmap(g, XEN_GUEST_DOMID, pirq), ==, -XEN_EPERM);
    g_assert_cmpint(query(g, (uint32_t)pirq, &flags), ==, 0);
    g_assert_cmpint(unmap(g, DOMID_SELF, pirq), ==, 0);
    g_assert_cmpint(query(g, (uint32_t)pirq, &flags), ==, -XEN_EINVAL);
    /* It, and what was never mapped, are unmapped again without complaint. */
    g_assert_cmpint(unmap(g, DOMID_SELF, pirq), ==, 0);
    g_assert_cmpint(unmap(g, DOMID_SELF, NR_PIRQS), ==, 0);
    g_assert_cmpint(unmap(g, DOMID_SELF, -1), ==, 0);
    g_assert_cmpint(eoi(g, (uint32_t)pirq), ==, 0); /* its port exists */
}

CONFORMS(PHYSDEVOP_get_free_pirq)
CONFORMS(PHYSDEVOP_irq_status_query)
static void test_free_pirqs_run_out(void)
{
    g_autoptr(XenGuest) g = vector_guest();
    uint32_t flags;

    g_assert_cmpint(get_free(g, MAP_PIRQ_TYPE_GSI), ==, 16);
    g_assert_cmpint(get_free(g, MAP_PIRQ_TYPE_MSI), ==, NR_PIRQS - 1);
    g_assert_cmpint(query(g, NR_PIRQS - 1, &flags), ==, -XEN_EINVAL);
    g_assert_cmpint(query(g, NR_PIRQS, &flags), ==, -XEN_EINVAL);
    g_assert_cmpint(eoi(g, NR_PIRQS - 1), ==, 0);
    for (int want = NR_PIRQS - 2; want >= 24; want--) {
        g_assert_cmpint(get_free(g, MAP_PIRQ_TYPE_MSI), ==, want);
    }
    g_assert_cmpint(get_free(g, MAP_PIRQ_TYPE_MSI), ==, -XEN_ENOSPC);
    for (int want = 17; want < 24; want++) {
        g_assert_cmpint(get_free(g, MAP_PIRQ_TYPE_GSI), ==, want);
    }
    g_assert_cmpint(get_free(g, MAP_PIRQ_TYPE_GSI), ==, -XEN_ENOSPC);
}

static void test_message_without_vector_is_an_event(void)
{
    g_autoptr(XenGuest) g = vector_guest();
    int64_t pirq = get_free(g, MAP_PIRQ_TYPE_MSI);
    int64_t port = bind_pirq(g, (uint32_t)pirq);
    uint32_t flags;
    int gsi_pirq;

    bound_gsi(g, GSI, &gsi_pirq);
    g_assert_false(xen_domain_msi(g->d, msi_addr((uint32_t)pirq), 0x4041));
    g_assert_false(xen_domain_msi(g->d, msi_addr(0), 0x4300));
    g_assert_false(xen_guest_pending(g, (uint32_t)port));
    g_assert_true(xen_domain_takes_msi(g->d, msi_addr((uint32_t)pirq), 0x4300));
    g_assert_true(xen_domain_msi(g->d, msi_addr((uint32_t)pirq), 0x4300));
    g_assert_true(xen_guest_pending(g, (uint32_t)port));
    /* It is an interrupt now whose state can be asked for. */
    g_assert_cmpint(query(g, (uint32_t)pirq, &flags), ==, 0);
    /* A message for a line's, or for none, is lost. */
    xen_guest_ack(g, 0);
    g_assert_true(xen_domain_msi(g->d, msi_addr((uint32_t)gsi_pirq), 0x4300));
    g_assert_true(xen_domain_msi(g->d, msi_addr(NR_PIRQS), 0x4300));
    g_assert_true(xen_domain_msi(g->d, msi_addr(4166), 0x4300));
    g_assert_false(xen_guest_upcall_pending(g, 0));
    /* Unbound: as well. */
    g_assert_cmpint(close_port(g, port), ==, 0);
    g_assert_true(xen_domain_msi(g->d, msi_addr((uint32_t)pirq), 0x4300));
    g_assert_false(xen_guest_upcall_pending(g, 0));
}

NOT_OFFERED(PHYSDEVOP_pirq_eoi_gmfn_v1, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pirq_eoi_gmfn_v2, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_set_iopl, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_set_iobitmap, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_apic_read, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_apic_write, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_alloc_irq_vector, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_free_irq_vector, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_manage_pci_add, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_manage_pci_remove, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_restore_msi, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_manage_pci_add_ext, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_setup_gsi, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pci_mmcfg_reserved, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pci_device_add, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_pci_device_remove, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_restore_msi_ext, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_prepare_msix, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_release_msix, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_dbgp_op, -XEN_ENOSYS)
NOT_OFFERED(PHYSDEVOP_IRQ_UNMASK_NOTIFY, -XEN_ENOSYS)
NOT_OFFERED(XEN_PHYSDEVOP_PCI_DEVICE_RESET, -XEN_ENOSYS)
static void test_other_operations_are_the_hardware_domains(void)
{
    g_autoptr(XenGuest) g = vector_guest();

    for (uint64_t cmd = 0; cmd < 64; cmd++) {
        uint8_t arg[64] = {0};

        if (cmd == PHYSDEVOP_map_pirq || cmd == PHYSDEVOP_unmap_pirq ||
            cmd == PHYSDEVOP_eoi || cmd == PHYSDEVOP_irq_status_query ||
            cmd == PHYSDEVOP_get_free_pirq) {
            /* The argument is not there. */
            g_assert_cmpint(
                xen_guest_call(g, PHYSDEV, cmd,
                               XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, 0),
                ==, -XEN_EFAULT);
            continue;
        }
        g_test_message("op %u", (unsigned)cmd);
        g_assert_cmpint(xen_guest_op(g, PHYSDEV, cmd, arg, sizeof(arg)), ==,
                        -XEN_ENOSYS);
    }
}

static void test_state_keeps_mappings_and_lines(void)
{
    g_autoptr(XenGuest) g = vector_guest();
    g_autoptr(GByteArray) state = NULL, again = NULL;
    int64_t msi = get_free(g, MAP_PIRQ_TYPE_MSI), msi_port;
    StateReader *r;
    int pirq;
    uint32_t port = bound_gsi(g, GSI, &pirq);

    msi_port = bind_pirq(g, (uint32_t)msi);
    g_assert_true(xen_domain_msi(g->d, msi_addr((uint32_t)msi), 0x4300));
    g_assert_true(xen_domain_gsi(g->d, GSI, true));
    state = xen_guest_save(g);
    xen_domain_reset(g->d);
    g_assert_false(xen_domain_gsi(g->d, GSI, false));
    r = state_reader_new(state->data, state->len);
    xen_domain_load(g->d, r);
    g_assert_true(state_reader_finish(r, NULL));
    again = xen_guest_save(g);
    g_assert_cmpmem(state->data, state->len, again->data, again->len);
    xen_guest_ack(g, 0);
    g_assert_cmpint(eoi(g, (uint32_t)pirq), ==, 0);
    g_assert_true(xen_guest_pending(g, port));
    g_assert_true(xen_domain_msi(g->d, msi_addr((uint32_t)msi), 0x4300));
    g_assert_true(xen_guest_pending(g, (uint32_t)msi_port));
}

/* After the argument nothing can fail but the copy of the answer. */
static void test_faults_change_nothing(void)
{
    for (unsigned n = 1; n <= 3; n++) {
        g_autoptr(XenGuest) g = vector_guest();
        g_autoptr(XenGuest) twin = vector_guest();
        g_autofree char *got = NULL, *want = NULL;
        int pirq = 20;
        int64_t ret;

        fake_host_fail_nth(g->fake, n);
        ret = map(g, DOMID_SELF, MAP_PIRQ_TYPE_GSI, 4, &pirq);
        g_assert_cmpint(ret, ==, n <= 2 ? -XEN_EFAULT : 0);
        g_assert_true(fake_host_fault_fired(g->fake) == (n <= 2));
        xen_guest_call(twin, 11, 0, 0, 0);
        got = xen_guest_dump(g);
        want = xen_guest_dump(twin);
        if (n == 1) {
            g_assert_cmpstr(got, ==, want);
        } else {
            g_assert_cmpstr(got, !=, want); /* mapped, as in Xen */
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/pirq/" #name, test_##name)
    ADD(guest_without_pirqs_is_told_so);
    ADD(map_errors_are_those_of_xen);
    ADD(map_works_in_32_bit_layout);
    ADD(bind_errors_are_those_of_xen);
    ADD(level_line_makes_events_until_it_falls);
    ADD(edge_line_makes_one_event);
    ADD(line_that_is_up_is_handed_back);
    ADD(unmap_errors_are_those_of_xen);
    ADD(free_pirqs_run_out);
    ADD(message_without_vector_is_an_event);
    ADD(other_operations_are_the_hardware_domains);
    ADD(state_keeps_mappings_and_lines);
    ADD(faults_change_nothing);
    return g_test_run();
}
