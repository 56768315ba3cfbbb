/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Selectors, addresses and sizes that the payloads' assembler and C share.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_LAYOUT_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_LAYOUT_H

#define MAX_CPUS 8

/* A CPU's stack is aligned to its size; its struct Cpu lies at the bottom. */
#define STACK_SIZE 0x4000

/* Segment selectors; the TSS of CPU n is at SEL_TSS + 16 * n. */
#define SEL_CODE32      0x08
#define SEL_CODE64      0x10
#define SEL_DATA        0x18
#define SEL_USER_CODE32 0x23
#define SEL_USER_DATA   0x2b
#define SEL_USER_CODE64 0x33
#define SEL_CODE16      0x38
#define SEL_TSS         0x40

#ifdef __x86_64__
#define SEL_CODE      SEL_CODE64
#define SEL_USER_CODE SEL_USER_CODE64
#else
#define SEL_CODE      SEL_CODE32
#define SEL_USER_CODE SEL_USER_CODE32
#endif

/* Vector by which user mode comes back. */
#define VEC_USER_RETURN 0x82

/* Where an application processor starts, in real mode. */
#define TRAMPOLINE_PA 0x8000

/*
 * 2 MiB of linear addresses mapped by 4 KiB pages, none present at the start;
 * everything else below 4 GiB is mapped one to one.
 */
#define WINDOW_VA    0xc0000000
#define WINDOW_PAGES 512

#endif
