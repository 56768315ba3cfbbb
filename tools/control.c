/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a session.
 */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

#include "tools/control.h"

/* Of one client, that are not answered yet */
#define QUESTIONS_MAX 256u
/* At a time; a further one is let go again at once. */
#define CLIENTS_MAX 64u
/* Bytes of a line, with its end; whoever sends more without one is let go. */
#define LINE_MAX_BYTES (1u << 20)
#define READ_MAX       (64u << 10)

struct Control {
    char *path;
    Session *session;
    GSocketService *service;
    GPtrArray *clients;    /* of Client */
    guint64 nr_clients;    /* that there have been */
    GHashTable *questions; /* Question: owned; of some nobody hears any more */
};

typedef struct Client {
    Control *control;
    guint64 number; /* no other client has it, or had */
    GSocketConnection *connection;
    GInputStream *input; /* the connection's */
    GByteArray *read;    /* of it, no more than LINE_MAX_BYTES */
    guint at;            /* lines before that byte are done */
    guint searched;      /* no line ends between at and that byte */
    GCancellable *cancellable;
    GQueue lines;        /* of GBytes, that it has not taken yet */
    gboolean read_later; /* its next command, when it has */
    guint questions;     /* that are not answered yet */
} Client;

static void client_free(gpointer opaque)
{
    Client *client = opaque;

    g_cancellable_cancel(client->cancellable);
    g_queue_clear_full(&client->lines, (GDestroyNotify)g_bytes_unref);
    g_byte_array_unref(client->read);
    g_object_unref(client->connection);
    g_object_unref(client->cancellable);
    g_free(client);
}

/*
 * A question on its way.  The client may be gone when it is answered, and
 * another one be where it was in memory.
 */
typedef struct Question {
    Control *control;
    guint64 client; /* its number */
} Question;

static Question *question_new(Client *client)
{
    Question *question = g_new(Question, 1);

    question->control = client->control;
    question->client = client->number;
    client->questions++;
    g_hash_table_add(client->control->questions, question);
    return question;
}

/* @return: NULL if it is gone */
static Client *find_client(const Control *control, guint64 number)
{
    for (guint i = 0; i < control->clients->len; i++) {
        Client *client = g_ptr_array_index(control->clients, i);

        if (client->number == number) {
            return client;
        }
    }
    return NULL;
}

static void read_next(Client *client);
static void write_next(Client *client);

static void line_written(GObject *source, GAsyncResult *result, gpointer opaque)
{
    g_autoptr(GError) error = NULL;
    gssize n = g_output_stream_write_bytes_finish(G_OUTPUT_STREAM(source),
                                                  result, &error);
    Client *client = opaque;
    g_autoptr(GBytes) line = NULL;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        return; /* the client may be gone */
    }
    line = g_queue_pop_head(&client->lines);
    if (n < 0) {
        /* A failure shows as the end of the input, too. */
        g_queue_clear_full(&client->lines, (GDestroyNotify)g_bytes_unref);
    } else if ((gsize)n < g_bytes_get_size(line)) {
        g_queue_push_head(
            &client->lines,
            g_bytes_new_from_bytes(line, n, g_bytes_get_size(line) - n));
    }
    if (!g_queue_is_empty(&client->lines)) {
        write_next(client);
    } else if (client->read_later) {
        client->read_later = FALSE;
        read_next(client);
    }
}

static void write_next(Client *client)
{
    g_output_stream_write_bytes_async(
        g_io_stream_get_output_stream(G_IO_STREAM(client->connection)),
        g_queue_peek_head(&client->lines), G_PRIORITY_DEFAULT,
        client->cancellable, line_written, client);
}

/* Nobody waits until the client takes it. */
static void say(Client *client, JsonObject *message)
{
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    g_autofree char *text = NULL;
    char *line;

    json_node_take_object(root, message);
    text = json_to_string(root, FALSE);
    line = g_strconcat(text, "\n", NULL);
    g_queue_push_tail(&client->lines, g_bytes_new_take(line, strlen(line)));
    if (client->lines.length == 1) {
        write_next(client);
    }
}

static void say_error(Client *client, const char *text)
{
    JsonObject *message = json_object_new();
    JsonObject *error = json_object_new();

    json_object_set_string_member(error, "class", "GenericError");
    json_object_set_string_member(error, "desc", text);
    json_object_set_object_member(message, "error", error);
    say(client, message);
}

static void answered(JsonNode *reply, const GError *error, gpointer opaque)
{
    Question *question = opaque;
    Control *control = question->control;
    Client *client = find_client(control, question->client);
    JsonObject *message;

    g_hash_table_remove(control->questions, question);
    if (!client) {
        return;
    }
    client->questions--;
    if (!reply) {
        say_error(client, error->message);
        return;
    }
    message = json_object_new();
    json_object_set_member(message, "return", json_node_copy(reply));
    say(client, message);
}

static void cut_made(const GError *error, gpointer opaque)
{
    g_autoptr(JsonNode) nothing = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(nothing, json_object_new());
    answered(error ? NULL : nothing, error, opaque);
}

