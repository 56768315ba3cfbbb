/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest for native tests of hw/xen: a domain on a fake host, and hypercalls
 * made from its memory.
 *
 * Frames [0, XEN_GUEST_FRAMES) are RAM.  Arguments of sub-operations go to
 * XEN_GUEST_ARG; shared_info is laid over frame XEN_GUEST_SHINFO.
 */
#ifndef JUMPCUT_TESTS_UNIT_XEN_GUEST_H
#define JUMPCUT_TESTS_UNIT_XEN_GUEST_H

#include <glib.h>

#include "hw/xen/abi/xen-abi.h"
#include "hw/xen/domain.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/fake-tree.h"

#define XEN_GUEST_FRAMES    256u
#define XEN_GUEST_ARG       0x10000ull
#define XEN_GUEST_BUF       0x20000ull /* what an argument points to */
#define XEN_GUEST_SHINFO    0x30ull    /* frame */
#define XEN_GUEST_UNMAPPED  0x40ull    /* frame, absent */
#define XEN_GUEST_READONLY  0x41ull    /* frame */
#define XEN_GUEST_UPTIME_NS 5000000000ull
#define XEN_GUEST_DOMID     7u
#define XEN_GUEST_NS_PER_S  1000000000ll

typedef struct XenGuest {
    FakeHost *fake;
    FakeTree *tree;
    Clock *clock;
    XenDomain *d;
    unsigned vcpu; /* that calls */
    bool compat;   /* in 32-bit code */
} XenGuest;

/* Xen 4.@minor; shared_info is mapped.  The host has been up for 5 s. */
XenGuest *xen_guest_new(unsigned nr_vcpus, unsigned minor);
/* The whole world anew, but for the guest's layout. */
XenDomainConfig xen_guest_config(unsigned nr_vcpus, unsigned minor);
void xen_guest_free(XenGuest *g);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XenGuest, xen_guest_free)

/* In 32-bit code from now on, and shared memory in that layout. */
void xen_guest_set_compat(XenGuest *g);

int64_t xen_guest_call(XenGuest *g, uint64_t nr, uint64_t a0, uint64_t a1,
                       uint64_t a2);
/* Sub-operation @cmd with @arg at XEN_GUEST_ARG, read back afterwards. */
int64_t xen_guest_op(XenGuest *g, uint64_t nr, uint64_t cmd, void *arg,
                     size_t len);
int64_t xen_guest_vcpu_op(XenGuest *g, uint64_t cmd, unsigned vcpu, void *arg,
                          size_t len);
int64_t xen_guest_set_param(XenGuest *g, uint32_t index, uint64_t value);
int64_t xen_guest_get_param(XenGuest *g, uint32_t index, uint64_t *value);
/* The port, or a negative error. */
int64_t xen_guest_bind_virq(XenGuest *g, uint32_t virq, uint32_t vcpu);
int64_t xen_guest_bind_ipi(XenGuest *g, uint32_t vcpu);
int64_t xen_guest_send(XenGuest *g, uint32_t port);

/* Shared memory as the guest sees it, in its layout. */
uint64_t xen_guest_vcpu_info(const XenGuest *g, unsigned vcpu); /* in shinfo */
bool xen_guest_pending(XenGuest *g, uint32_t port);
void xen_guest_mask(XenGuest *g, uint32_t port, bool masked);
bool xen_guest_upcall_pending(XenGuest *g, unsigned vcpu);
/* Acknowledge everything: pending, selector and upcall bits become 0. */
void xen_guest_ack(XenGuest *g, unsigned vcpu);
/* The record at @gpa; fails the test unless its version is even. */
struct vcpu_time_info xen_guest_time(XenGuest *g, uint64_t gpa);

/* The domain's migration state, to be freed. */
GByteArray *xen_guest_save(XenGuest *g);
/* Everything the guest or a query can tell, as text, to be freed. */
char *xen_guest_dump(XenGuest *g);

#endif
