/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration state of a guest's xenstore.  QEMU's own serialization depends on
 * the history of its hash tables; this one is the same for equal stores, so
 * that digests of machine state can hold it.
 *
 * DEVIATION: a transaction that is bound to fail, since the tree has changed
 * under it, reads the tree as it is now after a migration, not as it was.
 */
#include "qemu/osdep.h"

#include "accel/shim/xenstore-qemu-internal.h"
#include "hw/xen/xenstore-proto.h"

/* Domain 0's limit counts the guest's nodes, the guest's counts its own. */
#define NODES_MAX    (XENSTORE_QEMU_NODES_MAX + STORE_NODES_MAX)
#define TXS_MAX      64u
#define PATH_LEN_MAX 3072u
#define VALUE_MAX    65536u
#define PERMS_MAX    256u

enum {
    TAG_LAST_TX = 0x0801,
    TAG_NR_NODES,
    TAG_PATH,
    TAG_VALUE,
    TAG_PERMS,
    TAG_NR_TXS,
    TAG_TX_ID,
    TAG_TX_DOMID,
    TAG_TX_LOST,
    TAG_NR_REMOVED,
    TAG_NR_TOUCHED,
    TAG_SPECIAL,
    TAG_END,
};

typedef struct Node {
    char *path;
    GByteArray *value;
    GList *perms;
} Node;

typedef struct Tx {
    uint32_t id;
    unsigned domid;
    bool lost;
    GPtrArray *removed; /* of char */
    GPtrArray *touched; /* of Node */
} Tx;

static void free_node(gpointer data)
{
    Node *node = data;

    g_free(node->path);
    if (node->value) {
        g_byte_array_unref(node->value);
    }
    store_free_perms(node->perms);
    g_free(node);
}

static void free_tx(gpointer data)
{
    Tx *tx = data;

    g_ptr_array_unref(tx->removed);
    g_ptr_array_unref(tx->touched);
    g_free(tx);
}

/* Writing */

static void collect(void *opaque, const char *path)
{
    g_ptr_array_add(opaque, g_strdup(path));
}

static gboolean collect_key(gpointer key, gpointer value, gpointer opaque)
{
    collect(opaque, key);
    return false;
}

static void put_perms(GList *perms, uint16_t tag, StateWriter *w)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (GList *l = perms; l; l = l->next) {
        g_string_append_printf(text, "%s%s", l == perms ? "" : " ",
                               (const char *)l->data);
    }
    state_put_bytes(w, tag, text->str, text->len);
}

static void put_node(Store *s, const StoreTx *tx, const char *path,
                     StateWriter *w)
{
    g_autoptr(GByteArray) value = g_byte_array_new();
    GList *perms = store_perms(s, tx, path);

    xs_impl_read(s->impl, 0, store_impl_tx(tx), path, value);
    state_put_bytes(w, TAG_PATH, path, strlen(path));
    state_put_bytes(w, TAG_VALUE, value->data, value->len);
    put_perms(perms, TAG_PERMS, w);
    store_free_perms(perms);
}

static void put_tx(Store *s, const StoreTx *tx, StateWriter *w)
{
    g_autoptr(GPtrArray) removed = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) touched = g_ptr_array_new_with_free_func(g_free);

    g_tree_foreach(tx->removed, collect_key, removed);
    g_tree_foreach(tx->touched, collect_key, touched);
    state_put_u64(w, TAG_TX_ID, tx->id);
    state_put_u64(w, TAG_TX_DOMID, tx->domid);
    state_put_u64(w, TAG_TX_LOST, tx->base != s->changes);
    state_put_u64(w, TAG_NR_REMOVED, removed->len);
    for (guint i = 0; i < removed->len; i++) {
        const char *path = g_ptr_array_index(removed, i);

        state_put_bytes(w, TAG_PATH, path, strlen(path));
    }
    state_put_u64(w, TAG_NR_TOUCHED, touched->len);
    for (guint i = 0; i < touched->len; i++) {
        put_node(s, tx, g_ptr_array_index(touched, i), w);
    }
}

