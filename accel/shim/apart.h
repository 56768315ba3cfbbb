/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing what running vCPUs change, too.
 *
 * TCG makes a guest's atomic instructions atomic only where several threads
 * execute vCPUs.  With one thread for all (icount, thread=single, one vCPU) a
 * "lock and" is a load and a store, and a bit that another thread sets in
 * between is lost; and it orders nothing.  There it is set on the vCPUs'
 * thread. What others write to and read at any time, as a device's ring, needs
 * guests whose atomic instructions are.
 */
#ifndef JUMPCUT_ACCEL_SHIM_APART_H
#define JUMPCUT_ACCEL_SHIM_APART_H

typedef void ShimApartFn(void *opaque, uint32_t arg);

/* May this thread, with the big lock held, change what vCPUs change? */
bool shim_is_apart(void);
/*
 * Have atomic instructions of all vCPUs be atomic for every thread from now on.
 * Costs the guest a little; cheap if it is so already.
 */
void shim_make_atomic(void);
/* Call @fn on a thread that may: at once if this one may, else soon. */
void shim_apart(ShimApartFn *fn, void *opaque, uint32_t arg);

#endif
