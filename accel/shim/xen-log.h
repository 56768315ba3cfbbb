/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's lines in Xen's log: port 0xe9 of a HVM or PVH guest.
 */
#ifndef JUMPCUT_ACCEL_SHIM_XEN_LOG_H
#define JUMPCUT_ACCEL_SHIM_XEN_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct Error;

/*
 * From now on lines that domain @domid writes to the port go to @chardev,
 * which lives as long as the process.  What a reader does not take at once is
 * lost.
 */
bool xen_log_new(const char *chardev, uint16_t domid, struct Error **errp);
/* The domain's id from now on; nothing without a log. */
void xen_log_set_domid(uint16_t domid);

#endif
