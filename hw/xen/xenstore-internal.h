/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the requests of a xenstore connection (xenstore-proto.c) need of its
 * state: paths, watches, transactions (xenstore-conn.c).
 */
#ifndef JUMPCUT_HW_XEN_XENSTORE_INTERNAL_H
#define JUMPCUT_HW_XEN_XENSTORE_INTERNAL_H

#include <stdbool.h>

#include "hw/xen/xenstore-proto.h"

#define XENSTORE_DOMAIN_PREFIX "/local/domain/"

struct XenstoreConn {
    unsigned domid;
    const XenstoreTreeOps *ops;
    void *tree;
    XenstoreSendFn *send;
    void *opaque;
    char *home;         /* "/local/domain/N" */
    GPtrArray *watches; /* of XenstoreWatch, in the order they were set */
    GArray *txs;        /* of XenstoreTx */
    uint32_t next_tx;   /* the number to try next */
};

/*
 * Absolute form of a path of the guest's, to be freed; NULL if it is not
 * valid.  @special: names beginning with '@' are (xen: tools/xenstored/core.c,
 * canonicalize).
 */
char *xenstore_conn_path(const XenstoreConn *conn, const char *text,
                         bool special);

/*
 * @path: absolute or special.  @relative: events leave out the domain's home,
 * which @path begins with.
 * @return: EEXIST, E2BIG (too many), or what the tree says.
 */
int xenstore_watch_add(XenstoreConn *conn, const char *path, const char *token,
                       bool relative);
/* Sends an event of the watch added last. */
void xenstore_watch_fire_new(XenstoreConn *conn);
/* ENOENT */
int xenstore_watch_remove(XenstoreConn *conn, const char *path,
                          const char *token);

/* Ends all watches and transactions. */
void xenstore_conn_end_all(XenstoreConn *conn);

/* ENOSPC (too many), or what the tree says. */
int xenstore_tx_start(XenstoreConn *conn, uint32_t *id);
/* @id is open; it is not afterwards.  What the tree says (EAGAIN). */
int xenstore_tx_end(XenstoreConn *conn, uint32_t id, bool commit);
/* @tree: the tree's name for the domain's transaction @id. */
bool xenstore_tx_find(const XenstoreConn *conn, uint32_t id, uint32_t *tree);

#endif
