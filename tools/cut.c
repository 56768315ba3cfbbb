/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut cut: cuts the clocks of a guest that runs, by the control socket of
 * its jumpcut boot or jumpcut record.
 */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/cut-request.h"

typedef struct CutOptions {
    char *way, *at, *via;
    gboolean help;
    char **rest; /* SOCKET, and KEY=VALUE each */
} CutOptions;

static void cut_options_clear(CutOptions *o)
{
    g_free(o->way);
    g_free(o->at);
    g_free(o->via);
    g_strfreev(o->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CutOptions, cut_options_clear)

static GOptionContext *context_new(CutOptions *o)
{
    const GOptionEntry cut_entries[] = {
        {"way", 0, 0, G_OPTION_ARG_STRING, &o->way,
         "in-place, suspend, migrate or cancel (in-place)", "WAY"},
        {"at", 0, 0, G_OPTION_ARG_STRING, &o->at,
         "virtual time of the cut (now)", "TIME"},
        {"via", 0, 0, G_OPTION_ARG_STRING, &o->via,
         "migrate over a unix socket or through a file (unix)", "unix|file"},
        {"help", 0, 0, G_OPTION_ARG_NONE, &o->help, "show this", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->rest, NULL,
         NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = g_option_context_new("SOCKET [KEY=VALUE...]");

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, cut_entries, NULL);
    g_option_context_set_summary(
        context, "Cuts the clocks of the guest of a jumpcut boot or jumpcut"
                 "\nrecord with --control SOCKET, and waits until it has.");
    g_option_context_set_description(
        context, "Keys: uptime, tsc, tsc-khz, invtsc, tsc-scaling, wallclock,"
                 "\ndowntime.\n\n"
                 "Exit status: 0 the cut was made, 2 bad usage, 8 it was not"
                 "\nmade.\n");
    return context;
}

/* @return: the cut as text, as in --cut; "AT:" only if it was given. */
static char *request_text(const CutOptions *o)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (o->at) {
        g_string_append_printf(text, "%s:", o->at);
    }
    g_string_append_printf(text, "way=%s", o->way ?: "in-place");
    if (o->via) {
        g_string_append_printf(text, ",via=%s", o->via);
    }
    for (size_t i = 1; o->rest[i]; i++) {
        g_string_append_printf(text, ",%s", o->rest[i]);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *request_line(const char *text)
{
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *line = NULL;

    json_builder_begin_object(b);
    json_builder_set_member_name(b, "execute");
    json_builder_add_string_value(b, "session-cut");
    json_builder_set_member_name(b, "arguments");
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "cut");
    json_builder_add_string_value(b, text);
    json_builder_end_object(b);
    json_builder_end_object(b);
    root = json_builder_get_root(b);
    line = json_to_string(root, FALSE);
    return g_strconcat(line, "\n", NULL);
}

/* @return: what the session answers, one line without its end. */
static char *ask(const char *path, const char *line, GError **error)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocketConnection) connection = g_socket_client_connect(
        client, G_SOCKET_CONNECTABLE(address), NULL, error);
    g_autoptr(GDataInputStream) input = NULL;
    char *answer;

    if (!connection ||
        !g_output_stream_write_all(
            g_io_stream_get_output_stream(G_IO_STREAM(connection)), line,
            strlen(line), NULL, NULL, error)) {
        return NULL;
    }
    input = g_data_input_stream_new(
        g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    answer = g_data_input_stream_read_line(input, NULL, NULL, error);
    if (!answer && !*error) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                    "the run ended before the cut was made");
    }
    return answer;
}

/* @return: NULL, or why it failed; newly allocated */
static char *failure_of(const char *answer)
{
    g_autoptr(JsonNode) root = json_from_string(answer, NULL);
    JsonObject *message = root && JSON_NODE_HOLDS_OBJECT(root)
                              ? json_node_get_object(root)
                              : NULL;
    JsonNode *error;

    if (message && json_object_has_member(message, "return")) {
        return NULL;
    }
    error = message ? json_object_get_member(message, "error") : NULL;
    if (!error || !JSON_NODE_HOLDS_OBJECT(error)) {
        return g_strdup_printf("not an answer: %s", answer);
    }
    return g_strdup(json_object_get_string_member_with_default(
        json_node_get_object(error), "desc", "no reason given"));
}

static ExitStatus make_cut(const char *path, const char *text)
{
    g_autofree char *line = request_line(text);
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = ask(path, line, &error);
    g_autofree char *failure = NULL;

    if (!answer) {
        complain("%s: %s", path, error->message);
        return STATUS_CUT;
    }
    failure = failure_of(answer);
    if (failure) {
        complain("%s: %s", text, failure);
        return STATUS_CUT;
    }
    return STATUS_OK;
}

ExitStatus cut_command(int argc, char **argv)
{
    g_auto(CutOptions) o = {0};
    g_autoptr(GOptionContext) context = context_new(&o);
    g_autoptr(GError) error = NULL;
    g_autoptr(CutRequest) request = NULL;
    g_autofree char *text = NULL;

    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (o.help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);

        fputs(help, stdout);
        return STATUS_OK;
    }
    if (!o.rest) {
        complain("cut: no SOCKET given");
        return STATUS_USAGE;
    }
    text = request_text(&o);
    request = cut_request_parse(text, TRUE, &error);
    if (!request) {
        complain("cut: %s", error->message);
        return STATUS_USAGE;
    }
    return make_cut(o.rest[0], text);
}
