/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of hypercalls that no HVM or PVH guest has, for the tests of the core
 * and for payloads (xen: arch/x86/hvm/hypercall.c, hvm_hypercall_table).
 */
#ifndef JUMPCUT_TESTS_NO_HYPERCALLS_H
#define JUMPCUT_TESTS_NO_HYPERCALLS_H

/* But for iret, which a guest cannot call as the others. */
#define NO_HYPERCALLS                                                          \
    0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 14, 16, 19, 22, 25, 27, 28, 30, 31, 37, \
        38, 39, 43, 48, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,    \
        63, 64, 100, 127

#endif
