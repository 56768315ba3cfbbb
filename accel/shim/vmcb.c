/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages TCG's SVM emulation reads and writes for our intercepts.
 *
 * APM volume 2, 15.5 (VMCB), 15.11 (MSR permission map): two bits an MSR, read
 * then write, for 0 to 1fff, c0000000 to c0001fff and c0010000 to c0011fff.
 * TCG reads the map's address from the VMCB at each MSR access.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "cpu.h"
#include "svm.h"
#include "exec/memory.h"
#include "exec/address-spaces.h"
#include "accel/shim/vmcb.h"
#include <linux/kvm_para.h>

/*
 * Above any physical address a page table or a 52-bit bus can hold; addresses
 * that guests hand over in registers are checked in guest-memory.c.
 */
#define VMCB_AREA_GPA (1ull << 56)
#define VMCB_PAGE     4096u
#define MSRPM_PAGES   2u

static void msrpm_intercept(uint8_t *map, uint32_t msr)
{
    map[msr * 2 / 8] |= 3 << (msr * 2 % 8);
}

bool vmcb_area_new(VmcbArea *area, unsigned nr_vcpus, Error **errp)
{
    ERRP_GUARD();
    MemoryRegion *mr = g_new0(MemoryRegion, 1);
    uint64_t size = (MSRPM_PAGES + (uint64_t)nr_vcpus) * VMCB_PAGE;
    uint8_t *msrpm;

    /* Rewritten at each use, so there is nothing to migrate. */
    memory_region_init_ram_nomigrate(mr, NULL, "jumpcut.vmcb", size, errp);
    if (*errp) {
        g_free(mr);
        return false;
    }
    memory_region_add_subregion(get_system_memory(), VMCB_AREA_GPA, mr);
    area->host = memory_region_get_ram_ptr(mr);
    area->gpa = VMCB_AREA_GPA;
    msrpm = area->host;
    msrpm_intercept(msrpm, MSR_IA32_TSC);
    msrpm_intercept(msrpm, MSR_TSC_ADJUST);
    msrpm_intercept(msrpm, MSR_IA32_TSCDEADLINE);
    for (uint32_t msr = MSR_APIC_START; msr <= MSR_APIC_END; msr++) {
        msrpm_intercept(msrpm, msr);
    }
    msrpm_intercept(msrpm, MSR_KVM_WALL_CLOCK);
    msrpm_intercept(msrpm, MSR_KVM_SYSTEM_TIME);
    for (unsigned i = 0; i < nr_vcpus; i++) {
        vmcb_area_page(area, i)->control.msrpm_base_pa = area->gpa;
    }
    return true;
}

struct vmcb *vmcb_area_page(const VmcbArea *area, unsigned vcpu)
{
    return (struct vmcb *)(area->host + (MSRPM_PAGES + vcpu) * VMCB_PAGE);
}

uint64_t vmcb_area_gpa(const VmcbArea *area, unsigned vcpu)
{
    return area->gpa + (MSRPM_PAGES + vcpu) * (uint64_t)VMCB_PAGE;
}
