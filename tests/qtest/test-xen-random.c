/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls with arguments out of a seeded generator: numbers and structures
 * that are nearly right.  QEMU has to live, and two runs have to give the same
 * results; best run with the sanitizers.
 */
#include "tests/qtest/xen-guest.h"

#include <string.h>

#define ROUNDS   4
#define CALLS    500
#define WORDS    8 /* of an argument structure, 64 bits each */
#define NR_VCPUS 2

static const uint32_t calls[] = {
    __HYPERVISOR_memory_op,   __HYPERVISOR_set_timer_op,
    __HYPERVISOR_xen_version, __HYPERVISOR_grant_table_op,
    __HYPERVISOR_vm_assist,   __HYPERVISOR_vcpu_op,
    __HYPERVISOR_sched_op,    __HYPERVISOR_event_channel_op,
    __HYPERVISOR_hvm_op,      __HYPERVISOR_console_io,
    __HYPERVISOR_physdev_op,  __HYPERVISOR_multicall,
};

/* Mostly small, sometimes on an edge, sometimes anything. */
static uint64_t random_value(GRand *rand)
{
    static const uint64_t edges[] = {
        DOMID_SELF,        1,
        XG_SHARED_GFN,     XG_ARG_GPA,
        XG_FREE_GPA,       XG_FREE_GPA + 0xff8,
        XG_NO_RAM_GPA - 1, XG_NO_RAM_GPA,
        0xfeffc,           0xfeffc000,
        0xfee00000,        INT32_MAX,
        UINT32_MAX,        INT64_MAX,
        UINT64_MAX,        1ull << 56 | 3 << 11,
    };

    switch (g_rand_int_range(rand, 0, 8)) {
    case 0:
        return edges[g_rand_int_range(rand, 0, G_N_ELEMENTS(edges))];
    case 1:
        return (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
    case 2:
        return (uint64_t)g_rand_int_range(rand, 0, 8) << 32 |
               g_rand_int_range(rand, 0, 8);
    default:
        return g_rand_int_range(rand, 0, 16);
    }
}

/* QEMU stops the machine when its threads get to it: not at an exact call. */
static bool ends_the_domain(uint64_t nr, uint64_t op)
{
    if (nr == __HYPERVISOR_sched_op) {
        return op == SCHEDOP_shutdown || op == SCHEDOP_shutdown_code ||
               op == SCHEDOP_remote_shutdown || op == SCHEDOP_watchdog;
    }
    return nr == __HYPERVISOR_vcpu_op && op == VCPUOP_down;
}

static int64_t random_call(Qtest *q, GRand *rand)
{
    uint64_t words[WORDS], args[6];
    uint64_t nr = calls[g_rand_int_range(rand, 0, G_N_ELEMENTS(calls))];
    bool long_mode = g_rand_boolean(rand);
    unsigned cpu = g_rand_int_range(rand, 0, NR_VCPUS);

    for (unsigned i = 0; i < WORDS; i++) {
        words[i] = random_value(rand);
    }
    qtest_memwrite(q, XG_ARG_GPA, words, sizeof(words));
    for (unsigned i = 0; i < G_N_ELEMENTS(args); i++) {
        args[i] =
            g_rand_int_range(rand, 0, 3) ? XG_ARG_GPA : random_value(rand);
        args[i] &= long_mode ? UINT64_MAX : UINT32_MAX;
    }
    do {
        args[0] = g_rand_int_range(rand, 0, 20);
    } while (ends_the_domain(nr, args[0]));
    if (nr == __HYPERVISOR_vcpu_op) {
        args[1] = g_rand_int_range(rand, 0, NR_VCPUS + 1);
    }
    return qtest_hypercall_args(q, cpu, long_mode, nr, args);
}

static void checksum_add(GChecksum *sum, uint64_t value)
{
    g_checksum_update(sum, (const guchar *)&value, sizeof(value));
}

/* One guest's life: everything it was told, as a checksum. */
static char *random_life(uint32_t seed)
{
    Qtest *q = qtest_start("-smp 2", "guest=xen-hvm,uptime=100,tsc-khz=2596122,"
                                     "wallclock=1600000000");
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t page[4096];

    xg_map_shared_info(q);
    for (unsigned i = 0; i < CALLS; i++) {
        checksum_add(sum, random_call(q, rand));
        if (g_rand_int_range(rand, 0, 16) == 0) {
            qtest_clock_step(q, g_rand_int_range(rand, 1, 100000000));
            checksum_add(sum, qtest_rdtsc(q, 0));
            checksum_add(sum, qtest_upcall(q, 0));
        }
    }
    qtest_memread(q, XG_SHARED_GPA, page, sizeof(page));
    g_checksum_update(sum, page, sizeof(page));
    qtest_memread(q, XG_FREE_GPA, page, sizeof(page));
    g_checksum_update(sum, page, sizeof(page));
    qtest_quit(q);
    return g_strdup(g_checksum_get_string(sum));
}

static void random_calls_twice_are_the_same(gconstpointer data)
{
    uint32_t seed = GPOINTER_TO_UINT(data);
    g_autofree char *first = random_life(seed);
    g_autofree char *second = random_life(seed);

    g_assert_cmpstr(first, ==, second);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (unsigned seed = 1; seed <= ROUNDS; seed++) {
        g_autofree char *path =
            g_strdup_printf("/xen-random/calls-twice-are-the-same/%u", seed);

        g_test_add_data_func(path, GUINT_TO_POINTER(seed),
                             random_calls_twice_are_the_same);
    }
    return g_test_run();
}
