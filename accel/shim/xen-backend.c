/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's Xen bus for a guest of ours: what may be plugged, and what a reset
 * does to what is.
 */
#include "accel/shim/xen-backend-internal.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "hw/hotplug.h"
#include "hw/qdev-properties.h"
#include "hw/xen/xen-block.h"
#include "system/block-backend.h"
#include "system/runstate.h"
#include "system/system.h"

/* A device's nodes, for the store of the next domain. */
typedef struct SavedDevice {
    SavedNodes *frontend; /* before the guest wrote to them */
    SavedNodes *backend;  /* while the domain is being reset */
} SavedDevice;

/* QEMU's tables have no argument for it. */
static XenBackends *singleton;

XenBackends *xen_backends(void)
{
    return singleton;
}

static void free_saved(gpointer data)
{
    SavedDevice *saved = data;

    xen_backend_nodes_free(saved->frontend);
    xen_backend_nodes_free(saved->backend);
    g_free(saved);
}

/* Plugging */

/* Is the link or chardev property @name of @dev set? */
static bool link_is_set(DeviceState *dev, const char *name)
{
    return object_property_find(OBJECT(dev), name) &&
           object_property_get_link(OBJECT(dev), name, NULL);
}

static int64_t int_property(DeviceState *dev, const char *name)
{
    return object_property_find(OBJECT(dev), name)
               ? object_property_get_int(OBJECT(dev), name, NULL)
               : -1;
}

/* Would both have the same nodes in xenstore? */
static bool same_nodes(DeviceState *a, DeviceState *b)
{
    int64_t idx = int_property(a, "idx");

    if (object_dynamic_cast(OBJECT(a), TYPE_XEN_BLOCK_DEVICE)) {
        const XenBlockVdev *vdev = &XEN_BLOCK_DEVICE(a)->props.vdev;

        return vdev->type != XEN_BLOCK_VDEV_TYPE_INVALID &&
               object_dynamic_cast(OBJECT(b), TYPE_XEN_BLOCK_DEVICE) &&
               vdev->number == XEN_BLOCK_DEVICE(b)->props.vdev.number;
    }
    return idx >= 0 &&
           object_get_class(OBJECT(a)) == object_get_class(OBJECT(b)) &&
           idx == int_property(b, "idx");
}

/* The device that @dev would take the nodes of, or NULL. */
static DeviceState *find_same(BusState *bus, DeviceState *dev)
{
    BusChild *kid;

    QTAILQ_FOREACH(kid, &bus->children, sibling)
    {
        if (kid->child != dev && same_nodes(dev, kid->child)) {
            return kid->child;
        }
    }
    return NULL;
}

static void pre_plug(HotplugHandler *handler, DeviceState *dev, Error **errp)
{
    XenBackends *b = xen_backends();
    const char *type = object_get_typename(OBJECT(dev));
    uint16_t domid = XEN_DEVICE(dev)->frontend_id;
    DeviceState *same = find_same(qdev_get_parent_bus(dev), dev);

    if (b->deterministic) {
        error_setg(errp,
                   "%s completes when the host does: not with digest=; give "
                   "the guest its files in an initrd instead",
                   type);
    } else if (runstate_check(RUN_STATE_INMIGRATE)) {
        error_setg(errp, "%s cannot be migrated: plug it in afterwards", type);
    } else if (link_is_set(dev, "iothread")) {
        error_setg(errp,
                   "%s: iothread: Xen's rings are served by the main "
                   "loop only",
                   type);
    } else if (!strcmp(type, "xen-console") && int_property(dev, "idx") == 0) {
        error_setg(errp,
                   "%s: idx 0 is the console of the plugin's console=: "
                   "want 1 or more",
                   type);
    } else if (domid != b->domid && domid != DOMID_INVALID) {
        error_setg(errp, "%s: frontend-id %u: the guest's domain id is %u",
                   type, domid, b->domid);
    } else if (same) {
        error_setg(errp, "%s: %s has its place: another vdev or idx is needed",
                   type, XEN_DEVICE(same)->frontend_path);
    }
}

static GPtrArray *devices_of(BusState *bus)
{
    GPtrArray *devices = g_ptr_array_new();
    BusChild *kid;

    QTAILQ_FOREACH(kid, &bus->children, sibling)
    {
        g_ptr_array_add(devices, XEN_DEVICE(kid->child));
    }
    return devices;
}

static gboolean is_gone(gpointer key, gpointer value, gpointer devices)
{
    return !g_ptr_array_find(devices, key, NULL);
}

