/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session: one guest, from the start of its first QEMU to the end of its
 * last.
 */
#include <glib-unix.h>
#include <signal.h>
#include <string.h>

#include "tools/session-internal.h"

/* xen: include/public/sched.h, SHUTDOWN_crash and SHUTDOWN_watchdog */
#define XEN_SHUTDOWN_CRASH    3
#define XEN_SHUTDOWN_WATCHDOG 4

static const struct {
    const char *name;
    ExitStatus status;
} endings[] = {
    [ENDING_NONE] = {"none", STATUS_QEMU},
    [ENDING_POWERED_OFF] = {"powered-off", STATUS_OK},
    [ENDING_CRASHED] = {"crashed", STATUS_CRASHED},
    [ENDING_REBOOT] = {"reboot", STATUS_REBOOT},
    [ENDING_TIMEOUT] = {"timeout", STATUS_TIMEOUT},
    [ENDING_QUIT] = {"quit", STATUS_QUIT},
    [ENDING_QEMU] = {"qemu-failed", STATUS_QEMU},
    [ENDING_CUT] = {"cut-failed", STATUS_CUT},
    [ENDING_DIVERGED] = {"diverged", STATUS_DIVERGED},
    [ENDING_REPLAYED] = {"replayed", STATUS_OK},
};

const char *ending_name(Ending ending)
{
    return endings[ending].name;
}

ExitStatus ending_status(Ending ending)
{
    return endings[ending].status;
}

static void part_ended(Session *s)
{
    if (!s->vm && s->console_ended) {
        g_main_loop_quit(s->loop);
    }
}

static void vm_ended(SessionVm *vm, gpointer opaque);

/* A QEMU that died, or that nothing can be asked of, ends at once. */
static void kill_all(Session *s)
{
    g_clear_pointer(&s->move, session_move_free);
    if (s->vm && session_vm_has_ended(s->vm)) {
        /* While the guest was on its way; that was told to the move. */
        vm_ended(s->vm, s);
    } else if (s->vm) {
        session_vm_kill(s->vm);
    }
}

/* A QEMU tells its own cuts and digests only: those before come first. */
static void info_complete(Session *s)
{
    static const char *const lists[] = {"cuts", "digests"};
    JsonObject *last = json_node_get_object(s->info);

    for (size_t i = 0; s->earlier->len && i < G_N_ELEMENTS(lists); i++) {
        JsonArray *whole = json_array_new();

        for (guint j = 0; j <= s->earlier->len; j++) {
            JsonObject *part =
                j < s->earlier->len
                    ? json_node_get_object(g_ptr_array_index(s->earlier, j))
                    : last;
            JsonArray *list = json_object_get_array_member(part, lists[i]);

            for (guint k = 0; k < json_array_get_length(list); k++) {
                json_array_add_element(whole, json_array_dup_element(list, k));
            }
        }
        json_object_set_array_member(last, lists[i], whole);
    }
}

static void info_received(JsonNode *reply, const GError *error, gpointer opaque)
{
    Session *s = opaque;

    if (reply) {
        s->info = json_node_copy(reply);
        info_complete(s);
    } else {
        s->ending = ENDING_QEMU;
        s->failure = g_strdup_printf("query-jumpcut: %s", error->message);
    }
    session_vm_quit(s->vm);
}

void session_end(Session *s, Ending ending, const char *why)
{
    if (s->ending != ENDING_NONE) {
        return;
    }
    s->ending = ending;
    s->failure = g_strdup(why);
    if (ending == ENDING_QEMU || !s->vm || !session_vm_is_ready(s->vm)) {
        kill_all(s);
        return;
    }
    if (s->config.handlers->ending) {
        s->config.handlers->ending(s, s->config.opaque);
    }
    session_vm_execute(s->vm, "query-jumpcut", NULL, info_received, s);
    session_vm_hurry(s->vm);
    /* Of a guest that was on its way, the source has what is known. */
    g_clear_pointer(&s->move, session_move_free);
}

void session_fail(Session *s, const char *what, const GError *error)
{
    g_autofree char *why =
        g_strdup_printf("%s%s%s", what ?: "", what ? ": " : "", error->message);

    session_end(s, ENDING_QEMU, why);
}

static void continued(JsonNode *reply, const GError *error, gpointer opaque)
{
    if (!reply) {
        session_fail(opaque, NULL, error);
    }
}

void session_continue(Session *s)
{
    session_execute(s, "cont", NULL, continued, s);
}

