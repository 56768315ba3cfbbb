/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of QEMU's monitor protocol (QMP), on GLib's main loop.
 */
#ifndef JUMPCUT_TOOLS_QMP_H
#define JUMPCUT_TOOLS_QMP_H

#include <gio/gio.h>
#include <json-glib/json-glib.h>

typedef struct QmpClient QmpClient;

/* @reply: the command's result; on failure NULL, and @error says why. */
typedef void (*QmpReply)(JsonNode *reply, const GError *error, gpointer opaque);

typedef struct QmpHandlers {
    /* Greeted, and capabilities are negotiated: commands may be sent. */
    void (*ready)(gpointer opaque);
    /* @data: NULL if the event has none. */
    void (*event)(const char *name, JsonObject *data, gpointer opaque);
    /* QEMU closed the connection (@error NULL) or talked nonsense. */
    void (*closed)(const GError *error, gpointer opaque);
} QmpHandlers;

/*
 * @fd: connected socket, owned by the client from now on.  Handlers run from
 * the default main context until qmp_client_free().
 */
QmpClient *qmp_client_new(int fd, const QmpHandlers *handlers, gpointer opaque,
                          GError **error);
/*
 * @arguments: owned by the client from now on; NULL: none.  @reply: may be
 * NULL.  Replies come in the order of the commands; when the connection goes
 * first, @reply is never run.
 */
void qmp_client_execute(QmpClient *client, const char *command,
                        JsonObject *arguments, QmpReply reply, gpointer opaque);
/* The same without arguments. */
void qmp_client_send(QmpClient *client, const char *command, QmpReply reply,
                     gpointer opaque);
void qmp_client_free(QmpClient *client);

#endif
