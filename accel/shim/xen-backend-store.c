/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore for QEMU's Xen back ends: domain 0's view of the guest's store.
 *
 * A watch fires in the middle of a change, when its function may not touch the
 * store: events wait for the main loop.  An event that waits already is not
 * queued again, so that a guest cannot make the queue grow: all who watch read
 * the node's value as it is then.
 */
#include "accel/shim/xen-backend-internal.h"
#include "accel/shim/xenstore-qemu.h"

#define HOME "/local/domain/0"

struct qemu_xs_handle {
    GPtrArray *watches; /* of qemu_xs_watch */
};

struct qemu_xs_watch {
    struct qemu_xs_handle *handle;
    char *path;
    xs_watch_fn fn;
    void *opaque;
};

typedef struct StoreEvent {
    struct qemu_xs_watch *watch;
    char *path;
} StoreEvent;

/* Names of domain 0 that do not begin with a slash are below its home. */
static char *full_path(const char *path)
{
    return path[0] == '/' ? g_strdup(path) : g_strconcat(HOME "/", path, NULL);
}

/* @ret: 0 or a positive errno */
static bool done(int ret)
{
    errno = ret;
    return !ret;
}

static char *store_get_domain_path(struct qemu_xs_handle *h, unsigned domid)
{
    return g_strdup_printf("/local/domain/%u", domid);
}

/*
 * What the back end's bus looks through for devices of the toolstack's making;
 * it must not find the console, which is ours (in xl's words: xenconsoled's)
 * and which it would decline aloud.
 */
static bool hidden(const char *path, const char *name)
{
    return g_str_equal(path, HOME "/backend") && g_str_equal(name, "console");
}

/* QEMU's users free the array alone, or the strings one by one as well. */
static char **store_directory(struct qemu_xs_handle *h, xs_transaction_t t,
                              const char *path, unsigned *num)
{
    g_autofree char *full = full_path(path);
    g_autoptr(GPtrArray) names = NULL;
    uint64_t generation;
    char **list;

    if (!done(xenstore_qemu_ops.directory(xen_backends()->tree, 0, t, full,
                                          &generation, &names))) {
        return NULL;
    }
    list = g_new0(char *, names->len + 1);
    *num = 0;
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);

        if (!hidden(full, name)) {
            list[(*num)++] = g_strdup(name);
        }
    }
    return list;
}

/* The value, and a NUL that does not count. */
static void *store_read(struct qemu_xs_handle *h, xs_transaction_t t,
                        const char *path, unsigned *len)
{
    g_autofree char *full = full_path(path);
    GByteArray *value = NULL;

    if (!done(
            xenstore_qemu_ops.read(xen_backends()->tree, 0, t, full, &value))) {
        return NULL;
    }
    if (len) {
        *len = value->len;
    }
    g_byte_array_append(value, (const guint8 *)"", 1);
    return g_byte_array_free(value, false);
}

static bool store_write(struct qemu_xs_handle *h, xs_transaction_t t,
                        const char *path, const void *data, unsigned len)
{
    g_autofree char *full = full_path(path);

    return done(
        xenstore_qemu_ops.write(xen_backends()->tree, 0, t, full, data, len));
}

static char *perm_text(unsigned perms, unsigned domid)
{
    static const char letters[] = {
        [XS_PERM_NONE] = 'n',
        [XS_PERM_READ] = 'r',
        [XS_PERM_WRITE] = 'w',
        [XS_PERM_READ | XS_PERM_WRITE] = 'b',
    };

    return g_strdup_printf(
        "%c%u", letters[perms & (XS_PERM_READ | XS_PERM_WRITE)], domid);
}

static bool store_create(struct qemu_xs_handle *h, xs_transaction_t t,
                         unsigned owner, unsigned domid, unsigned perms,
                         const char *path)
{
    g_autofree char *full = full_path(path);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    void *tree = xen_backends()->tree;
    int ret = xenstore_qemu_ops.mkdir(tree, 0, t, full);

    g_ptr_array_add(list, perm_text(XS_PERM_NONE, owner));
    g_ptr_array_add(list, perm_text(perms, domid));
    return done(ret ? ret
                    : xenstore_qemu_ops.set_perms(tree, 0, t, full, list));
}

static bool store_destroy(struct qemu_xs_handle *h, xs_transaction_t t,
                          const char *path)
{
    g_autofree char *full = full_path(path);

    return done(xenstore_qemu_ops.rm(xen_backends()->tree, 0, t, full));
}

/* Watches */

static void free_event(StoreEvent *event)
{
    g_free(event->path);
    g_free(event);
}

static void fired(void *opaque, const char *path, const char *token)
{
    XenBackends *b = xen_backends();
    StoreEvent *event;

    for (GList *l = b->events.head; l; l = l->next) {
        const StoreEvent *other = l->data;

        if (other->watch == opaque && g_str_equal(other->path, path)) {
            return;
        }
    }
    event = g_new0(StoreEvent, 1);
    event->watch = opaque;
    event->path = g_strdup(path);
    g_queue_push_tail(&b->events, event);
    qemu_bh_schedule(b->events_bh);
}

