/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's end of a character device of QEMU's, for qtest suites: a Unix
 * socket that QEMU listens on.
 */
#ifndef JUMPCUT_TESTS_HOST_SOCKET_H
#define JUMPCUT_TESTS_HOST_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

typedef struct HostSocket HostSocket;

/* A name for a socket; nobody listens yet. */
HostSocket *host_socket_new(const char *id);
void host_socket_free(HostSocket *s);
/* Arguments that make QEMU listen: -chardev socket,id=ID,... */
const char *host_socket_args(const HostSocket *s);
/* Where it is. */
const char *host_socket_path(const HostSocket *s);

void host_socket_connect(HostSocket *s);
void host_socket_disconnect(HostSocket *s);
/* Write all, read exactly @len; QEMU silent for a minute fails the test. */
void host_socket_write(HostSocket *s, const void *buf, size_t len);
void host_socket_read(HostSocket *s, void *buf, size_t len);
/* Write what is taken without waiting, @len at most; how much it was. */
size_t host_socket_try_write(HostSocket *s, const void *buf, size_t len);
/* Read what is there without waiting, @len at most; how much it was. */
size_t host_socket_try_read(HostSocket *s, void *buf, size_t len);

#endif
