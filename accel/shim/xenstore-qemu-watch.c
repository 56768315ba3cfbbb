/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches on QEMU's xenstore.
 *
 * QEMU's store can end only the first of several watches on a path, and never
 * fires one on "/".  So it has one watch a path, whose group keeps the guest's
 * own, and "/" is watched through the nodes below it.
 *
 * Events of an operation wait for its end, when it can be asked who may see
 * them.  All operations are those of this folder: nothing else changes the
 * store.
 */
#include "qemu/osdep.h"

#include "accel/shim/xenstore-qemu-internal.h"

typedef struct StoreWatch {
    uint64_t seq; /* in the order they were set */
    unsigned domid;
    char *token;
    XenstoreWatchFn *fn;
    void *opaque;
} StoreWatch;

typedef struct StoreGroup {
    Store *store;
    char *path;
    GPtrArray *watches; /* of StoreWatch */
} StoreGroup;

typedef struct StoreEvent {
    StoreGroup *group;
    char *path;
} StoreEvent;

/* What is below "/" in every store. */
static const char *const top[] = {"/libxl", "/local", "/tool", "/vm", NULL};

static void free_watch(gpointer data)
{
    StoreWatch *watch = data;

    g_free(watch->token);
    g_free(watch);
}

void store_free_group(gpointer data)
{
    StoreGroup *group = data;

    g_ptr_array_unref(group->watches);
    g_free(group->path);
    g_free(group);
}

void store_free_event(gpointer data)
{
    StoreEvent *event = data;

    g_free(event->path);
    g_free(event);
}

/*
 * xen: tools/xenstored/watch.c, watch_permitted.
 * DEVIATION: a node that was removed counts as the one above it; permissions
 * taken away by the change itself do not count.
 */
static bool permitted(Store *s, unsigned domid, const char *path)
{
    g_autofree char *above = store_parent(path);

    return store_may(s, NULL, domid, path, "rb") ||
           store_may(s, NULL, domid, above, "rb");
}

static void fired(void *opaque, const char *path, const char *token)
{
    StoreGroup *group = opaque;
    Store *s = group->store;
    StoreEvent *event;

    if (s->mute) {
        return;
    }
    event = g_new0(StoreEvent, 1);
    event->group = group;
    event->path = g_strdup(path);
    g_ptr_array_add(s->events, event);
}

void store_begin(Store *s)
{
    g_ptr_array_set_size(s->events, 0);
}

static gint compare_events(gconstpointer a, gconstpointer b)
{
    const StoreEvent *x = *(StoreEvent *const *)a;
    const StoreEvent *y = *(StoreEvent *const *)b;

    return strcmp(x->path, y->path);
}

static gint compare_watches(gconstpointer a, gconstpointer b)
{
    const StoreWatch *x = *(StoreWatch *const *)a;
    const StoreWatch *y = *(StoreWatch *const *)b;

    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* To each of @watches once, as they were set. */
static void tell(Store *s, const char *path, GPtrArray *watches)
{
    const StoreWatch *last = NULL;

    g_ptr_array_sort(watches, compare_watches);
    for (guint i = 0; i < watches->len; i++) {
        const StoreWatch *watch = g_ptr_array_index(watches, i);

        if (watch != last && permitted(s, watch->domid, path)) {
            watch->fn(watch->opaque, path, watch->token);
        }
        last = watch;
    }
    g_ptr_array_set_size(watches, 0);
}

/*
 * QEMU fires in the order of its hash tables, which is no order: events go by
 * path, and those of a path to the watches as they were set (xen: tools/
 * xenstored/watch.c, fire_watches).
 */
void store_end(Store *s, bool children_first)
{
    g_autoptr(GPtrArray) watches = g_ptr_array_new();
    guint nr = s->events->len;

    g_ptr_array_sort(s->events, compare_events);
    for (guint i = 0; i < nr; i++) {
        guint at = children_first ? nr - 1 - i : i;
        guint next = children_first ? at - 1 : at + 1;
        const StoreEvent *event = g_ptr_array_index(s->events, at);
        const StoreEvent *other;

        g_ptr_array_extend(watches, event->group->watches, NULL, NULL);
        other = i + 1 < nr ? g_ptr_array_index(s->events, next) : NULL;
        if (!other || !g_str_equal(other->path, event->path)) {
            tell(s, event->path, watches);
        }
    }
    g_ptr_array_set_size(s->events, 0);
}

void store_fire_special(Store *s, StoreSpecial special)
{
    g_autoptr(GPtrArray) watches = g_ptr_array_new();
    GHashTableIter iter;
    StoreGroup *group;

    g_hash_table_iter_init(&iter, s->groups);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&group)) {
        if (group->path[0] == '@' &&
            store_find_special(group->path) == special) {
            g_ptr_array_extend(watches, group->watches, NULL, NULL);
            tell(s, group->path, watches);
        }
    }
}

/* Registers (or ends) QEMU's watch of a group. */
static int group_enable(StoreGroup *group, bool enable)
{
    Store *s = group->store;
    const char *one[] = {group->path, NULL};
    const char *const *path = g_str_equal(group->path, "/") ? top : one;
    int ret = 0;

    /* Special nodes are not in QEMU's store: store_fire_special() fires. */
    if (group->path[0] == '@') {
        return 0;
    }
    /* A new watch of QEMU's fires at once. */
    s->mute = true;
    for (; *path && !ret; path++) {
        ret = enable ? xs_impl_watch(s->impl, 0, *path, "", fired, group)
                     : xs_impl_unwatch(s->impl, 0, *path, "", fired, group);
    }
    s->mute = false;
    return ret;
}

static StoreGroup *group_get(Store *s, const char *path, int *ret)
{
    StoreGroup *group = g_hash_table_lookup(s->groups, path);

    *ret = 0;
    if (group) {
        return group;
    }
    group = g_new0(StoreGroup, 1);
    group->store = s;
    group->path = g_strdup(path);
    group->watches = g_ptr_array_new_with_free_func(free_watch);
    *ret = group_enable(group, true);
    if (*ret) {
        store_free_group(group);
        return NULL;
    }
    g_hash_table_insert(s->groups, group->path, group);
    return group;
}

int store_watch(void *tree, unsigned domid, const char *path, const char *token,
                XenstoreWatchFn *fn, void *opaque)
{
    Store *s = tree;
    int ret;
    StoreGroup *group = group_get(s, path, &ret);
    StoreWatch *watch;

    if (!group) {
        return ret;
    }
    watch = g_new0(StoreWatch, 1);
    watch->seq = s->next_watch++;
    watch->domid = domid;
    watch->token = g_strdup(token);
    watch->fn = fn;
    watch->opaque = opaque;
    g_ptr_array_add(group->watches, watch);
    return 0;
}

void store_unwatch(void *tree, unsigned domid, const char *path,
                   const char *token, XenstoreWatchFn *fn, void *opaque)
{
    Store *s = tree;
    StoreGroup *group = g_hash_table_lookup(s->groups, path);

    for (guint i = 0; group && i < group->watches->len; i++) {
        const StoreWatch *watch = g_ptr_array_index(group->watches, i);

        if (watch->domid == domid && watch->fn == fn &&
            watch->opaque == opaque && g_str_equal(watch->token, token)) {
            g_ptr_array_remove_index(group->watches, i);
            break;
        }
    }
    if (group && group->watches->len == 0) {
        group_enable(group, false);
        g_hash_table_remove(s->groups, path);
    }
}
