/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvm_op: parameters, upcall vectors, and every kind of callback. */
#include "tests/conformance.h"
#include "tests/hvm-params.h"
#include "tests/unit/xen-guest.h"

/* The public headers show these to old guests and to the toolstack only. */
#define HVMOP_set_pci_intx_level 2
#define HVMOP_set_isa_irq_level  3
#define HVMOP_set_pci_link_route 4
#define HVMOP_set_mem_access     12
#define HVMOP_get_mem_access     13

#define VIA(type, rest) ((uint64_t)(type) << 56 | (rest))
#define VIA_VECTOR(v)   VIA(HVM_PARAM_CALLBACK_TYPE_VECTOR, v)
#define VIA_GSI(g)      VIA(HVM_PARAM_CALLBACK_TYPE_GSI, g)
/* The fake gives slot 3, INTB the GSI 16 + (3 + 1) % 4. */
#define VIA_INTX     VIA(HVM_PARAM_CALLBACK_TYPE_PCI_INTX, 3u << 11 | 1)
#define VIA_INTX_GSI 16u

CONFORMS(HVMOP_set_param)
CONFORMS(HVM_PARAM_VM_GENERATION_ID_ADDR)
CONFORMS(HVM_PARAM_X87_FIP_WIDTH)
CONFORMS(HVM_PARAM_ALTP2M)
NOT_OFFERED(HVM_PARAM_IOREQ_PFN, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_BUFIOREQ_PFN, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_VIRIDIAN, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_TIMER_MODE, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_HPET_ENABLED, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_IDENT_PT, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_ACPI_S_STATE, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_VPT_ALIGN, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_PAGING_RING_PFN, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_MONITOR_RING_PFN, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_SHARING_RING_PFN, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_TRIPLE_FAULT_REASON, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_IOREQ_SERVER_PFN, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_NR_IOREQ_SERVER_PAGES, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_MCA_CAP, -XEN_EPERM)
NOT_OFFERED(HVM_PARAM_PAE_ENABLED, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_DM_DOMAIN, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_MEMORY_EVENT_CR0, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_MEMORY_EVENT_CR3, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_MEMORY_EVENT_CR4, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_MEMORY_EVENT_INT3, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_NESTEDHVM, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_MEMORY_EVENT_SINGLE_STEP, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_BUFIOREQ_EVTCHN, -XEN_EINVAL)
NOT_OFFERED(HVM_PARAM_MEMORY_EVENT_MSR, -XEN_EINVAL)
static void test_params_grant_what_xen_grants(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    g_autoptr(XenGuest) newer = xen_guest_new(1, 20);
    uint64_t value;

    for (unsigned i = 0; i < G_N_ELEMENTS(hvm_params); i++) {
        for (unsigned p = hvm_params[i].first; p <= hvm_params[i].last; p++) {
            g_test_message("parameter %u", p);
            g_assert_cmpint(xen_guest_get_param(g, p, &value), ==,
                            hvm_params[i].get);
            g_assert_cmpint(xen_guest_set_param(g, p, 8), ==,
                            hvm_params[i].set);
            if (hvm_params[i].get == 0 && hvm_params[i].set == 0) {
                g_assert_cmpint(xen_guest_get_param(g, p, &value), ==, 0);
                g_assert_cmpuint(value, ==, 8);
            }
        }
    }
    g_assert_cmpint(xen_guest_set_param(newer, HVM_PARAM_ALTP2M, 0), ==,
                    -XEN_EEXIST);
    g_assert_cmpint(xen_guest_get_param(newer, HVM_PARAM_ALTP2M, &value), ==,
                    0);
    g_assert_cmpint(xen_guest_get_param(g, UINT32_MAX, &value), ==,
                    -XEN_EINVAL);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_X87_FIP_WIDTH, 5), ==,
                    -XEN_EINVAL);
}

