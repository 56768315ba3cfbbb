/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen's CPUID leaves.
 *
 * Behaviour: leaves 0x40000000 to 0x40000005 tell a guest that it runs on Xen,
 * which, as whom, and how its TSC is made.
 * Check: every register of every leaf and sub-leaf, on each CPU, for several
 * host profiles; leaves beyond the last read zero.
 * Cannot tell apart: a host whose leaf 3 is right by chance.  Signatures at
 * another base than 0x40000000 (Viridian) are not looked at.
 * Real Xen: the values are measured (xen: arch/x86/cpuid.c,
 * cpuid_hypervisor_leaves; 4.17: arch/x86/traps.c).
 *
 * RUN: default smp=2 plugin=xen-version=4.17
 * RUN: 4-20 plugin=xen-version=4.20 append=minor=20
 * RUN: domid plugin=domid=7 append=domid=7
 * RUN: khz plugin=tsc-khz=2596122 append=khz=2596122
 * RUN: invtsc plugin=invtsc=on append=invtsc append=tsc-eax=6
 * RUN: native plugin=tsc-mode=native append=mode=2 append=tsc-eax=4
 * RUN: emulate plugin=tsc-mode=always-emulate plugin=invtsc=on append=mode=1
 *      append=invtsc append=tsc-eax=7
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=2 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define LEAF_FEATURES  0x00000001u
#define LEAF_EXTENDED  0x80000001u
#define LEAF_POWER     0x80000007u
#define ECX_HYPERVISOR (1u << 31)
#define ECX_SVM        (1u << 2)
#define EDX_RDTSCP     (1u << 27)
#define EDX_INVTSC     (1u << 8)
#define HVM_FLAGS      0x5cu /* IOMMU, vCPU id, domid, upcall vector */

static void check_leaf(uint32_t leaf, uint32_t subleaf, CpuidRegs want)
{
    CpuidRegs got = cpu_cpuid(leaf, subleaf);

    input("leaf %x.%x", leaf, subleaf);
    CHECK_EQ(want.eax, got.eax);
    CHECK_EQ(want.ebx, got.ebx);
    CHECK_EQ(want.ecx, got.ecx);
    CHECK_EQ(want.edx, got.edx);
}

CONFORMS(XEN_CPUID_LEAF(0))
static void signature_leaf_names_xen(void)
{
    check_leaf(XEN_CPUID_LEAF(0), 0,
               (CpuidRegs){XEN_CPUID_LEAF(5), XEN_CPUID_SIGNATURE_EBX,
                           XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX});
    check_leaf(XEN_CPUID_LEAF(0), 7,
               (CpuidRegs){XEN_CPUID_LEAF(5), XEN_CPUID_SIGNATURE_EBX,
                           XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX});
}

CONFORMS(XEN_CPUID_LEAF(1))
static void version_leaf_agrees_with_hypercall(void)
{
    uint32_t minor = (uint32_t)cmdline_number("minor", 17);

    check_leaf(XEN_CPUID_LEAF(1), 0, (CpuidRegs){0x40000 | minor, 0, 0, 0});
    CHECK_RC(0x40000 | minor, xen_version_op(XENVER_version, NULL));
}

CONFORMS(XEN_CPUID_LEAF(2))
static void feature_leaf_gives_one_page_and_its_msr(void)
{
    check_leaf(XEN_CPUID_LEAF(2), 0,
               (CpuidRegs){1, XEN_MSR_HYPERCALL_PAGE, 0, 0});
}

CONFORMS(XEN_CPUID_LEAF(3))
static void tsc_leaf_tells_mode_and_frequency(void)
{
    uint32_t khz = (uint32_t)cmdline_number("khz", 1000000);

    check_leaf(XEN_CPUID_LEAF(3), 0,
               (CpuidRegs){(uint32_t)cmdline_number("tsc-eax", 5),
                           (uint32_t)cmdline_number("mode", 0), khz, 1});
    check_leaf(XEN_CPUID_LEAF(3), 2, (CpuidRegs){khz, 0, 0, 0});
    check_leaf(XEN_CPUID_LEAF(3), 3, (CpuidRegs){0, 0, 0, 0});
    check_leaf(XEN_CPUID_LEAF(3), 99, (CpuidRegs){0, 0, 0, 0});
}

