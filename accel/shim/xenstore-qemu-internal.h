/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of the xenstore over QEMU's, for xenstore-*.c of this folder. */
#ifndef JUMPCUT_ACCEL_SHIM_XENSTORE_QEMU_INTERNAL_H
#define JUMPCUT_ACCEL_SHIM_XENSTORE_QEMU_INTERNAL_H

#include "qemu/osdep.h"
#include "hw/i386/kvm/xenstore_impl.h"

#include "accel/shim/xenstore-qemu.h"

/* Nodes a guest may own (xen: quota nodes) */
#define STORE_NODES_MAX 1000u
/* Bytes of a value a guest may write (xen: quota node-size) */
#define STORE_VALUE_MAX 2048u
/* Nodes a guest's transaction may change (xen: quota transaction-nodes) */
#define STORE_TX_NODES_MAX 1024u

/*
 * A transaction.  In QEMU's, what was removed can still be read; so the paths
 * are kept here.
 */
typedef struct StoreTx {
    uint32_t id;
    unsigned domid;
    xs_transaction_t impl; /* QEMU's */
    uint64_t base;         /* store->changes at its start */
    unsigned nodes;
    GTree *removed; /* set of paths removed and not made again */
    GTree *touched; /* set of paths written and not removed again */
} StoreTx;

/* Nodes outside of the tree that watches are told of. */
typedef enum StoreSpecial {
    STORE_INTRODUCE, /* "@introduceDomain": a domain has begun */
    STORE_RELEASE,   /* "@releaseDomain": one ends, or has ended */
    STORE_NR_SPECIAL,
} StoreSpecial;

/* How much of a saved store, at most. */
typedef struct StoreSize {
    uint64_t nodes;
    uint64_t bytes;
} StoreSize;

typedef struct Store {
    XenstoreImplState *impl;
    unsigned domid;
    bool pvh;
    unsigned nodes;   /* that the guest owns */
    StoreSize size;   /* at least that of all nodes */
    uint64_t changes; /* of the tree: a transaction based on less is lost */
    GPtrArray *txs;   /* of StoreTx, oldest first */
    uint32_t last_tx;
    GHashTable *groups; /* watched path: StoreGroup */
    uint64_t next_watch;
    bool mute;         /* events do not count */
    GPtrArray *events; /* of StoreEvent: wait for the end of the operation */
    GList *special[STORE_NR_SPECIAL]; /* their permissions */
} Store;

/* xenstore-qemu-node.c; @tx is NULL outside of transactions */
xs_transaction_t store_impl_tx(const StoreTx *tx);
char *store_parent(const char *path);
unsigned store_perm_domid(const char *perm);
/* Permissions of a node; NULL: there is no such node. */
GList *store_perms(Store *s, const StoreTx *tx, const char *path);
void store_free_perms(GList *perms);
bool store_exists(Store *s, const StoreTx *tx, const char *path);
/* Does @domid hold one of @letters on the node, or the first one above it? */
bool store_may(Store *s, const StoreTx *tx, unsigned domid, const char *path,
               const char *letters);
/* Permissions @perms are copied, or domain 0's alone if NULL. */
void store_set_special(Store *s, StoreSpecial special, GList *perms);
/* STORE_NR_SPECIAL: @path is none */
StoreSpecial store_find_special(const char *path);
/* Names of the children, in order. */
GList *store_children(Store *s, const StoreTx *tx, const char *path);
/* Calls @fn for the node and all below, in order. */
void store_walk(Store *s, const StoreTx *tx, const char *path,
                void (*fn)(void *opaque, const char *path), void *opaque);
void store_note_written(Store *s, StoreTx *tx, const char *path);
void store_note_removed(StoreTx *tx, const char *path);
/* @domid makes a node, or writes it; its rights were checked. */
int store_create(Store *s, StoreTx *tx, unsigned domid, const char *path,
                 const void *value, size_t len);
int store_write(Store *s, StoreTx *tx, unsigned domid, const char *path,
                const void *value, size_t len);
int store_remove(Store *s, StoreTx *tx, const char *path);
int store_set_perms(Store *s, StoreTx *tx, const char *path, GList *perms);
/* What making or writing @path with @len bytes adds to the store, at most. */
StoreSize store_growth(Store *s, const StoreTx *tx, const char *path,
                       size_t len);
/* May it grow by @more?  (Domain 0: a guest has its own quota.) */
bool store_fits(Store *s, const StoreSize *more);
/* It has to be measured when it is needed. */
void store_size_unknown(Store *s);
/* It has grown by @more. */
void store_grow(Store *s, const StoreSize *more);
/* May a guest's transaction change @nr more nodes?  Outside of any: yes. */
bool store_tx_fits(const StoreTx *tx, unsigned nr);
/* As domain 0 and without events; @perms may be NULL: as they are. */
int store_put(Store *s, StoreTx *tx, const char *path, const void *value,
              size_t len, GList *perms);

/* xenstore-qemu.c */
StoreTx *store_tx(Store *s, unsigned domid, uint32_t id);
/* NULL: QEMU has no more. */
StoreTx *store_tx_start(Store *s, unsigned domid, uint32_t id);
/* Leaves "/" alone, and no transactions. */
void store_clear(Store *s);

/* xenstore-qemu-watch.c */
int store_watch(void *tree, unsigned domid, const char *path, const char *token,
                XenstoreWatchFn *fn, void *opaque);
void store_unwatch(void *tree, unsigned domid, const char *path,
                   const char *token, XenstoreWatchFn *fn, void *opaque);
/* To the watches of a special node whose domain may read it. */
void store_fire_special(Store *s, StoreSpecial special);
/* Events of what is done from here on are held back ... */
void store_begin(Store *s);
/* ... and told now, as far as the watchers may know, in the order of paths. */
void store_end(Store *s, bool children_first);
void store_free_group(gpointer data);
void store_free_event(gpointer data);

/* xenstore-domu.c: what xl puts into the store */
bool store_populate(Store *s, struct Error **errp);

#endif
