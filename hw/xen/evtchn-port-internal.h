/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port, the table of them, and what the two event channel ABIs do
 * differently with one; for evtchn*.c and physdev.c alone.
 */
#ifndef JUMPCUT_HW_XEN_EVTCHN_PORT_INTERNAL_H
#define JUMPCUT_HW_XEN_EVTCHN_PORT_INTERNAL_H

#include "hw/xen/hypercall-internal.h"

/* xen: EVTCHNS_PER_BUCKET; ports become valid a bucket at a time. */
#define XEN_PORTS_PER_BUCKET 64u
#define XEN_PORT_BUCKETS     (XEN_PORT_LIMIT / XEN_PORTS_PER_BUCKET)

typedef enum XenPortState {
    XEN_PORT_FREE,
    XEN_PORT_RESERVED, /* port 0 */
    XEN_PORT_UNBOUND,
    XEN_PORT_INTERDOMAIN,
    XEN_PORT_VIRQ,
    XEN_PORT_IPI,
    XEN_PORT_PIRQ,
    XEN_PORT__MAX = XEN_PORT_PIRQ,
} XenPortState;

/* What sits at the other end of a port that is bound to domain 0. */
typedef enum XenPortBackend {
    XEN_BACKEND_NONE,     /* nothing yet: loaded, not bound again */
    XEN_BACKEND_BUILTIN,  /* the store or the console, as at reset */
    XEN_BACKEND_EXTERNAL, /* bound by xen_backend_bind() */
    XEN_BACKEND__MAX = XEN_BACKEND_EXTERNAL,
} XenPortBackend;

typedef struct XenPort {
    XenPortState state;
    unsigned vcpu;          /* that is told of events */
    uint16_t remote_dom;    /* unbound, interdomain */
    uint32_t remote_port;   /* interdomain */
    uint32_t irq;           /* virtual or physical, by its state */
    XenPortBackend backend; /* interdomain, remote_dom is 0 */
    XenBackendFn *fn;       /* of the backend; NULL: none */
    void *opaque;

    /* FIFO ABI; these outlive a binding. */
    unsigned priority;                 /* of its queue */
    unsigned last_vcpu, last_priority; /* of the queue it was put into last */
    bool missed; /* pending since before its event word existed */
} XenPort;

/*
 * xen: struct evtchn_port_ops.  @p is a port in use, but for init() and
 * is_busy().
 */
typedef struct XenPortOps {
    void (*init)(XenDomain *d, uint32_t port, XenPort *p);
    void (*set_pending)(XenDomain *d, uint32_t port, XenPort *p);
    void (*clear_pending)(XenDomain *d, uint32_t port, XenPort *p);
    void (*unmask)(XenDomain *d, uint32_t port, XenPort *p);
    bool (*is_pending)(const XenDomain *d, uint32_t port);
    bool (*is_masked)(const XenDomain *d, uint32_t port);
    /* May a free port not be used yet, as the guest still has it linked? */
    bool (*is_busy)(const XenDomain *d, uint32_t port);
    /* NULL: there are no priorities */
    int64_t (*set_priority)(XenPort *p, uint32_t priority);
    uint32_t (*nr_ports)(const XenDomain *d); /* the ABI has room for */
} XenPortOps;

extern const XenPortOps xen_evtchn_2l_ops, xen_evtchn_fifo_ops;

typedef struct XenFifo XenFifo;

struct XenEvtchn {
    const XenPortOps *ops;
    uint32_t nr_valid;
    uint32_t reset_next; /* where a reset goes on; 0: none is under way */
    XenPort *buckets[XEN_PORT_BUCKETS];
    XenFifo *fifo; /* NULL in the 2-level ABI */
};

/* evtchn.c */
XenPort *xen_port_get(const XenDomain *d, uint32_t port);
bool xen_port_usable(const XenPort *p);
uint32_t xen_port_status(const XenPort *p);
void xen_port_raise(XenDomain *d, uint32_t port);
void xen_port_set_pending(XenDomain *d, uint32_t port);
void xen_ports_grow(XenDomain *d, uint32_t nr);
XenPort *xen_port_alloc(XenDomain *d, uint32_t *port, int64_t *ret);
bool xen_virq_is_global(uint32_t virq);
uint32_t *xen_virq_slot(XenDomain *d, const XenPort *p);
int64_t xen_port_bound(XenDomain *d, uint32_t port);

/* evtchn-fifo.c */
XenSubopFn xen_fifo_init_control, xen_fifo_expand_array;
void xen_fifo_destroy(XenDomain *d);
void xen_fifo_save(XenDomain *d, StateWriter *w);
void xen_fifo_load(XenDomain *d, StateReader *r);

#endif
