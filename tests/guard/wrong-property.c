/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A field that none of QEMU's tables knows. */
#include "qemu/osdep.h"
#include "accel/shim/guard-internal.h"

const GuardField guard_fields[] = {
    {GUARD_APIC, "no-such-property", 0},
};

const size_t guard_n_fields = G_N_ELEMENTS(guard_fields);
