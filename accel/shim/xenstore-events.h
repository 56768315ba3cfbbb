/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of watch events to QMP's clients.
 *
 * A guest fires watches as fast as it writes, and QEMU keeps what a client
 * does not read.  So an event is sent at once only while little waits to be
 * read; otherwise it is held until then, in order, and equal ones become one.
 * If too many different ones of a watch are held, one of its own path stands
 * for all of them: an event says that nodes from its path on may have changed,
 * not what they hold, so nothing is lost.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XENSTORE_EVENTS_H
#define JUMPCUT_ACCEL_SHIM_XENSTORE_EVENTS_H

/* Different events held of one watch */
#define STORE_EVENTS_HELD_MAX 256u

/* A watch of QMP's. */
typedef struct StoreHostWatch {
    char *path;
    char *token;
    unsigned held; /* its events that are held */
} StoreHostWatch;

StoreHostWatch *store_host_watch_new(const char *path, const char *token);
/* Its held events are dropped. */
void store_host_watch_free(StoreHostWatch *watch);
/* @path: the node that changed.  The caller has the BQL. */
void store_host_watch_fire(StoreHostWatch *watch, const char *path);

#endif
