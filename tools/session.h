/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session: one guest, from the start of its first QEMU to the end of its
 * last.  boot, record, replay, run and minimize are made of it.
 */
#ifndef JUMPCUT_TOOLS_SESSION_H
#define JUMPCUT_TOOLS_SESSION_H

#include <json-glib/json-glib.h>

#include "tools/boot-options.h"
#include "tools/command.h"
#include "tools/cut-request.h"
#include "tools/qmp.h"

typedef struct Session Session;

/* Why a guest's run ended; the first reason stays. */
typedef enum Ending {
    ENDING_NONE,
    ENDING_POWERED_OFF,
    ENDING_CRASHED,
    ENDING_REBOOT,
    ENDING_TIMEOUT,
    ENDING_QUIT,
    ENDING_QEMU,
    ENDING_CUT,      /* a cut that was asked for cannot be made */
    ENDING_DIVERGED, /* replay: not what was recorded */
    ENDING_REPLAYED, /* replay: all there is was replayed */
} Ending;

/* One word, as in a record: "powered-off". */
const char *ending_name(Ending ending);
ExitStatus ending_status(Ending ending);

/* All may be NULL. */
typedef struct SessionHandlers {
    /*
     * The first QEMU stands, before the guest's first instruction.  NULL, or
     * if it returns TRUE: the guest begins.
     */
    gboolean (*ready)(Session *session, gpointer opaque);
    /* A second QEMU stands, to which the guest is about to go. */
    void (*incoming)(Session *session, gpointer opaque);
    /* An event of the QEMU that has the guest, before the session's own. */
    void (*event)(Session *session, const char *name, JsonObject *data,
                  gpointer opaque);
    /* What the guest wrote to its console. */
    void (*output)(const guint8 *buf, size_t len, gpointer opaque);
    /* The end is decided, QEMU still answers: ask what is to be known. */
    void (*ending)(Session *session, gpointer opaque);
} SessionHandlers;

typedef struct SessionConfig {
    const BootOptions *options;      /* outlive the session, as all of these */
    unsigned console_flags;          /* ConsoleFlags */
    int log_fd;                      /* -1: none; owned by the session */
    const SessionHandlers *handlers; /* NULL: none */
    gpointer opaque;
} SessionConfig;

/* @error: one line; QEMU could not be started. */
Session *session_new(const SessionConfig *config, GError **error);
/* Runs the guest and the default main loop until no QEMU is left. */
Ending session_run(Session *session);
void session_free(Session *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, session_free)

/*
 * A command for the QEMU that has the guest.  @arguments: taken; NULL: none.
 * @reply: may be NULL; never run if that QEMU goes before it answers.
 */
void session_execute(Session *session, const char *command,
                     JsonObject *arguments, QmpReply reply, gpointer opaque);
/* The same for a second QEMU, from the handler incoming. */
void session_execute_incoming(Session *session, const char *command,
                              JsonObject *arguments, QmpReply reply,
                              gpointer opaque);
/* @error: NULL once the cut has been made, or in place is scheduled. */
typedef void (*SessionCutDone)(const GError *error, gpointer opaque);
/* Cuts are made one after the other.  @request: taken. */
void session_cut(Session *session, CutRequest *request, SessionCutDone done,
                 gpointer opaque);
/* QMP "cont", once or again. */
void session_continue(Session *session);
/* @why: one line for ENDING_QEMU, ENDING_CUT; else NULL. */
void session_end(Session *session, Ending ending, const char *why);

/* What is known after session_run(). */
gboolean session_has_started(const Session *session); /* QEMU stood */
const char *session_failure(const Session *session);  /* NULL: none */
JsonNode *session_info(const Session *session); /* query-jumpcut; or NULL */
char **session_command(const Session *session); /* the last QEMU's */
guint64 session_console_bytes(const Session *session);
const char *session_console_sha256(Session *session);
/* errno of a console log that could not be written, or 0 */
int session_output_error(const Session *session);
/* Once: the terminal is as it was. */
void session_restore_terminal(Session *session);
/* Tell standard error why, unless the guest simply powered off. */
void session_explain(const Session *session);

#endif
