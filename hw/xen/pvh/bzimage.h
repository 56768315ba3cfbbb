/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel proper inside of a Linux bzImage. */
#ifndef JUMPCUT_HW_XEN_PVH_BZIMAGE_H
#define JUMPCUT_HW_XEN_PVH_BZIMAGE_H

#include <glib.h>
#include <stdint.h>

/*
 * Unpack the ELF image inside (Linux: Documentation/arch/x86/boot.rst,
 * payload_offset; xen: xg_dom_bzimageloader.c).
 * @return: NULL and *@error set if there is none.
 */
GBytes *pvh_bzimage_unpack(const uint8_t *data, size_t size, size_t max,
                           GError **error);

#endif