void session_execute(Session *s, const char *command, JsonObject *arguments,
                     QmpReply reply, gpointer opaque)
{
    if (s->vm) {
        session_vm_execute(s->vm, command, arguments, reply, opaque);
    } else if (arguments) {
        json_object_unref(arguments);
    }
}

static void vm_ready(SessionVm *vm, gpointer opaque)
{
    Session *s = opaque;

    (void)vm;
    if (s->ending != ENDING_NONE) {
        session_vm_quit(vm);
        return;
    }
    s->started = TRUE;
    session_cuts_begin(s);
    if (!s->config.handlers->ready ||
        s->config.handlers->ready(s, s->config.opaque)) {
        session_continue(s);
    }
}

/* The plugin stops the machine while the console's reader takes nothing. */
static void status_received(JsonNode *reply, const GError *error,
                            gpointer opaque)
{
    Session *s = opaque;
    JsonObject *status = reply && JSON_NODE_HOLDS_OBJECT(reply)
                             ? json_node_get_object(reply)
                             : NULL;
    const char *word =
        status
            ? json_object_get_string_member_with_default(status, "status", "")
            : "";

    (void)error; /* then there is nothing to continue */
    if (s->ending == ENDING_NONE && !strcmp(word, "io-error")) {
        session_continue(s);
    } else if (!strcmp(word, "paused")) {
        session_cuts_paused(s);
    }
}

static void handle_shutdown(Session *s, JsonObject *data)
{
    const char *reason =
        json_object_get_string_member_with_default(data, "reason", "");

    if (!strcmp(reason, "guest-shutdown")) {
        session_end(s, ENDING_POWERED_OFF, NULL);
    } else if (!strcmp(reason, "guest-reset")) {
        session_end(s, ENDING_REBOOT, NULL);
    } else if (g_str_has_prefix(reason, "host-")) {
        session_end(s, ENDING_QUIT, NULL);
    }
}

static void vm_event(SessionVm *vm, const char *name, JsonObject *data,
                     gpointer opaque)
{
    Session *s = opaque;

    (void)vm;
    if (s->config.handlers->event) {
        s->config.handlers->event(s, name, data, s->config.opaque);
    }
    if (!strcmp(name, "GUEST_PANICKED")) {
        /* With shutdown=pause no SHUTDOWN follows. */
        session_end(s, ENDING_CRASHED, NULL);
    } else if (!strcmp(name, "STOP")) {
        session_execute(s, "query-status", NULL, status_received, s);
    } else if (!strcmp(name, "JUMPCUT_STOPPED") && data) {
        session_cuts_stopped(
            s, json_object_get_string_member_with_default(data, "reason", ""));
    } else if (!strcmp(name, "SHUTDOWN") && data) {
        handle_shutdown(s, data);
    }
}

static void vm_closed(SessionVm *vm, const GError *error, gpointer opaque)
{
    (void)vm;
    if (error) {
        session_fail(opaque, NULL, error);
    }
}

/*
 * A QEMU that had to be killed, or died, explains no clean ending; else
 * SCHEDOP_shutdown's reason decides, whatever QEMU made of it.
 */
static void judge_ending(Session *s)
{
    JsonObject *info = s->info ? json_node_get_object(s->info) : NULL;
    gint64 reason = 0;
    gboolean forced = s->ending != ENDING_POWERED_OFF &&
                      s->ending != ENDING_CRASHED && s->ending != ENDING_REBOOT;

    if (s->ending == ENDING_NONE || (!forced && !session_vm_succeeded(s->vm))) {
        s->ending = ENDING_QEMU;
    }
    if (s->ending == ENDING_QEMU && !s->failure) {
        s->failure = session_vm_describe_end(s->vm);
    }
    if (info) {
        reason =
            json_object_get_int_member_with_default(info, "shutdown-reason", 0);
    }
    if ((s->ending == ENDING_POWERED_OFF || s->ending == ENDING_REBOOT) &&
        (reason == XEN_SHUTDOWN_CRASH || reason == XEN_SHUTDOWN_WATCHDOG)) {
        s->ending = ENDING_CRASHED;
    }
}

static void vm_ended(SessionVm *vm, gpointer opaque)
{
    Session *s = opaque;

    judge_ending(s);
    s->command = g_strdupv(session_vm_command(vm));
    g_clear_pointer(&s->vm, session_vm_free);
    g_clear_pointer(&s->move, session_move_free);
    part_ended(s);
}

