/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain 0's side of a guest's xenstore: the QMP commands of
 * qapi/xenstore.json.
 */
#include "qemu/osdep.h"
#include "qemu/base64.h"
#include "qapi/error.h"
#include "qapi/qmp-registry.h"
#include "monitor/monitor-internal.h"
#include "jumpcut-qapi-commands-xenstore.h"
#include "accel/shim/qmp.h"
#include "accel/shim/xenstore-events.h"
#include "accel/shim/xenstore-host.h"
#include "accel/shim/xenstore-qemu.h"
#include "hw/xen/xenstore-proto.h"

#define DOM0 0u
/* xen: tools/xenstored/domain.c, hard_quotas: entries of a node's list */
#define PERMS_MAX 5u

/* QMP handlers carry no pointer of ours. */
static struct {
    void *tree;
    HostTap *tap;
    GPtrArray *watches; /* of StoreHostWatch, in the order they were set */
} host;

static const XenstoreTreeOps *ops = &xenstore_qemu_ops;

static bool have_store(Error **errp)
{
    if (!host.tree) {
        error_setg(errp, "there is no xenstore: -plugin "
                         "jumpcut.so,guest= names no guest of Xen's");
    }
    return host.tree;
}

static bool path_check(const char *path, bool special, Error **errp)
{
    if (!have_store(errp)) {
        return false;
    }
    if (path[0] != '/' && !(special && path[0] == '@')) {
        error_setg(errp, "xenstore: path '%s' does not begin with '/'%s", path,
                   special ? " or '@'" : "");
        return false;
    }
    if (!xenstore_path_valid(path)) {
        error_setg(errp,
                   "xenstore: path '%s' is not valid: letters, digits and "
                   "-/_@ only, no '//', no '/' at its end, at most %d bytes",
                   path, XENSTORE_REL_PATH_MAX);
        return false;
    }
    return true;
}

/* The store's answer @ret about @path; true if it is 0. */
static bool done(int ret, const char *path, Error **errp)
{
    switch (ret) {
    case 0:
        break;
    case ENOENT:
        error_setg(errp, "xenstore: %s: there is no such node", path);
        break;
    case EEXIST:
        error_setg(errp, "xenstore: %s: there is such a watch already", path);
        break;
    case ENOSPC:
        error_setg(errp,
                   "xenstore: %s: the store is full, with %u nodes or "
                   "%u bytes",
                   path, XENSTORE_QEMU_NODES_MAX, XENSTORE_QEMU_BYTES_MAX);
        break;
    default:
        error_setg(errp, "xenstore: %s: %s", path, g_strerror(ret));
        break;
    }
    return !ret;
}

/* Changes: the tap has the path, NUL and what follows it. */

static const uint8_t *after_path(const TapEntry *e, size_t *len)
{
    const uint8_t *nul = memchr(e->data, 0, e->len);

    *len = nul ? e->len - (size_t)(nul + 1 - e->data) : 0;
    return nul ? nul + 1 : NULL;
}

static int run_perms(const char *path, const char *perms, size_t len)
{
    g_autoptr(GPtrArray) array = g_ptr_array_new_with_free_func(g_free);

    for (size_t at = 0; at < len;) {
        char *perm = g_strndup(perms + at, len - at);

        g_ptr_array_add(array, perm);
        at += strlen(perm) + 1;
        if (!xenstore_perm_valid(perm)) {
            return EINVAL;
        }
    }
    return array->len && array->len <= PERMS_MAX
               ? ops->set_perms(host.tree, DOM0, 0, path, array)
               : EINVAL;
}

int shim_xenstore_run(const TapEntry *e)
{
    g_autofree char *path = g_strndup((const char *)e->data, e->len);
    size_t len;
    const uint8_t *rest = after_path(e, &len);

    if (!host.tree || !xenstore_path_valid(path) ||
        len > XENSTORE_PAYLOAD_MAX) {
        return EINVAL;
    }
    switch (e->kind) {
    case TAP_STORE_WRITE:
        return rest ? ops->write(host.tree, DOM0, 0, path, rest, len) : EINVAL;
    case TAP_STORE_PERMS:
        return rest ? run_perms(path, (const char *)rest, len) : EINVAL;
    default:
        return ops->rm(host.tree, DOM0, 0, path);
    }
}

