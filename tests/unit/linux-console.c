/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Linux's driver of console devices shows to a device: a model. */
#include "tests/unit/linux-console-internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_pci.h>
#include <string.h>

#define PORTS       LINUX_CONSOLE_PORTS
#define CONTROL_IN  2u
#define CONTROL_OUT 3u

static void breathe(LinuxModel *m);

/* Parts of the driver */

static void reset(LinuxModel *m)
{
    m->up = false;
    m->talking = false;
    g_queue_clear_full(&m->inbox, g_free);
    linux_look(m, ORDERING_STATUS, 0, 0, m->status);
    m->status = 0;
    if (m->bug != LINUX_NO_WAIT) {
        linux_read_status(m);
    }
}

static void say(LinuxModel *m, unsigned port, unsigned event, unsigned value)
{
    linux_kick(m, CONTROL_OUT);
    linux_look(m, ORDERING_BUFFER, CONTROL_OUT, 8, 0);
    linux_show(m, ORDERING_CONTROL_RX, CONTROL_OUT, port, event | value << 16,
               8);
    linux_device_hear(m, port, event, value);
    breathe(m);
}

static void write_port(LinuxModel *m, unsigned port)
{
    unsigned queue = linux_in_queue(port) + 1;

    linux_kick(m, queue);
    linux_look(m, ORDERING_BUFFER, queue, 100, 0);
}

static void fill_control(LinuxModel *m)
{
    for (unsigned i = 1 + linux_draw(m, 4); i; i--) {
        linux_kick(m, CONTROL_IN);
    }
    if (m->bug == LINUX_READABLE_IN_RECEIVE) {
        linux_look(m, ORDERING_BUFFER, CONTROL_IN, 4096, 0);
    }
}

static void set_driver_ok(LinuxModel *m)
{
    if (m->bug != LINUX_NO_READ_BACK) {
        linux_read_status(m);
    }
    linux_write_status(m, m->bug == LINUX_CLEARS_STATUS
                              ? VIRTIO_CONFIG_S_DRIVER_OK
                              : m->status | VIRTIO_CONFIG_S_DRIVER_OK);
    m->up = true;
    if (m->bug == LINUX_QUEUE_RESET_UNREAD) {
        linux_reset_queue(m, 1);
    }
    if (m->bug == LINUX_ENABLES_LATE) {
        linux_enable_queues(m);
    }
}

/* From DRIVER to DRIVER_OK, in which probe and restore are alike. */
static void bring_up(LinuxModel *m, bool early)
{
    linux_add_status(m, VIRTIO_CONFIG_S_DRIVER);
    if (!m->asleep && m->bug != LINUX_FEATURES_UNREAD) {
        linux_read_features(m);
    }
    linux_accept_features(m);
    if (m->bug == LINUX_QUEUES_EARLY) {
        linux_set_up_queues(m);
    }
    linux_settle_features(m);
    linux_read_config(m, offsetof(struct virtio_console_config, max_nr_ports),
                      4);
    if (m->bug == LINUX_WRITES_NUM_QUEUES) {
        linux_write_register(m, VIRTIO_PCI_COMMON_NUMQ, 2);
    }
    if (m->bug == LINUX_EMERGENCY_UNOFFERED) {
        linux_look(m, ORDERING_CONFIG_WRITE, 0,
                   offsetof(struct virtio_console_config, emerg_wr), 4);
    }
    if (m->bug != LINUX_QUEUES_EARLY) {
        linux_set_up_queues(m);
    }
    if (early) {
        fill_control(m);
    }
    if (m->bug != LINUX_READY_IN_ADD_PORT) {
        set_driver_ok(m);
    }
    if (!early) {
        fill_control(m);
    }
}

/* The control work */

