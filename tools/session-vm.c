/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One QEMU of a session.
 */
#include <unistd.h>

#include "tools/qemu-process.h"
#include "tools/session-vm.h"

/* Wall-clock time QEMU has to end once it is told to, on any machine. */
#define QUIT_TIMEOUT_S 60

struct SessionVm {
    const SessionVmHandlers *handlers;
    gpointer opaque;
    QemuProcess *process;
    QemuStart start; /* its descriptors are -1 once given away */
    QmpClient *qmp;
    gboolean ready;
    gboolean ended;
    guint kill_source;
    guint quit_ticks; /* seconds since it was told to quit */
};

static void qmp_ready(gpointer opaque)
{
    SessionVm *vm = opaque;

    vm->ready = TRUE;
    qemu_process_pass_stderr(vm->process);
    vm->handlers->ready(vm, vm->opaque);
}

static void qmp_event(const char *name, JsonObject *data, gpointer opaque)
{
    SessionVm *vm = opaque;

    vm->handlers->event(vm, name, data, vm->opaque);
}

static void qmp_closed(const GError *error, gpointer opaque)
{
    SessionVm *vm = opaque;

    vm->ready = FALSE;
    vm->handlers->closed(vm, error, vm->opaque);
}

static const QmpHandlers qmp_handlers = {
    .ready = qmp_ready,
    .event = qmp_event,
    .closed = qmp_closed,
};

static void process_ended(gpointer opaque)
{
    SessionVm *vm = opaque;

    vm->ended = TRUE;
    vm->handlers->ended(vm, vm->opaque);
}

SessionVm *session_vm_new(const BootOptions *options, gboolean incoming,
                          const SessionVmHandlers *handlers, gpointer opaque,
                          GError **error)
{
    SessionVm *vm = g_new0(SessionVm, 1);

    vm->handlers = handlers;
    vm->opaque = opaque;
    vm->process = qemu_process_new(options, incoming, &vm->start, process_ended,
                                   vm, error);
    if (!vm->process) {
        g_prefix_error(error, "%s: ", options->qemu);
        g_free(vm);
        return NULL;
    }
    vm->qmp = qmp_client_new(vm->start.qmp_fd, &qmp_handlers, vm, error);
    if (!vm->qmp) {
        g_prefix_error(error, "QMP: ");
        session_vm_free(vm);
        return NULL;
    }
    return vm;
}

void session_vm_set_handlers(SessionVm *vm, const SessionVmHandlers *handlers,
                             gpointer opaque)
{
    vm->handlers = handlers;
    vm->opaque = opaque;
}

int session_vm_take_console(SessionVm *vm)
{
    int fd = vm->start.console_fd;

    vm->start.console_fd = -1;
    return fd;
}

gboolean session_vm_is_ready(const SessionVm *vm)
{
    return vm->ready;
}

gboolean session_vm_has_ended(const SessionVm *vm)
{
    return vm->ended;
}

void session_vm_execute(SessionVm *vm, const char *command,
                        JsonObject *arguments, QmpReply reply, gpointer opaque)
{
    if (vm->ready) {
        qmp_client_execute(vm->qmp, command, arguments, reply, opaque);
    } else if (arguments) {
        json_object_unref(arguments);
    }
}

/*
 * Ticks are counted, not time: while a reader of ours holds us up, QEMU waits
 * for us to take the console's rest, and is not to be killed for it.
 */
static gboolean kill_tick(gpointer opaque)
{
    SessionVm *vm = opaque;

    if (++vm->quit_ticks < QUIT_TIMEOUT_S) {
        return G_SOURCE_CONTINUE;
    }
    vm->kill_source = 0;
    qemu_process_kill(vm->process);
    return G_SOURCE_REMOVE;
}

void session_vm_hurry(SessionVm *vm)
{
    if (!vm->kill_source) {
        vm->kill_source = g_timeout_add_seconds(1, kill_tick, vm);
    }
}

void session_vm_quit(SessionVm *vm)
{
    if (!vm->ready) {
        qemu_process_kill(vm->process);
        return;
    }
    qmp_client_send(vm->qmp, "quit", NULL, NULL);
    session_vm_hurry(vm);
}

void session_vm_kill(SessionVm *vm)
{
    qemu_process_kill(vm->process);
}

gboolean session_vm_succeeded(const SessionVm *vm)
{
    return qemu_process_succeeded(vm->process);
}

char *session_vm_describe_end(const SessionVm *vm)
{
    return qemu_process_describe_end(vm->process);
}

char **session_vm_command(const SessionVm *vm)
{
    return vm->start.command;
}

void session_vm_free(SessionVm *vm)
{
    if (vm->kill_source) {
        g_source_remove(vm->kill_source);
    }
    g_clear_pointer(&vm->qmp, qmp_client_free);
    g_clear_pointer(&vm->process, qemu_process_free);
    if (vm->start.console_fd >= 0) {
        close(vm->start.console_fd);
    }
    g_strfreev(vm->start.command);
    g_free(vm);
}
