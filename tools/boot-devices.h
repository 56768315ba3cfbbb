/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paravirtual devices of "jumpcut boot": --disk and --net.
 */
#ifndef JUMPCUT_TOOLS_BOOT_DEVICES_H
#define JUMPCUT_TOOLS_BOOT_DEVICES_H

#include <glib.h>

/* xvda to xvdp: Linux has a major number of its own for these. */
#define BOOT_DISKS_MAX 16u

typedef struct BootDisk {
    char *file;
    char *format; /* "raw", "qcow2" */
    gboolean readonly;
} BootDisk;

/*
 * @texts: "FILE[,format=raw|qcow2][,readonly]" each, a comma in FILE doubled;
 * NULL-terminated, or NULL for none.
 * @return: array of BootDisk, each naming a file that can be opened; NULL and
 * a one-line @error.
 */
GArray *boot_disks_parse(char **texts, GError **error);

/*
 * @text: "user[,KEY=VALUE...]", with the keys of QEMU's -netdev user; or NULL.
 * @return: whether it is
 */
gboolean boot_net_check(const char *text, GError **error);

#endif
