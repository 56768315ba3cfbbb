/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The xenstore wire protocol, spoken to one unprivileged domain. */
#include "hw/xen/xenstore-proto.h"

#include <stdbool.h>
#include <string.h>

#include "hw/xen/xenstore-internal.h"

/* xenstored's default quota (xen: tools/xenstored/domain.c, hard_quotas) */
#define XENSTORE_PERMS_MAX 5u

/* A request being handled: the payload is a copy, with a NUL behind it. */
typedef struct XenstoreRequest {
    XenstoreConn *conn;
    const struct xsd_sockmsg *hdr;
    const char *data;
    size_t len;
    uint32_t tx; /* the tree's transaction, 0 for none */
} XenstoreRequest;

static void xenstore_reply(const XenstoreRequest *req, const void *data,
                           size_t len)
{
    struct xsd_sockmsg hdr = *req->hdr;

    hdr.len = len;
    req->conn->send(req->conn->opaque, &hdr, data);
}

static int xenstore_reply_data(const XenstoreRequest *req, const void *data,
                               size_t len)
{
    if (len > XENSTORE_PAYLOAD_MAX) {
        return E2BIG;
    }
    xenstore_reply(req, data, len);
    return 0;
}

static int xenstore_reply_string(const XenstoreRequest *req, const char *text)
{
    return xenstore_reply_data(req, text, strlen(text) + 1);
}

/* A tree's answer @ret to a request with nothing more to say. */
static int xenstore_reply_ok(const XenstoreRequest *req, int ret)
{
    return ret ? ret : xenstore_reply_string(req, "OK");
}

/* Errors travel by name; those without one are EINVAL. */
static void xenstore_reply_error(const XenstoreRequest *req, int error)
{
    struct xsd_sockmsg hdr = *req->hdr;
    const char *name = "EINVAL";

    for (size_t i = 0; i < G_N_ELEMENTS(xsd_errors); i++) {
        if (xsd_errors[i].errnum == error) {
            name = xsd_errors[i].errstring;
        }
    }
    hdr.type = XS_ERROR;
    hdr.len = strlen(name) + 1;
    req->conn->send(req->conn->opaque, &hdr, name);
}

/* The path of a request that is nothing but a path; NULL: EINVAL. */
static char *xenstore_only_path(const XenstoreRequest *req, bool special)
{
    if (req->len == 0 || strlen(req->data) + 1 != req->len) {
        return NULL;
    }
    return xenstore_conn_path(req->conn, req->data, special);
}

/* NUL terminated strings in the payload; bytes after the last do not count. */
static unsigned xenstore_count_strings(const XenstoreRequest *req)
{
    unsigned nr = 0;

    for (size_t i = 0; i < req->len; i++) {
        nr += req->data[i] == '\0';
    }
    return nr;
}

/* What follows the first string. */
static const char *xenstore_second(const XenstoreRequest *req)
{
    return req->data + strlen(req->data) + 1;
}

static int do_read(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = xenstore_only_path(req, false);
    g_autoptr(GByteArray) value = NULL;
    int ret;

    if (!path) {
        return EINVAL;
    }
    ret = conn->ops->read(conn->tree, conn->domid, req->tx, path, &value);
    return ret ? ret : xenstore_reply_data(req, value->data, value->len);
}

static int do_write(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = NULL;
    const char *value;

    if (xenstore_count_strings(req) < 1) {
        return EINVAL;
    }
    path = xenstore_conn_path(conn, req->data, false);
    if (!path) {
        return EINVAL;
    }
    value = xenstore_second(req);
    return xenstore_reply_ok(req,
                             conn->ops->write(conn->tree, conn->domid, req->tx,
                                              path, (const guint8 *)value,
                                              req->data + req->len - value));
}

/* Strings, each with its NUL, one after the other. */
static GString *xenstore_join(const GPtrArray *strings)
{
    GString *all = g_string_new(NULL);

    for (guint i = 0; i < strings->len; i++) {
        const char *text = g_ptr_array_index(strings, i);

        g_string_append_len(all, text, strlen(text) + 1);
    }
    return all;
}

static int do_directory(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = xenstore_only_path(req, false);
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(GString) all = NULL;
    guint64 generation;
    int ret;

    if (!path) {
        return EINVAL;
    }
    ret = conn->ops->directory(conn->tree, conn->domid, req->tx, path,
                               &generation, &names);
    if (ret) {
        return ret;
    }
    all = xenstore_join(names);
    return xenstore_reply_data(req, all->str, all->len);
}

