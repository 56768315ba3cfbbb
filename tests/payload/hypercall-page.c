/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercall page, its MSR and the instruction in it.
 *
 * Behaviour: WRMSR of a page's address fills the page with 128 stubs; the
 * instruction calls Xen in 64-bit, 32-bit and compatibility mode.
 * Check: every byte of the page, the MSR's errors, numbers without a handler,
 * the registers a call must leave alone.
 * Cannot tell apart: a page written by WRMSR from one found there before, but
 * for the second page, which starts zeroed.
 * Real Xen: measured (xen: arch/x86/hvm/hypercall.c, hvm_hypercall;
 * arch/x86/hvm/svm/svm.c, svm_init_hypercall_page).  There only the
 * instruction of the processor's vendor is a hypercall; the other one is tried
 * in the runs with "append=both".
 *
 * RUN: default append=both
 * RUN: mttcg accel=mttcg smp=2 append=both
 * RUN: pvh guest=pvh append=both
 */
#include "tests/conformance.h"
#include "tests/payload/lib/xen.h"

#define STUBS     128
#define STUB_SIZE 32
#define FILLER    0xcc
#define AMD_EBX   0x68747541u /* "Auth" */

static uint8_t second_page[PAGE_SIZE] __attribute__((aligned(4096)));

extern const uint8_t return_instruction[];
__asm__(".pushsection .text\nreturn_instruction: ret\n.popsection");

static uintptr_t undefined_at;

/* Leaves the stub as its missing return would. */
static void on_undefined(TrapFrame *frame)
{
    undefined_at = frame->ip;
    frame->ip = (uintptr_t)return_instruction;
}

static bool is_amd(void)
{
    return cpu_cpuid(0, 0).ebx == AMD_EBX;
}

static void check_page(const uint8_t *page)
{
    uint8_t opcode = is_amd() ? 0xd9 : 0xc1;

    for (unsigned n = 0; n < STUBS; n++) {
        uint8_t want[STUB_SIZE];

        memset(want, FILLER, sizeof(want));
        if (n == __HYPERVISOR_iret) {
            memcpy(want, (const uint8_t[]){0x0f, 0x0b}, 2);
        } else {
            memcpy(want,
                   (const uint8_t[]){0xb8, (uint8_t)n, 0, 0, 0, 0x0f, 0x01,
                                     opcode, 0xc3},
                   9);
        }
        for (unsigned i = 0; i < STUB_SIZE; i++) {
            input("stub %u byte %u", n, i);
            CHECK_EQ(want[i], page[n * STUB_SIZE + i]);
        }
    }
}

static void page_holds_xens_stubs(void)
{
    check_page(xen_hypercall_page);
}

static void second_page_is_filled_and_first_kept(void)
{
    CHECK_RC(NO_TRAP,
             cpu_wrmsr(XEN_MSR_HYPERCALL_PAGE, (uintptr_t)second_page));
    check_page(second_page);
    check_page(xen_hypercall_page);
}

static void msr_reads_zero(void)
{
    uint64_t value = ~0ull;

    CHECK_RC(NO_TRAP, cpu_rdmsr(XEN_MSR_HYPERCALL_PAGE, &value));
    CHECK_EQ(0, value);
}

static void bad_msr_writes_fault(void)
{
    uintptr_t page = (uintptr_t)second_page;
    uint64_t value = 5;

    memset(second_page, 0x5a, sizeof(second_page));
    CHECK_RC(VEC_GP, cpu_wrmsr(XEN_MSR_HYPERCALL_PAGE, page | 1));
    CHECK_RC(VEC_GP, cpu_wrmsr(XEN_MSR_HYPERCALL_PAGE, page | 0xfff));
    CHECK_RC(VEC_GP, cpu_wrmsr(XEN_MSR_HYPERCALL_PAGE, 0xd0000000));
    CHECK_RC(VEC_GP, cpu_wrmsr(XEN_MSR_HYPERCALL_PAGE, 1ull << 40));
    CHECK_RC(VEC_GP, cpu_wrmsr(XEN_MSR_HYPERCALL_PAGE, ~0xfffull));
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        if (second_page[i] != 0x5a) {
            input("byte %u", i);
            CHECK_EQ(0x5a, second_page[i]);
        }
    }
    CHECK_RC(VEC_GP, cpu_rdmsr(0x40000001, &value));
    CHECK_RC(VEC_GP, cpu_wrmsr(0x40000001, 0));
    CHECK_RC(VEC_GP, cpu_rdmsr(0x40000200, &value));
    CHECK_RC(VEC_GP, cpu_wrmsr(0x40000200, 0));
    CHECK_EQ(5, value);
}

static void iret_stub_is_undefined(void)
{
    const uint8_t *stub = xen_hypercall_page + __HYPERVISOR_iret * STUB_SIZE;

    undefined_at = 0;
    cpu_set_handler(VEC_UD, on_undefined);
    __asm__ volatile("call *%0" : : "r"(stub) : "memory", "cc");
    cpu_set_handler(VEC_UD, NULL);
    CHECK_EQ((uintptr_t)stub, undefined_at);
}

