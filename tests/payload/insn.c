/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that the hypervisor takes over, as instructions.
 *
 * Behaviour: whatever a hypervisor emulates still is one instruction of the
 * processor: prefixes, page boundaries, single steps, interrupt shadows and
 * privilege count as on bare metal.  AMD's own virtualisation is hidden.
 * Check: CPUID, RDTSC, RDTSCP, RDMSR, WRMSR, VMMCALL in code laid out byte by
 * byte, with the trap flag set, right behind STI, and in user mode.
 * Cannot tell apart: an instruction emulated from one executed.
 * Real Xen: the same, on AMD: VMMCALL is that vendor's instruction (xen:
 * arch/x86/hvm/svm/svm.c, svm_vmexit_handler; without nested virtualisation
 * SVM's instructions are #UD and EFER.SVME is reserved).
 *
 * RUN: default
 * RUN: khz plugin=tsc-khz=2596122
 * RUN: mttcg smp=2 accel=mttcg
 * RUN: pvh guest=pvh
 */
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#ifdef __x86_64__
#define SP "rsp"
#else
#define SP "esp"
#endif

#define VEC_DB    1
#define VECTOR    0x61
#define EFER_SVME (1u << 12)
#define MAX_STEPS 40
#define CODE_MAX  16
#define MARK      0x5a5a5a5au

/* Two pages of code; bytes are placed against the boundary between them. */
static uint8_t code[2 * PAGE_SIZE] __attribute__((aligned(4096)));

/* Registers around a piece of code. */
typedef struct Regs {
    unsigned long ax, bx, cx, dx;
} Regs;

static int fault; /* vector, or NO_TRAP */

extern const uint8_t return_instruction[];
__asm__(".pushsection .text\nreturn_instruction: ret\n.popsection");

/* Leaves the piece of code: its caller's address lies on top of its stack. */
static void on_fault(TrapFrame *frame)
{
    fault = (int)frame->vector;
    frame->ip = (unsigned long)return_instruction;
}

/* Puts @len bytes and a RET so that @before of them end the first page. */
static const uint8_t *place(const uint8_t *bytes, size_t len, size_t before)
{
    uint8_t *at = code + PAGE_SIZE - before;

    memcpy(at, bytes, len);
    at[len] = 0xc3;
    barrier();
    return at;
}

/* Calls the code at @at; @return: the vector of its exception, or NO_TRAP. */
static int run(const uint8_t *at, Regs *r)
{
    fault = NO_TRAP;
    cpu_set_handler(VEC_UD, on_fault);
    cpu_set_handler(VEC_GP, on_fault);
    __asm__ volatile("call *%[at]"
                     : "+a"(r->ax), "+b"(r->bx), "+c"(r->cx), "+d"(r->dx)
                     : [at] "S"(at), "D"(0ul)
                     : "memory", "cc");
    cpu_set_handler(VEC_UD, NULL);
    cpu_set_handler(VEC_GP, NULL);
    return fault;
}

#define CPUID_BYTES   0x0f, 0xa2
#define RDTSC_BYTES   0x0f, 0x31
#define RDTSCP_BYTES  0x0f, 0x01, 0xf9
#define RDMSR_BYTES   0x0f, 0x32
#define VMMCALL_BYTES 0x0f, 0x01, 0xd9
#define REX_W         0x48

typedef struct Piece {
    const char *name;
    uint8_t bytes[CODE_MAX];
    size_t len;
    int want; /* vector, or NO_TRAP */
} Piece;

#define PIECE(name, want, ...)                                      \
    {                                                               \
        name, {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), want \
    }

