/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor tables, traps and user mode of a payload's processors, and how
 * other processors are started.
 */
#include <stdint.h>

#include <xen/arch-x86/hvm/start_info.h>

#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/cpu.h"
#include "tests/payload/lib/xen.h"

#define GATE_INTERRUPT      0x8e
#define GATE_INTERRUPT_USER 0xee
#define DESCRIPTOR_TSS      0x89
#define WAIT_ROUNDS         20000000u

#ifdef __x86_64__
typedef struct __attribute__((packed)) Tss {
    uint32_t reserved0;
    unsigned long stack0;
    uint8_t rest[92];
} Tss;
typedef struct Gate {
    uint16_t low, selector;
    uint8_t ist, type;
    uint16_t mid;
    uint32_t high, reserved;
} Gate;
#else
typedef struct __attribute__((packed)) Tss {
    uint32_t link;
    unsigned long stack0;
    uint32_t ss0;
    uint8_t rest[92];
} Tss;
typedef struct Gate {
    uint16_t low, selector;
    uint8_t ist, type;
    uint16_t mid;
} Gate;
#endif

typedef struct Cpu {
    Tss tss;
    int trap;
    volatile unsigned started, done;
    void (*fn)(void *);
    void *arg;
    uint8_t user_stack[2048] __attribute__((aligned(16)));
} Cpu;

/* start.S */
extern uint8_t stacks[MAX_CPUS][STACK_SIZE];
extern uint64_t gdt[], window_table[];
extern uint8_t trap_stubs[][16], trampoline[], trampoline_end[];
extern uint32_t start_info_pa, start_stack;
extern const uint32_t fixups_start[], fixups_end[];
void user_return(void);
unsigned long user_enter(unsigned long (*fn)(void), void *stack, void *stack0);
void trap_dispatch(TrapFrame *frame);
void cpu_start(void) __attribute__((noreturn));

static Gate idt[256] __attribute__((aligned(16)));
static TrapHandler *handlers[256];
static char cmdline[512];

static Cpu *cpu_at(unsigned index)
{
    return (Cpu *)stacks[index];
}

unsigned cpu_index(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return (unsigned)((here - (uintptr_t)stacks) / STACK_SIZE);
}

unsigned cpu_count(void)
{
    return (unsigned)cmdline_number("cpus", 1);
}

const char *cpu_cmdline(void)
{
    return cmdline;
}

int cpu_trap(void)
{
    return cpu_at(cpu_index())->trap;
}

void cpu_clear_trap(void)
{
    cpu_at(cpu_index())->trap = NO_TRAP;
}

void cpu_set_handler(uint8_t vector, TrapHandler *fn)
{
    handlers[vector] = fn;
}

static bool fix_up(TrapFrame *frame)
{
    for (const uint32_t *f = fixups_start; f < fixups_end; f += 2) {
        if (f[0] == frame->ip) {
            cpu_at(cpu_index())->trap = (int)frame->vector;
            frame->ip = f[1];
            return true;
        }
    }
    return false;
}

void trap_dispatch(TrapFrame *frame)
{
    unsigned long cr2;

    if (handlers[frame->vector]) {
        handlers[frame->vector](frame);
        return;
    }
    if (frame->vector == VEC_SPURIOUS ||
        (frame->vector < 32 && fix_up(frame))) {
        return;
    }
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    pr("\nEXCEPTION vector=%lu error=0x%lx cpu=%u cs=0x%lx ip=0x%lx "
       "flags=0x%lx ax=0x%lx cr2=0x%lx\n",
       frame->vector, frame->error, cpu_index(), frame->cs, frame->ip,
       frame->flags, frame->ax, cr2);
    xen_exit(XEN_EXIT_CRASH);
}

static void set_gate(unsigned vector, const void *target, uint8_t type)
{
    uintptr_t at = (uintptr_t)target;

    idt[vector].low = (uint16_t)at;
    idt[vector].mid = (uint16_t)(at >> 16);
    idt[vector].selector = SEL_CODE;
    idt[vector].type = type;
}

void cpu_set_raw_handler(uint8_t vector, const void *code)
{
    set_gate(vector, code, GATE_INTERRUPT);
}

static void load_tables(unsigned index)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        unsigned long base;
    } idtr = {sizeof(idt) - 1, (unsigned long)idt};
    Cpu *cpu = cpu_at(index);
    uint64_t base = (uintptr_t)&cpu->tss;
    unsigned selector = SEL_TSS + 16 * index;

    memset(&cpu->tss, 0, sizeof(cpu->tss));
#ifdef __i386__
    cpu->tss.ss0 = SEL_DATA;
