/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a driver does to the device's registers, shown to the core: the
 * operations of the regions of virtio-pci are replaced by ones that call them.
 */
#include "qemu/osdep.h"
#include "hw/pci/msix.h"
#include "hw/virtio/virtio-pci.h"
#include "standard-headers/linux/virtio_pci.h"
#include "accel/serial/serial-internal.h"
#include "accel/serial/serial-watch.h"
#include "hw/virtio/serial-mq-registers.h"

/* Bytes from one queue's notification to the next one's. */
#define NOTIFY_WORD 4u
#define NOTIFY_PAGE 0x1000u

#define SERIAL_WATCH_REGIONS 5

struct SerialWatch {
    const MemoryRegionOps *stock;
    void *opaque; /* of stock */
    MemoryRegionOps ops;
    VirtIOPCIProxy *proxy;
    SerialDevice *dev;
    SerialAccess access; /* what its accesses are */
};

static uint64_t stock_read(const SerialWatch *w, hwaddr addr, unsigned size)
{
    uint64_t value;

    w->dev->access = w->access;
    value = w->stock->read(w->opaque, addr, size);
    w->dev->access = SERIAL_ACCESS_NONE;
    return value;
}

static void stock_write(const SerialWatch *w, hwaddr addr, uint64_t value,
                        unsigned size)
{
    w->dev->access = w->access;
    w->stock->write(w->opaque, addr, value, size);
    w->dev->access = SERIAL_ACCESS_NONE;
}

/* The core is told while the access is still under way. */
#define WATCHED(w, call)                           \
    do {                                           \
        if ((w)->dev->mq) {                        \
            (w)->dev->access = (w)->access;        \
            call;                                  \
            (w)->dev->access = SERIAL_ACCESS_NONE; \
        }                                          \
    } while (0)

static void watch_register(SerialWatch *w, OrderingEventKind kind,
                           unsigned queue, uint64_t value, uint64_t old)
{
    WATCHED(w, serial_mq_register(w->dev->mq, kind, queue, value, old));
}

static unsigned selected(const SerialWatch *w)
{
    return VIRTIO_DEVICE(w->dev)->queue_sel;
}

/* Of a register by which the driver can reset the device */
static void write_resetting(SerialWatch *w, hwaddr addr, uint64_t value,
                            unsigned size)
{
    w->dev->by_driver = true;
    stock_write(w, addr, value, size);
    w->dev->by_driver = false;
    WATCHED(w, serial_mq_reset_done(w->dev->mq));
}

static void write_status(SerialWatch *w, hwaddr addr, uint64_t value,
                         unsigned size)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(w->dev);
    uint8_t old = vdev->status;

    write_resetting(w, addr, value, size);
    if ((uint8_t)value) {
        WATCHED(w, serial_mq_status(w->dev->mq, old, value, vdev->status));
        /* virtio has just stored what the driver wrote. */
        if (w->dev->mq) {
            serial_keep_needs_reset(w->dev);
        }
    }
}

static void notify(SerialWatch *w, unsigned queue, hwaddr addr, uint64_t value,
                   unsigned size)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(w->dev);
    bool served = queue < VIRTIO_QUEUE_MAX &&
                  virtio_queue_get_desc_addr(vdev, queue) && !vdev->broken;

    if (served) {
        stock_write(w, addr, value, size);
    } else {
        /* virtio drops it where nobody would see it. */
        WATCHED(w, serial_mq_notified(w->dev->mq, queue));
    }
}

/* The common configuration (virtio 1.3, 4.1.4.3) */

static uint64_t common_read(void *opaque, hwaddr addr, unsigned size)
{
    SerialWatch *w = opaque;
    uint64_t value = stock_read(w, addr, size);

    watch_register(w, ORDERING_REGISTER_READ, 0, addr, size);
    switch (addr) {
    case VIRTIO_PCI_COMMON_STATUS:
        WATCHED(w, serial_mq_status_read(w->dev->mq, value));
        break;
    case VIRTIO_PCI_COMMON_DF:
        watch_register(w, ORDERING_FEATURES_READ, 0, w->proxy->dfselect, 0);
        break;
    case VIRTIO_PCI_COMMON_MSIX:
        watch_register(w, ORDERING_VECTOR_READ, ORDERING_NO_QUEUE, value, 0);
        break;
    case VIRTIO_PCI_COMMON_Q_MSIX:
        watch_register(w, ORDERING_VECTOR_READ, selected(w), value, 0);
        break;
    case VIRTIO_PCI_COMMON_Q_RESET:
        watch_register(w, ORDERING_QUEUE_RESET_READ, selected(w), value, 0);
        break;
    }
    return value;
}

static uint64_t address(const uint32_t half[2])
{
    return (uint64_t)half[1] << 32 | half[0];
}

