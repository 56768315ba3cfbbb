/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of a Linux bzImage (Linux: Documentation/arch/x86/boot.rst, "The
 * Real-Mode Kernel Header"), and the little-endian numbers it is made of.
 */
#ifndef JUMPCUT_HW_LINUX_HEADER_H
#define JUMPCUT_HW_LINUX_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINUX_BOOT_FLAG        0xaa55u
#define LINUX_MAGIC            "HdrS"
#define LINUX_MAGIC_OFFSET     0x202u
#define LINUX_LOADED_HIGH      0x01u
#define LINUX_PROTOCOL_PAYLOAD 0x0208u /* first that says where it is */

/* Nothing of it is checked. */
typedef struct LinuxHeader {
    uint16_t boot_flag;
    bool magic; /* it says LINUX_MAGIC */
    uint16_t protocol;
    uint8_t load_flags;
    uint32_t version_at;   /* of a string, bytes into the file; 0: none */
    uint32_t setup_size;   /* boot sector and set-up code, bytes */
    uint64_t code_size;    /* protected-mode code, bytes */
    uint64_t payload_at;   /* bytes into the file; 0 before 2.08 */
    uint32_t payload_size; /* bytes */
} LinuxHeader;

/* @data: the file.  @return: false if it is shorter than the header. */
bool linux_header_read(LinuxHeader *h, const uint8_t *data, size_t size);

static inline uint16_t get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
    return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

#endif
