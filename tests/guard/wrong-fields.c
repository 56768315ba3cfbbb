/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One field out of place: what headers of another configuration give. */
#include "qemu/osdep.h"
#include "cpu.h"
#include "accel/shim/guard-internal.h"

const GuardField guard_fields[] = {
    {GUARD_X86_CPU, "env.tsc", offsetof(X86CPU, env.tsc)},
    {GUARD_X86_CPU, "env.intercept", offsetof(X86CPU, env.intercept) + 8},
};

const size_t guard_n_fields = G_N_ELEMENTS(guard_fields);
