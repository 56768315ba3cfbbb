/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel images for tests of the PVH loader: small, whole, and to be damaged.
 */
#ifndef JUMPCUT_TESTS_UNIT_PVH_IMAGE_H
#define JUMPCUT_TESTS_UNIT_PVH_IMAGE_H

#include <glib.h>

#define PVH_IMAGE_PA    0x200000u
#define PVH_IMAGE_ENTRY (PVH_IMAGE_PA + 0x10)
#define PVH_IMAGE_BSS   0x1800u /* zeros after what is in the file */
/* Where in an image its segment's bytes are, and how many. */
#define PVH_IMAGE_BODY      0x200u
#define PVH_IMAGE_BODY_SIZE 0x300u
/* Where its note's descriptor, and its two program headers, are. */
#define PVH_IMAGE_DESC 0x190u

/* An ELF image with one segment and the PVH note; @wide: of 64 bits */
GByteArray *pvh_image_elf(gboolean wide);
/* A bzImage around @payload, which is packed already */
GByteArray *pvh_image_bzimage(const void *payload, gsize size);

#endif
