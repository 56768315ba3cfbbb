/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of "jumpcut boot" and "jumpcut record", validated before anything is
 * started.
 */
#ifndef JUMPCUT_TOOLS_BOOT_OPTIONS_H
#define JUMPCUT_TOOLS_BOOT_OPTIONS_H

#include <glib.h>

#include "tools/boot-devices.h"
#include "tools/bzimage.h"
#include "tools/cut-request.h"

/*
 * What the kernel always gets: hvc0 as its console, and a panic that ends the
 * guest with SHUTDOWN_crash; before Linux has set Xen up, with a reboot.
 */
#define BOOT_DEFAULT_APPEND "console=hvc0 panic=-1 xen_legacy_crash"
/* KVM has neither console nor crash: the serial port, and a reboot. */
#define BOOT_KVM_APPEND "console=ttyS0 panic=-1"

/* Between two ticks of the gate, virtual time; as the plugin's default. */
#define BOOT_GATE_NS 10000000

typedef struct BootOptions {
    /* What the guest is. */
    char *guest; /* "xen-hvm", "xen-pvh", "kvm" */
    char *kernel;
    char *initrd;       /* NULL: none */
    char *append;       /* the whole command line */
    char *append_given; /* --append's part of it; NULL: none */
    unsigned smp;
    unsigned max_smp; /* vCPUs with those that are offline at first */
    unsigned memory_mib;
    gboolean icount;
    gboolean reboot;   /* a reboot goes on instead of ending the run */
    char *xen_version; /* NULL here and below: the plugin's default */
    char *tsc_mode;
    char *invtsc; /* "on", "off" */
    char *tsc_khz;
    char *host_uptime;
    char *steal;      /* "PERIOD:PERCENT" */
    char **cuts;      /* in place, "AT:key=value,..."; never NULL */
    GPtrArray *moves; /* CutRequest: the other cuts, by time; never NULL */
    char **faults;    /* "AT:KIND,key=value,..."; never NULL */
    char *digest;     /* interval */
    GArray *disks;    /* of BootDisk; never NULL */
    char *net;        /* "user[,...]"; NULL: none */
    char **qemu_args; /* after "--"; never NULL */
    /* How it is run. */
    char *qemu;
    char *plugin;
    char *console_log;  /* NULL: none */
    char *report;       /* NULL: none */
    unsigned timeout_s; /* 0: none */
    gboolean dry_run;
    char *control; /* path of the socket that takes commands; NULL: none */
    /* Traces; from record on the plugin's options of these names, or NULL. */
    char *output; /* the finished trace, NULL unless one is recorded */
    char *record;
    char *replay;
    char *level;
    char *pace;
    char *checkpoint;
    char *gate;
    char *from;
    char *handover;
    /* What was found out. */
    BzImage image;
    char *kernel_sha256;
    char *initrd_sha256; /* NULL without initrd */
} BootOptions;

/*
 * @argv: argv[0] is the subcommand's name.  @error's message is one line that
 * names the option or file.  "--help" prints it and exits through *help.
 */
BootOptions *boot_options_parse(int argc, char **argv, gboolean *help,
                                GError **error);
/* Does the guest find Xen? */
gboolean boot_options_xen(const BootOptions *options);
void boot_options_free(BootOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BootOptions, boot_options_free)

/* Does the guest have devices that answer when the host does? */
static inline gboolean boot_options_asynchronous(const BootOptions *o)
{
    return o->disks->len || o->net;
}

#endif
