/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting vCPUs without INIT and SIPI.
 *
 * Behaviour: VCPUOP_initialise gives a vCPU that never ran, or got INIT, all
 * its registers, in 32- or 64-bit mode; VCPUOP_up starts it.
 * Check: each error, and that a vCPU begins with the registers it was given,
 * both times it is done; SIPI means nothing to one that has its registers; what
 * an NMI does to one that is down.
 * Cannot tell apart: hidden parts of segments that the code does not use.
 * Real Xen: the same (xen: common/domain.c, common_vcpu_op;
 * arch/x86/hvm/domain.c, arch_set_info_hvm_guest; arch/x86/hvm/vlapic.c,
 * vlapic_init_sipi_one).
 *
 * RUN: default smp=2
 * RUN: 4-20 smp=2 plugin=xen-version=4.20
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=4 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#include <xen/hvm/hvm_vcpu.h>

#define CR0_PE      1u
#define ICR_NMI     0x4400u
#define ICR_STARTUP 0x4600u
#define ROUNDS      100000u
#define LOOKS       10u
#define LOOK_NS     1000000u

#define MARK 0x11110000u

/* As the vCPU found them: AX CX DX BX SP BP SI DI, flags. */
volatile uint32_t seen_32[9];
#ifdef __x86_64__
volatile uint64_t seen_64[9];
#endif
struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
} gdt_pointer_copy;

extern const uint8_t entry_32[];
__asm__(".pushsection .text\n\t"
        ".code32\n"
        "entry_32:\n\t"
        "mov %eax, seen_32\n\t"
        "mov %ecx, seen_32 + 4\n\t"
        "mov %edx, seen_32 + 8\n\t"
        "mov %ebx, seen_32 + 12\n\t"
        "mov %esp, seen_32 + 16\n\t"
        "mov %ebp, seen_32 + 20\n\t"
        "mov %esi, seen_32 + 24\n\t"
        "mov %edi, seen_32 + 28\n\t"
        "mov start_stack, %esp\n\t"
        "pushf\n\t"
        "pop seen_32 + 32\n\t"
        "mov start_info_pa, %ebx\n\t"
        "jmp pvh_start\n\t"
#ifdef __x86_64__
        ".code64\n"
        "entry_64:\n\t"
        "mov %rax, seen_64\n\t"
        "mov %rcx, seen_64 + 8\n\t"
        "mov %rdx, seen_64 + 16\n\t"
        "mov %rbx, seen_64 + 24\n\t"
        "mov %rsp, seen_64 + 32\n\t"
        "mov %rbp, seen_64 + 40\n\t"
        "mov %rsi, seen_64 + 48\n\t"
        "mov %rdi, seen_64 + 56\n\t"
        "mov start_stack, %esp\n\t"
        "pushfq\n\t"
        "popq seen_64 + 64\n\t"
        "cli\n\t"
        "cld\n\t"
        "lgdt gdt_pointer_copy\n\t"
        "mov $0x18, %eax\n\t"
        "mov %eax, %ds\n\t"
        "mov %eax, %es\n\t"
        "mov %eax, %ss\n\t"
        "pushq $0x10\n\t"
        "pushq $1f\n\t"
        "lretq\n"
        "1: xor %ebp, %ebp\n\t"
        "call cpu_start\n\t"
        "ud2\n\t"
#endif
        ".popsection");

static struct vcpu_hvm_context context_32(void)
{
    struct vcpu_hvm_context c = {.mode = VCPU_HVM_MODE_32B};
    struct vcpu_hvm_x86_32 *r = &c.cpu_regs.x86_32;

    r->eax = MARK;
    r->ecx = MARK + 1;
    r->edx = MARK + 2;
    r->ebx = MARK + 3;
    r->esp = MARK + 4;
    r->ebp = MARK + 5;
    r->esi = MARK + 6;
    r->edi = MARK + 7;
    r->eip = (uint32_t)(uintptr_t)entry_32;
    r->eflags = 0x41; /* ZF, CF */
    r->cr0 = CR0_PE;
    r->cs_limit = r->ds_limit = r->ss_limit = r->es_limit = ~0u;
    r->tr_limit = 0x67;
    r->cs_ar = 0xc9b;
    r->ds_ar = r->ss_ar = r->es_ar = 0xc93;
    r->tr_ar = 0x8b;
    return c;
}

static long initialise(unsigned cpu, struct vcpu_hvm_context c)
{
    return xen_vcpu_op(VCPUOP_initialise, cpu, &c);
}

