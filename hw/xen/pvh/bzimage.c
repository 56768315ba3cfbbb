/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel proper inside of a Linux bzImage. */
#include "hw/xen/pvh/bzimage.h"

#include "hw/linux-header.h"
#include "hw/xen/pvh/error.h"
#include "hw/xen/pvh/unpack.h"

GBytes *pvh_bzimage_unpack(const uint8_t *data, size_t size, size_t max,
                           GError **error)
{
    LinuxHeader h;

    if (!linux_header_read(&h, data, size) || !h.magic) {
        g_set_error(error, PVH_ERROR, 0, "neither an ELF image nor a bzImage");
        return NULL;
    }
    if (h.protocol < LINUX_PROTOCOL_PAYLOAD) {
        g_set_error(error, PVH_ERROR, 0,
                    "bzImage: boot protocol %u.%02u, 2.08 or later is needed",
                    h.protocol >> 8, h.protocol & 0xff);
        return NULL;
    }
    if (h.payload_at > size || h.payload_size > size - h.payload_at) {
        g_set_error(error, PVH_ERROR, 0,
                    "bzImage is cut short: %zu bytes, its payload ends at "
                    "%" G_GUINT64_FORMAT,
                    size, h.payload_at + h.payload_size);
        return NULL;
    }
    return pvh_unpack(data + h.payload_at, h.payload_size, max, error);
}
