/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a domain's hypervisor may do wrong; each function is described where
 * it is written (fault.c).
 */
#ifndef JUMPCUT_HW_XEN_FAULT_INTERNAL_H
#define JUMPCUT_HW_XEN_FAULT_INTERNAL_H

#include "hw/xen/domain-internal.h"

bool xen_faults_new(XenDomain *d);
void xen_faults_free(XenDomain *d);
void xen_faults_reset(XenDomain *d);
void xen_faults_save(const XenDomain *d, StateWriter *w);
void xen_faults_load(XenDomain *d, StateReader *r);

bool xen_fault_event(XenDomain *d, uint32_t port);
bool xen_fault_record(XenVcpu *v, struct vcpu_time_info *next);
bool xen_fault_wallclock(XenDomain *d);
bool xen_fault_timer(XenVcpu *v);

#endif