/* @more: what follows the path in the tap's data, or NULL */
static int change(TapEntryKind kind, const char *path, const void *more,
                  size_t len)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    TapEntry entry = {.kind = kind};
    uint64_t ret;

    g_byte_array_append(data, (const guint8 *)path, strlen(path));
    if (more) {
        g_byte_array_append(data, (const guint8 *)"", 1);
        g_byte_array_append(data, more, len);
    }
    entry.data = data->data;
    entry.len = data->len;
    host_tap_begin(host.tap, &entry);
    ret = shim_xenstore_run(&entry);
    host_tap_end(host.tap, &ret, 1);
    return ret;
}

JumpcutXenstoreValue *qmp_jumpcut_xenstore_read(const char *path, Error **errp)
{
    g_autoptr(GByteArray) value = NULL;
    JumpcutXenstoreValue *out;
    bool text;

    if (!path_check(path, false, errp) ||
        !done(ops->read(host.tree, DOM0, 0, path, &value), path, errp)) {
        return NULL;
    }
    out = g_new0(JumpcutXenstoreValue, 1);
    text = value->len == 0 ||
           g_utf8_validate((const char *)value->data, value->len, NULL);
    if (!text) {
        out->format = JUMPCUT_XENSTORE_FORMAT_BASE64;
        out->value = g_base64_encode(value->data, value->len);
    } else {
        out->format = JUMPCUT_XENSTORE_FORMAT_UTF8;
        out->value = value->len ? g_strndup((char *)value->data, value->len)
                                : g_strdup("");
    }
    return out;
}

void qmp_jumpcut_xenstore_write(const char *path, const char *value,
                                bool has_format, JumpcutXenstoreFormat format,
                                Error **errp)
{
    ERRP_GUARD();
    g_autofree uint8_t *bytes = NULL;
    size_t len = strlen(value);

    if (!path_check(path, false, errp) || !shim_qmp_may_change(errp)) {
        return;
    }
    if (has_format && format == JUMPCUT_XENSTORE_FORMAT_BASE64) {
        bytes = qbase64_decode(value, len, &len, errp);
        if (!bytes) {
            error_prepend(errp, "xenstore: %s: ", path);
            return;
        }
    } else {
        bytes = g_memdup2(value, len);
    }
    if (len > XENSTORE_PAYLOAD_MAX) {
        error_setg(errp, "xenstore: %s: the value has %zu bytes, at most %d",
                   path, len, XENSTORE_PAYLOAD_MAX);
        return;
    }
    done(change(TAP_STORE_WRITE, path, bytes ? bytes : (uint8_t *)"", len),
         path, errp);
}

void qmp_jumpcut_xenstore_remove(const char *path, Error **errp)
{
    g_autoptr(GPtrArray) names = NULL;
    guint64 generation;

    /* The protocol takes removing what is not there for a success. */
    if (path_check(path, false, errp) && shim_qmp_may_change(errp) &&
        done(ops->directory(host.tree, DOM0, 0, path, &generation, &names),
             path, errp)) {
        done(change(TAP_STORE_REMOVE, path, NULL, 0), path, errp);
    }
}

static strList *list_strings(const GPtrArray *array)
{
    strList *head = NULL, **tail = &head;

    for (guint i = 0; i < array->len; i++) {
        QAPI_LIST_APPEND(tail, g_strdup(g_ptr_array_index(array, i)));
    }
    return head;
}

strList *qmp_jumpcut_xenstore_list(const char *path, Error **errp)
{
    g_autoptr(GPtrArray) names = NULL;
    guint64 generation;

    if (!path_check(path, false, errp) ||
        !done(ops->directory(host.tree, DOM0, 0, path, &generation, &names),
              path, errp)) {
        return NULL;
    }
    return list_strings(names);
}