#endif
    gdt[selector / 8] = (sizeof(Tss) - 1) | ((base & 0xffffff) << 16) |
                        ((uint64_t)DESCRIPTOR_TSS << 40) | ((base >> 24) << 56);
    __asm__ volatile("lidt %0" : : "m"(idtr));
    __asm__ volatile("ltr %w0" : : "r"(selector));
}

static void boot_start(void)
{
    const struct hvm_start_info *info = (const void *)(uintptr_t)start_info_pa;

    if (info->cmdline_paddr) {
        const char *from = (const char *)(uintptr_t)info->cmdline_paddr;

        for (size_t i = 0; i < sizeof(cmdline) - 1 && from[i]; i++) {
            cmdline[i] = from[i];
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(idt); i++) {
        set_gate(i, trap_stubs[i], GATE_INTERRUPT);
    }
    set_gate(VEC_USER_RETURN, user_return, GATE_INTERRUPT_USER);
    port_out(0x21, 0xff);
    port_out(0xa1, 0xff);
}

static void halt(void)
{
    for (;;) {
        __asm__ volatile("cli\n\thlt" : : : "memory");
    }
}

void cpu_start(void)
{
    unsigned index = cpu_index();
    Cpu *cpu = cpu_at(index);

    if (index == 0) {
        boot_start();
    }
    load_tables(index);
    cpu->trap = NO_TRAP;
    lapic_write(LAPIC_SVR, 0x100 | VEC_SPURIOUS);
    if (index == 0) {
        payload_main();
    }
    cpu->started = 1;
    cpu->fn(cpu->arg);
    cpu->done = 1;
    halt();
    __builtin_unreachable();
}

unsigned cpu_apic_id(unsigned index)
{
    return index * (unsigned)cmdline_number("apic-step", 1);
}

bool cpu_prepare_other(unsigned index, void (*fn)(void *), void *arg)
{
    Cpu *cpu = cpu_at(index);

    if (index == 0 || index >= cpu_count() || index >= MAX_CPUS) {
        return false;
    }
    start_stack = (uint32_t)(uintptr_t)stacks[index] + STACK_SIZE;
    cpu->fn = fn;
    cpu->arg = arg;
    cpu->started = 0;
    cpu->done = 0;
    return true;
}

bool cpu_other_began(unsigned index)
{
    return cpu_wait_for(&cpu_at(index)->started, 1);
}

bool cpu_start_other(unsigned index, void (*fn)(void *), void *arg)
{
    size_t size = (size_t)(trampoline_end - trampoline);

    if (!cpu_prepare_other(index, fn, arg)) {
        return false;
    }
    memcpy((void *)TRAMPOLINE_PA, trampoline, size);
    lapic_send_startup(cpu_apic_id(index), TRAMPOLINE_PA);
    return cpu_other_began(index);
}

bool cpu_other_done(unsigned index)
{
    return cpu_wait_for(&cpu_at(index)->done, 1);
}

bool cpu_wait_for(const volatile unsigned *flag, unsigned want)
{
    for (unsigned i = 0; i < WAIT_ROUNDS; i++) {
        if (*flag >= want) {
            barrier();
            return true;
        }
        cpu_relax();
    }
    return false;
}

CpuidRegs cpu_cpuid(uint32_t leaf, uint32_t subleaf)
{
    CpuidRegs r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf)
                     : "memory");
    return r;
}

int cpu_rdmsr(uint32_t msr, uint64_t *value)
{
    uint32_t low = 0, high = 0;

    cpu_clear_trap();
    __asm__ volatile("1: rdmsr\n2:\n\t" FIXUP("1b", "2b")
                     : "+a"(low), "+d"(high)
                     : "c"(msr)
                     : "memory");
    if (cpu_trap() == NO_TRAP) {
        *value = ((uint64_t)high << 32) | low;
    }
    return cpu_trap();
}

int cpu_wrmsr(uint32_t msr, uint64_t value)
{
    cpu_clear_trap();
    __asm__ volatile("1: wrmsr\n2:\n\t" FIXUP("1b", "2b")
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
    return cpu_trap();
}

unsigned long cpu_user_call(unsigned long (*fn)(void))
{
    Cpu *cpu = cpu_at(cpu_index());

    return user_enter(fn, cpu->user_stack + sizeof(cpu->user_stack),
                      &cpu->tss.stack0);
}

void *cpu_map_window(unsigned page, uint64_t pa, unsigned flags)
{
    void *at = (void *)(uintptr_t)(WINDOW_VA + page * PAGE_SIZE);

    window_table[page % WINDOW_PAGES] = flags ? pa | flags : 0;
    __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
    return at;
}
