/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes of a guest's xenstore: rights, making, removing; over QEMU's. */
#include "qemu/osdep.h"

#include "accel/shim/xenstore-qemu-internal.h"

xs_transaction_t store_impl_tx(const StoreTx *tx)
{
    return tx ? tx->impl : XBT_NULL;
}

void store_free_perms(GList *perms)
{
    g_list_free_full(perms, g_free);
}

char *store_parent(const char *path)
{
    const char *slash = strrchr(path, '/');

    /* Above a special node is "/", as in xenstored. */
    return !slash || slash == path ? g_strdup("/")
                                   : g_strndup(path, slash - path);
}

static bool in_set(GTree *set, const char *path)
{
    return g_tree_lookup(set, path);
}

static void set_add(GTree *set, const char *path)
{
    char *key = g_strdup(path);

    g_tree_replace(set, key, key);
}

static const char *const special_names[STORE_NR_SPECIAL] = {
    [STORE_INTRODUCE] = "@introduceDomain",
    [STORE_RELEASE] = "@releaseDomain",
};

StoreSpecial store_find_special(const char *path)
{
    StoreSpecial special = 0;

    while (special < STORE_NR_SPECIAL &&
           !g_str_equal(special_names[special], path)) {
        special++;
    }
    return special;
}

static gpointer copy_perm(gconstpointer perm, gpointer unused)
{
    return g_strdup(perm);
}

void store_set_special(Store *s, StoreSpecial special, GList *perms)
{
    GList *copy = perms ? g_list_copy_deep(perms, copy_perm, NULL)
                        : g_list_append(NULL, g_strdup("n0"));

    store_free_perms(s->special[special]);
    s->special[special] = copy;
}

/* Permissions of a node, to be freed; NULL: there is no such node. */
GList *store_perms(Store *s, const StoreTx *tx, const char *path)
{
    GList *perms = NULL;

    if (path[0] == '@') {
        StoreSpecial special = store_find_special(path);

        return special < STORE_NR_SPECIAL
                   ? g_list_copy_deep(s->special[special], copy_perm, NULL)
                   : NULL;
    }
    if (tx && in_set(tx->removed, path)) {
        return NULL;
    }
    if (xs_impl_get_perms(s->impl, 0, store_impl_tx(tx), path, &perms)) {
        return NULL;
    }
    return perms;
}

bool store_exists(Store *s, const StoreTx *tx, const char *path)
{
    GList *perms = store_perms(s, tx, path);

    store_free_perms(perms);
    return perms;
}

unsigned store_perm_domid(const char *perm)
{
    return g_ascii_strtoull(perm + 1, NULL, 10);
}

/* xen: tools/xenstored/core.c, perm_for_conn: the first entry that fits */
static bool allowed(GList *perms, unsigned domid, const char *letters)
{
    const char *first = perms->data;
    char letter = first[0];

    if (domid == 0 || store_perm_domid(first) == domid) {
        return true;
    }
    for (GList *l = perms->next; l; l = l->next) {
        const char *perm = l->data;

        if (store_perm_domid(perm) == domid) {
            letter = perm[0];
            break;
        }
    }
    return strchr(letters, letter);
}

/*
 * The node @path and those above it that are not there, the lowest first.  A
 * path may have a thousand parts and each look at it costs its length, so
 * the first that is there is searched for by halves.
 */
