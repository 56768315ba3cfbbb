/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VCPUOP_initialise: what a vCPU may begin with, and that it does. */
#include <string.h>

#include "tests/conformance.h"
#include "tests/unit/xen-guest.h"

#define CR0_PE   1u
#define CR0_PG   (1u << 31)
#define CR4_PAE  (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)

typedef struct vcpu_hvm_context Context;

static Context good_32(void)
{
    return (Context){
        .mode = VCPU_HVM_MODE_32B,
        .cpu_regs.x86_32 =
            {
                .eax = 1,
                .ecx = 2,
                .edx = 3,
                .ebx = 4,
                .esp = 5,
                .ebp = 6,
                .esi = 7,
                .edi = 8,
                .eip = 0x100000,
                .eflags = 0xffffffff,
                .cr0 = CR0_PE,
                .cr3 = 0x3000,
                .cs_base = 0x10,
                .ds_base = 0x20,
                .ss_base = 0x30,
                .es_base = 0x40,
                .tr_base = 0x50,
                .cs_limit = UINT32_MAX,
                .ds_limit = UINT32_MAX,
                .ss_limit = UINT32_MAX,
                .es_limit = 0x1234,
                .tr_limit = 0x67,
                .cs_ar = 0xc9a,
                .ds_ar = 0xc92,
                .ss_ar = 0xc92,
                .es_ar = 0xc92,
                .tr_ar = 0x89,
            },
    };
}

static Context good_64(void)
{
    return (Context){
        .mode = VCPU_HVM_MODE_64B,
        .cpu_regs.x86_64 =
            {
                .rax = 1ull << 40,
                .rcx = 2,
                .rdx = 3,
                .rbx = 4,
                .rsp = 5,
                .rbp = 6,
                .rsi = 7,
                .rdi = 8,
                .rip = 0xffff800000000000,
                .rflags = 0,
                .cr0 = CR0_PE | CR0_PG,
                .cr3 = 0x3000,
                .cr4 = CR4_PAE,
                .efer = EFER_LME,
            },
    };
}

static int64_t initialise(XenGuest *g, unsigned vcpu, Context *c)
{
    return xen_guest_vcpu_op(g, VCPUOP_initialise, vcpu, c, sizeof(*c));
}

CONFORMS(VCPUOP_initialise)
static void test_32_bit_registers_are_loaded(void)
{
    for (unsigned compat = 0; compat < 2; compat++) {
        g_autoptr(XenGuest) g = xen_guest_new(2, 17);
        const HostVcpuRegs *r = fake_host_vcpu_regs(g->fake, 1);
        Context c = good_32();

        g->compat = compat;
        g_assert_cmpint(initialise(g, 1, &c), ==, 0);
        g_assert_cmphex(r->rax, ==, 1);
        g_assert_cmphex(r->rcx, ==, 2);
        g_assert_cmphex(r->rdx, ==, 3);
        g_assert_cmphex(r->rbx, ==, 4);
        g_assert_cmphex(r->rsp, ==, 5);
        g_assert_cmphex(r->rbp, ==, 6);
        g_assert_cmphex(r->rsi, ==, 7);
        g_assert_cmphex(r->rdi, ==, 8);
        g_assert_cmphex(r->rip, ==, 0x100000);
        g_assert_cmphex(r->rflags, ==, 0x3f7fd7);
        g_assert_cmphex(r->cr0, ==, CR0_PE);
        g_assert_cmphex(r->cr3, ==, 0x3000);
        g_assert_cmphex(r->efer, ==, 0);
        /* Accessed, and busy, whatever was said. */
        g_assert_cmphex(r->seg[HOST_SEG_CS].attr, ==, 0xc9b);
        g_assert_cmphex(r->seg[HOST_SEG_CS].base, ==, 0x10);
        g_assert_cmphex(r->seg[HOST_SEG_DS].base, ==, 0x20);
        g_assert_cmphex(r->seg[HOST_SEG_SS].base, ==, 0x30);
        g_assert_cmphex(r->seg[HOST_SEG_ES].base, ==, 0x40);
        g_assert_cmphex(r->seg[HOST_SEG_ES].limit, ==, 0x1234);
        g_assert_cmphex(r->seg[HOST_SEG_SS].attr, ==, 0xc93);
        g_assert_cmphex(r->seg[HOST_SEG_TR].attr, ==, 0x8b);
        g_assert_cmphex(r->seg[HOST_SEG_TR].base, ==, 0x50);
    }
}

