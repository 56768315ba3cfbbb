/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest client: the QEMU process, its two sockets, and its end.
 */
#include "tests/qtest/qtest-internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A QEMU that says nothing for so long will not any more. */
#define QTEST_TIMEOUT_MS 60000

/* Descriptors in QEMU; 0 to 2 are the standard ones. */
#define QTEST_CHILD_FD 3
#define QMP_CHILD_FD   4

static const char *qtest_environment(const char *name)
{
    const char *value = g_getenv(name);

    if (!value || !*value) {
        g_error("%s is not set: run this by `meson test` or inside "
                "`meson devenv`",
                name);
    }
    return value;
}

static const char *module_dir_override;

void qtest_set_module_dir(const char *dir)
{
    module_dir_override = dir;
}

static const char *qtest_module_dir(void)
{
    return module_dir_override ? module_dir_override
                               : qtest_environment("JUMPCUT_MODULE_DIR");
}

static GPtrArray *qtest_argv(const char *args, const char *plugin)
{
    static const char *const base[] = {"-accel",
                                       "qtest",
                                       "-machine",
                                       "q35",
                                       "-m",
                                       "64M",
                                       "-nodefaults",
                                       "-display",
                                       "none",
                                       "-chardev",
                                       "socket,id=qtest,fd=3",
                                       "-qtest",
                                       "chardev:qtest",
                                       "-qtest-log",
                                       "none",
                                       "-chardev",
                                       "socket,id=qmp,fd=4",
                                       "-mon",
                                       "chardev=qmp,mode=control"};
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) more = NULL;
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(argv, g_strdup(qtest_environment("JUMPCUT_QEMU")));
    for (size_t i = 0; i < G_N_ELEMENTS(base); i++) {
        g_ptr_array_add(argv, g_strdup(base[i]));
    }
    if (plugin) {
        g_ptr_array_add(argv, g_strdup("-plugin"));
        g_ptr_array_add(argv, g_strjoin(*plugin ? "," : "",
                                        qtest_environment("JUMPCUT_PLUGIN"),
                                        plugin, NULL));
    }
    if (args && *args) {
        if (!g_shell_parse_argv(args, NULL, &more, &error)) {
            g_error("arguments \"%s\": %s", args, error->message);
        }
        for (size_t i = 0; more[i]; i++) {
            g_ptr_array_add(argv, g_strdup(more[i]));
        }
    }
    g_ptr_array_add(argv, NULL);
    return argv;
}

static char *qtest_quote(char **argv)
{
    GString *line = g_string_new("");
    g_autofree char *dir = g_shell_quote(qtest_module_dir());

    g_string_append_printf(line, "QEMU_MODULE_DIR=%s", dir);
    for (size_t i = 0; argv[i]; i++) {
        g_autofree char *word = g_shell_quote(argv[i]);

        g_string_append_printf(line, " %s", word);
    }
    return g_string_free(line, FALSE);
}

/* In the child: a test that crashes takes its QEMU with it. */
static void qtest_child_setup(gpointer parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != GPOINTER_TO_INT(parent)) {
        _exit(1);
    }
}

static int qtest_socketpair(GSubprocessLauncher *launcher, int child_fd)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) {
        g_error("socketpair: %s", g_strerror(errno));
    }
    g_subprocess_launcher_take_fd(launcher, fds[1], child_fd);
    return fds[0];
}

static int qtest_stderr_file(void)
{
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    int fd = g_file_open_tmp("qtest-stderr-XXXXXX", &path, &error);

    if (fd < 0) {
        g_error("%s", error->message);
    }
    unlink(path);
    return fd;
}

static Qtest *qtest_spawn(const char *args, const char *plugin)
{
    Qtest *q = g_new0(Qtest, 1);
    g_autoptr(GPtrArray) argv = qtest_argv(args, plugin);
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    g_autoptr(GError) error = NULL;

    q->command_line = qtest_quote((char **)argv->pdata);
    g_test_message("QEMU: %s", q->command_line);
    q->request = g_strdup("none");
    q->protocol = (QtestStream){"qtest", -1, g_string_new("")};
    q->qmp = (QtestStream){"QMP", -1, g_string_new("")};
    g_queue_init(&q->events);

    q->stderr_fd = qtest_stderr_file();
    g_subprocess_launcher_take_stderr_fd(launcher, dup(q->stderr_fd));
    q->protocol.fd = qtest_socketpair(launcher, QTEST_CHILD_FD);
    q->qmp.fd = qtest_socketpair(launcher, QMP_CHILD_FD);
    g_subprocess_launcher_setenv(launcher, "QEMU_MODULE_DIR",
                                 qtest_module_dir(), TRUE);
    g_subprocess_launcher_set_child_setup(launcher, qtest_child_setup,
                                          GINT_TO_POINTER(getpid()), NULL);
    q->process = g_subprocess_launcher_spawnv(
        launcher, (const char *const *)argv->pdata, &error);
    if (!q->process) {
        g_error("%s", error->message);
    }
    return q;
}

