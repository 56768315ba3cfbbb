/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of "jumpcut boot" and "jumpcut record" as typed.
 */
#ifndef JUMPCUT_TOOLS_BOOT_OPTIONS_INTERNAL_H
#define JUMPCUT_TOOLS_BOOT_OPTIONS_INTERNAL_H

#include "tools/boot-options.h"

#define BOOT_DEFAULT_MEMORY "512M"

/* Options as typed. */
typedef struct RawOptions {
    char *guest, *initrd, *smp, *max_smp, *memory, *append;
    char *invtsc, *tsc_mode, *tsc_khz, *host_uptime, *xen_version;
    char **cuts, **faults, **disks;
    char *steal, *digest, *net, *reboot, *qemu, *plugin, *console_log, *report,
        *timeout;
    /* of traces */
    char *output, *control, *level, *pace, *checkpoint;
    gboolean no_icount, dry_run, help;
    char **rest;
    gboolean record; /* of "jumpcut record", not "boot" */
} RawOptions;

/* Sets *@error; @return: FALSE. */
gboolean boot_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Are all values good?  Takes the numbers over into @o, and the cuts. */
gboolean boot_options_check(const RawOptions *raw, BootOptions *o,
                            GError **error);

#endif
