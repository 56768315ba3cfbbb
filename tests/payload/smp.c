/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several vCPUs with events and timers at the same time.
 *
 * Behaviour: no event and no timer is lost between vCPUs that halt and wake
 * each other, by either kind of upcall; a vCPU that is started again has its
 * TSC in step with the first one's; one that is sent down stays down until
 * it is sent up, however it waits, and whatever comes for it.
 * Check: a token goes round all vCPUs by IPI, each halting until it comes;
 * each vCPU's own timer fires as often as it was armed; INIT and SIPI after a
 * write of TSC_ADJUST; VCPUOP_down and VCPUOP_up of a vCPU in HLT with and
 * without interrupts, and after INIT.
 * Cannot tell apart: a lost wake-up from an extremely slow one: both end in
 * the runner's time-out.
 * Real Xen: the same (xen: arch/x86/hvm/hvm.c, hvm_vcpu_reset_state).
 *
 * RUN: two smp=2
 * RUN: four smp=4
 * RUN: tcg smp=4 accel=tcg
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: mttcg-again smp=4 accel=mttcg plugin=tsc-khz=2596122
 * RUN: pvh smp=4 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#define ROUNDS     500
#define TIMERS     50
#define TIMER_NS   20000
#define VECTOR     0xd2
#define UNUSED_GSI 1
#define BIG_ADJUST (1ull << 40)
/* How often, and how far apart, a runstate is looked at before it lasts. */
#define LOOKS   10
#define LOOK_NS 1000000

static int ipi[MAX_CPUS], virq[MAX_CPUS];
static volatile unsigned tokens[MAX_CPUS], fired[MAX_CPUS], ready;
static bool direct;

static void on_event(TrapFrame *frame)
{
    unsigned cpu = cpu_index();

    (void)frame;
    evtchn_ack_upcall(cpu);
    if (ipi[cpu] > 0) {
        tokens[cpu] = tokens[cpu] + evtchn_clear((unsigned)ipi[cpu]);
    }
    if (virq[cpu] > 0) {
        fired[cpu] = fired[cpu] + evtchn_clear((unsigned)virq[cpu]);
    }
    if (!direct) {
        lapic_eoi();
    }
}

static void pass_on(unsigned cpu)
{
    evtchn_send((unsigned)ipi[(cpu + 1) % cpu_count()]);
}

static void wait_tokens(unsigned cpu, unsigned count)
{
    while (tokens[cpu] < count) {
        cpu_wait();
    }
}

static void other_passes_on(void *arg)
{
    unsigned cpu = cpu_index();

    (void)arg;
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        wait_tokens(cpu, i);
        pass_on(cpu);
    }
}

static void token_goes_round(void)
{
    ready = 0;
    for (unsigned i = 0; i < cpu_count(); i++) {
        tokens[i] = 0;
        ipi[i] = evtchn_bind_ipi(i);
        CHECK(ipi[i] > 0);
        evtchn_ack_upcall(i);
    }
    for (unsigned i = 1; i < cpu_count(); i++) {
        CHECK(cpu_start_other(i, other_passes_on, NULL));
    }
    CHECK(cpu_wait_for(&ready, cpu_count() - 1));
    for (unsigned i = 1; i <= ROUNDS; i++) {
        pass_on(0);
        wait_tokens(0, i);
    }
    for (unsigned i = 0; i < cpu_count(); i++) {
        input("cpu %u", i);
        if (i > 0) {
            CHECK(cpu_other_done(i));
        }
        CHECK_EQ(ROUNDS, tokens[i]);
        CHECK_RC(0, evtchn_close((unsigned)ipi[i]));
        ipi[i] = 0;
    }
}

/* First: the vectors of the local APICs cannot be taken back. */
static void token_by_direct_vector(void)
{
    if (!xen_shared_info()) {
        return;
    }
    direct = true;
    cpu_set_handler(VECTOR, on_event);
    CHECK_RC(0, evtchn_callback_vector(VECTOR));
    token_goes_round();
}

static void token_by_local_apic(void)
{
    direct = false;
    CHECK_RC(0, evtchn_callback_gsi(UNUSED_GSI));
    for (unsigned i = 0; i < cpu_count(); i++) {
        CHECK_RC(0, evtchn_upcall_vector(i, VECTOR));
    }
    token_goes_round();
}

static volatile uint64_t worst_early;

static void arm_and_wait(void)
{
    unsigned cpu = cpu_index();

    for (unsigned i = 0; i < TIMERS; i++) {
        unsigned before = fired[cpu];
        uint64_t at = clock_now() + TIMER_NS;

        xen_set_timer(at);
        while (fired[cpu] == before) {
            cpu_wait();
        }
        if (clock_now() + 2 < at) {
            worst_early = at - clock_now();
        }
    }
}

static void other_arms(void *arg)
{
    (void)arg;
    arm_and_wait();
}

