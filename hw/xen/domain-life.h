/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain lives through and goes on after; as hw/xen/domain.h, which
 * includes it.
 */
#ifndef JUMPCUT_HW_XEN_DOMAIN_LIFE_H
#define JUMPCUT_HW_XEN_DOMAIN_LIFE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct XenDomain XenDomain;

/*
 * What follows SCHEDOP_shutdown: every vCPU is paused.  The machine sees to it
 * that none executes.
 */
void xen_domain_pause(XenDomain *d);
/* SHUTDOWN_* of a domain that was shut down, else -1 */
int xen_domain_shutdown_reason(const XenDomain *d);
/*
 * The domain may go on: it has not been shut down (xen: common/domain.c,
 * domain_resume).
 */
void xen_domain_resume(XenDomain *d);
/*
 * Does a suspend that is cancelled show in vCPU 0's RAX as 1?  Guests without
 * an event channel callback have no code to look at it (xen: tools/libs/guest/
 * xg_resume.c, modify_returncode).
 */
bool xen_domain_wants_suspend_code(const XenDomain *d);
/*
 * SHUTDOWN_soft_reset, then: event channels are closed, registered areas and
 * shared_info unmapped, the rings as new; all else stays (xen: common/domain.c,
 * domain_soft_reset).  The domain may go on.
 */
void xen_domain_soft_reset(XenDomain *d);
/*
 * A domain that suspended itself and was saved is filled into a new one, with
 * id @domid, on a host whose clock @clock already shows: memory, registers and
 * the toolstack's parameters are the old one's, all else is as just built; no
 * vCPU that was up waits any more (xen:
 * tools/libs/guest/xg_sr_restore_x86_hvm.c, xg_dom_boot.c; arch/x86/hvm/hvm.c,
 * hvm_save_cpu_ctxt).
 */
void xen_domain_restore(XenDomain *d, uint16_t domid);
/* What state of a restored domain is to be loaded into. */
void xen_domain_set_domid(XenDomain *d, uint16_t domid);
/*
 * The machine wakes from suspend to RAM, its vCPUs were reset: vCPU 0 runs,
 * the others are down, every TSC begins at 0; all else stays (xen: arch/x86/
 * hvm/hvm.c, hvm_s3_suspend, hvm_s3_resume).
 * DEVIATION: TSC_ADJUST tells of the jump, in Xen it reads 0.
 * DEVIATION: an upcall by local APIC that was pending is sent once more, at
 * vCPU 0's next hypercall; by its source Xen loses it with the local APIC's
 * state, and the guest, whose flag stays set, gets no other.
 */
void xen_domain_wakeup(XenDomain *d);

#endif
