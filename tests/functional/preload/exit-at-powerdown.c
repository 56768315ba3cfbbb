/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into QEMU: it exits as it tells of POWERDOWN, which is amid the
 * command that does it; as code that finds an error calls exit().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define EVENT "\"event\": \"POWERDOWN\""

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    static ssize_t (*stock)(int, const struct msghdr *, int);

    for (size_t i = 0; i < message->msg_iovlen; i++) {
        if (memmem(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len,
                   EVENT, strlen(EVENT))) {
            exit(3);
        }
    }
    if (!stock) {
        stock = (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT,
                                                                   "sendmsg");
    }
    return stock(fd, message, flags);
}
