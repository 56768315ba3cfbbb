/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the model of Linux's driver of console devices share.
 */
#ifndef JUMPCUT_TESTS_UNIT_LINUX_CONSOLE_INTERNAL_H
#define JUMPCUT_TESTS_UNIT_LINUX_CONSOLE_INTERNAL_H

#include "tests/unit/linux-console.h"

#define LINUX_CONSOLE_QUEUES (2 * LINUX_CONSOLE_PORTS + 2)

typedef struct LinuxMessage {
    unsigned port, event, value;
} LinuxMessage;

typedef struct LinuxPort {
    bool host, console; /* the device's side */
    bool known, hvc, open;
    bool next; /* the last one that was announced was unplugged */
} LinuxPort;

typedef struct LinuxModel {
    uint32_t rng;
    LinuxBug bug;
    LinuxConsoleShow *show;
    void *opaque;
    bool legacy;
    uint8_t status;
    bool up;      /* the driver's queues are set up */
    bool asleep;  /* users are frozen */
    bool talking; /* a control message came since the last reset */
    bool working; /* the control work runs; there is one */
    unsigned depth;
    LinuxPort ports[LINUX_CONSOLE_PORTS];
    GQueue inbox; /* of LinuxMessage: in buffers, not handled */
} LinuxModel;

/* From the seed: 0 to @below - 1 */
uint32_t linux_draw(LinuxModel *m, uint32_t below);
/* Show an event; linux_look(): one of no port. */
void linux_show(LinuxModel *m, OrderingEventKind kind, unsigned queue,
                unsigned port, uint64_t value, uint64_t old);
void linux_look(LinuxModel *m, OrderingEventKind kind, unsigned queue,
                uint64_t value, uint64_t old);
unsigned linux_in_queue(unsigned port);

/* The driver's accesses to registers */
void linux_write_register(LinuxModel *m, unsigned at, unsigned size);
void linux_read_config(LinuxModel *m, unsigned at, unsigned size);
void linux_read_status(LinuxModel *m);
void linux_write_status(LinuxModel *m, uint8_t status);
void linux_add_status(LinuxModel *m, uint8_t bits);
void linux_kick(LinuxModel *m, unsigned queue);
void linux_read_features(LinuxModel *m);
void linux_accept_features(LinuxModel *m);
void linux_settle_features(LinuxModel *m);
/* With a vector each, or if there are not so many, again with fewer. */
void linux_set_up_queues(LinuxModel *m);
void linux_enable_queues(LinuxModel *m);
void linux_take_down_queues(LinuxModel *m, unsigned n);
void linux_reset_queue(LinuxModel *m, unsigned queue);

/* The device tells the driver, hears it, and gets or loses a port. */
void linux_device_tell(LinuxModel *m, unsigned port, unsigned event,
                       unsigned value);
void linux_device_hear(LinuxModel *m, unsigned port, unsigned event,
                       unsigned value);
void linux_device_plug(LinuxModel *m, unsigned port);

#endif
