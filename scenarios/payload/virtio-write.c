/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer that waits for room.
 *
 * Behaviour: a host that does not read holds back what a port writes; when
 * its queue is full the writer waits in wait_port_writable() for buffers that
 * the device has used.  Until 2010 the queue had no callback, so that nobody
 * woke the writer when the host read on.
 * Check: as many writes as fill the queue several times over, to a host that
 * stops and goes on.
 *
 * Command line: callback: the queue has an interrupt, and it wakes.
 */
#include "scenarios/payload/vport.h"
#include "tests/payload/lib/apic.h"

#define VECTOR   0x61
#define WRITES   100u
#define PATIENCE (100 * NS_PER_MS)

static volatile bool woken;

static void out_intr(TrapFrame *frame)
{
    (void)frame;
    woken |= virtio_isr(&vport.dev) != 0;
    lapic_eoi();
}

static void request_interrupt(void)
{
    VirtQueue *q = &vport.ports[1].out;

    virtqueue_want_interrupts(q, cmdline_has("callback"));
    cpu_set_handler(VECTOR, out_intr);
    ioapic_route(pci_intx_gsi(vport.dev.pci), VECTOR);
}

/* @return: was the writer woken? */
static bool wait_port_writable(void)
{
    uint64_t end = clock_now() + PATIENCE;

    woken = false;
    say("the queue is full: waiting");
    while (!woken && clock_now() < end) {
        cpu_open_interrupts();
    }
    return woken;
}

static bool write_all(void)
{
    VirtBuffer buffer = vport_line();
    VirtQueue *q = &vport.ports[1].out;

    for (unsigned i = 0; i < WRITES; i++) {
        while (virtqueue_get(q, NULL)) {
        }
        while (!virtqueue_add(q, &buffer, 1, 0, &buffer)) {
            if (!wait_port_writable()) {
                return false;
            }
            while (virtqueue_get(q, NULL)) {
            }
        }
        virtqueue_kick(q);
    }
    return true;
}

static void writer_waits_for_room(void)
{
    static const VportWork work = {.add = vport_make_open};

    if (!vport_init(&work)) {
        return;
    }
    request_interrupt();
    virtio_device_ready();
    if (!vport_say_ready() || !vport_wait_added()) {
        return;
    }
    say("writing");
    if (write_all()) {
        say("all is written");
    } else {
        say("INFO: task writer blocked, and %u buffers are used",
            (unsigned)(uint16_t)(vport.ports[1].out.ring.used->idx -
                                 vport.ports[1].out.seen));
    }
}

PAYLOAD(NEEDS_XEN, TEST(writer_waits_for_room));
