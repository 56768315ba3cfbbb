/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registered vcpu_info areas, and VCPUOP calls about vCPUs.
 *
 * Behaviour: VCPUOP_register_vcpu_info moves a vCPU's slot out of shared_info,
 * once; events and time then go there and the old slot stands still.
 * Check: every documented error in Xen's order of checks, the content of the
 * new area, both for the running and for an offline vCPU, and which of the two
 * the clock moves.
 * Cannot tell apart: an update by the calibration from one by the context
 * switch at the end of a poll.
 * Real Xen: measured on 4.17 and on master, which differ (xen:
 * common/domain.c, common_vcpu_op, map_guest_area; 4.17: map_vcpu_info).
 *
 * RUN: default smp=2 plugin=xen-version=4.17
 * RUN: 4-20 smp=2 plugin=xen-version=4.20
 * RUN: mttcg smp=2 accel=mttcg
 * RUN: pvh smp=2 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"

#define OFFSET_OUT_OF_PAGE 0x1000u
#define NS_PER_S           1000000000ull

static uint8_t area[3][PAGE_SIZE] __attribute__((aligned(4096)));
static struct vcpu_info *const new_info = (void *)&area[0][64];
static struct vcpu_info *const other_info = (void *)&area[0][256];

/* map_guest_area() replaced map_vcpu_info() in 4.18. */
static bool newer(void)
{
    return xen_version() > 0x40011;
}

static long try_register(unsigned vcpu, uint64_t gfn, uint32_t offset)
{
    struct vcpu_register_vcpu_info where = {.mfn = gfn, .offset = offset};

    return xen_vcpu_op(VCPUOP_register_vcpu_info, vcpu, &where);
}

CONFORMS(VCPUOP_register_vcpu_info)
static void bad_areas_are_refused(void)
{
    uint64_t gfn = (uintptr_t)area[1] / PAGE_SIZE;

    CHECK_RC(-XEN_ENOENT, try_register(99, gfn, 0));
    CHECK_RC(-XEN_ENXIO, try_register(0, gfn, 0xfe0));
    CHECK_RC(-XEN_ENXIO, try_register(0, gfn, 0xfc8));
    CHECK_RC(newer() ? -XEN_EINVAL : -XEN_ENXIO,
             try_register(0, gfn, OFFSET_OUT_OF_PAGE));
    CHECK_RC(newer() ? -XEN_EINVAL : -XEN_ENXIO, try_register(0, gfn, ~0u));
    CHECK_RC(-XEN_ENXIO, try_register(0, gfn, 1));
    CHECK_RC(-XEN_ENXIO, try_register(0, gfn, 2));
    if (sizeof(long) == 8) {
        CHECK_RC(-XEN_ENXIO, try_register(0, gfn, 4));
    }
    CHECK_RC(-XEN_EINVAL, try_register(0, 0xd0000, 0));
    CHECK_RC(-XEN_EINVAL, try_register(0, 1ull << 40, 0));
    CHECK_RC(-XEN_EINVAL, try_register(0, ~0ull, 0));
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        input("byte %u", i);
        CHECK_EQ(0, area[1][i]);
    }
}

static void area_takes_over_with_everything_pending(void)
{
    struct shared_info *shared = xen_shared_info();

    if (!shared) {
        return;
    }
    evtchn_ack_upcall(0);
    memset(new_info, 0xaa, sizeof(*new_info));
    CHECK_RC(0, xen_register_vcpu_info(0, new_info));
    CHECK_EQ(1, new_info->evtchn_upcall_pending);
    CHECK_EQ(0, new_info->evtchn_upcall_mask);
    CHECK_EQ((xen_ulong_t)~0ul, new_info->evtchn_pending_sel);
    CHECK_EQ(shared->vcpu_info[0].time.tsc_to_system_mul,
             new_info->time.tsc_to_system_mul);
    CHECK(!(new_info->time.version & 1));
    CHECK(new_info->time.version > shared->vcpu_info[0].time.version);
}

CONFORMS(VCPUOP_register_vcpu_info)
static void registering_twice_is_refused(void)
{
    uint64_t gfn = (uintptr_t)area[1] / PAGE_SIZE;

    CHECK_RC(newer() ? -XEN_EBUSY : -XEN_EINVAL, try_register(0, gfn, 0));
    CHECK_RC(newer() ? -XEN_EBUSY : -XEN_ENXIO, try_register(0, gfn, 0xfe0));
    CHECK_RC(-XEN_ENOENT, try_register(99, gfn, 0));
}

static void old_slot_stands_still(void)
{
    struct shared_info *shared = xen_shared_info();
    uint32_t old = shared->vcpu_info[0].time.version;
    uint32_t new = new_info->time.version;
    struct sched_poll poll = {0};

    poll.timeout = clock_now() + 3 * NS_PER_S / 2;
    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
    CHECK_EQ(old, shared->vcpu_info[0].time.version);
    CHECK(new_info->time.version > new && !(new_info->time.version & 1));
}

