/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ordering judge: control messages and the lives of ports. */
#include "hw/virtio/ordering-internal.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>

#define MESSAGE_BYTES sizeof(struct virtio_console_control)

static unsigned event_of(const OrderingEvent *e)
{
    return e->value & 0xffff;
}

static unsigned value_of(const OrderingEvent *e)
{
    return e->value >> 16 & 0xffff;
}

static void see_device_ready(OrderingJudge *j, const OrderingEvent *e)
{
    if (!value_of(e)) {
        return; /* It gives up. */
    }
    if (j->device_ready) {
        ordering_report(j, RULE_DEVICE_READY_TWICE, e, ORDERING_NO_PORT,
                        "DEVICE_READY sent again");
    }
    if (j->restoring) {
        ordering_report(j, RULE_CONTROL_BEFORE_DEVICE_READY, e,
                        ORDERING_NO_PORT,
                        "DEVICE_READY sent after messages about ports");
        j->restoring = false;
    }
    if (j->wrote) {
        ordering_report(j, RULE_TRANSMIT_BEFORE_DEVICE_READY, e,
                        ORDERING_NO_PORT,
                        "DEVICE_READY sent after ports were written to");
        j->wrote = false;
    }
    j->device_ready = true;
}

/*
 * May the driver speak of a port now, as far as DEVICE_READY goes?  It may
 * answer what the device told it too early.
 *
 * DEVIATION: a driver that does not send DEVICE_READY at all may speak of ports
 * that it knows from before it, or the machine, was reset.  Linux does when it
 * comes back from sleep (virtcons_restore).  DEVICE_READY after that proves
 * that it was not that.
 */
static bool may_speak(OrderingJudge *j, const OrderingEvent *e)
{
    const JudgePort *p = &j->ports[e->port];

    if (j->device_ready || p->announced) {
        return true;
    }
    if (p->known) {
        j->restoring = true;
        return true;
    }
    ordering_report(j, RULE_CONTROL_BEFORE_DEVICE_READY, e, e->port,
                    "event %u of port %u, DEVICE_READY not sent", event_of(e),
                    e->port);
    return false;
}

/*
 * It answers a PORT_ADD: it has read that, and what came before.  Of several
 * that wait for an answer it is not known which one it has read.
 */
static void see_answer(OrderingJudge *j, const JudgePort *p)
{
    if (j->device_ready && p->unanswered == 1) {
        j->read = MAX(j->read, p->added);
    }
}

/* May the driver send a PORT_READY? */
static bool is_ready_due(const OrderingJudge *j, const JudgePort *p)
{
    /* One of its own accord, if it knows the port from before. */
    return p->unanswered || (p->known && !j->device_ready && !p->volunteered);
}

/* Is it possible that the driver speaks of a port, and of the next one then? */
static bool has_successor(const OrderingJudge *j, const JudgePort *p)
{
    return p->ready && p->removed && is_ready_due(j, p);
}

static void see_port_ready(OrderingJudge *j, const OrderingEvent *e)
{
    JudgePort *p = &j->ports[e->port];

    see_answer(j, p);
    if (may_speak(j, e)) {
        if (!p->announced && j->device_ready) {
            ordering_report(j, RULE_PORT_READY_UNASKED, e, e->port,
                            "PORT_READY of port %u, which was not announced",
                            e->port);
        } else if (!is_ready_due(j, p)) {
            ordering_report(j, RULE_PORT_READY_TWICE, e, e->port,
                            "PORT_READY of port %u, it has sent one for each "
                            "PORT_ADD",
                            e->port);
        }
    }
    /* What was open may have been the port before, which no message closed. */
    p->open &= value_of(e) && (!has_successor(j, p) || p->reopened);
    if (p->unanswered) {
        p->unanswered--;
    } else {
        p->volunteered = true;
    }
    p->ready = value_of(e);
    p->reopened = p->spared = false;
    p->asked = false;
}

/*
 * May the driver open a port that is open, as far as it told?
 *
 * It may be the port that has been announced: Linux says nothing when one goes
 * that is open.  Or 5.3.6.2.2: CONSOLE_PORT is to be answered so, even if a
 * program was quicker to open the port; who has read what came later has done
 * so.  Each is possible once.  If both are, it is not known which it was, nor
 * which of them will be possible longer: then one more passes.
 */
static bool may_open_again(OrderingJudge *j, JudgePort *p)
{
    const bool next = has_successor(j, p) && !p->reopened;
    const bool console = p->console > j->read;

    if (next && console && !p->spared) {
        p->spared = true;
    } else if (next) {
        p->reopened = true;
    } else if (console) {
        p->console = 0;
    }
    return next || console;
}

