/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio device of the multiport serial device: its life, its properties,
 * its bus.
 */
#include "qemu/osdep.h"
#include "hw/qdev-properties.h"
#include "hw/virtio/virtio.h"
#include "qapi/error.h"
#include "standard-headers/linux/virtio_console.h"
#include "standard-headers/linux/virtio_ids.h"
#include "system/cpu-timers.h"
#include "system/runstate.h"
#include "system/tcg.h"
#include "accel/serial/serial-internal.h"
#include "accel/shim/host-qemu.h"
#include "accel/shim/run-timer.h"

SerialDevices serial_devices = QLIST_HEAD_INITIALIZER(serial_devices);

static const char *const orderings[] = {
    [SERIAL_MQ_OBSERVE] = "observe",
    [SERIAL_MQ_ENFORCE] = "enforce",
    [SERIAL_MQ_STOCK] = "stock",
};

static bool parse_ordering(const char *text, SerialMqOrdering *out,
                           Error **errp)
{
    for (unsigned i = 0; i < ARRAY_SIZE(orderings); i++) {
        if (!strcmp(orderings[i], text ? text : "observe")) {
            *out = i;
            return true;
        }
    }
    error_setg(errp, "ordering=%s: it is observe, enforce or stock", text);
    return false;
}

/* Devices by name */

char *serial_device_id(SerialDevice *dev)
{
    BusState *bus = qdev_get_parent_bus(DEVICE(dev));

    if (bus && bus->parent && bus->parent->id) {
        return g_strdup(bus->parent->id);
    }
    return object_get_canonical_path(OBJECT(dev));
}

SerialDevice *serial_device_by_id(const char *id, Error **errp)
{
    SerialDevice *dev, *only = QLIST_FIRST(&serial_devices);

    if (!id && only && !QLIST_NEXT(only, next)) {
        return only;
    }
    QLIST_FOREACH(dev, &serial_devices, next)
    {
        g_autofree char *its = serial_device_id(dev);

        if (id && !strcmp(id, its)) {
            return dev;
        }
    }
    if (id) {
        error_setg(errp, "there is no virtio-serial-mq device %s", id);
    } else {
        error_setg(errp, "there is %s virtio-serial-mq device: say which",
                   only ? "more than one" : "no");
    }
    return NULL;
}

/* What virtio asks */

static uint64_t get_features(VirtIODevice *vdev, uint64_t features,
                             Error **errp)
{
    return features | serial_mq_offered(SERIAL_DEVICE(vdev)->mq);
}

static void get_config(VirtIODevice *vdev, uint8_t *config)
{
    memset(config, 0, vdev->config_len);
    serial_mq_config(SERIAL_DEVICE(vdev)->mq, config, vdev->config_len);
}

static void reset(VirtIODevice *vdev)
{
    SerialDevice *dev = SERIAL_DEVICE(vdev);

    serial_mq_reset(dev->mq, dev->by_driver);
}

/* Of the machine, or of the PCI function: virtio-pci has done its part. */
static void reset_exit(Object *obj, ResetType type)
{
    SerialDevice *dev = SERIAL_DEVICE(obj);

    if (dev->mq) {
        serial_mq_reset_done(dev->mq);
    }
}

static void queue_reset(VirtIODevice *vdev, uint32_t queue)
{
    serial_mq_queue_reset(SERIAL_DEVICE(vdev)->mq, queue);
}

/* The machine starts and stops */

static void run_state_changed(void *opaque, bool running, RunState state)
{
    SerialDevice *dev = opaque;

    dev->running = running;
    if (!running) {
        serial_mq_settle(dev->mq);
        return;
    }
    run_timers_resume();
    for (unsigned i = 0; i < dev->config.max_ports; i++) {
        if (dev->ports[i]) {
            serial_port_resume(dev->ports[i]);
        }
    }
}

/* A provocation's unplug: out of the access that made it come. */
static void unplug_ports(void *opaque)
{
    SerialDevice *dev = opaque;
    g_autoptr(GArray) ports = dev->unplugs;

    dev->unplugs = g_array_new(false, false, sizeof(unsigned));
    for (guint i = 0; i < ports->len; i++) {
        SerialPort *port = dev->ports[g_array_index(ports, unsigned, i)];

        if (port) {
            object_unparent(OBJECT(port));
        }
    }
}

void serial_unplug_port(SerialDevice *dev, unsigned port)
{
    for (guint i = 0; i < dev->unplugs->len; i++) {
        if (g_array_index(dev->unplugs, unsigned, i) == port) {
            return;
        }
    }
    g_array_append_val(dev->unplugs, port);
    dev->host->ops->timer_mod(dev->host, dev->unplug,
                              dev->host->ops->now_ns(dev->host));
}

/* Life */

static bool check_config(SerialDevice *dev, Error **errp)
{
    uint32_t max = dev->config.max_ports;

    if (max == 0 || max > SERIAL_MQ_MAX_PORTS) {
        error_setg(errp, "max_ports=%" PRIu32 ": it is from 1 to %u", max,
                   SERIAL_MQ_MAX_PORTS);
        return false;
    }
    return parse_ordering(dev->ordering, &dev->config.ordering, errp);
}