CONFORMS(VCPUOP_initialise)
static void test_64_bit_registers_are_loaded(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    const HostVcpuRegs *r = fake_host_vcpu_regs(g->fake, 1);
    Context c = good_64();

    g_assert_cmpint(initialise(g, 1, &c), ==, 0);
    g_assert_cmphex(r->rax, ==, 1ull << 40);
    g_assert_cmphex(r->rdi, ==, 8);
    g_assert_cmphex(r->rip, ==, 0xffff800000000000);
    g_assert_cmphex(r->rflags, ==, 2);
    g_assert_cmphex(r->cr4, ==, CR4_PAE);
    g_assert_cmphex(r->efer, ==, EFER_LME | EFER_LMA);
    g_assert_cmphex(r->seg[HOST_SEG_CS].attr, ==, 0xa9b);
    g_assert_cmphex(r->seg[HOST_SEG_SS].attr, ==, 0xc93);
    g_assert_cmphex(r->seg[HOST_SEG_TR].attr, ==, 0x8b);
    g_assert_cmphex(r->seg[HOST_SEG_TR].limit, ==, 0x67);
}

CONFORMS(VCPUOP_initialise)
CONFORMS(VCPUOP_up)
static void test_initialised_vcpu_is_down_until_up(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    Context c = good_32();

    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_up, 1, NULL, 0), ==,
                    -XEN_EINVAL);
    g_assert_cmpint(initialise(g, 1, &c), ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_is_up, 1, NULL, 0), ==, 0);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 1), ==, FAKE_VCPU_OFF);
    c = good_32();
    g_assert_cmpint(initialise(g, 1, &c), ==, -XEN_EEXIST);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_up, 1, NULL, 0), ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_is_up, 1, NULL, 0), ==, 1);
    g_assert_cmpint(fake_host_vcpu_state(g->fake, 1), ==, FAKE_VCPU_RUNNING);
    c = good_32();
    g_assert_cmpint(initialise(g, 0, &c), ==, -XEN_EEXIST);
    /* INIT, and machine reset, let it be given registers again. */
    xen_domain_reset_vcpu(g->d, 1);
    c = good_32();
    g_assert_cmpint(initialise(g, 1, &c), ==, 0);
    xen_domain_reset(g->d);
    c = good_64();
    g_assert_cmpint(initialise(g, 1, &c), ==, 0);
}

/* A context with one thing wrong, or strange but allowed. */
typedef struct Case {
    const char *what;
    void (*change)(Context *c);
    bool good;
} Case;

#define REGS32 (c->cpu_regs.x86_32)
#define REGS64 (c->cpu_regs.x86_64)
#define CHANGE(name, statement)  \
    static void name(Context *c) \
    {                            \
        statement;               \
    }

