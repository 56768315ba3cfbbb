/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut replay: repeats the run of a trace, checks it, and stops where
 * somebody wants to look.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/console.h"
#include "tools/qemu-command.h"
#include "tools/replay-options.h"
#include "tools/replay-report.h"
#include "tools/session.h"

#define PROGRESS_MS 1000

typedef struct Replay {
    const ReplayOptions *options;
    Session *session;
    JsonNode *info;       /* query-jumpcut-replay's last answer */
    ReplayCounts earlier; /* of the QEMUs that the guest has left */
    gboolean reached;     /* --until */
    guint progress_source;
} Replay;

static void info_received(JsonNode *reply, const GError *error, gpointer opaque)
{
    Replay *r = opaque;

    (void)error; /* then the last answer stays */
    if (reply) {
        g_clear_pointer(&r->info, json_node_unref);
        r->info = json_node_copy(reply);
    }
}

/* Of a QEMU that the guest leaves: a QEMU counts what it replays itself. */
static void earlier_received(JsonNode *reply, const GError *error,
                             gpointer opaque)
{
    Replay *r = opaque;
    JsonObject *info = reply && JSON_NODE_HOLDS_OBJECT(reply)
                           ? json_node_get_object(reply)
                           : NULL;

    (void)error; /* then its counts are missing */
    if (info) {
        r->earlier.digests +=
            json_object_get_int_member_with_default(info, "digests", 0);
        r->earlier.inputs +=
            json_object_get_int_member_with_default(info, "inputs", 0);
    }
}

static void progress_received(JsonNode *reply, const GError *error,
                              gpointer opaque)
{
    Replay *r = opaque;

    info_received(reply, error, opaque);
    if (r->info && r->progress_source) {
        replay_report_progress(r->info, &r->earlier);
    }
}

static gboolean progress_tick(gpointer opaque)
{
    Replay *r = opaque;

    session_execute(r->session, "query-jumpcut-replay", NULL, progress_received,
                    r);
    return G_SOURCE_CONTINUE;
}

static void command_failed(JsonNode *reply, const GError *error,
                           gpointer opaque)
{
    Replay *r = opaque;

    if (!reply) {
        session_end(r->session, ENDING_CUT, error->message);
    }
}

/*
 * HMP tells of failures in the text it returns.
 * @return: it did as it was told
 */
static gboolean monitor_did(Replay *r, JsonNode *reply, const GError *error)
{
    const char *text = reply && JSON_NODE_HOLDS_VALUE(reply)
                           ? json_node_get_string(reply)
                           : NULL;

    command_failed(reply, error, r);
    if (text && *text && !g_str_has_prefix(text, "Waiting for gdb")) {
        g_autofree char *line = g_strndup(text, strcspn(text, "\r\n"));

        session_end(r->session, ENDING_CUT, line);
        return FALSE;
    }
    return reply != NULL;
}

static void log_replied(JsonNode *reply, const GError *error, gpointer opaque)
{
    monitor_did(opaque, reply, error);
}

/* Only now is there something to connect to. */
static void gdb_replied(JsonNode *reply, const GError *error, gpointer opaque)
{
    Replay *r = opaque;
    const char *where = r->options->gdb;

    if (monitor_did(r, reply, error)) {
        complain("gdb: target remote %s",
                 g_str_has_prefix(where, "tcp:")
                     ? where + strlen("tcp:")
                     : "SOCKET, that of --gdb; \"continue\" has it go on");
    }
}

