/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables of a PVH guest, as Xen's toolstack makes them.
 *
 * Offsets of fields are those of the ACPI specification 5.0, chapter 5.2.
 */
#include "hw/xen/pvh/acpi.h"

#include <assert.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define TABLE_ALIGN 16u
#define HEADER_SIZE 36u
#define CHECKSUM    9u /* in a table's header */

#define FACS_SIZE    64u
#define FADT_SIZE    268u
#define FADT_V1_SIZE 116u

/* Multiple APIC description table */
#define MADT_SIZE        44u
#define MADT_PCAT_COMPAT 1u
#define MADT_LAPIC       0u
#define MADT_X2APIC      9u
#define LAPIC_PA         0xfee00000u
#define APIC_ID_XAPIC    0xffu /* and above: only for x2APICs */

/* Fixed ports of Xen's FADT; in a PVH guest nothing is behind them. */
#define PM1A_EVT 0xb000u
#define PM1A_CNT 0xb004u
#define GPE0     0xafe0u
#define RESET    0xcf9u

/* WBINVD, C1, no power nor sleep button, no fixed RTC, platform's clock */
#define FADT_FLAGS   0x8175u
#define BOOT_NO_VGA  (1u << 2)
#define BOOT_NO_RTC  (1u << 5)
#define SPACE_IO     1u
#define RSDP_V1_SIZE 20u
#define RSDP_V2_SIZE 36u

/* AML */
#define AML_NAME       0x08
#define AML_BYTE       0x0a
#define AML_STRING     0x0d
#define AML_SCOPE      0x10
#define AML_EXT        0x5b
#define AML_EXT_DEVICE 0x82
#define STA_PRESENT    0x0f

/* Where the next table goes. */
typedef struct Tables {
    uint8_t *area;
    uint32_t used;
} Tables;

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static void checksum(uint8_t *at, unsigned where, uint32_t len)
{
    uint8_t sum = 0;

    at[where] = 0;
    for (uint32_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + at[i]);
    }
    at[where] = (uint8_t)-sum;
}

static uint32_t table_pa(const Tables *t, const uint8_t *at)
{
    return (uint32_t)(PVH_ACPI_TABLES_PA + (at - t->area));
}

/* The largest configuration fits: see the unit test. */
static uint8_t *table_new(Tables *t, uint32_t len)
{
    uint8_t *at = t->area + t->used;

    assert(len <= PVH_ACPI_TABLES_SIZE - t->used);
    t->used += (len + TABLE_ALIGN - 1) & ~(TABLE_ALIGN - 1);
    return at;
}

static void table_header(uint8_t *at, const char *signature, uint32_t len,
                         uint8_t revision)
{
    memcpy(at, signature, 4);
    put(at + 4, len, 4);
    at[8] = revision;
    memcpy(at + 10, "Xen\0\0\0", 6);
    memcpy(at + 16, "HVM\0\0\0\0\0", 8);
    memcpy(at + 28, "HVML", 4);
}

/* A generic address structure of a block of ports */
static void put_gas(uint8_t *at, unsigned bits, uint64_t address)
{
    at[0] = SPACE_IO;
    at[1] = (uint8_t)bits;
    put(at + 4, address, 8);
}

static uint8_t *facs_new(Tables *t)
{
    uint8_t *at = table_new(t, FACS_SIZE);

    memcpy(at, "FACS", 4);
    put(at + 4, FACS_SIZE, 4);
    at[32] = 1; /* version */
    return at;
}

