/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's end of a socket character device for qtest suites.
 */
#include "tests/qtest/host-socket.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A QEMU that does nothing for so long will not any more. */
#define TIMEOUT_MS 60000

struct HostSocket {
    char *dir, *path, *args;
    int fd;
};

HostSocket *host_socket_new(const char *id)
{
    HostSocket *s = g_new0(HostSocket, 1);
    g_autoptr(GError) error = NULL;

    s->dir = g_dir_make_tmp("jumpcut-qtest-XXXXXX", &error);
    g_assert_no_error(error);
    s->path = g_build_filename(s->dir, "socket", NULL);
    s->args = g_strdup_printf(
        "-chardev socket,id=%s,path=%s,server=on,wait=off", id, s->path);
    s->fd = -1;
    return s;
}

void host_socket_free(HostSocket *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    g_unlink(s->path);
    g_rmdir(s->dir);
    g_free(s->dir);
    g_free(s->path);
    g_free(s->args);
    g_free(s);
}

const char *host_socket_args(const HostSocket *s)
{
    return s->args;
}

const char *host_socket_path(const HostSocket *s)
{
    return s->path;
}

void host_socket_connect(HostSocket *s)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    g_assert_cmpint(s->fd, <, 0);
    g_assert_cmpuint(strlen(s->path), <, sizeof(addr.sun_path));
    strcpy(addr.sun_path, s->path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(s->fd, >=, 0);
    if (connect(s->fd, (struct sockaddr *)&addr, sizeof(addr))) {
        g_error("%s: %s", s->path, g_strerror(errno));
    }
}

void host_socket_disconnect(HostSocket *s)
{
    g_assert_cmpint(s->fd, >=, 0);
    close(s->fd);
    s->fd = -1;
}

static void wait_for(HostSocket *s, short events)
{
    struct pollfd p = {.fd = s->fd, .events = events};
    int n;

    do {
        n = poll(&p, 1, TIMEOUT_MS);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        g_error("%s: QEMU does nothing", s->path);
    }
}

size_t host_socket_try_write(HostSocket *s, const void *buf, size_t len)
{
    ssize_t n = send(s->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        g_error("%s: write: %s", s->path, g_strerror(errno));
    }
    return MAX(n, 0);
}

size_t host_socket_try_read(HostSocket *s, void *buf, size_t len)
{
    ssize_t n = recv(s->fd, buf, len, MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        g_error("%s: read: %s", s->path, g_strerror(errno));
    }
    return MAX(n, 0);
}

void host_socket_write(HostSocket *s, const void *buf, size_t len)
{
    for (size_t done = 0; done < len;) {
        wait_for(s, POLLOUT);
        done += host_socket_try_write(s, (const char *)buf + done, len - done);
    }
}

void host_socket_read(HostSocket *s, void *buf, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n;

        wait_for(s, POLLIN);
        n = recv(s->fd, (char *)buf + done, len - done, 0);
        if (n <= 0) {
            g_error("%s: the end after %zu of %zu bytes", s->path, done, len);
        }
        done += n;
    }
}
