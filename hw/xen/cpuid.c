/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Xen's CPUID leaves (xen: arch/x86/cpuid.c, cpuid_hypervisor_leaves). */
#include "hw/xen/domain-internal.h"

#define LEAF_BASE 0x40000000u
/* Hypervisors' leaves; none of them is the processor's. */
#define LEAF_HYPERVISOR_LIMIT 0x4fffffffu
#define NR_LEAVES             6u

/* "XenVMMXenVMM" */
#define SIGNATURE_EBX 0x566e6558u
#define SIGNATURE_ECX 0x65584d4du
#define SIGNATURE_EDX 0x4d4d566eu

#define HYPERCALL_MSR 0x40000000u

#define TIME_EMULATED  (1u << 0)
#define TIME_HOST_SAFE (1u << 1)
#define TIME_RDTSCP    (1u << 2)

/* vCPU id, domain id, IOMMU mappings and the per-vCPU upcall vector. */
#define HVM_FEATURES 0x5cu

static void leaf_time(const XenDomain *d, uint32_t subleaf, GuestCpuid *out)
{
    ClockTscInfo info;

    clock_tsc_info(d->clock, &info);
    switch (subleaf) {
    case 0:
        out->eax = (info.emulated ? TIME_EMULATED : 0) |
                   (info.host_tsc_safe ? TIME_HOST_SAFE : 0) | TIME_RDTSCP;
        out->ebx = info.mode;
        out->ecx = info.guest_khz;
        out->edx = info.incarnation;
        break;
    case 1:
        out->eax = (uint32_t)info.offset;
        out->ebx = (uint32_t)(info.offset >> 32);
        out->ecx = info.mul;
        out->edx = (uint32_t)(int32_t)info.shift;
        break;
    case 2:
        out->eax = info.host_khz;
        break;
    }
}

bool xen_domain_cpuid(XenDomain *d, unsigned vcpu, uint32_t leaf,
                      uint32_t subleaf, GuestCpuid *out)
{
    if (leaf < LEAF_BASE || leaf > LEAF_HYPERVISOR_LIMIT) {
        return false;
    }
    *out = (GuestCpuid){0};
    switch (leaf - LEAF_BASE) {
    case 0:
        *out = (GuestCpuid){LEAF_BASE + NR_LEAVES - 1, SIGNATURE_EBX,
                            SIGNATURE_ECX, SIGNATURE_EDX};
        break;
    case 1:
        out->eax = d->cfg.version_major << 16 | d->cfg.version_minor;
        break;
    case 2:
        out->eax = 1; /* hypercall pages */
        out->ebx = HYPERCALL_MSR;
        break;
    case 3:
        leaf_time(d, subleaf, out);
        break;
    case 4:
        if (subleaf == 0) {
            out->eax = HVM_FEATURES;
            out->ebx = vcpu;
            out->ecx = d->cfg.domid;
        }
        break;
    }
    return true;
}
