/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout of the multiport serial device over QEMU's virtio, for accel/serial
 * alone.
 */
#ifndef JUMPCUT_ACCEL_SERIAL_INTERNAL_H
#define JUMPCUT_ACCEL_SERIAL_INTERNAL_H

#include "chardev/char-fe.h"
#include "hw/virtio/virtio.h"
#include "qom/object.h"
#include "accel/serial/serial.h"
#include "hw/virtio/serial-mq-info.h"
#include "hw/virtio/serial-mq-port.h"

#define TYPE_SERIAL_DEVICE  "virtio-serial-mq-device"
#define TYPE_SERIAL_BUS     "virtio-serial-mq-bus"
#define TYPE_SERIAL_PORT    "virtserialport-mq"
#define TYPE_SERIAL_CONSOLE "virtconsole-mq"
/* As a port's number: the next that is free. */
#define SERIAL_ANY_PORT UINT32_MAX

OBJECT_DECLARE_SIMPLE_TYPE(SerialDevice, SERIAL_DEVICE)
OBJECT_DECLARE_TYPE(SerialPort, SerialPortClass, SERIAL_PORT)

typedef enum SerialAccess {
    SERIAL_ACCESS_NONE,
    SERIAL_ACCESS_MEMORY,
    SERIAL_ACCESS_IO,
} SerialAccess;

struct SerialDevice {
    VirtIODevice parent;
    QLIST_ENTRY(SerialDevice) next;
    BusState bus;
    Host *host;
    SerialMq *mq;             /* NULL: not realized */
    SerialPort **ports;       /* by number */
    char *ordering, *provoke; /* properties */
    SerialMqConfig config;
    SerialAccess access; /* the driver's, to a register, that is under way */
    bool by_driver;      /* a reset that comes now is the driver's */
    bool running;        /* the machine is, as far as back ends know */
    VMChangeStateEntry *change;
    HostTimer *unplug;    /* of ports that a provocation wants gone */
    GArray *unplugs;      /* of their numbers */
    uint64_t events_kept; /* of violations: not told one by one */
};

struct SerialPortClass {
    DeviceClass parent;
    bool console;
};

struct SerialPort {
    DeviceState parent;
    SerialDevice *dev;
    CharBackend chr;
    char *name;
    uint32_t nr;
    uint16_t cols, rows;
    bool chr_open; /* so the character device says */
    guint watch;
    GateSink *sink;    /* NULL: input is not recorded */
    GByteArray *queue; /* recorded: output its reader has not taken */
    bool full;         /* and that is too much */
};

/* Devices there are, for QMP and for names of ports. */
typedef QLIST_HEAD(SerialDevices, SerialDevice) SerialDevices;
extern SerialDevices serial_devices;
/* As a user knows it: the id of its PCI function, else a path. */
char *serial_device_id(SerialDevice *dev);
/* NULL, and an error: there is none, or @id is NULL and there are several. */
SerialDevice *serial_device_by_id(const char *id, Error **errp);

/* @port goes as soon as the access under way is over; each at most once. */
void serial_unplug_port(SerialDevice *dev, unsigned port);

/* serial-transport.c */
typedef struct SerialElement {
    VirtQueueElement element; /* first: virtio allocates it */
    SerialMqChain chain;
} SerialElement;

/* The chain of @e, which virtio has just filled in. */
static inline SerialMqChain *serial_element_chain(SerialElement *e)
{
    e->chain = (SerialMqChain){
        .out = e->element.out_sg,
        .in = e->element.in_sg,
        .out_num = e->element.out_num,
        .in_num = e->element.in_num,
    };
    return &e->chain;
}

extern const SerialMqOps serial_transport_ops;
/*
 * DEVICE_NEEDS_RESET in the status that a driver without legacy registers
 * sees, for as long as the core serves it no more.
 */
void serial_keep_needs_reset(SerialDevice *dev);
void serial_queues_init(SerialDevice *dev);
void serial_queues_free(SerialDevice *dev);

/* serial-migrate.c */
void serial_save(VirtIODevice *vdev, QEMUFile *f);
int serial_load(VirtIODevice *vdev, QEMUFile *f, int version_id);

/* serial-event.c */
void serial_tell_violation(SerialDevice *dev, const OrderingViolation *v);

/* serial-port.c: what the device asks of the back ends */
size_t serial_port_output(SerialPort *port, const uint8_t *buf, size_t len);
void serial_port_guest_open(SerialPort *port, bool open);
void serial_port_accept(SerialPort *port);
/* The machine runs again: what happened to the back end meanwhile is told. */
void serial_port_resume(SerialPort *port);
/* All its ports' input and output goes through the gate from now on. */
void serial_port_record(SerialPort *port);
/* The gate everything is recorded at; NULL: nothing is. */
Gate *serial_gate(void);
void serial_port_register(void);

/* serial-where.c: the vCPU whose access is under way, and where it is */
typedef struct SerialWhere {
    int vcpu;     /* -1: none, the device acts of itself */
    bool has_rip; /* TCG executes it, and no other thread */
    uint64_t rip;
} SerialWhere;
SerialWhere serial_where(const SerialDevice *dev);

void serial_pci_register(unsigned vectors);
void serial_qmp_register(void);

#endif
