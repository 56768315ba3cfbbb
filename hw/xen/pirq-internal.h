/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical interrupts of a HVM guest: interrupts of its emulated devices that
 * it takes as events instead of through its interrupt controllers.
 */
#ifndef JUMPCUT_HW_XEN_PIRQ_INTERNAL_H
#define JUMPCUT_HW_XEN_PIRQ_INTERNAL_H

#include "hw/xen/pirq.h"

typedef struct XenPirqs XenPirqs;

XenPirqs *xen_pirqs_new(void);
void xen_pirqs_free(XenPirqs *pirqs);
/* As for a domain just built; the machine's lines are reset by itself. */
void xen_pirqs_reset(XenDomain *d);
/* What is mapped or bound is not any more; lines and numbers given out stay. */
void xen_pirqs_soft_reset(XenDomain *d);
/* The same, and numbers are as for a domain just built. */
void xen_pirqs_restore(XenDomain *d);

/*
 * @return: 0 if @pirq can be bound to a port; -XEN_EINVAL: there is no such
 * one; -XEN_EEXIST: it is bound
 */
int64_t xen_pirq_check(const XenDomain *d, uint32_t pirq);
/* @pirq's events go to @port from now on; 0: to none. */
void xen_pirq_set_port(XenDomain *d, uint32_t pirq, uint32_t port);

void xen_pirqs_save(XenDomain *d, StateWriter *w);
/* After ports were loaded. */
void xen_pirqs_load(XenDomain *d, StateReader *r);

#endif
