/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut boot: runs one guest, from QEMU's start to the record of the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/boot-options.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/qemu-command.h"
#include "tools/qemu-process.h"
#include "tools/qmp.h"
#include "tools/run-record.h"

/* Wall-clock time QEMU has to end once it is told to. */
#define QUIT_TIMEOUT_S 10
/* xen: include/public/sched.h, SHUTDOWN_crash and SHUTDOWN_watchdog */
#define XEN_SHUTDOWN_CRASH    3
#define XEN_SHUTDOWN_WATCHDOG 4

/* Why a run ended; the first reason stays. */
typedef enum Ending {
    ENDING_NONE,
    ENDING_POWERED_OFF,
    ENDING_CRASHED,
    ENDING_REBOOT,
    ENDING_TIMEOUT,
    ENDING_QUIT,
    ENDING_QEMU,
} Ending;

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
};

typedef struct BootRun {
    const BootOptions *options;
    GMainLoop *loop;
    QemuProcess *process;
    QemuStart start;
    QmpClient *qmp;
    Console *console;
    Ending ending;
    char *failure;  /* with ENDING_QEMU, if we know better than it */
    JsonNode *info; /* query-jumpcut's answer at the end */
    gboolean ready; /* commands may be sent */
    gboolean process_ended;
    gboolean console_ended;
    guint timeout_source;
    guint kill_source;
    guint quit_ticks; /* seconds since QEMU was told to quit */
} BootRun;

static void part_ended(BootRun *run)
{
    if (run->process_ended && run->console_ended) {
        g_main_loop_quit(run->loop);
    }
}

/*
 * Ticks are counted, not time: while a reader of ours holds us up, QEMU waits
 * for us to take the console's rest, and is not to be killed for it.
 */
static gboolean kill_tick(gpointer opaque)
{
    BootRun *run = opaque;

    if (++run->quit_ticks < QUIT_TIMEOUT_S) {
        return G_SOURCE_CONTINUE;
    }
    run->kill_source = 0;
    qemu_process_kill(run->process);
    return G_SOURCE_REMOVE;
}

static void info_received(JsonNode *reply, const GError *error, gpointer opaque)
{
    BootRun *run = opaque;

    if (reply) {
        run->info = json_node_copy(reply);
    } else {
        run->ending = ENDING_QEMU;
        run->failure = g_strdup_printf("query-jumpcut: %s", error->message);
    }
    qmp_client_send(run->qmp, "quit", NULL, NULL);
}

/* The run ends for this reason: ask what was seen, then let QEMU go. */
static void end_run(BootRun *run, Ending ending)
{
    if (run->ending != ENDING_NONE) {
        return;
    }
    run->ending = ending;
    if (run->ready) {
        qmp_client_send(run->qmp, "query-jumpcut", info_received, run);
        run->kill_source = g_timeout_add_seconds(1, kill_tick, run);
    } else {
        qemu_process_kill(run->process);
    }
}

static void fail_run(BootRun *run, const char *failure)
{
    if (run->ending == ENDING_NONE) {
        run->ending = ENDING_QEMU;
        run->failure = g_strdup(failure);
        qemu_process_kill(run->process);
    }
}

static void continued(JsonNode *reply, const GError *error, gpointer opaque)
{
    if (!reply) {
        fail_run(opaque, error->message);
    }
}

static void qmp_ready(gpointer opaque)
{
    BootRun *run = opaque;

    run->ready = TRUE;
    qemu_process_pass_stderr(run->process);
    qmp_client_send(run->qmp, "cont", continued, run);
}

/* The plugin stops the machine while the console's reader takes nothing. */
static void status_received(JsonNode *reply, const GError *error,
                            gpointer opaque)
{
    BootRun *run = opaque;
    JsonObject *status = reply && JSON_NODE_HOLDS_OBJECT(reply)
                             ? json_node_get_object(reply)
                             : NULL;

    (void)error; /* then there is nothing to continue */
    if (status && run->ending == ENDING_NONE &&
        !strcmp(
            json_object_get_string_member_with_default(status, "status", ""),
            "io-error")) {
        qmp_client_send(run->qmp, "cont", continued, run);
    }
}

