/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of the multiport console device: they come and go, their hosts do, and
 * data goes both ways.
 */
#ifndef JUMPCUT_HW_VIRTIO_SERIAL_MQ_PORT_H
#define JUMPCUT_HW_VIRTIO_SERIAL_MQ_PORT_H

#include "hw/virtio/serial-mq.h"

/* Lowest free port as virtio-serial-pci chooses; 0 is for the first console. */
unsigned serial_mq_free_port(const SerialMq *s, bool console);
/*
 * A port appears; the driver is told once it is up.  @name may be NULL.
 * Errors (SERIAL_MQ_ERROR): @port out of range or taken, port 0 and no
 * console, @name taken or longer than SERIAL_MQ_NAME_MAX.
 */
bool serial_mq_port_add(SerialMq *s, unsigned port, const char *name,
                        bool console, GError **error);
#define SERIAL_MQ_ERROR (serial_mq_error_quark())
GQuark serial_mq_error_quark(void);
/* These take any @port; one that does not exist is left alone. */
/* What the driver sent and nobody took is given back as used. */
void serial_mq_port_remove(SerialMq *s, unsigned port);
/* The host end connects; when it goes, unread output goes with it. */
void serial_mq_port_host_open(SerialMq *s, unsigned port, bool open);
/*
 * Input for the guest. @return: bytes taken: what room() said at least, or 0 if
 * the host's end has gone since or input is being taken, further up the stack.
 */
size_t serial_mq_port_input(SerialMq *s, unsigned port, const uint8_t *buf,
                            size_t len);
/* Bytes the guest takes now; after 0 port_accept() tells of more. */
size_t serial_mq_port_room(SerialMq *s, unsigned port);
void serial_mq_port_writable(SerialMq *s, unsigned port);
/* While throttled nothing is read from the guest. */
void serial_mq_port_throttle(SerialMq *s, unsigned port, bool on);
/* A console's new size; 0 by 0: unknown. */
void serial_mq_resize(SerialMq *s, unsigned port, uint16_t cols, uint16_t rows);

#endif
