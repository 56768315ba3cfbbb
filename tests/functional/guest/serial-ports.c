// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uses the ports of virtio-serial devices as programs do, and tells the console
 * what went through them.
 *
 *   serial-ports echo OPEN END [PREFIX]
 *       Opens every port as it appears and sends back what comes in, up to a
 *       NUL.  Says "PORTS open=OPEN" when it has so many with the host at
 *       their other end, and a line for each that has ended: told so by the
 *       NUL, or as it is gone.  Goes when END ports have.
 *   serial-ports write BLOCK BYTES COUNT [PREFIX]
 *       Writes BYTES to each of COUNT ports, BLOCK at a time.
 *   serial-ports read BLOCK BYTES COUNT [PREFIX]
 *       Reads BYTES from each of COUNT ports.
 *
 * PREFIX is what a port's name begins with; those with none are not ours.
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
#include <sys/inotify.h>
#include <unistd.h>

#define CLASS      "/sys/class/virtio-ports"
#define PORTS_MAX  4096
#define BLOCK_MAX  (64 << 10)
#define ECHO_BLOCK 4096

enum {
    EXIT_USAGE = 2,
    EXIT_LOST = 3, /* a port ended amid a transfer */
};

typedef struct Port {
    char node[32];
    char name[64];
    int fd;
    bool connected; /* as far as we know, the host is there */
    bool ended;
    unsigned hangups;
    uint64_t bytes;
    uint32_t crc;
    char buf[ECHO_BLOCK]; /* read and not yet sent back */
    size_t from, to;
} Port;

static Port *ports[PORTS_MAX];
static unsigned num_ports;
static bool unnamed; /* there is a port whose name has not come yet */
static char block[BLOCK_MAX];

static uint32_t crc32_of(uint32_t crc, const char *buf, size_t len)
{
    static uint32_t table[256];

    if (!table[1]) {
        for (uint32_t i = 0; i < 256; i++) {
            table[i] = i;
            for (int bit = 0; bit < 8; bit++) {
                table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
            }
        }
    }
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc = crc >> 8 ^ table[(crc ^ (unsigned char)buf[i]) & 0xff];
    }
    return ~crc;
}

static bool is_open(const char *node)
{
    for (unsigned i = 0; i < num_ports; i++) {
        if (!ports[i]->ended && strcmp(ports[i]->node, node) == 0) {
            return true;
        }
    }
    return false;
}

/* Opens a port if its name begins with prefix */
static void open_port(const char *node, const char *prefix)
{
    char path[320], name[64] = "";
    FILE *file;
    Port *port;
    int fd;

    snprintf(path, sizeof(path), CLASS "/%s/name", node);
    file = fopen(path, "r");
    if (!file) {
        unnamed = true;
        return;
    }
    if (!fgets(name, sizeof(name), file)) {
        name[0] = '\0';
    }
    fclose(file);
    name[strcspn(name, "\n")] = '\0';
    if (!name[0] || strncmp(name, prefix, strlen(prefix)) != 0 ||
        num_ports == PORTS_MAX) {
        return;
    }
    snprintf(path, sizeof(path), "/dev/%s", node);
    fd = open(path, O_RDWR | O_NONBLOCK);
    if (fd < 0) {
        return; /* gone already, or not there yet: inotify tells */
    }
    port = calloc(1, sizeof(*port));
    if (!port) {
        abort();
    }
    snprintf(port->node, sizeof(port->node), "%s", node);
    snprintf(port->name, sizeof(port->name), "%s", name);
    port->fd = fd;
    ports[num_ports++] = port;
}

