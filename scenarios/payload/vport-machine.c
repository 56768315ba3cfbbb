/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of a driver that is a guest.
 */
#include "scenarios/payload/vport-machine.h"
#include "tests/payload/lib/virtio-serial.h"

/* With icount the device answers before a kick returns. */
#define WAIT_ROUNDS 500000u

static uint8_t memory[SERIAL_MEMORY] __attribute__((aligned(PAGE_SIZE)));

void *vport_memory(size_t *size)
{
    *size = sizeof(memory);
    return memory;
}

unsigned vport_wait_rounds(void)
{
    return WAIT_ROUNDS;
}
