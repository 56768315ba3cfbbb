/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the qtest client share.
 */
#ifndef JUMPCUT_TESTS_QTEST_INTERNAL_H
#define JUMPCUT_TESTS_QTEST_INTERNAL_H

#include "tests/qtest/qtest-client.h"

#include <gio/gio.h>

#define QTEST_NR_IRQS 256

/* One direction-less byte stream, cut into lines. */
typedef struct QtestStream {
    const char *name; /* for messages */
    int fd;
    GString *in; /* received, not yet taken */
} QtestStream;

struct Qtest {
    GSubprocess *process;
    char *command_line; /* as one would type it */
    char *request;      /* the last one, for messages */
    int stderr_fd;      /* an unlinked file */
    QtestStream protocol;
    QtestStream qmp;
    GQueue events; /* of JsonNode *, in order of arrival */
    bool irq_level[QTEST_NR_IRQS];
    unsigned irq_raised[QTEST_NR_IRQS];
};

/* Tell all about @q, end it and end the test program. */
G_NORETURN void qtest_fatal(Qtest *q, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Send @line and a newline; remembers it as the last request. */
void qtest_send(Qtest *q, QtestStream *stream, const char *line);
/* The next line, without its newline. */
char *qtest_receive(Qtest *q, QtestStream *stream);

/* QMP's greeting and the end of negotiation. */
void qtest_qmp_handshake(Qtest *q);

#endif
