/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a toolstack puts into a PVH guest's memory before it starts: kernel,
 * initial RAM disk, start info, ACPI tables.
 */
#ifndef JUMPCUT_HW_XEN_PVH_BOOT_H
#define JUMPCUT_HW_XEN_PVH_BOOT_H

#include <glib.h>

#include "hw/xen/domain.h"
#include "hw/xen/pvh/acpi.h"

/* xen: libxl_dom.c, the hole for the local APICs, ACPI and special pages */
#define PVH_LOWMEM_END PVH_ACPI_PA

/* xen: X86_HVM_END_SPECIAL_REGION, X86_HVM_NR_SPECIAL_PAGES */
#define PVH_SPECIAL_PA   0xfeff8000u
#define PVH_SPECIAL_SIZE (8 * PVH_PAGE)

#define PVH_MAP_MAX 6u
/*
 * The memory map of a guest with @ram_size bytes, in the order in which the
 * toolstack tells it (xen: libxl_x86.c, libxl__arch_domain_construct_memmap).
 * @return: how many ranges
 */
unsigned pvh_memory_map(uint64_t ram_size, XenMemoryRange map[PVH_MAP_MAX]);

typedef struct PvhBootConfig {
    GBytes *kernel;      /* ELF image or bzImage */
    GBytes *initrd;      /* or NULL */
    const char *cmdline; /* or NULL */
    uint64_t ram_size;   /* bytes */
    PvhAcpiConfig acpi;
} PvhBootConfig;

typedef struct PvhBoot PvhBoot;

/* @return: NULL and *@error set if the kernel is none, or all does not fit. */
PvhBoot *pvh_boot_new(const PvhBootConfig *config, GError **error);
void pvh_boot_free(PvhBoot *boot);

/* What vCPU 0 starts with: EIP, and EBX, the start info's address. */
uint32_t pvh_boot_entry(const PvhBoot *boot);
uint32_t pvh_boot_start_info(const PvhBoot *boot);

/* @return: false if some of [@pa, @pa + @len) is not the guest's memory */
typedef bool PvhWriteFn(GuestPhys pa, const void *buf, size_t len);

/*
 * Write everything, each time the guest starts.
 * @return: false if some of it is not the guest's memory
 */
bool pvh_boot_write(const PvhBoot *boot, PvhWriteFn *write);

#endif
