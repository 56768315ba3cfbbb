/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping the machine at an exact place.
 *
 * A stop that is only asked for comes some time later: vCPUs execute on, and
 * while they are all idle the virtual clock is moved to the next deadline.
 * Here the vCPUs' thread waits for the stop, and the clock stands still.
 * Without icount, or with a thread a vCPU, nothing is exact.
 */
#ifndef JUMPCUT_ACCEL_SHIM_STOP_H
#define JUMPCUT_ACCEL_SHIM_STOP_H

typedef void ShimStoppedFn(void *opaque);

/*
 * The machine stops (RUN_STATE_PAUSED) before a vCPU executes another
 * instruction.  Called as work of a vCPU (async_run_on_cpu), with the big lock
 * held, which it lets go of meanwhile; returns when the machine does not run
 * any more.  A shutdown or reset that was asked for before comes first.
 */
void shim_stop_here(void);

/*
 * The same from anywhere, with the big lock held: at the end of the vCPUs'
 * round that is being executed.  @fn, if there is one, is called once the
 * machine has stopped; one that waits already is forgotten.  What
 * shim_stop_at() asked for still holds.
 */
void shim_stop_soon(ShimStoppedFn *fn, void *opaque);

/*
 * The same at virtual time @at_ns, not in the past, or at once if that is now:
 * exact if no vCPU executes at that time but the first.  One asked for before
 * is forgotten.
 */
void shim_stop_at(int64_t at_ns, ShimStoppedFn *fn, void *opaque);

#endif
