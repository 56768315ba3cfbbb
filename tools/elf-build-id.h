/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The build id of a program or shared object.
 */
#ifndef JUMPCUT_TOOLS_ELF_BUILD_ID_H
#define JUMPCUT_TOOLS_ELF_BUILD_ID_H

#include <glib.h>

/*
 * @return: the GNU build id of the ELF image in @data, hexadecimal, newly
 * allocated; NULL if it is no 64-bit little-endian ELF image or has none
 */
char *elf_build_id(const guint8 *data, gsize size);

#endif
