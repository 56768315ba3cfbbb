/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers: the hypercall page, and the TSC's (xen:
 * arch/x86/traps.c, guest_wrmsr_xen; arch/x86/hvm/hvm.c).
 */
#include <string.h>

#include "hw/xen/domain-internal.h"

#define MSR_IA32_TSC        0x10u
#define MSR_IA32_TSC_ADJUST 0x3bu
#define MSR_HYPERCALL       0x40000000u
#define MSR_RESERVED_LIMIT                            \
    0x400002ffu /* Viridian's, which is off, included \
                 */

#define STUB_SIZE 32u

/* mov $nr, %eax; vmmcall; ret */
static void stub_write(uint8_t *stub, uint32_t nr)
{
    const uint8_t code[] = {0xb8, (uint8_t)nr, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3};
    const uint8_t ud2[] = {0x0f, 0x0b};

    if (nr == __HYPERVISOR_iret) {
        memcpy(stub, ud2, sizeof(ud2)); /* PV only */
    } else {
        memcpy(stub, code, sizeof(code));
    }
}

static GuestMsrResult hypercall_page_write(XenDomain *d, unsigned vcpu,
                                           uint64_t value)
{
    GuestPhys gpa = {value & ~(uint64_t)(HOST_PAGE_SIZE - 1)};
    uint8_t page[HOST_PAGE_SIZE];

    if (value & (HOST_PAGE_SIZE - 1)) {
        return GUEST_MSR_GP; /* page index: there is but page 0 */
    }
    memset(page, 0xcc, sizeof(page));
    for (uint32_t nr = 0; nr < HOST_PAGE_SIZE / STUB_SIZE; nr++) {
        stub_write(page + nr * STUB_SIZE, nr);
    }
    if (!d->host->ops->mem.phys_write(d->host, gpa, page, sizeof(page))) {
        return GUEST_MSR_GP;
    }
    xen_latch_shared_info(d, vcpu);
    return GUEST_MSR_OK;
}

GuestMsrResult xen_domain_rdmsr(XenDomain *d, unsigned vcpu, uint32_t index,
                                uint64_t *value)
{
    *value = 0;
    switch (index) {
    case MSR_IA32_TSC:
        *value = clock_guest_tsc(d->clock, vcpu, xen_now(d));
        return GUEST_MSR_OK;
    case MSR_IA32_TSC_ADJUST:
        *value = clock_tsc_adjust(d->clock, vcpu);
        return GUEST_MSR_OK;
    case MSR_HYPERCALL:
        return GUEST_MSR_OK;
    default:
        return index > MSR_HYPERCALL && index <= MSR_RESERVED_LIMIT
                   ? GUEST_MSR_GP
                   : GUEST_MSR_NOT_OURS;
    }
}

GuestMsrResult xen_domain_wrmsr(XenDomain *d, unsigned vcpu, uint32_t index,
                                uint64_t value)
{
    switch (index) {
    case MSR_IA32_TSC:
        clock_write_tsc(d->clock, vcpu, xen_now(d), value);
        xen_time_update(&d->vcpus[vcpu], false);
        return GUEST_MSR_OK;
    case MSR_IA32_TSC_ADJUST:
        clock_write_tsc_adjust(d->clock, vcpu, value);
        xen_time_update(&d->vcpus[vcpu], false);
        return GUEST_MSR_OK;
    case MSR_HYPERCALL:
        return hypercall_page_write(d, vcpu, value);
    default:
        return index > MSR_HYPERCALL && index <= MSR_RESERVED_LIMIT
                   ? GUEST_MSR_GP
                   : GUEST_MSR_NOT_OURS;
    }
}