/* One place in two parameters, as Xen keeps it. */
DEVIATES(HVM_PARAM_VM86_TSS, "Xen crashes a domain that sets its upper half")
DEVIATES(HVM_PARAM_VM86_TSS_SIZED, "Xen crashes a domain for a small TSS")
static void test_tss_has_a_place_and_a_size(void)
{
    static const struct {
        uint32_t index;
        uint64_t value;
        int64_t want;
        uint64_t place, sized;
    } cases[] = {
        {HVM_PARAM_VM86_TSS, 0x5000, 0, 0x5000, 128ull << 32 | 0x5000},
        {HVM_PARAM_VM86_TSS, 1ull << 32, -XEN_EINVAL, 0x5000,
         128ull << 32 | 0x5000},
        {HVM_PARAM_VM86_TSS_SIZED, 103ull << 32 | 0x6000, -XEN_EINVAL, 0x5000,
         128ull << 32 | 0x5000},
        {HVM_PARAM_VM86_TSS_SIZED, 104ull << 32 | 0x6000, 0, 0x6000,
         104ull << 32 | 0x6000},
        {HVM_PARAM_VM86_TSS_SIZED, 8329ull << 32 | 0x6000, 0, 0x6000,
         8329ull << 32 | 0x6000},
        {HVM_PARAM_VM86_TSS_SIZED, UINT64_MAX, 0, UINT32_MAX,
         8329ull << 32 | UINT32_MAX},
        {HVM_PARAM_VM86_TSS, 0, 0, 0, 0},
        {HVM_PARAM_VM86_TSS_SIZED, 0, -XEN_EINVAL, 0, 0},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t value;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("case %u", i);
        g_assert_cmpint(xen_guest_set_param(g, cases[i].index, cases[i].value),
                        ==, cases[i].want);
        g_assert_cmpint(xen_guest_get_param(g, HVM_PARAM_VM86_TSS, &value), ==,
                        0);
        g_assert_cmphex(value, ==, cases[i].place);
        g_assert_cmpint(
            xen_guest_get_param(g, HVM_PARAM_VM86_TSS_SIZED, &value), ==, 0);
        g_assert_cmphex(value, ==, cases[i].sized);
    }
}

DEVIATES(HVM_PARAM_ACPI_IOPORTS_LOCATION, "the PM timer does not move")
static void test_acpi_ports_are_where_hvmloader_puts_them(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint64_t value;

    for (unsigned version = 0; version < 3; version++) {
        g_assert_cmpint(
            xen_guest_set_param(g, HVM_PARAM_ACPI_IOPORTS_LOCATION, version),
            ==, version == 1 ? 0 : -XEN_EINVAL);
        g_assert_cmpint(
            xen_guest_get_param(g, HVM_PARAM_ACPI_IOPORTS_LOCATION, &value), ==,
            0);
        g_assert_cmpuint(value, ==, 1);
    }
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
CONFORMS(HVM_PARAM_STORE_PFN)
CONFORMS(HVM_PARAM_STORE_EVTCHN)
CONFORMS(HVM_PARAM_CONSOLE_PFN)
CONFORMS(HVM_PARAM_CONSOLE_EVTCHN)
static void test_params_start_as_the_toolstack_sets_them(void)
{
    static const struct {
        uint32_t index;
        uint64_t want;
    } cases[] = {
        {HVM_PARAM_CALLBACK_IRQ, 0},   {HVM_PARAM_STORE_PFN, 0xfeffc},
        {HVM_PARAM_STORE_EVTCHN, 1},   {HVM_PARAM_CONSOLE_PFN, 0xfefff},
        {HVM_PARAM_CONSOLE_EVTCHN, 2},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t value;

        g_assert_cmpint(xen_guest_get_param(g, cases[i].index, &value), ==, 0);
        g_assert_cmphex(value, ==, cases[i].want);
    }
}

CONFORMS(HVMOP_get_param)
static void test_params_of_other_domains_are_refused(void)
{
    static const struct {
        uint16_t domid;
        int64_t want;
    } cases[] = {
        {XEN_GUEST_DOMID, 0},
        {0, -XEN_EINVAL},
        {0x1234, -XEN_ESRCH},
        {0x7ff1, -XEN_ESRCH},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct xen_hvm_param op = {cases[i].domid, 0, HVM_PARAM_STORE_PFN, 0};

        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_get_param,
                                     &op, sizeof(op)),
                        ==, cases[i].want);
    }
}