/*
 * The generation, then whole names from byte @offset of the list on as long
 * as they fit, then an empty string if that was the end of the list (xen:
 * tools/xenstored/core.c, send_directory_part).
 */
static int do_directory_part(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = NULL;
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(GString) all = NULL, reply = g_string_new(NULL);
    guint64 generation;
    uint32_t offset;
    int ret;

    if (xenstore_count_strings(req) != 2) {
        return EINVAL;
    }
    path = xenstore_conn_path(conn, req->data, false);
    if (!path) {
        return EINVAL;
    }
    ret = conn->ops->directory(conn->tree, conn->domid, req->tx, path,
                               &generation, &names);
    if (ret) {
        return ret;
    }
    all = xenstore_join(names);
    offset = g_ascii_strtoll(xenstore_second(req), NULL, 10);
    g_string_append_printf(reply, "%" G_GUINT64_FORMAT, generation);
    g_string_append_c(reply, '\0');
    while (offset < all->len) {
        size_t len = strlen(all->str + offset) + 1;

        if (reply->len + len + 1 > XENSTORE_PAYLOAD_MAX) {
            return xenstore_reply_data(req, reply->str, reply->len);
        }
        g_string_append_len(reply, all->str + offset, len);
        offset += len;
    }
    g_string_append_c(reply, '\0');
    return xenstore_reply_data(req, reply->str, reply->len);
}

static int do_mkdir(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = xenstore_only_path(req, false);

    if (!path) {
        return EINVAL;
    }
    return xenstore_reply_ok(
        req, conn->ops->mkdir(conn->tree, conn->domid, req->tx, path));
}

static int do_rm(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = xenstore_only_path(req, false);

    if (!path) {
        return EINVAL;
    }
    return xenstore_reply_ok(
        req, conn->ops->rm(conn->tree, conn->domid, req->tx, path));
}

static int do_get_perms(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = xenstore_only_path(req, true);
    g_autoptr(GPtrArray) perms = NULL;
    g_autoptr(GString) all = NULL;
    int ret;

    if (!path) {
        return EINVAL;
    }
    ret = conn->ops->get_perms(conn->tree, conn->domid, req->tx, path, &perms);
    if (ret) {
        return ret;
    }
    all = xenstore_join(perms);
    return xenstore_reply_data(req, all->str, all->len);
}

bool xenstore_perm_valid(const char *perm)
{
    size_t digits;

    if (perm[0] == '\0' || !strchr("nrwb", perm[0])) {
        return false;
    }
    digits = strspn(perm + 1, "0123456789");
    return digits >= 1 && digits <= 5 && perm[1 + digits] == '\0';
}

static int do_set_perms(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    unsigned nr = xenstore_count_strings(req);
    g_autofree char *path = NULL;
    g_autoptr(GPtrArray) perms = g_ptr_array_new_with_free_func(g_free);
    const char *perm;

    if (nr < 2) {
        return EINVAL;
    }
    if (nr - 1 > XENSTORE_PERMS_MAX) {
        return ENOSPC;
    }
    perm = xenstore_second(req);
    for (unsigned i = 1; i < nr; i++) {
        if (!xenstore_perm_valid(perm)) {
            return EINVAL;
        }
        g_ptr_array_add(perms, g_strdup(perm));
        perm += strlen(perm) + 1;
    }
    path = xenstore_conn_path(conn, req->data, true);
    if (!path) {
        return EINVAL;
    }
    return xenstore_reply_ok(req, conn->ops->set_perms(conn->tree, conn->domid,
                                                       req->tx, path, perms));
}

static int do_watch(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = NULL;
    const char *token;
    int ret;

    if (xenstore_count_strings(req) != 2) {
        return EINVAL;
    }
    path = xenstore_conn_path(conn, req->data, true);
    if (!path) {
        return EINVAL;
    }
    token = xenstore_second(req);
    ret = xenstore_watch_add(conn, path, token,
                             req->data[0] != '/' && req->data[0] != '@');
    if (ret) {
        return ret;
    }
    xenstore_reply_string(req, "OK");
    /* A new watch fires once, whether there is such a node or not. */
    xenstore_watch_fire_new(conn);
    return 0;
}

static int do_unwatch(XenstoreRequest *req)
{
    XenstoreConn *conn = req->conn;
    g_autofree char *path = NULL;

    if (xenstore_count_strings(req) != 2) {
        return EINVAL;
    }
    path = xenstore_conn_path(conn, req->data, true);
    if (!path) {
        return EINVAL;
    }
    return xenstore_reply_ok(
        req, xenstore_watch_remove(conn, path, xenstore_second(req)));
}

