/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical interrupts: what the machine tells of its devices' interrupts, which
 * a HVM guest may take as events instead of through interrupt controllers.
 */
#ifndef JUMPCUT_HW_XEN_PIRQ_H
#define JUMPCUT_HW_XEN_PIRQ_H

#include "hw/xen/domain.h"

/* Does the guest have them (xen: asm/domain.h, has_pirq)? */
bool xen_domain_has_pirqs(const XenDomain *d);
/*
 * The machine's interrupt line @gsi is at @level now.
 * @return: the guest takes it as an event, and not as an interrupt
 */
bool xen_domain_gsi(XenDomain *d, unsigned gsi, bool level);
/* Likewise for a PCI device's message. */
bool xen_domain_msi(XenDomain *d, uint64_t addr, uint32_t data);
/* Would it be?  The guest masks such events, and not the message. */
bool xen_domain_takes_msi(const XenDomain *d, uint64_t addr, uint32_t data);

#endif
