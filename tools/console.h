/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's console between QEMU and the terminal.
 */
#ifndef JUMPCUT_TOOLS_CONSOLE_H
#define JUMPCUT_TOOLS_CONSOLE_H

#include <glib.h>

typedef struct Console Console;

typedef struct ConsoleHandlers {
    /* The guest's side was closed: all output has been relayed. */
    void (*closed)(gpointer opaque);
    /* Ctrl-A X was typed. */
    void (*quit)(gpointer opaque);
} ConsoleHandlers;

/*
 * Relays between @guest_fd, a socket owned by the console from now on, and
 * standard input and output, plus @log_fd (-1: none; owned too).  If standard
 * input is a terminal it is in raw mode until console_free(), and Ctrl-A is
 * the escape as in QEMU's -nographic; else its bytes go to the guest as they
 * are, and its end means no more input.
 */
Console *console_new(int guest_fd, int log_fd, const ConsoleHandlers *handlers,
                     gpointer opaque);
guint64 console_bytes(const Console *console);
/* Hexadecimal digest of all output; ends the counting. */
const char *console_sha256(Console *console);
/* @return: errno of the first output that failed, or 0. */
int console_output_error(const Console *console);
void console_free(Console *console);

#endif
