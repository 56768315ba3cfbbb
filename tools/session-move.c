/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that stands goes to a second QEMU by migration, over a unix socket
 * or through a file.
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "tools/session-internal.h"

struct SessionMove {
    Session *session;
    SessionVm *source; /* NULL: it is gone */
    SessionVm *target; /* NULL: it is the session's */
    gboolean via_file;
    gboolean sent;     /* the source says that all is sent */
    gboolean received; /* so says the target */
    char *directory;
    char *path; /* the socket, or the file */
    char *uri;
};

static void move_failed(SessionMove *move, const char *what)
{
    g_autofree char *why = g_strdup_printf("migration: %s", what);

    session_end(move->session, ENDING_CUT, why);
}

/* Both are done when the source is gone, with all that its console said. */
static void move_finish(SessionMove *move)
{
    Session *s = move->session;

    if (move->source || !s->console_ended || s->ending != ENDING_NONE) {
        return;
    }
    s->console_ended = FALSE;
    console_attach(s->console, session_vm_take_console(s->vm));
    g_clear_pointer(&s->move, session_move_free);
    session_cuts_moved(s);
}

void session_move_console_closed(Session *s)
{
    move_finish(s->move);
}

/*
 * What answers come for: the session, since the move may have been given up
 * meanwhile.
 */
static void source_info_received(JsonNode *reply, const GError *error,
                                 gpointer opaque)
{
    Session *s = opaque;
    SessionMove *move = s->move;

    if (!move) {
        return;
    }
    if (!reply) {
        move_failed(move, error->message);
        return;
    }
    g_ptr_array_add(s->earlier, json_node_copy(reply));
    session_vm_quit(move->source);
    /* The guest is the target's from here. */
    s->vm = move->target;
    session_vm_set_handlers(move->target, &session_vm_handlers, s);
    move->target = NULL;
}

static void received_or_sent(SessionMove *move)
{
    if (move->sent && move->received) {
        session_vm_execute(move->source, "query-jumpcut", NULL,
                           source_info_received, move->session);
    }
}

static void check_reply(JsonNode *reply, const GError *error, gpointer opaque)
{
    Session *s = opaque;

    if (!reply && s->move) {
        move_failed(s->move, error->message);
    }
}

static void send_uri(SessionMove *move, SessionVm *vm, const char *command,
                     QmpReply reply)
{
    JsonObject *arguments = json_object_new();

    json_object_set_string_member(arguments, "uri", move->uri);
    session_vm_execute(vm, command, arguments, reply, move->session);
}

/* The target listens. */
static void incoming_ready(JsonNode *reply, const GError *error,
                           gpointer opaque)
{
    Session *s = opaque;

    check_reply(reply, error, opaque);
    if (reply && s->move) {
        send_uri(s->move, s->move->source, "migrate", check_reply);
    }
}

/* @return: "completed", "failed"..., "" for other events */
static const char *migration_status(const char *name, JsonObject *data)
{
    if (strcmp(name, "MIGRATION") || !data) {
        return "";
    }
    return json_object_get_string_member_with_default(data, "status", "");
}

static void source_event(SessionVm *vm, const char *name, JsonObject *data,
                         gpointer opaque)
{
    SessionMove *move = opaque;
    const char *status = migration_status(name, data);

    (void)vm;
    if (move->sent) {
        return; /* it is told to quit */
    }
    if (!strcmp(status, "failed")) {
        move_failed(move, "the source gave up");
    } else if (!strcmp(status, "completed")) {
        move->sent = TRUE;
        if (move->via_file) {
            send_uri(move, move->target, "migrate-incoming", check_reply);
        }
        received_or_sent(move);
    }
}

static void target_event(SessionVm *vm, const char *name, JsonObject *data,
                         gpointer opaque)
{
    SessionMove *move = opaque;
    const char *status = migration_status(name, data);

    (void)vm;
    if (!strcmp(status, "failed")) {
        move_failed(move, "the destination gave up");
    } else if (!strcmp(status, "completed")) {
        move->received = TRUE;
        received_or_sent(move);
    }
}

