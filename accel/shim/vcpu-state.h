/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the vCPUs' state is the shim's and migrates. */
#ifndef JUMPCUT_ACCEL_SHIM_VCPU_STATE_H
#define JUMPCUT_ACCEL_SHIM_VCPU_STATE_H

#include <stdint.h>

typedef struct ShimVcpuState {
    uint8_t vector;
    uint16_t flags; /* SHIM_VCPU_* */
} ShimVcpuState;
#define SHIM_VCPU_BLOCKED        0x01u
#define SHIM_VCPU_OFFLINE        0x02u
#define SHIM_VCPU_MASKED         0x04u
#define SHIM_VCPU_STOPPED        0x08u
#define SHIM_VCPU_PAUSED         0x10u
#define SHIM_VCPU_HALTED         0x20u
#define SHIM_VCPU_HOLD_REQUESTED 0x40u
#define SHIM_VCPU_HOLD_STOPPED   0x80u
#define SHIM_VCPU_HOLD_WOKEN     0x100u
#define SHIM_VCPU_FLAGS          0x1ffu

/* Where the numbers of RDRAND are in their sequence. */
typedef struct ShimRandom {
    uint64_t seed, draws;
} ShimRandom;

/* Whose turn it is to execute.  All 0: nobody's yet. */
typedef struct ShimTurn {
    uint64_t owner; /* vCPU, plus 1 */
    uint64_t last;  /* vCPU whose turn was before */
    uint64_t left;  /* instructions */
} ShimTurn;

#endif
