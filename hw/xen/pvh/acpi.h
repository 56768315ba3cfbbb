/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ACPI tables of a PVH guest, as Xen's toolstack makes them. */
#ifndef JUMPCUT_HW_XEN_PVH_ACPI_H
#define JUMPCUT_HW_XEN_PVH_ACPI_H

#include <stdint.h>

#define PVH_PAGE 4096u

/* xen: ACPI_INFO_PHYSICAL_ADDRESS; then the tables, then the RSDP's page. */
#define PVH_ACPI_PA          0xfc000000u
#define PVH_ACPI_TABLES_PA   (PVH_ACPI_PA + PVH_PAGE)
#define PVH_ACPI_TABLES_SIZE (7 * PVH_PAGE)
#define PVH_RSDP_PA          (PVH_ACPI_TABLES_PA + PVH_ACPI_TABLES_SIZE)
#define PVH_RSDP_SIZE        64u
#define PVH_ACPI_SIZE        (PVH_RSDP_PA + PVH_PAGE - PVH_ACPI_PA)

#define PVH_ACPI_VCPUS_MAX 128u

typedef struct PvhAcpiConfig {
    unsigned nr_vcpus;        /* 1 to PVH_ACPI_VCPUS_MAX */
    unsigned nr_online;       /* the first of them; the rest is disabled */
    const uint32_t *apic_ids; /* of each vCPU */
} PvhAcpiConfig;

/*
 * Fill @area, the PVH_ACPI_SIZE bytes of guest memory at PVH_ACPI_PA (xen:
 * tools/libacpi/build.c, with what libxl_x86_acpi.c asks of it: no I/O APIC,
 * PM timer, RTC, VGA or keyboard controller).
 *
 * DEVIATION: the DSDT has the processors that there are and no method, where
 * Xen's has 128 of them and the methods of a hotplug event no PVH guest gets;
 * a local APIC's id is what the board gives it, where Xen's is twice the
 * number of the vCPU.
 */
void pvh_acpi_build(uint8_t *area, const PvhAcpiConfig *config);

#endif
