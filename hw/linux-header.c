/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header of a Linux bzImage. */
#include "hw/linux-header.h"

#include <string.h>

/* Offsets in the file. */
#define SETUP_SECTS    0x1f1u
#define SYSSIZE        0x1f4u
#define BOOT_FLAG      0x1feu
#define PROTOCOL       0x206u
#define VERSION_PTR    0x20eu
#define LOADFLAGS      0x211u
#define HEADER_END     0x230u
#define PAYLOAD_OFFSET 0x248u
#define PAYLOAD_LENGTH 0x24cu
#define PAYLOAD_END    0x250u

#define SECTOR              512u
#define PARAGRAPH           16u
#define SETUP_SECTS_DEFAULT 4u

bool linux_header_read(LinuxHeader *h, const uint8_t *data, size_t size)
{
    unsigned sectors, version;

    if (size < HEADER_END) {
        return false;
    }
    sectors = data[SETUP_SECTS] ? data[SETUP_SECTS] : SETUP_SECTS_DEFAULT;
    version = get_le16(data + VERSION_PTR);
    *h = (LinuxHeader){
        .boot_flag = get_le16(data + BOOT_FLAG),
        .magic = !memcmp(data + LINUX_MAGIC_OFFSET, LINUX_MAGIC,
                         strlen(LINUX_MAGIC)),
        .protocol = get_le16(data + PROTOCOL),
        .load_flags = data[LOADFLAGS],
        .version_at = version ? version + SECTOR : 0,
        .setup_size = (1 + sectors) * SECTOR,
        .code_size = (uint64_t)get_le32(data + SYSSIZE) * PARAGRAPH,
    };
    if (h->protocol >= LINUX_PROTOCOL_PAYLOAD && size >= PAYLOAD_END) {
        h->payload_at =
            (uint64_t)h->setup_size + get_le32(data + PAYLOAD_OFFSET);
        h->payload_size = get_le32(data + PAYLOAD_LENGTH);
    }
    return true;
}
