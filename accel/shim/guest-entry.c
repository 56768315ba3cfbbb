/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a vCPU asks its hypervisor, handed to the parts of a guest in order.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "cpu.h"
#include "accel/shim/guest-internal.h"

static void processor_leaf(const Guest *g, unsigned vcpu, uint32_t leaf,
                           uint32_t regs[4])
{
    bool invtsc = clock_invtsc(g->clock);

    switch (leaf) {
    case 1:
        regs[2] |= CPUID_EXT_HYPERVISOR;
        if (guest_apic_present(vcpu)) {
            regs[2] |= CPUID_EXT_TSC_DEADLINE_TIMER;
        }
        break;
    case 0x80000000:
        if (invtsc && regs[0] < 0x80000007) {
            regs[0] = 0x80000007;
        }
        break;
    case 0x80000001:
        regs[2] &= ~CPUID_EXT3_SVM;
        break;
    case 0x80000007:
        regs[3] &= ~CPUID_APM_INVTSC;
        regs[3] |= invtsc ? CPUID_APM_INVTSC : 0;
        break;
    case 0x8000000a:
        memset(regs, 0, 4 * sizeof(regs[0]));
        break;
    }
}

static void entry_cpuid(void *opaque, unsigned vcpu, uint32_t leaf,
                        uint32_t subleaf, uint32_t regs[4])
{
    Guest *g = opaque;

    for (unsigned i = 0; i < g->nr_parts; i++) {
        const GuestPart *p = &g->parts[i];

        if (p->ops->cpuid(p->part, vcpu, leaf, subleaf, regs)) {
            return;
        }
    }
    processor_leaf(g, vcpu, leaf, regs);
}

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* The TSC is there whatever the hypervisor. */
static GuestMsrResult clock_rdmsr(const Guest *g, unsigned vcpu, uint32_t index,
                                  uint64_t *value)
{
    switch (index) {
    case MSR_IA32_TSC:
        *value = clock_guest_tsc(g->clock, vcpu, now_ns());
        return GUEST_MSR_OK;
    case MSR_TSC_ADJUST:
        *value = clock_tsc_adjust(g->clock, vcpu);
        return GUEST_MSR_OK;
    }
    return GUEST_MSR_NOT_OURS;
}

static GuestMsrResult clock_wrmsr(const Guest *g, unsigned vcpu, uint32_t index,
                                  uint64_t value)
{
    switch (index) {
    case MSR_IA32_TSC:
        clock_write_tsc(g->clock, vcpu, now_ns(), value);
        return GUEST_MSR_OK;
    case MSR_TSC_ADJUST:
        clock_write_tsc_adjust(g->clock, vcpu, value);
        return GUEST_MSR_OK;
    }
    return GUEST_MSR_NOT_OURS;
}

static GuestMsrResult entry_rdmsr(void *opaque, unsigned vcpu, uint32_t index,
                                  uint64_t *value)
{
    Guest *g = opaque;

    for (unsigned i = 0; i < g->nr_parts; i++) {
        const GuestPart *p = &g->parts[i];
        GuestMsrResult result = p->ops->rdmsr(p->part, vcpu, index, value);

        if (result != GUEST_MSR_NOT_OURS) {
            return result;
        }
    }
    return clock_rdmsr(g, vcpu, index, value);
}

static GuestMsrResult parts_wrmsr(const Guest *g, unsigned vcpu, uint32_t index,
                                  uint64_t value)
{
    for (unsigned i = 0; i < g->nr_parts; i++) {
        const GuestPart *p = &g->parts[i];
        GuestMsrResult result = p->ops->wrmsr(p->part, vcpu, index, value);

        if (result != GUEST_MSR_NOT_OURS) {
            return result;
        }
    }
    return clock_wrmsr(g, vcpu, index, value);
}

