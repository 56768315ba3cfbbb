/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest program: what a kernel promises of its clocks, timers and CPUs, tried
 * on every clock and every CPU there is.
 *
 * Debian has no package of the kernel's own self-tests; these are of the same
 * purpose.  A test prints "SELFTEST ok NAME" or "SELFTEST not ok NAME: why";
 * the last line counts them.  Nothing here looks at anything but the guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ll
#define MS       1000000ll
#define READS    20000
#define MAX_CPUS 8
/* How long clocks are compared, by the guest's own time. */
#define RATE_SPAN_NS (200 * MS)
/* What a wake-up may be late: the vCPUs of one thread take turns. */
#define LATE_NS (20 * MS)
#define STORMS  5

static unsigned passed, failed;
static char why[200];

static void fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
}

static int64_t now(clockid_t id)
{
    struct timespec ts = {0, 0};

    clock_gettime(id, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
}

static int run_on(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set);
}

static int nr_cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_CONF);

    return n > MAX_CPUS ? MAX_CPUS : (int)n;
}

static const struct {
    clockid_t id;
    const char *name;
} clocks[] = {
    {CLOCK_REALTIME, "realtime"},
    {CLOCK_MONOTONIC, "monotonic"},
    {CLOCK_MONOTONIC_RAW, "monotonic_raw"},
    {CLOCK_BOOTTIME, "boottime"},
    {CLOCK_REALTIME_COARSE, "realtime_coarse"},
    {CLOCK_MONOTONIC_COARSE, "monotonic_coarse"},
    {CLOCK_TAI, "tai"},
    {CLOCK_PROCESS_CPUTIME_ID, "process_cputime"},
    {CLOCK_THREAD_CPUTIME_ID, "thread_cputime"},
};
#define NR_CLOCKS (sizeof(clocks) / sizeof(clocks[0]))

/* Each clock, on each CPU and from one CPU to the next. */
static void no_clock_goes_backwards(void)
{
    for (unsigned c = 0; c < NR_CLOCKS; c++) {
        int64_t last = now(clocks[c].id);

        for (int cpu = 0; cpu < nr_cpus(); cpu++) {
            if (run_on(cpu)) {
                fail("CPU %d: %s", cpu, strerror(errno));
                return;
            }
            for (unsigned i = 0; i < READS / 10; i++) {
                int64_t t = now(clocks[c].id);

                if (t < last) {
                    fail("%s on CPU %d: %" PRId64 " after %" PRId64,
                         clocks[c].name, cpu, t, last);
                    return;
                }
                last = t;
            }
        }
    }
}

/* Readers on all CPUs at once, each against the latest any of them saw. */
static pthread_mutex_t latest_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t latest, backwards;

static void *reader(void *arg)
{
    run_on((int)(intptr_t)arg);
    for (unsigned i = 0; i < READS; i++) {
        int64_t t;

        pthread_mutex_lock(&latest_lock);
        t = now(CLOCK_MONOTONIC);
        if (t < latest) {
            backwards = latest - t;
        }
        latest = t;
        pthread_mutex_unlock(&latest_lock);
    }
    return NULL;
}

