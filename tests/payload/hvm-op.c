/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvm_op: parameters and what they permit, the time, types of memory, and the
 * operations that are not a guest's.
 *
 * Behaviour: a guest reads some parameters, sets fewer; the device model's
 * operations are unknown numbers; a few others take no argument.
 * Check: every parameter's two answers, every operation's success and errors,
 * arguments that cannot be read or written.
 * Cannot tell apart: a TLB that was flushed from one that held nothing.
 * Real Xen: measured for the parameters and the upcall vector on 4.17 and
 * 4.23; else by its source (xen: arch/x86/hvm/hvm.c, do_hvm_op) on a processor
 * without EPT.
 *
 * RUN: default
 * RUN: four smp=4
 * RUN: pvh guest=pvh
 * RUN: new plugin=xen-version=4.20 bits=64
 */
#include "tests/conformance.h"
#include "tests/hvm-params.h"
#include "tests/payload/lib/clock.h"

#define DOM0       0
#define NO_DOMAIN  0x1234
#define NR_OPS     26
#define MMIO_FRAME 0xfee00u /* the local APIC's */
#define HOLE       0xffffffffffull

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));

CONFORMS(HVMOP_get_param)
CONFORMS(HVMOP_set_param)
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
CONFORMS(HVM_PARAM_STORE_PFN)
CONFORMS(HVM_PARAM_CONSOLE_PFN)
static void parameters_permit_what_xen_permits(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(hvm_params); i++) {
        for (unsigned p = hvm_params[i].first; p <= hvm_params[i].last; p++) {
            int get = hvm_params[i].get, set = hvm_params[i].set;
            uint64_t value;

            if (p == HVM_PARAM_ALTP2M && xen_version() > 0x40011) {
                set = -XEN_EEXIST; /* read-only since 4.19 */
            }
            input("parameter %u", p);
            CHECK_RC(get, xen_hvm_get_param(p, &value));
            /* The others are the guest's own: they are tried one by one. */
            if (get || set == -XEN_EPERM || set == -XEN_EEXIST) {
                CHECK_RC(set, xen_hvm_set_param(p, 0));
            }
        }
    }
}

CONFORMS(HVM_PARAM_VM_GENERATION_ID_ADDR)
CONFORMS(HVM_PARAM_X87_FIP_WIDTH)
static void parameters_that_can_be_set_read_back(void)
{
    static const struct {
        unsigned index;
        uint64_t value;
    } cases[] = {
        {HVM_PARAM_VM_GENERATION_ID_ADDR, 0xfc000010},
        {HVM_PARAM_X87_FIP_WIDTH, 4},
        {HVM_PARAM_X87_FIP_WIDTH, 8},
        {HVM_PARAM_X87_FIP_WIDTH, 0},
        {HVM_PARAM_CALLBACK_IRQ, 0xff00000000001234},
        {HVM_PARAM_CALLBACK_IRQ, 0},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t value = 77;

        input("parameter %u value %llx", cases[i].index,
              (unsigned long long)cases[i].value);
        CHECK_RC(0, xen_hvm_set_param(cases[i].index, cases[i].value));
        CHECK_RC(0, xen_hvm_get_param(cases[i].index, &value));
        CHECK_EQ(cases[i].value, value);
    }
    CHECK_RC(-XEN_EINVAL, xen_hvm_set_param(HVM_PARAM_X87_FIP_WIDTH, 5));
}

/*
 * One place in two parameters.  On real Xen too small a size, or an upper half
 * in VM86_TSS, would end the domain.
 */
DEVIATES(HVM_PARAM_VM86_TSS, "Xen crashes a domain that sets its upper half")
DEVIATES(HVM_PARAM_VM86_TSS_SIZED, "Xen crashes a domain for a small TSS")
static void tss_has_a_place_and_a_size(void)
{
    static const struct {
        unsigned index;
        uint64_t value, place, sized;
    } cases[] = {
        {HVM_PARAM_VM86_TSS, 0x5000, 0x5000, 128ull << 32 | 0x5000},
        {HVM_PARAM_VM86_TSS_SIZED, 104ull << 32 | 0x6000, 0x6000,
         104ull << 32 | 0x6000},
        {HVM_PARAM_VM86_TSS_SIZED, 8330ull << 32 | 0x6000, 0x6000,
         8329ull << 32 | 0x6000},
        {HVM_PARAM_VM86_TSS, 0, 0, 0},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t value = 77;

        input("case %u", i);
        CHECK_RC(0, xen_hvm_set_param(cases[i].index, cases[i].value));
        CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_VM86_TSS, &value));
        CHECK_EQ(cases[i].place, value);
        CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_VM86_TSS_SIZED, &value));
        CHECK_EQ(cases[i].sized, value);
    }
}

