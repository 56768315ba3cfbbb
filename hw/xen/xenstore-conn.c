/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of a xenstore connection: paths, watches, transactions. */
#include "hw/xen/xenstore-internal.h"

#include <assert.h>
#include <string.h>

/* xenstored's default quotas (xen: tools/xenstored/domain.c, hard_quotas) */
#define XENSTORE_WATCHES_MAX      128u
#define XENSTORE_TRANSACTIONS_MAX 10u
#define XENSTORE_PATH_MAX         XENSTORE_REL_PATH_MAX

#define XENSTORE_PATH_CHARS \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@"

enum {
    XENSTORE_TAG_NEXT_TX = 0x0681,
    XENSTORE_TAG_NR_TX,
    XENSTORE_TAG_TX_ID,
    XENSTORE_TAG_TX_TREE,
    XENSTORE_TAG_NR_WATCHES,
    XENSTORE_TAG_WATCH_RELATIVE,
    XENSTORE_TAG_WATCH_PATH,
    XENSTORE_TAG_WATCH_TOKEN,
};

typedef struct XenstoreWatch {
    XenstoreConn *conn;
    char *path; /* absolute, or a special name */
    char *token;
    bool relative; /* events leave out the domain's home */
} XenstoreWatch;

typedef struct XenstoreTx {
    uint32_t id;   /* the domain's */
    uint32_t tree; /* the tree's */
} XenstoreTx;

bool xenstore_path_valid(const char *path)
{
    size_t len = strlen(path), skip = 0;

    if (strspn(path, XENSTORE_PATH_CHARS) != len) {
        return false;
    }
    if (!strncmp(path, XENSTORE_DOMAIN_PREFIX,
                 strlen(XENSTORE_DOMAIN_PREFIX))) {
        const char *id = path + strlen(XENSTORE_DOMAIN_PREFIX);
        size_t digits = strspn(id, "0123456789");

        if (digits >= 1 && digits <= 5 && id[digits] == '/') {
            skip = id + digits + 1 - path;
        }
    }
    /* The home of a domain does not count. */
    return !(g_str_has_suffix(path, "/") && len > 1) && !strstr(path, "//") &&
           len - skip <= XENSTORE_PATH_MAX;
}

char *xenstore_conn_path(const XenstoreConn *conn, const char *text,
                         bool special)
{
    char *path;

    if (text[0] == '@' && !special) {
        return NULL;
    }
    if (text[0] == '/' || text[0] == '@') {
        path = g_strdup(text);
    } else {
        path = g_strconcat(conn->home, "/", text, NULL);
    }
    if (!xenstore_path_valid(path)) {
        g_clear_pointer(&path, g_free);
    }
    return path;
}

static void xenstore_send_event(XenstoreConn *conn, const char *path,
                                const char *token)
{
    struct xsd_sockmsg hdr = {.type = XS_WATCH_EVENT};
    g_autoptr(GString) payload = g_string_new(path);

    g_string_append_c(payload, '\0');
    g_string_append_len(payload, token, strlen(token) + 1);
    /* Too long an event is none. */
    if (payload->len <= XENSTORE_PAYLOAD_MAX) {
        hdr.len = payload->len;
        conn->send(conn->opaque, &hdr, payload->str);
    }
}

static const char *xenstore_watch_name(const XenstoreWatch *watch,
                                       const char *path)
{
    return watch->relative ? path + strlen(watch->conn->home) + 1 : path;
}

static void xenstore_watch_fired(void *opaque, const char *path,
                                 const char *token)
{
    const XenstoreWatch *watch = opaque;

    assert(g_str_has_prefix(path, watch->path));
    xenstore_send_event(watch->conn, xenstore_watch_name(watch, path), token);
}

static void xenstore_watch_free(XenstoreWatch *watch)
{
    g_free(watch->path);
    g_free(watch->token);
    g_free(watch);
}

/* Free function of the array: the tree forgets the watch as well. */
static void xenstore_watch_end(gpointer data)
{
    XenstoreWatch *watch = data;
    XenstoreConn *conn = watch->conn;

    conn->ops->unwatch(conn->tree, conn->domid, watch->path, watch->token,
                       xenstore_watch_fired, watch);
    xenstore_watch_free(watch);
}

static XenstoreWatch *xenstore_watch_find(const XenstoreConn *conn,
                                          const char *path, const char *token)
{
    for (guint i = 0; i < conn->watches->len; i++) {
        XenstoreWatch *watch = g_ptr_array_index(conn->watches, i);

        if (g_str_equal(watch->path, path) &&
            g_str_equal(watch->token, token)) {
            return watch;
        }
    }
    return NULL;
}