static GPtrArray *missing_nodes(Store *s, const StoreTx *tx, const char *path)
{
    GPtrArray *missing = g_ptr_array_new_with_free_func(g_free);
    char *at = g_strdup(path);
    guint low = 0, high;

    while (!g_str_equal(at, "/")) {
        char *above = store_parent(at);

        g_ptr_array_add(missing, at);
        at = above;
    }
    g_free(at);
    for (high = missing->len; low < high;) {
        guint middle = low + (high - low) / 2;

        if (store_exists(s, tx, g_ptr_array_index(missing, middle))) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    g_ptr_array_set_size(missing, low);
    return missing;
}

/* Permissions of the first node above @path that exists; "/" does. */
static GList *perms_above(Store *s, const StoreTx *tx, const char *path)
{
    g_autoptr(GPtrArray) missing = missing_nodes(s, tx, path);
    g_autofree char *above = store_parent(
        missing->len ? g_ptr_array_index(missing, missing->len - 1) : path);

    return store_perms(s, tx, above);
}

bool store_may(Store *s, const StoreTx *tx, unsigned domid, const char *path,
               const char *letters)
{
    GList *perms = store_perms(s, tx, path);
    bool may;

    if (!perms) {
        perms = perms_above(s, tx, path);
    }
    may = allowed(perms, domid, letters);
    store_free_perms(perms);
    return may;
}

/* @perms: of a node, or NULL for one that is not there */
static bool owner_is_guest(const Store *s, const GList *perms)
{
    return perms && store_perm_domid(perms->data) == s->domid;
}

static bool owned(Store *s, const StoreTx *tx, const char *path)
{
    GList *perms = store_perms(s, tx, path);
    bool guest = owner_is_guest(s, perms);

    store_free_perms(perms);
    return guest;
}

static void count_nodes(Store *s, StoreTx *tx, int delta)
{
    *(tx ? &tx->nodes : &s->nodes) += delta;
}

void store_note_written(Store *s, StoreTx *tx, const char *path)
{
    if (tx) {
        g_tree_remove(tx->removed, path);
        set_add(tx->touched, path);
    } else {
        s->changes++;
    }
}

void store_note_removed(StoreTx *tx, const char *path)
{
    g_tree_remove(tx->touched, path);
    set_add(tx->removed, path);
}

static int impl_write(Store *s, const StoreTx *tx, const char *path,
                      const void *value, size_t len)
{
    GByteArray *data = g_byte_array_sized_new(len);
    int ret;

    if (len) {
        g_byte_array_append(data, value, len);
    }
    ret = xs_impl_write(s->impl, 0, store_impl_tx(tx), path, data);
    g_byte_array_unref(data);
    return ret;
}

static int impl_set_perms_muted(Store *s, const StoreTx *tx, const char *path,
                                GList *perms)
{
    bool mute = s->mute;
    int ret;

    s->mute = true;
    ret = xs_impl_set_perms(s->impl, 0, store_impl_tx(tx), path, perms);
    s->mute = mute;
    return ret;
}

static bool same_perms(GList *a, GList *b)
{
    for (; a && b; a = a->next, b = b->next) {
        if (!g_str_equal(a->data, b->data)) {
            return false;
        }
    }
    return !a && !b;
}

/*
 * A node just made has the permissions above it, or those it once had.
 * *@was_set: they were others than @perms.
 */
static int inherit(Store *s, StoreTx *tx, const char *path, GList *perms,
                   bool *was_set)
{
    GList *old;
    int ret = 0;

    if (tx) {
        g_tree_remove(tx->removed, path);
    }
    count_nodes(s, tx, owner_is_guest(s, perms));
    old = store_perms(s, tx, path);
    *was_set = !same_perms(old, perms);
    if (*was_set) {
        ret = impl_set_perms_muted(s, tx, path, perms);
    }
    store_free_perms(old);
    return ret;
}

/*
 * Makes @path and what is missing above it; each inherits the permissions, but
 * a guest owns what it makes (xen: tools/xenstored/core.c, construct_node).
 */
int store_create(Store *s, StoreTx *tx, unsigned domid, const char *path,
                 const void *value, size_t len)
{
    g_autoptr(GPtrArray) missing = missing_nodes(s, tx, path);
    g_autofree char *at =
        store_parent(g_ptr_array_index(missing, missing->len - 1));
    GList *perms;
    int ret;

    if (domid && (tx ? tx->nodes : s->nodes) + missing->len > STORE_NODES_MAX) {
        return ENOSPC;
    }
    perms = store_perms(s, tx, at);
    if (domid) {
        char letter = *(char *)perms->data;

        g_free(perms->data);
        perms->data = g_strdup_printf("%c%u", letter, domid);
    }
    ret = impl_write(s, tx, path, value, len);
    for (guint i = missing->len; i > 0 && !ret; i--) {
        bool was_set = false;

        ret =
            inherit(s, tx, g_ptr_array_index(missing, i - 1), perms, &was_set);
        if (!tx && !was_set) {
            /* QEMU's store gave those below what this one has. */
            count_nodes(s, tx, owner_is_guest(s, perms) ? (int)i - 1 : 0);
            break;
        }
    }
    if (!ret) {
        store_note_written(s, tx, path);
    }
    store_free_perms(perms);
    return ret;
}

/* Writes or makes a node that @domid may write or make. */
int store_write(Store *s, StoreTx *tx, unsigned domid, const char *path,
                const void *value, size_t len)
{
    int ret;

    if (!store_exists(s, tx, path)) {
        return store_create(s, tx, domid, path, value, len);
    }
    ret = impl_write(s, tx, path, value, len);
    if (!ret) {
        store_note_written(s, tx, path);
    }
    return ret;
}

int store_set_perms(Store *s, StoreTx *tx, const char *path, GList *perms)
{
    int before = owned(s, tx, path);
    int ret = xs_impl_set_perms(s->impl, 0, store_impl_tx(tx), path, perms);

    if (!ret) {
        count_nodes(s, tx, owner_is_guest(s, perms) - before);
    }
    return ret;
}

int store_put(Store *s, StoreTx *tx, const char *path, const void *value,
              size_t len, GList *perms)
{
    int ret;

    s->mute = true;
    ret = store_write(s, tx, 0, path, value, len);
    if (!ret && perms) {
        ret = store_set_perms(s, tx, path, perms);
    }
    s->mute = false;
    return ret;
}

/* Names of the children that are there, in order, to be freed. */
GList *store_children(Store *s, const StoreTx *tx, const char *path)
{
    GList *names = NULL, *next;

    xs_impl_directory(s->impl, 0, store_impl_tx(tx), path, NULL, &names);
    for (GList *l = names; tx && l; l = next) {
        g_autofree char *child = g_strdup_printf("%s/%s", path[1] ? path : "",
                                                 (const char *)l->data);

        next = l->next;
        if (in_set(tx->removed, child)) {
            g_free(l->data);
            names = g_list_delete_link(names, l);
        }
    }
    return names;
}

void store_walk(Store *s, const StoreTx *tx, const char *path,
                void (*fn)(void *opaque, const char *path), void *opaque)
{
    GList *names;

    fn(opaque, path);
    names = store_children(s, tx, path);
    for (GList *l = names; l; l = l->next) {
        g_autofree char *child = g_strdup_printf("%s/%s", path[1] ? path : "",
                                                 (const char *)l->data);

        store_walk(s, tx, child, fn, opaque);
    }
    g_list_free_full(names, g_free);
}

static void collect(void *opaque, const char *path)
{
    g_ptr_array_add(opaque, g_strdup(path));
}

/* Fields of a node in the state: their heads, and permissions. */
#define NODE_BYTES 64u

StoreSize store_growth(Store *s, const StoreTx *tx, const char *path,
                       size_t len)
{
    g_autoptr(GPtrArray) missing = missing_nodes(s, tx, path);
    g_autoptr(GByteArray) old = g_byte_array_new();
    StoreSize more = {.nodes = missing->len};

    if (!missing->len) {
        xs_impl_read(s->impl, 0, store_impl_tx(tx), path, old);
    }
    more.bytes = len > old->len ? len - old->len : 0;
    for (guint i = 0; i < missing->len; i++) {
        more.bytes += strlen(g_ptr_array_index(missing, i)) + NODE_BYTES;
    }
    return more;
}

typedef struct Measure {
    Store *store;
    StoreSize size;
} Measure;

static void measure(void *opaque, const char *path)
{
    g_autoptr(GByteArray) value = g_byte_array_new();
    Measure *m = opaque;

    xs_impl_read(m->store->impl, 0, XBT_NULL, path, value);
    m->size.nodes++;
    m->size.bytes += strlen(path) + NODE_BYTES + value->len;
}

static bool below_limits(const Store *s, const StoreSize *more)
{
    return (!more->nodes ||
            s->size.nodes + more->nodes <= XENSTORE_QEMU_NODES_MAX) &&
           (!more->bytes ||
            s->size.bytes + more->bytes <= XENSTORE_QEMU_BYTES_MAX);
}

/*
 * Even in a full store nodes can be written that do not become larger.
 * The size is only ever added to, until it matters: then it is measured.
 */
bool store_fits(Store *s, const StoreSize *more)
{
    if (!below_limits(s, more)) {
        Measure m = {.store = s};

        store_walk(s, NULL, "/", measure, &m);
        s->size = m.size;
    }
    return below_limits(s, more);
}

void store_size_unknown(Store *s)
{
    s->size = (StoreSize){XENSTORE_QEMU_NODES_MAX, XENSTORE_QEMU_BYTES_MAX};
}

void store_grow(Store *s, const StoreSize *more)
{
    s->size.nodes += more->nodes;
    s->size.bytes += more->bytes;
}

bool store_tx_fits(const StoreTx *tx, unsigned nr)
{
    return !tx || !tx->domid ||
           g_tree_nnodes(tx->touched) + g_tree_nnodes(tx->removed) + nr <=
               STORE_TX_NODES_MAX;
}

int store_remove(Store *s, StoreTx *tx, const char *path)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);
    int nr_owned = 0, ret;

    store_walk(s, tx, path, collect, gone);
    for (guint i = 0; i < gone->len; i++) {
        nr_owned += owned(s, tx, g_ptr_array_index(gone, i));
    }
    ret = xs_impl_rm(s->impl, 0, store_impl_tx(tx), path);
    if (ret) {
        return ret;
    }
    count_nodes(s, tx, -nr_owned);
    if (!tx) {
        s->changes++;
        return 0;
    }
    for (guint i = 0; i < gone->len; i++) {
        store_note_removed(tx, g_ptr_array_index(gone, i));
    }
    return 0;
}
