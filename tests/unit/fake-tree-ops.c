/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of the fake xenstore tree. */
#include "tests/unit/fake-tree-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void free_change(gpointer data)
{
    FakeChange *change = data;

    g_free(change->path);
    g_free(change);
}

static int fault(FakeTree *tree)
{
    if (tree->fail_in && --tree->fail_in == 0) {
        tree->fired = true;
        return tree->fail_error;
    }
    return 0;
}

static int op_read(void *opaque, unsigned domid, guint32 tx, const char *path,
                   GByteArray **value)
{
    FakeTree *tree = opaque;
    FakeNode *node;
    int ret = fault(tree);

    ret = ret ? ret
              : fake_node_find(fake_tree_nodes(tree, domid, tx), domid, path,
                               "rb", &node);
    if (!ret) {
        *value = g_byte_array_new();
        g_byte_array_append(*value, node->value->data, node->value->len);
    }
    return ret;
}

static int op_write(void *opaque, unsigned domid, guint32 tx, const char *path,
                    const guint8 *value, size_t len)
{
    FakeTree *tree = opaque;
    GTree *nodes = fake_tree_nodes(tree, domid, tx);
    FakeNode *node;
    int ret = fault(tree);

    ret = ret ? ret : fake_node_find(nodes, domid, path, "wb", &node);
    if (ret == ENOENT && nodes) {
        node = fake_node_create(tree, nodes, domid, path);
        ret = 0;
    }
    if (!ret) {
        g_byte_array_set_size(node->value, 0);
        g_byte_array_append(node->value, value, len);
        node->generation = ++tree->generation;
        fake_tree_changed(tree, domid, tx, path, false);
    }
    return ret;
}

typedef struct Listing {
    const char *path;
    GPtrArray *names; /* of children, or paths of all below */
    bool deep;
} Listing;

static gboolean list_node(gpointer key, gpointer value, gpointer data)
{
    Listing *list = data;
    const char *path = key;
    g_autofree char *above = fake_parent(path);

    (void)value;
    if (list->deep) {
        if (fake_is_below(path, list->path)) {
            g_ptr_array_add(list->names, g_strdup(path));
        }
    } else if (path[0] == '/' && path[1] && g_str_equal(above, list->path)) {
        g_ptr_array_add(list->names, g_strdup(strrchr(path, '/') + 1));
    }
    return FALSE;
}

static int op_directory(void *opaque, unsigned domid, guint32 tx,
                        const char *path, guint64 *generation,
                        GPtrArray **names)
{
    FakeTree *tree = opaque;
    GTree *nodes = fake_tree_nodes(tree, domid, tx);
    Listing list = {.path = path};
    FakeNode *node;
    int ret = fault(tree);

    ret = ret ? ret : fake_node_find(nodes, domid, path, "rb", &node);
    if (!ret) {
        list.names = g_ptr_array_new_with_free_func(g_free);
        g_tree_foreach(nodes, list_node, &list);
        *names = list.names;
        *generation = node->generation;
    }
    return ret;
}

static int op_mkdir(void *opaque, unsigned domid, guint32 tx, const char *path)
{
    FakeTree *tree = opaque;
    GTree *nodes = fake_tree_nodes(tree, domid, tx);
    FakeNode *node;
    int ret = fault(tree);

    ret = ret ? ret : fake_node_find(nodes, domid, path, "wb", &node);
    if (ret == ENOENT && nodes) {
        fake_node_create(tree, nodes, domid, path);
        fake_tree_changed(tree, domid, tx, path, false);
        ret = 0;
    }
    return ret;
}

static int op_rm(void *opaque, unsigned domid, guint32 tx, const char *path)
{
    FakeTree *tree = opaque;
    GTree *nodes = fake_tree_nodes(tree, domid, tx);
    g_autofree char *above = fake_parent(path);
    Listing list = {.path = path, .deep = true};
    FakeNode *node;
    int ret = fault(tree);

    ret = ret ? ret : fake_node_find(nodes, domid, path, "wb", &node);
    if (ret) {
        return ret == ENOENT && nodes && g_tree_lookup(nodes, above) ? 0 : ret;
    }
    if (g_str_equal(path, "/")) {
        return EINVAL;
    }
    list.names = g_ptr_array_new_with_free_func(g_free);
    g_tree_foreach(nodes, list_node, &list);
    for (guint i = list.names->len; i > 0; i--) {
        const char *name = g_ptr_array_index(list.names, i - 1);

        fake_tree_changed(tree, domid, tx, name, i > 1);
        g_tree_remove(nodes, name);
    }
    g_ptr_array_unref(list.names);
    fake_closest_above(nodes, path)->generation = ++tree->generation;
    return 0;
}

