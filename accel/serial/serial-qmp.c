/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QMP commands of qapi/serial-mq.json. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qmp-registry.h"
#include "monitor/monitor-internal.h"
#include "jumpcut-qapi-commands-serial-mq.h"
#include "accel/serial/serial-internal.h"

/* Orderings of the core and of QMP are the same in number and order. */
QEMU_BUILD_BUG_ON((int)SERIAL_MQ_OBSERVE !=
                  (int)VIRTIO_SERIAL_MQ_ORDERING_OBSERVE);
QEMU_BUILD_BUG_ON((int)SERIAL_MQ_ENFORCE !=
                  (int)VIRTIO_SERIAL_MQ_ORDERING_ENFORCE);
QEMU_BUILD_BUG_ON((int)SERIAL_MQ_STOCK != (int)VIRTIO_SERIAL_MQ_ORDERING_STOCK);

static VirtioSerialMqPort *port_info(SerialDevice *dev, unsigned port)
{
    VirtioSerialMqPort *out;
    SerialMqPortInfo i;

    if (!serial_mq_port_info(dev->mq, port, &i)) {
        return NULL;
    }
    out = g_new0(VirtioSerialMqPort, 1);
    *out = (VirtioSerialMqPort){
        .port = port,
        .name = g_strdup(i.name),
        .console = i.console,
        .host_open = i.host_open,
        .guest_open = i.guest_open,
        .guest_ready = i.guest_ready,
        .throttled = i.throttled,
        .blocked = i.blocked,
        .kept = i.kept,
        .cols = i.cols,
        .rows = i.rows,
        .out_bytes = i.out_bytes,
        .in_bytes = i.in_bytes,
        .out_chains = i.out_chains,
        .in_chains = i.in_chains,
        .discarded = i.discarded,
        .interrupts = i.interrupts,
        .blocks = i.blocks,
    };
    if (dev->ports[port]) {
        out->id = g_strdup(DEVICE(dev->ports[port])->id);
    }
    return out;
}

static VirtioSerialMqViolationList *violations(SerialDevice *dev)
{
    VirtioSerialMqViolationList *head = NULL, **tail = &head;
    OrderingJudge *judge = serial_mq_judge(dev->mq);
    size_t n;
    const OrderingRule *rules = ordering_rules(&n);

    for (size_t i = 0; judge && i < n; i++) {
        uint64_t count = ordering_count(judge, &rules[i]);
        VirtioSerialMqViolation *v;

        if (!count) {
            continue;
        }
        v = g_new0(VirtioSerialMqViolation, 1);
        *v = (VirtioSerialMqViolation){
            .rule = g_strdup(rules[i].name),
            .section = g_strdup(rules[i].section),
            .severity = (VirtioSerialMqSeverity)rules[i].severity,
            .text = g_strdup(rules[i].text),
            .count = count,
        };
        QAPI_LIST_APPEND(tail, v);
    }
    return head;
}

static VirtioSerialMqProvocationList *provocations(SerialDevice *dev)
{
    VirtioSerialMqProvocationList *head = NULL, **tail = &head;

    for (unsigned i = 0; i < serial_mq_nr_provocations(dev->mq); i++) {
        VirtioSerialMqProvocation *out = g_new0(VirtioSerialMqProvocation, 1);
        ProvokeInfo info;

        serial_mq_provocation(dev->mq, i, &info);
        *out = (VirtioSerialMqProvocation){
            .spec = g_strdup(info.text),
            .legal = info.legal,
            .waiting = info.waiting,
            .count = info.count,
        };
        QAPI_LIST_APPEND(tail, out);
    }
    return head;
}

static VirtioSerialMqInfo *device_info(SerialDevice *dev)
{
    VirtioSerialMqInfo *out = g_new0(VirtioSerialMqInfo, 1);
    VirtioSerialMqPortList **tail = &out->ports;
    SerialMqInfo i;

    serial_mq_info(dev->mq, &i);
    out->device = serial_device_id(dev);
    out->ordering = (VirtioSerialMqOrdering)i.ordering;
    out->max_ports = i.max_ports;
    out->status = VIRTIO_DEVICE(dev)->status;
    out->features = i.features;
    out->device_ready = i.device_ready;
    out->refused = i.refused;
    out->control_received = i.control_received;
    out->control_sent = i.control_sent;
    out->control_ignored = i.control_ignored;
    out->control_lost = i.control_lost;
    out->control_waiting = i.control_waiting;
    out->interrupts = i.interrupts;
    out->resets = i.resets;
    out->violations = violations(dev);
    out->provocations = provocations(dev);
    out->events_kept_back = dev->events_kept;
    for (unsigned port = 0; port < i.max_ports; port++) {
        VirtioSerialMqPort *p = port_info(dev, port);

        if (p) {
            QAPI_LIST_APPEND(tail, p);
        }
    }
    return out;
}

VirtioSerialMqInfoList *qmp_query_virtio_serial_mq(Error **errp)
{
    VirtioSerialMqInfoList *head = NULL;
    SerialDevice *dev;

    /* The newest is the first of the devices. */
    QLIST_FOREACH(dev, &serial_devices, next)
    {
        QAPI_LIST_PREPEND(head, device_info(dev));
    }
    return head;
}

static SerialDevice *find(const char *device, uint32_t port, Error **errp)
{
    SerialDevice *dev = serial_device_by_id(device, errp);

    if (dev && (port >= dev->config.max_ports || !dev->ports[port])) {
        error_setg(errp, "there is no port %" PRIu32, port);
        return NULL;
    }
    return dev;
}

void qmp_virtio_serial_mq_connect(const char *device, uint32_t port, bool open,
                                  Error **errp)
{
    SerialDevice *dev = find(device, port, errp);

    if (dev) {
        serial_mq_port_host_open(dev->mq, port, open);
    }
}

void qmp_virtio_serial_mq_resize(const char *device, uint32_t port,
                                 uint16_t cols, uint16_t rows, Error **errp)
{
    SerialDevice *dev = find(device, port, errp);

    if (dev) {
        serial_mq_resize(dev->mq, port, cols, rows);
    }
}

void qmp_virtio_serial_mq_provoke(const char *device, const char *spec,
                                  Error **errp)
{
    SerialDevice *dev = serial_device_by_id(device, errp);
    g_autoptr(GError) error = NULL;

    if (dev && !serial_mq_provoke(dev->mq, spec, &error)) {
        error_setg(errp, "%s", error->message);
    }
}

void serial_qmp_register(void)
{
    qmp_register_command(&qmp_commands, "query-virtio-serial-mq",
                         qmp_marshal_query_virtio_serial_mq, 0, 0);
    qmp_register_command(&qmp_commands, "virtio-serial-mq-connect",
                         qmp_marshal_virtio_serial_mq_connect, 0, 0);
    qmp_register_command(&qmp_commands, "virtio-serial-mq-resize",
                         qmp_marshal_virtio_serial_mq_resize, 0, 0);
    qmp_register_command(&qmp_commands, "virtio-serial-mq-provoke",
                         qmp_marshal_virtio_serial_mq_provoke, 0, 0);
}