GByteArray *xenstore_qemu_save(void *tree)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    StateWriter *w = state_writer_new();
    Store *s = tree;

    store_walk(s, NULL, "/", collect, paths);
    state_put_u64(w, TAG_LAST_TX, s->last_tx);
    state_put_u64(w, TAG_NR_NODES, paths->len);
    for (guint i = 0; i < paths->len; i++) {
        put_node(s, NULL, g_ptr_array_index(paths, i), w);
    }
    state_put_u64(w, TAG_NR_TXS, s->txs->len);
    for (guint i = 0; i < s->txs->len; i++) {
        put_tx(s, g_ptr_array_index(s->txs, i), w);
    }
    for (StoreSpecial i = 0; i < STORE_NR_SPECIAL; i++) {
        put_perms(s->special[i], TAG_SPECIAL, w);
    }
    state_put_bytes(w, TAG_END, NULL, 0);
    return state_writer_finish(w);
}

/* Reading: everything is checked before the store is touched */

static char *get_text(StateReader *r, uint16_t tag, const char *name,
                      size_t max)
{
    g_autoptr(GByteArray) blob = state_get_blob(r, tag, name, max);

    if (!blob) {
        return NULL;
    }
    if (blob->len == 0 || memchr(blob->data, 0, blob->len)) {
        state_reader_fail(r, "%s: is empty or has a NUL in it", name);
        return NULL;
    }
    return g_strndup((const char *)blob->data, blob->len);
}

static char *get_path(StateReader *r)
{
    char *path = get_text(r, TAG_PATH, "xenstore: path", PATH_LEN_MAX);

    if (!path) {
        return NULL;
    }
    if (path[0] != '/' || !xenstore_path_valid(path)) {
        state_reader_fail(r, "xenstore: '%s' is no path", path);
        g_clear_pointer(&path, g_free);
    }
    return path;
}

static GList *get_perms(StateReader *r, uint16_t tag)
{
    g_autofree char *text =
        get_text(r, tag, "xenstore: permissions", PERMS_MAX);
    g_auto(GStrv) words = text ? g_strsplit(text, " ", -1) : NULL;
    GList *perms = NULL;

    for (char **word = words; word && *word; word++) {
        if (!xenstore_perm_valid(*word)) {
            state_reader_fail(r, "xenstore: '%s' is no permission", *word);
            store_free_perms(perms);
            return NULL;
        }
        perms = g_list_append(perms, g_strdup(*word));
    }
    return perms;
}

/* Adds a node to @nodes; false on error. */
static bool get_node(StateReader *r, GPtrArray *nodes)
{
    Node *node = g_new0(Node, 1);

    g_ptr_array_add(nodes, node);
    node->path = get_path(r);
    node->value = state_get_blob(r, TAG_VALUE, "xenstore: value", VALUE_MAX);
    node->perms = get_perms(r, TAG_PERMS);
    return node->path && node->value && node->perms;
}

/* The tree: "/" first, each node after the one above it. */
static bool get_tree(StateReader *r, GPtrArray *nodes)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    uint64_t nr = state_get_u64(r, TAG_NR_NODES, "xenstore: nodes", NODES_MAX);

    for (uint64_t i = 0; i < nr; i++) {
        g_autofree char *above = NULL;
        const Node *node;
        bool root;

        if (!get_node(r, nodes)) {
            return false;
        }
        node = g_ptr_array_index(nodes, i);
        above = store_parent(node->path);
        root = g_str_equal(node->path, "/");
        if (root != (i == 0) ||
            (!root && !g_hash_table_contains(known, above)) ||
            !g_hash_table_add(known, node->path)) {
            state_reader_fail(r, "xenstore: '%s' is out of order", node->path);
            return false;
        }
    }
    return true;
}

static bool get_tx(StateReader *r, GPtrArray *txs)
{
    Tx *tx = g_new0(Tx, 1);
    uint64_t nr;

    tx->removed = g_ptr_array_new_with_free_func(g_free);
    tx->touched = g_ptr_array_new_with_free_func(free_node);
    g_ptr_array_add(txs, tx);
    tx->id = state_get_u64(r, TAG_TX_ID, "xenstore: transaction", UINT32_MAX);
    tx->domid = state_get_u64(r, TAG_TX_DOMID, "xenstore: its domain", 65535);
    tx->lost = state_get_u64(r, TAG_TX_LOST, "xenstore: it is lost", 1);
    nr = state_get_u64(r, TAG_NR_REMOVED, "xenstore: removed", NODES_MAX);
    for (uint64_t i = 0; i < nr; i++) {
        char *path = get_path(r);

        if (!path) {
            return false;
        }
        g_ptr_array_add(tx->removed, path);
        if (g_str_equal(path, "/")) {
            state_reader_fail(r, "xenstore: '/' cannot be removed");
            return false;
        }
    }
    nr = state_get_u64(r, TAG_NR_TOUCHED, "xenstore: written", NODES_MAX);
    for (uint64_t i = 0; i < nr; i++) {
        if (!get_node(r, tx->touched)) {
            return false;
        }
    }
    if (tx->id == 0) {
        state_reader_fail(r, "xenstore: 0 is no transaction");
        return false;
    }
    for (guint i = 0; i + 1 < txs->len; i++) {
        const Tx *other = g_ptr_array_index(txs, i);

        if (other->id == tx->id && other->domid == tx->domid) {
            state_reader_fail(r, "xenstore: transaction %u twice", tx->id);
            return false;
        }
    }
    return true;
}

