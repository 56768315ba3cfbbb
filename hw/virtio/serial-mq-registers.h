/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of the multiport virtio console device that are nothing to it, but
 * tell its judge how the driver goes about things.
 */
#ifndef JUMPCUT_HW_VIRTIO_SERIAL_MQ_REGISTERS_H
#define JUMPCUT_HW_VIRTIO_SERIAL_MQ_REGISTERS_H

#include "hw/virtio/serial-mq.h"

/*
 * An access to one of them, after it was made; of ORDERING_KICK, before.
 * @queue, @value, @old: as the judge's event @kind has them
 */
void serial_mq_register(SerialMq *s, OrderingEventKind kind, unsigned queue,
                        uint64_t value, uint64_t old);

#endif
