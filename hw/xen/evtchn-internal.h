/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: the table of ports, and the ends of them that are backends
 * inside us.
 */
#ifndef JUMPCUT_HW_XEN_EVTCHN_INTERNAL_H
#define JUMPCUT_HW_XEN_EVTCHN_INTERNAL_H

#include "hw/xen/abi/xen-abi.h"
#include "hw/xen/backend.h"

/* The toolstack's default: xl.cfg max_event_channels = 1023. */
#define XEN_MAX_PORT_DEFAULT 1023u
#define XEN_PORT_LIMIT       ((uint32_t)EVTCHN_FIFO_NR_CHANNELS)

typedef struct XenEvtchn XenEvtchn;

XenEvtchn *xen_evtchn_new(void);
void xen_evtchn_free(XenDomain *d);
/* As for a domain just built: every port free, in the 2-level ABI. */
void xen_evtchn_reset(XenDomain *d);
/* The highest port the guest may have. */
uint32_t xen_evtchn_max_port(const XenDomain *d);
/* @fn is called, until the next reset, when the guest sends on @port. */
void xen_evtchn_bind_backend(XenDomain *d, uint32_t port, XenBackendFn *fn,
                             void *opaque);
/* The backend of @port tells the guest; nothing if the guest closed it. */
void xen_evtchn_notify_guest(XenDomain *d, uint32_t port);
/* Per-vCPU virtual interrupt @virq (xen: send_guest_vcpu_virq). */
void xen_evtchn_send_virq(XenDomain *d, unsigned vcpu, unsigned virq);
/*
 * SCHEDOP_poll's question: 1 if @port is pending, 0 if not, -XEN_EINVAL if it
 * is no port in use.
 */
int xen_evtchn_poll(XenDomain *d, uint32_t port);

void xen_evtchn_save(XenDomain *d, StateWriter *w);
void xen_evtchn_load(XenDomain *d, StateReader *r);

#endif