CONFORMS(HVMOP_get_time)
NOT_OFFERED(HVMOP_pagetable_dying, -XEN_EINVAL)
static void test_other_operations_answer_as_xen(void)
{
    struct xen_hvm_pagetable_dying dying = {.domid = DOMID_SELF};
    struct xen_hvm_get_time now = {0};
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);

    fake_host_advance(g->fake, 12345);
    g_assert_cmpint(
        xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_get_time, &now, sizeof(now)),
        ==, 0);
    g_assert_cmpuint(now.now, ==, XEN_GUEST_UPTIME_NS + 12345);
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_pagetable_dying,
                                 &dying, sizeof(dying)),
                    ==, -XEN_EINVAL);
    dying.domid = 0x1234;
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_pagetable_dying,
                                 &dying, sizeof(dying)),
                    ==, -XEN_ESRCH);
    dying.domid = 0;
    g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_pagetable_dying,
                                 &dying, sizeof(dying)),
                    ==, -XEN_EOPNOTSUPP);
    g_assert_cmpint(
        xen_guest_call(g, __HYPERVISOR_hvm_op, 99, XEN_GUEST_ARG, 0), ==,
        -XEN_ENOSYS);
}

/* Operations whose argument must be absent, or does not count. */
CONFORMS(HVMOP_flush_tlbs)
CONFORMS(HVMOP_guest_request_vm_event)
NOT_OFFERED(HVMOP_altp2m, -XEN_EOPNOTSUPP)
NOT_OFFERED(HVMOP_set_pci_intx_level, -XEN_ENOSYS)
NOT_OFFERED(HVMOP_set_isa_irq_level, -XEN_ENOSYS)
NOT_OFFERED(HVMOP_set_pci_link_route, -XEN_ENOSYS)
NOT_OFFERED(HVMOP_set_mem_access, -XEN_ENOSYS)
NOT_OFFERED(HVMOP_get_mem_access, -XEN_ENOSYS)
static void test_operations_without_an_argument(void)
{
    static const struct {
        uint32_t op;
        int64_t with, without;
    } cases[] = {
        {HVMOP_flush_tlbs, -XEN_EINVAL, 0},
        {HVMOP_guest_request_vm_event, -XEN_EINVAL, 0},
        {HVMOP_altp2m, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP},
        {HVMOP_set_pci_intx_level, -XEN_ENOSYS, -XEN_ENOSYS},
        {HVMOP_set_isa_irq_level, -XEN_ENOSYS, -XEN_ENOSYS},
        {HVMOP_set_pci_link_route, -XEN_ENOSYS, -XEN_ENOSYS},
        {6 /* track_dirty_vram */, -XEN_ENOSYS, -XEN_ENOSYS},
        {7 /* modified_memory */, -XEN_ENOSYS, -XEN_ENOSYS},
        {8 /* set_mem_type */, -XEN_ENOSYS, -XEN_ENOSYS},
        {HVMOP_set_mem_access, -XEN_ENOSYS, -XEN_ENOSYS},
        {HVMOP_get_mem_access, -XEN_ENOSYS, -XEN_ENOSYS},
        {14 /* inject_trap */, -XEN_ENOSYS, -XEN_ENOSYS},
        {16 /* inject_msi */, -XEN_ENOSYS, -XEN_ENOSYS},
        {17 /* create_ioreq_server */, -XEN_ENOSYS, -XEN_ENOSYS},
        {22 /* set_ioreq_server_state */, -XEN_ENOSYS, -XEN_ENOSYS},
        {26, -XEN_ENOSYS, -XEN_ENOSYS},
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(2, 17);
        uint32_t op = cases[i / 2].op;

        g_test_message("operation %u compat %u", op, i % 2);
        g->compat = i % 2;
        g_assert_cmpint(
            xen_guest_call(g, __HYPERVISOR_hvm_op, op, XEN_GUEST_ARG, 0), ==,
            cases[i / 2].with);
        g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_TLB_FLUSH), ==, 0);
        g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_hvm_op, op, 0, 0), ==,
                        cases[i / 2].without);
        g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_TLB_FLUSH), ==,
                         op == HVMOP_flush_tlbs);
    }
}

