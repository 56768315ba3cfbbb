/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which page of the guest's RAM lies at which guest frame: a page table below
 * the guest's own, which costs nothing until something is moved or taken away.
 *
 * Called with the big lock held.  Pages are named as in hw/host-memory.h.
 */
#ifndef JUMPCUT_ACCEL_SHIM_GUEST_FRAMES_H
#define JUMPCUT_ACCEL_SHIM_GUEST_FRAMES_H

#include "hw/host.h"

/* Of a board's region that stands for nothing: beneath all others. */
#define GUEST_NOTHING_PRIORITY INT_MIN

/* A machine reset puts pages back from now on. */
void guest_frames_install(void);

/* @cs is about to execute; on its thread, without the big lock. */
void guest_frames_enter(CPUState *cs);

bool guest_frame_set(uint64_t gfn, uint64_t home);
void guest_frames_sync(void);
void guest_frames_reset(void);
void guest_frame_clear(uint64_t home);
bool guest_frame_pinned(uint64_t home);

/* Is @ptr in what is read where no page lies? */
bool guest_frames_is_hole(const void *ptr);

#endif
