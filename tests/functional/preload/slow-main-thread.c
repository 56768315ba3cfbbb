/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into QEMU: whenever its main thread wakes another, the main thread
 * waits until the vCPUs' thread waits for a lock.  It holds the big lock when
 * it wakes a vCPU, so what it asked of the vCPU is found by one that comes to
 * an instruction which needs that lock, and not before.  QEMU has to give its
 * threads names (-name debug-threads=on).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A vCPU may execute something that needs no lock for ever. */
#define PATIENCE_NS 200000000

static atomic_bool waits; /* the vCPUs' thread, for a lock or to be woken */

static bool vcpus_thread(void)
{
    char name[16] = ""; /* Linux': no longer one fits */

    return !pthread_getname_np(pthread_self(), name, sizeof(name)) &&
           !strncmp(name, "ALL CPUs", strlen("ALL CPUs"));
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*stock)(pthread_mutex_t *);
    int error = pthread_mutex_trylock(mutex);

    if (error != EBUSY) {
        return error;
    }
    if (!stock) {
        stock =
            (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
    }
    if (!vcpus_thread()) {
        return stock(mutex);
    }
    atomic_store(&waits, true);
    error = stock(mutex);
    atomic_store(&waits, false);
    return error;
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *end)
{
    static int (*stock)(pthread_cond_t *, pthread_mutex_t *,
                        const struct timespec *);
    bool vcpus = vcpus_thread();
    int error;

    if (!stock) {
        stock =
            (int (*)(pthread_cond_t *, pthread_mutex_t *,
                     const struct timespec *))dlsym(RTLD_NEXT,
                                                    "pthread_cond_timedwait");
    }
    if (vcpus) {
        atomic_store(&waits, true);
    }
    error = stock(cond, mutex, end);
    if (vcpus) {
        atomic_store(&waits, false);
    }
    return error;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    static int (*stock)(pthread_cond_t *, pthread_mutex_t *);
    bool vcpus = vcpus_thread();
    int error;

    if (!stock) {
        stock = (int (*)(pthread_cond_t *, pthread_mutex_t *))dlsym(
            RTLD_NEXT, "pthread_cond_wait");
    }
    if (vcpus) {
        atomic_store(&waits, true);
    }
    error = stock(cond, mutex);
    if (vcpus) {
        atomic_store(&waits, false);
    }
    return error;
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
    static int (*stock)(pthread_cond_t *);
    const struct timespec nap = {.tv_nsec = 100000};
    int64_t end_ns = now_ns() + PATIENCE_NS;

    if (!stock) {
        stock = (int (*)(pthread_cond_t *))dlsym(RTLD_NEXT,
                                                 "pthread_cond_broadcast");
    }
    while (gettid() == getpid() && !atomic_load(&waits) && now_ns() < end_ns) {
        nanosleep(&nap, NULL);
    }
    return stock(cond);
}