CHANGE(mode, c->mode = 2)
CHANGE(pad, c->pad = 1)
CHANGE(pad1, REGS32.pad1 = 1)
CHANGE(pad2, REGS32.pad2[2] = 1)
CHANGE(cs_pad, REGS32.cs_ar |= 0x1000)
CHANGE(cs_null, REGS32.cs_ar = 0)
CHANGE(ss_null, REGS32.ss_ar = 0)
CHANGE(tr_null, REGS32.tr_ar = 0)
CHANGE(ds_null, REGS32.ds_ar = 0)
CHANGE(es_null, REGS32.es_ar = 0)
CHANGE(cs_absent, REGS32.cs_ar &= ~0x80)
CHANGE(ds_absent, REGS32.ds_ar &= ~0x80)
CHANGE(tr_absent, REGS32.tr_ar = 0x0b)
CHANGE(cs_data, REGS32.cs_ar = 0xc92)
CHANGE(cs_system, REGS32.cs_ar = 0xc8a)
CHANGE(ss_code, REGS32.ss_ar = 0xc9a)
CHANGE(ss_read_only, REGS32.ss_ar = 0xc90)
CHANGE(ds_unreadable_code, REGS32.ds_ar = 0xc98)
CHANGE(ds_readable_code, REGS32.ds_ar = 0xc9a)
CHANGE(es_read_only, REGS32.es_ar = 0xc90)
CHANGE(tr_code, REGS32.tr_ar = 0x9b)
CHANGE(tr_16_bit, REGS32.tr_ar = 0x81)
CHANGE(tr_busy, REGS32.tr_ar = 0x8b)
CHANGE(eip_beyond, (REGS32.cs_ar = 0x49a, REGS32.cs_limit = 0xffff))
CHANGE(eip_scaled, REGS32.cs_limit = 0x100)
CHANGE(eip_beyond_scaled, REGS32.cs_limit = 0xff)
CHANGE(ss_dpl, REGS32.ss_ar |= 0x60)
CHANGE(ds_dpl, REGS32.ds_ar |= 0x20)
CHANGE(es_dpl, REGS32.es_ar |= 0x60)
CHANGE(all_user,
       (REGS32.cs_ar |= 0x60, REGS32.ss_ar |= 0x60, REGS32.ds_ar |= 0x60))
CHANGE(lma_alone, REGS32.efer = EFER_LMA)
CHANGE(lme_alone, REGS32.efer = EFER_LME)
CHANGE(cr4_unknown, REGS32.cr4 = (uint32_t)FAKE_CR4_UNKNOWN)
CHANGE(efer_unknown, REGS32.efer = FAKE_EFER_UNKNOWN)
CHANGE(rip_not_canonical, REGS64.rip = 1ull << 47)
CHANGE(rip_canonical, REGS64.rip = (1ull << 47) - 1)
CHANGE(no_paging, REGS64.cr0 = CR0_PE)
CHANGE(no_pae, REGS64.cr4 = 0)
CHANGE(no_lme, REGS64.efer = EFER_LMA)
CHANGE(cr4_unknown_64, REGS64.cr4 |= FAKE_CR4_UNKNOWN)
CHANGE(efer_unknown_64, REGS64.efer |= FAKE_EFER_UNKNOWN)

#define BAD(name)          \
    {                      \
#name, name, false \
    }
#define GOOD(name)        \
    {                     \
#name, name, true \
    }

static const Case cases_32[] = {
    BAD(mode),          BAD(pad),
    BAD(pad1),          BAD(pad2),
    BAD(cs_pad),        BAD(cs_null),
    BAD(ss_null),       BAD(tr_null),
    GOOD(ds_null),      GOOD(es_null),
    BAD(cs_absent),     BAD(ds_absent),
    BAD(tr_absent),     BAD(cs_data),
    BAD(cs_system),     BAD(ss_code),
    BAD(ss_read_only),  BAD(ds_unreadable_code),
    GOOD(es_read_only), GOOD(ds_readable_code),
    BAD(tr_code),       BAD(tr_16_bit),
    GOOD(tr_busy),      BAD(eip_beyond),
    GOOD(eip_scaled),   BAD(eip_beyond_scaled),
    BAD(ss_dpl),        BAD(ds_dpl),
    BAD(es_dpl),        GOOD(all_user),
    BAD(lma_alone),     GOOD(lme_alone),
    BAD(cr4_unknown),   BAD(efer_unknown),
};

static const Case cases_64[] = {
    BAD(mode),
    BAD(pad),
    BAD(rip_not_canonical),
    GOOD(rip_canonical),
    BAD(no_paging),
    BAD(no_pae),
    BAD(no_lme),
    BAD(cr4_unknown_64),
    BAD(efer_unknown_64),
};

