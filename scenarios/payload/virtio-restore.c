/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A control message that comes while a driver restores its device.
 *
 * Behaviour: a freeze resets the device and deletes its queues.  The restore
 * makes new ones, sets DRIVER_OK and fills the control queue; from then on
 * control_work_handler() may run, on another processor.  A port has its new
 * queues later: until 2026 it was the restore's next step, and PORT_OPEN in
 * between takes buffers back out of a queue that was freed.
 * Check: a restore in which that work runs where the other processor would
 * run it, behind a wait for what the host does.  Freed memory is filled, so
 * that its use is seen.
 *
 * Command line: first: the ports have their queues before the control queue
 * is filled.
 */
#include "scenarios/payload/vport.h"

#define FREED 0x6b
#define PAUSE (10 * NS_PER_MS)

/* struct port, as far as it matters. */
typedef struct Port {
    VirtQueue *in_vq, *out_vq;
    bool ready, host_connected;
} Port;

static Port ports[SERIAL_PORTS_MAX];
static VirtQueue freed; /* where deleted queues were */

static void reclaim_consumed_buffers(Port *port)
{
    if (port->out_vq == &freed) {
        say("BUG: KASAN: slab-use-after-free in virtqueue_get_buf");
        xen_exit(XEN_EXIT_CRASH);
    }
    while (virtqueue_get(port->out_vq, NULL)) {
    }
}

static void set_queues(unsigned id)
{
    ports[id].in_vq = &vport.ports[id].in;
    ports[id].out_vq = &vport.ports[id].out;
}

static void add_port(unsigned id)
{
    if (!ports[id].ready) {
        set_queues(id);
        ports[id].ready = true;
        vport_make_open(id);
    }
}

static void host_opens_port(unsigned id, bool open)
{
    say("port %u: the host is %s", id, open ? "there" : "gone");
    ports[id].host_connected = open;
    reclaim_consumed_buffers(&ports[id]);
}

static const VportWork work = {.add = add_port, .open = host_opens_port};

static void virtcons_freeze(void)
{
    virtio_reset(&vport.dev);
    memset(&freed, FREED, sizeof(freed));
    for (unsigned i = 1; i <= vport_count(); i++) {
        ports[i].in_vq = ports[i].out_vq = &freed;
    }
}

/* What another processor does meanwhile. */
static void other_processor(void)
{
    uint64_t end = clock_now() + PAUSE;

    while (clock_now() < end) {
        serial_take_control(&vport);
        cpu_relax();
    }
}

static void virtcons_restore(void)
{
    bool first = cmdline_has("first");

    if (!vport_init(&work)) {
        return;
    }
    virtio_device_ready();
    for (unsigned i = 1; first && i <= vport_count(); i++) {
        set_queues(i);
    }
    serial_fill_control(&vport, true);
    other_processor();
    for (unsigned i = 1; i <= vport_count(); i++) {
        set_queues(i);
        vport_make_open(i);
    }
}

static void device_is_restored(void)
{
    if (!vport_probe(&work)) {
        return;
    }
    vport_use();
    virtcons_freeze();
    say("frozen");
    virtcons_restore();
    say("restored");
    for (unsigned i = 1; i <= vport_count(); i++) {
        vport.ports[i].added = true;
    }
    vport_use();
}

PAYLOAD(NEEDS_XEN, TEST(device_is_restored));