/* Firmware has started them all: INIT, which takes a little. */
static void forget_registers(unsigned cpu)
{
    struct vcpu_hvm_context wrong = {.mode = ~0u};
    long ret = -XEN_EEXIST;

    lapic_send_init(cpu_apic_id(cpu));
    for (unsigned i = 0; i < ROUNDS && ret == -XEN_EEXIST; i++) {
        ret = initialise(cpu, wrong);
        cpu_relax();
    }
    CHECK_RC(-XEN_EINVAL, ret);
}

CONFORMS(VCPUOP_initialise)
static void wrong_registers_are_refused(void)
{
    struct vcpu_hvm_context c = context_32();

    CHECK_RC(-XEN_EEXIST, initialise(0, c));
    CHECK_RC(-XEN_ENOENT, initialise(99, c));
    CHECK_RC(-XEN_EFAULT,
             xen_vcpu_op(VCPUOP_initialise, 1, cpu_map_window(0, 0, 0)));
    forget_registers(1);
    CHECK_RC(-XEN_EINVAL, xen_vcpu_op(VCPUOP_up, 1, NULL));
#define WRONG(statement)                         \
    do {                                         \
        c = context_32();                        \
        statement;                               \
        input(#statement);                       \
        CHECK_RC(-XEN_EINVAL, initialise(1, c)); \
    } while (0)
    WRONG(c.mode = 2);
    WRONG(c.pad = 1);
    WRONG(c.cpu_regs.x86_32.pad1 = 1);
    WRONG(c.cpu_regs.x86_32.pad2[1] = 1);
    WRONG(c.cpu_regs.x86_32.cs_ar = 0);
    WRONG(c.cpu_regs.x86_32.cs_ar = 0xc93);
    WRONG(c.cpu_regs.x86_32.cs_ar |= 0x1000);
    WRONG(c.cpu_regs.x86_32.ds_ar = 0xc13);
    WRONG(c.cpu_regs.x86_32.ss_ar = 0xc91);
    WRONG(c.cpu_regs.x86_32.ss_ar = 0xcf3);
    WRONG(c.cpu_regs.x86_32.es_ar = 0xcf3);
    WRONG(c.cpu_regs.x86_32.tr_ar = 0x83);
    WRONG(c.cpu_regs.x86_32.cs_limit = 0);
    WRONG(c.cpu_regs.x86_32.efer = 1u << 10);
    WRONG(c.cpu_regs.x86_32.efer = 1u << 20);
    WRONG(c.cpu_regs.x86_32.cr4 = 1u << 31);
    WRONG(c.mode = VCPU_HVM_MODE_64B); /* no paging, PAE or LME there */
    input("at the end");
    CHECK_RC(-XEN_EINVAL, xen_vcpu_op(VCPUOP_up, 1, NULL));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
}

static volatile unsigned ran;

static void other_runs(void *arg)
{
    ran = (unsigned)(uintptr_t)arg;
}

/* Up, and through its function. */
static void start_and_wait(unsigned cpu, unsigned mark)
{
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, cpu, NULL));
    CHECK_EQ(0, ran);
    CHECK_RC(0, xen_vcpu_op(VCPUOP_up, cpu, NULL));
    CHECK(cpu_other_began(cpu) && cpu_other_done(cpu));
    CHECK_EQ(mark, ran);
}

CONFORMS(VCPUOP_initialise)
CONFORMS(VCPUOP_up)
static void vcpus_start_in_32_bit_mode(void)
{
    for (unsigned cpu = 1; cpu < cpu_count(); cpu++) {
        ran = 0;
        input("cpu %u", cpu);
        forget_registers(cpu);
        CHECK(cpu_prepare_other(cpu, other_runs, (void *)(uintptr_t)cpu));
        CHECK_RC(0, initialise(cpu, context_32()));
        CHECK_RC(-XEN_EEXIST, initialise(cpu, context_32()));
        start_and_wait(cpu, cpu);
        for (unsigned i = 0; i < 8; i++) {
            input("cpu %u register %u", cpu, i);
            CHECK_EQ(MARK + i, seen_32[i]);
        }
        CHECK_EQ(0x43, seen_32[8]);
    }
}

#ifdef __x86_64__
extern const uint8_t entry_64[];

static struct vcpu_hvm_context context_64(void)
{
    struct vcpu_hvm_context c = {.mode = VCPU_HVM_MODE_64B};
    struct vcpu_hvm_x86_64 *r = &c.cpu_regs.x86_64;
    const uint64_t mark = (uint64_t)MARK << 32;

