/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations and transactions of a guest's xenstore, over QEMU's. */
#include "qemu/osdep.h"
#include "qapi/error.h"

#include "accel/shim/xenstore-qemu-internal.h"

StoreTx *store_tx(Store *s, unsigned domid, uint32_t id)
{
    for (guint i = 0; i < s->txs->len; i++) {
        StoreTx *tx = g_ptr_array_index(s->txs, i);

        if (tx->id == id && tx->domid == domid) {
            return tx;
        }
    }
    return NULL;
}

/* False: there is no such transaction.  *@tx is NULL outside of any. */
static bool resolve(Store *s, unsigned domid, uint32_t id, StoreTx **tx)
{
    *tx = id ? store_tx(s, domid, id) : NULL;
    return *tx || !id;
}

/*
 * 0 if the node exists and @domid may; ENOENT only to those who might have
 * made it (xen: tools/xenstored/core.c, errno_from_parents).
 */
static int find(Store *s, const StoreTx *tx, unsigned domid, const char *path,
                const char *letters)
{
    if (!store_may(s, tx, domid, path, letters)) {
        return EACCES;
    }
    return store_exists(s, tx, path) ? 0 : ENOENT;
}

/* Operations of the tree */

static int op_read(void *tree, unsigned domid, guint32 id, const char *path,
                   GByteArray **value)
{
    Store *s = tree;
    StoreTx *tx;
    int ret;

    if (!resolve(s, domid, id, &tx)) {
        return ENOENT;
    }
    ret = find(s, tx, domid, path, "rb");
    if (!ret) {
        *value = g_byte_array_new();
        ret = xs_impl_read(s->impl, 0, store_impl_tx(tx), path, *value);
    }
    return ret;
}

/*
 * Makes or writes a node.
 * DEVIATION: xenstored counts the nodes a transaction reads, too.
 */
static int change(Store *s, StoreTx *tx, unsigned domid, const char *path,
                  const guint8 *value, size_t len)
{
    StoreSize more = store_growth(s, tx, path, len);
    int ret;

    if (!store_tx_fits(tx, 1) || (!domid && !store_fits(s, &more))) {
        return ENOSPC;
    }
    store_begin(s);
    ret = store_write(s, tx, domid, path, value, len);
    store_end(s, false);
    if (!ret) {
        store_grow(s, &more);
    }
    return ret;
}

static int op_write(void *tree, unsigned domid, guint32 id, const char *path,
                    const guint8 *value, size_t len)
{
    Store *s = tree;
    StoreTx *tx;
    int ret;

    if (!resolve(s, domid, id, &tx)) {
        return ENOENT;
    }
    ret = find(s, tx, domid, path, "wb");
    if (ret && ret != ENOENT) {
        return ret;
    }
    /* DEVIATION: xenstored counts names of children and permissions, too. */
    if (domid && len > STORE_VALUE_MAX) {
        return ENOSPC;
    }
    return change(s, tx, domid, path, value, len);
}

/*
 * DEVIATION: children come sorted, not as they were made, and the generation
 * is a hash of their names, which stays the same over a migration.
 */
static int op_directory(void *tree, unsigned domid, guint32 id,
                        const char *path, guint64 *generation,
                        GPtrArray **names)
{
    Store *s = tree;
    StoreTx *tx;
    GList *list;
    int ret;

    if (!resolve(s, domid, id, &tx)) {
        return ENOENT;
    }
    ret = find(s, tx, domid, path, "rb");
    if (ret) {
        return ret;
    }
    list = store_children(s, tx, path);
    *names = g_ptr_array_new_with_free_func(g_free);
    *generation = 0xcbf29ce484222325ull;
    for (GList *l = list; l; l = l->next) {
        for (const char *c = l->data; *c; c++) {
            *generation = (*generation ^ (uint8_t)*c) * 0x100000001b3ull;
        }
        *generation = (*generation ^ '/') * 0x100000001b3ull;
        g_ptr_array_add(*names, l->data);
    }
    g_list_free(list);
    return 0;
}

