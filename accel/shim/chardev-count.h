/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Count what a device of QEMU's own, such as a 16550, writes to a character
 * device.  The device never has to wait for a reader: what that does not take
 * at once is kept, up to 1 MiB; then the machine stops, as for hvc0.
 */
#ifndef JUMPCUT_ACCEL_SHIM_CHARDEV_COUNT_H
#define JUMPCUT_ACCEL_SHIM_CHARDEV_COUNT_H

/* @len bytes were written. */
typedef void ChardevCountFn(void *opaque, const uint8_t *buf, size_t len);

/*
 * Once in a process.  @chardev: id of a -chardev.  @hold: whoever asks
 * chardev_count_full() holds the guest; the machine does not stop.
 */
bool chardev_count(const char *chardev, bool hold, ChardevCountFn *fn,
                   void *opaque, Error **errp);
/* Has the reader left too much to take? */
bool chardev_count_full(void);

#endif
