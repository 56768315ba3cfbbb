/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device types virtio-serial-mq-pci, virtserialport-mq and virtconsole-mq,
 * and their QMP commands: the core in hw/virtio over QEMU's virtio and
 * character devices.
 */
#ifndef JUMPCUT_ACCEL_SERIAL_SERIAL_H
#define JUMPCUT_ACCEL_SERIAL_SERIAL_H

#include "accel/shim/gate.h"

/*
 * Once, before the first device is made.  @vectors: MSI-X vectors that a device
 * has at most if the user does not say how many; 0: as many as it can use.
 */
void serial_register(unsigned vectors);
/*
 * Devices that exist and those to come are behind @gate, which may be NULL;
 * before the guest starts.
 */
void serial_set_gate(Gate *gate);

#endif
