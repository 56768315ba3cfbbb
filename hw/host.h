/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HostOps: the one seam between the hypervisor logic and the world.
 *
 * Core modules (hw/) see guest memory, time, timers, interrupts and the
 * outside only through this table.  QEMU glue implements it in accel/shim,
 * unit tests with a fake that can make the n-th fallible call fail.
 *
 * Locking: every operation and every core entry point runs with QEMU's big
 * lock held.  Guest vCPUs may run meanwhile, so memory shared with a running
 * guest is changed with atomic operations through a pinned page.
 *
 * Reset: a core frees what it got (timers, pins, overlays) itself.
 */
#ifndef JUMPCUT_HW_HOST_H
#define JUMPCUT_HW_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/host-memory.h"
#include "hw/host-trace.h"

typedef struct HostTimer HostTimer;
typedef void HostTimerFn(void *opaque);
typedef void HostApartFn(void *opaque, uint32_t arg);

/* Segment registers a starting vCPU gets. */
typedef enum HostSegmentReg {
    HOST_SEG_CS,
    HOST_SEG_DS,
    HOST_SEG_ES,
    HOST_SEG_SS,
    HOST_SEG_TR,
    HOST_SEG__MAX
} HostSegmentReg;

typedef struct HostSegment {
    uint32_t base, limit; /* bytes */
    uint16_t attr;        /* bits 40 to 47 and 52 to 55 of the descriptor */
} HostSegment;

typedef struct HostVcpuRegs {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, rip, rflags;
    uint64_t cr0, cr3, cr4, efer;
    HostSegment seg[HOST_SEG__MAX];
} HostVcpuRegs;

typedef struct HostOps {
    /* Virtual time, ns; never negative, never decreases. */
    int64_t (*now_ns)(Host *host);

    HostMemoryOps mem;

    /* Timers in virtual time.  timer_mod() in the past fires at once, from
     * the timer loop, never from inside timer_mod(). */
    HostTimer *(*timer_new)(Host *host, HostTimerFn *fn, void *opaque);
    void (*timer_mod)(Host *host, HostTimer *timer, int64_t expire_ns);
    void (*timer_del)(Host *host, HostTimer *timer);
    void (*timer_free)(Host *host, HostTimer *timer);

    /* Edge-triggered @vector into the local APIC of @vcpu. */
    void (*lapic_inject)(Host *host, unsigned vcpu, uint8_t vector);
    /*
     * Level of the direct callback vector of @vcpu (no local APIC: delivered
     * when the guest can take interrupts, for as long as @level is true).
     */
    void (*vector_level)(Host *host, unsigned vcpu, uint8_t vector, bool level);
    /* Level of a global system interrupt. */
    void (*gsi_level)(Host *host, unsigned gsi, bool level);
    /* GSI of a PCI function's INTx pin (0 = INTA); negative: no such device */
    int (*pci_intx_to_gsi)(Host *host, unsigned domain, unsigned bus,
                           unsigned devfn, unsigned pin);
    /*
     * Is @gsi level triggered?  (Below 16 as the 8259s' trigger register says.)
     */
    bool (*gsi_is_level)(Host *host, unsigned gsi);
    /*
     * The guest no longer takes @gsi as an event, and its line is up: the
     * machine's interrupt controllers get to see it.
     */
    void (*gsi_release)(Host *host, unsigned gsi);
    /* A non-maskable interrupt to @vcpu. */
    void (*nmi_inject)(Host *host, unsigned vcpu);

    /*
     * Stop executing @vcpu after the current hypercall until vcpu_wake() or
     * an interrupt it can take; wake before the stop is not lost.
     */
    void (*vcpu_block)(Host *host, unsigned vcpu);
    void (*vcpu_wake)(Host *host, unsigned vcpu);
    /* As vcpu_block(), but only vcpu_wake() (or INIT/SIPI) ends it. */
    void (*vcpu_offline)(Host *host, unsigned vcpu);
    /*
     * INIT that came to @vcpu while it does not execute, and waits there, is
     * taken now. @return: there was one.
     */
    bool (*vcpu_take_init)(Host *host, unsigned vcpu);
    /*
     * The registers with which @vcpu, which does not execute, begins when
     * vcpu_wake() ends the vcpu_offline() it is in from now on.
     * @return: false, and nothing is changed, if CR4 or EFER have bits that
     * the processor does not know.
     */
    bool (*vcpu_set_regs)(Host *host, unsigned vcpu, const HostVcpuRegs *regs);
    /* Is the guest in 64-bit (long) mode with 64-bit code on @vcpu now? */
    bool (*vcpu_long_mode)(Host *host, unsigned vcpu);

    /*
     * Every vCPU forgets its translations of linear addresses: @vcpu before
     * its hypercall returns, others before they execute on.
     */
    void (*tlb_flush)(Host *host, unsigned vcpu);

    /* The domain ended with Xen's SHUTDOWN_* @reason. */
    void (*shutdown)(Host *host, unsigned vcpu, unsigned reason);

    /* Bytes the guest wrote to its console; all are taken. */
    void (*console_write)(Host *host, const uint8_t *buf, size_t len);
    /* There is room for console input: see xen_domain_console_receive(). */
    void (*console_accept)(Host *host);

    /*
     * Call @fn(@opaque, @arg) where atomic operations on memory of the guest
     * are atomic for its vCPUs as well: at once, if that is here, else soon.
     * Entries of vCPUs and timers are called there; for those of others.
     */
    void (*apart)(Host *host, HostApartFn *fn, void *opaque, uint32_t arg);

    void (*trace)(Host *host, HostTraceEvent event, uint64_t a, uint64_t b,
                  uint64_t c, uint64_t d);
    /* Is @event being traced?  Lets callers skip costly arguments. */
    bool (*trace_enabled)(Host *host, HostTraceEvent event);
} HostOps;

/* Implementations embed this as their first member. */
struct Host {
    const HostOps *ops;
};

#endif
