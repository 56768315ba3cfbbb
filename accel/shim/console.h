/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's console on a QEMU character device.
 *
 * Output is taken from the guest at once, whatever the other end does, and
 * queued: the guest cannot tell a slow reader.  If a reader takes nothing for
 * SHIM_CONSOLE_QUEUE_MAX bytes, the machine is stopped; nothing is lost.  As
 * long as there is no reader at all the same number of bytes is kept for it,
 * the machine goes on, and what is too much is lost.  QEMU's end waits for a
 * reader only while it reads.
 */
#ifndef JUMPCUT_ACCEL_SHIM_CONSOLE_H
#define JUMPCUT_ACCEL_SHIM_CONSOLE_H

#include "accel/shim/gate.h"

typedef struct ShimConsole ShimConsole;

#define SHIM_CONSOLE_QUEUE_MAX (1u << 20)
/* Input that waits for the guest to make room, bytes. */
#define SHIM_CONSOLE_FIFO 4096u

/* Takes input of the console. @return: bytes taken, at most @len */
typedef size_t ShimConsoleInputFn(void *opaque, const uint8_t *buf, size_t len);

/*
 * @chardev: id of a -chardev, or NULL: then output goes nowhere.  @gate: input
 * waits there; a slow reader holds the guest there, and stops no machine.
 */
ShimConsole *shim_console_new(const char *chardev, Gate *gate,
                              ShimConsoleInputFn *input, void *opaque,
                              Error **errp);
void shim_console_write(ShimConsole *c, const uint8_t *buf, size_t len);
/* As if it had come from the character device.  @return: was there room? */
bool shim_console_type(ShimConsole *c, const uint8_t *buf, size_t len);
/* The guest has room again. */
void shim_console_accept(ShimConsole *c);
/* The machine goes on: it takes no input while it is stopped. */
void shim_console_resume(ShimConsole *c);
/* Has the reader left too much to take? */
bool shim_console_full(const ShimConsole *c);
/* Bytes the guest has written since its start. */
uint64_t shim_console_bytes(const ShimConsole *c);
void shim_console_set_bytes(ShimConsole *c, uint64_t bytes);
/* Input taken from the character device that the guest has not got yet. */
const uint8_t *shim_console_input(const ShimConsole *c, size_t *len);
/* @len: at most SHIM_CONSOLE_FIFO */
void shim_console_set_input(ShimConsole *c, const uint8_t *buf, size_t len);

#endif
