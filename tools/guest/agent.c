/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest program: samples every clock a guest has, one line a sample, at
 * distances made of CPU work.
 *
 * A line is written in two halves, around the sampling:
 *   "JUMPCUT sample=N " ... "printk_us=... clocksource=... end\n"
 * so that a reader who knows at which byte of the console a cut happened can
 * tell a sample before it from one after it, and drop one that straddles it.
 * Nothing here waits for a clock: a cut may stop or turn back any of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLOCKSOURCE_FILE \
    "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define KMSG_FILE       "/dev/kmsg"
#define NS_PER_S        1000000000ull
#define DEFAULT_SAMPLES 100
#define DEFAULT_WORK    1000000 /* turns of the loop between two samples */
/*
 * Reads until our record must have come.  A stall's stack dumps lie between our
 * write and our read, some 200 records, and while another vCPU is amid one of
 * its records the kernel shows nobody what is behind it.
 */
#define KMSG_READ_LIMIT 1000000

typedef struct Sample {
    uint64_t printk_us;
    uint64_t monotonic_ns;
    uint64_t boottime_ns;
    uint64_t realtime_ns;
    uint64_t tsc;
    char clocksource[32];
} Sample;

static int die(const char *what)
{
    fprintf(stderr, "jumpcut-agent: %s: %s\n", what, strerror(errno));
    return 1;
}

static int clock_read_ns(clockid_t id, uint64_t *ns)
{
    struct timespec ts;

    if (clock_gettime(id, &ts) < 0) {
        return -1;
    }
    *ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
    return 0;
}

static uint64_t tsc_read(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/*
 * The timestamp printk gives a record made now, µs: the record is written at
 * debug level, which the console does not show, and read back.
 */
static int printk_read_us(int kmsg, unsigned nr, uint64_t *us)
{
    char mark[64], record[1024];
    int len = snprintf(mark, sizeof(mark), "<7>jumpcut-agent %u\n", nr);

    if (lseek(kmsg, 0, SEEK_END) < 0 || write(kmsg, mark, len) != len) {
        return -1;
    }
    mark[len - 1] = '\0';
    for (unsigned i = 0; i < KMSG_READ_LIMIT; i++) {
        ssize_t n = read(kmsg, record, sizeof(record) - 1);

        if (n < 0) {
            if (errno == EPIPE) { /* overwritten meanwhile: next record */
                continue;
            }
            if (errno == EAGAIN) { /* ours is there, one before it is not */
                sched_yield();
                continue;
            }
            return -1;
        }
        record[n] = '\0';
        if (strstr(record, mark + strlen("<7>")) &&
            sscanf(record, "%*u,%*u,%" SCNu64, us) == 1) {
            return 0;
        }
    }
    errno = ENOENT;
    return -1;
}

static int clocksource_read(char *name, size_t size)
{
    int fd = open(CLOCKSOURCE_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return -1;
    }
    n = read(fd, name, size - 1);
    close(fd);
    if (n <= 0) {
        return -1;
    }
    name[n] = '\0';
    name[strcspn(name, " \n")] = '\0';
    return 0;
}

static int sample_take(int kmsg, unsigned nr, Sample *s)
{
    if (printk_read_us(kmsg, nr, &s->printk_us) < 0 ||
        clock_read_ns(CLOCK_MONOTONIC, &s->monotonic_ns) < 0 ||
        clock_read_ns(CLOCK_BOOTTIME, &s->boottime_ns) < 0 ||
        clock_read_ns(CLOCK_REALTIME, &s->realtime_ns) < 0) {
        return -1;
    }
    s->tsc = tsc_read();
    return clocksource_read(s->clocksource, sizeof(s->clocksource));
}

/* A half line leaves in one write, so that nobody's bytes get into it. */
static int say(const char *text, int len)
{
    return write(STDOUT_FILENO, text, len) == len ? 0 : -1;
}

static int sample_print(int kmsg, unsigned nr)
{
    char line[256];
    Sample s;
    int len = snprintf(line, sizeof(line), "JUMPCUT sample=%u ", nr);

    if (say(line, len) < 0 || sample_take(kmsg, nr, &s) < 0) {
        return -1;
    }
    len = snprintf(line, sizeof(line),
                   "printk_us=%" PRIu64 " monotonic_ns=%" PRIu64
                   " boottime_ns=%" PRIu64 " realtime_ns=%" PRIu64
                   " tsc=%" PRIu64 " clocksource=%s end\n",
                   s.printk_us, s.monotonic_ns, s.boottime_ns, s.realtime_ns,
                   s.tsc, s.clocksource);
    return say(line, len);
}

/*
 * Three instructions a turn, whatever the compiler makes of loops: scenarios
 * cut clocks at times at which samples are taken.  @turns: not 0.
 */
static void work(unsigned long turns)
{
    unsigned long i = 0;

    __asm__ volatile("1:\n\t"
                     "add $1, %0\n\t"
                     "cmp %0, %1\n\t"
                     "jne 1b"
                     : "+r"(i)
                     : "r"(turns)
                     : "cc");
}

/* @return: 0 and *value, or -1 unless @text is a number from 1 to @max. */
static int number_parse(const char *text, unsigned long max,
                        unsigned long *value)
{
    char *end;

    errno = 0;
    *value = strtoul(text, &end, 10);
    return errno || end == text || *end || !*value || *value > max ? -1 : 0;
}

int main(int argc, char **argv)
{
    unsigned long samples = DEFAULT_SAMPLES, turns = DEFAULT_WORK;
    int kmsg;

    if (argc > 3 || (argc > 1 && number_parse(argv[1], 1000000, &samples)) ||
        (argc > 2 && number_parse(argv[2], 1000000000, &turns))) {
        fprintf(stderr, "usage: jumpcut-agent [SAMPLES [WORK]]\n");
        return 2;
    }
    kmsg = open(KMSG_FILE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (kmsg < 0) {
        return die(KMSG_FILE);
    }
    for (unsigned nr = 1; nr <= samples; nr++) {
        if (sample_print(kmsg, nr) < 0) {
            return die("sample");
        }
        work(turns);
    }
    return 0;
}
