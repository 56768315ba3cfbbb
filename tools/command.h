/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subcommands of the jumpcut program and its exit statuses.
 */
#ifndef JUMPCUT_TOOLS_COMMAND_H
#define JUMPCUT_TOOLS_COMMAND_H

/* Documented in docs/jumpcut.1, EXIT STATUS. */
typedef enum ExitStatus {
    STATUS_OK = 0,       /* boot: powered off; report: repetitions agree */
    STATUS_CRASHED = 1,  /* boot: guest crashed; report: a repetition differs;
                          * diff: traces differ; verify: one is not whole */
    STATUS_USAGE = 2,    /* bad option, value or file; nothing was started */
    STATUS_QEMU = 3,     /* QEMU did not start, or died */
    STATUS_TIMEOUT = 4,  /* --timeout passed */
    STATUS_REBOOT = 5,   /* the guest asked for a reboot (--reboot stop) */
    STATUS_QUIT = 6,     /* Ctrl-A X, or SIGINT, SIGTERM, SIGHUP */
    STATUS_OUTPUT = 7,   /* a result could not be written */
    STATUS_CUT = 8,      /* a cut that was asked for could not be made */
    STATUS_DIVERGED = 9, /* replay: the run is not the recorded one */
    STATUS_INCOMPLETE = 10, /* replay: the trace ends before the run did */
} ExitStatus;

/* One row a subcommand; argv[0] is its name. */
typedef struct Command {
    const char *name;
    const char *summary;
    ExitStatus (*run)(int argc, char **argv);
} Command;

ExitStatus boot_command(int argc, char **argv);
ExitStatus run_command(int argc, char **argv);
ExitStatus cut_command(int argc, char **argv);
ExitStatus record_command(int argc, char **argv);
ExitStatus replay_command(int argc, char **argv);
ExitStatus qtest_command(int argc, char **argv);
ExitStatus report_command(int argc, char **argv);
ExitStatus info_command(int argc, char **argv);
ExitStatus dump_command(int argc, char **argv);
ExitStatus verify_command(int argc, char **argv);
ExitStatus diff_command(int argc, char **argv);
ExitStatus export_command(int argc, char **argv);
ExitStatus minimize_command(int argc, char **argv);

/* Print "jumpcut: message" on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
