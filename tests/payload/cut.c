/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cut, seen from inside.
 *
 * Behaviour: at an exact virtual time the host profile changes under a running
 * guest: system time and TSC jump as the new profile says, and what it does
 * not say goes on; from then on pvclock, HVMOP_get_time, CPUID and timers all
 * belong to the new host.
 * Check: the payload reads TSC and system time in a loop until one of them
 * jumps, prints the last reading before and the first after it and the new
 * record; the runner checks the numbers, exactly for the record.
 * Cannot tell apart: a cut a few instructions late: the readings are 1 us
 * apart, and the cut may fall between the two of one; the record's stamp is
 * exact.
 * Real Xen: a migration does this to a guest that is not told (xen:
 * arch/x86/time.c, tsc_set_info; arch/x86/hvm/hvm.c, hvm_load_cpu_ctxt).
 *
 * RUN: uptime plugin=uptime=1000 plugin=cut=0.005:uptime=5000
 *      want=before.system=1000004980000..1000005000000
 *      want=after.system=5000000000000..5000000020000
 *      want=record.system=5000000000000 want=record.tsc=5000000
 *      want=before.tsc=4980000..5001000 want=after.tsc=5000000..5020000
 *      want=incarnation=2
 * RUN: backwards plugin=uptime=5000 plugin=cut=0.005:uptime=10
 *      want=before.system=5000004980000..5000005000000
 *      want=after.system=10000000000..10000020000
 *      want=record.system=10000000000 want=record.tsc=5000000
 * RUN: tsc plugin=cut=0.005:tsc=77000000000
 *      want=before.tsc=4980000..5001000
 *      want=after.tsc=77000000000..77000020000 want=record.tsc=77000000000
 *      want=record.system=5000000 want=after.system=4999000..5020000
 * RUN: tsc-back plugin=tsc=900000000000
 *      plugin=cut=0.005:tsc=5,uptime=77
 *      want=record.tsc=5 want=record.system=77000000000
 * RUN: downtime plugin=cut=0.005:downtime=3
 *      want=record.system=3005000000 want=record.tsc=5000000
 *      want=after.system=3005000000..3005020000
 * RUN: khz-emulated plugin=cut=0.005:tsc-khz=2596122,uptime=50
 *      want=record.mul=0x80000000 want=record.shift=1
 *      want=record.tsc=5000000 want=guest-khz=1000000
 *      want=host-khz=2596122 want=emulated=1 want=rate-khz=1000000
 * RUN: khz-native plugin=tsc-mode=native
 *      plugin=cut=0.005:tsc-khz=2596122,uptime=50
 *      want=record.mul=0xc5379ca5 want=record.shift=255
 *      want=host-khz=2596122 want=emulated=0 want=record.tsc=5000000
 *      want=rate-khz=2596121..2596123
 * RUN: khz-from plugin=tsc-khz=2596122 plugin=tsc-mode=native
 *      plugin=cut=0.005:tsc-khz=1000000,uptime=50
 *      want=before.tsc=12928000..12984000 want=record.tsc=12980610
 *      want=record.mul=0x80000000 want=record.shift=1
 *      want=rate-khz=1000000
 * RUN: khz-scaled plugin=invtsc=on plugin=tsc-scaling=on
 *      plugin=cut=0.005:tsc-khz=2596122,uptime=50
 *      want=emulated=0 want=guest-khz=1000000 want=host-khz=2596122
 *      want=record.mul=0x80000000 want=record.shift=1
 *      want=record.tsc=5000000 want=rate-khz=1000000
 * RUN: invtsc plugin=cut=0.005:invtsc=on,uptime=50 append=timer
 *      want=invtsc.before=0 want=invtsc.after=1
 * RUN: wallclock plugin=wallclock=1577836800
 *      plugin=cut=0.005:wallclock=1600000000,uptime=50
 *      want=wallclock.before=1577836800 want=wallclock.after=1599999950
 * RUN: timer plugin=uptime=1000 plugin=cut=0.005:uptime=5000
 *      append=timer
 * RUN: smp smp=2 plugin=uptime=1000 plugin=cut=0.005:uptime=5000
 *      want=other.system=5000000000000..5000200000000
 * RUN: halted plugin=uptime=1000 plugin=cut=0.005:uptime=5000
 *      append=halted want=after.system=5000000000000..5000000020000
 *      want=after.tsc=5000000..5020000 want=record.system=5000000000000
 * RUN: mttcg smp=2 accel=mttcg plugin=uptime=1000
 *      plugin=cut=1:uptime=5000 append=loose
 *      want=before.system=1000000000000..1002000000000
 *      want=after.system=5000000000000..5060000000000
 * RUN: twice plugin=cut=0.005:uptime=50 plugin=cut=0.08:uptime=20
 *      append=again want=record.system=50000000000
 *      want=again.system=20000000000 want=incarnation=2
 *      want=again.incarnation=3
 */
#include "tests/payload/lib/clock.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull
/* Larger than any step of the loop, and than a vCPU waits for its turn. */
#define JUMP         NS_PER_S
#define LATE_NS      20000
#define MAX_READS    50000000u
#define LEAF_POWER   0x80000007u
#define EDX_INVTSC   (1u << 8)
#define TIMER_VECTOR 0x70

typedef struct Reading {
    uint64_t tsc, system;
} Reading;

static Reading before, after;
static int timer_port;

static Reading take(void)
{
    Reading r;

    r.system = clock_now();
    r.tsc = rdtsc();
    return r;
}

static bool far_apart(uint64_t a, uint64_t b)
{
    return b - a > JUMP && a - b > JUMP;
}

