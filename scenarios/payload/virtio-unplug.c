/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port that goes away while its interrupt is handled.
 *
 * Behaviour: the handler of a queue's interrupt looks for the port of the
 * queue, under a lock that it has let go when it has found it.  PORT_REMOVE,
 * handled on another processor, takes the port off the list and frees it.
 * Check: a port that is written to until it is removed.  The work of control
 * messages runs where the other processor would: between the handler's search
 * and its use of what it found.  Freed memory is filled, so that its use is
 * seen.
 *
 * Command line: kref: the search takes a reference, as since 2026.
 */
#include "scenarios/payload/vport.h"

#define PORT_MAGIC 0x706f7274u
#define FREED      0x6b
#define WRITES     200u
#define PAUSE      (100 * NS_PER_US)

/* struct port, as far as it matters. */
typedef struct Port {
    unsigned magic, refs;
    unsigned id;
    VirtQueue *out_vq;
} Port;

static Port *ports[SERIAL_PORTS_MAX];
/* Free: no references.  The handler may hold one that is no port any more. */
static Port slab[SERIAL_PORTS_MAX + 1];
static bool removed;

static void kref_put(Port *port)
{
    if (--port->refs == 0) {
        memset(port, FREED, sizeof(*port));
        port->refs = 0;
    }
}

static Port *find_port_by_vq(const VirtQueue *vq)
{
    for (unsigned i = 0; i < SERIAL_PORTS_MAX; i++) {
        if (ports[i] && ports[i]->out_vq == vq) {
            ports[i]->refs += cmdline_has("kref");
            return ports[i];
        }
    }
    return NULL;
}

static void unplug_port(unsigned id)
{
    Port *port = ports[id];

    if (port) {
        say("port %u: removed", id);
        ports[id] = NULL;
        removed = true;
        kref_put(port);
    }
}

static void add_port(unsigned id)
{
    Port *port = slab;

    if (ports[id]) {
        return;
    }
    while (port->refs) {
        port++;
    }
    *port = (Port){.magic = PORT_MAGIC,
                   .refs = 1,
                   .id = id,
                   .out_vq = &vport.ports[id].out};
    ports[id] = port;
    vport_make_open(id);
}

static void out_intr(const VirtQueue *vq)
{
    Port *port = find_port_by_vq(vq);

    serial_take_control(&vport);
    if (!port) {
        return;
    }
    if (port->magic != PORT_MAGIC) {
        say("BUG: KASAN: slab-use-after-free in out_intr");
        xen_exit(XEN_EXIT_CRASH);
    }
    /* wake_up_interruptible(&port->waitqueue) */
    if (cmdline_has("kref")) {
        kref_put(port);
    }
}

static void pause_for(uint64_t ns)
{
    uint64_t end = clock_now() + ns;

    while (clock_now() < end) {
        cpu_relax();
    }
}

/* Writes, and the interrupts for what was written, until the port is gone. */
static void write_until_removed(void)
{
    VirtBuffer buffer = vport_line();
    VirtQueue *vq = &vport.ports[1].out;

    for (unsigned i = 0; i < WRITES && !removed; i++) {
        virtqueue_add(vq, &buffer, 1, 0, &buffer);
        virtqueue_kick(vq);
        pause_for(PAUSE);
        if (virtqueue_has_used(vq)) {
            out_intr(vq);
            virtqueue_get(vq, NULL);
        }
    }
}

static void port_is_removed_under_its_interrupt(void)
{
    static const VportWork work = {.add = add_port, .remove = unplug_port};

    if (!vport_probe(&work)) {
        return;
    }
    say("writing");
    write_until_removed();
    say(removed ? "the port is gone" : "nobody removed the port");
}

PAYLOAD(NEEDS_XEN, TEST(port_is_removed_under_its_interrupt));