static void common_queue_set(SerialWatch *w, hwaddr addr, uint64_t value)
{
    unsigned queue = selected(w);
    uint64_t most;
    const VirtIOPCIQueue *q = &w->proxy->vqs[queue];
    SerialMq *mq = w->dev->mq;

    switch (addr) {
    case VIRTIO_PCI_COMMON_Q_SIZE:
        most = virtio_queue_get_max_num(VIRTIO_DEVICE(w->dev), queue);
        serial_mq_queue_set(mq, queue, ORDERING_QUEUE_SIZE,
                            most << 32 | (uint32_t)value);
        break;
    case VIRTIO_PCI_COMMON_MSIX:
        serial_mq_register(mq, ORDERING_VECTOR_SET, ORDERING_NO_QUEUE, value,
                           w->proxy->nvectors);
        break;
    case VIRTIO_PCI_COMMON_Q_MSIX:
        serial_mq_register(mq, ORDERING_VECTOR_SET, queue, value,
                           w->proxy->nvectors);
        break;
    case VIRTIO_PCI_COMMON_Q_DESCLO:
    case VIRTIO_PCI_COMMON_Q_DESCHI:
        serial_mq_queue_set(mq, queue, ORDERING_QUEUE_DESC, address(q->desc));
        break;
    case VIRTIO_PCI_COMMON_Q_AVAILLO:
    case VIRTIO_PCI_COMMON_Q_AVAILHI:
        serial_mq_queue_set(mq, queue, ORDERING_QUEUE_AVAIL, address(q->avail));
        break;
    case VIRTIO_PCI_COMMON_Q_USEDLO:
    case VIRTIO_PCI_COMMON_Q_USEDHI:
        serial_mq_queue_set(mq, queue, ORDERING_QUEUE_USED, address(q->used));
        break;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        serial_mq_queue_enable(mq, queue, value);
        break;
    }
}

static void common_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    SerialWatch *w = opaque;
    VirtIODevice *vdev = VIRTIO_DEVICE(w->dev);

    WATCHED(w, serial_mq_interface(w->dev->mq, false));
    watch_register(w, ORDERING_REGISTER_WRITE, 0, addr, size);
    if (addr == VIRTIO_PCI_COMMON_STATUS) {
        write_status(w, addr, value, size);
        return;
    }
    stock_write(w, addr, value, size);
    if (addr != VIRTIO_PCI_COMMON_GF) {
        WATCHED(w, common_queue_set(w, addr, value));
    } else if (w->proxy->gfselect < ARRAY_SIZE(w->proxy->guest_features)) {
        WATCHED(
            w, serial_mq_features(w->dev->mq, address(w->proxy->guest_features),
                                  vdev->host_features, vdev->guest_features));
    }
}

/* Device configuration, notifications */

static uint64_t device_read(void *opaque, hwaddr addr, unsigned size)
{
    SerialWatch *w = opaque;
    uint64_t value = stock_read(w, addr, size);

    WATCHED(w, serial_mq_interface(w->dev->mq, false));
    WATCHED(w, serial_mq_config_read(w->dev->mq, addr, size));
    return value;
}

static void device_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    SerialWatch *w = opaque;

    stock_write(w, addr, value, size);
    WATCHED(w, serial_mq_interface(w->dev->mq, false));
    WATCHED(w, serial_mq_config_write(w->dev->mq, addr, value, size));
}

static void notify_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    SerialWatch *w = opaque;

    bool pages = w->proxy->flags & VIRTIO_PCI_FLAG_PAGE_PER_VQ;
    unsigned queue = addr / (pages ? NOTIFY_PAGE : NOTIFY_WORD);

    watch_register(w, ORDERING_KICK, queue, value, size);
    notify(w, queue, addr, value, size);
}

static void notify_pio_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    watch_register(opaque, ORDERING_KICK, (unsigned)value, value, size);
    notify(opaque, value, addr, value, size);
}

/* The legacy interface (virtio 1.3, 4.1.4.10) */

static unsigned legacy_config(const SerialWatch *w)
{
    return VIRTIO_PCI_CONFIG_OFF(msix_enabled(&w->proxy->pci_dev));
}

static uint64_t legacy_read(void *opaque, hwaddr addr, unsigned size)
{
    SerialWatch *w = opaque;
    unsigned config = legacy_config(w);
    uint64_t value = stock_read(w, addr, size);

    if (addr >= config) {
        /* Of the other registers only those that are written count. */
        WATCHED(w, serial_mq_interface(w->dev->mq, true));
        WATCHED(w, serial_mq_config_read(w->dev->mq, addr - config, size));
    } else if (addr == VIRTIO_PCI_STATUS) {
        WATCHED(w, serial_mq_status_read(w->dev->mq, value));
    } else if (addr == VIRTIO_PCI_HOST_FEATURES) {
        watch_register(w, ORDERING_FEATURES_READ, 0, 0, 0);
    } else if (addr == VIRTIO_MSI_CONFIG_VECTOR) {
        watch_register(w, ORDERING_VECTOR_READ, ORDERING_NO_QUEUE, value, 0);
    } else if (addr == VIRTIO_MSI_QUEUE_VECTOR) {
        watch_register(w, ORDERING_VECTOR_READ, selected(w), value, 0);
    }
    return value;
}