int xenstore_watch_add(XenstoreConn *conn, const char *path, const char *token,
                       bool relative)
{
    XenstoreWatch *watch;
    int ret;

    if (xenstore_watch_find(conn, path, token)) {
        return EEXIST;
    }
    /* The quota counts what is there before the new one. */
    if (conn->watches->len > XENSTORE_WATCHES_MAX) {
        return E2BIG;
    }
    watch = g_new0(XenstoreWatch, 1);
    watch->conn = conn;
    watch->path = g_strdup(path);
    watch->token = g_strdup(token);
    watch->relative = relative;
    ret = conn->ops->watch(conn->tree, conn->domid, path, token,
                           xenstore_watch_fired, watch);
    if (ret) {
        xenstore_watch_free(watch);
        return ret;
    }
    g_ptr_array_add(conn->watches, watch);
    return 0;
}

void xenstore_watch_fire_new(XenstoreConn *conn)
{
    const XenstoreWatch *watch =
        g_ptr_array_index(conn->watches, conn->watches->len - 1);

    xenstore_send_event(conn, xenstore_watch_name(watch, watch->path),
                        watch->token);
}

int xenstore_watch_remove(XenstoreConn *conn, const char *path,
                          const char *token)
{
    XenstoreWatch *watch = xenstore_watch_find(conn, path, token);

    if (!watch) {
        return ENOENT;
    }
    g_ptr_array_remove(conn->watches, watch);
    return 0;
}

static XenstoreTx *xenstore_tx_lookup(const XenstoreConn *conn, uint32_t id)
{
    for (guint i = 0; i < conn->txs->len; i++) {
        XenstoreTx *tx = &g_array_index(conn->txs, XenstoreTx, i);

        if (tx->id == id) {
            return tx;
        }
    }
    return NULL;
}

bool xenstore_tx_find(const XenstoreConn *conn, uint32_t id, uint32_t *tree)
{
    const XenstoreTx *tx = xenstore_tx_lookup(conn, id);

    if (tx) {
        *tree = tx->tree;
    }
    return tx;
}

int xenstore_tx_start(XenstoreConn *conn, uint32_t *id)
{
    XenstoreTx tx;
    int ret;

    if (conn->txs->len > XENSTORE_TRANSACTIONS_MAX) {
        return ENOSPC;
    }
    ret = conn->ops->transaction_start(conn->tree, conn->domid, &tx.tree);
    if (ret) {
        return ret;
    }
    do {
        tx.id = conn->next_tx++;
    } while (tx.id == 0 || xenstore_tx_lookup(conn, tx.id));
    g_array_append_val(conn->txs, tx);
    *id = tx.id;
    return 0;
}

int xenstore_tx_end(XenstoreConn *conn, uint32_t id, bool commit)
{
    const XenstoreTx *found = xenstore_tx_lookup(conn, id);
    const XenstoreTx tx = *found;

    g_array_remove_index(conn->txs, found - (XenstoreTx *)conn->txs->data);
    return conn->ops->transaction_end(conn->tree, conn->domid, tx.tree, commit);
}

XenstoreConn *xenstore_conn_new(unsigned domid, const XenstoreTreeOps *ops,
                                void *tree, XenstoreSendFn *send, void *opaque)
{
    XenstoreConn *conn = g_new0(XenstoreConn, 1);

    conn->domid = domid;
    conn->ops = ops;
    conn->tree = tree;
    conn->send = send;
    conn->opaque = opaque;
    conn->home = g_strdup_printf(XENSTORE_DOMAIN_PREFIX "%u", domid);
    conn->watches = g_ptr_array_new_with_free_func(xenstore_watch_end);
    conn->txs = g_array_new(FALSE, FALSE, sizeof(XenstoreTx));
    conn->next_tx = 1;
    return conn;
}

void xenstore_conn_set_domid(XenstoreConn *conn, unsigned domid)
{
    xenstore_conn_end_all(conn);
    conn->domid = domid;
    g_free(conn->home);
    conn->home = g_strdup_printf(XENSTORE_DOMAIN_PREFIX "%u", domid);
}

void xenstore_conn_free(XenstoreConn *conn)
{
    xenstore_conn_end_all(conn);
    g_ptr_array_unref(conn->watches);
    g_array_unref(conn->txs);
    g_free(conn->home);
    g_free(conn);
}

void xenstore_conn_end_all(XenstoreConn *conn)
{
    g_ptr_array_set_size(conn->watches, 0);
    while (conn->txs->len) {
        xenstore_tx_end(conn, g_array_index(conn->txs, XenstoreTx, 0).id,
                        false);
    }
}

void xenstore_conn_reset(XenstoreConn *conn)
{
    xenstore_conn_end_all(conn);
    conn->next_tx = 1;
}

