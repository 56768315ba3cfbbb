/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channel upcalls, by every way a HVM guest can have them.
 *
 * Behaviour: an event makes evtchn_upcall_pending true; then the guest gets
 * the callback's vector for as long as that is so (type 2), its GSI (type 0),
 * or an edge in its local APIC (HVMOP_set_evtchn_upcall_vector).  A callback
 * vector stays in force beside that; a guest that wants one only sets another
 * kind of callback, as Linux does.  Masked ports raise nothing.
 * Check: how often the handler runs with and without taking the event back,
 * with interrupts closed and open, out of a halt, and on another vCPU.
 * Cannot tell apart: a level that is raised twice from one that stays.
 * Real Xen: the same (xen: arch/x86/hvm/irq.c, hvm_assert_evtchn_irq,
 * hvm_set_callback_irq_level; common/event_2l.c, evtchn_2l_set_pending).  GSIs
 * need a HVM guest there: PVH has no I/O APIC.
 *
 * RUN: default smp=2
 * RUN: tcg smp=2 accel=tcg
 * RUN: mttcg smp=4 accel=mttcg
 * RUN: pvh smp=2 guest=pvh
 */
#include "tests/conformance.h"
#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"

#define CALLBACK_VECTOR 0x61
#define LAPIC_VECTOR    0xd1
#define GSI_VECTOR      0x62
#define GSI             20
#define UNUSED_GSI      1 /* masked in the I/O APIC */
#define OTHER_ROUNDS    100
#define FIRST_FREE_PORT 3 /* after xenstore's and the console's */

static int port;
static volatile unsigned calls;
/* How many upcalls leave the event pending before one takes it. */
static volatile unsigned ignore;
static bool needs_eoi;

static void on_upcall(TrapFrame *frame)
{
    (void)frame;
    /*
     * A level-triggered GSI may come once more after its event was taken:
     * Xen, too, looks at evtchn_upcall_pending only after the EOI.
     */
    calls = calls + xen_vcpu_info(0)->evtchn_upcall_pending;
    if (ignore > 0) {
        ignore = ignore - 1;
    } else {
        evtchn_ack_upcall(0);
        evtchn_clear((unsigned)port);
    }
    if (needs_eoi) {
        lapic_eoi();
    }
}

static unsigned late;

static void on_late(TrapFrame *frame)
{
    (void)frame;
    late++;
    lapic_eoi();
}

static unsigned busy;

/* Does not tell the local APIC that it has ended. */
static void on_busy(TrapFrame *frame)
{
    (void)frame;
    busy++;
}

static void fresh_domain_has_two_ports(void)
{
    struct evtchn_status status = {.dom = DOMID_SELF};

    if (!xen_shared_info()) {
        return;
    }
    for (status.port = 1; status.port < FIRST_FREE_PORT; status.port++) {
        input("port %u", status.port);
        CHECK_RC(0, xen_evtchn_op(EVTCHNOP_status, &status));
        CHECK_EQ(EVTCHNSTAT_interdomain, status.status);
    }
    status.port = FIRST_FREE_PORT;
    CHECK_RC(0, xen_evtchn_op(EVTCHNOP_status, &status));
    CHECK_EQ(EVTCHNSTAT_closed, status.status);
    status.port = 5000;
    CHECK_RC(-XEN_EINVAL, xen_evtchn_op(EVTCHNOP_status, &status));
}

static void lowest_free_port_is_taken(void)
{
    port = evtchn_bind_ipi(0);
    CHECK_RC(FIRST_FREE_PORT, port);
    CHECK_RC(FIRST_FREE_PORT + 1, evtchn_bind_ipi(0));
    CHECK_RC(0, evtchn_close(FIRST_FREE_PORT));
    CHECK_RC(-XEN_EINVAL, evtchn_close(FIRST_FREE_PORT));
    CHECK_RC(FIRST_FREE_PORT, evtchn_bind_ipi(0));
    CHECK_RC(0, evtchn_close(FIRST_FREE_PORT + 1));
}