/* A PVH guest has no PM timer that could be anywhere. */
DEVIATES(HVM_PARAM_ACPI_IOPORTS_LOCATION, "the PM timer does not move")
static void acpi_ports_are_where_hvmloader_puts_them(void)
{
    const bool pvh = cmdline_has("guest");
    uint64_t value = 77;

    CHECK_RC(pvh ? -XEN_ENODEV : 0,
             xen_hvm_set_param(HVM_PARAM_ACPI_IOPORTS_LOCATION, 1));
    CHECK_RC(pvh ? -XEN_ENODEV : -XEN_EINVAL,
             xen_hvm_set_param(HVM_PARAM_ACPI_IOPORTS_LOCATION, 2));
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_ACPI_IOPORTS_LOCATION, &value));
    CHECK_EQ(!pvh, value);
}

CONFORMS(HVMOP_get_param)
static void parameters_of_others_are_refused(void)
{
    struct xen_hvm_param op = {.domid = NO_DOMAIN,
                               .index = HVM_PARAM_STORE_PFN};

    CHECK_RC(-XEN_ESRCH, xen_hvm_op(HVMOP_get_param, &op));
    CHECK_RC(-XEN_ESRCH, xen_hvm_op(HVMOP_set_param, &op));
    /* The index is looked at first. */
    op.index = HVM_NR_PARAMS;
    CHECK_RC(-XEN_EINVAL, xen_hvm_op(HVMOP_get_param, &op));
}

CONFORMS(HVMOP_get_time)
static void time_is_the_clocks(void)
{
    uint64_t before = clock_now();
    struct xen_hvm_get_time op = {0};

    CHECK_RC(0, xen_hvm_op(HVMOP_get_time, &op));
    CHECK_RANGE(before, clock_now(), op.now);
}

/* What an operation answers to an absent argument and to a good one. */
CONFORMS(HVMOP_flush_tlbs)
CONFORMS(HVMOP_guest_request_vm_event)
NOT_OFFERED(HVMOP_altp2m, -XEN_EOPNOTSUPP)
NOT_OFFERED(HVMOP_set_pci_intx_level, -XEN_ENOSYS)
NOT_OFFERED(HVMOP_set_isa_irq_level, -XEN_ENOSYS)
NOT_OFFERED(HVMOP_set_pci_link_route, -XEN_ENOSYS)
NOT_OFFERED(HVMOP_set_mem_access, -XEN_ENOSYS)
NOT_OFFERED(HVMOP_get_mem_access, -XEN_ENOSYS)
static void operations_without_an_argument(void)
{
    for (unsigned op = 0; op < NR_OPS + 2; op++) {
        input("operation %u", op);
        switch (op) {
        case HVMOP_flush_tlbs:
        case HVMOP_guest_request_vm_event:
            CHECK_RC(0, xen_hvm_op(op, NULL));
            CHECK_RC(-XEN_EINVAL, xen_hvm_op(op, page));
            break;
        case HVMOP_altp2m:
            CHECK_RC(-XEN_EOPNOTSUPP, xen_hvm_op(op, NULL));
            CHECK_RC(-XEN_EOPNOTSUPP, xen_hvm_op(op, page));
            break;
        case HVMOP_set_param:
        case HVMOP_get_param:
        case HVMOP_pagetable_dying:
        case HVMOP_get_time:
        case HVMOP_xentrace:
        case HVMOP_get_mem_type:
        case HVMOP_set_evtchn_upcall_vector:
            break;
        default:
            CHECK_RC(-XEN_ENOSYS, xen_hvm_op(op, page));
            CHECK_RC(-XEN_ENOSYS, xen_hvm_op(op, NULL));
            break;
        }
    }
}

CONFORMS(HVMOP_xentrace)
static void xentrace_takes_classless_events(void)
{
    struct xen_hvm_xentrace op = {.event = 0xfff, .extra_bytes = 28};

    CHECK_RC(0, xen_hvm_op(HVMOP_xentrace, &op));
    op.extra_bytes = 3; /* words since 4.19 */
    CHECK_RC(xen_version() > 0x40011 ? -XEN_EINVAL : 0,
             xen_hvm_op(HVMOP_xentrace, &op));
    op.extra_bytes = 28;
    op.event = 0x1000;
    CHECK_RC(-XEN_EINVAL, xen_hvm_op(HVMOP_xentrace, &op));
    op.event = 1;
    op.extra_bytes = 29;
    CHECK_RC(-XEN_EINVAL, xen_hvm_op(HVMOP_xentrace, &op));
}

