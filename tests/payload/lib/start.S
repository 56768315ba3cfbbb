/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry by the PVH ELF note (32-bit, paging off, EBX = start info), the way
 * into long mode (64-bit payloads) or PAE paging (32-bit), the start of
 * application processors, exception stubs and the way to user mode.
 */
#include <xen/elfnote.h>
#include "tests/payload/lib/layout.h"

#ifdef __x86_64__
#define WORD .quad
#define WORD_SIZE 8
#else
#define WORD .long
#define WORD_SIZE 4
#endif

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, WORD_SIZE, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    WORD pvh_start

/*
 * Page tables: 4 GiB one to one in 2 MiB pages, open to user mode, accessed
 * and dirty set so that the processor need not write to them.
 */
#define TABLE 0x67 /* present, writable, user, accessed, dirty */
#define LARGE 0xe7 /* the same, 2 MiB */

    .data
    .balign 4096
    .globl window_table
page_directories:
    .set frame, 0
    .rept 2048
    .if frame == (WINDOW_VA >> 21)
    .long window_table + TABLE, 0
    .else
    .long ((frame << 21) & 0xffffffff) + LARGE, (frame >> 11)
    .endif
    .set frame, frame + 1
    .endr
window_table:
    .fill WINDOW_PAGES, 8, 0
#ifdef __x86_64__
pdpt:
    .set frame, 0
    .rept 4
    .long page_directories + (frame << 12) + TABLE, 0
    .set frame, frame + 1
    .endr
    .balign 4096
page_root:
    .long pdpt + TABLE, 0
    .balign 4096
#else
page_root: /* these four entries have a present bit and nothing else */
    .set frame, 0
    .rept 4
    .long page_directories + (frame << 12) + 1, 0
    .set frame, frame + 1
    .endr
    .balign 4096
#endif

    .globl gdt, gdt_end
    .balign 16
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff /* SEL_CODE32 */
    .quad 0x00af9b000000ffff /* SEL_CODE64 */
    .quad 0x00cf93000000ffff /* SEL_DATA */
    .quad 0x00cffb000000ffff /* SEL_USER_CODE32 */
    .quad 0x00cff3000000ffff /* SEL_USER_DATA */
    .quad 0x00affb000000ffff /* SEL_USER_CODE64 */
    .quad 0x00009b000000ffff /* SEL_CODE16 */
    .fill 2 * MAX_CPUS, 8, 0 /* SEL_TSS */
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt, 0

    .globl start_info_pa, start_stack
start_info_pa:
    .long 0
/* As the boot processor started: EBX, CR0, CR4, EFLAGS. */
    .globl start_state
start_state:
    .long 0, 0, 0, 0
/* Top of the stack of the processor that starts next. */
start_stack:
    .long stacks + STACK_SIZE

    .bss
    .globl stacks
    .balign STACK_SIZE
stacks:
    .skip STACK_SIZE * MAX_CPUS

    .text
    .code32
    .globl pvh_start
pvh_start:
    mov start_stack, %esp
    pushf
    popl start_state + 12
    cli
    cld
    mov %ebx, start_info_pa
    mov %ebx, start_state
    mov %cr0, %eax
    mov %eax, start_state + 4
    mov %cr4, %eax
    mov %eax, start_state + 8
    lgdt gdt_pointer
    ljmp $SEL_CODE32, $paging_on

/* Both kinds of processor come here: flat 32-bit segments but for the data. */
paging_on:
    mov $SEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov start_stack, %esp
    mov $page_root, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax /* PAE */
    mov %eax, %cr4
#ifdef __x86_64__
    mov $0xc0000080, %ecx /* EFER */
    rdmsr
    or $0x100, %eax /* LME */
    wrmsr
#endif
    mov %cr0, %eax
    and $0x9fffffff, %eax /* caches on */
    or $0x80010001, %eax  /* PG, WP, PE */
    mov %eax, %cr0
    ljmp $SEL_CODE, $1f
#ifdef __x86_64__
    .code64
    /* The upper half of RSP is undefined after a mode switch. */
1:  mov %esp, %esp
#else
1:
#endif
    xor %ebp, %ebp
    call cpu_start
    ud2

/* Application processors: real mode, CS:IP = TRAMPOLINE_PA >> 4:0. */
    .code16
    .globl trampoline, trampoline_end
trampoline:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    lgdtl 1f - trampoline
    mov %cr0, %eax
    or $1, %eax
    mov %eax, %cr0
    ljmpl $SEL_CODE32, $paging_on
    .balign 4
1:  .word gdt_end - gdt - 1
    .long gdt
trampoline_end:

/* Exceptions and interrupts: 16 bytes of stub for each vector. */
#ifdef __x86_64__
    .code64
#else
    .code32
#endif
    .globl trap_stubs
    .balign 16
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if (vector != 8) && ((vector < 10) || (vector > 14)) && \
        (vector != 17) && (vector != 21) && (vector != 29) && (vector != 30)
    push $0
    .endif
    push $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

#ifdef __x86_64__
trap_common:
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    call trap_dispatch
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

/*
 * unsigned long user_enter(unsigned long (*fn)(void), void *stack,
 *                          unsigned long *tss_stack)
 * Runs fn in user mode on the stack; the return value is fn's.
 */
    .globl user_enter
user_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rax /* the processor aligns the stack to 16: be there already */
    mov %rsp, (%rdx)
    push $SEL_USER_DATA
    push %rsi
    push $2
    push $SEL_USER_CODE
    push $1f
    iretq
1:  call *%rdi
    int $VEC_USER_RETURN

/* Gate of VEC_USER_RETURN: the frame lies right below user_enter()'s. */
    .globl user_return
user_return:
    add $48, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/*
 * long compat_call(void (*fn)(void), uint32_t args[6])
 * Runs fn as 32-bit code with EAX, EBX, ECX, EDX, ESI, EDI loaded from args;
 * the return value is EAX, zero extended.
 */
    .globl compat_call
compat_call:
    push %rbx
    push %rbp
    mov %rdi, %rbp
    mov (%rsi), %eax
    mov 4(%rsi), %ebx
    mov 8(%rsi), %ecx
    mov 12(%rsi), %edx
    mov 20(%rsi), %edi
    mov 16(%rsi), %esi
    push $0
    push $0
    movl $1f, 8(%rsp)
    movl $SEL_CODE32, 12(%rsp)
    ljmp *8(%rsp)
    .code32
1:  call *%ebp
    ljmp $SEL_CODE64, $2f
    .code64
2:  mov %eax, %eax
    add $16, %rsp
    pop %rbp
    pop %rbx
    ret
#else
trap_common:
    pusha
    cld
    push %esp
    call trap_dispatch
    add $4, %esp
    popa
    add $8, %esp
    iret

    .globl user_enter
user_enter:
    mov 4(%esp), %eax  /* fn */
    mov 8(%esp), %ecx  /* stack */
    mov 12(%esp), %edx /* where the TSS keeps ESP0 */
    push %ebx
    push %ebp
    push %esi
    push %edi
    mov %esp, (%edx)
    push $SEL_USER_DATA
    push %ecx
    push $2
    push $SEL_USER_CODE
    push $1f
    mov $SEL_USER_DATA, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    iret
1:  call *%eax
    int $VEC_USER_RETURN

    .globl user_return
user_return:
    mov $SEL_DATA, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    add $20, %esp
    pop %edi
    pop %esi
    pop %ebp
    pop %ebx
    ret
#endif

    .section .note.GNU-stack, "", @progbits
