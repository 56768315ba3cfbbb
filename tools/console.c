/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's console between QEMU and the terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/console.h"

#define OUTPUT_CHUNK 65536
#define INPUT_CHUNK  1024
#define ESCAPE       0x01 /* Ctrl-A */

struct Console {
    int guest_fd;
    int log_fd;
    const ConsoleHandlers *handlers;
    gpointer opaque;
    GChecksum *checksum;
    guint64 bytes;
    int output_error;  /* errno of the log */
    gboolean mute;     /* standard output is gone */
    gboolean terminal; /* standard input is one, now in raw mode */
    gboolean escaped;  /* the byte before was Ctrl-A */
    struct termios cooked;
    guint output_source; /* guest to terminal; 0: closed */
    guint input_source;  /* terminal to guest; 0: no more or waiting */
    guint flush_source;  /* waiting for the guest to take input */
    guint8 input[INPUT_CHUNK];
    size_t input_len;
};

/* @return: 0 or errno.  Waits when @fd is not blocking. */
static int write_fully(int fd, const guint8 *buf, size_t len)
{
    while (len) {
        ssize_t n = write(fd, buf, len);

        if (n >= 0) {
            buf += n;
            len -= n;
        } else if (errno == EAGAIN) {
            struct pollfd pfd = {.fd = fd, .events = POLLOUT};

            poll(&pfd, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static gboolean output_ready(gint fd, GIOCondition condition, gpointer opaque)
{
    Console *c = opaque;
    g_autofree guint8 *buf = g_malloc(OUTPUT_CHUNK);
    ssize_t n = read(fd, buf, OUTPUT_CHUNK);

    (void)condition;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return G_SOURCE_CONTINUE;
    }
    if (n <= 0) {
        c->output_source = 0;
        c->handlers->closed(c->opaque);
        return G_SOURCE_REMOVE;
    }
    g_checksum_update(c->checksum, buf, n);
    c->bytes += n;
    if (!c->mute && write_fully(STDOUT_FILENO, buf, n)) {
        c->mute = TRUE; /* a reader that left does not end the run */
    }
    if (c->log_fd >= 0 && !c->output_error) {
        c->output_error = write_fully(c->log_fd, buf, n);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean input_ready(gint fd, GIOCondition condition, gpointer opaque);

static void input_watch(Console *c)
{
    c->input_source = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR,
                                    input_ready, c);
}

/* Give the guest what it takes; while there is a rest, none is read. */
static gboolean input_flush(gint fd, GIOCondition condition, gpointer opaque)
{
    Console *c = opaque;
    ssize_t n = write(fd, c->input, c->input_len);

    (void)condition;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        n = c->input_len; /* QEMU is gone, which others notice */
    }
    if (n > 0) {
        c->input_len -= n;
        memmove(c->input, c->input + n, c->input_len);
    }
    if (c->input_len) {
        return G_SOURCE_CONTINUE;
    }
    c->flush_source = 0;
    input_watch(c);
    return G_SOURCE_REMOVE;
}

static void escape_help(void)
{
    static const char text[] = "\r\nCtrl-A H  this help\r\n"
                               "Ctrl-A X  end the run\r\n"
                               "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

    write_fully(STDERR_FILENO, (const guint8 *)text, sizeof(text) - 1);
}

/*
 * Take the escapes out of @len bytes in c->input.
 * @return: TRUE if one of them asks for the end of the run.
 */
static gboolean escapes_filter(Console *c, size_t len)
{
    c->input_len = 0;
    for (size_t i = 0; i < len; i++) {
        guint8 byte = c->input[i];

        if (!c->escaped) {
            c->escaped = byte == ESCAPE;
            if (!c->escaped) {
                c->input[c->input_len++] = byte;
            }
            continue;
        }
        c->escaped = FALSE;
        if (byte == 'x' || byte == 'X') {
            return TRUE;
        } else if (byte == 'h' || byte == 'H' || byte == '?') {
            escape_help();
        } else if (byte == ESCAPE) {
            c->input[c->input_len++] = byte;
        }
    }
    return FALSE;
}

static gboolean input_ready(gint fd, GIOCondition condition, gpointer opaque)
{
    Console *c = opaque;
    ssize_t n = read(fd, c->input, INPUT_CHUNK);

    (void)condition;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return G_SOURCE_CONTINUE;
    }
    if (n <= 0) {
        c->input_source = 0;
        return G_SOURCE_REMOVE;
    }
    if (!c->terminal) {
        c->input_len = n;
    } else if (escapes_filter(c, n)) {
        c->handlers->quit(c->opaque);
    }
    if (!c->input_len) {
        return G_SOURCE_CONTINUE;
    }
    c->input_source = 0;
    c->flush_source =
        g_unix_fd_add(c->guest_fd, G_IO_OUT | G_IO_HUP, input_flush, c);
    return G_SOURCE_REMOVE;
}

/* As QEMU's stdio does: output keeps its post-processing. */
static gboolean terminal_set_raw(Console *c)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &c->cooked) < 0) {
        return FALSE;
    }
    raw = c->cooked;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR |
                               IGNCR | ICRNL | IXON);
    raw.c_oflag |= OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    raw.c_cflag |= CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

Console *console_new(int guest_fd, int log_fd, const ConsoleHandlers *handlers,
                     gpointer opaque)
{
    Console *c = g_new0(Console, 1);

    c->guest_fd = guest_fd;
    c->log_fd = log_fd;
    c->handlers = handlers;
    c->opaque = opaque;
    c->checksum = g_checksum_new(G_CHECKSUM_SHA256);
    c->terminal = terminal_set_raw(c);
    g_unix_set_fd_nonblocking(guest_fd, TRUE, NULL);
    c->output_source =
        g_unix_fd_add(guest_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, output_ready, c);
    input_watch(c);
    return c;
}

guint64 console_bytes(const Console *c)
{
    return c->bytes;
}

const char *console_sha256(Console *c)
{
    return g_checksum_get_string(c->checksum);
}

int console_output_error(const Console *c)
{
    return c->output_error;
}

void console_free(Console *c)
{
    guint sources[] = {c->output_source, c->input_source, c->flush_source};

    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        if (sources[i]) {
            g_source_remove(sources[i]);
        }
    }
    if (c->terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &c->cooked);
    }
    g_checksum_free(c->checksum);
    close(c->guest_fd);
    if (c->log_fd >= 0) {
        close(c->log_fd);
    }
    g_free(c);
}
