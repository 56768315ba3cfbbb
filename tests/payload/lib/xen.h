/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A payload's view of its Xen: hypercalls, shared pages, event channels.
 * Structures and constants are Xen's own public headers.
 */
#ifndef JUMPCUT_TESTS_PAYLOAD_LIB_XEN_H
#define JUMPCUT_TESTS_PAYLOAD_LIB_XEN_H

/* Xen's headers take the fixed-width types from whoever includes them. */
#include <stdint.h>

#include <xen/xen.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "tests/payload/lib/cpu.h"

#define XEN_MSR_HYPERCALL_PAGE 0x40000000

typedef enum XenExit {
    XEN_EXIT_POWEROFF, /* SHUTDOWN_poweroff; without Xen: status 65 */
    XEN_EXIT_CRASH,    /* SHUTDOWN_crash; without Xen: status 67 */
} XenExit;

/* Finds Xen and writes the hypercall page; false if there is none. */
bool xen_init(void);
/* Major << 16 | minor by CPUID, 0 without a Xen. */
uint32_t xen_version(void);
void xen_exit(XenExit how) __attribute__((noreturn));

/*
 * Hypercalls through the page.  Pointers are linear addresses.  Without a Xen
 * they return -XEN_ENOSYS.
 */
long xen_hypercall(unsigned nr, unsigned long a1, unsigned long a2,
                   unsigned long a3, unsigned long a4);
long xen_version_op(unsigned op, void *arg);
long xen_memory_op(unsigned op, void *arg);
long xen_vcpu_op(unsigned op, unsigned vcpu, void *arg);
long xen_evtchn_op(unsigned op, void *arg);
long xen_sched_op(unsigned op, void *arg);
long xen_hvm_op(unsigned op, void *arg);
long xen_set_timer(uint64_t deadline_ns);
long xen_hvm_get_param(unsigned index, uint64_t *value);
long xen_hvm_set_param(unsigned index, uint64_t value);
/*
 * The instruction itself with RAX = @nr and no arguments but zeroes;
 * *trap: NO_TRAP or the vector of its exception.
 */
long xen_vmmcall(unsigned long nr, int *trap);
long xen_vmcall(unsigned long nr, int *trap);
extern uint8_t xen_hypercall_page[PAGE_SIZE];

/*
 * Lays shared_info over a page of the payload's own (once); NULL and an error
 * reported if Xen refuses.
 */
struct shared_info *xen_shared_info(void);
/* vcpu_info of this CPU: registered, or its slot in shared_info. */
struct vcpu_info *xen_vcpu_info(unsigned vcpu);
/* Registers @info for @vcpu; returns Xen's answer. */
long xen_register_vcpu_info(unsigned vcpu, struct vcpu_info *info);

/* Event channels; the port, or Xen's negative error. */
int evtchn_bind_virq(unsigned virq, unsigned vcpu);
int evtchn_bind_ipi(unsigned vcpu);
long evtchn_send(unsigned port);
long evtchn_unmask(unsigned port);
long evtchn_close(unsigned port);
void evtchn_mask(unsigned port);
bool evtchn_pending(unsigned port);
/* Forgets the port's event (guest's side); was there one? */
bool evtchn_clear(unsigned port);
/*
 * Clears this CPU's upcall flag and selectors, as a guest's handler does
 * first; true if the flag was set.
 */
bool evtchn_ack_upcall(unsigned vcpu);
/*
 * Upcall of all vCPUs by HVM_PARAM_CALLBACK_IRQ, or of @vcpu through its local
 * APIC; Xen's answer.
 */
long evtchn_callback_vector(uint8_t vector);
long evtchn_callback_gsi(unsigned gsi);
long evtchn_callback_none(void);
long evtchn_upcall_vector(unsigned vcpu, uint8_t vector);

#endif