static GuestMsrResult entry_wrmsr(void *opaque, unsigned vcpu, uint32_t index,
                                  uint64_t value)
{
    Guest *g = opaque;
    GuestMsrResult result = parts_wrmsr(g, vcpu, index, value);

    if (index == MSR_IA32_TSC || index == MSR_TSC_ADJUST) {
        for (unsigned i = 0; i < g->nr_parts; i++) {
            if (g->parts[i].ops->tsc_written) {
                g->parts[i].ops->tsc_written(g->parts[i].part, vcpu);
            }
        }
        shim_tsc_changed();
    }
    return result;
}

/* Each kind of guest has a part that takes hypercalls. */
static int64_t entry_hypercall(void *opaque, unsigned vcpu, ShimHypercall *call)
{
    Guest *g = opaque;
    unsigned i = 0;

    if (unlikely(g->ap_stop)) {
        guest_remove_ap_stop(g);
    }
    while (!g->parts[i].ops->hypercall) {
        i++;
        assert(i < g->nr_parts);
    }
    return g->parts[i].ops->hypercall(g->parts[i].part, vcpu, call);
}

static uint64_t entry_rdtsc(void *opaque, unsigned vcpu)
{
    Guest *g = opaque;

    return clock_guest_tsc(g->clock, vcpu, now_ns());
}

static bool entry_tsc_is_offset(void *opaque, unsigned vcpu, uint64_t *offset)
{
    Guest *g = opaque;

    return clock_tsc_is_offset(g->clock, vcpu, offset);
}

static void entry_halted(void *opaque, unsigned vcpu, bool interrupts)
{
    Guest *g = opaque;

    for (unsigned i = 0; i < g->nr_parts; i++) {
        if (g->parts[i].ops->halted) {
            g->parts[i].ops->halted(g->parts[i].part, vcpu, interrupts);
        }
    }
}

static void entry_runnable(void *opaque, unsigned vcpu)
{
    Guest *g = opaque;

    for (unsigned i = 0; i < g->nr_parts; i++) {
        if (g->parts[i].ops->runnable) {
            g->parts[i].ops->runnable(g->parts[i].part, vcpu);
        }
    }
}

static void entry_running(void *opaque, unsigned vcpu)
{
    Guest *g = opaque;

    for (unsigned i = 0; i < g->nr_parts; i++) {
        if (g->parts[i].ops->running) {
            g->parts[i].ops->running(g->parts[i].part, vcpu);
        }
    }
}

static void entry_init(void *opaque, unsigned vcpu)
{
    Guest *g = opaque;

    for (unsigned i = 0; i < g->nr_parts; i++) {
        if (g->parts[i].ops->init) {
            g->parts[i].ops->init(g->parts[i].part, vcpu);
        }
    }
}

static bool entry_nmi(void *opaque, unsigned vcpu)
{
    Guest *g = opaque;

    for (unsigned i = 0; i < g->nr_parts; i++) {
        if (g->parts[i].ops->nmi &&
            g->parts[i].ops->nmi(g->parts[i].part, vcpu)) {
            return true;
        }
    }
    return false;
}

static bool entry_upcall_due(void *opaque, unsigned vcpu)
{
    Guest *g = opaque;

    for (unsigned i = 0; i < g->nr_parts; i++) {
        if (g->parts[i].ops->upcall_due &&
            g->parts[i].ops->upcall_due(g->parts[i].part, vcpu)) {
            return true;
        }
    }
    return false;
}

const ShimHypervisorOps guest_hypervisor_ops = {
    .cpuid = entry_cpuid,
    .rdmsr = entry_rdmsr,
    .wrmsr = entry_wrmsr,
    .hypercall = entry_hypercall,
    .rdtsc = entry_rdtsc,
    .tsc_is_offset = entry_tsc_is_offset,
    .halted = entry_halted,
    .runnable = entry_runnable,
    .running = entry_running,
    .init = entry_init,
    .nmi = entry_nmi,
    .upcall_due = entry_upcall_due,
};
