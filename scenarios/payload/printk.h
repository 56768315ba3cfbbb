/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on the PV console, stamped as a kernel stamps its log.
 */
#ifndef JUMPCUT_SCENARIOS_PAYLOAD_PRINTK_H
#define JUMPCUT_SCENARIOS_PAYLOAD_PRINTK_H

#include "tests/payload/lib/clock.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* Finds the console; before the first line. */
void printk_init(void);
/* "[seconds.micros] ...", with the stamp @at_ns. */
void printk_at(uint64_t at_ns, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
