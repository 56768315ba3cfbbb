/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loops to be timed from outside: the word on the command line says which, and
 * "count=N" how often; it prints the word and the count, no times.
 *
 *   hypercall  xen_version through the hypercall page
 *   undefined  the same instruction where there is no Xen: #UD and back
 *   pvclock    a reading of system time
 *   rdtsc      RDTSC
 *   cpu        arithmetic, memory and branches in user mode, no exit at all
 */
#include "tests/payload/lib/clock.h"

#define CPU_WORDS 8192u

static volatile uint64_t sink;

static void loop_hypercall(uint64_t count)
{
    while (count-- > 0) {
        xen_version_op(XENVER_version, NULL);
    }
}

/* Steps over the three bytes of VMMCALL; nothing is pushed beside the frame. */
extern const uint8_t step_over[];
__asm__(".pushsection .text\n"
        "step_over:\n"
#ifdef __x86_64__
        "addq $3, (%rsp)\n"
        "iretq\n"
#else
        "addl $3, (%esp)\n"
        "iret\n"
#endif
        ".popsection");

static void loop_undefined(uint64_t count)
{
    cpu_set_raw_handler(VEC_UD, step_over);
    while (count-- > 0) {
        __asm__ volatile(".byte 0x0f, 0x01, 0xd9" : : : "memory");
    }
}

/* As short as a kernel's: the record changes once a second at most. */
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
        ns = t->system_time + (delta >> 32) * t->tsc_to_system_mul +
             (((delta & 0xffffffff) * t->tsc_to_system_mul) >> 32);
        barrier();
    } while (t->version != version);
    return ns;
}

static void loop_pvclock(uint64_t count)
{
    const struct vcpu_info *info = xen_vcpu_info(0);

    while (count-- > 0) {
        sink = pvclock_now(&info->time);
    }
}

static void loop_rdtsc(uint64_t count)
{
    while (count-- > 0) {
        sink = rdtsc();
    }
}

static uint64_t cpu_count_left;

static unsigned long compute(void)
{
    static uint64_t words[CPU_WORDS];
    uint64_t x = 88172645463325252u, sum = 0;

    while (cpu_count_left-- > 0) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if (x & 1) {
            words[x % CPU_WORDS] += x;
        } else {
            sum += words[(x >> 8) % CPU_WORDS];
        }
    }
    return (unsigned long)sum;
}

static void loop_cpu(uint64_t count)
{
    cpu_count_left = count;
    sink = cpu_user_call(compute);
}

static void loop_runs(void)
{
    static const struct {
        const char *word;
        void (*loop)(uint64_t count);
        bool needs_xen;
    } loops[] = {
        {"hypercall", loop_hypercall, true},
        {"undefined", loop_undefined, false},
        {"pvclock", loop_pvclock, true},
        {"rdtsc", loop_rdtsc, false},
        {"cpu", loop_cpu, false},
    };
    uint64_t count = cmdline_number("count", 0);

    for (unsigned i = 0; i < ARRAY_SIZE(loops); i++) {
        if (!cmdline_has(loops[i].word)) {
            continue;
        }
        if (loops[i].needs_xen && (!xen_version() || !xen_shared_info())) {
            error("%s needs a Xen", loops[i].word);
            return;
        }
        loops[i].loop(count);
        value(loops[i].word, count);
        return;
    }
    error("no loop is named on the command line");
}

PAYLOAD(NEEDS_NOTHING, TEST(loop_runs));