const SessionVmHandlers session_vm_handlers = {
    .ready = vm_ready,
    .event = vm_event,
    .closed = vm_closed,
    .ended = vm_ended,
};

static void console_closed(gpointer opaque)
{
    Session *s = opaque;

    s->console_ended = TRUE;
    if (s->move) {
        session_move_console_closed(s);
    }
    part_ended(s);
}

static void console_output(const guint8 *buf, size_t len, gpointer opaque)
{
    Session *s = opaque;

    if (s->config.handlers->output) {
        s->config.handlers->output(buf, len, s->config.opaque);
    }
}

static void console_quit(gpointer opaque)
{
    session_end(opaque, ENDING_QUIT, NULL);
}

static const ConsoleHandlers console_handlers = {
    .closed = console_closed,
    .output = console_output,
    .quit = console_quit,
};

static gboolean timed_out(gpointer opaque)
{
    Session *s = opaque;

    s->timeout_source = 0;
    session_end(s, ENDING_TIMEOUT, NULL);
    return G_SOURCE_REMOVE;
}

static gboolean signalled(gpointer opaque)
{
    session_end(opaque, ENDING_QUIT, NULL);
    return G_SOURCE_CONTINUE;
}

static void watch_host(Session *s)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        s->signal_sources[i] = g_unix_signal_add(signals[i], signalled, s);
    }
    if (s->config.options->timeout_s) {
        s->timeout_source =
            g_timeout_add_seconds(s->config.options->timeout_s, timed_out, s);
    }
}

Session *session_new(const SessionConfig *config, GError **error)
{
    static const SessionHandlers none;
    g_autoptr(Session) s = g_new0(Session, 1);

    s->config = *config;
    if (!config->handlers) {
        s->config.handlers = &none;
    }
    s->loop = g_main_loop_new(NULL, FALSE);
    s->cuts = session_cuts_new(s);
    s->earlier =
        g_ptr_array_new_with_free_func((GDestroyNotify)json_node_unref);
    s->vm =
        session_vm_new(config->options, FALSE, &session_vm_handlers, s, error);
    if (!s->vm) {
        return NULL;
    }
    watch_host(s);
    s->console = console_new(config->console_flags, config->log_fd,
                             &console_handlers, s);
    console_attach(s->console, session_vm_take_console(s->vm));
    return g_steal_pointer(&s);
}

Ending session_run(Session *s)
{
    g_main_loop_run(s->loop);
    return s->ending;
}

gboolean session_has_started(const Session *s)
{
    return s->started;
}

const char *session_failure(const Session *s)
{
    return s->failure;
}

JsonNode *session_info(const Session *s)
{
    return s->info;
}

char **session_command(const Session *s)
{
    return s->command;
}

guint64 session_console_bytes(const Session *s)
{
    return console_bytes(s->console);
}

const char *session_console_sha256(Session *s)
{
    return console_sha256(s->console);
}

int session_output_error(const Session *s)
{
    return console_output_error(s->console);
}

void session_restore_terminal(Session *s)
{
    console_restore_terminal(s->console);
}

void session_explain(const Session *s)
{
    const BootOptions *o = s->config.options;

    if (s->ending == ENDING_TIMEOUT) {
        complain("--timeout %u: passed before the guest ended", o->timeout_s);
    } else if (s->ending == ENDING_CRASHED) {
        complain("the guest crashed");
    } else if (s->ending == ENDING_REBOOT) {
        complain("the guest asked for a reboot (--reboot stop)");
    } else if (s->ending == ENDING_QEMU) {
        complain("%s: %s", o->qemu, s->failure);
    } else if (s->ending == ENDING_CUT) {
        complain("%s", s->failure);
    }
}

void session_free(Session *s)
{
    for (size_t i = 0; i < G_N_ELEMENTS(s->signal_sources); i++) {
        if (s->signal_sources[i]) {
            g_source_remove(s->signal_sources[i]);
        }
    }
    if (s->timeout_source) {
        g_source_remove(s->timeout_source);
    }
    g_clear_pointer(&s->move, session_move_free);
    g_clear_pointer(&s->vm, session_vm_free);
    g_clear_pointer(&s->cuts, session_cuts_free);
    g_clear_pointer(&s->console, console_free);
    g_clear_pointer(&s->info, json_node_unref);
    g_ptr_array_unref(s->earlier);
    g_main_loop_unref(s->loop);
    g_strfreev(s->command);
    g_free(s->failure);
    g_free(s);
}
