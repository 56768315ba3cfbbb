/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with a virtio-serial-mq-pci device, ports with a socket each, and
 * what QMP says of them, for qtest suites.
 */
#ifndef JUMPCUT_TESTS_SERIAL_MACHINE_H
#define JUMPCUT_TESTS_SERIAL_MACHINE_H

#include "tests/qtest/host-socket.h"
#include "tests/qtest/serial-driver.h"

#define SERIAL_SOCKETS_MAX 64

/* Port n is called so, from 1 on; its device "pn", its chardev "cn". */
#define SERIAL_PORT_NAME "org.test.%u"

typedef struct SerialMachine {
    Qtest *q;
    char *args;
    unsigned nr;                              /* ports with sockets */
    HostSocket *host[SERIAL_SOCKETS_MAX + 1]; /* by port; none is connected */
} SerialMachine;

/*
 * Start QEMU.
 * @type: "virtio-serial-mq-pci" or one of its relatives, with properties
 * @nr: ports 1 to @nr, with sockets nobody is connected to
 * @more: more arguments
 */
SerialMachine *serial_machine_start(const char *type, unsigned nr,
                                    const char *more);
void serial_machine_end(SerialMachine *m);
/* Connect all the sockets; the device knows it afterwards. */
void serial_machine_connect(SerialMachine *m);
/* Wait until the device knows that the port's host is there, or gone. */
void serial_machine_wait_host(SerialMachine *m, unsigned port, bool open);
/* Offer pages of a pattern until the host's end takes no more; their number. */
unsigned serial_machine_block(SerialDriver *d, unsigned port);
/* Are @len bytes such pages? */
bool serial_machine_is_pattern(const uint8_t *bytes, size_t len);
/* A driver that has all ports open, buffers for input offered. */
SerialDriver *serial_machine_open(SerialMachine *m,
                                  const SerialOptions *options);

/* What query-virtio-serial-mq says of the first device, and of a port. */
JsonObject *serial_query(Qtest *q);
JsonObject *serial_query_port(Qtest *q, unsigned port);
uint64_t serial_port_counter(Qtest *q, unsigned port, const char *name);
bool serial_port_flag(Qtest *q, unsigned port, const char *name);
/* How often @rule was broken; NULL: any rule. */
uint64_t serial_broken(Qtest *q, const char *rule);
/* Has the device given the driver up? */
bool serial_refused(Qtest *q);

#endif
