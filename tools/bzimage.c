/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognising a Linux bzImage by its boot protocol header, an ELF image by its
 * magic number.
 */
#define _GNU_SOURCE /* memmem */

#include <gio/gio.h>
#include <string.h>

#include "tools/bzimage.h"

#define SETUP_SECTS_OFFSET 0x1f1u
#define SYSSIZE_OFFSET     0x1f4u
#define BOOT_FLAG_OFFSET   0x1feu
#define BOOT_FLAG          0xaa55u
#define HEADER_OFFSET      0x202u
#define PROTOCOL_OFFSET    0x206u
#define VERSION_PTR_OFFSET 0x20eu
#define LOADFLAGS_OFFSET   0x211u
#define LOADED_HIGH        0x01u
#define HEADER_END         0x230u
#define SECTOR             512u
#define PARAGRAPH          16u
/* From here on the size of the code is a 32-bit field. */
#define PROTOCOL_MIN       0x0204u
#define VERSION_LENGTH_MAX 256u
#define ELF_MAGIC          "\177ELF"
#define ELF_MAGIC_SIZE     4u
/* Of the banner that a kernel prints first, and /proc/version. */
#define BANNER "Linux version "

static guint16 read_le16(const guint8 *p)
{
    return (guint16)(p[0] | p[1] << 8);
}

/* Boot sector, set-up sectors (0 means 4) and protected-mode code. */
static guint64 code_size(const guint8 *data)
{
    guint64 sectors = 1u + (data[SETUP_SECTS_OFFSET] ?: 4u);
    guint64 paragraphs = read_le16(data + SYSSIZE_OFFSET) |
                         (guint64)read_le16(data + SYSSIZE_OFFSET + 2) << 16;

    return sectors * SECTOR + paragraphs * PARAGRAPH;
}

/* The word at @at. */
static char *word_read(const guint8 *data, gsize size, gsize at)
{
    gsize len;

    for (len = 0; len < VERSION_LENGTH_MAX && at + len < size &&
                  g_ascii_isgraph(data[at + len]);
         len++) {
    }
    return g_strndup((const char *)data + at, len);
}

/* The version string lies at a pointer relative to the second sector. */
static char *version_read(const guint8 *data, gsize size)
{
    gsize at = read_le16(data + VERSION_PTR_OFFSET);

    if (!at || at + SECTOR >= size) {
        return g_strdup("");
    }
    return word_read(data, size, at + SECTOR);
}

gboolean bzimage_parse(BzImage *image, const guint8 *data, gsize size,
                       GError **error)
{
    if (size < HEADER_END) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "not a bzImage: %" G_GSIZE_FORMAT
                    " bytes, shorter than the boot header",
                    size);
        return FALSE;
    }
    if (read_le16(data + BOOT_FLAG_OFFSET) != BOOT_FLAG) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "not a bzImage: boot flag 0x%04x instead of 0x%04x",
                    read_le16(data + BOOT_FLAG_OFFSET), BOOT_FLAG);
        return FALSE;
    }
    if (memcmp(data + HEADER_OFFSET, "HdrS", 4)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "not a bzImage: no \"HdrS\" at offset 0x%x", HEADER_OFFSET);
        return FALSE;
    }
    image->protocol = read_le16(data + PROTOCOL_OFFSET);
    if (image->protocol < PROTOCOL_MIN ||
        !(data[LOADFLAGS_OFFSET] & LOADED_HIGH)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "not a bzImage: boot protocol 0x%04x, load flags 0x%02x",
                    image->protocol, data[LOADFLAGS_OFFSET]);
        return FALSE;
    }
    if (size < code_size(data)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "bzImage is cut short: %" G_GSIZE_FORMAT
                    " bytes of at least %" G_GUINT64_FORMAT,
                    size, code_size(data));
        return FALSE;
    }
    image->version = version_read(data, size);
    return TRUE;
}

gboolean kernel_image_parse(BzImage *image, gboolean elf, const guint8 *data,
                            gsize size, GError **error)
{
    const guint8 *banner;

    if (!elf || size < ELF_MAGIC_SIZE ||
        memcmp(data, ELF_MAGIC, ELF_MAGIC_SIZE)) {
        return bzimage_parse(image, data, size, error);
    }
    banner = memmem(data, size, BANNER, strlen(BANNER));
    image->protocol = 0;
    image->version = banner
                         ? word_read(data, size, banner + strlen(BANNER) - data)
                         : g_strdup("");
    return TRUE;
}

void bzimage_clear(BzImage *image)
{
    g_clear_pointer(&image->version, g_free);
}
