/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that was saved and restored: what the new domain has of the old.
 *
 * Behaviour: SHUTDOWN_suspend returns 0 in a new domain.  Memory, registers,
 * the TSC and the toolstack's parameters are those of the old one; ports,
 * shared_info, registered areas, timers, runstate counters, callbacks, the
 * grant table, the rings and the home in xenstore are as just built; system
 * time is the new host's, and the wall clock waits until the guest sets its
 * callback.
 * Check: each test makes something, suspends, and looks for it; the runner
 * restores the guest over QMP and counts how often, and checks the clock.
 * Cannot tell apart: a timer that was lost from one that is late by more than
 * the test waits.
 * Real Xen: measured on 4.17 by "xl save" and "xl restore" where Xen's and
 * not only libxl's word counts: return code, shared_info, areas, ports,
 * parameters, grant table, runstate, TSC, wall clock, CPUID; the others by its
 * source (xen: tools/libs/guest/xg_sr_restore_x86_hvm.c, xg_dom_boot.c).
 *
 * RUN: default resumes=12 restore=downtime=3
 * RUN: uptime resumes=12 plugin=uptime=5000 restore=uptime=10
 *      want=system=10000000000..10000100000 want=record.system=10000000000
 * RUN: downtime resumes=12 plugin=uptime=1000 restore=downtime=3
 *      append=exact want=jumped=3000000000..3000100000
 * RUN: wallclock resumes=12 plugin=wallclock=1577836800
 *      restore=wallclock=1600000000 restore=uptime=50
 *      want=wallclock=1599999950
 * RUN: khz resumes=12 restore=tsc-khz=2596122 restore=uptime=50
 *      want=emulated=1 want=guest-khz=1000000 want=host-khz=2596122
 * RUN: smp smp=4 resumes=12 restore=downtime=3
 * RUN: newer smp=2 resumes=12 plugin=xen-version=4.20 restore=downtime=3
 * RUN: mttcg smp=4 accel=mttcg resumes=12 restore=downtime=3
 * RUN: pvh guest=pvh smp=4 resumes=12 restore=downtime=3
 */
#include "tests/conformance.h"
#include "tests/payload/lib/clock.h"
#include "tests/payload/lib/grant.h"
#include "tests/payload/lib/store.h"

#define VECTOR     0x61
#define LEAF_XEN   0x40000000u
#define NS_PER_MS  1000000ull
#define NS_PER_S   1000000000ull
#define FIRST_FREE 3  /* after the store's and the console's port */

static uint8_t page[4][PAGE_SIZE] __attribute__((aligned(4096)));
static struct vcpu_runstate_info *const area = (void *)&page[1][64];
static struct vcpu_time_info *const time_area = (void *)&page[1][256];

/* Both are laid anew after each restore. */
static struct shared_info *shared;

static bool map_shared_info(void)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF,
                                     .space = XENMAPSPACE_shared_info};

    shared = xen_shared_info();
    map.gpfn = (uintptr_t)shared / PAGE_SIZE;
    return shared && CHECK_RC(0, xen_memory_op(XENMEM_add_to_physmap, &map));
}

static bool suspend(void)
{
    struct sched_shutdown op = {.reason = SHUTDOWN_suspend};

    return CHECK_RC(0, xen_sched_op(SCHEDOP_shutdown, &op));
}

/* What every test does: it has a domain, and then another. */
static bool restore(void)
{
    return suspend() && map_shared_info();
}

static void sleep_ns(uint64_t ns)
{
    struct sched_poll poll = {.timeout = clock_hypercall_now() + ns};

    CHECK_RC(0, xen_sched_op(SCHEDOP_poll, &poll));
}

static unsigned status_of(unsigned port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

    CHECK_RC(0, xen_evtchn_op(EVTCHNOP_status, &op));
    return op.status;
}

static uint64_t pages_now(void)
{
    domid_t self = DOMID_SELF;

    return (uint64_t)xen_memory_op(XENMEM_current_reservation, &self);
}

static void all_bytes(const uint8_t *at, size_t len, uint8_t want)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i] != want) {
            input("byte %u", (unsigned)i);
            CHECK_EQ(want, at[i]);
            return;
        }
    }
}