static void legacy_register_written(SerialWatch *w, hwaddr addr, uint64_t value)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(w->dev);
    SerialMq *mq = w->dev->mq;

    switch (addr) {
    case VIRTIO_PCI_GUEST_FEATURES:
        serial_mq_features(mq, (uint32_t)value, (uint32_t)vdev->host_features,
                           vdev->guest_features);
        break;
    case VIRTIO_MSI_CONFIG_VECTOR:
        serial_mq_register(mq, ORDERING_VECTOR_SET, ORDERING_NO_QUEUE, value,
                           w->proxy->nvectors);
        break;
    case VIRTIO_MSI_QUEUE_VECTOR:
        serial_mq_register(mq, ORDERING_VECTOR_SET, vdev->queue_sel, value,
                           w->proxy->nvectors);
        break;
    }
}

static void legacy_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    SerialWatch *w = opaque;
    unsigned config = legacy_config(w);

    WATCHED(w, serial_mq_interface(w->dev->mq, true));
    if (addr >= config) {
        stock_write(w, addr, value, size);
        WATCHED(w,
                serial_mq_config_write(w->dev->mq, addr - config, value, size));
    } else if (addr == VIRTIO_PCI_STATUS) {
        write_status(w, addr, value, size);
    } else if (addr == VIRTIO_PCI_QUEUE_NOTIFY) {
        notify(w, (uint16_t)value, addr, value, size);
    } else if (addr == VIRTIO_PCI_QUEUE_PFN) {
        /* virtio-pci takes 0 for a reset of the whole device. */
        WATCHED(w, serial_mq_queue_set(w->dev->mq, selected(w),
                                       ORDERING_QUEUE_PFN, value));
        write_resetting(w, addr, value, size);
    } else {
        stock_write(w, addr, value, size);
        WATCHED(w, legacy_register_written(w, addr, value));
    }
}

/* Registration */

/*
 * @return: false: it is none of virtio-pci's, as that of an interface that the
 * device does not have.
 */
static bool watch(SerialWatch *w, VirtIOPCIProxy *proxy, SerialDevice *dev,
                  MemoryRegion *mr, const MemoryRegionOps *ours)
{
    if (mr->opaque != proxy) {
        return false;
    }
    *w = (SerialWatch){mr->ops, mr->opaque, *mr->ops,
                       proxy,   dev,        SERIAL_ACCESS_MEMORY};
    w->ops.read = ours->read ? ours->read : w->ops.read;
    w->ops.write = ours->write ? ours->write : w->ops.write;
    mr->ops = &w->ops;
    mr->opaque = w;
    return true;
}

SerialWatch *serial_watch_new(VirtIOPCIProxy *proxy, SerialDevice *dev,
                              Error **errp)
{
    static const MemoryRegionOps common = {
        .read = common_read,
        .write = common_write,
    };
    static const MemoryRegionOps device = {
        .read = device_read,
        .write = device_write,
    };
    static const MemoryRegionOps notify_mem = {.write = notify_write};
    static const MemoryRegionOps notify_pio = {.write = notify_pio_write};
    static const MemoryRegionOps legacy = {
        .read = legacy_read,
        .write = legacy_write,
    };
    SerialWatch *w = g_new0(SerialWatch, SERIAL_WATCH_REGIONS);
    bool modern = watch(&w[0], proxy, dev, &proxy->common.mr, &common) &&
                  watch(&w[1], proxy, dev, &proxy->device.mr, &device) &&
                  watch(&w[2], proxy, dev, &proxy->notify.mr, &notify_mem);

    watch(&w[3], proxy, dev, &proxy->notify_pio.mr, &notify_pio);
    w[3].access = SERIAL_ACCESS_IO;
    if (modern != virtio_pci_modern(proxy) ||
        watch(&w[4], proxy, dev, &proxy->bar, &legacy) !=
            virtio_pci_legacy(proxy)) {
        error_setg(errp, "QEMU's headers do not fit this QEMU: virtio-pci's "
                         "registers are not where they have them");
        serial_watch_free(w);
        return NULL;
    }
    w[4].access = SERIAL_ACCESS_IO;
    return w;
}

static void unwatch(SerialWatch *w, MemoryRegion *mr)
{
    if (mr->opaque == w) {
        mr->ops = w->stock;
        mr->opaque = w->opaque;
    }
}

void serial_watch_free(SerialWatch *w)
{
    VirtIOPCIProxy *proxy = w->proxy;

    if (proxy) {
        unwatch(&w[0], &proxy->common.mr);
        unwatch(&w[1], &proxy->device.mr);
        unwatch(&w[2], &proxy->notify.mr);
        unwatch(&w[3], &proxy->notify_pio.mr);
        unwatch(&w[4], &proxy->bar);
    }
    g_free(w);
}
