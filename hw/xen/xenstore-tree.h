/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the xenstore protocol needs of a tree: implemented by the glue over
 * QEMU's xs_impl_*, and by a small tree of their own in the unit tests.
 *
 * Paths are absolute, NUL terminated and valid (characters, slashes, length);
 * those of get_perms, set_perms and the watches may be special names, which
 * begin with '@'.  @domid is whose rights count.  Functions return 0 or a
 * positive errno of the xenstore protocol (ENOENT, EACCES, EINVAL, ENOSPC,
 * EAGAIN, EPERM, ENOMEM).  Strings and arrays returned are the caller's to
 * free with GLib; the arrays have a free function.
 *
 * Transactions and watches are the caller's to keep track of: @tx is 0 or one
 * that transaction_start() gave to the same @domid and that has not ended; any
 * other is ENOENT.
 */
#ifndef JUMPCUT_HW_XEN_XENSTORE_TREE_H
#define JUMPCUT_HW_XEN_XENSTORE_TREE_H

#include <glib.h>

/*
 * A watch fired: @path is the node that changed, the watched one or below it;
 * @token as registered.  Called in the middle of the change: the function must
 * not call into the tree.
 */
typedef void XenstoreWatchFn(void *opaque, const char *path, const char *token);

typedef struct XenstoreTreeOps {
    int (*read)(void *tree, unsigned domid, guint32 tx, const char *path,
                GByteArray **value);
    int (*write)(void *tree, unsigned domid, guint32 tx, const char *path,
                 const guint8 *value, size_t len);
    /* Names of the children, each a NUL terminated string of its own. */
    int (*directory)(void *tree, unsigned domid, guint32 tx, const char *path,
                     guint64 *generation, GPtrArray **names);
    /* Success if it exists. */
    int (*mkdir)(void *tree, unsigned domid, guint32 tx, const char *path);
    /* Success if it does not exist, but its parent does. */
    int (*rm)(void *tree, unsigned domid, guint32 tx, const char *path);
    /* Permissions in the protocol's textual form ("n0", "r1", ...). */
    int (*get_perms)(void *tree, unsigned domid, guint32 tx, const char *path,
                     GPtrArray **perms);
    int (*set_perms)(void *tree, unsigned domid, guint32 tx, const char *path,
                     GPtrArray *perms);
    /*
     * Does not fire by itself.  The caller registers each set of (@path,
     * @token, @opaque) once, and ends only what it registered.
     */
    int (*watch)(void *tree, unsigned domid, const char *path,
                 const char *token, XenstoreWatchFn *fn, void *opaque);
    void (*unwatch)(void *tree, unsigned domid, const char *path,
                    const char *token, XenstoreWatchFn *fn, void *opaque);
    int (*transaction_start)(void *tree, unsigned domid, guint32 *tx);
    /* The transaction is gone, whatever is returned. */
    int (*transaction_end)(void *tree, unsigned domid, guint32 tx,
                           gboolean commit);
} XenstoreTreeOps;

#endif
