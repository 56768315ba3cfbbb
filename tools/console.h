/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's console between QEMU and the terminal.
 */
#ifndef JUMPCUT_TOOLS_CONSOLE_H
#define JUMPCUT_TOOLS_CONSOLE_H

#include <glib.h>

typedef struct Console Console;

typedef struct ConsoleHandlers {
    /*
     * The guest's side was closed: all output has been relayed.  Another may
     * be attached.
     */
    void (*closed)(gpointer opaque);
    /* Output, as it is relayed; NULL: nobody else wants it. */
    void (*output)(const guint8 *buf, size_t len, gpointer opaque);
    /* Ctrl-A X was typed. */
    void (*quit)(gpointer opaque);
} ConsoleHandlers;

/* What the console relays besides the guest's output. */
typedef enum ConsoleFlags {
    CONSOLE_INPUT = 1 << 0,  /* standard input to the guest */
    CONSOLE_OUTPUT = 1 << 1, /* the guest's output to standard output */
} ConsoleFlags;

/*
 * Relays between the guest and standard input and output as @flags say, plus
 * @log_fd (-1: none; owned from now on).  If standard input is relayed and a
 * terminal it is in raw mode until console_free(), and Ctrl-A is the escape as
 * in QEMU's -nographic; else its bytes go to the guest as they are, and its
 * end means no more input.
 */
Console *console_new(unsigned flags, int log_fd,
                     const ConsoleHandlers *handlers, gpointer opaque);
/*
 * @guest_fd: a socket, owned by the console from now on, for the first or
 * after the last one was closed.
 */
void console_attach(Console *console, int guest_fd);
/* The socket is given no more input; the next one attached is. */
void console_hold_input(Console *console);
/* The terminal is as it was; no more input. */
void console_restore_terminal(Console *console);
guint64 console_bytes(const Console *console);
/* Hexadecimal digest of all output; ends the counting. */
const char *console_sha256(Console *console);
/* @return: errno of the first output that failed, or 0. */
int console_output_error(const Console *console);
void console_free(Console *console);

#endif