static void see_port_opened(OrderingJudge *j, const OrderingEvent *e)
{
    JudgePort *p = &j->ports[e->port];

    /*
     * DEVIATION: it may come before PORT_READY; Linux makes the port's node
     * first, and a program may be quicker to open it.
     */
    if (!p->ready && (p->open || !is_ready_due(j, p))) {
        ordering_report(j, RULE_PORT_OPEN_BEFORE_READY, e, e->port,
                        "PORT_OPEN of port %u, which is not ready", e->port);
    } else if (p->open && !may_open_again(j, p)) {
        ordering_report(j, RULE_PORT_OPEN_TWICE, e, e->port,
                        "PORT_OPEN of port %u, which is open", e->port);
    }
}

static void see_port_open(OrderingJudge *j, const OrderingEvent *e)
{
    JudgePort *p = &j->ports[e->port];

    if (!may_speak(j, e)) {
        return;
    }
    if (j->device_ready ? !p->announced : !p->known) {
        ordering_report(j, RULE_PORT_OPEN_UNASKED, e, e->port,
                        "PORT_OPEN %u of port %u, which was not announced",
                        value_of(e), e->port);
        return;
    }
    if (value_of(e)) {
        see_port_opened(j, e);
    }
    /* What it sent before it read that it is a console is no answer. */
    if (!value_of(e) && p->asked && p->console <= j->read) {
        ordering_report(j, RULE_CONSOLE_PORT_NOT_OPENED, e, e->port,
                        "PORT_OPEN 0 of port %u, a console not opened yet",
                        e->port);
    }
    p->open = value_of(e);
    p->opened |= p->open;
    p->asked &= !p->open;
}

/* What every message has to be; the port is then one that can be. */
static bool is_well_formed(OrderingJudge *j, const OrderingEvent *e)
{
    unsigned event = event_of(e);
    unsigned port =
        event == VIRTIO_CONSOLE_DEVICE_READY ? ORDERING_NO_PORT : e->port;

    if (e->old < MESSAGE_BYTES) {
        ordering_report(j, RULE_CONTROL_SHORT, e, ORDERING_NO_PORT, "%u bytes",
                        (unsigned)e->old);
        return false;
    }
    if (event != VIRTIO_CONSOLE_DEVICE_READY &&
        event != VIRTIO_CONSOLE_PORT_READY &&
        event != VIRTIO_CONSOLE_PORT_OPEN) {
        ordering_report(j, RULE_CONTROL_WRONG_DIRECTION, e, port,
                        "event %u of port %u", event, e->port);
        return false;
    }
    if (event != VIRTIO_CONSOLE_DEVICE_READY && e->port >= j->max_ports) {
        ordering_report(j, RULE_CONTROL_NO_SUCH_PORT, e, ORDERING_NO_PORT,
                        "event %u of port %u, there are %u", event, e->port,
                        j->max_ports);
        return false;
    }
    if (value_of(e) > 1) {
        ordering_report(j, RULE_CONTROL_VALUE, e, port, "event %u, value %u",
                        event, value_of(e));
    }
    return true;
}

void ordering_control_rx(OrderingJudge *j, const OrderingEvent *e)
{
    if (!is_well_formed(j, e)) {
        return;
    }
    /* 3.1.2: a legacy driver may; its kick has been reported. */
    if (!(j->status & VIRTIO_CONFIG_S_DRIVER_OK) && !j->legacy) {
        ordering_report(
            j, RULE_CONTROL_BEFORE_DRIVER_OK, e,
            event_of(e) == VIRTIO_CONSOLE_DEVICE_READY ? ORDERING_NO_PORT
                                                       : e->port,
            "event %u sent in status 0x%02x", event_of(e), j->status);
    }
    switch (event_of(e)) {
    case VIRTIO_CONSOLE_DEVICE_READY:
        see_device_ready(j, e);
        break;
    case VIRTIO_CONSOLE_PORT_READY:
        see_port_ready(j, e);
        break;
    case VIRTIO_CONSOLE_PORT_OPEN:
        see_port_open(j, e);
        break;
    }
}

void ordering_control_tx(OrderingJudge *j, const OrderingEvent *e)
{
    JudgePort *p;

    if (e->port >= j->max_ports) {
        return;
    }
    p = &j->ports[e->port];
    j->told++;
    if (event_of(e) == VIRTIO_CONSOLE_PORT_ADD) {
        p->known = p->announced = true;
        p->added = e->value & ORDERING_TX_HELD ? 0 : j->told;
        p->unanswered++;
    } else if (event_of(e) == VIRTIO_CONSOLE_CONSOLE_PORT) {
        p->console = j->told;
        /* Old messages may be on their way of a port that it had open. */
        p->asked = !p->opened;
    } else if (event_of(e) == VIRTIO_CONSOLE_PORT_REMOVE) {
        p->removed = true;
        p->asked = false;
    }
}