static void open_ports(const char *prefix)
{
    DIR *dir = opendir(CLASS);
    struct dirent *entry;

    unnamed = false;
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && !is_open(entry->d_name)) {
            open_port(entry->d_name, prefix);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static void end_port(Port *port, const char *how)
{
    printf("PORT name=%s bytes=%llu crc=%08x hangups=%u end=%s\n", port->name,
           (unsigned long long)port->bytes, port->crc, port->hangups, how);
    fflush(stdout);
    close(port->fd);
    port->ended = true;
}

/* What poll() and read() or write() said; @return: it was not bytes */
static bool is_trouble(Port *port, short events, ssize_t n)
{
    if (n > 0) {
        return false;
    } else if (n < 0 && errno != EAGAIN) {
        end_port(port, errno == ENODEV ? "gone" : strerror(errno));
    } else if (n == 0 || events & POLLHUP) {
        port->hangups++;
        port->connected = false;
    }
    return true;
}

/* Sends back what there is, and reads more when that is done */
static void echo(Port *port, short events)
{
    ssize_t n;

    if (port->from == port->to && events & (POLLIN | POLLHUP)) {
        n = read(port->fd, port->buf, sizeof(port->buf));
        if (is_trouble(port, events, n)) {
            return;
        }
        port->crc = crc32_of(port->crc, port->buf, (size_t)n);
        port->bytes += (uint64_t)n;
        port->from = 0;
        port->to = (size_t)n;
    }
    if (port->from < port->to) {
        n = write(port->fd, port->buf + port->from, port->to - port->from);
        if (is_trouble(port, events, n)) {
            return;
        }
        port->from += (size_t)n;
        if (port->from == port->to && port->buf[port->to - 1] == '\0') {
            end_port(port, "told");
        }
    }
}

static short wanted_of(const Port *port)
{
    return port->from < port->to ? POLLOUT : POLLIN;
}

/*
 * A port that is open before the host has said that it is there, too, hangs up:
 * poll() cannot wait for that, so one looks again after a millisecond.
 *
 * @return: there are such ports
 */
static bool look_for_host(void)
{
    bool waiting = false;

    for (unsigned i = 0; i < num_ports; i++) {
        Port *port = ports[i];
        struct pollfd fd = {port->fd, POLLIN, 0};
        ssize_t n;

        if (port->ended || port->connected) {
            continue;
        }
        if (poll(&fd, 1, 0) >= 0 && !(fd.revents & POLLHUP)) {
            port->connected = true;
            continue;
        }
        /* One whose device is gone hangs up, too. */
        n = read(port->fd, port->buf, 0);
        if (n < 0 && errno == ENODEV) {
            end_port(port, "gone");
        } else {
            waiting = true;
        }
    }
    return waiting;
}

static unsigned count(bool ended)
{
    unsigned n = 0;

    for (unsigned i = 0; i < num_ports; i++) {
        n += ended ? ports[i]->ended : ports[i]->connected && !ports[i]->ended;
    }
    return n;
}

/* @return: inotify's descriptor for new nodes in /dev */
static int watch_dev(void)
{
    int fd = inotify_init1(IN_NONBLOCK);

    if (fd < 0 || inotify_add_watch(fd, "/dev", IN_CREATE | IN_ATTRIB) < 0) {
        perror("serial-ports: inotify");
        exit(EXIT_FAILURE);
    }
    return fd;
}

/*
 * Waits for something to happen to the ports, or for a new one; for a
 * millisecond if one waits for its host or its name, of which nothing tells.
 * Calls move() for each port of which poll() says something.
 */
static void wait_for_ports(int watch, const char *prefix, bool waiting,
                           short wanted(const Port *), void move(Port *, short))
{
    static struct pollfd fds[PORTS_MAX + 1];
    static Port *of[PORTS_MAX + 1];
    unsigned n = 0;

    fds[n++] = (struct pollfd){watch, POLLIN, 0};
    for (unsigned i = 0; i < num_ports; i++) {
        if (ports[i]->connected && !ports[i]->ended) {
            of[n] = ports[i];
            fds[n++] = (struct pollfd){ports[i]->fd, wanted(ports[i]), 0};
        }
    }
    if (poll(fds, n, waiting || unnamed ? 1 : -1) < 0) {
        perror("serial-ports: poll");
        exit(EXIT_FAILURE);
    }
    for (unsigned i = 1; i < n; i++) {
        if (fds[i].revents) {
            move(of[i], fds[i].revents);
        }
    }
    if (fds[0].revents) {
        while (read(watch, block, sizeof(block)) > 0) {
        }
    }
    if (fds[0].revents || unnamed) {
        open_ports(prefix);
    }
}

static void echo_ports(unsigned open, unsigned end, const char *prefix)
{
    int watch = watch_dev();
    bool told = false;

    open_ports(prefix);
    while (count(true) < end) {
        bool waiting = look_for_host();

        if (!told && count(false) >= open) {
            printf("PORTS open=%u\n", open);
            fflush(stdout);
            told = true;
        }
        wait_for_ports(watch, prefix, waiting, wanted_of, echo);
    }
}

static size_t block_size;
static uint64_t bytes_wanted;
static bool writing;

static short transfer_wants(const Port *port)
{
    return port->bytes == bytes_wanted ? 0 : writing ? POLLOUT : POLLIN;
}

static void transfer(Port *port, short events)
{
    uint64_t left = bytes_wanted - port->bytes;
    size_t len = left < block_size ? (size_t)left : block_size;
    ssize_t n;

    if (!left) {
        return;
    }
    n = writing ? write(port->fd, block, len) : read(port->fd, block, len);
    if (n > 0) {
        port->bytes += (uint64_t)n;
    } else if ((n < 0 && errno != EAGAIN) || events & POLLHUP) {
        end_port(port, n < 0 ? strerror(errno) : "hangup");
        exit(EXIT_LOST);
    }
}

static bool all_transferred(void)
{
    for (unsigned i = 0; i < num_ports; i++) {
        if (ports[i]->bytes < bytes_wanted) {
            return false;
        }
    }
    return true;
}

static void transfer_ports(unsigned wanted, const char *prefix)
{
    int watch = watch_dev();

    memset(block, 'x', sizeof(block));
    open_ports(prefix);
    while (num_ports < wanted || !all_transferred()) {
        bool waiting = look_for_host();

        wait_for_ports(watch, prefix, waiting, transfer_wants, transfer);
    }
}

int main(int argc, char **argv)
{
    unsigned args = argc > 1 && strcmp(argv[1], "echo") == 0 ? 2 : 3;
    const char *prefix;

    if (argc < (int)args + 2) {
        fprintf(stderr, "usage: serial-ports echo OPEN END [PREFIX]\n"
                        "       serial-ports write|read BLOCK BYTES COUNT "
                        "[PREFIX]\n");
        return EXIT_USAGE;
    }
    prefix = argc > (int)args + 2 ? argv[args + 2] : "";
    if (args == 2) {
        echo_ports((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]), prefix);
        return EXIT_SUCCESS;
    }
    writing = strcmp(argv[1], "write") == 0;
    block_size = strtoul(argv[2], NULL, 0);
    bytes_wanted = strtoull(argv[3], NULL, 0);
    if (!block_size || block_size > BLOCK_MAX) {
        fprintf(stderr, "serial-ports: BLOCK: wanted 1 to %d\n", BLOCK_MAX);
        return EXIT_USAGE;
    }
    transfer_ports((unsigned)atoi(argv[4]), prefix);
    return EXIT_SUCCESS;
}