static int op_mkdir(void *tree, unsigned domid, guint32 id, const char *path)
{
    Store *s = tree;
    StoreTx *tx;
    int ret;

    if (!resolve(s, domid, id, &tx)) {
        return ENOENT;
    }
    ret = find(s, tx, domid, path, "wb");
    return ret == ENOENT ? change(s, tx, domid, path, NULL, 0) : ret;
}

static void count(void *opaque, const char *path)
{
    unsigned *nr = opaque;

    ++*nr;
}

/* Nodes at and below @path */
static unsigned count_below(Store *s, const StoreTx *tx, const char *path)
{
    unsigned nr = 0;

    store_walk(s, tx, path, count, &nr);
    return nr;
}

static int op_rm(void *tree, unsigned domid, guint32 id, const char *path)
{
    Store *s = tree;
    StoreTx *tx;
    int ret;

    if (!resolve(s, domid, id, &tx)) {
        return ENOENT;
    }
    ret = find(s, tx, domid, path, "wb");
    if (ret == ENOENT) {
        g_autofree char *above = store_parent(path);

        return store_exists(s, tx, above) ? 0 : ENOENT;
    }
    if (ret) {
        return ret;
    }
    if (g_str_equal(path, "/")) {
        return EINVAL;
    }
    if (tx && !store_tx_fits(tx, count_below(s, tx, path))) {
        return ENOSPC;
    }
    store_begin(s);
    ret = store_remove(s, tx, path);
    store_end(s, true);
    return ret;
}

static int op_get_perms(void *tree, unsigned domid, guint32 id,
                        const char *path, GPtrArray **perms)
{
    Store *s = tree;
    StoreTx *tx;
    GList *list;
    int ret;

    if (!resolve(s, domid, id, &tx)) {
        return ENOENT;
    }
    ret = find(s, tx, domid, path, "rb");
    if (ret) {
        return ret;
    }
    list = store_perms(s, tx, path);
    *perms = g_ptr_array_new_with_free_func(g_free);
    for (GList *l = list; l; l = l->next) {
        g_ptr_array_add(*perms, l->data);
    }
    g_list_free(list);
    return 0;
}

static int op_set_perms(void *tree, unsigned domid, guint32 id,
                        const char *path, GPtrArray *perms)
{
    g_autoptr(GList) list = NULL;
    Store *s = tree;
    StoreTx *tx;
    int ret;

    if (!resolve(s, domid, id, &tx)) {
        return ENOENT;
    }
    /* No letter will do: only the owner may. */
    ret = find(s, tx, domid, path, "");
    if (ret) {
        return ret;
    }
    if (domid && store_perm_domid(g_ptr_array_index(perms, 0)) != domid) {
        return EPERM;
    }
    for (guint i = 0; i < perms->len; i++) {
        list = g_list_append(list, g_ptr_array_index(perms, i));
    }
    if (path[0] == '@') {
        store_set_special(s, store_find_special(path), list);
        store_fire_special(s, store_find_special(path));
        return 0;
    }
    if (!store_tx_fits(tx, 1)) {
        return ENOSPC;
    }
    store_begin(s);
    ret = store_set_perms(s, tx, path, list);
    if (!ret) {
        store_note_written(s, tx, path);
    }
    store_end(s, false);
    return ret;
}

static gint compare_paths(gconstpointer a, gconstpointer b, gpointer unused)
{
    return strcmp(a, b);
}

StoreTx *store_tx_start(Store *s, unsigned domid, uint32_t id)
{
    StoreTx *tx;
    xs_transaction_t impl = XBT_NULL;

    if (xs_impl_transaction_start(s->impl, 0, &impl)) {
        return NULL;
    }
    tx = g_new0(StoreTx, 1);
    tx->id = id;
    tx->domid = domid;
    tx->impl = impl;
    tx->base = s->changes;
    tx->nodes = s->nodes;
    tx->removed = g_tree_new_full(compare_paths, NULL, g_free, NULL);
    tx->touched = g_tree_new_full(compare_paths, NULL, g_free, NULL);
    g_ptr_array_add(s->txs, tx);
    return tx;
}

static void free_tx(gpointer data)
{
    StoreTx *tx = data;

    g_tree_unref(tx->removed);
    g_tree_unref(tx->touched);
    g_free(tx);
}