void xen_backend_store_events(void *opaque)
{
    XenBackends *b = opaque;
    StoreEvent *event;

    /* One that waits for requests turns the main loop; it comes first. */
    if (b->telling) {
        return;
    }
    b->telling = true;
    /* A function may end any watch, its own included. */
    while ((event = g_queue_pop_head(&b->events))) {
        event->watch->fn(event->watch->opaque, event->path);
        free_event(event);
    }
    b->telling = false;
}

/* As xenstored's, a new watch fires at once. */
static struct qemu_xs_watch *store_watch(struct qemu_xs_handle *h,
                                         const char *path, xs_watch_fn fn,
                                         void *opaque)
{
    struct qemu_xs_watch *w = g_new0(struct qemu_xs_watch, 1);

    w->handle = h;
    w->path = full_path(path);
    w->fn = fn;
    w->opaque = opaque;
    if (!done(xenstore_qemu_ops.watch(xen_backends()->tree, 0, w->path, "",
                                      fired, w))) {
        g_free(w->path);
        g_free(w);
        return NULL;
    }
    g_ptr_array_add(h->watches, w);
    fired(w, w->path, "");
    return w;
}

static void end_watch(gpointer data)
{
    XenBackends *b = xen_backends();
    struct qemu_xs_watch *w = data;
    GList *next;

    xenstore_qemu_ops.unwatch(b->tree, 0, w->path, "", fired, w);
    for (GList *l = b->events.head; l; l = next) {
        StoreEvent *event = l->data;

        next = l->next;
        if (event->watch == w) {
            free_event(event);
            g_queue_delete_link(&b->events, l);
        }
    }
    g_free(w->path);
    g_free(w);
}

static void store_unwatch(struct qemu_xs_handle *h, struct qemu_xs_watch *w)
{
    g_ptr_array_remove(h->watches, w);
}

static xs_transaction_t store_transaction_start(struct qemu_xs_handle *h)
{
    uint32_t id;

    return done(xenstore_qemu_ops.transaction_start(xen_backends()->tree, 0,
                                                    &id))
               ? id
               : XBT_NULL;
}

static bool store_transaction_end(struct qemu_xs_handle *h, xs_transaction_t t,
                                  bool abort)
{
    return done(
        xenstore_qemu_ops.transaction_end(xen_backends()->tree, 0, t, !abort));
}

static struct qemu_xs_handle *store_open(void)
{
    struct qemu_xs_handle *h = g_new0(struct qemu_xs_handle, 1);

    h->watches = g_ptr_array_new_with_free_func(end_watch);
    return h;
}

static void store_close(struct qemu_xs_handle *h)
{
    g_ptr_array_unref(h->watches);
    g_free(h);
}

struct xenstore_backend_ops xen_backend_store_ops = {
    .open = store_open,
    .close = store_close,
    .get_domain_path = store_get_domain_path,
    .directory = store_directory,
    .read = store_read,
    .write = store_write,
    .create = store_create,
    .destroy = store_destroy,
    .watch = store_watch,
    .unwatch = store_unwatch,
    .transaction_start = store_transaction_start,
    .transaction_end = store_transaction_end,
};

/* Nodes of a device over a reset */

SavedNodes *xen_backend_nodes_save(XenBackends *b, const char *path)
{
    SavedNodes *nodes = g_new0(SavedNodes, 1);
    g_autoptr(GPtrArray) names = NULL;
    uint64_t generation;

    nodes->path = g_strdup(path);
    nodes->keys = g_ptr_array_new_with_free_func(g_free);
    nodes->values =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    if (xenstore_qemu_ops.directory(b->tree, 0, 0, path, &generation, &names)) {
        return nodes;
    }
    for (guint i = 0; i < names->len; i++) {
        const char *key = g_ptr_array_index(names, i);
        g_autofree char *full = g_strjoin("/", path, key, NULL);
        GByteArray *value = NULL;

        if (!xenstore_qemu_ops.read(b->tree, 0, 0, full, &value)) {
            g_ptr_array_add(nodes->keys, g_strdup(key));
            g_ptr_array_add(nodes->values, value);
        }
    }
    return nodes;
}

bool xen_backend_nodes_restore(XenBackends *b, const SavedNodes *nodes,
                               unsigned owner, unsigned reader, unsigned perms)
{
    bool ok = store_create(NULL, 0, owner, reader, perms, nodes->path);

    for (guint i = 0; ok && i < nodes->keys->len; i++) {
        g_autofree char *full = g_strjoin(
            "/", nodes->path, g_ptr_array_index(nodes->keys, i), NULL);
        const GByteArray *value = g_ptr_array_index(nodes->values, i);

        ok = store_write(NULL, 0, full, value->data, value->len);
    }
    return ok;
}

void xen_backend_nodes_free(SavedNodes *nodes)
{
    if (nodes) {
        g_free(nodes->path);
        g_ptr_array_unref(nodes->keys);
        g_ptr_array_unref(nodes->values);
        g_free(nodes);
    }
}