static void cpus_agree_on_the_time(void)
{
    pthread_t threads[MAX_CPUS];
    int n = nr_cpus();

    for (int i = 0; i < n; i++) {
        pthread_create(&threads[i], NULL, reader, (void *)(intptr_t)i);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    if (backwards) {
        fail("a reading was %" PRId64 " ns before one of another CPU",
             backwards);
    }
}

/* Clocks that count the same seconds drift apart by 500 ppm at most. */
static void clocks_run_at_one_rate(void)
{
    static const clockid_t ids[] = {CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
                                    CLOCK_REALTIME, CLOCK_TAI};
    const struct timespec span = timespec_of(RATE_SPAN_NS);
    int64_t start[4], base = now(CLOCK_MONOTONIC), passed_ns;

    for (unsigned i = 0; i < 4; i++) {
        start[i] = now(ids[i]) - now(CLOCK_MONOTONIC);
    }
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
    passed_ns = now(CLOCK_MONOTONIC) - base;
    for (unsigned i = 0; i < 4; i++) {
        int64_t off = now(ids[i]) - now(CLOCK_MONOTONIC) - start[i];

        if (off > passed_ns / 2000 + MS || off < -passed_ns / 2000 - MS) {
            fail("clock %d is %" PRId64 " ns off after %" PRId64, (int)ids[i],
                 off, passed_ns);
        }
    }
}

static void check_sleep(clockid_t id, int64_t ns, bool absolute)
{
    int64_t start = now(id), slept;
    struct timespec ts = timespec_of(absolute ? start + ns : ns);

    if (clock_nanosleep(id, absolute ? TIMER_ABSTIME : 0, &ts, NULL)) {
        fail("clock %d: %s", (int)id, strerror(errno));
        return;
    }
    slept = now(id) - start;
    if (slept < ns || slept > ns + LATE_NS) {
        fail("clock %d, %s: %" PRId64 " ns instead of %" PRId64, (int)id,
             absolute ? "absolute" : "relative", slept, ns);
    }
}

static void sleeps_are_never_short(void)
{
    static const clockid_t ids[] = {CLOCK_MONOTONIC, CLOCK_REALTIME,
                                    CLOCK_BOOTTIME, CLOCK_TAI};
    static const int64_t lengths[] = {1, 1000, 50000, 1 * MS, 5 * MS, 30 * MS};

    for (int cpu = 0; cpu < nr_cpus(); cpu++) {
        run_on(cpu);
        for (unsigned i = 0; i < 4 * 6; i++) {
            check_sleep(ids[i / 6], lengths[i % 6], i % 2);
        }
    }
}

static int timer_at(clockid_t id, int64_t at, int64_t period)
{
    struct itimerspec spec = {timespec_of(period), timespec_of(at)};
    int fd = timerfd_create(id, TFD_NONBLOCK);

    timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
    return fd;
}

/* Deadlines that have passed, in any order of setting, and none that has not */
static void timers_expire_in_order(void)
{
    static const int order[] = {5, 2, 7, 1, 4, 6, 3, 8};
    int64_t base = now(CLOCK_MONOTONIC) + 2 * MS;
    int fds[9] = {0};

    for (unsigned i = 0; i < 8; i++) {
        fds[order[i]] = timer_at(CLOCK_MONOTONIC, base + order[i] * 2 * MS, 0);
    }
    for (int next = 1; next <= 8;) {
        int64_t before = now(CLOCK_MONOTONIC), after;
        uint64_t times;
        bool expired = read(fds[next], &times, sizeof(times)) > 0;

        after = now(CLOCK_MONOTONIC);
        if (expired && after < base + next * 2 * MS) {
            fail("timer %d is early by %" PRId64 " ns", next,
                 base + next * 2 * MS - after);
        } else if (!expired && before > base + next * 2 * MS + LATE_NS) {
            fail("timer %d does not come", next);
        }
        if (why[0]) {
            break;
        }
        next += expired;
    }
    for (int i = 1; i <= 8; i++) {
        close(fds[i]);
    }
}

/* As many ticks as periods have passed, neither lost nor made up. */
static void periodic_timer_counts_every_tick(void)
{
    int64_t start = now(CLOCK_MONOTONIC), end;
    int fd = timer_at(CLOCK_MONOTONIC, start + MS, MS);
    uint64_t ticks = 0, part;

    while ((end = now(CLOCK_MONOTONIC)) < start + 100 * MS) {
        if (read(fd, &part, sizeof(part)) > 0) {
            ticks += part;
        }
    }
    if (read(fd, &part, sizeof(part)) > 0) {
        ticks += part;
    }
    end = now(CLOCK_MONOTONIC);
    close(fd);
    if (ticks < 99 || ticks > (uint64_t)((end - start) / MS)) {
        fail("%" PRIu64 " ticks of a millisecond in %" PRId64 " ns", ticks,
             end - start);
    }
}

static volatile sig_atomic_t alarms;

static void on_alarm(int nr)
{
    (void)nr;
    alarms = alarms + 1;
}

static void signal_timer_fires(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGALRM};
    struct itimerspec spec = {timespec_of(5 * MS), timespec_of(5 * MS)};
    int64_t start = now(CLOCK_MONOTONIC);
    timer_t timer;

    signal(SIGALRM, on_alarm);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
        timer_settime(timer, 0, &spec, NULL)) {
        fail("%s", strerror(errno));
        return;
    }
    while (now(CLOCK_MONOTONIC) < start + 52 * MS) {
    }
    timer_delete(timer);
    if (alarms < 5 || alarms > 10) {
        fail("%d signals of 5 ms in 52 ms", (int)alarms);
    }
}

