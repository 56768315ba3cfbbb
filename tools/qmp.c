/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of QEMU's monitor protocol: one JSON object a line each way
 * (QEMU: docs/interop/qmp-spec).
 */
#include <string.h>

#include "tools/qmp.h"

typedef struct PendingReply {
    QmpReply reply; /* may be NULL */
    gpointer opaque;
} PendingReply;

struct QmpClient {
    GSocketConnection *connection;
    GDataInputStream *input;
    GCancellable *cancellable;
    GQueue pending; /* PendingReply, oldest first */
    const QmpHandlers *handlers;
    gpointer opaque;
};

static void read_next(QmpClient *client);

static void close_with(QmpClient *client, const GError *error)
{
    PendingReply *pending;

    g_cancellable_cancel(client->cancellable);
    while ((pending = g_queue_pop_head(&client->pending))) {
        g_free(pending);
    }
    client->handlers->closed(error, client->opaque);
}

static void negotiated(JsonNode *reply, const GError *error, gpointer opaque)
{
    QmpClient *client = opaque;

    if (reply) {
        client->handlers->ready(client->opaque);
    } else {
        close_with(client, error);
    }
}

/* @return: string member @name of @object, or NULL. */
static const char *string_member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node)
                                               : NULL;
}

/* @return: object member @name of @object, or NULL. */
static JsonObject *object_member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node)
                                                : NULL;
}

static void handle_reply(QmpClient *client, JsonObject *message)
{
    g_autofree PendingReply *pending = g_queue_pop_head(&client->pending);
    JsonNode *result = json_object_get_member(message, "return");
    JsonObject *failure = object_member(message, "error");
    g_autoptr(GError) error = NULL;

    if (!pending || !pending->reply) {
        return;
    }
    if (!result) {
        const char *why = failure ? string_member(failure, "desc") : NULL;

        error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_FAILED,
                                    why ?: "QMP reply without a reason");
    }
    pending->reply(result, error, pending->opaque);
}

static void handle_message(QmpClient *client, JsonObject *message)
{
    const char *event = string_member(message, "event");

    if (event) {
        client->handlers->event(event, object_member(message, "data"),
                                client->opaque);
    } else if (json_object_has_member(message, "QMP")) {
        qmp_client_send(client, "qmp_capabilities", negotiated, client);
    } else {
        handle_reply(client, message);
    }
}

static void line_read(GObject *source, GAsyncResult *result, gpointer opaque)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *line = g_data_input_stream_read_line_finish(
        G_DATA_INPUT_STREAM(source), result, NULL, &error);
    g_autoptr(JsonNode) node = NULL;
    QmpClient *client = opaque;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        return; /* the client may be gone */
    }
    if (!line) {
        /* A QEMU that dies with our bytes unread resets the connection. */
        gboolean reset =
            g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);

        close_with(client, reset ? NULL : error);
        return;
    }
    node = json_from_string(line, &error);
    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        close_with(client, error);
        return;
    }
    /* Before the handlers, which may free the client. */
    read_next(client);
    handle_message(client, json_node_get_object(node));
}

static void read_next(QmpClient *client)
{
    g_data_input_stream_read_line_async(client->input, G_PRIORITY_DEFAULT,
                                        client->cancellable, line_read, client);
}

QmpClient *qmp_client_new(int fd, const QmpHandlers *handlers, gpointer opaque,
                          GError **error)
{
    g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, error);
    QmpClient *client;

    if (!socket) {
        return NULL;
    }
    client = g_new0(QmpClient, 1);
    client->connection = g_socket_connection_factory_create_connection(socket);
    client->input = g_data_input_stream_new(
        g_io_stream_get_input_stream(G_IO_STREAM(client->connection)));
    client->cancellable = g_cancellable_new();
    g_queue_init(&client->pending);
    client->handlers = handlers;
    client->opaque = opaque;
    read_next(client);
    return client;
}

void qmp_client_execute(QmpClient *client, const char *command,
                        JsonObject *arguments, QmpReply reply, gpointer opaque)
{
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    JsonObject *message = json_object_new();
    PendingReply *pending = g_new(PendingReply, 1);
    g_autofree char *line = NULL;
    g_autofree char *text = NULL;

    json_object_set_string_member(message, "execute", command);
    if (arguments) {
        json_object_set_object_member(message, "arguments", arguments);
    }
    json_node_take_object(root, message);
    text = json_to_string(root, FALSE);
    line = g_strconcat(text, "\n", NULL);
    pending->reply = reply;
    pending->opaque = opaque;
    g_queue_push_tail(&client->pending, pending);
    /* A failure shows as the end of the input. */
    g_output_stream_write_all(
        g_io_stream_get_output_stream(G_IO_STREAM(client->connection)), line,
        strlen(line), NULL, NULL, NULL);
}

void qmp_client_send(QmpClient *client, const char *command, QmpReply reply,
                     gpointer opaque)
{
    qmp_client_execute(client, command, NULL, reply, opaque);
}

void qmp_client_free(QmpClient *client)
{
    PendingReply *pending;

    g_cancellable_cancel(client->cancellable);
    while ((pending = g_queue_pop_head(&client->pending))) {
        g_free(pending);
    }
    g_object_unref(client->input);
    g_object_unref(client->connection);
    g_object_unref(client->cancellable);
    g_free(client);
}
