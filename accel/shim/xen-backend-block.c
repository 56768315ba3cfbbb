/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's block back end lets go of a ring, and of itself when it is unplugged,
 * while requests are under way whose end uses both: a guest that closes at the
 * right moment would have QEMU use memory it has freed.  So it is made to end
 * them before.
 */
#include "accel/shim/xen-backend-internal.h"
#include "hw/xen/xen-block.h"
#include "system/block-backend.h"

/* The back end's own methods, the same for disks and CD-ROMs. */
static struct {
    XenDeviceFrontendChanged frontend_changed;
    XenDeviceUnrealize unrealize;
} qemu_block;

static void end_requests(XenDevice *dev)
{
    BlockBackend *blk = XEN_BLOCK_DEVICE(dev)->props.conf.blk;

    if (blk) {
        blk_drain(blk);
    }
}

static void block_frontend_changed(XenDevice *dev, enum xenbus_state state,
                                   Error **errp)
{
    bool connected = xen_device_backend_get_state(dev) == XenbusStateConnected;

    switch (state) {
    case XenbusStateInitialised:
    case XenbusStateConnected:
        if (!connected) {
            end_requests(dev);
        }
        break;
    case XenbusStateClosed:
    case XenbusStateUnknown:
        end_requests(dev);
        break;
    default:
        break;
    }
    qemu_block.frontend_changed(dev, state, errp);
}

static void block_unrealize(XenDevice *dev)
{
    end_requests(dev);
    qemu_block.unrealize(dev);
}

void xen_backend_block_prepare(void)
{
    static const char *const types[] = {TYPE_XEN_DISK_DEVICE,
                                        TYPE_XEN_CDROM_DEVICE};

    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        XenDeviceClass *xdc = XEN_DEVICE_CLASS(object_class_by_name(types[i]));

        qemu_block.frontend_changed = xdc->frontend_changed;
        qemu_block.unrealize = xdc->unrealize;
        xdc->frontend_changed = block_frontend_changed;
        xdc->unrealize = block_unrealize;
    }
}
