/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ELF kernel with a PVH entry point. */
#ifndef JUMPCUT_HW_XEN_PVH_KERNEL_ELF_H
#define JUMPCUT_HW_XEN_PVH_KERNEL_ELF_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PVH_SEGMENTS_MAX 32u

/* What goes to guest physical memory from the file, zeros up to mem_size. */
typedef struct PvhSegment {
    uint64_t pa;       /* bytes */
    uint64_t mem_size; /* at least file_size */
    size_t file_off, file_size;
} PvhSegment;

typedef struct PvhElf {
    uint32_t entry;      /* physical, of XEN_ELFNOTE_PHYS32_ENTRY */
    uint64_t start, end; /* physical, of all segments */
    PvhSegment segments[PVH_SEGMENTS_MAX];
    unsigned nr_segments;
} PvhElf;

bool pvh_elf_is(const uint8_t *data, size_t size);

/*
 * Read the headers and notes of a 32- or 64-bit little-endian x86 image
 * (xen: common/libelf).  On success all segments lie inside @data, none wraps
 * and the entry point is in one of them.
 * @return: false and *@error set
 */
bool pvh_elf_parse(PvhElf *elf, const uint8_t *data, size_t size,
                   GError **error);

#endif
