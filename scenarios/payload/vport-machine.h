/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What these drivers need of the machine that they are made for: it differs
 * between a guest and a program that drives a device from outside
 * (tests/pairs).
 */
#ifndef JUMPCUT_SCENARIOS_PAYLOAD_VPORT_MACHINE_H
#define JUMPCUT_SCENARIOS_PAYLOAD_VPORT_MACHINE_H

#include <stddef.h>

/* Memory that a device can reach, and its size. */
void *vport_memory(size_t *size);
/* How often one looks for an answer before there is none (cpu_relax()). */
unsigned vport_wait_rounds(void);

#endif
