/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two processes open two ports at once.
 *
 * Behaviour: each open sends PORT_OPEN.  __send_control_msg() puts a message
 * on its stack into the control queue and waits for it; until 2013 it held no
 * lock.  Two that take the same free descriptor put one chain into the ring
 * twice: the first to return has left its stack when the device reads it for
 * the other, as a message about no port.
 * Check: an opener on another processor that comes between the choice of a
 * descriptor and its use, and what the device then says.
 *
 * Command line: locked: the queue is its, from the first step to the last.
 */
#include "scenarios/payload/vport.h"

/* What the next function leaves where the message's port was. */
#define OTHER_FRAME 3296u

/* A call of __send_control_msg(). */
typedef struct Opener {
    unsigned port;
    struct virtio_console_control message;
    uint16_t head;
} Opener;

static void choose_descriptor(Opener *o)
{
    VirtQueue *q = &vport.control_out;
    vring_desc_t *desc = &q->ring.desc[q->free];

    o->message = (struct virtio_console_control){
        .id = o->port, .event = VIRTIO_CONSOLE_PORT_OPEN, .value = 1};
    o->head = q->free;
    desc->addr = (uintptr_t)&o->message;
    desc->len = sizeof(o->message);
    desc->flags = 0;
}

static void use_descriptor(Opener *o)
{
    VirtQueue *q = &vport.control_out;
    vring_avail_t *avail = q->ring.avail;

    q->free = q->ring.desc[o->head].next;
    q->nfree--;
    q->tokens[o->head] = o;
    avail->ring[avail->idx % q->ring.num] = o->head;
    __atomic_store_n(&avail->idx, (uint16_t)(avail->idx + 1), __ATOMIC_RELEASE);
    virtqueue_kick(q);
}

static void return_from(Opener *o)
{
    for (unsigned i = 0; !virtqueue_get(&vport.control_out, NULL); i++) {
        if (i == serial_wait_rounds) {
            say("port %u: PORT_OPEN is not taken", o->port);
            return;
        }
        cpu_relax();
    }
    o->message.id = OTHER_FRAME;
    say("port %u: opened", o->port);
}

static void open_both(void)
{
    Opener first = {.port = 1}, second = {.port = 2};

    choose_descriptor(&first);
    if (!cmdline_has("locked")) {
        choose_descriptor(&second);
        use_descriptor(&second);
        return_from(&second);
    }
    use_descriptor(&first);
    return_from(&first);
    if (cmdline_has("locked")) {
        choose_descriptor(&second);
        use_descriptor(&second);
        return_from(&second);
    }
}

static void two_ports_are_opened(void)
{
    static const VportWork work = {.add = vport_make_ready};

    if (!vport_probe(&work)) {
        return;
    }
    open_both();
    if (virtio_status(&vport.dev) & VIRTIO_CONFIG_S_NEEDS_RESET) {
        say("the device needs a reset");
        return;
    }
    vport_use();
}

PAYLOAD(NEEDS_XEN, TEST(two_ports_are_opened));