/* @len: FADT_SIZE, or FADT_V1_SIZE for what the RSDT names */
static uint8_t *fadt_new(Tables *t, uint32_t len, uint32_t facs, uint32_t dsdt)
{
    uint8_t *at = table_new(t, len);
    bool v1 = len == FADT_V1_SIZE;

    table_header(at, "FACP", len, v1 ? 1 : 5);
    put(at + 36, facs, 4);
    put(at + 40, dsdt, 4);
    put(at + 46, 9, 2); /* SCI's interrupt */
    put(at + 56, PM1A_EVT, 4);
    put(at + 64, PM1A_CNT, 4);
    put(at + 80, GPE0, 4);
    at[88] = 4; /* bytes of PM1 event block, control block, GPE block */
    at[89] = 2;
    at[92] = 4;
    put(at + 96, 0xfff, 2); /* latencies: no C2, no C3 */
    put(at + 98, 0xfff, 2);
    put(at + 112, FADT_FLAGS, 4);
    if (!v1) {
        put(at + 109, BOOT_NO_VGA | BOOT_NO_RTC, 2);
        put_gas(at + 116, 8, RESET);
        at[128] = 6; /* what resets */
        put(at + 132, facs, 8);
        put(at + 140, dsdt, 8);
        put_gas(at + 148, 32, PM1A_EVT);
        put_gas(at + 172, 16, PM1A_CNT);
    }
    checksum(at, CHECKSUM, len);
    return at;
}

/* PkgLength of a package of @len bytes after it, always in three bytes. */
#define AML_LENGTH 3u
static uint8_t *aml_length(uint8_t *p, uint32_t len)
{
    len += AML_LENGTH;
    *p++ = (uint8_t)(2u << 6 | (len & 0xf));
    *p++ = (uint8_t)(len >> 4);
    *p++ = (uint8_t)(len >> 12);
    return p;
}

static uint8_t *aml_name(uint8_t *p, const char *name)
{
    *p++ = AML_NAME;
    memcpy(p, name, 4);
    return p + 4;
}

static uint8_t *aml_name_byte(uint8_t *p, const char *name, unsigned value)
{
    p = aml_name(p, name);
    *p++ = AML_BYTE;
    *p++ = (uint8_t)value;
    return p;
}

#define PROCESSOR_HID  "ACPI0007"
#define PROCESSOR_BODY (4 + 6 + sizeof(PROCESSOR_HID) + 2 * 7)
#define PROCESSOR_SIZE (2 + AML_LENGTH + PROCESSOR_BODY)

static uint8_t *aml_processor(uint8_t *p, unsigned vcpu, bool online)
{
    char name[16];

    *p++ = AML_EXT;
    *p++ = AML_EXT_DEVICE;
    p = aml_length(p, PROCESSOR_BODY);
    g_snprintf(name, sizeof(name), "PR%02X", vcpu);
    memcpy(p, name, 4);
    p = aml_name(p + 4, "_HID");
    *p++ = AML_STRING;
    memcpy(p, PROCESSOR_HID, sizeof(PROCESSOR_HID));
    p = aml_name_byte(p + sizeof(PROCESSOR_HID), "_UID", vcpu);
    return aml_name_byte(p, "_STA", online ? STA_PRESENT : 0);
}

/*
 * The processors, and no \_S5: a PVH guest powers off by a hypercall, or with
 * its last vCPU down.
 */
static uint8_t *dsdt_new(Tables *t, const PvhAcpiConfig *c)
{
    static const char scope[] = {'\\', '_', 'S', 'B', '_'};
    uint32_t body = (uint32_t)(sizeof(scope) + c->nr_vcpus * PROCESSOR_SIZE);
    uint32_t len = HEADER_SIZE + 1 + AML_LENGTH + body;
    uint8_t *at = table_new(t, len), *p = at + HEADER_SIZE;

    table_header(at, "DSDT", len, 5);
    *p++ = AML_SCOPE;
    p = aml_length(p, body);
    memcpy(p, scope, sizeof(scope));
    p += sizeof(scope);
    for (unsigned i = 0; i < c->nr_vcpus; i++) {
        p = aml_processor(p, i, i < c->nr_online);
    }
    assert(p == at + len);
    checksum(at, CHECKSUM, len);
    return at;
}

