/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel proper inside of a Linux bzImage. */
#include "hw/xen/pvh/bzimage.h"

#include <string.h>

#include "hw/xen/pvh/error.h"
#include "hw/xen/pvh/unpack.h"

/* The real-mode header: offsets in the file. */
#define SETUP_SECTS    0x1f1u
#define MAGIC          0x202u
#define PROTOCOL       0x206u
#define PAYLOAD_OFFSET 0x248u
#define PAYLOAD_LENGTH 0x24cu
#define HEADER_END     0x250u

#define SECTOR              512u
#define SETUP_SECTS_DEFAULT 4u
#define PROTOCOL_PAYLOAD    0x0208u /* first with a payload_offset */

static uint32_t get_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

bool pvh_bzimage_is(const uint8_t *data, size_t size)
{
    return size >= HEADER_END && !memcmp(data + MAGIC, "HdrS", 4);
}

GBytes *pvh_bzimage_unpack(const uint8_t *data, size_t size, size_t max,
                           GError **error)
{
    unsigned protocol, sects;
    uint64_t offset, length;

    if (!pvh_bzimage_is(data, size)) {
        g_set_error(error, PVH_ERROR, 0, "neither an ELF image nor a bzImage");
        return NULL;
    }
    protocol = data[PROTOCOL] | data[PROTOCOL + 1] << 8;
    if (protocol < PROTOCOL_PAYLOAD) {
        g_set_error(error, PVH_ERROR, 0,
                    "bzImage: boot protocol %u.%02u, 2.08 or later is needed",
                    protocol >> 8, protocol & 0xff);
        return NULL;
    }
    sects = data[SETUP_SECTS] ? data[SETUP_SECTS] : SETUP_SECTS_DEFAULT;
    offset = (uint64_t)(sects + 1) * SECTOR + get_le32(data + PAYLOAD_OFFSET);
    length = get_le32(data + PAYLOAD_LENGTH);
    if (offset > size || length > size - offset) {
        g_set_error(error, PVH_ERROR, 0,
                    "bzImage is cut short: %zu bytes, its payload ends at "
                    "%" G_GUINT64_FORMAT,
                    size, offset + length);
        return NULL;
    }
    return pvh_unpack(data + offset, length, max, error);
}