static void handle_cut(Client *client, JsonObject *arguments)
{
    g_autoptr(GError) error = NULL;
    const char *text =
        arguments
            ? json_object_get_string_member_with_default(arguments, "cut", "")
            : "";
    /* It is NULL if there is something else under that name. */
    CutRequest *cut = cut_request_parse(text ?: "", TRUE, &error);

    if (cut) {
        session_cut(client->control->session, cut, cut_made,
                    question_new(client));
    } else {
        say_error(client, error->message);
    }
}

static void handle_line(Client *client, const char *line)
{
    g_autoptr(JsonNode) root = json_from_string(line, NULL);
    JsonObject *message = root && JSON_NODE_HOLDS_OBJECT(root)
                              ? json_node_get_object(root)
                              : NULL;
    const char *command = message ? json_object_get_string_member_with_default(
                                        message, "execute", NULL)
                                  : NULL;
    JsonNode *node =
        message ? json_object_get_member(message, "arguments") : NULL;
    JsonObject *arguments = node && JSON_NODE_HOLDS_OBJECT(node)
                                ? json_node_get_object(node)
                                : NULL;

    if (!command) {
        say_error(client, "want one JSON object a line, with \"execute\"");
    } else if (client->questions >= QUESTIONS_MAX) {
        g_autofree char *text = g_strdup_printf(
            "%s: %u commands of this client are not answered yet, which is "
            "the most",
            command, client->questions);

        say_error(client, text);
    } else if (!strcmp(command, "session-cut")) {
        handle_cut(client, arguments);
    } else {
        session_execute(client->control->session, command,
                        arguments ? json_object_ref(arguments) : NULL, answered,
                        question_new(client));
    }
}

static void bytes_read(GObject *source, GAsyncResult *result, gpointer opaque)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_input_stream_read_bytes_finish(
        G_INPUT_STREAM(source), result, &error);
    Client *client = opaque;
    gsize len = 0;
    gconstpointer data;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        return; /* the client may be gone */
    }
    data = bytes ? g_bytes_get_data(bytes, &len) : NULL;
    if (!len) {
        g_ptr_array_remove_fast(client->control->clients, client);
        return;
    }
    g_byte_array_append(client->read, data, len);
    read_next(client);
}

/* @return: false if what was read has no whole line */
static gboolean handle_next(Client *client)
{
    GByteArray *read = client->read;
    guint from = MAX(client->at, client->searched);
    guint8 *line, *end = NULL;

    if (from < read->len) {
        end = memchr(read->data + from, '\n', read->len - from);
    }
    if (!end) {
        g_byte_array_remove_range(read, 0, client->at);
        client->at = 0;
        client->searched = read->len;
        return FALSE;
    }
    line = read->data + client->at;
    *end = '\0';
    client->at = end + 1 - read->data;
    handle_line(client, (const char *)line);
    return TRUE;
}

/* Of one that takes no answers no more is done. */
static void read_next(Client *client)
{
    while (g_queue_is_empty(&client->lines)) {
        if (handle_next(client)) {
            continue;
        }
        if (client->read->len >= LINE_MAX_BYTES) {
            g_ptr_array_remove_fast(client->control->clients, client);
            return;
        }
        g_input_stream_read_bytes_async(
            client->input, MIN(READ_MAX, LINE_MAX_BYTES - client->read->len),
            G_PRIORITY_DEFAULT, client->cancellable, bytes_read, client);
        return;
    }
    client->read_later = TRUE;
}

static gboolean incoming(GSocketService *service, GSocketConnection *connection,
                         GObject *source, gpointer opaque)
{
    Control *control = opaque;
    Client *client;

    (void)service;
    (void)source;
    if (control->clients->len >= CLIENTS_MAX) {
        return TRUE;
    }
    client = g_new0(Client, 1);
    client->control = control;
    client->number = control->nr_clients++;
    g_queue_init(&client->lines);
    client->connection = g_object_ref(connection);
    client->input = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    client->read = g_byte_array_new();
    client->cancellable = g_cancellable_new();
    g_ptr_array_add(control->clients, client);
    read_next(client);
    return TRUE;
}

Control *control_new(const char *path, Session *session, GError **error)
{
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocketService) service = g_socket_service_new();
    Control *control;

    /* As many may come at once as there may be. */
    g_socket_listener_set_backlog(G_SOCKET_LISTENER(service), CLIENTS_MAX);
    if (!g_socket_listener_add_address(
            G_SOCKET_LISTENER(service), address, G_SOCKET_TYPE_STREAM,
            G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error)) {
        return NULL;
    }
    control = g_new0(Control, 1);
    control->path = g_strdup(path);
    control->session = session;
    control->service = g_steal_pointer(&service);
    control->clients = g_ptr_array_new_with_free_func(client_free);
    control->questions = g_hash_table_new_full(NULL, NULL, g_free, NULL);
    g_signal_connect(control->service, "incoming", G_CALLBACK(incoming),
                     control);
    return control;
}

void control_free(Control *control)
{
    g_socket_service_stop(control->service);
    g_socket_listener_close(G_SOCKET_LISTENER(control->service));
    g_object_unref(control->service);
    g_ptr_array_unref(control->clients);
    g_hash_table_unref(control->questions);
    g_unlink(control->path);
    g_free(control->path);
    g_free(control);
}
