/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors of a payload: traps, user mode and other processors.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_CPU_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_CPU_H

#include "tests/payload/lib/insn.h"
#include "tests/payload/lib/layout.h"
#include "tests/payload/lib/payload.h"

#define MSR_TSC        0x10
#define MSR_APIC_BASE  0x1b
#define MSR_TSC_ADJUST 0x3b
#define MSR_EFER       0xc0000080
#define MSR_TSC_AUX    0xc0000103

#define VEC_UD       6
#define VEC_GP       13
#define VEC_PF       14
#define VEC_SPURIOUS 0xff

/* No exception, where an exception's vector is returned. */
#define NO_TRAP (-1)

typedef struct TrapFrame {
#ifdef __x86_64__
    unsigned long r15, r14, r13, r12, r11, r10, r9, r8, di, si, bp, bx, dx, cx,
        ax;
#else
    unsigned long di, si, bp, unused_sp, bx, dx, cx, ax;
#endif
    unsigned long vector, error, ip, cs, flags;
    unsigned long sp, ss; /* 32-bit: only when it came from user mode */
} TrapFrame;

typedef void TrapHandler(TrapFrame *frame);

typedef struct CpuidRegs {
    uint32_t eax, ebx, ecx, edx;
} CpuidRegs;

/*
 * An instruction that may fault: put FIXUP("label of instruction", "label
 * after it") behind it.  cpu_clear_trap() before, cpu_trap() after.
 */
#define FIXUP(at, after) \
    ".pushsection .fixups,\"a\"\n\t.long " at ", " after "\n\t.popsection\n\t"

/* This CPU's number, 0 for the one that booted. */
unsigned cpu_index(void);
/* CPUs there are, as told by "cpus=" on the command line. */
unsigned cpu_count(void);
const char *cpu_cmdline(void);

/* Vector of the last exception a FIXUP caught on this CPU, or NO_TRAP. */
int cpu_trap(void);
void cpu_clear_trap(void);
/* @fn is called for @vector on every CPU; NULL: it is an error again. */
void cpu_set_handler(uint8_t vector, TrapHandler *fn);

CpuidRegs cpu_cpuid(uint32_t leaf, uint32_t subleaf);
/* Return NO_TRAP or the vector of the exception; *value is kept then. */
int cpu_rdmsr(uint32_t index, uint64_t *value);
int cpu_wrmsr(uint32_t index, uint64_t value);
/* Enter @code itself, not the library, at @vector. */
void cpu_set_raw_handler(uint8_t vector, const void *code);
/* Run @fn in user mode on a stack of its own; returns what @fn returns. */
unsigned long cpu_user_call(unsigned long (*fn)(void));
#ifdef __x86_64__
/* Run 32-bit code at @code with EAX EBX ECX EDX ESI EDI; returns EAX. */
long compat_call(const void *code, const uint32_t regs[6]);
#endif

/*
 * Map page @page of the window to @pa with these page table bits, or nothing
 * if @flags is 0; returns its linear address.
 */
#define PTE_PRESENT  1u
#define PTE_WRITABLE 2u
void *cpu_map_window(unsigned page, uint64_t pa, unsigned flags);

/* APIC id of a CPU; real Xen wants "apic-step=2" on the command line. */
unsigned cpu_apic_id(unsigned index);
/*
 * Start CPU @index by INIT and SIPI; there it runs @fn(@arg), then halts with
 * interrupts disabled.  False if it did not begin, or there is none.
 */
bool cpu_start_other(unsigned index, void (*fn)(void *), void *arg);
/*
 * The same for one that is started by other means: it is to come to
 * pvh_start as the first did (or to cpu_start, on the stack that ends at
 * start_stack); then wait until it began.
 */
bool cpu_prepare_other(unsigned index, void (*fn)(void *), void *arg);
bool cpu_other_began(unsigned index);
/* Has the CPU's function returned? */
bool cpu_other_done(unsigned index);
/* Spin until *@flag is at least @want; false after many rounds. */
bool cpu_wait_for(const volatile unsigned *flag, unsigned want);

/* As the boot processor started. */
typedef struct StartState {
    uint32_t ebx, cr0, cr4, eflags;
} StartState;
extern const StartState start_state;

#endif
