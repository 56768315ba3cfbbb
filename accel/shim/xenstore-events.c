/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watch events on their way to QMP's clients. */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/timer.h"
#include "monitor/monitor-internal.h"
#include "jumpcut-qapi-events-xenstore.h"
#include "accel/shim/xenstore-events.h"

/* Bytes a client may leave unread, beyond those its connection holds */
#define UNREAD_MAX (64u << 10)
#define RETRY_MS   20

typedef struct Event {
    StoreHostWatch *watch;
    char *path;
} Event;

/* QMP handlers carry no pointer of ours. */
static struct {
    GQueue queue;    /* of Event, oldest first */
    GHashTable *set; /* the same */
    QEMUTimer *timer;
} held;

static guint event_hash(gconstpointer key)
{
    const Event *event = key;

    return g_str_hash(event->path) ^ g_direct_hash(event->watch);
}

static gboolean event_equal(gconstpointer a, gconstpointer b)
{
    const Event *x = a, *y = b;

    return x->watch == y->watch && g_str_equal(x->path, y->path);
}

/* Has every client read most of what there was for it? */
static bool clients_read(void)
{
    Monitor *mon;
    bool all = true;

    QEMU_LOCK_GUARD(&monitor_lock);
    QTAILQ_FOREACH(mon, &mon_list, entry)
    {
        if (monitor_is_qmp(mon)) {
            QEMU_LOCK_GUARD(&mon->mon_lock);
            all &= mon->outbuf->len <= UNREAD_MAX;
        }
    }
    return all;
}

static void forget(GList *link)
{
    Event *event = link->data;

    g_queue_delete_link(&held.queue, link);
    g_hash_table_remove(held.set, event);
    event->watch->held--;
    g_free(event->path);
    g_free(event);
}

static void forget_all(const StoreHostWatch *watch)
{
    GList *next;

    for (GList *l = held.queue.head; l && watch->held; l = next) {
        const Event *event = l->data;

        next = l->next;
        if (event->watch == watch) {
            forget(l);
        }
    }
}

static void deliver(void *unused)
{
    while (!g_queue_is_empty(&held.queue) && clients_read()) {
        const Event *event = g_queue_peek_head(&held.queue);

        qapi_event_send_jumpcut_xenstore_watch(event->path,
                                               event->watch->token);
        forget(held.queue.head);
    }
    if (!g_queue_is_empty(&held.queue)) {
        timer_mod(held.timer,
                  qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + RETRY_MS);
    }
}

static void hold(StoreHostWatch *watch, const char *path)
{
    Event *event;

    if (watch->held >= STORE_EVENTS_HELD_MAX) {
        forget_all(watch);
        path = watch->path;
    }
    event = g_new(Event, 1);
    event->watch = watch;
    event->path = g_strdup(path);
    g_queue_push_tail(&held.queue, event);
    g_hash_table_add(held.set, event);
    watch->held++;
}

void store_host_watch_fire(StoreHostWatch *watch, const char *path)
{
    const Event same = {watch, (char *)path};
    const Event all = {watch, watch->path};

    if (!held.timer) {
        held.set = g_hash_table_new(event_hash, event_equal);
        held.timer = timer_new_ms(QEMU_CLOCK_REALTIME, deliver, NULL);
    }
    if (g_hash_table_contains(held.set, &same) ||
        g_hash_table_contains(held.set, &all)) {
        return;
    }
    hold(watch, path);
    deliver(NULL);
}

StoreHostWatch *store_host_watch_new(const char *path, const char *token)
{
    StoreHostWatch *watch = g_new0(StoreHostWatch, 1);

    watch->path = g_strdup(path);
    watch->token = g_strdup(token);
    return watch;
}

void store_host_watch_free(StoreHostWatch *watch)
{
    forget_all(watch);
    g_free(watch->path);
    g_free(watch->token);
    g_free(watch);
}
