/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's connection to xenstore: the shared ring, the queue of what does
 * not fit into it, and the death of a connection that breaks the rules (xen:
 * docs/misc/xenstore-ring.txt, tools/xenstored/domain.c, core.c).
 */
#ifndef JUMPCUT_HW_XEN_XENSTORE_RING_H
#define JUMPCUT_HW_XEN_XENSTORE_RING_H

#include "hw/host.h"
#include "hw/state.h"
#include "hw/xen/xenstore-tree.h"

typedef struct XenstoreRing XenstoreRing;

/*
 * @page holds struct xenstore_domain_interface and is cleared, as the
 * toolstack does; it and @tree are borrowed and outlive the ring.
 * @notify(@opaque) raises the guest's xenstore port; it may be called from
 * xenstore_ring_kick() and from anything that changes the tree.
 */
XenstoreRing *xenstore_ring_new(Host *host, HostPage *page, unsigned domid,
                                const XenstoreTreeOps *ops, void *tree,
                                void (*notify)(void *opaque), void *opaque);
void xenstore_ring_free(XenstoreRing *ring);
/* As just made: no watches, no transactions; the page is cleared again. */
void xenstore_ring_reset(XenstoreRing *ring);
/*
 * From now on its requests are domain @domid's, which has no watches and no
 * transactions.  The page stays: before a load it is what was migrated.
 */
void xenstore_ring_set_domid(XenstoreRing *ring, unsigned domid);

/*
 * The guest sent on its xenstore port.  Handles the requests that are in the
 * ring now, as long as fewer than 20 replies wait for room.  A request of more
 * than XENSTORE_PAYLOAD_MAX bytes and indexes that cannot be end the
 * connection, as in xenstored: the page's error field says why, watches and
 * transactions are gone, and nothing is read or written until the reset.
 */
void xenstore_ring_kick(XenstoreRing *ring);

/*
 * State besides the page, which is guest memory, and the tree, which is saved
 * before the ring and loaded before it.
 */
void xenstore_ring_save(const XenstoreRing *ring, StateWriter *w);
/* Into a ring just reset; reset again on error, which stays in @r. */
void xenstore_ring_load(XenstoreRing *ring, StateReader *r);

#endif