static bool set_permissions(const char *path, const strList *list, Error **errp)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    unsigned nr = 0;

    for (; list; list = list->next) {
        if (!xenstore_perm_valid(list->value)) {
            error_setg(errp,
                       "xenstore: permission '%s' is not one of n, r, w, b "
                       "and a domain's number",
                       list->value);
            return false;
        }
        g_byte_array_append(data, (guint8 *)list->value,
                            strlen(list->value) + 1);
        nr++;
    }
    if (!shim_qmp_may_change(errp)) {
        return false;
    }
    if (nr == 0 || nr > PERMS_MAX) {
        error_setg(errp, "xenstore: %u permissions, must be 1 to %u", nr,
                   PERMS_MAX);
        return false;
    }
    return done(change(TAP_STORE_PERMS, path, data->data, data->len), path,
                errp);
}

strList *qmp_jumpcut_xenstore_permissions(const char *path,
                                          bool has_permissions,
                                          strList *permissions, Error **errp)
{
    g_autoptr(GPtrArray) perms = NULL;

    if (!path_check(path, true, errp) ||
        (has_permissions && !set_permissions(path, permissions, errp)) ||
        !done(ops->get_perms(host.tree, DOM0, 0, path, &perms), path, errp)) {
        return NULL;
    }
    return list_strings(perms);
}

/* Watches */

static void watch_fired(void *opaque, const char *path, const char *token)
{
    store_host_watch_fire(opaque, path);
}

static void free_watch(gpointer data)
{
    store_host_watch_free(data);
}

static StoreHostWatch *find_watch(const char *path, const char *token)
{
    for (guint i = 0; i < host.watches->len; i++) {
        StoreHostWatch *watch = g_ptr_array_index(host.watches, i);

        if (g_str_equal(watch->path, path) &&
            g_str_equal(watch->token, token)) {
            return watch;
        }
    }
    return NULL;
}

void qmp_jumpcut_xenstore_watch(const char *path, const char *token,
                                Error **errp)
{
    StoreHostWatch *watch;
    int ret;

    if (!path_check(path, true, errp)) {
        return;
    }
    watch = store_host_watch_new(path, token);
    ret = find_watch(path, token)
              ? EEXIST
              : ops->watch(host.tree, DOM0, path, token, watch_fired, watch);
    if (!done(ret, path, errp)) {
        store_host_watch_free(watch);
        return;
    }
    g_ptr_array_add(host.watches, watch);
    store_host_watch_fire(watch, path);
}

void qmp_jumpcut_xenstore_unwatch(const char *path, const char *token,
                                  Error **errp)
{
    StoreHostWatch *watch;

    if (!have_store(errp)) {
        return;
    }
    watch = find_watch(path, token);
    if (!watch) {
        error_setg(errp, "xenstore: there is no watch '%s' on '%s'", token,
                   path);
        return;
    }
    ops->unwatch(host.tree, DOM0, path, token, watch_fired, watch);
    g_ptr_array_remove(host.watches, watch);
}

void shim_xenstore_replaced(void)
{
    for (guint i = 0; host.tree && i < host.watches->len; i++) {
        StoreHostWatch *watch = g_ptr_array_index(host.watches, i);

        store_host_watch_fire(watch, watch->path);
    }
}

void shim_xenstore_register(void)
{
    qmp_register_command(&qmp_commands, "jumpcut-xenstore-read",
                         qmp_marshal_jumpcut_xenstore_read, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-xenstore-write",
                         qmp_marshal_jumpcut_xenstore_write, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-xenstore-remove",
                         qmp_marshal_jumpcut_xenstore_remove, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-xenstore-list",
                         qmp_marshal_jumpcut_xenstore_list, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-xenstore-permissions",
                         qmp_marshal_jumpcut_xenstore_permissions, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-xenstore-watch",
                         qmp_marshal_jumpcut_xenstore_watch, 0, 0);
    qmp_register_command(&qmp_commands, "jumpcut-xenstore-unwatch",
                         qmp_marshal_jumpcut_xenstore_unwatch, 0, 0);
}

void shim_xenstore_tap(HostTap *tap)
{
    host.tap = tap;
}

void shim_xenstore_set(void *tree)
{
    host.tree = tree;
    host.watches = g_ptr_array_new_with_free_func(free_watch);
}