static int op_get_perms(void *opaque, unsigned domid, guint32 tx,
                        const char *path, GPtrArray **perms)
{
    FakeTree *tree = opaque;
    FakeNode *node;
    int ret = fault(tree);

    ret = ret ? ret
              : fake_node_find(fake_tree_nodes(tree, domid, tx), domid, path,
                               "rb", &node);
    if (!ret) {
        *perms = fake_copy_strings(node->perms);
    }
    return ret;
}

static int op_set_perms(void *opaque, unsigned domid, guint32 tx,
                        const char *path, GPtrArray *perms)
{
    FakeTree *tree = opaque;
    FakeNode *node;
    int ret = fault(tree);

    ret = ret ? ret
              : fake_node_find(fake_tree_nodes(tree, domid, tx), domid, path,
                               "", &node);
    if (ret) {
        return ret;
    }
    if (domid && atoi((char *)g_ptr_array_index(perms, 0) + 1) != (int)domid) {
        return EPERM;
    }
    g_ptr_array_unref(node->perms);
    node->perms = fake_copy_strings(perms);
    node->generation = ++tree->generation;
    fake_tree_changed(tree, domid, tx, path, false);
    return 0;
}

static FakeWatch *find_watch(FakeTree *tree, unsigned domid, const char *path,
                             const char *token, void *opaque)
{
    for (guint i = 0; i < tree->watches->len; i++) {
        FakeWatch *watch = g_ptr_array_index(tree->watches, i);

        if (watch->domid == domid && watch->opaque == opaque &&
            g_str_equal(watch->path, path) &&
            g_str_equal(watch->token, token)) {
            return watch;
        }
    }
    return NULL;
}

static int op_watch(void *opaque, unsigned domid, const char *path,
                    const char *token, XenstoreWatchFn *fn, void *fn_opaque)
{
    FakeTree *tree = opaque;
    FakeWatch *watch;
    int ret = fault(tree);

    if (ret) {
        return ret;
    }
    g_assert_null(find_watch(tree, domid, path, token, fn_opaque));
    watch = g_new0(FakeWatch, 1);
    watch->domid = domid;
    watch->path = g_strdup(path);
    watch->token = g_strdup(token);
    watch->fn = fn;
    watch->opaque = fn_opaque;
    g_ptr_array_add(tree->watches, watch);
    return 0;
}

static void op_unwatch(void *opaque, unsigned domid, const char *path,
                       const char *token, XenstoreWatchFn *fn, void *fn_opaque)
{
    FakeTree *tree = opaque;
    FakeWatch *watch = find_watch(tree, domid, path, token, fn_opaque);

    g_assert_nonnull(watch);
    g_assert_true(watch->fn == fn);
    g_ptr_array_remove(tree->watches, watch);
}

static int op_transaction_start(void *opaque, unsigned domid, guint32 *id)
{
    FakeTree *tree = opaque;
    FakeTx *tx;
    int ret = fault(tree);

    if (ret) {
        return ret;
    }
    tx = g_new0(FakeTx, 1);
    /* never what the domain calls it */
    tx->id = 1000 + ++tree->last_tx;
    tx->domid = domid;
    tx->base = tree->changes;
    tx->nodes = fake_nodes_new();
    tx->changes = g_ptr_array_new_with_free_func(free_change);
    g_tree_foreach(tree->nodes, fake_node_copy, tx->nodes);
    g_ptr_array_add(tree->txs, tx);
    *id = tx->id;
    return 0;
}

static int op_transaction_end(void *opaque, unsigned domid, guint32 id,
                              gboolean commit)
{
    FakeTree *tree = opaque;
    FakeTx *tx = fake_tree_tx(tree, domid, id);
    int ret = commit ? fault(tree) : 0;

    if (!tx) {
        return ENOENT;
    }
    if (!ret && commit && tx->base != tree->changes) {
        ret = EAGAIN;
    }
    if (!ret && commit) {
        GTree *old = tree->nodes;

        tree->nodes = g_steal_pointer(&tx->nodes);
        for (guint i = 0; i < tx->changes->len; i++) {
            const FakeChange *change = g_ptr_array_index(tx->changes, i);

            tree->changes++;
            fake_tree_fire(tree, tree->nodes, change->path, change->exact);
        }
        g_tree_unref(old);
    }
    g_ptr_array_remove(tree->txs, tx);
    return ret;
}

const XenstoreTreeOps fake_tree_ops = {
    .read = op_read,
    .write = op_write,
    .directory = op_directory,
    .mkdir = op_mkdir,
    .rm = op_rm,
    .get_perms = op_get_perms,
    .set_perms = op_set_perms,
    .watch = op_watch,
    .unwatch = op_unwatch,
    .transaction_start = op_transaction_start,
    .transaction_end = op_transaction_end,
};
