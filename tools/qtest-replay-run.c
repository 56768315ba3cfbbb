/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps made again under QEMU's qtest.  Requests are written while answers of
 * earlier ones come in, so that neither side waits for the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/qtest-replay-run.h"

#define CHILD_FD    3
#define BATCH_STEPS 64u
#define BATCH_BYTES (64u << 10)
#define CHUNK       65536u
/* Longest answer to a batch that is taken. */
#define ANSWER_MAX (64u << 20)

typedef struct Conversation {
    const QtestSteps *steps;
    QtestRun *run;
    int fd;
    GSubprocess *process;
    GString *out, *in;
    gsize out_done;
    guint asked, answered; /* steps */
    GArray *ends;          /* of guint: of batches under way, in steps */
} Conversation;

static void add(GPtrArray *argv, const char *word)
{
    g_ptr_array_add(argv, g_strdup(word));
}

static GPtrArray *command_line(const QtestSteps *steps, const QtestRun *run)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) plugin = g_string_new("file=");

    add(argv, run->qemu);
    for (guint i = 0; i < steps->args->len; i++) {
        add(argv, g_ptr_array_index(steps->args, i));
    }
    for (const char *c = run->plugin; *c; c++) {
        g_string_append_printf(plugin, *c == ',' ? ",," : "%c", *c);
    }
    g_string_append_printf(plugin, ",%s,device-replay=on", steps->plugin);
    add(argv, "-display");
    add(argv, "none");
    add(argv, "-accel");
    add(argv, "qtest");
    add(argv, "-plugin");
    add(argv, plugin->str);
    add(argv, "-chardev");
    add(argv, "socket,id=qtest,fd=" G_STRINGIFY(CHILD_FD));
    add(argv, "-qtest");
    add(argv, "chardev:qtest");
    add(argv, "-qtest-log");
    add(argv, "none");
    add(argv, "-S");
    g_ptr_array_add(argv, NULL);
    return argv;
}

/* Runs in the child: it must not outlive us. */
static void child_setup(gpointer opaque)
{
    (void)opaque;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static gboolean start(Conversation *c, GError **error)
{
    g_autoptr(GPtrArray) argv = command_line(c->steps, c->run);
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        g_set_error(error, QTEST_STEPS_ERROR, 0, "socketpair: %s",
                    g_strerror(errno));
        return FALSE;
    }
    c->fd = fds[0];
    g_subprocess_launcher_take_fd(launcher, fds[1], CHILD_FD);
    g_subprocess_launcher_set_child_setup(launcher, child_setup, NULL, NULL);
    g_subprocess_launcher_setenv(launcher, "QEMU_MODULE_DIR", c->run->modules,
                                 TRUE);
    c->process = g_subprocess_launcher_spawnv(
        launcher, (const gchar *const *)argv->pdata, error);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return c->process != NULL;
}

/* The next batch of requests; the first is alone, to learn when QEMU is up. */
static void ask(Conversation *c)
{
    guint n = 0;

    if (c->out_done < c->out->len) {
        return;
    }
    g_string_truncate(c->out, 0);
    c->out_done = 0;
    while (c->asked < c->steps->requests->len && n < BATCH_STEPS &&
           c->out->len < BATCH_BYTES) {
        g_string_append_printf(
            c->out, "%s %s", n ? " |" : "jumpcut_steps",
            (char *)g_ptr_array_index(c->steps->requests, c->asked));
        c->asked++;
        n++;
        if (c->asked == 1) {
            break;
        }
    }
    if (n) {
        g_string_append_c(c->out, '\n');
        g_array_append_val(c->ends, c->asked);
    }
}

/* @return: all of them are as recorded */
static gboolean compare(Conversation *c, char *line)
{
    g_auto(GStrv) answers = NULL;
    guint end = 0;

    if (c->ends->len) {
        end = g_array_index(c->ends, guint, 0);
        g_array_remove_index(c->ends, 0);
    }
    if (!end || !g_str_has_prefix(line, "OK ")) {
        c->run->step = c->answered;
        c->run->found = g_strdup(line);
        return FALSE;
    }
    answers = g_strsplit(line + 3, " | ", -1);
    for (guint i = 0; answers[i]; i++) {
        const char *want =
            c->answered < end
                ? g_ptr_array_index(c->steps->answers, c->answered)
                : "";

        if (strcmp(answers[i], want)) {
            c->run->step = c->answered;
            c->run->found = g_strdup(answers[i]);
            return FALSE;
        }
        c->answered++;
    }
    if (c->answered < end) {
        c->run->step = c->answered;
        c->run->found = g_strdup("none");
    }
    return c->answered == end;
}

static gboolean take_answers(Conversation *c, gint64 began)
{
    char *end;

    while ((end = strchr(c->in->str, '\n'))) {
        *end = '\0';
        if (!c->answered) {
            c->run->start_us = g_get_monotonic_time() - began;
        }
        if (!compare(c, c->in->str)) {
            return FALSE;
        }
        g_string_erase(c->in, 0, end + 1 - c->in->str);
    }
    return TRUE;
}

static gboolean ended(GError **error)
{
    g_set_error(error, QTEST_STEPS_ERROR, 0, "QEMU ended before it answered");
    return FALSE;
}

static gboolean write_some(Conversation *c, GError **error)
{
    ssize_t n = send(c->fd, c->out->str + c->out_done,
                     c->out->len - c->out_done, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        return ended(error);
    }
    c->out_done += MAX(n, 0);
    return TRUE;
}

static gboolean read_some(Conversation *c, GError **error)
{
    char chunk[CHUNK];
    ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        return ended(error);
    }
    g_string_append_len(c->in, chunk, MAX(n, 0));
    if (c->in->len > ANSWER_MAX) {
        g_set_error(error, QTEST_STEPS_ERROR, 0,
                    "QEMU's answer is longer than 64 MiB");
        return FALSE;
    }
    return TRUE;
}

static QtestResult talk(Conversation *c, GError **error)
{
    gint64 began = g_get_monotonic_time();

    while (c->answered < c->steps->requests->len) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};

        ask(c);
        p.events |= c->out_done < c->out->len ? POLLOUT : 0;
        if (poll(&p, 1, -1) < 0 && errno != EINTR) {
            ended(error);
            return QTEST_RUN_FAILED;
        }
        if ((p.revents & POLLOUT) && !write_some(c, error)) {
            return QTEST_RUN_FAILED;
        }
        if ((p.revents & (POLLIN | POLLHUP | POLLERR)) &&
            !read_some(c, error)) {
            return QTEST_RUN_FAILED;
        }
        if (!take_answers(c, began)) {
            return QTEST_RUN_DIFFERS;
        }
    }
    c->run->steps_us = g_get_monotonic_time() - began - c->run->start_us;
    return QTEST_RUN_SAME;
}

QtestResult qtest_run(const QtestSteps *steps, QtestRun *run, GError **error)
{
    Conversation c = {.steps = steps, .run = run, .fd = -1};
    QtestResult result = QTEST_RUN_FAILED;

    c.out = g_string_new(NULL);
    c.in = g_string_new(NULL);
    c.ends = g_array_new(FALSE, FALSE, sizeof(guint));
    if (start(&c, error)) {
        result = talk(&c, error);
        g_subprocess_force_exit(c.process);
        g_subprocess_wait(c.process, NULL, NULL);
    }
    g_clear_object(&c.process);
    if (c.fd >= 0) {
        close(c.fd);
    }
    g_string_free(c.out, TRUE);
    g_string_free(c.in, TRUE);
    g_array_free(c.ends, TRUE);
    return result;
}
