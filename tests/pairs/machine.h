/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for a payload that is no guest: its one processor is a thread of
 * this program, its devices are those of a QEMU whose vCPUs do not run.
 *
 * Ports and device memory go through qtest.  Guest memory is shared: the
 * thread's stack and what vport_memory() gives lie at the addresses that they
 * have for devices.  Other variables are the program's own, and no device
 * reaches them.  Virtual time goes on while the processor waits and in accesses
 * to device memory, and only then.
 */
#ifndef JUMPCUT_TESTS_PAIRS_MACHINE_H
#define JUMPCUT_TESTS_PAIRS_MACHINE_H

#include "tests/qtest/qtest-client.h"

/* What a payload did. */
typedef struct MachineSeen {
    GString *console; /* what it wrote to its console */
    GString *report;  /* and to port 0xe9 */
    bool crashed;     /* by its own will; else it powered off */
    int64_t end_ns;   /* virtual time then */
} MachineSeen;

/*
 * Runs @entry on a machine as "jumpcut boot --guest=xen-hvm" makes it, with
 * further @words for QEMU and @cmdline, until the payload ends the machine.
 * One at a time.
 * @seen: whose strings are added to
 * @return: the QEMU; qtest_quit() it
 */
Qtest *machine_run(const char *const *words, const char *cmdline,
                   void (*entry)(void), MachineSeen *seen);

#endif
