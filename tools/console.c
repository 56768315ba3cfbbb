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
    int guest_fd; /* -1: none is attached */
    int log_fd;
    const ConsoleHandlers *handlers;
    gpointer opaque;
    GChecksum *checksum;
    guint64 bytes;
    int output_error;     /* errno of the log */
    gboolean mute;        /* standard output is gone */
    gboolean terminal;    /* standard input is one, now in raw mode */
    gboolean held;        /* the socket is given no more input */
    gboolean escaped;     /* the byte before was Ctrl-A */
    gboolean input_ended; /* standard input has no more, or is not relayed */
    struct termios cooked;
    guint output_source; /* guest to terminal; 0: closed */
    guint input_source;  /* terminal; 0: no more or a rest waits */
    guint flush_source;  /* waiting for the guest to take input */
    GByteArray *input;
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

void console_hold_input(Console *c)
{
    c->held = TRUE;
    if (c->flush_source) {
        g_source_remove(c->flush_source);
        c->flush_source = 0;
    }
}

static void detach(Console *c)
{
    console_hold_input(c);
    close(c->guest_fd);
    c->guest_fd = -1;
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
        detach(c);
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
    if (c->handlers->output) {
        c->handlers->output(buf, n, c->opaque);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean input_ready(gint fd, GIOCondition condition, gpointer opaque);
static gboolean input_flush(gint fd, GIOCondition condition, gpointer opaque);

/* While the guest has a rest to take, no more is read. */
static void input_watch(Console *c)
{
    if (!c->input->len && !c->input_source && !c->input_ended) {
        c->input_source = g_unix_fd_add(
            STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, input_ready, c);
    }
    if (c->input->len && !c->flush_source && c->guest_fd >= 0 && !c->held) {
        c->flush_source =
            g_unix_fd_add(c->guest_fd, G_IO_OUT | G_IO_HUP, input_flush, c);
    }
}

static gboolean input_flush(gint fd, GIOCondition condition, gpointer opaque)
{
    Console *c = opaque;
    ssize_t n = write(fd, c->input->data, c->input->len);

    (void)condition;
    /* After an error QEMU is gone, which output_ready() notices. */
    if (n > 0) {
        g_byte_array_remove_range(c->input, 0, n);
    }
    if (c->input->len) {
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
 * Queue @len bytes of @buf for the guest, without the escapes.
 * @return: TRUE if one of them asks for the end of the run.
 */
static gboolean escapes_filter(Console *c, const guint8 *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!c->escaped) {
            c->escaped = buf[i] == ESCAPE;
            if (!c->escaped) {
                g_byte_array_append(c->input, &buf[i], 1);
            }
            continue;
        }
        c->escaped = FALSE;
        if (buf[i] == 'x' || buf[i] == 'X') {
            return TRUE;
        } else if (buf[i] == 'h' || buf[i] == 'H' || buf[i] == '?') {
            escape_help();
        } else if (buf[i] == ESCAPE) {
            g_byte_array_append(c->input, &buf[i], 1);
        }
    }
    return FALSE;
}

static gboolean input_ready(gint fd, GIOCondition condition, gpointer opaque)
{
    Console *c = opaque;
    guint8 buf[INPUT_CHUNK];
    ssize_t n = read(fd, buf, INPUT_CHUNK);

    (void)condition;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return G_SOURCE_CONTINUE;
    }
    if (n <= 0) {
        c->input_source = 0;
        c->input_ended = TRUE;
        return G_SOURCE_REMOVE;
    }
    if (!c->terminal) {
        g_byte_array_append(c->input, buf, n);
    } else if (escapes_filter(c, buf, n)) {
        c->handlers->quit(c->opaque);
    }
    if (!c->input->len) {
        return G_SOURCE_CONTINUE;
    }
    c->input_source = 0;
    input_watch(c);
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

Console *console_new(unsigned flags, int log_fd,
                     const ConsoleHandlers *handlers, gpointer opaque)
{
    Console *c = g_new0(Console, 1);

    c->guest_fd = -1;
    c->log_fd = log_fd;
    c->handlers = handlers;
    c->opaque = opaque;
    c->checksum = g_checksum_new(G_CHECKSUM_SHA256);
    c->input = g_byte_array_new();
    c->mute = !(flags & CONSOLE_OUTPUT);
    c->input_ended = !(flags & CONSOLE_INPUT);
    c->terminal = !c->input_ended && terminal_set_raw(c);
    input_watch(c);
    return c;
}

void console_attach(Console *c, int guest_fd)
{
    c->guest_fd = guest_fd;
    c->held = FALSE;
    g_unix_set_fd_nonblocking(guest_fd, TRUE, NULL);
    c->output_source =
        g_unix_fd_add(guest_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, output_ready, c);
    input_watch(c);
}

void console_restore_terminal(Console *c)
{
    if (c->input_source) {
        g_source_remove(c->input_source);
        c->input_source = 0;
    }
    c->input_ended = TRUE;
    if (c->terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &c->cooked);
        c->terminal = FALSE;
    }
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
    guint sources[] = {c->output_source, c->flush_source};

    console_restore_terminal(c);
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        if (sources[i]) {
            g_source_remove(sources[i]);
        }
    }
    g_checksum_free(c->checksum);
    g_byte_array_unref(c->input);
    if (c->guest_fd >= 0) {
        close(c->guest_fd);
    }
    if (c->log_fd >= 0) {
        close(c->log_fd);
    }
    g_free(c);
}