/* Nothing is at its frame until it is mapped; then it is a new page. */
CONFORMS(SHUTDOWN_suspend)
static void shared_info_is_a_new_page(void)
{
    struct vcpu_time_info record;
    uint64_t pages;

    if (!map_shared_info()) {
        return;
    }
    evtchn_mask(20);
    pages = pages_now();
    if (!suspend()) {
        return;
    }
    all_bytes((uint8_t *)shared, PAGE_SIZE, 0xff);
    CHECK_EQ(pages - 1, pages_now());
    if (!map_shared_info()) {
        return;
    }
    all_bytes((uint8_t *)shared->evtchn_mask, sizeof(shared->evtchn_mask), 0);
    CHECK_EQ(0, shared->wc_version);
    CHECK_EQ(0, shared->wc_sec);
    CHECK_EQ(2, shared->vcpu_info[0].time.version);
    CHECK(pvclock_snapshot(&shared->vcpu_info[0].time, &record));
    value("record.system", record.system_time);
    value("record.tsc", record.tsc_timestamp);
    CHECK_RC(0, evtchn_callback_none());
    CHECK_EQ(2, shared->wc_version);
    value("wallclock", shared->wc_sec);
}

/* A record in memory of the guest's: it stands still once it is forgotten. */
CONFORMS(SHUTDOWN_suspend)
static void registered_areas_are_forgotten(void)
{
    struct vcpu_register_vcpu_info info = {.mfn = grant_gfn(page[0])};
    struct vcpu_register_runstate_memory_area run = {.addr.p = (uintptr_t)area};
    struct vcpu_register_time_memory_area time = {.addr.p =
                                                      (uintptr_t)time_area};
    uint8_t before[2][PAGE_SIZE];

    if (!map_shared_info()) {
        return;
    }
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_vcpu_info, 0, &info));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &run));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &time));
    CHECK(xen_vcpu_op(VCPUOP_register_vcpu_info, 0, &info) < 0);
    CHECK(time_area->tsc_to_system_mul != 0);
    if (!suspend()) {
        return;
    }
    memcpy(before, page, sizeof(before));
    CHECK(time_area->tsc_to_system_mul != 0);
    sleep_ns(1500 * NS_PER_MS); /* more than an epoch */
    CHECK(!memcmp(before, page, sizeof(before)));
    if (map_shared_info()) {
        CHECK_RC(0, xen_vcpu_op(VCPUOP_register_vcpu_info, 0, &info));
        CHECK_RC(0, xen_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &run));
        sleep_ns(NS_PER_MS);
        CHECK(memcmp(before[1], page[1], sizeof(before[1])));
    }
    restore(); /* without that page */
}

CONFORMS(SHUTDOWN_suspend)
static void ports_are_the_toolstacks_two(void)
{
    uint64_t number = 0;

    if (!map_shared_info()) {
        return;
    }
    CHECK_RC(FIRST_FREE, evtchn_bind_ipi(0));
    CHECK_RC(FIRST_FREE + 1, evtchn_bind_virq(VIRQ_TIMER, 0));
    CHECK_RC(FIRST_FREE + 2, evtchn_bind_virq(VIRQ_DEBUG, 0));
    if (!restore()) {
        return;
    }
    CHECK_EQ(EVTCHNSTAT_interdomain, status_of(1));
    CHECK_EQ(EVTCHNSTAT_interdomain, status_of(2));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(EVTCHNSTAT_closed, status_of(FIRST_FREE + i));
    }
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_STORE_EVTCHN, &number));
    CHECK_EQ(1, number);
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CONSOLE_EVTCHN, &number));
    CHECK_EQ(2, number);
    CHECK_RC(FIRST_FREE, evtchn_bind_virq(VIRQ_TIMER, 0));
    CHECK_RC(0, evtchn_close(FIRST_FREE));
}

/* Two levels: there are no priorities, and bits are in shared_info. */
CONFORMS(SHUTDOWN_suspend)
static void fifo_events_are_of_two_levels(void)
{
    struct evtchn_init_control control = {.control_gfn = grant_gfn(page[2])};
    struct evtchn_set_priority priority = {.port = FIRST_FREE};
    int port;

    if (!map_shared_info()) {
        return;
    }
    CHECK_RC(0, xen_evtchn_op(EVTCHNOP_init_control, &control));
    if (!restore()) {
        return;
    }
    port = evtchn_bind_ipi(0);
    CHECK_RC(FIRST_FREE, port);
    CHECK_RC(-XEN_ENOSYS, xen_evtchn_op(EVTCHNOP_set_priority, &priority));
    evtchn_mask((unsigned)port);
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK(evtchn_clear((unsigned)port));
    CHECK_RC(0, evtchn_close((unsigned)port));
}

static volatile unsigned upcalls;

static void count_upcall(TrapFrame *frame)
{
    (void)frame;
    upcalls++;
}

