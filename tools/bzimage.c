/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognising a Linux bzImage by its boot protocol header, an ELF image by its
 * magic number.
 */
#define _GNU_SOURCE /* memmem */

#include <gio/gio.h>
#include <string.h>

#include "hw/linux-header.h"
#include "tools/bzimage.h"

/* From here on the size of the code is a 32-bit field. */
#define PROTOCOL_MIN       0x0204u
#define VERSION_LENGTH_MAX 256u
#define ELF_MAGIC          "\177ELF"
#define ELF_MAGIC_SIZE     4u
/* Of the banner that a kernel prints first, and /proc/version. */
#define BANNER "Linux version "

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

gboolean bzimage_parse(BzImage *image, const guint8 *data, gsize size,
                       GError **error)
{
    LinuxHeader h;

    if (!linux_header_read(&h, data, size)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "not a bzImage: %" G_GSIZE_FORMAT
                    " bytes, shorter than the boot header",
                    size);
        return FALSE;
    }
    if (h.boot_flag != LINUX_BOOT_FLAG) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "not a bzImage: boot flag 0x%04x instead of 0x%04x",
                    h.boot_flag, LINUX_BOOT_FLAG);
        return FALSE;
    }
    if (!h.magic) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "not a bzImage: no \"%s\" at offset 0x%x", LINUX_MAGIC,
                    LINUX_MAGIC_OFFSET);
        return FALSE;
    }
    if (h.protocol < PROTOCOL_MIN || !(h.load_flags & LINUX_LOADED_HIGH)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "not a bzImage: boot protocol 0x%04x, load flags 0x%02x",
                    h.protocol, h.load_flags);
        return FALSE;
    }
    if (size < h.setup_size + h.code_size) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "bzImage is cut short: %" G_GSIZE_FORMAT
                    " bytes of at least %" G_GUINT64_FORMAT,
                    size, h.setup_size + h.code_size);
        return FALSE;
    }
    image->protocol = h.protocol;
    image->version = h.version_at && h.version_at < size
                         ? word_read(data, size, h.version_at)
                         : g_strdup("");
    return TRUE;
}

gboolean kernel_image_parse(BzImage *image, const guint8 *data, gsize size,
                            GError **error)
{
    const guint8 *banner;

    if (size < ELF_MAGIC_SIZE || memcmp(data, ELF_MAGIC, ELF_MAGIC_SIZE)) {
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
