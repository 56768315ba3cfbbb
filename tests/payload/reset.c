/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine reset makes a new domain of the same guest.
 *
 * Behaviour: after SHUTDOWN_reboot nothing that the first boot asked of its
 * hypervisor is left: no mapped page, no port, no callback, no registered
 * area, no timer, no TSC_ADJUST.  The host's clock has gone on.
 * Check: the first boot asks for all of it, leaves a mark in memory beyond the
 * image, which a reset keeps, and reboots; the second looks.
 * Cannot tell apart: a reset of the machine from a new machine.
 * Real Xen: the tool stack builds a new domain, with new memory; there the
 * mark is gone and this payload reboots for ever.
 *
 * RUN: default reset=on append=reset
 * RUN: smp smp=2 reset=on append=reset
 * RUN: mttcg smp=2 accel=mttcg reset=on append=reset
 * RUN: pvh smp=2 guest=pvh reset=on append=reset
 */
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#define MARK_PA      0x2000000ul /* 32 MiB: beyond image and firmware */
#define MARK         0x6a756d70637574ull
#define VECTOR       0x61
#define LAPIC_VECTOR 0xd1
#define FIRST_FREE   3
#define ADJUST       (1ull << 40)
#define PERIOD_NS    1000000
#define SHARED_PA    (MARK_PA + PAGE_SIZE)
#define AREA_PA      (MARK_PA + 2 * PAGE_SIZE)
#define RUNSTATE_PA  (MARK_PA + 3 * PAGE_SIZE)
#define UNTOUCHED    0x5a

typedef struct Mark {
    uint64_t mark, system_time;
    uint64_t failed; /* calls of the first boot that were refused */
} Mark;

static volatile Mark *const mark = (volatile Mark *)MARK_PA;
static unsigned upcalls;

static void on_upcall(TrapFrame *frame)
{
    (void)frame;
    upcalls++;
    lapic_eoi();
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Asks for everything there is; counts what is refused. */
static void first_boot(void)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = SHARED_PA / PAGE_SIZE,
    };
    struct vcpu_register_vcpu_info info = {.mfn = AREA_PA / PAGE_SIZE};
    struct vcpu_register_runstate_memory_area runstate = {0};
    struct vcpu_set_periodic_timer periodic = {.period_ns = PERIOD_NS};
    struct sched_shutdown shutdown = {.reason = SHUTDOWN_reboot};
    unsigned failed = 0;

    runstate.addr.p = RUNSTATE_PA;
    failed += xen_memory_op(XENMEM_add_to_physmap, &map) != 0;
    failed += xen_vcpu_op(VCPUOP_register_vcpu_info, 0, &info) != 0;
    failed +=
        xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &runstate) != 0;
    failed += evtchn_bind_virq(VIRQ_TIMER, 0) < 0;
    failed += evtchn_bind_ipi(0) < 0;
    failed += evtchn_callback_vector(VECTOR) != 0;
    failed += evtchn_upcall_vector(0, LAPIC_VECTOR) != 0;
    failed += xen_vcpu_op(VCPUOP_set_periodic_timer, 0, &periodic) != 0;
    failed += xen_set_timer(clock_hypercall_now() + 3 * PERIOD_NS) != 0;
    failed += cpu_wrmsr(MSR_TSC_ADJUST, ADJUST) != NO_TRAP;
    if (cpu_count() > 1) {
        failed += !cpu_start_other(1, nothing, NULL);
    }
    mark->failed = failed;
    mark->system_time = clock_hypercall_now();
    mark->mark = MARK;
    xen_sched_op(SCHEDOP_shutdown, &shutdown);
    error("SHUTDOWN_reboot returned");
}

static void second_boot_is_reached(void)
{
    if (mark->mark != MARK) {
        if (!cmdline_has("reset")) {
            skip("must be let reboot");
            return;
        }
        first_boot();
    }
    CHECK_EQ(0, mark->failed);
    cpu_set_handler(VECTOR, on_upcall);
    cpu_set_handler(LAPIC_VECTOR, on_upcall);
}

static void time_has_gone_on(void)
{
    CHECK(clock_hypercall_now() > mark->system_time);
    CHECK_EQ(1, cpu_cpuid(XEN_CPUID_LEAF(3), 0).edx);
}

static void tsc_adjust_is_undone(void)
{
    uint64_t adjust = 1;

    CHECK_RC(NO_TRAP, cpu_rdmsr(MSR_TSC_ADJUST, &adjust));
    CHECK_EQ(0, adjust);
    CHECK(rdtsc() < ADJUST);
}

static void timers_and_upcalls_are_gone(void)
{
    struct sched_poll poll = {0};

    memset((void *)AREA_PA, UNTOUCHED, PAGE_SIZE);
    memset((void *)RUNSTATE_PA, UNTOUCHED, PAGE_SIZE);
    memset((void *)SHARED_PA, UNTOUCHED, PAGE_SIZE);
    poll.timeout = clock_hypercall_now() + 5 * PERIOD_NS;
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    cpu_open_interrupts();
    CHECK_EQ(0, upcalls);
}

static void pages_are_memory_again(void)
{
    static const unsigned long pages[] = {SHARED_PA, AREA_PA, RUNSTATE_PA};

    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        const uint8_t *page = (const uint8_t *)pages[i];

        for (unsigned j = 0; j < PAGE_SIZE; j++) {
            if (page[j] != UNTOUCHED) {
                input("page %u byte %u", i, j);
                CHECK_EQ(UNTOUCHED, page[j]);
                break;
            }
        }
    }
    CHECK(xen_shared_info() != NULL);
}

static void ports_are_free_again(void)
{
    uint64_t via = 1;

    CHECK_RC(FIRST_FREE, evtchn_bind_virq(VIRQ_TIMER, 0));
    CHECK_RC(FIRST_FREE + 1, evtchn_bind_ipi(0));
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CALLBACK_IRQ, &via));
    CHECK_EQ(0, via);
}

static void area_can_be_registered_again(void)
{
    CHECK_RC(0, xen_register_vcpu_info(0, (struct vcpu_info *)AREA_PA));
    CHECK_RC(1, xen_vcpu_op(VCPUOP_is_up, 0, NULL));
    if (cpu_count() > 1) {
        CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
        CHECK(cpu_start_other(1, nothing, NULL) && cpu_other_done(1));
    }
}

PAYLOAD(NEEDS_XEN, TEST(second_boot_is_reached), TEST(time_has_gone_on),
        TEST(tsc_adjust_is_undone), TEST(timers_and_upcalls_are_gone),
        TEST(pages_are_memory_again), TEST(ports_are_free_again),
        TEST(area_can_be_registered_again));
