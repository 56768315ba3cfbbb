/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loops whose cost run-bench measures from outside: loop=NUMBER rounds=N on the
 * command line.
 */
#include "tests/payload/lib/xen.h"

#define TABLE_WORDS 8192u

/* Length of VMMCALL, 0f 01 d9 */
#define VMMCALL_SIZE "3"

static unsigned long rounds;
static uint64_t table[TABLE_WORDS];
static volatile uint64_t sink;

/* Arithmetic, memory and branches that cannot be predicted, in user mode. */
static unsigned long compute_in_user_mode(void)
{
    uint64_t x = 88172645463325252u, sum = 0;

    for (unsigned long i = 0; i < rounds; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if (x & 1) {
            table[x % TABLE_WORDS] += x;
        } else {
            sum += table[(x >> 8) % TABLE_WORDS];
        }
    }
    return (unsigned long)sum;
}

static void loop_compute(void)
{
    sink = cpu_user_call(compute_in_user_mode);
}

/*
 * The cheapest handler of #UD there is: skip the instruction.  A guest on a
 * QEMU without a hypervisor gets there by the same VMMCALL.
 */
void bench_skip_vmmcall(void);
__asm__(".globl bench_skip_vmmcall\n"
        "bench_skip_vmmcall:\n\t"
        "addq $" VMMCALL_SIZE ", (%rsp)\n\t"
        "iretq\n");

static void take_ud_ourselves(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } idtr;
    uintptr_t at = (uintptr_t)bench_skip_vmmcall;
    uint64_t *gate;

    __asm__ volatile("sidt %0" : "=m"(idtr));
    gate = (uint64_t *)(idtr.base + 16 * VEC_UD);
    gate[0] = (gate[0] & 0x0000ffffffff0000u) | (at & 0xffff) |
              ((uint64_t)(at >> 16 & 0xffff) << 48);
    gate[1] = at >> 32;
}

/* xen_version(XENVER_version): the hypercall with the least to do. */
static void loop_hypercall(void)
{
    long ret = 0;

    take_ud_ourselves();
    for (unsigned long i = 0; i < rounds; i++) {
        __asm__ volatile("vmmcall"
                         : "=a"(ret)
                         : "a"((long)__HYPERVISOR_xen_version), "D"(0L), "S"(0L)
                         : "memory");
    }
    sink = (uint64_t)ret;
}

static void loop_rdtsc(void)
{
    uint64_t tsc = 0;

    for (unsigned long i = 0; i < rounds; i++) {
        tsc += rdtsc();
    }
    sink = tsc;
}

static uint64_t pvclock_now(const volatile struct vcpu_time_info *t)
{
    uint64_t delta, ns;
    uint32_t version;

    do {
        version = t->version & ~1u;
        barrier();
        delta = rdtsc() - t->tsc_timestamp;
        delta =
            t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
        ns =
            t->system_time +
            (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
        barrier();
    } while (t->version != version);
    return ns;
}

static void loop_pvclock(void)
{
    struct vcpu_info *info = xen_vcpu_info(0);
    uint64_t ns = 0;

    for (unsigned long i = 0; i < rounds; i++) {
        ns += pvclock_now(&info->time);
    }
    sink = ns;
}

static const struct {
    const char *word;
    void (*run)(void);
} loops[] = {
    {"compute", loop_compute},
    {"hypercall", loop_hypercall},
    {"rdtsc", loop_rdtsc},
    {"pvclock", loop_pvclock},
};

static void loop_named_runs(void)
{
    unsigned which = (unsigned)cmdline_number("loop", ARRAY_SIZE(loops));

    rounds = cmdline_number("rounds", 0);
    if (which >= ARRAY_SIZE(loops) || rounds == 0) {
        error("want loop=0 to %u and rounds=", (unsigned)ARRAY_SIZE(loops) - 1);
        return;
    }
    pr("# %s\n", loops[which].word);
    loops[which].run();
}

PAYLOAD(NEEDS_NOTHING, TEST(loop_named_runs));