/* xen: arch/x86/time.c, set_time_scale, worked out by hand for these two. */
CONFORMS(XEN_CPUID_LEAF(3))
static void tsc_scale_leaf_has_xens_multiplier(void)
{
    bool fast = cmdline_number("khz", 1000000) == 2596122;
    CpuidRegs got = cpu_cpuid(XEN_CPUID_LEAF(3), 1);

    CHECK_EQ(fast ? 0xc5379ca5 : 0x80000000, got.ecx);
    CHECK_EQ(fast ? 0xffffffff : 1, got.edx);
    if (cpu_cpuid(XEN_CPUID_LEAF(3), 0).eax & 1) {
        CHECK_EQ(0, got.eax);
        CHECK_EQ(0, got.ebx);
    }
}

static CpuidRegs other_identity;

static void read_identity(void *arg)
{
    (void)arg;
    other_identity = cpu_cpuid(XEN_CPUID_LEAF(4), 0);
}

CONFORMS(XEN_CPUID_LEAF(4))
static void identity_leaf_gives_vcpu_and_domain(void)
{
    uint32_t domid = (uint32_t)cmdline_number("domid", 1);

    check_leaf(XEN_CPUID_LEAF(4), 0, (CpuidRegs){HVM_FLAGS, 0, domid, 0});
    check_leaf(XEN_CPUID_LEAF(4), 1, (CpuidRegs){0, 0, 0, 0});
    for (unsigned i = 1; i < cpu_count(); i++) {
        input("cpu %u", i);
        CHECK(cpu_start_other(i, read_identity, NULL) && cpu_other_done(i));
        CHECK_EQ(HVM_FLAGS, other_identity.eax);
        CHECK_EQ(i, other_identity.ebx);
        CHECK_EQ(domid, other_identity.ecx);
        CHECK_EQ(0, other_identity.edx);
    }
}

CONFORMS(XEN_CPUID_LEAF(5))
static void leaves_beyond_read_zero(void)
{
    static const uint32_t leaves[] = {0x40000005, 0x40000006, 0x4000000f,
                                      0x40000080, 0x400000ff};

    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
        check_leaf(leaves[i], 0, (CpuidRegs){0, 0, 0, 0});
        check_leaf(leaves[i], 1, (CpuidRegs){0, 0, 0, 0});
    }
}

static void machine_leaves_show_guest_features(void)
{
    CHECK_EQ(ECX_HYPERVISOR, cpu_cpuid(LEAF_FEATURES, 0).ecx & ECX_HYPERVISOR);
    CHECK_EQ(0, cpu_cpuid(LEAF_EXTENDED, 0).ecx & ECX_SVM);
    CHECK_EQ(EDX_RDTSCP, cpu_cpuid(LEAF_EXTENDED, 0).edx & EDX_RDTSCP);
    CHECK_EQ(cmdline_has("invtsc") ? EDX_INVTSC : 0,
             cpu_cpuid(LEAF_POWER, 0).edx & EDX_INVTSC);
}

PAYLOAD(NEEDS_XEN, TEST(signature_leaf_names_xen),
        TEST(version_leaf_agrees_with_hypercall),
        TEST(feature_leaf_gives_one_page_and_its_msr),
        TEST(tsc_leaf_tells_mode_and_frequency),
        TEST(tsc_scale_leaf_has_xens_multiplier),
        TEST(identity_leaf_gives_vcpu_and_domain),
        TEST(leaves_beyond_read_zero),
        TEST(machine_leaves_show_guest_features));