CONFORMS(HVMOP_xentrace)
static void test_xentrace_takes_what_xen_takes(void)
{
    static const struct {
        uint16_t event, extra_bytes;
        int64_t want, newer;
    } cases[] = {
        {0, 0, 0, 0},
        {0, 3, 0, -XEN_EINVAL},
        {0xfff, 28, 0, 0},
        {0, 29, -XEN_EINVAL, -XEN_EINVAL},
        {0, UINT16_MAX, -XEN_EINVAL, -XEN_EINVAL},
        {0x1000, 0, -XEN_EINVAL, -XEN_EINVAL},
        {UINT16_MAX, 0, -XEN_EINVAL, -XEN_EINVAL},
    };
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    g_autoptr(XenGuest) newer = xen_guest_new(1, 20);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct xen_hvm_xentrace op = {
            cases[i].event, cases[i].extra_bytes, {0}};

        g_test_message("case %u", i);
        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_xentrace,
                                     &op, sizeof(op)),
                        ==, cases[i].want);
        g_assert_cmpint(xen_guest_op(newer, __HYPERVISOR_hvm_op, HVMOP_xentrace,
                                     &op, sizeof(op)),
                        ==, cases[i].newer);
    }
    g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_hvm_op, HVMOP_xentrace,
                                   XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT, 0),
                    ==, -XEN_EFAULT);
}

CONFORMS(HVMOP_get_mem_type)
static void test_mem_type_tells_ram_from_the_rest(void)
{
    static const struct {
        uint16_t domid;
        uint64_t pfn;
        int64_t want;
        uint16_t type;
    } cases[] = {
        {DOMID_SELF, 5, 0, HVMMEM_ram_rw},
        {XEN_GUEST_DOMID, XEN_GUEST_SHINFO, 0, HVMMEM_ram_rw},
        {DOMID_SELF, XEN_STORE_GFN, 0, HVMMEM_ram_rw},
        {DOMID_SELF, XEN_GUEST_READONLY, 0, HVMMEM_ram_ro},
        {DOMID_SELF, XEN_GUEST_FRAMES, 0, HVMMEM_mmio_dm},
        {DOMID_SELF, UINT64_MAX, 0, HVMMEM_mmio_dm},
        {DOMID_SELF, 1ull << 52 | 5, 0, HVMMEM_mmio_dm},
        {0, 5, -XEN_EPERM, 0xffff},
        {0x1234, 5, -XEN_ESRCH, 0xffff},
    };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        struct xen_hvm_get_mem_type op = {
            .domid = cases[i / 2].domid,
            .mem_type = 0xffff,
            .pfn = cases[i / 2].pfn,
        };

        g_test_message("case %u compat %u", i / 2, i % 2);
        g->compat = i % 2;
        g_assert_cmpint(xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_get_mem_type,
                                     &op, sizeof(op)),
                        ==, cases[i / 2].want);
        g_assert_cmphex(op.mem_type, ==, cases[i / 2].type);
    }
}

static int64_t set_upcall_vector(XenGuest *g, uint32_t vcpu, uint8_t vector)
{
    struct xen_hvm_evtchn_upcall_vector op = {vcpu, vector};

    return xen_guest_op(g, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector,
                        &op, sizeof(op));
}

CONFORMS(HVMOP_set_evtchn_upcall_vector)
static void test_upcall_vector_is_injected_on_its_vcpu(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    const FakeEvent *e;
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 1);
    XenVcpuInfo info;

    g_assert_cmpint(set_upcall_vector(g, 0, 0x0f), ==, -XEN_EINVAL);
    g_assert_cmpint(set_upcall_vector(g, 2, 0x0f), ==, -XEN_EINVAL);
    g_assert_cmpint(set_upcall_vector(g, 2, 0x10), ==, -XEN_ENOENT);
    g_assert_cmpint(set_upcall_vector(g, 1, 0x10), ==, 0);
    /* One is made up when the vector is set. */
    e = fake_host_last_event(g->fake, FAKE_LAPIC_INJECT);
    g_assert_nonnull(e);
    g_assert_cmpuint(e->a, ==, 1);
    g_assert_cmpuint(e->b, ==, 0x10);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_LAPIC_INJECT), ==, 2);
    xen_domain_query_vcpu(g->d, 1, &info);
    g_assert_cmpuint(info.upcall_vector, ==, 0x10);
    g_assert_cmpuint(info.upcalls, ==, 2);
    /* It comes before the domain's callback. */
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_GSI(1)),
                    ==, 0);
    g_assert_false(fake_host_gsi_held(g->fake, 1));
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void test_vector_callback_is_held_while_pending(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 1);

    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpint(
        xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR(0xf3)), ==,
        0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 1), ==, 0);
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 1));
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 1), ==, 0xf3);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 0), ==, 0);
    g_assert_true(xen_domain_vcpu_upcall_due(g->d, 1));
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 0));
    xen_guest_ack(g, 1);
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 1));
    /* Gone with the callback. */
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, 0), ==, 0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 1), ==, 0);
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 1));
}