static int do_reset_watches(XenstoreRequest *req)
{
    xenstore_conn_end_all(req->conn);
    return xenstore_reply_string(req, "OK");
}

static int do_transaction_start(XenstoreRequest *req)
{
    char text[16];
    uint32_t id;
    int ret;

    if (req->tx) {
        return EBUSY;
    }
    ret = xenstore_tx_start(req->conn, &id);
    if (ret) {
        return ret;
    }
    g_snprintf(text, sizeof(text), "%u", id);
    return xenstore_reply_string(req, text);
}

static int do_transaction_end(XenstoreRequest *req)
{
    if (req->len != 2 || (req->data[0] != 'T' && req->data[0] != 'F') ||
        req->data[1] != '\0') {
        return EINVAL;
    }
    if (!req->tx) {
        return ENOENT;
    }
    return xenstore_reply_ok(
        req, xenstore_tx_end(req->conn, req->hdr->tx_id, req->data[0] == 'T'));
}

static int do_get_domain_path(XenstoreRequest *req)
{
    char path[64];

    if (req->len == 0 || strlen(req->data) + 1 != req->len) {
        return EINVAL;
    }
    g_snprintf(path, sizeof(path), XENSTORE_DOMAIN_PREFIX "%u",
               (uint32_t)g_ascii_strtoll(req->data, NULL, 10));
    return xenstore_reply_string(req, path);
}

typedef struct XenstoreOp {
    int (*handler)(XenstoreRequest *req); /* NULL: ENOSYS */
    bool privileged;                      /* EACCES */
    bool no_tx;                           /* the transaction id is ignored */
} XenstoreOp;

/* xen: tools/xenstored/core.c, wire_funcs */
static const XenstoreOp xenstore_ops[] = {
    [XS_CONTROL] = {.privileged = true},
    [XS_DIRECTORY] = {.handler = do_directory},
    [XS_READ] = {.handler = do_read},
    [XS_GET_PERMS] = {.handler = do_get_perms},
    [XS_WATCH] = {.handler = do_watch, .no_tx = true},
    [XS_UNWATCH] = {.handler = do_unwatch, .no_tx = true},
    [XS_TRANSACTION_START] = {.handler = do_transaction_start},
    [XS_TRANSACTION_END] = {.handler = do_transaction_end},
    [XS_INTRODUCE] = {.privileged = true},
    [XS_RELEASE] = {.privileged = true},
    [XS_GET_DOMAIN_PATH] = {.handler = do_get_domain_path},
    [XS_WRITE] = {.handler = do_write},
    [XS_MKDIR] = {.handler = do_mkdir},
    [XS_RM] = {.handler = do_rm},
    [XS_SET_PERMS] = {.handler = do_set_perms},
    [XS_IS_DOMAIN_INTRODUCED] = {.privileged = true},
    [XS_RESUME] = {.privileged = true},
    [XS_SET_TARGET] = {.privileged = true},
    [XS_RESET_WATCHES] = {.handler = do_reset_watches},
    [XS_DIRECTORY_PART] = {.handler = do_directory_part},
};

static int xenstore_dispatch(XenstoreRequest *req)
{
    const struct xsd_sockmsg *hdr = req->hdr;
    const XenstoreOp *op = NULL;

    if (hdr->type < G_N_ELEMENTS(xenstore_ops)) {
        op = &xenstore_ops[hdr->type];
    }
    if (!op || (!op->handler && !op->privileged)) {
        return ENOSYS;
    }
    if (op->privileged) {
        return EACCES;
    }
    if (hdr->tx_id && !op->no_tx &&
        !xenstore_tx_find(req->conn, hdr->tx_id, &req->tx)) {
        return ENOENT;
    }
    return op->handler(req);
}

int xenstore_conn_request(XenstoreConn *conn, const struct xsd_sockmsg *hdr,
                          const uint8_t *payload)
{
    g_autofree char *data = g_malloc(hdr->len + 1);
    XenstoreRequest req = {
        .conn = conn, .hdr = hdr, .data = data, .len = hdr->len};
    int ret;

    memcpy(data, payload, hdr->len);
    data[hdr->len] = '\0';
    ret = xenstore_dispatch(&req);
    if (ret) {
        xenstore_reply_error(&req, ret);
    }
    return ret;
}
