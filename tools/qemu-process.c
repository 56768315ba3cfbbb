/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU process: its start, what it says on standard error, its end.
 */
#include <errno.h>
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/qemu-command.h"
#include "tools/qemu-process.h"

#define CHUNK    4096
#define HELD_MAX 65536 /* of standard error, before it is passed on */
/* Descriptors in the child, behind the standard three. */
#define CHILD_CONSOLE_FD 3
#define CHILD_QMP_FD     4

struct QemuProcess {
    GSubprocess *process;
    GInputStream *errors;
    GString *held;    /* standard error from its start */
    gboolean passing; /* it is passed on to ours */
    gboolean reaped;
    gboolean errors_read;
    gboolean freed; /* before its end, which we still wait for */
    void (*ended)(gpointer opaque);
    gpointer opaque;
    guint8 chunk[CHUNK];
};

static void dispose(QemuProcess *p)
{
    g_object_unref(p->process);
    g_string_free(p->held, TRUE);
    g_free(p);
}

static void part_ended(QemuProcess *p)
{
    if (!p->reaped || !p->errors_read) {
        return;
    }
    if (p->freed) {
        dispose(p);
    } else {
        p->ended(p->opaque);
    }
}

static void pass(const void *buf, size_t len)
{
    while (len) {
        ssize_t n = write(STDERR_FILENO, buf, len);

        if (n <= 0) {
            return; /* nobody to tell */
        }
        buf = (const char *)buf + n;
        len -= n;
    }
}

static void errors_ready(GObject *source, GAsyncResult *result, gpointer opaque)
{
    QemuProcess *p = opaque;
    gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);

    if (n <= 0) {
        p->errors_read = TRUE;
        part_ended(p);
        return;
    }
    if (p->passing) {
        pass(p->chunk, n);
    }
    if (p->held->len < HELD_MAX) {
        g_string_append_len(p->held, (char *)p->chunk, n);
    }
    g_input_stream_read_async(p->errors, p->chunk, CHUNK, G_PRIORITY_DEFAULT,
                              NULL, errors_ready, p);
}

static void reaped(GObject *source, GAsyncResult *result, gpointer opaque)
{
    QemuProcess *p = opaque;

    g_subprocess_wait_finish(G_SUBPROCESS(source), result, NULL);
    p->reaped = TRUE;
    part_ended(p);
}

/* Runs in the child: it must not outlive us. */
static void child_setup(gpointer opaque)
{
    (void)opaque;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static gboolean channel_new(int *ours, int *theirs, GError **error)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                    "socketpair: %s", g_strerror(errno));
        return FALSE;
    }
    *ours = fds[0];
    *theirs = fds[1];
    return TRUE;
}

static GSubprocess *spawn(char **command, int console_fd, int qmp_fd,
                          GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDERR_PIPE);

    g_subprocess_launcher_take_fd(launcher, console_fd, CHILD_CONSOLE_FD);
    g_subprocess_launcher_take_fd(launcher, qmp_fd, CHILD_QMP_FD);
    g_subprocess_launcher_set_child_setup(launcher, child_setup, NULL, NULL);
    return g_subprocess_launcher_spawnv(launcher, (const gchar *const *)command,
                                        error);
}

QemuProcess *qemu_process_new(const BootOptions *options, gboolean incoming,
                              QemuStart *start, void (*ended)(gpointer opaque),
                              gpointer opaque, GError **error)
{
    const QemuChannels child = {CHILD_CONSOLE_FD, CHILD_QMP_FD, incoming};
    int console_fd, qmp_fd;
    GSubprocess *process;
    QemuProcess *p;

    if (!channel_new(&start->console_fd, &console_fd, error)) {
        return NULL;
    }
    if (!channel_new(&start->qmp_fd, &qmp_fd, error)) {
        close(start->console_fd);
        close(console_fd);
        return NULL;
    }
    start->command = qemu_command_new(options, &child);
    process = spawn(start->command, console_fd, qmp_fd, error);
    if (!process) {
        close(start->console_fd);
        close(start->qmp_fd);
        g_clear_pointer(&start->command, g_strfreev);
        return NULL;
    }
    p = g_new0(QemuProcess, 1);
    p->process = process;
    p->errors = g_subprocess_get_stderr_pipe(process);
    p->held = g_string_new(NULL);
    p->ended = ended;
    p->opaque = opaque;
    g_subprocess_wait_async(process, NULL, reaped, p);
    g_input_stream_read_async(p->errors, p->chunk, CHUNK, G_PRIORITY_DEFAULT,
                              NULL, errors_ready, p);
    return p;
}

void qemu_process_pass_stderr(QemuProcess *p)
{
    p->passing = TRUE;
    pass(p->held->str, p->held->len);
}

void qemu_process_kill(QemuProcess *p)
{
    g_subprocess_force_exit(p->process);
}

gboolean qemu_process_succeeded(const QemuProcess *p)
{
    return g_subprocess_get_if_exited(p->process) &&
           g_subprocess_get_exit_status(p->process) == 0;
}

/* @return: the first line that is no warning, else the first, else "". */
static char *complaint(const QemuProcess *p)
{
    g_auto(GStrv) lines = g_strsplit(p->held->str, "\n", -1);

    for (size_t i = 0; lines[i]; i++) {
        if (*lines[i] && !strstr(lines[i], ": warning: ")) {
            return g_strdup(lines[i]);
        }
    }
    return g_strdup(lines[0] ?: "");
}

/*
 * The guard says it for a QEMU that has all functions that the plugin calls;
 * of another one the loader of the plugin speaks, and only of a symbol.
 */
static const char *remedy(const char *line)
{
    return strstr(line, ": undefined symbol: ")
               ? ": built for another QEMU: run ./configure "
                 "--qemu=PATH-OF-THIS-QEMU and build again"
               : "";
}

char *qemu_process_describe_end(const QemuProcess *p)
{
    g_autofree char *line = complaint(p);
    gboolean exited = g_subprocess_get_if_exited(p->process);
    int number = exited ? g_subprocess_get_exit_status(p->process)
                        : g_subprocess_get_term_sig(p->process);

    return g_strdup_printf("%s %d%s%s%s", exited ? "status" : "signal", number,
                           *line ? ": " : "", line, remedy(line));
}

void qemu_process_free(QemuProcess *p)
{
    if (p->reaped && p->errors_read) {
        dispose(p);
        return;
    }
    p->freed = TRUE;
    p->passing = FALSE;
    g_subprocess_force_exit(p->process);
}