static void every_vcpu_has_its_timer(void)
{
    for (unsigned i = 0; i < cpu_count(); i++) {
        input("cpu %u", i);
        virq[i] = evtchn_bind_virq(VIRQ_TIMER, i);
        CHECK(virq[i] > 0);
        fired[i] = 0;
        evtchn_ack_upcall(i);
    }
    for (unsigned i = 1; i < cpu_count(); i++) {
        CHECK(cpu_start_other(i, other_arms, NULL));
    }
    arm_and_wait();
    for (unsigned i = 0; i < cpu_count(); i++) {
        input("cpu %u", i);
        if (i > 0) {
            CHECK(cpu_other_done(i));
        }
        CHECK_EQ(TIMERS, fired[i]);
        CHECK_RC(0, evtchn_close((unsigned)virq[i]));
        virq[i] = 0;
    }
    CHECK_EQ(0, worst_early);
}

static volatile uint64_t other_adjust, other_tsc;

static void other_adjusts(void *arg)
{
    (void)arg;
    cpu_wrmsr(MSR_TSC_ADJUST, BIG_ADJUST);
    other_tsc = rdtsc();
}

static void other_reads(void *arg)
{
    uint64_t adjust = 1;

    (void)arg;
    cpu_rdmsr(MSR_TSC_ADJUST, &adjust);
    other_adjust = adjust;
    other_tsc = rdtsc();
}

static void startup_brings_tsc_into_step(void)
{
    uint64_t before;

    CHECK(cpu_start_other(1, other_adjusts, NULL) && cpu_other_done(1));
    CHECK(other_tsc >= BIG_ADJUST);
    before = rdtsc();
    CHECK(cpu_start_other(1, other_reads, NULL) && cpu_other_done(1));
    CHECK_EQ(0, other_adjust);
    CHECK_RANGE(before, rdtsc(), other_tsc);
}

/* Stops in between, so that the others have their turn. */
static bool wait_for_runstate(unsigned cpu, int state)
{
    struct vcpu_runstate_info info = {.state = -1};

    for (unsigned i = 0; i < LOOKS && info.state != state; i++) {
        struct sched_poll poll = {.timeout = clock_hypercall_now() + LOOK_NS};

        xen_sched_op(SCHEDOP_poll, &poll);
        xen_vcpu_op(VCPUOP_get_runstate_info, cpu, &info);
    }
    return info.state == state;
}

static volatile unsigned woken;

static void other_waits(void *arg)
{
    (void)arg;
    cpu_wait();
    woken = 1;
}

/* An event that comes for it is kept. */
CONFORMS(VCPUOP_down)
CONFORMS(VCPUOP_up)
CONFORMS(VCPUOP_is_up)
static void halted_vcpu_sent_down_stays_down(void)
{
    woken = 0;
    tokens[1] = 0;
    ipi[1] = evtchn_bind_ipi(1);
    evtchn_ack_upcall(1);
    CHECK(cpu_start_other(1, other_waits, NULL));
    CHECK(wait_for_runstate(1, RUNSTATE_blocked));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_down, 1, NULL));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
    CHECK_RC(0, evtchn_send((unsigned)ipi[1]));
    CHECK(!wait_for_runstate(1, RUNSTATE_running));
    CHECK_EQ(0, woken);
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_up, 1, NULL));
    CHECK(cpu_wait_for(&woken, 1) && cpu_other_done(1));
    CHECK_EQ(1, tokens[1]);
    CHECK_RC(0, evtchn_close((unsigned)ipi[1]));
    ipi[1] = 0;
}

static void other_halts_for_good(void *arg)
{
    (void)arg;
    __asm__ volatile("cli\n\thlt" : : : "memory");
    woken = 1;
}

static void hlt_without_interrupts_ends_by_up(void)
{
    woken = 0;
    CHECK(cpu_start_other(1, other_halts_for_good, NULL));
    CHECK(wait_for_runstate(1, RUNSTATE_offline));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
    CHECK_EQ(0, woken);
    CHECK_RC(0, xen_vcpu_op(VCPUOP_up, 1, NULL));
    CHECK(cpu_wait_for(&woken, 1) && cpu_other_done(1));
}

static void other_spins(void *arg)
{
    (void)arg;
    for (;;) {
        cpu_relax();
    }
}

CONFORMS(VCPUOP_up)
static void up_after_init_is_einval(void)
{
    CHECK(cpu_start_other(1, other_spins, NULL));
    lapic_send_init(cpu_apic_id(1));
    CHECK(wait_for_runstate(1, RUNSTATE_offline));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
    CHECK_RC(-XEN_EINVAL, xen_vcpu_op(VCPUOP_up, 1, NULL));
}

PAYLOAD(NEEDS_XEN, TEST(token_by_direct_vector), TEST(token_by_local_apic),
        TEST(every_vcpu_has_its_timer), TEST(halted_vcpu_sent_down_stays_down),
        TEST(hlt_without_interrupts_ends_by_up), TEST(up_after_init_is_einval),
        TEST(startup_brings_tsc_into_step));
