/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Round trips to be timed from outside, as payload-loops.c:
 *
 *   event      an event to another vCPU, until its handler has run
 *   ipi        the same by the local APIC
 *   grant      4 KiB by GNTTABOP_copy
 *   memcpy     4 KiB by the guest itself
 *   store      a xenstore read, from request to reply
 *   version    xen_version, the least hypercall
 *   console    a byte to the console's ring, the port rung every 256
 *   serial     a byte to the first 16550, which is asked before each
 */
#include <stdint.h>

#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

#include "tests/payload/lib/apic.h"
#include "tests/payload/lib/clock.h"
#include "tests/payload/lib/grant.h"

#define VECTOR    0x61
#define ICR_HIGH  0x310
#define ICR_FIXED 0x4000 /* assert */
#define REF       20u
#define STORE     ((struct xenstore_domain_interface *)0xfeffc000ul)
#define CONSOLE   ((struct xencons_interface *)0xfefff000ul)
#define KICK      256u
#define COM1      0x3f8
#define LSR_THRE  0x20

static uint8_t from[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t to[PAGE_SIZE] __attribute__((aligned(4096)));

static volatile unsigned handled, ready;
static bool uses_events;

static void on_vector(TrapFrame *frame)
{
    (void)frame;
    if (uses_events) {
        evtchn_ack_upcall(1);
    }
    lapic_eoi();
    handled = handled + 1;
}

static void take_interrupts(void *arg)
{
    (void)arg;
    lapic_write(LAPIC_SVR, 0x100 | VEC_SPURIOUS);
    ready = 1;
    for (;;) {
        cpu_wait();
    }
}

static bool other_ready(void)
{
    cpu_set_handler(VECTOR, on_vector);
    if (!cpu_start_other(1, take_interrupts, NULL) ||
        !cpu_wait_for(&ready, 1)) {
        error("there is no second CPU");
        return false;
    }
    return true;
}

/* @port: -1 for the local APIC */
static void ping(int port, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        unsigned before = handled;

        if (port >= 0) {
            evtchn_clear((unsigned)port);
            evtchn_send((unsigned)port);
        } else {
            lapic_write(ICR_HIGH, cpu_apic_id(1) << 24);
            lapic_write(LAPIC_ICR, ICR_FIXED | VECTOR);
        }
        while (handled == before) {
            cpu_relax();
        }
    }
}

static void loop_event(uint64_t count)
{
    int port = evtchn_bind_ipi(1);

    uses_events = true;
    if (!other_ready()) {
        return;
    }
    CHECK_RC(0, evtchn_upcall_vector(1, VECTOR));
    CHECK(port > 0);
    ping(port, count);
}

static void loop_ipi(uint64_t count)
{
    if (other_ready()) {
        ping(-1, count);
    }
}

static void loop_grant(uint64_t count)
{
    struct gnttab_copy op = {
        .source = {.u.ref = REF, .domid = DOMID_SELF},
        .dest = {.u.gmfn = grant_gfn(to), .domid = DOMID_SELF},
        .len = PAGE_SIZE,
        .flags = GNTCOPY_source_gref,
    };

    if (!grant_setup(1)) {
        return;
    }
    grant_entry(REF, GTF_permit_access, grant_domid(), from);
    while (count-- > 0) {
        grant_op(GNTTABOP_copy, &op, 1);
    }
    CHECK_RC(GNTST_okay, op.status);
}

static void loop_memcpy(uint64_t count)
{
    while (count-- > 0) {
        const void *source = from;
        void *dest = to;
        unsigned long words = PAGE_SIZE / sizeof(long);

#ifdef __x86_64__
        __asm__ volatile("rep movsq"
                         : "+D"(dest), "+S"(source), "+c"(words)
                         :
                         : "memory");
#else
        __asm__ volatile("rep movsl"
                         : "+D"(dest), "+S"(source), "+c"(words)
                         :
                         : "memory");
#endif
    }
}

static void store_put(const void *bytes, uint32_t len)
{
    uint32_t prod = STORE->req_prod;

    for (uint32_t i = 0; i < len; i++) {
        STORE->req[MASK_XENSTORE_IDX(prod + i)] = ((const char *)bytes)[i];
    }
    barrier();
    STORE->req_prod = prod + len;
    barrier();
}

static void loop_store(uint64_t count)
{
    static const char path[] = "domid";
    struct xsd_sockmsg header = {.type = XS_READ, .len = sizeof(path)};
    volatile XENSTORE_RING_IDX *prod = &STORE->rsp_prod;

    while (count-- > 0) {
        uint32_t start = STORE->rsp_cons;

        store_put(&header, sizeof(header));
        store_put(path, sizeof(path));
        evtchn_send(1);
        while (*prod - start < sizeof(header) + 1) {
            cpu_relax();
        }
        STORE->rsp_cons = *prod;
    }
}

static void loop_version(uint64_t count)
{
    while (count-- > 0) {
        xen_version_op(XENVER_version, NULL);
    }
}

static void loop_console(uint64_t count)
{
    volatile XENCONS_RING_IDX *cons = &CONSOLE->out_cons;

    for (uint32_t prod = CONSOLE->out_prod; count > 0;) {
        for (unsigned i = 0; i < KICK && count > 0; i++, count--) {
            CONSOLE->out[MASK_XENCONS_IDX(prod, CONSOLE->out)] = 'x';
            prod++;
        }
        barrier();
        CONSOLE->out_prod = prod;
        barrier();
        evtchn_send(2);
        while (prod - *cons > sizeof(CONSOLE->out) - KICK) {
            cpu_relax();
        }
    }
}

static void loop_serial(uint64_t count)
{
    while (count-- > 0) {
        while (!(port_in(COM1 + 5) & LSR_THRE)) {
            cpu_relax();
        }
        port_out(COM1, 'x');
    }
}

static void loop_runs(void)
{
    static const struct {
        const char *word;
        void (*loop)(uint64_t count);
        bool needs_xen;
    } loops[] = {
        {"event", loop_event, true},     {"ipi", loop_ipi, false},
        {"grant", loop_grant, true},     {"memcpy", loop_memcpy, false},
        {"store", loop_store, true},     {"version", loop_version, true},
        {"console", loop_console, true}, {"serial", loop_serial, false},
    };
    uint64_t count = cmdline_number("count", 0);

    for (unsigned i = 0; i < ARRAY_SIZE(loops); i++) {
        if (!cmdline_has(loops[i].word)) {
            continue;
        }
        if (xen_version() && !xen_shared_info()) {
            return;
        }
        if (loops[i].needs_xen && !xen_version()) {
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