static uint8_t *madt_entry(uint8_t *p, unsigned vcpu, uint32_t apic_id,
                           bool online)
{
    if (apic_id < APIC_ID_XAPIC) {
        p[0] = MADT_LAPIC;
        p[1] = 8;
        p[2] = (uint8_t)vcpu;
        p[3] = (uint8_t)apic_id;
        put(p + 4, online, 4);
    } else {
        p[0] = MADT_X2APIC;
        p[1] = 16;
        put(p + 4, apic_id, 4);
        put(p + 8, online, 4);
        put(p + 12, vcpu, 4);
    }
    return p + p[1];
}

static uint8_t *madt_new(Tables *t, const PvhAcpiConfig *c)
{
    uint8_t *at = table_new(t, MADT_SIZE + 16 * c->nr_vcpus);
    uint8_t *p = at + MADT_SIZE;

    put(at + 36, LAPIC_PA, 4);
    put(at + 40, MADT_PCAT_COMPAT, 4);
    for (unsigned i = 0; i < c->nr_vcpus; i++) {
        p = madt_entry(p, i, c->apic_ids[i], i < c->nr_online);
    }
    table_header(at, "APIC", (uint32_t)(p - at), 2);
    checksum(at, CHECKSUM, (uint32_t)(p - at));
    return at;
}

/* The RSDT (@width 4) or XSDT (8) */
static uint8_t *root_new(Tables *t, const char *signature, unsigned width,
                         uint32_t fadt, uint32_t madt)
{
    uint32_t len = HEADER_SIZE + 2 * width;
    uint8_t *at = table_new(t, len);

    table_header(at, signature, len, 1);
    put(at + HEADER_SIZE, fadt, width);
    put(at + HEADER_SIZE + width, madt, width);
    checksum(at, CHECKSUM, len);
    return at;
}

/* xen: struct acpi_info; a PVH guest's DSDT does not look at it */
static void info_fill(uint8_t *at, const PvhAcpiConfig *c, uint32_t madt)
{
    put(at + 2, c->nr_vcpus, 2);
    put(at + 12, madt + CHECKSUM, 4);
    put(at + 16, madt + MADT_SIZE, 4);
}

static void rsdp_fill(uint8_t *at, uint32_t rsdt, uint32_t xsdt)
{
    memcpy(at, "RSD PTR ", 8);
    memcpy(at + 9, "Xen\0\0\0", 6);
    at[15] = 2; /* revision */
    put(at + 16, rsdt, 4);
    put(at + 20, RSDP_V2_SIZE, 4);
    put(at + 24, xsdt, 8);
    checksum(at, 8, RSDP_V1_SIZE);
    checksum(at, 32, RSDP_V2_SIZE);
}

void pvh_acpi_build(uint8_t *area, const PvhAcpiConfig *config)
{
    Tables t = {.area = area + PVH_PAGE};
    uint32_t facs, dsdt, fadt_v1, fadt, madt, xsdt, rsdt;

    assert(config->nr_vcpus && config->nr_vcpus <= PVH_ACPI_VCPUS_MAX);
    memset(area, 0, PVH_ACPI_SIZE);
    facs = table_pa(&t, facs_new(&t));
    dsdt = table_pa(&t, dsdt_new(&t, config));
    fadt_v1 = table_pa(&t, fadt_new(&t, FADT_V1_SIZE, facs, dsdt));
    fadt = table_pa(&t, fadt_new(&t, FADT_SIZE, facs, dsdt));
    madt = table_pa(&t, madt_new(&t, config));
    xsdt = table_pa(&t, root_new(&t, "XSDT", 8, fadt, madt));
    rsdt = table_pa(&t, root_new(&t, "RSDT", 4, fadt_v1, madt));
    info_fill(area, config, madt);
    rsdp_fill(area + (PVH_RSDP_PA - PVH_ACPI_PA), rsdt, xsdt);
}