/* Everything a callback must do; @level: it comes again until taken. */
static void check_callback(bool level)
{
    calls = 0;
    ignore = 0;
    cpu_open_interrupts();
    CHECK_EQ(0, calls);

    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK_EQ(0, calls);
    CHECK_EQ(1, xen_vcpu_info(0)->evtchn_upcall_pending);
    cpu_open_interrupts();
    CHECK_EQ(1, calls);
    cpu_open_interrupts();
    CHECK_EQ(1, calls);

    /* Left alone twice: a level interrupts three times, an edge once. */
    calls = 0;
    ignore = 2;
    CHECK_RC(0, evtchn_send((unsigned)port));
    for (unsigned i = 0; i < 10; i++) {
        cpu_open_interrupts();
    }
    CHECK_EQ(level ? 3 : 1, calls);
    ignore = 0;
    evtchn_ack_upcall(0);
    evtchn_clear((unsigned)port);
    cpu_open_interrupts();

    /* Taken back before interrupts open: a level is gone. */
    if (level) {
        calls = 0;
        CHECK_RC(0, evtchn_send((unsigned)port));
        evtchn_ack_upcall(0);
        evtchn_clear((unsigned)port);
        cpu_open_interrupts();
        CHECK_EQ(0, calls);
    }
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void direct_vector_is_a_level(void)
{
    cpu_set_handler(CALLBACK_VECTOR, on_upcall);
    evtchn_ack_upcall(0);
    CHECK_RC(0, evtchn_callback_vector(CALLBACK_VECTOR));
    needs_eoi = false;
    check_callback(true);
}

/* xen: arch/x86/hvm/hvm.c, hvm_interrupt_blocked: only the local APIC's */
static void task_priority_spares_the_direct_vector(void)
{
    calls = 0;
    lapic_write(LAPIC_TPR, 0xff);
    CHECK_RC(0, evtchn_send((unsigned)port));
    cpu_open_interrupts();
    lapic_write(LAPIC_TPR, 0);
    CHECK_EQ(1, calls);
}

static void masked_port_raises_nothing(void)
{
    calls = 0;
    evtchn_mask((unsigned)port);
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK(evtchn_pending((unsigned)port));
    CHECK_EQ(0, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_EQ(0, xen_vcpu_info(0)->evtchn_pending_sel);
    cpu_open_interrupts();
    CHECK_EQ(0, calls);
    CHECK_RC(0, evtchn_unmask((unsigned)port));
    CHECK_EQ(1, xen_vcpu_info(0)->evtchn_upcall_pending);
    cpu_open_interrupts();
    CHECK_EQ(1, calls);
}

static void timer_event_ends_a_halt(void)
{
    int timer = evtchn_bind_virq(VIRQ_TIMER, 0);
    uint64_t at = clock_now() + 1000000;

    CHECK(timer > 0);
    calls = 0;
    CHECK_RC(0, xen_set_timer(at));
    while (calls == 0) {
        cpu_wait();
    }
    CHECK(clock_now() >= at);
    CHECK(evtchn_pending((unsigned)timer));
    evtchn_clear((unsigned)timer);
    CHECK_RC(0, evtchn_close((unsigned)timer));
}

CONFORMS(HVM_PARAM_CALLBACK_IRQ)
static void gsi_is_a_level(void)
{
    cpu_set_handler(GSI_VECTOR, on_upcall);
    ioapic_route(GSI, GSI_VECTOR);
    CHECK_RC(0, evtchn_callback_gsi(GSI));
    if (cmdline_has("guest=pvh")) {
        /* No I/O APIC: the level goes nowhere (xen: hvm/irq.c). */
        calls = 0;
        CHECK_RC(0, evtchn_send((unsigned)port));
        cpu_open_interrupts();
        CHECK_EQ(0, calls);
        evtchn_ack_upcall(0);
        evtchn_clear((unsigned)port);
        return;
    }
    needs_eoi = true;
    check_callback(true);
    ioapic_mask(GSI);
}

static void no_callback_no_upcall(void)
{
    CHECK_RC(0, evtchn_callback_none());
    calls = 0;
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK_EQ(1, xen_vcpu_info(0)->evtchn_upcall_pending);
    cpu_open_interrupts();
    CHECK_EQ(0, calls);
    evtchn_ack_upcall(0);
    evtchn_clear((unsigned)port);
}

static void lapic_vector_is_an_edge(void)
{
    cpu_set_handler(CALLBACK_VECTOR, NULL);
    CHECK_RC(0, evtchn_callback_gsi(UNUSED_GSI));
    cpu_set_handler(LAPIC_VECTOR, on_upcall);
    CHECK_RC(-XEN_EINVAL, evtchn_upcall_vector(0, 0x0f));
    CHECK_RC(-XEN_ENOENT, evtchn_upcall_vector(99, LAPIC_VECTOR));
    CHECK_RC(0, evtchn_upcall_vector(0, LAPIC_VECTOR));
    needs_eoi = true;
    check_callback(false);
    calls = 0;
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK(lapic_requested(LAPIC_VECTOR));
    cpu_open_interrupts();
    CHECK(!lapic_requested(LAPIC_VECTOR));
    CHECK_EQ(1, calls);

    calls = 0;
    lapic_write(LAPIC_TPR, 0xff);
    CHECK_RC(0, evtchn_send((unsigned)port));
    cpu_open_interrupts();
    CHECK_EQ(0, calls);
    lapic_write(LAPIC_TPR, 0);
    cpu_open_interrupts();
    CHECK_EQ(1, calls);
}

/* xen: arch/x86/hvm/irq.c, hvm_vcpu_has_pending_irq: the vector comes first */
static void callback_vector_stays_beside_the_lapics(void)
{
    calls = 0;
    ignore = 0;
    needs_eoi = false;
    cpu_set_handler(CALLBACK_VECTOR, on_upcall);
    CHECK_RC(0, evtchn_callback_vector(CALLBACK_VECTOR));
    CHECK_RC(0, evtchn_send((unsigned)port));
    CHECK(lapic_requested(LAPIC_VECTOR));
    cpu_set_handler(LAPIC_VECTOR, on_late);
    cpu_open_interrupts();
    cpu_open_interrupts();
    CHECK_EQ(1, calls);
    CHECK_EQ(1, late);
    /* It also ends a halt while the local APIC is busy with the other. */
    cpu_set_handler(LAPIC_VECTOR, on_busy);
    CHECK_RC(0, evtchn_send((unsigned)port));
    cpu_open_interrupts();
    cpu_open_interrupts();
    CHECK_EQ(1, busy);
    timer_event_ends_a_halt();
    CHECK_EQ(1, busy);
    lapic_eoi();
    cpu_open_interrupts();
    CHECK_EQ(2, busy);
    lapic_eoi();
    cpu_set_handler(CALLBACK_VECTOR, NULL);
    CHECK_RC(0, evtchn_callback_gsi(UNUSED_GSI));
}

static int other_port;
static volatile unsigned other_calls, other_ready, other_wrong;

static void on_other(TrapFrame *frame)
{
    (void)frame;
    if (cpu_index() != 1) {
        other_wrong = 1;
    }
    evtchn_ack_upcall(1);
    other_calls = other_calls + evtchn_clear((unsigned)other_port);
    lapic_eoi();
}

static void other_waits(void *arg)
{
    (void)arg;
    evtchn_ack_upcall(1);
    other_ready = 1;
    while (other_calls < OTHER_ROUNDS) {
        cpu_wait();
    }
}

static void ipi_wakes_the_other_vcpu(void)
{
    if (cpu_count() < 2) {
        return;
    }
    other_port = evtchn_bind_ipi(1);
    CHECK(other_port > 0);
    CHECK_RC(0, evtchn_upcall_vector(1, LAPIC_VECTOR + 1));
    cpu_set_handler(LAPIC_VECTOR + 1, on_other);
    CHECK(cpu_start_other(1, other_waits, NULL));
    CHECK(cpu_wait_for(&other_ready, 1));
    for (unsigned i = 1; i <= OTHER_ROUNDS; i++) {
        input("round %u", i);
        CHECK_RC(0, evtchn_send((unsigned)other_port));
        if (!CHECK(cpu_wait_for(&other_calls, i))) {
            return;
        }
    }
    CHECK(cpu_other_done(1));
    CHECK_EQ(OTHER_ROUNDS, other_calls);
    CHECK_EQ(0, other_wrong);
}

PAYLOAD(NEEDS_XEN, TEST(fresh_domain_has_two_ports),
        TEST(lowest_free_port_is_taken), TEST(direct_vector_is_a_level),
        TEST(task_priority_spares_the_direct_vector),
        TEST(masked_port_raises_nothing), TEST(timer_event_ends_a_halt),
        TEST(gsi_is_a_level), TEST(no_callback_no_upcall),
        TEST(lapic_vector_is_an_edge),
        TEST(callback_vector_stays_beside_the_lapics),
        TEST(ipi_wakes_the_other_vcpu));