/* What is the guest's own is not saved, what tells a device model is. */
CONFORMS(SHUTDOWN_suspend)
static void callback_is_lost_and_parameters_stay(void)
{
    uint64_t generation = 0xfc000010, number = 77;
    int port;

    if (!map_shared_info()) {
        return;
    }
    cpu_set_handler(VECTOR, count_upcall);
    CHECK_RC(0, evtchn_callback_vector(VECTOR));
    CHECK_RC(0, xen_hvm_set_param(HVM_PARAM_VM_GENERATION_ID_ADDR, generation));
    CHECK_RC(0, xen_hvm_set_param(HVM_PARAM_X87_FIP_WIDTH, 8));
    if (!restore()) {
        return;
    }
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CALLBACK_IRQ, &number));
    CHECK_EQ(0, number);
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_VM_GENERATION_ID_ADDR, &number));
    CHECK_EQ(generation, number);
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_X87_FIP_WIDTH, &number));
    CHECK_EQ(8, number);
    upcalls = 0;
    port = evtchn_bind_ipi(0);
    CHECK_RC(0, evtchn_send((unsigned)port));
    sleep_ns(NS_PER_MS);
    cpu_open_interrupts();
    CHECK_EQ(0, upcalls);
    CHECK(evtchn_pending((unsigned)port));
    restore(); /* without the pending upcall */
}

/* Neither the timers nor the watchdog go on. */
CONFORMS(SHUTDOWN_suspend)
static void timers_are_stopped(void)
{
    struct vcpu_set_periodic_timer period = {.period_ns = 5 * NS_PER_MS};
    struct sched_watchdog watchdog = {.timeout = 1};
    int port;

    if (!map_shared_info()) {
        return;
    }
    CHECK_RC(0, xen_set_timer(clock_hypercall_now() + NS_PER_S));
    CHECK_RC(0, xen_vcpu_op(VCPUOP_set_periodic_timer, 0, &period));
    CHECK_RC(1, xen_sched_op(SCHEDOP_watchdog, &watchdog));
    if (!restore()) {
        return;
    }
    port = evtchn_bind_virq(VIRQ_TIMER, 0);
    CHECK(port > 0);
    evtchn_mask((unsigned)port);
    sleep_ns(2 * NS_PER_S);
    CHECK(!evtchn_pending((unsigned)port));
    watchdog.timeout = 0;
    watchdog.id = 1;
    CHECK_RC(-XEN_EINVAL, xen_sched_op(SCHEDOP_watchdog, &watchdog));
    CHECK_RC(0, evtchn_close((unsigned)port));
}

CONFORMS(SHUTDOWN_suspend)
static void grant_table_is_of_version_1(void)
{
    struct gnttab_get_version version = {.dom = DOMID_SELF};
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    const struct grant_entry_v1 *entries = (void *)page[3];
    uint64_t store = 0, console = 0;

    if (!map_shared_info() || !grant_setup(2)) {
        return;
    }
    CHECK_RC(0, grant_lay(2, page[3]));
    if (!restore()) {
        return;
    }
    all_bytes(page[3], PAGE_SIZE, 0xff);
    CHECK_RC(0, grant_op(GNTTABOP_get_version, &version, 1));
    CHECK_EQ(1, version.version);
    CHECK_RC(0, grant_op(GNTTABOP_query_size, &size, 1));
    CHECK_EQ(1, size.nr_frames);
    CHECK_RC(0, grant_lay(0, page[3]));
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_STORE_PFN, &store));
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CONSOLE_PFN, &console));
    CHECK_EQ(console, entries[GNTTAB_RESERVED_CONSOLE].frame);
    CHECK_EQ(store, entries[GNTTAB_RESERVED_XENSTORE].frame);
    CHECK_EQ(GTF_permit_access, entries[GNTTAB_RESERVED_XENSTORE].flags);
    CHECK_EQ(0, entries[GNTTAB_RESERVED_XENSTORE].domid);
    all_bytes((void *)&entries[2], PAGE_SIZE - 2 * sizeof(*entries), 0);
}

static uint32_t store_type(uint32_t type, const char *payload, size_t len)
{
    const StoreMsg *msg = store_call(type, 0, payload, len);

    return msg ? msg->hdr.type : XS_ERROR;
}