static void check_line(XenGuest *g, unsigned gsi)
{
    uint32_t own = (uint32_t)xen_guest_bind_ipi(g, 0);
    uint32_t other = (uint32_t)xen_guest_bind_ipi(g, 1);

    /* Only vCPU 0 has the line. */
    g_assert_cmpint(xen_guest_send(g, other), ==, 0);
    g_assert_false(fake_host_gsi_held(g->fake, gsi));
    g_assert_cmpint(xen_guest_send(g, own), ==, 0);
    g_assert_true(fake_host_gsi_held(g->fake, gsi));
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 1));
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 0));
    g_assert_true(fake_host_gsi_held(g->fake, gsi));
    xen_guest_ack(g, 0);
    g_assert_false(xen_domain_vcpu_upcall_due(g->d, 0));
    g_assert_false(fake_host_gsi_held(g->fake, gsi));
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void test_gsi_callback_follows_vcpu_0(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_GSI(9)),
                    ==, 0);
    check_line(g, 9);
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void test_intx_callback_follows_vcpu_0(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_INTX),
                    ==, 0);
    check_line(g, VIA_INTX_GSI);
}

static void test_callback_moves_an_asserted_line(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_GSI(9)),
                    ==, 0);
    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_INTX),
                    ==, 0);
    g_assert_false(fake_host_gsi_held(g->fake, 9));
    g_assert_true(fake_host_gsi_held(g->fake, VIA_INTX_GSI));
    xen_domain_reset(g->d);
    g_assert_false(fake_host_gsi_held(g->fake, VIA_INTX_GSI));
}

static void test_callbacks_that_mean_none_are_kept(void)
{
    static const uint64_t vias[] = {
        0, VIA(255, 0x1234), VIA(3, 9), VIA_GSI(0x900), /* GSI 0 */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(vias); i++) {
        g_autoptr(XenGuest) g = xen_guest_new(1, 17);
        uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);
        uint64_t value;

        g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, vias[i]),
                        ==, 0);
        g_assert_cmpint(xen_guest_get_param(g, HVM_PARAM_CALLBACK_IRQ, &value),
                        ==, 0);
        g_assert_cmphex(value, ==, vias[i]);
        g_assert_cmpint(xen_guest_send(g, port), ==, 0);
        g_assert_false(xen_domain_vcpu_upcall_due(g->d, 0));
        g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_GSI_LEVEL), ==, 0);
        g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_LAPIC_INJECT), ==,
                         0);
    }
}

static void test_callback_reaches_what_is_pending_already(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(1, 17);
    uint32_t port = (uint32_t)xen_guest_bind_ipi(g, 0);

    g_assert_cmpint(xen_guest_send(g, port), ==, 0);
    g_assert_cmpint(
        xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_VECTOR(0xf3)), ==,
        0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 0), ==, 0xf3);
    g_assert_cmpint(xen_guest_set_param(g, HVM_PARAM_CALLBACK_IRQ, VIA_GSI(5)),
                    ==, 0);
    g_assert_cmpuint(fake_host_vector_held(g->fake, 0), ==, 0);
    g_assert_true(fake_host_gsi_held(g->fake, 5));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/hvm/" #name, test_##name)
    ADD(params_grant_what_xen_grants);
    ADD(tss_has_a_place_and_a_size);
    ADD(acpi_ports_are_where_hvmloader_puts_them);
    ADD(params_start_as_the_toolstack_sets_them);
    ADD(params_of_other_domains_are_refused);
    ADD(other_operations_answer_as_xen);
    ADD(operations_without_an_argument);
    ADD(xentrace_takes_what_xen_takes);
    ADD(mem_type_tells_ram_from_the_rest);
    ADD(upcall_vector_is_injected_on_its_vcpu);
    ADD(vector_callback_is_held_while_pending);
    ADD(gsi_callback_follows_vcpu_0);
    ADD(intx_callback_follows_vcpu_0);
    ADD(callback_moves_an_asserted_line);
    ADD(callbacks_that_mean_none_are_kept);
    ADD(callback_reaches_what_is_pending_already);
    return g_test_run();
}
