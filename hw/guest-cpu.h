/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a vCPU asks whichever hypervisor is beneath it, and how that answers.
 */
#ifndef JUMPCUT_HW_GUEST_CPU_H
#define JUMPCUT_HW_GUEST_CPU_H

#include <stdint.h>

typedef struct GuestCpuid {
    uint32_t eax, ebx, ecx, edx;
} GuestCpuid;

typedef enum GuestMsrResult {
    GUEST_MSR_NOT_OURS, /* pass it on to who is asked next */
    GUEST_MSR_OK,
    GUEST_MSR_GP, /* general protection fault, error code 0 */
} GuestMsrResult;

#endif
