/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore of a HVM guest, kept in QEMU's own store (QEMU: hw/i386/kvm/
 * xenstore_impl.h) with what xl puts there.
 *
 * QEMU's store keeps nodes, snapshots and watches; rights, quotas and errors
 * are decided here, as xenstored decides them (xen: tools/xenstored/core.c),
 * so QEMU's store is only ever asked in the name of domain 0.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XENSTORE_QEMU_H
#define JUMPCUT_ACCEL_SHIM_XENSTORE_QEMU_H

#include "hw/state.h"
#include "hw/xen/xenstore-tree.h"

struct Error;

/*
 * Domain 0 may write as long as there are no more nodes than this and their
 * paths, values and permissions take no more bytes, those of the guest
 * included; then it is ENOSPC.
 */
#define XENSTORE_QEMU_NODES_MAX 65536u
#define XENSTORE_QEMU_BYTES_MAX (16u << 20)
/*
 * Bytes a saved store has at most: that, what the guest may own (1,000 nodes)
 * and the nodes of its transactions (10 of 1,024).
 */
#define XENSTORE_QEMU_STATE_MAX (96u << 20)

extern const XenstoreTreeOps xenstore_qemu_ops;

/*
 * The store of domain @domid of the current machine, a PVH or HVM guest.  The
 * toolstack's part in it is played through xenstore_qemu_ops as domain 0.
 */
void *xenstore_qemu_new(unsigned domid, bool pvh, struct Error **errp);
/* No watch is left but domain 0's, which end.  What QEMU's store cannot free is
 * emptied. */
void xenstore_qemu_free(void *tree);
/* As new; the ring has been reset before, so no watch fires. */
void xenstore_qemu_reset(void *tree);

/* The guest's domain id from now on; the store is to be reset or loaded. */
void xenstore_qemu_set_domid(void *tree, unsigned domid);
/*
 * What the toolstack says of a domain and saves with it: which vCPUs are
 * plugged in, and how much memory it is to have (xen: tools/libs/light/
 * libxl_domain.c, libxl_retrieve_domain_configuration).
 */
typedef struct XenstoreQemuKept XenstoreQemuKept;
XenstoreQemuKept *xenstore_qemu_keep(void *tree);
/* Into the home the domain has now; frees @kept. */
void xenstore_qemu_put_kept(void *tree, XenstoreQemuKept *kept);

/* The guest's domain has begun, ends: watches of the special nodes fire. */
void xenstore_qemu_introduced(void *tree);
void xenstore_qemu_released(void *tree);

/* Equal stores give equal bytes. */
GByteArray *xenstore_qemu_save(void *tree);
/* Into a store without watches; unchanged on error, which goes to @r. */
void xenstore_qemu_load(void *tree, const GByteArray *bytes, StateReader *r);

#endif