char *qtest_stderr(Qtest *q)
{
    GString *text = g_string_new("");
    char buf[4096];
    ssize_t len;

    while ((len = pread(q->stderr_fd, buf, sizeof(buf), text->len)) > 0) {
        g_string_append_len(text, buf, len);
    }
    return g_string_free(text, FALSE);
}

/* @return: wait status as of waitpid(). */
static int qtest_end(Qtest *q)
{
    g_autoptr(GError) error = NULL;

    if (!g_subprocess_wait(q->process, NULL, &error)) {
        g_error("%s", error->message);
    }
    return g_subprocess_get_status(q->process);
}

static void qtest_free(Qtest *q)
{
    close(q->protocol.fd);
    close(q->qmp.fd);
    close(q->stderr_fd);
    g_string_free(q->protocol.in, TRUE);
    g_string_free(q->qmp.in, TRUE);
    g_queue_clear_full(&q->events, (GDestroyNotify)json_node_unref);
    g_free(q->command_line);
    g_free(q->request);
    g_object_unref(q->process);
    g_free(q);
}

void qtest_fatal(Qtest *q, const char *fmt, ...)
{
    g_autofree char *message = NULL;
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    message = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_subprocess_force_exit(q->process);
    qtest_end(q);
    text = qtest_stderr(q);
    g_test_message("QEMU: %s", q->command_line);
    g_test_message("last request: %s", q->request);
    g_test_message("QEMU's stderr: %s", *text ? text : "empty");
    g_test_message("again: %s -p %s", g_get_prgname(), g_test_get_path());
    g_error("%s", message);
}

void qtest_send(Qtest *q, QtestStream *stream, const char *line)
{
    g_autofree char *data = g_strconcat(line, "\n", NULL);
    size_t len = strlen(data);

    g_free(q->request);
    q->request = g_strdup(line);
    for (size_t done = 0; done < len;) {
        ssize_t n = send(stream->fd, data + done, len - done, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            qtest_fatal(q, "%s: QEMU takes no more: %s", stream->name,
                        g_strerror(errno));
        }
        done += n;
    }
}

/* @return: false at the end of the stream. */
static bool qtest_fill(Qtest *q, QtestStream *stream)
{
    struct pollfd pfd = {.fd = stream->fd, .events = POLLIN};
    char buf[4096];
    ssize_t len;
    int n;

    do {
        n = poll(&pfd, 1, QTEST_TIMEOUT_MS);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {
        qtest_fatal(q, "%s: no answer for %d s", stream->name,
                    QTEST_TIMEOUT_MS / 1000);
    }
    len = recv(stream->fd, buf, sizeof(buf), 0);
    if (len <= 0) {
        return false;
    }
    g_string_append_len(stream->in, buf, len);
    return true;
}

char *qtest_receive(Qtest *q, QtestStream *stream)
{
    char *end, *line;

    while (!(end = memchr(stream->in->str, '\n', stream->in->len))) {
        if (!qtest_fill(q, stream)) {
            qtest_fatal(q, "%s: QEMU has ended", stream->name);
        }
    }
    line = g_strndup(stream->in->str, end - stream->in->str);
    g_string_erase(stream->in, 0, end + 1 - stream->in->str);
    g_strchomp(line);
    return line;
}

Qtest *qtest_start(const char *args, const char *plugin)
{
    Qtest *q = qtest_spawn(args, plugin);

    qtest_qmp_handshake(q);
    return q;
}

void qtest_quit(Qtest *q)
{
    int status;

    qtest_send(q, &q->qmp, "{\"execute\": \"quit\"}");
    while (qtest_fill(q, &q->qmp)) {
        /* The answer and the last events do not matter; the end does. */
    }
    status = qtest_end(q);
    if (status) {
        qtest_fatal(q, "QEMU ended with wait status 0x%x", status);
    }
    qtest_free(q);
}

char *qtest_start_refused(const char *args, const char *plugin)
{
    static const char quit[] = "{\"execute\": \"qmp_capabilities\"}\n"
                               "{\"execute\": \"quit\"}\n";
    Qtest *q = qtest_spawn(args, plugin);
    char *text;

    /*
     * QMP greets before the machine is complete, so a greeting does not mean
     * that QEMU started; that it obeys does.  A QEMU that is gone already does
     * not take the commands, which is as good.
     */
    (void)!send(q->qmp.fd, quit, strlen(quit), MSG_NOSIGNAL);
    while (qtest_fill(q, &q->qmp)) {
        /* Only the end matters. */
    }
    qtest_end(q);
    if (!g_subprocess_get_if_exited(q->process) ||
        g_subprocess_get_exit_status(q->process) == 0) {
        qtest_fatal(q,
                    "wanted QEMU to refuse and exit with a status other "
                    "than 0, got wait status 0x%x",
                    g_subprocess_get_status(q->process));
    }
    text = qtest_stderr(q);
    qtest_free(q);
    return text;
}