static void instruction_calls_xen(void)
{
    long version = (long)xen_version();
    int trap;

    if (is_amd() || cmdline_has("both")) {
        CHECK_RC(version, xen_vmmcall(__HYPERVISOR_xen_version, &trap));
        CHECK_RC(NO_TRAP, trap);
    }
    if (!is_amd() || cmdline_has("both")) {
        CHECK_RC(version, xen_vmcall(__HYPERVISOR_xen_version, &trap));
        CHECK_RC(NO_TRAP, trap);
    }
}

/* The stub of iret in the page is no call (xen: arch/x86/hvm/hvm.c). */
NOT_OFFERED(__HYPERVISOR_iret, -XEN_ENOSYS)
static void numbers_without_handler_are_enosys(void)
{
    static const unsigned long numbers[] = {
        11,  __HYPERVISOR_iret, 27,         38,        55, 63, 64, 100, 127,
        128, 0x10000,           0x7fffffff, 0xffffffff};
    int trap;

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        input("nr %lx", numbers[i]);
        CHECK_RC(-XEN_ENOSYS, is_amd() ? xen_vmmcall(numbers[i], &trap)
                                       : xen_vmcall(numbers[i], &trap));
        CHECK_RC(NO_TRAP, trap);
    }
}

#ifdef __x86_64__
/* xen: in 64-bit mode all of RAX is the number. */
static void upper_half_of_rax_counts(void)
{
    unsigned long nr = __HYPERVISOR_xen_version | (1ul << 32);
    int trap;

    CHECK_RC(-XEN_ENOSYS,
             is_amd() ? xen_vmmcall(nr, &trap) : xen_vmcall(nr, &trap));
}

static void call_keeps_other_registers(void)
{
    static uint64_t saved[12];
    register uint64_t *regs __asm__("r13") = saved;
    const uint8_t *entry =
        xen_hypercall_page + __HYPERVISOR_xen_version * STUB_SIZE;

    __asm__ volatile("push %%rbp\n\t"
                     "mov $0x1111, %%ebx\n\tmov $0x2222, %%ecx\n\t"
                     "mov $0x3333, %%ebp\n\tmov $0x4444, %%r8d\n\t"
                     "mov $0x5555, %%r9d\n\tmov $0x6666, %%r10d\n\t"
                     "mov $0x7777, %%r11d\n\tmov $0x8888, %%r12d\n\t"
                     "mov $0, %%edi\n\tmov $0, %%esi\n\tmov $0, %%edx\n\t"
                     "call *%[entry]\n\t"
                     "mov %%rbx, 0(%[regs])\n\tmov %%rcx, 8(%[regs])\n\t"
                     "mov %%rbp, 16(%[regs])\n\tmov %%r8, 24(%[regs])\n\t"
                     "mov %%r9, 32(%[regs])\n\tmov %%r10, 40(%[regs])\n\t"
                     "mov %%r11, 48(%[regs])\n\tmov %%r12, 56(%[regs])\n\t"
                     "mov %%rdi, 64(%[regs])\n\tmov %%rsi, 72(%[regs])\n\t"
                     "mov %%rdx, 80(%[regs])\n\tpop %%rbp"
                     : [entry] "+a"(entry)
                     : [regs] "r"(regs)
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
                       "r11", "r12", "memory");
    for (unsigned i = 0; i < 11; i++) {
        input("register %u", i);
        CHECK_EQ(i < 8 ? 0x1111 * (i + 1) : 0, saved[i]);
    }
}

extern const uint8_t compat_vmmcall[], compat_vmcall[];
__asm__(".pushsection .text\n"
        "compat_vmmcall: .byte 0x0f, 0x01, 0xd9, 0xc3\n"
        "compat_vmcall: .byte 0x0f, 0x01, 0xc1, 0xc3\n"
        ".popsection");

static void compatibility_mode_has_the_32_bit_abi(void)
{
    const uint8_t *code = is_amd() ? compat_vmmcall : compat_vmcall;
    static struct xen_feature_info info;
    uint32_t version[6] = {__HYPERVISOR_xen_version, XENVER_version};
    uint32_t features[6] = {__HYPERVISOR_xen_version, XENVER_get_features,
                            (uint32_t)(uintptr_t)&info};
    uint32_t unknown[6] = {100};

    CHECK_EQ(xen_version(), compat_call(code, version));
    CHECK_EQ(0, compat_call(code, features));
    CHECK(info.submap != 0);
    CHECK_EQ((uint32_t)-XEN_ENOSYS, compat_call(code, unknown));
}
#endif

PAYLOAD(NEEDS_XEN, TEST(page_holds_xens_stubs),
        TEST(second_page_is_filled_and_first_kept), TEST(msr_reads_zero),
        TEST(bad_msr_writes_fault), TEST(iret_stub_is_undefined),
        TEST(instruction_calls_xen), TEST(numbers_without_handler_are_enosys),
#ifdef __x86_64__
        TEST(upper_half_of_rax_counts), TEST(call_keeps_other_registers),
        TEST(compatibility_mode_has_the_32_bit_abi),
#endif
);
