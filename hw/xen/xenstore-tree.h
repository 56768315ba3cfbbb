/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the xenstore protocol needs of a tree: implemented by the glue over
 * QEMU's xs_impl_*, and by a small tree of their own in the unit tests.
 *
 * Paths are absolute, NUL terminated and valid.  Functions return 0 or a
 * positive errno of the xenstore protocol (ENOENT, EACCES, EEXIST, EINVAL,
 * ENOSPC, EAGAIN, E2BIG, EISDIR).  Strings and arrays returned are the
 * caller's to free with GLib.
 */
#ifndef JUMPCUT_HW_XEN_XENSTORE_TREE_H
#define JUMPCUT_HW_XEN_XENSTORE_TREE_H

#include <glib.h>

/* A watch fired: @path is below the watched path, @token as registered. */
typedef void XenstoreWatchFn(void *opaque, const char *path, const char *token);

typedef struct XenstoreTreeOps {
    int (*read)(void *tree, unsigned domid, guint32 tx, const char *path,
                GByteArray **value);
    int (*write)(void *tree, unsigned domid, guint32 tx, const char *path,
                 const guint8 *value, size_t len);
    /* Names of the children, each a NUL terminated string of its own. */
    int (*directory)(void *tree, unsigned domid, guint32 tx, const char *path,
                     guint64 *generation, GPtrArray **names);
    int (*mkdir)(void *tree, unsigned domid, guint32 tx, const char *path);
    int (*rm)(void *tree, unsigned domid, guint32 tx, const char *path);
    /* Permissions in the protocol's textual form ("n0", "r1", ...). */
    int (*get_perms)(void *tree, unsigned domid, guint32 tx, const char *path,
                     GPtrArray **perms);
    int (*set_perms)(void *tree, unsigned domid, guint32 tx, const char *path,
                     GPtrArray *perms);
    int (*watch)(void *tree, unsigned domid, const char *path,
                 const char *token, XenstoreWatchFn *fn, void *opaque);
    int (*unwatch)(void *tree, unsigned domid, const char *path,
                   const char *token, XenstoreWatchFn *fn, void *opaque);
    /* All watches of @domid with this @fn and @opaque, and its transactions */
    void (*reset)(void *tree, unsigned domid, XenstoreWatchFn *fn,
                  void *opaque);
    int (*transaction_start)(void *tree, unsigned domid, guint32 *tx);
    int (*transaction_end)(void *tree, unsigned domid, guint32 tx,
                           gboolean commit);
} XenstoreTreeOps;

#endif