static const Piece pieces[] = {
    PIECE("cpuid", NO_TRAP, CPUID_BYTES),
    PIECE("66 cpuid", NO_TRAP, 0x66, CPUID_BYTES),
    PIECE("f3 cpuid", NO_TRAP, 0xf3, CPUID_BYTES),
    PIECE("2e 66 67 cpuid", NO_TRAP, 0x2e, 0x66, 0x67, CPUID_BYTES),
    PIECE("f0 cpuid", VEC_UD, 0xf0, CPUID_BYTES),
    PIECE("rdtsc", NO_TRAP, RDTSC_BYTES),
    PIECE("66 66 66 rdtsc", NO_TRAP, 0x66, 0x66, 0x66, RDTSC_BYTES),
    PIECE("f0 rdtsc", VEC_UD, 0xf0, RDTSC_BYTES),
    PIECE("rdtscp", NO_TRAP, RDTSCP_BYTES),
    PIECE("f0 rdtscp", VEC_UD, 0xf0, RDTSCP_BYTES),
    PIECE("rdmsr", NO_TRAP, RDMSR_BYTES),
    PIECE("f0 rdmsr", VEC_UD, 0xf0, RDMSR_BYTES),
    PIECE("vmmcall", NO_TRAP, VMMCALL_BYTES),
    PIECE("f0 vmmcall", VEC_UD, 0xf0, VMMCALL_BYTES),
#ifdef __x86_64__
    PIECE("48 cpuid", NO_TRAP, REX_W, CPUID_BYTES),
    PIECE("4f cpuid", NO_TRAP, 0x4f, CPUID_BYTES),
    PIECE("48 rdtsc", NO_TRAP, REX_W, RDTSC_BYTES),
    PIECE("48 rdmsr", NO_TRAP, REX_W, RDMSR_BYTES),
    PIECE("66 48 rdtscp", NO_TRAP, 0x66, REX_W, RDTSCP_BYTES),
#endif
};

/* EAX = xen_version for VMMCALL, a leaf of Xen's for CPUID; ECX = an MSR. */
static void check_piece(const Piece *piece, const uint8_t *at)
{
    Regs r = {XEN_CPUID_LEAF(1), 0, MSR_APIC_BASE, MARK};
    const uint8_t *op = &piece->bytes[piece->len - 2];

    if (op[1] == 0xd9) {
        r.ax = __HYPERVISOR_xen_version;
        r.cx = 0;
        r.dx = 0;
    }
    CHECK_RC(piece->want, run(at, &r));
    if (piece->want != NO_TRAP) {
        return;
    }
    if (op[1] == 0xd9 || op[1] == 0xa2) {
        CHECK_EQ(xen_version(), r.ax);
    } else if (op[1] == 0x32) {
        CHECK_EQ(0xfee00000, r.ax & 0xfffff000);
        CHECK_EQ(0, r.dx);
    } else {
        CHECK(r.dx != MARK);
    }
}

static void prefixes_count_as_on_metal(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
        input("%s", pieces[i].name);
        check_piece(&pieces[i], place(pieces[i].bytes, pieces[i].len, 1000));
    }
}

static void code_may_cross_pages(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
        for (size_t before = 0; before <= pieces[i].len; before++) {
            input("%s, %u bytes on the first page", pieces[i].name,
                  (unsigned)before);
            check_piece(&pieces[i],
                        place(pieces[i].bytes, pieces[i].len, before));
        }
    }
}

static unsigned long steps[MAX_STEPS];
static unsigned nr_steps;

static void on_step(TrapFrame *frame)
{
    if (nr_steps < MAX_STEPS) {
        steps[nr_steps++] = frame->ip;
    }
}

/* Each stop of a single step lies behind one instruction, none is left out. */
static void single_steps_stop_after_each(void)
{
    static const uint8_t bytes[] = {CPUID_BYTES, 0x90,        VMMCALL_BYTES,
                                    0x90,        RDTSC_BYTES, RDTSCP_BYTES,
                                    0x90};
    static const uint8_t ends[] = {2, 3, 6, 7, 9, 12, 13};
    const uint8_t *at = place(bytes, sizeof(bytes), 1000);
    unsigned first = 0;

    nr_steps = 0;
    cpu_set_handler(VEC_DB, on_step);
    /* CPUID leaves 0 in EDX and EBX of this leaf: the call is harmless. */
    __asm__ volatile("pushf\n\t"
                     "orl $0x100, (%%" SP ")\n\t"
                     "popf\n\t"
                     "call *%[at]\n\t"
                     "pushf\n\t"
                     "andl $~0x100, (%%" SP ")\n\t"
                     "popf\n\t"
                     :
                     : [at] "S"(at), "a"(XEN_CPUID_LEAF(5)), "D"(0ul)
                     : "bx", "cx", "dx", "memory", "cc");
    cpu_set_handler(VEC_DB, NULL);
    while (first < nr_steps && steps[first] != (unsigned long)at) {
        first++;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
        input("step %u of %u", first + 1 + i, nr_steps);
        if (!CHECK(first + 1 + i < nr_steps)) {
            return;
        }
        CHECK_EQ((unsigned long)at + ends[i], steps[first + 1 + i]);
    }
}

