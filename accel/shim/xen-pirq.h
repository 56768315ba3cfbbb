/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of QEMU's devices that a Xen HVM guest takes as events: lines and
 * PCI messages pass by the domain before they reach an interrupt controller.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XEN_PIRQ_H
#define JUMPCUT_ACCEL_SHIM_XEN_PIRQ_H

#include "hw/tap/tap.h"
#include "hw/xen/pirq.h"

/* Once a process, for the current machine, whose board is built. */
void xen_pirq_attach(XenDomain *d, HostTap *tap);
/* As HostOps has them. */
bool xen_pirq_gsi_is_level(unsigned gsi);
void xen_pirq_gsi_release(unsigned gsi);

#endif