static void qmp_event(const char *name, JsonObject *data, gpointer opaque)
{
    BootRun *run = opaque;
    const char *reason;

    if (!strcmp(name, "GUEST_PANICKED")) {
        /* With shutdown=pause no SHUTDOWN follows. */
        end_run(run, ENDING_CRASHED);
        return;
    }
    if (!strcmp(name, "STOP")) {
        qmp_client_send(run->qmp, "query-status", status_received, run);
        return;
    }
    if (strcmp(name, "SHUTDOWN") || !data) {
        return;
    }
    reason = json_object_get_string_member_with_default(data, "reason", "");
    if (!strcmp(reason, "guest-shutdown")) {
        end_run(run, ENDING_POWERED_OFF);
    } else if (!strcmp(reason, "guest-reset")) {
        end_run(run, ENDING_REBOOT);
    } else if (g_str_has_prefix(reason, "host-")) {
        end_run(run, ENDING_QUIT);
    }
}

static void qmp_closed(const GError *error, gpointer opaque)
{
    BootRun *run = opaque;

    run->ready = FALSE;
    if (error) {
        fail_run(run, error->message);
    }
}

static const QmpHandlers qmp_handlers = {
    .ready = qmp_ready,
    .event = qmp_event,
    .closed = qmp_closed,
};

static void console_closed(gpointer opaque)
{
    BootRun *run = opaque;

    run->console_ended = TRUE;
    part_ended(run);
}

static void console_quit(gpointer opaque)
{
    end_run(opaque, ENDING_QUIT);
}

static const ConsoleHandlers console_handlers = {
    .closed = console_closed,
    .quit = console_quit,
};

static void process_ended(gpointer opaque)
{
    BootRun *run = opaque;

    run->process_ended = TRUE;
    part_ended(run);
}

static gboolean timed_out(gpointer opaque)
{
    BootRun *run = opaque;

    run->timeout_source = 0;
    end_run(run, ENDING_TIMEOUT);
    return G_SOURCE_REMOVE;
}

static gboolean signalled(gpointer opaque)
{
    end_run(opaque, ENDING_QUIT);
    return G_SOURCE_CONTINUE;
}

/*
 * Once QEMU is gone.  A QEMU that had to be killed, or died, explains no clean
 * ending; else SCHEDOP_shutdown's reason decides, whatever QEMU made of it.
 */
static void judge_ending(BootRun *run)
{
    JsonObject *info = run->info ? json_node_get_object(run->info) : NULL;
    gint64 reason = 0;
    gboolean forced =
        run->ending == ENDING_TIMEOUT || run->ending == ENDING_QUIT;

    if (run->ending == ENDING_NONE ||
        (!forced && !qemu_process_succeeded(run->process))) {
        run->ending = ENDING_QEMU;
    }
    if (info) {
        reason =
            json_object_get_int_member_with_default(info, "shutdown-reason", 0);
    }
    if ((run->ending == ENDING_POWERED_OFF || run->ending == ENDING_REBOOT) &&
        (reason == XEN_SHUTDOWN_CRASH || reason == XEN_SHUTDOWN_WATCHDOG)) {
        run->ending = ENDING_CRASHED;
    }
}