static unsigned long interrupted_at;

static void on_interrupt(TrapFrame *frame)
{
    interrupted_at = frame->ip;
    lapic_eoi();
}

/* STI holds interrupts off until the next instruction has ended. */
static void shadow_ends_after_one_instruction(void)
{
    static const struct {
        const char *name;
        uint8_t bytes[CODE_MAX];
        size_t len, end;
    } table[] = {
        {"cpuid", {0xfb, CPUID_BYTES, 0x90, 0x90, 0xfa}, 6, 3},
        {"rdtsc", {0xfb, RDTSC_BYTES, 0x90, 0x90, 0xfa}, 6, 3},
        {"vmmcall", {0xfb, VMMCALL_BYTES, 0x90, 0x90, 0xfa}, 7, 4},
    };

    cpu_set_handler(VECTOR, on_interrupt);
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        const uint8_t *at = place(table[i].bytes, table[i].len, 1000);
        Regs r = {__HYPERVISOR_xen_version, 0, 0, 0};

        input("sti; %s", table[i].name);
        interrupted_at = 0;
        lapic_write(LAPIC_ICR, 0x44000 | VECTOR); /* self */
        CHECK(lapic_requested(VECTOR));
        CHECK_RC(NO_TRAP, run(at, &r));
        CHECK_EQ((unsigned long)at + table[i].end, interrupted_at);
    }
}

static unsigned long user_cpuid(void)
{
    return cpu_cpuid(XEN_CPUID_LEAF(1), 0).eax;
}

static unsigned long user_rdmsr(void)
{
    uint32_t low = 0, high = 0;

    __asm__ volatile("1: rdmsr\n2:\n\t" FIXUP("1b", "2b")
                     : "+a"(low), "+d"(high)
                     : "c"(XEN_MSR_HYPERCALL_PAGE)
                     : "memory");
    return low | high;
}

static unsigned long user_wrmsr(void)
{
    __asm__ volatile("1: wrmsr\n2:\n\t" FIXUP("1b", "2b")
                     :
                     : "a"((uint32_t)(uintptr_t)code), "d"(0),
                       "c"(XEN_MSR_HYPERCALL_PAGE)
                     : "memory");
    return 0;
}

static void user_mode_has_cpuid_and_no_msrs(void)
{
    CHECK_EQ(xen_version(), cpu_user_call(user_cpuid));
    cpu_clear_trap();
    cpu_user_call(user_rdmsr);
    CHECK_RC(VEC_GP, cpu_trap());
    memset(code, 0x90, sizeof(code));
    cpu_clear_trap();
    cpu_user_call(user_wrmsr);
    CHECK_RC(VEC_GP, cpu_trap());
    CHECK_EQ(0x90, code[0]);
}

static void svm_is_hidden(void)
{
#ifdef __x86_64__
    /* TCG turns reserved bits of CR3 into an exit of SVM's. */
    static const uint8_t load_cr3[] = {0x0f, 0x22, 0xd8};
    Regs bad_cr3 = {.ax = 1ul << 56};
#endif
    static const uint8_t ops[] = {0xd8, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf};
    uint64_t efer = 0, again = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        const uint8_t bytes[] = {0x0f, 0x01, ops[i]};
        Regs r = {0, 0, 0, 0};

        input("0f 01 %x", ops[i]);
        CHECK_RC(VEC_UD, run(place(bytes, sizeof(bytes), 1000), &r));
    }
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_EFER, &efer));
    CHECK_EQ(0, efer & EFER_SVME);
    /* #GP on a processor and in Xen; TCG drops reserved bits of EFER. */
    cpu_wrmsr(MSR_EFER, efer | EFER_SVME);
    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_EFER, &again));
    CHECK_EQ(efer, again);
#ifdef __x86_64__
    input("mov to cr3");
    CHECK_RC(VEC_GP, run(place(load_cr3, sizeof(load_cr3), 1000), &bad_cr3));
#endif
}

PAYLOAD(NEEDS_XEN, TEST(prefixes_count_as_on_metal), TEST(code_may_cross_pages),
        TEST(single_steps_stop_after_each),
        TEST(shadow_ends_after_one_instruction),
        TEST(user_mode_has_cpuid_and_no_msrs), TEST(svm_is_hidden));
