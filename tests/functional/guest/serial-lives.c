// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lets Linux's virtio console driver take a device and leave it again, many
 * times, at all stages of what goes on in between.
 *
 *   serial-lives DEVICE COUNT SEED
 *       DEVICE is virtio's name of it, as virtio0, and not bound; nor is it
 *       in the end.  Says "LIVES done=COUNT opened=N out=BYTES in=BYTES
 *       open-at-end=N" when it is through.
 *
 * Each life goes on as far as chance will have it: not at all; until there are
 * ports; until some are open; until they were written to; until that came back.
 * Half of the time they are open when the driver leaves.  A port that is not
 * there, hangs up or does not answer is nothing special: the host may have
 * taken it away.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLASS     "/sys/class/virtio-ports"
#define DRIVER    "/sys/bus/virtio/drivers/virtio_console"
#define PORTS_MAX 64
/* What waits for the host gives up after that. */
#define PATIENCE_MS 50

enum { EXIT_USAGE = 2 };

/* How far a life goes */
enum { NOT_AT_ALL, SEES_PORTS, OPENS, WRITES, READS, NR_STAGES };

static int fds[PORTS_MAX];
static unsigned num_fds;
static uint64_t opened, out, in, open_at_end;
static uint32_t state;
static char buf[8192];

/* xorshift32 */
static unsigned any(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

static void tell_driver(const char *what, const char *device)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), DRIVER "/%s", what);
    fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, device, strlen(device)) < 0) {
        fprintf(stderr, "serial-lives: %s %s: %s\n", what, device,
                strerror(errno));
        exit(EXIT_FAILURE);
    }
    close(fd);
}

static unsigned count_ports(void)
{
    DIR *dir = opendir(CLASS);
    unsigned n = 0;

    while (dir && readdir(dir)) {
        n++;
    }
    if (dir) {
        closedir(dir);
    }
    return n > 2 ? n - 2 : 0; /* without . and .. */
}

static void see_ports(unsigned wanted)
{
    for (int i = 0; i < PATIENCE_MS && count_ports() < wanted; i++) {
        poll(NULL, 0, 1);
    }
}

static void open_ports(void)
{
    DIR *dir = opendir(CLASS);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)) && num_fds < PORTS_MAX) {
        char path[300];
        int fd;

        if (entry->d_name[0] == '.' || any(4) == 0) {
            continue;
        }
        snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
        fd = open(path, O_RDWR | O_NONBLOCK);
        if (fd >= 0) {
            fds[num_fds++] = fd;
            opened++;
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* While the host is not there a port hangs up, and poll() cannot wait. */
static bool is_ready(int port, short events)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        struct pollfd fd = {port, events, 0};

        if (poll(&fd, 1, 1) == 1 && fd.revents & events) {
            return true;
        } else if (fd.revents) {
            poll(NULL, 0, 1);
        }
    }
    return false;
}

static void write_ports(void)
{
    for (unsigned i = 0; i < num_fds; i++) {
        ssize_t n;

        if (is_ready(fds[i], POLLOUT)) {
            n = write(fds[i], buf, 1 + any(sizeof(buf)));
            out += n > 0 ? (uint64_t)n : 0;
        }
    }
}

static void read_ports(void)
{
    for (unsigned i = 0; i < num_fds; i++) {
        ssize_t n;

        if (is_ready(fds[i], POLLIN)) {
            n = read(fds[i], buf, 1 + any(sizeof(buf)));
            in += n > 0 ? (uint64_t)n : 0;
        }
    }
}

static void close_ports(void)
{
    while (num_fds) {
        close(fds[--num_fds]);
    }
}

static void live(const char *device)
{
    unsigned until = any(NR_STAGES);

    tell_driver("bind", device);
    if (until >= SEES_PORTS) {
        see_ports(1 + any(4));
    }
    if (until >= OPENS) {
        open_ports();
    }
    if (until >= WRITES) {
        write_ports();
    }
    if (until >= READS) {
        read_ports();
    }
    if (any(2)) {
        close_ports();
    }
    open_at_end += num_fds;
    tell_driver("unbind", device);
    close_ports();
}

int main(int argc, char **argv)
{
    unsigned count;

    if (argc != 4 || !(count = (unsigned)atoi(argv[2]))) {
        fprintf(stderr, "usage: serial-lives DEVICE COUNT SEED\n");
        return EXIT_USAGE;
    }
    state = (uint32_t)strtoul(argv[3], NULL, 0) | 1;
    for (unsigned i = 0; i < count; i++) {
        live(argv[1]);
    }
    printf("LIVES done=%u opened=%llu out=%llu in=%llu open-at-end=%llu\n",
           count, (unsigned long long)opened, (unsigned long long)out,
           (unsigned long long)in, (unsigned long long)open_at_end);
    return EXIT_SUCCESS;
}
