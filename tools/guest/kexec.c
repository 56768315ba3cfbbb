/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest program: start another kernel in place of the one that runs, as
 * kexec(8) does with -s and -e.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int die(const char *what)
{
    fprintf(stderr, "jumpcut-kexec: %s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    int kernel, initrd;

    if (argc != 4) {
        fprintf(stderr, "usage: jumpcut-kexec KERNEL INITRD COMMAND-LINE\n");
        return 2;
    }
    kernel = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (kernel < 0) {
        return die(argv[1]);
    }
    initrd = open(argv[2], O_RDONLY | O_CLOEXEC);
    if (initrd < 0) {
        return die(argv[2]);
    }
    if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1,
                argv[3], 0ul) < 0) {
        return die("kexec_file_load");
    }
    syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
            LINUX_REBOOT_CMD_KEXEC, NULL);
    return die("reboot");
}