/* The same around a halt that lasts until the clock has jumped. */
static bool sleep_over_jump(Reading *last, Reading *next)
{
    struct sched_poll poll = {0};

    *last = take();
    poll.timeout = last->system + 60 * NS_PER_S;
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    *next = take();
    return far_apart(last->system, next->system);
}

/* The last reading before a jump goes to *@last, the first after to *@next. */
static bool find_jump(Reading *last, Reading *next)
{
    *last = take();
    for (unsigned i = 0; i < MAX_READS; i++) {
        *next = take();
        if (far_apart(last->tsc, next->tsc) ||
            far_apart(last->system, next->system)) {
            return true;
        }
        *last = *next;
    }
    return false;
}

static uint64_t wallclock_s(void)
{
    struct shared_info *shared = xen_shared_info();

    return shared->wc_sec | ((uint64_t)shared->xen_wc_sec_hi << 32);
}

static volatile unsigned other_done;
static volatile uint64_t other_system;

static void other_watches(void *arg)
{
    Reading last, next;

    (void)arg;
    other_system = find_jump(&last, &next) ? next.system : 0;
    other_done = 1;
}

static void jump_is_seen_once(void)
{
    struct vcpu_time_info record;

    if (!xen_shared_info()) {
        return;
    }
    timer_port = evtchn_bind_virq(VIRQ_TIMER, 0);
    CHECK(timer_port > 0);
    evtchn_mask((unsigned)timer_port);
    if (cmdline_has("timer")) {
        /* Due long after the payload ends, unless the clock jumps. */
        CHECK_RC(0, xen_set_timer(clock_now() + 60 * NS_PER_S));
    }
    value("wallclock.before", wallclock_s());
    value("invtsc.before", !!(cpu_cpuid(LEAF_POWER, 0).edx & EDX_INVTSC));
    if (cpu_count() > 1) {
        CHECK(cpu_start_other(1, other_watches, NULL));
    }
    if (!CHECK(cmdline_has("halted") ? sleep_over_jump(&before, &after)
                                     : find_jump(&before, &after))) {
        return;
    }
    CHECK(pvclock_snapshot(&xen_vcpu_info(0)->time, &record));
    value("before.system", before.system);
    value("before.tsc", before.tsc);
    value("after.system", after.system);
    value("after.tsc", after.tsc);
    value("record.system", record.system_time);
    value("record.tsc", record.tsc_timestamp);
    value("record.mul", record.tsc_to_system_mul);
    value("record.shift", (uint8_t)record.tsc_shift);
    value("invtsc.after", !!(cpu_cpuid(LEAF_POWER, 0).edx & EDX_INVTSC));
    value("wallclock.after", wallclock_s());
    if (cpu_count() > 1) {
        CHECK(cpu_wait_for(&other_done, 1));
        value("other.system", other_system);
    }
}

static void leaves_belong_to_the_new_host(void)
{
    CpuidRegs tsc = cpu_cpuid(XEN_CPUID_LEAF(3), 0);

    value("incarnation", tsc.edx);
    value("guest-khz", tsc.ecx);
    value("emulated", tsc.eax & 1);
    value("host-khz", cpu_cpuid(XEN_CPUID_LEAF(3), 2).eax);
    CHECK_EQ(2, tsc.edx);
}

static void hypercall_agrees_after_it(void)
{
    uint64_t low = clock_now(), xen = clock_hypercall_now();

    CHECK_RANGE(low - 2, clock_now() + 2, xen);
}

/* kHz of the TSC against system time, over 50 ms. */
static void rate_is_the_new_hosts(void)
{
    struct sched_poll poll = {0};
    uint64_t time, tsc;

    time = clock_hypercall_now();
    tsc = rdtsc();
    poll.timeout = time + 50 * NS_PER_MS;
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    time = clock_hypercall_now() - time;
    tsc = rdtsc() - tsc;
    CHECK(time >= 50 * NS_PER_MS);
    value("rate-khz", (tsc * 1000000 + time / 2) / time);
}

static void timer_follows_the_clock(void)
{
    struct sched_poll poll = {.nr_ports = 1};
    evtchn_port_t ports[1] = {(evtchn_port_t)timer_port};
    uint64_t now = clock_now();
    uint64_t late = cmdline_has("loose") ? 60 * NS_PER_S : LATE_NS;

    if (cmdline_has("timer")) {
        /* The deadline has been jumped over, by far or by none of it. */
        bool due = after.system > before.system + 60 * NS_PER_S;

        CHECK_EQ(due, evtchn_pending((unsigned)timer_port));
    }
    evtchn_clear((unsigned)timer_port);
    set_xen_guest_handle(poll.ports, ports);
    poll.timeout = now + 60 * NS_PER_S;
    CHECK_RC(0, xen_set_timer(now + 2 * NS_PER_MS));
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    CHECK_RANGE(now + 2 * NS_PER_MS, now + 2 * NS_PER_MS + late, clock_now());
    CHECK(evtchn_pending((unsigned)timer_port));
    CHECK_RC(0, xen_set_timer(0));
}

static void second_cut_is_seen_too(void)
{
    struct vcpu_time_info record;
    Reading last, next;

    if (!cmdline_has("again")) {
        return;
    }
    if (!CHECK(find_jump(&last, &next))) {
        return;
    }
    CHECK(pvclock_snapshot(&xen_vcpu_info(0)->time, &record));
    value("again.system", record.system_time);
    value("again.incarnation", cpu_cpuid(XEN_CPUID_LEAF(3), 0).edx);
}

PAYLOAD(NEEDS_XEN, TEST(jump_is_seen_once), TEST(leaves_belong_to_the_new_host),
        TEST(hypercall_agrees_after_it), TEST(rate_is_the_new_hosts),
        TEST(timer_follows_the_clock), TEST(second_cut_is_seen_too));