/* Wall clock steps leave the others alone, and end what waits for them. */
static void setting_the_wall_clock_moves_it_alone(void)
{
    struct itimerspec spec = {{0, 0}, {0, 0}};
    int64_t wall = now(CLOCK_REALTIME), mono = now(CLOCK_MONOTONIC), moved;
    struct timespec ts = timespec_of(wall + 1000 * NS_PER_S);
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    uint64_t times;

    spec.it_value = timespec_of(wall + 5000 * NS_PER_S);
    timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec,
                    NULL);
    if (clock_settime(CLOCK_REALTIME, &ts)) {
        fail("%s", strerror(errno));
    } else if (read(fd, &times, sizeof(times)) != -1 || errno != ECANCELED) {
        fail("the timer was not cancelled");
    }
    moved = now(CLOCK_REALTIME) - wall - (now(CLOCK_MONOTONIC) - mono);
    if (!why[0] && (moved < 999 * NS_PER_S || moved > 1001 * NS_PER_S)) {
        fail("moved by %" PRId64 " ns instead of 1000 s", moved);
    }
    close(fd);
}

static int set_online(int cpu, bool online)
{
    char path[64];
    int fd, ret;

    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
    fd = open(path, O_WRONLY);
    if (fd < 0) {
        return -1;
    }
    ret = write(fd, online ? "1" : "0", 1) == 1 ? 0 : -1;
    close(fd);
    return ret;
}

/* A CPU that was away has the time and timers of the others. */
static void cpus_go_and_come_back(void)
{
    int64_t last = now(CLOCK_MONOTONIC);

    for (int i = 0; i < STORMS * (nr_cpus() - 1); i++) {
        int cpu = 1 + i % (nr_cpus() - 1);

        run_on(0);
        if (set_online(cpu, false) || set_online(cpu, true) || run_on(cpu)) {
            fail("CPU %d, round %d: %s", cpu, i, strerror(errno));
            return;
        }
        check_sleep(CLOCK_MONOTONIC, 100000, false);
        if (now(CLOCK_MONOTONIC) < last) {
            fail("CPU %d: the time went back", cpu);
        }
        last = now(CLOCK_MONOTONIC);
    }
}

/* It sets the clock and stops CPUs: never on the machine that tests. */
static bool in_test_guest(void)
{
    char line[4096] = "";
    FILE *file = fopen("/proc/cmdline", "r");
    bool found =
        file && fgets(line, sizeof(line), file) && strstr(line, "jumpcut.run=");

    if (file) {
        fclose(file);
    }
    return found;
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
#define TEST(fn) {#fn, fn}
        TEST(no_clock_goes_backwards),
        TEST(cpus_agree_on_the_time),
        TEST(clocks_run_at_one_rate),
        TEST(sleeps_are_never_short),
        TEST(timers_expire_in_order),
        TEST(periodic_timer_counts_every_tick),
        TEST(signal_timer_fires),
        TEST(cpus_go_and_come_back),
        TEST(setting_the_wall_clock_moves_it_alone),
    };

    if (!in_test_guest()) {
        fprintf(stderr, "selftest: this is no test guest\n");
        return 2;
    }
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        why[0] = '\0';
        tests[i].run();
        run_on(0);
        if (why[0]) {
            failed++;
            printf("SELFTEST not ok %s: %s\n", tests[i].name, why);
        } else {
            passed++;
            printf("SELFTEST ok %s\n", tests[i].name);
        }
        fflush(stdout);
    }
    printf("SELFTEST done cpus=%d passed=%u failed=%u\n", nr_cpus(), passed,
           failed);
    return failed != 0;
}
