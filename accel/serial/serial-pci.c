/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI functions virtio-serial-mq-pci, transitional and not. */
#include "qemu/osdep.h"
#include "hw/qdev-properties.h"
#include "hw/virtio/virtio-pci.h"
#include "qapi/error.h"
#include "system/cpu-timers.h"
#include "accel/serial/serial-watch.h"

#define TYPE_SERIAL_PCI "virtio-serial-mq-pci-base"
OBJECT_DECLARE_SIMPLE_TYPE(SerialPci, SERIAL_PCI)

struct SerialPci {
    VirtIOPCIProxy parent;
    SerialDevice device;
    SerialWatch *watch;
};

/* What MSI-X can count, unless the guest is said to have less */
static uint32_t vectors_max = PCI_MSIX_FLAGS_QSIZE + 1;

static void serial_pci_realize(VirtIOPCIProxy *proxy, Error **errp)
{
    SerialPci *s = SERIAL_PCI(proxy);
    DeviceState *dev = DEVICE(&s->device);

    /* QEMU's own code has just made it, where its headers have it. */
    if ((void *)QLIST_FIRST(&DEVICE(proxy)->child_bus) != (void *)&proxy->bus) {
        error_setg(errp, "QEMU's headers do not fit this QEMU: virtio-pci's "
                         "bus is not where they have it");
        return;
    }
    if (proxy->class_code != PCI_CLASS_COMMUNICATION_OTHER &&
        proxy->class_code != PCI_CLASS_DISPLAY_OTHER &&
        proxy->class_code != PCI_CLASS_OTHERS) {
        proxy->class_code = PCI_CLASS_COMMUNICATION_OTHER;
    }
    if (proxy->nvectors == (uint32_t)DEV_NVECTORS_UNSPECIFIED) {
        /* One a queue, and one for changes of the configuration */
        proxy->nvectors = MIN(2 * s->device.config.max_ports + 3, vectors_max);
    }
    if (icount_enabled()) {
        /* Another thread would serve the queues when the host pleases. */
        proxy->flags &= ~VIRTIO_PCI_FLAG_USE_IOEVENTFD;
    }
    if (DEVICE(proxy)->id) {
        g_autofree char *name = g_strdup_printf("%s.0", DEVICE(proxy)->id);

        virtio_device_set_child_bus_name(VIRTIO_DEVICE(dev), name);
    }
    if (qdev_realize(dev, BUS(&proxy->bus), errp)) {
        s->watch = serial_watch_new(proxy, &s->device, errp);
    }
}

static void serial_pci_init(Object *obj)
{
    SerialPci *s = SERIAL_PCI(obj);

    virtio_instance_init_common(obj, &s->device, sizeof(s->device),
                                TYPE_SERIAL_DEVICE);
}

static void serial_pci_finalize(Object *obj)
{
    SerialPci *s = SERIAL_PCI(obj);

    if (s->watch) {
        serial_watch_free(s->watch);
    }
}

static ResettablePhases stock_phases;

/* Told before virtio resets the device, which does not know why it does. */
static void serial_pci_reset_enter(Object *obj, ResetType type)
{
    SerialPci *s = SERIAL_PCI(obj);

    if (type == RESET_TYPE_WAKEUP && s->device.mq) {
        serial_mq_wakes(s->device.mq);
    }
    if (stock_phases.enter) {
        stock_phases.enter(obj, type);
    }
}

static const Property serial_pci_properties[] = {
    DEFINE_PROP_BIT("ioeventfd", VirtIOPCIProxy, flags,
                    VIRTIO_PCI_FLAG_USE_IOEVENTFD_BIT, false),
    DEFINE_PROP_UINT32("vectors", VirtIOPCIProxy, nvectors,
                       DEV_NVECTORS_UNSPECIFIED),
    DEFINE_PROP_UINT32("class", VirtIOPCIProxy, class_code, 0),
};

static void serial_pci_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);

    VIRTIO_PCI_CLASS(oc)->realize = serial_pci_realize;
    resettable_class_set_parent_phases(RESETTABLE_CLASS(oc),
                                       serial_pci_reset_enter, NULL, NULL,
                                       &stock_phases);
    dc->desc = "virtio console device with up to 511 ports, a queue pair each, "
               "that judges its driver";
    set_bit(DEVICE_CATEGORY_INPUT, dc->categories);
    device_class_set_props(dc, serial_pci_properties);
    object_class_property_set_description(
        oc, "ioeventfd",
        "serve queues on QEMU's main thread (never with -icount)");
    object_class_property_set_description(
        oc, "vectors",
        "MSI-X vectors; 0: none (default: one a queue, and one)");
    object_class_property_set_description(oc, "class", "PCI class code");
    pc->vendor_id = PCI_VENDOR_ID_REDHAT_QUMRANET;
    pc->device_id = PCI_DEVICE_ID_VIRTIO_CONSOLE;
    pc->revision = VIRTIO_PCI_ABI_VERSION;
    pc->class_id = PCI_CLASS_COMMUNICATION_OTHER;
}

static const VirtioPCIDeviceTypeInfo serial_pci_info = {
    .base_name = TYPE_SERIAL_PCI,
    .generic_name = "virtio-serial-mq-pci",
    .transitional_name = "virtio-serial-mq-pci-transitional",
    .non_transitional_name = "virtio-serial-mq-pci-non-transitional",
    .instance_size = sizeof(SerialPci),
    .instance_init = serial_pci_init,
    .instance_finalize = serial_pci_finalize,
    .class_init = serial_pci_class_init,
};

void serial_pci_register(unsigned vectors)
{
    if (vectors) {
        vectors_max = vectors;
    }
    virtio_pci_types_register(&serial_pci_info);
}