/* @return: descriptor of the console log, -1 if there is to be none. */
static gboolean log_open(const char *path, int *fd)
{
    *fd = -1;
    if (!path) {
        return TRUE;
    }
    *fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (*fd < 0) {
        complain("--console-log %s: %s", path, g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

/* A record that cannot be written is told before the run, not after. */
static gboolean report_check(const char *path)
{
    g_autofree char *dir = path ? g_path_get_dirname(path) : NULL;

    if (!path) {
        return TRUE;
    }
    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        complain("--report %s: is a directory", path);
        return FALSE;
    }
    if (access(dir, W_OK) < 0) {
        complain("--report %s: %s", path, g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

static ExitStatus write_results(BootRun *run)
{
    const BootOptions *o = run->options;
    ExitStatus status = endings[run->ending].status;
    g_autoptr(GError) error = NULL;
    RunResult result = {
        .exit_code = status,
        .ending = endings[run->ending].name,
        .command = run->start.command,
        .console_bytes = console_bytes(run->console),
        .console_sha256 = console_sha256(run->console),
        .info = run->info,
    };

    if (console_output_error(run->console)) {
        complain("--console-log %s: %s", o->console_log,
                 g_strerror(console_output_error(run->console)));
        status = STATUS_OUTPUT;
    }
    if (o->report && !run_record_write(o, &result, &error)) {
        complain("--report %s: %s", o->report, error->message);
        status = STATUS_OUTPUT;
    }
    return status;
}

static void explain_ending(const BootRun *run)
{
    g_autofree char *end = NULL;

    if (run->ending == ENDING_TIMEOUT) {
        complain("--timeout %u: passed before the guest ended",
                 run->options->timeout_s);
    } else if (run->ending == ENDING_CRASHED) {
        complain("the guest crashed");
    } else if (run->ending == ENDING_REBOOT) {
        complain("the guest asked for a reboot (--reboot stop)");
    } else if (run->ending == ENDING_QEMU) {
        end = qemu_process_describe_end(run->process);
        complain("%s: %s", run->options->qemu, run->failure ?: end);
    }
}

static void run_free(BootRun *run)
{
    if (run->timeout_source) {
        g_source_remove(run->timeout_source);
    }
    if (run->kill_source) {
        g_source_remove(run->kill_source);
    }
    g_clear_pointer(&run->qmp, qmp_client_free);
    g_clear_pointer(&run->process, qemu_process_free);
    g_clear_pointer(&run->info, json_node_unref);
    g_clear_pointer(&run->loop, g_main_loop_unref);
    g_strfreev(run->start.command);
    g_free(run->failure);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BootRun, run_free)

static ExitStatus run_guest(const BootOptions *o, int log_fd)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    g_auto(BootRun) run = {.options = o};
    g_autoptr(GError) error = NULL;
    ExitStatus status;

    run.loop = g_main_loop_new(NULL, FALSE);
    run.process = qemu_process_new(o, &run.start, process_ended, &run, &error);
    if (!run.process) {
        complain("%s: %s", o->qemu, error->message);
        return STATUS_QEMU;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        g_unix_signal_add(signals[i], signalled, &run);
    }
    if (o->timeout_s) {
        run.timeout_source =
            g_timeout_add_seconds(o->timeout_s, timed_out, &run);
    }
    run.console =
        console_new(run.start.console_fd, log_fd, &console_handlers, &run);
    run.qmp = qmp_client_new(run.start.qmp_fd, &qmp_handlers, &run, &error);
    if (run.qmp) {
        g_main_loop_run(run.loop);
        judge_ending(&run);
        status = write_results(&run);
    } else {
        complain("QMP: %s", error->message);
        status = STATUS_QEMU;
    }
    /* Restores the terminal, so that what follows reads well. */
    console_free(run.console);
    explain_ending(&run);
    return status;
}

ExitStatus boot_command(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    gboolean help = FALSE;
    g_autoptr(BootOptions) o = boot_options_parse(argc, argv, &help, &error);
    int log_fd;

    if (!o) {
        if (help) {
            return STATUS_OK;
        }
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (o->dry_run) {
        g_auto(GStrv) command = qemu_command_new(o, NULL);
        g_autofree char *line = qemu_command_quote(command);

        printf("%s\n", line);
        return STATUS_OK;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!report_check(o->report) || !log_open(o->console_log, &log_fd)) {
        return STATUS_USAGE;
    }
    return run_guest(o, log_fd);
}
