/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain 0's side of a guest's rings: what a back end outside of the domain
 * (QEMU's disks and network cards) needs of event channels and grants.
 *
 * Errors are negative XEN_E* values.  Nothing is kept over
 * xen_domain_reset(): the owner is told by the reset hook and must not use
 * what it holds.
 */
#ifndef JUMPCUT_HW_XEN_BACKEND_H
#define JUMPCUT_HW_XEN_BACKEND_H

#include "hw/xen/domain.h"

/* The guest sent on a port that is bound to domain 0. */
typedef void XenBackendFn(void *opaque);

/*
 * EVTCHNOP_bind_interdomain by domain 0 to @guest_port, which the guest
 * allocated for remote domain 0.  @fn is called for each send, and once at
 * once, as Xen marks a port that was just bound pending.
 * @return: 0; -XEN_EINVAL if @guest_port is not unbound or not for domain 0.
 */
int xen_backend_bind(XenDomain *d, uint32_t guest_port, XenBackendFn *fn,
                     void *opaque);
/* EVTCHNOP_close by domain 0: the guest's end is unbound again. */
void xen_backend_unbind(XenDomain *d, uint32_t guest_port);
/* EVTCHNOP_send by domain 0. @return: -XEN_EINVAL: @guest_port is not bound. */
int xen_backend_notify(XenDomain *d, uint32_t guest_port);

/*
 * GNTTABOP_map_grant_ref by domain 0: checks the entry, marks it used (reading
 * and, if @write, writing) and pins its frame.
 * @return: NULL and a GNTST_* in *@status.
 */
HostPage *xen_backend_grant_map(XenDomain *d, uint32_t ref, bool write,
                                int16_t *status);
/* GNTTABOP_unmap_grant_ref by domain 0, of one mapping of @ref. */
void xen_backend_grant_unmap(XenDomain *d, uint32_t ref, HostPage *page,
                             bool write);
/*
 * GNTTABOP_copy between domain 0's memory and [@off, @off + @len) of the frame
 * @ref grants; @off + @len is at most HOST_PAGE_SIZE.
 * @return: a GNTST_*.
 */
int16_t xen_backend_grant_copy(XenDomain *d, uint32_t ref, uint16_t off,
                               void *buf, uint16_t len, bool to_guest);

#endif
