/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Violations as QMP events. */
#include "qemu/osdep.h"
#include "jumpcut-qapi-events-serial-mq.h"
#include "accel/serial/serial-internal.h"

/* A guest can make millions; so many of a rule are told one by one. */
#define EVENTS_OF_A_RULE 16

/* Severities of the judge and of QMP are the same in number and order. */
QEMU_BUILD_BUG_ON((int)ORDERING_MUST != (int)VIRTIO_SERIAL_MQ_SEVERITY_MUST);
QEMU_BUILD_BUG_ON((int)ORDERING_SHOULD !=
                  (int)VIRTIO_SERIAL_MQ_SEVERITY_SHOULD);
QEMU_BUILD_BUG_ON((int)ORDERING_SUSPECT !=
                  (int)VIRTIO_SERIAL_MQ_SEVERITY_SUSPECT);

void serial_tell_violation(SerialDevice *dev, const OrderingViolation *v)
{
    g_autofree char *id = NULL;
    SerialWhere where;

    if (v->count > EVENTS_OF_A_RULE && !is_power_of_2(v->count)) {
        dev->events_kept++;
        return;
    }
    id = serial_device_id(dev);
    where = serial_where(dev);
    qapi_event_send_jumpcut_ordering_violation(
        id, v->rule->name, v->rule->section,
        (VirtioSerialMqSeverity)v->rule->severity, v->port != ORDERING_NO_PORT,
        v->port, v->seen, where.vcpu >= 0, where.vcpu, where.has_rip, where.rip,
        v->at_ns, v->count);
}
