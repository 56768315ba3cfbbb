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

#define HOST_PAGE_SHIFT 12
#define HOST_PAGE_SIZE  ((size_t)1 << HOST_PAGE_SHIFT)

/* No guest frame. */
#define HOST_NO_FRAME UINT64_MAX

/* Guest addresses cannot be dereferenced, and the two kinds cannot be mixed. */
typedef struct GuestPhys {
    uint64_t v; /* guest physical address, bytes */
} GuestPhys;

typedef struct GuestVirt {
    uint64_t v; /* guest virtual (linear) address, bytes */
} GuestVirt;

typedef struct Host Host;
typedef struct HostPage HostPage;
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

/*
 * Trace events: one a transition, with its result.  HOST_TRACE(name, a, b, c,
 * d) names the four unsigned 64-bit values; the glue emits each as the QEMU
 * trace event jumpcut_<name>.
 */
#define HOST_TRACE_EVENTS(X)                                     \
    X(hypercall, vcpu, nr, arg0, ret)                            \
    X(cut, at_ns, uptime_ns, tsc, tsc_khz)                       \
    X(pvclock_update, vcpu, version, system_time, tsc_timestamp) \
    X(wallclock_update, version, sec, nsec, at_ns)               \
    X(runstate, vcpu, from, to, at_ns)                           \
    X(evtchn_bind, vcpu, port, type, ret)                        \
    X(evtchn_close, port, type, unused, ret)                     \
    X(evtchn_send, port, vcpu, masked, ret)                      \
    X(upcall, vcpu, kind, vector, at_ns)                         \
    X(timer_set, vcpu, kind, deadline, at_ns)                    \
    X(timer_fire, vcpu, kind, deadline, at_ns)                   \
    X(overlay, space, idx, gfn, ret)                             \
    X(hvm_param, index, value, set, ret)                         \
    X(sched, vcpu, op, arg, ret)                                 \
    X(shutdown, vcpu, reason, unused, at_ns)                     \
    X(xenstore, type, req_id, len, ret)                          \
    X(console, out_bytes, in_bytes, pending, at_ns)              \
    X(ring_error, which, prod, cons, at_ns)

typedef enum HostTraceEvent {
#define HOST_TRACE_ENUM(name, a, b, c, d) HOST_TRACE_##name,
    HOST_TRACE_EVENTS(HOST_TRACE_ENUM)
#undef HOST_TRACE_ENUM
        HOST_TRACE__MAX
} HostTraceEvent;

typedef struct HostOps {
    /* Virtual time, ns; never negative, never decreases. */
    int64_t (*now_ns)(Host *host);

    /*
     * Guest physical memory.  Only RAM (overlays included) can be reached;
     * @return: false, with nothing written, if any byte lies elsewhere.
     */
    bool (*phys_read)(Host *host, GuestPhys gpa, void *buf, size_t len);
    bool (*phys_write)(Host *host, GuestPhys gpa, const void *buf, size_t len);

    /*
     * Memory at a linear address of @vcpu, by its current page tables with
     * supervisor rights.
     * @return: false on a page that is absent, not RAM or (write) read-only;
     * a write may then have changed earlier pages, as Xen's copy_to_guest().
     */
    bool (*virt_read)(Host *host, unsigned vcpu, GuestVirt gva, void *buf,
                      size_t len);
    bool (*virt_write)(Host *host, unsigned vcpu, GuestVirt gva,
                       const void *buf, size_t len);

    /*
     * Pin the RAM page at guest frame @gfn (an overlay counts as RAM): the
     * pointer page_ptr() gives stays good until page_unpin().
     * @return: NULL if the frame is not writable RAM.
     */
    HostPage *(*page_pin)(Host *host, uint64_t gfn);
    void (*page_unpin)(Host *host, HostPage *page);
    /* Host pointer to the HOST_PAGE_SIZE bytes of a pinned or overlay page. */
    void *(*page_ptr)(Host *host, HostPage *page);
    /* Tell that [off, off + len) was changed through page_ptr(). */
    void (*page_dirty)(Host *host, HostPage *page, size_t off, size_t len);

    /*
     * Which page of the guest's RAM lies at a guest frame.  A page is named by
     * its home, the frame it lies at after frames_reset().  HOST_NO_FRAME for
     * @home: nothing lies at @gfn, reads give all ones, writes are lost and
     * the calls above fail.  Pins and overlays stay as they are, overlays on
     * top.  vCPUs may see what was before until frames_sync().
     * @return: false, and nothing changed, if @gfn can have no RAM.
     */
    bool (*frame_set)(Host *host, uint64_t gfn, uint64_t home);
    void (*frames_sync)(Host *host);
    void (*frames_reset)(Host *host);
    /* The page of home @home becomes zeroes; it may lie anywhere, or nowhere:
     * then memory of the real host's is given back where that is possible. */
    void (*frame_clear)(Host *host, uint64_t home);
    /* Is the page of home @home pinned? */
    bool (*frame_pinned)(Host *host, uint64_t home);

    /*
     * Overlay pages: zeroed RAM that belongs to the hypervisor and can be
     * laid over a guest frame; the memory beneath keeps its content.  A page
     * is mapped at most once; mapping it again moves it.  page_ptr() and
     * page_dirty() work on it, mapped or not.  @name is unique, and the page's
     * content migrates under it.
     */
    HostPage *(*overlay_new)(Host *host, const char *name); /* NULL: none */
    bool (*overlay_map)(Host *host, HostPage *page, uint64_t gfn);
    void (*overlay_unmap)(Host *host, HostPage *page);
    void (*overlay_free)(Host *host, HostPage *page);

    /*
     * Show the pinned page @pin at guest frame @gfn too, over what is there.
     * The alias keeps the memory alive, as a pin does.
     * @return: NULL if there can be nothing at @gfn.
     */
    HostPage *(*alias_map)(Host *host, HostPage *pin, uint64_t gfn,
                           bool read_only);
    void (*alias_unmap)(Host *host, HostPage *alias);

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
    /* There is room for console input now (see xen_domain_console_receive()). */
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
