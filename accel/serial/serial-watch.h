/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watching the registers of a virtio-pci function. */
#ifndef JUMPCUT_ACCEL_SERIAL_WATCH_H
#define JUMPCUT_ACCEL_SERIAL_WATCH_H

#include "hw/virtio/virtio-pci.h"
#include "accel/serial/serial-internal.h"

/* Of the regions of one function. */
typedef struct SerialWatch SerialWatch;

/*
 * Every access to a register of @proxy, which is realized, is shown to @dev.
 * @return: NULL, and @errp is set, if they are not where they should be.
 */
SerialWatch *serial_watch_new(VirtIOPCIProxy *proxy, SerialDevice *dev,
                              Error **errp);
/* The registers are virtio-pci's alone again. */
void serial_watch_free(SerialWatch *w);

#endif