static int apply_node(Store *s, StoreTx *tx, const Node *node)
{
    return store_put(s, tx, node->path, node->value->data, node->value->len,
                     node->perms);
}

static int apply_tx(Store *s, const Tx *from)
{
    StoreTx *tx = store_tx_start(s, from->domid, from->id);
    int ret = tx ? 0 : ENOSPC;

    /* Paths are sorted: those above come first and take along the rest. */
    for (guint i = 0; !ret && i < from->removed->len; i++) {
        const char *path = g_ptr_array_index(from->removed, i);

        if (store_exists(s, tx, path)) {
            ret = store_remove(s, tx, path);
        }
        store_note_removed(tx, path);
    }
    for (guint i = 0; !ret && i < from->touched->len; i++) {
        ret = apply_node(s, tx, g_ptr_array_index(from->touched, i));
    }
    return ret;
}

static int apply_txs(Store *s, const GPtrArray *txs, bool lost)
{
    int ret = 0;

    for (guint i = 0; !ret && i < txs->len; i++) {
        const Tx *tx = g_ptr_array_index(txs, i);

        if (tx->lost == lost) {
            ret = apply_tx(s, tx);
        }
    }
    return ret;
}

static int apply(Store *s, const GPtrArray *nodes, const GPtrArray *txs)
{
    int ret = 0;

    store_clear(s);
    for (guint i = 0; !ret && i < nodes->len; i++) {
        ret = apply_node(s, NULL, g_ptr_array_index(nodes, i));
    }
    ret = ret ? ret : apply_txs(s, txs, true);
    /* Any change makes those lost that were started before it. */
    ret = ret ? ret : apply_node(s, NULL, g_ptr_array_index(nodes, 0));
    return ret ? ret : apply_txs(s, txs, false);
}

void xenstore_qemu_load(void *tree, const GByteArray *bytes, StateReader *r)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(free_node);
    g_autoptr(GPtrArray) txs = g_ptr_array_new_with_free_func(free_tx);
    g_autoptr(GByteArray) end = NULL;
    g_autoptr(GError) error = NULL;
    StateReader *in = state_reader_new(bytes->data, bytes->len);
    GList *special[STORE_NR_SPECIAL] = {NULL};
    Store *s = tree;
    uint32_t last_tx;
    uint64_t nr;
    int ret;

    last_tx = state_get_u64(in, TAG_LAST_TX, "xenstore: last transaction",
                            UINT32_MAX);
    if (get_tree(in, nodes)) {
        nr = state_get_u64(in, TAG_NR_TXS, "xenstore: transactions", TXS_MAX);
        for (uint64_t i = 0; i < nr && get_tx(in, txs); i++) {
            continue;
        }
    }
    for (StoreSpecial i = 0; i < STORE_NR_SPECIAL; i++) {
        special[i] = get_perms(in, TAG_SPECIAL);
    }
    end = state_get_blob(in, TAG_END, "xenstore: end", 0);
    if (end && nodes->len == 0) {
        state_reader_fail(in, "xenstore: there are no nodes");
    }
    if (!state_reader_finish(in, &error)) {
        state_reader_fail(r, "%s", error->message);
    } else {
        ret = apply(s, nodes, txs);
        s->last_tx = last_tx;
        for (StoreSpecial i = 0; i < STORE_NR_SPECIAL; i++) {
            store_set_special(s, i, special[i]);
        }
        if (ret) {
            state_reader_fail(r, "xenstore: %s", g_strerror(ret));
            xenstore_qemu_reset(s);
        }
    }
    for (StoreSpecial i = 0; i < STORE_NR_SPECIAL; i++) {
        store_free_perms(special[i]);
    }
}
