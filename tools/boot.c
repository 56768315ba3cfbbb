/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jumpcut boot and jumpcut record: one guest, from QEMU's start to the record
 * of the run, and its trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/boot-options.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/control.h"
#include "tools/qemu-command.h"
#include "tools/record.h"
#include "tools/run-record.h"
#include "tools/session.h"

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

static ExitStatus write_results(const BootOptions *o, Session *session,
                                Ending ending)
{
    ExitStatus status = ending_status(ending);
    g_autoptr(GError) error = NULL;
    RunResult result = {
        .exit_code = status,
        .ending = ending_name(ending),
        .command = session_command(session),
        .console_bytes = session_console_bytes(session),
        .console_sha256 = session_console_sha256(session),
        .info = session_info(session),
    };

    if (session_output_error(session)) {
        complain("--console-log %s: %s", o->console_log,
                 g_strerror(session_output_error(session)));
        status = STATUS_OUTPUT;
    }
    if (o->report && !run_record_write(o, &result, &error)) {
        complain("--report %s: %s", o->report, error->message);
        status = STATUS_OUTPUT;
    }
    return status;
}

/* Before the guest has begun: leaves no trace of a run that never was. */
static ExitStatus give_up(const BootOptions *o, ExitStatus status)
{
    if (o->record) {
        record_finish(o, ENDING_QEMU, FALSE);
    }
    return status;
}

static ExitStatus run_guest(const BootOptions *o, int log_fd)
{
    const SessionConfig config = {
        .options = o,
        .console_flags = CONSOLE_INPUT | CONSOLE_OUTPUT,
        .log_fd = log_fd,
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(Session) session = session_new(&config, &error);
    g_autoptr(Control) control = NULL;
    ExitStatus status;
    Ending ending;

    if (!session) {
        complain("%s", error->message);
        return give_up(o, STATUS_QEMU);
    }
    if (o->control) {
        control = control_new(o->control, session, &error);
        if (!control) {
            complain("--control %s: %s", o->control, error->message);
            return give_up(o, STATUS_USAGE);
        }
    }
    ending = session_run(session);
    status = write_results(o, session, ending);
    /* So that what follows reads well. */
    session_restore_terminal(session);
    session_explain(session);
    if (o->record) {
        ExitStatus trace =
            record_finish(o, ending, session_has_started(session));

        status = trace == STATUS_OUTPUT ? trace : status;
    }
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
    if (o->record && !record_begin(o, &error)) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    return run_guest(o, log_fd);
}

ExitStatus record_command(int argc, char **argv)
{
    return boot_command(argc, argv);
}
