/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loops to be timed from outside: the word on the command line says which, and
 * "count=N" how often; it prints the word and the count, no times.
 *
 *   hypercall  xen_version through the hypercall page
 *   undefined  the same instruction where there is no Xen: #UD and back
 *   pvclock    a reading of system time
 *   rdtsc      RDTSC
 *   cpu        arithmetic on memory, no exit at all
 */
#include "tests/payload/lib/clock.h"

#define CPU_WORDS 4096u

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

static void loop_pvclock(uint64_t count)
{
    const struct vcpu_time_info *record = &xen_vcpu_info(0)->time;

    while (count-- > 0) {
        sink = pvclock_read(record);
    }
}

static void loop_rdtsc(uint64_t count)
{
    while (count-- > 0) {
        sink = rdtsc();
    }
}

static void loop_cpu(uint64_t count)
{
    static uint32_t words[CPU_WORDS];
    uint32_t x = 1;

    while (count-- > 0) {
        for (unsigned i = 0; i < CPU_WORDS; i++) {
            x = x * 1664525 + 1013904223;
            words[(x >> 12) % CPU_WORDS] ^= x + words[i];
        }
    }
    sink = words[x % CPU_WORDS];
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
