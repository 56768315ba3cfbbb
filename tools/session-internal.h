/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of a session know of each other.
 */
#ifndef JUMPCUT_TOOLS_SESSION_INTERNAL_H
#define JUMPCUT_TOOLS_SESSION_INTERNAL_H

#include "tools/console.h"
#include "tools/session-vm.h"
#include "tools/session.h"

typedef struct SessionCuts SessionCuts;
typedef struct SessionMove SessionMove;

struct Session {
    SessionConfig config;
    GMainLoop *loop;
    SessionVm *vm;     /* the QEMU that has the guest; NULL: that is gone */
    SessionMove *move; /* of the guest to another QEMU; NULL: none goes on */
    SessionCuts *cuts;
    Console *console;
    Ending ending;
    char *failure;
    GPtrArray *earlier; /* query-jumpcut's answers of QEMUs that are gone */
    JsonNode *info;     /* of the last, with those of the earlier */
    char **command;
    gboolean started;       /* ready() has had its say */
    gboolean console_ended; /* and no other is attached */
    guint timeout_source;
    guint signal_sources[3];
};

/* session.c, for the parts */
void session_fail(Session *s, const char *what, const GError *error);

/* session-cut.c: cuts that are asked for, in order. */
SessionCuts *session_cuts_new(Session *s);
/* The guest is about to begin. */
void session_cuts_begin(Session *s);
/* The machine stands, for whatever reason. */
void session_cuts_paused(Session *s);
/* The machine stands; @reason: of JUMPCUT_STOPPED. */
void session_cuts_stopped(Session *s, const char *reason);
/* The guest stands in its new QEMU: make the cut, go on. */
void session_cuts_moved(Session *s);
void session_cuts_free(SessionCuts *cuts);

/* session-move.c: a guest that stands goes to a second QEMU. */
void session_move_begin(Session *s, gboolean via_file);
/* The console's socket was closed. */
void session_move_console_closed(Session *s);
void session_move_free(SessionMove *move);

/* session.c: what a QEMU that has the guest is answered with. */
extern const SessionVmHandlers session_vm_handlers;

#endif