static void try_cases(const Case *cases, unsigned n, Context good)
{
    for (unsigned i = 0; i < n; i++) {
        g_autoptr(XenGuest) g = xen_guest_new(2, 20);
        Context c = good;

        g_test_message("%s", cases[i].what);
        cases[i].change(&c);
        g_assert_cmpint(initialise(g, 1, &c), ==,
                        cases[i].good ? 0 : -XEN_EINVAL);
        g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_VCPU_SET_REGS), ==,
                         cases[i].good);
        if (!cases[i].good) {
            g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_up, 1, NULL, 0), ==,
                            -XEN_EINVAL);
        }
    }
}

CONFORMS(VCPUOP_initialise)
static void test_bad_contexts_are_refused(void)
{
    try_cases(cases_32, G_N_ELEMENTS(cases_32), good_32());
    try_cases(cases_64, G_N_ELEMENTS(cases_64), good_64());
}

CONFORMS(VCPUOP_up)
static void test_init_that_waits_counts(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    Context c = good_32();

    g_assert_cmpint(initialise(g, 1, &c), ==, 0);
    fake_host_send_init(g->fake, 1);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_up, 1, NULL, 0), ==,
                    -XEN_EINVAL);
    c = good_32();
    g_assert_cmpint(initialise(g, 1, &c), ==, 0);
    fake_host_send_init(g->fake, 1);
    c = good_64();
    g_assert_cmpint(initialise(g, 1, &c), ==, 0);
}

static void test_fault_changes_nothing(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);
    Context c = good_32();

    fake_host_fail_nth(g->fake, 1);
    g_assert_cmpint(initialise(g, 1, &c), ==, -XEN_EFAULT);
    g_assert_true(fake_host_fault_fired(g->fake));
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_up, 1, NULL, 0), ==,
                    -XEN_EINVAL);
    g_assert_cmpint(
        xen_guest_call(g, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, 0), ==,
        -XEN_EINVAL); /* address 0 is readable here */
    g_assert_cmpint(xen_guest_call(g, __HYPERVISOR_vcpu_op, VCPUOP_initialise,
                                   1, XEN_GUEST_UNMAPPED << HOST_PAGE_SHIFT),
                    ==, -XEN_EFAULT);
}

/* It wakes one that was taken down; INIT drops it, but not before SIPI. */
static void test_nmi_by_local_apic_starts_a_vcpu_that_was_down(void)
{
    g_autoptr(XenGuest) g = xen_guest_new(2, 17);

    xen_domain_vcpu_nmi(g->d, 1);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_is_up, 1, NULL, 0), ==, 0);
    xen_domain_reset_vcpu(g->d, 1);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_NMI_INJECT), ==, 1);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_down, 1, NULL, 0), ==, 0);
    fake_host_clear_events(g->fake);
    xen_domain_vcpu_nmi(g->d, 1);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_is_up, 1, NULL, 0), ==, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_VCPU_WAKE), ==, 1);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_NMI_INJECT), ==, 1);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_down, 1, NULL, 0), ==, 0);
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_send_nmi, 1, NULL, 0), ==, 0);
    xen_domain_vcpu_nmi(g->d, 1); /* one waits already */
    g_assert_cmpint(xen_guest_vcpu_op(g, VCPUOP_is_up, 1, NULL, 0), ==, 0);
    xen_domain_reset_vcpu(g->d, 1);
    xen_domain_vcpu_running(g->d, 1);
    g_assert_cmpuint(fake_host_event_count(g->fake, FAKE_NMI_INJECT), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/xen/vcpu-init/" #name, test_##name)
    ADD(32_bit_registers_are_loaded);
    ADD(64_bit_registers_are_loaded);
    ADD(initialised_vcpu_is_down_until_up);
    ADD(bad_contexts_are_refused);
    ADD(init_that_waits_counts);
    ADD(fault_changes_nothing);
    ADD(nmi_by_local_apic_starts_a_vcpu_that_was_down);
    return g_test_run();
}
