/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of XenBackends, for xen-backend*.c alone. */
#ifndef JUMPCUT_ACCEL_SHIM_XEN_BACKEND_INTERNAL_H
#define JUMPCUT_ACCEL_SHIM_XEN_BACKEND_INTERNAL_H

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "hw/xen/xen_backend_ops.h"
#include "hw/xen/xen-bus.h"

#include "accel/shim/xen-backend.h"

struct XenBackends {
    uint16_t domid;
    bool deterministic;
    void *tree;
    XenDomain *domain; /* NULL until the machine is complete */
    BusState *bus;
    GPtrArray *channels; /* of xenevtchn_handle with a port */
    GPtrArray *rings;    /* of BackendRing, xen-backend-ring.c */
    GHashTable *devices; /* XenDevice: SavedDevice */
    GQueue events;       /* of StoreEvent: watches that fired */
    bool telling;        /* a watcher is being told of one */
    QEMUBH *events_bh;
};

/* The one there is, or NULL. */
XenBackends *xen_backends(void);

/* The operation tables (QEMU: include/hw/xen/xen_backend_ops.h) */
extern struct evtchn_backend_ops xen_backend_evtchn_ops;
extern struct gnttab_backend_ops xen_backend_gnttab_ops;
extern struct xenstore_backend_ops xen_backend_store_ops;

/* xen-backend-store.c: tells watchers what happened. */
void xen_backend_store_events(void *opaque);

/* xen-backend-ring.c: rings that are shared with the back end as a copy. */
#define XEN_BACKEND_RING_PAGES_MAX 16u

/* Sizes of what is in a slot, bytes. */
typedef struct XenBackendShape {
    size_t request, response;
} XenBackendShape;

/* Is what the device of @xgt maps now such a ring? Called once a mapping. */
bool xen_backend_ring_wanted(XenBackends *b, const xengnttab_handle *xgt,
                             int prot, XenBackendShape *shape);
/* @count: 1 to XEN_BACKEND_RING_PAGES_MAX. @return: the copy, or NULL, errno */
void *xen_backend_ring_map(XenBackends *b, xengnttab_handle *xgt,
                           const XenBackendShape *shape, const uint32_t *refs,
                           uint32_t count);
/* @return: is @copy one? */
bool xen_backend_ring_unmap(XenBackends *b, const void *copy);
/* All that @xgt has mapped. */
void xen_backend_rings_close(XenBackends *b, const xengnttab_handle *xgt);
/* @xc is the channel of the rings mapped before it was bound. */
void xen_backend_rings_bound(XenBackends *b, const xenevtchn_handle *xc);
/* The guest has sent on @xc. */
void xen_backend_rings_take(XenBackends *b, const xenevtchn_handle *xc);
/* The back end sends on @xc. @return: is the guest to be told? */
bool xen_backend_rings_put(XenBackends *b, const xenevtchn_handle *xc);

/* xen-backend-block.c: once, before there is a disk. */
void xen_backend_block_prepare(void);

/* Nodes of one level: the back end's and the front end's part of a device. */
typedef struct SavedNodes {
    char *path;
    GPtrArray *keys;   /* of char */
    GPtrArray *values; /* of GByteArray */
} SavedNodes;
SavedNodes *xen_backend_nodes_save(XenBackends *b, const char *path);
/*
 * Makes @nodes->path, @owner's, which @reader has @perms (XS_PERM_*) on, and
 * what is below it.
 */
bool xen_backend_nodes_restore(XenBackends *b, const SavedNodes *nodes,
                               unsigned owner, unsigned reader, unsigned perms);
void xen_backend_nodes_free(SavedNodes *nodes);

#endif
