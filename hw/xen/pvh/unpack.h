/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacking what a kernel image is packed with. */
#ifndef JUMPCUT_HW_XEN_PVH_UNPACK_H
#define JUMPCUT_HW_XEN_PVH_UNPACK_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Unpack @data, known by how it begins: gzip, bzip2, xz, lzma, zstd or the
 * legacy lz4 that Linux uses.  What follows the end of the packed stream is
 * left alone: Linux's build puts the unpacked size there.
 *
 * @max: most bytes of output; a stream that holds more is an error.
 * @return: the output; NULL and *@error set if the stream is damaged or packed
 * by something else.
 */
GBytes *pvh_unpack(const uint8_t *data, size_t size, size_t max,
                   GError **error);

#endif