/* Another id, another home; nothing of the guest's is there or watched. */
CONFORMS(SHUTDOWN_suspend)
static void xenstore_begins_anew(void)
{
    static const char watch[] = "data/w\0token";
    static const char write[] = "data/w\0one";
    unsigned domid = grant_domid();
    const StoreMsg *msg;
    uint64_t console = 0;

    if (!map_shared_info()) {
        return;
    }
    store_init();
    CHECK_EQ(XS_WATCH, store_type(XS_WATCH, watch, sizeof(watch)));
    CHECK_EQ(XS_WRITE, store_type(XS_WRITE, write, sizeof(write) - 1));
    if (!restore()) {
        return;
    }
    CHECK_EQ(0, store_page()->req_prod);
    CHECK_EQ(0, store_page()->rsp_prod);
    CHECK_RC(0, xen_hvm_get_param(HVM_PARAM_CONSOLE_PFN, &console));
    all_bytes((void *)(uintptr_t)(console * PAGE_SIZE), 1024, 0);
    CHECK_EQ(domid + 1, grant_domid());
    while (store_has_event()) {
        store_event(); /* of before */
    }
    msg = store_call(XS_READ, 0, "domid", sizeof("domid"));
    CHECK(msg && msg->hdr.type == XS_READ);
    CHECK(msg &&
          (unsigned)(msg->data[msg->hdr.len - 1] - '0') == grant_domid() % 10);
    CHECK_EQ(XS_ERROR, store_type(XS_READ, "data/w", sizeof("data/w")));
    CHECK_EQ(XS_WRITE, store_type(XS_WRITE, write, sizeof(write) - 1));
    CHECK(!store_has_event());
}

static uint64_t all_runstates(unsigned vcpu)
{
    struct vcpu_runstate_info info = {0};
    uint64_t sum = 0;

    CHECK_RC(0, xen_vcpu_op(VCPUOP_get_runstate_info, vcpu, &info));
    for (unsigned i = 0; i < ARRAY_SIZE(info.time); i++) {
        sum += info.time[i];
    }
    return sum;
}

/* The TSC goes on, and the counters of runstates begin at 0. */
CONFORMS(SHUTDOWN_suspend)
static void clocks_are_the_new_hosts(void)
{
    uint32_t incarnation = cpu_cpuid(LEAF_XEN + 3, 0).edx;
    uint64_t system, tsc, after;

    if (!map_shared_info()) {
        return;
    }
    sleep_ns(NS_PER_S);
    CHECK(all_runstates(0) >= NS_PER_S);
    system = clock_hypercall_now();
    tsc = rdtsc();
    if (!suspend()) {
        return;
    }
    after = clock_hypercall_now();
    CHECK_RANGE(tsc, tsc + NS_PER_S / 2, rdtsc());
    CHECK_EQ(incarnation + 1, cpu_cpuid(LEAF_XEN + 3, 0).edx);
    CHECK(all_runstates(0) < NS_PER_S / 2);
    value("system", after);
    if (cmdline_has("exact")) {
        value("jumped", after - system);
    }
    value("emulated", cpu_cpuid(LEAF_XEN + 3, 0).eax & 1);
    value("guest-khz", cpu_cpuid(LEAF_XEN + 3, 0).ecx);
    value("host-khz", cpu_cpuid(LEAF_XEN + 3, 2).eax);
    CHECK(map_shared_info());
}

static volatile unsigned other_waits, other_woke;

static void other_sleeps(void *arg)
{
    struct sched_poll poll = {0};

    (void)arg;
    other_waits = 1;
    xen_sched_op(SCHEDOP_poll, &poll); /* for ever */
    other_woke = 1;
}

/* A saved vCPU does not wait: it goes on behind its call.  Last: it is over. */
CONFORMS(SHUTDOWN_suspend)
static void waiting_vcpu_goes_on(void)
{
    if (cpu_count() == 1) {
        restore();
        return;
    }
    if (!map_shared_info() || !CHECK(cpu_start_other(1, other_sleeps, NULL)) ||
        !CHECK(cpu_wait_for(&other_waits, 1))) {
        return;
    }
    sleep_ns(20 * NS_PER_MS);
    CHECK_EQ(0, other_woke);
    CHECK_RC(1, xen_vcpu_op(VCPUOP_is_up, 1, NULL));
    if (restore()) {
        CHECK(cpu_wait_for(&other_woke, 1));
    }
}

PAYLOAD(NEEDS_XEN, TEST(shared_info_is_a_new_page),
        TEST(registered_areas_are_forgotten),
        TEST(ports_are_the_toolstacks_two), TEST(fifo_events_are_of_two_levels),
        TEST(callback_is_lost_and_parameters_stay), TEST(timers_are_stopped),
        TEST(grant_table_is_of_version_1), TEST(xenstore_begins_anew),
        TEST(clocks_are_the_new_hosts), TEST(waiting_vcpu_goes_on));