static int op_transaction_start(void *tree, unsigned domid, guint32 *id)
{
    Store *s = tree;

    do {
        *id = ++s->last_tx;
    } while (*id == 0 || store_tx(s, domid, *id));
    return store_tx_start(s, domid, *id) ? 0 : ENOSPC;
}

/*
 * DEVIATION: any change of the tree since its start makes a transaction fail,
 * not only one of a node it used.
 */
static int op_transaction_end(void *tree, unsigned domid, guint32 id,
                              gboolean commit)
{
    Store *s = tree;
    StoreTx *tx = store_tx(s, domid, id);
    int ret;

    if (!tx) {
        return ENOENT;
    }
    store_begin(s);
    ret = xs_impl_transaction_end(s->impl, 0, tx->impl, commit);
    if (!ret && commit) {
        s->nodes = tx->nodes;
        s->changes++;
    }
    g_ptr_array_remove(s->txs, tx);
    store_end(s, false);
    return ret;
}

const XenstoreTreeOps xenstore_qemu_ops = {
    .read = op_read,
    .write = op_write,
    .directory = op_directory,
    .mkdir = op_mkdir,
    .rm = op_rm,
    .get_perms = op_get_perms,
    .set_perms = op_set_perms,
    .watch = store_watch,
    .unwatch = store_unwatch,
    .transaction_start = op_transaction_start,
    .transaction_end = op_transaction_end,
};

/* Construction */

static void drop_txs(Store *s)
{
    while (s->txs->len) {
        StoreTx *tx = g_ptr_array_index(s->txs, s->txs->len - 1);

        xs_impl_transaction_end(s->impl, 0, tx->impl, false);
        g_ptr_array_remove(s->txs, tx);
    }
}

void store_clear(Store *s)
{
    GList *names;

    drop_txs(s);
    s->mute = true;
    names = store_children(s, NULL, "/");
    for (GList *l = names; l; l = l->next) {
        g_autofree char *path = g_strconcat("/", (char *)l->data, NULL);

        store_remove(s, NULL, path);
    }
    s->mute = false;
    g_list_free_full(names, g_free);
    s->nodes = 0;
    store_size_unknown(s);
    for (StoreSpecial i = 0; i < STORE_NR_SPECIAL; i++) {
        store_set_special(s, i, NULL);
    }
}

void *xenstore_qemu_new(unsigned domid, bool pvh, Error **errp)
{
    Store *s = g_new0(Store, 1);

    s->impl = xs_impl_create(domid);
    s->domid = domid;
    s->pvh = pvh;
    store_size_unknown(s);
    for (StoreSpecial i = 0; i < STORE_NR_SPECIAL; i++) {
        store_set_special(s, i, NULL);
    }
    s->txs = g_ptr_array_new_with_free_func(free_tx);
    s->events = g_ptr_array_new_with_free_func(store_free_event);
    s->groups =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, store_free_group);
    if (!store_populate(s, errp)) {
        xenstore_qemu_free(s);
        return NULL;
    }
    return s;
}

void xenstore_qemu_free(void *tree)
{
    Store *s = tree;

    if (!s) {
        return;
    }
    store_clear(s);
    for (StoreSpecial i = 0; i < STORE_NR_SPECIAL; i++) {
        store_free_perms(s->special[i]);
    }
    g_hash_table_unref(s->groups);
    g_ptr_array_unref(s->txs);
    g_ptr_array_unref(s->events);
    g_free(s);
}

void xenstore_qemu_set_domid(void *tree, unsigned domid)
{
    Store *s = tree;

    s->domid = domid;
}

void xenstore_qemu_introduced(void *tree)
{
    store_fire_special(tree, STORE_INTRODUCE);
}

void xenstore_qemu_released(void *tree)
{
    store_fire_special(tree, STORE_RELEASE);
}

void xenstore_qemu_reset(void *tree)
{
    Store *s = tree;
    Error *error = NULL;

    store_clear(s);
    s->last_tx = 0;
    if (!store_populate(s, &error)) {
        error_report_err(error);
    }
}
