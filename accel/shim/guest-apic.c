/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Xen and KVM give every guest's local APIC and QEMU's own has not: the
 * timer's TSC-deadline mode.  QEMU's keeps the mode's bits in its timer
 * register and makes nothing of them; with an initial count of 0 its own timer
 * rests meanwhile.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "cpu.h"
#include "exec/memory.h"
#include "hw/core/cpu.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic_internal.h"
#include "accel/shim/guest-internal.h"

#define APIC_PAGE 0x1000u
/* Registers: MSRs from MSR_APIC_START on, or 16 bytes apart in memory */
#define REG_LVT_TIMER     0x32u
#define REG_INITIAL_COUNT 0x38u
#define REG_SHIFT         4
#define REG_SIZE          4u
#define REGION_NAME       "apic-msi"

QEMU_BUILD_BUG_ON(APIC_LVT_MASKED != TSC_DEADLINE_LVT_MASKED);
QEMU_BUILD_BUG_ON(APIC_LVT_TIMER_TSCDEADLINE != TSC_DEADLINE_LVT_MODE);

/* The callbacks of MemoryRegionOps get QEMU's pointer, not ours. */
static struct {
    Guest *guest;
    const MemoryRegionOps *stock;
    MemoryRegionOps wrapped;
} mmio;

static APICCommonState *vcpu_apic(unsigned vcpu)
{
    CPUState *cs = qemu_get_cpu(vcpu);

    return cs && X86_CPU(cs)->apic_state ? APIC_COMMON(X86_CPU(cs)->apic_state)
                                         : NULL;
}

bool guest_apic_present(unsigned vcpu)
{
    return vcpu_apic(vcpu);
}

static uint32_t read_timer_lvt(unsigned vcpu)
{
    APICCommonState *s = vcpu_apic(vcpu);

    if (!s || !(s->apicbase & MSR_IA32_APICBASE_ENABLE)) {
        return TSC_DEADLINE_LVT_MASKED;
    }
    /* Disabled by software all of the table is masked: SDM volume 3, 11.4.7.2;
     * QEMU's registers do not show it. */
    return s->lvt[APIC_LVT_TIMER] |
           (s->spurious_vec & APIC_SV_ENABLE ? 0 : TSC_DEADLINE_LVT_MASKED);
}

/* TscDeadlineLvtFn */
static uint32_t timer_lvt(void *opaque, unsigned vcpu)
{
    Guest *g = opaque;

    return host_tap_input(g->tap, read_timer_lvt(vcpu));
}

static bool timer_lvt_write(Guest *g, unsigned vcpu, uint32_t val)
{
    TapEntry entry = {.kind = TAP_LVT, .arg = {vcpu, val}};
    uint64_t no_count;

    host_tap_begin(g->tap, &entry);
    no_count = tsc_deadline_lvt_write(g->tsc_deadline, vcpu, val);
    host_tap_end(g->tap, &no_count, 1);
    return no_count;
}

/* @return: false if the write is to be ignored, else it is for QEMU's APIC */
static bool register_write(Guest *g, unsigned vcpu, unsigned reg, uint32_t val)
{
    switch (reg) {
    case REG_LVT_TIMER:
        if (timer_lvt_write(g, vcpu, val)) {
            vcpu_apic(vcpu)->initial_count = 0;
        }
        return true;
    case REG_INITIAL_COUNT:
        return !tsc_deadline_no_count(g->tsc_deadline, vcpu);
    }
    return true;
}

/* Whatever APIC the region belongs to, the vCPU that writes means its own. */
static void mmio_write(void *opaque, hwaddr addr, uint64_t val, unsigned size)
{
    bool ours = current_cpu && X86_CPU(current_cpu)->apic_state &&
                addr < APIC_PAGE && size >= REG_SIZE;

    if (!ours || register_write(mmio.guest, current_cpu->cpu_index,
                                addr >> REG_SHIFT, val)) {
        mmio.stock->write(opaque, addr, val, size);
    }
}

