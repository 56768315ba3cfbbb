/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways a domain ends.
 *
 * Behaviour: SCHEDOP_shutdown ends it with a reason; so do a halt of the last
 * vCPU with interrupts disabled (power off) and a triple fault (reboot).
 * Check: the runner asks QEMU, over QMP, how the machine ended.
 * Cannot tell apart: reasons that QEMU has one word for.
 * Real Xen: the same reasons (xen: common/domain.c, domain_shutdown;
 * arch/x86/hvm/hvm.c, hvm_vcpu_down, hvm_triple_fault); what follows is up to
 * the tool stack.
 *
 * RUN: poweroff end=poweroff
 * RUN: reboot append=end=reboot end=reboot
 * RUN: crash append=end=crash end=crash
 * RUN: watchdog append=end=watchdog end=poweroff
 * RUN: watchdog-smp smp=4 append=end=watchdog end=poweroff
 * RUN: watchdog-pvh smp=2 guest=pvh append=end=watchdog end=poweroff
 * RUN: hlt append=end=hlt end=poweroff
 * RUN: hlt-smp smp=2 append=end=hlt end=poweroff
 * RUN: triple append=end=triple end=reboot
 * RUN: mttcg smp=4 accel=mttcg append=end=hlt end=poweroff
 * RUN: mttcg-poweroff smp=4 accel=mttcg
 * RUN: pvh smp=2 guest=pvh append=end=hlt end=poweroff
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

static void shut_down(unsigned reason)
{
    struct sched_shutdown shutdown = {.reason = reason};

    xen_sched_op(SCHEDOP_shutdown, &shutdown);
    pr("SCHEDOP_shutdown(%u) returned\n", reason);
}

static void end_reboot(void)
{
    shut_down(SHUTDOWN_reboot);
}

static void end_crash(void)
{
    shut_down(SHUTDOWN_crash);
}

/* Were it not to bark in its second, this would be a crash. */
static void end_watchdog(void)
{
    struct sched_watchdog dog = {.id = 0, .timeout = 1};
    struct sched_poll poll = {.timeout = clock_hypercall_now() + 3000000000};

    dog.id = (uint32_t)xen_sched_op(SCHEDOP_watchdog, &dog);
    pr("SCHEDOP_watchdog returned %u\n", dog.id);
    xen_sched_op(SCHEDOP_poll, &poll);
    pr("no bark\n");
    shut_down(SHUTDOWN_crash);
}

static void end_hlt(void)
{
    __asm__ volatile("cli\n\thlt");
}

static void end_triple(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        unsigned long base;
    } none = {0, 0};

    __asm__ volatile("lidt %0\n\tud2" : : "m"(none));
}

/* "end=WORD": numbers only are parsed, so words are looked for whole. */
CONFORMS(SHUTDOWN_poweroff)
CONFORMS(SHUTDOWN_reboot)
CONFORMS(SHUTDOWN_crash)
CONFORMS(SHUTDOWN_watchdog)
static void end_is_chosen(void)
{
    static const struct {
        const char *word;
        void (*end)(void);
    } ends[] = {
        {"end=reboot", end_reboot},     {"end=crash", end_crash},
        {"end=watchdog", end_watchdog}, {"end=hlt", end_hlt},
        {"end=triple", end_triple},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
        if (cmdline_has(ends[i].word)) {
            payload_end = ends[i].end;
        }
    }
    CHECK_EQ(cmdline_has("end"), payload_end != NULL);
}

static void bad_pointer_ends_nothing(void)
{
    CHECK_RC(-XEN_EFAULT,
             xen_sched_op(SCHEDOP_shutdown, cpu_map_window(1, 0, 0)));
    CHECK_RC(-XEN_EFAULT,
             xen_sched_op(SCHEDOP_remote_shutdown, cpu_map_window(1, 0, 0)));
    CHECK_RC(-XEN_ENOSYS, xen_sched_op(99, NULL));
}

static volatile unsigned halted;

static void halts(void *arg)
{
    (void)arg;
    halted = 1;
}

/* One vCPU down is not the domain's end, and it can come back. */
static void halt_of_one_vcpu_ends_nothing(void)
{
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 1; i < cpu_count(); i++) {
            input("cpu %u round %u", i, round);
            CHECK(cpu_start_other(i, halts, NULL));
            CHECK(cpu_other_done(i));
        }
    }
    CHECK_EQ(xen_version(), xen_version_op(XENVER_version, NULL));
}

PAYLOAD(NEEDS_XEN, TEST(end_is_chosen), TEST(bad_pointer_ends_nothing),
        TEST(halt_of_one_vcpu_ends_nothing));