    r->rax = mark;
    r->rcx = mark + 1;
    r->rdx = mark + 2;
    r->rbx = mark + 3;
    r->rsp = mark + 4;
    r->rbp = mark + 5;
    r->rsi = mark + 6;
    r->rdi = mark + 7;
    r->rip = (uintptr_t)entry_64;
    r->rflags = 0x400; /* DF */
    __asm__ volatile("mov %%cr0, %0" : "=r"(r->cr0));
    __asm__ volatile("mov %%cr3, %0" : "=r"(r->cr3));
    __asm__ volatile("mov %%cr4, %0" : "=r"(r->cr4));
    cpu_rdmsr(MSR_EFER, &r->efer);
    return c;
}

CONFORMS(VCPUOP_initialise)
static void vcpu_starts_in_64_bit_mode(void)
{
    struct vcpu_hvm_context c = context_64();

    __asm__ volatile("sgdt %0" : "=m"(gdt_pointer_copy));
    ran = 0;
    forget_registers(1);
    c.cpu_regs.x86_64.rip = 1ull << 47;
    CHECK_RC(-XEN_EINVAL, initialise(1, c));
    CHECK(cpu_prepare_other(1, other_runs, (void *)64));
    CHECK_RC(0, initialise(1, context_64()));
    start_and_wait(1, 64);
    for (unsigned i = 0; i < 8; i++) {
        input("register %u", i);
        CHECK_EQ(((uint64_t)MARK << 32) + i, seen_64[i]);
    }
    CHECK_EQ(0x402, seen_64[8]);
}
#define TESTS_64 TEST(vcpu_starts_in_64_bit_mode),
#else
#define TESTS_64
#endif

CONFORMS(VCPUOP_initialise)
static void sipi_means_nothing_to_it(void)
{
    ran = 0;
    forget_registers(1);
    CHECK(cpu_prepare_other(1, other_runs, (void *)3));
    CHECK_RC(0, initialise(1, context_32()));
    lapic_write(LAPIC_ICR + 0x10, cpu_apic_id(1) << 24);
    lapic_write(LAPIC_ICR, ICR_STARTUP | TRAMPOLINE_PA >> 12);
    for (unsigned i = 0; i < LOOKS; i++) {
        struct sched_poll poll = {.timeout = clock_hypercall_now() + LOOK_NS};

        xen_sched_op(SCHEDOP_poll, &poll); /* the other has its turn */
    }
    start_and_wait(1, 3);
    CHECK_EQ(MARK, seen_32[0]);
}

static volatile unsigned nmis, came_back;

static void on_nmi(TrapFrame *frame)
{
    (void)frame;
    nmis++;
}

static void other_goes_down(void *arg)
{
    unsigned times = (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < times; i++) {
        xen_vcpu_op(VCPUOP_down, cpu_index(), NULL);
        came_back++;
    }
}

static bool goes_down(unsigned cpu)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (xen_vcpu_op(VCPUOP_is_up, cpu, NULL) == 0) {
            return true;
        }
        cpu_relax();
    }
    return false;
}

static void send_nmi_by_local_apic(unsigned cpu)
{
    lapic_write(LAPIC_ICR + 0x10, cpu_apic_id(cpu) << 24);
    lapic_write(LAPIC_ICR, ICR_NMI);
}

/*
 * Xen wakes a vCPU that is down for an NMI of the local APIC's, unless one is
 * pending; VCPUOP_send_nmi wakes none (xen: arch/x86/hvm/vlapic.c,
 * vlapic_accept_irq; common/domain.c, common_vcpu_op).
 */
CONFORMS(VCPUOP_send_nmi)
CONFORMS(VCPUOP_down)
static void nmi_by_local_apic_wakes_a_vcpu_that_is_down(void)
{
    nmis = came_back = 0;
    cpu_set_handler(2, on_nmi);
    CHECK(cpu_start_other(1, other_goes_down, (void *)2));
    CHECK(goes_down(1));
    send_nmi_by_local_apic(1);
    CHECK(cpu_wait_for(&nmis, 1) && cpu_wait_for(&came_back, 1));
    CHECK(goes_down(1));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_send_nmi, 1, NULL));
    send_nmi_by_local_apic(1);
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
    CHECK_EQ(1, nmis);
    CHECK_RC(0, xen_vcpu_op(VCPUOP_up, 1, NULL));
    CHECK(cpu_other_done(1));
    CHECK_EQ(2, nmis);
    CHECK_EQ(2, came_back);
    cpu_set_handler(2, NULL);
}

PAYLOAD(NEEDS_XEN, TEST(wrong_registers_are_refused),
        TEST(vcpus_start_in_32_bit_mode),
        TESTS_64 TEST(sipi_means_nothing_to_it),
        TEST(nmi_by_local_apic_wakes_a_vcpu_that_is_down));