/* Both are to say how far they are. */
static void announce(SessionMove *move, SessionVm *vm)
{
    JsonObject *arguments = json_object_new();
    JsonObject *capability = json_object_new();
    JsonArray *list = json_array_new();

    json_object_set_string_member(capability, "capability", "events");
    json_object_set_boolean_member(capability, "state", TRUE);
    json_array_add_object_element(list, capability);
    json_object_set_array_member(arguments, "capabilities", list);
    session_vm_execute(vm, "migrate-set-capabilities", arguments, check_reply,
                       move->session);
}

static void target_ready(SessionVm *vm, gpointer opaque)
{
    SessionMove *move = opaque;
    Session *s = move->session;

    announce(move, move->source);
    announce(move, vm);
    if (s->config.handlers->incoming) {
        s->config.handlers->incoming(s, s->config.opaque);
    }
    if (move->via_file) {
        send_uri(move, move->source, "migrate", check_reply);
    } else {
        send_uri(move, vm, "migrate-incoming", incoming_ready);
    }
}

static void vm_closed(SessionVm *vm, const GError *error, gpointer opaque)
{
    (void)vm;
    if (error) {
        move_failed(opaque, error->message);
    }
}

static void target_ended(SessionVm *vm, gpointer opaque)
{
    g_autofree char *end = session_vm_describe_end(vm);

    move_failed(opaque, end);
}

static void source_ready(SessionVm *vm, gpointer opaque)
{
    (void)vm;
    (void)opaque; /* it has long been */
}

static void source_ended(SessionVm *vm, gpointer opaque)
{
    SessionMove *move = opaque;
    g_autofree char *end = session_vm_describe_end(vm);

    if (move->target || !session_vm_succeeded(vm)) {
        move_failed(move, end);
        return;
    }
    g_clear_pointer(&move->source, session_vm_free);
    move_finish(move);
}

static const SessionVmHandlers source_handlers = {
    .ready = source_ready,
    .event = source_event,
    .closed = vm_closed,
    .ended = source_ended,
};

static const SessionVmHandlers target_handlers = {
    .ready = target_ready,
    .event = target_event,
    .closed = vm_closed,
    .ended = target_ended,
};

void session_execute_incoming(Session *s, const char *command,
                              JsonObject *arguments, QmpReply reply,
                              gpointer opaque)
{
    session_vm_execute(s->move->target, command, arguments, reply, opaque);
}

void session_move_begin(Session *s, gboolean via_file)
{
    g_autoptr(GError) error = NULL;
    SessionMove *move = g_new0(SessionMove, 1);

    move->session = s;
    move->source = s->vm;
    move->via_file = via_file;
    s->move = move;
    /* What the source has not taken yet is for the target. */
    console_hold_input(s->console);
    session_vm_set_handlers(s->vm, &source_handlers, move);
    move->directory = g_dir_make_tmp("jumpcut-move-XXXXXX", &error);
    if (!move->directory) {
        move_failed(move, error->message);
        return;
    }
    move->path = g_build_filename(move->directory, "guest", NULL);
    move->uri =
        g_strdup_printf("%s:%s", via_file ? "file" : "unix", move->path);
    move->target =
        session_vm_new(s->config.options, TRUE, &target_handlers, move, &error);
    if (!move->target) {
        move_failed(move, error->message);
    }
}

/* A move that is given up leaves the guest where it is. */
void session_move_free(SessionMove *move)
{
    Session *s = move->session;

    if (move->source == s->vm && s->vm) {
        session_vm_set_handlers(s->vm, &session_vm_handlers, s);
    } else if (move->source) {
        session_vm_free(move->source);
    }
    g_clear_pointer(&move->target, session_vm_free);
    if (move->path) {
        g_unlink(move->path);
    }
    if (move->directory) {
        g_rmdir(move->directory);
    }
    g_free(move->directory);
    g_free(move->path);
    g_free(move->uri);
    g_free(move);
}