static bool make_core(SerialDevice *dev, Error **errp)
{
    static const HostQemuHooks no_guest;
    g_autoptr(GError) error = NULL;

    dev->host = host_qemu_new(&no_guest, NULL);
    dev->mq =
        serial_mq_new(&dev->config, dev->host, &serial_transport_ops, dev);
    if (tcg_enabled() && !icount_enabled()) {
        serial_mq_moderate(dev->mq);
    }
    if (dev->provoke && !serial_mq_provoke(dev->mq, dev->provoke, &error)) {
        error_setg(errp, "provoke=%s: %s", dev->provoke, error->message);
        g_clear_pointer(&dev->mq, serial_mq_free);
        g_clear_pointer(&dev->host, g_free);
        return false;
    }
    return true;
}

static void serial_realize(DeviceState *ds, Error **errp)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(ds);
    SerialDevice *dev = SERIAL_DEVICE(ds);

    if (!check_config(dev, errp) || !make_core(dev, errp)) {
        return;
    }
    virtio_init(vdev, VIRTIO_ID_CONSOLE,
                dev->config.emerg_write
                    ? sizeof(struct virtio_console_config)
                    : offsetof(struct virtio_console_config, emerg_wr));
    qbus_init(&dev->bus, sizeof(dev->bus), TYPE_SERIAL_BUS, ds, vdev->bus_name);
    qbus_set_hotplug_handler(&dev->bus, OBJECT(dev));
    dev->ports = g_new0(SerialPort *, dev->config.max_ports);
    dev->unplugs = g_array_new(false, false, sizeof(unsigned));
    dev->unplug = dev->host->ops->timer_new(dev->host, unplug_ports, dev);
    serial_queues_init(dev);
    dev->change = qdev_add_vm_change_state_handler(ds, run_state_changed, dev);
    dev->running = runstate_is_running();
    QLIST_INSERT_HEAD(&serial_devices, dev, next);
}

static void serial_unrealize(DeviceState *ds)
{
    SerialDevice *dev = SERIAL_DEVICE(ds);

    QLIST_REMOVE(dev, next);
    qemu_del_vm_change_state_handler(dev->change);
    dev->host->ops->timer_free(dev->host, dev->unplug);
    g_array_free(dev->unplugs, true);
    g_clear_pointer(&dev->mq, serial_mq_free);
    serial_queues_free(dev);
    g_clear_pointer(&dev->host, g_free);
    g_clear_pointer(&dev->ports, g_free);
    qbus_set_hotplug_handler(&dev->bus, NULL);
    virtio_cleanup(VIRTIO_DEVICE(ds));
}

static const VMStateDescription serial_vmstate = {
    .name = "virtio-serial-mq",
    .minimum_version_id = 1,
    .version_id = 1,
    .fields =
        (const VMStateField[]){
            VMSTATE_VIRTIO_DEVICE,
            VMSTATE_END_OF_LIST(),
        },
};

static const Property serial_properties[] = {
    DEFINE_PROP_UINT32("max_ports", SerialDevice, config.max_ports, 31),
    DEFINE_PROP_BOOL("emergency-write", SerialDevice, config.emerg_write, true),
    DEFINE_PROP_BOOL("console-size", SerialDevice, config.size, true),
    DEFINE_PROP_STRING("ordering", SerialDevice, ordering),
    DEFINE_PROP_STRING("provoke", SerialDevice, provoke),
};

static void describe(ObjectClass *oc)
{
    object_class_property_set_description(
        oc, "max_ports", "ports there may be, 1 to 511; with 1, one console");
    object_class_property_set_description(oc, "emergency-write",
                                          "offer VIRTIO_CONSOLE_F_EMERG_WRITE");
    object_class_property_set_description(oc, "console-size",
                                          "offer VIRTIO_CONSOLE_F_SIZE");
    object_class_property_set_description(
        oc, "ordering",
        "observe: count and report what breaks the specification's order "
        "(default); enforce: and need a reset; stock: do not look");
    object_class_property_set_description(
        oc, "provoke",
        "what to do to the driver on purpose: WHEN:KIND[,,KEY=VALUE...], "
        "several with ; between them");
}

static void serial_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(oc);
    HotplugHandlerClass *hc = HOTPLUG_HANDLER_CLASS(oc);

    RESETTABLE_CLASS(oc)->phases.exit = reset_exit;
    device_class_set_props(dc, serial_properties);
    describe(oc);
    dc->vmsd = &serial_vmstate;
    set_bit(DEVICE_CATEGORY_INPUT, dc->categories);
    vdc->realize = serial_realize;
    vdc->unrealize = serial_unrealize;
    vdc->get_features = get_features;
    vdc->get_config = get_config;
    vdc->reset = reset;
    vdc->queue_reset = queue_reset;
    vdc->save = serial_save;
    vdc->load = serial_load;
    hc->unplug = qdev_simple_device_unplug_cb;
}

static const TypeInfo serial_types[] = {
    {
        .name = TYPE_SERIAL_BUS,
        .parent = TYPE_BUS,
        .instance_size = sizeof(BusState),
    },
    {
        .name = TYPE_SERIAL_DEVICE,
        .parent = TYPE_VIRTIO_DEVICE,
        .instance_size = sizeof(SerialDevice),
        .class_init = serial_class_init,
        .interfaces =
            (InterfaceInfo[]){
                {TYPE_HOTPLUG_HANDLER},
                {},
            },
    },
};

void serial_register(unsigned vectors)
{
    for (size_t i = 0; i < ARRAY_SIZE(serial_types); i++) {
        type_register_static(&serial_types[i]);
    }
    serial_port_register();
    serial_pci_register(vectors);
    serial_qmp_register();
}