static void open_port(LinuxModel *m, unsigned port)
{
    m->ports[port].open = true;
    say(m, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
    if (m->bug == LINUX_OPENS_TWICE) {
        /* A console may be opened once more, to answer CONSOLE_PORT. */
        say(m, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
        say(m, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
}

static void close_port(LinuxModel *m, unsigned port)
{
    say(m, port, VIRTIO_CONSOLE_PORT_OPEN, 0);
    m->ports[port].open = false;
    if (m->up) {
        linux_kick(m, linux_in_queue(port));
    }
}

/* Programs are quicker than the message that the port is ready. */
static void be_quicker(LinuxModel *m, unsigned port)
{
    for (unsigned i = linux_draw(m, 20) ? 0 : 1 + linux_draw(m, 3); i; i--) {
        if (m->ports[port].open) {
            close_port(m, port);
        } else {
            open_port(m, port);
        }
    }
}

/* What the bugs of that moment do. */
static void be_wrong(LinuxModel *m, unsigned port)
{
    const bool next = m->ports[port].next;

    if (m->bug == LINUX_OPENS_AGAIN_READY && !m->ports[port].open) {
        open_port(m, port);
    }
    if (m->bug == LINUX_OPENS_UNREADY && !next) {
        open_port(m, port);
        say(m, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
    /* It may have been open before, and be open again: neither is told. */
    for (unsigned i = 0; next && i < 5; i++) {
        if (m->bug == LINUX_OPENS_NEXT_UNREADY) {
            open_port(m, port);
        }
    }
}

static void add_port(LinuxModel *m, unsigned port)
{
    LinuxPort *p = &m->ports[port];

    if (p->known) {
        say(m, port, VIRTIO_CONSOLE_PORT_READY, 1);
        return;
    }
    if (linux_draw(m, 20) == 0) {
        p->next = false;
        say(m, port, VIRTIO_CONSOLE_PORT_READY, 0);
        return;
    }
    linux_kick(m, linux_in_queue(port));
    *p = (LinuxPort){
        .host = p->host, .console = p->console, .known = true, .next = p->next};
    be_quicker(m, port);
    be_wrong(m, port);
    say(m, port, VIRTIO_CONSOLE_PORT_READY, 1);
    if (m->bug == LINUX_OPENS_AGAIN_READY) {
        /* One of them may be the answer to CONSOLE_PORT. */
        open_port(m, port);
        open_port(m, port);
    }
    if (m->bug == LINUX_PORT_READY_TWICE) {
        say(m, port, VIRTIO_CONSOLE_PORT_READY, 1);
    }
}

static void remove_port(LinuxModel *m, unsigned port)
{
    LinuxPort *p = &m->ports[port];

    if (p->open && !p->hvc && linux_draw(m, 2)) {
        close_port(m, port); /* A user does, meanwhile. */
    }
    if (m->up && linux_draw(m, 2)) {
        linux_kick(m, linux_in_queue(port));
    }
    p->known = p->hvc = p->open = false;
    p->next = true;
}

static void handle(LinuxModel *m, const LinuxMessage *message)
{
    LinuxPort *p = &m->ports[message->port];

    if (message->event == VIRTIO_CONSOLE_PORT_ADD) {
        add_port(m, message->port);
    } else if (!p->known) {
        return;
    } else if (message->event == VIRTIO_CONSOLE_PORT_REMOVE) {
        remove_port(m, message->port);
    } else if (message->event == VIRTIO_CONSOLE_CONSOLE_PORT && !p->hvc) {
        p->hvc = true;
        if (linux_draw(m, 2)) {
            write_port(m, message->port); /* the log so far */
        }
        open_port(m, message->port);
    }
}

static void control_work(LinuxModel *m)
{
    m->working = true;
    while (m->up && m->inbox.length) {
        g_autofree LinuxMessage *message = g_queue_pop_head(&m->inbox);

        handle(m, message);
        if (m->up && linux_draw(m, 2)) {
            linux_kick(m, CONTROL_IN);
        }
    }
    m->working = false;
}

/* What else goes on */

static void user(LinuxModel *m)
{
    unsigned port = linux_draw(m, PORTS);
    LinuxPort *p = &m->ports[port];

    if (!p->known || m->asleep) {
        return;
    }
    if (p->open && linux_draw(m, 2)) {
        write_port(m, port);
    } else if (!p->hvc && p->open) {
        close_port(m, port);
    } else if (!p->hvc && !m->working) {
        open_port(m, port);
    }
}

static void breathe(LinuxModel *m)
{
    if (m->depth > 2) {
        return;
    }
    m->depth++;
    switch (linux_draw(m, 8)) {
    case 0:
        /* That bug needs a port that was never there. */
        linux_device_plug(
            m, linux_draw(m, PORTS - (m->bug == LINUX_WRITES_UNKNOWN_PORT)));
        break;
    case 1:
        if (m->up && !m->working && !m->asleep) {
            control_work(m);
        }
        break;
    case 2:
        if (m->up) {
            user(m);
        }
        break;
    default:
        break;
    }
    m->depth--;
}

/* The driver's life */

static void forget_ports(LinuxModel *m)
{
    for (unsigned i = 0; i < PORTS; i++) {
        m->ports[i].known = m->ports[i].hvc = m->ports[i].open = false;
    }
}

static void greet(LinuxModel *m)
{
    if (m->bug == LINUX_PORTS_FIRST) {
        say(m, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    }
    if (linux_draw(m, 8) == 0 && m->bug == LINUX_NO_BUG) {
        /* The device is too early, and the control work quick. */
        linux_device_tell(m, linux_draw(m, PORTS), VIRTIO_CONSOLE_PORT_ADD, 1);
        control_work(m);
    }
    say(m, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    if (m->bug == LINUX_DEVICE_READY_TWICE) {
        say(m, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    }
    if (m->bug == LINUX_WRITES_UNKNOWN_PORT) {
        write_port(m, PORTS - 1);
    }
}

static void probe(LinuxModel *m, bool new_device)
{
    if (new_device && m->bug != LINUX_NO_RESET) {
        reset(m);
    }
    if (new_device) {
        linux_add_status(m, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    }
    bring_up(m, m->bug == LINUX_FILLS_EARLY);
    greet(m);
}

static void unload(LinuxModel *m)
{
    reset(m);
    forget_ports(m);
    linux_take_down_queues(m, LINUX_CONSOLE_QUEUES);
    linux_add_status(m, VIRTIO_CONFIG_S_ACKNOWLEDGE);
}

static void sleep_and_wake(LinuxModel *m)
{
    m->asleep = true;
    reset(m);
    for (unsigned i = 0; i < PORTS; i++) {
        if (m->ports[i].known && linux_draw(m, 2)) {
            linux_kick(m,
                       linux_in_queue(i)); /* what was received and not read */
        }
    }
    linux_take_down_queues(m, LINUX_CONSOLE_QUEUES);
    if (linux_draw(m, 2)) {
        linux_look(m, ORDERING_WAKE, 0, 0, 0);
        linux_look(m, ORDERING_RESET, 0, 0, 0);
    }
    if (linux_draw(m, 2)) {
        linux_device_plug(m, linux_draw(m, PORTS));
    }
    reset(m);
    linux_add_status(m, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    bring_up(m, m->bug == LINUX_FILLS_EARLY || m->bug == LINUX_RESTORE_EARLY);
    for (unsigned i = 0; i < PORTS; i++) {
        if (m->ports[i].known) {
            linux_kick(m, linux_in_queue(i));
            say(m, i, VIRTIO_CONSOLE_PORT_READY, 1);
        }
        if (m->ports[i].known && m->ports[i].open) {
            say(m, i, VIRTIO_CONSOLE_PORT_OPEN, 1);
        }
    }
    if (m->bug == LINUX_RESTORE_READY) {
        say(m, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
    }
    m->asleep = false;
}

static void machine_reset(LinuxModel *m)
{
    m->up = m->talking = false;
    m->status = 0;
    g_queue_clear_full(&m->inbox, g_free);
    forget_ports(m);
    linux_look(m, ORDERING_RESET, 0, 0, 0);
    probe(m, true);
}

static void live(LinuxModel *m)
{
    for (unsigned i = 10 + linux_draw(m, 40); i; i--) {
        breathe(m);
        if (m->up && linux_draw(m, 3) == 0) {
            control_work(m);
        }
    }
    control_work(m);
}

/* Port 1 goes, and another comes. */
static void replug(LinuxModel *m)
{
    for (unsigned i = 0; i < 2; i++) {
        linux_device_plug(m, 1);
        control_work(m);
    }
}

/* A known port is needed by some bugs, and a sleep by others. */
static void ensure_known_port(LinuxModel *m)
{
    while (!m->ports[1].known) {
        if (!m->ports[1].host) {
            linux_device_plug(m, 1);
        } else {
            linux_device_tell(m, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
        }
        control_work(m);
    }
}

void linux_console_run(uint32_t seed, LinuxBug bug, LinuxConsoleShow *show_it,
                       void *opaque)
{
    LinuxModel m = {.rng = seed * 2654435761u | 1,
                    .bug = bug,
                    .show = show_it,
                    .opaque = opaque};

    g_queue_init(&m.inbox);
    m.legacy = linux_draw(&m, 4) == 0 && bug == LINUX_NO_BUG;
    for (unsigned i = 0; i < PORTS - 1; i++) {
        m.ports[i].host = linux_draw(&m, 2);
        m.ports[i].console = i == 0 || linux_draw(&m, 4) == 0;
    }
    probe(&m, true);
    if (bug == LINUX_READY_IN_ADD_PORT) {
        set_driver_ok(&m);
    }
    live(&m);
    ensure_known_port(&m);
    while (bug == LINUX_OPENS_NEXT_UNREADY &&
           !(m.ports[1].known && m.ports[1].next)) {
        replug(&m);
    }
    if (m.ports[1].open && !m.ports[1].hvc) {
        close_port(&m, 1);
    }
    if (m.ports[1].known && !m.ports[1].open) {
        open_port(&m, 1);
    }
    sleep_and_wake(&m);
    for (unsigned lives = linux_draw(&m, 3); lives && bug == LINUX_NO_BUG;
         lives--) {
        live(&m);
        switch (linux_draw(&m, 3)) {
        case 0:
            unload(&m);
            probe(&m, false);
            break;
        case 1:
            sleep_and_wake(&m);
            break;
        default:
            machine_reset(&m);
            break;
        }
    }
    live(&m);
    g_queue_clear_full(&m.inbox, g_free);
}