static void offline_vcpu_can_be_registered(void)
{
    if (cpu_count() < 2) {
        skip("needs two CPUs");
        return;
    }
    memset(other_info, 0xaa, sizeof(*other_info));
    CHECK_RC(0, xen_register_vcpu_info(1, other_info));
    CHECK_EQ(1, other_info->evtchn_upcall_pending);
    CHECK_EQ(0, other_info->evtchn_upcall_mask);
    CHECK_EQ((xen_ulong_t)~0ul, other_info->evtchn_pending_sel);
    CHECK_RC(newer() ? -XEN_EBUSY : -XEN_EINVAL,
             try_register(1, (uintptr_t)area[1] / PAGE_SIZE, 0));
}

static volatile unsigned other_may_end;

static void stay(void *arg)
{
    (void)arg;
    cpu_wait_for(&other_may_end, 1);
}

CONFORMS(VCPUOP_is_up)
static void is_up_follows_the_vcpu(void)
{
    CHECK_RC(1, xen_vcpu_op(VCPUOP_is_up, 0, NULL));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
    CHECK(cpu_start_other(1, stay, NULL));
    CHECK_RC(1, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
    other_may_end = 1;
    CHECK(cpu_other_done(1));
    /* It halts with interrupts disabled: down again, a little later. */
    for (unsigned i = 0; i < 1000000; i++) {
        if (xen_vcpu_op(VCPUOP_is_up, 1, NULL) == 0) {
            return;
        }
        cpu_relax();
    }
    CHECK_RC(0, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
}

NOT_OFFERED(VCPUOP_get_physid, -XEN_EINVAL)
static void vcpu_ids_and_ops_are_checked(void)
{
    static const unsigned ops[] = {
        VCPUOP_up,
        VCPUOP_down,
        VCPUOP_is_up,
        VCPUOP_get_runstate_info,
        VCPUOP_register_runstate_memory_area,
        VCPUOP_set_periodic_timer,
        VCPUOP_stop_periodic_timer,
        VCPUOP_set_singleshot_timer,
        VCPUOP_register_vcpu_info,
        VCPUOP_register_vcpu_time_memory_area,
        VCPUOP_send_nmi,
        1234,
    };
    static struct vcpu_runstate_info unused;

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        input("op %u", ops[i]);
        CHECK_RC(-XEN_ENOENT, xen_vcpu_op(ops[i], 99, &unused));
        CHECK_RC(-XEN_ENOENT, xen_vcpu_op(ops[i], ~0u, &unused));
    }
    input("self");
    CHECK_RC(-XEN_ENOSYS, xen_vcpu_op(1234, 0, &unused));
    CHECK_RC(-XEN_EINVAL, xen_vcpu_op(VCPUOP_get_physid, 0, &unused));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_up, 0, NULL));
}

static unsigned nmis;

static void on_nmi(TrapFrame *frame)
{
    (void)frame;
    nmis++;
}

CONFORMS(VCPUOP_send_nmi)
static void nmi_to_self_arrives(void)
{
    cpu_set_handler(2, on_nmi);
    CHECK_RC(0, xen_vcpu_op(VCPUOP_send_nmi, 0, NULL));
    for (unsigned i = 0; i < 1000 && !nmis; i++) {
        cpu_relax();
    }
    CHECK_EQ(1, nmis);
    cpu_set_handler(2, NULL);
}

CONFORMS(VCPUOP_get_runstate_info)
static void runstate_adds_up(void)
{
    static struct vcpu_runstate_info info;
    struct vcpu_register_runstate_memory_area where = {0};
    uint64_t before, sum = 0;

    before = clock_hypercall_now();
    CHECK_RC(0, xen_vcpu_op(VCPUOP_get_runstate_info, 0, &info));
    CHECK_EQ(RUNSTATE_running, info.state);
    for (unsigned i = 0; i < ARRAY_SIZE(info.time); i++) {
        sum += info.time[i];
    }
    /* The state began when it says, and the times end now. */
    CHECK(info.state_entry_time <= before);
    CHECK(info.time[RUNSTATE_running] > 0);
    CHECK(info.time[RUNSTATE_blocked] >= NS_PER_S);
    CHECK_RANGE(info.time[RUNSTATE_blocked], clock_hypercall_now(), sum);

    memset(&info, 0xff, sizeof(info));
    where.addr.p = (uintptr_t)&info;
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where));
    CHECK_EQ(RUNSTATE_running, info.state);
    where.addr.p = 0;
    xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where);
}

PAYLOAD(NEEDS_XEN, TEST(bad_areas_are_refused),
        TEST(area_takes_over_with_everything_pending),
        TEST(registering_twice_is_refused), TEST(old_slot_stands_still),
        TEST(offline_vcpu_can_be_registered), TEST(is_up_follows_the_vcpu),
        TEST(vcpu_ids_and_ops_are_checked), TEST(nmi_to_self_arrives),
        TEST(runstate_adds_up));