void xenstore_conn_save(const XenstoreConn *conn, StateWriter *w)
{
    state_put_u64(w, XENSTORE_TAG_NEXT_TX, conn->next_tx);
    state_put_u64(w, XENSTORE_TAG_NR_TX, conn->txs->len);
    for (guint i = 0; i < conn->txs->len; i++) {
        const XenstoreTx *tx = &g_array_index(conn->txs, XenstoreTx, i);

        state_put_u64(w, XENSTORE_TAG_TX_ID, tx->id);
        state_put_u64(w, XENSTORE_TAG_TX_TREE, tx->tree);
    }
    state_put_u64(w, XENSTORE_TAG_NR_WATCHES, conn->watches->len);
    for (guint i = 0; i < conn->watches->len; i++) {
        const XenstoreWatch *watch = g_ptr_array_index(conn->watches, i);

        state_put_u64(w, XENSTORE_TAG_WATCH_RELATIVE, watch->relative);
        state_put_bytes(w, XENSTORE_TAG_WATCH_PATH, watch->path,
                        strlen(watch->path));
        state_put_bytes(w, XENSTORE_TAG_WATCH_TOKEN, watch->token,
                        strlen(watch->token));
    }
}

static void xenstore_load_txs(XenstoreConn *conn, StateReader *r)
{
    uint64_t nr;

    conn->next_tx = state_get_u64(r, XENSTORE_TAG_NEXT_TX,
                                  "xenstore: next transaction", UINT32_MAX);
    nr = state_get_u64(r, XENSTORE_TAG_NR_TX, "xenstore: transactions",
                       XENSTORE_TRANSACTIONS_MAX + 1);
    for (uint64_t i = 0; i < nr; i++) {
        XenstoreTx tx;

        tx.id = state_get_u64(r, XENSTORE_TAG_TX_ID, "xenstore: transaction",
                              UINT32_MAX);
        tx.tree =
            state_get_u64(r, XENSTORE_TAG_TX_TREE,
                          "xenstore: transaction of the tree", UINT32_MAX);
        if (tx.id == 0 || tx.tree == 0 || xenstore_tx_lookup(conn, tx.id)) {
            state_reader_fail(r, "xenstore: transaction %u (%u) is not one",
                              tx.id, tx.tree);
            return;
        }
        g_array_append_val(conn->txs, tx);
    }
}

/* Text without a NUL in it, to be freed; NULL on error. */
static char *xenstore_load_text(StateReader *r, uint16_t tag, const char *name)
{
    g_autoptr(GByteArray) blob =
        state_get_blob(r, tag, name, XENSTORE_PAYLOAD_MAX);

    if (!blob) {
        return NULL;
    }
    if (blob->len && memchr(blob->data, 0, blob->len)) {
        state_reader_fail(r, "%s: has a NUL in it", name);
        return NULL;
    }
    /* g_strndup() gives NULL for NULL, which an empty array's data is. */
    return blob->len ? g_strndup((const char *)blob->data, blob->len)
                     : g_strdup("");
}

static void xenstore_load_watch(XenstoreConn *conn, StateReader *r)
{
    g_autofree char *path = NULL, *token = NULL, *valid = NULL, *home = NULL;
    bool relative;
    int ret;

    relative = state_get_u64(r, XENSTORE_TAG_WATCH_RELATIVE,
                             "xenstore: watch is relative", 1);
    path = xenstore_load_text(r, XENSTORE_TAG_WATCH_PATH,
                              "xenstore: path of a watch");
    token = xenstore_load_text(r, XENSTORE_TAG_WATCH_TOKEN,
                               "xenstore: token of a watch");
    if (!path || !token) {
        return;
    }
    valid = xenstore_conn_path(conn, path, true);
    home = g_strconcat(conn->home, "/", NULL);
    if (!valid || !g_str_equal(valid, path) ||
        (relative && !g_str_has_prefix(path, home))) {
        state_reader_fail(r, "xenstore: path of a watch: '%s' is none", path);
        return;
    }
    ret = xenstore_watch_add(conn, path, token, relative);
    if (ret) {
        state_reader_fail(r, "xenstore: watch of '%s': %s", path,
                          g_strerror(ret));
    }
}

void xenstore_conn_load(XenstoreConn *conn, StateReader *r)
{
    uint64_t nr;

    xenstore_load_txs(conn, r);
    nr = state_get_u64(r, XENSTORE_TAG_NR_WATCHES, "xenstore: watches",
                       XENSTORE_WATCHES_MAX + 1);
    for (uint64_t i = 0; i < nr; i++) {
        xenstore_load_watch(conn, r);
    }
}
