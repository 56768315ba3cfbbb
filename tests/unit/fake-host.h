/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A HostOps for native tests: virtual time, timers and guest memory that the
 * test controls, a record of what the core did, and calls that fail on demand.
 *
 * Frames [0, nr_frames) are RAM, zeroed and allocated when first written.
 * Guest virtual addresses equal guest physical ones, on every vCPU.  Misuse
 * of HostOps (a free page used, a vCPU that does not exist, two overlays of
 * one name) ends the test at once.
 *
 *     FakeHost *fake = fake_host_new(2, 1024);
 *     XenDomain *d = xen_domain_new(fake_host_ops(fake), ...);
 *     ...
 *     xen_domain_free(d);
 *     fake_host_free(fake);    // fails the test if anything is left alive
 *
 * The n-th-fault loop:
 *
 *     for (unsigned n = 1;; n++) {
 *         ... build the state ...
 *         fake_host_fail_nth(fake, n);
 *         ... the operation ...
 *         if (!fake_host_fault_fired(fake)) {
 *             break;    // it succeeded without n fallible calls
 *         }
 *         ... it failed cleanly: state as before, nothing leaked ...
 *     }
 */
#ifndef JUMPCUT_TESTS_UNIT_FAKE_HOST_H
#define JUMPCUT_TESTS_UNIT_FAKE_HOST_H

#include <glib.h>

#include "hw/host.h"
#include "tests/unit/fake-memory.h"

FakeHost *fake_host_new(unsigned nr_vcpus, uint64_t nr_frames);
/* Asserts that no pin, overlay, alias or timer is alive. */
void fake_host_free(FakeHost *fake);
Host *fake_host_ops(FakeHost *fake);

/* Things the core holds; all 0 after it was freed. */
typedef struct FakeHostAlive {
    unsigned pins, overlays, timers, aliases;
} FakeHostAlive;
FakeHostAlive fake_host_alive(const FakeHost *fake);

/*
 * Time starts at 0.  Running to @at_ns fires the timers due on the way, by
 * deadline and then by creation, each at its deadline (or at once if that has
 * passed), then leaves the time at @at_ns.  A past @at_ns is not allowed; the
 * present one fires what is due now.
 */
void fake_host_run_until(FakeHost *fake, int64_t at_ns);
void fake_host_advance(FakeHost *fake, int64_t ns);
int64_t fake_host_now(const FakeHost *fake);
/* Earliest deadline of an armed timer; INT64_MAX if there is none. */
int64_t fake_host_next_deadline(const FakeHost *fake);

/*
 * The @n-th fallible call from now (1: the next) fails: phys_read, phys_write,
 * virt_read, virt_write, page_pin, page_pin_named, frame_set, overlay_new,
 * overlay_map and alias_map count.  0 disarms.  A failed write writes nothing.
 */
void fake_host_fail_nth(FakeHost *fake, unsigned n);
/* Did the fault armed last fire? */
bool fake_host_fault_fired(const FakeHost *fake);
/* Fallible calls since fake_host_new(). */
unsigned fake_host_fallible_calls(const FakeHost *fake);

/* What the core did, in order; arguments as in HostOps, a first. */
typedef enum FakeEventKind {
    FAKE_LAPIC_INJECT,   /* vcpu, vector */
    FAKE_VECTOR_LEVEL,   /* vcpu, vector, level */
    FAKE_GSI_LEVEL,      /* gsi, level */
    FAKE_NMI_INJECT,     /* vcpu */
    FAKE_TLB_FLUSH,      /* vcpu */
    FAKE_VCPU_BLOCK,     /* vcpu */
    FAKE_VCPU_WAKE,      /* vcpu */
    FAKE_VCPU_OFFLINE,   /* vcpu */
    FAKE_VCPU_SET_REGS,  /* vcpu */
    FAKE_SHUTDOWN,       /* vcpu, reason */
    FAKE_CONSOLE_ACCEPT, /* - */
    FAKE_TRACE,          /* HostTraceEvent, a, b, c, d */
    FAKE_EVENT__MAX
} FakeEventKind;

typedef struct FakeEvent {
    FakeEventKind kind;
    int64_t at_ns;
    uint64_t a, b, c, d, e;
} FakeEvent;

unsigned fake_host_event_count(const FakeHost *fake, FakeEventKind kind);
/* The @nth (0: first) of @kind, or NULL; good until the next event. */
const FakeEvent *fake_host_event(const FakeHost *fake, FakeEventKind kind,
                                 unsigned nth);
const FakeEvent *fake_host_last_event(const FakeHost *fake, FakeEventKind kind);
unsigned fake_host_trace_count(const FakeHost *fake, HostTraceEvent event);
/* The newest of that trace event (its values are b to e), or NULL. */
const FakeEvent *fake_host_last_trace(const FakeHost *fake,
                                      HostTraceEvent event);
void fake_host_clear_events(FakeHost *fake);

typedef enum FakeVcpuState {
    FAKE_VCPU_RUNNING,
    FAKE_VCPU_BLOCKED,
    FAKE_VCPU_OFF,
} FakeVcpuState;
FakeVcpuState fake_host_vcpu_state(const FakeHost *fake, unsigned vcpu);
/* INIT comes to @vcpu, which does not execute, and waits. */
void fake_host_send_init(FakeHost *fake, unsigned vcpu);
/* Registers @vcpu was given last. */
const HostVcpuRegs *fake_host_vcpu_regs(const FakeHost *fake, unsigned vcpu);
/* Bits of CR4 and EFER that vcpu_set_regs() refuses. */
#define FAKE_CR4_UNKNOWN  (1ull << 31)
#define FAKE_EFER_UNKNOWN (1ull << 20)
/* Direct callback vector held up on @vcpu; 0: none. */
uint8_t fake_host_vector_held(const FakeHost *fake, unsigned vcpu);
/* @gsi below 256 */
bool fake_host_gsi_held(const FakeHost *fake, unsigned gsi);
/* Console output so far, NUL terminated; the fake's. */
const char *fake_host_console(const FakeHost *fake);

/* Both are true at first. */
void fake_host_set_long_mode(FakeHost *fake, unsigned vcpu, bool long_mode);
void fake_host_set_tracing(FakeHost *fake, bool tracing);
/*
 * pci_intx_to_gsi() knows domain 0, bus 0 and gives 16 plus (slot + pin)
 * modulo 4; anything else is no such device.  gsi_is_level() is true of GSIs
 * 10, 11 and from 16 on; gsi_release() is gsi_level() with true.
 */

#endif