/* QEMU maps the region of the first vCPU's APIC for them all. */
static bool wrap_mmio(Guest *g, Error **errp)
{
    APICCommonState *s = vcpu_apic(0);
    MemoryRegion *mr = s ? &s->io_memory : NULL;

    if (!s) {
        return true;
    }
    /* Fields on either side of the one that is changed. */
    if (mr->owner != OBJECT(s) || mr->opaque != s || !mr->ops->write ||
        g_strcmp0(memory_region_name(mr), REGION_NAME)) {
        error_setg(errp, "the local APIC's registers are not as expected");
        return false;
    }
    mmio.guest = g;
    mmio.stock = mr->ops;
    mmio.wrapped = *mr->ops;
    mmio.wrapped.write = mmio_write;
    mr->ops = &mmio.wrapped;
    return true;
}

/* The part */

static bool part_cpuid(void *part, unsigned vcpu, uint32_t leaf,
                       uint32_t subleaf, uint32_t regs[4])
{
    return false;
}

/*
 * The registers as MSRs (x2APIC).  helper_rdmsr() and helper_wrmsr() would take
 * the lock that is held, and by themselves end QEMU under icount: some of the
 * registers read the time or raise interrupts, and TCG does not know that.
 */
static bool is_register(uint32_t index)
{
    return index >= MSR_APIC_START && index <= MSR_APIC_END;
}

static GuestMsrResult part_rdmsr(void *part, unsigned vcpu, uint32_t index,
                                 uint64_t *value)
{
    Guest *g = part;

    if (index == MSR_IA32_TSCDEADLINE) {
        *value = tsc_deadline_read(g->tsc_deadline, vcpu);
        return GUEST_MSR_OK;
    }
    if (is_register(index)) {
        return apic_msr_read(index - MSR_APIC_START, value) < 0 ? GUEST_MSR_GP
                                                                : GUEST_MSR_OK;
    }
    return GUEST_MSR_NOT_OURS;
}

static GuestMsrResult register_wrmsr(Guest *g, unsigned vcpu, unsigned reg,
                                     uint64_t value)
{
    APICCommonState *s = vcpu_apic(vcpu);

    if (!s || !(s->apicbase & MSR_IA32_APICBASE_EXTD)) {
        return GUEST_MSR_GP;
    }
    if (register_write(g, vcpu, reg, value) && apic_msr_write(reg, value) < 0) {
        return GUEST_MSR_GP;
    }
    return GUEST_MSR_OK;
}

static GuestMsrResult part_wrmsr(void *part, unsigned vcpu, uint32_t index,
                                 uint64_t value)
{
    Guest *g = part;

    if (index == MSR_IA32_TSCDEADLINE) {
        tsc_deadline_write(g->tsc_deadline, vcpu, value);
        return GUEST_MSR_OK;
    }
    if (is_register(index)) {
        return register_wrmsr(g, vcpu, index - MSR_APIC_START, value);
    }
    return GUEST_MSR_NOT_OURS;
}

static void part_init(void *part, unsigned vcpu)
{
    Guest *g = part;

    tsc_deadline_disarm(g->tsc_deadline, vcpu);
}

static void part_tsc_written(void *part, unsigned vcpu)
{
    Guest *g = part;

    tsc_deadline_tsc_written(g->tsc_deadline, vcpu);
}

static void part_clock_changed(void *part)
{
    Guest *g = part;

    tsc_deadline_clock_changed(g->tsc_deadline);
}

static void part_reset(void *part)
{
    Guest *g = part;

    tsc_deadline_reset(g->tsc_deadline);
}

static void part_save(void *part, StateWriter *w)
{
    Guest *g = part;

    tsc_deadline_save(g->tsc_deadline, w);
}

static void part_load(void *part, StateReader *r)
{
    Guest *g = part;

    tsc_deadline_load(g->tsc_deadline, r);
}

static const GuestPartOps part_ops = {
    .cpuid = part_cpuid,
    .rdmsr = part_rdmsr,
    .wrmsr = part_wrmsr,
    .init = part_init,
    .tsc_written = part_tsc_written,
    .clock_changed = part_clock_changed,
    .reset = part_reset,
    .save = part_save,
    .load = part_load,
};

bool guest_apic_new(Guest *g, Error **errp)
{
    g->tsc_deadline =
        tsc_deadline_new(g->host, g->clock, g->nr_vcpus, timer_lvt, g);
    if (!g->tsc_deadline) {
        error_setg(errp, "local APIC: no timer to be had");
        return false;
    }
    if (!wrap_mmio(g, errp)) {
        return false;
    }
    guest_add_part(g, &part_ops, g);
    return true;
}
