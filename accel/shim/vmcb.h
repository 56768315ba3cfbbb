/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages TCG's SVM emulation reads and writes for our intercepts: a VMCB a
 * vCPU and one MSR permission map, at physical addresses no guest can form.
 */
#ifndef JUMPCUT_ACCEL_SHIM_VMCB_H
#define JUMPCUT_ACCEL_SHIM_VMCB_H

struct vmcb;

typedef struct VmcbArea {
    uint8_t *host;
    uint64_t gpa;
} VmcbArea;

/* @return: false and *@errp if there is no memory */
bool vmcb_area_new(VmcbArea *area, unsigned nr_vcpus, Error **errp);
struct vmcb *vmcb_area_page(const VmcbArea *area, unsigned vcpu);
uint64_t vmcb_area_gpa(const VmcbArea *area, unsigned vcpu);

#endif