static void monitor(Replay *r, QmpReply replied, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void monitor(Replay *r, QmpReply replied, const char *format, ...)
{
    JsonObject *arguments = json_object_new();
    g_autofree char *line = NULL;
    va_list ap;

    va_start(ap, format);
    line = g_strdup_vprintf(format, ap);
    va_end(ap);
    json_object_set_string_member(arguments, "command-line", line);
    session_execute(r->session, "human-monitor-command", arguments, replied, r);
}

/*
 * The guest stands where somebody wants to look.
 * @return: it may go on
 */
static gboolean look(Replay *r)
{
    const ReplayOptions *o = r->options;

    if (o->log) {
        monitor(r, log_replied, "logfile %s", o->log);
        monitor(r, log_replied, "log exec,nochain,int");
        monitor(r, log_replied, "trace-event jumpcut_* on");
    }
    if (o->gdb) {
        monitor(r, gdb_replied, "gdbserver %s", o->gdb);
        return FALSE;
    }
    return TRUE;
}

static JsonObject *place(const ReplayOptions *o)
{
    JsonObject *arguments = json_object_new();

    if (o->until_event) {
        json_object_set_string_member(arguments, "event", o->until_event);
    } else if (o->until_digest >= 0) {
        json_object_set_int_member(arguments, "digest", o->until_digest);
    } else {
        json_object_set_int_member(arguments, "at-ns", o->until_ns);
    }
    return arguments;
}

/* What was asked of the first QEMU is not known to the second. */
static void replay_incoming(Session *session, gpointer opaque)
{
    Replay *r = opaque;

    session_execute(session, "query-jumpcut-replay", NULL, earlier_received, r);
    if (r->options->until && !r->reached) {
        session_execute_incoming(session, "jumpcut-stop-at", place(r->options),
                                 command_failed, r);
    }
}

/* Its event may have come before anybody listened. @return: it is over */
static gboolean is_over(Replay *r, JsonNode *reply)
{
    JsonObject *info = reply && JSON_NODE_HOLDS_OBJECT(reply)
                           ? json_node_get_object(reply)
                           : NULL;

    if (info && json_object_has_member(info, "divergence")) {
        session_end(r->session, ENDING_DIVERGED, NULL);
        return TRUE;
    }
    if (info &&
        json_object_get_boolean_member_with_default(info, "ended", FALSE)) {
        session_end(r->session, ENDING_REPLAYED, NULL);
        return TRUE;
    }
    return FALSE;
}

/* A recorder that was killed early leaves a trace with nothing to run to. */
static void begin(JsonNode *reply, const GError *error, gpointer opaque)
{
    Replay *r = opaque;

    command_failed(reply, error, r);
    if (reply && !is_over(r, reply) && (r->options->until || look(r))) {
        session_continue(r->session);
    }
}

static gboolean replay_ready(Session *session, gpointer opaque)
{
    Replay *r = opaque;

    r->session = session;
    if (r->options->until) {
        session_execute(session, "jumpcut-stop-at", place(r->options),
                        command_failed, r);
    }
    session_execute(session, "query-jumpcut-replay", NULL, begin, r);
    return FALSE;
}

static void until_reached(Replay *r)
{
    r->reached = TRUE;
    if (!r->options->log && !r->options->gdb) {
        session_end(r->session, ENDING_REPLAYED, NULL);
    } else if (look(r)) {
        session_continue(r->session);
    }
}

/* A trace that ends while the machine stands has nothing to continue it. */
static void stands_at_end(JsonNode *reply, const GError *error, gpointer opaque)
{
    Replay *r = opaque;
    JsonObject *status = reply && JSON_NODE_HOLDS_OBJECT(reply)
                             ? json_node_get_object(reply)
                             : NULL;

    (void)error; /* then it has ended anyway */
    if (status &&
        !json_object_get_boolean_member_with_default(status, "running", TRUE)) {
        session_end(r->session, ENDING_REPLAYED, NULL);
    }
}

static void replay_event(Session *session, const char *name, JsonObject *data,
                         gpointer opaque)
{
    Replay *r = opaque;
    const char *reason =
        data ? json_object_get_string_member_with_default(data, "reason", "")
             : "";

    if (!strcmp(name, "JUMPCUT_DIVERGENCE")) {
        session_end(r->session, ENDING_DIVERGED, NULL);
    } else if (!strcmp(name, "JUMPCUT_REPLAY_END") && data &&
               !json_object_get_boolean_member_with_default(data, "complete",
                                                            TRUE)) {
        session_execute(session, "query-status", NULL, stands_at_end, r);
    } else if (strcmp(name, "JUMPCUT_STOPPED")) {
        return;
    } else if (!strcmp(reason, "stop-at")) {
        until_reached(r);
    } else if (!strcmp(reason, "end")) {
        session_end(r->session, ENDING_REPLAYED, NULL);
    }
}

static void replay_ending(Session *session, gpointer opaque)
{
    session_execute(session, "query-jumpcut-replay", NULL, info_received,
                    opaque);
}

static const SessionHandlers handlers = {
    .ready = replay_ready,
    .incoming = replay_incoming,
    .event = replay_event,
    .ending = replay_ending,
};

/* @return: FALSE and told if the log cannot be */
static gboolean log_open(const char *path, int *fd)
{
    *fd = -1;
    if (path) {
        *fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (*fd < 0) {
            complain("--console-log %s: %s", path, g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}

static ExitStatus report(Replay *r)
{
    ExitStatus status =
        replay_report_end(r->options->trace, r->info, &r->earlier, r->reached);

    if (r->options->until && !r->reached && status == STATUS_OK) {
        complain("--until: the run ended before");
    }
    return status;
}

/* How it went, whatever became of the guest. */
static ExitStatus judge(Replay *r, Ending ending)
{
    switch (ending) {
    case ENDING_POWERED_OFF:
    case ENDING_CRASHED:
    case ENDING_REBOOT:
    case ENDING_REPLAYED:
    case ENDING_DIVERGED:
        if (!r->info) {
            complain("%s: QEMU does not tell how the replay went",
                     r->options->trace);
            return STATUS_QEMU;
        }
        return report(r);
    default:
        session_explain(r->session);
        return ending_status(ending);
    }
}

static ExitStatus run(const ReplayOptions *o, int log_fd)
{
    Replay r = {.options = o};
    const SessionConfig config = {
        .options = o->run,
        .console_flags = CONSOLE_OUTPUT,
        .log_fd = log_fd,
        .handlers = &handlers,
        .opaque = &r,
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(Session) session = session_new(&config, &error);
    ExitStatus status;
    Ending ending;

    if (!session) {
        complain("%s", error->message);
        return STATUS_QEMU;
    }
    r.session = session;
    if (isatty(STDERR_FILENO)) {
        r.progress_source = g_timeout_add(PROGRESS_MS, progress_tick, &r);
    }
    ending = session_run(session);
    if (r.progress_source) {
        g_source_remove(r.progress_source);
    }
    status = judge(&r, ending);
    if (session_output_error(session)) {
        complain("--console-log %s: %s", o->run->console_log,
                 g_strerror(session_output_error(session)));
        status = STATUS_OUTPUT;
    }
    g_clear_pointer(&r.info, json_node_unref);
    return status;
}

ExitStatus replay_command(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    gboolean help = FALSE;
    g_autoptr(ReplayOptions) o =
        replay_options_parse(argc, argv, &help, &error);
    int log_fd;

    if (!o) {
        if (help) {
            return STATUS_OK;
        }
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (o->dry_run) {
        g_auto(GStrv) command = qemu_command_new(o->run, NULL);
        g_autofree char *line = qemu_command_quote(command);

        printf("%s\n", line);
        return STATUS_OK;
    }
    signal(SIGPIPE, SIG_IGN);
    return log_open(o->run->console_log, &log_fd) ? run(o, log_fd)
                                                  : STATUS_USAGE;
}
