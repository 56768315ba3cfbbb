/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drivers that break one rule of the ordering judge each, and their nearest
 * relatives that do not.
 */
#ifndef JUMPCUT_TESTS_SERIAL_CASES_H
#define JUMPCUT_TESTS_SERIAL_CASES_H

#include "tests/qtest/serial-stages.h"

/* The device that they drive: max_ports, its first port, and one that is not
 * there. */
#define SERIAL_CASE_MAX_PORTS 8
#define SERIAL_CASE_PORT      SERIAL_STAGE_PORT
#define SERIAL_CASE_NO_PORT   5
#define SERIAL_CASE_CONSOLE   6 /* another port, a console */

typedef struct SerialCase {
    const char *rule;
    /* Both take all steps from the first one on. */
    void (*wrong)(SerialDriver *d);
    void (*right)(SerialDriver *d);
    const char *also; /* what the wrong one cannot but break, too */
    unsigned port;    /* that the rule is broken for; 0: none */
    bool legacy;
    bool new_ports;         /* of a machine that had no driver yet */
    const char *properties; /* of the device; NULL: the usual ones */
    bool core;              /* QEMU's own virtio-pci does not stand it either */
} SerialCase;

#define SERIAL_CASE(r, w, k, ...)                        \
    {                                                    \
        .rule = r, .wrong = w, .right = k, ##__VA_ARGS__ \
    }

const SerialCase *serial_cases(size_t *nr);
/* Those of them about registers, queues and notifications */
const SerialCase *serial_cases_pci(size_t *nr);

#endif
