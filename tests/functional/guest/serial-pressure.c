// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes to a port of a virtio-serial device whose reader does not keep up.
 *
 *   serial-pressure NODE BYTES
 *       Writes without waiting until that fails, and says "PRESSURE full=N
 *       again=YES pollout=NO"; waits with poll() until there is room, and says
 *       "PRESSURE room"; then writes, waiting, up to BYTES, and says "PRESSURE
 *       done=BYTES".  Byte N is N modulo 251.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PERIOD 251
#define BLOCK  4096

enum { EXIT_USAGE = 2 };

static char pattern[BLOCK + PERIOD];

static void fail(const char *what)
{
    fprintf(stderr, "serial-pressure: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static short ask(int fd, short events, int timeout_ms)
{
    struct pollfd p = {fd, events, 0};

    if (poll(&p, 1, timeout_ms) < 0) {
        fail("poll");
    }
    return p.revents;
}

/* Some bytes of the pattern from @from on; @return: as write() */
static ssize_t write_from(int fd, unsigned long from, unsigned long len)
{
    return write(fd, pattern + from % PERIOD, len < BLOCK ? len : BLOCK);
}

int main(int argc, char **argv)
{
    unsigned long done = 0, bytes;
    ssize_t n;
    int fd;

    if (argc != 3 || !(bytes = strtoul(argv[2], NULL, 0))) {
        fprintf(stderr, "usage: serial-pressure NODE BYTES\n");
        return EXIT_USAGE;
    }
    fd = open(argv[1], O_RDWR | O_NONBLOCK);
    if (fd < 0) {
        fail(argv[1]);
    }
    for (unsigned i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (char)(i % PERIOD);
    }
    /* Until the host is there the port hangs up. */
    while (!(ask(fd, POLLOUT, 0) & POLLOUT)) {
        poll(NULL, 0, 1);
    }
    while (done < bytes && (n = write_from(fd, done, bytes - done)) > 0) {
        done += (unsigned long)n;
    }
    printf("PRESSURE full=%lu again=%s pollout=%s\n", done,
           errno == EAGAIN ? "yes" : "no",
           ask(fd, POLLOUT, 0) & POLLOUT ? "yes" : "no");
    fflush(stdout);
    if (!(ask(fd, POLLOUT, -1) & POLLOUT)) {
        fail("poll for room");
    }
    printf("PRESSURE room\n");
    fflush(stdout);
    if (fcntl(fd, F_SETFL, 0) < 0) {
        fail("fcntl");
    }
    while (done < bytes && (n = write_from(fd, done, bytes - done)) > 0) {
        done += (unsigned long)n;
    }
    printf("PRESSURE done=%lu\n", done);
    return done == bytes ? EXIT_SUCCESS : EXIT_FAILURE;
}