static void check_type(uint64_t frame, unsigned want)
{
    struct xen_hvm_get_mem_type op = {
        .domid = DOMID_SELF, .mem_type = 0xffff, .pfn = frame};

    input("frame %llx", (unsigned long long)frame);
    CHECK_RC(0, xen_hvm_op(HVMOP_get_mem_type, &op));
    CHECK_EQ(want, op.mem_type);
}

CONFORMS(HVMOP_get_mem_type)
static void memory_has_types(void)
{
    struct xen_hvm_get_mem_type op = {.domid = NO_DOMAIN};

    check_type((uintptr_t)page / PAGE_SIZE, HVMMEM_ram_rw);
    check_type(MMIO_FRAME, HVMMEM_mmio_dm);
    check_type(HOLE, HVMMEM_mmio_dm);
    check_type(~0ull, HVMMEM_mmio_dm);
    CHECK_RC(-XEN_ESRCH, xen_hvm_op(HVMOP_get_mem_type, &op));
    op.domid = DOM0;
    CHECK_RC(-XEN_EPERM, xen_hvm_op(HVMOP_get_mem_type, &op));
}

NOT_OFFERED(HVMOP_pagetable_dying, -XEN_EINVAL)
static void page_tables_are_the_hardwares(void)
{
    struct xen_hvm_pagetable_dying op = {.domid = DOMID_SELF};

    CHECK_RC(-XEN_EINVAL, xen_hvm_op(HVMOP_pagetable_dying, &op));
    op.domid = DOM0;
    CHECK_RC(-XEN_EOPNOTSUPP, xen_hvm_op(HVMOP_pagetable_dying, &op));
    op.domid = NO_DOMAIN;
    CHECK_RC(-XEN_ESRCH, xen_hvm_op(HVMOP_pagetable_dying, &op));
}

CONFORMS(HVMOP_set_evtchn_upcall_vector)
static void upcall_vector_errors(void)
{
    CHECK_RC(-XEN_EINVAL, evtchn_upcall_vector(0, 0));
    CHECK_RC(-XEN_EINVAL, evtchn_upcall_vector(0, 0x0f));
    CHECK_RC(-XEN_EINVAL, evtchn_upcall_vector(1000, 0x0f));
    CHECK_RC(-XEN_ENOENT, evtchn_upcall_vector(1000, 0x10));
    CHECK_RC(-XEN_ENOENT, evtchn_upcall_vector(cpu_count(), 0xf0));
}

CONFORMS(HVMOP_set_param)
CONFORMS(HVMOP_get_mem_type)
static void bad_pointers_are_faults(void)
{
    static const unsigned ops[] = {
        HVMOP_set_param,    HVMOP_get_param, HVMOP_pagetable_dying,
        HVMOP_get_time,     HVMOP_xentrace,  HVMOP_set_evtchn_upcall_vector,
        HVMOP_get_mem_type,
    };
    struct xen_hvm_param *op;

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        input("operation %u", ops[i]);
        CHECK_RC(-XEN_EFAULT, xen_hvm_op(ops[i], cpu_map_window(1, 0, 0)));
    }
    /* Read, but the answer cannot be written. */
    memset(page, 0, sizeof(page));
    op = (struct xen_hvm_param *)page;
    op->domid = DOMID_SELF;
    op->index = HVM_PARAM_STORE_PFN;
    input("read-only");
    CHECK_RC(-XEN_EFAULT,
             xen_hvm_op(HVMOP_get_param,
                        cpu_map_window(1, (uintptr_t)page, PTE_PRESENT)));
    CHECK_EQ(0, op->value);
}

PAYLOAD(NEEDS_XEN, TEST(parameters_permit_what_xen_permits),
        TEST(parameters_that_can_be_set_read_back),
        TEST(tss_has_a_place_and_a_size),
        TEST(acpi_ports_are_where_hvmloader_puts_them),
        TEST(parameters_of_others_are_refused), TEST(time_is_the_clocks),
        TEST(operations_without_an_argument),
        TEST(xentrace_takes_classless_events), TEST(memory_has_types),
        TEST(page_tables_are_the_hardwares), TEST(upcall_vector_errors),
        TEST(bad_pointers_are_faults));