static void plugged(HotplugHandler *handler, DeviceState *dev, Error **errp)
{
    XenBackends *b = xen_backends();
    g_autoptr(GPtrArray) devices = devices_of(qdev_get_parent_bus(dev));
    SavedDevice *saved = g_new0(SavedDevice, 1);

    saved->frontend = xen_backend_nodes_save(b, XEN_DEVICE(dev)->frontend_path);
    g_hash_table_replace(b->devices, dev, saved);
    /*
     * At the end of the process QEMU cleans up a netdev before it would end
     * the device, which would clean it up again: let the device be.
     */
    qemu_remove_exit_notifier(&XEN_DEVICE(dev)->exit);
    XEN_DEVICE(dev)->exit.notify = NULL;
    /* Nobody tells when a device goes. */
    g_hash_table_foreach_remove(b->devices, is_gone, devices);
}

/* Reset */

static void stop_device(XenBackends *b, XenDevice *dev, SavedDevice *saved)
{
    Error *err = NULL;

    XEN_DEVICE_GET_CLASS(dev)->frontend_changed(dev, XenbusStateClosed, &err);
    if (err) {
        error_report_err(err);
    }
    xen_backend_nodes_free(saved->backend);
    saved->backend = xen_backend_nodes_save(b, dev->backend_path);
}

void xen_backends_stop(XenBackends *b)
{
    g_autoptr(GPtrArray) devices = NULL;

    if (!QTAILQ_EMPTY(&b->bus->children)) {
        /* The end of a request would write to memory of the next domain. */
        blk_drain_all();
    }
    devices = devices_of(b->bus);
    for (guint i = 0; i < devices->len; i++) {
        XenDevice *dev = g_ptr_array_index(devices, i);
        SavedDevice *saved = g_hash_table_lookup(b->devices, dev);

        if (saved) {
            stop_device(b, dev, saved);
        }
    }
}

/*
 * The front end's nodes come first: that it initialises is what gets a back
 * end out of Closed.
 */
void xen_backends_restart(XenBackends *b)
{
    g_autoptr(GPtrArray) devices = devices_of(b->bus);

    for (guint i = 0; i < devices->len; i++) {
        XenDevice *dev = g_ptr_array_index(devices, i);
        const SavedDevice *saved = g_hash_table_lookup(b->devices, dev);

        if (!saved) {
            continue;
        }
        if (!xen_backend_nodes_restore(b, saved->frontend, b->domid, 0,
                                       XS_PERM_READ | XS_PERM_WRITE) ||
            !xen_backend_nodes_restore(b, saved->backend, 0, b->domid,
                                       XS_PERM_READ)) {
            error_report("%s: its xenstore nodes cannot be made: %s",
                         dev->backend_path, strerror(errno));
        }
    }
}

/* Construction */

XenBackends *xen_backends_new(uint16_t domid, void *tree, bool deterministic)
{
    HotplugHandlerClass *hc =
        HOTPLUG_HANDLER_CLASS(object_class_by_name(TYPE_XEN_BUS));
    XenBackends *b = g_new0(XenBackends, 1);

    b->domid = domid;
    b->tree = tree;
    b->deterministic = deterministic;
    b->channels = g_ptr_array_new();
    b->rings = g_ptr_array_new();
    b->devices = g_hash_table_new_full(NULL, NULL, NULL, free_saved);
    g_queue_init(&b->events);
    b->events_bh = qemu_bh_new(xen_backend_store_events, b);
    singleton = b;
    xen_evtchn_ops = &xen_backend_evtchn_ops;
    xen_gnttab_ops = &xen_backend_gnttab_ops;
    xen_xenstore_ops = &xen_backend_store_ops;
    hc->pre_plug = pre_plug;
    hc->plug = plugged;
    xen_backend_block_prepare();
    xen_bus_init();
    b->bus = BUS(object_resolve_path_type("", TYPE_XEN_BUS, NULL));
    return b;
}

const char *xen_backends_device(const XenBackends *b)
{
    const BusChild *kid = QTAILQ_FIRST(&b->bus->children);

    return kid ? object_get_typename(OBJECT(kid->child)) : NULL;
}

void xen_backends_set_domid(XenBackends *b, uint16_t domid)
{
    b->domid = domid;
}

void *xen_backends_tree(const XenBackends *b)
{
    return b->tree;
}

void xen_backends_attach(XenBackends *b, XenDomain *domain)
{
    b->domain = domain;
}
