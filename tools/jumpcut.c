/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jumpcut program: finds the subcommand and runs it.
 */
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

static const Command commands[] = {
    {"boot", "boot a kernel as a Xen guest and cut its clocks", boot_command},
    {"run", "run scenarios: what happens to guests, and what has to come of it",
     run_command},
    {"cut", "cut the clocks of a guest that runs", cut_command},
    {"record", "boot a kernel and write a trace of the run", record_command},
    {"replay", "repeat the run of a trace, and check that it is the same",
     replay_command},
    {"qtest", "make the calls of a recorded guest again, without it",
     qtest_command},
    {"report", "show what guests saw, and whether runs repeated exactly",
     report_command},
    {"info", "say what a trace is", info_command},
    {"dump", "print a trace's records", dump_command},
    {"verify", "check every byte of traces", verify_command},
    {"diff", "find the first difference of two traces", diff_command},
    {"export", "make a trace readable for viewers", export_command},
    {"minimize", "find the fewest inputs that show an outcome",
     minimize_command},
};

void complain(const char *format, ...)
{
    va_list ap;
    g_autofree char *message = NULL;

    va_start(ap, format);
    message = g_strdup_vprintf(format, ap);
    va_end(ap);
    fprintf(stderr, "jumpcut: %s\n", message);
}

static void print_usage(FILE *out)
{
    fputs("Usage: jumpcut COMMAND [OPTION...]\n\nCommands:\n", out);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nOptions:\n"
          "  --help     show this, or with a command before it, its options\n"
          "  --version  show the version\n",
          out);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;

    if (!name) {
        print_usage(stderr);
        return STATUS_USAGE;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
        print_usage(stdout);
        return STATUS_OK;
    }
    if (!strcmp(name, "--version")) {
        printf("jumpcut %s\n", JUMPCUT_VERSION);
        return STATUS_OK;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (!strcmp(name, commands[i].name)) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    complain("%s: no such command; jumpcut --help lists them", name);
    return STATUS_USAGE;
}
