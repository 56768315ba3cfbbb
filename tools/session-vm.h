/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One QEMU of a session: its process, its monitor, its console's socket.
 */
#ifndef JUMPCUT_TOOLS_SESSION_VM_H
#define JUMPCUT_TOOLS_SESSION_VM_H

#include "tools/boot-options.h"
#include "tools/qmp.h"

typedef struct SessionVm SessionVm;

typedef struct SessionVmHandlers {
    /* It may be sent commands. */
    void (*ready)(SessionVm *vm, gpointer opaque);
    void (*event)(SessionVm *vm, const char *name, JsonObject *data,
                  gpointer opaque);
    /* Its monitor talks no more; @error: it talked nonsense, or NULL. */
    void (*closed)(SessionVm *vm, const GError *error, gpointer opaque);
    /* The process is gone and all of its standard error is read. */
    void (*ended)(SessionVm *vm, gpointer opaque);
} SessionVmHandlers;

SessionVm *session_vm_new(const BootOptions *options, gboolean incoming,
                          const SessionVmHandlers *handlers, gpointer opaque,
                          GError **error);
/* Somebody else is told from now on. */
void session_vm_set_handlers(SessionVm *vm, const SessionVmHandlers *handlers,
                             gpointer opaque);
/* Its console's socket, the caller's from now on; once. */
int session_vm_take_console(SessionVm *vm);
gboolean session_vm_is_ready(const SessionVm *vm);
gboolean session_vm_has_ended(const SessionVm *vm);
/* As qmp_client_execute(); nothing happens if it is not ready. */
void session_vm_execute(SessionVm *vm, const char *command,
                        JsonObject *arguments, QmpReply reply, gpointer opaque);
/* From now on it has ten seconds to end. */
void session_vm_hurry(SessionVm *vm);
/* Told to quit, too. */
void session_vm_quit(SessionVm *vm);
void session_vm_kill(SessionVm *vm);
gboolean session_vm_succeeded(const SessionVm *vm);
char *session_vm_describe_end(const SessionVm *vm);
char **session_vm_command(const SessionVm *vm);
/* Kills it if it lives. */
void session_vm_free(SessionVm *vm);

#endif
