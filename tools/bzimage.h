/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognising a Linux kernel: a bzImage, or the ELF image it is made of.
 */
#ifndef JUMPCUT_TOOLS_BZIMAGE_H
#define JUMPCUT_TOOLS_BZIMAGE_H

#include <glib.h>

typedef struct BzImage {
    guint16 protocol; /* boot protocol, 0x0204 or later; ELF: 0 */
    char *version; /* first word of the kernel's version; "" if it has none */
} BzImage;

/*
 * @data: the whole file.  Fails with a message that names what is missing
 * (Linux: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header").
 */
gboolean bzimage_parse(BzImage *image, const guint8 *data, gsize size,
                       GError **error);
/*
 * The same, or an ELF image; its version is what follows "Linux version ", and
 * "" in what is no Linux.
 */
gboolean kernel_image_parse(BzImage *image, const guint8 *data, gsize size,
                            GError **error);
void bzimage_clear(BzImage *image);

#endif
