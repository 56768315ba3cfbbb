/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device that the model of Linux's driver of console devices talks to. */
#include "tests/unit/linux-console-internal.h"

#include <linux/virtio_console.h>

#define PORTS      LINUX_CONSOLE_PORTS
#define CONTROL_IN 2u

/* xorshift32 */
uint32_t linux_draw(LinuxModel *m, uint32_t below)
{
    m->rng ^= m->rng << 13;
    m->rng ^= m->rng >> 17;
    m->rng ^= m->rng << 5;
    return m->rng % below;
}

void linux_show(LinuxModel *m, OrderingEventKind kind, unsigned queue,
                unsigned port, uint64_t value, uint64_t old)
{
    const OrderingEvent e = {kind, queue, port, value, old, m->legacy};

    m->show(m->opaque, &e);
}

/* Of no port */
void linux_look(LinuxModel *m, OrderingEventKind kind, unsigned queue,
                uint64_t value, uint64_t old)
{
    linux_show(m, kind, queue, ORDERING_NO_PORT, value, old);
}

unsigned linux_in_queue(unsigned port)
{
    return port ? 2 * port + 2 : 0;
}

/* The device's side */

void linux_device_tell(LinuxModel *m, unsigned port, unsigned event,
                       unsigned value)
{
    const LinuxMessage message = {port, event, value};

    if (m->up) {
        linux_look(m, ORDERING_BUFFER, CONTROL_IN, 0, 4096);
        linux_show(m, ORDERING_CONTROL_TX, CONTROL_IN, port,
                   event | value << 16, 8);
        g_queue_push_tail(&m->inbox, g_memdup2(&message, sizeof(message)));
    }
}

/* Some messages are lost, doubled, or overtaken, as provocations want it. */
static void tell_roughly(LinuxModel *m, unsigned port, unsigned event,
                         unsigned value)
{
    unsigned fate = m->bug == LINUX_NO_BUG ? linux_draw(m, 16) : 3;
    LinuxMessage *last;

    if (fate == 0) {
        return;
    }
    linux_device_tell(m, port, event, value);
    if (fate == 1) {
        linux_device_tell(m, port, event, value);
    }
    if (fate == 2 && m->inbox.length > 1) {
        last = g_queue_pop_tail(&m->inbox);
        g_queue_push_nth(&m->inbox, last, -2);
    }
}

void linux_device_hear(LinuxModel *m, unsigned port, unsigned event,
                       unsigned value)
{
    m->talking = true;
    if (event == VIRTIO_CONSOLE_DEVICE_READY) {
        for (unsigned i = 0; value && i < PORTS; i++) {
            if (m->ports[i].host) {
                tell_roughly(m, i, VIRTIO_CONSOLE_PORT_ADD, 1);
            }
        }
    } else if (event == VIRTIO_CONSOLE_PORT_READY && value &&
               m->ports[port].host) {
        if (m->ports[port].console) {
            tell_roughly(m, port, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
        }
        tell_roughly(m, port, VIRTIO_CONSOLE_PORT_NAME, 1);
        tell_roughly(m, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
}

void linux_device_plug(LinuxModel *m, unsigned port)
{
    LinuxPort *p = &m->ports[port];

    p->host = !p->host;
    if (m->talking) {
        tell_roughly(
            m, port,
            p->host ? VIRTIO_CONSOLE_PORT_ADD : VIRTIO_CONSOLE_PORT_REMOVE, 1);
    }
}
